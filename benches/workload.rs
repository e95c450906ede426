//! The requests that benches send: captured ones (`tests/data/traffic`), joined to
//! about 100 KB.
//!
//! Requests of one signal are joined by writing one behind the other: what repeats in
//! a protobuf message is appended.

use otel_redact::scrub::Signal;

/// What a request holds: web spans, agent traces with JSON in JSON, log records.
pub(crate) const WORKLOADS: [&str; 3] = ["web", "agent", "logs"];

/// Requests are joined until they are this long, in bytes.
const LEN_MIN: usize = 100_000;

/// A request of [`LEN_MIN`] bytes and more that holds no secret.
pub(crate) fn request(workload: &str) -> (Signal, Vec<u8>) {
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
