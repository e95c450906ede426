//! Digests of secrets under a key of this process.

use std::sync::LazyLock;

use ring::hmac;
use ring::rand::SystemRandom;

static KEY: LazyLock<hmac::Key> = LazyLock::new(|| {
    hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
        .expect("the system has random bytes; TLS would not work without either")
});

/// The digest of a secret, which says nothing of the secret outside this process.
#[derive(Clone)]
pub(in crate::gateway::auth) struct Digest(hmac::Tag);

impl Digest {
    pub(in crate::gateway::auth) fn of(secret: &[u8]) -> Self {
        Self(hmac::sign(&KEY, secret))
    }

    /// Whether it is the digest of `secret`, in a time that does not depend on it.
    pub(in crate::gateway::auth) fn is_of(&self, secret: &[u8]) -> bool {
        hmac::verify(&KEY, secret, self.0.as_ref()).is_ok()
    }

    /// The bytes, to look it up by.
    pub(in crate::gateway::auth) fn key(&self) -> Vec<u8> {
        self.0.as_ref().to_vec()
    }
}

impl std::fmt::Debug for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}
