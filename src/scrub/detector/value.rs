//! What of a value under a secret key is secret.
//!
//! A key says that its value is secret; this is the second opinion. A value that
//! cannot be a secret stays: `null`, a number, a type, a reference to where the
//! secret really is, a sentence about it. How sure one must be depends on how the
//! value is tied to its key: an attribute value is nothing but the value, while in
//! `token = next(stream)` it may be code.

mod chosen;
mod code;
mod connection;
mod header;
mod labels;
mod names;
mod no_secret;
mod other;
mod shaped;
mod told;

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::rule::ValueForm;
use crate::scrub::rule::validator;

pub(in crate::scrub::detector) use chosen::is_generated;
pub(in crate::scrub::detector) use chosen::is_pair_of_words;
pub(in crate::scrub::detector) use chosen::is_plain_words;

use chosen::is_base64_with_slash;
use chosen::is_chosen;
use chosen::is_chosen_name;
pub(in crate::scrub::detector) use chosen::is_long_phrase;
use chosen::is_name;
use chosen::is_phrase;
use chosen::is_plain;
use chosen::names_something;
use code::is_code;
pub(in crate::scrub::detector) use code::is_named_alike;
use code::is_path;
pub(in crate::scrub::detector) use code::is_plainly_code;
pub(in crate::scrub::detector) use code::reads_as_name;
use connection::connection;
use connection::url_path;
use header::authorization;
use header::is_cookie_attribute;
use header::pairs;
pub(in crate::scrub::detector) use labels::is_described;
pub(in crate::scrub::detector) use labels::is_label;
pub(in crate::scrub::detector) use labels::is_statement;
pub(in crate::scrub::detector) use names::is_any_name;
use names::is_compound;
pub(in crate::scrub::detector) use names::is_condition;
pub(in crate::scrub::detector) use names::is_secret_name;
pub(in crate::scrub::detector) use names::is_telling_condition;
pub(in crate::scrub::detector) use no_secret::is_closing;
pub(in crate::scrub::detector) use no_secret::is_no_secret;
use no_secret::is_parameter;
pub(in crate::scrub::detector) use other::is_class;
use shaped::is_joined;
use shaped::is_numbered_pair;
pub(in crate::scrub::detector) use shaped::is_shaped;
use shaped::is_three_words;
pub(in crate::scrub::detector) use shaped::is_word_and_number;
pub(in crate::scrub::detector) use shaped::scheme_len;
pub(in crate::scrub::detector) use told::is_chosen_word;
pub(in crate::scrub::detector) use told::is_drawn;
pub(in crate::scrub::detector) use told::is_drawn_number;
pub(in crate::scrub::detector) use told::is_long_mixed;
pub(in crate::scrub::detector) use told::is_passphrase;
pub(in crate::scrub::detector) use told::is_said_phrase;
pub(in crate::scrub::detector) use told::is_told;

/// How much of a value is looked at to tell whether it is secret.
const JUDGED_BYTES_MAX: usize = 4096;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Standing {
    /// It is all there is under the key: an attribute, a quoted string.
    Whole,
    /// It is the first word of what may be more; tied to its key so.
    Word(Sign),
    /// It is the rest of a line.
    Line(Sign),
}

/// Whether all of a value of this form may be several words.
pub(in crate::scrub) fn takes_line(form: ValueForm) -> bool {
    matches!(
        form,
        ValueForm::Authorization | ValueForm::Cookie | ValueForm::SetCookie | ValueForm::List
    )
}

