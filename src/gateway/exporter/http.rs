//! `otlp_http`: OTLP/HTTP to an upstream.

use std::time::Duration;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderMap;
use http::Uri;
use http::header;
use serde::Deserialize;

use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::PartialSuccess;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::verdict;
use crate::gateway::answer::wire;
use crate::gateway::auth;
use crate::gateway::auth::Credential;
use crate::gateway::compression::Coding;
use crate::gateway::config::duration::GoDuration;
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
use crate::gateway::section::null_is_default;
use crate::gateway::telemetry::metrics::Peer;
use crate::gateway::tls;
use crate::scrub::Encoding;
use crate::scrub::Signal;
use crate::scrub::yaml::YamlError;

/// `exporters.otlp_http` (Collector, `exporter/otlphttpexporter`,
/// `config/confighttp`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where requests go: a base that `/v1/traces` and so on are put behind. Needed
    /// unless every signal has its own.
    pub endpoint: Option<Url>,
    /// Where traces go, as it is.
    pub traces_endpoint: Option<Url>,
    /// Where metrics go, as it is.
    pub metrics_endpoint: Option<Url>,
    /// Where logs go, as it is.
    pub logs_endpoint: Option<Url>,
    /// Where profiles go, as it is.
    pub profiles_endpoint: Option<Url>,
    /// How requests are written: `proto` or `json`.
    pub encoding: WireEncoding,
    /// How requests are compressed. Default gzip.
    pub compression: Compression,
    /// How hard.
    #[serde(deserialize_with = "null_is_default")]
    pub compression_params: CompressionParams,
    /// How long one attempt may take. Default 30s; 0: as long as it needs.
    pub timeout: GoDuration,
    /// Headers that are added to every request.
    #[serde(deserialize_with = "null_is_default")]
    pub headers: Headers,
    /// TLS, for `https` addresses.
    #[serde(deserialize_with = "null_is_default")]
    pub tls: tls::ClientConfig,
    /// Who we are to the upstream.
    pub auth: Option<auth::Config>,
    /// Must be left out: this version goes through no proxy.
    pub proxy_url: NoProxy,
    /// Connections that are kept although idle. Default 100.
    pub max_idle_conns: Option<usize>,
    /// The same, for one host.
    pub max_idle_conns_per_host: Option<usize>,
    /// How long a connection is kept although idle. Default 90s.
    pub idle_conn_timeout: GoDuration,
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
            endpoint: None,
            traces_endpoint: None,
            metrics_endpoint: None,
            logs_endpoint: None,
            profiles_endpoint: None,
            encoding: WireEncoding::default(),
            compression: Compression::default(),
            compression_params: CompressionParams::default(),
            timeout: GoDuration(Duration::from_secs(30)),
            headers: Headers::default(),
            tls: tls::ClientConfig::default(),
            auth: None,
            proxy_url: NoProxy,
            max_idle_conns: None,
            max_idle_conns_per_host: None,
            idle_conn_timeout: GoDuration(Duration::from_secs(90)),
            retry_on_failure: retry::Config::default(),
            sending_queue: queue::Config::default(),
        }
    }
}

/// An `http` or `https` URL.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Url(Uri);

impl TryFrom<String> for Url {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const EXPECTED: &str = "expected a URL such as https://backend.example.com:4318";
        let uri: Uri = text.parse().map_err(|_| EXPECTED)?;
        let has_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
        let has_user = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        if !has_scheme || uri.host().is_none_or(str::is_empty) {
            return Err(EXPECTED);
        }
        if has_user {
            return Err("expected a URL without user and password; put them into headers");
        }
        Ok(Self(uri))
    }
}

/// How requests are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireEncoding {
    /// Binary protobuf.
    #[default]
    Proto,
    /// OTLP/JSON.
    Json,
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
    /// `zlib` or `deflate`
    Zlib,
    /// `none`
    None,
}

impl TryFrom<String> for Compression {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "zlib" | "deflate" => Ok(Self::Zlib),
            "none" | "" => Ok(Self::None),
            _ => Err("expected gzip, zstd, zlib, deflate or none: \
                      this version has no other compression"),
        }
    }
}

/// `compression_params`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CompressionParams {
    /// The level, as the compression counts them. Fast where left out.
    pub level: Option<i32>,
}

/// A proxy that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Option<String>")]
pub struct NoProxy;

impl TryFrom<Option<String>> for NoProxy {
    type Error = &'static str;

    fn try_from(proxy: Option<String>) -> Result<Self, Self::Error> {
        match proxy.as_deref() {
            None | Some("") => Ok(Self),
            Some(_) => Err("expected nothing: this version goes through no proxy"),
        }
    }
}

