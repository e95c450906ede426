//! A secret that was found, where it stands once more in its text, and the one that it is
//! compared with: `password expected:<x> but was:<y>`.
//!
//! A form gives a new password twice, and the second name says nothing (`confirm`); the message
//! of a reader quotes the value that it could not read before the text in which it stands. So what
//! shows by its looks that it is a secret is masked in all of a text in which a key names it once,
//! or what stands around it.

use std::ops::Range;

use crate::scrub::detector::bytes::is_word;
use crate::scrub::detector::decode::break_len;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::masked::is_in_mask;
use crate::scrub::detector::masked::is_mask;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::value;

/// How many matches a text has at most whose secrets are looked for elsewhere, and how long it
/// is. What was found in a long text stands in many records.
const MATCHES_MAX: usize = 8;
const TEXT_LEN_MAX: usize = 1 << 15;

/// How long a secret is that is looked for.
const LEN: std::ops::RangeInclusive<usize> = 8..=512;

/// How many places one is masked in at most.
const PLACES_MAX: usize = 16;

/// Words that compare what stands before them with what stands behind them, behind a blank or a
/// comma.
const COMPARES: [&[u8]; 24] = [
    b"->",
    b"\xe2\x86\x92",
    b"want",
    b"got",
    b"but was",
    b"but got",
    b"but found",
    b"but received",
    b"!=",
    b"!==",
    b"==",
    b"===",
    b"does not match",
    b"did not match",
    b"to equal",
    b"to be",
    b"instead of",
    b"expected",
    b"actual",
    b"received",
    b"vs",
    b"vs.",
    b"is not equal to",
    b"differs from",
];

impl Search<'_, '_> {
    /// Adds what a secret is compared with, and the places where it stands again.
    pub(super) fn repeated(&mut self, text: &[u8], found: &mut Vec<Match>) {
        let is_plain = |one: &Match| matches!(one.how, How::Plain | How::Url);
        // What a pattern finds by its own looks is found wherever it stands.
        let is_named = |one: &Match| one.certainty != Certainty::Pattern;
        if found.is_empty() || MATCHES_MAX < found.len() || TEXT_LEN_MAX < text.len() {
            return;
        }
        for number in 0..found.len() {
            let Some(first) = found.get(number).filter(|one| is_plain(one)).cloned() else {
                continue;
            };
            let places = [compared_behind(text, &first.range), compared_before(text, &first.range)];
            for range in places.into_iter().flatten() {
                self.again(text, &first, range, found);
            }
            let secret = text.get(first.range.clone()).unwrap_or_default();
            if !LEN.contains(&secret.len()) || !shows(secret) || !is_named(&first) {
                continue;
            }
            self.step(text.len());
            for at in memchr::memmem::find_iter(text, secret).take(PLACES_MAX) {
                let range = at..at + secret.len();
                if is_whole(text, &range) {
                    self.again(text, &first, range, found);
                }
            }
        }
    }

    /// Adds one more place of what a rule found.
    fn again(&mut self, text: &[u8], first: &Match, range: Range<usize>, found: &mut Vec<Match>) {
        let is_known =
            found.iter().any(|one| one.range.start < range.end && range.start < one.range.end);
        if !is_known && !is_in_mask(text, range.start) && self.admits(first.rule, text, &range) {
            let how = self.progress.urls.how(text, range.start);
            found.push(Match { range, how, certainty: Certainty::Key, ..first.clone() });
        }
    }
}

/// Whether a text shows by its looks that it is a secret.
fn shows(text: &[u8]) -> bool {
    value::is_told(text, false)
        || value::is_drawn(text)
        || value::is_drawn_number(text)
        || value::is_shaped(text)
        || value::is_generated(text)
}

/// Whether no word goes on before a place, or behind it.
fn is_whole(text: &[u8], range: &Range<usize>) -> bool {
    let before = range.start.checked_sub(1).and_then(|at| text.get(at));
    !before.is_some_and(|byte| is_word(*byte)) && !text.get(range.end).is_some_and(|b| is_word(*b))
}

/// What closes the one of two values, and what opens the other.
fn of_border(byte: u8) -> bool {
    b"\"'`<>()[]\\".contains(&byte)
}

/// Whether a value that is compared with a secret may be one.
fn may_be(text: &[u8]) -> bool {
    4 <= text.len() && !is_mask(text) && (shows(text) || value::is_plain_words(text))
}

