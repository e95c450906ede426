//! Regular expressions as the Collector has them: Go's RE2.
//!
//! Rust's dialect and Go's are close, and differ in silence: `\d` is all of Unicode
//! here and ASCII there, `[a&&b]` is a set operation here and three characters there.
//! So a pattern is read as Go reads it, and written anew in forms that mean one thing
//! (`translate`). Both are leftmost-first and take linear time.
//!
//! Go takes a byte that is no UTF-8 for U+FFFD. A text that is not UTF-8 is therefore
//! searched in a copy in which each such byte is U+FFFD; ranges are those of the text.

mod translate;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use regex_automata::Input;
use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_automata::util::syntax;

/// How large a compiled pattern may get, in bytes.
const PATTERN_BYTES_MAX: usize = 10 << 20;

/// The same pattern in Rust's syntax, with every class written out.
///
/// # Errors
///
/// When Go refuses it.
pub fn to_rust(pattern: &str) -> Result<String, PatternError> {
    translate::translate(pattern)
}

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Arc<str>,
    regex: meta::Regex,
}

/// Why a pattern is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Something in it that Go refuses, too, or that only Rust knows.
    #[error("{what} at character {at} of the pattern")]
    Syntax {
        /// What is wrong, in a few words.
        what: &'static str,
        /// Which character, from 1.
        at: usize,
    },
    /// It gets too large when compiled.
    #[error("a pattern that is too large when compiled")]
    TooLarge,
}

impl Pattern {
    /// Compiles a pattern in Go's syntax.
    ///
    /// # Errors
    ///
    /// When Go refuses it, or it is too large.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let translated = translate::translate(pattern)?;
        let config = meta::Config::new().nfa_size_limit(Some(PATTERN_BYTES_MAX)).utf8_empty(true);
        // The translation says everywhere what it means; `utf8(false)` only lets it
        // write `(?-u:\B)`.
        let syntax = syntax::Config::new().utf8(false);
        let regex = meta::Builder::new().configure(config).syntax(syntax).build(&translated);
        let regex = regex.map_err(|err| match err.size_limit() {
            Some(_) => PatternError::TooLarge,
            None => PatternError::Syntax { what: "cannot be compiled", at: 1 },
        })?;
        Ok(Self { source: pattern.into(), regex })
    }

    /// The pattern as it was written, in Go's syntax.
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// Whether it matches anywhere.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.regex.is_match(&*searched(text).bytes)
    }

    /// The text with what `replacement` makes of each match in its place; `None` where
    /// nothing matches. Of empty matches the same ones as in Go's `ReplaceAll`.
    pub fn replace_all(
        &self,
        text: &[u8],
        mut replacement: impl FnMut(&Found<'_>, &mut Vec<u8>),
    ) -> Option<Vec<u8>> {
        let searched = searched(text);
        let bytes = &*searched.bytes;
        let mut captures = self.regex.create_captures();
        let mut out: Option<Vec<u8>> = None;
        let (mut last, mut at) = (0, 0);
        while at <= bytes.len() {
            let input = Input::new(bytes).span(at..bytes.len());
            self.regex.search_captures(&input, &mut captures);
            let Some(found) = captures.get_match() else { break };
            let out = out.get_or_insert_with(|| Vec::with_capacity(text.len()));
            let range = searched.original(last..found.start());
            out.extend_from_slice(text.get(range).unwrap_or_default());
            // Not for an empty match right behind another.
            if last < found.end() || found.start() == 0 {
                let found = Found { text, searched: &searched, captures: &captures };
                replacement(&found, out);
            }
            last = found.end();
            // By one character at least; behind the last byte, out of the loop.
            at = found.end().max(at + char_len(bytes, at).max(1));
        }
        let mut out = out?;
        let range = searched.original(last..bytes.len());
        out.extend_from_slice(text.get(range).unwrap_or_default());
        Some(out)
    }

    /// The named groups of the first match, in the order of the pattern; `None` where
    /// nothing matches. A group that took no part is empty.
    pub fn named_groups<'t>(&self, text: &'t [u8]) -> Option<Vec<(String, &'t [u8])>> {
        let searched = searched(text);
        let mut captures = self.regex.create_captures();
        self.regex.captures(&*searched.bytes, &mut captures);
        captures.get_match()?;
        let names = captures.group_info().pattern_names(regex_automata::PatternID::ZERO);
        let groups = names.enumerate().filter_map(|(index, name)| {
            let range = captures.get_group(index).map(|span| searched.original(span.range()));
            let text = range.and_then(|range| text.get(range)).unwrap_or_default();
            name.map(|name| (name.to_owned(), text))
        });
        Some(groups.collect())
    }

    /// The names of its groups; `None` for one without a name. The first is the whole.
    pub fn group_names(&self) -> Vec<Option<String>> {
        let names = self.regex.group_info().pattern_names(regex_automata::PatternID::ZERO);
        names.map(|name| name.map(str::to_owned)).collect()
    }
}

