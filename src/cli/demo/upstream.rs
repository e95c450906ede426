//! The demo's upstream: takes OTLP/HTTP and keeps it.
//!
//! What it received is decoded with the generated types of OpenTelemetry, not with
//! our own walk: it sees what any backend would see.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;

use crate::cli::demo::secrets::Field;

/// The largest request that is kept, in bytes; the demo sends a few thousand.
const REQUEST_BYTES_MAX: usize = 1024 * 1024;

/// Requests, with the path that each was sent to.
type Kept = Arc<Mutex<Vec<(String, Bytes)>>>;

/// A running upstream.
pub(in crate::cli::demo) struct Upstream {
    port: u16,
    kept: Kept,
}

impl Upstream {
    /// Listens at any free port of this machine, as long as the runtime runs.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(in crate::cli::demo) async fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let kept = Kept::default();
        tokio::spawn(accept(listener, kept.clone()));
        Ok(Self { port, kept })
    }

    pub(in crate::cli::demo) fn port(&self) -> u16 {
        self.port
    }

    /// What has arrived so far.
    pub(in crate::cli::demo) fn received(&self) -> Received {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut received = Received::default();
        for (path, bytes) in kept.iter() {
            received.bytes.extend_from_slice(bytes);
            if path == "/v1/traces"
                && let Ok(request) = ExportTraceServiceRequest::decode(bytes.clone())
            {
                let scopes = request.resource_spans.into_iter().flat_map(|one| one.scope_spans);
                received.spans.extend(scopes.flat_map(|scope| scope.spans));
            }
            if path == "/v1/logs"
                && let Ok(request) = ExportLogsServiceRequest::decode(bytes.clone())
            {
                let scopes = request.resource_logs.into_iter().flat_map(|one| one.scope_logs);
                received.records.extend(scopes.flat_map(|scope| scope.log_records));
            }
        }
        received
    }
}

async fn accept(listener: TcpListener, kept: Kept) {
    while let Ok((stream, _)) = listener.accept().await {
        let kept = kept.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| keep(request, kept.clone()));
            let connection = hyper::server::conn::http1::Builder::new();
            if let Err(error) = connection.serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "the demo's upstream lost a connection");
            }
        });
    }
}

async fn keep(request: Request<Incoming>, kept: Kept) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    let body = Limited::new(request.into_body(), REQUEST_BYTES_MAX).collect().await;
    let status = match body {
        Ok(body) => {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push((path, body.to_bytes()));
            200
        }
        Err(_) => 400,
    };
    let response = Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, "application/x-protobuf")
        .body(Full::new(Bytes::new()));
    Ok(response.unwrap_or_default())
}

/// What arrived, as a backend sees it.
#[derive(Debug, Default)]
pub(in crate::cli::demo) struct Received {
    /// All requests, one behind the other.
    bytes: Vec<u8>,
    spans: Vec<Span>,
    records: Vec<LogRecord>,
}

impl Received {
    /// Whether `text` stands anywhere in it.
    pub(in crate::cli::demo) fn holds(&self, text: &str) -> bool {
        memchr::memmem::find(&self.bytes, text.as_bytes()).is_some()
    }

    /// The text of one place.
    pub(in crate::cli::demo) fn text(&self, field: Field, key: &str) -> Option<String> {
        let span = self.spans.first();
        let record = self.records.first();
        match field {
            Field::Span => value(&span?.attributes, key),
            Field::Event => value(&span?.events.first()?.attributes, key),
            Field::Status => Some(span?.status.as_ref()?.message.clone()),
            Field::Body => record?.body.as_ref().map(text_of),
            Field::Log => value(&record?.attributes, key),
        }
    }
}

fn value(attributes: &[KeyValue], key: &str) -> Option<String> {
    attributes.iter().find(|one| one.key == key)?.value.as_ref().map(text_of)
}

/// A value as a person reads it.
fn text_of(value: &AnyValue) -> String {
    match &value.value {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::ArrayValue(array)) => {
            array.values.iter().map(text_of).collect::<Vec<_>>().join(" ")
        }
        _ => String::new(),
    }
}