impl Config {
    /// Where the requests of a signal go, as labels.
    pub(in crate::gateway::exporter) fn peer(&self, signal: Signal) -> Peer {
        let Some(url) = self.url(signal) else { return Peer::default() };
        let is_tls = url.scheme_str() == Some("https");
        let port = url.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let host = url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        Peer { address: host, port: port.to_string(), path: url.path().to_owned() }
    }

    /// The setting that is needed and is not there.
    pub fn missing(&self) -> Option<(&'static str, &'static str)> {
        const EXPECTED: &str = "expected a URL such as https://backend.example.com:4318";
        let has_none = Signal::ALL.iter().all(|signal| self.url(*signal).is_none());
        has_none.then_some(("endpoint", EXPECTED))
    }

    /// Where requests of `signal` go.
    fn url(&self, signal: Signal) -> Option<Uri> {
        let (own, path) = match signal {
            Signal::Traces => (&self.traces_endpoint, "/v1/traces"),
            Signal::Metrics => (&self.metrics_endpoint, "/v1/metrics"),
            Signal::Logs => (&self.logs_endpoint, "/v1/logs"),
            Signal::Profiles => (&self.profiles_endpoint, "/v1development/profiles"),
        };
        if let Some(Url(own)) = own {
            return Some(own.clone());
        }
        let Url(base) = self.endpoint.as_ref()?;
        format!("{}{path}", base.to_string().trim_end_matches('/')).parse().ok()
    }
}

/// An upstream that speaks OTLP/HTTP.
pub struct Client {
    clients: client::Clients,
    urls: [Option<Uri>; 4],
    headers: HeaderMap,
    encoding: Encoding,
    coding: Option<Coding>,
    level: Option<i32>,
    timeout: Duration,
    texts: UpstreamText,
    auth: Option<auth::Client>,
}

impl Client {
    /// How it writes requests.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

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
        let urls = Signal::ALL.map(|signal| config.url(signal));
        let is_plain = |url: &Uri| url.scheme_str() == Some("http");
        if auth.is_some() && urls.iter().flatten().any(is_plain) {
            client::warn_of_plain_text(path);
        }
        let tls_path = format!("{path}.tls");
        let tls = config.tls.watch(&tls_path, &["h2", "http/1.1"])?;
        let server_name = config.tls.server_name_override.as_deref();
        let timeout = config.timeout.0;
        let connector = Connector::new(Some(tls), server_name, timeout, &tls_path)?;
        let mut builder = client::builder();
        let idle = config.idle_conn_timeout.0;
        builder.pool_idle_timeout((!idle.is_zero()).then_some(idle)).pool_max_idle_per_host(
            config.max_idle_conns_per_host.or(config.max_idle_conns).unwrap_or(100),
        );
        let encoding = match config.encoding {
            WireEncoding::Proto => Encoding::Protobuf,
            WireEncoding::Json => Encoding::Json,
        };
        let coding = match config.compression {
            Compression::Gzip => Some(Coding::Gzip),
            Compression::Zstd => Some(Coding::Zstd),
            Compression::Zlib => Some(Coding::Zlib),
            Compression::None => None,
        };
        Ok(Self {
            clients: client::Clients::new(&builder, &connector),
            urls,
            headers: headers(config, encoding, coding),
            encoding,
            coding,
            level: config.compression_params.level,
            timeout,
            texts,
            auth,
        })
    }

    /// Makes a request ready to be sent.
    ///
    /// # Errors
    ///
    /// When it cannot be said in the encoding of the upstream.
    pub async fn prepare(&self, delivery: &Delivery) -> Result<Outgoing, Refusal> {
        outgoing::prepare(delivery, self.encoding, self.coding, self.level).await
    }

    /// Sends a request once.
    pub async fn send(&self, outgoing: &Outgoing) -> Outcome {
        let auth = self.auth.as_ref();
        let send = |credential| self.call(outgoing, credential);
        client::within(self.timeout, auth::sending(auth, send)).await
    }

    async fn call(&self, outgoing: &Outgoing, credential: Option<Credential>) -> Outcome {
        let url = outgoing.signal.of(&self.urls).cloned().flatten();
        let url = url.ok_or(Refusal::Internal { what: "no endpoint for this signal" })?;
        let response = client::request(&self.clients, || {
            let body = OutgoingBody::new(Bytes::new(), outgoing.bytes.clone());
            Ok(client::post(url.clone(), &self.headers, credential.as_ref(), body))
        });
        let (parts, body) = response.await?.into_parts();
        let shown = Shown { headers: &self.headers, credential: credential.as_ref() };
        let (body, _) = client::read(body).await.map_err(|err| client::unanswered(&err))?;
        let status = parts.status.as_u16();
        if parts.status.is_success() {
            if let Some(what) = unlike(&parts.headers, &body) {
                return Err(client::unlike(&format!("HTTP status {status} with {what}")));
            }
            return Ok(Accepted { partial: self.partial_success(shown, &parts.headers, &body) });
        }
        let message = self.explanation(shown, status, &parts.headers, &body);
        verdict::of_http(status, message, retry_after(&parts.headers, SystemTime::now()))
    }

    fn partial_success(
        &self,
        shown: Shown<'_>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Option<PartialSuccess> {
        let partial = match content_type(headers)? {
            Encoding::Protobuf => wire::partial_success(body)?,
            Encoding::Json => wire::partial_success_json(body)?,
        };
        Some(PartialSuccess { message: self.texts.clean(&partial.message, shown), ..partial })
    }

    /// What a refusing upstream says: `google.rpc.Status`, or plain words.
    fn explanation(
        &self,
        shown: Shown<'_>,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
    ) -> String {
        let text = match content_type(headers) {
            Some(Encoding::Protobuf) => wire::read_status(body).message,
            Some(Encoding::Json) => serde_json::from_slice::<serde_json::Value>(body)
                .ok()
                .and_then(|status| Some(status.get("message")?.as_str()?.to_owned()))
                .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()),
            None => String::from_utf8_lossy(body).into_owned(),
        };
        let text = self.texts.clean(text.trim(), shown);
        if text.is_empty() {
            format!("HTTP status {status}")
        } else {
            format!("HTTP status {status}: {text}")
        }
    }
}

