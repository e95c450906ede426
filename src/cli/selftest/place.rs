//! The places of a request in which a text can stand.
//!
//! For each signal there is one small request in which everything that can hold a text
//! holds something harmless; a place is where in it a canary is planted. What stands
//! around the canary must arrive as it was.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::json;

use crate::scrub::Signal;

/// One place.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli::selftest) struct Place {
    /// What it carries.
    pub(in crate::cli::selftest) signal: Signal,
    /// Its name in the report.
    pub(in crate::cli::selftest) name: &'static str,
    /// Where it is: a JSON pointer into the request.
    at: &'static str,
    /// What stands there.
    slot: Slot,
}

/// What a canary is planted in.
#[derive(Clone, Copy, Debug)]
enum Slot {
    /// A string, with no key of its own.
    Text,
    /// A list of attributes; the canary becomes the last one.
    Attribute(Shape),
    /// A value without a key; a map in it has keys.
    Value(Shape),
    /// A list of attributes, in the key of which it stands.
    Key,
}

/// How a value holds a text.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// As a string.
    Text,
    /// As the first of several strings.
    Array,
    /// In a map in a list in a map.
    Map,
    /// As bytes.
    Bytes,
}

const SPAN: &str = "/resourceSpans/0/scopeSpans/0/spans/0";

/// Every place.
pub(in crate::cli::selftest) const PLACES: &[Place] = &[
    traces("span attribute", "attributes", Slot::Attribute(Shape::Text)),
    traces("span attribute, array", "attributes", Slot::Attribute(Shape::Array)),
    traces("span attribute, map", "attributes", Slot::Attribute(Shape::Map)),
    traces("span attribute, bytes", "attributes", Slot::Attribute(Shape::Bytes)),
    traces("span attribute, key", "attributes", Slot::Key),
    traces("span name", "name", Slot::Text),
    traces("trace state", "traceState", Slot::Text),
    traces("status message", "status/message", Slot::Text),
    traces("event name", "events/0/name", Slot::Text),
    traces("event attribute", "events/0/attributes", Slot::Attribute(Shape::Text)),
    traces("event attribute, map", "events/0/attributes", Slot::Attribute(Shape::Map)),
    traces("link attribute", "links/0/attributes", Slot::Attribute(Shape::Text)),
    traces("link trace state", "links/0/traceState", Slot::Text),
    traces("resource attribute", "../../resource/attributes", Slot::Attribute(Shape::Text)),
    traces("scope attribute", "../scope/attributes", Slot::Attribute(Shape::Text)),
    traces("scope name", "../scope/name", Slot::Text),
    traces("schema URL", "../schemaUrl", Slot::Text),
    logs("body", "body", Slot::Value(Shape::Text)),
    logs("body, array", "body", Slot::Value(Shape::Array)),
    logs("body, map", "body", Slot::Value(Shape::Map)),
    logs("body, bytes", "body", Slot::Value(Shape::Bytes)),
    logs("log attribute", "attributes", Slot::Attribute(Shape::Text)),
    logs("log attribute, map", "attributes", Slot::Attribute(Shape::Map)),
    logs("log attribute, array", "attributes", Slot::Attribute(Shape::Array)),
    logs("log event name", "eventName", Slot::Text),
    logs("severity text", "severityText", Slot::Text),
    logs("resource attribute", "../../resource/attributes", Slot::Attribute(Shape::Map)),
    logs("scope attribute", "../scope/attributes", Slot::Attribute(Shape::Array)),
    logs("scope version", "../scope/version", Slot::Text),
    metrics("metric name", "name", Slot::Text),
    metrics("metric description", "description", Slot::Text),
    metrics("metric unit", "unit", Slot::Text),
    metrics("data point attribute", POINT_ATTRIBUTES, Slot::Attribute(Shape::Text)),
    metrics("data point attribute, array", POINT_ATTRIBUTES, Slot::Attribute(Shape::Array)),
    metrics("exemplar attribute", EXEMPLAR_ATTRIBUTES, Slot::Attribute(Shape::Text)),
    metrics("exemplar attribute, map", EXEMPLAR_ATTRIBUTES, Slot::Attribute(Shape::Map)),
    metrics("metric metadata", "metadata", Slot::Attribute(Shape::Text)),
    metrics("resource attribute", "../../resource/attributes", Slot::Attribute(Shape::Array)),
    metrics("scope attribute", "../scope/attributes", Slot::Attribute(Shape::Text)),
    profiles("string table", "/dictionary/stringTable/1", Slot::Text),
    profiles("attribute table", "/dictionary/attributeTable/0/value", Slot::Value(Shape::Text)),
    profiles("attribute table, map", "/dictionary/attributeTable/0/value", Slot::Value(Shape::Map)),
    profiles(
        "resource attribute",
        "/resourceProfiles/0/resource/attributes",
        Slot::Attribute(Shape::Text),
    ),
    profiles("scope name", "/resourceProfiles/0/scopeProfiles/0/scope/name", Slot::Text),
];

