//! Classes of bytes.

/// A set of bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::scrub) struct ByteSet([u64; 4]);

impl ByteSet {
    /// The set with nothing in it.
    pub(in crate::scrub) const EMPTY: Self = Self([0; 4]);

    /// The set with one byte more.
    #[expect(clippy::indexing_slicing, reason = "a byte shifted by six is below four")]
    pub(in crate::scrub) const fn with(mut self, byte: u8) -> Self {
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
        self
    }

    /// The set of these bytes.
    #[expect(clippy::indexing_slicing, reason = "the loop ends at the length")]
    pub(in crate::scrub) const fn of(bytes: &[u8]) -> Self {
        let mut set = Self::EMPTY;
        let mut i = 0;
        while i < bytes.len() {
            set = set.with(bytes[i]);
            i += 1;
        }
        set
    }

    /// What is in either.
    pub(in crate::scrub) fn or(self, other: Self) -> Self {
        let [a, b, c, d] = self.0;
        let [e, f, g, h] = other.0;
        Self([a | e, b | f, c | g, d | h])
    }

    /// The same bytes, each with bit 7 the other way.
    #[cfg(target_arch = "x86_64")]
    pub(in crate::scrub) fn with_bit_7_changed(self) -> Self {
        let [a, b, c, d] = self.0;
        Self([c, d, a, b])
    }

    /// What is in it.
    pub(in crate::scrub) fn bytes(&self) -> impl Iterator<Item = u8> {
        self.0.into_iter().zip([0, 64, 128, 192]).flat_map(|(mut word, base)| {
            std::iter::from_fn(move || {
                let bit = word.trailing_zeros() as u8;
                word &= word.wrapping_sub(1);
                (bit < 64).then(|| base + bit)
            })
        })
    }

    /// Whether `byte` is in it.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "a byte shifted by six is below four")]
    pub(in crate::scrub) const fn has(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] >> (byte & 63) & 1 == 1
    }
}

impl std::fmt::Debug for ByteSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ByteSet({} bytes)", self.0.iter().map(|word| word.count_ones()).sum::<u32>())
    }
}

const KEY: ByteSet = {
    let mut set = ByteSet::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.");
    let mut byte = 0x80;
    while byte < 0xff {
        set = set.with(byte);
        byte += 1;
    }
    set.with(0xff)
};

const BASE64: ByteSet =
    ByteSet::of(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_");

/// Whether `byte` can stand in the name of a key: letters, digits, `_`, `-`, `.`,
/// and every byte of a character outside ASCII.
#[inline(always)]
pub(in crate::scrub) fn is_key_byte(byte: u8) -> bool {
    KEY.has(byte)
}

/// Whether `byte` is of one of the two base64 alphabets (RFC 4648 §4, §5).
#[inline(always)]
pub(in crate::scrub) const fn is_base64(byte: u8) -> bool {
    BASE64.has(byte)
}

/// Whether `byte` can stand inside a token: letters, digits, underscore.
#[inline(always)]
pub(in crate::scrub) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}
