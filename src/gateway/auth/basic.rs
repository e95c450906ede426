//! `basicauth`: names and passwords (RFC 7617).
//!
//! Passwords of senders are kept as hashes that are slow on purpose, and a sender
//! shows its password with every request. So what was verified once is remembered by
//! its digest, and hashing runs for one request at a time, of which few wait: a
//! guesser takes one processor at most, and nothing from those who are known.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use argon2::Argon2;
use argon2::Params;
use argon2::PasswordVerifier;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::header;
use serde::Deserialize;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::gateway::answer::Refusal;
use crate::gateway::auth::Credential;
use crate::gateway::auth::LOOK_INTERVAL;
use crate::gateway::auth::digest::Digest;
use crate::gateway::auth::fault;
use crate::gateway::auth::read;
use crate::gateway::config::secret::Secret;
use crate::gateway::section::present;
use crate::gateway::watched::Watched;
use crate::scrub::yaml::Placed;
use crate::scrub::yaml::YamlError;

const DENIED: Refusal =
    Refusal::Unauthenticated { challenge: "Basic realm=\"otel-redact\", charset=\"UTF-8\"" };

/// Requests that wait for a password to be hashed. At a quarter of a second each, the
/// last of them has an answer before its sender gives up.
const WAITING_MAX: usize = 32;

/// When a sender comes again that found no place among them.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Logins that are remembered, of those that were right and of those that were not.
const REMEMBERED_MAX: usize = 1024;

/// The costliest hashes that are taken: about a second of one processor, and memory
/// beside that of requests.
const BCRYPT_COST_MAX: u32 = 14;
const ARGON2_KIB_MAX: u32 = 64 * 1024;
const ARGON2_PASSES_MAX: u32 = 10;

/// `extensions.basicauth` (contrib, `extension/basicauthextension`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who may send.
    #[serde(deserialize_with = "present")]
    pub htpasswd: Option<Htpasswd>,
    /// Who we are to an upstream.
    #[serde(deserialize_with = "present")]
    pub client_auth: Option<ClientAuth>,
}

/// `htpasswd`: lines of `user:hash`, by bcrypt (`htpasswd -B`) or argon2.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Htpasswd {
    /// A file; read again within a second when it changes.
    pub file: Option<Placed<PathBuf>>,
    /// The lines themselves. They win over those of the file.
    pub inline: Option<Secret>,
}

/// `client_auth`: each either itself or as a file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientAuth {
    /// The name.
    pub username: Option<String>,
    /// A file with the name; read again within a second when it changes.
    pub username_file: Option<Placed<PathBuf>>,
    /// The password.
    pub password: Option<Secret>,
    /// A file with the password; read again within a second when it changes.
    pub password_file: Option<Placed<PathBuf>>,
}

/// Who may send.
#[derive(Debug)]
pub struct Users {
    current: Arc<Watched<Book>>,
    waiting: Semaphore,
    hashing: Semaphore,
}

/// The users as they are now, and which logins were seen. A changed file begins anew.
struct Book {
    hashes: BTreeMap<String, Hash>,
    /// A hash for those who are no users, so that they wait as long.
    decoy: Hash,
    right: Remembered,
    wrong: Remembered,
}

#[derive(Clone)]
enum Hash {
    Bcrypt(String),
    Argon2(String),
}

impl Users {
    /// Reads the users; `None` where the extension has none. `path` is the YAML path
    /// of `config`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or a line of it has another hash or a hash that
    /// is too costly.
    pub fn build(config: &Config, path: &str) -> Result<Option<Self>, YamlError> {
        let Some(htpasswd) = config.htpasswd.clone() else {
            if config.client_auth.is_none() {
                return Err(fault(path, "htpasswd", "expected htpasswd or client_auth"));
            }
            return Ok(None);
        };
        if config.client_auth.is_some() {
            return Err(fault(path, "client_auth", "expected htpasswd or client_auth, not both"));
        }
        let (files, path) = (
            htpasswd.file.iter().map(|file| file.to_path_buf()).collect(),
            format!("{path}.htpasswd"),
        );
        let current = Watched::new(files, LOOK_INTERVAL, move || Book::read(&htpasswd, &path))?;
        Ok(Some(Self { current, waiting: Semaphore::new(WAITING_MAX), hashing: Semaphore::new(1) }))
    }

