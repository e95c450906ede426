//! Values that show in the midst of a sentence that they are secrets.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::scrub::detector::bytes::PASSWORD_SIGNS;
use crate::scrub::detector::value::chosen::is_base64_with_slash;
use crate::scrub::detector::value::chosen::is_generated;
use crate::scrub::detector::value::chosen::is_phrase;
use crate::scrub::detector::value::chosen::is_plain;
use crate::scrub::detector::value::chosen::names_something;
use crate::scrub::detector::value::is_no_secret;
use crate::scrub::rule::validator;

/// How long such a value is.
const LEN: std::ops::RangeInclusive<usize> = 6..=128;

/// How many letters a word has at least that a number makes a password: shorter ones are
/// names of machines and users (`server12`).
const WORD_LEN_MIN: usize = 10;

/// How long a word is that is told from a name with only one digit.
const DRAWN_LEN_MIN: usize = 12;

/// What stands in names of algorithms, formats and machines, which have numbers, too.
const TECHNICAL: [&[u8]; 50] = [
    b"sha1",
    b"sha2",
    b"sha3",
    b"sha5",
    b"sha-",
    b"md5",
    b"base64",
    b"base32",
    b"base58",
    b"oauth",
    b"utf",
    b"ipv",
    b"aes1",
    b"aes2",
    b"aes-",
    b"rsa2",
    b"rsa4",
    b"rsa-",
    b"x509",
    b"x86",
    b"arm64",
    b"amd64",
    b"k8s",
    b"log4",
    b"http",
    b"argon",
    b"bcrypt",
    b"scrypt",
    b"pbkdf",
    b"ed25519",
    b"secp",
    b"win32",
    b"win64",
    b"i18n",
    b"localhost",
    b"cluster",
    b"server",
    b"node",
    b"host",
    b"prod-",
    b"-prod",
    b"staging",
    b"dev-",
    b"release",
    b"build",
    b"version",
    b"ticket",
    b"chacha",
    b"poly1305",
    b"hkdf",
];

/// Whether a word in a sentence is a secret by its looks alone. `is_code`: its key is one of
/// codes, which may be numbers.
pub(in crate::scrub::detector) fn is_told(text: &[u8], is_code: bool) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    if is_code && (4..=8).contains(&digits) {
        // `G-123456`, `123-456`
        let number = text.strip_prefix(b"G-").unwrap_or(text);
        let joints = number.iter().filter(|byte| **byte == b'-').count();
        if joints <= 1 && digits + joints == number.len() && !number.starts_with(b"-") {
            return true;
        }
    }
    if !LEN.contains(&text.len())
        || (digits == 0 && !text.iter().any(|byte| PASSWORD_SIGNS.has(*byte)))
        || !text.iter().all(u8::is_ascii_graphic)
        || validator::is_placeholder(text)
        || is_no_secret(text)
        || memchr::memmem::find(text, b"://").is_some()
        || is_account(text)
    {
        return false;
    }
    // `SHA2('x'`: a call, whatever its argument is.
    if is_call(text) {
        return false;
    }
    if is_generated(text) && !is_address(text) && !text.contains(&b'/') {
        return true;
    }
    let of_code = |byte: &u8| b"()[]{}<>=|;,/\\:'\"`".contains(byte);
    if text.iter().any(of_code)
        || matches!(text, [b'-' | b'.' | b'@' | b'~' | b'/', ..])
        || text.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
        || is_address(text)
        || is_technical(text)
    {
        return false;
    }
    let lowers = text.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    let uppers = text.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    if has_sign_inside(text) {
        return 2 <= lowers + uppers && (0 < digits || (0 < lowers && 0 < uppers));
    }
    is_phrase(text) || is_mixed_word(text, lowers, uppers, digits)
}

