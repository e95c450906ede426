//! Values that are code: calls, members, types, variables, numbers. They stand without quotes
//! where a value would, and name it or make it.
//!
//! How sure one must be depends on the sign: behind ` = ` code is likely, behind `=` a value is.
//! What looks like a password that a program made is code only if its names are words.

use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::value::chosen::is_chosen_name;
use crate::scrub::detector::value::chosen::is_generated;
use crate::scrub::detector::value::is_numbered_pair;
use crate::scrub::detector::value::is_three_words;
use crate::scrub::detector::value::names::is_named_argument;
use crate::scrub::rule::validator;

/// Whether an undelimited value reads as code: a call, a member, an index, a
/// variable behind `key = `.
pub(super) fn is_code(text: &[u8], sign: Sign) -> bool {
    let is_spaced = sign == Sign::SpacedEquals;
    if is_typed_number(text)
        || matches!(sign, Sign::SpacedEquals | Sign::Colon) && is_number(text)
        || is_spaced && is_open(text)
        || is_markup(text)
        || matches!(sign, Sign::SpacedEquals | Sign::Colon) && is_made(text)
    {
        return true;
    }
    if is_generated(text) {
        return false;
    }
    // What is called, or indexed, is a path; its arguments may be cut off at a quote.
    let opens = |sign: u8, needs: u8| {
        memchr::memchr(sign, text).is_some_and(|at| {
            let name = text.get(..at).unwrap_or_default();
            let of_path = |byte: &u8| is_path(*byte) || b":!&*$<>".contains(byte);
            let rest = text.get(at + 1..).unwrap_or_default();
            let of_argument = |byte: &u8| of_path(byte) || b"(,-+'\"".contains(byte);
            let closed =
                rest.contains(&needs) || rest.iter().all(of_argument) || is_named_argument(rest);
            0 < at && name.iter().all(of_path) && closed
        })
    };
    if opens(b'(', b')') || opens(b'[', b']') || memchr::memmem::find(text, b"::").is_some() {
        return true;
    }
    // `Token![=>]`
    if is_macro(text) {
        return true;
    }
    // `password = (self.user + …`
    if is_spaced && text.starts_with(b"(") {
        return true;
    }
    let plain = text.strip_suffix(b";").or(text.strip_suffix(b",")).unwrap_or(text);
    let member = plain.contains(&b'.')
        && plain.iter().all(|&byte| is_path(byte) && (is_spaced || !byte.is_ascii_digit()))
        && plain.first().is_some_and(u8::is_ascii_alphabetic)
        // No member is a number: `Sunset.2066`.
        && plain
            .split(|&byte| byte == b'.')
            .all(|part| part.first().is_some_and(|byte| !byte.is_ascii_digit()));
    let reference = matches!(plain, [b'&' | b'*', b'a'..=b'z' | b'A'..=b'Z' | b'\'', ..]);
    let typed = matches!(sign, Sign::Colon) && (text.ends_with(b";") || is_optional_type(plain));
    let variable = is_spaced
        && plain.iter().all(|&byte| is_path(byte))
        && !validator::looks_random(plain)
        && !is_numbered_pair(plain)
        && (!plain.iter().any(u8::is_ascii_digit) || plain.contains(&b'_'));
    let random = (member || reference) && 20 <= plain.len() && validator::looks_random(plain);
    (member
        && !random
        && !is_chosen_name(plain)
        && matches!(sign, Sign::SpacedEquals | Sign::Colon | Sign::Prose)
        && !(sign == Sign::Colon && is_three_words(text)))
        || (reference && !random && sign != Sign::Query)
        || typed
        || variable
}

/// `S3HmacAuthV4Handler(`: a call whose arguments stand on the lines below.
fn is_open(text: &[u8]) -> bool {
    text.strip_suffix(b"(").is_some_and(|name| {
        name.iter().all(|byte| is_path(*byte)) && name.first().is_some_and(u8::is_ascii_alphabetic)
    })
}

