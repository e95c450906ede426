//! `oauth2client`: a token for client credentials (RFC 6749, 4.4).
//!
//! A token is fetched ahead of its end, while requests still go with the old one. A
//! request waits only where there is no token that is good.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::sync::Weak;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::Uri;
use http::header;
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::auth::Credential;
use crate::gateway::auth::basic::one;
use crate::gateway::auth::fault;
use crate::gateway::auth::fetch::Fetcher;
use crate::gateway::auth::fetch::address;
use crate::gateway::config::duration::GoDuration;
use crate::gateway::config::secret::Secret;
use crate::gateway::section::null_is_default;
use crate::gateway::tls;
use crate::scrub::yaml::Placed;
use crate::scrub::yaml::YamlError;

/// The shortest time between two fetches that failed, or that an upstream made us do
/// by refusing the token: it must not make us flood the provider.
const FETCH_INTERVAL_MIN: Duration = Duration::from_secs(5);

/// A token without `expires_in` is used for so long.
const LIFETIME_DEFAULT: Duration = Duration::from_secs(60 * 60);

/// The longest lifetime that is believed.
const LIFETIME_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// `extensions.oauth2client` (contrib, `extension/oauth2clientauthextension`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who we are.
    pub client_id: Option<String>,
    /// A file with it; read for each token.
    pub client_id_file: Option<Placed<PathBuf>>,
    /// Our secret.
    pub client_secret: Option<Secret>,
    /// A file with it; read for each token.
    pub client_secret_file: Option<Placed<PathBuf>>,
    /// Where tokens are had. Needed.
    pub token_url: String,
    /// What the token is to permit.
    pub scopes: Vec<String>,
    /// More parameters of the token request, each with its values.
    #[serde(deserialize_with = "null_is_default")]
    pub endpoint_params: BTreeMap<String, Vec<String>>,
    /// How long a token request may take. 0, the default, is 10s.
    pub timeout: GoDuration,
    /// TLS to `token_url`.
    #[serde(deserialize_with = "null_is_default")]
    pub tls: tls::ClientConfig,
    /// How long before its end a token is replaced. Default 5m; half its life, where
    /// that is shorter.
    pub expiry_buffer: GoDuration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            client_id: None,
            client_id_file: None,
            client_secret: None,
            client_secret_file: None,
            token_url: String::new(),
            scopes: Vec::new(),
            endpoint_params: BTreeMap::new(),
            timeout: GoDuration::default(),
            tls: tls::ClientConfig::default(),
            expiry_buffer: GoDuration(Duration::from_secs(5 * 60)),
        }
    }
}

/// Where tokens come from.
pub struct Source {
    config: Config,
    path: String,
    url: Uri,
    fetcher: Fetcher,
    token: RwLock<Option<Token>>,
    /// One fetch at a time.
    fetching: Mutex<Fetches>,
}

/// When the last fetches were that must not be repeated at once.
#[derive(Default)]
struct Fetches {
    failed: Option<Instant>,
    /// Because an upstream refused the token.
    forced: Option<Instant>,
}

fn is_recent(at: Option<Instant>) -> bool {
    at.is_some_and(|at| at.elapsed() < FETCH_INTERVAL_MIN)
}

#[derive(Clone)]
struct Token {
    credential: Credential,
    /// When it is replaced, and when it is not good any more.
    stale: Instant,
    end: Instant,
}

/// What the provider answers (RFC 6749, 5.1).
#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    token_type: Option<String>,
    expires_in: Option<u64>,
}

