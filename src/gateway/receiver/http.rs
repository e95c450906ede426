//! OTLP/HTTP: protobuf and JSON over POST.
//!
//! The answers are the Collector's to the byte, but for a request that is too
//! large: 413, as the OTLP specification has it, where the Collector says 400.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::HeaderValue;
use http::Method;
use http::Response;
use http::StatusCode;
use http::Version;
use http::header;
use http::request::Parts;
use hyper::body::Incoming;

use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::wire;
use crate::gateway::auth;
use crate::gateway::compression::Coding;
use crate::gateway::pipeline::Inbound;
use crate::gateway::receiver::body::Reader;
use crate::gateway::receiver::cors;
use crate::gateway::receiver::otlp::Compression;
use crate::gateway::receiver::otlp::HttpConfig;
use crate::gateway::receiver::reply::Reply;
use crate::gateway::receiver::route::Routes;
use crate::scrub::Encoding;
use crate::scrub::Request;
use crate::scrub::Signal;

/// The value of the metric label `transport`.
const TRANSPORT: &str = "http";

/// What the gateway decompresses.
const ACCEPTED: &str = "gzip, zstd, zlib, deflate, identity";

const PLAIN: HeaderValue = HeaderValue::from_static("text/plain");
const PLAIN_UTF8: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// How much of a refused body is read and thrown away, and for how long. Over
/// HTTP/1 a sender that is still writing when the connection is closed may never
/// see the answer.
const DISCARD_BYTES_MAX: usize = 1 << 20;
const DISCARD_TIME_MAX: Duration = Duration::from_secs(1);

/// The OTLP/HTTP endpoint.
#[derive(Debug)]
pub struct Service {
    config: HttpConfig,
    auth: Option<auth::Server>,
}

impl Service {
    /// The endpoint.
    pub fn new(config: HttpConfig, auth: Option<auth::Server>) -> Self {
        Self { config, auth }
    }

    /// Answers one request.
    pub async fn call(
        &self,
        routes: &Arc<Routes>,
        request: http::Request<Incoming>,
    ) -> Response<Reply> {
        let (parts, body) = request.into_parts();
        let mut response = self.route(routes, &parts, body).await;
        if let Some(cors) = &self.config.cors {
            if cors::is_preflight(&parts.method, &parts.headers) {
                cors.permit_preflight(&parts.headers, response.headers_mut());
            } else {
                cors.permit(&parts.headers, response.headers_mut());
            }
        }
        let own = self
            .config
            .response_headers
            .as_map()
            .iter()
            .map(|(name, value)| (name.clone(), value.clone()));
        response.headers_mut().extend(own);
        response
    }

