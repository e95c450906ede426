//! A request as people read it.
//!
//! Drawn from the OTLP/JSON of the request, field by field as it comes, so that a
//! new field of OTLP is shown without a change here. Only what reads badly as it is
//! gets a form of its own: attributes, times, kinds.

use std::fmt::Write;

use serde::Deserialize;
use serde_json::Map;
use serde_json::Value;

use crate::gateway::exporter::debug::Verbosity;
use crate::gateway::exporter::debug::text::Style;
use crate::gateway::exporter::debug::text::plain;
use crate::gateway::exporter::debug::text::scalar;
use crate::gateway::exporter::debug::text::time;
use crate::gateway::exporter::debug::text::words;
use crate::gateway::exporter::delivery::Delivery;
use crate::scrub::Signal;

/// Lists of records: each gets a heading in the singular.
const RECORDS: &[(&str, &str)] = &[
    ("resourceSpans", "resource"),
    ("resourceLogs", "resource"),
    ("resourceMetrics", "resource"),
    ("resourceProfiles", "resource"),
    ("scopeSpans", "scope"),
    ("scopeLogs", "scope"),
    ("scopeMetrics", "scope"),
    ("scopeProfiles", "scope"),
    ("spans", "span"),
    ("logRecords", "log record"),
    ("metrics", "metric"),
    ("profiles", "profile"),
    ("dataPoints", "data point"),
    ("events", "event"),
    ("links", "link"),
    ("exemplars", "exemplar"),
];

/// Lists of key and value.
const ATTRIBUTES: &[&str] = &["attributes", "filteredAttributes", "metadata"];

/// Fields that a record is known by, shown first.
const FIRST: &[&str] = &["resource", "scope", "name", "body", "traceId", "spanId"];

/// Draws a request.
pub fn render(delivery: &Delivery, verbosity: Verbosity, coloured: bool) -> String {
    let style = Style { coloured };
    let mut out = summary(delivery, style);
    if verbosity == Verbosity::Basic {
        return out;
    }
    let json = delivery.scrubbed().to_json().ok();
    let json = json.and_then(|json| parse(json.bytes()));
    match json {
        None => out.push_str("  (cannot be shown)\n"),
        Some(json) if verbosity == Verbosity::Normal => {
            lines(&mut out, delivery.scrubbed().signal(), &json, "", style);
        }
        Some(json) => {
            if let Value::Object(fields) = &json {
                Tree { out: &mut out, style }.object(fields, 1);
            }
            redactions(&mut out, delivery, style);
        }
    }
    out
}

/// Parses a request, whose depth the walk has bounded.
fn parse(json: &[u8]) -> Option<Value> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    reader.disable_recursion_limit();
    Value::deserialize(&mut reader).ok()
}

fn summary(delivery: &Delivery, style: Style) -> String {
    let scrubbed = delivery.scrubbed();
    let report = delivery.report();
    let signal = scrubbed.signal();
    let heading = style.heading(signal.name());
    let mut out = format!("{heading}: {} {}", scrubbed.items(), words_of(signal));
    let count = report.redactions.len();
    if count != 0 {
        let plural = if count == 1 { "" } else { "s" };
        let _ = write!(out, ", {}", style.mask(&format!("{count} redaction{plural}")));
    }
    if report.unknown_fields != 0 {
        let _ = write!(out, ", {} unknown fields dropped", report.unknown_fields);
    }
    if report.invalid_utf8 != 0 {
        let _ = write!(out, ", {} texts with invalid UTF-8 repaired", report.invalid_utf8);
    }
    out.push('\n');
    out
}

fn words_of(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "spans",
        Signal::Metrics => "data points",
        Signal::Logs => "log records",
        Signal::Profiles => "profiles",
    }
}

fn redactions(out: &mut String, delivery: &Delivery, style: Style) {
    let redactions = &delivery.report().redactions;
    if redactions.is_empty() {
        return;
    }
    let _ = writeln!(out, "  {}", style.heading("redacted"));
    let width = redactions.iter().map(|one| one.rule.chars().count()).max().unwrap_or(0);
    for one in redactions {
        let rule = style.mask(&format!("{:width$}", one.rule));
        let _ = writeln!(out, "    {rule}  {}", style.text(&one.path, 6));
    }
}

/// A line for each record.
fn lines(out: &mut String, signal: Signal, value: &Value, metric: &str, style: Style) {
    let list = match signal {
        Signal::Traces => "spans",
        Signal::Logs => "logRecords",
        Signal::Metrics => "dataPoints",
        Signal::Profiles => "profiles",
    };
    let Value::Object(fields) = value else { return };
    let own = fields.get("name").and_then(Value::as_str);
    let metric = own.unwrap_or(metric);
    for (name, field) in fields {
        match field {
            Value::Array(elements) if name == list => elements.iter().for_each(|element| {
                let _ = writeln!(out, "  {}", style.text(line(element, metric).trim(), 4));
            }),
            Value::Array(elements) => {
                elements.iter().for_each(|element| lines(out, signal, element, metric, style))
            }
            field => lines(out, signal, field, metric, style),
        }
    }
}

