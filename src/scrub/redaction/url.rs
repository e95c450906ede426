//! `url_sanitizer`: what of a URL tells ids and queries apart from names goes.
//!
//! A port of `ClusterURL` of grafana/clusterurl 0.3.0, which the Collector uses, with
//! its table of letter pairs. It works on bytes: cuts at the first `?`, `&` or `#`,
//! and turns a segment into `*` that holds more than letters, `-`, `_`, `.` and
//! blanks, or is no word by the table. The one difference: the table is rounded to
//! six decimals.

use crate::scrub::otlp::alter::Attributes;
use crate::scrub::redaction::settings::UrlSettings;

/// The threshold and the table.
const PAIRS: &str = include_str!("url/pairs.txt");

/// How many segments are looked at; what follows is cut.
const SEGMENTS_MAX: usize = 10;

/// `SPAN_KIND_SERVER`
const SERVER: u64 = 2;
/// `SPAN_KIND_CLIENT`
const CLIENT: u64 = 3;

/// A span with one of these is about HTTP.
const HTTP_KEYS: [&str; 9] = [
    "http.route",
    "http.request.method",
    "http.request.method_original",
    "http.response.status_code",
    "url.full",
    "http.scheme",
    "http.target",
    "http.method",
    "http.url",
];

/// Replaces what is variable in URLs.
pub(in crate::scrub::redaction) struct UrlSanitizer {
    attributes: Vec<String>,
    /// Below it, a segment is no word.
    threshold: f64,
    /// By the two letters.
    pairs: Vec<f64>,
}

impl UrlSanitizer {
    pub(in crate::scrub::redaction) fn new(settings: &UrlSettings) -> Self {
        let numbers = PAIRS.lines().filter(|line| !line.starts_with('#'));
        let mut numbers =
            numbers.flat_map(str::split_ascii_whitespace).filter_map(|text| text.parse().ok());
        let threshold = numbers.next().unwrap_or_default();
        let attributes = settings.attributes.clone();
        Self { attributes, threshold, pairs: numbers.collect() }
    }

    /// Whether the values under `key` are URLs.
    pub(in crate::scrub::redaction) fn covers(&self, key: &[u8]) -> bool {
        self.attributes.iter().any(|one| one.as_bytes() == key)
    }

    /// The URL with `*` for what is variable.
    pub(in crate::scrub::redaction) fn sanitize(&self, url: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(url.len());
        let mut segment = Vec::new();
        let (mut skip, mut grace) = (false, true);
        let mut segments = 0;
        for &byte in url {
            if matches!(byte, b'?' | b'&' | b'#') {
                if skip {
                    out.push(b'*');
                } else {
                    out.append(&mut segment);
                }
                return out;
            }
            if byte == b'/' {
                segments += 1;
                self.close(skip, &mut segment, &mut out);
                if SEGMENTS_MAX <= segments {
                    break;
                }
                out.push(byte);
                (skip, grace) = (false, true);
            } else if !skip {
                segment.push(byte);
                let is_letter = byte.is_ascii_alphabetic();
                if !is_letter && !matches!(byte, b'-' | b'_' | b'.' | b' ') {
                    if grace && segment.len() == 2 {
                        grace = false;
                    } else {
                        skip = true;
                    }
                }
            }
        }
        // After the last segment that is looked at, the original says it twice.
        self.close(skip, &mut segment, &mut out);
        out.truncate(url.len());
        out
    }

    fn close(&self, skip: bool, segment: &mut Vec<u8>, out: &mut Vec<u8>) {
        if skip || (!segment.is_empty() && !self.is_word(segment)) {
            out.push(b'*');
            segment.clear();
        } else {
            out.append(segment);
        }
    }

    fn is_word(&self, segment: &[u8]) -> bool {
        let letters = segment.iter().filter_map(|byte| match byte.to_ascii_lowercase() {
            letter @ b'a'..=b'z' => Some(usize::from(letter - b'a')),
            b' ' => Some(26),
            _ => None,
        });
        let letters: Vec<usize> = letters.collect();
        let (mut sum, mut pairs) = (0.0, 0_u32);
        for pair in letters.windows(2) {
            if let [first, second] = pair {
                sum += self.pairs.get(first * 27 + second).copied().unwrap_or_default();
                pairs += 1;
            }
        }
        self.threshold < (sum / f64::from(pairs.max(1))).exp()
    }

    /// The sanitized name of a span about HTTP; `None` where it stays, also where
    /// nothing of it would be left.
    pub(in crate::scrub::redaction) fn span_name(
        &self,
        name: &[u8],
        kind: u64,
        attributes: &Attributes<'_>,
    ) -> Option<Vec<u8>> {
        let is_http = || {
            name.contains(&b'/')
                || HTTP_KEYS.iter().any(|key| attributes.get(key.as_bytes()).is_some())
        };
        if !matches!(kind, SERVER | CLIENT) || !is_http() {
            return None;
        }
        let sanitized = self.sanitize(name);
        let segments = || sanitized.split(|byte| *byte == b'/');
        let nothing_left = segments().all(|segment| matches!(segment, b"" | b"*"))
            && segments().any(|segment| segment == b"*");
        (sanitized != name && !nothing_left).then_some(sanitized)
    }
}

#[cfg(test)]
mod tests {
    use super::UrlSanitizer;

    #[test]
    fn urls_become_what_the_library_makes_of_them() {
        let sanitizer = UrlSanitizer::new(&Default::default());
        // From the tests of grafana/clusterurl 0.3.0.
        let cases = [
            ("", ""),
            ("/users/fdklsd/j4elk/23993/job/2", "/users/*/j4elk/*/job/*"),
            ("123", "*"),
            ("123/", "*/"),
            ("123/ljgdflgjf", "*/*"),
            ("/**", "/*"),
            ("/v1/products/22j", "/v1/products/*"),
            ("/products//org/3", "/products//org/*"),
            ("/v1/k6-test-runs/1", "/v1/k6-test-runs/*"),
            ("/utilisateurs/fdklsd/j4elk/23993/tache/2", "/utilisateurs/*/j4elk/*/tache/*"),
            ("/api.backup/hello.world", "/api.backup/hello.world"),
            ("/attach?session_id=ddfsdsf&track_id=sjdklnfldsn", "/attach"),
            ("GET /api/cart?sessionId=55f4e5ea&currencyCode=USD", "GET /api/cart"),
            ("/w/index.php/*", "/w/index.php/*"),
            ("?", ""),
            ("attach12?", "*"),
            ("1?", "*"),
            ("*&", "*"),
            ("/a#", "/a"),
            ("/1#", "/*"),
            ("/a/b/c/d/e/f/g/h/i/j", "/a/b/c/d/e/f/g/h/i"),
        ];
        for (url, expected) in cases {
            let got = String::from_utf8(sanitizer.sanitize(url.as_bytes())).expect("UTF-8");
            assert_eq!(got, expected, "{url}");
        }
    }
}
