//! The scan with AVX2: thirty-two positions at a time.
//!
//! For short needles, the three bytes that begin at each position are looked up by
//! nibble (`vpshufb`) in the tables of each half of the buckets; the conjunction of the
//! six lookups of a half is zero where no bucket of it can begin. For long ones, the
//! hashes of the windows at the sixteen even positions are computed at once; looking
//! them up is left to ordinary loads, of which a processor does two or three at a time.

#![expect(
    unsafe_code,
    reason = "vector loads; nothing else reaches 2 GB/s (measured against the portable scan)"
)]

use std::arch::x86_64::*;

use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::RUN_LEN_MIN;
use crate::scrub::detector::prefilter::even::Even;
use crate::scrub::detector::prefilter::runs;
use crate::scrub::detector::prefilter::sieve;
use crate::scrub::detector::prefilter::sieve::Sieve;
use crate::scrub::detector::prefilter::tables::Tables;

/// Positions looked at in one step.
const STEP: usize = 32;

/// Bytes that one step reads: the last position needs two more.
const READ: usize = STEP + 2;

/// Adds the hits of the first positions, in no particular order. Returns how many
/// positions were looked at: none where the machine has no AVX2.
pub(super) fn scan(even: &Even, needles: &[Needle], bytes: &[u8], hits: &mut Vec<Hit>) -> usize {
    let has_all = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("popcnt");
    if bytes.len() < READ || !has_all {
        return 0;
    }
    // SAFETY: what it needs was just detected.
    unsafe { scan_avx2(even, needles, bytes, hits) }
}

/// The eight tables of one half of the buckets.
struct Half {
    low: [__m256i; 3],
    high: [__m256i; 3],
}

impl Half {
    #[target_feature(enable = "avx2,bmi1,popcnt")]
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
    #[target_feature(enable = "avx2,bmi1,popcnt")]
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

/// Positions whose candidates are gathered before they are looked at: the loop that
/// gathers has no branch that depends on the bytes, and both loops stay in the cache.
const BLOCK: usize = 32 * STEP;

#[target_feature(enable = "avx2,bmi1,popcnt")]
fn scan_avx2(even: &Even, needles: &[Needle], bytes: &[u8], hits: &mut Vec<Hit>) -> usize {
    let halves = [Half::new(&even.tables, 0), Half::new(&even.tables, 1)];
    let [first, second] = &halves;
    let nibble = _mm256_set1_epi8(0x0f);
    // Bit n: byte n of the step before this one (low half) and of this one (high
    // half) is of the base64 alphabets.
    let mut base64 = 0_u64;
    // The same for letters and digits.
    let mut letters = 0_u64;
    // Whether the last byte of the step before is outside ASCII.
    let mut outside_before = 0;
    let mut at = 0;
    let mut short = Candidates::<{ BLOCK + SLACK }>::new();
    let mut long = [[0_u8; WINDOWS]; BLOCK / STEP];
    while at + READ <= bytes.len() {
        let block = at;
        short.len = 0;
        while at < block + BLOCK && at + READ <= bytes.len() {
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
            short.add(!(_mm256_movemask_epi8(none) as u32), at - block);
            let [first_bytes, _, third_bytes] = text;
            if let Some(found) = long.get_mut((at - block) / STEP) {
                windows(&even.sieve, first_bytes, third_bytes, found);
            }
            let [low, ..] = low;
            let [high, ..] = high;
            let in_base64 = base64_mask(low, high);
            let is_letter = in_base64 & !separator_mask(first_bytes, high);
            // Bit n of `behind`: the byte before byte n is outside ASCII, and a token may
            // go on with this one.
            let outside = _mm256_movemask_epi8(first_bytes) as u32;
            let mut behind = outside << 1 | outside_before;
            if behind != 0 {
                let dots = _mm256_cmpeq_epi8(first_bytes, _mm256_set1_epi8(b'.' as i8));
                behind &= in_base64 | _mm256_movemask_epi8(dots) as u32;
            }
            outside_before = outside >> 31;
            while behind != 0 {
                runs::report_disguise(bytes, at + behind.trailing_zeros() as usize, hits);
                behind &= behind - 1;
            }
            base64 = base64 >> 32 | u64::from(in_base64) << 32;
            letters = letters >> 32 | u64::from(is_letter) << 32;
            let mut ends = run_ends(base64) | run_ends(letters);
            while ends != 0 {
                // Bit 32 is `at`.
                runs::report(bytes, at + ends.trailing_zeros() as usize - 32, hits);
                ends &= ends - 1;
            }
            at += STEP;
        }
        for &candidate in short.found() {
            even.short(needles, bytes, block + usize::from(candidate), hits);
        }
        for (step, found) in long.iter().take((at - block) / STEP).enumerate() {
            let mut windows = nonzero(found);
            while windows != 0 {
                let window = step * WINDOWS + windows.trailing_zeros() as usize;
                even.long(needles, bytes, block + 2 * window, hits);
                windows &= windows - 1;
            }
        }
    }
    at
}

/// What is written behind the last candidate.
const SLACK: usize = 32;

/// Positions in a block that are to be looked at.
struct Candidates<const N: usize> {
    at: [u16; N],
    len: usize,
}

impl<const N: usize> Candidates<N> {
    fn new() -> Self {
        Self { at: [0; N], len: 0 }
    }

