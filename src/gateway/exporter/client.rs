//! What every exporter over HTTP has in common.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use bytes::BytesMut;
use http::HeaderMap;
use http::Request;
use http::Response;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Builder;
use hyper_util::rt::TokioExecutor;
use hyper_util::rt::TokioTimer;

use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::connect::Connector;
use crate::gateway::exporter::outgoing::OutgoingBody;

/// A client with its pool of connections.
pub type Client = hyper_util::client::legacy::Client<Connector, OutgoingBody>;

/// How much of an upstream's answer is read, as in the Collector.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How often a request is sent that no upstream looks at.
const ATTEMPTS_MAX: usize = 3;

/// A builder with what all exporters have in common.
pub fn builder() -> Builder {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.timer(TokioTimer::new()).pool_timer(TokioTimer::new());
    builder
}

/// Says that whoever stands between us and the upstream can read who we are.
pub fn warn_of_plain_text(path: &str) {
    tracing::warn!(exporter = path, "credentials go to the upstream in plain text: use TLS");
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

/// Sends what `build` makes, and again at once where the upstream says that it has
/// not looked at it: it closes its connections in an orderly way, and a request was
/// on its way to one of them (gRFC A6, "Transparent Retries").
///
/// # Errors
///
/// `unreachable`, and those of `build`.
pub async fn request(
    client: &Client,
    build: impl Fn() -> Result<Request<OutgoingBody>, Refusal>,
) -> Result<Response<Incoming>, Refusal> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        match client.request(build()?).await {
            Ok(response) => return Ok(response),
            Err(err) if attempts < ATTEMPTS_MAX && was_not_looked_at(&err) => {}
            Err(err) => return Err(unreachable(&err)),
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
