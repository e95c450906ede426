//! What stands around a key or a value and says that no secret is assigned, or which name
//! the key has.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::assign::source::is_fetched;
use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::bytes::is_drawn;
use crate::scrub::detector::bytes::is_key_byte;
use crate::scrub::detector::value;

/// How far the beginning of a word or of a string is looked for.
const BEFORE_MAX: usize = 128;

/// Whether a name stands in the user's place of a URL, `https://x-access-token:…@host`: what
/// follows is for the rules of URLs, which keep the host.
pub(in crate::scrub) fn is_user_of_url(text: &[u8], key: &Range<usize>) -> bool {
    let behind = text.get(key.end..).unwrap_or_default();
    let of_url = |byte: &u8| byte.is_ascii_graphic() && !b"\"'<>/".contains(byte);
    text.get(..key.start).is_some_and(|before| before.ends_with(b"://"))
        && behind.first() == Some(&b':')
        && behind.iter().take(1024).take_while(|byte| of_url(byte)).any(|byte| *byte == b'@')
}

/// How long a parameter of a header is, at most, in bytes.
const PARAMETER_MAX: usize = 2048;

/// Where a line of parameters ends, of which each may be quoted: `Digest realm="x", nonce="y"`,
/// in a string of JSON, too. `end` is where it ends if a quote ends it.
pub(in crate::scrub) fn parameters_end(text: &[u8], end: usize) -> usize {
    let mut at = end;
    while text.get(..at).is_some_and(names_parameter) {
        let line = text.get(at..text.len().min(at + PARAMETER_MAX)).unwrap_or_default();
        let slashes = line.iter().take_while(|byte| **byte == b'\\').count();
        let Some((quote, value)) = line.split_at_checked(slashes + 1) else { break };
        // The quote that ends the string around it all, perhaps in code.
        let ends = matches!(value, [] | [b',' | b';' | b'}' | b']' | b')' | b' ', ..]);
        if !quote.ends_with(b"\"") || ends {
            break;
        }
        let Some(close) = memchr::memmem::find(value, quote) else { break };
        if value.get(..close).is_none_or(|value| value.contains(&b'\n')) {
            break;
        }
        at += close + 2 * quote.len();
        let rest = text.get(at..text.len().min(at + PARAMETER_MAX)).unwrap_or_default();
        if !rest.starts_with(b",") && !rest.starts_with(b";") {
            break;
        }
        let next = rest.iter().position(|byte| matches!(byte, b'"' | b'\n' | b'\'' | b'\\'));
        at += next.unwrap_or(rest.len());
    }
    at
}

/// Whether the name of a parameter and its sign end a text, and not the padding of base64.
fn names_parameter(before: &[u8]) -> bool {
    let Some(name) = before.strip_suffix(b"=") else { return false };
    let of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let len = name.iter().rev().take_while(of_name).count();
    let (before, name) = name.split_at(name.len() - len);
    let may_be_padded = name.iter().any(u8::is_ascii_digit) && (len + 1).is_multiple_of(4);
    let begins = matches!(before.last(), None | Some(b' ' | b',' | b';' | b':' | b'\t'));
    0 < len && !may_be_padded && begins
}

