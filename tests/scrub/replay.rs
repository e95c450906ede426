//! Replays the corpus of the fuzz targets, and everything that they ever found.

include!("../../fuzz/checks.rs");

/// The files for `target`, with their names.
fn files(target: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for kind in ["corpus", "finds"] {
        let dir = format!("{}/fuzz/{kind}/{target}", env!("CARGO_MANIFEST_DIR"));
        let Ok(entries) = std::fs::read_dir(dir) else { continue };
        for entry in entries {
            let path = entry.expect("readable").path();
            let bytes = std::fs::read(&path).expect("readable");
            files.push((path.display().to_string(), bytes));
        }
    }
    assert!(!files.is_empty(), "the corpus is there");
    files
}

/// Runs `check` over each file; the name of a file that fails is in the output.
fn replay(target: &str, check: impl Fn(&[u8])) {
    for (name, bytes) in files(target) {
        println!("{name}");
        check(&bytes);
    }
}

#[test]
fn every_protobuf_input_that_a_fuzzer_kept_holds() {
    replay("protobuf", |input| check_request(Encoding::Protobuf, input));
}

#[test]
fn every_json_input_that_a_fuzzer_kept_holds() {
    replay("json", |input| check_request(Encoding::Json, input));
}

#[test]
fn every_text_input_that_a_fuzzer_kept_holds() {
    replay("text", check_text);
}
