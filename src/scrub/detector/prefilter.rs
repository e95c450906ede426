//! One look at the bytes for every needle of every rule, with no false negative.
//!
//! Each needle is known by what is rarest in it, a *window* of it (`window`), and there
//! are two ways to look for windows:
//!
//! - **At every position** (`every`), where the processor has the part of AVX-512 that
//!   looks up 128 bytes at once (`avx512`): windows of four bytes are hashed and looked up
//!   in bitmaps that stay in registers.
//! - **At even positions** (`even`), everywhere else. Needles of five bytes and more have
//!   two neighbouring windows of four, which a set in the first-level cache (`sieve`) says
//!   no to; shorter ones go through a filter by nibble (`tables`) at every position
//!   (`avx2`), or are looked up one by one (`portable`).
//!
//! The cost is the same for ten needles and for thousands as long as the windows are some
//! hundreds, for which `window` chooses them together.
//!
//! What is found is compared with the whole needle and put through the needle's
//! [`Check`], which looks at the bytes behind it. Only then is it a hit.
//!
//! A long run of base64 characters is a hit too ([`RUN`]), since an encoding hides
//! every needle, and so is one of letters and digits behind a separator in such a run;
//! and so is a disguised character ([`DISGUISE`]).
//!
//! A test holds every scan, and the obvious search, equal.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod buckets;
mod check;
mod even;
#[cfg(target_arch = "x86_64")]
mod every;
mod lookup;
#[cfg(target_arch = "x86_64")]
mod octets;
mod portable;
mod repeated;
mod runs;
mod sample;
#[cfg(target_arch = "x86_64")]
mod screen;
mod sieve;
mod tables;
mod window;

pub(in crate::scrub) use check::BORDER_REACH;
pub(in crate::scrub) use check::CHECK_REACH;
pub(in crate::scrub) use check::Check;

use std::ops::Range;
use std::ops::RangeInclusive;

use even::Even;
#[cfg(target_arch = "x86_64")]
use every::Every;
use lookup::Lookup;
use repeated::Repeated;

/// The needle of a hit that is a run of base64 characters.
///
/// Its position is that of the run's twentieth character: in a request, the byte
/// before a text is its length, and may look like the first of the run.
pub(in crate::scrub) const RUN: u32 = u32::MAX;

/// The needle of a hit that is a character outside ASCII which a reader does not see, or
/// takes for an ASCII letter, and an ASCII letter or digit behind it, perhaps behind a sign
/// of base64 or a dot.
///
/// Its position is that of what stands behind.
pub(in crate::scrub) const DISGUISE: u32 = u32::MAX - 1;

/// The needle of a hit that stands for a piece of a text in which something was found.
pub(in crate::scrub) const PIECE: u32 = u32::MAX - 2;

/// How many base64 characters in a row are a run. Twenty of them hold fifteen
/// bytes, the shortest `key=value` that is worth hiding.
pub(in crate::scrub) const RUN_LEN_MIN: usize = 20;

/// How long a needle is at least, in bytes; so is a hit of any other kind, with what it is
/// told by.
pub(in crate::scrub) const NEEDLE_LEN_MIN: usize = 3;

/// A literal to look for.
#[derive(Clone, Debug)]
pub(in crate::scrub) struct Needle {
    /// Its bytes, [`NEEDLE_LEN_MIN`] or more; lower case where `caseless`.
    pub(in crate::scrub) bytes: Vec<u8>,
    /// Whether ASCII letters match in either case.
    pub(in crate::scrub) caseless: bool,
    /// What must follow, cheaply looked at before a hit is reported.
    pub(in crate::scrub) check: Check,
}

impl Needle {
    /// Whether it is one letter over and over, and so is what stands before `start`: only
    /// where such a run begins can it be told from the run.
    fn goes_on_before(&self, bytes: &[u8], start: usize) -> bool {
        let Some((first, others)) = self.bytes.split_first() else { return false };
        start.checked_sub(1).and_then(|before| bytes.get(before)) == Some(first)
            && others.iter().all(|other| other == first)
    }

    /// Whether its bytes stand at `start`, whatever is behind them.
    fn stands_at(&self, bytes: &[u8], start: usize) -> bool {
        let found = bytes.get(start..start + self.bytes.len());
        found.is_some_and(|found| match self.caseless {
            true => found.eq_ignore_ascii_case(&self.bytes),
            false => found == self.bytes,
        })
    }
}

