//! How far a try of a pattern may read behind its anchor.
//!
//! Most patterns end with the token. One that goes on over blanks reads what stands behind,
//! and nothing tells afterwards how much of it. So much is charged as it can have been, as
//! far as the pattern says: to the end of the line, where no match has a line feed; and as
//! many bytes as a match has, besides those that it takes without an end. Where not even what
//! comes before the blanks stands there (`echo $HOME` in a script), that is all that was read.

use regex_automata::Anchored;
use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_syntax::hir::Hir;
use regex_syntax::hir::HirKind;

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::confirm::PATTERN_BYTES_MAX;
use crate::scrub::detector::confirm::Pattern;
use crate::scrub::detector::confirm::WINDOW_BYTES;
use crate::scrub::detector::confirm::anchors::set;
use crate::scrub::detector::confirm::parse;

/// A repetition that takes more characters than these is as one without an end.
const REPEATED_MAX: u32 = 256;

/// The reach of a pattern that goes on over blanks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// What a match takes without an end.
    endless: ByteSet,
    /// How many other bytes it has at most.
    others_max: usize,
    is_one_line: bool,
}

impl Reach {
    /// `None`: the pattern ends with its token.
    pub(super) fn of(hir: &Hir) -> Option<Self> {
        goes_on(hir).then(|| Self::within(hir))
    }

    /// How far a match reaches at most.
    fn within(hir: &Hir) -> Self {
        let mut endless = ByteSet::EMPTY;
        let others_max = others_max(hir, &mut endless);
        Self { endless, others_max, is_one_line: !bytes(hir).has(b'\n') }
    }

    /// How many bytes of `rest`, which begins with the anchor, a try may read.
    pub(super) fn len(self, rest: &[u8]) -> usize {
        self.len_within(rest, WINDOW_BYTES)
    }

    /// The same, counted no further than this many bytes.
    fn len_within(self, rest: &[u8], bytes_max: usize) -> usize {
        let rest = rest.get(..bytes_max).unwrap_or(rest);
        let line = memchr::memchr(b'\n', rest).filter(|_| self.is_one_line);
        let rest = line.and_then(|line| rest.get(..line)).unwrap_or(rest);
        let others = rest.iter().enumerate().filter(|(_, byte)| !self.endless.has(**byte));
        others.map(|(at, _)| at).nth(self.others_max).unwrap_or(rest.len())
    }
}

/// The part of a pattern before it goes on over blanks.
pub(super) struct Begin {
    regex: Regex,
    reach: Reach,
}

impl Begin {
    /// `None`: the pattern goes on at once, or not only behind a part of its own.
    fn of(pattern: &str) -> Option<Self> {
        let hir = parse(pattern).ok()?;
        let HirKind::Concat(parts) = hir.kind() else { return None };
        let parts = parts.iter().take_while(|part| !goes_on(part)).cloned().collect();
        let begin = Hir::concat(parts);
        let limits = Regex::config().nfa_size_limit(Some(PATTERN_BYTES_MAX)).utf8_empty(false);
        let regex = Regex::builder().configure(limits).build_from_hir(&begin).ok()?;
        Some(Self { regex, reach: Reach::within(&begin) })
    }
}

/// Up to what reach it is not asked how much of it was read, in bytes.
const ASKED_MIN: usize = 1 << 7;

impl Pattern {
    /// How many bytes behind an anchor at `at` a try may have read in vain.
    pub(in crate::scrub) fn reach(&self, text: &[u8], at: usize) -> usize {
        let Some(far) = self.far else { return 0 };
        let rest = text.get(at..).unwrap_or_default();
        // To count it reads it, too: of a line that is long, not before it is known to matter.
        let near = far.len_within(rest, ASKED_MIN);
        if near < ASKED_MIN {
            return near;
        }
        if self.has_lead() {
            return far.len(rest);
        }
        let Some(begin) = self.begin.get_or_init(|| Begin::of(&self.source)) else {
            return far.len(rest);
        };
        let window = text.len().min(at + WINDOW_BYTES);
        let is_there = |start: usize| {
            let may_begin = text.get(start).is_some_and(|byte| self.firsts.has(*byte));
            let input = Input::new(text).range(start..window).anchored(Anchored::Yes);
            may_begin && begin.regex.is_match(input.earliest(true))
        };
        let first = at.saturating_sub(self.lead_max());
        match (first..=at).any(is_there) {
            true => far.len(rest),
            false => begin.reach.len(rest),
        }
    }
}

