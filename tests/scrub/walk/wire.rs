//! Traps of the wire format, each by hand.

use bytes::Bytes;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use otel_redact::scrub::otlp::Context;
use otel_redact::scrub::otlp::InvalidUtf8;
use otel_redact::scrub::otlp::UnknownFields;
use otel_redact::scrub::otlp::WalkOptions;
use otel_redact::scrub::otlp::Walked;

use crate::walk::judge::Toy;
use crate::walk::judge::UNDER_SECRET;
use crate::walk::protobuf::scrub;

/// A length-delimited field.
fn field(number: u64, contents: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, number << 3 | 2);
    varint(&mut out, contents.len() as u64);
    out.extend_from_slice(contents);
    out
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while 0x80 <= value {
        out.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("seven bits"));
}

/// A number field.
fn number(number: u64, value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    varint(&mut out, number << 3);
    varint(&mut out, value);
    out
}

/// A log request with one record of these fields.
fn record(fields: &[u8]) -> Vec<u8> {
    field(1, &field(2, &field(2, fields)))
}

/// Checks what a record becomes.
fn check(fields: &[&[u8]], expected: &[&[u8]]) {
    let request = Bytes::from(record(&fields.concat()));
    let scrubbed = scrub(Signal::Logs, &request).expect("well-formed");
    let expected = record(&expected.concat());
    assert_eq!(scrubbed.escape_ascii().to_string(), expected.escape_ascii().to_string());
}

fn refused(fields: &[u8]) -> String {
    scrub(Signal::Logs, &record(fields).into()).expect_err("refused").to_string()
}

fn walked(fields: &[u8], options: WalkOptions) -> (Walked, Toy, Bytes) {
    let request = Bytes::from(record(fields));
    let mut judge = Toy::default();
    let walked = otlp::walk(Signal::Logs, Encoding::Protobuf, &request, &options, &mut judge)
        .expect("well-formed");
    let out = otlp::splice(&request, &walked.edits);
    (walked, judge, out)
}

/// `AnyValue` with a string.
fn text(text: &str) -> Vec<u8> {
    field(1, text.as_bytes())
}

/// An attribute of a log record.
fn attribute(key_value: &[&[u8]]) -> Vec<u8> {
    field(6, &key_value.concat())
}

fn key(key: &str) -> Vec<u8> {
    field(1, key.as_bytes())
}

fn value(any_value: &[u8]) -> Vec<u8> {
    field(2, any_value)
}

#[test]
fn a_text_grows_past_the_length_that_one_byte_holds() {
    let before = format!("{}SECRET", "a".repeat(120));
    let after = format!("{}[masked]", "a".repeat(120));
    check(&[&field(5, &text(&before))], &[&field(5, &text(&after))]);
}

#[test]
fn an_attribute_in_the_usual_layout_is_masked() {
    check(
        &[&attribute(&[&key("a"), &value(&text("x SECRET"))])],
        &[&attribute(&[&key("a"), &value(&text("x [masked]"))])],
    );
}

#[test]
fn a_key_is_a_text_too() {
    check(
        &[&attribute(&[&key("SECRET"), &value(&text("x"))])],
        &[&attribute(&[&key("[masked]"), &value(&text("x"))])],
    );
}

#[test]
fn a_key_after_its_value_says_what_the_value_is() {
    check(
        &[&attribute(&[&value(&text("x")), &key("password")])],
        &[&attribute(&[&value(&text("[masked]")), &key("password")])],
    );
}

#[test]
fn of_two_keys_one_that_is_secret_is_enough() {
    for (first, second) in [("password", "b"), ("b", "password")] {
        check(
            &[&attribute(&[&key(first), &value(&text("x")), &key(second)])],
            &[&attribute(&[&key(first), &value(&text("[masked]")), &key(second)])],
        );
    }
}

#[test]
fn a_message_that_occurs_twice_is_scrubbed_twice() {
    check(
        &[&field(5, &text("SECRET")), &field(5, &text("SECRET"))],
        &[&field(5, &text("[masked]")), &field(5, &text("[masked]"))],
    );
}