/// Three and more plain words, perhaps with a number or a sign behind them, which say nothing
/// together: a passphrase.
pub(in crate::scrub::detector) fn is_passphrase(text: &[u8]) -> bool {
    /// Words of sentences that are as long as words of phrases.
    const STOPS: [&[u8]; 34] = [
        b"that", b"this", b"with", b"from", b"have", b"been", b"will", b"must", b"when", b"then",
        b"than", b"only", b"into", b"your", b"them", b"they", b"does", b"were", b"what", b"which",
        b"should", b"could", b"would", b"after", b"before", b"until", b"because", b"cannot",
        b"please", b"never", b"here", b"there", b"check", b"checks",
    ];
    let is_tail = |byte: &u8| byte.is_ascii_digit() || b"!?.+#*%$&@-".contains(byte);
    let tail = text.iter().rev().take_while(|byte| is_tail(byte)).count();
    let words = text.get(..text.len() - tail).unwrap_or_default().trim_ascii_end();
    let words = words.split(|byte| *byte == b' ');
    let count = words.clone().count();
    // In a long one a word may mean something: `copper cookie maple lantern`.
    let plain = words.clone().filter(|word| is_plain(word) || *word == b"cookie").count();
    let is_word = |word: &[u8]| {
        3 < word.len() && word.iter().all(u8::is_ascii_lowercase) && !STOPS.contains(&word)
    };
    tail <= 5
        && (3..=8).contains(&count)
        && count <= plain + usize::from(3 < count)
        && words.into_iter().all(is_word)
}

/// Words of sentences that say how a password is, as long as words of phrases.
const SAID: [&[u8]; 107] = [
    b"same",
    b"like",
    b"last",
    b"week",
    b"always",
    b"often",
    b"once",
    b"more",
    b"most",
    b"less",
    b"very",
    b"also",
    b"such",
    b"much",
    b"many",
    b"some",
    b"none",
    b"every",
    b"each",
    b"both",
    b"other",
    b"another",
    b"wrong",
    b"weak",
    b"strong",
    b"short",
    b"long",
    b"enough",
    b"already",
    b"again",
    b"still",
    b"quite",
    b"just",
    b"even",
    b"kept",
    b"sent",
    b"lost",
    b"about",
    b"above",
    b"below",
    b"under",
    b"over",
    b"while",
    b"since",
    b"without",
    b"within",
    b"against",
    b"later",
    b"soon",
    b"today",
    b"never",
    b"plain",
    b"clear",
    b"text",
    b"hard",
    b"easy",
    b"written",
    b"word",
    b"case",
    b"sensitive",
    b"insensitive",
    b"eight",
    b"seven",
    b"nine",
    b"four",
    b"five",
    b"characters",
    b"letters",
    b"digits",
    b"symbols",
    b"numbers",
    b"chars",
    b"minimum",
    b"maximum",
    b"good",
    b"fine",
    b"simple",
    b"english",
    b"known",
    b"visible",
    b"almost",
    b"close",
    b"near",
    b"gone",
    b"late",
    b"early",
    b"first",
    b"second",
    b"third",
    b"next",
    b"safe",
    b"open",
    b"only",
    b"common",
    b"shared",
    b"public",
    b"private",
    b"secure",
    b"random",
    b"unique",
    b"special",
    b"different",
    b"difficult",
    b"important",
    b"possible",
    b"wise",
    b"here",
];

/// Three and more plain words that say nothing of a password: what a sentence says that it is.
pub(in crate::scrub::detector) fn is_said_phrase(text: &[u8]) -> bool {
    let says = |word: &[u8]| SAID.contains(&word) || word.ends_with(b"ly");
    is_passphrase(text) && !text.split(|byte| *byte == b' ').any(says)
}

/// `0x` and twenty bytes: an account or a contract of a chain of blocks (EIP-55), which sentences
/// about tokens name.
fn is_account(text: &[u8]) -> bool {
    const DIGITS: usize = 40;
    text.strip_prefix(b"0x")
        .is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(u8::is_ascii_hexdigit))
}