    pub(in crate::gateway::auth) async fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let login = login(headers).ok_or(DENIED)?;
        let digest = Digest::of(login.as_bytes()).key();
        let book = self.current.get();
        if book.right.has(&digest) {
            return Ok(());
        }
        if book.wrong.has(&digest) {
            return Err(DENIED);
        }
        let busy = |_| Refusal::Busy { retry_after: RETRY_AFTER };
        let _place = self.waiting.try_acquire().map_err(busy)?;
        let _turn = self.hashing.acquire().await.expect("never closed");
        let verified = tokio::task::spawn_blocking({
            let book = Arc::clone(&book);
            move || book.verify(&login)
        });
        if verified.await.map_err(|_| Refusal::Stopping)? {
            book.right.add(digest);
            Ok(())
        } else {
            book.wrong.add(digest);
            Err(DENIED)
        }
    }
}

impl Book {
    fn read(htpasswd: &Htpasswd, path: &str) -> Result<Arc<Self>, YamlError> {
        let mut hashes = BTreeMap::new();
        if let Some(file) = &htpasswd.file {
            let text = read(file, path, "file")?;
            add(&mut hashes, &text, path, "file").map_err(|fault| file.fault(fault))?;
        }
        if let Some(inline) = &htpasswd.inline {
            add(&mut hashes, inline.expose(), path, "inline")?;
        }
        let key = if htpasswd.inline.is_some() { "inline" } else { "file" };
        let decoy = hashes.values().next().cloned();
        let none = || match (&htpasswd.file, key) {
            (Some(file), "file") => file.fault(fault(path, key, "expected lines of user:hash")),
            _ => fault(path, key, "expected lines of user:hash"),
        };
        let decoy = decoy.ok_or_else(none)?;
        Ok(Arc::new(Self {
            hashes,
            decoy,
            right: Remembered::default(),
            wrong: Remembered::default(),
        }))
    }

    fn verify(&self, login: &str) -> bool {
        let Some((user, password)) = login.split_once(':') else { return false };
        let hash = self.hashes.get(user);
        let matches = match hash.unwrap_or(&self.decoy) {
            Hash::Bcrypt(hash) => bcrypt::verify(password, hash).unwrap_or(false),
            Hash::Argon2(hash) => {
                Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok()
            }
        };
        matches && hash.is_some()
    }
}

fn add(
    hashes: &mut BTreeMap<String, Hash>,
    text: &str,
    path: &str,
    key: &str,
) -> Result<(), YamlError> {
    for (at, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let entry = line.split_once(':').ok_or("expected user:hash");
        let (user, hash) = entry
            .and_then(|(user, hash)| Ok((user, Hash::read(hash)?)))
            .map_err(|expected| fault(path, key, format!("line {}: {expected}", at + 1)))?;
        hashes.insert(user.to_owned(), hash);
    }
    Ok(())
}

impl Hash {
    fn read(text: &str) -> Result<Self, &'static str> {
        if ["$2a$", "$2b$", "$2y$"].iter().any(|start| text.starts_with(start)) {
            let hash: bcrypt::HashParts = text.parse().map_err(|_| "broken bcrypt hash")?;
            return match hash.get_cost() {
                ..=BCRYPT_COST_MAX => Ok(Self::Bcrypt(text.to_owned())),
                _ => Err("expected a bcrypt cost of at most 14: it is paid for every new login"),
            };
        }
        if text.starts_with("$argon2") {
            let hash = argon2::PasswordHash::new(text).map_err(|_| "broken argon2 hash")?;
            let params = Params::try_from(&hash).map_err(|_| "broken argon2 hash")?;
            if ARGON2_KIB_MAX < params.m_cost() || ARGON2_PASSES_MAX < params.t_cost() {
                return Err("expected an argon2 hash of at most 64 MiB and 10 passes");
            }
            return Ok(Self::Argon2(text.to_owned()));
        }
        Err("expected a hash by bcrypt ($2y$, as of `htpasswd -B`) or argon2 ($argon2id$)")
    }
}

