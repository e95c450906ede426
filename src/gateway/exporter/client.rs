//! What every exporter over HTTP has in common.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Method;
use http::Request;
use http::Response;
use http::Uri;
use http::header;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Builder;
use hyper_util::rt::TokioTimer;

use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::auth::Credential;
use crate::gateway::compression::Coding;
use crate::gateway::config::header::Headers;
use crate::gateway::connect::Connector;
use crate::gateway::connect::SendingExecutor;
use crate::gateway::exporter::outgoing::OutgoingBody;
use crate::gateway::workers;

/// A client with its pool of connections.
type Client = hyper_util::client::legacy::Client<Connector, OutgoingBody>;

/// A client for each worker, and one for all else: whoever sends a request reads its
/// answer, and no thread is woken for another.
pub struct Clients {
    elsewhere: Client,
    workers: Vec<Client>,
}

impl Clients {
    /// Clients that open their connections with `connector`.
    pub fn new(builder: &Builder, connector: &Connector) -> Self {
        let build = || builder.build(connector.clone());
        Self { elsewhere: build(), workers: (0..workers::count()).map(|_| build()).collect() }
    }

    fn here(&self) -> &Client {
        workers::here().and_then(|number| self.workers.get(number)).unwrap_or(&self.elsewhere)
    }
}

/// How much of an upstream's answer is read, as in the Collector.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How often a request is sent that no upstream looks at.
const ATTEMPTS_MAX: usize = 3;

/// A builder with what all exporters have in common.
pub fn builder() -> Builder {
    let mut builder = Builder::new(SendingExecutor);
    builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new());
    builder
}

/// Says that whoever stands between us and the upstream can read who we are.
pub fn warn_of_plain_text(path: &str) {
    tracing::warn!(exporter = path, "credentials go to the upstream in plain text: use TLS");
}

/// `<name>/<version> (<os>/<arch>)`, as Collectors call themselves.
fn user_agent() -> String {
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

/// What every request of an exporter says of itself, and what `own` adds.
pub fn headers(
    agent: Option<HeaderValue>,
    content_type: &'static str,
    coding: Option<(HeaderName, Coding)>,
    own: &Headers,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let agent = agent.or_else(|| HeaderValue::from_str(&user_agent()).ok());
    headers.extend(agent.map(|agent| (header::USER_AGENT, agent)));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    let coding = coding.map(|(name, coding)| (name, HeaderValue::from_static(coding.name())));
    headers.extend(coding);
    headers.extend(own.as_map().iter().map(|(name, value)| (name.clone(), value.clone())));
    headers
}

/// A request that carries `body`, with `headers` and who we are.
pub fn post(
    uri: Uri,
    headers: &HeaderMap,
    credential: Option<&Credential>,
    body: OutgoingBody,
) -> Request<OutgoingBody> {
    let mut request = Request::new(body);
    *request.method_mut() = Method::POST;
    *request.uri_mut() = uri;
    *request.headers_mut() = headers.clone();
    if let Some(Credential { name, value }) = credential {
        request.headers_mut().insert(name, value.clone());
    }
    request
}

/// Sends what `build` makes, and again at once where the upstream says that it has
/// not looked at it: it closes its connections in an orderly way, and a request was
/// on its way to one of them (gRFC A6, "Transparent Retries").
///
/// # Errors
///
/// When the upstream cannot be reached, or does not answer, and those of `build`.
pub async fn request(
    clients: &Clients,
    build: impl Fn() -> Result<Request<OutgoingBody>, Refusal>,
) -> Result<Response<Incoming>, Refusal> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match clients.here().request(build()?).await {
            Ok(response) => return Ok(response),
            Err(err) if attempts < ATTEMPTS_MAX && was_not_looked_at(&err) => {}
            Err(err) if err.is_connect() || was_not_looked_at(&err) => {
                return Err(Refusal::Unavailable {
                    code: code::UNAVAILABLE,
                    retry_after: None,
                    message: in_words(&err),
                });
            }
            Err(err) => return Err(unanswered(&err)),
        }
    }
}

/// Whether the upstream has not looked at a request: it said that this stream is
/// beyond the last that it will answer, or refused it unread (RFC 9113, 8.7).
fn was_not_looked_at(err: &(dyn Error + 'static)) -> bool {
    let mut source = Some(err);
    while let Some(err) = source {
        if let Some(err) = err.downcast_ref::<h2::Error>() {
            let reason = err.reason();
            let is_goodbye = err.is_go_away() && reason == Some(h2::Reason::NO_ERROR);
            let is_refused = err.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM);
            return err.is_remote() && (is_goodbye || is_refused);
        }
        source = err.source();
    }
    false
}

/// An upstream that said yes, in a way that no receiver of OTLP does: whether it has the
/// request nobody knows.
pub fn unlike(answer: &str) -> Refusal {
    let message = format!(
        "{answer}, which no receiver of OTLP answers: look at the endpoint, and whether a login \
         or a proxy stands before it"
    );
    Refusal::Unanswered { message }
}

/// An upstream that did not answer, or not to the end.
pub fn unanswered(err: &(dyn Error + 'static)) -> Refusal {
    Refusal::Unanswered { message: in_words(err) }
}

fn in_words(err: &(dyn Error + 'static)) -> String {
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
    message
}

/// An upstream that did not answer in time.
pub fn timed_out(timeout: Duration) -> Refusal {
    Refusal::Unanswered { message: format!("no answer within {timeout:?}") }
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
