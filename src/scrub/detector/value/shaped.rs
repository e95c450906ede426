//! Passwords that people choose, told by how they are written: words that signs join, words
//! with a number. Names are written alike; so something around must say that a value follows.

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::value::chosen::is_chosen;
use crate::scrub::detector::value::chosen::is_generated;
use crate::scrub::detector::value::chosen::is_pair_of_words;
use crate::scrub::detector::value::chosen::is_plain;
use crate::scrub::detector::value::chosen::names_something;
use crate::scrub::detector::value::code::is_plainly_code;
use crate::scrub::detector::value::is_no_secret;
use crate::scrub::detector::value::is_numbered;
use crate::scrub::detector::value::told::is_address;
use crate::scrub::detector::value::told::is_chosen_word;
use crate::scrub::detector::value::told::is_technical;
use crate::scrub::detector::value::told::is_told;
use crate::scrub::rule::validator;

/// How long such a password is.
const LEN: std::ops::RangeInclusive<usize> = 6..=64;

/// How long a word is at least that signs join to others.
const WORD_LEN_MIN: usize = 4;

/// Signs that join words in passwords, and neither in names nor in paths.
const JOINTS: ByteSet = ByteSet::of(b"!#$%^*~?+&=|;");

/// Whether a word is written as people write passwords, where a sentence or quotes say that
/// the value of one follows.
pub(in crate::scrub::detector) fn is_shaped(text: &[u8]) -> bool {
    let is_other = |byte: &u8| !byte.is_ascii_graphic() || b"\"'`\\<>{}[]".contains(byte);
    if !LEN.contains(&text.len())
        || text.iter().any(is_other)
        || matches!(text, [b'-' | b'.' | b'/' | b'~' | b'$' | b'%' | b'&' | b'@' | b':' | b'=', ..])
        || memchr::memmem::find(text, b"://").is_some()
        || validator::is_placeholder(text)
        || is_no_secret(text)
        || is_numbered(text)
        || is_technical(text)
        || is_plainly_code(text)
        || is_address(text)
    {
        return false;
    }
    is_told(text, false)
        || is_generated(text)
        || is_chosen_word(text)
        || is_pair_of_words(text)
        || is_chosen_phrase(text)
        || is_joined(text)
        || is_titled(text)
        || is_of_all_classes(text)
        || is_numbered_pair(text)
}

/// How long the name in braces is with which a value begins that says how it is kept: `{noop}x`
/// (Spring), `{AES-…}x` (389 Directory Server), `{PLAIN}x` (Dovecot), `{xor}x` (WebSphere).
pub(in crate::scrub::detector) fn scheme_len(text: &[u8]) -> Option<usize> {
    const SCHEMES: [&[u8]; 22] = [
        b"noop", b"bcrypt", b"blf-", b"pbkdf2", b"scrypt", b"argon2", b"ssha", b"sha", b"smd5",
        b"md5", b"crypt", b"aes", b"xor", b"cipher", b"enc", b"des", b"3des", b"rc4", b"plain",
        b"clear", b"cram-", b"scram-",
    ];
    const NAME_MAX: usize = 96;
    let inner = text.strip_prefix(b"{")?;
    let end = memchr::memchr(b'}', inner.get(..NAME_MAX).unwrap_or(inner))?;
    let name = inner.get(..end)?;
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_+/=.:".contains(byte);
    let is_known = SCHEMES.iter().any(|scheme| {
        name.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    });
    let goes_on =
        inner.get(end + 1).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'$');
    (is_known && goes_on && name.iter().all(of_name)).then_some(end + 2)
}

/// Whether a text is one plain word and a number, which a sign joins: `sakura-2024`. So are many
/// names; a sentence must say that it is a password.
pub(in crate::scrub::detector) fn is_word_and_number(text: &[u8]) -> bool {
    let Some(at) = text.iter().position(|byte| b"-_.#@+*".contains(byte)) else {
        return false;
    };
    let (word, number) = text.split_at(at);
    let number = number.get(1..).unwrap_or_default();
    let small = word.to_ascii_lowercase();
    (2..=4).contains(&number.len())
        && number.iter().all(u8::is_ascii_digit)
        && word.get(1..).unwrap_or_default().iter().all(u8::is_ascii_lowercase)
        && 5 <= word.len()
        && is_plain(&small)
}

