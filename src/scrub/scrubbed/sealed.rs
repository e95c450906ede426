//! A scrubbed request as bytes for a disk, and back.
//!
//! Bytes from a disk are bytes from outside; that they were scrubbed has to be
//! proved again. A head in front of the request says what it is, ends with a
//! checksum, and is only ever written by [`Scrubbed::seal`]. It guards against
//! taking something else for a scrubbed request, not against whoever can write the
//! disk: that is for permissions and encryption. The checksum of the request itself
//! is the storage's.
//!
//! ```text
//! version 1 · signal 1 · encoding 1 · edited 1 · items 8 · length 8 · parts 4
//! parts × (length 4 · items 4) · CRC-32 of all before 4 · the request
//! ```
//!
//! Numbers are little-endian.

use std::sync::Arc;

use bytes::Buf;
use bytes::BufMut;
use bytes::Bytes;
use bytes::BytesMut;

use crate::scrub::Encoding;
use crate::scrub::Signal;
use crate::scrub::scrubbed::Part;
use crate::scrub::scrubbed::Scrubbed;

const VERSION: u8 = 1;

/// The length of a head without parts and checksum.
const FIXED_BYTES: usize = 24;

const CHECKSUM_BYTES: usize = 4;

/// Bytes that are no sealed request, or a damaged one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a sealed request")]
pub struct NotSealed;

impl Scrubbed {
    /// The head to be written in front of [`Scrubbed::bytes`].
    pub fn seal(&self) -> Bytes {
        let parts = self.parts.as_deref().unwrap_or_default();
        let mut head = BytesMut::with_capacity(FIXED_BYTES + 8 * parts.len() + CHECKSUM_BYTES);
        head.put_u8(VERSION);
        head.put_u8(signal_code(self.signal));
        head.put_u8(match self.encoding {
            Encoding::Protobuf => 0,
            Encoding::Json => 1,
        });
        head.put_u8(u8::from(self.edited));
        head.put_u64_le(self.items);
        head.put_u64_le(self.bytes.len() as u64);
        head.put_u32_le(u32::try_from(parts.len()).unwrap_or(u32::MAX));
        for part in parts {
            head.put_u32_le(part.bytes);
            head.put_u32_le(part.items);
        }
        let checksum = crc32fast::hash(&head);
        head.put_u32_le(checksum);
        head.freeze()
    }

    /// The request of a head and what followed it.
    ///
    /// # Errors
    ///
    /// When `sealed` is not what [`Scrubbed::seal`] wrote with a request behind it.
    pub fn unseal(mut sealed: Bytes) -> Result<Self, NotSealed> {
        let fixed = sealed.get(..FIXED_BYTES).ok_or(NotSealed)?;
        let parts = fixed.get(20..).unwrap_or_default().get_u32_le() as usize;
        let checked = parts
            .checked_mul(8)
            .and_then(|bytes| bytes.checked_add(FIXED_BYTES))
            .filter(|checked| *checked <= sealed.len())
            .ok_or(NotSealed)?;
        let mut head = sealed.split_to(checked);
        if sealed.len() < CHECKSUM_BYTES || sealed.get_u32_le() != crc32fast::hash(&head) {
            return Err(NotSealed);
        }
        if head.get_u8() != VERSION {
            return Err(NotSealed);
        }
        let code = head.get_u8();
        let signal =
            Signal::ALL.into_iter().find(|signal| signal_code(*signal) == code).ok_or(NotSealed)?;
        let encoding = match head.get_u8() {
            0 => Encoding::Protobuf,
            1 => Encoding::Json,
            _ => return Err(NotSealed),
        };
        let edited = head.get_u8() != 0;
        let items = head.get_u64_le();
        if head.get_u64_le() != sealed.len() as u64 {
            return Err(NotSealed);
        }
        let count = head.get_u32_le();
        let parts: Arc<[Part]> = (0..count)
            .map(|_| Part { bytes: head.get_u32_le(), items: head.get_u32_le() })
            .collect();
        let parts = (!parts.is_empty()).then_some(parts);
        Ok(Self { signal, encoding, bytes: sealed, items, edited, parts })
    }
}

/// Codes on disk: they never change.
fn signal_code(signal: Signal) -> u8 {
    match signal {
        Signal::Traces => 1,
        Signal::Metrics => 2,
        Signal::Logs => 3,
        Signal::Profiles => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(bytes: &'static [u8], items: u64) -> Scrubbed {
        Scrubbed::new(Signal::Logs, Encoding::Protobuf, Bytes::from_static(bytes), items, true)
    }

    fn sealed(request: &Scrubbed) -> Vec<u8> {
        [&request.seal()[..], request.bytes()].concat()
    }

    #[test]
    fn what_is_sealed_comes_back_with_the_borders_of_its_parts() {
        let parts = [request(b"one", 1), request(b"", 0), request(b"three", 3)];
        let joined = Scrubbed::join(&parts).expect("they can be joined");
        let back = Scrubbed::unseal(sealed(&joined).into()).expect("it was sealed");
        assert_eq!((back.signal(), back.encoding()), (Signal::Logs, Encoding::Protobuf));
        assert_eq!((back.items(), back.edited(), back.bytes()), (4, true, joined.bytes()));
        let parts: Vec<_> = back.unjoin().into_iter().map(|part| part.bytes().clone()).collect();
        assert_eq!(parts, [&b"one"[..], b"", b"three"]);
    }

    #[test]
    fn a_head_with_any_byte_changed_or_missing_is_not_sealed() {
        let request = request(b"request", 2);
        let whole = sealed(&request);
        for at in 0..whole.len() - request.bytes().len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            assert_eq!(Scrubbed::unseal(changed.into()).unwrap_err(), NotSealed, "byte {at}");
        }
        for len in 0..whole.len() {
            let cut = Bytes::from(whole[..len].to_vec());
            assert_eq!(Scrubbed::unseal(cut).unwrap_err(), NotSealed, "cut at {len}");
        }
    }
}
