//! What of a value under a secret key is secret.
//!
//! A key says that its value is secret; this is the second opinion. A value that
//! cannot be a secret stays: `null`, a number, a type, a reference to where the
//! secret really is, a sentence about it. How sure one must be depends on how the
//! value is tied to its key: an attribute value is nothing but the value, while in
//! `token = next(stream)` it may be code.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::rule::ValueForm;
use crate::scrub::rule::validator;

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
    if text.is_empty() || validator::is_placeholder(text) || is_no_secret(text) {
        return Vec::new();
    }
    let prose = matches!(standing, Standing::Word(Sign::Prose) | Standing::Line(Sign::Prose));
    match form {
        ValueForm::Authorization => authorization(value, value_trimmed, standing),
        ValueForm::Cookie | ValueForm::SetCookie | ValueForm::List if prose => Vec::new(),
        ValueForm::Cookie => pairs(value, b";", |_| true),
        ValueForm::SetCookie => pairs(value, b";,", |name| !is_cookie_attribute(name)),
        ValueForm::List => pairs(value, b",;", |_| true),
        ValueForm::Connection => connection(value, value_trimmed),
        ValueForm::UrlPath => url_path(text, value_trimmed),
        ValueForm::Whole | ValueForm::Password | ValueForm::Credential => {
            one(is_secret(form, text, standing), value_trimmed)
        }
    }
}

fn one(secret: bool, range: Range<usize>) -> Vec<Range<usize>> {
    if secret { vec![range] } else { Vec::new() }
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
    if is_url && form != ValueForm::Password {
        return false;
    }
    let word = match standing {
        Standing::Whole => None,
        Standing::Word(sign) | Standing::Line(sign) => Some(sign),
    };
    if word.is_some_and(|sign| is_code(text, sign)) {
        return false;
    }
    if word == Some(Sign::Prose) {
        return is_secret_in_prose(form, text);
    }
    match form {
        ValueForm::Credential => is_credential(text),
        ValueForm::Password => match word {
            None => !(digits && text.len() < 4) && !is_sentence(text),
            Some(Sign::SpacedEquals | Sign::Colon) => {
                3 <= text.len() && !(digits && text.len() < 4)
            }
            Some(_) => !(digits && text.len() < 4),
        },
        _ => match word {
            None => !(digits && text.len() < 8) && !is_sentence(text),
            Some(Sign::Query | Sign::Flag | Sign::Element) => {
                4 <= text.len() && !(digits && text.len() < 6)
            }
            Some(Sign::Equals | Sign::Pair) => {
                6 <= text.len() && (is_mixed(text) || 16 <= text.len()) && !digits
            }
            Some(_) => is_credential(text),
        },
    }
}

/// Behind a word and a blank stands anything: a duration, an id, the next column.
fn is_secret_in_prose(form: ValueForm, text: &[u8]) -> bool {
    let id = text.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
    let row = text.iter().any(|byte| matches!(byte, b'=' | b'/' | b',' | b';' | b'|' | b':'));
    match form {
        _ if id || row => false,
        ValueForm::Password => is_mixed(text),
        _ => 20 <= text.len() && validator::looks_random(text),
    }
}

/// Eight and more characters, no blanks, and not a word, a number, a path or a name.
fn is_credential(text: &[u8]) -> bool {
    8 <= text.len()
        && !text.iter().any(|byte| byte.is_ascii_whitespace())
        && !text.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':'))
        && !matches!(text, [b'/' | b'.' | b'~' | b'<' | b'{' | b'[' | b'(', ..])
        && (validator::looks_random(text) || (is_mixed(text) && !is_name(text)))
}

/// Letters together with digits, or with signs that names do not have.
fn is_mixed(text: &[u8]) -> bool {
    let letter = text.iter().any(u8::is_ascii_alphabetic);
    let digit = text.iter().any(u8::is_ascii_digit);
    let sign =
        text.iter().any(|byte| matches!(byte, b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'*'));
    letter && (digit || sign)
}

