//! How a canary is written: plainly, in an encoding, or in a disguise that costs a
//! reader nothing.
//!
//! An encoding is of the whole text, so that what gives a secret away is encoded with
//! it. A disguise is of the secret alone.

use std::io::Write;
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::cli::selftest::canary::Canary;

/// One way of writing.
#[derive(Debug)]
pub(in crate::cli::selftest) struct Disguise {
    /// Its name in the report.
    pub(in crate::cli::selftest) name: &'static str,
    /// What is done.
    pub(in crate::cli::selftest) how: How,
}

/// What is done to a canary.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli::selftest) enum How {
    /// Nothing.
    Plain,
    /// The secret alone is rewritten. Only for tokens that need no context.
    Token(fn(&str) -> String),
    /// The text is a member of an object, that many objects deep, each as JSON in a
    /// string of the next.
    Json(usize),
    /// The text is rewritten as a whole.
    Whole(fn(&str) -> String),
    /// As bytes that are no UTF-8. Only where bytes can stand.
    Bytes(fn(&str) -> Vec<u8>),
}

/// Every way, the plain one first.
pub(in crate::cli::selftest) const DISGUISES: &[Disguise] = &[
    Disguise { name: "plain", how: How::Plain },
    Disguise { name: "JSON", how: How::Json(1) },
    Disguise { name: "JSON in JSON", how: How::Json(2) },
    Disguise { name: "JSON in JSON in JSON", how: How::Json(3) },
    whole("base64", base64),
    whole("base64url", base64url),
    whole("base64 in lines", base64_in_lines),
    whole("base64 of base64", |text| base64(&base64(text))),
    whole("base64 of JSON", |text| base64(&json!({ "at": 7, "note": text }).to_string())),
    whole("gzip in base64", |text| STANDARD.encode(gzip(text))),
    whole("percent", percent),
    whole("percent, each byte", percent_each),
    whole("percent twice", |text| percent(&percent(text))),
    whole("percent of base64", |text| percent(&base64(text))),
    whole("base64 of percent", |text| base64(&percent_each(text))),
    whole("\\u escapes", |text| each(text, |one| format!("\\u{:04x}", u32::from(one)))),
    whole("\\x escapes", |text| text.bytes().map(|byte| format!("\\x{byte:02x}")).collect()),
    whole("HTML entities", |text| each(text, |one| format!("&#{};", u32::from(one)))),
    whole("HTML entities, hex", |text| each(text, |one| format!("&#x{:x};", u32::from(one)))),
    whole("hex", |text| text.bytes().map(|byte| format!("{byte:02x}")).collect()),
    whole("UTF-16 in base64", |text| STANDARD.encode(utf16(text))),
    Disguise { name: "UTF-16", how: How::Bytes(utf16) },
    token("colours around", |text| format!("\u{1b}[1;31m{text}\u{1b}[0m")),
    token("colours inside", |text| in_half(text, "\u{1b}[0m\u{1b}[31m")),
    token("zero-width inside", |text| in_half(text, "\u{200b}")),
    token("soft hyphen inside", |text| in_half(text, "\u{ad}")),
    token("full width", |text| each(text, full_width)),
    token("homoglyphs", |text| each(text, homoglyph)),
    token("line wrap", |text| in_half(text, "\n")),
];

const fn whole(name: &'static str, how: fn(&str) -> String) -> Disguise {
    Disguise { name, how: How::Whole(how) }
}

const fn token(name: &'static str, how: fn(&str) -> String) -> Disguise {
    Disguise { name, how: How::Token(how) }
}

/// A canary as it is to be planted.
#[derive(Debug)]
pub(in crate::cli::selftest) struct Written {
    /// The key for it, where it is one that its key gives away and the key does not
    /// stand in the text.
    pub(in crate::cli::selftest) key: Option<String>,
    /// The bytes.
    pub(in crate::cli::selftest) bytes: Vec<u8>,
    /// What stands around the secret and must stay.
    pub(in crate::cli::selftest) frame: Frame,
}

/// What stands around an encoded canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli::selftest) enum Frame {
    /// Nothing: it is a value by itself.
    None,
    /// These words before and after.
    Words(&'static str, &'static str),
    /// JSON, which must stay JSON with the same members.
    Json,
}

