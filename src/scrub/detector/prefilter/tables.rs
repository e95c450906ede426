//! Tables by nibble for windows of three, for the scan with AVX2.
//!
//! For each byte of a window, two tables say which of sixteen buckets its low and its
//! high nibble may belong to.

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::prefilter::buckets;
use crate::scrub::detector::prefilter::window::Window;

/// Buckets: one bit each in two bytes.
const BUCKETS: usize = 16;

/// For each of three bytes and each half of the buckets: by low and by high nibble,
/// the buckets that the byte may belong to.
pub(super) struct Tables {
    pub(super) low: [[[u8; 16]; 2]; 3],
    pub(super) high: [[[u8; 16]; 2]; 3],
}

impl Tables {
    pub(super) fn new(windows: &[Window]) -> Self {
        let mut tables = Self { low: [[[0; 16]; 2]; 3], high: [[[0; 16]; 2]; 3] };
        for (number, shape) in buckets::distribute(windows, BUCKETS, mixed).iter().enumerate() {
            let (half, bit) = (number / 8, 1_u8 << (number % 8));
            let at_each = tables.low.iter_mut().zip(&mut tables.high).zip(shape);
            for ((low, high), set) in at_each {
                for byte in set.bytes() {
                    for (table, nibble) in [(&mut *low, byte & 15), (&mut *high, byte >> 4)] {
                        let half = table.get_mut(half);
                        if let Some(entry) = half.and_then(|it| it.get_mut(usize::from(nibble))) {
                            *entry |= bit;
                        }
                    }
                }
            }
        }
        tables
    }
}

/// Every byte with a low nibble and a high nibble of the set.
fn mixed(set: ByteSet) -> ByteSet {
    let (mut low, mut high) = (0_u16, 0_u16);
    for byte in set.bytes() {
        low |= 1 << (byte & 15);
        high |= 1 << (byte >> 4);
    }
    let has = |bits: u16, nibble: u8| bits >> nibble & 1 == 1;
    (0..=u8::MAX)
        .filter(|byte| has(low, byte & 15) && has(high, byte >> 4))
        .fold(ByteSet::EMPTY, ByteSet::with)
}