#[test]
fn a_text_that_occurs_twice_is_scrubbed_twice() {
    check(
        &[&field(3, b"SECRET"), &field(3, b"SECRET")],
        &[&field(3, b"[masked]"), &field(3, b"[masked]")],
    );
}

#[test]
fn a_oneof_that_occurs_twice_is_scrubbed_twice() {
    let both = |text: &str| [field(1, text.as_bytes()), field(7, text.as_bytes())].concat();
    check(&[&field(5, &both("SECRET"))], &[&field(5, &both("[masked]"))]);
    check(
        &[&attribute(&[&key("a"), &value(&both("SECRET"))])],
        &[&attribute(&[&key("a"), &value(&both("[masked]"))])],
    );
}

#[test]
fn a_value_that_occurs_twice_is_scrubbed_twice() {
    check(
        &[&attribute(&[&key("a"), &value(&text("SECRET")), &value(&text("SECRET"))])],
        &[&attribute(&[&key("a"), &value(&text("[masked]")), &value(&text("[masked]"))])],
    );
}

#[test]
fn numbers_under_a_secret_key_become_texts() {
    let double = [vec![4 << 3 | 1], 1.5f64.to_le_bytes().to_vec()].concat();
    for scalar in [number(2, 1), number(3, u64::MAX), double] {
        check(
            &[&attribute(&[&key("password"), &value(&scalar)])],
            &[&attribute(&[&key("password"), &value(&text("[masked]"))])],
        );
        // In the unusual layout, too, and not under another key.
        check(
            &[&attribute(&[&value(&scalar), &key("password")])],
            &[&attribute(&[&value(&text("[masked]")), &key("password")])],
        );
        check(
            &[&attribute(&[&key("a"), &value(&scalar)])],
            &[&attribute(&[&key("a"), &value(&scalar)])],
        );
    }
}

#[test]
fn what_a_key_says_reaches_into_lists_and_maps() {
    let list =
        |text_in: &str| field(5, &[field(1, &text(text_in)), field(1, &text(text_in))].concat());
    check(
        &[&attribute(&[&key("password"), &value(&list("x"))])],
        &[&attribute(&[&key("password"), &value(&list("[masked]"))])],
    );
    let map = |text_in: &str| field(6, &field(1, &[key("inner"), value(&text(text_in))].concat()));
    check(
        &[&attribute(&[&key("password"), &value(&map("x"))])],
        &[&attribute(&[&key("password"), &value(&map("[masked]"))])],
    );
}

#[test]
fn elements_are_counted_on_where_a_list_comes_in_two_pieces() {
    let piece = field(5, &field(1, &text("x")));
    let request =
        attribute(&[&key("a"), &value(&piece), &value(&[piece.clone(), piece.clone()].concat())]);
    let (_, judge, _) = walked(&request, WalkOptions::default());
    let elements: Vec<_> = judge.seen.iter().filter_map(|seen| seen.element).collect();
    assert_eq!(elements, [0, 1, 2]);
}

#[test]
fn a_length_longer_than_need_be_is_read() {
    // severity_text, its length in three bytes.
    let long = [&[3 << 3 | 2, 0x86, 0x80, 0x00][..], b"SECRET"].concat();
    check(&[&long], &[&field(3, b"[masked]")]);
    let clean = [&[3 << 3 | 2, 0x81, 0x80, 0x00][..], b"a"].concat();
    check(&[&clean], &[&clean]);
}

#[test]
fn a_tag_longer_than_need_be_is_read() {
    let long = [&[0x80 | 3 << 3 | 2, 0x00, 6][..], b"SECRET"].concat();
    let masked = [&[0x80 | 3 << 3 | 2, 0x00, 8][..], b"[masked]"].concat();
    check(&[&long], &[&masked]);
}