const POINT_ATTRIBUTES: &str = "sum/dataPoints/0/attributes";
const EXEMPLAR_ATTRIBUTES: &str = "sum/dataPoints/0/exemplars/0/filteredAttributes";

const fn traces(name: &'static str, at: &'static str, slot: Slot) -> Place {
    Place { signal: Signal::Traces, name, at, slot }
}

const fn logs(name: &'static str, at: &'static str, slot: Slot) -> Place {
    Place { signal: Signal::Logs, name, at, slot }
}

const fn metrics(name: &'static str, at: &'static str, slot: Slot) -> Place {
    Place { signal: Signal::Metrics, name, at, slot }
}

const fn profiles(name: &'static str, at: &'static str, slot: Slot) -> Place {
    Place { signal: Signal::Profiles, name, at, slot }
}

/// A key that says nothing.
const PLAIN_KEY: &str = "selftest.note";

impl Place {
    /// Whether what stands here stands under a key.
    pub(in crate::cli::selftest) fn is_keyed(&self) -> bool {
        matches!(self.slot, Slot::Attribute(_) | Slot::Value(Shape::Map))
    }

    /// Whether bytes that are no text can stand here.
    pub(in crate::cli::selftest) fn takes_bytes(&self) -> bool {
        matches!(self.slot, Slot::Attribute(Shape::Bytes) | Slot::Value(Shape::Bytes))
    }

    /// Whether the place itself is a key.
    pub(in crate::cli::selftest) fn is_key(&self) -> bool {
        matches!(self.slot, Slot::Key)
    }

    /// A request with `planted` in it, under `key` if the place has one, and a pointer
    /// to the string that holds it (in base64, where the place is one of bytes).
    pub(in crate::cli::selftest) fn request(
        &self,
        number: usize,
        key: Option<&str>,
        planted: &[u8],
    ) -> (Value, String) {
        let mut request = base(self.signal, number);
        let at = self.pointer();
        let key = key.unwrap_or(PLAIN_KEY);
        let text = String::from_utf8_lossy(planted).into_owned();
        let slot = request.pointer_mut(&at);
        let leaf = match (self.slot, slot) {
            (Slot::Text, Some(slot)) => {
                *slot = Value::String(text);
                at
            }
            (Slot::Value(shape), Some(slot)) => {
                let (value, leaf) = shape.value(key, planted);
                *slot = value;
                format!("{at}{leaf}")
            }
            (Slot::Attribute(shape), Some(Value::Array(attributes))) => {
                let (value, leaf) = shape.value(key, planted);
                let last = attributes.len();
                attributes.push(json!({ "key": key, "value": value }));
                format!("{at}/{last}/value{leaf}")
            }
            (Slot::Key, Some(Value::Array(attributes))) => {
                let last = attributes.len();
                attributes.push(json!({ "key": text, "value": { "boolValue": true } }));
                format!("{at}/{last}/key")
            }
            (Slot::Attribute(_) | Slot::Key, Some(_)) | (_, None) => at,
        };
        (request, leaf)
    }

    /// The absolute pointer: each `..` goes one message up from the item.
    fn pointer(&self) -> String {
        let item = match self.signal {
            Signal::Traces => SPAN,
            Signal::Logs => "/resourceLogs/0/scopeLogs/0/logRecords/0",
            Signal::Metrics => "/resourceMetrics/0/scopeMetrics/0/metrics/0",
            Signal::Profiles => return self.at.to_owned(),
        };
        let mut parts: Vec<&str> = item.split('/').collect();
        for part in self.at.split('/') {
            match part {
                ".." => {
                    parts.pop();
                    // The list of which the message is an element.
                    if parts.last().is_some_and(|last| last.parse::<usize>().is_err()) {
                        parts.pop();
                    }
                }
                part => parts.push(part),
            }
        }
        parts.join("/")
    }
}

