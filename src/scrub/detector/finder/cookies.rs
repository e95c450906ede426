//! Keys of maps of cookies, and of single ones: `cookies: {sid: …}`,
//! `http.request.cookie.sid`.

use crate::scrub::detector::COOKIE;
use crate::scrub::detector::Detector;
use crate::scrub::detector::key::Class;
use crate::scrub::detector::key::Rules;

/// The rules for a cookie, if a part of the key says that it is one, or a map of them: what
/// looks like a credential under it is one.
pub(super) fn rules<'d>(detector: &'d Detector, key: &[u8]) -> Option<Rules<'d>> {
    let is_cookie =
        |part: &[u8]| [COOKIE, b"cookies"].iter().any(|cookie| part.eq_ignore_ascii_case(cookie));
    if !key.split(|byte| matches!(byte, b'.' | b'_' | b'-')).any(is_cookie) {
        return None;
    }
    match detector.keys.classify(COOKIE) {
        Class::Secret(rules) => Some(rules),
        Class::Unknown | Class::NotSecret => None,
    }
}
