//! One connection: from the first bytes, through requests and rests, to its end.
//!
//! A connection is HTTP/2 where its first bytes or its TLS handshake say so, else
//! HTTP/1; the gRPC port takes HTTP/2 only. There may be thousands that say nothing, so
//! what a connection holds while it waits is kept small (see [`line`]).

use std::convert::Infallible;
use std::future::pending;
use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::HeaderValue;
use http::Response;
use http::Version;
use http::header;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use socket2::SockRef;
use socket2::TcpKeepalive;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::sleep_until;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::gateway::memory::Returned;
use crate::gateway::receiver::activity::Activity;
use crate::gateway::receiver::limits::IDLE_WHEN_CROWDED;
use crate::gateway::receiver::line::Back;
use crate::gateway::receiver::line::Line;
use crate::gateway::receiver::line::Resting;
use crate::gateway::receiver::otlp::GrpcConfig;
use crate::gateway::receiver::otlp::HttpConfig;
use crate::gateway::receiver::otlp::REQUESTS_PER_CONNECTION_DEFAULT;
use crate::gateway::receiver::reply::Reply;
use crate::gateway::receiver::route::Routes;
use crate::gateway::receiver::server::Endpoint;
use crate::gateway::receiver::spoken::Served;
use crate::gateway::tls::Stream;
use crate::gateway::watched::Watched;

/// What a sender may send ahead of what is read: of one request, and of all
/// requests of a connection. It is memory that nobody admitted; it is also what
/// keeps a fast sender on a long line busy: 5 MB/s with each request over 25 ms.
const STREAM_WINDOW_BYTES: u32 = 1 << 17;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// The largest piece of a body that is accepted at once. Requests up to this size
/// are never copied while they are read.
const FRAME_BYTES_MAX: u32 = 512 * 1024;

/// Streams of a connection that ended by a fault of the peer and are remembered.
const FAULTY_STREAMS_MAX: usize = 64;

/// How long a connection that was idle may take to end: a request may be on its way.
const IDLE_GRACE: Duration = Duration::from_secs(5);

/// How long a connection without a request is kept whose peer was told to leave: longer
/// than what it says comes back from most of the world. Some never hear.
const GOODBYE: Duration = Duration::from_millis(500);

/// After which silence a connection rests. To begin again costs some microseconds: who
/// sends without a pause never pays them.
const REST_AFTER: Duration = Duration::from_millis(100);

/// After which silence the system asks whether the peer is still there: the
/// default of Go's listeners.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// What the connections to one address have in common.
pub(in crate::gateway::receiver) struct Connections {
    pub(in crate::gateway::receiver) tls: Option<Arc<Watched<rustls::ServerConfig>>>,
    pub(in crate::gateway::receiver) endpoint: Endpoint,
    pub(in crate::gateway::receiver) routes: watch::Receiver<Arc<Routes>>,
    pub(in crate::gateway::receiver) signs: watch::Receiver<Signs>,
    pub(in crate::gateway::receiver) returned: Returned,
}

/// What every connection hears.
#[derive(Clone, Copy, Default)]
pub(in crate::gateway::receiver) struct Signs {
    /// Others wait for a seat.
    pub(in crate::gateway::receiver) is_crowded: bool,
    /// Peers are to go elsewhere with further requests.
    pub(in crate::gateway::receiver) is_leaving: bool,
    /// Nothing is accepted any more.
    pub(in crate::gateway::receiver) is_stopped: bool,
}

/// What is known of one connection.
struct Connection {
    is_h2: bool,
    /// Whether it began before the gateway began to leave, and can be told.
    hears: bool,
    activity: Activity,
}

