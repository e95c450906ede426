//! A secret that is cut over the events or log records of one stream.

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
use serde_json::json;

use crate::detect::SCRUBBER;

/// What is streamed, with the secret in the middle.
const TEXTS: [&str; 4] = [
    "Sure, the token is {lit:gh|p_}{base62:30}{check:crc32-base62-6} and that is it",
    "use {lit:sk-|ant-api03-}{base64url:93}AA here",
    "the password=Tr0ub4dor-and-more is set",
    "see {b64:user=bob password=hunter2 and more} there",
];

/// How a request holds pieces: the signal, the request, and how to get them back.
type Form = (&'static str, Signal, fn(&[String]) -> Value, fn(&Value) -> Vec<String>);

const FORMS: [Form; 9] = [
    ("events", Signal::Traces, as_events, of_events),
    ("log bodies", Signal::Logs, as_bodies, of_bodies),
    ("log attributes", Signal::Logs, as_attributes, of_attributes),
    ("two streams in turn", Signal::Logs, as_two_streams, of_first_stream),
    ("choices", Signal::Traces, as_choices, of_events),
    ("events of a server in one body", Signal::Logs, as_server_events, of_server_events),
    ("lines of JSON in one body", Signal::Logs, as_lines, of_lines),
    ("an array in an attribute", Signal::Traces, as_array, of_array),
    ("an array of JSON in an attribute", Signal::Traces, as_json_array, of_json_array),
];

pub(crate) fn text(text: &str) -> Value {
    json!({ "stringValue": text })
}

pub(crate) fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": text(value) })
}

fn as_events(pieces: &[String]) -> Value {
    let event = |piece: &String| {
        json!({
            "timeUnixNano": "1", "name": "gen_ai.content.delta",
            "attributes": [attribute("gen_ai.system", "x"), attribute("content", piece)]
        })
    };
    let events: Vec<Value> = pieces.iter().map(event).collect();
    let span = json!({ "name": "chat", "events": events });
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] })
}

fn as_choices(pieces: &[String]) -> Value {
    let mut request = as_events(pieces);
    let events = &mut request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["events"];
    for event in events.as_array_mut().expect("events") {
        event["name"] = "gen_ai.choice".into();
    }
    request
}

fn of_body(request: &Value) -> String {
    records(request)[0]["body"]["stringValue"].as_str().expect("a text").to_owned()
}

fn as_server_events(pieces: &[String]) -> Value {
    let frame = |piece: &String| {
        let delta = json!({ "choices": [{ "index": 0, "delta": { "content": piece } }] });
        format!("data: {delta}\n\n")
    };
    logs(vec![json!({ "body": text(&pieces.iter().map(frame).collect::<String>()) })])
}

fn of_server_events(request: &Value) -> Vec<String> {
    let body = of_body(request);
    let frames = body.lines().filter_map(|line| line.strip_prefix("data: "));
    let frames = frames.map(|frame| serde_json::from_str::<Value>(frame).expect("JSON"));
    let text = |frame: Value| frame["choices"][0]["delta"]["content"].as_str().map(str::to_owned);
    frames.map(|frame| text(frame).expect("a text")).collect()
}

fn as_lines(pieces: &[String]) -> Value {
    let line = |piece: &String| format!("{}\n", json!({ "response": piece, "done": false }));
    logs(vec![json!({ "body": text(&pieces.iter().map(line).collect::<String>()) })])
}

fn of_lines(request: &Value) -> Vec<String> {
    let body = of_body(request);
    let lines = body.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.map(|line| line["response"].as_str().expect("a text").to_owned()).collect()
}

fn span(attribute: &Value) -> Value {
    let span = json!({ "name": "chat", "attributes": [attribute] });
    json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": [span] }] }] })
}

fn value(request: &Value) -> &Value {
    &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["attributes"][0]["value"]
}

fn as_array(pieces: &[String]) -> Value {
    let values: Vec<Value> = pieces.iter().map(|piece| text(piece)).collect();
    let array = json!({ "arrayValue": { "values": values } });
    span(&json!({ "key": "gen_ai.completion.chunks", "value": array }))
}

fn of_array(request: &Value) -> Vec<String> {
    each(&value(request)["arrayValue"]["values"], |value| value)
}

fn as_json_array(pieces: &[String]) -> Value {
    span(&attribute("gen_ai.completion.chunks", &json!(pieces).to_string()))
}

fn of_json_array(request: &Value) -> Vec<String> {
    let text = value(request)["stringValue"].as_str().expect("a text");
    serde_json::from_str(text).expect("JSON")
}