/// Whether a word of letters and a number is a password where what stands around it says that
/// it is a value: `rocket9668`.
pub(in crate::scrub::detector) fn is_chosen_word(text: &[u8]) -> bool {
    let bare = match text {
        [bare @ .., b'!' | b'?' | b'#' | b'$' | b'@' | b'*' | b'%'] => bare,
        bare => bare,
    };
    let letters = bare.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, number) = bare.split_at(letters);
    (5..=24).contains(&word.len())
        && (2..=6).contains(&number.len())
        && 8 <= text.len()
        && number.iter().all(u8::is_ascii_digit)
        && !names_something(word)
        && !is_technical(text)
}

/// Whether a name of something technical stands in a text, in either case.
pub(super) fn is_technical(text: &[u8]) -> bool {
    static NAMES: LazyLock<AhoCorasick> = LazyLock::new(|| {
        let builder = AhoCorasick::builder().ascii_case_insensitive(true).build(TECHNICAL);
        builder.expect("they are few and short")
    });
    NAMES.is_match(text)
}

/// Whether a word was drawn from letters and digits, as keys and tokens are.
pub(in crate::scrub::detector) fn is_drawn(text: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| text.iter().filter(|byte| is(byte)).count();
    let of_key = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=.~".contains(byte);
    let (lowers, uppers) = (count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
    let digits = count(u8::is_ascii_digit);
    let is_mixed = 3 <= lowers && 3 <= uppers && 2 <= digits;
    let is_one_case = (lowers == 0 || uppers == 0) && 4 <= digits && 8 <= lowers + uppers;
    (20..=512).contains(&text.len())
        && (is_mixed
            || (is_one_case && !text.iter().any(|byte| matches!(byte, b'-' | b'_' | b'/'))))
        && !text.iter().all(u8::is_ascii_hexdigit)
        && text.iter().all(of_key)
        && !text.starts_with(b"AAAA")
        && !text.starts_with(b"0x")
        && !text.starts_with(b"MII")
        && (!text.starts_with(b"/") || is_base64_with_slash(text))
        && validator::looks_random(text)
        && !is_no_secret(text)
}

/// Whether a word is long, of letters and digits, and no name that signs join: where nothing
/// but tokens is expected, it is one.
pub(in crate::scrub::detector) fn is_long_mixed(text: &[u8]) -> bool {
    let count = |is: fn(&u8) -> bool| text.iter().filter(|byte| is(byte)).count();
    let of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=._".contains(byte);
    is_drawn(text)
        || ((16..=512).contains(&text.len())
            && 1 <= count(u8::is_ascii_digit)
            && 6 <= count(u8::is_ascii_alphabetic)
            && text.iter().all(of_token)
            && !is_no_secret(text))
}

/// Whether a text is a number of 128 bits and more, in hexadecimal digits or as a UUID: of
/// those that are no secret, most have a name that says so.
pub(in crate::scrub::detector) fn is_drawn_number(text: &[u8]) -> bool {
    validator::is_uuid(text)
        || (32 <= text.len()
            && text.iter().all(u8::is_ascii_hexdigit)
            && validator::looks_random(text))
}

/// Whether a text begins with the name of a function, as SQL has them, and a string that it
/// gets.
fn is_call(text: &[u8]) -> bool {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic() || **byte == b'_');
    let (name, rest) = text.split_at(letters.count());
    let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
    let is_one_case =
        !name.iter().any(u8::is_ascii_lowercase) || !name.iter().any(u8::is_ascii_uppercase);
    let argument = rest.get(digits..).unwrap_or_default();
    3 <= name.len() && is_one_case && matches!(argument, [b'(', b'"' | b'\'', ..])
}