impl Source {
    /// A source, which gets its first token at once. `path` is the YAML path of
    /// `config`.
    ///
    /// # Errors
    ///
    /// When a setting is at fault.
    pub fn build(config: &Config, path: &str) -> Result<Arc<Self>, YamlError> {
        let url = address(&config.token_url, path, "token_url")?;
        let fetcher = Fetcher::new(&config.tls, &format!("{path}.tls"), config.timeout.0)?;
        let source = Arc::new(Self {
            config: config.clone(),
            path: path.to_owned(),
            url,
            fetcher,
            token: RwLock::new(None),
            fetching: Mutex::default(),
        });
        source.login()?;
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(keep_fresh(Arc::downgrade(&source)));
        }
        Ok(source)
    }

    pub(in crate::gateway::auth) async fn credential(&self) -> Result<Credential, Refusal> {
        if let Some(token) = self.good() {
            return Ok(token.credential);
        }
        let mut last = self.fetching.lock().await;
        // Another request may have had it meanwhile.
        match self.good() {
            Some(token) => Ok(token.credential),
            None => self.fetch(&mut last).await.map(|token| token.credential),
        }
    }

    pub(in crate::gateway::auth) async fn renewed(&self, used: &Credential) -> Option<Credential> {
        let mut last = self.fetching.lock().await;
        let good = self.good().filter(|token| token.credential != *used);
        if let Some(token) = good {
            return Some(token.credential);
        }
        if is_recent(last.forced) {
            return None;
        }
        last.forced = Some(Instant::now());
        self.fetch(&mut last).await.ok().map(|token| token.credential)
    }

    fn good(&self) -> Option<Token> {
        let token = self.token.read().unwrap_or_else(PoisonError::into_inner).clone();
        token.filter(|token| Instant::now() < token.end)
    }

    /// `id:secret`, as forms escape them (RFC 6749, 2.3.1).
    fn login(&self) -> Result<[Zeroizing<String>; 2], YamlError> {
        let config = &self.config;
        let id = one(config.client_id.as_deref(), &config.client_id_file, &self.path, "client_id")?;
        let secret = config.client_secret.as_ref().map(Secret::expose);
        let secret = one(secret, &config.client_secret_file, &self.path, "client_secret")?;
        if id.is_empty() || secret.is_empty() {
            return Err(fault(&self.path, "client_id", "expected an id and a secret, not empty"));
        }
        Ok([escaped(&id), escaped(&secret)])
    }

    async fn fetch(&self, last: &mut Fetches) -> Result<Token, Refusal> {
        let unavailable = |what: String| Refusal::Unavailable {
            code: code::UNAVAILABLE,
            retry_after: Some(FETCH_INTERVAL_MIN),
            message: format!("no token for the upstream: {what}"),
        };
        if is_recent(last.failed) {
            return Err(unavailable("the last attempt failed only seconds ago".to_owned()));
        }
        // Taken back below, where it does not.
        last.failed = Some(Instant::now());
        let [id, secret] = self.login().map_err(|fault| unavailable(fault.to_string()))?;
        let form = self.form();
        let login = Zeroizing::new(format!("{}:{}", *id, *secret));
        let basic = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(login.as_bytes())));
        let basic = Credential::new(header::AUTHORIZATION, &basic);
        let answer = self.fetcher.post(&self.url, basic, form.clone()).await;
        let answer = match answer {
            // Some providers take id and secret in the form alone.
            Ok((400 | 401, _)) => {
                let form = format!("{form}&client_id={}&client_secret={}", *id, *secret);
                self.fetcher.post(&self.url, None, form).await
            }
            answer => answer,
        };
        let token = match answer {
            Ok((200, body)) => self.token(&body),
            Ok((status, body)) => Err(format!("HTTP status {status}{}", explanation(&body))),
            Err(err) => Err(err.to_string()),
        };
        let token = token.map_err(|what| {
            tracing::warn!(extension = %self.path, what, "no token from the provider");
            unavailable(what)
        })?;
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        last.failed = None;
        Ok(token)
    }

    fn form(&self) -> String {
        let mut form = "grant_type=client_credentials".to_owned();
        if !self.config.scopes.is_empty() {
            form.push_str(&format!("&scope={}", *escaped(&self.config.scopes.join(" "))));
        }
        for (name, values) in &self.config.endpoint_params {
            for value in values {
                form.push_str(&format!("&{}={}", *escaped(name), *escaped(value)));
            }
        }
        form
    }

    fn token(&self, body: &[u8]) -> Result<Token, String> {
        let unreadable = || "its answer holds no bearer token".to_owned();
        let granted: Granted = serde_json::from_slice(body).map_err(|_| unreadable())?;
        let kind = granted.token_type.unwrap_or_else(|| "bearer".to_owned());
        if !kind.eq_ignore_ascii_case("bearer") || granted.access_token.expose().is_empty() {
            return Err(unreadable());
        }
        let value = Zeroizing::new(format!("Bearer {}", granted.access_token.expose()));
        let credential = Credential::new(header::AUTHORIZATION, &value).ok_or_else(unreadable)?;
        let life = granted.expires_in.map_or(LIFETIME_DEFAULT, Duration::from_secs);
        let life = life.min(LIFETIME_MAX);
        let buffer = self.config.expiry_buffer.0.min(life / 2);
        let now = Instant::now();
        Ok(Token { credential, stale: now + (life - buffer), end: now + life })
    }
}

impl std::fmt::Debug for Source {
    /// Where from only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Fetches the next token ahead of the end of the last, as long as there is a source.
async fn keep_fresh(source: Weak<Source>) {
    loop {
        let Some(own) = source.upgrade() else { return };
        let mut last = own.fetching.lock().await;
        let is_stale = |token: &Token| token.stale <= Instant::now();
        if own.good().as_ref().is_none_or(is_stale) {
            let _ = own.fetch(&mut last).await;
        }
        let stale = own.good().map(|token| token.stale);
        drop(last);
        drop(own);
        let soonest = Instant::now() + FETCH_INTERVAL_MIN;
        tokio::time::sleep_until(stale.unwrap_or(soonest).max(soonest)).await;
    }
}

/// The error code of a refusal (RFC 6749, 5.2), if it is one of those that there are.
fn explanation(body: &[u8]) -> String {
    const CODES: &[&str] = &[
        "invalid_request",
        "invalid_client",
        "invalid_grant",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
    ];
    let body: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let code = body.as_ref().and_then(|body| body.get("error")?.as_str());
    code.filter(|code| CODES.contains(code)).map_or_else(String::new, |code| format!(", {code}"))
}

/// As forms have it (WHATWG URL, 5.2): everything but letters, digits and `*-._`.
fn escaped(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len()));
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'*' | b'-' | b'.' | b'_' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
