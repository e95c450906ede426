//! TLS of servers and clients, by rustls.
//!
//! Names and meanings are those of the Collector's `configtls`. Certificates are
//! read when the gateway starts. Settings that choose ciphers or curves are
//! unknown here: rustls offers none that are unsafe.

use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use rustls::RootCertStore;
use rustls::SupportedProtocolVersion;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use serde::Deserialize;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::io::ReadBuf;
use tokio::net::TcpStream;

use crate::gateway::config::secret::Secret;
use crate::scrub::yaml::YamlError;

mod unverified;

/// `tls` of a receiver: `cert_file` and `key_file` are needed (or their `_pem`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// The server's certificate chain, PEM. A path.
    pub cert_file: Option<PathBuf>,
    /// The same, as text.
    pub cert_pem: Option<Secret>,
    /// The key of the certificate, PEM. A path.
    pub key_file: Option<PathBuf>,
    /// The same, as text.
    pub key_pem: Option<Secret>,
    /// Turns mutual TLS on: clients need a certificate that one of these signed,
    /// PEM. A path.
    pub client_ca_file: Option<PathBuf>,
    /// The lowest version that is spoken.
    pub min_version: Version,
    /// The highest version that is spoken.
    pub max_version: Option<Version>,
}

/// `tls` of an exporter.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientConfig {
    /// Plain text instead of TLS. Means something for gRPC only.
    pub insecure: bool,
    /// The upstream's certificate is not checked.
    pub insecure_skip_verify: bool,
    /// The name that the upstream's certificate must have; the endpoint's host
    /// where left out.
    pub server_name_override: Option<String>,
    /// Who may sign the upstream's certificate, PEM. A path. Mozilla's list where
    /// left out.
    pub ca_file: Option<PathBuf>,
    /// The same, as text.
    pub ca_pem: Option<Secret>,
    /// Mozilla's list beside `ca_file`.
    pub include_system_ca_certs_pool: bool,
    /// Our own certificate chain, PEM. A path.
    pub cert_file: Option<PathBuf>,
    /// The same, as text.
    pub cert_pem: Option<Secret>,
    /// The key of our own certificate, PEM. A path.
    pub key_file: Option<PathBuf>,
    /// The same, as text.
    pub key_pem: Option<Secret>,
    /// The lowest version that is spoken.
    pub min_version: Version,
    /// The highest version that is spoken.
    pub max_version: Option<Version>,
}

/// A version of TLS that rustls speaks: `1.2` or `1.3`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Version {
    /// RFC 5246.
    #[default]
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl TryFrom<String> for Version {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "1.2" => Ok(Self::Tls12),
            "1.3" => Ok(Self::Tls13),
            _ => Err("expected '1.2' or '1.3'"),
        }
    }
}

impl ServerConfig {
    /// Reads the certificates. `path` is the YAML path of the section, `alpn` the
    /// protocols that are offered.
    ///
    /// # Errors
    ///
    /// When a file is missing or holds something else, or settings contradict
    /// each other.
    pub fn build(&self, path: &str, alpn: &[&str]) -> Result<Arc<rustls::ServerConfig>, YamlError> {
        let pem = Pem { path, file: &self.cert_file, text: &self.cert_pem, name: "cert" };
        let chain = pem.certificates()?.ok_or_else(|| pem.fault("expected a certificate"))?;
        let pem = Pem { path, file: &self.key_file, text: &self.key_pem, name: "key" };
        let key = pem.key()?.ok_or_else(|| pem.fault("expected a private key"))?;
        let builder = rustls::ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions(path, self.min_version, self.max_version)?)
            .map_err(|err| fault(path, err))?;
        let ca = Pem { path, file: &self.client_ca_file, text: &None, name: "client_ca" };
        let builder = match ca.certificates()? {
            None => builder.with_no_client_auth(),
            Some(certificates) => {
                let roots = Arc::new(roots(certificates).map_err(|err| ca.fault(err))?);
                let verifier =
                    rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider());
                builder.with_client_cert_verifier(verifier.build().map_err(|err| ca.fault(err))?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|err| fault(path, err))?;
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }
}