/// The ranges of `value` that are secret.
pub(in crate::scrub) fn secrets(
    form: ValueForm,
    value: &[u8],
    standing: Standing,
) -> Vec<Range<usize>> {
    let value_trimmed = trim(value, 0..value.len());
    let text = value.get(value_trimmed.clone()).unwrap_or_default();
    // What is no secret shows it soon.
    let text = text.get(..JUDGED_BYTES_MAX).unwrap_or(text);
    if text.is_empty() || validator::is_placeholder(text) || is_no_secret(text) {
        return Vec::new();
    }
    // `cookie = jar.get(name)`: a header has a colon.
    let code = matches!(standing, Standing::Line(Sign::SpacedEquals));
    let prose = matches!(
        standing,
        Standing::Word(Sign::Prose | Sign::Stated) | Standing::Line(Sign::Prose | Sign::Stated)
    );
    match form {
        ValueForm::Authorization => authorization(value, value_trimmed, standing),
        ValueForm::Cookie | ValueForm::SetCookie | ValueForm::List if prose || code => Vec::new(),
        ValueForm::Cookie => to_blank(pairs(value, b";", |_| true), value, standing),
        ValueForm::SetCookie => {
            to_blank(pairs(value, b";,", |name| !is_cookie_attribute(name)), value, standing)
        }
        ValueForm::List => to_blank(pairs(value, b",;", |_| true), value, standing),
        ValueForm::Connection => connection(value, value_trimmed),
        ValueForm::UrlPath => url_path(text, value_trimmed),
        ValueForm::Whole | ValueForm::Password | ValueForm::Credential => {
            let is_text = matches!(
                standing,
                Standing::Whole | Standing::Word(Sign::Colon) | Standing::Word(Sign::Element)
            );
            one(!(is_text && is_label(text)) && is_secret(form, text, standing), value_trimmed)
        }
    }
}

fn one(secret: bool, range: Range<usize>) -> Vec<Range<usize>> {
    if secret { vec![range] } else { Vec::new() }
}

/// Ends the last secret of a line at a blank: what follows is no pair but the rest of the
/// line.
fn to_blank(mut secrets: Vec<Range<usize>>, value: &[u8], standing: Standing) -> Vec<Range<usize>> {
    if let (Standing::Line(_), Some(last)) = (standing, secrets.last_mut())
        && last.end == value.trim_ascii_end().len()
        && let Some(text) = value.get(last.clone())
    {
        let blank = text.iter().position(u8::is_ascii_whitespace);
        last.end = blank.map_or(last.end, |blank| last.start + blank);
    }
    secrets
}

fn trim(value: &[u8], range: Range<usize>) -> Range<usize> {
    let text = value.get(range.clone()).unwrap_or_default();
    let front = text.len() - text.trim_ascii_start().len();
    let back = text.len() - text.trim_ascii_end().len();
    if front + back < text.len() {
        range.start + front..range.end - back
    } else {
        range.start..range.start
    }
}

/// Whether a value that is one piece is secret.
fn is_secret(form: ValueForm, text: &[u8], standing: Standing) -> bool {
    let digits = text.iter().all(u8::is_ascii_digit);
    let is_url = memchr::memmem::find(text, b"://").is_some();
    // A URL tells where something is; what is secret in it has rules of its own.
    if is_url && (form != ValueForm::Password || is_page(text)) {
        return false;
    }
    let word = match standing {
        Standing::Whole => None,
        Standing::Word(sign) | Standing::Line(sign) => Some(sign),
    };
    if word.is_some_and(|sign| is_code(text, sign) || is_parameter(text)) {
        return false;
    }
    if let Some(sign @ (Sign::Prose | Sign::Stated)) = word {
        return is_secret_in_prose(form, text, sign);
    }
    match form {
        ValueForm::Credential => {
            let sure = matches!(word, None | Some(Sign::Equals | Sign::Pair));
            let tied = sure || matches!(word, Some(Sign::Colon | Sign::SpacedEquals | Sign::Flag));
            is_credential(text)
                || (sure && (is_phrase(text) || is_chosen_name(text)))
                || (word.is_none() && is_ended_phrase(text))
                || (word == Some(Sign::Colon)
                    && TOKEN_DIGITS_MIN <= text.len()
                    && is_long_number(text))
                || (tied && is_pair_of_words(text))
        }
        ValueForm::Password => match word {
            None => !is_sentence(text) && (!digits || 4 <= text.len()),
            Some(Sign::SpacedEquals | Sign::Colon) => {
                3 <= text.len() && !(digits && text.len() < 4)
            }
            Some(Sign::Pair) => {
                !text.starts_with(b"-")
                    && (is_mixed(text) || !text.iter().all(|&byte| is_path(byte) || byte == b' '))
            }
            Some(Sign::Element) if is_sentence(text) => false,
            Some(_) => !(digits && text.len() < 4),
        },
        _ => match word {
            None => !is_sentence(text) && (!digits || 8 <= text.len()) && 1 < text.len(),
            Some(Sign::Query | Sign::Flag | Sign::Element) => {
                4 <= text.len() && !(digits && text.len() < 6)
            }
            Some(Sign::Equals | Sign::Pair) => {
                6 <= text.len()
                    && (is_mixed(text) || 16 <= text.len() || is_chosen(text))
                    && (!digits || is_long_number(text))
            }
            Some(_) => is_credential(text) || is_chosen(text) || is_long_number(text),
        },
    }
}