/// Whether a text is words of four letters and more, between some of which stands a sign that
/// joins no name: `beaver.drummer!mustang`.
pub(in crate::scrub::detector) fn is_joined(text: &[u8]) -> bool {
    let (mut words, mut joints) = (0, 0);
    for (at, word) in text.split(|byte| !byte.is_ascii_alphanumeric()).enumerate() {
        let letters = word.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        if WORD_LEN_MIN <= word.len() && 2 <= letters && !names_something(word) {
            words += 1;
        } else if !word.is_empty() && (at == 0 || letters == word.len()) {
            return false;
        }
    }
    for three in text.windows(3) {
        if let [before, sign, behind] = three
            && JOINTS.has(*sign)
            && before.is_ascii_alphanumeric()
            && behind.is_ascii_alphanumeric()
        {
            joints += 1;
        }
    }
    2 <= words && 1 <= joints
}

/// Whether a text is a password of words that somebody chose, and no word that says what one
/// is: `unacceptable`, `alphanumeric`.
fn is_chosen_phrase(text: &[u8]) -> bool {
    const ENDS: [&[u8]; 13] = [
        b"ic", b"ent", b"ant", b"ive", b"ous", b"ary", b"al", b"ly", b"ful", b"less", b"ity",
        b"nce", b"ism",
    ];
    is_chosen(text)
        && (!text.iter().all(u8::is_ascii_lowercase) || !ENDS.iter().any(|end| text.ends_with(end)))
}

/// Whether letters in both cases, digits and a sign stand in a text that is no call.
fn is_of_all_classes(text: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    let is_call = text.contains(&b'(') && text.contains(&b')');
    8 <= text.len()
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
        && text.iter().any(|byte| b"!@#$%^*~?+&=|;,(".contains(byte))
        && !is_call
}

/// Whether words with capitals and a number stand in a text, whatever joins them:
/// `Anchor/Trumpet64`.
fn is_titled(text: &[u8]) -> bool {
    let words = text.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    let is_title = |word: &[u8]| matches!(word, [b'A'..=b'Z', rest @ ..] if 3 <= rest.len() && rest.iter().all(u8::is_ascii_lowercase));
    text.iter().any(u8::is_ascii_digit)
        && text.iter().any(|byte| b"!@#$%^*~?+&=|;/:,(".contains(byte))
        && words.clone().all(|word| is_title(word) && !names_something(word))
        && 1 <= words.count()
}

/// Whether a text is two plain words that one sign joins, with a number right behind:
/// `scarlet_panther17`. Numbers of bits are of names.
pub(in crate::scrub::detector) fn is_numbered_pair(text: &[u8]) -> bool {
    const BITS: [&[u8]; 7] = [b"16", b"32", b"64", b"128", b"256", b"512", b"1024"];
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (words, number) = text.split_at(text.len() - digits);
    let mut parts = words.split(|byte| matches!(byte, b'_' | b'-' | b'.'));
    (2..=4).contains(&digits)
        && !BITS.contains(&number)
        && parts.clone().count() == 2
        && parts.all(is_plain)
}

/// Whether a text is three plain words and more, joined as members are, of which none is what
/// programs call their members: `juggler.spring_lizard`.
pub(in crate::scrub::detector) fn is_three_words(text: &[u8]) -> bool {
    // Words as passwords have them, but that begin paths of members, too.
    const FIRST: [&[u8]; 3] = [b"this", b"self", b"spring"];
    const MEMBERS: [&[u8]; 21] = [
        b"form",
        b"state",
        b"props",
        b"data",
        b"options",
        b"opts",
        b"request",
        b"response",
        b"input",
        b"inputs",
        b"fields",
        b"field",
        b"args",
        b"params",
        b"process",
        b"system",
        b"global",
        b"globals",
        b"window",
        b"payload",
        b"body",
    ];
    let mut words = text.split(|byte| matches!(byte, b'.' | b'_' | b'-'));
    let (first, count) = (words.clone().next().unwrap_or_default(), words.clone().count());
    (3..=6).contains(&count)
        && !FIRST.contains(&first)
        && words.all(|word| is_plain(word) && !MEMBERS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::is_shaped;

    #[test]
    fn a_password_is_told_from_names_by_how_it_is_written() {
        for text in [
            "beaver.drummer!mustang",
            "walnut=coffee:pickle",
            "jessica?golden+drummer",
            "Anchor/Trumpet64",
            "Meadow(Batman62",
            "scarlet_panther17",
            "orangewizard",
            "W1ll0w!708",
            "rocket9668",
        ] {
            assert!(is_shaped(text.as_bytes()), "{text}");
        }
        for text in [
            "required",
            "user_name",
            "db/prod/password",
            "config.yaml",
            "user=bob",
            "key1=value1",
            "bob@example.com",
            "read_bytes32",
            "sha256sum",
            "https://h/orange!wizard",
            "PR-4711",
            "eu-west-1",
            "client+server",
        ] {
            assert!(!is_shaped(text.as_bytes()), "{text}");
        }
    }
}
