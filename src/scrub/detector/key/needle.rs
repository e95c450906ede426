//! The literals by which secret keys are found in a text.

/// A literal that stands in secret keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scrub) struct KeyNeedle {
    /// Lower case; compared without regard to case.
    pub(in crate::scrub) bytes: Vec<u8>,
    /// Where the part of it that is in the key begins.
    pub(in crate::scrub) start: usize,
    /// Where that part ends.
    pub(in crate::scrub) end: usize,
}

impl KeyNeedle {
    pub(super) fn word(word: &[u8]) -> Self {
        Self { bytes: word.to_vec(), start: 0, end: word.len() }
    }

    pub(super) fn signed(before: &str, word: &[u8], sign: &str) -> Self {
        let bytes = [before.as_bytes(), word, sign.as_bytes()].concat();
        Self { bytes, start: before.len(), end: before.len() + word.len() }
    }

    /// Whether the sign behind the key is part of it, so that none needs to follow.
    pub(in crate::scrub) fn has_sign(&self) -> bool {
        self.end < self.bytes.len()
    }
}
