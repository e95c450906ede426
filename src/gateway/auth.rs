//! Who may send to the gateway, and how it makes itself known to upstreams.
//!
//! Names, defaults and meanings are those of the Collector's extensions
//! `bearertokenauth`, `basicauth`, `oidc` and `oauth2client`. A request is judged by
//! its headers, before a byte of its body is read. What is secret is compared by its
//! digest under a key that this process made, never itself: how long that takes says
//! nothing of the secret, and nothing can be printed.

pub mod basic;
pub mod bearer;
mod digest;
mod fetch;
pub mod oauth2;
pub mod oidc;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::HeaderName;
use http::HeaderValue;
use serde::Deserialize;

use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::config::Config as Whole;
use crate::gateway::config::ExtensionConfig;
use crate::gateway::config::component::ComponentId;
use crate::scrub::yaml::Placed;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::shown;

/// How often a file with credentials is looked at: with the time for which it has to rest,
/// a change is in use within a second.
const LOOK_INTERVAL: Duration = Duration::from_millis(750);

/// The types of extensions that know who sends.
pub const SERVER_KINDS: &[&str] = &["bearertokenauth", "basicauth", "oidc"];

/// The types of extensions that make the gateway known.
pub const CLIENT_KINDS: &[&str] = &["bearertokenauth", "basicauth", "oauth2client"];

/// `auth` of a receiver's protocol or of an exporter.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The id of an extension that `service.extensions` lists.
    pub authenticator: ComponentId,
}

/// Judges requests.
#[derive(Clone, Debug)]
pub enum Server {
    /// `bearertokenauth`
    Bearer(Arc<bearer::Tokens>),
    /// `basicauth` with `htpasswd`
    Basic(Arc<basic::Users>),
    /// `oidc`
    Oidc(Arc<oidc::Providers>),
}

impl Server {
    /// Whether a request with these headers may come in.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unauthenticated`] where it may not; a retryable refusal where that
    /// cannot be told now.
    pub async fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        match self {
            Self::Bearer(tokens) => tokens.check(headers),
            Self::Basic(users) => users.check(headers).await,
            Self::Oidc(providers) => providers.check(headers).await,
        }
    }
}

/// Makes the gateway known to an upstream.
#[derive(Clone, Debug)]
pub enum Client {
    /// `bearertokenauth`
    Bearer(Arc<bearer::Tokens>),
    /// `basicauth` with `client_auth`
    Basic(Arc<basic::Login>),
    /// `oauth2client`
    OAuth2(Arc<oauth2::Source>),
}

/// A header that says who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its name.
    pub name: HeaderName,
    /// Its value, marked as sensitive.
    pub value: HeaderValue,
}

impl Credential {
    /// `None` where the value cannot be that of a header.
    fn new(name: HeaderName, value: &str) -> Option<Self> {
        let mut value = HeaderValue::from_str(value).ok()?;
        value.set_sensitive(true);
        Some(Self { name, value })
    }
}

impl Client {
    async fn credential(&self) -> Result<Credential, Refusal> {
        match self {
            Self::Bearer(tokens) => tokens.credential().ok_or(NONE),
            Self::Basic(login) => login.credential().ok_or(NONE),
            Self::OAuth2(source) => source.credential().await,
        }
    }

    /// Another credential than `used`, which the upstream did not take.
    async fn renewed(&self, used: &Credential) -> Option<Credential> {
        let new = match self {
            Self::Bearer(tokens) => tokens.look(),
            Self::Basic(login) => login.look(),
            Self::OAuth2(source) => source.renewed(used).await,
        };
        new.filter(|new| new != used)
    }
}

const NONE: Refusal = Refusal::Undecided { what: "no credential for the upstream can be read" };

