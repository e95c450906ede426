//! Which versions, ciphers and curves are spoken, as far as rustls has them.
//!
//! The names are Go's, which the Collector takes. rustls has none that is known to
//! be unsafe, so that a list can only narrow what is spoken. The ciphers of TLS 1.3
//! are always spoken: Go does not let them be chosen either.

use std::sync::Arc;

use rustls::NamedGroup;
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use serde::Deserialize;

use crate::gateway::tls::fault;
use crate::scrub::yaml::YamlError;

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

/// A cipher suite of TLS 1.2 or 1.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct CipherSuite(rustls::CipherSuite);

impl TryFrom<String> for CipherSuite {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        use rustls::CipherSuite as Is;
        let suite = match text.as_str() {
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256" => {
                Is::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            }
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384" => {
                Is::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
            }
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305"
            | "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256" => {
                Is::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
            }
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" => Is::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" => Is::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305"
            | "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256" => {
                Is::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256
            }
            "TLS_AES_128_GCM_SHA256" => Is::TLS13_AES_128_GCM_SHA256,
            "TLS_AES_256_GCM_SHA384" => Is::TLS13_AES_256_GCM_SHA384,
            "TLS_CHACHA20_POLY1305_SHA256" => Is::TLS13_CHACHA20_POLY1305_SHA256,
            _ => {
                return Err(
                    "expected a suite of ECDHE with AES GCM or ChaCha20-Poly1305, such as \
                            TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: this version has no other",
                );
            }
        };
        Ok(Self(suite))
    }
}

/// A group that keys are agreed in: `X25519`, `P256` or `P384`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Curve(NamedGroup);

impl TryFrom<String> for Curve {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "X25519" => Ok(Self(NamedGroup::X25519)),
            "P256" => Ok(Self(NamedGroup::secp256r1)),
            "P384" => Ok(Self(NamedGroup::secp384r1)),
            _ => Err("expected X25519, P256 or P384: this version has no other curves"),
        }
    }
}

/// `include_insecure_cipher_suites`, of which there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "bool")]
pub struct NoInsecureSuites;

impl TryFrom<bool> for NoInsecureSuites {
    type Error = &'static str;

    fn try_from(include: bool) -> Result<Self, Self::Error> {
        if include {
            return Err("expected false: this version has no insecure cipher suites");
        }
        Ok(Self)
    }
}

/// The cryptography of rustls, narrowed to `suites` and to `curves`, where there are
/// any. The order of preference is that of `curves`.
pub(in crate::gateway::tls) fn provider(
    suites: &[CipherSuite],
    curves: &[Curve],
) -> Arc<CryptoProvider> {
    let mut provider = rustls::crypto::ring::default_provider();
    if !suites.is_empty() {
        provider.cipher_suites.retain(|own| {
            let is_tls13 = own.version() == &rustls::version::TLS13;
            is_tls13 || suites.contains(&CipherSuite(own.suite()))
        });
    }
    if !curves.is_empty() {
        let own = std::mem::take(&mut provider.kx_groups);
        let of = |curve: &Curve| own.iter().find(|own| own.name() == curve.0).copied();
        provider.kx_groups = curves.iter().filter_map(of).collect();
    }
    Arc::new(provider)
}

pub(in crate::gateway::tls) fn versions(
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
