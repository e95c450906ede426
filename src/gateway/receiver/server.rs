//! Listens, accepts and serves connections, and lets them end in an orderly way.
//!
//! A connection is HTTP/2 where its first bytes or its TLS handshake say so, else
//! HTTP/1; the gRPC port takes HTTP/2 only. Each step before the first request is
//! bounded in time, and their number is bounded.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
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
use hyper_util::server::graceful::GracefulConnection;
use socket2::SockRef;
use socket2::TcpKeepalive;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio::time::sleep;
use tokio::time::sleep_until;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::gateway::auth;
use crate::gateway::receiver::activity::Activity;
use crate::gateway::receiver::bind;
use crate::gateway::receiver::grpc;
use crate::gateway::receiver::http as otlp_http;
use crate::gateway::receiver::limits::IDLE_WHEN_CROWDED;
use crate::gateway::receiver::limits::Limits;
use crate::gateway::receiver::otlp::GrpcConfig;
use crate::gateway::receiver::otlp::HttpConfig;
use crate::gateway::receiver::otlp::ListenAddress;
use crate::gateway::receiver::otlp::REQUESTS_PER_CONNECTION_DEFAULT;
use crate::gateway::receiver::otlp::Transport;
use crate::gateway::receiver::reply::Reply;
use crate::gateway::receiver::route::Routes;
use crate::gateway::tls;
use crate::gateway::tls::Stream;
use crate::gateway::watched::Watched;
use crate::scrub::yaml::YamlError;

/// What a sender may send ahead of what is read: of one request, and of all
/// requests of a connection. It is memory that nobody admitted; it is also what
/// keeps a fast sender on a long line busy: 10 MB/s over 25 ms.
const STREAM_WINDOW_BYTES: u32 = 1 << 18;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// The largest piece of a body that is accepted at once. Requests up to this size
/// are never copied while they are read.
const FRAME_BYTES_MAX: u32 = 512 * 1024;

/// Streams of a connection that ended by a fault of the peer and are remembered.
const FAULTY_STREAMS_MAX: usize = 64;

/// How long a connection that was idle may take to end: a request may be on its way.
const IDLE_GRACE: Duration = Duration::from_secs(5);

/// After which silence the system asks whether the peer is still there: the
/// default of Go's listeners.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// How long the accept loop rests when the system has no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What is served at an address.
#[expect(clippy::large_enum_variant, reason = "there is one for each address")]
#[derive(Debug)]
pub enum Endpoint {
    /// OTLP/gRPC.
    Grpc(grpc::Service, GrpcConfig),
    /// OTLP/HTTP.
    Http(otlp_http::Service, HttpConfig),
}

impl Endpoint {
    fn limits(&self) -> &Limits {
        match self {
            Self::Grpc(_, config) => &config.limits,
            Self::Http(_, config) => &config.limits,
        }
    }

    /// How long a connection without a request is kept.
    fn idle_timeout(&self) -> Duration {
        let timeout = match self {
            Self::Grpc(_, config) => config.keepalive.server_parameters.idle_timeout(),
            Self::Http(_, config) => config.keepalive.idle_timeout.0,
        };
        // A day is as good as for ever, and no sum of it overflows.
        let most = Duration::from_secs(24 * 60 * 60);
        if timeout.is_zero() { most } else { timeout.min(most) }
    }

    /// The value of the metric label `transport`.
    fn transport(&self) -> &'static str {
        match self {
            Self::Grpc(..) => "grpc",
            Self::Http(..) => "http",
        }
    }
}

