//! The settings of the OTLP receiver, as `receivers.otlp` in the YAML spells them.
//!
//! Names, defaults and meanings are the Collector's (`receiver/otlpreceiver`,
//! `config/configgrpc`, `config/confighttp`), so that its configuration works here
//! unchanged. A setting that is not here is refused, never ignored.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::gateway::auth;
use crate::gateway::config::duration::GoDuration;
use crate::gateway::config::header::Headers;
use crate::gateway::receiver::cors;
use crate::gateway::receiver::limits::Limits;
use crate::gateway::section::null_is_default;
use crate::gateway::section::present;
use crate::gateway::tls;
use crate::scrub::Signal;

/// `receivers.otlp`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What is spoken. Only what is listed listens.
    #[serde(deserialize_with = "null_is_default")]
    pub protocols: Protocols,
}

/// `receivers.otlp.protocols`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Protocols {
    /// OTLP/gRPC.
    #[serde(deserialize_with = "present")]
    pub grpc: Option<GrpcConfig>,
    /// OTLP/HTTP.
    #[serde(deserialize_with = "present")]
    pub http: Option<HttpConfig>,
}

/// Where and how OTLP/gRPC is accepted: `receivers.otlp.protocols.grpc`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcConfig {
    /// The address to listen at. Default `localhost:4317`.
    pub endpoint: ListenAddress,
    /// `tcp`, `tcp4` or `tcp6`.
    pub transport: Transport,
    /// TLS; plain text where left out.
    #[serde(deserialize_with = "present")]
    pub tls: Option<tls::ServerConfig>,
    /// Who may send; everyone where left out.
    pub auth: Option<auth::Config>,
    /// The largest request, in MiB, compressed and decompressed. 0, the default, is
    /// 4 MiB, as in grpc-go.
    pub max_recv_msg_size_mib: RequestMib,
    /// Requests at a time on one connection. 0, the default, is
    /// [`REQUESTS_PER_CONNECTION_DEFAULT`].
    pub max_concurrent_streams: u32,
    /// How connections are kept up.
    #[serde(deserialize_with = "null_is_default")]
    pub keepalive: KeepaliveConfig,
    /// Accepted: no processor of this gateway reads request headers.
    pub include_metadata: bool,
    /// What peers may take.
    #[serde(deserialize_with = "null_is_default")]
    pub limits: Limits,
}

/// How long a gRPC connection without a request is kept where the configuration does
/// not say: well above the interval in which SDKs send.
pub const IDLE_TIMEOUT_DEFAULT: Duration = Duration::from_secs(15 * 60);

/// Requests at a time on one connection where the configuration does not say. The
/// Collector has no limit; one connection must not take all the room there is.
pub const REQUESTS_PER_CONNECTION_DEFAULT: u32 = 1000;

impl Default for GrpcConfig {
    fn default() -> Self {
        Self {
            endpoint: ListenAddress { host: "localhost".to_owned(), port: 4317 },
            transport: Transport::default(),
            tls: None,
            auth: None,
            max_recv_msg_size_mib: RequestMib(0),
            max_concurrent_streams: 0,
            keepalive: KeepaliveConfig::default(),
            include_metadata: false,
            limits: Limits::default(),
        }
    }
}

impl GrpcConfig {
    /// The largest request, in bytes.
    pub fn request_bytes_max(&self) -> usize {
        match self.max_recv_msg_size_mib {
            RequestMib(0) => 4 << 20,
            RequestMib(mib) => usize::from(mib) << 20,
        }
    }
}

/// `keepalive` of a gRPC receiver.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeepaliveConfig {
    /// What the server does.
    #[serde(deserialize_with = "null_is_default")]
    pub server_parameters: ServerParameters,
    /// What the server asks of clients.
    #[serde(deserialize_with = "null_is_default")]
    pub enforcement_policy: EnforcementPolicy,
}

/// `keepalive.server_parameters` of a gRPC receiver. Zero is the default.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerParameters {
    /// After which time without a request a connection is closed in an orderly way.
    /// Default 15m; the Collector has none.
    pub max_connection_idle: GoDuration,
    /// After which time a connection is closed in an orderly way, so that clients
    /// connect again, perhaps to another instance. Default: never.
    pub max_connection_age: GoDuration,
    /// How long the requests of such a connection have to end. Default: as long as
    /// they need.
    pub max_connection_age_grace: GoDuration,
    /// After which silence the client is asked whether it is still there. Default 2h.
    pub time: GoDuration,
    /// How long it has to answer. Default 20s.
    pub timeout: GoDuration,
}

