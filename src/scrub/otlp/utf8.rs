//! Whether a text is UTF-8, fast where it is ASCII.

/// Whether `bytes` are UTF-8.
///
/// Most texts in telemetry are short and ASCII: those cost a few instructions
/// here, where [`std::str::from_utf8`] is a call that looks at each byte.
#[inline(always)]
pub(crate) fn is_utf8(bytes: &[u8]) -> bool {
    is_ascii(bytes) || std::str::from_utf8(bytes).is_ok()
}

#[inline(always)]
fn is_ascii(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let Some(last) = bytes.last_chunk::<8>() else {
        return bytes.iter().fold(0, |seen, byte| seen | byte) < 0x80;
    };
    if 64 < bytes.len() {
        return bytes.is_ascii();
    }
    // The last eight bytes overlap those before: reading them twice is cheaper
    // than a loop over the rest.
    let (chunks, _) = bytes.as_chunks::<8>();
    let seen = chunks
        .iter()
        .fold(u64::from_le_bytes(*last), |seen, chunk| seen | u64::from_le_bytes(*chunk));
    seen & HIGH == 0
}

#[cfg(test)]
mod tests {
    use super::is_utf8;

    #[test]
    fn agrees_with_the_standard_library_at_every_length_and_position() {
        for len in 0..100 {
            let mut bytes = vec![b'a'; len];
            assert!(is_utf8(&bytes));
            for at in 0..len {
                bytes[at] = 0xff;
                assert!(!is_utf8(&bytes), "{len} {at}");
                bytes[at] = b'a';
            }
        }
        assert!(is_utf8("Grüße, 世界, und noch ein paar Zeichen".as_bytes()));
    }
}
