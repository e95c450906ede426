//! What a sender may write in JSON, each by hand.

use otel_redact::scrub::Encoding;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use otel_redact::scrub::otlp::InvalidUtf8;
use otel_redact::scrub::otlp::UnknownFields;
use otel_redact::scrub::otlp::WalkOptions;
use otel_redact::scrub::otlp::Walked;

use crate::walk::json::scrub;
use crate::walk::judge::Toy;
use crate::walk::judge::UNDER_SECRET;

/// A log request with one record of these members.
fn record(members: &str) -> String {
    format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{{members}}}]}}]}}]}}"#)
}

/// The record of a scrubbed request.
fn scrubbed(members: &str) -> String {
    let request = record(members);
    let out = scrub(Signal::Logs, request.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let out = String::from_utf8(out.to_vec()).expect("UTF-8");
    serde_json::from_str::<serde_json::Value>(&out).expect("what leaves is JSON");
    let around = record("");
    let (before, after) = around.split_at(around.find("{}").expect("the record") + 1);
    out.strip_prefix(before).and_then(|out| out.strip_suffix(after)).expect("the record").to_owned()
}

fn refused(request: &str) -> String {
    scrub(Signal::Logs, request.as_bytes()).expect_err("refused").to_string()
}

fn walked(request: &[u8], options: WalkOptions) -> (Walked, Toy) {
    let mut judge = Toy::default();
    let walked = otlp::walk(Signal::Logs, Encoding::Json, request, &options, &mut judge);
    (walked.expect("well-formed"), judge)
}

#[test]
fn a_text_is_masked_in_place() {
    assert_eq!(scrubbed(r#""severityText":"a SECRET b""#), r#""severityText":"a [masked] b""#);
    assert_eq!(scrubbed(r#""severity_text":"SECRET""#), r#""severity_text":"[masked]""#);
}

#[test]
fn what_stands_behind_escapes_is_seen_and_the_other_escapes_stay() {
    assert_eq!(
        scrubbed(r#""severityText":"\u00e9\n\u0053ECRE\u0054\t\ud83d\ude00""#),
        r#""severityText":"\u00e9\n[masked]\t\ud83d\ude00""#,
    );
    assert_eq!(scrubbed(r#""\u0073everityText":"SECRET""#), r#""\u0073everityText":"[masked]""#);
}

#[test]
fn a_key_after_its_value_says_what_the_value_is() {
    assert_eq!(
        scrubbed(r#""attributes":[{"value":{"stringValue":"x"},"key":"password"}]"#),
        r#""attributes":[{"value":{"stringValue":"[masked]"},"key":"password"}]"#,
    );
}

#[test]
fn of_two_keys_one_that_is_secret_is_enough() {
    for keys in [["password", "b"], ["b", "password"]] {
        let [first, second] = keys;
        assert_eq!(
            scrubbed(&format!(
                r#""attributes":[{{"key":"{first}","value":{{"stringValue":"x"}},"key":"{second}"}}]"#
            )),
            format!(
                r#""attributes":[{{"key":"{first}","value":{{"stringValue":"[masked]"}},"key":"{second}"}}]"#
            ),
        );
    }
}

#[test]
fn a_number_or_boolean_under_a_secret_key_becomes_a_text() {
    for value in
        [r#""intValue":"42""#, r#""intValue":42"#, r#""boolValue":true"#, r#""double_value":1.5"#]
    {
        assert_eq!(
            scrubbed(&format!(r#""attributes":[{{"key":"password","value":{{{value}}}}}]"#)),
            r#""attributes":[{"key":"password","value":{"stringValue":"[masked]"}}]"#,
        );
    }
}

#[test]
fn bytes_are_seen_without_their_base64() {
    // "a SECRET b", and "a [masked] b".
    assert_eq!(
        scrubbed(r#""body":{"bytesValue":"YSBTRUNSRVQgYg=="}"#),
        r#""body":{"bytesValue":"YSBbbWFza2VkXSBi"}"#,
    );
}

#[test]
fn a_member_that_occurs_twice_is_scrubbed_twice() {
    assert_eq!(
        scrubbed(r#""severityText":"SECRET","severityText":"SECRET""#),
        r#""severityText":"[masked]","severityText":"[masked]""#,
    );
    assert_eq!(
        scrubbed(r#""body":{"stringValue":"SECRET"},"body":{"stringValue":"SECRET","intValue":1}"#),
        r#""body":{"stringValue":"[masked]"},"body":{"stringValue":"[masked]","intValue":1}"#,
    );
}

#[test]
fn an_unknown_member_goes_with_one_comma() {
    let known = r#""severityText":"a""#;
    for (members, expected) in [
        (r#""x":1"#, ""),
        (r#""x":1,"y":[{"z":2}]"#, ""),
        (r#""x":1,"severityText":"a""#, known),
        (r#""severityText":"a","x":1"#, known),
        (r#""x":1,"y":2,"severityText":"a","z":"SECRET","w":null"#, known),
        (r#""severityText":"a","x":1,"eventName":"b""#, r#""severityText":"a","eventName":"b""#),
    ] {
        assert_eq!(scrubbed(members), expected, "{members}");
    }
}

#[test]
fn unknown_members_are_counted_kept_where_they_show_nothing_or_refused() {
    let request = record(r#""x":"a","y":"\u0053ECRET","severityText":"b""#);
    let (walk, _) = walked(request.as_bytes(), WalkOptions::default());
    assert_eq!(walk.unknown_fields, 2);

    let scan = WalkOptions { unknown_fields: UnknownFields::Scan, ..WalkOptions::default() };
    let (walk, _) = walked(request.as_bytes(), scan);
    assert_eq!(walk.unknown_fields, 1);
    let out = otlp::splice(&request.clone().into(), &walk.edits);
    assert_eq!(out, record(r#""x":"a","severityText":"b""#));

    let refuse = WalkOptions { unknown_fields: UnknownFields::Refuse, ..WalkOptions::default() };
    let mut judge = Toy::default();
    let error = otlp::walk(Signal::Logs, Encoding::Json, request.as_bytes(), &refuse, &mut judge);
    assert_eq!(
        error.expect_err("refused").to_string(),
        "unknown field at byte 47 in resource_logs[0].scope_logs[0].log_records[0]",
    );
}

#[test]
fn null_is_absent_and_a_request_of_null_is_empty() {
    assert_eq!(scrubbed(r#""body":null,"attributes":null"#), r#""body":null,"attributes":null"#);
    assert_eq!(scrub(Signal::Logs, b" null ").expect("empty"), " null ");
    assert_eq!(otlp::json_to_protobuf(Signal::Logs, b"null").expect("empty"), b"");
}

#[test]
fn what_is_accepted_is_what_the_collector_accepts() {
    for members in [
        r#""severityNumber":9,"flags":"1","timeUnixNano":1,"observedTimeUnixNano":"1""#,
        r#""severityNumber":"SEVERITY_NUMBER_INFO""#,
        r#""severityNumber":99"#,
        r#""traceId":"","spanId":"""#,
        r#""traceId":"0123456789abcdefABCDEF0123456789""#,
        r#""body":{}"#,
        r#""body":{"doubleValue":"NaN"}"#,
        r#""body":{"intValue":-5}"#,
        r#""body":{"arrayValue":{"values":[null,{}]}}"#,
        r#""attributes":[{"key":"m"}]"#,
    ] {
        assert_eq!(scrubbed(members), members);
    }
}

#[test]
fn what_is_of_another_type_is_refused() {
    for members in [
        r#""severityNumber":"9""#,
        r#""severityNumber":"SECRET""#,
        r#""flags":1.5"#,
        r#""flags":-1"#,
        r#""flags":"1e3""#,
        r#""timeUnixNano":"SECRET""#,
        r#""severityText":1"#,
        r#""severityText":{"a":1}"#,
        r#""body":"SECRET""#,
        r#""body":{"boolValue":"true"}"#,
        r#""body":{"doubleValue":"SECRET"}"#,
        r#""body":{"bytesValue":"-_-_"}"#,
        r#""body":{"arrayValue":[]}"#,
        r#""attributes":{}"#,
        r#""traceId":"SECRET""#,
        r#""traceId":"0123456789abcdef""#,
        r#""spanId":"0123456789abcdeg""#,
    ] {
        let error = refused(&record(members));
        assert!(!error.contains("SECRET"), "{error}");
    }
}

#[test]
fn what_is_no_single_json_object_is_refused() {
    for request in ["", " ", "[]", "\"a\"", "1", "{} {}", "{}x", "\u{feff}{}", "{", "{\"a\":1,}"] {
        refused(request);
    }
}

#[test]
fn bad_utf8_is_replaced_kept_or_refused() {
    let request = [&b"{\"resourceLogs\":[{\"schemaUrl\":\"a\xffSECRET\"}]}"[..]].concat();
    let (walk, _) = walked(&request, WalkOptions::default());
    assert_eq!(walk.invalid_utf8, 1);
    let out = otlp::splice(&request.clone().into(), &walk.edits);
    assert_eq!(out, r#"{"resourceLogs":[{"schemaUrl":"a�[masked]"}]}"#);

    let keep = WalkOptions { invalid_utf8: InvalidUtf8::Keep, ..WalkOptions::default() };
    let (walk, _) = walked(&request, keep);
    let out = otlp::splice(&request.clone().into(), &walk.edits);
    assert_eq!(&*out, b"{\"resourceLogs\":[{\"schemaUrl\":\"a\xff[masked]\"}]}");

    let lone = br#"{"resourceLogs":[{"schemaUrl":"a\ud83d"}]}"#;
    let (walk, _) = walked(lone, WalkOptions::default());
    assert_eq!(walk.invalid_utf8, 1);
    let out = otlp::splice(&lone.to_vec().into(), &walk.edits);
    assert_eq!(out, r#"{"resourceLogs":[{"schemaUrl":"a�"}]}"#);
}

#[test]
fn nesting_has_the_same_limit_as_in_protobuf() {
    let nested = |depth: usize| {
        let open = r#"{"arrayValue":{"values":["#.repeat(depth);
        let close = "]}}".repeat(depth);
        record(&format!("\"body\":{open}{close}"))
    };
    assert!(scrub(Signal::Logs, nested(48).as_bytes()).is_ok());
    assert!(refused(&nested(49)).contains("nested too deep"));
    assert!(refused(&nested(100_000)).contains("nested too deep"));
}

#[test]
fn places_and_paths_are_those_of_protobuf() {
    let request = record(
        r#""body":{"kvlistValue":{"values":[{"key":"password","value":{"arrayValue":{"values":[
        {"stringValue":"a"},{"stringValue":"b"}]}}}]}},"attributes":[{"key":"k","value":{"stringValue":"c"}}]"#,
    );
    let (_, judge) = walked(request.as_bytes(), WalkOptions::default());
    let at = "resource_logs[0].scope_logs[0].log_records[0]";
    let rows: Vec<String> =
        judge.rows().iter().map(|row| row.replace(at, "").replace('\n', "")).collect();
    assert_eq!(
        rows,
        [
            ".body[].key = password",
            ".body[\"password\"][0] = a",
            ".body[\"password\"][1] = b",
            ".attributes[].key = k",
            ".attributes[\"k\"] = c",
        ]
    );
    assert_eq!(judge.seen[1].element, Some(0));
    assert_eq!(judge.seen[2].element, Some(1));
    assert_eq!(judge.seen[1].context, UNDER_SECRET);
    assert_eq!(judge.seen[1].kind, "body");
    assert_eq!(judge.seen[4].kind, "attributes");
}

#[test]
fn a_number_that_its_type_cannot_hold_does_not_convert() {
    for members in [r#""flags":4294967296"#, r#""timeUnixNano":"18446744073709551616""#] {
        let error = otlp::json_to_protobuf(Signal::Logs, record(members).as_bytes());
        assert!(error.expect_err("out of range").to_string().contains("integer in its range"));
    }
}

#[test]
fn of_a_member_that_occurs_twice_the_last_converts() {
    let twice = record(r#""severityText":"a","severityText":"""#);
    let converted = otlp::json_to_protobuf(Signal::Logs, twice.as_bytes()).expect("converts");
    let json = otlp::protobuf_to_json(Signal::Logs, &converted).expect("converts");
    assert_eq!(String::from_utf8(json).expect("UTF-8"), record(""));
}
