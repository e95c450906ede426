//! Senders as OpenTelemetry SDKs are: each request is tried again until it is
//! acknowledged or refused for good.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use http::HeaderValue;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::logs::v1::ResourceLogs;
use opentelemetry_proto::tonic::logs::v1::ScopeLogs;
use prost::Message;
use tokio::task::JoinSet;

use crate::ledger::Ledger;

/// The path of the logs service.
pub(crate) const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// Items in each request.
pub(crate) const ITEMS: u64 = 5;

/// Requests that are under way at once: more would test this machine.
const UNDER_WAY_MAX: usize = 400;

/// A connection to a gateway.
pub(crate) type Connection = Client<HttpConnector, Full<Bytes>>;

pub(crate) fn connection() -> Connection {
    let mut tcp = HttpConnector::new();
    // As every library of gRPC: else the end of a request waits for the peer's delayed
    // acknowledgement, 40 ms, and counts as in flight all that time.
    tcp.set_nodelay(true);
    Client::builder(TokioExecutor::new()).http2_only(true).build(tcp)
}

/// A request whose records carry `ids` as their time, and `text`.
pub(crate) fn request(ids: &[u64], text: &str) -> Bytes {
    let record = |id: &u64| LogRecord {
        time_unix_nano: *id,
        body: Some(AnyValue { value: Some(Value::StringValue(text.to_owned())) }),
        ..LogRecord::default()
    };
    let log_records = ids.iter().map(record).collect();
    let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
    let resource_logs = vec![ResourceLogs { scope_logs, ..ResourceLogs::default() }];
    let message = ExportLogsServiceRequest { resource_logs }.encode_to_vec();
    let len = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &len[..], &message].concat().into()
}

/// How one attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Ok,
    /// Retryable, with the gRPC code; 0 where the connection broke.
    Later(u32),
    /// The sender's time was over before there was an answer.
    Silence,
    Never(u32),
}

/// Sends once. `timeout` is the sender's deadline, which it also says.
pub(crate) async fn send(client: &Connection, port: u16, body: Bytes, timeout: Duration) -> Answer {
    let request = || {
        http::Request::post(format!("http://127.0.0.1:{port}{LOGS}"))
            .version(http::Version::HTTP_2)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("grpc-timeout", format!("{}m", timeout.as_millis()))
            .body(Full::new(body.clone()))
            .unwrap()
    };
    let answer = async {
        let mut sent = client.request(request()).await;
        if sent.as_ref().is_err_and(was_on_its_way) {
            sent = client.request(request()).await;
        }
        let (parts, body) = sent.map_err(|err| trace(&err)).ok()?.into_parts();
        let body = body.collect().await.map_err(|err| trace(&err)).ok()?;
        let trailers = body.trailers().cloned().unwrap_or_default();
        let status = trailers.get("grpc-status").or(parts.headers.get("grpc-status"));
        let code: u32 = status.map(HeaderValue::to_str)?.ok()?.parse().ok()?;
        let has_details = parts.headers.contains_key("grpc-status-details-bin");
        Some((code, has_details))
    };
    match tokio::time::timeout(timeout, answer).await {
        Err(_) => Answer::Silence,
        Ok(None) => Answer::Later(0),
        Ok(Some((0, _))) => Answer::Ok,
        Ok(Some((code @ (1 | 4 | 10 | 11 | 14 | 15), _))) => Answer::Later(code),
        Ok(Some((8, true))) => Answer::Later(8),
        Ok(Some((code, _))) => Answer::Never(code),
    }
}

/// Whether a connection was closed in an orderly way before the gateway had looked at a
/// request: clients of gRPC send it again by themselves (gRFC A6).
fn was_on_its_way(error: &hyper_util::client::legacy::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = source {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
        }
        source = error.source();
    }
    false
}

/// Why an attempt failed, where somebody wants to know.
fn trace(error: &dyn std::fmt::Debug) {
    if std::env::var_os("FAULTS_TRACE").is_some() {
        println!("{error:?}");
    }
}

/// Requests at a steady rate, until it is stopped.
pub(crate) struct Load {
    pub(crate) ledger: Arc<Ledger>,
    stop: Arc<AtomicBool>,
    senders: tokio::task::JoinHandle<JoinSet<()>>,
}

impl Load {
    /// Sends `per_second` requests to `port`.
    pub(crate) fn start(port: u16, per_second: u32) -> Self {
        Self::to(vec![port], per_second, Arc::default())
    }

    /// The same, to several ports in turn.
    pub(crate) fn to(ports: Vec<u16>, per_second: u32, ledger: Arc<Ledger>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (own, until) = (Arc::clone(&ledger), Arc::clone(&stop));
        let senders = tokio::spawn(async move {
            let mut senders = JoinSet::new();
            let clients: Vec<_> = (0..4).map(|_| connection()).collect();
            let mut clock = tokio::time::interval(Duration::from_secs(1) / per_second);
            let mut turn = 0;
            while !until.load(Ordering::Relaxed) {
                clock.tick().await;
                while senders.try_join_next().is_some() {}
                if UNDER_WAY_MAX <= senders.len() {
                    continue;
                }
                let client = clients[turn % clients.len()].clone();
                let port = ports[turn % ports.len()];
                turn += 1;
                senders.spawn(until_acknowledged(client, port, Arc::clone(&own)));
            }
            senders
        });
        Self { ledger, stop, senders }
    }

    /// Begins no further request, and waits until each was acknowledged or refused, for
    /// at most `limit`; the others are given up.
    pub(crate) async fn finish(self, limit: Duration) -> Arc<Ledger> {
        self.stop.store(true, Ordering::Relaxed);
        let mut senders = self.senders.await.unwrap();
        let all = async { while senders.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(limit, all).await;
        self.ledger
    }
}

async fn until_acknowledged(client: Connection, port: u16, ledger: Arc<Ledger>) {
    let ids = ledger.ids(ITEMS);
    let body = request(&ids, "a line of some application, neither short nor long");
    let mut pause = Duration::from_millis(20);
    let begun = Instant::now();
    loop {
        match send(&client, port, body.clone(), Duration::from_secs(10)).await {
            Answer::Ok => {
                ledger.took(begun.elapsed());
                return ledger.acknowledge(&ids);
            }
            Answer::Never(_) => {
                ledger.refused.fetch_add(1, Ordering::Relaxed);
                return;
            }
            answer @ (Answer::Later(_) | Answer::Silence) => {
                ledger.failed.fetch_add(1, Ordering::Relaxed);
                if matches!(answer, Answer::Later(0) | Answer::Silence) {
                    ledger.unanswered.fetch_add(ITEMS, Ordering::Relaxed);
                }
                trace(&answer);
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(Duration::from_millis(500));
            }
        }
    }
}
