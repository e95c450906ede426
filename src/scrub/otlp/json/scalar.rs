//! Numbers, booleans, enums, ids and bytes, as OTLP/JSON may spell them.
//!
//! What is taken is what the Collector takes: 64-bit integers as numbers or
//! strings, enums by number or name, ids in hex of any case, base64 with the
//! standard alphabet. A value of another type is a fault, so that no text passes
//! in the place of a number.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;

use crate::scrub::otlp::json::said;
use crate::scrub::otlp::json::string::decode;
use crate::scrub::otlp::json::string::hex;
use crate::scrub::otlp::json::tape::Token;
use crate::scrub::otlp::json::tape::TokenKind;
use crate::scrub::otlp::schema::Enum;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::wire::Fault;

/// Base64 as OTLP/JSON has it; the padding may be left out.
pub(in crate::scrub::otlp) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A number or a boolean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Double(f64),
}

/// The number, boolean or enum of `kind` that `token` is.
pub(super) fn number(json: &[u8], token: &Token, kind: Kind) -> Result<Number, Fault> {
    let fault = |what| Fault::new(what, token.range().start);
    let raw = json.get(token.range()).unwrap_or_default();
    match kind {
        Kind::Bool => match token.kind {
            TokenKind::True => Ok(Number::Bool(true)),
            TokenKind::False => Ok(Number::Bool(false)),
            _ => Err(fault("expected true or false")),
        },
        Kind::Enum(names) => enum_number(raw, token, names)
            .map(|number| Number::Signed(number.into()))
            .ok_or_else(|| fault("expected a number or a name of the enum")),
        Kind::Double => {
            double(raw, token).map(Number::Double).ok_or_else(|| fault("expected a number"))
        }
        _ => {
            let text = scalar_text(raw, token).ok_or_else(|| fault("expected an integer"))?;
            integer(&text, kind).ok_or_else(|| fault("expected an integer in its range"))
        }
    }
}

/// The id of `len` bytes that `token` is, or nothing where it is empty.
pub(super) fn id(json: &[u8], token: &Token, len: usize) -> Result<Vec<u8>, Fault> {
    let fault = |what| Fault::new(what, token.range().start);
    if !token.is_string() {
        return Err(fault("expected an id in hex"));
    }
    let text = said(json, token);
    if !text.is_empty() && text.len() != 2 * len {
        return Err(fault("id of a wrong length"));
    }
    let (pairs, _) = text.as_chunks::<2>();
    let mut bytes = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let byte = hex(pair).ok_or_else(|| fault("expected an id in hex"))?;
        bytes.push(byte as u8);
    }
    Ok(bytes)
}

/// The bytes that `token` is in base64.
pub(super) fn bytes(json: &[u8], token: &Token) -> Result<Vec<u8>, Fault> {
    let fault = |what| Fault::new(what, token.range().start);
    if !token.is_string() {
        return Err(fault("expected bytes in base64"));
    }
    let text = said(json, token);
    BASE64.decode(&*text).map_err(|_| fault("expected bytes in base64"))
}

/// The text of a number, which may stand in a string.
fn scalar_text<'j>(raw: &'j [u8], token: &Token) -> Option<Cow<'j, [u8]>> {
    match token.kind {
        TokenKind::Number | TokenKind::Plain => Some(Cow::Borrowed(raw)),
        TokenKind::Escaped => Some(decode(raw)),
        _ => None,
    }
}

fn integer(text: &[u8], kind: Kind) -> Option<Number> {
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let mut number = if digits.is_empty() { None } else { Some(0_u64) };
    for digit in digits {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number = number?.checked_mul(10)?.checked_add(digit);
    }
    let number = number?;
    let signed =
        || if is_negative { 0_i64.checked_sub_unsigned(number) } else { number.try_into().ok() };
    match kind {
        Kind::Int32 | Kind::Sint32 => {
            signed().filter(|number| i32::try_from(*number).is_ok()).map(Number::Signed)
        }
        Kind::Int64 | Kind::Sfixed64 => signed().map(Number::Signed),
        _ if is_negative => None,
        Kind::Uint32 | Kind::Fixed32 => {
            u32::try_from(number).ok().map(|number| Number::Unsigned(number.into()))
        }
        _ => Some(Number::Unsigned(number)),
    }
}

fn double(raw: &[u8], token: &Token) -> Option<f64> {
    let text = scalar_text(raw, token)?;
    if token.is_string() {
        match &*text {
            b"NaN" => return Some(f64::NAN),
            b"Infinity" => return Some(f64::INFINITY),
            b"-Infinity" => return Some(f64::NEG_INFINITY),
            _ => {}
        }
    }
    // The standard library takes words, too, and JSON only digits.
    let digits =
        text.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    std::str::from_utf8(&text)
        .ok()?
        .parse()
        .ok()
        .filter(|number: &f64| digits && number.is_finite())
}

fn enum_number(raw: &[u8], token: &Token, names: &Enum) -> Option<i32> {
    let text = scalar_text(raw, token)?;
    if token.kind == TokenKind::Number {
        let number = integer(&text, Kind::Int32)?;
        return if let Number::Signed(number) = number { i32::try_from(number).ok() } else { None };
    }
    names.values.iter().find(|(name, _)| name.as_bytes() == &*text).map(|(_, number)| *number)
}