/// Letters and digits as no word and no name has them.
fn is_mixed_word(text: &[u8], lowers: usize, uppers: usize, digits: usize) -> bool {
    let bare = match text {
        [bare @ .., b'!' | b'?' | b'#' | b'$' | b'@' | b'*' | b'%' | b'&' | b'+'] => bare,
        bare => bare,
    };
    if bare.len() < 8 || lowers < 2 {
        return false;
    }
    if digits < 2 {
        // One digit stands in many names; then the letters must be drawn, too.
        return digits == 1
            && DRAWN_LEN_MIN <= bare.len()
            && 2 <= uppers
            && bare.iter().all(u8::is_ascii_alphanumeric)
            && validator::looks_random(bare);
    }
    if bare.iter().any(|byte| !byte.is_ascii_alphanumeric()) {
        let drawn = 16 <= bare.len() && validator::looks_random(bare);
        let joined = bare.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
        return joined && (drawn || (0 < uppers && bare.contains(&b'_')));
    }
    if 0 < uppers {
        return true;
    }
    let letters = bare.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let word = bare.get(..letters).unwrap_or_default();
    match letters + digits == bare.len() {
        true => WORD_LEN_MIN <= letters && !names_something(word),
        false => 0 < letters || validator::looks_random(bare),
    }
}

/// A sign that stands in passwords and in no word, between other characters.
fn has_sign_inside(text: &[u8]) -> bool {
    let [_, inside @ .., last] = text else { return false };
    let at = inside.iter().position(|byte| PASSWORD_SIGNS.has(*byte));
    // `PR#4711`, `50%`
    at.is_some_and(|at| {
        let numbered = inside.get(at) == Some(&b'#')
            && last.is_ascii_digit()
            && inside.get(at + 1..).is_some_and(|rest| rest.iter().all(u8::is_ascii_digit));
        !numbered
    })
}

/// `bob@example.com`, `root@db01`
pub(super) fn is_address(text: &[u8]) -> bool {
    let Some(at) = memchr::memchr(b'@', text) else { return false };
    let (user, host) = text.split_at(at);
    let host = host.get(1..).unwrap_or_default();
    let of_user =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-+".contains(byte);
    let of_host =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(byte);
    host.first().is_some_and(u8::is_ascii_alphabetic)
        && host.iter().all(of_host)
        && (user.iter().all(of_user) || host.contains(&b'.'))
}

#[cfg(test)]
mod tests {
    use super::is_said_phrase;
    use super::is_told;

    #[test]
    fn a_phrase_is_told_from_the_rest_of_a_sentence() {
        assert!(is_said_phrase(b"orchard hammock violin purple tractor"));
        assert!(is_said_phrase(b"copper lantern maple willow 42"));
        for text in [
            "never shown here again",
            "long enough already",
            "the same as last week",
            "case sensitive plain text only",
            "exactly eight characters",
            "simple english word",
            "stored hashed with salt",
        ] {
            assert!(!is_said_phrase(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn a_secret_is_told_from_the_words_of_a_sentence() {
        for text in [
            "Xk9!vLq2mPz",
            "marble7Falcon31",
            "donkeyquartz293",
            "tiger670maple",
            "cactus-harbor-cactus-34",
            "Thund3R@6801",
            "AnchorEmber78!",
            "CoffeeTable88@",
            "KettleFalcon80?",
            "Harbor271#",
            "Summer_2024x",
        ] {
            assert!(is_told(text.as_bytes(), false), "{text}");
        }
        for text in [
            "required",
            "base64-encoded",
            "SHA256",
            "argon2id",
            "server12",
            "db-prod-01",
            "bob@example.com",
            "root@db01",
            "user42",
            "0b6dd502b2902e73096b60db3156759d",
            "https://h/x1",
            "/etc/passwd2",
            "v1.2.3",
            "node-12",
            "PR#4711",
            "config.yaml",
            "2026-01-01",
            "8-64",
            "k8s-cluster-01",
            "postgres14",
            "UTF-8",
            "$DB_PASS",
            "eu-west-1",
            "12345678",
            "--force2",
            "0x43ba20500692154fe0649265894f24521f8a49dc",
        ] {
            assert!(!is_told(text.as_bytes(), false), "{text}");
        }
        for text in ["123456", "123-456", "4711", "G-422362"] {
            assert!(is_told(text.as_bytes(), true), "{text}");
        }
        for text in ["12", "2026-01-01", "port80"] {
            assert!(!is_told(text.as_bytes(), true), "{text}");
        }
    }
}