/// Digests of logins. When they are too many it begins anew.
#[derive(Default)]
struct Remembered(Mutex<HashSet<Vec<u8>>>);

impl Remembered {
    fn has(&self, digest: &[u8]) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(digest)
    }

    fn add(&self, digest: Vec<u8>) {
        let mut digests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if REMEMBERED_MAX <= digests.len() {
            digests.clear();
        }
        digests.insert(digest);
    }
}

/// `user:password`, as `Authorization: Basic` has it.
pub(in crate::gateway::auth) fn login(headers: &HeaderMap) -> Option<Zeroizing<String>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, rest) = value.as_bytes().split_at_checked(6)?;
    let bytes = BASE64_STANDARD.decode(rest.trim_ascii()).ok()?;
    let login = String::from_utf8(bytes).ok().map(Zeroizing::new)?;
    (scheme.eq_ignore_ascii_case(b"basic ") && login.contains(':')).then_some(login)
}

/// Who we are to an upstream.
#[derive(Debug)]
pub struct Login(Arc<Watched<Credential>>);

impl Login {
    /// Reads name and password; `None` where the extension has none. `path` is the
    /// YAML path of `config`.
    ///
    /// # Errors
    ///
    /// When one of them is missing, there twice, or cannot be read.
    pub fn build(config: &Config, path: &str) -> Result<Option<Self>, YamlError> {
        let Some(own) = config.client_auth.clone() else { return Ok(None) };
        let files = [&own.username_file, &own.password_file].into_iter().flatten();
        let files = files.map(|file| file.to_path_buf());
        let (files, path) = (files.collect(), format!("{path}.client_auth"));
        Watched::new(files, LOOK_INTERVAL, move || own.read(&path)).map(|login| Some(Self(login)))
    }

    pub(in crate::gateway::auth) fn credential(&self) -> Option<Credential> {
        Some((*self.0.get()).clone())
    }

    pub(in crate::gateway::auth) fn look(&self) -> Option<Credential> {
        self.0.look();
        self.credential()
    }
}

impl ClientAuth {
    fn read(&self, path: &str) -> Result<Arc<Credential>, YamlError> {
        let user = one(self.username.as_deref(), &self.username_file, path, "username")?;
        let password = self.password.as_ref().map(Secret::expose);
        let password = one(password, &self.password_file, path, "password")?;
        // What was read of a file is wrong where that is named.
        let at_fault = |expected| match &self.username_file {
            Some(file) => file.fault(fault(path, "username_file", expected)),
            None => fault(path, "username", expected),
        };
        if user.contains(':') {
            return Err(at_fault("expected a name without a colon"));
        }
        let login = Zeroizing::new(format!("{}:{}", *user, *password));
        let value = Zeroizing::new(format!("Basic {}", BASE64_STANDARD.encode(login.as_bytes())));
        let credential = Credential::new(header::AUTHORIZATION, &value);
        credential.map(Arc::new).ok_or_else(|| at_fault("expected a login"))
    }
}

/// A setting or the file beside it.
pub(in crate::gateway::auth) fn one(
    text: Option<&str>,
    file: &Option<Placed<PathBuf>>,
    path: &str,
    key: &str,
) -> Result<Zeroizing<String>, YamlError> {
    match (text, file) {
        (Some(text), None) => Ok(Zeroizing::new(text.to_owned())),
        (None, Some(file)) => {
            let text = read(file, path, &format!("{key}_file"))?;
            Ok(Zeroizing::new(text.trim().to_owned()))
        }
        _ => Err(fault(path, key, format!("expected {key} or {key}_file"))),
    }
}