/// Whether a value is code whatever stands before it: a number with its type, what is made
/// here, a path, a type of C.
pub(in crate::scrub::detector) fn is_plainly_code(text: &[u8]) -> bool {
    let of_path = |byte: &u8| is_path(*byte) || b":()<>&;".contains(byte);
    let is_joined = memchr::memmem::find(text, b"::").is_some();
    is_typed_number(text)
        || is_number(text)
        || (text.ends_with(b"_t") && text.iter().all(|byte| is_path(*byte)))
        || (is_joined
            && text.first().is_some_and(u8::is_ascii_alphabetic)
            && text.iter().all(of_path))
        || is_made(text)
}

/// How many bytes two names of a list begin with alike.
const ALIKE_MIN: usize = 6;

/// Whether a word begins as the name does, and both are names of code: they stand in a list.
pub(in crate::scrub::detector) fn is_named_alike(name: &[u8], word: &[u8]) -> bool {
    let shared = name.iter().zip(word).take_while(|(a, b)| a == b).count();
    ALIKE_MIN <= shared && name.len() < shared * 2 && name.len() <= word.len() + 2
}

/// Whether a value is made here, by a call or of the fields of a structure, whose name is of
/// words: `credentials.NewTLS(&tls.Config{`, `&loginConfig{`, `CPAN::anycwd();`, `!er.headers`,
/// `$self->secret`.
fn is_made(text: &[u8]) -> bool {
    let bare = text.trim_ascii_start();
    let bare = match bare {
        [b'&' | b'*' | b'$' | b'!', rest @ ..] => rest,
        rest => rest,
    };
    let of_name = |byte: &u8| is_path(*byte) || matches!(byte, b':' | b'>' | b'-');
    let len = bare.iter().take_while(|byte| of_name(byte)).count();
    let (name, behind) = bare.split_at(len);
    if !name.first().is_some_and(u8::is_ascii_alphabetic) || !is_of_words(name) {
        return false;
    }
    let has_arrow = memchr::memmem::find(name, b"->").is_some();
    if name.contains(&b'>') != has_arrow || name.contains(&b'-') != has_arrow {
        return false;
    }
    let is_joined = has_arrow || memchr::memmem::find(name, b"::").is_some();
    match behind {
        [] | [b';'] => {
            let starts = bare.len() < text.len();
            starts && (has_arrow || (text.starts_with(b"!") && name.contains(&b'.')))
        }
        // `Config{`, and its fields below or behind it.
        [b'{'] => has_capital(name),
        [b'{', field @ .., b':'] => has_capital(name) && reads_as_name(field),
        [b'(' | b'[', rest @ ..] => {
            let of_arguments = |byte: &u8| of_name(byte) || b"()[]{}&*,;=\"'".contains(byte);
            let is_number = |two: &[u8]| matches!(two, [before, b'0'..=b'9'] if !b"[(,0123456789".contains(before));
            let has_letter = rest.iter().any(u8::is_ascii_alphabetic);
            let is_known = is_joined || name.contains(&b'.') || MAKERS.contains(&name);
            (is_known || reads_as_name(name))
                && rest.iter().all(of_arguments)
                && is_nested(behind)
                && !rest.windows(2).any(is_number)
                && (is_known || !has_letter || has_word(rest))
        }
        _ => false,
    }
}

/// Whether the parts of a name are words and have no number of two digits and more.
fn is_of_words(name: &[u8]) -> bool {
    let numbers = |two: &[u8]| two.iter().all(u8::is_ascii_digit);
    has_word(name) && name.windows(2).filter(|two| numbers(two)).count() <= 1
}

