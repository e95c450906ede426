//! Passwords that people choose, which read as words and as names of things, and those that
//! programs make, which read as nothing.

use crate::scrub::detector::bytes::has_all_classes;
use crate::scrub::rule::validator;

/// Words joined by separators, possibly with a number: `step-2`, `model_v1.5`.
pub(super) fn is_name(text: &[u8]) -> bool {
    let mut words = 0;
    for word in text.split(|byte| matches!(byte, b'-' | b'_' | b'.' | b'/' | b':')) {
        let letters = word.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        let plain = letters == word.len() || letters <= 1;
        if !plain || 24 < word.len() {
            return false;
        }
        words += 1;
    }
    2 <= words
}

/// How long a password is that a program makes of letters, digits and signs.
const GENERATED_LEN: std::ops::RangeInclusive<usize> = 10..=64;

/// How many letters and digits it has at least.
const GENERATED_WORD_MIN: usize = 8;

/// Whether a value is likely a password that a program made: letters without sense, and
/// signs between them where no language has them. Code has brackets, but words between.
pub(in crate::scrub::detector) fn is_generated(text: &[u8]) -> bool {
    if !GENERATED_LEN.contains(&text.len()) || !text.iter().all(u8::is_ascii_graphic) {
        return false;
    }
    let word: Vec<u8> = text.iter().copied().filter(u8::is_ascii_alphanumeric).collect();
    let signs = text.len() - word.len();
    let both = word.iter().any(u8::is_ascii_lowercase) && word.iter().any(u8::is_ascii_uppercase);
    0 < signs && GENERATED_WORD_MIN <= word.len() && both && validator::looks_random(&word)
}

/// How long two words that are joined are at least. What is said of a secret instead of
/// it (`unchanged`, `unavailable`) is one word, and shorter.
const JOINED_LEN_MIN: usize = 12;

/// How long a password is that somebody remembers.
const CHOSEN_LEN_MAX: usize = 32;

/// Whether a value is likely a password that somebody chose, under a key that says so:
/// words joined without a sign, or with a capital and a number of two digits and more.
pub(super) fn is_chosen(text: &[u8]) -> bool {
    if CHOSEN_LEN_MAX < text.len() {
        return false;
    }
    if text.iter().all(u8::is_ascii_lowercase) {
        return JOINED_LEN_MIN <= text.len() && !names_something(text);
    }
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let words = text.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let is_title = |word: &[u8]| matches!(word, [b'A'..=b'Z', rest @ ..] if rest.iter().all(u8::is_ascii_lowercase));
    let of_words = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.!".contains(byte);
    2 <= digits
        && 8 <= text.len()
        && text.iter().all(of_words)
        && words.clone().any(is_title)
        && words.clone().all(|word| 3 <= word.len() && !names_something(word))
}

/// Whether a value is such a password of words with a capital and a number, joined by signs
/// as names are: `Maple_harbor_66`.
pub(super) fn is_chosen_name(text: &[u8]) -> bool {
    let words = text.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    text.iter().any(u8::is_ascii_digit)
        && is_chosen(text)
        && words.map(<[u8]>::to_ascii_lowercase).all(|word| is_plain(&word))
}

/// How long base64 is that is told from a path by its letters alone.
const BASE64_LEN_MIN: usize = 24;

/// Whether a value that begins with a slash is base64, not a path: it is padded, or a part
/// between two slashes is longer than a name and drawn from letters and digits.
pub(super) fn is_base64_with_slash(text: &[u8]) -> bool {
    let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = text.get(..text.len() - padding).unwrap_or_default();
    BASE64_LEN_MIN <= text.len()
        && padding <= 2
        && body.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && has_all_classes(body)
        && (0 < padding
            || body.split(|byte| *byte == b'/').any(|part| {
                BASE64_LEN_MIN / 2 <= part.len()
                    && part.iter().any(u8::is_ascii_digit)
                    && validator::looks_random(part)
            }))
}

/// Whether a value is a phrase of plain words and a number, joined by one sign, as password
/// managers make them: `basil-tiger-thunder-42`. Names of resources look alike, but name
/// what they are of.
pub(super) fn is_phrase(text: &[u8]) -> bool {
    let Some((joint, parts)) = parts(text) else { return false };
    let [words @ .., number] = parts.as_slice() else { return false };
    joint != b' '
        && (3..=6).contains(&words.len())
        && words.iter().all(|word| is_plain(word))
        && (2..=4).contains(&number.len())
        && number.iter().all(u8::is_ascii_digit)
}

/// Whether a value is two plain words and a number, joined by one sign: too little to be told
/// from a name, but where a sentence says that it is the password.
pub(in crate::scrub::detector) fn is_pair_of_words(text: &[u8]) -> bool {
    let Some((joint, parts)) = parts(text) else { return false };
    let [first, second, number] = parts.as_slice() else { return false };
    joint != b' '
        && is_plain(first)
        && is_plain(second)
        && (2..=4).contains(&number.len())
        && number.iter().all(u8::is_ascii_digit)
}

/// Whether a value is such a phrase of four words and more without a number:
/// `guitar-madrid-mustang-orange`.
pub(in crate::scrub::detector) fn is_long_phrase(text: &[u8]) -> bool {
    let Some((_, words)) = parts(text) else { return false };
    (4..=8).contains(&words.len()) && words.iter().all(|word| is_plain(word))
}

