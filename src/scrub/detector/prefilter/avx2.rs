//! Needles of three bytes and runs with AVX2: thirty-two positions at a time.
//!
//! For each position, the three bytes that begin there are looked up by nibble
//! (`vpshufb`) in the tables of each half of the buckets; the conjunction of the
//! six lookups of a half is zero where no bucket of it can begin.

#![expect(
    unsafe_code,
    reason = "vector loads; nothing else reaches 2 GB/s (measured against the portable scan)"
)]

use std::arch::x86_64::*;

use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::Prefilter;
use crate::scrub::detector::prefilter::RUN_LEN_MIN;
use crate::scrub::detector::prefilter::portable;
use crate::scrub::detector::prefilter::runs;
use crate::scrub::detector::prefilter::tables::Tables;

/// Positions looked at in one step.
const STEP: usize = 32;

/// Bytes that one step reads: the last position needs two more.
const READ: usize = STEP + 2;

/// Adds the hits, in no particular order; `false` where the machine has no AVX2.
pub(super) fn scan(prefilter: &Prefilter, bytes: &[u8], hits: &mut Vec<Hit>) -> bool {
    if bytes.len() < READ || !is_x86_feature_detected!("avx2") {
        return false;
    }
    // SAFETY: AVX2 was just detected.
    unsafe { scan_avx2(prefilter, bytes, hits) };
    true
}

/// The eight tables of one half of the buckets.
struct Half {
    low: [__m256i; 3],
    high: [__m256i; 3],
}

impl Half {
    #[target_feature(enable = "avx2")]
    fn new(tables: &Tables, half: usize) -> Self {
        let load = |tables: &[[[u8; 16]; 2]; 3]| {
            tables.map(|position| {
                let table = position.get(half).copied().unwrap_or_default();
                // SAFETY: `table` is 16 bytes long, and the load needs no alignment.
                let table = unsafe { _mm_loadu_si128(table.as_ptr().cast()) };
                _mm256_broadcastsi128_si256(table)
            })
        };
        Self { low: load(&tables.low), high: load(&tables.high) }
    }

    /// Which buckets may begin at each position, given the nibbles of the three
    /// bytes from there on.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn buckets(&self, low: &[__m256i; 3], high: &[__m256i; 3]) -> __m256i {
        let [l0, l1, l2] = self.low;
        let [h0, h1, h2] = self.high;
        let [nl0, nl1, nl2] = *low;
        let [nh0, nh1, nh2] = *high;
        let both =
            |l, nl, h, nh| _mm256_and_si256(_mm256_shuffle_epi8(l, nl), _mm256_shuffle_epi8(h, nh));
        _mm256_and_si256(
            _mm256_and_si256(both(l0, nl0, h0, nh0), both(l1, nl1, h1, nh1)),
            both(l2, nl2, h2, nh2),
        )
    }
}

#[target_feature(enable = "avx2")]
fn scan_avx2(prefilter: &Prefilter, bytes: &[u8], hits: &mut Vec<Hit>) {
    let halves = [Half::new(&prefilter.tables, 0), Half::new(&prefilter.tables, 1)];
    let [first, second] = &halves;
    let nibble = _mm256_set1_epi8(0x0f);
    // Bit n: byte n of the step before this one (low half) and of this one (high
    // half) is of the base64 alphabets.
    let mut base64 = 0_u64;
    // Whether the last byte of the step before is outside ASCII.
    let mut outside_before = 0;
    let mut at = 0;
    while at + READ <= bytes.len() {
        let load = |offset: usize| {
            // SAFETY: `at + offset + STEP <= at + READ <= bytes.len()`, and the
            // load needs no alignment.
            unsafe { _mm256_loadu_si256(bytes.as_ptr().add(at + offset).cast()) }
        };
        let text = [load(0), load(1), load(2)];
        let low = text.map(|bytes| _mm256_and_si256(bytes, nibble));
        let high = text.map(|bytes| _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
        let any = _mm256_or_si256(first.buckets(&low, &high), second.buckets(&low, &high));
        let none = _mm256_cmpeq_epi8(any, _mm256_setzero_si256());
        let mut candidates = !(_mm256_movemask_epi8(none) as u32);
        while candidates != 0 {
            prefilter.three(bytes, at + candidates.trailing_zeros() as usize, hits);
            candidates &= candidates - 1;
        }
        let [low, ..] = low;
        let [high, ..] = high;
        let in_base64 = base64_mask(low, high);
        let [bytes_here, ..] = text;
        // Bit n of `behind`: byte n is of the alphabets, and the one before outside ASCII.
        let outside = _mm256_movemask_epi8(bytes_here) as u32;
        let mut behind = in_base64 & (outside << 1 | outside_before);
        outside_before = outside >> 31;
        while behind != 0 {
            runs::report_disguise(bytes, at + behind.trailing_zeros() as usize, hits);
            behind &= behind - 1;
        }
        base64 = base64 >> 32 | u64::from(in_base64) << 32;
        let mut ends = run_ends(base64);
        while ends != 0 {
            // Bit 32 is `at`.
            runs::report(bytes, at + ends.trailing_zeros() as usize - 32, hits);
            ends &= ends - 1;
        }
        at += STEP;
    }
    portable::scan(prefilter, bytes, at, hits);
}

/// Bit n: byte n is of the base64 alphabets.
///
/// By high nibble, which low nibbles are in: a bit for each class of high nibbles
/// that have the same low nibbles.
#[inline]
#[target_feature(enable = "avx2")]
fn base64_mask(low: __m256i, high: __m256i) -> u32 {
    // Classes: 0x2_: + - /; 0x3_: 0-9; 0x4_ and 0x6_: 1-15 (A-O, a-o);
    // 0x5_: 0-10 and 15 (P-Z, _); 0x7_: 0-10 (p-z).
    const BY_HIGH: [u8; 16] = [0, 0, 1, 2, 4, 8, 4, 16, 0, 0, 0, 0, 0, 0, 0, 0];
    const BY_LOW: [u8; 16] = [
        0b11010, 0b11110, 0b11110, 0b11110, 0b11110, 0b11110, 0b11110, 0b11110, 0b11110, 0b11110,
        0b11100, 0b00101, 0b00100, 0b00101, 0b00100, 0b01101,
    ];
    // SAFETY: both tables are 16 bytes long, and the loads need no alignment.
    let (by_high, by_low) = unsafe {
        (_mm_loadu_si128(BY_HIGH.as_ptr().cast()), _mm_loadu_si128(BY_LOW.as_ptr().cast()))
    };
    let class = _mm256_and_si256(
        _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(by_high), high),
        _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(by_low), low),
    );
    let out = _mm256_cmpeq_epi8(class, _mm256_setzero_si256());
    !(_mm256_movemask_epi8(out) as u32)
}

/// The bits of the upper half at which a run of set bits gets [`RUN_LEN_MIN`] long.
#[inline(always)]
fn run_ends(bits: u64) -> u64 {
    const { assert!(RUN_LEN_MIN == 20) };
    // Bit n: the 2, 4, 8, 16, then 20 bits up to n are set.
    let mut runs = bits & bits << 1;
    runs &= runs << 2;
    runs &= runs << 4;
    runs &= runs << 8;
    runs &= runs << 4;
    runs & !(runs << 1) & (u64::MAX << 32)
}
