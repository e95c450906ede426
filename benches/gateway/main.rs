//! CPU time of the whole gateway process to pass a request on, with all packed rules
//! and without any, by what the request holds.
//!
//! The requests of [`workload`] go over gRPC to two processes of the built program
//! (or of `OTEL_REDACT_BIN`) that differ in their rules alone, in rounds that take
//! turns; both send to one upstream in here. What is counted is what the kernel
//! charged each process: reading, scrubbing and sending, not what the sender and the
//! upstream cost. The time that requests take is deliberately not measured: on a
//! machine that all of them share, it says little.
//!
//! Before anything is counted, each request must arrive as the very bytes that were
//! sent, and a secret must be gone behind all rules, so that a gateway that got cheap
//! by doing less fails here instead of winning.
//!
//! Beside that, how much goes through a gateway whose senders wait for the upstream and
//! through one with a queue on disk, until the upstream has all of it. There the time
//! is measured, with both in one run.
//!
//! `--test` checks, and counts nothing. Linux only: it reads `/proc`.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::convert::Infallible;
use std::io::BufRead;
use std::io::BufReader;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::logs::v1::ScopeLogs;
use otel_redact::scrub::Signal;
use otel_redact::scrub::rule::template;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::workload::WORKLOADS;

mod workload;

/// The processor of the gateway that is measured, and of the one beside it.
const ALL_RULES: &str = "scrubber: {}";
const NO_RULES: &str = "scrubber: {disable: ['*']}";

/// Rounds per gateway and workload; the median counts.
const ROUNDS: usize = 5;
/// A round ends when the gateway has used this much: 100 ticks of the clock that it
/// is read from.
const ROUND_CPU_MIN: Duration = Duration::from_secs(1);
/// Requests between two looks at that clock.
const REQUESTS_PER_LOOK: u32 = 80;
/// Requests that are under way at once.
const REQUESTS_AT_ONCE: u32 = 4;

/// Senders that wait at once where throughput is measured, and what they send together.
const SENDERS: u32 = 64;
const REQUESTS_PER_ROUND: u32 = 2048;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let is_test = std::env::args().any(|argument| argument == "--test");
    let upstream = Upstream::start().await;
    let all = Gateway::start(ALL_RULES, upstream.address, None);
    let none = Gateway::start(NO_RULES, upstream.address, None);
    let disk = tempfile::tempdir().expect("a folder");
    let durable = Gateway::start(ALL_RULES, upstream.address, Some(disk.path()));

    let secret = template::expand("ghp_{base62:36}", 1).expect("a template");
    let dirty = Load::new(Signal::Logs, &log_record(&format!("push with {secret} failed")));
    for (gateway, arrives) in [(&all, false), (&none, true)] {
        gateway.send(&dirty, 1).await;
        let found = memchr::memmem::find(&upstream.last(), secret.as_bytes());
        assert_eq!(found.is_some(), arrives, "a secret is masked, where there are rules");
    }
    let loads = WORKLOADS.map(|workload| {
        let (signal, request) = workload::request(workload);
        (workload, Load::new(signal, &request))
    });
    for (workload, load) in &loads {
        for gateway in [&all, &none] {
            gateway.send(load, REQUESTS_AT_ONCE).await;
            assert_eq!(upstream.last(), load.body, "{workload}: clean requests arrive as sent");
        }
    }
    for (_, load) in &loads {
        durable.throughput(load, &upstream, REQUESTS_AT_ONCE).await;
        assert_eq!(upstream.last(), load.body, "what was queued arrives as sent");
    }
    if is_test {
        return;
    }

    println!("CPU time of the gateway process, the median of {ROUNDS} rounds");
    println!("workload    bytes   all rules             no rules              ratio");
    for (workload, load) in &loads {
        let mut costs = [const { Vec::new() }; 2];
        for _ in 0..ROUNDS {
            for (gateway, costs) in [&all, &none].into_iter().zip(&mut costs) {
                costs.push(gateway.cost(load).await);
            }
        }
        let [all, none] = costs.map(median);
        let bytes = load.body.len();
        let shown =
            |cost: f64| format!("{:6.0} µs {:6.2} ns/byte", cost / 1e3, cost / bytes as f64);
        println!("{workload:8} {bytes:8}  {}  {}  {:5.2}", shown(all), shown(none), all / none);
    }

    println!("\nrequests in a second, {SENDERS} at once, the median of {ROUNDS} rounds");
    println!("workload    bytes   direct  on disk   ratio");
    for (workload, load) in &loads {
        let mut rates = [const { Vec::new() }; 2];
        for _ in 0..ROUNDS {
            for (gateway, rates) in [&all, &durable].into_iter().zip(&mut rates) {
                rates.push(gateway.throughput(load, &upstream, REQUESTS_PER_ROUND).await);
            }
        }
        let [direct, on_disk] = rates.map(median);
        let bytes = load.body.len();
        println!("{workload:8} {bytes:8}  {direct:7.0}  {on_disk:7.0}  {:5.2}", on_disk / direct);
    }
}

