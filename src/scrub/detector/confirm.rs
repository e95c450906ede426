//! The second stage: a rule's pattern, anchored where the prefilter hit.

mod anchors;
mod border;
mod filler;
mod lead;
mod reach;
mod string;
mod tried;

pub(in crate::scrub) use anchors::Anchor;
pub(in crate::scrub) use anchors::Marks;
pub(in crate::scrub) use border::is_border_before;
pub(in crate::scrub) use tried::Tried;

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::Anchored;
use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_automata::util::syntax;
use regex_syntax::hir::Hir;

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::bytes::is_word;
use crate::scrub::detector::prefilter::Check;
use crate::scrub::detector::torn::near_start;

use anchors::derived_anchors;
use anchors::firsts;
use anchors::follow;
use anchors::long_enough;
use anchors::marks;
use anchors::signs;
use filler::behind_filler;
use lead::Lead;
use lead::lead;
use reach::Begin;
use reach::Reach;
use string::string_end;

/// Memory that one compiled pattern may take, in bytes. A pattern that needs more
/// has a repetition of a repetition in it.
const PATTERN_BYTES_MAX: usize = 4 << 20;

/// What a pattern begins with that is matched in either case.
const CASELESS: &str = "(?i)";

/// Anchors that are shorter stand inside of words.
const GLUED_ANCHOR_MIN: usize = 3;

/// A pattern, compiled when it is first needed: most rules of a pack never are.
pub(in crate::scrub) struct Pattern {
    source: String,
    regex: OnceLock<Option<Regex>>,
    anchors: Vec<Vec<u8>>,
    /// How far before its anchor a match begins.
    lead: OnceLock<Lead>,
    /// Whether a match may be longer than the pattern's shortest, so that the rest
    /// of an overlong token belongs to it, too.
    open: bool,
    /// Whether what stands beside a match decides of it.
    looks_around: bool,
    /// The pattern has a group `secret`.
    group: bool,
    /// How far a try may read even if nothing matches, where the pattern can go on over
    /// blanks without an end.
    far: Option<Reach>,
    /// What a match has before it goes on over blanks.
    begin: OnceLock<Option<Begin>>,
    marks: Marks,
    /// The signs that may stand in a match.
    signs: ByteSet,
    /// The bytes that a match may begin with.
    firsts: ByteSet,
}

/// How far a try may read. A private key, the longest there is, takes 13 kB; a token
/// that is longer than that is masked to its end, see `open`.
const WINDOW_BYTES: usize = 1 << 16;

/// What the pattern matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scrub) struct Candidate {
    /// What is masked: the group `secret`, or all of it.
    pub(in crate::scrub) secret: Range<usize>,
    /// Letters or digits stand right before it, or behind it where the pattern has one
    /// length: it must be all the surer by itself.
    pub(in crate::scrub) glued: bool,
}

fn syntax_config() -> syntax::Config {
    syntax::Config::new().unicode(false).utf8(false)
}

fn parse(pattern: &str) -> Result<Hir, String> {
    regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern).map_err(
        |err| match &err {
            // The error's own text quotes the pattern over several lines.
            regex_syntax::Error::Parse(err) => {
                format!(
                    "{} at character {} of the pattern",
                    err.kind(),
                    err.span().start.offset + 1
                )
            }
            regex_syntax::Error::Translate(err) => {
                format!(
                    "{} at character {} of the pattern",
                    err.kind(),
                    err.span().start.offset + 1
                )
            }
            _ => "expected a pattern that can be read".to_owned(),
        },
    )
}

/// The character at which a group opens whose name is not `secret`: it would name what is
/// masked, and does not. From 1; the pattern is one that can be read.
fn other_group(pattern: &str) -> Option<usize> {
    let mut rest = pattern.char_indices().enumerate();
    let mut in_class = 0_usize;
    while let Some((number, (at, char))) = rest.next() {
        let behind = pattern.get(at..).unwrap_or_default();
        let name = behind.strip_prefix("(?P<").or_else(|| behind.strip_prefix("(?<"));
        match char {
            '\\' => _ = rest.next(),
            '[' => in_class += 1,
            ']' => in_class = in_class.saturating_sub(1),
            '(' if in_class == 0 && name.is_some_and(|name| !name.starts_with("secret>")) => {
                return Some(number + 1);
            }
            _ => {}
        }
    }
    None
}

