//! What stands within one thing over and over is found, or masked with all of it: at its
//! beginning, in the middle, at its end, plain and encoded.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use otel_redact::scrub::rule::template;

use crate::detect::SCRUBBER;

/// What is repeated.
const REPEATED: [&str; 22] = [
    "a",
    "A",
    "=",
    "ey",
    "\"",
    "\\",
    "- ",
    "password",
    "password=",
    "passwordless ",
    "secret",
    "token: ",
    "AKIA",
    "ghp_",
    "eyJhbGciOiJIUzI1NiJ9.",
    "://a@",
    "QUFBQUFBQUFB",
    "cGFzc3dvcmQg",
    "{\"password\":\"\"},",
    "%25",
    "&amp;",
    "密码",
];

/// How long a text is: of each kind of search one (a text of few keys, one that is repeated for
/// long enough to be known for it).
const LENGTHS: [usize; 3] = [600, 9_000, 30_000];

/// What is planted, each with what of it must be gone.
fn planted(seed: u64) -> [(String, String); 4] {
    let draw = |template: &str| template::expand(template, seed).expect("sound");
    let token = draw("ghp_{base62:36}");
    let password = draw("copper{digits:4}{base62:9}");
    let assigned = format!("password={password}");
    let once = STANDARD.encode(format!("{assigned} and more of it"));
    let twice = STANDARD.encode(format!("the {token} in a sentence of {once}"));
    [
        (token.clone(), token),
        (assigned, password),
        (once.clone(), once.clone()),
        (twice.clone(), twice),
    ]
}

#[test]
fn nothing_hides_in_what_is_repeated() {
    let mut seed = 0;
    for (piece, len) in REPEATED.iter().flat_map(|piece| LENGTHS.map(|len| (piece, len))) {
        let count = len / piece.len();
        for before in [0, count / 2, count] {
            seed += 1;
            for (written, secret) in planted(seed) {
                let (head, tail) = (piece.repeat(before), piece.repeat(count - before));
                let text = format!("{head} {written} {tail}");
                let scrubbed = SCRUBBER.scrub_text(&text);
                assert!(
                    !scrubbed.contains(&secret),
                    "{before} of {count} times {piece:?} before {written}"
                );
            }
        }
    }
}