/// Whether a name is part of the name of a resource: `arn:aws:secretsmanager:…:secret:db`; of a
/// path of types; of a digest, as Vault writes secrets in its audit log; or of a call that fetches.
pub(in crate::scrub) fn is_in_resource_name(text: &[u8], key: &Range<usize>) -> bool {
    if is_in_path_of_types(text, key) || is_digest_name(text, key) || is_fetched(text, key) {
        return true;
    }
    let from = key.start.saturating_sub(BEFORE_MAX);
    let before = text.get(from..key.start).unwrap_or_default();
    if !before.ends_with(b":") {
        return false;
    }
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`=,;&".contains(byte);
    let start = before.iter().rposition(ends).map_or(0, |at| at + 1);
    before.get(start..).is_some_and(|word| word.starts_with(b"arn:"))
}

/// `hmac-sha256:` and the digest right behind it.
fn is_digest_name(text: &[u8], key: &Range<usize>) -> bool {
    let behind = text.get(key.end..).and_then(|rest| rest.strip_prefix(b":"));
    text.get(key.clone()) == Some(b"hmac-sha256")
        && behind.is_some_and(|rest| {
            rest.iter().take(DIGEST_LEN).filter(|byte| byte.is_ascii_hexdigit()).count()
                == DIGEST_LEN
        })
}

/// The length of a SHA-256 in hexadecimal digits.
const DIGEST_LEN: usize = 64;

/// Whether a name is the last one of a path of types, `auth::password`: what follows is said of
/// the type. In the settings of Puppet such a path is a name: all of it is small, begins its
/// line, and has its value in quotes, or one that shows by its looks that it is a secret.
fn is_in_path_of_types(text: &[u8], key: &Range<usize>) -> bool {
    let from = key.start.saturating_sub(BEFORE_MAX);
    let before = text.get(from..key.start).unwrap_or_default();
    if !before.ends_with(b"::") {
        return false;
    }
    let of_path =
        |byte: &&u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_:".contains(*byte);
    let path = before.iter().rev().take_while(of_path).count();
    let outside = before.get(..before.len() - path).unwrap_or_default();
    let begins = matches!(outside.trim_ascii_end(), [] | [.., b'"' | b'\''])
        || outside.trim_ascii_end().len() < outside.len() && line_of_blanks(outside);
    let value = text.get(key.end..).unwrap_or_default();
    let value = match value {
        [b'"' | b'\'', b':', b' ', value @ ..] | [b':', b' ', value @ ..] => value,
        _ => return true,
    };
    let word = value.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
    let tells = matches!(word, [b'"' | b'\'', ..])
        || value::is_told(word, false)
        || value::is_chosen_word(word)
        || value::is_long_mixed(word);
    !(begins && tells)
}

/// Whether nothing but blanks stands behind the last line end.
fn line_of_blanks(before: &[u8]) -> bool {
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    line.len() < before.len() && line.trim_ascii().is_empty()
}

/// How long base64 is in which any word is chance; less, where nothing stands behind the
/// padding.
const BLOB_LEN: usize = 48;
const PADDED_LEN: usize = 20;

/// Whether a name is the end of a run of base64, and what seems to be its sign the padding.
pub(in crate::scrub) fn ends_blob(text: &[u8], key: &Range<usize>) -> bool {
    let behind = text.get(key.end..).unwrap_or_default();
    let padding = behind.iter().take(3).take_while(|byte| **byte == b'=').count();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`\\,;<)".contains(byte);
    let len = match behind.get(padding).is_none_or(ends) {
        true => PADDED_LEN,
        false => BLOB_LEN,
    };
    let before = text.get(key.end.saturating_sub(BLOB_LEN)..key.end).unwrap_or_default();
    let run = before.iter().rev().take_while(|byte| is_base64(**byte)).count();
    let run = before.get(before.len() - run..).unwrap_or_default();
    (1..=2).contains(&padding) && len <= run.len() && is_drawn(run)
}

/// The name without what Java, Maven and Gradle put before it: `-Dpassword`, `-Ptoken`.
pub(in crate::scrub) fn glued_name(text: &[u8], name: &Range<usize>) -> Option<Range<usize>> {
    let before = text.get(..name.start)?;
    let outside = before.strip_suffix(b"-")?.last();
    let is_option = outside.is_none_or(|byte| !is_key_byte(*byte));
    let first = text.get(name.start)?;
    (is_option && matches!(first, b'D' | b'P') && name.start + 1 < name.end)
        .then(|| name.start + 1..name.end)
}

