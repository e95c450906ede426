//! Tables by byte for windows of three, for the scan with AVX-512.
//!
//! For each byte of a window, a table says which of eight buckets the byte may belong to.
//! The tables do not look at bit 7 of a byte.

use crate::scrub::detector::prefilter::buckets;
use crate::scrub::detector::prefilter::window::Window;

/// Buckets: one bit each of a byte.
const BUCKETS: usize = 8;

/// For each of three bytes, by its lower seven bits: the buckets it may belong to.
pub(super) struct Octets {
    pub(super) tables: [[u8; 128]; 3],
}

impl Octets {
    pub(super) fn new(windows: &[Window]) -> Self {
        let mut tables = [[0; 128]; 3];
        let buckets = buckets::distribute(windows, BUCKETS, |set| set.or(set.with_bit_7_changed()));
        for (bucket, shape) in buckets.iter().enumerate() {
            for (table, set) in tables.iter_mut().zip(shape) {
                for byte in set.bytes() {
                    if let Some(entry) = table.get_mut(usize::from(byte & 0x7f)) {
                        *entry |= 1 << bucket;
                    }
                }
            }
        }
        Self { tables }
    }
}