#[test]
fn packed_and_unpacked_numbers_are_both_legal() {
    // bucket_counts of a histogram data point, and those of an exponential one.
    let counts = 7u64.to_le_bytes();
    let packed = field(6, &[counts, counts].concat());
    let unpacked = [&[6 << 3 | 1][..], &counts].concat();
    for point in [packed, unpacked] {
        let request = field(1, &field(2, &field(2, &field(9, &field(1, &point)))));
        let bytes = Bytes::from(request);
        assert_eq!(scrub(Signal::Metrics, &bytes).expect("legal"), bytes);
    }
    for buckets in [field(2, &[1, 0x80, 1]), number(2, 300)] {
        let point = field(8, &buckets);
        let request = field(1, &field(2, &field(2, &field(10, &field(1, &point)))));
        let bytes = Bytes::from(request);
        assert_eq!(scrub(Signal::Metrics, &bytes).expect("legal"), bytes);
    }
    for bad in [field(6, &[0; 9]), field(6, &[0; 7])] {
        let request = field(1, &field(2, &field(2, &field(9, &field(1, &bad)))));
        scrub(Signal::Metrics, &request.into()).expect_err("cut short");
    }
}

#[test]
fn groups_and_field_number_0_and_reserved_wire_types_are_refused() {
    for tag in [3 << 3 | 3, 3 << 3 | 4, 99 << 3 | 3, 3 << 3 | 6, 3 << 3 | 7, 2, 0] {
        let mut fields = Vec::new();
        varint(&mut fields, tag);
        refused(&[fields, vec![0; 8]].concat());
    }
}

#[test]
fn numbers_longer_than_64_bits_are_refused() {
    refused(&[&[2 << 3][..], &[0xff; 10], &[0]].concat());
    refused(&[&[2 << 3][..], &[0xff; 9], &[2]].concat());
    check(&[&[2 << 3], &[0xff; 9], &[1]], &[&[2 << 3], &[0xff; 9], &[1]]);
}

#[test]
fn what_runs_past_the_end_of_its_message_is_refused() {
    for fields in
        [&[3 << 3 | 2, 5, b'a'][..], &[3 << 3 | 2], &[1 << 3 | 1, 0], &[8 << 3 | 5, 0], &[2 << 3]]
    {
        refused(fields);
    }
    // A length near the end of 64 bits.
    refused(&[&[3 << 3 | 2][..], &[0xff; 9], &[1]].concat());
}

#[test]
fn ids_have_their_length_or_none() {
    for (number, len) in [(9, 16), (10, 8)] {
        check(&[&field(number, &vec![1; len])], &[&field(number, &vec![1; len])]);
        check(&[&field(number, &[])], &[&field(number, &[])]);
        for wrong in [1, len - 1, len + 1, 3 * len] {
            assert!(refused(&field(number, &vec![1; wrong])).contains("id of a wrong length"));
        }
    }
}

#[test]
fn an_unknown_field_is_dropped_and_counted() {
    let unknown = [field(99, b"a"), number(100, 5), vec![0xad, 0x06, 1, 2, 3, 4]].concat();
    check(&[&unknown, &field(3, b"a"), &unknown], &[&field(3, b"a")]);
    let (walk, ..) = walked(&[unknown.clone(), unknown].concat(), WalkOptions::default());
    assert_eq!((walk.unknown_fields, walk.edits.len()), (6, 4));
}

#[test]
fn a_known_field_of_another_wire_type_is_an_unknown_field() {
    check(&[&number(3, 5), &field(2, b"SECRET")], &[]);
}

#[test]
fn an_unknown_field_is_kept_where_it_shows_nothing_or_refused() {
    let scan = WalkOptions { unknown_fields: UnknownFields::Scan, ..WalkOptions::default() };
    let fields = [field(99, b"a"), field(99, b"x SECRET")].concat();
    let (walk, _, out) = walked(&fields, scan);
    assert_eq!((walk.unknown_fields, out), (1, record(&field(99, b"a")).into()));

    let refuse = WalkOptions { unknown_fields: UnknownFields::Refuse, ..WalkOptions::default() };
    let request = record(&fields);
    let error =
        otlp::walk(Signal::Logs, Encoding::Protobuf, &request, &refuse, &mut Toy::default());
    assert_eq!(
        error.expect_err("refused").to_string(),
        "unknown field at byte 6 in resource_logs[0].scope_logs[0].log_records[0]",
    );
}

