//! One look at the bytes for every needle of every rule, with no false negative.
//!
//! Each needle is known by what is rarest in it, its *windows* (`window`), and there are
//! two ways to look for windows:
//!
//! - **Needles of five bytes and more** have two windows of four bytes at neighbouring
//!   positions. One of the two stands at an even position, so that only those are looked
//!   at: a set (`sieve`) says which windows are certainly none. That costs the same for
//!   ten needles and for thousands.
//! - **Needles of three and four bytes** have one window of three, looked for at every
//!   position. A filter does that for thirty-two positions at a time (`avx2`): sixteen
//!   buckets of windows, and for each byte of a window two tables by nibble that say
//!   which buckets the byte may belong to. It lets little through as long as the
//!   windows are few, some hundreds; what passes is looked up like the others.
//!
//! What is found is compared with the whole needle and put through the needle's
//! [`Check`], which looks at the bytes behind it. Only then is it a hit.
//!
//! A long run of base64 characters is a hit too ([`RUN`]), since an encoding hides
//! every needle; and so is a disguised character ([`DISGUISE`]).
//!
//! `portable` gives the same answer without vector instructions; a test holds both,
//! and the obvious search, equal.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod check;
mod lookup;
mod portable;
mod runs;
mod sample;
mod sieve;
mod tables;
mod window;

pub(in crate::scrub) use check::Check;

use lookup::Lookup;
use sample::Sample;
use sieve::Sieve;
use tables::Tables;
use window::Window;

/// The needle of a hit that is a run of base64 characters.
///
/// Its position is that of the run's twentieth character: in a request, the byte
/// before a text is its length, and may look like the first of the run.
pub(in crate::scrub) const RUN: u32 = u32::MAX;

/// The needle of a hit that is a character outside ASCII which a reader does not see, or
/// takes for an ASCII letter, and an ASCII letter or digit behind it.
///
/// Its position is that of the letter behind.
pub(in crate::scrub) const DISGUISE: u32 = u32::MAX - 1;

/// How many base64 characters in a row are a run. Twenty of them hold fifteen
/// bytes, the shortest `key=value` that is worth hiding.
pub(in crate::scrub) const RUN_LEN_MIN: usize = 20;

/// A literal to look for.
#[derive(Clone, Debug)]
pub(in crate::scrub) struct Needle {
    /// Its bytes, three or more; lower case where `caseless`.
    pub(in crate::scrub) bytes: Vec<u8>,
    /// Whether ASCII letters match in either case.
    pub(in crate::scrub) caseless: bool,
    /// What must follow, cheaply looked at before a hit is reported.
    pub(in crate::scrub) check: Check,
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
    /// Needles of five bytes and more, by windows of four without regard to case.
    long: Lookup,
    /// What is certainly no window of these.
    sieve: Sieve,
    /// Needles of three and four bytes, by windows of three.
    short: Lookup,
    /// The filter before `short`.
    tables: Tables,
}

/// The bit of each byte that tells upper from lower case letters.
const CASE: u32 = 0x2020_2020;

/// The first three bytes of a window.
const THREE: u32 = 0x00ff_ffff;

impl Prefilter {
    /// Compiles the needles. Those of fewer than three bytes are never found: give
    /// none.
    pub(in crate::scrub) fn new(needles: Vec<Needle>) -> Self {
        let sample = Sample::new();
        let of = |lengths: std::ops::RangeInclusive<usize>| -> Vec<(usize, &Needle)> {
            let numbered = needles.iter().enumerate();
            numbered.filter(|(_, needle)| lengths.contains(&needle.bytes.len())).collect()
        };
        let short = window::choose(&of(3..=4), 3, 1, &sample);
        let long = window::choose(&of(5..=usize::MAX), 4, 2, &sample);
        Self {
            tables: Tables::new(&short),
            sieve: Sieve::new(long.iter().map(Window::folded)),
            long: Lookup::new(&needles, long.iter().map(|window| (window.folded(), window))),
            short: Lookup::new(&needles, short.iter().flat_map(Window::spelled)),
            needles,
        }
    }

    /// The bytes of a needle.
    pub(in crate::scrub) fn needle(&self, number: u32) -> Option<&[u8]> {
        self.needles.get(number as usize).map(|needle| needle.bytes.as_slice())
    }

