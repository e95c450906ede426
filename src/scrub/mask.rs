//! What stands in the place of a secret.

use hmac::Hmac;
use hmac::KeyInit;
use hmac::Mac;
use serde::Deserialize;
use sha2::Sha256;

/// How a secret is masked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaskKind {
    /// `[redacted:github-pat-classic]`: says which rule found it.
    #[default]
    Label,
    /// `****`
    Fixed,
    /// The first and last two characters of a secret of 16 and more, `****` between.
    Partial,
    /// `[redacted:github-pat-classic:1f2e3d4c5b6a7988]`: 64 bits of HMAC-SHA-256
    /// under `fingerprint_key`, so that one credential can be followed unseen.
    Fingerprint,
}

/// Below this many bytes, a partial mask would show too much of a secret.
const PARTIAL_LEN_MIN: usize = 16;

/// Characters that a partial mask keeps at each end.
const PARTIAL_KEPT: usize = 2;

/// Makes masks.
#[derive(Clone)]
pub(in crate::scrub) struct Masker {
    kind: MaskKind,
    key: Option<Hmac<Sha256>>,
}

impl Masker {
    /// Masks of one kind; `key` is needed for fingerprints.
    pub(in crate::scrub) fn new(kind: MaskKind, key: &[u8]) -> Self {
        let key = match kind {
            MaskKind::Fingerprint => Hmac::<Sha256>::new_from_slice(key).ok(),
            _ => None,
        };
        Self { kind, key }
    }

    /// The mask for a secret that `rule` found. In a URL, brackets are written as
    /// percent escapes, because RFC 3986 has no place for them there.
    pub(in crate::scrub) fn mask(&self, rule: &str, secret: &[u8], in_url: bool) -> Vec<u8> {
        let label = |inside: &str| match in_url {
            true => format!("%5Bredacted:{inside}%5D").into_bytes(),
            false => format!("[redacted:{inside}]").into_bytes(),
        };
        match (self.kind, &self.key) {
            (MaskKind::Label, _) | (MaskKind::Fingerprint, None) => label(rule),
            (MaskKind::Fixed, _) => b"****".to_vec(),
            (MaskKind::Partial, _) => partial(secret),
            (MaskKind::Fingerprint, Some(key)) => {
                let mut mac = key.clone();
                mac.update(secret);
                let digest = mac.finalize().into_bytes();
                let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
                label(&format!("{rule}:{hex}"))
            }
        }
    }
}

fn partial(secret: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(secret).unwrap_or_default();
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let ends = text
        .get(..PARTIAL_KEPT)
        .zip(text.get(text.len().saturating_sub(PARTIAL_KEPT)..))
        .filter(|(front, back)| PARTIAL_LEN_MIN <= text.len() && plain(front) && plain(back));
    match ends {
        Some((front, back)) => format!("{front}****{back}").into_bytes(),
        None => b"****".to_vec(),
    }
}

impl std::fmt::Debug for Masker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Masker").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_mask_hides_the_secret() {
        let secret = b"abcdefghijklmnopqrst";
        let mask = |kind, url| {
            String::from_utf8(Masker::new(kind, b"key").mask("rule", secret, url)).expect("UTF-8")
        };
        assert_eq!(mask(MaskKind::Label, false), "[redacted:rule]");
        assert_eq!(mask(MaskKind::Label, true), "%5Bredacted:rule%5D");
        assert_eq!(mask(MaskKind::Fixed, false), "****");
        assert_eq!(mask(MaskKind::Partial, false), "ab****st");
        let fingerprint = mask(MaskKind::Fingerprint, false);
        assert_eq!(fingerprint.len(), "[redacted:rule:0123456789abcdef]".len());
        assert_eq!(fingerprint, mask(MaskKind::Fingerprint, false));
    }
}