/// The address of a page: `https://host.example/password/new`.
fn is_page(text: &[u8]) -> bool {
    let Some(rest) = text.strip_prefix(b"https://").or(text.strip_prefix(b"http://")) else {
        return false;
    };
    let of_page = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._/:".contains(byte);
    let host = rest.split(|byte| *byte == b'/').next().unwrap_or_default();
    rest.iter().all(of_page) && host.contains(&b'.') && !validator::looks_random(host)
}

/// Sixteen digits and more, of which at least five are different: some give secrets so.
fn is_long_number(text: &[u8]) -> bool {
    let different = (b'0'..=b'9').filter(|digit| text.contains(digit)).count();
    (16..=64).contains(&text.len()) && text.iter().all(u8::is_ascii_digit) && 5 <= different
}

/// How many digits a token has at least that is a number, as some servers make them: what
/// numbers rows is shorter.
const TOKEN_DIGITS_MIN: usize = 18;

/// Three and more plain words, and behind them a number or a sign: `hunter copper garden!`.
fn is_ended_phrase(text: &[u8]) -> bool {
    text.last().is_some_and(|byte| !byte.is_ascii_alphabetic()) && is_passphrase(text)
}

/// How many hexadecimal digits are no number and no id that people read out.
const HEX_LEN_MIN: usize = 20;

/// How long a word of a sentence may be.
const WORD_LEN_MAX: usize = 16;

/// Behind a word and a blank stands anything: a duration, an id, the next column.
fn is_secret_in_prose(form: ValueForm, text: &[u8], sign: Sign) -> bool {
    let id = text.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    let row = text.iter().any(|byte| matches!(byte, b'=' | b'/' | b',' | b';' | b'|' | b':'))
        && !is_base64_with_slash(text);
    match form {
        ValueForm::Password if is_generated(text) && !is_option(text) => true,
        ValueForm::Password
            if sign == Sign::Stated
                && (is_words(text)
                    || is_shaped(text)
                    || is_plain_words(text)
                    || is_word_and_number(text)) =>
        {
            true
        }
        ValueForm::Password if is_joined(text) => true,
        _ if row || is_option(text) || is_numbered(text) => false,
        _ if id => {
            HEX_LEN_MIN <= text.len()
                && text.iter().any(|byte| byte.is_ascii_digit())
                && text.iter().any(u8::is_ascii_alphabetic)
                // It numbers keys and tokens more often than it is one.
                && !validator::is_uuid(text)
                && validator::looks_random(text)
        }
        ValueForm::Password => is_mixed(text) && !is_compound(text),
        _ if sign == Sign::Stated => {
            let is_word = text.iter().all(u8::is_ascii_lowercase) && names_something(text);
            !(is_word && text.len() < WORD_LEN_MAX) && is_credential(text)
        }
        _ => 20 <= text.len() && validator::looks_random(text),
    }
}

/// What is a password behind a word for one, where quotes hold it together: a word of another
/// script with a digit, four and more plain words in a row, or one that is written as people
/// write passwords.
pub(in crate::scrub::detector) fn is_quoted_password(text: &[u8]) -> bool {
    is_foreign_word(text) || is_long_phrase(text) || is_shaped(text) || is_chain(text)
}

/// One word with letters of other scripts, and with a digit: `密码6429!`.
fn is_foreign_word(text: &[u8]) -> bool {
    6 <= text.len()
        && text.iter().any(|byte| !byte.is_ascii())
        && text.iter().any(u8::is_ascii_digit)
        && !text.iter().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
        && std::str::from_utf8(text)
            .is_ok_and(|text| text.chars().any(|c| !c.is_ascii() && c.is_alphabetic()))
}