    async fn route(&self, routes: &Arc<Routes>, parts: &Parts, body: Incoming) -> Response<Reply> {
        if self.config.cors.is_some() && cors::is_preflight(&parts.method, &parts.headers) {
            let mut response = Response::new(Reply::default());
            *response.status_mut() = StatusCode::NO_CONTENT;
            return response;
        }
        if let Some(auth) = &self.auth
            && let Err(refusal) = auth.check(&parts.headers).await
        {
            routes.unauthenticated(TRANSPORT);
            let encoding = encoding(&parts.headers).unwrap_or(Encoding::Json);
            let mut reader = self.reader(body);
            return self.refuse(&refusal, encoding, parts, &mut reader).await;
        }
        let path = parts.uri.path();
        if let Some(clean) = cleaned(path) {
            return redirect(&clean);
        }
        let mut signals = Signal::ALL.into_iter();
        let signal = signals.find(|signal| self.config.path(*signal) == path);
        let Some(signal) = signal.filter(|signal| routes.takes(*signal)) else {
            return text(StatusCode::NOT_FOUND, PLAIN_UTF8, "404 page not found\n");
        };
        if parts.method != Method::POST {
            const WHAT: &str = "405 method not allowed, supported: [POST]";
            let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, PLAIN, WHAT);
            // RFC 9110, 15.5.6; the Collector has none.
            answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            return answer;
        }
        let Some(encoding) = encoding(&parts.headers) else {
            const WHAT: &str = "415 unsupported media type, supported: \
                                [application/json, application/x-protobuf]";
            return text(StatusCode::UNSUPPORTED_MEDIA_TYPE, PLAIN, WHAT);
        };
        let mut reader = self.reader(body);
        match self.export(routes, signal, encoding, parts, &mut reader).await {
            Ok(accepted) => match encoding {
                Encoding::Protobuf => {
                    let body = wire::export_response(accepted.partial.as_ref());
                    typed(StatusCode::OK, encoding, body)
                }
                Encoding::Json => {
                    let body = wire::export_response_json(signal, accepted.partial.as_ref());
                    typed(StatusCode::OK, encoding, body.into_bytes())
                }
            },
            Err(refusal) => self.refuse(&refusal, encoding, parts, &mut reader).await,
        }
    }

    fn reader(&self, body: Incoming) -> Reader {
        Reader::new(body, self.config.read_timeout(), &self.config.limits)
    }

    async fn refuse(
        &self,
        refusal: &Refusal,
        encoding: Encoding,
        parts: &Parts,
        reader: &mut Reader,
    ) -> Response<Reply> {
        if parts.version < Version::HTTP_2 && !parts.headers.contains_key(header::EXPECT) {
            reader.discard(DISCARD_BYTES_MAX, DISCARD_TIME_MAX).await;
        }
        refused(refusal, encoding)
    }

    async fn export(
        &self,
        routes: &Arc<Routes>,
        signal: Signal,
        encoding: Encoding,
        parts: &Parts,
        reader: &mut Reader,
    ) -> Outcome {
        let inbound = match self.read(routes, signal, encoding, &parts.headers, reader).await {
            Ok(inbound) => inbound,
            Err(refusal) => {
                routes.refused_early(TRANSPORT, signal, &refusal);
                return Err(refusal);
            }
        };
        if encoding == Encoding::Protobuf && inbound.request.bytes.is_empty() {
            return Ok(Default::default());
        }
        routes.handle(TRANSPORT, inbound).await
    }

    async fn read(
        &self,
        routes: &Routes,
        signal: Signal,
        encoding: Encoding,
        headers: &HeaderMap,
        reader: &mut Reader,
    ) -> Result<Inbound, Refusal> {
        let coding = self.coding(headers)?;
        let max = self.config.request_bytes_max();
        let announced = headers.get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
        if max < announced {
            return Err(Refusal::TooLarge { max });
        }
        // What is only announced takes no room from those who send.
        let (mut grant, granted) = routes.budget().admit_announced(announced)?;
        let body = reader.rest(max, announced, granted, &mut grant).await?;
        let (bytes, packed) = match coding {
            None => (body, None),
            Some(coding) => {
                let max = self.config.limits.unpacked_bytes_max(body.len(), max);
                let (bytes, packed);
                (bytes, packed, grant) = coding.unpack(body, max, grant).await?;
                (bytes, packed)
            }
        };
        grant.grow_by(encoding.working_bytes(&bytes))?;
        let request = Request { signal, encoding, bytes };
        Ok(Inbound { request, packed, deadline: None, grant: Arc::new(grant) })
    }

    /// What `Content-Encoding` says, as far as the configuration allows it.
    fn coding(&self, headers: &HeaderMap) -> Result<Option<Coding>, Refusal> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let value = values.next().map_or(&b""[..], HeaderValue::as_bytes);
        let (setting, coding) = match value {
            b"" | b"identity" => (Compression::None, None),
            b"gzip" => (Compression::Gzip, Some(Coding::Gzip)),
            b"zstd" => (Compression::Zstd, Some(Coding::Zstd)),
            b"zlib" => (Compression::Zlib, Some(Coding::Zlib)),
            b"deflate" => (Compression::Deflate, Some(Coding::Zlib)),
            _ => return Err(Refusal::Compression { supported: ACCEPTED }),
        };
        let allowed = &self.config.compression_algorithms;
        let is_allowed = allowed.is_empty() || allowed.contains(&setting);
        if values.next().is_some() || !is_allowed {
            return Err(Refusal::Compression { supported: ACCEPTED });
        }
        Ok(coding)
    }
}

/// What `Content-Type` says.
fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/x-protobuf") {
        Some(Encoding::Protobuf)
    } else if essence.eq_ignore_ascii_case("application/json") {
        Some(Encoding::Json)
    } else {
        None
    }
}

/// The path without `.`, `..` and empty segments, if it has any.
fn cleaned(path: &str) -> Option<String> {
    let mut segments: Vec<&str> = Vec::new();
    let mut changed = false;
    let inner = path.strip_prefix('/')?;
    for segment in inner.trim_end_matches('/').split('/') {
        match segment {
            "" | "." => changed = true,
            ".." => {
                segments.pop();
                changed = true;
            }
            _ => segments.push(segment),
        }
    }
    let changed = changed || inner.ends_with("//");
    let slash = if inner.ends_with('/') { "/" } else { "" };
    (changed && !inner.is_empty()).then(|| format!("/{}{slash}", segments.join("/")))
}

fn redirect(path: &str) -> Response<Reply> {
    let mut response = Response::new(Reply::default());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    if let Ok(location) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn text(status: StatusCode, content_type: HeaderValue, what: &'static str) -> Response<Reply> {
    let mut response = Response::new(Reply::new(what));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

fn typed(status: StatusCode, encoding: Encoding, body: Vec<u8>) -> Response<Reply> {
    let content_type = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    let mut response = Response::new(Reply::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

fn refused(refusal: &Refusal, encoding: Encoding) -> Response<Reply> {
    let answer = refusal.answer();
    let body = match encoding {
        Encoding::Protobuf => wire::status(answer.grpc, &answer.message, answer.retry_after),
        Encoding::Json => {
            wire::status_json(answer.grpc, &answer.message, answer.retry_after).into_bytes()
        }
    };
    let status = StatusCode::from_u16(answer.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = typed(status, encoding, body);
    if let Refusal::Unauthenticated { challenge } = refusal {
        let challenge = HeaderValue::from_static(challenge);
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(delay) = answer.retry_after {
        // Whole seconds; less than one would read as none.
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() != 0);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_go_does() {
        for (path, clean) in [
            ("/v1/traces", None),
            ("/v1/traces/", None),
            ("/", None),
            ("//v1/traces", Some("/v1/traces")),
            ("/v1/../v1/traces", Some("/v1/traces")),
            ("/v1/./traces/", Some("/v1/traces/")),
        ] {
            assert_eq!(cleaned(path).as_deref(), clean, "{path}");
        }
    }
}
