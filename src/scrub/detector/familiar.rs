//! Attributes in which nothing was found, known again when they come again.
//!
//! Most attributes of a request stood in an earlier one, or in the record before: those of
//! resources, methods, names of hosts. To compare one with what came before takes a fraction
//! of the time of scanning it and walking through it. Whole attributes are compared, never a
//! hash alone, and only those are kept in which there is no hit, be it by themselves or where
//! they stand, or in which every hit was looked at and nothing came of it but what the bytes
//! of the attribute say.
//!
//! One is kept when it comes the second time, so that those that never come again push out
//! none that do.

mod rows;

use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use crate::scrub::detector::bytes::are_same;
use crate::scrub::detector::familiar::rows::Rows;
use crate::scrub::detector::recent::Seen;
use crate::scrub::otlp::ATTRIBUTE_LEN_MAX;
use crate::scrub::otlp::PartKind;

/// Attributes that a table keeps.
const SLOTS: usize = 4096;

/// Bytes of a slot: a length, a kind, an attribute.
const SLOT: usize = ATTRIBUTE_LEN_MAX + 2;

/// Attributes that came once of which a table knows.
const ONCE: usize = 4 * SLOTS;

/// Tables at most: a thread looks into its own, mostly.
const TABLES_MAX: usize = 8;

/// How many attributes of a request are looked up before it is clear whether it pays.
const TRIED: u32 = 64;

/// Of how many at least one must be known, so that looking them up pays.
const ONE_OF: u32 = 4;

/// Of how many requests one is looked up whole in any case: what came anew comes again.
const WHOLE_EVERY: u32 = 16;

/// How long attributes are, mostly, in bytes.
const ATTRIBUTE_LEN_USUAL: usize = 40;

/// The memory of one detector.
pub(super) struct Familiar(Vec<Mutex<Table>>);

/// What one thread saw.
#[derive(Default)]
pub(super) struct Table {
    /// Empty until it is needed.
    slots: Vec<[u8; SLOT]>,
    /// For each slot, the one that was found to be known next.
    next: Vec<u16>,
    /// The slot that was found last.
    last: u16,
    once: Vec<u32>,
    rows: Rows,
    requests: u32,
    /// How many attributes of the request at hand were looked up, and were known.
    looked_up: u32,
    known: u32,
}

impl Familiar {
    /// A memory of up to `bytes`; of nothing with 0.
    pub(super) fn new(bytes: usize) -> Self {
        let tables = TABLES_MAX.min(bytes / (SLOTS * SLOT));
        Self((0..tables).map(|_| Mutex::default()).collect())
    }

    /// The table of this thread, for a request. `None` where there is none, or another
    /// thread uses it: it is cheaper to scan than to wait.
    pub(super) fn table(&self) -> Option<MutexGuard<'_, Table>> {
        let mut table = self.own()?;
        table.begin();
        Some(table)
    }

    fn own(&self) -> Option<MutexGuard<'_, Table>> {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static NUMBER: usize = THREADS.fetch_add(1, Ordering::Relaxed);
        }
        let number = NUMBER.with(|number| *number).checked_rem(self.0.len())?;
        self.0.get(number)?.try_lock().ok()
    }

    /// Keeps an attribute in the table of this thread.
    pub(super) fn keep(&self, kind: PartKind, part: &[u8]) {
        if let Some(mut table) = self.own() {
            table.keep(kind, part);
        }
    }
}

impl Table {
    fn begin(&mut self) {
        if self.slots.is_empty() {
            self.slots = vec![[0; SLOT]; SLOTS];
            self.next = vec![0; SLOTS];
            self.once = vec![0; ONCE];
        }
        self.requests = self.requests.wrapping_add(1);
        (self.looked_up, self.known) = (0, 0);
    }

    /// Whether looking up attributes of this request pays, from what is known so far.
    fn pays(&self) -> bool {
        self.looked_up < TRIED
            || self.looked_up / ONE_OF <= self.known
            || self.requests.is_multiple_of(WHOLE_EVERY)
    }

    /// What is known of an attribute.
    pub(super) fn look_up(&mut self, kind: PartKind, part: &[u8]) -> Seen {
        if !self.pays() {
            return Seen::Never;
        }
        self.looked_up += 1;
        // What came behind the last one comes behind it again, mostly.
        let guess = self.next.get(usize::from(self.last)).copied().unwrap_or_default();
        if self.holds(guess, kind, part) {
            self.known += 1;
            self.last = guess;
            return Seen::Clean;
        }
        let hash = hash(kind, part);
        if let Some(place) = places(hash).into_iter().find(|place| self.holds(*place, kind, part)) {
            self.known += 1;
            if let Some(next) = self.next.get_mut(usize::from(self.last)) {
                *next = place;
            }
            self.last = place;
            return Seen::Clean;
        }
        match self.once.get_mut((hash >> 32) as usize % ONCE) {
            Some(once) if *once == hash as u32 => Seen::Before,
            Some(once) => {
                *once = hash as u32;
                Seen::Never
            }
            None => Seen::Never,
        }
    }

    /// The length of the row of known attributes with which `bytes` begin.
    pub(super) fn row(&mut self, bytes: &[u8]) -> Option<usize> {
        let len = self.rows.find(bytes).filter(|_| self.pays())?;
        // About as many attributes as are in it.
        let count = (len / ATTRIBUTE_LEN_USUAL) as u32;
        self.looked_up += count;
        self.known += count;
        Some(len)
    }

    /// Keeps attributes that stand beside each other, all of them known.
    pub(super) fn keep_row(&mut self, row: &[u8]) {
        self.rows.keep(row);
    }

