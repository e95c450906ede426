//! What stands in the place of a secret.

mod structure;

use serde::Deserialize;

use crate::scrub::fingerprint::Fingerprints;

/// How a secret is masked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum MaskKind {
    /// `[redacted:github-pat-classic]`: says which rule found it.
    #[default]
    Label,
    /// `****`
    Fixed,
    /// The first and last two characters of a secret of 16 and more, `****` between.
    Partial,
    /// `[redacted:github-pat-classic:1f2e:3d4c5b6a79881f2e]`: which key, and 64 bits of
    /// HMAC-SHA-256 under it, so that one credential can be followed unseen.
    Fingerprint,
    /// What is safe to know stays: `[redacted:jwt:iss:idp.example.com:sub:email:exp:2026-03-01]`
    /// of a token, scheme, host and path of a URL, server and database of a connection
    /// string, the account of an AWS access key id. Of all else, as `label`.
    Structure,
}

/// Below this many bytes, a partial mask would show too much of a secret.
const PARTIAL_LEN_MIN: usize = 16;

/// Characters that a partial mask keeps at each end.
const PARTIAL_KEPT: usize = 2;

/// Makes masks.
#[derive(Clone, Debug)]
pub(in crate::scrub) struct Masker {
    kind: MaskKind,
    fingerprints: Fingerprints,
}

impl Masker {
    /// Masks of one kind, but for rules that have their own; without a key, labels
    /// stand for fingerprints.
    pub(in crate::scrub) fn new(kind: MaskKind, fingerprints: Fingerprints) -> Self {
        Self { kind, fingerprints }
    }

    /// The kind of a mask, where the rule's `own` has its say.
    pub(in crate::scrub) fn kind(&self, own: Option<MaskKind>) -> MaskKind {
        own.unwrap_or(self.kind)
    }

    /// Whether masks keep parts of what they mask, if a rule does not say otherwise.
    pub(in crate::scrub) fn keeps_structure(&self) -> bool {
        self.kind == MaskKind::Structure
    }

    /// The fingerprints of this deployment.
    pub(in crate::scrub) fn fingerprints(&self) -> &Fingerprints {
        &self.fingerprints
    }

    /// The mask for a secret that `rule` found, of the rule's own kind if it has one.
    /// In a URL, brackets are written as percent escapes, because RFC 3986 has no place
    /// for them there.
    pub(in crate::scrub) fn mask(
        &self,
        rule: &str,
        own: Option<MaskKind>,
        secret: &[u8],
        in_url: bool,
    ) -> Vec<u8> {
        let label = |inside: &str| match in_url {
            true => format!("%5Bredacted:{inside}%5D").into_bytes(),
            false => format!("[redacted:{inside}]").into_bytes(),
        };
        match self.kind(own) {
            MaskKind::Label => label(rule),
            MaskKind::Fixed => b"****".to_vec(),
            MaskKind::Partial => partial(secret),
            MaskKind::Fingerprint => match self.fingerprints.of(secret) {
                Some(fingerprint) => label(&format!("{rule}:{fingerprint}")),
                None => label(rule),
            },
            MaskKind::Structure => {
                let label = |kept: &str, in_url: bool| match in_url {
                    true => format!("%5Bredacted:{rule}{kept}%5D"),
                    false => format!("[redacted:{rule}{kept}]"),
                };
                structure::mask(secret, &label, in_url)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_mask_hides_the_secret() {
        let secret = b"abcdefghijklmnopqrst";
        let key = crate::scrub::yaml::read("a key of many bytes").expect("YAML");
        let mask = |kind, url| {
            let masker = Masker::new(kind, Fingerprints::new([&key]));
            String::from_utf8(masker.mask("rule", None, secret, url)).expect("UTF-8")
        };
        assert_eq!(mask(MaskKind::Label, false), "[redacted:rule]");
        assert_eq!(mask(MaskKind::Label, true), "%5Bredacted:rule%5D");
        assert_eq!(mask(MaskKind::Fixed, false), "****");
        assert_eq!(mask(MaskKind::Partial, false), "ab****st");
        let fingerprint = mask(MaskKind::Fingerprint, false);
        assert_eq!(fingerprint.len(), "[redacted:rule:0123:0123456789abcdef]".len());
        assert_eq!(fingerprint, mask(MaskKind::Fingerprint, false));
        let masker = Masker::new(MaskKind::Label, Fingerprints::default());
        assert_eq!(masker.mask("rule", Some(MaskKind::Fixed), secret, false), b"****");
    }
}
