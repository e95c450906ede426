//! Long texts that stand in one request more than once, or begin as others do: the turns of
//! a conversation, each record with all of those before it.
//!
//! Only in protobuf are such texts told from others, so that the same request in JSON is the
//! oracle.

use otel_redact::scrub::Scrubber;
use proptest::prelude::*;

use crate::tuning::attribute;
use crate::tuning::scrubbed;
use crate::tuning::scrubber;

const FILLER: &str = "The tenant asked why the nightly export of invoices stopped at noon. ";

const RULES: &str =
    "rules: [{id: acme, pattern: 'acme_dt_[0-9a-f]{16}', where: {attributes: [header]}}]";

/// Turns of a conversation, which end where something begins, or say something by themselves.
fn turns() -> Vec<String> {
    let drawn = "zq8Kw2Lm91xT4vRb";
    vec![
        FILLER.repeat(9),
        FILLER.repeat(30),
        "The password policy names no token, the cookie banner no secret. ".repeat(9),
        "password".to_owned(),
        format!("password{}", " ".repeat(1500)),
        format!("password = {drawn} "),
        format!("= {drawn} "),
        format!("the token is {}{drawn} ", " ".repeat(1100)),
        "acme_dt_0123456789abcdef ".to_owned(),
        "QUJD".repeat(700),
        "cGFzc3dvcmQ9enE4S3cyTG05MXhU".to_owned(),
        "-----BEGIN RSA PRIVATE KEY-----".to_owned(),
        r"\u200bgh\uff50_ lantern \ud83d\ude00 ".to_owned(),
        r"\\nuser,password\\n".to_owned(),
        format!("bob,{drawn}\\\\n"),
        "é".repeat(600),
    ]
}

fn request(spans: &[String]) -> String {
    let records: Vec<String> =
        spans.iter().map(|attributes| format!(r#"{{"attributes":[{attributes}]}}"#)).collect();
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}]}}]}}]}}"#, records.join(","))
}

/// How often a text leaves as it came.
fn left(scrubber: &Scrubber, spans: &[String], text: &str) -> usize {
    scrubbed(scrubber, &request(spans)).0.matches(text).count()
}

#[test]
fn a_secret_goes_from_each_turn_that_repeats_it() {
    let scrubber = scrubber("rules: []");
    for before in [0, 1, 40, 200] {
        let history = FILLER.repeat(before);
        let turn = format!("{history} export DB_PASSWORD=zq8Kw2Lm91xT {history}");
        let next = format!("{turn} and so on {history}");
        let spans = [&turn, &turn, &next, &next, &turn].map(|text| attribute("input.value", text));
        for _ in 0..3 {
            assert_eq!(left(&scrubber, &spans, "zq8Kw2Lm91xT"), 0, "{before}");
            assert_eq!(left(&scrubber, &spans, "DB_PASSWORD="), 5, "{before}");
        }
    }
}

#[test]
fn a_text_that_is_clean_under_one_key_is_none_under_another_of_the_same_request() {
    let scrubber = scrubber(RULES);
    let text = format!("{} acme_dt_0123456789abcdef", FILLER.repeat(40));
    let spans = ["note", "header", "note"].map(|key| attribute(key, &text));
    assert_eq!(left(&scrubber, &spans, "acme_dt_0123456789abcdef"), 2);
    let text = "harbour-lantern-".repeat(90);
    let spans = ["note", "db.password", "note"].map(|key| attribute(key, &text));
    assert_eq!(left(&scrubber, &spans, &text), 2);
}

#[test]
fn what_follows_the_same_beginning_is_searched() {
    let scrubber = scrubber("rules: []");
    let history = FILLER.repeat(60);
    let far = format!("password{}", " ".repeat(60));
    for (end, own) in [
        ("password", "=zq8Kw2Lm91xT"),
        (&far, "= zq8Kw2Lm91xT"),
        ("password: ", "zq8Kw2Lm91xT"),
        ("Authorization: Bearer ", "zq8Kw2Lm91xTzq8Kw2Lm91xT"),
        ("gh", "p_zq8Kw2Lm91xTzq8Kw2Lm91xTzq8Kw2Lm91xT"),
        ("cGFzc3dvcmQ9enE4S3", "cyTG05MXhU and so on"),
    ] {
        let texts = [format!("{history}{end} and so on"), format!("{history}{end}{own} {history}")];
        let spans = texts.map(|text| attribute("input.value", &text));
        assert_eq!(left(&scrubber, &spans, own), 0, "{end}{own}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn turns_that_came_before_in_the_request_change_nothing(
        spans in proptest::collection::vec(
            (
                proptest::collection::vec(0..turns().len(), 1..6),
                any::<proptest::sample::Index>(),
                0_usize..5,
                0_usize..4,
            ),
            2..8,
        ),
    ) {
        static SCRUBBER: std::sync::LazyLock<Scrubber> =
            std::sync::LazyLock::new(|| scrubber(RULES));
        let keys = ["input.value", "header", "db.password", "max_tokens"];
        let turns = turns();
        let mut texts: Vec<String> = vec![FILLER.repeat(20)];
        let mut attributes = Vec::new();
        for (own, other, cut, key) in spans {
            // Goes on from one before, or repeats it.
            let mut text = other.get(&texts).clone();
            if cut < 4 {
                own.into_iter().for_each(|turn| text += &turns[turn]);
            }
            attributes.push(attribute(keys[key], &text));
            texts.push(text);
        }
        // Compares with the route through JSON.
        scrubbed(&SCRUBBER, &request(&attributes));
    }
}
