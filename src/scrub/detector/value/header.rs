//! What is secret in the value of a header: credentials behind a scheme, cookies.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::value::Standing;
use crate::scrub::detector::value::code::is_code;
use crate::scrub::detector::value::is_credential;
use crate::scrub::detector::value::is_drawn;
use crate::scrub::detector::value::is_no_secret;
use crate::scrub::detector::value::is_sentence;
use crate::scrub::detector::value::one;
use crate::scrub::detector::value::trim;
use crate::scrub::rule::validator;

/// Schemes that credentials follow (RFC 9110 §11.4), in small letters: those registered with
/// IANA, and those of vendors.
const SCHEMES: [&str; 22] = [
    "bearer",
    "basic",
    "digest",
    "token",
    "apikey",
    "api-key",
    "key",
    "negotiate",
    "ntlm",
    "hoba",
    "dpop",
    "hawk",
    "mac",
    "aws4-hmac-sha256",
    "aws4-ecdsa-p256-sha256",
    "aws",
    "sso-key",
    "splunk",
    "genie",
    "geniekey",
    "oauth",
    "jwt",
];

/// RFC 9110 §11.4: a scheme, a blank, and the credentials; or bare credentials.
pub(super) fn authorization(
    value: &[u8],
    range: Range<usize>,
    standing: Standing,
) -> Vec<Range<usize>> {
    let text = value.get(range.clone()).unwrap_or_default();
    if is_said(text) {
        return Vec::new();
    }
    let prose = matches!(standing, Standing::Word(Sign::Prose) | Standing::Line(Sign::Prose));
    let blank = text.iter().position(u8::is_ascii_whitespace);
    let scheme = blank
        .and_then(|at| text.get(..at))
        .filter(|word| SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme.as_bytes())));
    match scheme {
        Some(scheme) if has_parameters(scheme, text) => {
            parameters(value, range.start + scheme.len()..range.end)
        }
        Some(scheme) => {
            let rest = trim(value, range.start + scheme.len()..range.end);
            let rest = behind_arrow(value, rest);
            let rest = match standing {
                // `Bearer x status=200`: what follows the token is another matter.
                Standing::Line(_) if is_one_token_scheme(scheme) => {
                    let word = value.get(rest.clone()).unwrap_or_default();
                    let end = word
                        .iter()
                        .position(|b| b.is_ascii_whitespace() || matches!(b, b',' | b';'))
                        .unwrap_or(word.len());
                    rest.start..rest.start + without_bracket(word.get(..end).unwrap_or(word))
                }
                _ => rest,
            };
            let secret = value.get(rest.clone()).unwrap_or_default();
            let keep = secret.is_empty()
                || validator::is_placeholder(secret)
                || is_no_secret(secret)
                || !secret.iter().any(u8::is_ascii_alphanumeric)
                || secret.starts_with(b"${")
                || (prose && !secret.iter().any(u8::is_ascii_digit))
                || (standing != Standing::Whole && !is_token_like(secret));
            one(!keep, rest)
        }
        None => match standing {
            Standing::Whole => one(!is_sentence(text), range),
            Standing::Word(sign) | Standing::Line(sign) => {
                let end = blank.unwrap_or(text.len());
                let word = range.start..range.start + end;
                let text = value.get(word.clone()).unwrap_or_default();
                let is_word = prose && !is_drawn(text);
                one(!is_word && !is_code(text, sign) && is_credential(text), word)
            }
        },
    }
}

/// What stands behind an arrow that leads from a scheme to what it says: `Basic -> bob:x`.
fn behind_arrow(value: &[u8], rest: Range<usize>) -> Range<usize> {
    let text = value.get(rest.clone()).unwrap_or_default();
    let arrow = text.starts_with(b"-> ") || text.starts_with(b"=> ");
    rest.start + if arrow { 3 } else { 0 }..rest.end
}

/// How many words without a number are no credentials.
const WORDS_MIN: usize = 4;

/// Whether a value is none, but says what one is, or how it is made: a page, words and no
/// number, the verbs of a format, a scheme whose credentials follow elsewhere.
fn is_said(text: &[u8]) -> bool {
    let of_words = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b' ' | b',');
    // `Bearer tokens, Basic auth credentials`, `Proxy credentials`; a token may be one word.
    const NAMES: [&[u8]; 4] = [b"credentials", b"tokens", b"header", b"headers"];
    let is_words = || {
        let last = text.rsplit(|byte| *byte == b' ').next().unwrap_or_default();
        text.iter().all(of_words)
            && memchr::memchr(b' ', text).is_some()
            && (WORDS_MIN <= text.split(|byte| *byte == b' ').count() || NAMES.contains(&last))
    };
    text.starts_with(b"https://")
        // What is secret then stands in a header of its own (Web Services Security).
        || text.starts_with(b"WSSE profile=")
        || text.starts_with(b"http://")
        || memchr::memmem::find(text, b"%s").is_some()
        || goes_on_elsewhere(text)
        || is_words()
}

/// `GoogleLogin Auth=`: the name of a parameter, which code appends.
fn goes_on_elsewhere(text: &[u8]) -> bool {
    let Some(name) = text.strip_suffix(b"=") else { return false };
    let start = name.iter().rposition(|byte| *byte == b' ');
    let name = start.and_then(|start| name.get(start + 1..)).unwrap_or_default();
    matches!(name, [b'A'..=b'Z', rest @ ..]
        if (3..=8).contains(&rest.len()) && rest.iter().all(u8::is_ascii_lowercase))
}