    /// Adds every hit in `bytes` to `hits`, by position.
    pub(in crate::scrub) fn scan(&self, bytes: &[u8], hits: &mut Vec<Hit>) {
        if self.needles.is_empty() {
            return;
        }
        let first = hits.len();
        #[cfg(target_arch = "x86_64")]
        let done = avx2::scan(self, bytes, hits);
        #[cfg(not(target_arch = "x86_64"))]
        let done = 0;
        portable::scan(self, bytes, done, hits);
        if let Some(new) = hits.get_mut(first..)
            && !new.is_sorted()
        {
            new.sort_unstable();
        }
    }

    /// Reports the needles of five bytes and more of which a window begins at `at`.
    #[inline]
    fn long(&self, bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        if let Some(window) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
            let window = u32::from_le_bytes(*window) | CASE;
            self.confirm(&self.long, window, bytes, at, hits);
        }
    }

    /// Reports the needles of three and four bytes of which a window begins at `at`.
    #[inline]
    fn short(&self, bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        let Some(window) = first_three(bytes.get(at..).unwrap_or_default()) else { return };
        if self.short.holds(window) {
            self.confirm(&self.short, window, bytes, at, hits);
        }
    }

    #[inline(never)]
    fn confirm(&self, lookup: &Lookup, window: u32, bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        for place in lookup.get(window) {
            let Some(start) = at.checked_sub(place.offset as usize) else { continue };
            if bytes.get(start..).is_none_or(|rest| !place.may_begin(rest)) {
                continue;
            }
            let Some(needle) = self.needles.get(place.needle as usize) else { continue };
            let Some(found) = bytes.get(start..start + needle.bytes.len()) else { continue };
            let same = match needle.caseless {
                true => found.eq_ignore_ascii_case(&needle.bytes),
                false => found == needle.bytes,
            };
            let rest = bytes.get(start + needle.bytes.len()..).unwrap_or_default();
            if same && needle.check.holds(bytes, start, rest) {
                hits.push(Hit { at: start as u32, needle: place.needle });
            }
        }
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
                let Some(found) = bytes.get(at..at + needle.bytes.len()) else { continue };
                let same = match needle.caseless {
                    true => found.eq_ignore_ascii_case(&needle.bytes),
                    false => found == needle.bytes,
                };
                if same && needle.check.holds(bytes, at, &bytes[at + needle.bytes.len()..]) {
                    hits.push(Hit { at: at as u32, needle: number as u32 });
                }
            }
            let run = bytes[at..].iter().take_while(|&&b| is_base64(b)).count();
            let begins = at == 0 || !is_base64(bytes[at - 1]);
            if begins && RUN_LEN_MIN <= run {
                runs::report(bytes, at + RUN_LEN_MIN - 1, &mut hits);
            }
            if 0 < at && !bytes[at - 1].is_ascii() && is_base64(bytes[at]) {
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
                check: Check::Follow(ByteSet::of(b"abcABC012"), 3),
            },
        ];
        needles.extend((0..200).map(|n| none(&format!("x{n:03}_"))));
        needles
    }

    fn both_ways(bytes: &[u8]) {
        static PREFILTER: std::sync::LazyLock<Prefilter> =
            std::sync::LazyLock::new(|| Prefilter::new(needles()));
        let prefilter = &*PREFILTER;
        let expected = obvious(&prefilter.needles, bytes);
        let (mut fast, mut portable) = (Vec::new(), Vec::new());
        prefilter.scan(bytes, &mut fast);
        portable::scan(prefilter, bytes, 0, &mut portable);
        portable.sort_unstable();
        assert_eq!(fast, expected);
        assert_eq!(portable, expected);
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
            both_ways(&bytes);
        }

        #[test]
        fn arbitrary_bytes_are_scanned_alike(
            bytes in proptest::collection::vec(any::<u8>(), 0..300)
        ) {
            both_ways(&bytes);
        }
    }

    #[test]
    fn a_needle_is_found_at_every_offset_of_a_step_and_of_a_block() {
        for offset in (0..80).chain(1000..1080) {
            let mut bytes = vec![b' '; offset];
            bytes.extend_from_slice(b"ghp_ and token: and hf_");
            both_ways(&bytes);
        }
    }
}