/// A needle that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scrub) struct Hit {
    /// Where it begins, in bytes.
    pub(in crate::scrub) at: u32,
    /// Its number in the list that the prefilter was made from, or [`RUN`].
    pub(in crate::scrub) needle: u32,
}

/// The compiled needles.
pub(in crate::scrub) struct Prefilter {
    needles: Vec<Needle>,
    /// The longest of them, and what its check looks at.
    reach: usize,
    way: Way,
}

/// How they are looked for.
enum Way {
    #[cfg(target_arch = "x86_64")]
    Every(Box<Every>),
    Even(Box<Even>),
}

/// The bit of each byte that tells upper from lower case letters.
const CASE: u32 = 0x2020_2020;

/// What a byte is taken for when windows are compared.
type Fold = fn(u8) -> u8;

/// The first three bytes of a window.
const THREE: u32 = 0x00ff_ffff;

impl Prefilter {
    /// Compiles the needles. Those of fewer than [`NEEDLE_LEN_MIN`] bytes are never found:
    /// give none.
    pub(in crate::scrub) fn new(needles: Vec<Needle>) -> Self {
        let longest = needles.iter().map(|needle| needle.bytes.len()).max();
        let reach = longest.unwrap_or_default().max(RUN_LEN_MIN + 1) + CHECK_REACH;
        #[cfg(target_arch = "x86_64")]
        if avx512::is_available() {
            let way = Way::Every(Box::new(Every::new(&needles)));
            return Self { needles, reach, way };
        }
        let way = Way::Even(Box::new(Even::new(&needles)));
        Self { needles, reach, way }
    }

    /// How far from where a needle may begin it is seen whether one does, in bytes.
    pub(in crate::scrub) fn reach(&self) -> usize {
        self.reach
    }

    /// Whether it looks for nothing.
    pub(in crate::scrub) fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// The bytes of a needle.
    pub(in crate::scrub) fn needle(&self, number: u32) -> Option<&[u8]> {
        self.needles.get(number as usize).map(|needle| needle.bytes.as_slice())
    }

    /// Adds every hit in `bytes` to `hits`, by position.
    pub(in crate::scrub) fn scan(&self, bytes: &[u8], hits: &mut Vec<Hit>) {
        self.scan_parts(bytes, std::slice::from_ref(&(0..bytes.len())), hits);
    }

    /// Adds every hit in parts of `bytes` to `hits`, by position in `bytes`. What goes on
    /// beyond a part is not seen.
    pub(in crate::scrub) fn scan_parts(
        &self,
        bytes: &[u8],
        parts: &[Range<usize>],
        hits: &mut Vec<Hit>,
    ) {
        if self.is_empty() {
            return;
        }
        let first = hits.len();
        match Repeated::find(bytes, parts, self.reach) {
            runs if runs.is_empty() => self.scan_each(bytes, parts, hits),
            runs => parts.iter().for_each(|part| self.scan_runs(bytes, part, &runs, hits)),
        }
        if let Some(new) = hits.get_mut(first..)
            && !new.is_sorted()
        {
            // Nearly in order: what is out of it stands in the same block, or in the next.
            new.sort();
        }
    }

    /// Scans a part in which a few bytes are repeated.
    #[cold]
    fn scan_runs(&self, bytes: &[u8], part: &Range<usize>, runs: &[Repeated], hits: &mut Vec<Hit>) {
        // From where on hits are missing.
        let mut from = part.start;
        let is_within =
            |run: &&Repeated| part.start <= run.inside.start && run.inside.end <= part.end;
        for run in runs.iter().filter(is_within) {
            let known = hits.len();
            self.scan_within(bytes, part, from..run.first_end(), hits);
            run.repeat(hits, known);
            from = run.inside.end;
        }
        self.scan_within(bytes, part, from..part.end, hits);
    }

    /// Adds the hits of a part that stand within a range of it, in order.
    fn scan_within(
        &self,
        bytes: &[u8],
        part: &Range<usize>,
        range: Range<usize>,
        hits: &mut Vec<Hit>,
    ) {
        let start = range.start.saturating_sub(self.reach).max(part.start);
        let end = part.end.min(range.end + self.reach);
        let mut new = Vec::new();
        self.scan_each(bytes, std::slice::from_ref(&(start..end)), &mut new);
        new.retain(|hit| range.contains(&(hit.at as usize)));
        new.sort_unstable();
        hits.append(&mut new);
    }

