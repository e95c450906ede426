//! TLS of servers and clients, by rustls.
//!
//! Names and meanings are those of the Collector's `configtls`. Certificates are
//! read when the gateway starts, and again when they change where the settings say
//! so: a connection that is open goes on with what it began with. Where new files
//! cannot be used, the old ones stay in use.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use serde::Deserialize;

use crate::gateway::config::duration::GoDuration;
use crate::gateway::config::secret::Secret;
use crate::gateway::tls::pem::Pem;
use crate::gateway::tls::suite::provider;
use crate::gateway::tls::suite::versions;
use crate::gateway::watched::Watched;
use crate::scrub::yaml::Placed;
use crate::scrub::yaml::YamlError;

mod pem;
mod stream;
mod subject;
mod suite;
mod unverified;

pub use stream::Stream;
pub use suite::CipherSuite;
pub use suite::Curve;
pub use suite::NoInsecureSuites;
pub use suite::Version;

/// How often a file is looked at that is to be read again when it changes.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// `tls` of a receiver: `cert_file` and `key_file` are needed (or their `_pem`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServerConfig {
    /// The server's certificate chain, PEM. A path.
    pub cert_file: Option<Placed<PathBuf>>,
    /// The same, as text.
    pub cert_pem: Option<Secret>,
    /// The key of the certificate, PEM. A path.
    pub key_file: Option<Placed<PathBuf>>,
    /// The same, as text.
    pub key_pem: Option<Secret>,
    /// Turns mutual TLS on: clients need a certificate that one of these signed,
    /// PEM. A path.
    pub client_ca_file: Option<Placed<PathBuf>>,
    /// The lowest version that is spoken.
    pub min_version: Version,
    /// The highest version that is spoken.
    pub max_version: Option<Version>,
    /// The ciphers that are spoken; all that rustls has where left out.
    pub cipher_suites: Vec<CipherSuite>,
    /// Must be false: there are none.
    pub include_insecure_cipher_suites: NoInsecureSuites,
    /// The groups that keys are agreed in, best first; all that rustls has where left
    /// out.
    pub curve_preferences: Vec<Curve>,
    /// How often the files are looked at, and read again if they changed. 0, the
    /// default: never.
    pub reload_interval: GoDuration,
    /// Whether the files are read again when the client CA changes.
    pub client_ca_file_reload: bool,
    /// Who may connect of those that the client CA signed: a common name, DNS name or
    /// URI (a SPIFFE id, say) that stands in the certificate, whole and to the letter.
    /// Everyone where left out. The Collector has no such setting.
    pub client_allowed_names: Vec<String>,
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
    pub ca_file: Option<Placed<PathBuf>>,
    /// The same, as text.
    pub ca_pem: Option<Secret>,
    /// Mozilla's list beside `ca_file`.
    pub include_system_ca_certs_pool: bool,
    /// Our own certificate chain, PEM. A path.
    pub cert_file: Option<Placed<PathBuf>>,
    /// The same, as text.
    pub cert_pem: Option<Secret>,
    /// The key of our own certificate, PEM. A path.
    pub key_file: Option<Placed<PathBuf>>,
    /// The same, as text.
    pub key_pem: Option<Secret>,
    /// The lowest version that is spoken.
    pub min_version: Version,
    /// The highest version that is spoken.
    pub max_version: Option<Version>,
    /// The ciphers that are spoken; all that rustls has where left out.
    pub cipher_suites: Vec<CipherSuite>,
    /// Must be false: there are none.
    pub include_insecure_cipher_suites: NoInsecureSuites,
    /// The groups that keys are agreed in, best first; all that rustls has where left
    /// out.
    pub curve_preferences: Vec<Curve>,
    /// How often the files are looked at, and read again if they changed. 0, the
    /// default: never.
    pub reload_interval: GoDuration,
}