/// A bound address and what is to be served there.
pub struct Server {
    listener: TcpListener,
    tls: Option<Arc<Watched<rustls::ServerConfig>>>,
    endpoint: Endpoint,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// A setting is at fault.
    #[error(transparent)]
    Fault(#[from] YamlError),
    /// The address cannot be listened at.
    #[error("{path}: cannot listen at {address}: {source}")]
    Listen {
        /// The YAML path of the address.
        path: String,
        /// The address.
        address: ListenAddress,
        /// What the system says.
        source: io::Error,
    },
}

impl Server {
    /// Binds the address of an OTLP/gRPC endpoint. `path` is the YAML path of
    /// `config`; `auth` says who may send.
    ///
    /// # Errors
    ///
    /// When the address is taken, does not resolve, or a setting is at fault.
    pub async fn grpc(
        config: GrpcConfig,
        path: &str,
        auth: Option<auth::Server>,
    ) -> Result<Self, ServerError> {
        let tls = tls(config.tls.as_ref(), path, &["h2"])?;
        let listener = listen(&config.endpoint, config.transport, path).await?;
        let endpoint = Endpoint::Grpc(grpc::Service::new(&config, auth), config);
        Ok(Self { listener, tls, endpoint })
    }

    /// Binds the address of an OTLP/HTTP endpoint. `path` is the YAML path of
    /// `config`; `auth` says who may send.
    ///
    /// # Errors
    ///
    /// As [`Self::grpc`].
    pub async fn http(
        config: HttpConfig,
        path: &str,
        auth: Option<auth::Server>,
    ) -> Result<Self, ServerError> {
        let tls = tls(config.tls.as_ref(), path, &["h2", "http/1.1"])?;
        let service = otlp_http::Service::new(config.clone(), auth);
        let listener = listen(&config.endpoint, config.transport, path).await?;
        Ok(Self { listener, tls, endpoint: Endpoint::Http(service, config) })
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is true. From `leaving` on, connections that are open are told
    /// that there will be no further request, and new ones are served still: whoever
    /// spreads requests over several gateways may not have noticed yet. With `stop`, no
    /// connection is accepted any more, those
    /// that are open are told to end, and `tasks` is empty when they have.
    pub async fn serve(
        self,
        routes: watch::Receiver<Arc<Routes>>,
        leaving: watch::Receiver<bool>,
        mut stop: watch::Receiver<bool>,
        tasks: TaskTracker,
    ) {
        let Self { listener, tls, endpoint } = self;
        let (crowded, is_crowded) = watch::channel(false);
        let shared = Arc::new(Connections {
            crowded: is_crowded,
            tls,
            endpoint,
            routes,
            leaving,
            stop: stop.clone(),
        });
        let room = Arc::new(Semaphore::new(shared.endpoint.limits().connections.get() as usize));
        loop {
            let accepted = async {
                // With every seat taken, those who sit idle are asked to leave.
                crowded.send_if_modified(|crowded| {
                    let was = std::mem::replace(crowded, room.available_permits() == 0);
                    was != *crowded
                });
                let seat = Arc::clone(&room).acquire_owned().await.expect("never closed");
                (seat, listener.accept().await)
            };
            let (seat, accepted) = tokio::select! {
                accepted = accepted => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let shared = Arc::clone(&shared);
                    tasks.spawn(async move {
                        shared.serve(stream).await;
                        drop(seat);
                    });
                }
                Err(err) => {
                    tracing::warn!(%err, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// What the connections to one address have in common.
struct Connections {
    /// Whether others wait for a seat.
    crowded: watch::Receiver<bool>,
    tls: Option<Arc<Watched<rustls::ServerConfig>>>,
    endpoint: Endpoint,
    routes: watch::Receiver<Arc<Routes>>,
    leaving: watch::Receiver<bool>,
    stop: watch::Receiver<bool>,
}

impl Connections {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        // Where these fail the connection is gone, which is found out below.
        let _ = stream.set_nodelay(true);
        let keepalive = TcpKeepalive::new().with_time(TCP_KEEPALIVE);
        let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
        let mut stop = self.stop.clone();
        let begun = tokio::select! {
            begun = timeout(self.endpoint.limits().handshake_timeout.0, self.begin(stream)) => begun,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let Ok(Ok((stream, is_h2))) = begun else {
            self.routes.borrow().closed(self.endpoint.transport(), "handshake");
            return;
        };
        let activity = Activity::new();
        let busy = activity.clone();
        let io = TokioIo::new(stream);
        let shared = Arc::clone(&self);
        let service = service_fn(move |request| {
            let (shared, busy) = (Arc::clone(&shared), busy.begin());
            // In a box, so that a connection without a request takes none of its memory.
            Box::pin(async move {
                let answer = shared.answer(request).await;
                drop(busy);
                Ok::<_, Infallible>(answer)
            })
        });
        match (&self.endpoint, is_h2) {
            (Endpoint::Grpc(..), false) => {}
            // Each in a box, so that a connection takes the memory of what it speaks, and
            // that once: an argument that is moved into a variable takes two places.
            (_, true) => {
                let connection = Box::pin(self.http2().serve_connection(io, service));
                Box::pin(self.drive(connection, true, &activity)).await;
            }
            (Endpoint::Http(_, config), false) => {
                let connection = Box::pin(http1(config).serve_connection(io, service));
                Box::pin(self.drive(connection, false, &activity)).await;
            }
        }
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

    /// Waits until nothing was asked for so long that the connection is to end.
    async fn idle(&self, activity: &Activity) {
        let usual = self.endpoint.idle_timeout();
        let mut crowded = self.crowded.clone();
        loop {
            let is_crowded = *crowded.borrow_and_update();
            let limit = if is_crowded { usual.min(IDLE_WHEN_CROWDED) } else { usual };
            let now = Instant::now();
            let since = activity.idle_since();
            let end = since.unwrap_or(now) + limit;
            if since.is_some() && end <= now {
                return;
            }
            tokio::select! {
                () = sleep_until(end) => {}
                Ok(()) = crowded.changed() => {}
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
        if is_http1 && *self.leaving.borrow() {
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

    /// Serves a connection until it ends, tells it to end when the gateway stops
    /// or it is too old, and sees to it that it does.
    async fn drive<C: GracefulConnection>(
        &self,
        mut connection: Pin<Box<C>>,
        is_h2: bool,
        activity: &Activity,
    ) {
        let (age_max, grace) = match &self.endpoint {
            Endpoint::Http(..) => (Duration::ZERO, Duration::ZERO),
            Endpoint::Grpc(_, config) => {
                let parameters = &config.keepalive.server_parameters;
                (parameters.max_connection_age.0, parameters.max_connection_age_grace.0)
            }
        };
        let (mut leaving, mut stop) = (self.leaving.clone(), self.stop.clone());
        // Over HTTP/2 a peer can be told ahead. A connection that comes while the gateway
        // leaves is served until it stops.
        let hears = is_h2 && !*leaving.borrow();
        let grace = tokio::select! {
            // How it ended is the peer's affair: requests were answered or are not
            // acknowledged.
            _ = connection.as_mut() => return,
            _ = leaving.wait_for(|leaving| *leaving), if hears => Duration::ZERO,
            _ = stop.wait_for(|stop| *stop) => Duration::ZERO,
            () = after(age_max) => grace,
            () = self.idle(activity) => {
                self.routes.borrow().closed(self.endpoint.transport(), "idle");
                IDLE_GRACE
            }
        };
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection => {}
            () = after(grace) => {}
        }
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
        .max_headers(config.limits.header_count.get() as usize)
        .pipeline_flush(true);
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

fn tls(
    config: Option<&tls::ServerConfig>,
    path: &str,
    alpn: &'static [&'static str],
) -> Result<Option<Arc<Watched<rustls::ServerConfig>>>, YamlError> {
    config.map(|config| config.watch(&format!("{path}.tls"), alpn)).transpose()
}

async fn listen(
    address: &ListenAddress,
    transport: Transport,
    path: &str,
) -> Result<TcpListener, ServerError> {
    bind::bind(address, transport).await.map_err(|source| ServerError::Listen {
        path: format!("{path}.endpoint"),
        address: address.clone(),
        source,
    })
}
