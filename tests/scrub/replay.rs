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

/// Runs `check` over each file.
fn replay(target: &str, check: impl Fn(&[u8])) {
    for (name, bytes) in files(target) {
        hold(&name, &bytes, &check);
    }
}

/// Fails with the name of an input that does not hold.
fn hold(name: &str, input: &[u8], check: impl Fn(&[u8])) {
    let run = std::panic::AssertUnwindSafe(|| check(input));
    assert!(std::panic::catch_unwind(run).is_ok(), "fails on {name}");
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

#[test]
fn every_yaml_input_that_a_fuzzer_kept_holds() {
    replay("yaml", check_yaml);
}

/// How many mutations of the corpus each run of the tests tries.
const MUTATIONS: u64 = 2_000;

/// Runs `check` over mutations of the corpus; a poor man's fuzzer, which is always
/// at hand.
fn mutate(target: &str, check: impl Fn(&[u8])) {
    let seeds: Vec<Vec<u8>> = files(target).into_iter().map(|(_, bytes)| bytes).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).expect("small")
    };
    for _ in 0..MUTATIONS {
        let mut input = seeds[draw(seeds.len())].clone();
        for _ in 0..=draw(4) {
            let at = draw(input.len());
            let other = &seeds[draw(seeds.len())];
            let from = draw(other.len());
            let piece = &other[from..(from + draw(12)).min(other.len())];
            match draw(5) {
                0 => input[at] = u8::try_from(draw(256)).expect("a byte"),
                1 => input[at] ^= 1 << draw(8),
                2 => drop(input.splice(at..at, piece.iter().copied())),
                3 => drop(input.drain(at..(at + draw(6)).min(input.len()))),
                _ => input.truncate(at + 1),
            }
            if input.is_empty() {
                break;
            }
        }
        hold(&format!("b\"{}\"", input.escape_ascii()), &input, &check);
    }
}

#[test]
fn mutations_of_the_protobuf_corpus_hold() {
    mutate("protobuf", |input| check_request(Encoding::Protobuf, input));
}

#[test]
fn mutations_of_the_json_corpus_hold() {
    mutate("json", |input| check_request(Encoding::Json, input));
}
