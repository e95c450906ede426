//! Rows of attributes that stand beside each other again and again: those of a resource, of
//! a kind of span. To compare a row takes a fraction of the time of reading its attributes
//! and looking up each.

use crate::scrub::detector::bytes::are_same;
use crate::scrub::detector::familiar::hash;
use crate::scrub::otlp::PartKind;

/// How long a row is, in bytes: a shorter one is hardly quicker to compare than its
/// attributes.
const LEN_MIN: usize = 128;
const LEN_MAX: usize = 1024;

/// A row is looked for by so many of its first bytes, most often one attribute.
const HEAD: usize = 32;

/// Sets of rows that begin alike, and rows of a set: at most a megabyte together.
const SETS: usize = 128;
const WAYS: usize = 8;

/// Rows that came once of which is known.
const ONCE: usize = 4 * SETS * WAYS;

/// The rows; none until the first one is kept.
#[derive(Default)]
pub(super) struct Rows {
    sets: Vec<[Box<[u8]>; WAYS]>,
    once: Vec<u32>,
    /// What is replaced next in a full set.
    turn: usize,
}

impl Rows {
    /// The length of the known row with which `bytes` begin.
    #[inline]
    pub(super) fn find(&self, bytes: &[u8]) -> Option<usize> {
        let set = self.sets.get(set_of(bytes)?)?;
        set.iter().find_map(|row| {
            let head = bytes.get(..row.len()).filter(|head| !head.is_empty())?;
            are_same(head, row).then_some(row.len())
        })
    }

    /// Keeps a row in which every attribute is known, if it is here for the second time.
    pub(super) fn keep(&mut self, row: &[u8]) {
        let Some(set) = set_of(row).filter(|_| row.len() <= LEN_MAX) else { return };
        if self.sets.is_empty() {
            self.sets = vec![Default::default(); SETS];
            self.once = vec![0; ONCE];
        }
        let number = hash(PartKind::Attribute, row);
        match self.once.get_mut((number >> 32) as usize % ONCE) {
            Some(once) if *once == number as u32 => {}
            Some(once) => {
                *once = number as u32;
                return;
            }
            None => return,
        }
        self.turn = (self.turn + 1) % WAYS;
        let Some(ways) = self.sets.get_mut(set) else { return };
        // The longer of two rows that begin alike is the better one.
        let way = ways.iter().position(|way| way.is_empty() || row.starts_with(way));
        if let Some(way) = ways.get_mut(way.unwrap_or(self.turn)) {
            *way = row.into();
        }
    }
}

/// The set in which rows are that begin like `bytes`; `None` if they are no row.
fn set_of(bytes: &[u8]) -> Option<usize> {
    let head = bytes.get(..LEN_MIN)?.first_chunk::<HEAD>()?;
    Some((hash(PartKind::Attribute, head) >> 48) as usize % SETS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn a_row_is_known_when_it_was_kept_twice_and_whatever_stands_behind_it() {
        for len in [LEN_MIN, 200, LEN_MAX] {
            let mut rows = Rows::default();
            assert_eq!(rows.find(&row(len)), None);
            rows.keep(&row(len));
            assert_eq!(rows.find(&row(len)), None);
            rows.keep(&row(len));
            assert_eq!(rows.find(&row(len)), Some(len));
            assert_eq!(rows.find(&[row(len), b"more".to_vec()].concat()), Some(len));
            assert_eq!(rows.find(&row(len - 1)), None);
        }
    }

    #[test]
    fn a_row_that_differs_in_any_byte_is_not_known() {
        let mut rows = Rows::default();
        (0..2).for_each(|_| rows.keep(&row(300)));
        for at in 0..300 {
            let mut other = row(300);
            other[at] ^= 1;
            assert_eq!(rows.find(&other), None, "at {at}");
        }
    }

    #[test]
    fn a_longer_row_takes_the_place_of_the_one_that_it_begins_with() {
        let mut rows = Rows::default();
        for len in [200, 300] {
            (0..2).for_each(|_| rows.keep(&row(len)));
            assert_eq!(rows.find(&row(400)), Some(len));
        }
    }

    #[test]
    fn what_is_too_short_or_too_long_is_no_row() {
        let mut rows = Rows::default();
        for len in [0, 1, LEN_MIN - 1, LEN_MAX + 1] {
            (0..3).for_each(|_| rows.keep(&row(len)));
            assert_eq!(rows.find(&row(len)), None, "{len}");
        }
    }
}
