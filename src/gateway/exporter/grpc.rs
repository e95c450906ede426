//! `otlp_grpc`: OTLP/gRPC to an upstream.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bytes::Bytes;
use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use http::Uri;
use http::header;
use serde::Deserialize;

use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::PartialSuccess;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::answer::verdict;
use crate::gateway::answer::wire;
use crate::gateway::auth;
use crate::gateway::auth::Credential;
use crate::gateway::compression::Coding;
use crate::gateway::config::duration::GoDuration;
use crate::gateway::config::header as header_setting;
use crate::gateway::config::header::Headers;
use crate::gateway::connect::Connector;
use crate::gateway::exporter::client;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::exporter::outgoing;
use crate::gateway::exporter::outgoing::Outgoing;
use crate::gateway::exporter::outgoing::OutgoingBody;
use crate::gateway::exporter::queue;
use crate::gateway::exporter::retry;
use crate::gateway::exporter::upstream_text::Shown;
use crate::gateway::exporter::upstream_text::UpstreamText;
use crate::gateway::method;
use crate::gateway::section::null_is_default;
use crate::gateway::section::present;
use crate::gateway::telemetry::metrics::Peer;
use crate::gateway::tls;
use crate::scrub::Encoding;
use crate::scrub::Signal;
use crate::scrub::yaml::YamlError;

/// `exporters.otlp_grpc` (Collector, `exporter/otlpexporter`, `config/configgrpc`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where requests go. Needed.
    pub endpoint: Target,
    /// TLS is on unless `insecure` says otherwise.
    #[serde(deserialize_with = "null_is_default")]
    pub tls: tls::ClientConfig,
    /// Who we are to the upstream.
    pub auth: Option<auth::Config>,
    /// How requests are compressed. Default gzip.
    pub compression: Compression,
    /// How long one attempt may take. Default 5s; 0: as long as it needs.
    pub timeout: GoDuration,
    /// Headers (gRPC calls them metadata) that are added to every request.
    #[serde(deserialize_with = "null_is_default")]
    pub headers: Headers,
    /// `:authority` of requests, and the name that the upstream's certificate must
    /// have; the endpoint where left out.
    pub authority: Option<Authority>,
    /// What we call ourselves; `otel-redact/<version> (<os>/<arch>)` where left out.
    pub user_agent: Option<header_setting::Value>,
    /// Accepted: this exporter has one connection for each processor, to the first address
    /// that answers.
    pub balancer_name: Balancer,
    /// Accepted: `retry_on_failure` waits for an upstream that is not ready.
    pub wait_for_ready: bool,
    /// Pings; none where left out.
    #[serde(deserialize_with = "present")]
    pub keepalive: Option<KeepaliveConfig>,
    /// Trying again.
    #[serde(deserialize_with = "null_is_default")]
    pub retry_on_failure: retry::Config,
    /// How much may be under way.
    #[serde(deserialize_with = "null_is_default")]
    pub sending_queue: queue::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            endpoint: Target::default(),
            tls: tls::ClientConfig::default(),
            auth: None,
            compression: Compression::default(),
            timeout: GoDuration(Duration::from_secs(5)),
            headers: Headers::default(),
            authority: None,
            user_agent: None,
            balancer_name: Balancer::default(),
            wait_for_ready: false,
            keepalive: None,
            retry_on_failure: retry::Config::default(),
            sending_queue: queue::Config::default(),
        }
    }
}

impl Config {
    /// The setting that is needed and is not there.
    pub fn missing(&self) -> Option<(&'static str, &'static str)> {
        const EXPECTED: &str = "expected host:port, such as backend.example.com:4317";
        self.endpoint.authority.is_empty().then_some(("endpoint", EXPECTED))
    }

    /// `tls`, unless requests go in plain text.
    pub fn used_tls(&self) -> Option<&tls::ClientConfig> {
        let is_used = self.endpoint.is_https || !self.tls.insecure;
        is_used.then_some(&self.tls)
    }
}

