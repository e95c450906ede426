//! Long texts and attributes that come again and again: what was found clean once is not
//! searched a second time, and nothing may depend on that.
//!
//! Only protobuf is known again, so that the same request in JSON is the oracle.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Request;
use otel_redact::scrub::Scrubber;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use proptest::prelude::*;
use prost::Message;

use crate::tuning::attribute;
use crate::tuning::scrubbed;
use crate::tuning::scrubber;
use crate::walk::arbitrary;

/// Longer than what is searched each time.
const FILLER: &str = "The tenant asked why the nightly export of invoices stopped at noon. ";

const ACME: &str = "acme_dt_0123456789abcdef";

/// Rules that ask what is around a text.
const RULES: &str = "rules: [\
    {id: acme, pattern: 'acme_dt_[0-9a-f]{16}', where: {attributes: [header]}},\
    {id: beta, pattern: 'beta_dt_[0-9a-f]{16}', near: {words: [deploy]}}]";

/// Texts that say something by themselves, or only with what is around them.
fn texts() -> Vec<String> {
    let long = FILLER.repeat(20);
    let beta = "beta_dt_0123456789abcdef";
    vec![
        long.clone(),
        format!("{long} The password policy names no token, the cookie banner no secret."),
        format!("{long} {ACME} {long}"),
        format!("{long} {beta}"),
        format!("{long} password=tr0ub4dor-and-3 {long}"),
        format!("{long} -----BEGIN RSA PRIVATE KEY-----"),
        "A".repeat(64),
        "--password".to_owned(),
        "short".to_owned(),
    ]
}

