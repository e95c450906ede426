//! A set of windows in a table so small that it stays in the first-level cache.
//!
//! A window is looked up at two places of a table of bytes. It is in the set only if
//! the two have a bit in common: each window sets one of eight bits at both.

/// Multipliers of the two hashes, for the first two bytes of a window and for what comes
/// of that and the last two: odd numbers without a pattern. Sixteen bits are what one
/// vector instruction multiplies.
pub(super) const FACTORS: [[u16; 2]; 2] = [[0x9E37, 0xC2B3], [0x85EB, 0x27D5]];

/// Bytes of the table: half of a first-level cache.
pub(super) const LEN: usize = 1 << 14;

/// What is left of a hash of sixteen bits.
pub(super) const SHIFT: u32 = 2;

/// A set of windows.
pub(super) struct Sieve {
    table: Box<[u8; LEN]>,
}

impl Sieve {
    pub(super) fn new(windows: impl Iterator<Item = u32>) -> Self {
        let mut table = Box::new([0; LEN]);
        for (number, window) in windows.enumerate() {
            let bit = 1 << (number % 8);
            for place in places(window) {
                if let Some(byte) = table.get_mut(place) {
                    *byte |= bit;
                }
            }
        }
        Self { table }
    }

    /// What the two places of a window have in common.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "masked to the length of the table")]
    pub(super) fn both(&self, first: usize, second: usize) -> u8 {
        self.table[first & (LEN - 1)] & self.table[second & (LEN - 1)]
    }
}

/// Where a window is looked up.
#[inline(always)]
fn places(window: u32) -> [usize; 2] {
    let (low, high) = (window as u16, (window >> 16) as u16);
    FACTORS.map(|[a, b]| usize::from((low.wrapping_mul(a) ^ high).wrapping_mul(b) >> SHIFT))
}
