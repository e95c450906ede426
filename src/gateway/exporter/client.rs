//! HTTP connections to upstreams, with TLS or without, and what every exporter
//! over HTTP has in common.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::Uri;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Builder;
use hyper_util::client::legacy::connect::Connected;
use hyper_util::client::legacy::connect::Connection;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
use rustls::pki_types::ServerName;
use tower_service::Service;

use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::exporter::outgoing::OutgoingBody;
use crate::gateway::tls::Stream;
use crate::scrub::yaml::YamlError;

/// A client with its pool of connections.
pub type Client = hyper_util::client::legacy::Client<Connector, OutgoingBody>;

/// How much of an upstream's answer is read, as in the Collector.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// After which time an upstream that takes no bytes is given up: what gRPC
/// proposes (A18), and what a dead connection costs at most.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(20);

/// After which silence the system asks whether the upstream is still there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// A builder with what all exporters have in common.
pub fn builder() -> Builder {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new());
    builder
}

/// Opens connections.
#[derive(Clone)]
pub struct Connector {
    tcp: HttpConnector,
    tls: Option<Arc<rustls::ClientConfig>>,
    /// The name that the upstream's certificate must have, where it is not the host.
    server_name: Option<ServerName<'static>>,
    /// Where every connection goes, where that is not where requests are addressed to.
    target: Option<Uri>,
}

impl Connector {
    /// A connector that speaks TLS to `https` addresses.
    ///
    /// # Errors
    ///
    /// When `server_name` is no name. `path` is the YAML path of the TLS settings.
    pub fn new(
        tls: Option<Arc<rustls::ClientConfig>>,
        server_name: Option<&str>,
        connect_timeout: Duration,
        path: &str,
    ) -> Result<Self, YamlError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        tcp.set_connect_timeout((!connect_timeout.is_zero()).then_some(connect_timeout));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT));
        let server_name = server_name
            .filter(|name| !name.is_empty())
            .map(|name| ServerName::try_from(name.to_owned()))
            .transpose()
            .map_err(|_| YamlError {
                path: format!("{path}.server_name_override"),
                expected: "expected the name of a host".to_owned(),
            })?;
        Ok(Self { tcp, tls, server_name, target: None })
    }

    /// The same connector, but every connection goes to `target`, whatever the
    /// requests are addressed to.
    #[must_use]
    pub fn to(self, target: Uri) -> Self {
        Self { target: Some(target), ..self }
    }

    async fn connect(mut self, uri: Uri) -> Result<TokioIo<Stream>, Box<dyn Error + Send + Sync>> {
        let host = uri.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_tls = uri.scheme_str() == Some("https");
        let tcp = self.tcp.call(self.target.unwrap_or(uri)).await?.into_inner();
        let stream = match self.tls.filter(|_| is_tls) {
            None => Stream::Plain(tcp),
            Some(tls) => {
                let name = match self.server_name {
                    Some(name) => name,
                    None => ServerName::try_from(host)?,
                };
                let tls = tokio_rustls::TlsConnector::from(tls).connect(name, tcp).await?;
                Stream::Tls(Box::new(tls.into()))
            }
        };
        Ok(TokioIo::new(stream))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.negotiated_h2() { connected.negotiated_h2() } else { connected }
    }
}

/// `<name>/<version> (<os>/<arch>)`, as Collectors call themselves.
pub fn user_agent() -> String {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    format!("{name}/{version} ({}/{})", std::env::consts::OS, std::env::consts::ARCH)
}

/// The first bytes of an answer, and its trailers.
///
/// # Errors
///
/// When the connection breaks.
pub async fn read(mut body: Incoming) -> Result<(Bytes, HeaderMap), hyper::Error> {
    let mut bytes = BytesMut::new();
    let mut trailers = HeaderMap::new();
    while let Some(frame) = body.frame().await {
        match frame?.into_data() {
            Ok(data) => {
                let room = ANSWER_BYTES_MAX.saturating_sub(bytes.len());
                bytes.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
            }
            Err(frame) => trailers.extend(frame.into_trailers().unwrap_or_default()),
        }
    }
    Ok((bytes.freeze(), trailers))
}

/// An upstream that cannot be reached, or did not answer.
pub fn unreachable(err: &(dyn Error + 'static)) -> Refusal {
    // The outermost error only says that it was an error.
    let mut message = err.to_string();
    let mut source = err.source();
    while let Some(inner) = source {
        let text = inner.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = inner.source();
    }
    Refusal::Unavailable { code: code::UNAVAILABLE, retry_after: None, message }
}

/// An upstream that did not answer in time.
pub fn timed_out(timeout: Duration) -> Refusal {
    let message = format!("no answer within {timeout:?}");
    Refusal::Unavailable { code: code::UNAVAILABLE, retry_after: None, message }
}

/// Waits for `answer`, for at most `limit`; for ever, if that is zero.
///
/// # Errors
///
/// [`timed_out`].
pub async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, Refusal>>,
) -> Result<T, Refusal> {
    if limit.is_zero() {
        return answer.await;
    }
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| Err(timed_out(limit)))
}