/// `host:port`, with `dns:///`, `http://` or `https://` before it or not. `https://`
/// means TLS whatever `tls.insecure` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Target {
    /// `host:port`. Empty: none was given.
    authority: String,
    is_https: bool,
}

impl TryFrom<String> for Target {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const EXPECTED: &str = "expected host:port, such as backend.example.com:4317";
        if text.starts_with("unix:") {
            return Err("expected host:port: this version has no unix sockets");
        }
        let is_https = text.starts_with("https://");
        let bare = ["dns:///", "dns:", "http://", "https://"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix))
            .unwrap_or(&text)
            .trim_end_matches('/');
        let authority: http::uri::Authority = bare.parse().map_err(|_| EXPECTED)?;
        let has_user = authority.as_str().contains('@');
        if authority.port_u16().is_none() || authority.host().is_empty() || has_user {
            return Err(EXPECTED);
        }
        Ok(Self { authority: bare.to_owned(), is_https })
    }
}

impl Target {
    /// As labels.
    pub(in crate::gateway::exporter) fn peer(&self) -> Peer {
        let (host, port) = self.authority.rsplit_once(':').unwrap_or((&self.authority, ""));
        let address = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Peer { address, port: port.to_owned(), path: String::new() }
    }
}

/// A value of `:authority`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Authority(http::uri::Authority);

impl TryFrom<String> for Authority {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self).map_err(|_| "expected the authority of a URL: host or host:port")
    }
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Compression {
    /// `gzip`
    #[default]
    Gzip,
    /// `zstd`
    Zstd,
    /// `none`
    None,
}

impl TryFrom<String> for Compression {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "none" | "" => Ok(Self::None),
            _ => Err("expected gzip, zstd or none: this version has no other compression"),
        }
    }
}

/// How gRPC clients choose between several addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balancer {
    /// One after the other.
    #[default]
    RoundRobin,
    /// The first.
    PickFirst,
}

/// `keepalive` of a gRPC exporter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeepaliveConfig {
    /// After which silence the upstream is pinged. Default 10s, as in grpc-go.
    pub time: GoDuration,
    /// How long it has to answer. Default 20s, as in grpc-go.
    pub timeout: GoDuration,
    /// Whether it is pinged without a request under way.
    pub permit_without_stream: bool,
}

impl Default for KeepaliveConfig {
    fn default() -> Self {
        Self {
            time: GoDuration(Duration::from_secs(10)),
            timeout: GoDuration(Duration::from_secs(20)),
            permit_without_stream: false,
        }
    }
}

/// An upstream that speaks OTLP/gRPC.
pub struct Client {
    clients: client::Clients,
    /// The method of each signal, as [`Signal::ALL`] has them.
    methods: Vec<Uri>,
    headers: HeaderMap,
    coding: Option<Coding>,
    timeout: Duration,
    texts: UpstreamText,
    auth: Option<auth::Client>,
}

