//! An upstream that says what a test has it say, and remembers what it got.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Response;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::sender::Status;
use crate::sender::framed;

/// What the upstream says to a request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// It takes it.
    Accept,
    /// It takes part of it.
    Partial(i64, &'static str),
    /// A gRPC status.
    Grpc { code: i32, message: &'static str, retry_after: Option<Duration> },
    /// An HTTP answer.
    Http { status: u16, headers: Vec<(&'static str, &'static str)>, body: &'static str },
    /// It says OK over gRPC, with these bytes where the framed message should stand.
    Garbled(&'static [u8]),
    /// Nothing, ever.
    Silence,
    /// It takes it once [`Upstream::release`] is called.
    Hold,
    /// It refuses for good what holds these bytes, and takes the rest.
    RefuseIfContains(&'static str),
}

/// A request that the upstream got.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    /// `:authority` over HTTP/2.
    pub(crate) authority: Option<String>,
    pub(crate) headers: HeaderMap,
    /// Without the prefix of gRPC.
    pub(crate) body: Bytes,
}

/// A running upstream, for gRPC and HTTP alike.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    replies: Mutex<VecDeque<Reply>>,
    /// What is said when `replies` is empty.
    otherwise: Reply,
    seen: Mutex<Vec<Seen>>,
    released: Semaphore,
}

impl Upstream {
    /// An upstream that says `replies` in turn, and then accepts everything.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::start_with(replies, Reply::Accept).await
    }

    /// An upstream that always says the same.
    pub(crate) async fn always(reply: Reply) -> Self {
        Self::start_with([], reply).await
    }

    async fn start_with(replies: impl IntoIterator<Item = Reply>, otherwise: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            replies: Mutex::new(replies.into_iter().collect()),
            otherwise,
            seen: Mutex::new(Vec::new()),
            released: Semaphore::new(0),
        });
        let upstream = Self { address, shared };
        let served = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let upstream = served.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        let upstream = upstream.clone();
                        async move { Ok::<_, Infallible>(upstream.answer(request).await) }
                    });
                    let auto = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    let _ = auto.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        upstream
    }

    /// Everything that arrived so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Waits until `count` requests have arrived.
    pub(crate) async fn wait_for(&self, count: usize) {
        for _ in 0..500 {
            if count <= self.seen().len() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{count} requests did not arrive, {} did", self.seen().len());
    }

    /// Lets the upstream accept one request that it holds.
    pub(crate) fn release(&self) {
        self.shared.released.add_permits(1);
    }

    async fn answer(&self, request: http::Request<Incoming>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let mut body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let is_grpc = parts
            .headers
            .get("content-type")
            .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"));
        if is_grpc {
            body = body.slice(5.min(body.len())..);
        }
        let seen = Seen {
            path: parts.uri.path().to_owned(),
            authority: parts.uri.authority().map(ToString::to_string),
            headers: parts.headers,
            body: body.clone(),
        };
        let json =
            seen.headers.get("content-type").is_some_and(|value| value == "application/json");
        self.shared.seen.lock().unwrap().push(seen);
        let reply = self.shared.replies.lock().unwrap().pop_front();
        let reply = reply.unwrap_or_else(|| self.shared.otherwise.clone());
        let refused = Reply::Grpc { code: 3, message: "poison", retry_after: None };
        match reply {
            Reply::Hold => {
                self.shared.released.acquire().await.unwrap().forget();
                accepted(is_grpc, json, &[0x0a, 0x00])
            }
            Reply::Silence => std::future::pending().await,
            Reply::Garbled(bytes) => ok(bytes.into()),
            Reply::RefuseIfContains(poison) => {
                let is_poison =
                    body.windows(poison.len()).any(|window| window == poison.as_bytes());
                match (is_poison, is_grpc) {
                    (false, _) => accepted(is_grpc, json, &[0x0a, 0x00]),
                    (true, true) => response(refused),
                    (true, false) => {
                        response(Reply::Http { status: 400, headers: vec![], body: "poison" })
                    }
                }
            }
            Reply::Accept => accepted(is_grpc, json, &[0x0a, 0x00]),
            Reply::Partial(rejected, message) => {
                let partial = ExportResponse {
                    partial_success: Some(Partial { rejected, message: message.to_owned() }),
                };
                accepted(is_grpc, json, &partial.encode_to_vec())
            }
            other => response(other),
        }
    }
}

type Body = BoxBody<Bytes, Infallible>;

fn accepted(is_grpc: bool, json: bool, message: &[u8]) -> Response<Body> {
    if is_grpc {
        return ok(framed(0, message).into());
    }
    let (content_type, body) = if json {
        ("application/json", Bytes::from_static(b"{\"partialSuccess\":{}}"))
    } else {
        ("application/x-protobuf", Bytes::copy_from_slice(message))
    };
    Response::builder().header("content-type", content_type).body(Full::new(body).boxed()).unwrap()
}

/// A success over gRPC.
fn ok(body: Bytes) -> Response<Body> {
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let body = Full::new(body).with_trailers(std::future::ready(Some(Ok(trailers))));
    Response::builder().header("content-type", "application/grpc").body(body.boxed()).unwrap()
}

fn response(reply: Reply) -> Response<Body> {
    match reply {
        Reply::Grpc { code, message, retry_after } => {
            let mut response = Response::builder()
                .header("content-type", "application/grpc")
                .header("grpc-status", code)
                .header("grpc-message", message);
            if let Some(delay) = retry_after {
                let status = Status::with_retry(code, message, delay).encode_to_vec();
                let details = base64::prelude::BASE64_STANDARD_NO_PAD.encode(status);
                response = response.header("grpc-status-details-bin", details);
            }
            response.body(Full::default().boxed()).unwrap()
        }
        Reply::Http { status, headers, body } => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Full::new(Bytes::from_static(body.as_bytes())).boxed()).unwrap()
        }
        other => panic!("{other:?} is answered elsewhere"),
    }
}

/// `Export*ServiceResponse`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) partial_success: Option<Partial>,
}

/// `Export*PartialSuccess`
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Partial {
    #[prost(int64, tag = "1")]
    pub(crate) rejected: i64,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
}
