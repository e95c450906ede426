//! An upstream that fails as it is told to, and keeps count of what it took.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
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
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use prost::Message;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ledger::Received;

/// What an upstream does with requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Accept,
    /// Accepts after so many milliseconds.
    Slow(u64),
    /// A gRPC status, with a `RetryInfo` of 10 ms or without.
    Grpc(u32, bool),
    /// An HTTP status.
    Http(u16),
    /// The connection breaks.
    Reset,
    /// No answer.
    Hang,
    /// Nobody listens.
    Away,
    /// Each request another retryable answer.
    EveryRetryable,
    /// Accepts and refuses in turn, every 200 ms.
    Flap,
    /// Refuses for good what holds an item with this id.
    Poison(u64),
    /// Refuses for good what holds an item whose id this divides.
    PoisonEvery(u64),
    /// Says that it rejects this many items of each request.
    Partial(u64),
    /// Begins to say that it accepts, and does not end.
    Cut,
    /// Connections on which something else than HTTP is said.
    Junk,
    /// Connections on which nothing is said any more, and everything read.
    HalfClosed,
}

/// A running upstream, for gRPC and HTTP alike.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) received: Arc<Received>,
    pub(crate) requests: Arc<AtomicU64>,
    mood: watch::Sender<Mood>,
    /// Items that came, in the order in which they came, with the time: for rates.
    pub(crate) arrivals: Arc<Mutex<Vec<std::time::Instant>>>,
}

impl Upstream {
    pub(crate) async fn start(mood: Mood) -> Self {
        let first = listen("127.0.0.1:0".parse().unwrap());
        let address = first.local_addr().unwrap();
        let (mood, moods) = watch::channel(mood);
        let upstream = Self {
            address,
            received: Arc::default(),
            requests: Arc::default(),
            mood,
            arrivals: Arc::default(),
        };
        tokio::spawn(serve(upstream.clone(), first, moods));
        upstream
    }

    pub(crate) fn set(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// An exporter to this upstream, for the YAML.
    pub(crate) fn grpc(&self, more: &str) -> String {
        format!(
            "{{endpoint: '{}', tls: {{insecure: true}}, compression: none, timeout: 2s, \
             retry_on_failure: {{initial_interval: 100ms, max_interval: 2s}}{more}}}",
            self.address
        )
    }

    pub(crate) fn http(&self, more: &str) -> String {
        format!(
            "{{endpoint: 'http://{}', compression: none, timeout: 2s, \
             retry_on_failure: {{initial_interval: 100ms, max_interval: 2s}}{more}}}",
            self.address
        )
    }

    async fn answer(
        &self,
        request: http::Request<Incoming>,
        turn: u64,
    ) -> Result<Response<Body>, std::io::Error> {
        let (parts, body) = request.into_parts();
        let broken = |_| std::io::Error::other("broken");
        let body = body.collect().await.map_err(broken)?.to_bytes();
        let content_type = parts.headers.get("content-type").map(HeaderValue::as_bytes);
        let is_grpc = content_type.is_some_and(|value| value.starts_with(b"application/grpc"));
        let message = if is_grpc { body.slice(5..) } else { body };
        let mut mood = *self.mood.borrow();
        if mood == Mood::EveryRetryable {
            mood = every_retryable(is_grpc, turn);
        }
        if mood == Mood::Flap {
            let begun = std::time::SystemTime::now();
            let since = begun.duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap();
            let is_up = (since.as_millis() / 200).is_multiple_of(2);
            mood = if is_up { Mood::Accept } else { retryable(is_grpc) };
        }
        let ids = ids(&message);
        let is_poison = match mood {
            Mood::Poison(id) => Some(ids.contains(&id)),
            Mood::PoisonEvery(number) => Some(ids.iter().any(|id| id.is_multiple_of(number))),
            _ => None,
        };
        if let Some(is_poison) = is_poison {
            let refused = if is_grpc { Mood::Grpc(3, false) } else { Mood::Http(400) };
            mood = if is_poison { refused } else { Mood::Accept };
        }
        if let Mood::Slow(milliseconds) = mood {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
            mood = Mood::Accept;
        }
        match mood {
            Mood::Hang => std::future::pending().await,
            Mood::Grpc(code, retry) => Ok(grpc(code, retry)),
            Mood::Http(status) => Ok(http(status)),
            Mood::Cut => Ok(cut(is_grpc)),
            Mood::Partial(rejected) => {
                let taken = ids.len().saturating_sub(rejected as usize);
                self.received.add(&ids[..taken]);
                Ok(accepted(is_grpc, Some(rejected)))
            }
            Mood::Accept => {
                self.received.add(&ids);
                self.arrivals.lock().unwrap().push(std::time::Instant::now());
                Ok(accepted(is_grpc, None))
            }
            _ => Err(std::io::Error::other("reset")),
        }
    }
}

fn retryable(is_grpc: bool) -> Mood {
    if is_grpc { Mood::Grpc(14, false) } else { Mood::Http(503) }
}

fn every_retryable(is_grpc: bool, turn: u64) -> Mood {
    let turn = turn as usize;
    if !is_grpc {
        return Mood::Http([429, 502, 503, 504][turn % 4]);
    }
    let answers =
        [(1, false), (4, false), (8, true), (10, false), (11, false), (14, false), (15, true)];
    let (code, retry) = answers[turn % answers.len()];
    Mood::Grpc(code, retry)
}

fn ids(message: &Bytes) -> Vec<u64> {
    let request = ExportLogsServiceRequest::decode(message.clone()).unwrap();
    let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
    scopes.flat_map(|scope| &scope.log_records).map(|record| record.time_unix_nano).collect()
}

fn listen(address: SocketAddr) -> tokio::net::TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(1024).unwrap()
}

