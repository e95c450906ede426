//! `cors`: which web pages may send telemetry (Fetch standard, "CORS protocol").

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::header;
use serde::Deserialize;

/// `receivers.otlp.protocols.http.cors`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Origins of pages that may send, such as `https://*.example.com`. Empty: none.
    pub allowed_origins: Vec<String>,
    /// Headers that they may set, beside those that need no permission. `*`: any.
    pub allowed_headers: Vec<String>,
    /// Headers of the answer that they may read.
    pub exposed_headers: Vec<String>,
    /// How long, in seconds, a browser may remember the permission. 0: its default.
    pub max_age: u32,
}

impl Config {
    /// Whether pages of `origin` may send. Of several `*` in a pattern the first
    /// counts, as in the Collector.
    fn allows(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|pattern| {
            match pattern.to_ascii_lowercase().split_once('*') {
                None => pattern.eq_ignore_ascii_case(origin),
                Some((head, tail)) => {
                    let origin = origin.to_ascii_lowercase();
                    head.len() + tail.len() <= origin.len()
                        && origin.starts_with(head)
                        && origin.ends_with(tail)
                }
            }
        })
    }

    /// Adds to `answer` what a browser needs to let the page see it.
    pub(in crate::gateway) fn permit(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = self.allowed_origin(request) else { return };
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        if let Ok(exposed) = HeaderValue::from_str(&self.exposed_headers.join(", "))
            && !exposed.is_empty()
        {
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
        }
    }

    /// Adds to `answer` what a browser needs before it lets the page send.
    pub(in crate::gateway) fn permit_preflight(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        self.permit(request, answer);
        if self.allowed_origin(request).is_none() {
            return;
        }
        answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
        if let Some(asked) = asked.filter(|asked| self.allows_headers(asked)) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        if self.max_age != 0 {
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(self.max_age));
        }
    }

    fn allowed_origin<'a>(&self, request: &'a HeaderMap) -> Option<&'a HeaderValue> {
        let origin = request.get(header::ORIGIN)?;
        self.allows(origin.to_str().ok()?).then_some(origin)
    }

    fn allows_headers(&self, asked: &HeaderValue) -> bool {
        const SAFE: [&str; 5] =
            ["accept", "accept-language", "content-language", "content-type", "x-requested-with"];
        asked.to_str().is_ok_and(|asked| {
            asked.split(',').map(str::trim).all(|name| {
                let is = |other: &str| other == "*" || other.eq_ignore_ascii_case(name);
                SAFE.iter().any(|safe| is(safe)) || self.allowed_headers.iter().any(|own| is(own))
            })
        })
    }
}

/// Whether a request is a browser asking before it sends.
pub(in crate::gateway) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_match_with_a_wildcard() {
        let config = Config {
            allowed_origins: vec!["https://*.example.com".to_owned(), "http://a.b".to_owned()],
            ..Config::default()
        };
        assert!(config.allows("https://shop.example.com"));
        assert!(config.allows("HTTP://A.B"));
        assert!(!config.allows("https://example.com.evil"));
        assert!(!config.allows("https://.example.co"));
    }
}
