//! The other one of two values that a text names for one key: what a password was changed to,
//! what was expected instead.

use std::ops::Range;

use crate::scrub::detector::assign::closing_quote;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::find::near::holds_password;
use crate::scrub::detector::key::Class;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::value;
use crate::scrub::detector::value::Standing;
use crate::scrub::rule::ValueForm;

/// What stands between the two, in small letters, without the quotes around them.
const JOINTS: [&[u8]; 28] = [
    b" to equal ",
    b" to be ",
    b" to ",
    b" with ",
    b" by ",
    b" but got ",
    b", but got ",
    b" but was ",
    b", got ",
    b" got ",
    b" and got ",
    b", actual ",
    b" != ",
    b" <> ",
    b" => ",
    b" -> ",
    b" replace ",
    b" actual=",
    b", actual=",
    b" actual: ",
    b", actual: ",
    b" new=",
    b", new=",
    b" new: ",
    b", new: ",
    b" new password ",
    b", it is now ",
    b" instead of ",
];

/// Words that say that the first one of two follows.
const FIRST: [&[u8]; 6] = [b"old", b"expected", b"previous", b"before", b"was", b"from"];

/// How far behind a key the first may begin, and how long a value is, in bytes.
const REACH: usize = 48;
const VALUE_LEN_MAX: usize = 128;

impl<'d> Search<'d, '_> {
    /// Judges what stands beside a password that was found last, as the one that it was changed
    /// to or compared with.
    pub(super) fn second(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        let Some(first) = found.last().filter(|first| matches!(first.how, How::Plain)) else {
            return;
        };
        let Some(range) = beside(text, &first.range) else { return };
        let Some(rules) = self.of_password(text, key, rules) else { return };
        self.step(range.len());
        self.judge(text, range, rules, Standing::Whole, None, found);
    }

    /// Judges the first one of two passwords, before which a word says so: `password mismatch:
    /// expected=x actual=y`.
    pub(super) fn first_of_two(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        let Some(range) = first(text, key.end) else { return };
        let Some(rules) = self.of_password(text, key, rules) else { return };
        self.step(REACH);
        if beside(text, &range).is_some() {
            self.judge(text, range, rules, Standing::Whole, None, found);
        }
    }

    /// The rules for a password, where the name is one of passwords, whatever else it names:
    /// `password mismatch`.
    fn of_password(&self, text: &[u8], key: &Range<usize>, rules: Rules<'d>) -> Option<Rules<'d>> {
        if self.form(rules) == ValueForm::Password {
            return Some(rules);
        }
        let is_one = holds_password(text.get(key.clone())?);
        match self.detector.keys.classify(b"password") {
            Class::Secret(rules) if is_one => Some(rules),
            _ => None,
        }
    }
}

/// Where the first one of two stands behind a key.
fn first(text: &[u8], from: usize) -> Option<Range<usize>> {
    let rest = text.get(from..text.len().min(from + REACH))?;
    let rest = rest.split(|byte| *byte == b'\n').next()?;
    let begins = memchr::memchr2_iter(b' ', b':', rest).map(|at| at + 1);
    for at in begins {
        let word = rest.get(at..)?;
        let Some(len) = FIRST.iter().find(|first| word.starts_with(first)).map(|first| first.len())
        else {
            continue;
        };
        let sign = match word.get(len..)? {
            [b'=', ..] => 1,
            [b':', b' ', ..] => 2,
            [b' ', ..] => 1,
            _ => continue,
        };
        return value_at(text, from + at + len + sign);
    }
    None
}

/// The second one, where the first stands.
fn beside(text: &[u8], first: &Range<usize>) -> Option<Range<usize>> {
    let rest = text.get(first.end..)?;
    let slashes = rest.iter().take_while(|byte| **byte == b'\\').take(8).count();
    let quote = rest.get(slashes).filter(|byte| matches!(byte, b'"' | b'\'' | b'`')).copied();
    let behind = match quote {
        Some(_) => slashes + 1,
        None => 0,
    };
    let rest = rest.get(behind..)?;
    let is_joint = |joint: &&&[u8]| {
        rest.get(..joint.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(joint))
    };
    let joint = JOINTS.iter().find(is_joint)?;
    let at = first.end + behind + joint.len();
    let range = value_at(text, at)
        .or_else(|| quoted_at(text, at, quote?))
        .or_else(|| words_at(text, first.start, at, joint))?;
    let is_quoted = matches!(text.get(range.start - 1), Some(b'"' | b'\'' | b'`'));
    (is_quoted == quote.is_some()).then_some(range)
}