fn median(mut costs: Vec<f64>) -> f64 {
    costs.sort_by(f64::total_cmp);
    costs.get(costs.len() / 2).copied().expect("at least one round")
}

/// A request with one log record.
fn log_record(body: &str) -> Vec<u8> {
    let body = Some(AnyValue { value: Some(Value::StringValue(body.to_owned())) });
    let log_records = vec![LogRecord { body, ..LogRecord::default() }];
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    ExportLogsServiceRequest { resource_logs }.encode_to_vec()
}

/// A request that is sent again and again.
#[derive(Clone)]
struct Load {
    path: &'static str,
    /// A gRPC message behind its prefix.
    body: Bytes,
}

impl Load {
    fn new(signal: Signal, request: &[u8]) -> Self {
        let path = match signal {
            Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
            _ => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        };
        Self { path, body: framed(request) }
    }
}

fn framed(message: &[u8]) -> Bytes {
    let len = u32::try_from(message.len()).expect("a request of less than 4 GiB").to_be_bytes();
    [&[0], &len[..], message].concat().into()
}

/// A process of the program, and a connection to it.
struct Gateway {
    process: Child,
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Gateway {
    /// `disk`: where its queue is, if it has one.
    fn start(scrubber: &str, upstream: SocketAddr, disk: Option<&Path>) -> Self {
        let (extension, queue, started) = match disk {
            None => (String::new(), "", ""),
            Some(disk) => (
                format!("extensions: {{file_storage: {{directory: '{}'}}}}", disk.display()),
                "sending_queue: {storage: file_storage, queue_size: 100000}",
                "extensions: [file_storage]",
            ),
        };
        let yaml = format!(
            "
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:0'}}}}}}}}
processors: {{{scrubber}}}
exporters:
  otlp_grpc:
    endpoint: {upstream}
    tls: {{insecure: true}}
    compression: none
    retry_on_failure: {{enabled: false}}
    {queue}
{extension}
service:
  {started}
  telemetry: {{metrics: {{level: none}}, logs: {{encoding: json}}}}
  pipelines:
    traces: {{receivers: [otlp], processors: [scrubber], exporters: [otlp_grpc]}}
    logs: {{receivers: [otlp], processors: [scrubber], exporters: [otlp_grpc]}}
"
        );
        let binary = std::env::var("OTEL_REDACT_BIN");
        let binary = binary.unwrap_or_else(|_| env!("CARGO_BIN_EXE_otel-redact").to_owned());
        let mut process = Command::new(binary)
            .arg("--config=env:BENCH_CONFIG")
            .env("BENCH_CONFIG", yaml)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = BufReader::new(process.stderr.take().expect("it is piped"));
        let (sender, receiver) = std::sync::mpsc::channel();
        // Reads to the end, lest the gateway waits for someone to take its log.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let entry: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
                match entry.get("address").and_then(|address| address.as_str()) {
                    Some(address) => drop(sender.send(address.parse())),
                    None if entry.get("level").is_some_and(|level| level == "info") => {}
                    None => println!("{line}"),
                }
            }
        });
        let address = receiver.recv().expect("the gateway listens").expect("an address");
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        Self { process, address, client }
    }

    /// CPU time for one request, in ns.
    async fn cost(&self, load: &Load) -> f64 {
        let before = self.cpu();
        let mut requests = 0;
        loop {
            self.send(load, REQUESTS_PER_LOOK).await;
            requests += REQUESTS_PER_LOOK;
            let used = self.cpu().saturating_sub(before);
            if ROUND_CPU_MIN <= used {
                return used.as_nanos() as f64 / f64::from(requests);
            }
        }
    }

    /// Requests in a second, until the upstream has `count` of them.
    async fn throughput(&self, load: &Load, upstream: &Upstream, count: u32) -> f64 {
        let before = upstream.count.load(Ordering::Relaxed);
        let begun = Instant::now();
        self.send_at_once(load, count, SENDERS).await;
        while upstream.count.load(Ordering::Relaxed) < before + u64::from(count) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        f64::from(count) / begun.elapsed().as_secs_f64()
    }

    /// Sends a request `count` times.
    async fn send(&self, load: &Load, count: u32) {
        self.send_at_once(load, count, REQUESTS_AT_ONCE).await;
    }

    async fn send_at_once(&self, load: &Load, count: u32, at_once: u32) {
        let mut senders = JoinSet::new();
        let at_once = at_once.min(count);
        for _ in 0..at_once {
            let (client, address, load) = (self.client.clone(), self.address, load.clone());
            senders.spawn(async move {
                for _ in 0..count / at_once {
                    let request = http::Request::post(format!("http://{address}{}", load.path))
                        .version(http::Version::HTTP_2)
                        .header("content-type", "application/grpc")
                        .header("te", "trailers")
                        .body(Full::new(load.body.clone()))
                        .expect("a request");
                    let (parts, body) =
                        client.request(request).await.expect("an answer").into_parts();
                    let body = body.collect().await.expect("a body");
                    let status = body.trailers().unwrap_or(&parts.headers).get("grpc-status");
                    assert_eq!(status.map(HeaderValue::as_bytes), Some(&b"0"[..]));
                }
            });
        }
        while let Some(sent) = senders.join_next().await {
            sent.expect("every request is accepted");
        }
    }

    /// What the process has used so far, all threads, in the program and for it in
    /// the kernel.
    fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()));
        let stat = stat.expect("the process runs");
        // `utime` and `stime`, fields 14 and 15 of proc_pid_stat(5); the name, which
        // may hold anything, ends with the last parenthesis and is the second.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|field| field.parse::<u64>().expect("a number")).sum();
        // USER_HZ is 100 wherever Rust runs on Linux.
        Duration::from_millis(10 * ticks)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An upstream that accepts everything and keeps the last of it.
