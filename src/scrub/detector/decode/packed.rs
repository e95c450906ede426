//! Text that is packed: compressed, or in UTF-16.
//!
//! What is masked inside is packed again in the same way, so that whoever unpacks it
//! finds what he expects.

use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::DecompressError;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::DecompressorOxide;
use miniz_oxide::inflate::core::decompress;
use miniz_oxide::inflate::core::inflate_flags;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use crate::scrub::detector::decode::binary::says;

/// How a text is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Packed {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
    /// Two bytes a unit (RFC 2781).
    Utf16 {
        /// The higher byte comes first.
        big_endian: bool,
    },
}

/// What packed bytes begin with is no text, and their first bytes say so.
const HEAD_LEN: usize = 16;

/// What a packer compresses with; masks are rare, so that speed counts.
const LEVEL: u8 = 6;

impl Packed {
    /// What it is called.
    pub(in crate::scrub) fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Utf16 { .. } => "UTF-16",
        }
    }

    /// How the bytes are packed, as far as their first bytes tell.
    #[inline]
    pub(in crate::scrub) fn of(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Some(Self::Zlib),
            [0xff, 0xfe, ..] => Some(Self::Utf16 { big_endian: false }),
            [0xfe, 0xff, ..] => Some(Self::Utf16 { big_endian: true }),
            [low, 0, ..] if *low != 0 => Self::of_ascii(bytes, false),
            [0, low, ..] if *low != 0 => Self::of_ascii(bytes, true),
            // A letter of Greek, Cyrillic, Hebrew or Arabic: no text begins with such a control byte.
            [_, 3..=6, ..] => Self::of_units(bytes, false),
            [3..=6, _, ..] => Self::of_units(bytes, true),
            _ => None,
        }
    }

    /// The same of bytes of which an encoding says that they are there for their own sake:
    /// UTF-16 may then begin with any letter.
    pub(in crate::scrub) fn in_run(bytes: &[u8]) -> Option<Self> {
        let utf16 = |big_endian| Self::of_units(bytes, big_endian);
        Self::of(bytes).or_else(|| utf16(false)).or_else(|| utf16(true))
    }

    /// UTF-16 of text: one of the two bytes is zero, or nearly always so.
    fn of_ascii(bytes: &[u8], big_endian: bool) -> Option<Self> {
        let Some(head) = bytes.get(..HEAD_LEN) else {
            return Self::of_units(bytes, big_endian);
        };
        let is_ascii = |unit: &[u8]| match unit {
            [a, b] if big_endian => *a == 0 && *b != 0,
            [a, b] => *a != 0 && *b == 0,
            _ => false,
        };
        let ascii = head.chunks_exact(2).filter(|unit| is_ascii(unit)).count();
        match HEAD_LEN / 2 <= ascii + 2 {
            true => Some(Self::Utf16 { big_endian }),
            false => Self::of_units(bytes, big_endian),
        }
    }

    /// UTF-16 of letters of whatever script, with printable ASCII among them.
    fn of_units(bytes: &[u8], big_endian: bool) -> Option<Self> {
        let head = bytes.get(..UNITS_LEN.min(bytes.len()))?;
        let units = head.chunks_exact(2).filter_map(|unit| unit.first_chunk::<2>());
        let units = units.map(|unit| match big_endian {
            true => u16::from_be_bytes(*unit),
            false => u16::from_le_bytes(*unit),
        });
        let (mut ascii, mut letters) = (0, 0);
        for unit in units {
            match unit {
                0x20..=0x7e | 0x09 | 0x0a | 0x0d => ascii += 1,
                // From Latin with accents to Hangul, and the forms of full width.
                0xa0..=0x24ff | 0x2e80..=0xd7ff | 0xf900..=0xffef => letters += 1,
                _ => return None,
            }
        }
        let is_even = bytes.len().is_multiple_of(2);
        let says = UNITS_MIN <= ascii + letters && letters <= 3 * ascii;
        (is_even && says).then_some(Self::Utf16 { big_endian })
    }
}

/// How many bytes of UTF-16 are looked at where it is not of ASCII alone.
const UNITS_LEN: usize = 32;

/// Fewer characters are no value that is worth hiding.
const UNITS_MIN: usize = 4;

/// What is packed is longer than the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) struct TooLong;