fn of_events(request: &Value) -> Vec<String> {
    let span = &request["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    each(&span["events"], |event| &event["attributes"][1]["value"])
}

fn logs(records: Vec<Value>) -> Value {
    json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": records }] }] })
}

fn each(list: &Value, of: fn(&Value) -> &Value) -> Vec<String> {
    let list = list.as_array().expect("a list");
    list.iter().map(|one| of(one)["stringValue"].as_str().expect("a text").to_owned()).collect()
}

fn records(request: &Value) -> &Value {
    &request["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
}

fn as_bodies(pieces: &[String]) -> Value {
    let record = |(i, piece): (usize, &String)| {
        let index = json!({ "key": "chunk.index", "value": { "intValue": i.to_string() } });
        json!({ "body": text(piece), "attributes": [index] })
    };
    logs(pieces.iter().enumerate().map(record).collect())
}

fn of_bodies(request: &Value) -> Vec<String> {
    each(records(request), |record| &record["body"])
}

fn as_attributes(pieces: &[String]) -> Value {
    let record = |(i, piece): (usize, &String)| {
        let id = attribute("event.id", &format!("{i:08}"));
        json!({ "eventName": "llm.stream", "body": text("piece"),
                "attributes": [id, attribute("text", piece)] })
    };
    logs(pieces.iter().enumerate().map(record).collect())
}

fn of_attributes(request: &Value) -> Vec<String> {
    each(records(request), |record| &record["attributes"][1]["value"])
}

/// With a second stream, whose records stand between.
fn as_two_streams(pieces: &[String]) -> Value {
    let record = |stream: &str, piece: &str| json!({ "body": text(piece), "attributes": [attribute("stream.id", stream)] });
    let both = |piece: &String| [record("one", piece), record("two", "other words ")];
    logs(pieces.iter().flat_map(both).collect())
}

fn of_first_stream(request: &Value) -> Vec<String> {
    of_bodies(request).into_iter().step_by(2).collect()
}

/// The request after the scrubber, over both encodings.
pub(crate) fn scrubbed<M>(signal: Signal, request: &Value) -> [Value; 2]
where
    M: Message + Default + DeserializeOwned + Serialize,
{
    let scrub = |encoding, bytes: Vec<u8>| {
        let request = Request { signal, encoding, bytes: bytes.into() };
        SCRUBBER.scrub(&request).expect("well formed").0.bytes().to_vec()
    };
    let message: M = serde_json::from_value(request.clone()).expect("a request");
    let protobuf = scrub(Encoding::Protobuf, message.encode_to_vec());
    let protobuf = M::decode(protobuf.as_slice()).expect("well formed");
    let json = scrub(Encoding::Json, request.to_string().into_bytes());
    let json: M = serde_json::from_slice(&json).expect("JSON");
    [protobuf, json].map(|message| serde_json::to_value(&message).expect("a tree"))
}

fn after(signal: Signal, request: &Value) -> [Value; 2] {
    match signal {
        Signal::Traces => scrubbed::<ExportTraceServiceRequest>(signal, request),
        _ => scrubbed::<ExportLogsServiceRequest>(signal, request),
    }
}

#[test]
fn a_secret_in_pieces_is_masked_in_each_and_the_rest_stays() {
    let mut faults = Vec::new();
    for (number, shape) in TEXTS.iter().enumerate() {
        let text = template::expand(shape, number as u64).expect("a template");
        let whole = SCRUBBER.scrub_text(&text);
        for len in [1, 2, 3, 5, 8, 13, 30] {
            let letters: Vec<char> = text.chars().collect();
            let pieces: Vec<String> = letters.chunks(len).map(|c| c.iter().collect()).collect();
            for (form, signal, request, pieces_of) in FORMS {
                for request in after(signal, &request(&pieces)) {
                    let left = pieces_of(&request).concat();
                    let (front, back) = text.split_once(' ').expect("words");
                    let back = back.rsplit(' ').next().unwrap_or_default();
                    let leaked = letters.windows(8).any(|window| {
                        let window: String = window.iter().collect();
                        left.contains(&window) && !whole.contains(&window)
                    });
                    if leaked || !left.starts_with(front) || !left.ends_with(back) {
                        faults.push(format!("{form} of {len}: {left:?}"));
                    }
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}\n{} faults", faults.join("\n"), faults.len());
}

#[test]
fn pieces_without_a_secret_stay() {
    let texts = ["the id is 0af7651916cd43dd8448eb211c80319c, ", "count the tokens: 12, ", "ok. "];
    let words: String = texts.concat().repeat(5);
    for len in [3, 7, 20] {
        let letters: Vec<char> = words.chars().collect();
        let pieces: Vec<String> = letters.chunks(len).map(|c| c.iter().collect()).collect();
        for (form, signal, request, pieces_of) in FORMS {
            for request in after(signal, &request(&pieces)) {
                assert_eq!(pieces_of(&request), pieces, "{form} of {len}");
            }
        }
    }
}
