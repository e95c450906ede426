//! Encodings that hide text: what they say, and where each piece of it came from.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;

use crate::scrub::detector::bytes::is_base64;

/// An encoding in which each character stands for itself or is an escape, so that
/// what is said can be mapped back piece by piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Escapes {
    /// `%3D` (RFC 3986 §2.1).
    Percent,
    /// `\u003d` and `\/` (RFC 8259 §7), `\x3d`, with any number of backslashes, as they
    /// stand in JSON in JSON.
    Backslash,
    /// `&quot;`, `&#61;`, `&#x3d;` (HTML §13.5).
    Entities,
}

/// A decoded text.
pub(in crate::scrub) struct Decoded {
    /// What it says.
    pub(in crate::scrub) text: Vec<u8>,
    /// Behind each escape: the position in `text` and in the original.
    steps: Vec<(usize, usize)>,
}

impl Decoded {
    /// Where position `at` of the decoded text stands in the original.
    pub(in crate::scrub) fn original(&self, at: usize) -> usize {
        let behind = self.steps.partition_point(|step| step.0 <= at);
        match behind.checked_sub(1).and_then(|i| self.steps.get(i)) {
            Some((decoded, original)) => original + (at - decoded),
            None => at,
        }
    }

    /// Undoes the escapes in `text`; `None` where there are none.
    pub(in crate::scrub) fn new(escapes: Escapes, text: &[u8]) -> Option<Self> {
        let mut decoded = Self { text: Vec::with_capacity(text.len()), steps: Vec::new() };
        let sign = match escapes {
            Escapes::Percent => b'%',
            Escapes::Backslash => b'\\',
            Escapes::Entities => b'&',
        };
        let mut at = 0;
        while let Some(found) = memchr::memchr(sign, text.get(at..).unwrap_or_default()) {
            decoded.text.extend_from_slice(text.get(at..at + found).unwrap_or_default());
            at += found;
            let rest = text.get(at..).unwrap_or_default();
            let escape = match escapes {
                Escapes::Percent => percent(rest),
                Escapes::Backslash => backslash(rest),
                Escapes::Entities => entity(rest),
            };
            match escape {
                Some((character, len)) => {
                    at += len;
                    match escapes {
                        // A percent escape is one byte of UTF-8.
                        Escapes::Percent => decoded.text.push(character as u8),
                        _ => {
                            let character = char::from_u32(character).unwrap_or('\u{fffd}');
                            let mut utf8 = [0; 4];
                            decoded
                                .text
                                .extend_from_slice(character.encode_utf8(&mut utf8).as_bytes());
                        }
                    }
                    decoded.steps.push((decoded.text.len(), at));
                }
                None => {
                    // A run of backslashes is passed whole, or each of its ends would
                    // be tried.
                    let run = match escapes {
                        Escapes::Backslash => rest.iter().take_while(|&&b| b == b'\\').count(),
                        _ => 1,
                    };
                    decoded.text.extend_from_slice(rest.get(..run).unwrap_or_default());
                    at += run;
                }
            }
        }
        if decoded.steps.is_empty() {
            return None;
        }
        decoded.text.extend_from_slice(text.get(at..).unwrap_or_default());
        Some(decoded)
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + (digit as char).to_digit(16)?))
}

fn percent(rest: &[u8]) -> Option<(u32, usize)> {
    Some((hex(rest.get(1..3)?)?, 3))
}

fn backslash(rest: &[u8]) -> Option<(u32, usize)> {
    let run = rest.iter().take_while(|&&byte| byte == b'\\').count();
    match rest.get(run)? {
        b'u' => Some((hex(rest.get(run + 1..run + 5)?)?, run + 5)),
        b'x' => Some((hex(rest.get(run + 1..run + 3)?)?, run + 3)),
        // Some writers of JSON escape every slash (RFC 8259 §7 allows it).
        b'/' => Some((u32::from(b'/'), run + 1)),
        _ => None,
    }
}

fn entity(rest: &[u8]) -> Option<(u32, usize)> {
    const NAMED: [(&[u8], char); 6] = [
        (b"&quot;", '"'),
        (b"&apos;", '\''),
        (b"&amp;", '&'),
        (b"&lt;", '<'),
        (b"&gt;", '>'),
        (b"&nbsp;", ' '),
    ];
    if let Some((name, character)) = NAMED.iter().find(|(name, _)| rest.starts_with(name)) {
        return Some((u32::from(*character), name.len()));
    }
    let number = rest.strip_prefix(b"&#")?;
    let end = number.iter().take(9).position(|&byte| byte == b';')?;
    let digits = number.get(..end)?;
    let value = match digits {
        [b'x' | b'X', digits @ ..] => hex(digits)?,
        digits => std::str::from_utf8(digits).ok()?.parse().ok()?,
    };
    Some((value, end + 3))
}

