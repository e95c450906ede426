//! The JSON walk and the two conversions, against protobuf's own JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Request;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use otel_redact::scrub::otlp::WalkError;
use otel_redact::scrub::otlp::WalkOptions;
use proptest::prelude::*;
use prost::Message;
use prost_reflect::DynamicMessage;
use prost_reflect::SerializeOptions;
use serde_json::Value;

use crate::walk::arbitrary;
use crate::walk::arbitrary::Sample;
use crate::walk::judge::Nothing;
use crate::walk::judge::Toy;
use crate::walk::oracle;
use crate::walk::protobuf;
use crate::walk::traffic::Captured;
use crate::walk::traffic::captured;

/// Scrubs with the toy judge.
pub(crate) fn scrub(signal: Signal, json: &[u8]) -> Result<Bytes, WalkError> {
    let json = Bytes::copy_from_slice(json);
    let options = WalkOptions::default();
    let walked = otlp::walk(signal, Encoding::Json, &json, &options, &mut Toy::default())?;
    Ok(otlp::splice(&json, &walked.edits))
}

/// A request as protobuf's JSON has it, with ids in hex as OTLP has them.
fn oracle_json(message: &DynamicMessage) -> Value {
    let options = SerializeOptions::new()
        .stringify_64_bit_integers(true)
        .use_enum_numbers(true)
        .skip_default_fields(true);
    let json =
        message.serialize_with_options(serde_json::value::Serializer, &options).expect("JSON");
    with_hex_ids(json)
}

fn with_hex_ids(json: Value) -> Value {
    match json {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| match (&*name, &value) {
                    ("traceId" | "spanId" | "parentSpanId" | "profileId", Value::String(id)) => {
                        let id = STANDARD.decode(id).expect("base64");
                        let hex = id.iter().map(|byte| format!("{byte:02x}")).collect();
                        (name, Value::String(hex))
                    }
                    _ => (name, with_hex_ids(value)),
                })
                .collect(),
        ),
        Value::Array(values) => Value::Array(values.into_iter().map(with_hex_ids).collect()),
        other => other,
    }
}

