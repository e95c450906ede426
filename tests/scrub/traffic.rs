//! Runs the captured requests in `tests/data/traffic/` with all packed rules.
//!
//! No credential is in any of them, so that each must leave as it came.

use otel_redact::scrub::Encoding;
use otel_redact::scrub::Request;
use otel_redact::scrub::Signal;

use crate::detect::SCRUBBER;

/// Each captured request by the name of its file.
pub(crate) fn captured() -> Vec<(String, Request)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/traffic");
    let mut requests = Vec::new();
    for file in std::fs::read_dir(folder).expect("the captured requests") {
        let path = file.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let encoding = match path.extension().and_then(|extension| extension.to_str()) {
            Some("binpb") => Encoding::Protobuf,
            Some("json") => Encoding::Json,
            _ => continue,
        };
        let signal = Signal::ALL
            .into_iter()
            .find(|signal| name.contains(&format!(".{}.", signal.name())))
            .expect("a signal in the name");
        let bytes = std::fs::read(&path).expect("a request").into();
        requests.push((name, Request { signal, encoding, bytes }));
    }
    requests
}

/// What stands before each mask, once.
fn around_masks(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut seen = std::collections::BTreeSet::new();
    for (at, _) in text.match_indices("redacted:") {
        let start = (at.saturating_sub(70)..at).find(|&i| text.is_char_boundary(i)).unwrap_or(at);
        let end = text[at..].find([']', '%']).map_or(text.len(), |len| at + len);
        seen.insert(format!("\n  {:?}", &text[start..end]));
    }
    seen.into_iter().collect()
}

#[test]
fn every_captured_request_leaves_as_it_came() {
    let mut failures = Vec::new();
    let requests = captured();
    assert!(50 < requests.len(), "the captured requests are there");
    for (name, request) in requests {
        match SCRUBBER.scrub(&request) {
            Ok((scrubbed, _)) => {
                if scrubbed.bytes() != &request.bytes {
                    failures.push(format!("{name}:{}", around_masks(scrubbed.bytes())));
                }
            }
            Err(err) => failures.push(format!("{name}: {err}")),
        }
    }
    assert!(failures.is_empty(), "{} changed\n{}", failures.len(), failures.join("\n"));
}
