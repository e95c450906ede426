//! What stands behind the gateways: it accepts everything at once.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;

use crate::load::framed;

/// An upstream for gRPC and HTTP that keeps the last body.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    last: Mutex<Bytes>,
    requests: AtomicU64,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let own = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // It costs time where it fails, and nothing else.
                let _ = stream.set_nodelay(true);
                let seen = Arc::clone(&own);
                let service = service_fn(move |request| answer(request, Arc::clone(&seen)));
                tokio::spawn(async move {
                    // A gateway that is killed resets its connections.
                    let _ = auto::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        Self { address, seen }
    }

    /// The last body that arrived.
    pub(crate) fn last(&self) -> Bytes {
        self.seen.last.lock().expect("nobody panics with it").clone()
    }

    /// How many requests came.
    pub(crate) fn requests(&self) -> u64 {
        self.seen.requests.load(Ordering::Relaxed)
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Seen>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    let content_type = request.headers().get(http::header::CONTENT_TYPE).cloned();
    let is_grpc = content_type.as_ref().is_some_and(|it| it.as_bytes().ends_with(b"grpc"));
    let body = request.into_body().collect().await?.to_bytes();
    *seen.last.lock().expect("nobody panics with it") = body;
    seen.requests.fetch_add(1, Ordering::Relaxed);
    // `partial_success`, empty: all was accepted.
    let body = match is_grpc {
        true => {
            let status = (HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
            let trailers = HeaderMap::from_iter([status]);
            let body = Full::new(framed(&[0x0a, 0x00], false));
            body.with_trailers(std::future::ready(Some(Ok(trailers)))).boxed()
        }
        false => Full::default().boxed(),
    };
    let mut response = Response::new(body);
    if let Some(content_type) = content_type {
        response.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
    }
    Ok(response)
}