impl ServerParameters {
    /// After which time without a request a connection is closed.
    pub fn idle_timeout(&self) -> Duration {
        non_zero(self.max_connection_idle).unwrap_or(IDLE_TIMEOUT_DEFAULT)
    }

    /// After which silence the client is pinged.
    pub fn ping_interval(&self) -> Duration {
        non_zero(self.time).unwrap_or(Duration::from_secs(2 * 60 * 60))
    }

    /// How long the client has to answer a ping.
    pub fn ping_timeout(&self) -> Duration {
        non_zero(self.timeout).unwrap_or(Duration::from_secs(20))
    }
}

/// `keepalive.enforcement_policy` of a gRPC receiver. Accepted: this gateway does
/// not punish clients for pings.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnforcementPolicy {
    /// The shortest time between two pings of a client.
    pub min_time: GoDuration,
    /// Whether a client may ping without a request under way.
    pub permit_without_stream: bool,
}

/// Where and how OTLP/HTTP is accepted: `receivers.otlp.protocols.http`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// The address to listen at. Default `localhost:4318`.
    pub endpoint: ListenAddress,
    /// `tcp`, `tcp4` or `tcp6`.
    pub transport: Transport,
    /// TLS; plain text where left out.
    #[serde(deserialize_with = "present")]
    pub tls: Option<tls::ServerConfig>,
    /// Who may send; everyone where left out.
    pub auth: Option<auth::Config>,
    /// Where traces are accepted. Default `/v1/traces`.
    pub traces_url_path: UrlPath,
    /// Where metrics are accepted. Default `/v1/metrics`.
    pub metrics_url_path: UrlPath,
    /// Where logs are accepted. Default `/v1/logs`.
    pub logs_url_path: UrlPath,
    /// The largest request, in bytes, compressed and decompressed. 0, the default,
    /// is 20 MiB.
    pub max_request_body_size: usize,
    /// Which values of `Content-Encoding` are accepted.
    pub compression_algorithms: Vec<Compression>,
    /// Requests from web pages; refused by browsers where left out.
    #[serde(deserialize_with = "present")]
    pub cors: Option<cors::Config>,
    /// Headers that are added to every answer.
    #[serde(deserialize_with = "null_is_default")]
    pub response_headers: Headers,
    /// How long a request may take to arrive whole. 0, the default, is 1m.
    pub read_timeout: GoDuration,
    /// How long the headers of a request may take to arrive. 0, the default, is 30s.
    pub read_header_timeout: GoDuration,
    /// How connections are kept up.
    #[serde(deserialize_with = "null_is_default")]
    pub keepalive: HttpKeepaliveConfig,
    /// Accepted: no processor of this gateway reads request headers.
    pub include_metadata: bool,
    /// What peers may take.
    #[serde(deserialize_with = "null_is_default")]
    pub limits: Limits,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            endpoint: ListenAddress { host: "localhost".to_owned(), port: 4318 },
            transport: Transport::default(),
            tls: None,
            auth: None,
            traces_url_path: UrlPath("/v1/traces".to_owned()),
            metrics_url_path: UrlPath("/v1/metrics".to_owned()),
            logs_url_path: UrlPath("/v1/logs".to_owned()),
            max_request_body_size: 0,
            compression_algorithms: Compression::ALL.to_vec(),
            cors: None,
            response_headers: Headers::default(),
            read_timeout: GoDuration::default(),
            read_header_timeout: GoDuration::default(),
            keepalive: HttpKeepaliveConfig::default(),
            include_metadata: false,
            limits: Limits::default(),
        }
    }
}

impl HttpConfig {
    /// The largest request, in bytes.
    pub fn request_bytes_max(&self) -> usize {
        if self.max_request_body_size == 0 { 20 << 20 } else { self.max_request_body_size }
    }

    /// Where requests of `signal` are accepted.
    pub fn path(&self, signal: Signal) -> &str {
        match signal {
            Signal::Traces => &self.traces_url_path.0,
            Signal::Metrics => &self.metrics_url_path.0,
            Signal::Logs => &self.logs_url_path.0,
            Signal::Profiles => "/v1development/profiles",
        }
    }

