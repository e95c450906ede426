//! Scrubs texts that come in pieces.

use otel_redact::scrub::Scrubber;
use otel_redact::scrub::Settings;
use otel_redact::scrub::rule::template;
use otel_redact::scrub::stream::TextStream;
use otel_redact::scrub::yaml;
use proptest::prelude::*;

use crate::detect::SCRUBBER;

fn in_lines(text: &[u8]) -> Vec<u8> {
    let mut stream = TextStream::new(&SCRUBBER);
    let mut out = Vec::new();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        stream.push(line, &mut out);
    }
    stream.finish(&mut out);
    out
}

#[test]
fn a_pattern_of_a_whole_text_finds_a_line_however_it_ends() {
    let rules = "rules: [{id: acme, pattern: '^acme_[0-9]{8}$'}]";
    let settings: Settings = yaml::read(rules).expect("settings");
    let scrubber = Scrubber::without_packs(&settings).expect("a scrubber");
    let mut stream = TextStream::new(&scrubber);
    let mut out = Vec::new();
    for line in ["acme_01234567\n", "acme_01234567\r\n", "x acme_01234567\n", "acme_01234567"] {
        stream.push(line.as_bytes(), &mut out);
    }
    stream.finish(&mut out);
    let expected = "[redacted:acme]\n[redacted:acme]\r\nx acme_01234567\n[redacted:acme]";
    assert_eq!(String::from_utf8_lossy(&out), expected);
}

#[test]
fn a_key_over_many_lines_is_masked_whole() {
    let text = template::expand("before\n{pem:RSA PRIVATE KEY}\nafter password=hunter2\n", 3);
    let out = in_lines(text.expect("a template").as_bytes());
    assert_eq!(
        String::from_utf8_lossy(&out),
        "before\n[redacted:pem-private-key]\nafter password=[redacted:password-field]\n"
    );
}

#[test]
fn a_key_that_never_ends_is_masked_as_far_as_it_is_one() {
    let text = template::expand("{pem-cut:EC PRIVATE KEY}", 3).expect("a template");
    let body = text.lines().nth(1).expect("a line of the key").to_owned();
    let out = in_lines(text.as_bytes());
    assert!(!String::from_utf8_lossy(&out).contains(&body), "the key is gone");
}

#[test]
fn what_follows_a_key_that_never_ends_is_not_held() {
    let text = "-----BEGIN RSA PRIVATE KEY-----\nthe key goes here\nport=80\n";
    assert_eq!(String::from_utf8_lossy(&in_lines(text.as_bytes())), text);
}

#[test]
fn lines_of_a_key_are_found_between_first_lines_that_lead_nowhere() {
    let begin = "-----BEGIN PRIVATE KEY-----\n";
    let line = format!("{}\n", "Ab1/".repeat(16));
    let text = [begin, "password=hunter2\n", &line, begin].concat();
    let once = in_lines(text.as_bytes());
    let mask = "[redacted:pem-private-key]\n";
    let expected = [begin, "password=[redacted:password-field]\n", mask, begin].concat();
    assert_eq!(String::from_utf8_lossy(&once), expected);
    assert_eq!(in_lines(&once), once);
}

proptest! {
    #[test]
    fn lines_scrubbed_one_by_one_are_scrubbed_again_to_themselves(
        pieces in proptest::collection::vec(
            prop_oneof![
                "[ -~]{0,40}\n",
                Just("password=hunter2\n".to_owned()),
                Just("-----BEGIN PRIVATE KEY-----\n".to_owned()),
                Just("-----END PRIVATE KEY-----\n".to_owned()),
                "[A-Za-z0-9+/]{64}\n",
            ],
            0..12,
        )
    ) {
        let once = in_lines(pieces.concat().as_bytes());
        prop_assert_eq!(in_lines(&once), once);
    }
}
