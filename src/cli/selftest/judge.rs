//! What arrived, held against what was sent.
//!
//! A leak: eight characters in a row of a secret, or all of a shorter one, in any
//! reading of the value in which it was planted. Damage: anything else that is not as
//! it was.

use std::collections::HashSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cli::selftest::canary::Canary;
use crate::cli::selftest::disguise::Frame;
use crate::cli::selftest::reading;

/// How many characters in a row of a secret are a leak.
const WINDOW: usize = 8;

/// What became of one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli::selftest) struct Verdict {
    /// Part of the secret can be read.
    pub(in crate::cli::selftest) leaked: bool,
    /// What else is not as it was.
    pub(in crate::cli::selftest) damage: Option<Damage>,
}

/// What is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli::selftest) enum Damage {
    /// Another value of the request.
    Sibling,
    /// The value with the secret is not there at all, or of another type.
    Gone,
    /// The words around the secret.
    Words,
    /// JSON parses no more.
    JsonBroken,
    /// A member of JSON, or a key, that holds no secret.
    JsonMember,
}

impl Damage {
    /// In a word or two.
    pub(in crate::cli::selftest) fn name(self) -> &'static str {
        match self {
            Self::Sibling => "another value changed",
            Self::Gone => "the value is gone",
            Self::Words => "words around it changed",
            Self::JsonBroken => "JSON is broken",
            Self::JsonMember => "a JSON member changed",
        }
    }
}

/// One case as it was sent.
#[derive(Debug)]
pub(in crate::cli::selftest) struct Sent<'c> {
    /// What was planted.
    pub(in crate::cli::selftest) canary: &'c Canary,
    /// What stands around it.
    pub(in crate::cli::selftest) frame: Frame,
    /// The request.
    pub(in crate::cli::selftest) request: Value,
    /// Where in it the planted value is, as a JSON pointer.
    pub(in crate::cli::selftest) leaf: String,
}

/// The words that masks hold, as they may stand in what arrives.
#[derive(Debug, Default)]
pub(in crate::cli::selftest) struct Labels {
    text: String,
    /// Every window of them, and of their base64.
    windows: HashSet<Vec<u8>>,
}

impl Labels {
    /// The labels that hold these words.
    pub(in crate::cli::selftest) fn new(words: &[&str]) -> Self {
        let text = words.join(" ");
        let encoded = ["", ".", ".."].map(|pad| STANDARD.encode(format!("{pad}{text}")));
        let all = encoded.iter().chain([&text]);
        let windows = all.flat_map(|text| text.as_bytes().windows(WINDOW)).map(<[u8]>::to_vec);
        Self { windows: windows.collect(), text }
    }

    fn have(&self, part: &[u8]) -> bool {
        match part.len() {
            WINDOW => self.windows.contains(part),
            _ => memchr::memmem::find(self.text.as_bytes(), part).is_some(),
        }
    }
}

/// Judges what arrived of a case.
pub(in crate::cli::selftest) fn judge(
    sent: &Sent<'_>,
    arrived: &Value,
    labels: &Labels,
) -> Verdict {
    let can_read = |text: &[u8]| can_read(sent.canary, sent.frame, labels, text);
    let is_same = same_but(&sent.request, arrived, &sent.leaf, "");
    let text = |request: &Value| {
        let text = request.pointer(&sent.leaf)?.as_str()?;
        match sent.leaf.ends_with("/bytesValue") {
            true => STANDARD.decode(text).ok(),
            false => Some(text.as_bytes().to_vec()),
        }
    };
    let (Some(planted), Some(value)) = (text(&sent.request), text(arrived)) else {
        // It may have become a value of another type, but not one that says more.
        let everything = arrived.to_string();
        let leaked = can_read(everything.as_bytes());
        return Verdict { leaked, damage: Some(Damage::Gone) };
    };
    let leaked = can_read(&value);
    let around = match sent.frame {
        Frame::None => None,
        Frame::Words(before, after) => {
            let whole = value.starts_with(before.as_bytes()) && value.ends_with(after.as_bytes());
            (!whole).then_some(Damage::Words)
        }
        Frame::Json => in_json(&planted, &value, sent.canary.key.as_deref().unwrap_or("note")),
    };
    Verdict { leaked, damage: (!is_same).then_some(Damage::Sibling).or(around) }
}

