//! The packed rules, as a list for the terminal and as a page.

use crate::cli::rules::RulesError;
use crate::cli::rules::read;
use crate::scrub::rule::Keys;
use crate::scrub::rule::Rule;
use crate::scrub::rule::Sensitivity;
use crate::scrub::rule::pack;

/// How many anchors and keys of a rule the page shows.
const SHOWN_MAX: usize = 8;

/// The packed rules with the names of their files.
pub(in crate::cli::rules) fn rules() -> Result<Vec<(String, Rule)>, RulesError> {
    let mut rules = Vec::new();
    for (file, text) in pack::packs() {
        let read = read(file, text)?.rules;
        rules.extend(read.into_iter().map(|rule| ((*file).to_owned(), rule)));
    }
    Ok(rules)
}

/// A line for each rule.
pub(in crate::cli::rules) fn lines() -> Result<String, RulesError> {
    let mut text = String::new();
    for (file, rule) in rules()? {
        let how = match (rule.pattern.is_some(), rule.keys.is_empty()) {
            (true, true) => "pattern",
            (true, false) => "keys + pattern",
            _ => "keys",
        };
        let note = note(&rule);
        let severity = word(&rule.severity);
        let Rule { id, description, .. } = rule;
        text.push_str(&format!("{id:<48} {severity:<9} {how:<15} {description}{note} [{file}]\n"));
    }
    Ok(text)
}

/// A table for each pack, in Markdown.
pub(in crate::cli::rules) fn page() -> Result<String, RulesError> {
    let count = rules()?.len();
    let mut page = format!(
        "# Packed rules\n\nThe {count} rules that ship with otel-redact, made by `otel-redact rules \
         list --markdown` from [`config/rules/`](../config/rules); a test holds this page equal to \
         them. How a rule is written: [the rule language](rules.md).\n"
    );
    for (file, text) in pack::packs() {
        let comment: Vec<&str> =
            text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect();
        let comment = comment.join(" ");
        let about = comment.split(['.', ':']).next().unwrap_or_default();
        page.push_str(&format!("\n## {about}\n\n[`{file}`](../config/rules/{file})\n\n"));
        page.push_str("| id | what | severity | lifetime | found by | source |\n");
        page.push_str("|---|---|---|---|---|---|\n");
        for rule in read(file, text)?.rules {
            let what = format!("{}{}", rule.description, note(&rule));
            let cells = [
                format!("`{}`", rule.id),
                escaped(&what),
                word(&rule.severity),
                word(&rule.lifetime),
                found_by(&rule),
                escaped(&rule.source),
            ];
            page.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }
    Ok(page)
}

fn note(rule: &Rule) -> &'static str {
    match rule.sensitivity {
        Sensitivity::Publishable => " (runs only when enabled)",
        Sensitivity::Secret | Sensitivity::Identifier => "",
    }
}

/// The word that the YAML has for a value.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// The anchors of the pattern, or the keys.
fn found_by(rule: &Rule) -> String {
    let Keys { exact, suffix, prefix, word } = &rule.keys;
    let mut telling: Vec<String> = rule.anchors.iter().map(|anchor| code(anchor)).collect();
    telling.extend(exact.iter().map(|key| format!("key {}", code(key))));
    telling.extend(suffix.iter().map(|key| format!("key …{}", code(key))));
    telling.extend(prefix.iter().map(|key| format!("key {}…", code(key))));
    telling.extend(word.iter().map(|key| format!("key …{}…", code(key))));
    let more = telling.len().saturating_sub(SHOWN_MAX);
    telling.truncate(SHOWN_MAX);
    let mut shown = telling.join(", ");
    if 0 < more {
        shown.push_str(&format!(" and {more} more"));
    }
    shown
}

/// A text as code in a cell.
fn code(text: &str) -> String {
    let text = text.replace('|', "\\|");
    match text.contains('`') {
        true => format!("`` {text} ``"),
        false => format!("`{text}`"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<")
}
