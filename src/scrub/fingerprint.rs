//! Fingerprints: how a secret is told from others without being shown.
//!
//! 64 bits of HMAC-SHA-256 under a key of the deployment, behind four digits that name
//! the key: `1f2e:3d4c5b6a79881f2e`. Where keys change, those of before are kept to
//! tell old fingerprints; new ones are made with the first.

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use serde::Deserialize;
use sha2::Sha256;

/// Shorter keys can be guessed (NIST SP 800-107 asks for as many bits as the digest
/// is to resist; 128 is what 64 bits of output can use).
pub const KEY_LEN_MIN: usize = 16;

/// What is digested to name a key. No secret of a sender is this text.
const KEY_ID_OF: &[u8] = b"otel-redact fingerprint key";

/// The key of fingerprints. Never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct FingerprintKey(String);

impl FingerprintKey {
    /// A key for trying rules out: fingerprints under it tell nothing.
    pub fn of_nobody() -> Self {
        Self("the key of nobody".to_owned())
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it can be guessed.
    pub fn is_short(&self) -> bool {
        self.0.len() < KEY_LEN_MIN
    }
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// Makes fingerprints and tells them.
#[derive(Clone, Default)]
pub struct Fingerprints {
    /// The first makes new ones.
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: String,
    mac: Hmac<Sha256>,
}

impl Fingerprints {
    /// With the key that makes new ones, and those of before. Empty keys are left out.
    pub fn new<'k>(keys: impl IntoIterator<Item = &'k FingerprintKey>) -> Self {
        let keys = keys.into_iter().filter(|key| !key.is_empty());
        let keys = keys.filter_map(|key| {
            let mac = Hmac::<Sha256>::new_from_slice(key.0.as_bytes()).ok()?;
            Some(Key { id: hex(&mac, KEY_ID_OF, 2), mac })
        });
        Self { keys: keys.collect() }
    }

    /// The fingerprint of a secret. `None` without a key.
    pub fn of(&self, secret: &[u8]) -> Option<String> {
        self.keys.first().map(|key| key.of(secret))
    }

    /// The fingerprints of a secret under every key, the current one first.
    pub fn all(&self, secret: &[u8]) -> Vec<String> {
        self.keys.iter().map(|key| key.of(secret)).collect()
    }

    /// Whether `fingerprint` is of this secret, under any of the keys.
    pub fn matches(&self, fingerprint: &str, secret: &[u8]) -> bool {
        let id = fingerprint.split(':').next().unwrap_or_default();
        self.keys.iter().any(|key| key.id == id && key.of(secret) == fingerprint)
    }

    /// Whether some key made this fingerprint.
    pub fn knows(&self, fingerprint: &str) -> bool {
        self.keys.iter().any(|key| fingerprint.split(':').next() == Some(key.id.as_str()))
    }
}

impl Key {
    fn of(&self, secret: &[u8]) -> String {
        format!("{}:{}", self.id, hex(&self.mac, secret, 8))
    }
}

/// Whether a text is written like a fingerprint.
pub fn is_fingerprint(text: &str) -> bool {
    let hex = |part: &str, len: usize| {
        part.len() == len
            && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    text.split_once(':').is_some_and(|(id, digest)| hex(id, 4) && hex(digest, 16))
}

/// The first bytes of a digest, in hexadecimal digits.
fn hex(mac: &Hmac<Sha256>, text: &[u8], bytes: usize) -> String {
    let mut mac = mac.clone();
    mac.update(text);
    let digest = mac.finalize().into_bytes();
    digest.iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

impl std::fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<&str> = self.keys.iter().map(|key| key.id.as_str()).collect();
        f.debug_struct("Fingerprints").field("keys", &ids).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> FingerprintKey {
        FingerprintKey(text.to_owned())
    }

    #[test]
    fn a_fingerprint_outlives_its_key() {
        let (old, new) = (key("the key of last year"), key("the key of this year"));
        let before = Fingerprints::new([&old]);
        let after = Fingerprints::new([&new, &old]);
        let fingerprint = before.of(b"secret").expect("there is a key");
        assert!(is_fingerprint(&fingerprint), "{fingerprint}");
        assert!(after.matches(&fingerprint, b"secret"));
        assert!(!after.matches(&fingerprint, b"another"));
        assert_ne!(after.of(b"secret"), Some(fingerprint.clone()));
        assert_eq!(after.all(b"secret").last(), Some(&fingerprint));
        assert!(!Fingerprints::new([&new]).knows(&fingerprint));
    }

    #[test]
    fn without_a_key_there_is_none() {
        assert_eq!(Fingerprints::new([&key("")]).of(b"secret"), None);
        assert!(!format!("{:?}", key("hidden")).contains("hidden"));
    }
}