impl ClientConfig {
    /// Reads the certificates. `path` is the YAML path of the section, `alpn` the
    /// protocols that are offered.
    ///
    /// # Errors
    ///
    /// As [`ServerConfig::build`].
    pub fn build(&self, path: &str, alpn: &[&str]) -> Result<Arc<rustls::ClientConfig>, YamlError> {
        let builder = rustls::ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions(path, self.min_version, self.max_version)?)
            .map_err(|err| fault(path, err))?;
        let ca = Pem { path, file: &self.ca_file, text: &self.ca_pem, name: "ca" };
        let builder = if self.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(unverified::verifier(provider()))
        } else {
            let certificates = ca.certificates()?;
            let mozilla = certificates.is_none() || self.include_system_ca_certs_pool;
            let mut roots = roots(certificates.unwrap_or_default()).map_err(|err| ca.fault(err))?;
            if mozilla {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            builder.with_root_certificates(roots)
        };
        let cert = Pem { path, file: &self.cert_file, text: &self.cert_pem, name: "cert" };
        let key = Pem { path, file: &self.key_file, text: &self.key_pem, name: "key" };
        let mut config = match (cert.certificates()?, key.key()?) {
            (None, None) => builder.with_no_client_auth(),
            (Some(chain), Some(key)) => {
                builder.with_client_auth_cert(chain, key).map_err(|err| fault(path, err))?
            }
            (Some(_), None) => return Err(key.fault("expected the key of the certificate")),
            (None, Some(_)) => return Err(cert.fault("expected the certificate of the key")),
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn versions(
    path: &str,
    min: Version,
    max: Option<Version>,
) -> Result<&'static [&'static SupportedProtocolVersion], YamlError> {
    static BOTH: [&SupportedProtocolVersion; 2] =
        [&rustls::version::TLS13, &rustls::version::TLS12];
    let [tls13 @ .., _] = &BOTH;
    let [_, tls12 @ ..] = &BOTH;
    match (min, max) {
        (Version::Tls12, None | Some(Version::Tls13)) => Ok(&BOTH),
        (Version::Tls12, Some(Version::Tls12)) => Ok(tls12),
        (Version::Tls13, None | Some(Version::Tls13)) => Ok(tls13),
        (Version::Tls13, Some(Version::Tls12)) => {
            Err(fault(&format!("{path}.max_version"), "expected at least min_version"))
        }
    }
}

fn roots(certificates: Vec<CertificateDer<'static>>) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate)?;
    }
    Ok(roots)
}

fn fault(path: &str, expected: impl ToString) -> YamlError {
    YamlError { path: path.to_owned(), expected: expected.to_string() }
}

/// A setting that is a PEM file or its text.
struct Pem<'a> {
    /// The YAML path of the section.
    path: &'a str,
    file: &'a Option<PathBuf>,
    text: &'a Option<Secret>,
    /// Without `_file` and `_pem`.
    name: &'static str,
}

impl Pem<'_> {
    fn read(&self) -> Result<Option<Vec<u8>>, YamlError> {
        match (self.file, self.text) {
            (None, None) => Ok(None),
            (None, Some(text)) => Ok(Some(text.expose().as_bytes().to_vec())),
            (Some(file), None) => std::fs::read(file)
                .map(Some)
                .map_err(|err| self.fault(format!("cannot read {}: {err}", file.display()))),
            (Some(_), Some(_)) => Err(self.fault("expected the file or its text, not both")),
        }
    }

    fn certificates(&self) -> Result<Option<Vec<CertificateDer<'static>>>, YamlError> {
        let Some(pem) = self.read()? else { return Ok(None) };
        let certificates: io::Result<Vec<_>> = rustls_pemfile::certs(&mut pem.as_slice()).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(Some(certificates)),
            Ok(_) | Err(_) => Err(self.fault("expected certificates in PEM")),
        }
    }

    fn key(&self) -> Result<Option<PrivateKeyDer<'static>>, YamlError> {
        let Some(pem) = self.read()? else { return Ok(None) };
        match rustls_pemfile::private_key(&mut pem.as_slice()) {
            Ok(Some(key)) => Ok(Some(key)),
            Ok(None) | Err(_) => Err(self.fault("expected a private key in PEM")),
        }
    }

    fn fault(&self, expected: impl ToString) -> YamlError {
        let suffix = if self.text.is_some() { "pem" } else { "file" };
        fault(&format!("{}.{}_{suffix}", self.path, self.name), expected)
    }
}

/// A connection, with TLS or without.
#[derive(Debug)]
pub enum Stream {
    /// Without.
    Plain(TcpStream),
    /// With.
    Tls(Box<tokio_rustls::TlsStream<TcpStream>>),
}

impl Stream {
    /// Whether both sides agreed on HTTP/2 when they shook hands.
    pub fn negotiated_h2(&self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
        }
    }
}