/// Whether each bracket that is closed is the one that was opened last.
fn is_nested(text: &[u8]) -> bool {
    let mut open = [0_u8; NESTED_MAX];
    let mut depth = 0;
    for byte in text {
        let opening = match byte {
            b'(' | b'[' | b'{' => {
                let Some(place) = open.get_mut(depth) else { return false };
                *place = *byte;
                depth += 1;
                continue;
            }
            b')' => b'(',
            b']' => b'[',
            b'}' => b'{',
            _ => continue,
        };
        if depth == 0 || open.get(depth - 1) != Some(&opening) {
            return false;
        }
        depth -= 1;
    }
    true
}

/// How deep the brackets of a call may be nested.
const NESTED_MAX: usize = 8;

/// Whether a text is a name whose parts are words: small letters or capitals alone, joined by
/// `_`, or small ones behind one capital each. What is drawn from letters has capitals side by
/// side.
pub(in crate::scrub::detector) fn reads_as_name(text: &[u8]) -> bool {
    const PART_MIN: usize = 2;
    let reads = |part: &[u8]| {
        let vowels = part.iter().filter(|byte| b"aeiouyAEIOUY".contains(byte)).count();
        let one_case =
            part.iter().all(u8::is_ascii_lowercase) || part.iter().all(u8::is_ascii_uppercase);
        PART_MIN <= part.len()
            && (part.len() < 4 || part.len() <= vowels * 5)
            && (one_case || has_humps(part))
    };
    text.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && text.split(|byte| *byte == b'_').filter(|part| !part.is_empty()).all(reads)
        && text.iter().any(u8::is_ascii_alphabetic)
}

/// Whether each capital is followed by two small letters and more; but for the last letter.
fn has_humps(part: &[u8]) -> bool {
    let part = match part {
        [rest @ .., b'a'..=b'z', b'A'..=b'Z'] => part.get(..rest.len() + 1).unwrap_or_default(),
        part => part,
    };
    part.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase()).all(|(at, _)| {
        part.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_lowercase))
    })
}

fn has_capital(name: &[u8]) -> bool {
    name.iter().any(u8::is_ascii_uppercase)
}

/// Functions of few letters that make a value.
const MAKERS: [&[u8]; 14] = [
    b"new", b"New", b"make", b"dict", b"map", b"get", b"Get", b"env", b"Box", b"Rc", b"Arc", b"os",
    b"str", b"len",
];

/// Whether a name has a part of four letters and more that reads as a word, or one of
/// [`MAKERS`].
fn has_word(name: &[u8]) -> bool {
    let mut rest = name;
    while !rest.is_empty() {
        let capitals = rest.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
        let lower = rest.iter().skip(capitals).take_while(|byte| byte.is_ascii_lowercase()).count();
        let start = capitals.saturating_sub(1);
        let word = rest.get(start..capitals + lower).unwrap_or_default();
        let is_vowel = |byte: &u8| b"aeiouyAEIOUY".contains(byte);
        let vowels = word.iter().filter(|byte| is_vowel(byte)).count();
        let reads = 4 <= word.len() && 0 < vowels && word.len() <= vowels * 4;
        if MAKERS.contains(&word) || (reads && vowels < word.len()) {
            return true;
        }
        rest = rest.get((capitals + lower).max(1)..).unwrap_or_default();
    }
    false
}

/// `<span`, `<span…`, which is cut at a blank; `C{parseString}`, `L{x}`, as Epydoc marks code;
/// `qr/…`, `%{WORD}`.
fn is_markup(text: &[u8]) -> bool {
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_.:{}".contains(byte);
    match text {
        [b'<', tag @ ..] => TAGS.contains(&tag),
        [b'A'..=b'Z', b'{', name @ .., b'}'] => name.iter().all(of_name),
        [b'%', b'{', name @ .., b'}'] => {
            name.iter().all(|byte| byte.is_ascii_alphabetic() || b"_:.".contains(byte))
        }
        [b'q', b'r', b'/' | b'{' | b'!', ..] => true,
        _ => false,
    }
}