/// Plain words that a sign joins, where the first one stands behind `from`: `changed from x to
/// anchor-violin`.
fn words_at(text: &[u8], first: usize, at: usize, joint: &[u8]) -> Option<Range<usize>> {
    let changes = text.get(..first)?.ends_with(b"from ") && joint == b" to ";
    let rest = text.get(at..text.len().min(at + VALUE_LEN_MAX))?;
    let of_words = |byte: &&u8| byte.is_ascii_lowercase() || b"-_.".contains(*byte);
    let len = rest.iter().take_while(of_words).count();
    let words = rest.get(..len)?;
    let words = words.strip_suffix(b".").unwrap_or(words);
    (changes && value::is_plain_words(words)).then_some(at..at + words.len())
}

/// One word in the quotes that the first one has, which is no word of a language.
fn quoted_at(text: &[u8], at: usize, quote: u8) -> Option<Range<usize>> {
    let rest = text.get(at..text.len().min(at + VALUE_LEN_MAX))?;
    let start = at + 1 + usize::from(rest.first() == Some(&b'\\'));
    let range = start..start + memchr::memchr(quote, text.get(start..)?)?;
    let value = text.get(range.clone())?;
    let is_word = value.iter().skip(1).all(u8::is_ascii_lowercase);
    let opens = text.get(start - 1) == Some(&quote);
    let is_one = (6..=VALUE_LEN_MAX).contains(&value.len())
        && value.iter().all(|byte| byte.is_ascii_graphic() && !b"<>{}()$\\".contains(byte));
    (opens && is_one && !is_word && !value::is_no_secret(value)).then_some(range)
}

/// A value with or without quotes that is written as a password.
fn value_at(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..text.len().min(at + VALUE_LEN_MAX))?;
    let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
    if let Some(quote @ (b'"' | b'\'' | b'`')) = rest.get(slashes).copied() {
        let start = at + slashes + 1;
        let range = start..closing_quote(text, start, slashes, quote);
        let value = text.get(range.clone())?;
        let tells = value::is_quoted_password(value) || value::is_told(value, false);
        return (tells && value.len() <= VALUE_LEN_MAX).then_some(range);
    }
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`,;()[]{}<>\\".contains(byte);
    let len = rest.iter().position(ends).unwrap_or(rest.len());
    let word = rest.get(..len)?;
    let word = word.strip_suffix(b".").unwrap_or(word);
    value::is_shaped(word).then_some(at..at + word.len())
}

#[cfg(test)]
mod tests {
    use super::beside;
    use super::first;

    #[test]
    fn the_other_of_two_passwords_is_found() {
        for (text, second) in [
            ("Winter99xQ1 to Summer77xQ2.", Some("Summer77xQ2")),
            ("Winter99xQ1\" to \"Summer77xQ2\" on", Some("Summer77xQ2")),
            ("Winter99xQ1\\\" -> \\\"Summer77xQ2\\\"", Some("Summer77xQ2")),
            ("Winter99xQ1' to equal 'Summer77xQ2'", Some("Summer77xQ2")),
            ("Winter99xQ1 to log in", None),
            ("Winter99xQ1\" to Summer77xQ2", None),
            ("Winter99xQ1 with node-2", None),
        ] {
            let found = beside(text.as_bytes(), &(0..11)).map(|range| &text[range]);
            assert_eq!(found, second, "{text}");
        }
        for (text, second) in [
            ("from Winter99xQ1 to anchor-violin", Some("anchor-violin")),
            ("with Winter99xQ1 to anchor-violin", None),
            ("from Winter99xQ1 to read-only", None),
        ] {
            let found = beside(text.as_bytes(), &(5..16)).map(|range| &text[range]);
            assert_eq!(found, second, "{text}");
        }
        for (text, value) in [
            (" mismatch: expected=Winter99xQ1 actual=x", Some("Winter99xQ1")),
            (" changed: old=\"Winter99xQ1\"", Some("Winter99xQ1")),
            (" expected behaviour", None),
        ] {
            assert_eq!(first(text.as_bytes(), 0).map(|range| &text[range]), value, "{text}");
        }
    }
}
