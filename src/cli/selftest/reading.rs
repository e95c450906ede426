//! What somebody can read in a text: the text, and what it says once its encodings
//! and disguises are undone, one upon the other.
//!
//! Written for itself, without the detector: what the detector does not undo must be
//! seen here all the same.

use std::collections::HashSet;
use std::io::Read;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;

/// How many encodings upon each other are undone: one more than the scrubber is asked
/// to undo.
const DEPTH_MAX: usize = 5;

/// How many readings of one text there are at most.
const READINGS_MAX: usize = 256;

/// How much is unpacked, in bytes.
const UNPACKED_BYTES_MAX: u64 = 1024 * 1024;

/// The shortest run that is taken for base64 or hex, in characters.
const RUN_LEN_MIN: usize = 12;

/// Every reading of `bytes`, itself first.
pub(in crate::cli::selftest) fn readings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut seen: HashSet<Vec<u8>> = HashSet::new();
    let mut all = vec![bytes.to_vec()];
    let mut level = all.clone();
    for _ in 0..DEPTH_MAX {
        let mut next = Vec::new();
        for text in level {
            for reading in undone(&text) {
                if !reading.is_empty() && all.len() < READINGS_MAX && seen.insert(reading.clone()) {
                    all.push(reading.clone());
                    next.push(reading);
                }
            }
        }
        level = next;
    }
    all
}

/// Each encoding undone by itself.
fn undone(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    if let Some(text) = from_utf16(bytes) {
        all.push(text);
    }
    if let Some(text) = unpacked(bytes) {
        all.push(text);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return all;
    };
    for undo in [undisguised, joined, unescaped, unpercented, unentitied] {
        let reading = undo(text);
        if reading != text {
            all.push(reading.into_bytes());
        }
    }
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "+/-_".contains(c);
    for run in runs(text, is_letter) {
        // What is left of a run need not begin where a group of four does.
        all.extend((0..4).filter_map(|skip| from_base64(run.get(skip..)?)));
    }
    for run in runs(text, |c| c.is_ascii_hexdigit()) {
        all.extend((0..2).map(|skip| from_hex(run.get(skip..).unwrap_or_default())));
    }
    all
}

fn runs(text: &str, is_letter: impl Fn(char) -> bool) -> impl Iterator<Item = &str> {
    text.split(move |c| !is_letter(c)).filter(|run| RUN_LEN_MIN <= run.len())
}

fn from_base64(run: &str) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let run = run.replace('-', "+").replace('_', "/");
    // A single letter behind a group of four says nothing.
    let whole = run.len() - usize::from(run.len() % 4 == 1);
    GeneralPurpose::new(&alphabet::STANDARD, config).decode(run.get(..whole)?).ok()
}

fn from_hex(run: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        run.chars().filter_map(|c| c.to_digit(16)).filter_map(|d| u8::try_from(d).ok()).collect();
    digits
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0_u8, |byte, digit| (byte << 4) | digit))
        .collect()
}

/// UTF-16, of which most characters are ASCII.
fn from_utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let zeros = |skip: usize| bytes.iter().skip(skip).step_by(2).filter(|byte| **byte == 0).count();
    let mostly = |zeros: usize| bytes.len() / 4 < zeros;
    let read: fn([u8; 2]) -> u16 = match bytes.len() {
        0..4 => return None,
        _ if mostly(zeros(1)) => u16::from_le_bytes,
        _ if mostly(zeros(0)) => u16::from_be_bytes,
        _ => return None,
    };
    let (pairs, _) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
    Some(String::from_utf16_lossy(&units).into_bytes())
}

fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    bytes.starts_with(&[0x1f, 0x8b]).then_some(())?;
    let mut out = Vec::new();
    // What comes before a break can be read, too.
    let _ = flate2::read::MultiGzDecoder::new(bytes).take(UNPACKED_BYTES_MAX).read_to_end(&mut out);
    Some(out)
}

/// Without colours and characters that nobody sees; letters that look alike are one.
fn undisguised(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(one) = rest.next() {
        match one {
            '\u{1b}' => drop(rest.by_ref().find(char::is_ascii_alphabetic)),
            '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}' => {}
            '\u{ff01}'..='\u{ff5e}' => out.extend(char::from_u32(u32::from(one) - 0xfee0)),
            'а' => out.push('a'),
            'е' => out.push('e'),
            'о' => out.push('o'),
            'р' => out.push('p'),
            'с' => out.push('c'),
            'х' => out.push('x'),
            one => out.push(one),
        }
    }
    out
}

/// The lines as one.
fn joined(text: &str) -> String {
    text.replace(['\r', '\n'], "")
}

/// Without backslashes: JSON, and the `\x` of other languages.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let digits = match after.as_bytes().first() {
            Some(b'u') => after.get(1..5),
            Some(b'x') => after.get(1..3),
            _ => None,
        };
        let coded = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if let (Some(one), Some(digits)) = (coded.and_then(char::from_u32), digits) {
            out.push(one);
            rest = after.get(1 + digits.len()..).unwrap_or_default();
            continue;
        }
        let mut chars = after.chars();
        out.extend(match chars.next() {
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            other => other,
        });
        rest = chars.as_str();
    }
    out + rest
}

fn unpercented(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.extend_from_slice(before.as_bytes());
        match after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push(b'%');
                rest = after;
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

fn unentitied(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("&#") {
        out.push_str(before);
        let coded = after.split_once(';').and_then(|(number, behind)| {
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            Some((char::from_u32(code.ok()?)?, behind))
        });
        match coded {
            Some((one, behind)) => {
                out.push(one);
                rest = behind;
            }
            None => {
                out.push_str("&#");
                rest = after;
            }
        }
    }
    out + rest
}