    /// Adds the hits in each part, nearly in order.
    fn scan_each(&self, bytes: &[u8], parts: &[Range<usize>], hits: &mut Vec<Hit>) {
        match &self.way {
            #[cfg(target_arch = "x86_64")]
            Way::Every(every) => avx512::scan(every, &self.needles, bytes, parts, hits),
            Way::Even(even) => {
                for part in parts {
                    let first = hits.len();
                    let part_bytes = bytes.get(part.clone()).unwrap_or_default();
                    #[cfg(target_arch = "x86_64")]
                    let done = avx2::scan(even, &self.needles, part_bytes, hits);
                    #[cfg(not(target_arch = "x86_64"))]
                    let done = 0;
                    portable::scan(even, &self.needles, part_bytes, done, hits);
                    shift(hits, first, part.start);
                }
            }
        }
    }
}

/// Has the hits behind the first ones stand `by` bytes further on.
#[inline]
pub(in crate::scrub::detector) fn shift(hits: &mut [Hit], first: usize, by: usize) {
    for hit in hits.iter_mut().skip(first) {
        hit.at += by as u32;
    }
}

/// The needles whose length is within `lengths`, with their numbers.
fn numbered(needles: &[Needle], lengths: RangeInclusive<usize>) -> Vec<(usize, &Needle)> {
    let numbered = needles.iter().enumerate();
    numbered.filter(|(_, needle)| lengths.contains(&needle.bytes.len())).collect()
}

/// Reports the needles of a window at `at` that are really there.
#[inline(never)]
fn confirm(
    needles: &[Needle],
    lookup: &Lookup,
    window: u32,
    bytes: &[u8],
    at: usize,
    hits: &mut Vec<Hit>,
) {
    lookup.find(window, bytes, at, needles, |number, start| {
        let Some(needle) = needles.get(number as usize) else { return };
        if needle.goes_on_before(bytes, start) {
            return;
        }
        let rest = bytes.get(start + needle.bytes.len()..).unwrap_or_default();
        if needle.check.holds(bytes, start, rest) {
            hits.push(Hit { at: start as u32, needle: number });
        }
    });
}

/// Reports the needles of which a window of three begins at `at`.
#[inline]
fn confirm_three(
    needles: &[Needle],
    lookup: &Lookup,
    bytes: &[u8],
    at: usize,
    hits: &mut Vec<Hit>,
) {
    let Some(window) = first_three(bytes.get(at..).unwrap_or_default()) else { return };
    if lookup.holds(window) {
        confirm(needles, lookup, window, bytes, at, hits);
    }
}

