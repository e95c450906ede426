//! From a window to the needles that it may begin.

use crate::scrub::detector::prefilter::CASE;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::window::Window;

/// From a window to the needles that it may begin.
pub(super) struct Lookup {
    /// One bit for each hash.
    bitmap: Box<[u64; WORDS]>,
    /// Open addressing: a window plus one; zero where there is none.
    keys: Vec<u64>,
    /// For each of `keys`, the range of `places` that it stands for.
    ranges: Vec<(u32, u32)>,
    places: Vec<Place>,
}

/// Where a window stands in a needle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The number of the needle.
    pub(super) needle: u32,
    /// Where the window stands in it.
    pub(super) offset: u32,
    /// The first eight bytes of the needle without regard to case, zero behind its end:
    /// a cheap second look before the needle is compared.
    front: u64,
    /// The bytes of `front` that are of the needle.
    mask: u64,
}

impl Place {
    fn new(needle: &Needle, number: usize, offset: usize) -> Self {
        let len = needle.bytes.len().min(8);
        let mut front = [0; 8];
        for (slot, byte) in front.iter_mut().zip(&needle.bytes) {
            *slot = byte | CASE as u8;
        }
        let mask = u64::MAX >> (64 - 8 * len);
        let front = u64::from_le_bytes(front);
        Self { needle: number as u32, offset: offset as u32, front, mask }
    }

    /// Whether the needle may begin where `rest` does.
    #[inline(always)]
    pub(super) fn may_begin(&self, rest: &[u8]) -> bool {
        const TWICE: u64 = CASE as u64 | (CASE as u64) << 32;
        // At the end of the text, the comparison of the needle decides.
        rest.first_chunk::<8>()
            .is_none_or(|chunk| (u64::from_le_bytes(*chunk) | TWICE) & self.mask == self.front)
    }
}

impl Lookup {
    /// Looks up these windows, each by the number given with it.
    pub(super) fn new<'w>(
        needles: &[Needle],
        windows: impl Iterator<Item = (u32, &'w Window)>,
    ) -> Self {
        let place = |window: &Window| {
            let needle = needles.get(window.needle)?;
            Some(Place::new(needle, window.needle, window.offset))
        };
        let mut entries: Vec<(u32, Place)> =
            windows.filter_map(|(number, window)| Some((number, place(window)?))).collect();
        entries.sort_unstable();
        entries.dedup();
        let slots = (entries.len() * 2).next_power_of_two().max(16);
        let mut lookup = Self {
            bitmap: Box::new([0; WORDS]),
            keys: vec![0; slots],
            ranges: vec![(0, 0); slots],
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
        let mask = self.keys.len() - 1;
        let mut slot = hash & mask;
        while self.keys.get(slot).is_some_and(|&key| key != 0) {
            slot = (slot + 1) & mask;
        }
        if let (Some(key), Some(range)) = (self.keys.get_mut(slot), self.ranges.get_mut(slot)) {
            *key = u64::from(window) + 1;
            *range = (start, end);
        }
    }

    /// Whether the window may be one of them.
    #[inline(always)]
    pub(super) fn holds(&self, window: u32) -> bool {
        let hash = hash(window);
        let word = self.bitmap.get(hash >> 6).copied().unwrap_or_default();
        word >> (hash & 63) & 1 == 1
    }

    #[inline]
    pub(super) fn get(&self, window: u32) -> &[Place] {
        let mask = self.keys.len() - 1;
        let mut slot = hash(window) & mask;
        while let Some(&key) = self.keys.get(slot)
            && key != 0
        {
            if key == u64::from(window) + 1 {
                let (start, end) = self.ranges.get(slot).copied().unwrap_or_default();
                return self.places.get(start as usize..end as usize).unwrap_or_default();
            }
            slot = (slot + 1) & mask;
        }
        &[]
    }
}

/// Bits of a hash: the bitmap takes 4 KiB.
const HASH_BITS: u32 = 15;

/// Words of the bitmap.
const WORDS: usize = 1 << (HASH_BITS - 6);

#[inline(always)]
fn hash(window: u32) -> usize {
    (window.wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS)) as usize
}