impl Connections {
    /// Serves a connection until it ends, tells it to end when the gateway stops, it is
    /// idle or too old, and sees to it that it does.
    pub(in crate::gateway::receiver) async fn serve(self: Arc<Self>, stream: std::net::TcpStream) {
        let Ok(stream) = opened(stream) else { return };
        // In a box: the memory that this takes is free when the connection has begun.
        let Some((stream, is_h2)) = Box::pin(self.begun(stream)).await else { return };
        // Over HTTP/2 a peer can be told ahead. A connection that comes while the gateway
        // leaves is served until it stops.
        let hears = is_h2 && !self.signs.borrow().is_leaving;
        let connection = Connection { is_h2, hears, activity: Activity::new() };
        let mut ending = pin!(self.ending(&connection));
        let mut ended = None;
        let mut resting = Resting::new(stream);
        // Over TLS nobody has said anything yet.
        let mut is_silent = self.tls.is_some();
        loop {
            if is_silent && ended.is_none() {
                tokio::select! {
                    () = resting.wait() => {}
                    grace = ending.as_mut() => ended = Some(grace),
                }
            }
            if ended.is_some()
                && is_h2
                && resting.is_new()
                && timeout(GOODBYE, resting.wait()).await.is_err()
            {
                // Who has just come commonly has a request on its way, and can be told when
                // that is here. There is nobody yet.
                return;
            }
            let head_bytes_max = self.endpoint.limits().header_bytes.get();
            let (line, back) = resting.wake(is_h2, head_bytes_max);
            let Some(mut served) = self.served(line, &connection) else { return };
            // It must not be told to end, either, before it has said again what it said.
            let caught_up = poll_fn(|_| match back.is_caught_up() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            });
            tokio::select! {
                biased;
                () = self.over(&mut served, &back) => return,
                caught_up = timeout(IDLE_GRACE, caught_up) => if caught_up.is_err() {
                    return;
                }
            }
            if ended.is_none() {
                tokio::select! {
                    () = self.over(&mut served, &back) => return,
                    grace = ending.as_mut() => ended = Some(grace),
                    () = self.tired(&connection, &back) => {}
                }
            }
            if let Some(grace) = ended {
                served.as_mut().say_goodbye();
                tokio::select! {
                    () = self.over(&mut served, &back) => {}
                    () = deaf(&connection.activity) => {}
                    () = after(grace) => {}
                }
                return;
            }
            let Some(again) = back.take(served) else { return };
            self.returned.count();
            // Who has begun the next request has to go on as fast as any other.
            is_silent = is_h2 || again.is_new() || !connection.activity.is_used();
            resting = again;
        }
    }

    /// Waits until a connection has ended. How is the peer's affair: requests were answered
    /// or are not acknowledged.
    async fn over(&self, served: &mut Served, back: &Back) {
        let _ = served.as_mut().await;
        if back.is_flooded() {
            self.routes.borrow().closed(self.endpoint.transport(), "headers");
        }
    }

    /// The connection, when it is known what is spoken. `None` if it did not come to that.
    async fn begun(&self, stream: TcpStream) -> Option<(Stream, bool)> {
        let mut signs = self.signs.clone();
        let begun = tokio::select! {
            begun = timeout(self.endpoint.limits().handshake_timeout.0, self.begin(stream)) => begun,
            _ = signs.wait_for(|signs| signs.is_stopped) => return None,
        };
        if let Ok(Ok(begun)) = begun {
            return Some(begun);
        }
        self.routes.borrow().closed(self.endpoint.transport(), "handshake");
        None
    }

    /// The TLS handshake, if any, and whether HTTP/2 is spoken.
    async fn begin(&self, stream: TcpStream) -> io::Result<(Stream, bool)> {
        match &self.tls {
            None => {
                let is_h2 = is_h2_preface(&stream).await?;
                Ok((Stream::Plain(stream), is_h2))
            }
            Some(tls) => {
                let tls = TlsAcceptor::from(tls.get());
                let stream = Stream::Tls(Box::new(tls.accept(stream).await?.into()));
                let is_h2 = stream.negotiated_h2();
                Ok((stream, is_h2))
            }
        }
    }

    /// Gives a connection to the HTTP library. `None` where what it speaks is not taken.
    fn served(self: &Arc<Self>, line: Line, connection: &Connection) -> Option<Served> {
        let (shared, activity) = (Arc::clone(self), connection.activity.clone());
        let service = service_fn(move |request| {
            let (shared, busy) = (Arc::clone(&shared), activity.begin());
            // In a box, so that a connection without a request takes none of its memory.
            Box::pin(async move {
                let answer = shared.answer(request).await;
                drop(busy);
                Ok::<_, Infallible>(answer)
            })
        });
        let io = TokioIo::new(line);
        match (&self.endpoint, connection.is_h2) {
            (Endpoint::Grpc(..), false) => None,
            (_, true) => Some(Box::pin(self.http2().serve_connection(io, service))),
            (Endpoint::Http(_, config), false) => {
                Some(Box::pin(http1(config).serve_connection(io, service)))
            }
        }
    }

    /// Waits until a connection is to end, and says how long it may take to; zero is as
    /// long as it needs.
    async fn ending(&self, connection: &Connection) -> Duration {
        let (age_max, grace) = match &self.endpoint {
            Endpoint::Http(..) => (Duration::ZERO, Duration::ZERO),
            Endpoint::Grpc(_, config) => {
                let parameters = &config.keepalive.server_parameters;
                (parameters.max_connection_age.0, parameters.max_connection_age_grace.0)
            }
        };
        let oldest = match age_max.is_zero() {
            true => None,
            false => Instant::now().checked_add(age_max),
        };
        let usual = self.endpoint.idle_timeout(connection.is_h2);
        let mut signs = self.signs.clone();
        // One timer and one thing to hear: all of this waits with each idle connection.
        loop {
            let Signs { is_crowded, is_leaving, is_stopped } = *signs.borrow_and_update();
            if is_stopped || is_leaving && connection.hears {
                return Duration::ZERO;
            }
            let now = Instant::now();
            if oldest.is_some_and(|oldest| oldest <= now) {
                return grace;
            }
            let limit = if is_crowded { usual.min(IDLE_WHEN_CROWDED) } else { usual };
            let since = connection.activity.idle_since();
            let idle = since.unwrap_or(now) + limit;
            if since.is_some() && idle <= now {
                self.routes.borrow().closed(self.endpoint.transport(), "idle");
                return IDLE_GRACE;
            }
            tokio::select! {
                () = sleep_until(oldest.map_or(idle, |oldest| oldest.min(idle))) => {}
                changed = signs.changed() => if changed.is_err() {
                    return Duration::ZERO;
                }
            }
        }
    }

    /// Waits until a connection can rest.
    async fn tired(&self, connection: &Connection, back: &Back) {
        // A ping of ours would have to be remembered, and nobody would send the next.
        let pings = self.endpoint.ping_interval() < self.endpoint.idle_timeout(true);
        if connection.is_h2 && pings {
            return pending().await;
        }
        let mut due = Instant::now() + REST_AFTER;
        loop {
            sleep_until(due).await;
            let is_used = connection.activity.is_used();
            if connection.is_h2 && is_used {
                return pending().await;
            }
            let now = Instant::now();
            let since = connection.activity.idle_since();
            due = since.unwrap_or(now) + REST_AFTER;
            if due <= now {
                if back.may_rest(is_used) {
                    return;
                }
                due = now + REST_AFTER;
            }
        }
    }

    async fn answer(&self, request: http::Request<Incoming>) -> Response<Reply> {
        let routes = Arc::clone(&self.routes.borrow());
        let is_http1 = request.version() < Version::HTTP_2;
        let mut response = match &self.endpoint {
            Endpoint::Grpc(service, _) => service.call(&routes, request).await,
            Endpoint::Http(service, _) => service.call(&routes, request).await,
        };
        if is_http1 && self.signs.borrow().is_leaving {
            // HTTP/1 has no other way to say so that does not cross the next request.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn http2(&self) -> http2::Builder<TokioExecutor> {
        let defaults = GrpcConfig::default();
        let config = match &self.endpoint {
            Endpoint::Grpc(_, config) => config,
            Endpoint::Http(..) => &defaults,
        };
        let streams_max = match config.max_concurrent_streams {
            0 => REQUESTS_PER_CONNECTION_DEFAULT,
            streams => streams,
        };
        let limits = self.endpoint.limits();
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(streams_max)
            .max_header_list_size(limits.header_bytes.get())
            .max_pending_accept_reset_streams(limits.reset_streams as usize)
            .max_local_error_reset_streams(FAULTY_STREAMS_MAX)
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_frame_size(FRAME_BYTES_MAX)
            .keep_alive_interval(config.keepalive.server_parameters.ping_interval())
            .keep_alive_timeout(config.keepalive.server_parameters.ping_timeout());
        http2
    }
}

