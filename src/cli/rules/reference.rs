//! The reference of the rule language, made from the types that it is read into.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::rules::fields::fields_of;
use crate::cli::rules::schema::definition;
use crate::scrub::MaskKind;
use crate::scrub::Settings;
use crate::scrub::otlp::InvalidUtf8;
use crate::scrub::otlp::UnknownFields;
use crate::scrub::rule::Action;
use crate::scrub::rule::Confidence;
use crate::scrub::rule::Example;
use crate::scrub::rule::Keys;
use crate::scrub::rule::Lifetime;
use crate::scrub::rule::Rule;
use crate::scrub::rule::RuleFile;
use crate::scrub::rule::Sensitivity;
use crate::scrub::rule::Severity;
use crate::scrub::rule::Validator;
use crate::scrub::rule::ValueForm;
use crate::scrub::rule::allow::Allow;
use crate::scrub::rule::condition::Condition;
use crate::scrub::rule::condition::Near;
use crate::scrub::rule::extend::Extend;
use crate::scrub::rule::template::alphabets;
use crate::scrub::scrubber::Shadow;

const INTRO: &str = "\
# The rule language

Made by `otel-redact rules reference` from the types that rules are read into; a test holds this page equal to them. To begin with, see [write your first rule](first-rule.md); a tour of what a rule may say is in the README under [Settings](../README.md#settings); the rules that ship are in [the list of packed rules](packed-rules.md).

Rules stand in the configuration (`processors.scrubber.rules`) or in files that `rule_files` names. Where a list of texts is due, one text will do; null is as good as a key that is left out; a key that is not known is refused with its line and the closest one.

## Completion and checks in an editor

`otel-redact rules schema` prints the JSON Schema of rule files, `otel-redact rules schema --configuration` that of the scrubbers in a configuration; both are in [`config/schema/`](../config/schema). Editors with the YAML language server take it from the first line of a file:

```yaml
# yaml-language-server: $schema=/etc/otel-redact/schema/rules.json
rules:
  - id: acme-deploy-token
    pattern: 'acme_dt_[0-9a-f]{32}'
```
";

/// The templates of examples, up to the alphabets.
const TEMPLATES: &str = "
## Templates

Examples are templates, so that a file of rules holds no token and trips no scanner. Text stands for itself; directives stand in braces.

| directive | becomes |
|---|---|
| `{base62:36}`, `{hex-lower:20-40}` | that many random characters of an alphabet |
| `{check:crc32-base62-6}` | the checksum over what stands since `{mark}`, or else since the last text |
| `{mark}` | nothing; a checksum begins here |
| `{lit:gh\\|p_}` | the text without the bars: a prefix that is stored in pieces |
| `{one:a\\|b\\|c}` | one of the texts |
| `{uuid}`, `{jwt}`, `{jwe}` | a random one, well formed |
| `{pem:EC PRIVATE KEY}` | a key file of that label, on lines |
| `{pem-escaped:…}`, `{pem-cut:…}` | the same with `\\n` for line ends; or cut off before its end |
| `{b64:…}`, `{b64url:…}` | the base64 of the template inside |
| `{{`, `}}` | a brace |

Alphabets: ";

/// A type of the language: what the page calls it.
struct Section {
    name: String,
    heading: &'static str,
    schema: Value,
    fields: &'static [&'static str],
}

fn section<T: JsonSchema + DeserializeOwned>(heading: &'static str) -> Section {
    let name = T::schema_name().into_owned();
    Section { name, heading, schema: definition::<T>(), fields: fields_of::<T>() }
}

/// The whole page, in Markdown.
pub(in crate::cli::rules) fn page() -> String {
    let sections = [
        section::<RuleFile>("A rule file"),
        section::<Rule>("A rule"),
        section::<Keys>("Keys"),
        section::<ValueForm>("What of a value is secret"),
        section::<Validator>("Validators"),
        section::<Condition>("Where a rule applies"),
        section::<Near>("Words that are near"),
        section::<Action>("Actions"),
        section::<MaskKind>("Masks"),
        section::<Confidence>("Confidence"),
        section::<Severity>("Severity"),
        section::<Sensitivity>("Sensitivity"),
        section::<Lifetime>("Lifetime"),
        section::<Example>("Examples"),
        section::<Allow>("Allow entries"),
        section::<Extend>("Changes to rules"),
        section::<Settings>("The settings of a scrubber"),
        section::<Shadow>("A candidate beside the live rules"),
        section::<UnknownFields>("Unknown fields"),
        section::<InvalidUtf8>("Texts that are not UTF-8"),
    ];
    let mut page = INTRO.to_owned();
    for section in &sections {
        page.push_str(&format!("\n## {}\n", section.heading));
        if let Some(text) = section.schema.get("description").and_then(Value::as_str) {
            page.push_str(&format!("\n{text}\n"));
        }
        page.push('\n');
        match section.fields {
            [] => page.push_str(&variants(&section.schema, &sections)),
            fields => page.push_str(&table(fields, &section.schema, &sections)),
        }
    }
    let alphabets: Vec<String> = alphabets().map(|name| format!("`{name}`")).collect();
    page.push_str(&format!("{TEMPLATES}{}.\n", alphabets.join(", ")));
    page
}

