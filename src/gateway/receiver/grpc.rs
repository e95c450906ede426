//! OTLP/gRPC as bytes: unary calls, framed here.
//!
//! A call is one message behind a prefix of five bytes: whether it is compressed,
//! and how long it is (gRPC specification, "gRPC over HTTP2"). Framing it here and
//! not in a gRPC library keeps the message as the bytes that it came in, lets it
//! be admitted before it is read, and leaves every status code to `answer`.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bytes::Buf;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http::StatusCode;
use http::header;
use http::request::Parts;
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::gateway::answer::Answer;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::answer::wire;
use crate::gateway::auth;
use crate::gateway::compression::Coding;
use crate::gateway::method;
use crate::gateway::pipeline::Inbound;
use crate::gateway::receiver::body::Reader;
use crate::gateway::receiver::limits::Limits;
use crate::gateway::receiver::otlp::GrpcConfig;
use crate::gateway::receiver::otlp::READ_TIMEOUT_DEFAULT;
use crate::gateway::receiver::reply::Reply;
use crate::gateway::receiver::route::Routes;
use crate::scrub::Encoding;
use crate::scrub::Request;
use crate::scrub::Signal;

/// The value of the metric label `transport`.
const TRANSPORT: &str = "grpc";

/// What the gateway decompresses, as `grpc-accept-encoding` says it.
const ACCEPTED: &str = "identity,gzip,zstd";

/// The length of the prefix of a message.
const PREFIX_BYTES: usize = 5;

/// The OTLP/gRPC services.
#[derive(Debug)]
pub struct Service {
    request_bytes_max: usize,
    limits: Limits,
    auth: Option<auth::Server>,
}

impl Service {
    /// The services, with the limits of `config`.
    pub fn new(config: &GrpcConfig, auth: Option<auth::Server>) -> Self {
        Self { request_bytes_max: config.request_bytes_max(), limits: config.limits.clone(), auth }
    }

    /// Answers one call.
    pub async fn call(
        &self,
        routes: &Arc<Routes>,
        request: http::Request<Incoming>,
    ) -> Response<Reply> {
        let (parts, body) = request.into_parts();
        let content_type = parts.headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        if !content_type.is_some_and(|value| value.starts_with(b"application/grpc")) {
            let mut response = Response::new(Reply::default());
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return response;
        }
        if let Some(auth) = &self.auth
            && let Err(refusal) = auth.check(&parts.headers).await
        {
            routes.unauthenticated(TRANSPORT);
            return refused(&refusal.answer());
        }
        let path = parts.uri.path();
        let signal = Signal::ALL.into_iter().find(|signal| method::of(*signal) == path);
        let Some(signal) = signal.filter(|signal| routes.takes(*signal)) else {
            return refused(&Answer {
                grpc: code::UNIMPLEMENTED,
                http: 404,
                retry_after: None,
                message: "no pipeline takes this method".to_owned(),
            });
        };
        match self.export(routes, signal, &parts, body).await {
            Ok(accepted) => success(&wire::export_response(accepted.partial.as_ref())),
            Err(refusal) => refused(&refusal.answer()),
        }
    }

    async fn export(
        &self,
        routes: &Arc<Routes>,
        signal: Signal,
        parts: &Parts,
        body: Incoming,
    ) -> Outcome {
        let deadline = deadline(&parts.headers);
        let inbound = match self.read(routes, signal, &parts.headers, body).await {
            Ok(inbound) => Inbound { deadline, ..inbound },
            Err(refusal) => {
                routes.refused_early(TRANSPORT, signal, &refusal);
                return Err(refusal);
            }
        };
        if inbound.request.bytes.is_empty() {
            return Ok(Default::default());
        }
        let call = pin!(routes.handle(TRANSPORT, inbound));
        match deadline {
            None => call.await,
            Some(deadline) => tokio::time::timeout_at(deadline, call).await.unwrap_or_else(|_| {
                Err(Refusal::Unavailable {
                    code: code::DEADLINE_EXCEEDED,
                    retry_after: None,
                    message: "no answer within grpc-timeout".to_owned(),
                })
            }),
        }
    }