/// Four and more plain words, which only quotes hold together: a passphrase.
fn is_words(text: &[u8]) -> bool {
    let mut words = text.split(|byte| *byte == b' ');
    4 <= words.clone().count()
        && words.all(|word| 3 < word.len() && word.iter().all(u8::is_ascii_lowercase))
        && !is_sentence(text)
}

/// Two to four plain words that hyphens or underscores join, and that name nothing: a password,
/// where a name of one stands before it.
pub(in crate::scrub::detector) fn is_chain(text: &[u8]) -> bool {
    let Some(joint) = text.iter().find(|byte| matches!(byte, b'-' | b'_')) else { return false };
    let words = text.split(|byte| byte == joint);
    (2..=4).contains(&words.clone().count()) && words.into_iter().all(is_of_chain)
}

/// A plain word that says nothing of how something is.
fn is_of_chain(word: &[u8]) -> bool {
    const SAID: [&[u8]; 18] = [
        b"case",
        b"sensitive",
        b"insensitive",
        b"plain",
        b"clear",
        b"only",
        b"long",
        b"lived",
        b"well",
        b"known",
        b"self",
        b"time",
        b"factor",
        b"multi",
        b"hard",
        b"soft",
        b"high",
        b"open",
    ];
    word == b"cookie" || (is_plain(word) && !SAID.contains(&word))
}

/// `JID-5b1ab177`: what numbers jobs and tickets.
pub(in crate::scrub::detector) fn is_numbered(text: &[u8]) -> bool {
    let letters = text.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let number = text.get(letters..).and_then(|rest| rest.strip_prefix(b"-"));
    (2..=6).contains(&letters)
        && number.is_some_and(|number| number.iter().all(u8::is_ascii_hexdigit))
}

/// `-p'…'`, an option of a command: `sshpass` reads like a name of a password.
fn is_option(text: &[u8]) -> bool {
    matches!(text, [b'-', b'a'..=b'z' | b'A'..=b'Z', b'\'' | b'"' | b'=', ..])
}

/// Eight and more characters, no blanks, and not a word, a number, a path or a name.
fn is_credential(text: &[u8]) -> bool {
    8 <= text.len()
        && !text.iter().any(|byte| byte.is_ascii_whitespace())
        && !text.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':'))
        && (!matches!(text, [b'.' | b'~' | b'<' | b'{' | b'[' | b'(', ..])
            || only_seems_to_open(text))
        && (text.first() != Some(&b'/') || is_base64_with_slash(text))
        && (validator::looks_random(text) || (is_mixed(text) && !is_name(text)))
}

/// Whether a value that begins like a path, a tag or a list is a password that a program made
/// all the same: it is neither, and looks it.
fn only_seems_to_open(text: &[u8]) -> bool {
    let closes = |byte: &u8| b"/>}])".contains(byte);
    !text.iter().any(closes) && is_generated(text)
}

/// Letters together with digits, or with signs that names do not have.
fn is_mixed(text: &[u8]) -> bool {
    let letter = text.iter().any(u8::is_ascii_alphabetic);
    let digit = text.iter().any(u8::is_ascii_digit);
    let sign =
        text.iter().any(|byte| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'*'));
    letter && (digit || sign)
}

