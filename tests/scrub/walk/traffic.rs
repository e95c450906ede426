//! What real SDKs sent.

use std::path::PathBuf;

use otel_redact::scrub::Encoding;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use otel_redact::scrub::otlp::WalkOptions;

use crate::walk::judge::Nothing;
use crate::walk::judge::Toy;

/// A captured request.
pub(crate) struct Captured {
    pub(crate) name: String,
    pub(crate) signal: Signal,
    pub(crate) encoding: Encoding,
    pub(crate) bytes: Vec<u8>,
}

/// Every captured request.
pub(crate) fn captured() -> Vec<Captured> {
    let dir = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/traffic"));
    let mut captured = Vec::new();
    for entry in std::fs::read_dir(dir).expect("the folder is there") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let Some(signal) =
            Signal::ALL.into_iter().find(|signal| name.contains(&format!(".{}.", signal.name())))
        else {
            continue;
        };
        let encoding = if name.ends_with(".json") { Encoding::Json } else { Encoding::Protobuf };
        let bytes = std::fs::read(&path).expect("readable");
        captured.push(Captured { name, signal, encoding, bytes });
    }
    assert!(40 < captured.len(), "the captured requests are there");
    captured
}

#[test]
fn a_captured_request_walks_without_an_edit() {
    for Captured { name, signal, encoding, bytes } in captured() {
        let options = WalkOptions::default();
        let walked = otlp::walk(signal, encoding, &bytes, &options, &mut Nothing);
        let walked = walked.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(walked.edits, vec![], "{name}");
        assert_eq!((walked.unknown_fields, walked.invalid_utf8), (0, 0), "{name}");
        assert!(0 < walked.items, "{name}");
    }
}

#[test]
fn a_captured_request_is_shown_in_wire_order() {
    for Captured { name, signal, encoding, bytes } in captured() {
        let mut judge = Toy::default();
        let options = WalkOptions::default();
        otlp::walk(signal, encoding, &bytes, &options, &mut judge).expect(&name);
        assert_eq!(judge.begun, 1, "{name}");
        let offsets: Vec<usize> = judge.seen.iter().filter_map(|seen| seen.at).collect();
        assert!(offsets.is_sorted(), "{name}");
        assert!(!offsets.is_empty(), "{name}");
    }
}
