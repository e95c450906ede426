//! Encryption of records on the disk: AES-256-GCM, with a key from a file.
//!
//! A record is its nonce (12 bytes, random), what was encrypted, and the tag (16
//! bytes). Random nonces are safe for 2^32 records under one key (NIST SP 800-38D,
//! 8.3): change the key once in a few thousand million records.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use ring::aead;
use ring::rand::SecureRandom;
use ring::rand::SystemRandom;

/// The length of a key.
const KEY_BYTES: usize = 32;

/// What a record is bound to, so that nothing else that was encrypted under the same
/// key is taken for one.
const CONTEXT: &[u8] = b"otel-redact queue record 1";

/// A key.
pub struct Key {
    key: aead::LessSafeKey,
    random: SystemRandom,
}

/// A file that holds no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("cannot read the key: {0}")]
    Io(#[from] std::io::Error),
    /// It holds something else.
    #[error("expected a file with 32 bytes in base64 or hex, as `openssl rand -base64 32` makes")]
    Malformed,
}

impl Key {
    /// Reads a key: 32 bytes, in base64 or in hex.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let text = std::fs::read(path)?;
        let text = std::str::from_utf8(&text).map_err(|_| KeyError::Malformed)?.trim();
        let bytes = match from_hex(text) {
            Some(bytes) => bytes,
            None => BASE64_STANDARD.decode(text).map_err(|_| KeyError::Malformed)?,
        };
        Self::new(&bytes).ok_or(KeyError::Malformed)
    }

    fn new(bytes: &[u8]) -> Option<Self> {
        let key = aead::UnboundKey::new(&aead::AES_256_GCM, bytes).ok()?;
        Some(Self { key: aead::LessSafeKey::new(key), random: SystemRandom::new() })
    }

    /// Encrypts `pieces` as one.
    ///
    /// # Errors
    ///
    /// When the system gives no random bytes.
    pub fn encrypt(&self, pieces: &[Bytes]) -> std::io::Result<Vec<u8>> {
        let failed = |_| std::io::Error::other("cannot encrypt a record");
        let mut nonce = [0; aead::NONCE_LEN];
        self.random.fill(&mut nonce).map_err(failed)?;
        let len: usize = pieces.iter().map(Bytes::len).sum();
        let mut sealed = Vec::with_capacity(aead::NONCE_LEN + len + aead::MAX_TAG_LEN);
        sealed.extend_from_slice(&nonce);
        pieces.iter().for_each(|piece| sealed.extend_from_slice(piece));
        let (_, text) = sealed.split_at_mut(aead::NONCE_LEN);
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let context = aead::Aad::from(CONTEXT);
        let tag = self.key.seal_in_place_separate_tag(nonce, context, text).map_err(failed)?;
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    /// What was encrypted; `None` under another key, or where anything was changed.
    pub fn decrypt(&self, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
        let nonce = aead::Nonce::try_assume_unique_for_key(sealed.get(..aead::NONCE_LEN)?).ok()?;
        let text = sealed.get_mut(aead::NONCE_LEN..)?;
        let len = self.key.open_in_place(nonce, aead::Aad::from(CONTEXT), text).ok()?.len();
        sealed.drain(..aead::NONCE_LEN);
        sealed.truncate(len);
        Some(sealed)
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let is_hex = text.len() == 2 * KEY_BYTES && text.bytes().all(|b| b.is_ascii_hexdigit());
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    is_hex.then(|| (0..text.len()).step_by(2).map(pair).collect::<Option<_>>())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encrypted_comes_back_under_the_same_key_only() {
        let (key, other) = (Key::new(&[7; 32]).unwrap(), Key::new(&[8; 32]).unwrap());
        let pieces = [Bytes::from_static(b"head"), Bytes::from_static(b"request")];
        let sealed = key.encrypt(&pieces).unwrap();
        assert!(memchr::memmem::find(&sealed, b"request").is_none());
        assert_ne!(sealed, key.encrypt(&pieces).unwrap());
        assert_eq!(key.decrypt(sealed.clone()).unwrap(), b"headrequest");
        assert_eq!(other.decrypt(sealed.clone()), None);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key.decrypt(changed), None);
        }
        assert_eq!(key.decrypt(Vec::new()), None);
    }

    #[test]
    fn a_key_is_read_as_base64_and_as_hex() {
        let file = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            Key::read(file.path())
        };
        let hex = file(&format!("{}\n", "ab".repeat(32))).unwrap();
        let base64 = file(&BASE64_STANDARD.encode([0xab; 32])).unwrap();
        let sealed = hex.encrypt(&[Bytes::from_static(b"x")]).unwrap();
        assert_eq!(base64.decrypt(sealed).unwrap(), b"x");
        for text in ["", "short", &"ab".repeat(31), &BASE64_STANDARD.encode([0; 31])] {
            assert!(matches!(file(text), Err(KeyError::Malformed)), "{text}");
        }
        assert!(matches!(Key::read(Path::new("/nowhere/key")), Err(KeyError::Io(_))));
    }
}