/// Whether everything in `sent` is in `arrived`, but for what is at `leaf`.
fn same_but(sent: &Value, arrived: &Value, leaf: &str, at: &str) -> bool {
    let below = |name: &dyn std::fmt::Display| format!("{at}/{name}");
    match (sent, arrived) {
        _ if at == leaf => true,
        (Value::Object(sent), Value::Object(arrived)) => sent.iter().all(|(key, value)| {
            arrived.get(key).is_some_and(|other| same_but(value, other, leaf, &below(key)))
        }),
        (Value::Array(sent), Value::Array(arrived)) if sent.len() == arrived.len() => {
            let mut pairs = sent.iter().zip(arrived).enumerate();
            pairs.all(|(i, (value, other))| same_but(value, other, leaf, &below(&i)))
        }
        _ => sent == arrived,
    }
}

/// What is wrong with a JSON text in which the value of `key` may have changed.
fn in_json(planted: &[u8], arrived: &[u8], key: &str) -> Option<Damage> {
    let parse = |text: &[u8]| serde_json::from_slice::<Value>(text).ok();
    let planted = parse(planted)?;
    let Some(arrived) = parse(arrived) else {
        return Some(Damage::JsonBroken);
    };
    in_members(&planted, &arrived, key)
}

fn in_members(planted: &Value, arrived: &Value, secret_key: &str) -> Option<Damage> {
    let (Value::Object(planted), Value::Object(arrived)) = (planted, arrived) else {
        return (planted != arrived).then_some(Damage::JsonMember);
    };
    if !planted.keys().eq(arrived.keys()) {
        return Some(Damage::JsonMember);
    }
    planted.iter().zip(arrived.values()).find_map(|((key, value), other)| match (value, other) {
        (Value::String(_), Value::String(_)) if key == secret_key => None,
        (Value::String(text), Value::String(other)) if key == "payload" => {
            in_json(text.as_bytes(), other.as_bytes(), secret_key)
        }
        _ => (value != other).then_some(Damage::JsonMember),
    })
}

/// Whether part of the secret of `canary` can be read in `text`.
fn can_read(canary: &Canary, frame: Frame, labels: &Labels, text: &[u8]) -> bool {
    let (windows, short) = windows(canary, frame, labels);
    reading::readings(text).iter().any(|reading| {
        reading.windows(WINDOW).any(|window| windows.contains(window))
            || short.iter().any(|short| memchr::memmem::find(reading, short).is_some())
    })
}

/// Every window of the secrets, and the secrets that are shorter than one, without
/// those that also stand outside of them.
fn windows<'c>(
    canary: &'c Canary,
    frame: Frame,
    labels: &Labels,
) -> (HashSet<&'c [u8]>, Vec<&'c [u8]>) {
    let mut clean = String::new();
    let mut at = 0;
    for range in &canary.secrets {
        clean.push_str(canary.text.get(at..range.start).unwrap_or_default());
        clean.push('\0');
        at = range.end;
    }
    clean.push_str(canary.text.get(at..).unwrap_or_default());
    // What stands before a secret that is base64 itself may read alike once it is encoded.
    let before = canary.secrets.first().map_or(0, |first| first.start);
    clean.push_str(&STANDARD.encode(canary.text.get(..before).unwrap_or_default()));
    clean.extend(canary.key.as_deref());
    if let Frame::Words(before, after) = frame {
        clean.push_str(before);
        clean.push_str(after);
    }
    let stands_outside = |part: &[u8]| {
        is_label(part)
            || is_one_letter(part)
            || labels.have(part)
            || memchr::memmem::find(clean.as_bytes(), part).is_some()
    };
    let mut windows = HashSet::new();
    let mut short = Vec::new();
    for range in &canary.secrets {
        let secret = canary.text.get(range.clone()).unwrap_or_default().as_bytes();
        if secret.len() < WINDOW && !stands_outside(secret) {
            short.push(secret);
        }
        windows.extend(secret.windows(WINDOW).filter(|window| !stands_outside(window)));
    }
    (windows, short)
}

/// The same letter over and over: zeros in base64, which whatever is packed holds.
fn is_one_letter(part: &[u8]) -> bool {
    part.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// Part of the first or last line of a PEM file.
fn is_label(part: &[u8]) -> bool {
    part.iter().all(|byte| matches!(byte, b'A'..=b'Z' | b' ' | b'-' | b'\n'))
        && part.iter().any(|byte| matches!(byte, b' ' | b'-'))
}
