//! Texts that make the most work, and what each costs in times of prose; and texts that
//! people have, full of keys, in nanoseconds a byte.
//!
//! Of the first, each is 1 MiB of one thing over and over, in the body of a log record, with
//! a token at its end: it must be gone before anything is timed, be it masked by itself or,
//! where a text takes too much work to search, with all of the text. Of the others, what is
//! no secret must be left: none is masked whole.

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

/// Of these kinds, 1 MiB of one thing over and over costs at most [`PROMISED_MAX`] times as
/// much as prose: one letter, equals signs, the beginning of a token, the name of a secret,
/// quotes and backslashes, base64 in base64.
const PROMISED: [&str; 9] = [
    "a",
    "A",
    "=",
    "ey",
    "password",
    "\"",
    "\\",
    "QUFBQUFBQUFB",
    "VVZWS1JGSkZWa2RSVlVwRVVrVldSMUZWU2tSU1JWWkhVVlZLUkZKRlZrZFJW",
];

/// How many times the cost of prose these may take.
const PROMISED_MAX: f64 = 4.0;

/// The texts, by what is repeated.
const TEXTS: [&str; 47] = [
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
    // Base64 in base64 in base64, and of what names a secret.
    "VVZWS1JGSkZWa2RSVlVwRVVrVldSMUZWU2tSU1JWWkhVVlZLUkZKRlZrZFJW",
    "cGFzc3dvcmQgaXMg",
    "eyJhbGciOiJIUzI1NiJ9.",
    "-----BEGIN PRIVATE KEY-----",
    "Jwt:Key=",
    "code=a&code_verifier=",
    "u=a&password=b&",
    "password=a,b,c,",
    "Server=a;Password=b;",
    "password: YTpi\n",
    "password ",
    "password to ",
    "password%20is%20",
    "%22password%22%3A%22a%22%2C",
    "{\"password\":\"a\"}",
    "\\\"password\\\":\\\"a\\\",",
    "$password = \"a\";\n",
    "privateKey: ",
    "пароль: ",
    "backup codes: ",
    "Cookie: a=b\n",
    "Set-Cookie: a=b; Path=/\n",
    "Authorization: Bearer a\n",
    "Digest username=\"a\", response=\"b\", ",
    "docker login -u a -p b ",
    "machine a login b password c ",
];

/// Texts that people have: a name, how often the pieces are repeated, and the pieces, of
/// which those with a secret come once in ten.
const FULL_OF_KEYS: [(&str, usize, &str, &str); 7] = [
    ("settings", 20, "KEY_{digits:3}={alpha-lower:6}\n", "API_TOKEN={base62:32}\n"),
    (
        "environment",
        50,
        "APP_{alpha-upper:5}_URL=https://{alpha-lower:8}.example/v1\n",
        "DB_PASSWORD=\"{base62:20}\"\n",
    ),
    (
        "requests",
        10,
        "GET /{alpha-lower:6}?page={digits:2} HTTP/1.1\r\nHost: h.example\r\nAccept: */*\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h.example\r\nCookie: sid={base62:32}; theme={base62:12}\r\n\r\n",
    ),
    ("form", 30, "{alpha-lower:6}={alpha-lower:8}&", "client_secret={base62:24}&"),
    ("JSON", 200, "\"{alpha-lower:9}\": {digits:4}, ", "\"apiKey\": \"{base62:32}\", "),
    (
        "log",
        100,
        "level=info user={alpha-lower:6} msg=\"ok\"\n",
        "level=warn password={base62:12} token={base62:24}\n",
    ),
    (
        "shell history",
        100,
        "curl -sS https://h.example/{alpha-lower:8} -o {alpha-lower:5}.json\n",
        "export DB_PASSWORD={base62:16}\n",
    ),
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
    let ratio = |text: &str| fastest(text).as_secs_f64() / prose.as_secs_f64();
    println!("\nworst: times the cost of prose, where {PROMISED_MAX} is promised");
    for text in PROMISED {
        let ratio = ratio(text);
        let verdict = if ratio <= PROMISED_MAX { "" } else { "  more than promised" };
        println!("{ratio:8.1}  {text:?}{verdict}");
    }
    println!("\nworst: times the cost of prose");
    for text in TEXTS {
        println!("{:8.1}  {text:?}", ratio(text));
    }
    println!("\nfull of keys: nanoseconds a byte");
    for (name, repeated, plain, secret) in FULL_OF_KEYS {
        let seeds = 0..10 * repeated as u64;
        let piece = |seed: u64| {
            let template = if seed % 10 == 5 { secret } else { plain };
            template::expand(template, seed).expect("a template")
        };
        let body = seeds.map(piece).collect::<String>();
        let last = piece(9);
        let (scrubber, request) = checked(&body, |scrubbed| holds(scrubbed, &last));
        let nanoseconds = fastest_of(&scrubber, &request).as_nanos() as f64 / body.len() as f64;
        println!("{nanoseconds:8.1}  {name}");
    }
}

fn fastest(text: &str) -> Duration {
    let (scrubber, request) = prepared(text);
    fastest_of(&scrubber, &request)
}

fn fastest_of(scrubber: &Scrubber, request: &Request) -> Duration {
    let once = || {
        let start = Instant::now();
        let _ = black_box(scrubber.scrub(black_box(request)));
        start.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap_or_default()
}

/// The request, once its answer was checked.
fn prepared(text: &str) -> (Scrubber, Request) {
    let token = template::expand("ghp_{base62:36}", 1).expect("a template");
    let body = text.repeat(LEN / text.len()) + " " + &token;
    checked(&body, |scrubbed| !holds(scrubbed, &token))
}

fn holds(scrubbed: &[u8], text: &str) -> bool {
    memchr::memmem::find(scrubbed, text.as_bytes()).is_some()
}

/// A request with this body, of which the answer must be as it should.
fn checked(body: &str, is_right: impl Fn(&[u8]) -> bool) -> (Scrubber, Request) {
    let scrubber = Scrubber::new(&Settings::default()).expect("the packed rules compile");
    let record = LogRecord {
        body: Some(AnyValue { value: Some(Value::StringValue(body.to_owned())) }),
        ..LogRecord::default()
    };
    let scope = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
    let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
    let message = ExportLogsServiceRequest { resource_logs: vec![resource] };
    let bytes = Bytes::from(message.encode_to_vec());
    let request = Request { signal: Signal::Logs, encoding: Encoding::Protobuf, bytes };
    let (scrubbed, _) = scrubber.scrub(&request).expect("a well-formed request");
    let begin = body.get(..16).unwrap_or(body);
    assert!(is_right(scrubbed.bytes()), "what begins with {begin:?} is scrubbed as it should");
    (scrubber, request)
}