impl Pattern {
    /// Checks a pattern and takes from it what the prefilter needs.
    ///
    /// # Errors
    ///
    /// What is wrong with the pattern or its anchors, without the pattern.
    pub(in crate::scrub) fn new(
        pattern: &str,
        anchors: &[String],
        keyed: bool,
    ) -> Result<(Self, Vec<Anchor>), String> {
        let hir = parse(pattern)?;
        let shortest = hir.properties().minimum_len().unwrap_or(0);
        if shortest == 0 {
            return Err("expected a pattern that does not match the empty text".to_owned());
        }
        if let Some(at) = other_group(pattern) {
            return Err(format!(
                "expected no named group but `(?<secret>…)`, which is what is masked, at character \
                 {at} of the pattern"
            ));
        }
        let caseless = pattern.starts_with(CASELESS);
        let literals = match anchors {
            [] if keyed => Vec::new(),
            [] => derived_anchors(&hir)?,
            given => {
                let given = given.iter().map(|anchor| anchor.as_bytes().to_vec());
                given.flat_map(|anchor| long_enough(&hir, anchor)).collect()
            }
        };
        if let Some(short) = literals.iter().find(|literal| literal.len() < 3) {
            return Err(format!(
                "expected anchors of 3 bytes or more, this one has {}; give others as `anchors`, or `keys`",
                short.len()
            ));
        }
        let anchors = literals
            .iter()
            .cloned()
            .map(|bytes| {
                let check = match bytes.ends_with(b"://") && pattern.contains('@') {
                    true => Check::UserInfo,
                    false => follow(&hir, &bytes),
                };
                let bytes = if caseless { bytes.to_ascii_lowercase() } else { bytes };
                Anchor { bytes, caseless, check }
            })
            .collect();
        let open = hir.properties().maximum_len().is_none_or(|longest| shortest + 8 <= longest);
        let pattern = Self {
            source: pattern.to_owned(),
            regex: OnceLock::new(),
            anchors: literals,
            lead: OnceLock::new(),
            open,
            looks_around: !hir.properties().look_set().is_empty(),
            group: pattern.contains("(?<secret>") || pattern.contains("(?P<secret>"),
            far: Reach::of(&hir),
            begin: OnceLock::new(),
            marks: marks(&hir),
            signs: signs(&hir),
            firsts: firsts(&hir),
        };
        Ok((pattern, anchors))
    }

    /// Whether a match may be longer than the shortest by some characters.
    pub(in crate::scrub) fn is_open(&self) -> bool {
        self.open
    }

    /// How many bytes of a match stand before its anchor: at least and at most.
    fn lead(&self) -> &Lead {
        self.lead.get_or_init(|| match parse(&self.source) {
            Ok(hir) => lead(&hir, &self.anchors, self.is_caseless()),
            Err(_) => Lead { bytes: 0..0, is_sure: false },
        })
    }

    /// Whether every match has its anchor at one place, as tokens have, and words that a
    /// sentence may begin with have not.
    fn is_token(&self) -> bool {
        let is_word = self.is_caseless() && 1 < self.anchors.len();
        self.lead().is_sure && !self.begins_before() && !is_word
    }

    /// Whether something stands before the anchor in every match.
    pub(in crate::scrub) fn has_lead(&self) -> bool {
        0 < self.lead().bytes.start
    }

    fn is_caseless(&self) -> bool {
        self.source.starts_with(CASELESS)
    }

    /// Whether a match may begin at more than one place before its anchor.
    pub(in crate::scrub) fn begins_before(&self) -> bool {
        self.lead().bytes.start < self.lead().bytes.end
    }

    /// How many bytes of a match stand before its anchor at most.
    pub(in crate::scrub) fn lead_max(&self) -> usize {
        self.lead().bytes.end
    }

    /// The signs that may stand in a match, but for those that end a token.
    pub(in crate::scrub) fn signs(&self) -> ByteSet {
        self.signs
    }

    /// What there is in a match that may be escaped.
    pub(in crate::scrub) fn marks(&self) -> Marks {
        self.marks
    }

    fn regex(&self) -> Option<&Regex> {
        self.regex
            .get_or_init(|| {
                Regex::builder()
                    .syntax(syntax_config())
                    .configure(
                        Regex::config().nfa_size_limit(Some(PATTERN_BYTES_MAX)).utf8_empty(false),
                    )
                    .build(&self.source)
                    .ok()
            })
            .as_ref()
    }

    /// Compiles now.
    ///
    /// # Errors
    ///
    /// When the compiled pattern would be too large.
    pub(in crate::scrub) fn compile(&self) -> Result<(), String> {
        match self.regex() {
            Some(_) => Ok(()),
            None => Err(format!(
                "expected a pattern that compiles to {PATTERN_BYTES_MAX} bytes or less, without a \
                 repetition of a repetition"
            )),
        }
    }

