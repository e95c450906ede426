//! What the gateway does, live: `extensions.admin`.
//!
//! | path | |
//! |---|---|
//! | `/status` | requests, bytes, rules with their counts, services that leak, what a candidate would change |
//! | `/rules` | the rules alone |
//! | `/tail` | records as they leave, with why something is masked in them, one JSON object a line |
//! | `/tail/N` | the record that was shown as number N |
//!
//! Nothing here is a raw byte of a request (see `tail`), but names of services and the
//! clean parts of records are for who runs the gateway only: at an address that others
//! reach, who asks must be known. At a loopback address without `auth`, a request must
//! name that address as its host, so that no web page can have a browser ask.

pub mod explained;
pub mod tail;

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderMap;
use http::HeaderValue;
use http::Request;
use http::Response;
use http::header;
use http::request::Parts;
use http_body_util::Full;
use hyper::body::Body;
use hyper::body::Frame;
use hyper::body::Incoming;
use tokio::sync::mpsc;

use crate::gateway::answer::Refusal;
use crate::gateway::auth;
use crate::gateway::telemetry::admin::tail::Wish;
use crate::gateway::telemetry::http as server;
use crate::gateway::telemetry::http::ListenError;
use crate::gateway::telemetry::http::Listener;
use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::tls;
use crate::gateway::watched::Watched;
use crate::scrub::scrubber::Ratio;
use crate::scrub::yaml::YamlError;

/// `extensions.admin`
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address to listen at: one of the loopback, unless `auth` says who may ask.
    pub endpoint: String,
    /// Who may ask; on the loopback anybody, where left out.
    pub auth: Option<auth::Config>,
    /// Certificates; without, whoever stands between can read what is said.
    pub tls: Option<tls::ServerConfig>,
}

impl Default for Config {
    fn default() -> Self {
        Self { endpoint: "localhost:13134".to_owned(), auth: None, tls: None }
    }
}

impl Config {
    /// Whether only this machine reaches the address.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.endpoint)
    }
}

/// Whether an address, with a port or without, is one of the loopback.
fn is_loopback(address: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let host = match address.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (!host.contains(':') || host.ends_with(']')) => host,
        _ => address,
    };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host = bare.unwrap_or(host);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// How many records a tail shows that does not say.
const LIMIT_DEFAULT: u64 = 1000;

impl Config {
    /// Reads the certificates; `path` is the YAML path of the extension.
    ///
    /// # Errors
    ///
    /// When they cannot be used.
    pub fn certificates(
        &self,
        path: &str,
    ) -> Result<Option<Arc<Watched<rustls::ServerConfig>>>, YamlError> {
        let tls = self.tls.as_ref();
        tls.map(|tls| tls.watch(&format!("{path}.tls"), &["http/1.1"])).transpose()
    }
}

/// Opens the port.
///
/// # Errors
///
/// When it cannot be had; `id` is the id of the extension.
pub async fn listen(config: &Config, id: &str) -> Result<Listener, ListenError> {
    Listener::open(&config.endpoint, &format!("extensions.{id}.endpoint")).await
}

/// Answers until the task is dropped.
pub async fn serve(listener: Listener, auth: Option<auth::Server>, metrics: Metrics) {
    metrics.ledger().open();
    let admin = Arc::new(Admin { auth, metrics });
    let answer = move |request: Request<Incoming>| {
        let admin = Arc::clone(&admin);
        let (parts, _) = request.into_parts();
        async move { Ok::<_, Infallible>(admin.answer(&parts).await) }
    };
    server::serve_with(listener, answer).await;
}

struct Admin {
    auth: Option<auth::Server>,
    metrics: Metrics,
}

impl Admin {
    async fn answer(&self, request: &Parts) -> Response<Answer> {
        if let Some(refusal) = self.refusal(&request.headers).await {
            return refusal;
        }
        let ledger = self.metrics.ledger();
        match request.uri.path() {
            "/status" => json(ledger.shown().to_string()),
            "/rules" => json(ledger.rules().to_string()),
            "/tail" => match wish(request.uri.query().unwrap_or_default()) {
                Ok(wish) => match ledger.tail().watch(wish) {
                    Some(from) => response(200, NDJSON, Answer::Stream(from)),
                    None => plain(429, "as many as may watch the tail do\n"),
                },
                Err(expected) => plain(400, &format!("{expected}\n")),
            },
            path => {
                let number = path.strip_prefix("/tail/").and_then(|number| number.parse().ok());
                match number.and_then(|number| ledger.tail().kept(number)) {
                    Some(record) => response(200, JSON, Answer::Whole(Full::new(record))),
                    None if number.is_some() => plain(404, "this record is not kept any more\n"),
                    None => plain(404, "there are /status, /rules, /tail and /tail/N\n"),
                }
            }
        }
    }