impl Shape {
    /// A value that holds `planted`, and where in it.
    fn value(self, key: &str, planted: &[u8]) -> (Value, &'static str) {
        let text = json!({ "stringValue": String::from_utf8_lossy(planted) });
        match self {
            Self::Text => (text, "/stringValue"),
            Self::Bytes => (json!({ "bytesValue": STANDARD.encode(planted) }), "/bytesValue"),
            Self::Array => {
                // All elements stand under the key: beside a secret, none is clean.
                let values = match key {
                    PLAIN_KEY => vec![text, json!({ "stringValue": "stays" })],
                    _ => vec![text],
                };
                (json!({ "arrayValue": { "values": values } }), "/arrayValue/values/0/stringValue")
            }
            Self::Map => {
                let inner = json!({ "kvlistValue": { "values": [
                    { "key": "at", "value": { "intValue": "7" } },
                    { "key": key, "value": text },
                ] } });
                let list = json!({ "arrayValue": { "values": [{ "boolValue": true }, inner] } });
                let outer = json!({ "kvlistValue": { "values": [
                    { "key": "list", "value": list },
                    { "key": "stays", "value": { "stringValue": "as it is" } },
                ] } });
                let leaf = "/kvlistValue/values/0/value/arrayValue/values/1\
                            /kvlistValue/values/1/value/stringValue";
                (outer, leaf)
            }
        }
    }
}

/// The key of the attribute that holds a case's number.
pub(in crate::cli::selftest) const NUMBER_KEY: &str = "selftest.case";

/// A request of `signal` in which nothing is secret, marked with `number`.
fn base(signal: Signal, number: usize) -> Value {
    let resource = json!({ "attributes": [
        { "key": NUMBER_KEY, "value": { "intValue": number.to_string() } },
        { "key": "service.name", "value": { "stringValue": "selftest" } },
    ] });
    let scope = json!({ "name": "selftest", "version": "1.0", "attributes": [] });
    let attributes = json!([
        { "key": "gen_ai.usage.input_tokens", "value": { "intValue": "1234" } },
        { "key": "vcs.ref.head.name", "value": { "stringValue": "main" } },
    ]);
    let (time, trace, span) =
        ("1767225600000000000", "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174");
    // The generated types want every field of a profile.
    let profile = json!({ "samples": [], "timeUnixNano": 0, "durationNano": 0, "period": 0,
        "profileId": trace, "droppedAttributesCount": 0, "originalPayloadFormat": "",
        "originalPayload": [], "attributeIndices": [] });
    match signal {
        Signal::Traces => json!({ "resourceSpans": [{ "resource": resource, "scopeSpans": [{
            "scope": scope, "schemaUrl": "", "spans": [{
                "traceId": trace, "spanId": span, "parentSpanId": "", "traceState": "a=1",
                "name": "chat", "kind": 3, "startTimeUnixNano": time, "endTimeUnixNano": time,
                "attributes": attributes, "status": { "message": "", "code": 2 },
                "events": [{ "timeUnixNano": time, "name": "exception", "attributes": [] }],
                "links": [{ "traceId": trace, "spanId": span, "traceState": "",
                            "attributes": [] }],
            }] }] }] }),
        Signal::Logs => json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{
            "scope": scope, "logRecords": [{
                "timeUnixNano": time, "observedTimeUnixNano": time, "severityNumber": 17,
                "severityText": "ERROR", "body": { "stringValue": "it failed" },
                "attributes": attributes, "traceId": trace, "spanId": span, "eventName": "",
            }] }] }] }),
        Signal::Metrics => json!({ "resourceMetrics": [{ "resource": resource, "scopeMetrics": [{
            "scope": scope, "metrics": [{
                "name": "tokens", "description": "how many", "unit": "{token}", "metadata": [],
                "sum": { "aggregationTemporality": 2, "isMonotonic": true, "dataPoints": [{
                    "startTimeUnixNano": time, "timeUnixNano": time, "asInt": "42",
                    "attributes": attributes, "exemplars": [{ "timeUnixNano": time, "asInt": "1",
                        "traceId": trace, "spanId": span, "filteredAttributes": [] }] }] },
            }] }] }] }),
        Signal::Profiles => json!({ "resourceProfiles": [{ "resource": resource,
            "schemaUrl": "", "scopeProfiles": [{ "scope": scope, "schemaUrl": "",
                "profiles": [profile] }] }],
            "dictionary": { "mappingTable": [], "locationTable": [], "functionTable": [],
                "linkTable": [], "stackTable": [], "stringTable": ["", "main", "cpu"],
                "attributeTable": [{ "keyStrindex": 2, "unitStrindex": 0,
                    "value": { "stringValue": "x" } }] },
        }),
    }
}
