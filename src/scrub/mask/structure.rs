//! Masks that keep what is safe to know: `mask: structure`.
//!
//! | of | stays | goes |
//! |---|---|---|
//! | a JSON web token | host of the issuer, kind of subject, day of expiry | all else, the signature first |
//! | a URL | scheme, host, port, and segments of the path that do not look random | user, password, query, fragment, random segments |
//! | a connection string | server, port, database | every other value |
//! | an AWS access key id | the account that it is of | the id |
//!
//! Of anything else nothing stays: the mask is the label. What stays stands within the
//! brackets of the mask, in the few characters that those may hold; or, of URLs and
//! connection strings, around masks. Made from its own result, a mask is the same.

use crate::scrub::rule::date::Date;
use crate::scrub::rule::validator;

/// The longest claims of a token that are read, in bytes.
const CLAIMS_BYTES_MAX: usize = 8192;

/// The longest text that stays of an issuer, in bytes.
const ISSUER_BYTES_MAX: usize = 48;

/// Keys of connection strings whose values stay, without blanks and in lower case.
const KEPT_KEYS: [&str; 13] = [
    "server",
    "host",
    "hostname",
    "datasource",
    "address",
    "addr",
    "networkaddress",
    "port",
    "database",
    "dbname",
    "initialcatalog",
    "driver",
    "sslmode",
];

/// Makes a mask of a secret. `label` makes one of what is to stand in its brackets, behind
/// a colon where there is any; `in_url`: the secret is a part of a URL.
pub(super) fn mask(secret: &[u8], label: &dyn Fn(&str, bool) -> String, in_url: bool) -> Vec<u8> {
    let text = std::str::from_utf8(secret).unwrap_or_default();
    let inside = |kept: String| label(&format!(":{kept}"), in_url);
    let kept = aws_account(text).map(&inside).or_else(|| claims(text).map(&inside));
    let whole = || if in_url { None } else { url(text, label).or_else(|| pairs(text, label)) };
    kept.or_else(whole).unwrap_or_else(|| label("", in_url)).into_bytes()
}

/// The account that an AWS access key id is of, with twelve digits.
///
/// An id is four letters and sixteen characters of base32; the account is 40 bits of
/// those, from the second bit on (Aidan Steele, "AWS Access Key ID formats"; Tal Be'ery,
/// "A short note on AWS KEY ID"). Older ids, whose first bit is not set, hold none.
fn aws_account(id: &str) -> Option<String> {
    let rest = id.strip_prefix('A')?;
    if id.len() != 20 || !["KIA", "SIA", "BIA", "CCA"].iter().any(|kind| rest.starts_with(kind)) {
        return None;
    }
    let mut bits: u128 = 0;
    for byte in id.get(4..)?.bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u128::from(digit);
    }
    // Of 80 bits, the first says that there is one.
    if bits >> 79 == 0 {
        return None;
    }
    let account = bits >> 39 & ((1 << 40) - 1);
    Some(format!("{account:012}"))
}

/// What stays of a token's claims.
fn claims(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (header, claims) = (parts.next()?, parts.next()?);
    if CLAIMS_BYTES_MAX < claims.len() || !validator::jwt(header.as_bytes()) {
        return None;
    }
    let claims = validator::decoded(claims.as_bytes())?;
    let claims = std::str::from_utf8(&claims).ok()?;
    let mut kept = Vec::new();
    if let Some(issuer) = member(claims, "iss").and_then(issuer) {
        kept.push(format!("iss:{issuer}"));
    }
    if let Some(subject) = member(claims, "sub") {
        kept.push(format!("sub:{}", class(subject.trim_matches('"'))));
    }
    if let Some(seconds) = member(claims, "exp").and_then(|seconds| seconds.parse::<u64>().ok()) {
        let days = u32::try_from(seconds / 86_400).ok()?;
        kept.push(format!("exp:{}", Date::from_unix_days(days)));
    }
    (!kept.is_empty()).then(|| kept.join(":"))
}

/// The host of an issuer, or the issuer itself if it is a plain name.
fn issuer(value: &str) -> Option<String> {
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next()?.to_ascii_lowercase();
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let is_plain = !text.is_empty() && text.len() <= ISSUER_BYTES_MAX && text.bytes().all(plain);
    (is_plain && !validator::looks_random(text.as_bytes())).then_some(text)
}

/// What a subject is, not which.
fn class(subject: &str) -> &'static str {
    let is_uuid = subject.len() == 36
        && subject.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    match subject {
        _ if is_uuid => "uuid",
        _ if subject.contains("://") => "url",
        _ if subject.contains('@') => "email",
        _ if subject.bytes().all(|byte| byte.is_ascii_digit()) => "number",
        _ => "text",
    }
}