/// Whether credentials are parameters, of which a few are secret (RFC 7616 §3.4, RFC 5849
/// §3.5.1).
fn has_parameters(scheme: &[u8], text: &[u8]) -> bool {
    ["digest", "hawk", "oauth", "mac"].iter().any(|one| scheme.eq_ignore_ascii_case(one.as_bytes()))
        && text.iter().skip(scheme.len() + 1).take(64).any(|byte| *byte == b'=')
        && (text.contains(&b'"') || text.ends_with(b"="))
}

/// The secret ones of `name="value"` pairs, without their quotes.
fn parameters(value: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
    const SECRET: [&[u8]; 7] = [
        b"response",
        b"mac",
        b"signature",
        b"oauth_signature",
        b"oauth_token",
        b"token",
        b"secret",
    ];
    let mut secrets = Vec::new();
    let mut start = range.start;
    let text = value.get(range).unwrap_or_default();
    for pair in text.split(|byte| *byte == b',') {
        let end = start + pair.len();
        let sign = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let name = pair.get(..sign).unwrap_or_default().trim_ascii();
        let of_quote = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\\');
        let behind = pair.get(sign + 1..).unwrap_or_default();
        let front = behind.iter().take_while(|byte| of_quote(byte)).count();
        let back = behind.iter().rev().take_while(|byte| of_quote(byte)).count();
        let is_secret = SECRET.iter().any(|secret| name.eq_ignore_ascii_case(secret));
        if is_secret && front + back < behind.len() {
            let secret = start + sign + 1 + front..end - back;
            let text = value.get(secret.clone()).unwrap_or_default();
            secrets.extend(Some(secret).filter(|_| !validator::is_placeholder(text)));
        }
        start = end + 1;
    }
    secrets
}

/// How long a token is without the bracket that closes behind it and none opened in it:
/// `[authorization: Bearer x]`.
fn without_bracket(token: &[u8]) -> usize {
    let open = match token.last() {
        Some(b']') => b'[',
        Some(b')') => b'(',
        Some(b'}') => b'{',
        _ => return token.len(),
    };
    token.len() - usize::from(1 < token.len() && !token.contains(&open))
}

fn is_one_token_scheme(scheme: &[u8]) -> bool {
    ["bearer", "basic", "token", "apikey", "api-key", "key", "jwt", "negotiate", "dpop", "splunk"]
        .iter()
        .any(|one| scheme.eq_ignore_ascii_case(one.as_bytes()))
}

/// Behind a scheme in running text: not a word of prose (`Bearer token required`).
fn is_token_like(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit)
        || text.iter().skip(1).any(u8::is_ascii_uppercase)
        || 16 <= text.len()
        || text.iter().any(|byte| matches!(byte, b'=' | b'+' | b'/'))
}

/// The values of `name=value` pairs; a piece without `=` is secret where there is no
/// pair at all.
pub(super) fn pairs(
    value: &[u8],
    separators: &[u8],
    wanted: impl Fn(&[u8]) -> bool,
) -> Vec<Range<usize>> {
    let mut secrets = Vec::new();
    let mut start = 0;
    let mut any = false;
    for end in (0..=value.len()).filter(|&i| value.get(i).is_none_or(|b| separators.contains(b))) {
        let piece = trim(value, start..end);
        start = end + 1;
        let text = value.get(piece.clone()).unwrap_or_default();
        let Some(sign) = memchr::memchr(b'=', text) else { continue };
        any = true;
        let name = text.get(..sign).unwrap_or_default();
        let secret = trim(value, piece.start + sign + 1..piece.end);
        let text = value.get(secret.clone()).unwrap_or_default();
        let blank_in_name = separators != b";" && name.iter().any(u8::is_ascii_whitespace);
        let keep = text.is_empty()
            || blank_in_name
            || !wanted(name)
            || validator::is_placeholder(text)
            || is_gone(text);
        if !keep {
            secrets.push(secret);
        }
    }
    let all = trim(value, 0..value.len());
    let text = value.get(all.clone()).unwrap_or_default();
    if !any && !text.iter().any(u8::is_ascii_whitespace) && is_credential(text) {
        secrets.push(all);
    }
    secrets
}

/// What servers set a cookie to that they take back.
fn is_gone(value: &[u8]) -> bool {
    const GONE: [&str; 8] =
        ["deleted", "delete", "deleteme", "expired", "removed", "invalid", "null", "logged_out"];
    let value = value.trim_ascii();
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let value = value.strip_suffix(b"\"").unwrap_or(value);
    GONE.iter().any(|gone| value.eq_ignore_ascii_case(gone.as_bytes()))
}

/// RFC 6265 §5.2, and `Partitioned`, `Priority`, which browsers know.
pub(super) fn is_cookie_attribute(name: &[u8]) -> bool {
    const ATTRIBUTES: [&str; 9] = [
        "expires",
        "max-age",
        "domain",
        "path",
        "secure",
        "httponly",
        "samesite",
        "partitioned",
        "priority",
    ];
    ATTRIBUTES.iter().any(|attribute| name.eq_ignore_ascii_case(attribute.as_bytes()))
}
