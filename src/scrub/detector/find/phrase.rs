//! The words of a passphrase behind the first one, which was found: `passphrase: maple harbor
//! lantern`.
//!
//! Most forms of values end at a blank. Where quotes hold several plain words together, or a
//! line assigns nothing but such words, they are one value.

use std::ops::Range;

use crate::scrub::detector::assign;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::value;

/// How far before the first word its quote may open, and how long the others may be, in bytes.
const BEFORE_MAX: usize = 16;
const WORDS_LEN_MAX: usize = 128;

/// How many words follow the first, and how long one is.
const WORDS_MAX: usize = 11;
const WORD_LEN: std::ops::RangeInclusive<usize> = 3..=14;

/// How long the number and the signs are that end a phrase.
const TAIL_MAX: usize = 5;

/// Words of sentences.
const STOPS: [&[u8]; 42] = [
    b"and",
    b"are",
    b"but",
    b"can",
    b"did",
    b"does",
    b"for",
    b"from",
    b"had",
    b"has",
    b"have",
    b"her",
    b"his",
    b"its",
    b"may",
    b"must",
    b"not",
    b"our",
    b"should",
    b"that",
    b"the",
    b"their",
    b"then",
    b"this",
    b"was",
    b"were",
    b"when",
    b"which",
    b"will",
    b"with",
    b"you",
    b"your",
    b"found",
    b"given",
    b"missing",
    b"password",
    b"failed",
    b"user",
    b"provided",
    b"because",
    b"instead",
    b"without",
];

impl Search<'_, '_> {
    /// Lets each match whose secret is the first word of a phrase reach over all of it.
    pub(super) fn phrases(&self, text: &[u8], found: &mut [Match]) {
        for one in found.iter_mut().filter(|one| matches!(one.how, How::Plain)) {
            if let Some(end) = phrase_end(text, one) {
                one.range.end = end;
            }
        }
    }
}

/// Where the phrase ends that a match begins.
fn phrase_end(text: &[u8], first: &Match) -> Option<usize> {
    let Range { start, end } = first.range;
    let rest = text.get(end..text.len().min(end + WORDS_LEN_MAX))?;
    let word = text.get(start..end)?;
    if let Some(end) = second_end(text, &first.range, rest) {
        return Some(end);
    }
    if rest.first() != Some(&b' ') || !WORD_LEN.contains(&word.len()) || !is_of_phrase(word) {
        return None;
    }
    let of_words = |byte: &&u8| byte.is_ascii_alphabetic() || **byte == b' ';
    let len = rest.iter().take_while(of_words).count();
    let words = rest.get(1..len)?.trim_ascii_end().split(|byte| *byte == b' ');
    let len = len + tail_len(rest.get(len..)?);
    let len = rest.get(..len)?.trim_ascii_end().len();
    let behind = rest.get(len..)?;
    let count = words.clone().count();
    let plain = |word: &[u8]| WORD_LEN.contains(&word.len()) && is_of_phrase(word);
    if !(1..=WORDS_MAX).contains(&count) || !words.into_iter().all(plain) {
        return None;
    }
    let before = text.get(start.saturating_sub(BEFORE_MAX)..start)?;
    let quoted = opened(before).is_some_and(|quote| {
        behind.trim_ascii_start().strip_prefix(b"\\").unwrap_or(behind).first() == Some(&quote)
    });
    let is_line = 2 <= count
        && (first.certainty == Certainty::Key || before.ends_with(b": "))
        && word.iter().all(u8::is_ascii_lowercase)
        && assign::ends_line(text, end + len)
        && is_assigned(before);
    (quoted || is_line).then_some(end + len)
}

/// Where the second of two drawn words ends that one pair of quotes holds, as a hash and its salt
/// stand: `"x y"`.
fn second_end(text: &[u8], first: &Range<usize>, rest: &[u8]) -> Option<usize> {
    let quote = *first.start.checked_sub(1).and_then(|at| text.get(at))?;
    if !matches!(quote, b'"' | b'\'') || rest.first() != Some(&b' ') {
        return None;
    }
    let len = memchr::memchr2(quote, b'\\', rest)?;
    let both = [text.get(first.clone())?, rest.get(1..len)?];
    both.into_iter().all(value::is_drawn).then_some(first.end + len)
}

/// The length of the number and the signs that end a phrase: ` 42`, `7!`.
fn tail_len(rest: &[u8]) -> usize {
    let of_tail = |byte: &&u8| byte.is_ascii_digit() || b"!?.+#*%$&@-".contains(*byte);
    let len = rest.iter().take(TAIL_MAX + 1).take_while(of_tail).count();
    match len {
        1..=TAIL_MAX => len,
        _ => 0,
    }
}

/// A word as phrases have it, small or with a capital in front.
fn is_of_phrase(word: &[u8]) -> bool {
    let small = word.get(1..).unwrap_or_default();
    word.first().is_some_and(u8::is_ascii_alphabetic)
        && small.iter().all(u8::is_ascii_lowercase)
        && !STOPS.contains(&word)
}

/// The quote that opens before a word, in the same word: `'pass:maple`.
fn opened(before: &[u8]) -> Option<u8> {
    let blank = before.iter().rposition(|byte| byte.is_ascii_whitespace());
    let word = before.get(blank.map_or(0, |at| at + 1)..)?;
    word.iter().rev().find(|byte| matches!(byte, b'"' | b'\'')).copied()
}

/// Whether a sign that assigns stands before a value on its line, or on the one above, perhaps
/// with the mark of a block of YAML behind it: `key: >-`.
fn is_assigned(before: &[u8]) -> bool {
    let mut before = before.trim_ascii_end();
    // A line end that is written as an escape.
    before = before.strip_suffix(b"\\n").unwrap_or(before).trim_ascii_end();
    let inner = before.strip_suffix(b"-").or(before.strip_suffix(b"+")).unwrap_or(before);
    if let [inner @ .., b'>' | b'|'] = inner {
        before = inner.trim_ascii_end();
    }
    matches!(before.last(), Some(b':' | b'='))
}

#[cfg(test)]
mod tests {
    use super::is_assigned;
    use super::opened;

    #[test]
    fn what_stands_before_a_phrase_is_read() {
        for (text, expected) in [
            ("key: ", true),
            ("key=", true),
            ("key: >-\n    ", true),
            ("key: |\\n  ", true),
            ("key is ", false),
            ("a -> ", false),
        ] {
            assert_eq!(is_assigned(text.as_bytes()), expected, "{text}");
        }
        for (text, expected) in
            [("x 'pass:", Some(b'\'')), ("\"", Some(b'"')), ("'a b", None), ("x ", None)]
        {
            assert_eq!(opened(text.as_bytes()), expected, "{text}");
        }
    }
}
