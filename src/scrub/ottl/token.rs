//! The words of a statement.
//!
//! As `buildLexer` in contrib `pkg/ottl/grammar.go`.

use crate::scrub::ottl::Fault;

/// A word and the character that it begins at, from 1.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::scrub::ottl) struct Token {
    pub(in crate::scrub::ottl) word: Word,
    pub(in crate::scrub::ottl) at: usize,
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::scrub::ottl) enum Word {
    /// A name that begins with a small letter: a path, an editor, a keyword.
    Lower(String),
    /// A name that begins with a capital: a converter, an enum.
    Upper(String),
    /// A text, without its quotes and escapes.
    Text(Vec<u8>),
    Int(i64),
    Float(f64),
    Bytes(Vec<u8>),
    /// An operator, a bracket, a comma.
    Sign(&'static str),
}

/// Longer ones first.
const SIGNS: &[&str] = &[
    "==", "!=", ">=", "<=", "=>", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ".", ":", "+",
    "-", "*", "/",
];

/// Splits a statement into words.
///
/// # Errors
///
/// The first character that begins none.
pub(in crate::scrub::ottl) fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let at = text.chars().count() - rest.chars().count() + 1;
        if first.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        let (word, len) = match first {
            '"' => quoted(rest, at)?,
            'a'..='z' | 'A'..='Z' => name(rest),
            '0'..='9' => number(rest, at)?,
            '.' if rest.chars().nth(1).is_some_and(|c| c.is_ascii_digit()) => number(rest, at)?,
            _ => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
                let sign = sign.ok_or_else(|| Fault::new("expected a statement of OTTL", at))?;
                (Word::Sign(sign), sign.len())
            }
        };
        tokens.push(Token { word, at });
        rest = rest.get(len..).unwrap_or_default();
    }
    Ok(tokens)
}

fn name(text: &str) -> (Word, usize) {
    let word: String =
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let len = word.len();
    match word.starts_with(|c: char| c.is_ascii_lowercase()) {
        true => (Word::Lower(word), len),
        false => (Word::Upper(word), len),
    }
}

fn number(text: &str, at: usize) -> Result<(Word, usize), Fault> {
    if let Some(digits) = text.strip_prefix("0x") {
        let digits: String = digits.chars().take_while(char::is_ascii_hexdigit).collect();
        let fault = || Fault::new("expected an even number of hexadecimal digits behind 0x", at);
        let pairs = (0..digits.len()).step_by(2).map(|from| digits.get(from..from + 2));
        let bytes = pairs.map(|pair| u8::from_str_radix(pair?, 16).ok());
        let bytes: Option<Vec<u8>> = bytes.collect();
        let bytes = bytes.filter(|bytes| !bytes.is_empty()).ok_or_else(fault)?;
        return Ok((Word::Bytes(bytes), digits.len() + 2));
    }
    let mut len = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let exponent = text.get(len..).unwrap_or_default();
    if text.get(..len).is_some_and(|digits| digits.contains('.'))
        && let Some(exponent) = exponent.strip_prefix(['e', 'E'])
    {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let count = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        if 0 < count {
            len += 1 + (exponent.len() - digits.len()) + count;
        }
    }
    let digits = text.get(..len).unwrap_or_default();
    let word = match digits.contains('.') {
        true => digits.parse().ok().map(Word::Float),
        false => digits.parse().ok().map(Word::Int),
    };
    word.map(|word| (word, len)).ok_or_else(|| Fault::new("expected a number", at))
}

/// A text in quotes, with the escapes of Go.
fn quoted(text: &str, at: usize) -> Result<(Word, usize), Fault> {
    let mut out = Vec::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((index, c)) = chars.next() {
        match c {
            '"' => return Ok((Word::Text(out), index + 1)),
            '\\' => {
                let escape = chars.next().map(|(_, c)| c);
                let mut digits = |count: usize, radix: u32| {
                    let mut value = 0_u32;
                    for _ in 0..count {
                        let (_, digit) = chars.next()?;
                        value = value.checked_mul(radix)?.checked_add(digit.to_digit(radix)?)?;
                    }
                    Some(value)
                };
                let byte = match escape {
                    Some('a') => Some(7),
                    Some('b') => Some(8),
                    Some('f') => Some(12),
                    Some('n') => Some(b'\n'),
                    Some('r') => Some(b'\r'),
                    Some('t') => Some(b'\t'),
                    Some('v') => Some(11),
                    Some('\\') => Some(b'\\'),
                    Some('"') => Some(b'"'),
                    Some('x') => digits(2, 16).and_then(|value| u8::try_from(value).ok()),
                    Some(first @ '0'..='3') => {
                        let value = digits(2, 8).zip(first.to_digit(8));
                        value.and_then(|(low, high)| u8::try_from(high * 64 + low).ok())
                    }
                    Some(long @ ('u' | 'U')) => {
                        let value = digits(if long == 'u' { 4 } else { 8 }, 16);
                        let c = value.and_then(char::from_u32);
                        out.extend(c.map(|c| c.to_string()).unwrap_or_default().bytes());
                        if c.is_some() {
                            continue;
                        }
                        None
                    }
                    _ => None,
                };
                let fault = || {
                    Fault::new(
                        "this is no escape that OTTL knows",
                        at + text.get(..index).map_or(0, |before| before.chars().count()),
                    )
                    .advised("write two backslashes for one")
                };
                out.push(byte.ok_or_else(fault)?);
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Err(Fault::new("this text has no end", at).advised("close it with a quote"))
}