impl Client {
    /// A client, not yet connected. `path` is the YAML path of `config`.
    ///
    /// # Errors
    ///
    /// When a setting is at fault.
    pub fn build(
        config: &Config,
        path: &str,
        texts: UpstreamText,
        auth: Option<auth::Client>,
    ) -> Result<Self, YamlError> {
        let tls_path = format!("{path}.tls");
        let tls = config.used_tls().map(|tls| tls.watch(&tls_path, &["h2"])).transpose()?;
        let is_tls = tls.is_some();
        let server_name = config.tls.server_name_override.as_deref();
        let timeout = config.timeout.0;
        let mut connector = Connector::new(tls, server_name, timeout, &tls_path)?.for_h2();
        let mut builder = client::builder();
        builder.http2_only(true);
        if let Some(keepalive) = &config.keepalive {
            builder
                .http2_keep_alive_interval(keepalive.time.0)
                .http2_keep_alive_timeout(keepalive.timeout.0)
                .http2_keep_alive_while_idle(keepalive.permit_without_stream);
        }
        if auth.is_some() && !is_tls {
            client::warn_of_plain_text(path);
        }
        let scheme = if is_tls { "https" } else { "http" };
        let coding = match config.compression {
            Compression::Gzip => Some(Coding::Gzip),
            Compression::Zstd => Some(Coding::Zstd),
            Compression::None => None,
        };
        let mut base = format!("{scheme}://{}", config.endpoint.authority);
        if let Some(Authority(authority)) = &config.authority {
            let target = base
                .parse()
                .map_err(|_| YamlError::new(format!("{path}.endpoint"), "expected host:port"))?;
            connector = connector.to(target);
            base = format!("{scheme}://{authority}");
        }
        let methods = Signal::ALL.iter().map(|signal| format!("{base}{}", method::of(*signal)));
        let methods = methods.map(|uri| uri.parse()).collect::<Result<_, _>>();
        let methods = methods
            .map_err(|_| YamlError::new(format!("{path}.endpoint"), "expected host:port"))?;
        Ok(Self {
            clients: client::Clients::new(&builder, &connector),
            methods,
            headers: headers(config, coding),
            coding,
            timeout,
            texts,
            auth,
        })
    }

    /// Makes a request ready to be sent.
    ///
    /// # Errors
    ///
    /// When it cannot be said in protobuf.
    pub async fn prepare(&self, delivery: &Delivery) -> Result<Outgoing, Refusal> {
        outgoing::prepare(delivery, Encoding::Protobuf, self.coding, None).await
    }

    /// Sends a request once.
    pub async fn send(&self, outgoing: &Outgoing) -> Outcome {
        let auth = self.auth.as_ref();
        let send = |credential| self.call(outgoing, credential);
        client::within(self.timeout, auth::sending(auth, send)).await
    }

    async fn call(&self, outgoing: &Outgoing, credential: Option<Credential>) -> Outcome {
        let mut prefix = Vec::with_capacity(5);
        prefix.push(u8::from(outgoing.coding.is_some()));
        let len = u32::try_from(outgoing.bytes.len())
            .map_err(|_| Refusal::TooLarge { max: u32::MAX as usize })?;
        prefix.extend_from_slice(&len.to_be_bytes());
        let prefix = Bytes::from(prefix);
        let response = client::request(&self.clients, || {
            let body = OutgoingBody::new(prefix.clone(), outgoing.bytes.clone());
            let method = outgoing.signal.of(&self.methods).cloned();
            let uri = method.ok_or(Refusal::Internal { what: "address of the upstream" })?;
            let mut request = client::post(uri, &self.headers, credential.as_ref(), body);
            *request.version_mut() = http::Version::HTTP_2;
            Ok(request)
        });
        let (parts, body) = response.await?.into_parts();
        let (message, trailers) =
            client::read(body).await.map_err(|err| client::unanswered(&err))?;
        let shown = Shown { headers: &self.headers, credential: credential.as_ref() };
        let status = if trailers.contains_key("grpc-status") { &trailers } else { &parts.headers };
        let code = status.get("grpc-status").and_then(|status| status.to_str().ok()?.parse().ok());
        match (parts.status.as_u16(), code) {
            // Whoever began to answer has not ended: that is no verdict.
            (200, None) => {
                let message = "an answer without grpc-status".to_owned();
                Err(Refusal::Unanswered { message })
            }
            // What stands in between says no: a success below it is not to be believed.
            (http @ (..200 | 201..), None | Some(0)) => {
                let message = format!("HTTP status {http} without grpc-status");
                verdict::of_grpc(verdict::grpc_of_http(http), message, None)
            }
            (200, Some(0)) if !is_readable(&message) => {
                Err(client::unlike("gRPC status OK (0) with a message that cannot be read"))
            }
            (200, Some(0)) => Ok(Accepted { partial: self.partial_success(shown, &message) }),
            (_, Some(code)) => {
                let (message, retry_after) = self.explanation(shown, code, status);
                verdict::of_grpc(code, message, retry_after)
            }
        }
    }