/// Sends with a credential of `client`, and once more with a new one where the
/// upstream does not know the first any more.
pub async fn sending<F: Future<Output = Outcome>>(
    client: Option<&Client>,
    mut send: impl FnMut(Option<Credential>) -> F,
) -> Outcome {
    let Some(client) = client else { return send(None).await };
    let credential = client.credential().await?;
    let outcome = send(Some(credential.clone())).await;
    if !matches!(outcome, Err(Refusal::Rejected { code: code::UNAUTHENTICATED, .. })) {
        return outcome;
    }
    match client.renewed(&credential).await {
        Some(new) => send(Some(new)).await,
        None => outcome,
    }
}

/// What the extensions of a configuration can do, by their ids.
#[derive(Debug, Default)]
pub struct Authenticators {
    servers: BTreeMap<ComponentId, Server>,
    clients: BTreeMap<ComponentId, Client>,
}

impl Authenticators {
    /// Those that `service.extensions` lists.
    ///
    /// # Errors
    ///
    /// When a setting is at fault, or a file of one cannot be used.
    pub fn build(config: &Whole) -> Result<Self, YamlError> {
        let mut built = Self::default();
        for id in &config.service.extensions {
            let path = format!("extensions.{id}");
            let (server, client) = match config.extensions.get(id) {
                Some(ExtensionConfig::BearerToken(config)) => {
                    let tokens = Arc::new(bearer::Tokens::build(config, &path)?);
                    (Some(Server::Bearer(Arc::clone(&tokens))), Some(Client::Bearer(tokens)))
                }
                Some(ExtensionConfig::Basic(config)) => (
                    basic::Users::build(config, &path)?.map(|users| Server::Basic(users.into())),
                    basic::Login::build(config, &path)?.map(|login| Client::Basic(login.into())),
                ),
                Some(ExtensionConfig::Oidc(config)) => {
                    (Some(Server::Oidc(oidc::Providers::build(config, &path)?.into())), None)
                }
                Some(ExtensionConfig::OAuth2(config)) => {
                    (None, Some(Client::OAuth2(oauth2::Source::build(config, &path)?)))
                }
                _ => (None, None),
            };
            built.servers.extend(server.map(|server| (id.clone(), server)));
            built.clients.extend(client.map(|client| (id.clone(), client)));
        }
        Ok(built)
    }

    /// Who judges the requests of a protocol. `path` is its YAML path.
    ///
    /// # Errors
    ///
    /// When the extension cannot do that.
    pub fn server(&self, auth: Option<&Config>, path: &str) -> Result<Option<Server>, YamlError> {
        find(&self.servers, auth, path, "one that knows who sends")
    }

    /// Who makes an exporter known. `path` is its YAML path.
    ///
    /// # Errors
    ///
    /// When the extension cannot do that.
    pub fn client(&self, auth: Option<&Config>, path: &str) -> Result<Option<Client>, YamlError> {
        find(&self.clients, auth, path, "one that has credentials of ours")
    }
}

fn find<T: Clone>(
    all: &BTreeMap<ComponentId, T>,
    auth: Option<&Config>,
    path: &str,
    what: &str,
) -> Result<Option<T>, YamlError> {
    let Some(Config { authenticator }) = auth else { return Ok(None) };
    let found = all.get(authenticator).cloned().ok_or_else(|| {
        let expected = format!("`{authenticator}` does not fit here: expected {what}");
        YamlError::new(format!("{path}.auth.authenticator"), expected)
    })?;
    Ok(Some(found))
}

fn fault(path: &str, key: &str, expected: impl ToString) -> YamlError {
    YamlError::new(format!("{path}.{key}"), expected.to_string())
}

/// The text of a file, without the line feed at its end.
fn read(
    path: &Placed<std::path::PathBuf>,
    at: &str,
    key: &str,
) -> Result<zeroize::Zeroizing<String>, YamlError> {
    let text = std::fs::read_to_string(&**path).map(zeroize::Zeroizing::new);
    text.map_err(|err| {
        // The credential may stand in the place of its file.
        let file = shown::file(&path.to_string_lossy()).into_owned();
        path.fault(fault(at, key, format!("cannot read {file}: {}", err.kind())))
    })
}
