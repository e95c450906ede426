//! Reads and writes the protobuf wire format.
//!
//! Readers take the bytes up to the end of the message they are in, and an
//! offset, so that offsets are those of the request throughout. They cannot
//! panic: what runs past the end is a [`Fault`].
//! <https://protobuf.dev/programming-guides/encoding/>

use std::ops::Range;

use crate::scrub::otlp::WalkError;

/// What was wrong with the bytes, and where. Becomes a
/// [`WalkError`](crate::scrub::otlp::WalkError) once the path is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What was wrong, in a few words.
    pub what: &'static str,
    /// At which byte of the request.
    pub at: usize,
}

impl Fault {
    /// A fault at a byte of the request.
    #[cold]
    pub(crate) const fn new(what: &'static str, at: usize) -> Self {
        Self { what, at }
    }

    /// The error that the caller gets.
    #[cold]
    pub(crate) fn in_path(self, path: String) -> WalkError {
        WalkError { what: self.what, at: self.at, path }
    }
}

/// A varint and the offset after it.
#[inline(always)]
pub(crate) fn varint(bytes: &[u8], at: usize) -> Result<(u64, usize), Fault> {
    match bytes.get(at) {
        Some(&byte) if byte < 0x80 => Ok((u64::from(byte), at + 1)),
        Some(_) => long_varint(bytes, at),
        None => Err(Fault::new("message ends within a number", at)),
    }
}

/// A varint of any length. Longer than need be is legal, up to ten bytes.
fn long_varint(bytes: &[u8], at: usize) -> Result<(u64, usize), Fault> {
    let mut value = 0;
    for (place, &byte) in bytes.get(at..).unwrap_or_default().iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * place);
        if byte < 0x80 {
            if place == 9 && 1 < byte {
                return Err(Fault::new("number larger than 64 bits", at));
            }
            return Ok((value, at + place + 1));
        }
    }
    if bytes.len().saturating_sub(at) < 10 {
        return Err(Fault::new("message ends within a number", at));
    }
    Err(Fault::new("number longer than ten bytes", at))
}

/// The offset after `len` bytes.
#[inline(always)]
pub(crate) fn skip(bytes: &[u8], at: usize, len: usize) -> Result<usize, Fault> {
    if len <= bytes.len().saturating_sub(at) {
        Ok(at + len)
    } else {
        Err(Fault::new("field longer than its message", at))
    }
}

/// The contents of a length-delimited field whose length stands at `at`.
#[inline(always)]
pub(crate) fn delimited(bytes: &[u8], at: usize) -> Result<Range<usize>, Fault> {
    let (len, start) = varint(bytes, at)?;
    let rest = bytes.len().saturating_sub(start);
    match usize::try_from(len) {
        Ok(len) if len <= rest => Ok(start..start + len),
        _ => Err(Fault::new("field longer than its message", at)),
    }
}

/// The contents of the field whose tag was `tag` and ends at `at`, whatever it
/// is. For a field without a length, all of its value.
pub(crate) fn contents(bytes: &[u8], tag: u64, at: usize) -> Result<Range<usize>, Fault> {
    if tag < 8 {
        return Err(Fault::new("field number 0", at));
    }
    if u64::from(u32::MAX) < tag {
        return Err(Fault::new("field number larger than protobuf allows", at));
    }
    match tag & 7 {
        0 => Ok(at..varint(bytes, at)?.1),
        1 => Ok(at..skip(bytes, at, 8)?),
        2 => delimited(bytes, at),
        5 => Ok(at..skip(bytes, at, 4)?),
        3 | 4 => Err(Fault::new("group", at)),
        _ => Err(Fault::new("reserved wire type", at)),
    }
}

/// One field of a message.
#[derive(Clone, Debug)]
pub(crate) struct Occurrence {
    /// Number and wire type.
    pub tag: u64,
    /// All of it, from its tag on.
    pub range: Range<usize>,
    /// Its contents: without tag and length.
    pub contents: Range<usize>,
}

/// The fields of the message that stands at `at..bytes.len()`, in wire order. Ends
/// after the first fault.
pub(crate) fn fields(
    bytes: &[u8],
    mut at: usize,
) -> impl Iterator<Item = Result<Occurrence, Fault>> {
    std::iter::from_fn(move || {
        if bytes.len() <= at {
            return None;
        }
        let start = at;
        let read = varint(bytes, at)
            .and_then(|(tag, after)| contents(bytes, tag, after).map(|contents| (tag, contents)));
        Some(match read {
            Ok((tag, contents)) => {
                at = contents.end;
                Ok(Occurrence { tag, range: start..at, contents })
            }
            Err(fault) => {
                at = bytes.len();
                Err(fault)
            }
        })
    })
}

/// Checks that `range` holds whole varints.
pub(crate) fn check_packed_varints(bytes: &[u8], range: Range<usize>) -> Result<(), Fault> {
    let bytes = bytes.get(..range.end).unwrap_or_default();
    let mut at = range.start;
    while at < range.end {
        at = varint(bytes, at)?.1;
    }
    Ok(())
}

/// Appends a varint of minimal length.
#[expect(clippy::cast_possible_truncation, reason = "masked to seven bits")]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while 0x80 <= value {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// How many bytes protobuf writes a length with.
pub(crate) fn length_len(len: usize) -> usize {
    let bits = usize::BITS - (len | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// The length as protobuf writes it.
pub(crate) fn length(len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(5);
    put_varint(&mut bytes, len as u64);
    bytes
}