/// The value of a member of a JSON object, as it is written; a text with its quotes.
/// Inner objects are passed over.
fn member<'j>(json: &'j str, wanted: &str) -> Option<&'j str> {
    let bytes = json.as_bytes();
    let (mut at, mut depth) = (0, 0_u32);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => {
                let end = text_end(bytes, at)?;
                let name = json.get(at + 1..end)?;
                let behind = json.get(end + 1..)?.trim_start();
                if depth == 1
                    && name == wanted
                    && let Some(value) = behind.strip_prefix(':')
                {
                    let value = value.trim_start();
                    let len = match value.starts_with('"') {
                        true => text_end(value.as_bytes(), 0)? + 1,
                        false => value.find([',', '}', ' ', '\n', '\r', '\t'])?,
                    };
                    return value.get(..len);
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Where the text ends that the quote at `at` begins: at its other quote.
fn text_end(json: &[u8], at: usize) -> Option<usize> {
    let mut end = at + 1;
    loop {
        match json.get(end)? {
            b'"' => return Some(end),
            b'\\' => end += 2,
            _ => end += 1,
        }
    }
}

/// What stays of a URL.
fn url(text: &str, label: &dyn Fn(&str, bool) -> String) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let is_scheme = scheme.bytes().next()?.is_ascii_alphabetic()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    if !is_scheme || text.contains(|char: char| char.is_whitespace() || char.is_control()) {
        return None;
    }
    let mask = label("", true);
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, rest) = rest.split_at_checked(end)?;
    let (user, host) = match authority.rsplit_once('@') {
        Some((_, host)) => (format!("{mask}@"), host),
        None => (String::new(), authority),
    };
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[],".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        return None;
    }
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, behind) = rest.split_at_checked(end)?;
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| if is_plain(segment, &mask) { segment } else { mask.as_str() })
        .collect();
    let behind = match behind.chars().next() {
        Some(sign) if 1 < behind.len() => format!("{sign}{mask}"),
        Some(sign) => sign.to_string(),
        None => String::new(),
    };
    Some(format!("{scheme}://{user}{host}{}{behind}", segments.join("/")))
}

/// The longest part of a path that stays, in bytes: names are shorter, tokens longer.
const PLAIN_BYTES_MAX: usize = 24;

fn is_plain(part: &str, mask: &str) -> bool {
    part == mask || (part.len() <= PLAIN_BYTES_MAX && !validator::looks_random(part.as_bytes()))
}

/// What stays of `key=value;key=value`, or of the same with blanks between.
fn pairs(text: &str, label: &dyn Fn(&str, bool) -> String) -> Option<String> {
    let sign = if text.contains(';') { ';' } else { ' ' };
    let mask = label("", false);
    let mut kept_any = false;
    let mut pairs = Vec::new();
    for pair in text.split(sign) {
        if pair.trim().is_empty() {
            pairs.push(pair.to_owned());
            continue;
        }
        let (key, value) = pair.split_once('=')?;
        let folded: String =
            key.chars().filter(|char| char.is_ascii_alphanumeric()).collect::<String>();
        let is_kept = KEPT_KEYS.contains(&folded.to_ascii_lowercase().as_str());
        if is_kept && is_plain_value(value) {
            kept_any = true;
            pairs.push(pair.to_owned());
        } else {
            pairs.push(format!("{key}={mask}"));
        }
    }
    kept_any.then(|| pairs.join(&sign.to_string()))
}

fn is_plain_value(value: &str) -> bool {
    value.len() <= 128 && !value.contains('@') && !validator::looks_random(value.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::rule::template::expand;

    fn label(kept: &str, in_url: bool) -> String {
        if in_url { format!("%5Bredacted:r{kept}%5D") } else { format!("[redacted:r{kept}]") }
    }

    fn made(secret: &str) -> String {
        String::from_utf8(mask(secret.as_bytes(), &label, false)).expect("UTF-8")
    }

    #[test]
    fn what_is_safe_stays_and_what_is_made_is_made_of_itself() {
        let claims = r#"{{"iss":"https://login.example.com/tenant","aud":{{"iss":"x"}},"sub":"a@b.example","exp":1772323200}}"#;
        let token =
            format!("{{b64url:{{{{\"alg\":\"HS256\"}}}}}}.{{b64url:{claims}}}.{{base64url:43}}");
        let token = expand(&token, 1).expect("sound");
        let bare = expand("{b64url:{{\"alg\":\"HS256\"}}}.{b64url:{{\"a\":1}}}.{base64url:43}", 1);
        let random = expand("{base62:40}", 1).expect("sound");
        let hook =
            format!("https://u:{random}@hooks.example:8443/services/{random}/x?key={random}");
        let ado =
            format!("Server=db.example,1433;Initial Catalog=orders;User Id=app;Password={random};");
        let libpq = format!("host=db port=5432 dbname=orders password={random}");
        for (secret, expected) in [
            (token.as_str(), "[redacted:r:iss:login.example.com:sub:email:exp:2026-03-01]"),
            (&bare.expect("sound"), "[redacted:r]"),
            (
                &hook,
                "https://%5Bredacted:r%5D@hooks.example:8443/services/%5Bredacted:r%5D/x?%5Bredacted:r%5D",
            ),
            (
                &ado,
                "Server=db.example,1433;Initial Catalog=orders;User Id=[redacted:r];Password=[redacted:r];",
            ),
            (&libpq, "host=db port=5432 dbname=orders password=[redacted:r]"),
            (&random, "[redacted:r]"),
            ("", "[redacted:r]"),
        ] {
            let mask = made(secret);
            assert_eq!(mask, expected);
            if !mask.starts_with('[') {
                assert_eq!(made(&mask), mask, "made of itself");
            }
        }
    }

    #[test]
    fn the_account_of_a_key_id_is_the_one_that_was_coded() {
        for account in [0_u128, 29_608_264_753, 123_456_789_012, 999_999_999_999] {
            // As an id is made: a bit that is set, the account, and the rest.
            let mut bits = 1_u128 << 79 | account << 39 | 0x2A_AAAA_AAAA;
            let mut coded = Vec::new();
            for _ in 0..16 {
                let digit = u8::try_from(bits & 31).expect("five bits");
                coded.push(if digit < 26 { b'A' + digit } else { b'2' + digit - 26 });
                bits >>= 5;
            }
            coded.reverse();
            let id = format!("AKIA{}", String::from_utf8(coded).expect("ASCII"));
            assert_eq!(aws_account(&id), Some(format!("{account:012}")));
        }
        let old = expand("AKIAI{base32-upper:15}", 1).expect("sound");
        assert_eq!(aws_account(&old), None);
        assert_eq!(aws_account("AKIAQ1"), None);
    }
}