struct Upstream {
    address: SocketAddr,
    last: Arc<Mutex<Bytes>>,
    /// Requests that came.
    count: Arc<AtomicU64>,
}

impl Upstream {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let last = Arc::new(Mutex::default());
        let kept = Arc::clone(&last);
        let count = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, counted) = (Arc::clone(&kept), Arc::clone(&counted));
                let service = service_fn(move |request| {
                    let (kept, counted) = (Arc::clone(&kept), Arc::clone(&counted));
                    answer(request, kept, counted)
                });
                let served = http2::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(served);
            }
        });
        Self { address, last, count }
    }

    /// The last body that arrived.
    fn last(&self) -> Bytes {
        self.last.lock().expect("nobody panics with it").clone()
    }
}

async fn answer(
    request: http::Request<Incoming>,
    last: Arc<Mutex<Bytes>>,
    count: Arc<AtomicU64>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    let body = request.into_body().collect().await?.to_bytes();
    *last.lock().expect("nobody panics with it") = body;
    count.fetch_add(1, Ordering::Relaxed);
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    // `partial_success`, empty: all was accepted.
    let body = Full::new(framed(&[0x0a, 0x00]))
        .with_trailers(std::future::ready(Some(Ok(trailers))))
        .boxed();
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static("application/grpc");
    response.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
    Ok(response)
}
