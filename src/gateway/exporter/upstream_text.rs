//! What an upstream says in words: it may quote the request that it refuses, and the
//! credential that came with it.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::HeaderMap;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::gateway::auth::Credential;
use crate::scrub::Scrubber;

/// How much of a text is kept, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// What stands for a credential of ours. No rule finds anything in it.
const OWN: &str = "[redacted:own-credential]";

/// The shortest part of a header that is taken for secret, in bytes: shorter ones stand in
/// any text.
const OWN_BYTES_MIN: usize = 8;

/// What an upstream was shown beside a request.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The headers of every request; those that are secret are marked as sensitive.
    pub headers: &'a HeaderMap,
    /// Who we are.
    pub credential: Option<&'a Credential>,
}

impl Shown<'_> {
    /// The text without them.
    fn taken_from<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let values = self.headers.values().filter(|value| value.is_sensitive());
        let values = values.chain(self.credential.map(|credential| &credential.value));
        let mut parts: Vec<_> = values.flat_map(parts).collect();
        // The longest first: one may be within another.
        parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
        parts.iter().filter(|part| OWN_BYTES_MIN <= part.len()).fold(text.into(), |text, part| {
            match text.contains(part.as_str()) {
                true => text.replace(part.as_str(), OWN).into(),
                false => text,
            }
        })
    }
}

/// What may be quoted of the value of a header: all of it, each of its words (the first of
/// which commonly is a scheme), and a password in one.
fn parts(value: &HeaderValue) -> Vec<Zeroizing<String>> {
    let Ok(value) = value.to_str() else { return Vec::new() };
    let mut parts = vec![value.to_owned().into()];
    for word in value.split_ascii_whitespace() {
        parts.push(word.to_owned().into());
        let login = BASE64_STANDARD
            .decode(word)
            .ok()
            .and_then(|login| String::from_utf8(login).ok())
            .map(Zeroizing::new);
        let password = login.as_ref().and_then(|login| Some(login.split_once(':')?.1));
        parts.extend(password.map(|password| Zeroizing::new(password.to_owned())));
    }
    parts
}

/// Makes the texts of upstreams fit to be logged and passed on.
#[derive(Clone, Debug)]
pub struct UpstreamText {
    scrubbers: Arc<RwLock<Vec<Arc<Scrubber>>>>,
}

impl UpstreamText {
    /// Has each text scrubbed by all of `scrubbers`.
    pub fn new(scrubbers: impl IntoIterator<Item = Arc<Scrubber>>) -> Self {
        Self { scrubbers: Arc::new(RwLock::new(scrubbers.into_iter().collect())) }
    }

    /// From now on, has each text scrubbed by all of these; in every clone.
    pub fn replace(&self, scrubbers: impl IntoIterator<Item = Arc<Scrubber>>) {
        let scrubbers = scrubbers.into_iter().collect();
        *self.scrubbers.write().unwrap_or_else(PoisonError::into_inner) = scrubbers;
    }

    /// The text without credentials, ours among them, on one line, and not too long.
    pub fn clean(&self, text: &str, shown: Shown<'_>) -> String {
        // Scrubbed before it is cut: half a credential is not recognised.
        let mut clean = shown.taken_from(text).into_owned();
        let scrubbers = self.scrubbers.read().unwrap_or_else(PoisonError::into_inner).clone();
        for scrubber in scrubbers {
            clean = scrubber.scrub_text(&clean);
        }
        if TEXT_BYTES_MAX < clean.len() {
            let cut = clean.floor_char_boundary(TEXT_BYTES_MAX);
            clean.truncate(cut);
            clean.push('…');
        }
        clean.replace(char::is_control, " ")
    }
}
