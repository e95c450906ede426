//! Values that say by themselves that they are no secret.

use crate::scrub::detector::value::chosen::names_something;
use crate::scrub::detector::value::labels::is_direction;
use crate::scrub::detector::value::names::is_call_of_parameter;
use crate::scrub::detector::value::names::is_conditions;
use crate::scrub::detector::value::names::is_expression;
use crate::scrub::detector::value::names::is_field_name;
use crate::scrub::detector::value::other;
use crate::scrub::rule::validator::WordList;

/// How many there are.
const WORDS_LEN: usize = 248;

/// Constants, types and states, in lower case.
const WORDS: WordList<WORDS_LEN> = WordList::new([
    "-",
    "--",
    "n/a",
    "na",
    "no",
    "yes",
    "on",
    "off",
    "true",
    "false",
    "none",
    "null",
    "nil",
    "undefined",
    "unset",
    "empty",
    "missing",
    "incorrect",
    "wrong",
    "mismatch",
    "not",
    "must",
    "cannot",
    "should",
    "does",
    "invalid",
    "valid",
    "expired",
    "required",
    "optional",
    "enabled",
    "disabled",
    "default",
    "unknown",
    "hidden",
    "masked",
    "redacted",
    "filtered",
    "removed",
    "present",
    "absent",
    "provided",
    "ok",
    "failed",
    "failure",
    "success",
    "expected",
    "pwd",
    "string",
    "str",
    "bytes",
    "int",
    "integer",
    "number",
    "float",
    "bool",
    "boolean",
    "object",
    "array",
    "list",
    "map",
    "text",
    "any",
    "void",
    "char",
    "varchar",
    "uuid",
    "date",
    "datetime",
    "secretstr",
    "secretstring",
    "securestring",
    "hashed",
    "encrypted",
    "optional[str]",
    "string;",
    "string,",
    "[object object]",
    "self",
    "this",
    "nan",
    "bearer",
    "basic",
    "digest",
    "jwt",
    "oauth",
    "oauth2",
    "apikey",
    "api_key",
    "api-key",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "token",
    "key",
    "cookie",
    "credential",
    "credentials",
    "auto",
    "manual",
    "file",
    "env",
    "vault",
    "prompt",
    "stdin",
    "chauthtok",
    "{}",
    "[]",
    "()",
    "''",
    "\"\"",
    "0",
    "1",
    "*",
    "?",
    "...",
    "…",
    "unchanged",
    "rejected",
    "changed",
    "set",
    "see",
    "return",
    "raise",
    "throw",
    "await",
    "yield",
    "new",
    "erforderlich",
    "obligatorio",
    "obligatoire",
    "requerido",
    "requis",
    "richiesto",
    "obligatoria",
    "wymagane",
    "wymagany",
    "zorunlu",
    "verplicht",
    "pakollinen",
    "wajib",
    "obligatorisk",
    "mindestens",
    "minstens",
    "minimum",
    "almeno",
    "bcrypt",
    "scrypt",
    "argon2",
    "argon2i",
    "argon2id",
    "pbkdf2",
    "sha1",
    "sha256",
    "sha512",
    "md5",
    "hmac",
    "via",
    "from",
    "with",
    "and",
    "or",
    "is",
    "in",
    "for",
    "to",
    "instead",
    "option",
    "flag",
    "argument",
    "parameter",
    "minutes",
    "hours",
    "days",
    "seconds",
    "weeks",
    "months",
    "options",
    "authorization",
    "sensitive",
    "localhost",
    "u8",
    "u16",
    "u32",
    "u64",
    "u128",
    "usize",
    "i8",
    "i16",
    "i32",
    "i64",
    "i128",
    "isize",
    "f32",
    "f64",
    "c_int",
    "c_uint",
    "c_long",
    "c_ulong",
    "c_char",
    "c_void",
    "size_t",
    "ssize_t",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8_t",
    "int16_t",
    "int32_t",
    "int64_t",
    "uint8_t",
    "uint16_t",
    "uint32_t",
    "uint64_t",
    "__u8",
    "__u16",
    "__u32",
    "__u64",
    "lpwstr",
    "lpcwstr",
    "lpstr",
    "lpcstr",
    "pwstr",
    "pcwstr",
    "pstr",
    "pcstr",
    "dword",
    "ulong",
    "ushort",
    "bstr",
    "wstr",
    "lpvoid",
    "hstring",
    "uintptr",
    "scram-sha-256",
    "scram-sha-512",
    "scram-sha-1",
    "cram-md5",
    "access_token",
    "refresh_token",
    "id_token",
]);

