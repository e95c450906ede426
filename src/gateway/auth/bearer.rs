//! `bearertokenauth`: a token that both sides know, in a header.

use std::path::PathBuf;
use std::sync::Arc;

use http::HeaderMap;
use http::HeaderName;
use http::header;
use serde::Deserialize;

use crate::gateway::answer::Refusal;
use crate::gateway::auth::Credential;
use crate::gateway::auth::LOOK_INTERVAL;
use crate::gateway::auth::digest::Digest;
use crate::gateway::auth::fault;
use crate::gateway::auth::read;
use crate::gateway::config::header as header_setting;
use crate::gateway::config::secret::Secret;
use crate::gateway::watched::Watched;
use crate::scrub::yaml::Placed;
use crate::scrub::yaml::YamlError;

const DENIED: Refusal = Refusal::Unauthenticated { challenge: "Bearer" };

/// `extensions.bearertokenauth` (contrib, `extension/bearertokenauthextension`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What stands before the token. Default `Bearer`; empty: nothing.
    pub scheme: String,
    /// The header. Default `Authorization`.
    pub header: Option<header_setting::Name>,
    /// The token.
    pub token: Option<Secret>,
    /// Tokens, any of which lets a sender in. The first is what an exporter sends.
    pub tokens: Vec<Secret>,
    /// A file of tokens, one a line; read again within a second when it changes.
    pub filename: Option<Placed<PathBuf>>,
    /// Whether the gateway starts although the file is not there yet. Nobody comes in
    /// until it is.
    pub wait_for_token_file: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            scheme: "Bearer".to_owned(),
            header: None,
            token: None,
            tokens: Vec::new(),
            filename: None,
            wait_for_token_file: false,
        }
    }
}

/// The tokens as they are now.
#[derive(Debug)]
pub struct Tokens {
    name: HeaderName,
    scheme: String,
    current: Arc<Watched<Current>>,
}

struct Current {
    digests: Vec<Digest>,
    /// What an exporter sends.
    first: Option<Credential>,
}

impl Tokens {
    /// Reads the tokens. `path` is the YAML path of `config`.
    ///
    /// # Errors
    ///
    /// When there are none, or the file cannot be read.
    pub fn build(config: &Config, path: &str) -> Result<Self, YamlError> {
        let given = usize::from(config.token.is_some())
            + usize::from(!config.tokens.is_empty())
            + usize::from(config.filename.is_some());
        if given != 1 {
            return Err(fault(path, "token", "expected one of token, tokens and filename"));
        }
        let name =
            config.header.as_ref().map_or(header::AUTHORIZATION, header_setting::Name::to_http);
        let files = config.filename.iter().map(|file| file.to_path_buf()).collect();
        let (own, at, of) = (config.clone(), path.to_owned(), name.clone());
        let current = Watched::new(files, LOOK_INTERVAL, move || make(&own, &at, &of))?;
        Ok(Self { name, scheme: config.scheme.clone(), current })
    }

    pub(in crate::gateway::auth) fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut values = headers.get_all(&self.name).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return Err(DENIED) };
        let token = self.token(value.as_bytes()).ok_or(DENIED)?;
        let current = self.current.get();
        // All are compared, so that the time does not say which it was.
        let known = current.digests.iter().fold(false, |known, digest| known | digest.is_of(token));
        if known { Ok(()) } else { Err(DENIED) }
    }

    /// What follows the scheme, which is written in any case (RFC 9110, 11.1).
    fn token<'a>(&self, value: &'a [u8]) -> Option<&'a [u8]> {
        if self.scheme.is_empty() {
            return Some(value);
        }
        let (scheme, token) = value.split_at_checked(self.scheme.len())?;
        let token = token.strip_prefix(b" ")?.trim_ascii_start();
        scheme.eq_ignore_ascii_case(self.scheme.as_bytes()).then_some(token)
    }

    pub(in crate::gateway::auth) fn credential(&self) -> Option<Credential> {
        self.current.get().first.clone()
    }

    /// The credential, after a look at the file.
    pub(in crate::gateway::auth) fn look(&self) -> Option<Credential> {
        self.current.look();
        self.credential()
    }
}

fn make(config: &Config, path: &str, name: &HeaderName) -> Result<Arc<Current>, YamlError> {
    let text = match &config.filename {
        Some(file) if config.wait_for_token_file && !file.exists() => {
            return Ok(Arc::new(Current { digests: Vec::new(), first: None }));
        }
        Some(file) => read(file, path, "filename")?,
        None => Default::default(),
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let own = config.token.iter().chain(&config.tokens).map(Secret::expose);
    let tokens: Vec<&str> = lines.chain(own).collect();
    let at_fault = |expected| match &config.filename {
        Some(file) => file.fault(fault(path, "filename", expected)),
        None => fault(path, "token", expected),
    };
    let Some(first) = tokens.first().filter(|_| tokens.iter().all(|token| !token.is_empty()))
    else {
        return Err(at_fault("expected a token that is not empty"));
    };
    let separator = if config.scheme.is_empty() { "" } else { " " };
    let value = zeroize::Zeroizing::new(format!("{}{separator}{first}", config.scheme));
    let first = Credential::new(name.clone(), &value);
    let first = first.ok_or_else(|| at_fault("expected a token that a header can hold"))?;
    let digests = tokens.iter().map(|token| Digest::of(token.as_bytes())).collect();
    Ok(Arc::new(Current { digests, first: Some(first) }))
}