/// What a data point or a profile is known by, beside its name.
const NUMBERS: [&str; 6] = ["asInt", "asDouble", "count", "sum", "min", "max"];

/// A record in one line: its name or its text, its attributes, and what it counts.
fn line(record: &Value, metric: &str) -> String {
    let name = record.get("name").map(scalar);
    let id = || record.get("profileId").map(scalar);
    let name = name.or_else(|| record.get("body").map(plain)).or_else(id);
    let mut line = name.unwrap_or_else(|| metric.to_owned());
    let attributes = record.get("attributes").and_then(Value::as_array);
    for attribute in attributes.into_iter().flatten() {
        let (key, value) = pair(attribute);
        let _ = write!(line, " {key}={}", plain(value));
    }
    for number in NUMBERS {
        let _ = match record.get(number).map(scalar) {
            Some(value) if number.starts_with("as") => write!(line, " {value}"),
            Some(value) => write!(line, " {number}={value}"),
            None => Ok(()),
        };
    }
    if let Some(samples) = record.get("samples").and_then(Value::as_array) {
        let _ = write!(line, " samples={}", samples.len());
    }
    line
}

fn pair(attribute: &Value) -> (String, &Value) {
    let key = attribute.get("key").map(scalar).unwrap_or_default();
    (key, attribute.get("value").unwrap_or(&Value::Null))
}

/// Draws the fields of messages, each level two columns further in.
struct Tree<'a> {
    out: &'a mut String,
    style: Style,
}

impl Tree<'_> {
    fn object(&mut self, fields: &Map<String, Value>, level: usize) {
        let known = FIRST.iter().filter_map(|name| fields.get_key_value(*name));
        let others = fields.iter().filter(|(name, _)| !FIRST.contains(&name.as_str()));
        let ordered: Vec<(&String, &Value)> = known.chain(others).collect();
        let is_line = |(name, value): &&(&String, &Value)| is_line(name, value);
        let width = ordered.iter().filter(is_line).map(|(name, _)| words(name).len()).max();
        for (name, value) in ordered.iter().filter(is_line) {
            self.line(&words(name), &shown(name, value), width.unwrap_or(0), level);
        }
        for (name, value) in ordered.iter().filter(|field| !is_line(field)) {
            self.block(name, value, level);
        }
    }

    fn block(&mut self, name: &str, value: &Value, level: usize) {
        match value {
            Value::Array(attributes) if ATTRIBUTES.contains(&name) => {
                self.heading(&words(name), level);
                self.attributes(attributes, level + 1);
            }
            Value::Array(elements) => {
                let singular = RECORDS.iter().find(|(list, _)| *list == name);
                let singular = singular.map_or_else(|| words(name), |(_, one)| (*one).to_owned());
                for element in elements {
                    self.heading(&singular, level);
                    if let Value::Object(fields) = element {
                        self.object(fields, level + 1);
                    }
                }
            }
            Value::Object(fields) => {
                // The record's own heading says it already.
                let own = matches!(name, "resource" | "scope");
                if own {
                    self.object(fields, level);
                } else {
                    self.heading(&words(name), level);
                    self.object(fields, level + 1);
                }
            }
            _ => {}
        }
    }

    fn attributes(&mut self, attributes: &[Value], level: usize) {
        let pairs: Vec<_> = attributes.iter().map(pair).collect();
        let width = pairs.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
        for (key, value) in &pairs {
            self.line(key, &plain(value), width.min(48), level);
        }
    }

    fn heading(&mut self, text: &str, level: usize) {
        let indent = level * 2;
        let _ = writeln!(self.out, "{:indent$}{}", "", self.style.heading(text));
    }

    fn line(&mut self, name: &str, value: &str, width: usize, level: usize) {
        let indent = level * 2;
        let name = self.style.name(&format!("{:width$}", self.style_free(name)));
        let value = self.style.text(value, indent + width + 2);
        let _ = writeln!(self.out, "{:indent$}{name}  {value}", "");
    }

    /// A key of a request, fit for a terminal.
    fn style_free(&self, name: &str) -> String {
        Style { coloured: false }.text(name, 0)
    }
}

/// Whether a field fits on a line of its own.
fn is_line(name: &str, value: &Value) -> bool {
    match value {
        Value::Object(_) => name == "body" || name == "value",
        Value::Array(elements) => elements.iter().all(|element| !element.is_object()),
        _ => true,
    }
}

/// A field as text.
fn shown(name: &str, value: &Value) -> String {
    if name == "body" || name == "value" {
        return plain(value);
    }
    if let Value::Array(elements) = value {
        let texts: Vec<_> = elements.iter().map(scalar).collect();
        return format!("[{}]", texts.join(", "));
    }
    let text = scalar(value);
    if name.ends_with("UnixNano") {
        return text.parse().map(time).unwrap_or(text);
    }
    let known: &[&str] = match name {
        "kind" => &["unspecified", "internal", "server", "client", "producer", "consumer"],
        "code" => &["unset", "ok", "error"],
        "aggregationTemporality" => &["unspecified", "delta", "cumulative"],
        _ => &[],
    };
    let named = text.parse().ok().and_then(|number: usize| known.get(number));
    named.map_or(text, |name| (*name).to_owned())
}