/// Whether a value says by itself that it is none: a constant, a type, a state, a version,
/// a duration, the type of a file, the name of a field.
pub(in crate::scrub::detector) fn is_no_secret(text: &[u8]) -> bool {
    (text.len() <= 16 && WORDS.has(text.strip_suffix(b"):").unwrap_or(text)))
        || is_in_brackets(text)
        || other::is_something_else(text)
        || text.starts_with(b".*")
        || is_closing(text)
        || is_version(text)
        || is_duration(text)
        || is_timestamp(text)
        || is_media_type(text)
        || is_verbs(text)
        || is_field_name(text)
        || is_conditions(text)
        || is_expression(text)
        || is_fingerprint(text)
        || is_call_of_parameter(text)
        || is_direction(text)
}

/// `(optional)`, `(bool`: what documentation says of a parameter first.
fn is_in_brackets(text: &[u8]) -> bool {
    let Some(inner) = text.strip_prefix(b"(") else { return false };
    let inner = inner.strip_suffix(b")").unwrap_or(inner);
    inner.len() <= 16 && WORDS.has(inner)
}

/// What closes the structures around a name that is the end of its string: `"PASSWORD="}]`.
pub(in crate::scrub::detector) fn is_closing(text: &[u8]) -> bool {
    text.iter().all(|byte| b"{}[]),;:\"'\\ ".contains(byte))
}

/// `SHA256:…`: the fingerprint of a key, as OpenSSH writes it.
fn is_fingerprint(text: &[u8]) -> bool {
    text.strip_prefix(b"SHA256:").is_some_and(|digest| {
        digest.len() == 43
            && digest.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
    })
}

/// `^1.0.0`, `>=2.1`, `v2.1.0-rc1`, `1.2.3+build.4`: the version of a package, or a range.
fn is_version(text: &[u8]) -> bool {
    let Some(digit) = text.iter().position(u8::is_ascii_digit).filter(|at| *at <= 2) else {
        return false;
    };
    let (sign, rest) = text.split_at(digit);
    let len = rest.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.').count();
    let (numbers, rest) = rest.split_at(len);
    let mut parts = numbers.split(|byte| *byte == b'.');
    let is_numbers =
        (2..=4).contains(&parts.clone().count()) && parts.all(|part| (1..=5).contains(&part.len()));
    let suffix = match rest {
        [] => true,
        [b'-' | b'+', rest @ ..] => {
            rest.len() <= 16
                && rest.split(|byte| matches!(byte, b'.' | b'-')).all(|part| {
                    let letters = part.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
                    let (_, digits) = part.split_at(letters);
                    letters <= 8 && digits.len() <= 8 && digits.iter().all(u8::is_ascii_digit)
                })
        }
        _ => false,
    };
    is_numbers
        && suffix
        && sign.iter().all(|byte| matches!(byte, b'^' | b'~' | b'=' | b'<' | b'>' | b'v'))
}

/// `12ms`, `0.00s`, `(1.2s)`
fn is_duration(text: &[u8]) -> bool {
    const UNITS: [&[u8]; 6] = [b"ms", b"us", b"ns", b"s", b"m", b"h"];
    let bare = text.strip_prefix(b"(").and_then(|rest| rest.strip_suffix(b")")).unwrap_or(text);
    UNITS.iter().filter_map(|unit| bare.strip_suffix(*unit)).any(|number| {
        (1..=8).contains(&number.len())
            && number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
            && number.first().is_some_and(u8::is_ascii_digit)
    })
}

/// `2026-07-01T02:28:46.820Z`, `2026-07-01 02:28:46 +0000 UTC`: a date and a time (RFC 3339, or
/// as languages print them). A date alone may be a password.
fn is_timestamp(text: &[u8]) -> bool {
    const SHAPE: &[u8] = b"dddd-dd-dd dd:dd";
    let Some((head, rest)) = text.split_at_checked(SHAPE.len()) else { return false };
    let fits = head.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'd' => byte.is_ascii_digit(),
        b' ' => matches!(byte, b'T' | b't' | b' ' | b'_'),
        sign => byte == sign,
    });
    let of_rest = |byte: &u8| byte.is_ascii_digit() || b":.,+-Zz UTCGM".contains(byte);
    fits && rest.len() <= 32 && rest.iter().all(of_rest)
}

