//! A value near a telling name that nothing known ties to it.
//!
//! There is no end to the ways in which people and programs set a value behind its name:
//! signs of languages, signs of their own, words. What is known of them is read first. What
//! is left is read here, by the value: whatever stands between must be signs and plain words,
//! and the first word that is not plain must show by its looks that it is a secret.

use std::ops::Range;

use crate::scrub::detector::assign;
use crate::scrub::detector::assign::Assignment;
use crate::scrub::detector::assign::Delimiter;
use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::bytes::PASSWORD_SIGNS;
use crate::scrub::detector::bytes::digits_in;
use crate::scrub::detector::bytes::has_mixed_run;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::value;
use crate::scrub::detector::value::Standing;
use crate::scrub::rule::ValueForm;
use crate::scrub::rule::validator;

/// How far from a name its value may begin, in bytes.
const REACH: usize = 96;

/// How long a value is at most.
const VALUE_LEN_MAX: usize = 512;

/// What ends a value.
const ENDS: ByteSet = ByteSet::of(b"\"'`\\<>|(){}[], \t\r\n");

/// Directives of nginx that say where a request is passed to, in small letters: a variable of
/// the same name holds a password.
const PASSES: [&[u8]; 6] =
    [b"proxy_pass", b"fastcgi_pass", b"uwsgi_pass", b"scgi_pass", b"grpc_pass", b"memcached_pass"];

impl<'d> Search<'d, '_> {
    /// Judges the first word behind a key that is none of a sentence, or else the one right
    /// before it, or on the line below. What was read as an assignment was judged, unless a
    /// blank alone ties it.
    pub(super) fn near(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        read: Option<&Assignment>,
        found: &mut Vec<Match>,
    ) {
        let form = self.form(rules);
        if !form.is_one_piece() {
            return;
        }
        let name = text.get(key.clone()).unwrap_or_default();
        if text.get(key.end) == Some(&b' ') && PASSES.contains(&name) {
            return;
        }
        self.step(REACH);
        let is_password = form == ValueForm::Password;
        let of_password = is_password || holds_password(name);
        let read = read.filter(|read| !matches!(read.sign, Sign::Prose | Sign::Stated));
        // Names of passwords beside others are judged once more: `PASSWORD bob = x`.
        let was_judged = |start: usize| {
            read.is_some_and(|read| {
                let is_beyond =
                    matches!(read.delimiter, Delimiter::Quote(_)) && read.value.end < start;
                is_beyond || (read.value.start == start && (is_password || !of_password))
            })
        };
        let tells = may_tell(text.get(key.end..).unwrap_or_default(), of_password);
        let between = tells.then(|| assign::Between::new(text, key.end, REACH).value()).flatten();
        if between.as_ref().is_some_and(|between| was_judged(between.at)) {
            return;
        }
        let is_other = |range: &Range<usize>| {
            !value::is_named_alike(name, text.get(range.clone()).unwrap_or_default())
        };
        let place = between.and_then(|between| behind(text, &between, of_password));
        let place = place.or_else(|| argument(text, key)).filter(is_other);
        let place = place.or_else(|| {
            let range = assign::value_before(text, key)?;
            looks_secret(text, &range, of_password, Tie { tied: true, close: true })
                .then_some(range)
        });
        let place = place.or_else(|| {
            let range = assign::below(text, key.end)?;
            let value = text.get(range.clone())?;
            let tells = value::is_drawn(value)
                || value::is_drawn_number(value)
                || (of_password && value::is_shaped(value));
            tells.then_some(range)
        });
        let place = place.or_else(|| of_password.then(|| quoted_phrase(text, key.end)).flatten());
        if let Some(range) = place {
            self.judge(text, range, rules, Standing::Whole, None, found);
        }
    }
}

/// The phrase of plain words that quotes hold together behind the words of a sentence that say
/// what the password is: `the passphrase of the disk is "maple harbor lantern willow"`.
fn quoted_phrase(text: &[u8], start: usize) -> Option<Range<usize>> {
    const LAST: [&[u8]; 6] = [b"is", b"was", b"to", b"be", b"with", b"as"];
    let rest = text.get(start..text.len().min(start + REACH))?;
    if rest.first() != Some(&b' ') {
        return None;
    }
    let len = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b' ').count();
    let colon = usize::from(rest.get(len) == Some(&b':'));
    let blanks = usize::from(colon == 1 && rest.get(len + 1) == Some(&b' '));
    let quote = *rest.get(len + colon + blanks)?;
    let last = rest.get(..len)?.split(|byte| *byte == b' ').rfind(|word| !word.is_empty());
    let is_tied = colon == 1 || last.is_none_or(|last| LAST.contains(&last));
    if !is_tied || !matches!(quote, b'"' | b'\'' | b'`') {
        return None;
    }
    let start = start + len + colon + blanks + 1;
    let inner = text.get(start..text.len().min(start + VALUE_LEN_MAX))?;
    let end = memchr::memchr2(quote, b'\n', inner)?;
    (inner.get(end) == Some(&quote) && value::is_long_phrase(inner.get(..end)?))
        .then_some(start..start + end)
}