/// Whether a quote behind a key closes the string in which the key is the last word:
/// `prompt('Password: ', …)`. `at` is where the quote stands.
pub(in crate::scrub) fn is_closed(text: &[u8], key: &Range<usize>, at: usize, quote: u8) -> bool {
    let from = key.start.saturating_sub(BEFORE_MAX);
    let before = text.get(from..key.start).unwrap_or_default();
    let Some(open) = memchr::memrchr(quote, before) else { return false };
    let words = text.get(from + open + 1..key.end).unwrap_or_default();
    let is_label = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b' ';
    let outside = open.checked_sub(1).and_then(|i| before.get(i));
    words.first().is_some_and(u8::is_ascii_alphabetic)
        && words.iter().all(is_label)
        && outside.is_none_or(|byte| !byte.is_ascii_alphanumeric())
        && !text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether a quote behind a key and its sign ends the string in which both stand: brackets
/// close behind it, or the next string follows, and before the key the same quote opens.
pub(super) fn is_end(text: &[u8], key: &Range<usize>, at: usize, quote: u8) -> bool {
    let behind = text.get(at..).unwrap_or_default();
    let slashes = behind.iter().take_while(|byte| **byte == b'\\').count();
    if !matches!(behind.get(slashes + 1), Some(b'}' | b']' | b')' | b',' | b'\n')) {
        return false;
    }
    let from = key.start.saturating_sub(BEFORE_MAX);
    let before = text.get(from..key.start).unwrap_or_default();
    // What is around the key itself is none; `"KEY="` on a line of its own is.
    let is_quoted = !matches!(text.get(key.end), Some(b'=' | b':'));
    let before = before.strip_suffix(&[quote]).filter(|_| is_quoted).unwrap_or(before);
    let Some(open) = memchr::memrchr(quote, before) else { return false };
    let inside = before.get(open + 1..).unwrap_or_default();
    let outside = before.get(..open).unwrap_or_default();
    if inside.is_empty() && !is_quoted {
        return outside.ends_with(b"=") && behind.get(slashes + 1) == Some(&b'\n');
    }
    let outside = outside.iter().rev().find(|byte| **byte != b'\\');
    outside.is_none_or(|byte| !byte.is_ascii_alphanumeric())
        && !matches!(inside.first(), None | Some(b',' | b':' | b'}' | b']' | b')' | b'=' | b';'))
        && !inside.starts_with(b" }")
}

/// Whether a command before the key gives it the value behind it: `setenv KEY value`. What
/// stands directly before the key may belong to its name (`//registry/:_authToken`).
pub(super) fn is_set(text: &[u8], key: &Range<usize>) -> bool {
    const COMMANDS: [&[u8]; 12] = [
        b"setenv ",
        b"setx ",
        b"SetEnv ",
        b"set -x ",
        b"set -gx ",
        b"set -Ux ",
        b"set -xg ",
        b"ENV ",
        b"fastcgi_param ",
        b"configure set ",
        b"config set ",
        b"set --secret ",
    ];
    let from = key.start.saturating_sub(BEFORE_MAX);
    let before = text.get(from..key.start).unwrap_or_default();
    let start = before.iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1);
    let before = before.get(..start).unwrap_or_default();
    COMMANDS.iter().any(|command| {
        before
            .strip_suffix(*command)
            .is_some_and(|outside| !outside.last().is_some_and(|byte| is_key_byte(*byte)))
    })
}

/// Whether a definition before the key gives it the string behind it: CMake's `set(KEY "x")`,
/// `#define KEY "x"`, Lisp's `(setq key "x")`.
fn is_defined(text: &[u8], key: &Range<usize>) -> bool {
    const DEFINITIONS: [&[u8]; 8] = [
        b"set(",
        b"#define ",
        b"(define ",
        b"(def ",
        b"(setq ",
        b"(defvar ",
        b"(defconst ",
        b"(defparameter ",
    ];
    let before = text.get(..key.start).unwrap_or_default();
    let before = before.strip_suffix(b"*").unwrap_or(before);
    DEFINITIONS.iter().any(|definition| before.ends_with(definition))
}

/// Whether the value at `at` tells where the secret is, or what its type is, in more than a
/// word: `<your password>`, `((name))`, `<%= … %>`, `!vault |`, `Option<String>`.
pub(in crate::scrub) fn is_reference(text: &[u8], at: usize, sign: Sign) -> bool {
    if !matches!(sign, Sign::Equals | Sign::SpacedEquals | Sign::Colon) {
        return false;
    }
    let value = text.get(at..).unwrap_or_default();
    if !matches!(value.first(), Some(b'<' | b'(' | b'[' | b'!' | b'A'..=b'Z')) {
        return false;
    }
    let value = value.get(..BEFORE_MAX).unwrap_or(value);
    let line = value.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    match line {
        [b'<', b'%', rest @ ..] => memchr::memmem::find(rest, b"%>").is_some(),
        [b'<', rest @ ..] => is_stand_in(rest),
        [b'(', b'(', rest @ ..] => is_enclosed_name(rest, b"))"),
        [b'[', b'[', rest @ ..] => is_enclosed_name(rest, b"]]"),
        [b'!', ..] => is_tag(line),
        [b'A'..=b'Z', ..] => sign == Sign::Colon && is_generic(line),
        _ => false,
    }
}

/// `2026-03-01`, in the next column.
pub(super) fn is_date(text: &[u8]) -> bool {
    matches!(text, [a, b, c, d, b'-', e, f, b'-', ..]
        if [a, b, c, d, e, f].iter().all(|digit| digit.is_ascii_digit()))
}

/// What follows two hyphens in the name of an option, with or without its value: `user=bob`.
pub(super) fn is_long_option(text: &[u8]) -> bool {
    let name = text.split(|byte| *byte == b'=').next().unwrap_or_default();
    2 <= name.len()
        && name.first().is_some_and(u8::is_ascii_lowercase)
        && name.last().is_some_and(u8::is_ascii_lowercase)
        && name.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'-')
}