/// Unpacks a text; `None` where it is none. What was unpacked is taken from `budget`, be it a
/// text or not; of many bombs, each costs half of what the one before has left.
///
/// # Errors
///
/// [`TooLong`], when it has more than half as many bytes as the budget.
pub(in crate::scrub) fn unpack(
    packed: Packed,
    bytes: &[u8],
    budget: &mut usize,
) -> Result<Option<Vec<u8>>, TooLong> {
    let bytes_max = *budget / 2;
    let unpacked = unpack_within(packed, bytes, bytes_max);
    *budget -= match &unpacked {
        Ok(bytes) => bytes.as_ref().map_or(0, Vec::len).min(*budget),
        Err(TooLong) => bytes_max,
    };
    Ok(unpacked?.filter(|bytes| says(bytes)))
}

fn unpack_within(
    packed: Packed,
    bytes: &[u8],
    bytes_max: usize,
) -> Result<Option<Vec<u8>>, TooLong> {
    Ok(match packed {
        Packed::Gzip => match gzip_body(bytes) {
            Some(_) => members(bytes, bytes_max)?,
            None => None,
        },
        Packed::Zlib => inflated(decompress_to_vec_zlib_with_limit(bytes, bytes_max))?,
        Packed::Utf16 { big_endian } => {
            let units = bytes.chunks_exact(2).filter_map(|unit| unit.first_chunk::<2>());
            let units = units.map(|unit| match big_endian {
                true => u16::from_be_bytes(*unit),
                false => u16::from_le_bytes(*unit),
            });
            let text: Result<String, _> = char::decode_utf16(units).collect();
            text.ok().map(String::into_bytes)
        }
    })
}

/// Unpacks all members of a gzip file (RFC 1952 §2.2).
///
/// Where one ends is known by what stands behind it: its checksum and its length.
fn members(mut bytes: &[u8], bytes_max: usize) -> Result<Option<Vec<u8>>, TooLong> {
    let mut text = Vec::new();
    while let Some(body) = gzip_body(bytes) {
        let left = bytes_max.saturating_sub(text.len());
        let Some(member) = inflated(decompress_to_vec_with_limit(body, left))? else { break };
        let end = [crc32fast::hash(&member), member.len() as u32].map(u32::to_le_bytes).concat();
        text.extend_from_slice(&member);
        let next = memchr::memmem::find_iter(body, &[0x1f, 0x8b, 8]);
        let next = next.filter_map(|at| Some((body.get(..at)?, body.get(at..)?)));
        match next.into_iter().find(|(before, _)| before.ends_with(&end)) {
            Some((_, rest)) => bytes = rest,
            None => break,
        }
    }
    Ok((!text.is_empty()).then_some(text))
}

/// Whether packed bytes are nothing but what was unpacked of them, to the last byte. What they
/// say as a text, where a part was stored as it is, was found in what they hold then. A name
/// or a comment in a head is text of its own (RFC 1952 §2.3.1), and so is what stands behind
/// the end.
pub(in crate::scrub) fn is_all_of(packed: Packed, bytes: &[u8], text: &[u8]) -> bool {
    let checksum = [crc32fast::hash(text), text.len() as u32].map(u32::to_le_bytes).concat();
    let (body, flags) = match (packed, bytes) {
        (Packed::Gzip, [0x1f, 0x8b, 8, 0, _, _, _, _, _, _, body @ ..]) => {
            let Some(body) = body.strip_suffix(&*checksum) else { return false };
            (body, 0)
        }
        (Packed::Zlib, bytes) => (bytes, inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER),
        (Packed::Gzip | Packed::Utf16 { .. }, _) => return false,
    };
    let flags = flags | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut again = vec![0; text.len()];
    let (status, read, _) = decompress(&mut DecompressorOxide::new(), body, &mut again, 0, flags);
    status == TINFLStatus::Done && read == body.len() && again == text
}

/// Packs a text.
pub(in crate::scrub) fn pack(packed: Packed, text: &[u8]) -> Vec<u8> {
    match packed {
        Packed::Gzip => {
            // RFC 1952 §2.3: deflate, no flags, no time, system unknown.
            let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
            bytes.extend(compress_to_vec(text, LEVEL));
            bytes.extend(crc32fast::hash(text).to_le_bytes());
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes
        }
        Packed::Zlib => compress_to_vec_zlib(text, LEVEL),
        Packed::Utf16 { big_endian } => String::from_utf8_lossy(text)
            .encode_utf16()
            .flat_map(|unit| match big_endian {
                true => unit.to_be_bytes(),
                false => unit.to_le_bytes(),
            })
            .collect(),
    }
}

