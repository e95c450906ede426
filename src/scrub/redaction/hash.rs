//! What takes the place of a match.

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use md5::Digest;
use md5::Md5;
use sha1::Sha1;
use sha2::Sha256;
use sha2::Sha512;
use sha3::Sha3_256;

use crate::scrub::redaction::settings::HashFunction;
use crate::scrub::redaction::settings::Settings;
use crate::scrub::yaml::YamlError;

/// What stands for a match where nothing else is said.
const MASK: &str = "****";

/// Writes what takes the place of a match.
pub(in crate::scrub::redaction) enum Mask {
    Text(Vec<u8>),
    Md5,
    Sha1,
    Sha3,
    HmacSha256(Box<Hmac<Sha256>>),
    HmacSha512(Box<Hmac<Sha512>>),
}

impl Mask {
    /// # Errors
    ///
    /// When the key is too short, or a mask and a hash are both asked for.
    pub(in crate::scrub::redaction) fn new(settings: &Settings) -> Result<Self, YamlError> {
        let fault = |path: &str, expected: String| YamlError::new(path, expected);
        let key = settings.hmac_key.bytes();
        let least = |bytes: usize, name: &str| match key.len() < bytes {
            true => Err(fault(
                "hmac_key",
                format!(
                    "expected {bytes} bytes or more for `hash_function: {name}`, given as \
                         ${{env:NAME}} or ${{file:PATH}}; found {}",
                    key.len()
                ),
            )),
            false => Ok(()),
        };
        let no_key = |_| fault("hmac_key", "expected a key".to_owned());
        if !settings.masking_string.is_empty() && settings.hash_function != HashFunction::None {
            let expected = "expected no mask beside `hash_function`: only one of them can take \
                            the place of a match";
            return Err(fault("masking_string", expected.to_owned()));
        }
        Ok(match settings.hash_function {
            HashFunction::None if settings.masking_string.is_empty() => {
                Self::Text(MASK.as_bytes().to_vec())
            }
            HashFunction::None => Self::Text(settings.masking_string.clone().into_bytes()),
            HashFunction::Md5 => Self::Md5,
            HashFunction::Sha1 => Self::Sha1,
            HashFunction::Sha3 => Self::Sha3,
            HashFunction::HmacSha256 => {
                least(32, "hmac-sha256")?;
                Self::HmacSha256(Box::new(Hmac::new_from_slice(key).map_err(no_key)?))
            }
            HashFunction::HmacSha512 => {
                least(64, "hmac-sha512")?;
                Self::HmacSha512(Box::new(Hmac::new_from_slice(key).map_err(no_key)?))
            }
        })
    }

    /// Appends what takes the place of `matched`.
    pub(in crate::scrub::redaction) fn write(&self, matched: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Text(mask) => out.extend_from_slice(mask),
            Self::Md5 => hex(&Md5::digest(matched), out),
            Self::Sha1 => hex(&Sha1::digest(matched), out),
            Self::Sha3 => hex(&Sha3_256::digest(matched), out),
            Self::HmacSha256(key) => {
                hex(&key.as_ref().clone().chain_update(matched).finalize().into_bytes(), out)
            }
            Self::HmacSha512(key) => {
                hex(&key.as_ref().clone().chain_update(matched).finalize().into_bytes(), out)
            }
        }
    }

    /// What takes the place of a whole text.
    pub(in crate::scrub::redaction) fn of(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(text, &mut out);
        out
    }
}

fn hex(digest: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or(b'0');
    for byte in digest {
        out.push(digit(byte >> 4));
        out.push(digit(byte & 15));
    }
}
