//! The sender: OTLP over gRPC, HTTP with protobuf, HTTP with JSON.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Uri;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::cli::selftest::SelftestError;
use crate::gateway::method;
use crate::scrub::Encoding;
use crate::scrub::Signal;

/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How requests are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::cli::selftest) enum Protocol {
    /// OTLP/gRPC.
    Grpc,
    /// OTLP/HTTP with protobuf.
    HttpProtobuf,
    /// OTLP/HTTP with JSON.
    HttpJson,
}

impl Protocol {
    /// Every protocol.
    pub(in crate::cli::selftest) const ALL: [Self; 3] =
        [Self::Grpc, Self::HttpProtobuf, Self::HttpJson];

    /// Its name in the report.
    pub(in crate::cli::selftest) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "gRPC",
            Self::HttpProtobuf => "HTTP/protobuf",
            Self::HttpJson => "HTTP/JSON",
        }
    }

    /// How its requests are written.
    pub(in crate::cli::selftest) fn encoding(self) -> Encoding {
        match self {
            Self::Grpc | Self::HttpProtobuf => Encoding::Protobuf,
            Self::HttpJson => Encoding::Json,
        }
    }
}

/// Sends requests to one gateway.
#[derive(Clone)]
pub(in crate::cli::selftest) struct Sender {
    http: Client<HttpConnector, Full<Bytes>>,
    grpc: Client<HttpConnector, Full<Bytes>>,
    /// For each protocol that the gateway speaks, where.
    addresses: Vec<(Protocol, String)>,
}

impl Sender {
    /// `addresses`: `host:port` for each protocol.
    pub(in crate::cli::selftest) fn new(addresses: Vec<(Protocol, String)>) -> Self {
        let client = |http2: bool| {
            Client::builder(TokioExecutor::new()).http2_only(http2).build(HttpConnector::new())
        };
        Self { http: client(false), grpc: client(true), addresses }
    }

    /// The protocols that it can speak.
    pub(in crate::cli::selftest) fn protocols(&self) -> Vec<Protocol> {
        self.addresses.iter().map(|(protocol, _)| *protocol).collect()
    }

    /// Sends a request and waits until it is accepted.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub(in crate::cli::selftest) async fn send(
        &self,
        protocol: Protocol,
        signal: Signal,
        body: Vec<u8>,
    ) -> Result<(), SelftestError> {
        let refused = |why: String| SelftestError::Refused {
            protocol: protocol.name(),
            signal: signal.name(),
            why,
        };
        let address = self.addresses.iter().find(|(own, _)| *own == protocol);
        let (_, address) = address.ok_or_else(|| refused("no address".to_owned()))?;
        let sent = match protocol {
            Protocol::Grpc => self.call(address, signal, &body).await,
            Protocol::HttpProtobuf => {
                self.post(address, signal, "application/x-protobuf", body).await
            }
            Protocol::HttpJson => self.post(address, signal, "application/json", body).await,
        };
        sent.map_err(refused)
    }

    async fn post(
        &self,
        address: &str,
        signal: Signal,
        content_type: &str,
        body: Vec<u8>,
    ) -> Result<(), String> {
        let path = match signal {
            Signal::Profiles => "/v1development/profiles".to_owned(),
            signal => format!("/v1/{}", signal.name()),
        };
        let request = Request::post(uri(address, &path)?)
            .header(CONTENT_TYPE, content_type)
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let answer = tokio::time::timeout(TIMEOUT, self.http.request(request)).await;
        let answer = answer.map_err(|_| "no answer".to_owned())?.map_err(|error| chain(&error))?;
        let status = answer.status();
        // Read to its end, so that the connection is used again.
        let _ = answer.into_body().collect().await;
        if status.is_success() { Ok(()) } else { Err(format!("HTTP {status}")) }
    }

    async fn call(&self, address: &str, signal: Signal, message: &[u8]) -> Result<(), String> {
        let len = u32::try_from(message.len()).map_err(|_| "too large".to_owned())?;
        let body = [&[0], &len.to_be_bytes()[..], message].concat();
        let request = Request::post(uri(address, method::of(signal))?)
            .version(http::Version::HTTP_2)
            .header(CONTENT_TYPE, "application/grpc")
            .header("te", "trailers")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| error.to_string())?;
        let answer = tokio::time::timeout(TIMEOUT, self.grpc.request(request)).await;
        let answer = answer.map_err(|_| "no answer".to_owned())?.map_err(|error| chain(&error))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|error| error.to_string())?;
        let mut headers = parts.headers;
        headers.extend(body.trailers().cloned().unwrap_or_default());
        let code = headers.get("grpc-status").and_then(|code| code.to_str().ok());
        match code {
            Some("0") => Ok(()),
            Some(code) => Err(format!("gRPC status {code}")),
            None => Err(format!("HTTP {} without a gRPC status", parts.status)),
        }
    }
}

fn uri(address: &str, path: &str) -> Result<Uri, String> {
    format!("http://{address}{path}").parse().map_err(|_| format!("{address} is no address"))
}

/// An error with what caused it: hyper's own text says little.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