fn table(fields: &[&str], schema: &Value, sections: &[Section]) -> String {
    let mut table = "| key | is | default | |\n|---|---|---|---|\n".to_owned();
    let required = schema.get("required").and_then(Value::as_array);
    for field in fields {
        let Some(property) = schema.get("properties").and_then(|all| all.get(*field)) else {
            continue;
        };
        let is_required = required.is_some_and(|all| all.iter().any(|name| name == field));
        let default = match property.get("default") {
            _ if is_required => "required".to_owned(),
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) if text.is_empty() => String::new(),
            Some(Value::String(text)) => format!("`{text}`"),
            Some(Value::Object(_)) => String::new(),
            Some(value) => format!("`{value}`"),
        };
        let is = format!("{}{}", kind(property, sections), names(property));
        table.push_str(&format!("| `{field}` | {is} | {default} | {} |\n", about(property)));
    }
    table
}

/// The values of an enumeration, or the forms of a type that has several.
fn variants(schema: &Value, sections: &[Section]) -> String {
    let mut table = "| is | |\n|---|---|\n".to_owned();
    let forms = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
    for form in forms.into_iter().flatten() {
        let is = match (form.get("const"), form.get("properties").and_then(Value::as_object)) {
            (Some(Value::String(word)), _) => format!("`{word}`"),
            (_, Some(properties)) => {
                let keys = properties.iter().map(|(key, value)| {
                    let names = names(value);
                    format!("`{key}:` {}{names}", kind(value, sections))
                });
                keys.collect::<Vec<_>>().join(", ")
            }
            _ => kind(form, sections),
        };
        table.push_str(&format!("| {is} | {} |\n", about(form)));
    }
    table
}

/// The names that a text may be.
fn names(schema: &Value) -> String {
    let places = ["/enum", "/items/enum", "/anyOf/0/enum"];
    let list = places.iter().find_map(|place| schema.pointer(place));
    let Some(names) = list.and_then(Value::as_array) else { return String::new() };
    let names = names.iter().filter_map(Value::as_str).map(|name| format!("`{name}`"));
    format!(": {}", names.collect::<Vec<_>>().join(", "))
}

fn about(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.replace("\n\n", " ").replace('|', "\\|")
}

/// What a value must be, in words.
fn kind(schema: &Value, sections: &[Section]) -> String {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return named(name, sections);
    }
    for several in ["allOf", "anyOf"] {
        let forms = schema.get(several).and_then(Value::as_array);
        let is_null = |form: &&Value| form.get("type").is_some_and(|kind| kind == "null");
        if let Some(form) = forms.and_then(|forms| forms.iter().find(|form| !is_null(form))) {
            return kind(form, sections);
        }
    }
    let types = match schema.get("type") {
        Some(Value::Array(types)) => types.first().cloned().unwrap_or_default(),
        Some(one) => one.clone(),
        None => Value::Null,
    };
    let inner = |key: &str| schema.get(key).map(|inner| kind(inner, sections)).unwrap_or_default();
    match types.as_str().unwrap_or_default() {
        "string" => "text".to_owned(),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => format!("list: {}", inner("items")),
        "object" => format!("map to {}", inner("additionalProperties")),
        _ => "number".to_owned(),
    }
}

/// What a type of this name is called, with a link to where the page says more.
fn named(name: &str, sections: &[Section]) -> String {
    let scalar = match name {
        "Glob" => "text, in which `*` stands for anything",
        "Date" => "day: `2026-12-31`",
        "FingerprintKey" => "text",
        "Signal" => "`traces`, `metrics`, `logs` or `profiles`",
        _ => "",
    };
    match sections.iter().find(|section| section.name == name) {
        Some(Section { heading, .. }) => {
            let anchor = heading.to_lowercase().replace(' ', "-");
            format!("[{}](#{anchor})", heading.to_lowercase())
        }
        // Aliases, such as `min_confidence` has one.
        None if name == "Ratio" => "number from 0 to 1".to_owned(),
        None if name == "KnownTexts" => "number".to_owned(),
        None if scalar.is_empty() => named("Confidence", sections),
        None => scalar.to_owned(),
    }
}