/// The value behind a secret that it is compared with.
fn compared_behind(text: &[u8], secret: &Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(secret.end..text.len().min(secret.end + *LEN.end()))?;
    let closing = rest.iter().take(4).take_while(|byte| of_border(**byte)).count();
    let signs = rest.get(closing..)?.iter().take(3);
    let signs = signs.take_while(|byte| matches!(byte, b' ' | b',' | b';' | b'(' | b'\n'));
    let start = closing + signs.count();
    let words = rest.get(start..)?;
    let compares = |word: &&&[u8]| {
        let behind = words.get(word.len());
        words.starts_with(word) && matches!(behind, Some(b' ' | b':' | b'<' | b'"' | b'\'' | b'='))
    };
    let word = COMPARES.iter().filter(|word| compares(word)).max_by_key(|word| word.len())?;
    let from = start + word.len();
    if start == closing {
        return None;
    }
    let opening = rest.get(from..)?.iter().take(6);
    let opening =
        opening.take_while(|byte| of_border(**byte) || matches!(byte, b' ' | b':' | b'='));
    let from = from + opening.count();
    let value = rest.get(from..)?;
    let ends = |at: &usize| {
        let behind = value.get(*at..).unwrap_or_default();
        break_len(behind).is_some()
            || matches!(
                behind,
                [b' ' | b',' | b';' | b'"' | b'\'' | b'`' | b'\\' | b'<' | b'>', ..]
            )
    };
    let len = (0..value.len()).find(ends).unwrap_or(value.len());
    let value = value.get(..len)?;
    let trimmed = value.iter().rposition(|byte| !b".)]:".contains(byte))? + 1;
    may_be(value.get(..trimmed)?).then_some(secret.end + from..secret.end + from + trimmed)
}

/// The value before a secret that is compared with it.
fn compared_before(text: &[u8], secret: &Range<usize>) -> Option<Range<usize>> {
    let before = text.get(secret.start.saturating_sub(*LEN.end())..secret.start)?;
    let offset = secret.start - before.len();
    let strip = |text: &[u8], of: fn(u8) -> bool| {
        text.iter().rposition(|byte| !of(*byte)).map_or(0, |at| at + 1)
    };
    let end = strip(before, |byte| of_border(byte) || matches!(byte, b' ' | b':'));
    let words = before.get(..end).filter(|_| end < before.len())?;
    let compares = |word: &&&[u8]| {
        words.strip_suffix(**word).is_some_and(|outer| matches!(outer.last(), Some(b' ' | b',')))
    };
    let word = COMPARES.iter().filter(|word| compares(word)).max_by_key(|word| word.len())?;
    let outer = words.get(..words.len() - word.len())?;
    let end = strip(outer, |byte| of_border(byte) || matches!(byte, b' ' | b',' | b';'));
    let value = outer.get(..end)?;
    let ends = |byte: &u8| b" \n\"'`\\<>([{=,".contains(byte);
    let start = value.iter().rposition(ends).map_or(0, |at| at + 1);
    may_be(value.get(start..)?).then_some(offset + start..offset + end)
}

#[cfg(test)]
mod tests {
    use super::compared_before;
    use super::compared_behind;

    #[test]
    fn what_a_secret_is_compared_with_is_found_on_both_sides() {
        for (text, other) in [
            ("= \"Winter99x\", want \"Tiger88x!\"", Some("Tiger88x!")),
            ("<Winter99x> but was:<Tiger88x!>", Some("Tiger88x!")),
            ("'Winter99x' != 'Tiger88x!'", Some("Tiger88x!")),
            ("Winter99x does not match Tiger88x!", Some("Tiger88x!")),
            ("'Winter99x' to equal 'Tiger88x!'", Some("Tiger88x!")),
            ("\"Winter99x\", \"Tiger88x!\"", None),
            ("Winter99x got lost", None),
            ("Winter99x wanted Tiger88x!", None),
        ] {
            let at = text.find("Winter99x").expect("the secret stands in the text");
            let found = compared_behind(text.as_bytes(), &(at..at + 9)).map(|range| &text[range]);
            assert_eq!(found, other, "{text}");
        }
        for (text, other) in [
            ("expected:<Tiger88x!> but was:<Winter99x>", Some("Tiger88x!")),
            ("want \"Tiger88x!\", got \"Winter99x\"", Some("Tiger88x!")),
            ("Tiger88x! Winter99x", None),
            ("nothing but was:<Winter99x>", None),
        ] {
            let at = text.find("Winter99x").expect("the secret stands in the text");
            let found = compared_before(text.as_bytes(), &(at..at + 9)).map(|range| &text[range]);
            assert_eq!(found, other, "{text}");
        }
    }
}
