//! One leaking conversation, as ten instrumentations of agents write it.
//!
//! The requests in `tests/data/agents/` hold placeholders where credentials stand.
//! With made-up ones put in, none may be left in any piece of eight characters, and
//! everything else must be as it was: each count, model and id, each member of JSON at
//! any depth, and the words around each credential.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Request;
use otel_redact::scrub::Signal;
use otel_redact::scrub::rule::template;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::detect::SCRUBBER;

/// How many characters in a row of a credential are a leak.
const WINDOW: usize = 8;

/// The placeholders, and templates of what stands in their place.
const CREDENTIALS: &[(&str, &str)] = &[
    ("{{github}}", "{lit:gh|p_}{base62:30}{check:crc32-base62-6}"),
    ("{{slack}}", "{lit:xo|xb-}{digits:12}-{digits:13}-{base62:24}"),
    ("{{aws}}", "{base64:40}"),
    ("{{password}}", "{base62:18}"),
    ("{{jwt}}", "{jwt}"),
    ("{{opaque}}", "{base62:40}"),
    ("{{pem}}", "{lit:-----BEGIN |PRIVATE KEY-----}{base62:400}{lit:-----END |PRIVATE KEY-----}"),
];

/// Each placeholder with a credential that is made for this run.
fn credentials() -> Vec<(&'static str, String)> {
    let make = |(at, (name, shape)): (usize, &(&'static str, &str))| {
        (*name, template::expand(shape, at as u64).expect("a sound template"))
    };
    CREDENTIALS.iter().enumerate().map(make).collect()
}

/// Each request with its name, placeholders and all.
fn requests() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/agents");
    let mut requests = Vec::new();
    for file in std::fs::read_dir(folder).expect("the requests") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            requests.push((name, std::fs::read_to_string(&path).expect("readable")));
        }
    }
    assert_eq!(requests.len(), 10);
    requests
}

/// A request as the generated types spell it, before and after the scrubber, over
/// both encodings.
fn scrubbed<M>(signal: Signal, template: &str, filled: &str) -> (Value, Vec<(&'static str, Value)>)
where
    M: Message + Default + DeserializeOwned + Serialize,
{
    let message = |text: &str| serde_json::from_str::<M>(text).expect("a request");
    let scrub = |encoding, bytes: Vec<u8>| {
        let request = Request { signal, encoding, bytes: bytes.into() };
        SCRUBBER.scrub(&request).expect("well formed").0.bytes().to_vec()
    };
    let spelled = |message: &M| serde_json::to_value(message).expect("a tree");
    let protobuf = scrub(Encoding::Protobuf, message(filled).encode_to_vec());
    let protobuf = M::decode(protobuf.as_slice()).expect("well formed");
    let json = scrub(Encoding::Json, filled.as_bytes().to_vec());
    let json = message(std::str::from_utf8(&json).expect("UTF-8"));
    let after = vec![("protobuf", spelled(&protobuf)), ("JSON", spelled(&json))];
    (spelled(&message(template)), after)
}

/// What is wrong with `after`, in which credentials stood where `before` has
/// placeholders.
fn compare(before: &Value, after: &Value, at: &str, faults: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) if before.keys().eq(after.keys()) => {
            for ((key, value), other) in before.iter().zip(after.values()) {
                compare(value, other, &format!("{at}/{key}"), faults);
            }
        }
        (Value::Array(before), Value::Array(after)) if before.len() == after.len() => {
            for (i, (value, other)) in before.iter().zip(after).enumerate() {
                compare(value, other, &format!("{at}/{i}"), faults);
            }
        }
        (Value::String(before), Value::String(after)) if before.contains("{{") => {
            match serde_json::from_str::<Value>(before) {
                Err(_) => around(before, after, at, faults),
                Ok(inner) => match serde_json::from_str(after) {
                    Ok(other) => compare(&inner, &other, &format!("{at}!"), faults),
                    Err(_) => faults.push(format!("{at}: no JSON any more")),
                },
            }
        }
        _ if before == after => {}
        _ => faults.push(format!("{at}: altered")),
    }
}

/// The words between the placeholders must be there, in order.
fn around(before: &str, after: &str, at: &str, faults: &mut Vec<String>) {
    let mut rest = after;
    for (number, part) in before.split("{{").enumerate() {
        let words = if number == 0 { part } else { part.split_once("}}").map_or("", |(_, it)| it) };
        match rest.split_once(words) {
            Some((_, behind)) => rest = behind,
            None => faults.push(format!("{at}: {words:?} is not there")),
        }
    }
}

#[test]
fn no_agent_leaks_and_no_count_model_or_id_is_altered() {
    let credentials = credentials();
    let mut failures = Vec::new();
    let mut planted = 0;
    for (name, text) in requests() {
        let mut filled = text.clone();
        for (placeholder, credential) in &credentials {
            planted += filled.matches(placeholder).count();
            filled = filled.replace(placeholder, credential);
        }
        let (before, after) = match text.contains("resourceSpans") {
            true => scrubbed::<ExportTraceServiceRequest>(Signal::Traces, &text, &filled),
            false => scrubbed::<ExportLogsServiceRequest>(Signal::Logs, &text, &filled),
        };
        for (encoding, after) in after {
            let mut faults = Vec::new();
            compare(&before, &after, "", &mut faults);
            let left = after.to_string();
            for (placeholder, credential) in &credentials {
                let mut windows = credential.as_bytes().windows(WINDOW);
                let is_there = |window: &[u8]| {
                    std::str::from_utf8(window).is_ok_and(|window| left.contains(window))
                };
                if windows.any(is_there) {
                    faults.push(format!("{placeholder} leaked"));
                }
            }
            failures.extend(faults.into_iter().map(|it| format!("{name}, {encoding}: {it}")));
        }
    }
    assert!(100 < planted, "the placeholders are there");
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}