    fn found(&self) -> &[u16] {
        self.at.get(..self.len).unwrap_or_default()
    }

    /// Adds the position of each bit that is set, where bit 0 is at `base`.
    #[inline]
    #[target_feature(enable = "avx2,bmi1,popcnt")]
    fn add(&mut self, mut bits: u32, base: usize) {
        const AT_ONCE: usize = 4;
        let mut left = bits.count_ones() as usize;
        let mut len = self.len;
        self.len += left;
        // Four are written whether there are as many or not: a branch that mostly goes
        // one way is cheaper than one that cannot be foreseen.
        loop {
            if let Some(slots) = self.at.get_mut(len..).and_then(<[u16]>::first_chunk_mut) {
                let slots: &mut [u16; AT_ONCE] = slots;
                for slot in slots {
                    *slot = (base + (bits.trailing_zeros() as usize & 31)) as u16;
                    bits &= bits.wrapping_sub(1);
                }
            }
            if left <= AT_ONCE {
                break;
            }
            left -= AT_ONCE;
            len += AT_ONCE;
        }
    }
}

/// Looks up the window that begins at byte 2n, given the bytes of the step and those from
/// two positions further on: `found[n]` is not zero where it may be in the set.
#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn windows(sieve: &Sieve, low: __m256i, high: __m256i, found: &mut [u8; WINDOWS]) {
    let case = _mm256_set1_epi8(0x20);
    let (low, high) = (_mm256_or_si256(low, case), _mm256_or_si256(high, case));
    let [first, second] = sieve::FACTORS.map(|[a, b]| {
        let product =
            |bytes, factor: u16| _mm256_mullo_epi16(bytes, _mm256_set1_epi16(factor.cast_signed()));
        let hash = product(_mm256_xor_si256(product(low, a), high), b);
        let mut places = [0_u16; WINDOWS];
        let shifted = _mm256_srli_epi16(hash, sieve::SHIFT.cast_signed());
        // SAFETY: `places` is 32 bytes long, and the store needs no alignment.
        unsafe { _mm256_storeu_si256(places.as_mut_ptr().cast(), shifted) };
        places
    });
    for (window, found) in found.iter_mut().enumerate() {
        // SAFETY: `window` is below the length of both arrays. Volatile, since taking
        // them from memory is one load each, from the register it would be two steps.
        let [first, second] = [&first, &second]
            .map(|places| usize::from(unsafe { places.as_ptr().add(window).read_volatile() }));
        *found = sieve.both(first, second);
    }
}

/// Bit n: `found[n]` is not zero.
#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn nonzero(found: &[u8; WINDOWS]) -> u32 {
    // SAFETY: `found` is 16 bytes long, and the load needs no alignment.
    let found = unsafe { _mm_loadu_si128(found.as_ptr().cast()) };
    let zero = _mm_cmpeq_epi8(found, _mm_setzero_si128());
    !(_mm_movemask_epi8(zero) as u32) & 0xffff
}

/// Windows at the even positions of a step.
const WINDOWS: usize = STEP / 2;

/// Bit n: byte n is of the base64 alphabets.
///
/// By high nibble, which low nibbles are in: a bit for each class of high nibbles
/// that have the same low nibbles.
#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
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

/// Bit n: byte n, if it is of the base64 alphabets, is no letter and no digit.
#[inline]
#[target_feature(enable = "avx2,bmi1,popcnt")]
fn separator_mask(bytes: __m256i, high: __m256i) -> u32 {
    // `+`, `-` and `/` are all of them with the high nibble 2.
    let signs = _mm256_cmpeq_epi8(high, _mm256_set1_epi8(2));
    let underscores = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(b'_' as i8));
    _mm256_movemask_epi8(_mm256_or_si256(signs, underscores)) as u32
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