    /// What who asks is told who may not.
    async fn refusal(&self, headers: &HeaderMap) -> Option<Response<Answer>> {
        let Some(auth) = &self.auth else {
            // A page of another site can make a browser resolve its own name to the
            // loopback; the name that the browser then sends is still that of the site.
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            return match host {
                Some(host) if is_loopback(host) => None,
                _ => Some(plain(403, "expected a loopback address as the host\n")),
            };
        };
        match auth.check(headers).await {
            Ok(()) => None,
            Err(Refusal::Unauthenticated { .. }) => {
                let mut response = plain(401, "not known\n");
                let scheme = HeaderValue::from_static("Bearer, Basic");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
                Some(response)
            }
            Err(_) => Some(plain(503, "cannot be told now\n")),
        }
    }
}

/// What the query of `/tail` asks for.
fn wish(query: &str) -> Result<Wish, String> {
    let mut wish = Wish {
        service: "*".to_owned(),
        rule: "*".to_owned(),
        all: false,
        sample: Ratio::WHOLE,
        limit: LIMIT_DEFAULT,
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value);
        let expected = |what: &str| format!("{key}: expected {what}");
        match key {
            "service" => wish.service = value,
            "rule" => wish.rule = value,
            "all" => wish.all = matches!(value.as_str(), "" | "true"),
            "sample" => {
                let share = value.parse::<f64>().ok().and_then(|share| Ratio::try_from(share).ok());
                wish.sample = share.ok_or_else(|| expected("a share from 0 to 1"))?;
            }
            "limit" => wish.limit = value.parse().map_err(|_| expected("a number"))?,
            _ => return Err("accepted: service, rule, all, sample, limit".to_owned()),
        }
    }
    Ok(wish)
}

/// A value of a query without its escapes (RFC 3986, 2.1). One that is malformed stays.
fn decoded(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.get(..2).filter(|_| *first == b'%');
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

const JSON: &str = "application/json";
const NDJSON: &str = "application/x-ndjson";

fn json(body: String) -> Response<Answer> {
    response(200, JSON, Answer::Whole(Full::new(body.into())))
}

fn plain(status: u16, body: &str) -> Response<Answer> {
    response(status, "text/plain", Answer::Whole(Full::new(body.to_owned().into())))
}

fn response(status: u16, kind: &str, body: Answer) -> Response<Answer> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, kind)
        .header(header::CACHE_CONTROL, "no-store")
        .body(body)
        .expect("the headers here are valid")
}

/// The body of an answer: a text, or what comes.
enum Answer {
    Whole(Full<Bytes>),
    Stream(mpsc::Receiver<Bytes>),
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(cx),
            Self::Stream(from) => {
                from.poll_recv(cx).map(|line| line.map(|line| Ok(Frame::data(line))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_what_to_show() {
        let wish = wish("service=check%2Dout*&rule=jwt&sample=0.5&limit=3&all=true").unwrap();
        assert_eq!((wish.service.as_str(), wish.rule.as_str()), ("check-out*", "jwt"));
        assert!(wish.all && wish.limit == 3);
        for (query, fault) in [
            ("limt=3", "accepted: service, rule, all, sample, limit"),
            ("limit=x", "limit: expected a number"),
            ("sample=2", "sample: expected a share from 0 to 1"),
        ] {
            assert_eq!(super::wish(query).unwrap_err(), fault);
        }
    }

    #[test]
    fn loopback_is_what_only_this_machine_reaches() {
        for (host, is) in [
            ("localhost", true),
            ("127.0.0.1", true),
            ("127.8.8.8", true),
            ("::1", true),
            ("[::1]", true),
            ("[::1]:13134", true),
            ("localhost:13134", true),
            ("127.0.0.1:0", true),
            (":13134", false),
            ("0.0.0.0:13134", false),
            ("[::]:13134", false),
            ("evil.example:13134", false),
            ("", false),
            ("0.0.0.0", false),
            ("::", false),
            ("localhost.example", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(host), is, "{host}");
        }
    }
}
