//! Listens and accepts connections, and lets them end in an orderly way.
//!
//! Their number is bounded, and so is each step before the first request in time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::gateway::auth;
use crate::gateway::memory::Returned;
use crate::gateway::receiver::bind;
use crate::gateway::receiver::connection::Connections;
use crate::gateway::receiver::connection::Signs;
use crate::gateway::receiver::grpc;
use crate::gateway::receiver::http as otlp_http;
use crate::gateway::receiver::limits::Limits;
use crate::gateway::receiver::otlp::GrpcConfig;
use crate::gateway::receiver::otlp::HttpConfig;
use crate::gateway::receiver::otlp::ListenAddress;
use crate::gateway::receiver::otlp::ServerParameters;
use crate::gateway::receiver::otlp::Transport;
use crate::gateway::receiver::route::Routes;
use crate::gateway::tls;
use crate::gateway::watched::Watched;
use crate::gateway::workers::Workers;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::shown;

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
    pub(in crate::gateway::receiver) fn limits(&self) -> &Limits {
        match self {
            Self::Grpc(_, config) => &config.limits,
            Self::Http(_, config) => &config.limits,
        }
    }

    /// How long a connection without a request is kept.
    pub(in crate::gateway::receiver) fn idle_timeout(&self, is_h2: bool) -> Duration {
        let timeout = match self {
            Self::Grpc(_, config) => config.keepalive.server_parameters.idle_timeout(),
            Self::Http(_, config) if config.keepalive.idle_timeout.0.is_zero() && !is_h2 => {
                // The next request has to begin as fast as it has to go on.
                config.read_header_timeout()
            }
            Self::Http(_, config) => config.keepalive.idle_timeout.0,
        };
        // A day is as good as for ever, and no sum of it overflows.
        let most = Duration::from_secs(24 * 60 * 60);
        if timeout.is_zero() { most } else { timeout.min(most) }
    }

    /// After which silence a peer over HTTP/2 is asked whether it is there.
    pub(in crate::gateway::receiver) fn ping_interval(&self) -> Duration {
        match self {
            Self::Grpc(_, config) => config.keepalive.server_parameters.ping_interval(),
            Self::Http(..) => ServerParameters::default().ping_interval(),
        }
    }

    /// The value of the metric label `transport`.
    pub(in crate::gateway::receiver) fn transport(&self) -> &'static str {
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
    #[error("{path}: cannot listen at {}: {source}", shown::address(&address.to_string()))]
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
        mut leaving: watch::Receiver<bool>,
        mut stop: watch::Receiver<bool>,
        workers: Arc<Workers>,
        tasks: TaskTracker,
    ) {
        let Self { listener, tls, endpoint } = self;
        let (told, signs) = watch::channel(Signs::default());
        let shared =
            Arc::new(Connections { tls, endpoint, routes, signs, returned: Returned::default() });
        let room = Arc::new(Semaphore::new(shared.endpoint.limits().connections.get() as usize));
        let mut is_leaving = *leaving.borrow_and_update();
        loop {
            let accepted = async {
                told.send_if_modified(|signs| {
                    let was = (signs.is_crowded, signs.is_leaving);
                    // With every seat taken, those who sit idle are asked to leave.
                    signs.is_crowded = room.available_permits() == 0;
                    signs.is_leaving = is_leaving;
                    was != (signs.is_crowded, signs.is_leaving)
                });
                let seat = Arc::clone(&room).acquire_owned().await.expect("never closed");
                (seat, listener.accept().await.and_then(|(stream, _)| stream.into_std()))
            };
            let (seat, accepted) = tokio::select! {
                accepted = accepted => accepted,
                _ = leaving.wait_for(|leaving| *leaving), if !is_leaving => {
                    is_leaving = true;
                    continue;
                }
                _ = stop.wait_for(|stop| *stop) => {
                    told.send_modify(|signs| signs.is_stopped = true);
                    return;
                }
            };
            match accepted {
                Ok(stream) => {
                    let shared = Arc::clone(&shared);
                    workers.serve(&tasks, async move {
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
