//! A sender that can say anything over a real socket, also what is wrong.

use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use prost::Message;

/// The path of the traces service.
pub(crate) const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
/// The path of the logs service.
pub(crate) const LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub(crate) struct HttpAnswer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl HttpAnswer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An answer over gRPC.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GrpcAnswer {
    pub(crate) code: u32,
    pub(crate) message: String,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Vec<u8>,
}

/// Sends one HTTP/1 request.
pub(crate) async fn http(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> HttpAnswer {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = http::Request::builder().method(method).uri(format!("http://{to}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.into())).unwrap();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    HttpAnswer { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// Posts protobuf.
pub(crate) async fn post(to: SocketAddr, path: &str, body: impl Into<Bytes>) -> HttpAnswer {
    http(to, "POST", path, &[("content-type", "application/x-protobuf")], body).await
}

/// Posts JSON.
pub(crate) async fn post_json(to: SocketAddr, path: &str, body: impl Into<Bytes>) -> HttpAnswer {
    http(to, "POST", path, &[("content-type", "application/json")], body).await
}

/// Calls a gRPC method with one message.
pub(crate) async fn call(to: SocketAddr, path: &str, message: &[u8]) -> GrpcAnswer {
    call_raw(to, path, &[], framed(0, message)).await
}

/// Calls a gRPC method with a body that may be anything.
pub(crate) async fn call_raw(
    to: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> GrpcAnswer {
    let client: Client<_, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let mut request = http::Request::post(format!("http://{to}{path}"))
        .version(http::Version::HTTP_2)
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(body.into())).unwrap();
    let (parts, body) = client.request(request).await.unwrap().into_parts();
    assert_eq!(parts.status, 200);
    let collected = body.collect().await.unwrap();
    let mut status = parts.headers;
    status.extend(collected.trailers().cloned().unwrap_or_default());
    let text = |name: &str| status.get(name).map(|value| value.to_str().unwrap().to_owned());
    let details = text("grpc-status-details-bin").map(|details| {
        let bytes = base64::prelude::BASE64_STANDARD_NO_PAD.decode(details).unwrap();
        Status::decode(bytes.as_slice()).unwrap()
    });
    let retry_after = details.and_then(|status| status.retry_delay());
    let body = collected.to_bytes();
    GrpcAnswer {
        code: text("grpc-status").unwrap().parse().unwrap(),
        message: text("grpc-message").unwrap_or_default(),
        retry_after,
        body: body.get(5..).unwrap_or_default().to_vec(),
    }
}

/// A message behind its prefix.
pub(crate) fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let len = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flag], &len[..], message].concat()
}

/// `google.rpc.Status`, declared here so that the gateway's own is not its judge.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Status {
    #[prost(int32, tag = "1")]
    pub(crate) code: i32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) details: Vec<Any>,
}

/// `google.protobuf.Any`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Any {
    #[prost(string, tag = "1")]
    pub(crate) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) value: Vec<u8>,
}

/// `google.rpc.RetryInfo`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(crate) retry_delay: Option<ProtoDuration>,
}

/// `google.protobuf.Duration`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ProtoDuration {
    #[prost(int64, tag = "1")]
    pub(crate) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(crate) nanos: i32,
}

impl Status {
    pub(crate) fn with_retry(code: i32, message: &str, delay: Duration) -> Self {
        let retry_delay = Some(ProtoDuration {
            seconds: delay.as_secs() as i64,
            nanos: delay.subsec_nanos() as i32,
        });
        let any = Any {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: RetryInfo { retry_delay }.encode_to_vec(),
        };
        Self { code, message: message.to_owned(), details: vec![any] }
    }

    pub(crate) fn retry_delay(&self) -> Option<Duration> {
        let any = self.details.iter().find(|any| any.type_url.ends_with("RetryInfo"))?;
        let delay = RetryInfo::decode(any.value.as_slice()).unwrap().retry_delay?;
        Some(Duration::new(delay.seconds as u64, delay.nanos as u32))
    }
}