/// The headers of every request.
fn headers(config: &Config, encoding: Encoding, coding: Option<Coding>) -> HeaderMap {
    let content_type = match encoding {
        Encoding::Protobuf => "application/x-protobuf",
        Encoding::Json => "application/json",
    };
    let coding = coding.map(|coding| (header::CONTENT_ENCODING, coding));
    client::headers(None, content_type, coding, &config.headers)
}

/// How an answer is written, if it is one of ours.
fn content_type(headers: &HeaderMap) -> Option<Encoding> {
    match media_type(headers)?.as_str() {
        "application/x-protobuf" => Some(Encoding::Protobuf),
        "application/json" => Some(Encoding::Json),
        _ => None,
    }
}

/// The `Content-Type` without its parameters, in small letters.
fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// What the body of a success is, where no receiver of OTLP answers so: a page for people,
/// or what does not say what its type says. The Collector fails the latter, too.
///
/// An empty body is a success (Loki answers 204), as is one of another type; of one that was
/// not read whole, or is compressed, nothing can be told.
fn unlike(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let is_whole = body.len() < client::ANSWER_BYTES_MAX;
    let is_packed = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if body.trim_ascii().is_empty() || is_packed {
        return None;
    }
    let media_type = media_type(headers)?;
    let is_sound = match media_type.as_str() {
        // Servers call a plain `ok` so, too, unless told otherwise.
        "text/html" | "application/xhtml+xml" if body.trim_ascii_start().starts_with(b"<") => {
            return Some(format!("a page ({media_type})"));
        }
        "application/x-protobuf" => wire::is_export_response(body),
        "application/json" => serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok(),
        _ => true,
    };
    (is_whole && !is_sound).then(|| format!("{media_type} that cannot be read"))
}

/// `Retry-After`: seconds or a date (RFC 9110, 10.2.3).
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn signals_go_below_the_endpoint_or_to_their_own() {
        let url = |text: &str| Some(Url::try_from(text.to_owned()).expect(text));
        let config = Config {
            endpoint: url("http://backend:4318/otlp/"),
            logs_endpoint: url("http://logs:1/x?y=z"),
            ..Config::default()
        };
        let of = |signal| config.url(signal).map(|uri| uri.to_string());
        assert_eq!(of(Signal::Traces).as_deref(), Some("http://backend:4318/otlp/v1/traces"));
        assert_eq!(of(Signal::Logs).as_deref(), Some("http://logs:1/x?y=z"));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let of = |text: &'static str| {
            let headers =
                HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(text))]);
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
            retry_after(&headers, now).map(|delay| delay.as_secs())
        };
        assert_eq!(of("7"), Some(7));
        assert_eq!(of("Sun, 06 Nov 1994 08:49:37 GMT"), Some(7));
        assert_eq!(of("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0));
        assert_eq!(of("soon"), None);
    }
}
