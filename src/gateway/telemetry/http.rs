//! The small HTTP server behind `/metrics` and the health check: GET in, a short
//! body out. It reads no request body.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Response;
use http_body_util::Full;
use hyper::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::rt::TokioTimer;
#[cfg(target_os = "linux")]
use socket2::SockRef;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::gateway::tls::Stream;
use crate::gateway::watched::Watched;
use crate::scrub::yaml::shown;

/// How many connections are served at a time; more wait in the accept queue.
const CONNECTIONS_MAX: usize = 64;

/// How long a client may take to send its request line and headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);

/// How long a client may leave an answer unread before it has no connection any more. One
/// that asks and asks and reads nothing would have it for ever.
#[cfg(target_os = "linux")]
const READ_WITHIN: Duration = Duration::from_secs(5);

/// How long to wait after `accept` fails for want of file descriptors.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A port that cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error("{path}: cannot listen at {}: {reason}", shown::address(endpoint))]
pub struct ListenError {
    /// The YAML path of the setting.
    pub path: String,
    /// The address, as configured.
    pub endpoint: String,
    /// Why not.
    pub reason: io::Error,
}

/// An open port.
#[derive(Debug)]
pub struct Listener {
    inner: TcpListener,
    at: SocketAddr,
    tls: Option<Tls>,
}

/// The certificates of a port, which are read again when they change.
type Tls = Arc<Watched<rustls::ServerConfig>>;

impl Listener {
    /// Opens a port. `path` is the YAML path of `endpoint`, for the error.
    ///
    /// # Errors
    ///
    /// When the address cannot be resolved or the port is taken.
    pub async fn open(endpoint: &str, path: &str) -> Result<Self, ListenError> {
        let open = async {
            let inner = TcpListener::bind(endpoint).await?;
            let at = inner.local_addr()?;
            Ok(Self { inner, at, tls: None })
        };
        open.await.map_err(|reason| ListenError {
            path: path.to_owned(),
            endpoint: endpoint.to_owned(),
            reason,
        })
    }

    /// The same, with TLS.
    #[must_use]
    pub fn with_tls(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    /// Where it listens: the port is known even if any was asked for.
    pub fn at(&self) -> SocketAddr {
        self.at
    }
}

/// `host:port`, with brackets around an IPv6 address; no host is every address.
pub(in crate::gateway::telemetry) fn join(host: &str, port: u16) -> String {
    match host {
        "" => format!("[::]:{port}"),
        _ if host.contains(':') && !host.starts_with('[') => format!("[{host}]:{port}"),
        _ => format!("{host}:{port}"),
    }
}

/// What answers a path.
pub(in crate::gateway::telemetry) type Answer =
    dyn Fn(&str) -> Response<Full<Bytes>> + Send + Sync + 'static;

/// Serves until the task is dropped, and its connections with it.
pub(in crate::gateway::telemetry) async fn serve(listener: Listener, answer: Arc<Answer>) {
    let answer = move |request: Request<Incoming>| {
        let response = answer(request.uri().path());
        async move { Ok::<_, Infallible>(response) }
    };
    serve_with(listener, answer).await;
}

/// The same, where an answer depends on more than the path, or takes its time.
pub(in crate::gateway::telemetry) async fn serve_with<F, R, B>(listener: Listener, answer: F)
where
    F: Fn(Request<Incoming>) -> R + Clone + Send + 'static,
    R: Future<Output = Result<Response<B>, Infallible>> + Send + 'static,
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(slot) = slots.clone().acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        let stream = match listener.inner.accept().await {
            Ok((stream, _)) => {
                // Where this fails the connection is gone, which is found out later.
                #[cfg(target_os = "linux")]
                let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(READ_WITHIN));
                stream
            }
            Err(_) => {
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                continue;
            }
        };
        let (answer, tls) = (answer.clone(), listener.tls.clone());
        connections.spawn(async move {
            let Some(stream) = begin(stream, tls).await else { return };
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_WITHIN)
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a connection to our own telemetry ended early");
            }
            drop(slot);
        });
    }
}

/// The TLS handshake, if any; `None` where it fails, or takes too long.
async fn begin(stream: TcpStream, tls: Option<Tls>) -> Option<Stream> {
    let Some(tls) = tls else { return Some(Stream::Plain(stream)) };
    let accepted = TlsAcceptor::from(tls.get()).accept(stream);
    match tokio::time::timeout(HEADERS_WITHIN, accepted).await {
        Ok(Ok(stream)) => Some(Stream::Tls(Box::new(stream.into()))),
        Ok(Err(_)) | Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_and_a_port_make_an_address() {
        assert_eq!(join("localhost", 1), "localhost:1");
        assert_eq!(join("::1", 1), "[::1]:1");
        assert_eq!(join("[::1]", 1), "[::1]:1");
        assert_eq!(join("", 1), "[::]:1");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(flavor = "multi_thread")]
    async fn who_reads_no_answer_takes_no_place_for_ever() {
        use tokio::io::AsyncReadExt;
        use tokio::io::AsyncWriteExt;
        const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
        let listener = Listener::open("127.0.0.1:0", "a").await.unwrap();
        let at = listener.at();
        let body = Bytes::from(vec![b'x'; 1 << 20]);
        let answer = move |_: &str| Response::new(Full::new(body.clone()));
        let server = tokio::spawn(serve(listener, Arc::new(answer)));
        let mut deaf = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            let mut stream = TcpStream::connect(at).await.unwrap();
            stream.write_all(&GET.repeat(20)).await.unwrap();
            deaf.push(stream);
        }
        let heard = async {
            let mut stream = TcpStream::connect(at).await.unwrap();
            stream.write_all(GET).await.unwrap();
            stream.read_u8().await.unwrap()
        };
        let heard = tokio::time::timeout(6 * READ_WITHIN, heard).await;
        assert_eq!(heard.ok(), Some(b'H'));
        server.abort();
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_its_path() {
        let taken = Listener::open("127.0.0.1:0", "a").await.unwrap();
        let error = Listener::open(&taken.at().to_string(), "extensions.health_check.endpoint")
            .await
            .unwrap_err()
            .to_string();
        let start = format!("extensions.health_check.endpoint: cannot listen at {}: ", taken.at());
        assert!(error.starts_with(&start), "{error}");
    }
}