/// The first three bytes as a window.
#[inline]
fn first_three(rest: &[u8]) -> Option<u32> {
    match *rest {
        [a, b, c, d, ..] => Some(u32::from_le_bytes([a, b, c, d]) & THREE),
        [a, b, c] => Some(u32::from_le_bytes([a, b, c, 0])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::detector::bytes::ByteSet;
    use crate::scrub::detector::bytes::is_base64;
    use proptest::prelude::*;

    /// The obvious way: every needle at every position, no tables.
    fn obvious(needles: &[Needle], bytes: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        for at in 0..bytes.len() {
            for (number, needle) in needles.iter().enumerate() {
                if needle.stands_at(bytes, at)
                    && !needle.goes_on_before(bytes, at)
                    && needle.check.holds(bytes, at, &bytes[at + needle.bytes.len()..])
                {
                    hits.push(Hit { at: at as u32, needle: number as u32 });
                }
            }
            let begins_run = |is: fn(u8) -> bool| {
                let run = bytes[at..].iter().take_while(|&&b| is(b)).count();
                RUN_LEN_MIN <= run && (at == 0 || !is(bytes[at - 1]))
            };
            if begins_run(is_base64) || begins_run(|byte| byte.is_ascii_alphanumeric()) {
                runs::report(bytes, at + RUN_LEN_MIN - 1, &mut hits);
            }
            if 0 < at && !bytes[at - 1].is_ascii() && runs::goes_on(bytes[at]) {
                runs::report_disguise(bytes, at, &mut hits);
            }
        }
        hits.sort_unstable();
        hits
    }

    fn needles() -> Vec<Needle> {
        let none =
            |bytes: &str| Needle { bytes: bytes.into(), caseless: false, check: Check::None };
        let mut needles = vec![
            none("ghp_"),
            none("hf_"),
            none("sk-ant-api03-"),
            none("AKIA"),
            Needle { bytes: b"passw".to_vec(), caseless: true, check: Check::Key },
            Needle { bytes: b"token".to_vec(), caseless: true, check: Check::Key },
            Needle { bytes: b"://".to_vec(), caseless: false, check: Check::UserInfo },
            Needle {
                bytes: b"SG.".to_vec(),
                caseless: false,
                check: Check::Follow {
                    lead: ByteSet::of(b" "),
                    set: ByteSet::of(b"abcABC012"),
                    min: 3,
                },
            },
        ];
        needles.extend((0..200).map(|n| none(&format!("x{n:03}_"))));
        needles
    }

    fn every_way(bytes: &[u8]) {
        static NEEDLES: std::sync::LazyLock<Vec<Needle>> = std::sync::LazyLock::new(needles);
        static EVEN: std::sync::LazyLock<Even> = std::sync::LazyLock::new(|| Even::new(&NEEDLES));
        static PREFILTER: std::sync::LazyLock<Prefilter> =
            std::sync::LazyLock::new(|| Prefilter::new(needles()));
        let expected = obvious(&NEEDLES, bytes);
        let mut best = Vec::new();
        PREFILTER.scan(bytes, &mut best);
        assert_eq!(best, expected, "the best way");
        let mut portable = Vec::new();
        portable::scan(&EVEN, &NEEDLES, bytes, 0, &mut portable);
        portable.sort_unstable();
        assert_eq!(portable, expected, "the portable way");
        #[cfg(target_arch = "x86_64")]
        {
            let mut vector = Vec::new();
            let done = avx2::scan(&EVEN, &NEEDLES, bytes, &mut vector);
            portable::scan(&EVEN, &NEEDLES, bytes, done, &mut vector);
            vector.sort_unstable();
            assert_eq!(vector, expected, "the way with AVX2");
        }
    }

    /// Text that is full of needles and almost-needles.
    fn dense() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just("ghp_".to_owned()),
            Just("PASSWORD=".to_owned()),
            Just("token_count".to_owned()),
            Just("--token x1".to_owned()),
            Just("https://u:p@h/".to_owned()),
            Just("https://h:80/@".to_owned()),
            Just("SG.abc".to_owned()),
            Just("SG.".to_owned()),
            Just("sk-ant-api03-".to_owned()),
            Just("x017_".to_owned()),
            Just("g\u{200b}hр_".to_owned()),
            "[a-zA-Z0-9+/]{0,45}",
            "[ -~]{0,9}",
            "\\PC{0,5}",
        ];
        proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn every_scan_finds_what_the_obvious_search_finds(bytes in dense()) {
            every_way(&bytes);
        }

        #[test]
        fn arbitrary_bytes_are_scanned_alike(
            bytes in proptest::collection::vec(any::<u8>(), 0..300)
        ) {
            every_way(&bytes);
        }
    }

    #[test]
    fn what_is_repeated_is_found_as_often() {
        for (before, text, behind) in [
            ("", "password=", "x"),
            ("say ", "a", " ghp_"),
            ("ghp", "_ghp", "_ and more"),
            ("token", "token", "=x"),
            ("Ab0", "QUFB", " ghp_"),
            ("x", "https://u:p@h/ SG.abc Zm9vIGJhciBiYXogcXV4IGFuZA== ", "x"),
            ("--", "-", "-token x1 --token "),
            ("g\u{200b}", "hр_ghp_g\u{200b}", ""),
        ] {
            every_way(format!("{before}{}{behind}", text.repeat(20_000 / text.len())).as_bytes());
        }
    }

    #[test]
    fn a_needle_is_found_at_every_offset_of_a_step_and_of_a_block() {
        for offset in (0..80).chain(1000..1080) {
            let mut bytes = vec![b' '; offset];
            bytes.extend_from_slice(b"ghp_ and token: and hf_");
            every_way(&bytes);
        }
    }
}
