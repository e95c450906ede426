//! Requests that are sent again and again, and what sends them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use clap::ValueEnum;
use http::HeaderValue;
use http::Request;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use tokio::task::JoinSet;

use crate::workload::Renumbered;

/// How requests are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Protocol {
    Grpc,
    /// HTTP/1.1 with protobuf.
    Http,
    /// HTTP/1.1 with JSON.
    Json,
}

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Coding {
    None,
    Gzip,
    Zstd,
}

impl Coding {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }

    fn compress(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::None => bytes.to_vec(),
            Self::Gzip => {
                let mut reader =
                    flate2::read::GzEncoder::new(bytes, flate2::Compression::default());
                let mut compressed = Vec::new();
                std::io::Read::read_to_end(&mut reader, &mut compressed).expect("in memory");
                compressed
            }
            Self::Zstd => zstd::bulk::compress(bytes, 0).expect("in memory"),
        }
    }
}

/// A request.
#[derive(Clone)]
pub(crate) struct Load {
    protocol: Protocol,
    coding: Coding,
    path: &'static str,
    /// As it is sent, behind the prefix of a gRPC message where it is one.
    pub(crate) body: Bytes,
    /// Bytes of the message before it was compressed.
    pub(crate) len: usize,
    /// The message, if another one is to be sent each time.
    renumbered: Option<Arc<Mutex<Renumbered>>>,
}

impl Load {
    pub(crate) fn new(signal: Signal, request: &[u8], protocol: Protocol, coding: Coding) -> Self {
        let is_logs = signal == Signal::Logs;
        let path = match protocol {
            Protocol::Grpc if is_logs => {
                "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
            }
            Protocol::Grpc => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            _ if is_logs => "/v1/logs",
            _ => "/v1/traces",
        };
        let message = match protocol {
            Protocol::Json => otlp::protobuf_to_json(signal, request).expect("a request"),
            _ => request.to_vec(),
        };
        let compressed = coding.compress(&message);
        let body = match protocol {
            Protocol::Grpc => framed(&compressed, coding != Coding::None),
            _ => compressed.into(),
        };
        Self { protocol, coding, path, body, len: message.len(), renumbered: None }
    }

    /// The same with other numbers in it each time; not in JSON, nor compressed.
    pub(crate) fn anew(&self) -> Self {
        let prefix = if self.protocol == Protocol::Grpc { PREFIX } else { 0 };
        let message = self.body.get(prefix..).filter(|message| message.len() == self.len);
        let message = message.filter(|_| self.protocol != Protocol::Json);
        let renumbered = Renumbered::new(message.expect("protobuf that is not compressed"));
        Self { renumbered: Some(Arc::new(Mutex::new(renumbered))), ..self.clone() }
    }

    fn body(&self) -> Bytes {
        let Some(renumbered) = &self.renumbered else { return self.body.clone() };
        let message = renumbered.lock().expect("no sender fails").next();
        match self.protocol {
            Protocol::Grpc => framed(&message, false),
            _ => message.into(),
        }
    }

    fn request(&self, address: SocketAddr) -> Request<Full<Bytes>> {
        let request = Request::post(format!("http://{address}{}", self.path));
        let (request, content_type, encoding) = match self.protocol {
            Protocol::Grpc => (
                request.version(http::Version::HTTP_2).header("te", "trailers"),
                "application/grpc",
                "grpc-encoding",
            ),
            Protocol::Http => (request, "application/x-protobuf", "content-encoding"),
            Protocol::Json => (request, "application/json", "content-encoding"),
        };
        let request = match self.coding {
            Coding::None => request,
            coding => request.header(encoding, coding.name()),
        };
        let request = request.header("content-type", content_type);
        request.body(Full::new(self.body())).expect("a request")
    }
}

/// The length of what stands before a gRPC message.
const PREFIX: usize = 5;

/// A gRPC message behind its prefix.
pub(crate) fn framed(message: &[u8], is_compressed: bool) -> Bytes {
    let len = u32::try_from(message.len()).expect("a request of less than 4 GiB").to_be_bytes();
    [&[u8::from(is_compressed)], &len[..], message].concat().into()
}

/// A client that sends what is small at once, as clients and servers of gRPC do: with
/// Nagle's algorithm requests wait for the acknowledgement of the ones before, up to 40 ms.
pub(crate) fn client(http2: bool) -> Client<HttpConnector, Full<Bytes>> {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).http2_only(http2).build(connector)
}

/// A connection to a gateway (several, over HTTP/1.1).
#[derive(Clone)]
pub(crate) struct Sender {
    address: SocketAddr,
    http1: Client<HttpConnector, Full<Bytes>>,
    http2: Client<HttpConnector, Full<Bytes>>,
}

impl Sender {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, http1: client(false), http2: client(true) }
    }

    /// Sends a request once, and waits until it was accepted.
    async fn send(&self, load: &Load) {
        let client = match load.protocol {
            Protocol::Grpc => &self.http2,
            _ => &self.http1,
        };
        let answer = client.request(load.request(self.address)).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.expect("a body");
        let accepted = match load.protocol {
            Protocol::Grpc => {
                let trailers = body.trailers().unwrap_or(&parts.headers);
                trailers.get("grpc-status").map(HeaderValue::as_bytes) == Some(b"0")
            }
            _ => parts.status.is_success(),
        };
        assert!(accepted, "every request is accepted, not {parts:?} {:?}", body.trailers());
    }

    /// Sends a request `count` times, so many at once.
    pub(crate) async fn send_many(&self, load: &Load, count: u32, at_once: u32) {
        let mut senders = JoinSet::new();
        let at_once = at_once.min(count);
        for _ in 0..at_once {
            let (own, load) = (self.clone(), load.clone());
            senders.spawn(async move {
                for _ in 0..count / at_once {
                    own.send(&load).await;
                }
            });
        }
        while let Some(sent) = senders.join_next().await {
            sent.expect("every request is accepted");
        }
    }

    /// Sends a request `count` times, one each `interval` whether or not those before were
    /// answered. Gives how long each took from when it was due, the shortest first.
    pub(crate) async fn send_at(
        &self,
        load: &Load,
        count: u32,
        interval: Duration,
    ) -> Vec<Duration> {
        let mut senders = JoinSet::new();
        let begun = Instant::now();
        for number in 0..count {
            let due = begun + interval * number;
            tokio::time::sleep_until(due.into()).await;
            let (own, load) = (self.clone(), load.clone());
            senders.spawn(async move {
                own.send(&load).await;
                due.elapsed()
            });
        }
        let mut took = Vec::new();
        while let Some(sent) = senders.join_next().await {
            took.push(sent.expect("every request is accepted"));
        }
        took.sort_unstable();
        took
    }
}