fn same(signal: Signal, left: &[u8], right: &[u8]) -> Result<(), TestCaseError> {
    let read = |bytes| oracle::decode(signal, bytes).expect("well-formed").encode_to_vec();
    let (left, right) = (read(left), read(right));
    prop_assert!(left == right, "{}\n{}", left.escape_ascii(), right.escape_ascii());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn json_is_written_as_protobuf_says_with_ids_in_hex(
        Sample { signal, bytes } in arbitrary::request(),
    ) {
        let json = otlp::protobuf_to_json(signal, &bytes).expect("well-formed");
        let got: Value = serde_json::from_slice(&json).expect("JSON");
        // Through its encoding, so that it knows what is a default.
        let message = oracle::decode(signal, &bytes).expect("well-formed").encode_to_vec();
        let expected = oracle_json(&oracle::decode(signal, &message).expect("well-formed"));
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn protobuf_to_json_and_back_says_the_same(
        Sample { signal, bytes } in arbitrary::request(),
    ) {
        let json = otlp::protobuf_to_json(signal, &bytes).expect("well-formed");
        let back = otlp::json_to_protobuf(signal, &json).expect("well-formed");
        same(signal, &back, &bytes)?;
        let again = otlp::protobuf_to_json(signal, &back).expect("well-formed");
        prop_assert!(again == json);
    }

    #[test]
    fn both_routes_scrub_alike(Sample { signal, bytes } in arbitrary::request()) {
        let expected = protobuf::scrub(signal, &bytes.clone().into()).expect("well-formed");
        let json = otlp::protobuf_to_json(signal, &bytes).expect("well-formed");
        let scrubbed = scrub(signal, &json).expect("well-formed");
        let got = otlp::json_to_protobuf(signal, &scrubbed).expect("well-formed");
        same(signal, &got, &expected)?;
        prop_assert_eq!(scrub(signal, &scrubbed).expect("well-formed"), scrubbed);
    }

    #[test]
    fn members_in_any_order_with_escapes_and_junk_scrub_alike(
        Sample { signal, bytes } in arbitrary::request(),
        seed in any::<u64>(),
    ) {
        let expected = protobuf::scrub(signal, &bytes.clone().into()).expect("well-formed");
        let json = otlp::protobuf_to_json(signal, &bytes).expect("well-formed");
        let json: Value = serde_json::from_slice(&json).expect("JSON");
        let mut disguised = String::new();
        disguise(&json, &mut disguised, &mut seed.clone());
        let scrubbed = scrub(signal, disguised.as_bytes()).expect("well-formed");
        let text = std::str::from_utf8(&scrubbed).expect("UTF-8");
        serde_json::from_str::<Value>(text).expect("what leaves is JSON");
        prop_assert!(!text.contains("junk"), "{text}");
        let got = otlp::json_to_protobuf(signal, &scrubbed).expect("well-formed");
        same(signal, &got, &expected)?;
    }

    #[test]
    fn mutated_json_is_refused_or_what_leaves_is_json(
        Sample { signal, bytes } in arbitrary::request(),
        mutations in proptest::collection::vec(
            (any::<prop::sample::Index>(), proptest::sample::select(b"{}[]\",:\\u0an\xff ".to_vec())),
            1..4,
        ),
    ) {
        let mut json = otlp::protobuf_to_json(signal, &bytes).expect("well-formed");
        for (index, byte) in mutations {
            let at = index.index(json.len());
            json[at] = byte;
        }
        if let Ok(scrubbed) = scrub(signal, &json) {
            serde_json::from_slice::<Value>(&scrubbed).expect("what leaves is JSON");
            prop_assert_eq!(scrub(signal, &scrubbed).expect("still well-formed"), scrubbed);
        }
    }
}

/// Writes the same JSON another way: members in reverse order, letters escaped,
/// unknown members between, names in snake_case.
fn disguise(json: &Value, out: &mut String, seed: &mut u64) {
    let mut draw = |below: u64| {
        *seed =
            seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*seed >> 33) % below
    };
    match json {
        Value::Object(members) => {
            let mut parts: Vec<(String, Option<&Value>)> = members
                .iter()
                .map(|(name, value)| {
                    let snake = name.chars().fold(String::new(), |mut name, char| {
                        if char.is_ascii_uppercase() {
                            name.push('_');
                        }
                        name.push(char.to_ascii_lowercase());
                        name
                    });
                    (if draw(2) == 0 { snake } else { name.clone() }, Some(value))
                })
                .rev()
                .collect();
            for _ in 0..draw(3) {
                let at = usize::try_from(draw(parts.len() as u64 + 1)).expect("small");
                parts.insert(at, ("junk".to_owned(), None));
            }
            out.push_str("{ ");
            for (at, (name, value)) in parts.into_iter().enumerate() {
                out.push_str(if at == 0 { "" } else { " ,\n" });
                out.push_str(&format!("\"{name}\" : "));
                match value {
                    Some(value) => disguise(value, out, seed),
                    None => out.push_str("{\"junk\": [1, {\"a\": \"}\\\"\"}]}"),
                }
            }
            out.push('}');
        }
        Value::Array(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                out.push_str(if at == 0 { " " } else { " , " });
                disguise(value, out, seed);
            }
            out.push(']');
        }
        Value::String(text) => {
            out.push('"');
            for unit in text.encode_utf16() {
                match char::from_u32(u32::from(unit)) {
                    Some(char) if char.is_ascii_alphanumeric() && draw(4) != 0 => out.push(char),
                    _ => out.push_str(&format!("\\u{unit:04X}")),
                }
            }
            out.push('"');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[test]
fn captured_requests_convert_and_convert_back() {
    for Captured { name, signal, encoding, bytes } in captured() {
        let protobuf = match encoding {
            Encoding::Protobuf => bytes,
            Encoding::Json => otlp::json_to_protobuf(signal, &bytes).expect(&name),
        };
        let json = otlp::protobuf_to_json(signal, &protobuf).expect(&name);
        let walked =
            otlp::walk(signal, Encoding::Json, &json, &WalkOptions::default(), &mut Nothing);
        assert_eq!(walked.expect(&name).edits, vec![], "{name}");
        let request = Request { signal, encoding: Encoding::Json, bytes: json.clone().into() };
        let quick = request.in_protobuf().expect("what exporters send is regular");
        same(signal, &quick.bytes, &protobuf).expect(&name);
        let back = otlp::json_to_protobuf(signal, &json).expect(&name);
        same(signal, &back, &protobuf).expect(&name);
    }
}

#[test]
fn what_is_written_reads_alike_with_the_types_of_opentelemetry_proto() {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    let mut read = 0;
    for Captured { name, signal, bytes, encoding } in captured() {
        if encoding == Encoding::Json {
            continue;
        }
        let json = otlp::protobuf_to_json(signal, &bytes).expect(&name);
        // Its types read no list that is left out since it is empty, and not every
        // metric.
        match signal {
            Signal::Traces => {
                if let Ok(got) = serde_json::from_slice::<ExportTraceServiceRequest>(&json) {
                    assert_eq!(got, Message::decode(&*bytes).expect(&name), "{name}");
                    read += 1;
                }
            }
            Signal::Logs => {
                if let Ok(got) = serde_json::from_slice::<ExportLogsServiceRequest>(&json) {
                    assert_eq!(got, Message::decode(&*bytes).expect(&name), "{name}");
                    read += 1;
                }
            }
            Signal::Metrics | Signal::Profiles => {}
        }
    }
    assert!(20 < read, "{read}");
}

mod traps;
