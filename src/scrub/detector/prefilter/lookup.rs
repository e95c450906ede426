//! From a window to the needles that it may begin.

use crate::scrub::detector::prefilter::CASE;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::THREE;
use crate::scrub::detector::prefilter::window::Window;

/// From a window to the needles that it may begin.
pub(super) struct Lookup {
    /// One bit for each hash.
    bitmap: Box<[u64; WORDS]>,
    /// Open addressing: window and the range of `places` that it stands for.
    slots: Vec<Option<(u32, u32, u32)>>,
    places: Vec<Place>,
}

/// Where a window stands in a needle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The number of the needle.
    pub(super) needle: u32,
    /// Where the window stands in it.
    pub(super) offset: u32,
    /// Where its last four bytes begin, and what they are without regard to case: a
    /// cheap second look before the needle is compared.
    pub(super) tail_at: u32,
    /// See `tail_at`; three bytes have none.
    pub(super) tail: Option<u32>,
}

impl Lookup {
    /// Looks up these windows, each by the number given with it.
    pub(super) fn new<'w>(
        needles: &[Needle],
        windows: impl Iterator<Item = (u32, &'w Window)>,
    ) -> Self {
        let place = |window: &Window| {
            let bytes = needles.get(window.needle).map_or(&[][..], |needle| &needle.bytes);
            Place {
                needle: window.needle as u32,
                offset: window.offset as u32,
                tail_at: bytes.len().saturating_sub(4) as u32,
                tail: bytes.last_chunk::<4>().map(|tail| u32::from_le_bytes(*tail) | CASE),
            }
        };
        let mut entries: Vec<(u32, Place)> =
            windows.map(|(number, window)| (number, place(window))).collect();
        entries.sort_unstable();
        entries.dedup();
        let mut lookup = Self {
            bitmap: Box::new([0; WORDS]),
            slots: vec![None; (entries.len() * 4).next_power_of_two().max(16)],
            places: entries.iter().map(|entry| entry.1).collect(),
        };
        let mut start = 0;
        for chunk in entries.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(window, _)) = chunk.first() else { continue };
            lookup.insert(window, start, start + chunk.len() as u32);
            start += chunk.len() as u32;
        }
        lookup
    }

    fn insert(&mut self, window: u32, start: u32, end: u32) {
        let hash = hash(window);
        if let Some(word) = self.bitmap.get_mut(hash >> 6) {
            *word |= 1 << (hash & 63);
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash & mask;
        while self.slots.get(slot).is_some_and(Option::is_some) {
            slot = (slot + 1) & mask;
        }
        if let Some(free) = self.slots.get_mut(slot) {
            *free = Some((window, start, end));
        }
    }

    #[inline(always)]
    pub(super) fn holds(&self, window: u32) -> bool {
        let hash = hash(window);
        let word = self.bitmap.get(hash >> 6 & (WORDS - 1)).copied().unwrap_or_default();
        word >> (hash & 63) & 1 == 1
    }

    #[inline]
    pub(super) fn get(&self, window: u32) -> &[Place] {
        let mask = self.slots.len() - 1;
        let mut slot = hash(window) & mask;
        while let Some(&Some((found, start, end))) = self.slots.get(slot) {
            if found == window {
                return self.places.get(start as usize..end as usize).unwrap_or_default();
            }
            slot = (slot + 1) & mask;
        }
        &[]
    }
}

/// Bits of a hash: the bitmap takes 16 KiB, half of a first-level cache.
const HASH_BITS: u32 = 17;

/// Words of the bitmap.
const WORDS: usize = 1 << (HASH_BITS - 6);

/// A hash that windows of three and of four bytes share: one multiplication for both.
#[inline(always)]
fn hash(window: u32) -> usize {
    let three = (window & THREE).wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS);
    (three ^ (window >> 24 << 6)) as usize
}