    #[inline]
    fn holds(&self, place: u16, kind: PartKind, part: &[u8]) -> bool {
        let slot = self.slots.get(usize::from(place));
        let Some([len, own, bytes @ ..]) = slot else { return false };
        usize::from(*len) == part.len()
            && *own == kind as u8
            && bytes.get(..part.len()).is_some_and(|bytes| are_same(bytes, part))
    }

    /// Keeps an attribute. Of the two at its places, one goes.
    pub(super) fn keep(&mut self, kind: PartKind, part: &[u8]) {
        let hash = hash(kind, part);
        let [first, second] = places(hash);
        let is_free = |place: u16| {
            self.slots.get(usize::from(place)).is_some_and(|slot| slot.first() == Some(&0))
        };
        let is_first = is_free(first) || !is_free(second) && hash & 1 == 0;
        let slot = self.slots.get_mut(usize::from(if is_first { first } else { second }));
        if let Some([len, own, bytes @ ..]) = slot
            && let Ok(part_len) = u8::try_from(part.len())
            && let Some(bytes) = bytes.get_mut(..part.len())
        {
            (*len, *own) = (part_len, kind as u8);
            bytes.copy_from_slice(part);
        }
    }
}

/// Where an attribute may stand.
fn places(hash: u64) -> [u16; 2] {
    let place = (hash >> 48) as u16 % SLOTS as u16;
    [place, place ^ 1]
}

/// A number that attributes which differ hardly share.
#[inline]
fn hash(kind: PartKind, part: &[u8]) -> u64 {
    // The golden ratio, and the digits of pi: odd numbers without a pattern.
    const FACTORS: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0x243F_6A88_85A3_08D3];
    let fold = |a: u64, b: u64| {
        let product = u128::from(a ^ FACTORS[0]) * u128::from(b ^ FACTORS[1]);
        product as u64 ^ (product >> 64) as u64
    };
    let mut hash = (part.len() as u64) << 8 | kind as u64;
    let (pairs, rest) = part.as_chunks::<16>();
    for pair in pairs {
        let (words, _) = pair.as_chunks::<8>();
        if let [first, second] = words {
            hash = fold(u64::from_le_bytes(*first) ^ hash, u64::from_le_bytes(*second));
        }
    }
    // The last sixteen bytes, which overlap with those before.
    let tail = match part.last_chunk::<16>() {
        Some(last) => *last,
        None => {
            let mut last = [0; 16];
            last.iter_mut().zip(rest).for_each(|(slot, byte)| *slot = *byte);
            last
        }
    };
    let tail = u128::from_le_bytes(tail);
    fold(hash ^ tail as u64, (tail >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: PartKind = PartKind::Attribute;

    fn come(table: &mut Table, part: &[u8]) -> Seen {
        let seen = table.look_up(KIND, part);
        if seen == Seen::Before {
            table.keep(KIND, part);
        }
        seen
    }

    fn table() -> Table {
        let mut table = Table::default();
        table.begin();
        table
    }

    fn part(number: usize, len: usize) -> Vec<u8> {
        format!("{number:06}").into_bytes().into_iter().cycle().take(len).collect()
    }

    #[test]
    fn an_attribute_is_known_when_it_comes_the_third_time_and_by_its_kind() {
        for len in [1, 7, 8, 15, 16, 17, 31, 32, 100, ATTRIBUTE_LEN_MAX] {
            let mut table = table();
            let part = part(1, len);
            let seen: Vec<Seen> = (0..4).map(|_| come(&mut table, &part)).collect();
            assert_eq!(seen, [Seen::Never, Seen::Before, Seen::Clean, Seen::Clean], "{len}");
            assert_ne!(table.look_up(PartKind::Value, &part), Seen::Clean);
        }
    }

    #[test]
    fn one_that_differs_in_any_byte_is_not_known() {
        let mut table = table();
        let part = part(1, 60);
        for _ in 0..3 {
            come(&mut table, &part);
        }
        for at in 0..part.len() {
            let mut other = part.clone();
            other[at] ^= 1;
            table.begin();
            assert_ne!(table.look_up(KIND, &other), Seen::Clean, "at {at}");
        }
        assert_ne!(table.look_up(KIND, &part[1..]), Seen::Clean);
        assert_eq!(table.look_up(KIND, &part), Seen::Clean);
    }

    #[test]
    fn a_request_of_which_nothing_is_known_is_soon_left_to_the_scan() {
        let mut table = table();
        for number in 0..1000 {
            table.look_up(KIND, &part(number, 50));
        }
        assert_eq!(table.looked_up, TRIED);
        let whole = (0..WHOLE_EVERY).filter(|_| {
            table.begin();
            for number in 0..1000 {
                table.look_up(KIND, &part(2000 + number, 50));
            }
            TRIED < table.looked_up
        });
        assert_eq!(whole.count(), 1);
    }

    #[test]
    fn what_comes_often_stays_beside_what_comes_once() {
        let mut table = table();
        for round in 0..50 {
            for number in 0..100 {
                table.begin();
                come(&mut table, &part(number, 40));
            }
            for number in 0..2000 {
                table.begin();
                come(&mut table, &part(1000 + 2000 * round + number, 40));
            }
        }
        let known = (0..100).filter(|number| {
            table.begin();
            table.look_up(KIND, &part(*number, 40)) == Seen::Clean
        });
        assert!(95 < known.count());
    }

    #[test]
    fn without_memory_there_is_no_table() {
        assert!(Familiar::new(0).table().is_none());
        assert!(Familiar::new(8 << 20).table().is_some());
    }
}
