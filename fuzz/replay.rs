// Runs what a fuzz target checks over files and over mutations of them, with a stable
// compiler. `include!`d by the tests that replay what was found.

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

/// Runs `check` over `count` mutations of the corpus, or as many as
/// `OTEL_REDACT_MUTATIONS` says; a poor man's fuzzer, which is always at hand.
fn mutate(target: &str, count: u64, check: impl Fn(&[u8])) {
    let asked = std::env::var("OTEL_REDACT_MUTATIONS");
    let count = asked.ok().and_then(|count| count.parse().ok()).unwrap_or(count);
    let seeds: Vec<Vec<u8>> = files(target).into_iter().map(|(_, bytes)| bytes).collect();
    // The same in each run, unless more are asked for.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(count | 1);
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).expect("small")
    };
    for _ in 0..count {
        let seed = |at: usize| seeds.get(at).expect("the corpus is not empty");
        let mut input = seed(draw(seeds.len())).clone();
        for _ in 0..=draw(4) {
            let at = draw(input.len());
            let other = seed(draw(seeds.len()));
            let from = draw(other.len());
            let piece = other.iter().skip(from).take(draw(12)).copied();
            match draw(5) {
                0 => drop(input.splice(at..=at, [u8::try_from(draw(256)).expect("a byte")])),
                1 => input.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 1 << draw(8)),
                2 => drop(input.splice(at..at, piece)),
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