/// Prose about a secret: four words and more, most of them lower-case words.
fn is_sentence(text: &[u8]) -> bool {
    let words: Vec<&[u8]> = text.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).collect();
    // `doesn't match`: no passphrase begins so.
    const DENIED: [&[u8]; 7] =
        [b"doesn't", b"isn't", b"wasn't", b"didn't", b"hasn't", b"aren't", b"weren't"];
    if let [first, second, ..] = words.as_slice()
        && DENIED.iter().any(|denied| first.eq_ignore_ascii_case(denied))
        && second.iter().all(u8::is_ascii_alphabetic)
    {
        return true;
    }
    let plain = words
        .iter()
        .filter(|word| {
            let word = word.trim_ascii();
            let inner = word.iter().filter(|b| !b"(),.;:!?'\"".contains(b));
            let letters = inner.clone().all(|byte| byte.is_ascii_alphabetic() || *byte == b'-');
            letters && inner.count() + 2 >= word.len()
        })
        .count();
    const TELLING: [&[u8]; 16] = [
        b"is", b"must", b"be", b"the", b"a", b"not", b"should", b"your", b"for", b"to", b"of",
        b"at", b"cannot", b"has", b"does", b"please",
    ];
    3 <= words.len()
        && words.len() * 3 <= plain * 4
        && words.iter().any(|word| TELLING.iter().any(|t| word.eq_ignore_ascii_case(t)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(form: ValueForm, text: &str, standing: Standing) -> String {
        let mut out = String::new();
        let mut at = 0;
        for range in secrets(form, text.as_bytes(), standing) {
            out.push_str(&text[at..range.start]);
            out.push('#');
            at = range.end;
        }
        out + &text[at..]
    }

    #[test]
    fn what_is_secret_in_a_value_depends_on_its_form_and_standing() {
        use Standing::{Line, Whole, Word};
        use ValueForm as F;
        let cases: &[(F, &str, Standing, &str)] = &[
            (F::Authorization, "Bearer abc", Whole, "Bearer #"),
            (F::Authorization, "  Basic dXNlcjpwdw==", Whole, "  Basic #"),
            (F::Authorization, "opaque-token", Whole, "#"),
            (F::Authorization, "Bearer [redacted:jwt]", Whole, "Bearer [redacted:jwt]"),
            (F::Authorization, "Bearer aB3x9 status=200", Line(Sign::Colon), "Bearer # status=200"),
            (F::Authorization, "Bearer token required", Line(Sign::Colon), "Bearer token required"),
            (
                F::Authorization,
                "AWS4-HMAC-SHA256 Credential=A/b, Signature=c",
                Whole,
                "AWS4-HMAC-SHA256 #",
            ),
            (F::Cookie, "sid=abc; theme=dark", Whole, "sid=#; theme=#"),
            (
                F::SetCookie,
                "sid=abc; Path=/; HttpOnly; Max-Age=3",
                Whole,
                "sid=#; Path=/; HttpOnly; Max-Age=3",
            ),
            (F::List, "api-key=abc,x=y", Whole, "api-key=#,x=#"),
            (F::Password, "hunter2", Whole, "#"),
            (F::Password, "letmein", Word(Sign::Equals), "#"),
            (F::Password, "required", Whole, "required"),
            (F::Password, "must be at least 8 characters", Whole, "must be at least 8 characters"),
            (F::Password, "getpass()", Word(Sign::SpacedEquals), "getpass()"),
            (F::Password, "self.password", Word(Sign::SpacedEquals), "self.password"),
            (F::Password, "user_password", Word(Sign::SpacedEquals), "user_password"),
            (F::Password, "hunter2", Word(Sign::SpacedEquals), "#"),
            (F::Password, "incorrect", Word(Sign::Prose), "incorrect"),
            (F::Whole, "4096", Whole, "4096"),
            (F::Whole, "true", Whole, "true"),
            (F::Whole, "abc", Whole, "#"),
            (F::Whole, "string;", Word(Sign::Colon), "string;"),
            (F::Whole, "expired", Word(Sign::Colon), "expired"),
            (F::Whole, "https://idp.example/token", Whole, "https://idp.example/token"),
            (F::Connection, "postgres://h/db", Whole, "postgres://h/db"),
            (F::Connection, "postgres://u:p@h/db", Whole, "postgres://u:#@h/db"),
            (
                F::Connection,
                "Server=h;User Id=x;Password=a b;",
                Whole,
                "Server=h;User Id=x;Password=#;",
            ),
            (F::Connection, "host=h password=pw user=u", Whole, "host=h password=# user=u"),
            (F::UrlPath, "https://h.example/a/b", Whole, "https://h.example/#"),
            (F::Connection, "Server=h;Database=d", Whole, "Server=h;Database=d"),
        ];
        for (form, text, standing, expected) in cases {
            assert_eq!(masked(*form, text, *standing), *expected, "{form:?} {text} {standing:?}");
        }
    }
}