/// `application/x-pkcs12` (RFC 6838, 4.2.7: the registered top-level types).
fn is_media_type(text: &[u8]) -> bool {
    const TYPES: WordList<9> = WordList::new([
        "application/",
        "audio/",
        "font/",
        "image/",
        "message/",
        "model/",
        "multipart/",
        "text/",
        "video/",
    ]);
    let of_name =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-+.".contains(byte);
    TYPES.behind(text).any(|name| (3..=64).contains(&name.len()) && name.iter().all(of_name))
}

/// `%s:%s`: nothing but verbs of a format and signs.
fn is_verbs(text: &[u8]) -> bool {
    let mut rest = text;
    let mut verbs = 0;
    while let Some((first, more)) = rest.split_first() {
        rest = match (first, more) {
            (b'%', [b's' | b'd' | b'v' | b'q' | b'r' | b'x', more @ ..]) => {
                verbs += 1;
                more
            }
            (byte, more) if byte.is_ascii_punctuation() => more,
            _ => return false,
        };
    }
    0 < verbs
}

/// `:name`, `$1`, `@p0`, `%(name)s`, `%NAME%`, `Type!`: what SQL, GraphQL and templates
/// put where a value will stand.
pub(super) fn is_parameter(text: &[u8]) -> bool {
    let name = |name: &[u8]| {
        !name.is_empty()
            && name.len() <= 32
            && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
    };
    match text {
        // `$self->{password}`, cut at its arrow.
        [b'$', rest @ .., b'-'] => name(rest),
        // `$ecret99` has a number; a variable that has one is numbered.
        [b'$', b'a'..=b'z' | b'A'..=b'Z', ..] if is_leet(text) => false,
        [b':' | b'$' | b'@', rest @ ..] => name(rest),
        [b'%', b'(', rest @ .., b')', b's' | b'd'] => name(rest),
        [b'%', rest @ .., b'%'] => name(rest),
        [rest @ .., b'!'] => is_type(rest),
        _ => false,
    }
}

/// Whether a word before an exclamation mark may be a type of GraphQL: one word, or some of
/// which one says what it names. `LemonCandle!` is a password.
fn is_type(text: &[u8]) -> bool {
    const KINDS: [&[u8]; 10] = [
        b"DateTime",
        b"BigInt",
        b"Input",
        b"Scalar",
        b"Object",
        b"Text",
        b"Code",
        b"Enum",
        b"Hash",
        b"Email",
    ];
    let humps = text.iter().skip(1).any(u8::is_ascii_uppercase);
    let one_case = !text.iter().any(u8::is_ascii_lowercase);
    text.iter().all(u8::is_ascii_alphabetic)
        && text.first().is_some_and(u8::is_ascii_uppercase)
        && text.len() <= 32
        && (!humps
            || one_case
            || names_something(text)
            || KINDS.iter().any(|kind| text.ends_with(kind)))
}

/// Whether a word that begins with a dollar sign is a password: digits at its end or
/// between letters, and no word that names what a variable holds.
fn is_leet(text: &[u8]) -> bool {
    let rest = text.get(1..).unwrap_or_default();
    let digits = rest.iter().filter(|byte| byte.is_ascii_digit()).count();
    let lower = rest.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    2 <= digits && 3 <= lower && !rest.contains(&b'_') && !names_something(rest)
}

#[cfg(test)]
mod tests {
    use super::is_no_secret;

    #[test]
    fn versions_durations_and_types_of_files_are_no_secrets() {
        for text in [
            "^1.0.0",
            "~1.1.0",
            ">=2.0",
            "v2.1.0-rc1",
            "1.2.3+build.4",
            "12ms",
            "(0.00s)",
            "application/x-pkcs12",
            "%s:%s",
            "unchanged",
            "Erforderlich",
            "2026-07-01T02:28:46.820Z",
            "2026-07-01 02:28:46.123456 +0000 UTC",
            "2026-07-01T02:28",
            "SHA256:jG3uhkWKFLf6xuI5aHUQPFeNBTxaQWk8JzFalHlsZfY",
            "see vault",
            "Ask the ops team",
        ] {
            assert!(is_no_secret(text.as_bytes()), "{text}");
        }
        for text in [
            "1.2.3x",
            "4711",
            "v2",
            "2026!",
            "1.0.0-Xk39fQz7Lp",
            "s",
            "99problems",
            "text/",
            "%s3cret",
            "application/Xk39",
            "^1a",
            "2026-07-01",
            "2026-07-01T02:28Xk9",
            "see spot run",
            "vault ask",
        ] {
            assert!(!is_no_secret(text.as_bytes()), "{text}");
        }
    }
}
