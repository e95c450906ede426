//! Escapes one by one: what each says, and how long it is.

use crate::scrub::detector::decode::binary::line_end_len;
use crate::scrub::detector::decode::disguise::Seen;
use crate::scrub::detector::decode::disguise::colour_len;
use crate::scrub::detector::decode::disguise::first_char;
use crate::scrub::detector::decode::disguise::seen;

/// What an escape says.
pub(super) enum Said {
    Nothing,
    /// A byte of UTF-8.
    Byte(u8),
    /// A Unicode scalar value, if it is one.
    Character(u32),
}

/// The escape of a layer that a text begins with.
pub(super) fn of_layer(rest: &[u8]) -> Option<(Said, usize)> {
    match rest {
        [b'\\', sign @ (b'"' | b'\'' | b'\\' | b'/'), ..] => Some((Said::Byte(*sign), 2)),
        [b'\\', b'n', ..] => Some((Said::Byte(b'\n'), 2)),
        [b'\\', b'r', ..] => Some((Said::Byte(b'\r'), 2)),
        [b'\\', b't', ..] => Some((Said::Byte(b'\t'), 2)),
        [b'\\', b'u', ..] => backslash(rest),
        [b'%', ..] => percent(rest),
        [b'&', ..] => entity(rest),
        _ => None,
    }
}

pub(super) fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + (digit as char).to_digit(16)?))
}

pub(super) fn percent(rest: &[u8]) -> Option<(Said, usize)> {
    Some((Said::Byte(hex(rest.get(1..3)?)? as u8), 3))
}

pub(super) fn backslash(rest: &[u8]) -> Option<(Said, usize)> {
    let run = rest.iter().take_while(|&&byte| byte == b'\\').count();
    let behind = rest.get(run..)?;
    let said = |digits: &[u8], len: usize| Some((Said::Character(hex(digits)?), run + len));
    match behind {
        [b'u', b'{', digits @ ..] => {
            let len =
                digits.iter().take(7).position(|&byte| byte == b'}').filter(|len| 0 < *len)?;
            said(digits.get(..len)?, len + 3)
        }
        [b'U', a, b, c, d, e, f, g, h, ..] => said(&[*a, *b, *c, *d, *e, *f, *g, *h], 9),
        [b'u', a, b, c, d, ..] => said(&[*a, *b, *c, *d], 5),
        [b'x', a, b, after @ ..] => {
            let number = hex(&[*a, *b])?;
            let said = match is_of_utf8(number, after) {
                true => Said::Byte(number as u8),
                false => Said::Character(number),
            };
            Some((said, run + 3))
        }
        // Some writers of JSON escape every slash (RFC 8259 §7 allows it).
        [b'/', ..] => Some((Said::Byte(b'/'), run + 1)),
        [b'e', b'[', ..] => Some((Said::Byte(0x1b), run + 1)),
        [a @ b'0'..=b'1', b @ b'0'..=b'7', c @ b'0'..=b'7', ..] => {
            let digit = |byte: &u8| byte & 7;
            Some((Said::Byte(digit(a) << 6 | digit(b) << 3 | digit(c)), run + 3))
        }
        _ => None,
    }
}

/// Whether `\xc3` is a byte of UTF-8, as in bytes of Python and strings of C, and not a
/// character, as in JavaScript: what continues one stands behind it, or it does so itself.
fn is_of_utf8(number: u32, after: &[u8]) -> bool {
    match number {
        0x80..0xc0 => true,
        0xc2..0xf5 => {
            let run = after.iter().take_while(|&&byte| byte == b'\\').count();
            let behind = after.get(run..).unwrap_or_default();
            matches!(behind, [b'x', b'8' | b'9' | b'a' | b'b' | b'A' | b'B', ..])
        }
        _ => false,
    }
}

pub(super) fn entity(rest: &[u8]) -> Option<(Said, usize)> {
    const NAMED_LEN_MAX: usize = "&NewLine;".len();
    const NAMED: [(&[u8], char); 40] = [
        (b"&quot;", '"'),
        (b"&apos;", '\''),
        (b"&amp;", '&'),
        (b"&lt;", '<'),
        (b"&gt;", '>'),
        (b"&nbsp;", ' '),
        (b"&equals;", '='),
        (b"&colon;", ':'),
        (b"&lowbar;", '_'),
        (b"&sol;", '/'),
        (b"&commat;", '@'),
        (b"&NewLine;", '\n'),
        (b"&Tab;", '\t'),
        (b"&hyphen;", '-'),
        (b"&dash;", '-'),
        (b"&plus;", '+'),
        (b"&period;", '.'),
        (b"&comma;", ','),
        (b"&semi;", ';'),
        (b"&num;", '#'),
        (b"&dollar;", '$'),
        (b"&percnt;", '%'),
        (b"&excl;", '!'),
        (b"&ast;", '*'),
        (b"&quest;", '?'),
        (b"&lpar;", '('),
        (b"&rpar;", ')'),
        (b"&lsqb;", '['),
        (b"&lbrack;", '['),
        (b"&rsqb;", ']'),
        (b"&rbrack;", ']'),
        (b"&lcub;", '{'),
        (b"&lbrace;", '{'),
        (b"&rcub;", '}'),
        (b"&rbrace;", '}'),
        (b"&verbar;", '|'),
        (b"&vert;", '|'),
        (b"&Hat;", '^'),
        (b"&grave;", '`'),
        (b"&bsol;", '\\'),
    ];
    let Some(number) = rest.strip_prefix(b"&#") else {
        // Most ampersands begin none.
        memchr::memchr(b';', rest.get(..NAMED_LEN_MAX).unwrap_or(rest))?;
        let (name, character) = NAMED.iter().find(|(name, _)| rest.starts_with(name))?;
        return Some((Said::Character(u32::from(*character)), name.len()));
    };
    let end = number.iter().take(9).position(|&byte| byte == b';')?;
    let digits = number.get(..end)?;
    let value = match digits {
        [b'x' | b'X', digits @ ..] => hex(digits)?,
        digits => std::str::from_utf8(digits).ok()?.parse().ok()?,
    };
    Some((Said::Character(value), end + 3))
}

