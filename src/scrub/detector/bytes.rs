//! Classes of bytes.

use crate::scrub::rule::validator;

/// Signs that stand in passwords and in no word.
pub(in crate::scrub) const PASSWORD_SIGNS: ByteSet = ByteSet::of(b"!@#$%^*~?");

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
    pub(in crate::scrub) const fn or(self, other: Self) -> Self {
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

/// How many bytes of the base64 alphabets a text begins with.
pub(in crate::scrub) fn base64_len(text: &[u8]) -> usize {
    leading(text, is_base64_wide, is_base64)
}

/// How many bytes of keys a text begins with.
pub(in crate::scrub) fn key_len(text: &[u8]) -> usize {
    leading(text, is_key_byte_wide, is_key_byte)
}

/// How many digits stand in a text, counted up to 255: many bytes are asked at once.
#[inline]
pub(in crate::scrub) fn digits_in(text: &[u8]) -> u8 {
    let count = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u8, |count, byte| count.wrapping_add(u8::from(byte.wrapping_sub(b'0') < 10)))
    };
    let (chunks, rest) = text.as_chunks::<32>();
    chunks.iter().fold(count(rest), |sum, chunk| sum.saturating_add(count(chunk)))
}

/// Whether a run of letters and digits is long, and has two digits and two letters, or many
/// letters and one, on this line and in this string.
pub(in crate::scrub) fn has_mixed_run(text: &[u8]) -> bool {
    const LEN_MIN: usize = 6;
    const LONG_MIN: usize = 14;
    let (mut letters, mut digits) = (0, 0);
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte.is_ascii_alphabetic() {
            letters += 1;
        } else if byte.is_ascii_digit() {
            digits += 1;
        } else if byte < b' ' {
            return false;
        } else if matches!(
            byte,
            b' ' | b'=' | b'/' | b'"' | b'\'' | b':' | b'\\' | b',' | b';' | b'<'
        ) {
            let ends = matches!(
                (byte, bytes.peek()),
                (b'"', Some(b',' | b'}' | b']' | b':'))
                    | (b'\\', Some(b'n' | b'r' | b'\\'))
                    | (b'<', Some(b'/'))
            );
            if ends {
                return false;
            }
            (letters, digits) = (0, 0);
        }
        let is_mixed = 2 <= letters && 2 <= digits && LEN_MIN <= letters + digits;
        if is_mixed || (1 == digits && LONG_MIN <= letters) {
            return true;
        }
    }
    false
}

/// How many bytes of a class a text begins with. `wide` says what `is` does, without a look
/// into memory, so that many bytes are asked at once.
#[inline(always)]
fn leading(text: &[u8], wide: impl Fn(u8) -> bool, is: impl Fn(u8) -> bool) -> usize {
    const AT_ONCE: usize = 32;
    let (head, tail) = text.split_at(text.len().min(AT_ONCE / 2));
    let short = head.iter().take_while(|&&byte| is(byte)).count();
    if short < head.len() {
        return short;
    }
    let (chunks, _) = tail.as_chunks::<AT_ONCE>();
    let all = |chunk: &[u8; AT_ONCE]| chunk.iter().fold(true, |all, &byte| all & wide(byte));
    let whole = chunks.iter().take_while(|chunk| all(chunk)).count() * AT_ONCE;
    let rest = tail.get(whole..).unwrap_or_default();
    short + whole + rest.iter().take_while(|&&byte| is(byte)).count()
}

#[inline(always)]
fn is_letter_or_digit_wide(byte: u8) -> bool {
    ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte.wrapping_sub(b'0') < 10)
}

#[inline(always)]
fn is_base64_wide(byte: u8) -> bool {
    is_letter_or_digit_wide(byte)
        | (byte == b'+')
        | (byte == b'/')
        | (byte == b'-')
        | (byte == b'_')
}

#[inline(always)]
fn is_key_byte_wide(byte: u8) -> bool {
    is_letter_or_digit_wide(byte)
        | (byte == b'_')
        | (byte == b'-')
        | (byte == b'.')
        | (0x80 <= byte)
}

/// Whether `byte` can stand inside a token: letters, digits, underscore.
#[inline(always)]
pub(in crate::scrub) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether there are digits and letters of both cases, as in what was drawn from them.
pub(in crate::scrub) fn has_all_classes(text: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase)
}

/// Whether a text is drawn from letters of both cases and digits: no digest, no name.
pub(in crate::scrub) fn is_drawn(text: &[u8]) -> bool {
    has_all_classes(text) && validator::looks_random(text)
}

/// Whether two texts are the same. `==` asks the C library, and musl's compares byte by
/// byte: known texts would cost the static binary as much as new ones.
pub(in crate::scrub) fn are_same(one: &[u8], other: &[u8]) -> bool {
    const AT_ONCE: usize = 64;
    let (chunks, rest) = one.as_chunks::<AT_ONCE>();
    let (others, other_rest) = other.as_chunks::<AT_ONCE>();
    one.len() == other.len()
        && chunks.iter().zip(others).all(|(chunk, other)| chunk == other)
        && are_same_short(rest, other_rest)
}

/// The same of fewer bytes, without the C library, too: the last ones are compared as words
/// of which some bytes are compared twice.
#[inline(always)]
fn are_same_short(one: &[u8], other: &[u8]) -> bool {
    const AT_ONCE: usize = 16;
    if let (Some(last), Some(other_last)) = (one.last_chunk(), other.last_chunk::<AT_ONCE>()) {
        let (chunks, _) = one.as_chunks::<AT_ONCE>();
        let (others, _) = other.as_chunks::<AT_ONCE>();
        return chunks.iter().zip(others).all(|(chunk, other)| chunk == other)
            && last == other_last;
    }
    match (one.first_chunk::<8>(), one.last_chunk::<8>()) {
        (Some(first), Some(last)) => {
            other.first_chunk() == Some(first) && other.last_chunk() == Some(last)
        }
        _ => one == other,
    }
}

/// How many bytes two texts have in common from their beginning on.
pub(in crate::scrub) fn same_len(one: &[u8], other: &[u8]) -> usize {
    const AT_ONCE: usize = 32;
    let (chunks, others) = (one.as_chunks::<AT_ONCE>().0, other.as_chunks::<AT_ONCE>().0);
    let same = chunks.iter().zip(others).take_while(|(chunk, other)| chunk == other).count();
    let rest = one.iter().zip(other).skip(same * AT_ONCE);
    same * AT_ONCE + rest.take_while(|(byte, other)| byte == other).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_of_the_same_class_one_by_one_and_many_at_once() {
        for byte in 0..=u8::MAX {
            assert_eq!(is_base64_wide(byte), is_base64(byte), "{byte}");
            assert_eq!(is_key_byte_wide(byte), is_key_byte(byte), "{byte}");
        }
    }

    #[test]
    fn a_run_ends_at_the_first_byte_that_is_of_another_class() {
        for len in 0..100 {
            for more in [0, 1, 40] {
                let text = [vec![b'a'; len], vec![b' '; more.min(1)], vec![b'a'; more]].concat();
                assert_eq!(base64_len(&text), len);
                assert_eq!(key_len(&text), len);
            }
        }
    }

    #[test]
    fn texts_are_the_same_in_every_byte() {
        let text: Vec<u8> = (0..200).collect();
        for len in 0..text.len() {
            let one = &text[..len];
            assert!(are_same(one, &Vec::from(one)));
            assert!(!are_same(one, &text[..len + 1]));
            for at in 0..len {
                let mut other = one.to_vec();
                other[at] ^= 1;
                assert!(!are_same(one, &other), "{at} of {len}");
            }
        }
    }
}