    /// Reads the one message of a call.
    async fn read(
        &self,
        routes: &Routes,
        signal: Signal,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Result<Inbound, Refusal> {
        const CUT: Refusal = Refusal::Unreadable { what: "message ends too early" };
        let coding = coding(headers)?;
        let mut reader = Reader::new(body, READ_TIMEOUT_DEFAULT, &self.limits);
        let mut prefix = reader.take(PREFIX_BYTES).await?.ok_or(CUT)?;
        let compressed = prefix.get_u8();
        let len = usize::try_from(prefix.get_u32()).unwrap_or(usize::MAX);
        if self.request_bytes_max < len {
            return Err(Refusal::TooLarge { max: self.request_bytes_max });
        }
        // What is only announced takes no room from those who send.
        let (mut grant, granted) = routes.budget().admit_announced(len)?;
        let message = reader.admitted(len, granted, &mut grant).await?.ok_or(CUT)?;
        if !reader.is_at_end().await? {
            return Err(Refusal::Unreadable { what: "more than one message" });
        }
        let (bytes, packed) = match (compressed, coding) {
            (0, _) => (message, None),
            (1, Some(coding)) => {
                let max = self.limits.unpacked_bytes_max(message.len(), self.request_bytes_max);
                let (bytes, packed);
                (bytes, packed, grant) = coding.unpack(message, max, grant).await?;
                (bytes, packed)
            }
            (1, None) => {
                return Err(Refusal::Unreadable { what: "compressed without grpc-encoding" });
            }
            _ => return Err(Refusal::Unreadable { what: "compressed flag neither 0 nor 1" }),
        };
        let request = Request { signal, encoding: Encoding::Protobuf, bytes };
        Ok(Inbound { request, packed, deadline: None, grant: Arc::new(grant) })
    }
}

/// What `grpc-encoding` says.
fn coding(headers: &HeaderMap) -> Result<Option<Coding>, Refusal> {
    match headers.get("grpc-encoding").map(HeaderValue::as_bytes) {
        None | Some(b"identity") => Ok(None),
        Some(b"gzip") => Ok(Some(Coding::Gzip)),
        Some(b"zstd") => Ok(Some(Coding::Zstd)),
        Some(_) => Err(Refusal::Compression { supported: ACCEPTED }),
    }
}

/// Until when the sender waits, as `grpc-timeout` says it: up to eight digits and
/// a unit. What cannot be read is no deadline.
fn deadline(headers: &HeaderMap) -> Option<Instant> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if 8 < digits.len() {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    let timeout = match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    };
    Instant::now().checked_add(timeout)
}

/// Puts the prefix before a message.
fn framed(message: &[u8]) -> Bytes {
    let mut framed = Vec::with_capacity(PREFIX_BYTES + message.len());
    framed.push(0);
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend_from_slice(message);
    framed.into()
}

fn success(message: &[u8]) -> Response<Reply> {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert("grpc-status", HeaderValue::from(code::OK));
    let mut response = Response::new(Reply::new(framed(message)).with_trailers(trailers));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static(ACCEPTED));
    response
}

/// A refusal is headers alone (gRPC specification, "Trailers-Only").
fn refused(answer: &Answer) -> Response<Reply> {
    let mut response = Response::new(Reply::default());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-accept-encoding", HeaderValue::from_static(ACCEPTED));
    headers.insert("grpc-status", HeaderValue::from(answer.grpc));
    if let Ok(message) = HeaderValue::from_str(&percent_encode(&answer.message)) {
        headers.insert("grpc-message", message);
    }
    if answer.retry_after.is_some() {
        let status = wire::status(answer.grpc, &answer.message, answer.retry_after);
        if let Ok(details) = HeaderValue::from_str(&BASE64_STANDARD_NO_PAD.encode(status)) {
            headers.insert("grpc-status-details-bin", details);
        }
    }
    response
}

/// Escapes a `grpc-message`: what is not printable ASCII, and the percent sign.
fn percent_encode(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'$' | b'&'..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_escaped_as_the_specification_says() {
        assert_eq!(percent_encode("100% of é\n"), "100%25 of %C3%A9%0A");
    }

    #[test]
    fn timeouts_are_read_and_nonsense_is_none() {
        let of = |text: &'static str| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-timeout"),
                HeaderValue::from_static(text),
            )]);
            deadline(&headers).map(|at| (at - Instant::now()).as_secs_f64().round())
        };
        assert_eq!(of("10S"), Some(10.0));
        assert_eq!(of("3000m"), Some(3.0));
        assert_eq!(of("1H"), Some(3600.0));
        for nonsense in ["", "S", "1", "123456789S", "-1S", "1x"] {
            assert_eq!(of(nonsense), None, "{nonsense}");
        }
    }
}