/// How many bytes a match has at most, besides those that are repeated without an end, which
/// are added to `endless`.
fn others_max(hir: &Hir, endless: &mut ByteSet) -> usize {
    match hir.kind() {
        HirKind::Repetition(repetition) => match repetition.max {
            Some(max) => others_max(&repetition.sub, endless).saturating_mul(max as usize),
            None => {
                *endless = endless.or(bytes(&repetition.sub));
                0
            }
        },
        HirKind::Capture(capture) => others_max(&capture.sub, endless),
        HirKind::Concat(parts) => {
            parts.iter().fold(0, |sum, part| others_max(part, endless).saturating_add(sum))
        }
        HirKind::Alternation(parts) => {
            parts.iter().fold(0, |most, part| others_max(part, endless).max(most))
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Literal(_) | HirKind::Class(_) => {
            hir.properties().maximum_len().unwrap_or(WINDOW_BYTES)
        }
    }
}

/// Whether a repetition without an end takes blanks.
fn goes_on(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Repetition(repetition) => match repetition.sub.kind() {
            HirKind::Class(class) => {
                let is_long = repetition.max.is_none_or(|max| REPEATED_MAX < max);
                is_long && (set(class).has(b' ') || set(class).has(b'\n'))
            }
            _ => goes_on(&repetition.sub),
        },
        HirKind::Capture(capture) => goes_on(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(goes_on),
        _ => false,
    }
}

/// The bytes that a match may have.
fn bytes(hir: &Hir) -> ByteSet {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => ByteSet::EMPTY,
        HirKind::Literal(literal) => ByteSet::of(&literal.0),
        HirKind::Class(class) => set(class),
        HirKind::Repetition(repetition) => bytes(&repetition.sub),
        HirKind::Capture(capture) => bytes(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().fold(ByteSet::EMPTY, |all, part| all.or(bytes(part)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::detector::confirm::parse;

    #[test]
    fn no_more_is_charged_than_a_pattern_can_read() {
        let text = [&b"curl x\n"[..], &[b' '; 20], &vec![b'y'; 2 * WINDOW_BYTES]].concat();
        for (pattern, len) in [
            ("ghp_[0-9A-Za-z]{36}", None),
            (r"curl[^\r\n]{0,300}-u", Some(6)),
            (r"curl(?s:.)*END", Some(WINDOW_BYTES)),
            (r"curl(?s:.){0,1000}END", Some(1007)),
            (r"curl\s+x\s+(?s:.){300}\s*", Some(305 + 22)),
            (r"curl\\*(?:x ?)*[^\r\n]{0,300}\s", Some(305 + 22)),
        ] {
            let reach = Reach::of(&parse(pattern).expect("sound"));
            assert_eq!(reach.map(|reach| reach.len(&text)), len, "{pattern}");
        }
    }

    #[test]
    fn what_does_not_begin_as_a_match_is_not_charged_with_its_end() {
        let pattern = r"echo \$[A-Z]{0,40}?(?:KEY|PASS)(?s:.)*?END";
        let (pattern, _) = Pattern::new(pattern, &["echo $".to_owned()], false).expect("sound");
        for (begin, is_far) in [("echo $HOME ", false), ("echo $MYKEY ", true)] {
            let text = [begin, &"y".repeat(2000)].concat();
            assert_eq!(1000 < pattern.reach(text.as_bytes(), 0), is_far, "{begin}");
        }
    }
}