/// Words joined by separators, possibly with a number: `step-2`, `model_v1.5`.
fn is_name(text: &[u8]) -> bool {
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

/// Whether a value says by itself that it is none: a constant, a type, a state.
fn is_no_secret(text: &[u8]) -> bool {
    const WORDS: &[&str] = &[
        "",
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
    ];
    text.len() <= 16 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

/// Prose about a secret: four words and more, most of them lower-case words.
fn is_sentence(text: &[u8]) -> bool {
    let words: Vec<&[u8]> = text.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty()).collect();
    let plain = words
        .iter()
        .filter(|word| {
            let word = word.strip_suffix(b",").or(word.strip_suffix(b".")).unwrap_or(word);
            !word.is_empty() && word.iter().all(|b| b.is_ascii_alphabetic() || *b == b'\'')
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

/// Whether an undelimited value reads as code: a call, a member, an index, a
/// variable behind `key = `.
fn is_code(text: &[u8], sign: Sign) -> bool {
    let call = memchr::memchr(b'(', text).is_some_and(|at| {
        0 < at && text.get(..at).is_some_and(|name| name.iter().all(|&byte| is_path(byte)))
    });
    let index = memchr::memchr(b'[', text).is_some_and(|at| {
        0 < at
            && text.get(..at).is_some_and(|name| name.iter().all(|&byte| is_path(byte)))
            && text.contains(&b']')
    });
    if call || index {
        return true;
    }
    let plain = text.strip_suffix(b";").or(text.strip_suffix(b",")).unwrap_or(text);
    let member = plain.contains(&b'.')
        && plain.iter().all(|&byte| is_path(byte) && !byte.is_ascii_digit())
        && plain.split(|&byte| byte == b'.').all(|part| !part.is_empty());
    let reference = matches!(plain, [b'&' | b'*', b'a'..=b'z', ..]);
    let typed = matches!(sign, Sign::Colon) && (text.ends_with(b";") || plain.ends_with(b"?"));
    let variable = matches!(sign, Sign::SpacedEquals)
        && plain.iter().all(|&byte| is_path(byte))
        && !validator::looks_random(plain)
        && !(plain.iter().any(u8::is_ascii_digit) && !plain.contains(&b'_'));
    (member && matches!(sign, Sign::SpacedEquals | Sign::Colon | Sign::Prose))
        || (reference && sign != Sign::Query)
        || typed
        || variable
}

/// What names in code are made of.
fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
}

/// RFC 9110 §11.4: a scheme, a blank, and the credentials; or bare credentials.
fn authorization(value: &[u8], range: Range<usize>, standing: Standing) -> Vec<Range<usize>> {
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
    let text = value.get(range.clone()).unwrap_or_default();
    let blank = text.iter().position(u8::is_ascii_whitespace);
    let scheme = blank
        .and_then(|at| text.get(..at))
        .filter(|word| SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme.as_bytes())));
    match scheme {
        Some(scheme) => {
            let rest = trim(value, range.start + scheme.len()..range.end);
            let rest = match standing {
                // `Bearer x status=200`: what follows the token is another matter.
                Standing::Line(_) if is_one_token_scheme(scheme) => {
                    let word = value.get(rest.clone()).unwrap_or_default();
                    let end = word
                        .iter()
                        .position(|b| b.is_ascii_whitespace() || matches!(b, b',' | b';'))
                        .unwrap_or(word.len());
                    rest.start..rest.start + end
                }
                _ => rest,
            };
            let secret = value.get(rest.clone()).unwrap_or_default();
            let keep = secret.is_empty()
                || validator::is_placeholder(secret)
                || is_no_secret(secret)
                || (standing != Standing::Whole && !is_token_like(secret));
            one(!keep, rest)
        }
        None => match standing {
            Standing::Whole => one(!is_sentence(text), range),
            Standing::Word(sign) | Standing::Line(sign) => {
                let end = blank.unwrap_or(text.len());
                let word = range.start..range.start + end;
                let text = value.get(word.clone()).unwrap_or_default();
                one(!is_code(text, sign) && is_credential(text), word)
            }
        },
    }
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
fn pairs(value: &[u8], separators: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Vec<Range<usize>> {
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
        let keep =
            text.is_empty() || blank_in_name || !wanted(name) || validator::is_placeholder(text);
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

/// RFC 6265 §5.2, and `Partitioned`, `Priority`, which browsers know.
fn is_cookie_attribute(name: &[u8]) -> bool {
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

/// A URL or a list of settings: only its passwords and keys are secret. Anything
/// else is a blob, secret whole.
fn connection(value: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
    let text = value.get(range.clone()).unwrap_or_default();
    let is_url = memchr::memmem::find(text, b"://").is_some();
    let is_list = memchr::memchr(b'=', text)
        .is_some_and(|at| text.get(at + 1..).is_some_and(|rest| rest.iter().any(|b| *b != b'=')));
    if is_url {
        return userinfo_password(text, range.start).into_iter().collect();
    }
    if is_list {
        let blanks = !text.contains(&b';');
        let separators: &[u8] = if blanks { b" \t\n" } else { b";" };
        return pairs(value, separators, is_connection_secret);
    }
    let is_structured = matches!(text, [b'{' | b'[' | b'<', ..]);
    one(!is_structured && is_credential(text), range)
}

/// The password in `scheme://user:password@host`.
fn userinfo_password(text: &[u8], offset: usize) -> Option<Range<usize>> {
    let start = memchr::memmem::find(text, b"://")? + 3;
    let authority = text.get(start..)?;
    let end =
        authority.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(authority.len());
    let at = memchr::memrchr(b'@', authority.get(..end)?)?;
    let colon = memchr::memchr(b':', authority.get(..at)?)?;
    let password = text.get(start + colon + 1..start + at)?;
    (!password.is_empty() && !validator::is_placeholder(password))
        .then_some(offset + start + colon + 1..offset + start + at)
}

/// Settings of libpq, JDBC, ODBC, ADO.NET and Azure connection strings that are
/// secret.
fn is_connection_secret(name: &[u8]) -> bool {
    const NAMES: [&str; 12] = [
        "password",
        "pwd",
        "pass",
        "accountkey",
        "sharedaccesskey",
        "sharedaccesssignature",
        "accesskey",
        "secret",
        "token",
        "apikey",
        "sslpassword",
        "clientsecret",
    ];
    let name = name.trim_ascii();
    NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret.as_bytes()))
}

/// What follows the host of a URL; all of a value that is no URL.
fn url_path(text: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
    let Some(host) = memchr::memmem::find(text, b"://").map(|at| at + 3) else {
        return one(is_credential(text), range);
    };
    let path = text.get(host..).unwrap_or_default();
    match path.iter().position(|byte| matches!(byte, b'/' | b'?')) {
        Some(at) if host + at + 1 < text.len() => one(true, range.start + host + at + 1..range.end),
        _ => Vec::new(),
    }
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