    /// What the pattern matches in a text, wherever it stands.
    pub(in crate::scrub) fn find_all<'t>(
        &'t self,
        text: &'t [u8],
    ) -> impl Iterator<Item = &'t [u8]> {
        let found = self.regex().map(|regex| regex.find_iter(text));
        found.into_iter().flatten().filter_map(|found| text.get(found.range()))
    }

    /// What of the matches in a text is secret, wherever they stand.
    pub(in crate::scrub) fn secrets(&self, text: &[u8]) -> Vec<Range<usize>> {
        let Some(regex) = self.regex() else { return Vec::new() };
        regex.find_iter(text).map(|found| self.secret(regex, text, found.range())).collect()
    }

    /// Whether the pattern matches all of `value`.
    pub(in crate::scrub) fn matches_whole(&self, value: &[u8]) -> Option<Range<usize>> {
        let regex = self.regex()?;
        let found = regex.search(&Input::new(value).anchored(Anchored::Yes))?;
        (found.end() == value.len()).then(|| self.secret(regex, value, found.range()))
    }

    /// The match that covers an anchor at `at`: one between borders, or else one that is
    /// glued to something, where the anchor is long enough to be looked for inside of
    /// words.
    pub(in crate::scrub) fn confirm(
        &self,
        text: &[u8],
        at: usize,
        anchor_len: usize,
    ) -> Option<Candidate> {
        self.confirm_once(text, at, anchor_len, &mut Tried::default())
    }

    /// The same, where not all places are tried again that were tried in this text.
    pub(in crate::scrub) fn confirm_once(
        &self,
        text: &[u8],
        at: usize,
        anchor_len: usize,
        tried: &mut Tried,
    ) -> Option<Candidate> {
        let anchor = at..at + anchor_len;
        let first = at.saturating_sub(self.lead().bytes.end);
        let last = at.checked_sub(self.lead().bytes.start)?;
        if first == last {
            let one = self.at_start(text, first, &anchor, false).0;
            return one.or_else(|| {
                let glues = GLUED_ANCHOR_MIN <= anchor_len
                    && self.is_token()
                    && self.far.is_none()
                    && near_start(text, at);
                glues.then(|| self.at_start(text, first, &anchor, true).0).flatten()
            });
        }
        let (again, new) = tried.left(first..last + 1, anchor.end, anchor_len);
        for start in again.into_iter().chain(new) {
            let (found, end) = self.at_start(text, start, &anchor, false);
            tried.add(start, end);
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// The match that begins at `start` and covers an anchor, and where what the pattern
    /// matches there ends, whatever it covers.
    fn at_start(
        &self,
        text: &[u8],
        start: usize,
        anchor: &Range<usize>,
        glued: bool,
    ) -> (Option<Candidate>, Option<usize>) {
        let may_begin = text.get(start).is_some_and(|byte| self.firsts.has(*byte))
            && (glued || is_border_before(text, start, anchor.len()));
        let begin = if self.looks_around { start } else { behind_filler(text, start, anchor.end) };
        let window = match self.far {
            Some(_) => text.len().min(begin + WINDOW_BYTES),
            None => text.len(),
        };
        let input = || Input::new(text).range(begin..window).anchored(Anchored::Yes);
        let regex = if may_begin { self.regex() } else { None };
        let found = regex.and_then(|regex| Some((regex, regex.search(&input())?)));
        let Some((regex, found)) = found else { return (None, None) };
        if found.end() < anchor.end {
            return (None, Some(found.end()));
        }
        let end = match is_emphasized(text, &found.range()) {
            true => Some(found.end()),
            false => self.end(text, found.end(), glued),
        };
        let Some(end) = end else { return (None, None) };
        let mut secret = self.secret(regex, text, found.range());
        if secret.end == found.end() {
            secret.end = end;
            if self.open {
                secret.end -= stop_len(text, &secret);
            }
        }
        secret.end = string_end(text, &secret);
        let candidate = (!secret.is_empty()).then_some(Candidate { secret, glued });
        (candidate, Some(found.end()))
    }

    /// Where a match ends that the pattern ended at `end`: there, if no token goes on;
    /// behind the rest of the token, if the pattern takes more than one length.
    fn end(&self, text: &[u8], end: usize, glued: bool) -> Option<usize> {
        let inside = end.checked_sub(1).and_then(|i| text.get(i)).is_some_and(|&b| is_word(b));
        let rest = text.get(end..).unwrap_or_default();
        let more = rest.iter().take_while(|&&byte| is_word(byte)).count();
        match more {
            0 => Some(end),
            _ if !inside => Some(end),
            _ if self.open || glued => Some(end + more),
            _ => None,
        }
    }

    fn secret(&self, regex: &Regex, text: &[u8], range: Range<usize>) -> Range<usize> {
        if !self.group {
            return range;
        }
        let mut captures = regex.create_captures();
        let input = Input::new(text).range(range.clone()).anchored(Anchored::Yes);
        regex.search_captures(&input, &mut captures);
        captures.get_group_by_name("secret").map_or(range, |group| group.range())
    }
}

/// Whether one or two underscores stand on both sides, and nothing of a name outside of them:
/// Markdown's emphasis.
fn is_emphasized(text: &[u8], range: &Range<usize>) -> bool {
    let marks = |byte: &&u8| **byte == b'_';
    let before = text.get(..range.start).unwrap_or_default();
    let behind = text.get(range.end..).unwrap_or_default();
    let len = behind.iter().take(3).take_while(marks).count();
    let is_outside = |byte: Option<&u8>| !byte.is_some_and(|byte| is_word(*byte));
    (1..=2).contains(&len)
        && before.iter().rev().take(3).take_while(marks).count() == len
        && is_outside(behind.get(len))
        && is_outside(before.iter().rev().nth(len))
}

/// How long what ends a secret is and belongs to what is around it: the full stop of a
/// sentence, a bracket that none opened in it, a closing tag.
fn stop_len(text: &[u8], secret: &Range<usize>) -> usize {
    let bytes = text.get(secret.clone()).unwrap_or_default();
    let behind = text.get(secret.end);
    let tag = memchr::memmem::find_iter(bytes, b"</")
        .find(|at| bytes.get(at + 2).is_some_and(u8::is_ascii_alphabetic));
    if let Some(tag) = tag.filter(|tag| 0 < *tag) {
        return bytes.len() - tag;
    }
    let count = |sign: u8| memchr::memchr_iter(sign, bytes).count();
    let is_stop = match bytes {
        [.., before, b'.' | b'?' | b'!' | b':'] => {
            before.is_ascii_alphanumeric() && behind.is_none_or(u8::is_ascii_whitespace)
        }
        [.., b')'] => count(b'(') < count(b')'),
        [.., b']'] => count(b'[') < count(b']'),
        [.., b'}'] => count(b'{') < count(b'}'),
        _ => false,
    };
    usize::from(is_stop && 1 < bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confirm(pattern: &str, anchor: &str, text: &str) -> Option<String> {
        let (pattern, _) = Pattern::new(pattern, &[anchor.to_owned()], false).expect("compiles");
        let at = text.find(anchor).expect("the anchor stands in the text");
        let found = pattern.confirm(text.as_bytes(), at, anchor.len())?;
        Some(text[found.secret].to_owned())
    }

    #[test]
    fn a_match_begins_at_a_border_and_takes_the_token_whole() {
        let pat = "ghp_[0-9A-Za-z]{6,255}";
        let fixed = "AKIA[A-Z2-7]{6}";
        let cases: &[(&str, &str, &str, Option<&str>)] = &[
            (pat, "ghp_", "x ghp_abc123 y", Some("ghp_abc123")),
            (pat, "ghp_", "x\\nghp_abc123\\n", Some("ghp_abc123")),
            (pat, "ghp_", "x\\u000aghp_abc123", Some("ghp_abc123")),
            (pat, "ghp_", "x%3Dghp_abc123", Some("ghp_abc123")),
            (pat, "ghp_", "\u{1b}[31mghp_abc123\u{1b}[0m", Some("ghp_abc123")),
            (pat, "ghp_", "xghp_abc123", Some("ghp_abc123")),
            (pat, "ghp_", "ghp_abc12", None),
            (pat, "ghp_", "ghp_abc123_rest", Some("ghp_abc123_rest")),
            (fixed, "AKIA", "AKIAABCDEF", Some("AKIAABCDEF")),
            (fixed, "AKIA", "AKIAABCDEFG", Some("AKIAABCDEFG")),
            (r"[a-z0-9]{3}Q~[a-z]{4}", "Q~", "key=ab1Q~wxyz;", None),
            (r"[a-z0-9]{3}8Q~[a-z]{4}", "8Q~", "key=ab18Q~wxyz;", Some("ab18Q~wxyz")),
            (r"(?i)bearer +(?<secret>[a-z0-9]{4,})", "Bearer", "x Bearer  ab12 y", Some("ab12")),
        ];
        for (pattern, anchor, text, expected) in cases {
            if anchor.len() < 3 {
                assert!(Pattern::new(pattern, &[(*anchor).to_owned()], false).is_err());
                continue;
            }
            assert_eq!(confirm(pattern, anchor, text).as_deref(), *expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_that_would_run_everywhere_is_refused() {
        for pattern in ["[a-z]{20}", "a*", "(", "a{2,1}"] {
            assert!(Pattern::new(pattern, &[], false).is_err(), "{pattern}");
        }
        assert!(Pattern::new("[a-z]{20}", &[], true).is_ok());
    }
}
