//! Requests as OTLP/JSON trees, and as the generated types of OpenTelemetry.
//!
//! What arrives is decoded with those types, not with our own walk: it is seen as any
//! backend would see it.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::profiles::v1development::ExportProfilesServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::selftest::place::NUMBER_KEY;
use crate::scrub::Encoding;
use crate::scrub::Signal;

/// The member that holds the resources.
fn resources(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "resourceSpans",
        Signal::Metrics => "resourceMetrics",
        Signal::Logs => "resourceLogs",
        Signal::Profiles => "resourceProfiles",
    }
}

/// One request out of several of one signal. Profiles share a dictionary in a request,
/// so that of them there must be only one.
pub(in crate::cli::selftest) fn joined(signal: Signal, requests: Vec<Value>) -> Value {
    let name = resources(signal);
    let mut requests = requests.into_iter();
    let mut whole = requests.next().unwrap_or_default();
    for mut request in requests {
        let more = request.get_mut(name).and_then(Value::as_array_mut).map(std::mem::take);
        if let Some(Value::Array(own)) = whole.get_mut(name) {
            own.extend(more.unwrap_or_default());
        }
    }
    whole
}

/// The bytes of a request.
///
/// # Errors
///
/// When the tree is no such request.
pub(in crate::cli::selftest) fn encode(
    signal: Signal,
    encoding: Encoding,
    mut tree: Value,
) -> Result<Vec<u8>, serde_json::Error> {
    match (encoding, signal) {
        (Encoding::Json, _) => {
            // Bytes are base64 in OTLP/JSON, not a list as the generated types have it.
            for pointer in ["/resourceProfiles/0/scopeProfiles/0/profiles/0/originalPayload"] {
                if let Some(payload) = tree.pointer_mut(pointer) {
                    *payload = Value::String(String::new());
                }
            }
            serde_json::to_vec(&tree)
        }
        (Encoding::Protobuf, Signal::Traces) => protobuf::<ExportTraceServiceRequest>(tree),
        (Encoding::Protobuf, Signal::Metrics) => protobuf::<ExportMetricsServiceRequest>(tree),
        (Encoding::Protobuf, Signal::Logs) => protobuf::<ExportLogsServiceRequest>(tree),
        (Encoding::Protobuf, Signal::Profiles) => protobuf::<ExportProfilesServiceRequest>(tree),
    }
}

fn protobuf<M: Message + DeserializeOwned>(tree: Value) -> Result<Vec<u8>, serde_json::Error> {
    Ok(serde_json::from_value::<M>(tree)?.encode_to_vec())
}

/// A request as a tree in which every field is spelled the same way, however it came.
/// None: it cannot be read.
pub(in crate::cli::selftest) fn decode(
    signal: Signal,
    encoding: Encoding,
    bytes: &[u8],
) -> Option<Value> {
    match signal {
        Signal::Traces => tree::<ExportTraceServiceRequest>(encoding, bytes),
        Signal::Metrics => tree::<ExportMetricsServiceRequest>(encoding, bytes),
        Signal::Logs => tree::<ExportLogsServiceRequest>(encoding, bytes),
        Signal::Profiles => tree::<ExportProfilesServiceRequest>(encoding, bytes),
    }
}

fn tree<M: Message + Default + DeserializeOwned + Serialize>(
    encoding: Encoding,
    bytes: &[u8],
) -> Option<Value> {
    let message = match encoding {
        Encoding::Protobuf => M::decode(bytes).ok()?,
        Encoding::Json => serde_json::from_slice(bytes).ok()?,
    };
    serde_json::to_value(message).ok()
}

/// The cases in a request, each with its number.
pub(in crate::cli::selftest) fn cases(signal: Signal, tree: Value) -> Vec<(usize, Value)> {
    let name = resources(signal);
    let Value::Object(mut request) = tree else {
        return Vec::new();
    };
    let Some(Value::Array(resources)) = request.remove(name) else {
        return Vec::new();
    };
    let case = |resource: Value| {
        let number = number(&resource)?;
        let mut own = request.clone();
        own.insert(name.to_owned(), Value::Array(vec![resource]));
        Some((number, Value::Object(own)))
    };
    resources.into_iter().filter_map(case).collect()
}

/// The number of the case that a resource is marked with.
fn number(resource: &Value) -> Option<usize> {
    let attributes = resource.pointer("/resource/attributes")?.as_array()?;
    let own = attributes
        .iter()
        .find(|attribute| attribute.get("key").and_then(Value::as_str) == Some(NUMBER_KEY))?;
    own.pointer("/value/intValue")?.as_str()?.parse().ok()
}