/// A look at what stands behind a name, that most names pay.
fn may_tell(rest: &[u8], of_password: bool) -> bool {
    let reach = rest.get(..REACH).unwrap_or(rest);
    let is_tied = !matches!(reach, [b' ', b'a'..=b'z' | b'A'..=b'Z', ..]);
    (0 < digits_in(reach) && (is_tied || has_mixed_run(reach)))
        || (of_password && reach.iter().any(|byte| PASSWORD_SIGNS.has(*byte)))
}

/// The value at a place behind a name, if it looks it.
fn behind(text: &[u8], between: &assign::Between<'_>, of_password: bool) -> Option<Range<usize>> {
    let range = word_at(text, between.at)?;
    let is_alone = !between.breaks || assign::ends_line(text, range.end);
    let tie = Tie { tied: between.tied, close: between.words <= 2 || between.tied_last };
    match is_alone && looks_secret(text, &range, of_password, tie) {
        true => Some(range),
        false => pair(text, range, of_password, tie),
    }
}

/// The argument of a call that sets a password, `set_session_password(x)`, or what stands in
/// brackets behind its name in a command of a mainframe: `PASSWORD(x)`.
fn argument(text: &[u8], key: &Range<usize>) -> Option<Range<usize>> {
    if text.get(key.end) != Some(&b'(') {
        return None;
    }
    let name = text.get(key.clone())?.rsplit(|byte| *byte == b'.').next()?;
    let sets = [&b"Set"[..], b"set_", b"set"].iter().any(|verb| name.starts_with(verb))
        || [&b"_Set"[..], b"_set_"].iter().any(|verb| memchr::memmem::find(name, verb).is_some())
        || name.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    if !sets || !holds_password(name) {
        return None;
    }
    let range = word_at(text, key.end + 1)?;
    let value = text.get(range.clone())?;
    let has = |is: fn(&u8) -> bool| value.iter().any(is);
    let is_mixed = 8 <= value.len()
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_uppercase)
        && value.iter().all(u8::is_ascii_alphanumeric)
        && validator::looks_random(value);
    let tells = is_mixed || value::is_shaped(value) || value::is_generated(value);
    (tells && text.get(range.end) == Some(&b')') && !holds_password(value)).then_some(range)
}

/// How much is known of what stands between a name and a value.
#[derive(Clone, Copy)]
struct Tie {
    /// A sign or a word says that a value follows.
    tied: bool,
    /// It stands right before the value, or little stands between.
    close: bool,
}

/// Whether a name is one of passwords, whatever else it names.
pub(super) fn holds_password(name: &[u8]) -> bool {
    let lower = name.to_ascii_lowercase();
    [&b"passw"[..], b"passp", b"cred"]
        .iter()
        .any(|word| memchr::memmem::find(&lower, word).is_some())
        || lower.ends_with(b"pass")
        || lower.ends_with(b"pwd")
}

/// The word that begins at `start`, without the sentence's signs.
fn word_at(text: &[u8], start: usize) -> Option<Range<usize>> {
    let rest = text.get(start..text.len().min(start + VALUE_LEN_MAX))?;
    let len = rest.iter().take_while(|byte| byte.is_ascii_graphic() && !ENDS.has(**byte)).count();
    let word = rest.get(..len)?;
    let len = word.iter().rposition(|byte| !b".;:*_~".contains(byte))? + 1;
    let is_call = matches!(text.get(start + len), Some(b'(' | b'['));
    (!is_call).then_some(start..start + len)
}

/// The password of a pair: `root/x`, `root:x`.
fn pair(text: &[u8], word: Range<usize>, of_password: bool, tie: Tie) -> Option<Range<usize>> {
    let bytes = text.get(word.clone())?;
    let sign = bytes.iter().position(|byte| matches!(byte, b':' | b'/'))?;
    if bytes.get(sign + 1) == Some(&b':') {
        return None;
    }
    let (user, password) = (bytes.get(..sign)?, word.start + sign + 1..word.end);
    let of_name = |byte: &u8| byte.is_ascii_lowercase() || b"_-.@".contains(byte);
    let is_name = 2 <= user.len() && user.iter().all(of_name);
    (of_password && tie.tied && is_name && looks_secret(text, &password, true, tie))
        .then_some(password)
}

/// Whether an equals sign stands in a value, but for the padding of base64: `api_key=x` is of
/// another key.
fn holds_sign(value: &[u8]) -> bool {
    let padding = value.iter().rev().take_while(|byte| **byte == b'=').count();
    memchr::memchr(b'=', value).is_some_and(|at| at + padding < value.len())
}

/// Whether a value shows by its looks that it is a secret, the more so the less ties it.
fn looks_secret(text: &[u8], range: &Range<usize>, of_password: bool, tie: Tie) -> bool {
    let value = text.get(range.clone()).unwrap_or_default();
    if value::is_numbered(value)
        || value.first() == Some(&b'-')
        || holds_sign(value)
        || (holds_password(value) && !value.iter().any(u8::is_ascii_digit))
        || value::is_plainly_code(value)
    {
        return false;
    }
    if value::is_drawn(value) {
        return true;
    }
    if !tie.tied {
        return of_password
            && (value::is_told(value, false) || (tie.close && value::is_chosen_word(value)));
    }
    let is_close = tie.close;
    match of_password {
        true => {
            value::is_told(value, false)
                || value::is_generated(value)
                || (is_close && value::is_shaped(value))
        }
        false => value::is_told(value, false) || (is_close && value::is_drawn_number(value)),
    }
}