    /// How long a request may take to arrive whole.
    pub fn read_timeout(&self) -> Duration {
        non_zero(self.read_timeout).unwrap_or(READ_TIMEOUT_DEFAULT)
    }

    /// How long the headers of a request may take to arrive.
    pub fn read_header_timeout(&self) -> Duration {
        non_zero(self.read_header_timeout).unwrap_or(READ_HEADER_TIMEOUT_DEFAULT)
    }
}

/// How long a request may take to arrive whole: what the Collector's shared HTTP
/// server has. Bytes are set aside for it meanwhile.
pub const READ_TIMEOUT_DEFAULT: Duration = Duration::from_secs(60);

/// How long the headers of a request, or a TLS handshake, may take.
pub const READ_HEADER_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// `keepalive` of an HTTP receiver.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpKeepaliveConfig {
    /// Whether a connection carries more than one request.
    pub enabled: bool,
    /// How long a connection without a request is kept. Default 1m.
    pub idle_timeout: GoDuration,
}

impl Default for HttpKeepaliveConfig {
    fn default() -> Self {
        Self { enabled: true, idle_timeout: GoDuration(Duration::from_secs(60)) }
    }
}

fn non_zero(duration: GoDuration) -> Option<Duration> {
    (!duration.0.is_zero()).then_some(duration.0)
}

/// A size of a request, in MiB. 0 is the default of where it stands.
///
/// Invariant: at most 1 GiB, above which one sender could hold the memory that
/// all of them share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u16")]
pub struct RequestMib(u16);

impl TryFrom<u16> for RequestMib {
    type Error = &'static str;

    fn try_from(mib: u16) -> Result<Self, Self::Error> {
        if 1024 < mib {
            return Err("expected 0 to 1024 MiB");
        }
        Ok(Self(mib))
    }
}

/// An address to listen at: `host:port`, `[ipv6]:port`, or `:port` for every
/// address of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ListenAddress {
    /// A name or an address, without brackets. Empty: every address.
    pub host: String,
    /// 0: any that is free.
    pub port: u16,
}

impl TryFrom<String> for ListenAddress {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        const EXPECTED: &str = "expected host:port, such as 0.0.0.0:4317";
        let (host, port) = text.rsplit_once(':').ok_or(EXPECTED)?;
        let port = port.parse().map_err(|_| EXPECTED)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let is_fine = match bare {
            Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
            None => !host.contains([':', '/', '[', ']', ' ']),
        };
        if !is_fine {
            return Err(EXPECTED);
        }
        Ok(Self { host: bare.unwrap_or(host).to_owned(), port })
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Which kinds of addresses `endpoint` may resolve to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Any.
    #[default]
    Tcp,
    /// IPv4.
    Tcp4,
    /// IPv6.
    Tcp6,
}

/// The path of a URL. A leading slash is added where it is missing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct UrlPath(String);

impl TryFrom<String> for UrlPath {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let path = if text.starts_with('/') { text } else { format!("/{text}") };
        if path.contains(|c: char| c.is_ascii_whitespace() || matches!(c, '?' | '#')) {
            return Err("expected the path of a URL, such as /v1/traces");
        }
        Ok(Self(path))
    }
}

/// A value of `Content-Encoding`. `zlib` and `deflate` are the same; none of them
/// can be written in upper case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Compression {
    /// Not compressed.
    #[serde(rename = "")]
    None,
    /// `gzip`
    #[serde(rename = "gzip")]
    Gzip,
    /// `zstd`
    #[serde(rename = "zstd")]
    Zstd,
    /// `zlib`
    #[serde(rename = "zlib")]
    Zlib,
    /// `deflate`
    #[serde(rename = "deflate")]
    Deflate,
}

impl Compression {
    /// Those that are understood. The Collector has `snappy`, `x-snappy-framed` and
    /// `lz4` too.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Zstd, Self::Zlib, Self::Deflate];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_in_the_collector() {
        for (text, host, port) in [
            ("localhost:4317", "localhost", 4317),
            ("0.0.0.0:4317", "0.0.0.0", 4317),
            (":4317", "", 4317),
            ("[::]:4317", "::", 4317),
            ("[::1]:0", "::1", 0),
        ] {
            let address = ListenAddress::try_from(text.to_owned()).expect(text);
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.to_string(), text);
        }
        for text in ["localhost", "localhost:", "::1:4317", "http://x:1", "x:99999", "[x]:1"] {
            assert!(ListenAddress::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