    fn partial_success(&self, shown: Shown<'_>, framed: &Bytes) -> Option<PartialSuccess> {
        // We did not say that we take compressed answers.
        let message = framed.get(5..).filter(|_| framed.first() == Some(&0))?;
        let partial = wire::partial_success(message)?;
        Some(PartialSuccess { message: self.texts.clean(&partial.message, shown), ..partial })
    }

    /// What a refusing upstream says, and when to come again.
    fn explanation(
        &self,
        shown: Shown<'_>,
        number: u32,
        status: &HeaderMap,
    ) -> (String, Option<Duration>) {
        let details = status.get("grpc-status-details-bin").and_then(|details| {
            let details = details.to_str().ok()?.trim_end_matches('=');
            BASE64_STANDARD_NO_PAD.decode(details).ok()
        });
        let details = details.map(|details| wire::read_status(&details)).unwrap_or_default();
        let message = status.get("grpc-message").map_or(&b""[..], HeaderValue::as_bytes);
        let message = match percent_decode(message).trim() {
            "" => details.message,
            _ => percent_decode(message),
        };
        let mut message = self.texts.clean(message.trim(), shown);
        if message.is_empty() {
            message = format!("gRPC status {}, without a message", code::in_words(number));
        }
        (message, details.retry_after)
    }
}

/// Whether the message of a success is an export response. None at all says nothing else;
/// of one that is compressed, or was not read whole, nothing can be told.
fn is_readable(framed: &[u8]) -> bool {
    match framed.split_first_chunk::<5>() {
        None => framed.is_empty(),
        Some(([0, len @ ..], message)) if framed.len() < client::ANSWER_BYTES_MAX => {
            u32::from_be_bytes(*len) as usize == message.len() && wire::is_export_response(message)
        }
        Some(([0 | 1, ..], _)) => true,
        Some(_) => false,
    }
}

/// The headers of every request.
fn headers(config: &Config, coding: Option<Coding>) -> HeaderMap {
    let agent = config.user_agent.as_ref().map(|agent| agent.as_header().clone());
    let coding = coding.map(|coding| (HeaderName::from_static("grpc-encoding"), coding));
    let mut headers = client::headers(agent, "application/grpc", coding, &config.headers);
    headers.entry(header::TE).or_insert(HeaderValue::from_static("trailers"));
    if !config.timeout.0.is_zero() {
        let millis = config.timeout.0.as_millis().min(99_999_999);
        if let Ok(value) = HeaderValue::from_str(&format!("{millis}m")) {
            headers.insert("grpc-timeout", value);
        }
    }
    headers
}

/// Undoes the escapes of a `grpc-message`.
fn percent_decode(message: &[u8]) -> String {
    let mut out = Vec::with_capacity(message.len());
    let mut rest = message;
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match escaped {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_read_as_in_the_collector() {
        for (text, authority, is_https) in [
            ("backend:4317", "backend:4317", false),
            ("dns:///backend:4317", "backend:4317", false),
            ("http://backend:4317", "backend:4317", false),
            ("https://backend:4317/", "backend:4317", true),
            ("[::1]:4317", "[::1]:4317", false),
        ] {
            let target = Target::try_from(text.to_owned()).expect(text);
            assert_eq!((target.authority.as_str(), target.is_https), (authority, is_https));
        }
        for text in ["", "backend", "backend:port", "unix:///x", "user:pw@backend:4317", ":4317"] {
            assert!(Target::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn messages_are_unescaped_and_odd_escapes_stay() {
        assert_eq!(percent_decode(b"100%25 of %C3%A9, %, %zz"), "100% of é, %, %zz");
    }
}
