//! The public keys of an identity provider.

use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::Weak;
use std::time::Duration;

use http::Uri;
use jsonwebtoken::Algorithm;
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::AlgorithmParameters;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::jwk::KeyAlgorithm;
use jsonwebtoken::jwk::PublicKeyUse;
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::gateway::answer::Refusal;
use crate::gateway::auth::fetch::FetchError;
use crate::gateway::auth::fetch::Fetcher;
use crate::gateway::auth::fetch::TIMEOUT_DEFAULT;
use crate::gateway::auth::fetch::address;
use crate::gateway::auth::oidc::Provider;
use crate::gateway::tls;
use crate::scrub::yaml::YamlError;

/// The shortest time between two fetches, whatever senders show.
pub(in crate::gateway::auth::oidc) const FETCH_INTERVAL_MIN: Duration = Duration::from_secs(10);

/// How often keys are fetched although nobody shows a new one, so that one that the
/// provider took back is forgotten.
const FETCH_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// How many keys of a provider are looked at. Large ones have a handful.
const KEYS_MAX: usize = 64;

const NOT_YET: Refusal =
    Refusal::Undecided { what: "the keys of the identity provider were not had yet" };

/// The keys of one provider, as they were last had.
pub(in crate::gateway::auth::oidc) struct Keys {
    issuer: String,
    discovery: Uri,
    fetcher: Fetcher,
    known: RwLock<Option<Arc<Vec<Key>>>>,
    /// One fetch at a time; when the last one began.
    fetching: Mutex<Option<Instant>>,
}

/// A key, and what it is for.
struct Key {
    id: Option<String>,
    algorithm: Option<KeyAlgorithm>,
    key: DecodingKey,
}

/// What discovery says (OpenID Connect Discovery, 3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Keys {
    /// Keys that are fetched in the background. `path` is the YAML path of `provider`.
    pub(in crate::gateway::auth::oidc) fn of(
        provider: &Provider,
        path: &str,
    ) -> Result<Arc<Self>, YamlError> {
        let issuer = provider.issuer_url.clone();
        address(&issuer, path, "issuer_url")?;
        let discovery =
            format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let discovery = address(&discovery, path, "issuer_url")?;
        let tls = tls::ClientConfig {
            ca_file: provider.issuer_ca_path.clone(),
            ..tls::ClientConfig::default()
        };
        let fetcher = Fetcher::new(&tls, path, TIMEOUT_DEFAULT).map_err(|err| {
            let is_ca = err.path.ends_with("ca_file");
            if is_ca { err.renamed(format!("{path}.issuer_ca_path")) } else { err }
        })?;
        let (known, fetching) = (RwLock::default(), Mutex::default());
        let keys = Arc::new(Self { issuer, discovery, fetcher, known, fetching });
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(keep_fresh(Arc::downgrade(&keys)));
        }
        Ok(keys)
    }

    /// Those that may have signed a token with the key id `id`, if it names one.
    ///
    /// # Errors
    ///
    /// When there were never any keys.
    pub(in crate::gateway::auth::oidc) async fn find(
        &self,
        id: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Vec<DecodingKey>, Refusal> {
        let found = self.matching(id, algorithm);
        if found.as_ref().is_some_and(|found| !found.is_empty()) {
            return found.ok_or(NOT_YET);
        }
        let mut last = self.fetching.lock().await;
        // Another request may have had them meanwhile.
        if self.matching(id, algorithm).is_none_or(|found| found.is_empty()) {
            self.fetch(&mut last).await;
        }
        self.matching(id, algorithm).ok_or(NOT_YET)
    }

    /// `None` where no keys are known at all.
    fn matching(&self, id: Option<&str>, algorithm: Algorithm) -> Option<Vec<DecodingKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone()?;
        let fits = |key: &&Key| {
            let same_id = id.is_none_or(|id| key.id.as_deref() == Some(id));
            let same_algorithm =
                key.algorithm.is_none_or(|own| own == KeyAlgorithm::from(algorithm));
            same_id && same_algorithm && key.key.family() == algorithm.family()
        };
        Some(known.iter().filter(fits).map(|key| key.key.clone()).collect())
    }

    async fn fetch(&self, last: &mut Option<Instant>) {
        if last.is_some_and(|last| last.elapsed() < FETCH_INTERVAL_MIN) {
            return;
        }
        *last = Some(Instant::now());
        match self.fetched().await {
            Ok(keys) => {
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                *known = Some(Arc::new(keys));
            }
            Err(err) => {
                // Before its host, a URL may hold a password.
                let issuer: Option<Uri> = self.issuer.parse().ok();
                let issuer = issuer.as_ref().and_then(Uri::host).unwrap_or_default();
                tracing::warn!(issuer, %err, "no keys from the identity provider");
            }
        }
    }

    async fn fetched(&self) -> Result<Vec<Key>, FetchError> {
        let metadata = self.fetcher.get(&self.discovery).await?;
        let metadata: Metadata =
            serde_json::from_slice(&metadata).map_err(|_| FetchError::Unreadable)?;
        if metadata.issuer != self.issuer {
            return Err(FetchError::OtherIssuer);
        }
        let uri: Uri = metadata.jwks_uri.parse().map_err(|_| FetchError::Unreadable)?;
        // What is had over TLS is not followed to where there is none.
        if self.discovery.scheme_str() == Some("https") && uri.scheme_str() != Some("https") {
            return Err(FetchError::Unreadable);
        }
        let set = self.fetcher.get(&uri).await?;
        let set: KeySet = serde_json::from_slice(&set).map_err(|_| FetchError::Unreadable)?;
        Ok(set.keys.into_iter().take(KEYS_MAX).filter_map(Key::read).collect())
    }
}

impl Key {
    /// `None` for a key that we cannot use: there may be others beside it.
    fn read(key: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(key).ok()?;
        let signs = matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let is_public = matches!(
            jwk.algorithm,
            AlgorithmParameters::RSA(_)
                | AlgorithmParameters::EllipticCurve(_)
                | AlgorithmParameters::OctetKeyPair(_)
        );
        let key = DecodingKey::from_jwk(&jwk).ok().filter(|_| signs && is_public)?;
        Some(Self { id: jwk.common.key_id, algorithm: jwk.common.key_algorithm, key })
    }
}

impl std::fmt::Debug for Keys {
    /// Whose only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Fetches the keys again and again, as long as someone wants them.
async fn keep_fresh(keys: Weak<Keys>) {
    loop {
        let Some(own) = keys.upgrade() else { return };
        own.fetch(&mut *own.fetching.lock().await).await;
        let has_some = own.known.read().unwrap_or_else(PoisonError::into_inner).is_some();
        drop(own);
        tokio::time::sleep(if has_some { FETCH_INTERVAL } else { FETCH_INTERVAL_MIN }).await;
    }
}