async fn serve(
    upstream: Upstream,
    first: tokio::net::TcpListener,
    mut moods: watch::Receiver<Mood>,
) {
    let mut listener = Some(first);
    loop {
        if *moods.borrow_and_update() == Mood::Away {
            drop(listener.take());
            let _ = moods.wait_for(|mood| *mood != Mood::Away).await;
            continue;
        }
        let listening = listener.get_or_insert_with(|| listen(upstream.address));
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listening.accept() => accepted,
                changed = moods.wait_for(|mood| *mood == Mood::Away) => {
                    // Connections end with the set that they are in.
                    drop(changed);
                    break;
                }
            };
            let Ok((mut stream, _)) = accepted else { continue };
            // As every server of gRPC. A peer that is gone by now has no use for it.
            let _ = stream.set_nodelay(true);
            let upstream = upstream.clone();
            let mood = *upstream.mood.borrow();
            if matches!(mood, Mood::Junk | Mood::HalfClosed) {
                connections.spawn(async move {
                    // The peer may be gone by now.
                    if mood == Mood::Junk {
                        let _ = stream.write_all(&[0xfe; 300]).await;
                    }
                    let _ = stream.shutdown().await;
                    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                });
                continue;
            }
            connections.spawn(async move {
                let reset = Arc::new(tokio::sync::Notify::new());
                let broken = Arc::clone(&reset);
                let service = service_fn(move |request| {
                    let (upstream, broken) = (upstream.clone(), Arc::clone(&broken));
                    async move {
                        let turn = upstream.requests.fetch_add(1, Ordering::Relaxed);
                        let answer = upstream.answer(request, turn).await;
                        if answer.is_err() {
                            broken.notify_one();
                        }
                        answer
                    }
                });
                let auto = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                tokio::select! {
                    _ = auto.serve_connection(TokioIo::new(stream), service) => {}
                    () = reset.notified() => {}
                }
            });
        }
    }
}

type Body = BoxBody<Bytes, std::io::Error>;

/// What carries `bytes`.
fn full(bytes: Vec<u8>) -> Body {
    Full::from(bytes).map_err(|never| match never {}).boxed()
}

fn grpc(code: u32, retry: bool) -> Response<Body> {
    let mut response =
        Response::builder().header("content-type", "application/grpc").body(full(vec![])).unwrap();
    let headers = response.headers_mut();
    headers.insert("grpc-status", HeaderValue::from(code));
    if retry {
        // google.rpc.Status {details: [Any {RetryInfo {retry_delay: 10 ms}}]}, by hand.
        let delay = [0x10, 0x80, 0xad, 0xe2, 0x04];
        let info = [&[0x0a, delay.len() as u8], &delay[..]].concat();
        let url = b"type.googleapis.com/google.rpc.RetryInfo";
        let any = [&[0x0a, url.len() as u8], &url[..], &[0x12, info.len() as u8], &info].concat();
        let status = [&[0x1a, any.len() as u8], &any[..]].concat();
        let details = base64::prelude::BASE64_STANDARD_NO_PAD.encode(status);
        headers.insert("grpc-status-details-bin", details.parse().unwrap());
    }
    response
}

fn http(status: u16) -> Response<Body> {
    let response =
        Response::builder().status(status).header("content-type", "application/x-protobuf");
    response.body(full(vec![])).unwrap()
}

/// A success, of which `rejected` items are not part.
fn accepted(is_grpc: bool, rejected: Option<u64>) -> Response<Body> {
    // ExportLogsServiceResponse {partial_success {rejected_log_records}}, by hand.
    let message = match rejected {
        None => vec![0x0a, 0],
        Some(rejected) => vec![0x0a, 2, 0x08, u8::try_from(rejected).unwrap()],
    };
    if !is_grpc {
        let mut response = http(200);
        *response.body_mut() = full(message);
        return response;
    }
    let trailers = HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from(0))]);
    let framed = [&[0, 0, 0, 0, message.len() as u8], &message[..]].concat();
    let body = full(framed).with_trailers(std::future::ready(Some(Ok(trailers))));
    Response::builder().header("content-type", "application/grpc").body(body.boxed()).unwrap()
}

/// A success without its end: no trailers, fewer bytes than announced.
fn cut(is_grpc: bool) -> Response<Body> {
    if is_grpc {
        let response = Response::builder().header("content-type", "application/grpc");
        return response.body(full(vec![0, 0, 0, 0, 2, 0x0a, 0])).unwrap();
    }
    let piece = Ok(http_body::Frame::data(Bytes::from_static(&[0x0a])));
    let broken = Err(std::io::Error::other("cut"));
    let body = Pieces([piece, broken].into_iter().collect());
    let response = Response::builder().header("content-type", "application/x-protobuf");
    response.header("content-length", 2).body(body.boxed()).unwrap()
}

/// A body in pieces.
struct Pieces(std::collections::VecDeque<Result<http_body::Frame<Bytes>, std::io::Error>>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, std::io::Error>>> {
        Poll::Ready(self.0.pop_front())
    }
}

/// Waits a little longer than a flap.
pub(crate) async fn seconds(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}