/// How a run of base64 or hexadecimal characters is written, so that what it says
/// can be written again in the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Binary {
    /// RFC 4648 §4 or §5, with padding or without.
    Base64 {
        /// `-` and `_` instead of `+` and `/`.
        url: bool,
        /// Padded with `=`.
        padded: bool,
    },
    /// Two hexadecimal digits a byte.
    Hex {
        /// Digits above nine in upper case.
        upper: bool,
    },
}

/// The text that begins in a run of base64 characters at `start`, how it is written
/// and where it ends (padding included). `None` when it is no text.
pub(in crate::scrub) fn binary(text: &[u8], start: usize) -> Option<(Vec<u8>, Binary, usize)> {
    let rest = text.get(start..)?;
    let len = rest.iter().take_while(|&&byte| is_base64(byte)).count();
    let run = rest.get(..len)?;
    if run.len() % 2 == 0 && run.iter().all(u8::is_ascii_hexdigit) {
        let bytes: Option<Vec<u8>> =
            run.chunks_exact(2).map(|pair| hex(pair).map(|byte| byte as u8)).collect();
        let bytes = bytes.filter(|bytes| is_text(bytes))?;
        let upper = run.iter().any(u8::is_ascii_uppercase);
        return Some((bytes, Binary::Hex { upper }, start + len));
    }
    let url = run.iter().any(|byte| matches!(byte, b'-' | b'_'));
    if url && run.iter().any(|byte| matches!(byte, b'+' | b'/')) {
        return None;
    }
    let padding = rest.iter().skip(len).take(2).take_while(|&&byte| byte == b'=').count();
    let padded = (len + padding) % 4 == 0 && 0 < padding;
    // A run that is cut has up to three characters too many.
    let whole = match run.len() % 4 {
        1 => run.get(..run.len() - 1)?,
        _ => run,
    };
    let bytes = engine(url, false).decode(whole).ok().filter(|bytes| is_text(bytes))?;
    let end = start + if padded { len + padding } else { whole.len() };
    Some((bytes, Binary::Base64 { url, padded }, end))
}

/// Writes bytes as the run was written.
pub(in crate::scrub) fn encode(binary: Binary, bytes: &[u8]) -> Vec<u8> {
    match binary {
        Binary::Base64 { url, padded } => engine(url, padded).encode(bytes).into_bytes(),
        Binary::Hex { upper } => bytes
            .iter()
            .flat_map(|byte| match upper {
                true => format!("{byte:02X}").into_bytes(),
                false => format!("{byte:02x}").into_bytes(),
            })
            .collect(),
    }
}

fn engine(url: bool, padded: bool) -> GeneralPurpose {
    let alphabet = if url { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    let config = GeneralPurposeConfig::new()
        .with_encode_padding(padded)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(alphabet, config)
}

/// Whether decoded bytes are text: UTF-8 (but for a cut at the end), and hardly a
/// control character.
fn is_text(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(err) if err.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..err.valid_up_to()).unwrap_or_default())
                .unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty()
        && valid.chars().all(|c| !c.is_control() || c.is_whitespace() || c == '\u{1b}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_of_the_decoded_text_is_mapped_back() {
        let text = br"a\u003db\\u0026c";
        let decoded = Decoded::new(Escapes::Backslash, text).expect("escapes");
        assert_eq!(decoded.text, b"a=b&c");
        let original: Vec<usize> = (0..=5).map(|at| decoded.original(at)).collect();
        assert_eq!(original, [0, 1, 7, 8, 15, 16]);
    }

    #[test]
    fn every_kind_of_escape_is_undone() {
        for (escapes, text, expected) in [
            (Escapes::Percent, "a%3Db%2", "a=b%2"),
            (Escapes::Backslash, r"\x41\n\u00e9\/\\/", r"A\né//"),
            (Escapes::Entities, "&quot;a&#61;b&#x3D;c&amp;&x;", "\"a=b=c&&x;"),
        ] {
            let decoded = Decoded::new(escapes, text.as_bytes()).expect("escapes");
            assert_eq!(String::from_utf8_lossy(&decoded.text), expected);
        }
        assert!(Decoded::new(Escapes::Percent, b"100% of it").is_none());
    }

    #[test]
    fn a_run_is_written_again_as_it_was() {
        for run in
            ["cGFzc3dvcmQ9aHVudGVyMg==", "cGFzc3dvcmQ9aHVudGVyMg", "70617373776f72643d68756e"]
        {
            let (bytes, binary, end) = binary(run.as_bytes(), 0).expect("text");
            assert_eq!(end, run.len());
            assert!(bytes.starts_with(b"password=hun"));
            assert_eq!(encode(binary, &bytes), run.as_bytes());
        }
        assert!(binary(b"0af7651916cd43dd8448eb211c80319c", 0).is_none());
    }
}
