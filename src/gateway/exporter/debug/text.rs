//! Text for terminals: names in words, times, values of attributes, and masks that
//! stand out.

use std::fmt::Write;

use serde_json::Value;

use crate::scrub::rule::date::civil;

const BOLD_RED: &str = "\u{1b}[1;31m";
const DIM: &str = "\u{1b}[2m";
const BOLD: &str = "\u{1b}[1m";
const RESET: &str = "\u{1b}[0m";

/// What masks start with.
const MASK: &str = "[redacted:";

/// Colours, or none.
#[derive(Clone, Copy, Debug)]
pub(in crate::gateway::exporter::debug) struct Style {
    pub(in crate::gateway::exporter::debug) coloured: bool,
}

impl Style {
    /// A heading.
    pub(in crate::gateway::exporter::debug) fn heading(self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    /// The name of a field or the key of an attribute.
    pub(in crate::gateway::exporter::debug) fn name(self, text: &str) -> String {
        self.paint(DIM, text)
    }

    /// What was masked.
    pub(in crate::gateway::exporter::debug) fn mask(self, text: &str) -> String {
        self.paint(BOLD_RED, text)
    }

    fn paint(self, colour: &str, text: &str) -> String {
        if self.coloured { format!("{colour}{text}{RESET}") } else { text.to_owned() }
    }

    /// A text from a request: no control character reaches the terminal, lines after
    /// the first are indented, masks stand out.
    pub(in crate::gateway::exporter::debug) fn text(self, text: &str, indent: usize) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(MASK) {
            let (before, masked) = rest.split_at(at);
            let len = masked.find(']').map_or(masked.len(), |end| end + 1);
            let (mask, after) = masked.split_at(len);
            push_printable(&mut out, before, indent);
            let mut printable = String::new();
            push_printable(&mut printable, mask, indent);
            out.push_str(&self.mask(&printable));
            rest = after;
        }
        push_printable(&mut out, rest, indent);
        out
    }
}

fn push_printable(out: &mut String, text: &str, indent: usize) {
    for c in text.chars() {
        match c {
            '\n' => {
                out.push('\n');
                out.extend(std::iter::repeat_n(' ', indent));
            }
            '\t' => out.push_str("  "),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
}

/// An `AnyValue` as text.
pub(in crate::gateway::exporter::debug) fn plain(value: &Value) -> String {
    let Value::Object(object) = value else { return scalar(value) };
    let Some((kind, inner)) = object.iter().next() else { return String::new() };
    let list = |name: &str| inner.get(name).and_then(Value::as_array).into_iter().flatten();
    match kind.as_str() {
        "arrayValue" => {
            let values: Vec<_> = list("values").map(plain).collect();
            format!("[{}]", values.join(", "))
        }
        "kvlistValue" => {
            let pairs: Vec<_> = list("values")
                .map(|pair| {
                    let key = pair.get("key").and_then(Value::as_str).unwrap_or_default();
                    format!("{key}: {}", pair.get("value").map(plain).unwrap_or_default())
                })
                .collect();
            format!("{{{}}}", pairs.join(", "))
        }
        "bytesValue" => format!("base64 {}", scalar(inner)),
        _ => scalar(inner),
    }
}

/// A value of JSON as text, strings without quotes.
pub(in crate::gateway::exporter::debug) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// `startTimeUnixNano` as `start time`.
pub(in crate::gateway::exporter::debug) fn words(name: &str) -> String {
    let name = name.strip_suffix("UnixNano").unwrap_or(name);
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_uppercase() {
            out.push(' ');
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

/// Nanoseconds since 1970 as RFC 3339 writes them.
pub(in crate::gateway::exporter::debug) fn time(nanos: u64) -> String {
    let (seconds, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut out = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if nanos != 0 {
        let digits = format!("{nanos:09}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
    out.push('Z');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_read_as_people_write_them() {
        for (value, text) in [
            (json!({"stringValue": "a"}), "a"),
            (json!({"intValue": "7"}), "7"),
            (json!({"boolValue": true}), "true"),
            (
                json!({"arrayValue": {"values": [{"intValue": "1"}, {"stringValue": "b"}]}}),
                "[1, b]",
            ),
            (
                json!({"kvlistValue": {"values": [{"key": "k", "value": {"doubleValue": 1.5}}]}}),
                "{k: 1.5}",
            ),
            (json!({}), ""),
        ] {
            assert_eq!(plain(&value), text);
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(1_700_000_000_100_000_000), "2023-11-14T22:13:20.1Z");
        assert_eq!(time(951_782_400_000_000_000), "2000-02-29T00:00:00Z");
    }

    #[test]
    fn escape_sequences_of_a_request_do_not_reach_the_terminal() {
        let style = Style { coloured: false };
        assert_eq!(style.text("a\u{1b}[2Jb\nc", 2), "a\\u{1b}[2Jb\n  c");
    }

    #[test]
    fn masks_stand_out() {
        let style = Style { coloured: true };
        let text = style.text("key [redacted:aws] used", 0);
        assert_eq!(text, "key \u{1b}[1;31m[redacted:aws]\u{1b}[0m used");
    }
}
