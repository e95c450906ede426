//! From a window to the needles that it may be of.

use std::collections::HashMap;

use crate::scrub::detector::prefilter::CASE;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::window;
use crate::scrub::detector::prefilter::window::Window;

/// From a window to the needles that it may be of.
pub(super) struct Lookup {
    /// How long its windows are, in bytes.
    len: usize,
    /// One bit for each hash.
    bitmap: Box<[u64; WORDS]>,
    /// Open addressing.
    slots: Vec<Slot>,
    places: Vec<Place>,
    /// The needles of all places.
    ends: Vec<End>,
}

/// A window and the range of `places` that it stands for; free where that is empty.
#[derive(Clone, Copy, Default)]
struct Slot {
    window: u32,
    start: u32,
    end: u32,
    /// Which bytes may stand right before and right behind it, for any of the needles.
    beside: [Bytes; 2],
}

/// A set of bytes, which may have more of them than were added.
#[derive(Clone, Copy, Default)]
struct Bytes(u64);

impl Bytes {
    const ALL: Self = Self(u64::MAX);

    /// The set of this one, and of what is the same to some needle.
    fn of(byte: u8, caseless: bool) -> Self {
        let cases = window::cases(byte, caseless);
        Self(cases.into_iter().fold(0, |bits, byte| bits | 1 << (byte & 63)))
    }

    #[inline(always)]
    fn may_have(self, byte: u8) -> bool {
        self.0 >> (byte & 63) & 1 == 1
    }
}

/// Which bytes may stand beside a window of a needle: right before it, and right behind it.
fn beside(needle: &Needle, window: &Window) -> [Bytes; 2] {
    let before = window.offset.checked_sub(1);
    let at = [before, Some(window.offset + window.len)];
    at.map(|at| {
        let byte = at.and_then(|at| needle.bytes.get(at));
        byte.map_or(Bytes::ALL, |byte| Bytes::of(*byte, needle.caseless))
    })
}

/// Where a window stands in needles that look alike.
pub(super) struct Place {
    look: Look,
    /// The range of them in `ends`.
    ends: (u32, u32),
}

/// Up to eight bytes of a needle, compared at once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Eight {
    /// The bytes, letters in lower case where case does not count.
    bytes: u64,
    /// The bit of each letter that tells its case, where it does not count.
    case: u64,
    /// The bytes that are of the needle.
    mask: u64,
}

impl Eight {
    /// What `keep` says to keep of these, which are eight at most.
    fn new(bytes: &[u8], caseless: bool, keep: fn(u8) -> bool) -> Self {
        let (mut eight, mut case, mut mask) = ([0; 8], [0; 8], [0; 8]);
        let slots = eight.iter_mut().zip(&mut case).zip(&mut mask);
        for (((eight, case), mask), &byte) in slots.zip(bytes).filter(|(_, byte)| keep(**byte)) {
            *case = if caseless && byte.is_ascii_alphabetic() { CASE as u8 } else { 0 };
            (*eight, *mask) = (byte | *case, u8::MAX);
        }
        let [bytes, case, mask] = [eight, case, mask].map(u64::from_le_bytes);
        Self { bytes, case, mask }
    }

    #[inline(always)]
    fn is(&self, chunk: [u8; 8]) -> bool {
        (u64::from_le_bytes(chunk) | self.case) & self.mask == self.bytes
    }
}

/// The end of a needle.
struct End {
    /// The number of the needle.
    needle: u32,
    /// Its length.
    len: u32,
    /// Its last bytes.
    back: Eight,
}

impl End {
    fn new(needles: &[Needle], number: usize) -> Option<Self> {
        let Needle { bytes, caseless, .. } = needles.get(number)?;
        let mut back = Eight::new(bytes.get(bytes.len().saturating_sub(8)..)?, *caseless, |_| true);
        // A shorter needle ends where the eight bytes end.
        let before = 64 - 8 * bytes.len().min(8) as u32;
        let shifted = [back.bytes, back.case, back.mask].map(|it| it << before);
        [back.bytes, back.case, back.mask] = shifted;
        Some(Self { needle: number as u32, len: bytes.len() as u32, back })
    }

    /// Whether the needle stands at `start`.
    #[inline(always)]
    fn ends(&self, bytes: &[u8], start: usize, needles: &[Needle]) -> bool {
        let at = (start + self.len as usize).checked_sub(8);
        match at.and_then(|at| bytes.get(at..)?.first_chunk::<8>()) {
            Some(chunk) if !self.back.is(*chunk) => false,
            Some(_) if self.len <= 8 => true,
            _ => needles.get(self.needle as usize).is_some_and(|it| it.stands_at(bytes, start)),
        }
    }
}

/// What is cheaply seen of a needle, given where a window of it stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Look {
    /// Where the window stands in the needle.
    offset: u32,
    /// The letters and digits among its first bytes: needles that differ in what stands
    /// between words are many.
    front: Eight,
}

impl Look {
    fn new(needle: &Needle, offset: usize) -> Self {
        let head = needle.bytes.get(..8).unwrap_or(&needle.bytes);
        let front = Eight::new(head, needle.caseless, |byte| byte.is_ascii_alphanumeric());
        Self { offset: offset as u32, front }
    }