/// The end of a piece of a string, a sign, and the beginning of the next one.
pub(super) fn joint(rest: &[u8]) -> Option<(Said, usize)> {
    let quote = rest.first()?;
    let doubled = doubled_len(rest);
    if 0 < doubled {
        return Some((Said::Byte(*quote), doubled));
    }
    let blanks = |text: &[u8]| text.len() - text.trim_ascii_start().len();
    let near = rest.get(..JOINT_LEN_MAX).unwrap_or(rest);
    let sign = 1 + blanks(near.get(1..)?);
    if !matches!(near.get(sign), Some(b'+' | b'.')) {
        return None;
    }
    let next = sign + 1 + blanks(near.get(sign + 1..)?);
    (near.get(next) == Some(quote)).then_some((Said::Nothing, next + 1))
}

/// Whether the quotes that `rest`, the end of `text`, begins with are an empty string that is
/// assigned, and no quote that is written twice: `secret="" err="x"`.
pub(super) fn is_empty_string(text: &[u8], rest: &[u8]) -> bool {
    let before = text.get(..text.len() - rest.len()).unwrap_or_default();
    let is_pair = matches!(rest, [b'"', b'"', ..] | [b'\'', b'\'', ..]);
    let ends = matches!(
        rest.get(2),
        None | Some(b' ' | b',' | b';' | b')' | b'}' | b']' | b'\t' | b'\r' | b'\n')
    );
    is_pair && ends && matches!(before, [.., b'=' | b':' | b'('] | [.., b'=' | b':', b' '])
}

/// How a quote is written in a string between such quotes.
const DOUBLED: [&[u8]; 6] = [b"'\\''", b"'\\\\''", b"'\"'\"'", b"'\\\"'\\\"'", b"''", b"\"\""];

/// How long a quote is that a text begins with, as a string between such quotes has it; zero,
/// where it begins with none.
pub(in crate::scrub) fn doubled_len(rest: &[u8]) -> usize {
    DOUBLED.iter().find(|written| rest.starts_with(written)).map_or(0, |written| written.len())
}

/// An octet of quoted-printable, or the end of a line that goes on.
pub(super) fn quoted(rest: &[u8]) -> Option<(Said, usize)> {
    match rest.get(1..)? {
        [b'\n' | b'\r' | b'\\', ..] => Some((Said::Nothing, 1 + line_end_len(rest.get(1..)?)?)),
        // A blank before the end of a line.
        [b'2', b'0', rest @ ..] if line_end_len(rest).is_some() => Some((Said::Byte(b' '), 3)),
        // Two digits are more often a number that is assigned.
        [a, b, ..] => {
            let is_upper = |byte: &u8| matches!(byte, b'A'..=b'F');
            let is_octet = (is_upper(a) || is_upper(b)) && !a.is_ascii_lowercase();
            let byte = hex(&[*a, *b]).filter(|_| is_octet && !b.is_ascii_lowercase())?;
            Some((Said::Byte(byte as u8), 3))
        }
        _ => None,
    }
}

/// Whether a line that ends in an equals sign goes on with what stands behind that.
pub(in crate::scrub) fn goes_on(rest: &[u8]) -> bool {
    let behind = line_end_len(rest).and_then(|len| rest.get(len..)).unwrap_or_default();
    behind.first().is_some_and(u8::is_ascii_graphic)
}

/// Whether the pieces that meet at `at`, where a joint is announced, may be those of a
/// secret or of the assignment of one, and not words.
pub(in crate::scrub) fn joins_secret(text: &[u8], at: usize) -> bool {
    let of_secret = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'=' | b':' | b'/' | b'+')
    };
    let before = text.get(at.saturating_sub(PIECE_LEN_MIN)..at).unwrap_or_default();
    let Some((_, len)) = text.get(at..).and_then(joint) else { return false };
    let behind = text.get(at + len..at + len + PIECE_LEN_MIN).unwrap_or_default();
    before.len() == PIECE_LEN_MIN
        && behind.len() == PIECE_LEN_MIN
        && before.iter().chain(behind).all(of_secret)
}

/// How much of a piece of a secret stands beside a joint.
const PIECE_LEN_MIN: usize = 6;

/// How far apart the pieces of a string stand, quotes included.
const JOINT_LEN_MAX: usize = 64;

pub(super) fn disguised(rest: &[u8]) -> Option<(Said, usize)> {
    let colour = colour_len(rest);
    if 0 < colour {
        return Some((Said::Nothing, colour));
    }
    let (character, len) = first_char(rest)?;
    match seen(character)? {
        Seen::Nothing => Some((Said::Nothing, len)),
        Seen::As(byte) => Some((Said::Byte(byte), len)),
    }
}
