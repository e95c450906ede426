//! Imported rules, written as a rule file.

use crate::cli::rules::import::convert::Entry;
use crate::cli::rules::import::convert::Imported;

/// The rule file.
pub(in crate::cli::rules::import) fn file(rules: &[Imported], allow: &[Entry]) -> String {
    let mut out = String::from(
        "# Imported from a Gitleaks configuration. Rules without examples prove nothing: add some,\n\
         # and run `otel-redact rules test`.\n",
    );
    if rules.is_empty() {
        out.push_str("rules: []\n");
    } else {
        out.push_str("rules:\n");
    }
    for rule in rules {
        out.push_str(&self::rule(rule));
    }
    if !allow.is_empty() {
        out.push_str("allow:\n");
        allow.iter().for_each(|entry| out.push_str(&self::entry(entry, "  ")));
    }
    out
}

/// One rule, as an element of `rules`.
pub(in crate::cli::rules::import) fn rule(rule: &Imported) -> String {
    let Imported { id, description, pattern, anchors, near, entropy_min, allow } = rule;
    let mut out = format!("  - id: {id}\n");
    if !description.is_empty() {
        out.push_str(&format!("    description: {}\n", text(description)));
    }
    out.push_str(&format!("    pattern: {}\n", text(pattern)));
    if !anchors.is_empty() {
        out.push_str(&format!("    anchors: {}\n", list(anchors)));
    }
    if !near.is_empty() {
        out.push_str(&format!("    near: {{words: {}, within: {NEAR_BYTES}}}\n", list(near)));
    }
    if let Some(bits) = entropy_min {
        out.push_str(&format!("    validate: [{{entropy-min: {bits:?}}}]\n"));
    }
    if !allow.is_empty() {
        out.push_str("    allow:\n");
        allow.iter().for_each(|entry| out.push_str(&self::entry(entry, "      ")));
    }
    out
}

/// How far away a keyword may stand: Gitleaks has no limit, a rule must have one.
const NEAR_BYTES: usize = 1024;

fn entry(entry: &Entry, indent: &str) -> String {
    let Entry { pattern, rules, reason } = entry;
    let mut out = format!("{indent}- pattern: {}\n", text(pattern));
    if !rules.is_empty() {
        out.push_str(&format!("{indent}  rules: {}\n", list(rules)));
    }
    out.push_str(&format!("{indent}  owner: imported\n"));
    out.push_str(&format!("{indent}  reason: {}\n", text(reason)));
    out
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|one| text(one)).collect();
    format!("[{}]", texts.join(", "))
}

/// A text in quotes: in single ones if a line takes it, else as JSON has it.
fn text(text: &str) -> String {
    match text.chars().any(char::is_control) {
        false => format!("'{}'", text.replace('\'', "''")),
        true => serde_json::Value::from(text).to_string(),
    }
}
