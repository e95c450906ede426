//! Texts that make the most work, and what each costs in times of prose.
//!
//! Each is 1 MiB of one thing over and over, in the body of a log record, with a token
//! at its end: it must be gone before anything is timed, be it masked by itself or, where
//! a text takes too much work to search, with all of the text.

use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use divan::Bencher;
use divan::black_box;
use divan::counter::BytesCount;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::logs::v1::ScopeLogs;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Request;
use otel_redact::scrub::Scrubber;
use otel_redact::scrub::Settings;
use otel_redact::scrub::Signal;
use otel_redact::scrub::rule::template;
use prost::Message;

/// How long each text is, in bytes.
const LEN: usize = 1 << 20;

/// What people write; the others are measured against it.
const PROSE: &str = "The deploy of Tuesday went well; four of the services were slow at first, \
                     and the one behind them answered late. ";

/// The texts, by what is repeated.
const TEXTS: [&str; 21] = [
    PROSE,
    "a",
    "A",
    "=",
    "ey",
    "eyJ",
    "\"",
    "\\",
    "\\\"",
    "%25",
    "password",
    "password=",
    "password=\"",
    "<password ",
    "secret\\\"",
    "secret: [",
    "cookie: a=b; ",
    "7Q~8Q~",
    "://a@",
    "AKIA",
    "QUFBQUFBQUFB",
];

#[divan::bench(args = TEXTS, sample_count = 3, sample_size = 1)]
fn worst(bencher: Bencher<'_, '_>, text: &str) {
    let (scrubber, request) = prepared(text);
    bencher
        .counter(BytesCount::new(request.bytes.len()))
        .bench_local(|| scrubber.scrub(black_box(&request)));
}

/// Prints what each text costs in times of prose.
#[expect(clippy::print_stdout, reason = "the result of a bench")]
pub(crate) fn print_ratios() {
    let prose = fastest(PROSE);
    println!("\nworst: times the cost of prose");
    for text in TEXTS {
        let ratio = fastest(text).as_secs_f64() / prose.as_secs_f64();
        println!("{ratio:8.1}  {text:?}");
    }
}

fn fastest(text: &str) -> Duration {
    let (scrubber, request) = prepared(text);
    let once = || {
        let start = Instant::now();
        let _ = black_box(scrubber.scrub(black_box(&request)));
        start.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

/// The request, once its answer was checked.
fn prepared(text: &str) -> (Scrubber, Request) {
    let scrubber = Scrubber::new(&Settings::default()).expect("the packed rules compile");
    let token = template::expand("ghp_{base62:36}", 1).expect("a template");
    let body = text.repeat(LEN / text.len()) + " " + &token;
    let record = LogRecord {
        body: Some(AnyValue { value: Some(Value::StringValue(body)) }),
        ..LogRecord::default()
    };
    let scope = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
    let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
    let message = ExportLogsServiceRequest { resource_logs: vec![resource] };
    let bytes = Bytes::from(message.encode_to_vec());
    let request = Request { signal: Signal::Logs, encoding: Encoding::Protobuf, bytes };
    let (scrubbed, _) = scrubber.scrub(&request).expect("a well-formed request");
    let found = memchr::memmem::find(scrubbed.bytes(), token.as_bytes());
    assert_eq!(found, None, "the token behind {text:?} is gone");
    (scrubber, request)
}
