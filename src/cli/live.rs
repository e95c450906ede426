//! What a running gateway says of itself: its admin endpoint, asked.

use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use http::Request;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::gateway::tls::ClientConfig;
use crate::gateway::tls::Stream;
use crate::scrub::yaml::Placed;
use crate::scrub::yaml::YamlError;

/// The longest answer, or line of an answer, that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Where the gateway is, and who asks.
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct AdminArgs {
    /// The admin endpoint of the gateway (`extensions.admin.endpoint`)
    #[arg(long, value_name = "HOST:PORT", default_value = "localhost:13134")]
    admin: String,
    /// The endpoint has TLS: who signed its certificate, PEM (`https://` in front of the
    /// address, where that is a well-known authority)
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// A file with the bearer token that the endpoint asks for
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Why nothing is said.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum LiveError {
    /// The token cannot be read.
    #[error("{}: {reason}", file.display())]
    Token {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The authority cannot be used.
    #[error("--ca-file: {0}")]
    Authority(#[from] YamlError),
    /// Nobody answers there.
    #[error(
        "{admin}: {reason}; a gateway answers there with `extensions: {{admin: }}` and `admin` in `service.extensions`"
    )]
    Connect {
        /// The address.
        admin: String,
        /// Why.
        reason: io::Error,
    },
    /// The answer broke off, or is none of HTTP.
    #[error("{admin}: {reason}")]
    Http {
        /// The address.
        admin: String,
        /// Why.
        reason: hyper::Error,
    },
    /// The gateway says no.
    #[error("{admin}: {status}: {said}")]
    Refused {
        /// The address.
        admin: String,
        /// Its status.
        status: http::StatusCode,
        /// What it says.
        said: String,
    },
    /// The answer is not what was asked for.
    #[error("{admin}: expected {expected}")]
    Answer {
        /// The address.
        admin: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// What is typed, printed or waited for cannot be.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl AdminArgs {
    /// Runs `work` in a runtime of its own.
    pub(in crate::cli) fn run<T>(
        &self,
        work: impl Future<Output = Result<T, LiveError>>,
    ) -> Result<T, LiveError> {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
    }

    /// Asks for a path; the answer is JSON.
    pub(in crate::cli) async fn json(&self, path: &str) -> Result<serde_json::Value, LiveError> {
        let mut lines = self.lines(path).await?;
        let mut whole = Vec::new();
        while let Some(line) = lines.next().await? {
            whole.extend_from_slice(&line);
        }
        serde_json::from_slice(&whole).map_err(|_| self.answer("JSON"))
    }

    /// Asks for a path; the answer comes line by line.
    pub(in crate::cli) async fn lines(&self, path: &str) -> Result<Lines, LiveError> {
        let admin = self.admin.clone();
        let unreachable = |reason| LiveError::Connect { admin: admin.clone(), reason };
        let broken = |reason| LiveError::Http { admin: admin.clone(), reason };
        let stream = self.connect().await?.map_err(unreachable)?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        // It ends with the answer; how is seen there.
        tokio::spawn(connection);
        let mut request = Request::get(path).header(header::HOST, self.address());
        if let Some(file) = &self.token_file {
            let token = std::fs::read_to_string(file)
                .map_err(|reason| LiveError::Token { file: file.clone(), reason })?;
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.trim()));
        }
        let request = request.body(Empty::<Bytes>::new());
        let request = request.map_err(|_| self.answer("an address and a token of HTTP"))?;
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let mut lines = Lines {
            admin: self.admin.clone(),
            body: response.into_body(),
            _sender: sender,
            read: Vec::new(),
        };
        if status.is_success() {
            return Ok(lines);
        }
        let said = lines.next().await?.unwrap_or_default();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        Err(LiveError::Refused { admin, status, said })
    }

    fn address(&self) -> &str {
        let plain = self.admin.strip_prefix("http://").unwrap_or(&self.admin);
        plain.strip_prefix("https://").unwrap_or(plain).trim_end_matches('/')
    }

    /// Opens a connection, with TLS where it is asked for.
    async fn connect(&self) -> Result<io::Result<Stream>, LiveError> {
        let address = self.address();
        let stream = match TcpStream::connect(address).await {
            Ok(stream) => stream,
            Err(reason) => return Ok(Err(reason)),
        };
        if self.ca_file.is_none() && !self.admin.starts_with("https://") {
            return Ok(Ok(Stream::Plain(stream)));
        }
        let config = ClientConfig {
            ca_file: self.ca_file.clone().map(Placed::from),
            ..ClientConfig::default()
        };
        let config = config.build("tls", &["http/1.1"])?;
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(io::Error::other);
        let name = match name {
            Ok(name) => name,
            Err(reason) => return Ok(Err(reason)),
        };
        let secured = TlsConnector::from(config).connect(name, stream).await;
        Ok(secured.map(|stream| Stream::Tls(Box::new(stream.into()))))
    }

    fn answer(&self, expected: &'static str) -> LiveError {
        LiveError::Answer { admin: self.admin.clone(), expected }
    }
}

/// An answer, line by line.
pub(in crate::cli) struct Lines {
    admin: String,
    body: Incoming,
    /// The connection lives as long as this.
    _sender: http1::SendRequest<Empty<Bytes>>,
    read: Vec<u8>,
}

impl Lines {
    /// The next line, with its end. `None` where there is no more.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<Vec<u8>>, LiveError> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.read) {
                let rest = self.read.split_off(end + 1);
                return Ok(Some(std::mem::replace(&mut self.read, rest)));
            }
            if ANSWER_BYTES_MAX < self.read.len() {
                let admin = self.admin.clone();
                return Err(LiveError::Answer { admin, expected: "a shorter line" });
            }
            match self.body.frame().await {
                None if self.read.is_empty() => return Ok(None),
                None => return Ok(Some(std::mem::take(&mut self.read))),
                Some(frame) => {
                    let frame = frame
                        .map_err(|reason| LiveError::Http { admin: self.admin.clone(), reason })?;
                    if let Ok(data) = frame.into_data() {
                        self.read.extend_from_slice(&data);
                    }
                }
            }
        }
    }
}