/// Lines before and after, as in a log.
const LINES: Frame = Frame::Words("the case begins\n", "\nthe case ends");
/// Words before and after.
const WORDS: Frame = Frame::Words("the case begins ", " the case ends");

/// Writes a canary. `keyed` says whether the place has a key.
pub(in crate::cli::selftest) fn write(how: How, canary: &Canary, keyed: bool) -> Written {
    let Canary { key, text, secrets, .. } = canary;
    if let How::Json(depth) = how {
        let bytes = json_at(depth, key.as_deref().unwrap_or("note"), text).into_bytes();
        return Written { key: None, bytes, frame: Frame::Json };
    }
    let (own_key, text, mut frame) = match (key, how) {
        (Some(key), How::Plain) if !keyed => (None, json_at(1, key, text), Frame::Json),
        (Some(key), _) if !keyed => (None, json_at(1, key, text), WORDS),
        (Some(key), _) => (Some(key.clone()), text.clone(), Frame::None),
        (None, How::Plain | How::Token(_)) => (None, text.clone(), LINES),
        (None, _) if canary.is_last_line() => (None, text.clone(), LINES),
        (None, _) => (None, text.clone(), WORDS),
    };
    let bytes = match how {
        How::Token(disguise) => in_ranges(&text, secrets, disguise).into_bytes(),
        How::Whole(encode) => encode(&text).into_bytes(),
        How::Bytes(encode) => {
            frame = Frame::None;
            encode(&text)
        }
        How::Plain | How::Json(_) => text.into_bytes(),
    };
    let bytes = match frame {
        Frame::Words(before, after) => [before.as_bytes(), &bytes, after.as_bytes()].concat(),
        Frame::None | Frame::Json => bytes,
    };
    Written { key: own_key, bytes, frame }
}

/// An object with `text` under `key`, siblings around it, `depth - 1` objects deeper.
fn json_at(depth: usize, key: &str, text: &str) -> String {
    let mut object = json!({ "at": 7, key: text, "ok": true, "words": "these \"stay\"" });
    for level in 1..depth {
        object = json!({ "level": level, "payload": object.to_string(), "more": [1, null] });
    }
    object.to_string()
}

/// `text` with each of `ranges` rewritten.
fn in_ranges(text: &str, ranges: &[Range<usize>], rewrite: fn(&str) -> String) -> String {
    let mut out = String::new();
    let mut at = 0;
    for range in ranges {
        out.push_str(text.get(at..range.start).unwrap_or_default());
        out.push_str(&rewrite(text.get(range.clone()).unwrap_or_default()));
        at = range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn each(text: &str, write: impl Fn(char) -> String) -> String {
    text.chars().map(write).collect()
}

fn base64(text: &str) -> String {
    STANDARD.encode(text)
}

fn base64url(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// As MIME and `base64` of the shell wrap it (RFC 2045, 6.8).
fn base64_in_lines(text: &str) -> String {
    let encoded: Vec<char> = base64(text).chars().collect();
    encoded.chunks(76).map(|line| line.iter().collect::<String>()).collect::<Vec<_>>().join("\n")
}

/// What `encodeURIComponent` does.
fn percent(text: &str) -> String {
    let write = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(write).collect()
}

fn percent_each(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing into memory does not fail.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// `text` with `between` in its middle.
fn in_half(text: &str, between: &str) -> String {
    let half = (text.len() / 2..text.len()).find(|&at| text.is_char_boundary(at));
    let (front, back) = text.split_at(half.unwrap_or(text.len()));
    format!("{front}{between}{back}")
}

fn full_width(one: char) -> String {
    let wide = match one {
        '!'..='~' => char::from_u32(u32::from(one) + 0xfee0),
        _ => None,
    };
    wide.unwrap_or(one).to_string()
}

/// Cyrillic letters that look like Latin ones.
fn homoglyph(one: char) -> String {
    let alike = [('a', 'а'), ('e', 'е'), ('o', 'о'), ('p', 'р'), ('c', 'с'), ('x', 'х')];
    alike.iter().find(|(latin, _)| *latin == one).map_or(one, |(_, other)| *other).to_string()
}