/// What was unpacked; of a text that was cut, what there is.
fn inflated(output: Result<Vec<u8>, DecompressError>) -> Result<Option<Vec<u8>>, TooLong> {
    match output {
        Ok(text) => Ok(Some(text)),
        Err(err) if err.status == TINFLStatus::HasMoreOutput => Err(TooLong),
        Err(err) => {
            // Behind what there is, the buffer is filled with zeros.
            let mut text = err.output;
            let len = text.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
            text.truncate(len);
            Ok((!text.is_empty()).then_some(text))
        }
    }
}

/// What follows the header of gzip (RFC 1952 §2.3.1).
fn gzip_body(bytes: &[u8]) -> Option<&[u8]> {
    const CRC: u8 = 1 << 1;
    const EXTRA: u8 = 1 << 2;
    const NAME: u8 = 1 << 3;
    const COMMENT: u8 = 1 << 4;
    let flags = *bytes.get(3)?;
    let mut rest = bytes.get(10..)?;
    if flags & EXTRA != 0 {
        let len = u16::from_le_bytes(*rest.first_chunk::<2>()?);
        rest = rest.get(2 + usize::from(len)..)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            rest = rest.get(memchr::memchr(0, rest)? + 1..)?;
        }
    }
    if flags & CRC != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_with_text_and_an_empty_member_are_more_than_what_is_unpacked() {
        let plain = pack(Packed::Gzip, b"what is packed says so");
        let named = [&plain[..3], &[8], &plain[4..10], b"name\0", &plain[10..]].concat();
        let empty = pack(Packed::Gzip, b"");
        for bytes in [named.clone(), [empty.clone(), named].concat(), [empty, plain].concat()] {
            let text = unpack(Packed::Gzip, &bytes, &mut 200).expect("short").expect("a text");
            assert_eq!(text, b"what is packed says so");
            assert!(!is_all_of(Packed::Gzip, &bytes, &text), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_packed_again_says_the_same() {
        let text = "password=hunter2 and more, Grüße".as_bytes();
        for packed in [
            Packed::Gzip,
            Packed::Zlib,
            Packed::Utf16 { big_endian: false },
            Packed::Utf16 { big_endian: true },
        ] {
            let bytes = pack(packed, text);
            assert_eq!(Packed::of(&bytes), Some(packed));
            assert_eq!(unpack(packed, &bytes, &mut 200), Ok(Some(text.to_vec())), "{packed:?}");
            let is_compressed = matches!(packed, Packed::Gzip | Packed::Zlib);
            assert_eq!(is_all_of(packed, &bytes, text), is_compressed, "{packed:?}");
            let end = &bytes[bytes.len() - 8..];
            for behind in [b"x", end, b"x12345678", &[b"x", end].concat()] {
                let more = [&bytes[..], behind].concat();
                assert!(!is_all_of(packed, &more, text), "{packed:?} {behind:?}");
            }
        }
    }

    #[test]
    fn text_that_begins_with_a_letter_of_another_script_is_known() {
        for big_endian in [false, true] {
            let bytes =
                pack(Packed::Utf16 { big_endian }, "\u{41c}\u{43e}\u{439} key x1y2".as_bytes());
            assert_eq!(Packed::of(&bytes), Some(Packed::Utf16 { big_endian }));
        }
        assert_eq!(Packed::of(b"\x0a\x04name and more"), None);
    }

    #[test]
    fn every_member_and_layer_is_unpacked() {
        let inner = pack(Packed::Gzip, b"one");
        let both = [inner.clone(), pack(Packed::Gzip, b", two")].concat();
        assert_eq!(unpack(Packed::Gzip, &both, &mut 200), Ok(Some(b"one, two".to_vec())));
        assert_eq!(unpack(Packed::Gzip, &pack(Packed::Gzip, &inner), &mut 200), Ok(Some(inner)));
    }

    #[test]
    fn a_text_that_was_cut_is_unpacked_as_far_as_it_goes() {
        let text = "0123456789 and something else that is not compressed so well".repeat(3);
        let bytes = pack(Packed::Gzip, text.as_bytes());
        let cut = unpack(Packed::Gzip, &bytes[..bytes.len() - 12], &mut 2000).expect("short");
        assert!(cut.is_some_and(|cut| text.as_bytes().starts_with(&cut) && !cut.is_empty()));
    }

    #[test]
    fn a_bomb_is_too_long() {
        let bomb = pack(Packed::Zlib, &[b'a'; 100_000]);
        assert_eq!(unpack(Packed::Zlib, &bomb, &mut 20_000), Err(TooLong));
    }
}
