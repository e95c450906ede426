//! The requests that benches send: captured ones (`tests/data/traffic`), joined to
//! about 100 KB.
//!
//! Requests of one signal are joined by writing one behind the other: what repeats in
//! a protobuf message is appended.
#![allow(clippy::indexing_slicing, reason = "a bench may panic")]
#![allow(dead_code, reason = "each bench uses its part")]

use std::ops::Range;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::logs::v1::ScopeLogs;
use otel_redact::scrub::Signal;
use otel_redact::scrub::rule::template;
use prost::Message;
use prost::encoding::WireType;

/// What a request holds: web spans, agent traces with JSON in JSON, log records.
pub(crate) const WORKLOADS: [&str; 3] = ["web", "agent", "logs"];

/// Requests are joined until they are this long, in bytes.
const LEN_MIN: usize = 100_000;

/// A request of [`LEN_MIN`] bytes and more that holds no secret; `tiny` is one span.
fn request(workload: &str) -> (Signal, Vec<u8>) {
    if workload == "tiny" {
        return (Signal::Traces, one_span());
    }
    let (signal, files): (_, &[&str]) = match workload {
        "web" => (
            Signal::Traces,
            &[
                "py-web.traces.1",
                "node-web-proto.traces.1",
                "java-grpc.traces.1",
                "go-grpc.traces.1",
            ],
        ),
        "agent" => (Signal::Traces, &["py-long-agent.traces.1"]),
        _ => (
            Signal::Logs,
            &["py-web.logs.1", "node-web-proto.logs.1", "java-grpc.logs.1", "go-grpc.logs.1"],
        ),
    };
    let mut joined = Vec::new();
    while joined.len() < LEN_MIN {
        for file in files {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/traffic");
            joined.extend(std::fs::read(format!("{folder}/{file}.binpb")).expect("a request"));
        }
    }
    (signal, joined)
}

/// The first span of the web requests.
fn one_span() -> Vec<u8> {
    let (_, web) = request("web");
    let mut request = ExportTraceServiceRequest::decode(&*web).expect("protobuf");
    request.resource_spans.truncate(1);
    for resource in &mut request.resource_spans {
        resource.scope_spans.truncate(1);
        resource.scope_spans.iter_mut().for_each(|scope| scope.spans.truncate(1));
    }
    request.encode_to_vec()
}

/// A request that is new each time: every number in its texts is another one.
///
/// Words stay, as they do from request to request: keys, methods, names of hosts. Texts in
/// which a number stands are told apart by it, and most of them have one.
#[derive(Clone)]
pub(crate) struct Renumbered {
    request: Vec<u8>,
    /// Where the digits are.
    digits: Vec<usize>,
    round: u64,
}

impl Renumbered {
    /// The same for the same `request`.
    pub(crate) fn new(request: &[u8]) -> Self {
        let mut digits = Vec::new();
        find_digits(request, 0, &mut digits);
        Self { request: request.to_vec(), digits, round: 0 }
    }

    /// The next one. Each digit is exchanged for another one throughout, so that what is the
    /// same in one text and another stays the same.
    pub(crate) fn next(&mut self) -> Vec<u8> {
        self.round += 1;
        // A permutation of the ten digits for each round (factorial number system), far from
        // the one before it: 3,628,800 is ten factorial, and the factor prime to it.
        let mut number = self.round.wrapping_mul(1_299_709) % 3_628_800;
        let mut left = b"0123456789".to_vec();
        let places = (1..=10).rev();
        let exchanged: Vec<u8> = places
            .map(|places| {
                let digit = left.remove((number % places) as usize);
                number /= places;
                digit
            })
            .collect();
        let mut request = self.request.clone();
        for at in &self.digits {
            let byte = &mut request[*at];
            *byte = exchanged[usize::from(*byte - b'0')];
        }
        request
    }
}

/// Adds where digits stand in the texts of a message at `at`: in what is no message itself.
fn find_digits(message: &[u8], at: usize, digits: &mut Vec<usize>) {
    match fields(message) {
        Some(fields) => {
            for field in fields {
                find_digits(&message[field.clone()], at + field.start, digits);
            }
        }
        None => {
            let found = message.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit());
            digits.extend(found.map(|(offset, _)| at + offset));
        }
    }
}

/// The length-delimited fields of what may be a protobuf message; `None`: it is none.
fn fields(message: &[u8]) -> Option<Vec<Range<usize>>> {
    let mut fields = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let (number, wire_type) = prost::encoding::decode_key(&mut rest).ok()?;
        let len = match wire_type {
            WireType::Varint => prost::encoding::decode_varint(&mut rest).map(|_| 0).ok()?,
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => {
                let len = prost::encoding::decode_varint(&mut rest).ok()?.try_into().ok()?;
                let start = message.len() - rest.len();
                fields.push(start..start + len);
                len
            }
            WireType::StartGroup | WireType::EndGroup => return None,
        };
        // Messages of OTLP have fewer fields than these.
        rest = rest.get(len..).filter(|_| number <= 40)?;
    }
    Some(fields)
}

/// A request with one log record.
pub(crate) fn log_record(body: &str) -> (Signal, Vec<u8>) {
    let body = Some(AnyValue { value: Some(Value::StringValue(body.to_owned())) });
    let log_records = vec![LogRecord { body, ..LogRecord::default() }];
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    (Signal::Logs, ExportLogsServiceRequest { resource_logs }.encode_to_vec())
}

/// A workload with a secret in one record of
/// `secret_every` (0: none), and those secrets.
pub(crate) fn planted(workload: &str, secret_every: usize) -> (Signal, Vec<u8>, Vec<String>) {
    let (signal, joined) = request(workload);
    if secret_every == 0 {
        return (signal, joined, Vec::new());
    }
    let mut secrets = Vec::new();
    let mut plant = |record: usize, attributes: &mut Vec<KeyValue>| {
        if record % secret_every == secret_every / 2 {
            let token = template::expand("ghp_{base62:36}", record as u64).expect("a template");
            let text = format!("push with {token} failed");
            let value = Some(AnyValue { value: Some(Value::StringValue(text)) });
            attributes.push(KeyValue { key: "detail".into(), value, ..KeyValue::default() });
            secrets.push(token);
        }
    };
    let bytes = match signal {
        Signal::Logs => {
            let mut request = ExportLogsServiceRequest::decode(&*joined).expect("protobuf");
            let scopes = request.resource_logs.iter_mut().flat_map(|r| &mut r.scope_logs);
            let records = scopes.flat_map(|scope| &mut scope.log_records);
            records.enumerate().for_each(|(i, record)| plant(i, &mut record.attributes));
            request.encode_to_vec()
        }
        _ => {
            let mut request = ExportTraceServiceRequest::decode(&*joined).expect("protobuf");
            let scopes = request.resource_spans.iter_mut().flat_map(|r| &mut r.scope_spans);
            let spans = scopes.flat_map(|scope| &mut scope.spans);
            spans.enumerate().for_each(|(i, span)| plant(i, &mut span.attributes));
            request.encode_to_vec()
        }
    };
    if secrets.is_empty() {
        // An agent's request has few records: one of them holds a secret.
        return planted(workload, if secret_every == 2 { 1 } else { 2 });
    }
    (signal, bytes, secrets)
}