/// One match.
pub struct Found<'m> {
    text: &'m [u8],
    searched: &'m Searched<'m>,
    captures: &'m Captures,
}

impl<'m> Found<'m> {
    /// What matched.
    pub fn whole(&self) -> &'m [u8] {
        self.group(0)
    }

    /// What a group matched; empty where it took no part.
    pub fn group(&self, index: usize) -> &'m [u8] {
        let range = self.captures.get_group(index).map(|span| span.range());
        let range = range.map(|range| self.searched.original(range));
        range.and_then(|range| self.text.get(range)).unwrap_or_default()
    }

    /// What the group of this name matched; empty where there is none.
    pub fn group_named(&self, name: &str) -> &'m [u8] {
        let index = self.captures.group_info().to_index(regex_automata::PatternID::ZERO, name);
        index.map_or(&[], |index| self.group(index))
    }
}

/// A text as it is searched: valid UTF-8.
struct Searched<'t> {
    bytes: Cow<'t, [u8]>,
    /// Where each U+FFFD stands that one byte of the text became.
    replaced: Vec<usize>,
}

impl Searched<'_> {
    /// The same range in the text: each U+FFFD was one byte, and is three.
    fn original(&self, range: Range<usize>) -> Range<usize> {
        let before = |at: usize| at - 2 * self.replaced.partition_point(|bad| *bad < at);
        before(range.start)..before(range.end)
    }
}

fn searched(text: &[u8]) -> Searched<'_> {
    if std::str::from_utf8(text).is_ok() {
        return Searched { bytes: Cow::Borrowed(text), replaced: Vec::new() };
    }
    let mut bytes = Vec::with_capacity(text.len() + 16);
    let mut replaced = Vec::new();
    for chunk in text.utf8_chunks() {
        bytes.extend_from_slice(chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            replaced.push(bytes.len());
            bytes.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
    Searched { bytes: Cow::Owned(bytes), replaced }
}

/// How many bytes the character at `at` has; 0 at the end.
fn char_len(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        None => 0,
        Some(0x00..0x80) => 1,
        Some(0x80..0xe0) => 2,
        Some(0xe0..0xf0) => 3,
        Some(_) => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    fn replaced(pattern: &str, text: &[u8]) -> Option<Vec<u8>> {
        let pattern = Pattern::new(pattern).expect("a pattern");
        pattern.replace_all(text, |_, out| out.extend_from_slice(b"X"))
    }

    #[test]
    fn empty_matches_are_replaced_as_in_go() {
        // Each pair as Go 1.26's regexp.ReplaceAllString has it.
        let cases: &[(&str, &str, &str)] = &[
            ("a*", "baac", "XbXcX"),
            ("x*", "é", "XéX"),
            ("", "ab", "XaXbX"),
            ("b|", "abc", "XaXcX"),
            ("$", "ab", "abX"),
            ("^", "ab", "Xab"),
        ];
        for (pattern, text, expected) in cases {
            let got = replaced(pattern, text.as_bytes()).expect("a match");
            assert_eq!(String::from_utf8(got).as_deref(), Ok(*expected), "{pattern}");
        }
        assert_eq!(replaced("z", b"ab"), None);
    }

    #[test]
    fn a_bad_byte_is_one_character() {
        assert_eq!(replaced("a.b", b"-a\xffb-").expect("a match"), b"-X-");
        assert_eq!(replaced("b", b"\xff\xe2\x82b\xff").expect("a match"), b"\xff\xe2\x82X\xff");
    }

    #[test]
    fn named_groups_come_in_order() {
        let pattern = Pattern::new("(?P<user>[a-z]+)@(?<host>[a-z]+)(?P<port>:[0-9]+)?").unwrap();
        let groups = pattern.named_groups(b"to ops@example now").expect("a match");
        let expected = [("user", &b"ops"[..]), ("host", b"example"), ("port", b"")];
        assert_eq!(groups, expected.map(|(name, text)| (name.to_owned(), text)));
    }
}
