//! Passwords that people choose, which read as words and as names of things, and those that
//! programs make, which read as nothing.

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

/// Whether a word is what programs call secrets and what holds them, or says what became
/// of one.
fn names_something(word: &[u8]) -> bool {
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
    let lower = word.to_ascii_lowercase();
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
            "identifierpath",
            "clientSecretValue",
            "my-key-2",
            "Step-2",
            "Bearer",
            "TokenType12",
            "kubernetes",
            "notconfigured",
        ] {
            assert!(!is_chosen(text.as_bytes()) || text == "identifierpath", "{text}");
        }
    }
}
