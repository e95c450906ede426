//! Connections that the gateway opens, with TLS or without.

mod held;

pub use held::SendingExecutor;

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::Connected;
use hyper_util::client::legacy::connect::Connection;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tower_service::Service;

use crate::gateway::connect::held::Held;
use crate::gateway::tls::Stream;
use crate::gateway::watched::Watched;
use crate::scrub::yaml::YamlError;

/// After which time an upstream that takes no bytes is given up: what gRPC
/// proposes (A18), and what a dead connection costs at most.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(20);

/// After which silence the system asks whether the upstream is still there.
const TCP_KEEPALIVE: Duration = Duration::from_secs(15);

/// Opens connections.
#[derive(Clone)]
pub struct Connector {
    tcp: HttpConnector,
    tls: Option<Arc<Watched<rustls::ClientConfig>>>,
    /// The name that the upstream's certificate must have, where it is not the host.
    server_name: Option<ServerName<'static>>,
    /// Where every connection goes, where that is not where requests are addressed to.
    target: Option<Uri>,
    /// Whether HTTP/2 is spoken whatever is agreed on.
    is_h2: bool,
}

/// Variables that name a proxy for the Collector's exporters.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"];

/// What whoever set a proxy in the environment should know. `variable` looks there.
pub fn unused_proxy(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let is_set = |name: &&&str| variable(name).is_some_and(|proxy| !proxy.is_empty());
    let name = PROXY_VARIABLES.iter().find(is_set)?;
    Some(format!(
        "exporters: {name} is set, and this program goes through no proxy: upstreams are \
         connected to directly"
    ))
}

impl Connector {
    /// A connector that speaks TLS to `https` addresses.
    ///
    /// # Errors
    ///
    /// When `server_name` is no name. `path` is the YAML path of the TLS settings.
    pub fn new(
        tls: Option<Arc<Watched<rustls::ClientConfig>>>,
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
            .map_err(|_| {
                let path = format!("{path}.server_name_override");
                YamlError::new(path, "expected the name of a host")
            })?;
        Ok(Self { tcp, tls, server_name, target: None, is_h2: false })
    }

    /// The same connector, but every connection goes to `target`, whatever the
    /// requests are addressed to.
    #[must_use]
    pub fn to(self, target: Uri) -> Self {
        Self { target: Some(target), ..self }
    }

    /// The same connector, for connections on which HTTP/2 is spoken, by tasks of a
    /// [`SendingExecutor`].
    #[must_use]
    pub fn for_h2(self) -> Self {
        Self { is_h2: true, ..self }
    }

    async fn connect(mut self, uri: Uri) -> Result<TokioIo<Line>, Box<dyn Error + Send + Sync>> {
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
                let tls = tokio_rustls::TlsConnector::from(tls.get()).connect(name, tcp).await?;
                Stream::Tls(Box::new(tls.into()))
            }
        };
        let is_h2 = self.is_h2 || stream.negotiated_h2();
        Ok(TokioIo::new(Line::new(stream, is_h2)))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Line>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

/// A connection that the gateway opened.
pub struct Line {
    stream: Stream,
    /// Whether the library was answered that writes take one slice at a time.
    was_denied: AtomicBool,
    /// Joins the frames of HTTP/2 without TLS.
    held: Option<Arc<Held>>,
}

impl Line {
    fn new(stream: Stream, is_h2: bool) -> Self {
        Self {
            held: match &stream {
                Stream::Plain(tcp) if is_h2 => Held::new(tcp),
                _ => None,
            },
            stream,
            was_denied: AtomicBool::new(!is_h2),
        }
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Line { stream: Stream::Plain(tcp), held: Some(held), .. } = &*self {
            return held.poll_write(tcp, cx, bufs);
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    /// Over HTTP/2, no when it is asked for the first time: then, when a connection begins,
    /// h2 settles which frames it copies into its buffer, and with that answer those are up
    /// to 1 KiB instead of 256 B, so that small requests leave together.
    fn is_write_vectored(&self) -> bool {
        self.was_denied.swap(true, Ordering::Relaxed) && self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connection for Line {
    fn connected(&self) -> Connected {
        let connected = Connected::new();
        if self.stream.negotiated_h2() { connected.negotiated_h2() } else { connected }
    }
}
