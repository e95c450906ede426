//! The upstream of the gateway under test: takes OTLP over gRPC and HTTP at one
//! address and hands on what arrives.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::StatusCode;
use http::header::CONTENT_ENCODING;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use http_body_util::Limited;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::gateway::method;
use crate::gateway::receiver::reply::Reply;
use crate::scrub::Encoding;
use crate::scrub::Signal;

/// The largest request that is read, in bytes, before and after decompression.
const REQUEST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The prefix of a gRPC message: a flag and a length.
const GRPC_PREFIX_LEN: usize = 5;

/// A request that arrived, decompressed.
#[derive(Debug)]
pub(in crate::cli::selftest) struct Arrived {
    /// What it carries.
    pub(in crate::cli::selftest) signal: Signal,
    /// How it is written.
    pub(in crate::cli::selftest) encoding: Encoding,
    /// The request.
    pub(in crate::cli::selftest) bytes: Bytes,
}

/// Listens at `address` as long as the runtime runs; what arrives comes out of the
/// channel.
///
/// # Errors
///
/// When the address cannot be had.
pub(in crate::cli::selftest) async fn listen(
    address: &str,
) -> io::Result<(SocketAddr, mpsc::UnboundedReceiver<Arrived>)> {
    let listener = TcpListener::bind(address).await?;
    let own = listener.local_addr()?;
    let (arrived, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let arrived = arrived.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| take(request, arrived.clone()));
                let auto = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                // A connection that breaks is the gateway's to open again.
                let _ = auto.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    Ok((own, receiver))
}

async fn take(
    request: Request<Incoming>,
    arrived: mpsc::UnboundedSender<Arrived>,
) -> Result<Response<Reply>, Infallible> {
    let (parts, body) = request.into_parts();
    let header = |name: &str| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let kind = header(CONTENT_TYPE.as_str());
    let grpc = kind.starts_with("application/grpc");
    let json = kind.starts_with("application/json");
    let coding = header(if grpc { "grpc-encoding" } else { CONTENT_ENCODING.as_str() });
    let limit = usize::try_from(REQUEST_BYTES_MAX).unwrap_or(usize::MAX);
    let body = Limited::new(body, limit).collect().await.ok();
    let bytes = body.and_then(|body| unpacked(&body.to_bytes(), grpc, coding));
    let signal = Signal::ALL.into_iter().find(|signal| {
        parts.uri.path() == method::of(*signal)
            || parts.uri.path().rsplit('/').next() == Some(signal.name())
    });
    let status = match (signal, bytes) {
        (Some(signal), Some(bytes)) => {
            let encoding = if json { Encoding::Json } else { Encoding::Protobuf };
            // Nobody listens any more when everything has arrived.
            let _ = arrived.send(Arrived { signal, encoding, bytes });
            200
        }
        (None, _) => 404,
        (_, None) => 400,
    };
    Ok(answer(status, grpc, json))
}

/// The message in a body.
fn unpacked(body: &[u8], grpc: bool, coding: &str) -> Option<Bytes> {
    let (packed, body) = match (grpc, body.split_at_checked(GRPC_PREFIX_LEN)) {
        (true, Some((prefix, message))) => (prefix.first() == Some(&1), message),
        (true, None) => return None,
        (false, _) => (!coding.is_empty() && coding != "identity", body),
    };
    if !packed {
        return Some(Bytes::copy_from_slice(body));
    }
    let mut out = Vec::new();
    let mut reader: Box<dyn io::Read + '_> = match coding {
        "gzip" => Box::new(flate2::read::MultiGzDecoder::new(body)),
        "deflate" => Box::new(flate2::read::ZlibDecoder::new(body)),
        "zstd" => Box::new(zstd::Decoder::new(body).ok()?),
        _ => return None,
    };
    io::copy(&mut io::Read::take(&mut reader, REQUEST_BYTES_MAX), &mut out).ok()?;
    Some(out.into())
}

fn answer(status: u16, grpc: bool, json: bool) -> Response<Reply> {
    let (status, kind, reply) = match (grpc, json) {
        (true, _) => {
            // An empty message where it was taken, INTERNAL where not.
            let code = if status == 200 { "0" } else { "13" };
            let message = if status == 200 { &[0; GRPC_PREFIX_LEN][..] } else { &[] };
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static(code));
            (200, "application/grpc", Reply::new(message).with_trailers(trailers))
        }
        (false, true) => (status, "application/json", Reply::new("{}")),
        (false, false) => (status, "application/x-protobuf", Reply::default()),
    };
    let mut response = Response::new(reply);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