#[test]
fn bad_utf8_is_replaced_kept_or_refused() {
    let fields = field(3, b"a\xffSECRET\xfe");
    let (walk, _, out) = walked(&fields, WalkOptions::default());
    assert_eq!(walk.invalid_utf8, 1);
    assert_eq!(out, record(&field(3, "a\u{fffd}[masked]\u{fffd}".as_bytes())));

    let keep = WalkOptions { invalid_utf8: InvalidUtf8::Keep, ..WalkOptions::default() };
    let (walk, _, out) = walked(&fields, keep);
    assert_eq!(walk.invalid_utf8, 0);
    assert_eq!(out, record(&field(3, b"a\xff[masked]\xfe")));

    let refuse = WalkOptions { invalid_utf8: InvalidUtf8::Refuse, ..WalkOptions::default() };
    let request = record(&fields);
    otlp::walk(Signal::Logs, Encoding::Protobuf, &request, &refuse, &mut Toy::default())
        .expect_err("refused");

    // Bytes need not be UTF-8.
    let bytes = field(5, &field(7, b"\xff"));
    check(&[&bytes], &[&bytes]);
}

#[test]
fn nesting_has_a_limit() {
    // The request, resource logs, scope logs, a record and its body; each list then
    // nests two messages.
    let nested = |lists: usize| {
        let inner = (0..lists).fold(text("SECRET"), |inner, _| field(5, &field(1, &inner)));
        Bytes::from(record(&field(5, &inner)))
    };
    assert!(scrub(Signal::Logs, &nested(48)).is_ok());
    let error = scrub(Signal::Logs, &nested(49)).expect_err("too deep");
    assert!(error.to_string().starts_with("messages nested too deep at byte"), "{error}");
    assert!(scrub(Signal::Logs, &nested(2_000)).is_err());
}

#[test]
fn the_limit_of_nesting_counts_attributes_that_are_not_entered() {
    let request = Bytes::from(record(&attribute(&[&key("a"), &value(&text("b"))])));
    let walk = |depth_max| {
        let options = WalkOptions { depth_max, ..WalkOptions::default() };
        otlp::walk(Signal::Logs, Encoding::Protobuf, &request, &options, &mut Toy::default())
    };
    assert!(walk(5).is_ok());
    assert!(walk(4).is_err());
}

#[test]
fn an_error_holds_no_key_and_no_payload() {
    let bad = field(5, &[3 << 3 | 3]);
    let fields = attribute(&[
        &key("password-SECRET"),
        &value(&field(6, &field(1, &[key("b"), value(&bad)].concat()))),
    ]);
    let error = refused(&fields);
    assert_eq!(
        error,
        "group at byte 39 in \
         resource_logs[0].scope_logs[0].log_records[0].attributes[][]",
    );
}

#[test]
fn paths_show_keys_and_positions() {
    let map = field(6, &field(1, &[key("inner"), value(&text("y"))].concat()));
    let fields = [
        field(5, &text("x")),
        attribute(&[&key("a\"b"), &value(&map)]),
        attribute(&[&key("k"), &value(&text("z"))]),
        field(12, b"event"),
    ]
    .concat();
    let (_, judge, _) = walked(&fields, WalkOptions::default());
    let at = "resource_logs[0].scope_logs[0].log_records[0]";
    let rows: Vec<String> = judge.rows().iter().map(|row| row.replace(at, "")).collect();
    assert_eq!(
        rows,
        [
            ".body = x",
            ".attributes[].key = a\"b",
            ".attributes[\"a\\\"b\"][].key = inner",
            ".attributes[\"a\\\"b\"][\"inner\"] = y",
            ".attributes[].key = k",
            ".attributes[\"k\"] = z",
            ".event_name = event",
        ]
    );
    let kinds: Vec<&str> = judge.seen.iter().map(|seen| seen.kind).collect();
    assert_eq!(kinds, ["body", "key", "key", "attributes", "key", "attributes", "event_name"]);
    assert_eq!(judge.keys, ["a\"b", "inner", "k"]);
}