/// Tags of HTML that stand around code.
const TAGS: [&[u8]; 20] = [
    b"span",
    b"code",
    b"pre",
    b"div",
    b"p",
    b"a",
    b"b",
    b"i",
    b"em",
    b"strong",
    b"td",
    b"kbd",
    b"var",
    b"font",
    b"input",
    b"select",
    b"button",
    b"textarea",
    b"label",
    b"br",
];

/// `1323u32`, `10L`, `-2146893773i32;`, `0xC00D2751_u32`
fn is_typed_number(text: &[u8]) -> bool {
    const TYPES: [&[u8]; 14] = [
        b"u8", b"u16", b"u32", b"u64", b"usize", b"i8", b"i16", b"i32", b"i64", b"isize", b"L",
        b"UL", b"f32", b"f64",
    ];
    let text = text.strip_suffix(b";").unwrap_or(text);
    TYPES.iter().any(|kind| {
        text.strip_suffix(*kind).is_some_and(|number| {
            let number = number.strip_suffix(b"_").unwrap_or(number);
            is_number(number) || is_decimal(number)
        })
    })
}

/// `0x216`, `-0x7f879679`, `0x00000013;`: a number as code writes it.
fn is_number(text: &[u8]) -> bool {
    let text = text.strip_suffix(b";").unwrap_or(text);
    let text = text.strip_prefix(b"-").unwrap_or(text);
    text.strip_prefix(b"0x").is_some_and(|digits| {
        (1..=HEX_NUMBER_LEN_MAX).contains(&digits.len())
            && digits.iter().all(u8::is_ascii_hexdigit)
            // `0xdeadbeef` is a word.
            && digits.iter().any(u8::is_ascii_digit)
    })
}

/// How many digits a number has at most that code writes in hexadecimal ones.
const HEX_NUMBER_LEN_MAX: usize = 8;

fn is_decimal(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// `name![`, `name!(`: a macro of Rust.
fn is_macro(text: &[u8]) -> bool {
    let name = text.iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_').count();
    0 < name && matches!(text.get(name..), Some([b'!', b'[' | b'(' | b'{', ..]))
}

/// `String?`, `Int32?`; no `Kettle80?` and no `q1w2e3?`, which have numbers that no type has.
fn is_optional_type(text: &[u8]) -> bool {
    let Some(name) = text.strip_suffix(b"?") else { return false };
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (word, bits) = name.split_at(name.len() - digits);
    (digits < 2 && !word.iter().any(u8::is_ascii_digit))
        || (word.len() <= 6 && matches!(bits, b"16" | b"32" | b"64" | b"128"))
}

/// What names in code are made of.
pub(super) fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_passwords_with_brackets() {
        for text in [
            "credentials.NewTLS(&tls.Config{",
            "&loginConfig{",
            "TPM2BAuth{",
            "new(pfxPdu)",
            "append([]byte{}",
            "make([]byte",
            "dict(Email=credentials[0]",
            "CPAN::anycwd();",
            "Rc::new(Cell::new(true));",
            "!er.headers",
            "$self->causes_fail",
            "0x216",
            "-0x7f879679",
            "0xC00D2751_u32",
            "-2146893773i32;",
            "<span",
            "qr/[\\x21]/",
            "Config.Database.Password2",
            "Settings.Default.Value12",
        ] {
            assert!(is_code(text.as_bytes(), Sign::SpacedEquals), "{text}");
        }
        for text in [
            "Xk(9fQz7Lp!w",
            "aB{3dE5gH7jK",
            "kQwz(7Lp)Xv9",
            "hunter2",
            "!Winter99xQ1",
            "$ecret99",
            "Wn7{kQ2z",
            "correct-horse!9{",
            "TrKKYLyvhWocpZ",
            "Harbor{stone",
            "maple(stone}",
            "q1w2e3r4t5?",
            "Lamp.Correct.Anchor14",
            "<hunter",
        ] {
            assert!(!is_code(text.as_bytes(), Sign::Colon), "{text}");
        }
    }
}
