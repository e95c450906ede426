//! `oidc`: JSON web tokens of an identity provider.
//!
//! The provider's keys are fetched in the background, and on the path of a request
//! only where it shows a key that is not known: at most once in
//! `keys::FETCH_INTERVAL_MIN`, whatever senders show. While the keys were never had,
//! nobody can be judged, and senders are told to come again.

mod keys;
mod signature;

use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderMap;
use http::HeaderName;
use http::header;
use jsonwebtoken::Algorithm;
use jsonwebtoken::Validation;
use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;

use crate::gateway::answer::Refusal;
use crate::gateway::auth::fault;
use crate::gateway::auth::oidc::keys::Keys;
use crate::gateway::config::header as header_setting;
use crate::scrub::yaml::Placed;
use crate::scrub::yaml::YamlError;

const DENIED: Refusal = Refusal::Unauthenticated { challenge: "Bearer" };

/// The algorithms that are taken: those by public keys that the cryptography of our
/// TLS has. None by a shared secret: a public key would be taken for one.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// By how much clocks may differ, in seconds.
const LEEWAY_SECONDS: u64 = 60;

/// The longest token that is looked at, in bytes.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// `extensions.oidc` (contrib, `extension/oidcauthextension`): one provider, or
/// several in `providers`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The header that holds the token. Default `authorization`.
    pub attribute: Option<header_setting::Name>,
    /// As in [`Provider`].
    pub issuer_url: String,
    /// As in [`Provider`].
    pub audience: String,
    /// As in [`Provider`].
    pub ignore_audience: bool,
    /// As in [`Provider`].
    pub issuer_ca_path: Option<Placed<PathBuf>>,
    /// As in [`Provider`].
    pub username_claim: String,
    /// As in [`Provider`].
    pub groups_claim: String,
    /// Several providers; each takes the tokens that name it as their issuer.
    pub providers: Vec<Provider>,
}

/// An identity provider, and what its tokens must say.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Provider {
    /// The issuer, which also says where its keys are (OpenID Connect Discovery).
    pub issuer_url: String,
    /// For whom a token must be made out. Needed, unless `ignore_audience`.
    pub audience: String,
    /// Takes tokens that are made out for others.
    pub ignore_audience: bool,
    /// Who may sign the provider's certificate, PEM. Mozilla's list where left out.
    pub issuer_ca_path: Option<Placed<PathBuf>>,
    /// A claim that a token must have.
    pub username_claim: String,
    /// Another.
    pub groups_claim: String,
}

/// Judges tokens.
#[derive(Debug)]
pub struct Providers {
    attribute: HeaderName,
    providers: Vec<(Provider, Arc<Keys>)>,
}

impl Providers {
    /// Begins to fetch keys. `path` is the YAML path of `config`.
    ///
    /// # Errors
    ///
    /// When a setting is at fault.
    pub fn build(config: &Config, path: &str) -> Result<Self, YamlError> {
        signature::install();
        let own = Provider {
            issuer_url: config.issuer_url.clone(),
            audience: config.audience.clone(),
            ignore_audience: config.ignore_audience,
            issuer_ca_path: config.issuer_ca_path.clone(),
            username_claim: config.username_claim.clone(),
            groups_claim: config.groups_claim.clone(),
        };
        let is_flat = own != Provider::default();
        if is_flat && !config.providers.is_empty() {
            return Err(fault(path, "providers", "expected issuer_url or providers, not both"));
        }
        let mut providers = Vec::new();
        let listed = config.providers.iter().enumerate();
        let listed = listed.map(|(at, one)| (format!("{path}.providers[{at}]"), one));
        let flat = (is_flat || config.providers.is_empty()).then(|| (path.to_owned(), &own));
        for (path, provider) in listed.chain(flat) {
            if provider.audience.is_empty() && !provider.ignore_audience {
                return Err(fault(&path, "audience", "expected for whom tokens are made out"));
            }
            providers.push((provider.clone(), Keys::of(provider, &path)?));
        }
        let attribute = config.attribute.as_ref().map(header_setting::Name::to_http);
        Ok(Self { attribute: attribute.unwrap_or(header::AUTHORIZATION), providers })
    }

    pub(in crate::gateway::auth) async fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(&self.attribute).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(DENIED) };
        let token = bearer(value.as_bytes()).ok_or(DENIED)?;
        let header = jsonwebtoken::decode_header(token).map_err(|_| DENIED)?;
        if !ALGORITHMS.contains(&header.alg) {
            return Err(DENIED);
        }
        // Whose it claims to be; the keys of that provider must prove it.
        let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Map<String, Value>>(token);
        let claims = claims.map_err(|_| DENIED)?;
        let issuer = claims.get("iss").and_then(Value::as_str).ok_or(DENIED)?;
        let mut providers = self.providers.iter();
        let (provider, keys) =
            providers.find(|(provider, _)| provider.issuer_url == issuer).ok_or(DENIED)?;
        let keys = keys.find(header.kid.as_deref(), header.alg).await?;
        let validation = provider.validation(header.alg);
        let claims = keys.iter().find_map(|key| {
            let verified = jsonwebtoken::decode::<Map<String, Value>>(token, key, &validation);
            verified.ok().map(|data| data.claims)
        });
        let claims = claims.ok_or(DENIED)?;
        let has = |claim: &str| claim.is_empty() || claims.get(claim).is_some_and(|v| !v.is_null());
        if !has(&provider.username_claim) || !has(&provider.groups_claim) {
            return Err(DENIED);
        }
        Ok(())
    }
}

impl Provider {
    fn validation(&self, algorithm: Algorithm) -> Validation {
        let mut validation = Validation::new(algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer_url]);
        if self.ignore_audience {
            validation.validate_aud = false;
            validation.set_required_spec_claims(&["exp", "iss"]);
        } else {
            validation.set_audience(&[&self.audience]);
            validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        }
        validation
    }
}

/// The token behind `Bearer`.
fn bearer(value: &[u8]) -> Option<&str> {
    const SCHEME: &str = "bearer ";
    let text = std::str::from_utf8(value).ok().filter(|text| text.len() <= TOKEN_BYTES_MAX)?;
    let (scheme, token) = text.split_at_checked(SCHEME.len())?;
    scheme.eq_ignore_ascii_case(SCHEME).then_some(token.trim())
}