/// How far before a value its key may begin.
const KEY_LEN_MAX: usize = 80;

/// Whether a value that begins at `start` ends before what stands `at` bytes behind: the end
/// of a line as it is shown, or the next pair.
pub(super) fn ends_value(text: &[u8], start: usize, at: usize) -> bool {
    match text.get(start + at) {
        Some(b'[') => is_shown_break(text, start + at),
        Some(b'#') => ends_number(text.get(start..).unwrap_or_default(), at),
        Some(sign) => is_separator(text, start, at, *sign),
        None => false,
    }
}

/// How long a number is at most that is typed into a keypad.
const PIN_LEN_MAX: usize = 9;

/// Whether a value that ends at `at` is a number, and its line or its words end behind the sign
/// there: `the door code is 4711#`.
fn ends_number(value: &[u8], at: usize) -> bool {
    let number = value.get(..at).unwrap_or_default();
    let next = value.get(at + 1);
    (3..=PIN_LEN_MAX).contains(&number.len())
        && number.iter().all(u8::is_ascii_digit)
        && next.is_none_or(|next| next.is_ascii_whitespace() || b".,;".contains(next))
}

/// Whether `byte`, at `at` of the value that begins at `start`, parts it from the next pair, as
/// it parts the key from the pair before: `a=b|key=x|c=d`.
fn is_separator(text: &[u8], start: usize, at: usize, byte: u8) -> bool {
    let behind = text.get(start + at..).unwrap_or_default();
    let doubled = usize::from(behind.get(1) == Some(&byte));
    let behind = behind.get(1 + doubled..).unwrap_or_default();
    let name = behind.iter().take(KEY_LEN_MAX).take_while(|byte| is_key_byte(**byte)).count();
    if name == 0 || !matches!(behind.get(name), Some(b'=' | b':')) {
        return false;
    }
    let before = text.get(start.saturating_sub(KEY_LEN_MAX)..start).unwrap_or_default();
    let of_sign = |byte: &&u8| matches!(byte, b'=' | b':' | b' ');
    let sign = before.iter().rev().take_while(of_sign).count();
    let before = before.get(..before.len() - sign).unwrap_or_default();
    let key = before.iter().rev().take_while(|byte| is_key_byte(**byte)).count();
    let before = before.get(..before.len() - key).unwrap_or_default();
    matches!(before, [] | [.., b'\n']) || before.trim_ascii_end().ends_with(&[byte])
}

/// Whether `[\r]` or `[\n]` stands at `at`, as logs of what goes over a wire show the end of a
/// line.
pub(super) fn is_shown_break(text: &[u8], at: usize) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    let rest = rest.get(1..).unwrap_or_default();
    let slashes = rest.iter().take(8).take_while(|byte| **byte == b'\\').count();
    0 < slashes && matches!(rest.get(slashes..), Some([b'r' | b'n', b']', ..]))
}

/// `your password>`: words, and nothing that goes on behind them.
fn is_stand_in(rest: &[u8]) -> bool {
    const TAGS: [&[u8]; 14] = [
        b"code", b"strong", b"span", b"pre", b"kbd", b"div", b"samp", b"var", b"font", b"label",
        b"mark", b"small", b"input", b"table",
    ];
    let Some(end) = memchr::memchr(b'>', rest) else { return false };
    let (name, behind) = rest.split_at(end);
    let of_words = |byte: &u8| byte.is_ascii_alphabetic() || b" _-.".contains(byte);
    (name == b"pw" || (3..=40).contains(&name.len()))
        && name.iter().all(of_words)
        && !TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag))
        && behind
            .get(1)
            .is_none_or(|byte| byte.is_ascii_whitespace() || b"\"',;)]}\\".contains(byte))
}

fn is_enclosed_name(rest: &[u8], close: &[u8]) -> bool {
    let Some(end) = memchr::memmem::find(rest, close) else { return false };
    let name = rest.get(..end).unwrap_or_default();
    (1..=64).contains(&end) && name.iter().all(|byte| is_key_byte(*byte) || b" /:".contains(byte))
}