fn record(body: &str, attributes: &str) -> String {
    format!(r#"{{"body":{{"stringValue":"{body}"}},"attributes":[{attributes}]}}"#)
}

fn request(records: &[String]) -> String {
    let records = records.join(",");
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#)
}

/// How often a text leaves as it came.
fn left(scrubber: &Scrubber, records: &[String], text: &str) -> usize {
    scrubbed(scrubber, &request(records)).0.matches(text).count()
}

#[test]
fn a_known_text_is_masked_under_a_key_that_makes_a_secret_of_it() {
    let scrubber = scrubber(RULES);
    let text = "harbour-lantern-".repeat(90);
    let clean = [record("", &attribute("note", &text))];
    for _ in 0..4 {
        assert_eq!(left(&scrubber, &clean, &text), 1);
    }
    assert_eq!(left(&scrubber, &[record("", &attribute("db.password", &text))], &text), 0);
    let listed = format!(
        r#"{{"key":"args","value":{{"arrayValue":{{"values":[{{"stringValue":"--password"}},{{"stringValue":"{text}"}}]}}}}}}"#
    );
    assert_eq!(left(&scrubber, &[record("", &listed)], &text), 0);
    assert_eq!(left(&scrubber, &clean, &text), 1);
}

#[test]
fn a_text_that_a_rule_leaves_under_one_key_is_searched_under_another() {
    let scrubber = scrubber(RULES);
    let text = format!("{} {ACME}", FILLER.repeat(20));
    for _ in 0..4 {
        assert_eq!(left(&scrubber, &[record("", &attribute("note", &text))], ACME), 1);
    }
    assert_eq!(left(&scrubber, &[record("", &attribute("header", &text))], ACME), 0);
}

#[test]
fn a_known_text_opens_a_key_each_time() {
    let scrubber = scrubber(RULES);
    let begin = format!("{} -----BEGIN RSA PRIVATE KEY-----", FILLER.repeat(20));
    let line = "Ab1/".repeat(16);
    for _ in 0..4 {
        assert_eq!(left(&scrubber, &[record(&begin, ""), record(&line, "")], &line), 0);
    }
}

#[test]
fn attributes_that_come_again_leave_the_others_to_be_masked() {
    let scrubber = scrubber(RULES);
    let same: Vec<String> =
        (0..40).map(|n| attribute(&format!("harbour.{n}"), &format!("lantern {n}"))).collect();
    for round in 0..6 {
        let secret = format!("tr0ub4dor-and-{round}");
        let own = [attribute("pw", &secret), attribute("db.password", &secret)].join(",");
        let record =
            record("retrying the payment", &format!("{},{own},{}", same.join(","), same.join(",")));
        assert_eq!(left(&scrubber, &[record], &secret), 0, "round {round}");
    }
}

#[test]
fn what_was_looked_at_and_left_is_left_again_and_its_relatives_are_masked() {
    let scrubber = scrubber(RULES);
    for (key, clean, masked) in [
        ("db.statement", "AUTH ?", "AUTH zq8Kw2Lm91xT"),
        ("password", "${DB_PASSWORD}", "hunter2xyz"),
        ("note", "password: ${DB_PASSWORD}", "password: tr0ub4dor-and-3"),
    ] {
        for records in [record("", &attribute(key, clean)), record(clean, "")].map(|one| [one]) {
            for _ in 0..5 {
                assert_eq!(left(&scrubber, &records, clean), 1, "{key}: {clean}");
            }
        }
        let both = [clean, masked].map(|value| record("", &attribute(key, value)));
        for _ in 0..5 {
            assert_eq!(left(&scrubber, &both, clean), 1, "{key}: {clean}");
            assert_eq!(left(&scrubber, &both, masked), 0, "{key}: {masked}");
        }
    }
}

/// The tag and the length of the next field stand behind a text, and its own before it: both
/// can look like letters and signs.
#[test]
fn what_stands_before_and_behind_a_text_in_a_request_says_nothing_of_it() {
    let scrubber = scrubber("rules: []");
    let secret = "Tr0ub4dor&3x9";
    for len in 0..130 {
        let next = attribute("http.k", &"v".repeat(len));
        for note in [
            attribute("note", &format!("{secret} is my password")),
            format!(r#"{{"value":{{"stringValue":"{secret}"}},"key":"db.password"}}"#),
            attribute("note", &format!("--password {secret} {}", "x".repeat(len))),
            attribute("note", &format!("token; id\\n{secret}; 4{}", " ".repeat(len))),
        ] {
            let records = [record("retrying", &format!("{note},{next}"))];
            for _ in 0..3 {
                assert_eq!(left(&scrubber, &records, secret), 0, "{len}: {note}");
            }
        }
    }
}

#[test]
fn an_option_tells_of_the_next_element_however_often_it_came() {
    let scrubber = scrubber(RULES);
    for option in ["-p", "--pw", "--password"] {
        for round in 0..6 {
            let listed = format!(
                r#"{{"key":"args","value":{{"arrayValue":{{"values":[{{"stringValue":"{option}"}},{{"stringValue":"walnut{round}Meadow"}}]}}}}}}"#
            );
            // Compares with the route through JSON.
            left(&scrubber, &[record("", &listed), record("password", &listed)], "walnut");
        }
    }
}

/// What stands in requests over and over, some of it secret.
fn small() -> Vec<String> {
    let map = |key: &str, value: &str| {
        format!(
            r#"{{"key":"nested","value":{{"kvlistValue":{{"values":[{{"key":"{key}","value":{{"stringValue":"{value}"}}}}]}}}}}}"#
        )
    };
    vec![
        attribute("http.request.method", "GET"),
        attribute("url.path", "/orders/17/lines"),
        attribute("pw", "hunter2xyz"),
        attribute("-p", "hunter2xyz"),
        attribute("user", "--password"),
        attribute("note", "password: tr0ub4dor-and-3"),
        attribute("header", ACME),
        attribute("note", ACME),
        attribute("note", "beta_dt_0123456789abcdef deploy"),
        attribute("note", r"\u200bgh\uff50_ lantern \ud83d\ude00"),
        map("town", "harbour"),
        map("pw", "hunter2xyz"),
        map("password", "hunter2xyz"),
        r#"{"key":"n","value":{"intValue":"17"}}"#.to_owned(),
        r#"{"key":"empty"}"#.to_owned(),
        r#"{"value":{"stringValue":"walnut"},"key":"pw"}"#.to_owned(),
        // What is looked at, and left.
        attribute(
            "db.statement",
            "SELECT id FROM accounts WHERE api_token = ? AND town = 'harbour'",
        ),
        attribute("db.statement", "AUTH ?"),
        attribute("db.statement", "AUTH zq8Kw2Lm91xT"),
        attribute("password", "true"),
        attribute("password", "${DB_PASSWORD}"),
        attribute("password", "hunter2xyz"),
        attribute("max_tokens", "4096"),
        attribute("note", "curl -X POST https://api.example.com/v1/juniper"),
        attribute("note", "the password is reset by mail, the token is not"),
        attribute("note", "dGhlIG5pZ2h0bHkgZXhwb3J0IG9mIGludm9pY2Vz"),
        attribute("secret walnut", "harbour"),
        attribute("password=zq8Kw2Lm91xT", "password reset"),
        map("db.statement", "AUTH ?"),
    ]
}

/// The same of bodies, among them lines of a private key.
fn bodies() -> Vec<String> {
    let line = "x8Kq2mW7zR4tYv0LpN6sJc3HbGf9DaEuXi1oQ5wTrMyVkPjZnSlBhCgFdUeAq7L2";
    vec![
        "retrying the payment".to_owned(),
        "running curl -X POST https://api.example.com/v1/juniper".to_owned(),
        "password: ${DB_PASSWORD}".to_owned(),
        "password: tr0ub4dor-and-3".to_owned(),
        "-----BEGIN RSA PRIVATE KEY-----".to_owned(),
        line.to_owned(),
        line.chars().rev().collect(),
        "-----END RSA PRIVATE KEY-----".to_owned(),
    ]
}

/// A field that holds a message or a text.
fn field(number: u8, contents: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    prost::encode_length_delimiter(contents.len(), &mut field).expect("a vector grows");
    [&field, contents].concat()
}

/// `AnyValue.string_value`, as the value of an attribute.
fn value(text: &str) -> Vec<u8> {
    field(2, &field(1, text.as_bytes()))
}

/// How often a text leaves as it came.
fn left_of(scrubber: &Scrubber, signal: Signal, request: Vec<u8>, text: &str) -> usize {
    let request = Request { signal, encoding: Encoding::Protobuf, bytes: request.into() };
    let (scrubbed, _) = scrubber.scrub(&request).expect("scrubs");
    scrubbed.bytes().windows(text.len()).filter(|found| *found == text.as_bytes()).count()
}

#[test]
fn a_short_name_is_a_key_on_either_side_of_its_value_however_often_it_came() {
    let scrubber = scrubber(RULES);
    for text in ["harbour7lantern".to_owned(), "harbour7lantern-".repeat(20)] {
        let logs = |attributes: &[Vec<u8>]| {
            let record: Vec<u8> = attributes.iter().flat_map(|one| field(6, one)).collect();
            field(1, &field(2, &field(2, &record)))
        };
        let (key, value) = (|key: &str| field(1, key.as_bytes()), value(&text));
        let usual = |name: &str| [key(name), value.clone()].concat();
        let reversed = |name: &str| [value.clone(), key(name)].concat();
        for _ in 0..5 {
            for of in [&usual as &dyn Fn(&str) -> Vec<u8>, &reversed] {
                let request = logs(&[of("note"), of("pwd"), of("lantern")]);
                assert_eq!(left_of(&scrubber, Signal::Logs, request, &text), 2);
            }
        }
        for of in [&usual as &dyn Fn(&str) -> Vec<u8>, &reversed] {
            let request = logs(&[of("pwd"), of("pwd")]);
            assert_eq!(left_of(&scrubber, Signal::Logs, request, &text), 0);
        }
    }
}

#[test]
fn an_attribute_whose_key_stands_in_a_table_is_known_by_no_bytes_of_its_own() {
    let scrubber = scrubber(RULES);
    let text = "harbour7lantern";
    let strings = |key: &str| [field(5, b""), field(5, key.as_bytes())].concat();
    // `KeyValue.key_strindex`, behind the value; `KeyValueAndUnit.key_strindex`, before it.
    let attribute = field(1, &[value(text), vec![3 << 3, 1]].concat());
    let in_table = field(6, &[vec![1 << 3, 1], value(text)].concat());
    let resource = field(1, &field(1, &attribute));
    for _ in 0..5 {
        for (key, expected) in [("note", 2), ("pwd", 0), ("db.password", 0)] {
            let dictionary = field(2, &[strings(key), in_table.clone()].concat());
            let request = [resource.clone(), dictionary].concat();
            assert_eq!(left_of(&scrubber, Signal::Profiles, request, text), expected, "{key}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn attributes_that_came_before_change_nothing(
        rows in proptest::collection::vec(proptest::collection::vec(0..small().len(), 0..12), 3),
        requests in proptest::collection::vec(
            proptest::collection::vec(
                (0..bodies().len(), proptest::collection::vec(0..small().len(), 0..3), 0_usize..3, any::<bool>()),
                1..6,
            ),
            4..12,
        ),
    ) {
        let scrubber = scrubber(RULES);
        let (small, bodies) = (small(), bodies());
        for records in requests {
            let records: Vec<String> = records
                .into_iter()
                .map(|(body, new, row, before)| {
                    let row = &rows[row];
                    let chosen = if before { [&new, row] } else { [row, &new] };
                    let chosen = chosen.into_iter().flatten();
                    let chosen: Vec<&str> = chosen.map(|n| small[*n].as_str()).collect();
                    record(&bodies[body], &chosen.join(","))
                })
                .collect();
            // Compares with the route through JSON.
            scrubbed(&scrubber, &request(&records));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn what_came_before_changes_nothing(
        requests in proptest::collection::vec(
            proptest::collection::vec((0_usize..9, 0_usize..9, 0_usize..5), 1..5),
            1..12,
        ),
    ) {
        static SCRUBBER: std::sync::LazyLock<Scrubber> =
            std::sync::LazyLock::new(|| scrubber(RULES));
        let texts = texts();
        let keys = ["note", "header", "db.password", "gen_ai.prompt", "max_tokens"];
        for records in requests {
            let records: Vec<String> = records
                .into_iter()
                .map(|(body, value, key)| record(&texts[body], &attribute(keys[key], &texts[value])))
                .collect();
            // Compares with the route through JSON.
            scrubbed(&SCRUBBER, &request(&records));
        }
    }
}

/// What may stand in any field of any message.
const ANYWHERE: [&str; 20] = [
    "",
    "a",
    "GET /orders",
    "INFO",
    "http.request.method",
    "password",
    "db.password",
    "pw",
    "-p",
    "--password",
    "hunter2xyz",
    "password: tr0ub4dor-and-3",
    "password: ${DB_PASSWORD}",
    ACME,
    "beta_dt_0123456789abcdef deploy",
    "dGhlIG5pZ2h0bHkgZXhwb3J0IG9mIGludm9pY2Vz",
    "cGFzc3dvcmQ6IHRyMHViNGRvci1hbmQtMw==",
    "\u{200b}gh\u{ff50}_ lantern \u{1f600}",
    "The tenant asked why the nightly export of invoices stopped at noon. The tenant asked why \
     the nightly export of invoices stopped at noon. The tenant asked why the nightly export of \
     invoices stopped at noon. The tenant asked why the nightly export of invoices stopped at \
     noon, and nobody knew.",
    "The tenant asked why the nightly export of invoices stopped at noon. The tenant asked why \
     the nightly export of invoices stopped at noon. The tenant asked why the nightly export of \
     invoices stopped at noon. The tenant asked why the nightly export of invoices stopped at \
     noon: acme_dt_0123456789abcdef, and nobody knew.",
];

/// What became of a request: its bytes and what was found, or why it was refused.
fn outcome(
    scrubber: &Scrubber,
    signal: Signal,
    bytes: &[u8],
) -> Result<impl PartialEq + use<>, String> {
    let bytes = bytes.to_vec().into();
    let (scrubbed, report) = scrubber
        .scrub(&Request { signal, encoding: Encoding::Protobuf, bytes })
        .map_err(|error| error.to_string())?;
    Ok((
        scrubbed.bytes().clone(),
        scrubbed.items(),
        report.redactions.len(),
        report.noted.len(),
        report.unknown_fields,
    ))
}

#[test]
fn a_text_that_is_no_utf_8_is_mended_however_often_it_came() {
    let scrubber = scrubber(RULES);
    let long = FILLER.repeat(20);
    for text in ["harbour", "~q", long.as_str()] {
        let record =
            format!(r#"{{"severityText":"{text}","attributes":[{}]}}"#, attribute("note", text));
        let bytes = otlp::json_to_protobuf(Signal::Logs, request(&[record]).as_bytes());
        let mut bytes = bytes.expect("OTLP");
        let last = bytes.len() - 1;
        let name = bytes.windows(text.len()).position(|found| found == text.as_bytes());
        (bytes[last], bytes[name.expect("a name")]) = (0xff, 0xff);
        for _ in 0..4 {
            let bytes = bytes.clone().into();
            let request = Request { signal: Signal::Logs, encoding: Encoding::Protobuf, bytes };
            let (scrubbed, report) = scrubber.scrub(&request).expect("scrubs");
            assert_eq!(report.invalid_utf8, 2, "{text}");
            assert!(ExportLogsServiceRequest::decode(scrubbed.bytes().clone()).is_ok());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_came_before_changes_nothing_in_any_message(
        samples in proptest::collection::vec(
            (arbitrary::request_of(&ANYWHERE), proptest::option::of((any::<u16>(), any::<u8>()))),
            1..4,
        ),
        requests in proptest::collection::vec(0_usize..3, 6..16),
    ) {
        static FORGETFUL: std::sync::LazyLock<Scrubber> =
            std::sync::LazyLock::new(|| scrubber(&format!("{RULES}\nknown_texts_mib: 0")));
        static KNOWING: std::sync::LazyLock<Scrubber> =
            std::sync::LazyLock::new(|| scrubber(RULES));
        for sample in requests {
            let (sample, change) = &samples[sample % samples.len()];
            let mut bytes = sample.bytes.clone();
            // Some have one byte changed.
            if let Some((at, byte)) = *change
                && !bytes.is_empty()
            {
                let at = usize::from(at) % bytes.len();
                bytes[at] = byte;
            }
            let expected = outcome(&FORGETFUL, sample.signal, &bytes);
            prop_assert!(
                outcome(&KNOWING, sample.signal, &bytes) == expected,
                "{:?} {}", sample.signal, bytes.escape_ascii()
            );
        }
    }
}
