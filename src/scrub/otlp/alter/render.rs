//! A value as the text that the Collector makes of it.
//!
//! Source of the forms: `Value.AsString` in the Collector's
//! `pdata/pcommon/value.go`, and Go's `encoding/json` behind it.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::scrub::otlp::alter::value::Pair;
use crate::scrub::otlp::alter::value::Value;

/// The text of a value. Empty for an array or a map with a number in it that JSON
/// cannot say, as in the Collector.
pub fn render<'v>(value: &'v Value<'_>) -> Cow<'v, [u8]> {
    match value {
        Value::Empty | Value::Index(_) => Cow::Borrowed(b""),
        Value::Text(text) => Cow::Borrowed(text),
        Value::Bool(true) => Cow::Borrowed(b"true"),
        Value::Bool(false) => Cow::Borrowed(b"false"),
        Value::Int(value) => Cow::Owned(value.to_string().into_bytes()),
        Value::Double(value) => Cow::Owned(render_double(*value).into_bytes()),
        Value::Bytes(bytes) => Cow::Owned(STANDARD.encode(bytes).into_bytes()),
        Value::Array(_) | Value::Map(_) => {
            let mut out = Vec::new();
            match json(value, &mut out) {
                Some(()) => Cow::Owned(out),
                None => Cow::Borrowed(b""),
            }
        }
    }
}

/// The text of a double: the shortest that reads as the same, with an exponent below
/// 1e-6 and from 1e21.
pub fn render_double(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value < 0.0 { "-Infinity" } else { "Infinity" }.to_owned();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return if size < 1.0 { text } else { text.replace('e', "e+") };
    }
    format!("{value}")
}

/// `None` where a number is not finite.
fn json(value: &Value<'_>, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Empty | Value::Index(_) => out.extend_from_slice(b"null"),
        Value::Text(text) => string(text, out),
        // Go's encoder takes no bytes for a nil slice.
        Value::Bytes(bytes) if bytes.is_empty() => out.extend_from_slice(b"null"),
        Value::Bytes(bytes) => string(STANDARD.encode(bytes).as_bytes(), out),
        Value::Double(value) if !value.is_finite() => return None,
        Value::Bool(_) | Value::Int(_) | Value::Double(_) => {
            out.extend_from_slice(&render(value));
        }
        Value::Array(values) => {
            out.push(b'[');
            for (at, value) in values.iter().enumerate() {
                if 0 < at {
                    out.push(b',');
                }
                json(value, out)?;
            }
            out.push(b']');
        }
        Value::Map(pairs) => map(pairs, out)?,
    }
    Some(())
}

/// Keys in byte order; of equal ones the last.
fn map(pairs: &[Pair<'_>], out: &mut Vec<u8>) -> Option<()> {
    let mut sorted: Vec<&Pair<'_>> = pairs.iter().collect();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    out.push(b'{');
    let mut first = true;
    for (at, pair) in sorted.iter().enumerate() {
        if sorted.get(at + 1).is_some_and(|next| next.key == pair.key) {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        string(&pair.key, out);
        out.push(b':');
        json(&pair.value, out)?;
    }
    out.push(b'}');
    Some(())
}

fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        for char in chunk.valid().chars() {
            escape(char, out);
        }
        // One for each bad byte.
        for _ in chunk.invalid() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
    out.push(b'"');
}

fn escape(char: char, out: &mut Vec<u8>) {
    match char {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        '\u{8}' => out.extend_from_slice(b"\\b"),
        '\u{c}' => out.extend_from_slice(b"\\f"),
        '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(char)).as_bytes());
        }
        _ => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}
