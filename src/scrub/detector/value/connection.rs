//! What is secret in a URL or a connection string.

use std::ops::Range;

use crate::scrub::detector::value::header::pairs;
use crate::scrub::detector::value::is_credential;
use crate::scrub::detector::value::one;
use crate::scrub::rule::validator;

/// A URL or a list of settings: only its passwords and keys are secret. Anything
/// else is a blob, secret whole.
pub(super) fn connection(value: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
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
pub(super) fn url_path(text: &[u8], range: Range<usize>) -> Vec<Range<usize>> {
    let Some(host) = memchr::memmem::find(text, b"://").map(|at| at + 3) else {
        return one(is_credential(text), range);
    };
    let path = text.get(host..).unwrap_or_default();
    match path.iter().position(|byte| matches!(byte, b'/' | b'?')) {
        Some(at) if path.get(at + 1..).is_some_and(validator::is_placeholder) => Vec::new(),
        Some(at) if host + at + 1 < text.len() => one(true, range.start + host + at + 1..range.end),
        _ => Vec::new(),
    }
}