impl ServerConfig {
    /// Reads the certificates, and again when they change. `path` is the YAML path of
    /// the section, `alpn` the protocols that are offered.
    ///
    /// # Errors
    ///
    /// As [`Self::build`].
    pub fn watch(
        &self,
        path: &str,
        alpn: &'static [&'static str],
    ) -> Result<Arc<Watched<rustls::ServerConfig>>, YamlError> {
        let files = [&self.cert_file, &self.key_file, &self.client_ca_file];
        let files = files.into_iter().flatten().map(|file| file.to_path_buf()).collect();
        let interval = match self.reload_interval.0 {
            interval if self.client_ca_file_reload && interval.is_zero() => LOOK_INTERVAL,
            interval if self.client_ca_file_reload => interval.min(LOOK_INTERVAL),
            interval => interval,
        };
        let (config, path) = (self.clone(), path.to_owned());
        Watched::new(files, interval, move || config.build(&path, alpn))
    }

    /// Reads the certificates. `path` is the YAML path of the section, `alpn` the
    /// protocols that are offered.
    ///
    /// # Errors
    ///
    /// When a file is missing or holds something else, or settings contradict
    /// each other.
    pub fn build(&self, path: &str, alpn: &[&str]) -> Result<Arc<rustls::ServerConfig>, YamlError> {
        let cert = Pem { path, file: &self.cert_file, text: &self.cert_pem, name: "cert" };
        let chain = cert.certificates()?.ok_or_else(|| cert.fault("expected a certificate"))?;
        let key = Pem { path, file: &self.key_file, text: &self.key_pem, name: "key" };
        let secret = key.key()?.ok_or_else(|| key.fault("expected a private key"))?;
        let provider = provider(&self.cipher_suites, &self.curve_preferences);
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(path, self.min_version, self.max_version)?)
            .map_err(|err| fault(path, err))?;
        let ca = Pem { path, file: &self.client_ca_file, text: &None, name: "client_ca" };
        let builder = match ca.certificates()? {
            None if !self.client_allowed_names.is_empty() => {
                return Err(ca.fault(
                    "expected the CA of the clients, without which nobody is known by name",
                ));
            }
            None => builder.with_no_client_auth(),
            Some(certificates) => {
                let roots = Arc::new(roots(certificates, &ca)?);
                let verifier =
                    rustls::server::WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = verifier.build().map_err(|err| ca.fault(err))?;
                builder.with_client_cert_verifier(subject::allowing(
                    verifier,
                    &self.client_allowed_names,
                ))
            }
        };
        let made = builder.with_single_cert(chain, secret);
        let mut config = made.map_err(|err| unusable(&cert, &key, &err))?;
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }
}

impl ClientConfig {
    /// Reads the certificates, and again when they change. `path` is the YAML path of
    /// the section, `alpn` the protocols that are offered.
    ///
    /// # Errors
    ///
    /// As [`ServerConfig::build`].
    pub fn watch(
        &self,
        path: &str,
        alpn: &'static [&'static str],
    ) -> Result<Arc<Watched<rustls::ClientConfig>>, YamlError> {
        let files = [&self.ca_file, &self.cert_file, &self.key_file];
        let files = files.into_iter().flatten().map(|file| file.to_path_buf()).collect();
        let (config, path) = (self.clone(), path.to_owned());
        Watched::new(files, self.reload_interval.0, move || config.build(&path, alpn))
    }

    /// Reads the certificates. `path` is the YAML path of the section, `alpn` the
    /// protocols that are offered.
    ///
    /// # Errors
    ///
    /// As [`ServerConfig::build`].
    pub fn build(&self, path: &str, alpn: &[&str]) -> Result<Arc<rustls::ClientConfig>, YamlError> {
        let provider = provider(&self.cipher_suites, &self.curve_preferences);
        let builder = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(versions(path, self.min_version, self.max_version)?)
            .map_err(|err| fault(path, err))?;
        let ca = Pem { path, file: &self.ca_file, text: &self.ca_pem, name: "ca" };
        let builder = if self.insecure_skip_verify {
            builder.dangerous().with_custom_certificate_verifier(unverified::verifier(provider))
        } else {
            let certificates = ca.certificates()?;
            let mozilla = certificates.is_none() || self.include_system_ca_certs_pool;
            let mut roots = roots(certificates.unwrap_or_default(), &ca)?;
            if mozilla {
                roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            }
            builder.with_root_certificates(roots)
        };
        let cert = Pem { path, file: &self.cert_file, text: &self.cert_pem, name: "cert" };
        let key = Pem { path, file: &self.key_file, text: &self.key_pem, name: "key" };
        let mut config = match (cert.certificates()?, key.key()?) {
            (None, None) => builder.with_no_client_auth(),
            (Some(chain), Some(secret)) => {
                let made = builder.with_client_auth_cert(chain, secret);
                made.map_err(|err| unusable(&cert, &key, &err))?
            }
            (Some(_), None) => return Err(key.fault("expected the key of the certificate")),
            (None, Some(_)) => return Err(cert.fault("expected the certificate of the key")),
        };
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(Arc::new(config))
    }
}

fn roots(
    certificates: Vec<CertificateDer<'static>>,
    of: &Pem<'_>,
) -> Result<RootCertStore, YamlError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|_| of.fault("expected certificates in PEM"))?;
    }
    Ok(roots)
}

/// What is wrong with a certificate of ours, or with its key.
fn unusable(cert: &Pem<'_>, key: &Pem<'_>, err: &rustls::Error) -> YamlError {
    match err {
        rustls::Error::InconsistentKeys(_) => key.fault("expected the key of the certificate"),
        // Rustls calls every certificate that of a peer.
        rustls::Error::InvalidCertificate(_) => cert.fault("expected certificates in PEM"),
        err => key.fault(err),
    }
}

/// A fault of a setting whose line is not known.
fn fault(path: &str, expected: impl ToString) -> YamlError {
    YamlError::new(path, expected.to_string())
}