/// Tags that YAML files of Ansible, CloudFormation, Home Assistant and GitLab put before the
/// name of what is fetched, or before what is encrypted.
fn is_tag(line: &[u8]) -> bool {
    const TAGS: [&[u8]; 12] = [
        b"!vault",
        b"!secret",
        b"!Ref",
        b"!Sub",
        b"!GetAtt",
        b"!ImportValue",
        b"!Join",
        b"!ENV",
        b"!env_var",
        b"!include",
        b"!reference",
        b"!encrypted",
    ];
    TAGS.iter().any(|tag| line.strip_prefix(*tag).is_some_and(|rest| rest.starts_with(b" ")))
}

/// `Option<String>`, `Vec<u8>`
fn is_generic(line: &[u8]) -> bool {
    const PRIMITIVES: [&[u8]; 12] = [
        b"u8", b"u16", b"u32", b"u64", b"i32", b"i64", b"usize", b"char", b"str", b"string",
        b"dyn", b"bool",
    ];
    let name = line.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let Some([b'<', inner @ ..]) = line.get(name..) else { return false };
    let inner = inner.strip_prefix(b"&").unwrap_or(inner);
    let len = inner.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (word, behind) = inner.split_at(len);
    let is_type = matches!(word, [b'A'..=b'Z', second, ..] if second.is_ascii_lowercase());
    (is_type || PRIMITIVES.contains(&word))
        && matches!(behind.first(), Some(b'>' | b'<' | b',' | b' '))
}

/// Whether a value is the member or the constant that has the key's own name:
/// `token: node.token`, `_password=s._password`.
pub(in crate::scrub) fn is_member(text: &[u8], key: &Range<usize>, value: Range<usize>) -> bool {
    let name = text.get(key.clone()).unwrap_or_default();
    let name = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let value = text.get(value).unwrap_or_default();
    let end = value.iter().rposition(|byte| !b";,)".contains(byte)).map_or(0, |at| at + 1);
    let owner = value.get(..end).and_then(|value| value.strip_suffix(name));
    owner.is_some_and(|owner| {
        let path =
            owner.strip_suffix(b".").or(owner.strip_suffix(b"->")).or(owner.strip_suffix(b"::"));
        path.is_some_and(|path| {
            !path.is_empty()
                && path.iter().all(|byte| is_key_byte(*byte) || b"$@&*()[]>:".contains(byte))
        })
    })
}

/// Whether an element of a list is a part of the key's own name, as features of a manifest
/// name each other: `Win32_Security_Credentials = ["Win32_Security"]`.
pub(in crate::scrub) fn is_part_of_name(
    text: &[u8],
    key: &Range<usize>,
    element: &Range<usize>,
) -> bool {
    let name = text.get(key.clone()).unwrap_or_default();
    let element = text.get(element.clone()).unwrap_or_default();
    element.contains(&b'_') && name.starts_with(element)
}

/// Whether a string behind the name is its value, though there is no sign: the name is being
/// defined, or is a keyword of Lisp, `(:password "x")`.
pub(super) fn takes_string(text: &[u8], key: &Range<usize>) -> bool {
    is_defined(text, key) || is_keyword(text, key)
}

/// Whether the name is a keyword of Lisp: a colon stands before it, behind a bracket or a blank.
fn is_keyword(text: &[u8], key: &Range<usize>) -> bool {
    let before = text.get(..key.start).unwrap_or_default();
    matches!(before, [b':'] | [.., b'(' | b'{' | b' ' | b',' | b'\n', b':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_parameter_is_told_from_padding() {
        for (text, expected) in [
            ("Digest realm=", true),
            ("sid1=", true),
            ("a=\"x\";connect.sid=", true),
            ("Cookie:_ga_4711=", true),
            ("Basic c3ZjOnh6cThLdzJMbTkxeFQ=", false),
            ("Basic c3ZjOnpxOEt3MkxtOTF4VA==", false),
            ("realm", false),
        ] {
            assert_eq!(names_parameter(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_reference_is_told_from_a_value_in_brackets() {
        for text in [
            "<your password>",
            "<set>",
            "((db-password))",
            "[[db.password]]",
            "<%= ENV['PW'] %>",
            "!vault |",
            "!secret db",
            "Option<String>,",
            "Vec<u8>",
        ] {
            assert!(is_reference(text.as_bytes(), 0, Sign::Colon), "{text}");
        }
        for text in [
            "<b>hunter2</b>",
            "<code> x </code>",
            "<hunter2>",
            "((hunter2",
            "!hunter2",
            "!!str x",
            "Hunter<br>",
            "Summer<b>",
            "[hunter2]",
        ] {
            assert!(!is_reference(text.as_bytes(), 0, Sign::Colon), "{text}");
        }
    }
}