/// Words of adjectives that are joined from two: `case-sensitive`, `read-only`.
const OF_ADJECTIVES: [&[u8]; 80] = [
    b"well",
    b"known",
    b"self",
    b"read",
    b"only",
    b"write",
    b"plain",
    b"text",
    b"auto",
    b"hard",
    b"soft",
    b"long",
    b"short",
    b"high",
    b"case",
    b"multi",
    b"single",
    b"double",
    b"triple",
    b"cross",
    b"open",
    b"full",
    b"half",
    b"part",
    b"time",
    b"free",
    b"date",
    b"level",
    b"side",
    b"ready",
    b"safe",
    b"proof",
    b"term",
    b"wide",
    b"like",
    b"empty",
    b"none",
    b"first",
    b"second",
    b"third",
    b"party",
    b"class",
    b"line",
    b"work",
    b"flow",
    b"step",
    b"mode",
    b"rate",
    b"quick",
    b"easy",
    b"strong",
    b"weak",
    b"fine",
    b"back",
    b"down",
    b"over",
    b"under",
    b"phase",
    b"factor",
    b"look",
    b"alike",
    b"friendly",
    b"grade",
    b"size",
    b"character",
    b"digit",
    b"digits",
    b"word",
    b"letter",
    b"space",
    b"point",
    b"source",
    b"wise",
    b"once",
    b"kind",
    b"file",
    b"path",
    b"code",
    b"unit",
    b"suite",
];

/// Whether a value is two plain words and more that one sign joins, and nothing that is said of a
/// password: `lamp-horse`. So are many names; something around must say that it is one.
pub(in crate::scrub::detector) fn is_plain_words(text: &[u8]) -> bool {
    const ENDS: [&[u8]; 12] = [
        b"ic", b"ent", b"ant", b"ive", b"ous", b"ary", b"al", b"ly", b"ful", b"less", b"ity",
        b"based",
    ];
    let Some((joint, words)) = parts(text) else { return false };
    let last = words.last().copied().unwrap_or_default();
    joint != b' '
        && (2..=8).contains(&words.len())
        && words.iter().all(|word| is_plain(word) && !OF_ADJECTIVES.contains(word))
        && !ENDS.iter().any(|end| last.ends_with(end))
}

/// What is joined by one sign, and the sign.
fn parts(text: &[u8]) -> Option<(u8, Vec<&[u8]>)> {
    let joint = *text.iter().find(|byte| !byte.is_ascii_alphanumeric())?;
    let joins = matches!(joint, b'-' | b'_' | b'.' | b'+' | b' ');
    joins.then(|| (joint, text.split(|byte| *byte == joint).collect()))
}

/// A word as people take it into a phrase, and not into a name.
pub(super) fn is_plain(word: &[u8]) -> bool {
    (4..=12).contains(&word.len())
        && word.iter().all(u8::is_ascii_lowercase)
        && !names_something(word)
        && !RESOURCES.iter().any(|name| memchr::memmem::find(word, name).is_some())
}

/// Words in the names of resources.
const RESOURCES: [&[u8]; 32] = [
    b"prod", b"stag", b"test", b"demo", b"cert", b"node", b"host", b"data", b"base", b"cluster",
    b"gateway", b"proxy", b"worker", b"queue", b"cache", b"store", b"bucket", b"backup", b"deploy",
    b"release", b"build", b"west", b"east", b"north", b"south", b"central", b"image", b"group",
    b"ingress", b"admin", b"access", b"redis",
];

/// Whether a word is what programs call secrets and what holds them, or says what became
/// of one.
pub(super) fn names_something(word: &[u8]) -> bool {
    const PARTS: [&[u8]; 27] = [
        b"token",
        b"key",
        b"secret",
        b"passw",
        b"auth",
        b"cred",
        b"name",
        b"value",
        b"config",
        b"string",
        b"type",
        b"user",
        b"login",
        b"session",
        b"cookie",
        b"client",
        b"null",
        b"valid",
        b"require",
        b"default",
        b"example",
        b"param",
        b"service",
        b"setting",
        b"variable",
        b"version",
        b"model",
    ];
    const ENDS: [&[u8]; 8] =
        [b"ed", b"ing", b"able", b"ment", b"tion", b"ized", b"holder", b"ness"];
    let mut lower = word.to_ascii_lowercase();
    // Animals are no keys.
    for animal in [&b"donkey"[..], b"monkey", b"turkey", b"hockey", b"whiskey"] {
        if let Some(at) = memchr::memmem::find(&lower, animal) {
            lower.drain(at..at + animal.len());
        }
    }
    PARTS.iter().any(|part| memchr::memmem::find(&lower, part).is_some())
        || ENDS.iter().any(|end| lower.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::is_chosen;

    #[test]
    fn a_chosen_password_is_told_from_what_is_said_of_one() {
        for text in ["letmeinfalcon", "Falcon-Winter-37", "Sommer_1987", "Welcome123!"] {
            assert!(is_chosen(text.as_bytes()), "{text}");
        }
        for text in [
            "unavailable",
            "unchanged",
            "authorization",
            "clientSecretValue",
            "my-key-2",
            "Step-2",
            "Bearer",
            "TokenType12",
            "kubernetes",
            "notconfigured",
        ] {
            assert!(!is_chosen(text.as_bytes()), "{text}");
        }
    }
}