#[test]
fn a_path_does_not_show_a_key_in_which_something_was_found() {
    let plain = attribute(&[&key("SECRET"), &value(&text("SECRET"))]);
    let entered = attribute(&[&key("SECRET"), &value(&field(5, &field(1, &text("SECRET"))))]);
    let late = attribute(&[&value(&text("SECRET")), &key("SECRET")]);
    let (_, judge, _) = walked(&[plain, entered, late].concat(), WalkOptions::default());
    for seen in &judge.seen {
        assert!(!seen.path.contains("SECRET"), "{}", seen.path);
    }
    assert_eq!(judge.seen.len(), 6);
}

#[test]
fn items_are_counted() {
    let (walk, ..) = walked(b"", WalkOptions::default());
    assert_eq!(walk.items, 1);
}

/// A profile request: a dictionary with these strings and fields, and one profile.
fn profile(strings: &[&str], dictionary: &[u8], profile: &[u8]) -> Bytes {
    let table: Vec<u8> = strings.iter().flat_map(|text| field(5, text.as_bytes())).collect();
    let profiles = field(1, &field(2, &field(2, profile)));
    [profiles, field(2, &[table, dictionary.to_vec()].concat())].concat().into()
}

#[test]
fn the_string_table_of_a_profile_is_scanned() {
    let request = profile(&["", "main", "x SECRET"], b"", b"");
    let scrubbed = scrub(Signal::Profiles, &request).expect("well-formed");
    assert_eq!(scrubbed, profile(&["", "main", "x [masked]"], b"", b""));
}

#[test]
fn a_key_in_the_string_table_says_what_a_value_is() {
    let entry = |value_in: &[u8]| field(6, &[number(1, 1), value(value_in)].concat());
    let strings = ["", "db.password"];
    assert_eq!(
        scrub(Signal::Profiles, &profile(&strings, &entry(&text("x")), b"")).expect("well-formed"),
        profile(&strings, &entry(&text("[masked]")), b""),
    );
    assert_eq!(
        scrub(Signal::Profiles, &profile(&strings, &entry(&number(3, 42)), b""))
            .expect("well-formed"),
        profile(&strings, &entry(&text("[masked]")), b""),
    );
}

#[test]
fn a_value_in_the_string_table_is_judged_under_its_key() {
    let entry = field(6, &[number(1, 1), value(&number(8, 2))].concat());
    assert_eq!(
        scrub(Signal::Profiles, &profile(&["", "password", "hunter2"], &entry, b""))
            .expect("well-formed"),
        profile(&["", "password", "[masked]"], &entry, b""),
    );
    // The key of a resource's attribute can be an index, too.
    let attribute = field(1, &[number(3, 1), value(&number(8, 2))].concat());
    let resource = field(1, &field(1, &attribute));
    let with =
        |strings: &[&str]| Bytes::from([&resource[..], &profile(strings, b"", b"")].concat());
    assert_eq!(
        scrub(Signal::Profiles, &with(&["", "password", "hunter2"])).expect("well-formed"),
        with(&["", "password", "[masked]"]),
    );
}

#[test]
fn a_second_copy_of_a_profile_is_dropped() {
    let copy = [field(9, b"pprof"), field(10, b"\x1f\x8b...")].concat();
    assert_eq!(
        scrub(Signal::Profiles, &profile(&[], b"", &copy)).expect("well-formed"),
        profile(&[], b"", b""),
    );
}

#[test]
fn every_text_of_an_empty_context_is_shown_as_such() {
    let (_, judge, _) =
        walked(&attribute(&[&key("password"), &value(&text("x"))]), WalkOptions::default());
    assert_eq!(judge.seen[0].context, Context::default());
    assert_eq!(judge.seen[1].context, UNDER_SECRET);
}
