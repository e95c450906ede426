//! Short talks with identity providers over HTTP.
//!
//! What they answer is read up to a limit, and never shown: it may hold tokens.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::Uri;
use http::header;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::Limited;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioTimer;

use crate::gateway::auth::Credential;
use crate::gateway::auth::fault;
use crate::gateway::connect::Connector;
use crate::gateway::tls;
use crate::scrub::yaml::YamlError;

/// The largest answer, in bytes. Key sets of large providers have a few KiB.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How long an answer may take where no setting says otherwise.
pub(in crate::gateway::auth) const TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// A client of one identity provider.
pub(in crate::gateway::auth) struct Fetcher {
    client: Client<Connector, Full<Bytes>>,
    timeout: Duration,
}

/// Why there is no answer. Safe to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::gateway::auth) enum FetchError {
    #[error("it cannot be reached")]
    Unreachable,
    #[error("it does not answer in time")]
    TimedOut,
    #[error("its answer cannot be read")]
    Unreadable,
    #[error("it answers with HTTP status {0}")]
    Status(u16),
    #[error("it is another issuer than the configuration names")]
    OtherIssuer,
}

impl Fetcher {
    /// `path` is the YAML path of `tls`.
    pub(in crate::gateway::auth) fn new(
        tls: &tls::ClientConfig,
        path: &str,
        timeout: Duration,
    ) -> Result<Self, YamlError> {
        let timeout = if timeout.is_zero() { TIMEOUT_DEFAULT } else { timeout };
        let name = tls.server_name_override.as_deref();
        let config = tls.watch(path, &["http/1.1"])?;
        let connector = Connector::new(Some(config), name, timeout, path)?;
        let mut builder = Client::builder(TokioExecutor::new());
        // One answer in many minutes: no connection is worth keeping.
        builder.timer(TokioTimer::new()).pool_max_idle_per_host(0);
        Ok(Self { client: builder.build(connector), timeout })
    }

    pub(in crate::gateway::auth) async fn get(&self, from: &Uri) -> Result<Bytes, FetchError> {
        let mut request = Request::new(Full::default());
        *request.uri_mut() = from.clone();
        self.send(request).await.and_then(successful)
    }

    /// Posts a form. The status is the caller's to judge.
    pub(in crate::gateway::auth) async fn post(
        &self,
        to: &Uri,
        credential: Option<Credential>,
        form: String,
    ) -> Result<(u16, Bytes), FetchError> {
        let mut request = Request::post(to.clone())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(form))
            .map_err(|_| FetchError::Unreachable)?;
        request.headers_mut().extend(credential.map(|own| (own.name, own.value)));
        self.send(request).await
    }

    async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<(u16, Bytes), FetchError> {
        let json = http::HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::ACCEPT, json);
        let answer = async {
            let answer = self.client.request(request).await;
            let (parts, body) = answer.map_err(|_| FetchError::Unreachable)?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|_| FetchError::Unreadable)?.to_bytes();
            Ok((parts.status.as_u16(), body))
        };
        tokio::time::timeout(self.timeout, answer).await.unwrap_or(Err(FetchError::TimedOut))
    }
}

fn successful((status, body): (u16, Bytes)) -> Result<Bytes, FetchError> {
    if status == 200 { Ok(body) } else { Err(FetchError::Status(status)) }
}

/// An address of an identity provider. `path` and `key` say where it stands.
pub(in crate::gateway::auth) fn address(
    text: &str,
    path: &str,
    key: &str,
) -> Result<Uri, YamlError> {
    let uri: Option<Uri> = text.parse().ok();
    let is_http = |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https"));
    uri.filter(|uri| is_http(uri) && uri.host().is_some_and(|host| !host.is_empty()))
        .ok_or_else(|| fault(path, key, "expected a URL such as https://login.example.com"))
}