/// Sets up the socket of a connection.
fn opened(stream: std::net::TcpStream) -> io::Result<TcpStream> {
    let stream = TcpStream::from_std(stream)?;
    // Where these fail the connection is gone, which is found out later.
    let _ = stream.set_nodelay(true);
    let keepalive = TcpKeepalive::new().with_time(TCP_KEEPALIVE);
    let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
    Ok(stream)
}

/// When a peer that was told to leave just now has had time to, and has no request under
/// way.
async fn deaf(activity: &Activity) {
    let mut due = Instant::now() + GOODBYE;
    loop {
        sleep_until(due).await;
        let now = Instant::now();
        let quiet = activity.idle_since().unwrap_or(now) + GOODBYE;
        if quiet <= now {
            return;
        }
        due = quiet;
    }
}

/// When `duration` has passed; never, if it is zero.
async fn after(duration: Duration) {
    if duration.is_zero() {
        pending().await
    } else {
        sleep(duration).await;
    }
}

fn http1(config: &HttpConfig) -> http1::Builder {
    // hyper has one timer for the wait between two requests and for the headers.
    let wait = config.read_header_timeout().max(config.keepalive.idle_timeout.0);
    let mut http1 = http1::Builder::new();
    http1
        .timer(TokioTimer::new())
        .header_read_timeout(wait)
        .keep_alive(config.keepalive.enabled)
        .max_header_size(config.limits.header_bytes.get() as usize)
        .max_headers(config.limits.header_count.get() as usize);
    http1
}

/// Whether the first bytes are those of HTTP/2. They stay where they are.
async fn is_h2_preface(stream: &TcpStream) -> io::Result<bool> {
    const PREFACE: &[u8] = b"PRI ";
    let mut first = [0; PREFACE.len()];
    let mut pause = Duration::from_millis(2);
    loop {
        let len = stream.peek(&mut first).await?;
        let seen = first.get(..len).unwrap_or_default();
        if len == 0 || !PREFACE.starts_with(seen) {
            return Ok(false);
        }
        if seen == PREFACE {
            return Ok(true);
        }
        // A peek does not wait for more than it has seen. Who sends the rest at once is
        // not kept waiting; who does not is not looked at often.
        sleep(pause).await;
        pause *= 2;
    }
}