    /// Whether such a needle may begin where `rest` does.
    #[inline(always)]
    fn may_begin(&self, rest: &[u8]) -> bool {
        // At the end of the text, the comparison of the needle decides.
        rest.first_chunk::<8>().is_none_or(|chunk| self.front.is(*chunk))
    }
}

impl Lookup {
    /// Looks up these windows, which are as long as each other, each by the number given with it.
    pub(super) fn new<'w>(
        needles: &[Needle],
        windows: impl Iterator<Item = (u32, &'w Window)>,
    ) -> Self {
        let mut len = 0;
        let mut sets: HashMap<u32, [Bytes; 2]> = HashMap::new();
        let entry = |(number, window): (u32, &Window)| {
            let needle = needles.get(window.needle)?;
            let sets = sets.entry(number).or_default();
            let more = beside(needle, window);
            len = window.len;
            sets.iter_mut().zip(more).for_each(|(set, more)| set.0 |= more.0);
            Some((number, Look::new(needle, window.offset), window.needle))
        };
        let mut entries: Vec<(u32, Look, usize)> = windows.filter_map(entry).collect();
        entries.sort_unstable();
        entries.dedup();
        let slots = (entries.len() * 2).next_power_of_two().max(16);
        let mut lookup = Self {
            len,
            bitmap: Box::new([0; WORDS]),
            slots: vec![Slot::default(); slots],
            places: Vec::new(),
            ends: entries.iter().filter_map(|entry| End::new(needles, entry.2)).collect(),
        };
        let mut start = 0;
        for of_window in entries.chunk_by(|a, b| a.0 == b.0) {
            let first = lookup.places.len() as u32;
            for alike in of_window.chunk_by(|a, b| a.1 == b.1) {
                let Some(&(_, look, _)) = alike.first() else { continue };
                let end = start + alike.len() as u32;
                lookup.places.push(Place { look, ends: (start, end) });
                start = end;
            }
            if let Some(&(window, ..)) = of_window.first() {
                let (end, beside) = (lookup.places.len() as u32, sets.get(&window));
                let beside = beside.copied().unwrap_or([Bytes::ALL; 2]);
                lookup.insert(Slot { window, start: first, end, beside });
            }
        }
        lookup
    }

    fn insert(&mut self, new: Slot) {
        let hash = hash(new.window);
        if let Some(word) = self.bitmap.get_mut(hash >> 6) {
            *word |= 1 << (hash & 63);
        }
        let mask = self.slots.len() - 1;
        let mut at = hash & mask;
        while self.slots.get(at).is_some_and(|slot| slot.start < slot.end) {
            at = (at + 1) & mask;
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = new;
        }
    }

    /// Whether the window may be one of them.
    #[inline(always)]
    pub(super) fn holds(&self, window: u32) -> bool {
        let hash = hash(window);
        let word = self.bitmap.get(hash >> 6).copied().unwrap_or_default();
        word >> (hash & 63) & 1 == 1
    }

    /// Shows the needles that are there, with where they begin, given that the window
    /// stands at `at`.
    #[inline]
    pub(super) fn find(
        &self,
        window: u32,
        bytes: &[u8],
        at: usize,
        needles: &[Needle],
        mut show: impl FnMut(u32, usize),
    ) {
        for place in self.places(window, bytes, at) {
            let Some(start) = at.checked_sub(place.look.offset as usize) else { continue };
            if bytes.get(start..).is_none_or(|rest| !place.look.may_begin(rest)) {
                continue;
            }
            let (first, end) = place.ends;
            let ends = self.ends.get(first as usize..end as usize).unwrap_or_default();
            for end in ends.iter().filter(|end| end.ends(bytes, start, needles)) {
                show(end.needle, start);
            }
        }
    }

    #[inline]
    fn places(&self, window: u32, bytes: &[u8], at: usize) -> &[Place] {
        let mask = self.slots.len() - 1;
        let mut number = hash(window) & mask;
        while let Some(slot) = self.slots.get(number)
            && slot.start < slot.end
        {
            if slot.window == window {
                let [before, behind] = slot.beside;
                let may_be = |set: Bytes, at: Option<usize>| {
                    at.and_then(|at| bytes.get(at)).is_none_or(|byte| set.may_have(*byte))
                };
                if !may_be(before, at.checked_sub(1)) || !may_be(behind, Some(at + self.len)) {
                    return &[];
                }
                return self.places.get(slot.start as usize..slot.end as usize).unwrap_or_default();
            }
            number = (number + 1) & mask;
        }
        &[]
    }
}

/// Bits of a hash: the bitmap takes 16 KiB, and one in a hundred windows that are none of
/// the set has its bit set.
const HASH_BITS: u32 = 17;

/// Words of the bitmap.
const WORDS: usize = 1 << (HASH_BITS - 6);

#[inline(always)]
fn hash(window: u32) -> usize {
    (window.wrapping_mul(0x9E37_79B1) >> (32 - HASH_BITS)) as usize
}
