//! The JSON Schema of rule files, and of the scrubbers in a configuration.
//!
//! Made from the types that the reader reads into, so that there is one source. What the
//! dialect of YAML adds to the types is added here: a scalar where a list of scalars is
//! due is a list of one, and null is as good as absent. Draft 7, since it is what the
//! language servers of editors know best.

use schemars::JsonSchema;
use schemars::generate::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use crate::scrub::Settings;
use crate::scrub::otlp::places;
use crate::scrub::rule::RuleFile;
use crate::scrub::rule::validator;

/// Where the schema has the name of a checksum.
const CHECKSUM: &str = "/definitions/Validator/oneOf/0/properties/checksum";

/// Names that the types hold as texts, by where the schema has them.
fn names() -> [(&'static str, Vec<&'static str>); 4] {
    [
        ("/definitions/Condition/properties/places/items", places()),
        (CHECKSUM, validator::CHECKSUMS.to_vec()),
        ("/definitions/Validator/oneOf/2/properties/structure", validator::STRUCTURES.to_vec()),
        ("/definitions/Validator/oneOf/3/properties/has/items", validator::CLASSES.to_vec()),
    ]
}

/// What the reader checks beyond types, by where the schema has it.
fn bounds() -> [(&'static str, Value); 7] {
    let fingerprint = json!({"pattern": "^[0-9a-f]{4}:[0-9a-f]{16}$"});
    [
        ("/definitions/Rule/properties/id", json!({"pattern": "^[a-z0-9-]{1,64}$"})),
        ("/definitions/Rule/properties/pattern", json!({"minLength": 1})),
        ("/definitions/Near/properties/words", json!({"minItems": 1})),
        ("/definitions/Near/properties/within", json!({"minimum": 1, "maximum": 4096})),
        ("/definitions/Allow/properties/fingerprint", fingerprint),
        ("/definitions/Date", json!({"pattern": r"^\d{4}-\d{2}-\d{2}$"})),
        (
            "/definitions/Validator/oneOf/1/properties/entropy-min",
            json!({"minimum": 0, "maximum": 8}),
        ),
    ]
}

/// The schema of a rule file.
pub(in crate::cli::rules) fn of_rule_files() -> Value {
    let mut generator = generator();
    let root = generator.subschema_for::<RuleFile>().to_value();
    finish(&mut generator, "rule file of otel-redact", root)
}

/// The schema of a configuration, of which it knows the scrubbers.
pub(in crate::cli::rules) fn of_configurations() -> Value {
    let mut generator = generator();
    let settings = generator.subschema_for::<Settings>().to_value();
    let root = json!({
        "type": "object",
        "properties": {"processors": {
            "type": ["object", "null"],
            "patternProperties": {"^scrubber(/.+)?$": {"anyOf": [settings, {"type": "null"}]}},
        }},
    });
    let mut schema = finish(&mut generator, "scrubbers in a configuration of otel-redact", root);
    expand(&mut schema);
    schema
}

/// Whatever is no text may come from elsewhere, as one expansion: `${env:…}`. (Rule files
/// are read as they are.)
fn expand(schema: &mut Value) {
    let is_text = |schema: &Value| {
        let is_one = schema.get("type").is_some_and(|kind| kind == "string");
        is_one && schema.get("enum").is_none() && schema.get("pattern").is_none()
    };
    let widen = |schema: &mut Value| {
        let Value::Object(object) = schema else { return };
        let form = Value::Object(shape(object));
        if is_text(&form) {
            object.extend(form.as_object().cloned().unwrap_or_default());
            return;
        }
        let mut forms = match form.get("anyOf").and_then(Value::as_array) {
            Some(forms) if form.as_object().is_some_and(|form| form.len() == 1) => forms.clone(),
            _ => vec![form],
        };
        if !forms.iter().any(is_text) {
            forms.push(json!({"type": "string", "pattern": r"^\$\{.+\}$"}));
        }
        object.insert("anyOf".to_owned(), forms.into());
    };
    each(schema, &mut |object| {
        if let Some(Value::Object(properties)) = object.get_mut("properties") {
            properties.values_mut().for_each(widen);
        }
        for key in ["items", "additionalProperties"] {
            if let Some(inner @ Value::Object(_)) = object.get_mut(key) {
                widen(inner);
            }
        }
    });
}

/// The definition of a type, as the types alone have it.
pub(in crate::cli::rules) fn definition<T: JsonSchema>() -> Value {
    let mut generator = generator();
    generator.subschema_for::<T>();
    let mut schema = json!({"definitions": generator.take_definitions(true)});
    name(&mut schema);
    flow(&mut schema);
    let pointer = format!("/definitions/{}", T::schema_name());
    schema.pointer(&pointer).cloned().unwrap_or_default()
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft07().into_generator()
}

fn finish(generator: &mut SchemaGenerator, title: &str, root: Value) -> Value {
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": title,
        "allOf": [root],
        "definitions": generator.take_definitions(true),
    });
    name(&mut schema);
    flow(&mut schema);
    loosen(&mut schema);
    schema
}

/// Puts in the names that only the program knows.
fn name(schema: &mut Value) {
    for (pointer, names) in names() {
        if let Some(Value::Object(text)) = schema.pointer_mut(pointer) {
            text.insert("enum".to_owned(), names.into());
        }
    }
    for (pointer, bounds) in bounds() {
        if let (Some(Value::Object(part)), Value::Object(bounds)) =
            (schema.pointer_mut(pointer), bounds)
        {
            part.extend(bounds);
        }
    }
    // Some names of checksums go on with a seed.
    if let Some(checksum) = schema.pointer_mut(CHECKSUM) {
        let seeded = json!({"type": "string", "pattern": "^marvin32(-url)?:[0-9A-Fa-f]{16}$"});
        *checksum = json!({"anyOf": [checksum.take(), seeded]});
    }
}

/// Descriptions are paragraphs; where the lines of a comment end says nothing.
fn flow(schema: &mut Value) {
    each(schema, &mut |object| {
        if let Some(Value::String(text)) = object.get_mut("description") {
            let paragraphs = text.split("\n\n").map(|one| one.replace('\n', " "));
            *text = paragraphs.collect::<Vec<_>>().join("\n\n");
        }
    });
}

/// Adds what the dialect of YAML takes beside what a type says.
fn loosen(schema: &mut Value) {
    each(schema, &mut |object| {
        let required = object.get("required").and_then(Value::as_array).cloned();
        let required = required.unwrap_or_default();
        if let Some(Value::Object(properties)) = object.get_mut("properties") {
            for (name, property) in properties.iter_mut() {
                let optional = !required.iter().any(|other| other == name.as_str());
                widen(property, optional);
            }
        }
        if let Some(values @ Value::Object(_)) = object.get_mut("additionalProperties") {
            widen(values, false);
        }
    });
}

/// A list of texts may be one text; what is optional may be null.
fn widen(property: &mut Value, optional: bool) {
    let Value::Object(object) = property else { return };
    let mut forms = vec![Value::Object(shape(object))];
    if let Some(item) = forms.first().and_then(|form| form.get("items"))
        && is_scalar(item)
    {
        forms.push(item.clone());
    }
    if optional && !forms.iter().any(takes_null) {
        forms.push(json!({"type": "null"}));
    }
    match forms.as_slice() {
        [Value::Object(only)] => object.extend(only.clone()),
        _ => _ = object.insert("anyOf".to_owned(), forms.into()),
    }
}

/// What of a property's schema says what it must be, taken out of it.
fn shape(property: &mut Map<String, Value>) -> Map<String, Value> {
    let said = |key: &String| matches!(key.as_str(), "default" | "description" | "title");
    let keys: Vec<String> = property.keys().filter(|key| !said(key)).cloned().collect();
    keys.into_iter().filter_map(|key| property.remove_entry(&key)).collect()
}

/// Whether what a list holds is written as a text.
fn is_scalar(item: &Value) -> bool {
    let named = item.get("$ref").and_then(Value::as_str).unwrap_or_default();
    let scalar = ["/Glob", "/Signal", "/FingerprintKey", "/Date"];
    item.get("type").is_some_and(|kind| kind == "string")
        || scalar.iter().any(|name| named.ends_with(name))
}

fn takes_null(schema: &Value) -> bool {
    let kind = schema.get("type");
    let listed = kind.and_then(Value::as_array).is_some_and(|kinds| kinds.contains(&json!("null")));
    let any = schema.get("anyOf").and_then(Value::as_array);
    listed || kind == Some(&json!("null")) || any.is_some_and(|forms| forms.iter().any(takes_null))
}

/// Visits each object of a schema, the inner ones first.
fn each(schema: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(|inner| each(inner, visit));
            visit(object);
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| each(inner, visit)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::rules::fields::fields_of;
    use crate::scrub::rule::Keys;
    use crate::scrub::rule::Rule;
    use crate::scrub::rule::allow::Allow;
    use crate::scrub::rule::condition::Condition;
    use crate::scrub::rule::condition::Near;
    use crate::scrub::rule::extend::Extend;
    use crate::scrub::rule::pack;
    use crate::scrub::scrubber::Shadow;
    use crate::scrub::yaml;
    use serde::de::DeserializeOwned;

    fn check<T: DeserializeOwned + JsonSchema>() {
        let schema = definition::<T>();
        let mut said: Vec<&str> = fields_of::<T>().to_vec();
        said.sort_unstable();
        let properties = schema["properties"].as_object().expect("a struct");
        let mut listed: Vec<&str> = properties.keys().map(String::as_str).collect();
        listed.sort_unstable();
        assert_eq!(said, listed, "{}", T::schema_name());
        assert!(!said.is_empty());
        assert_eq!(schema["additionalProperties"], json!(false), "{}", T::schema_name());
    }

    #[test]
    fn the_schema_has_the_keys_that_the_reader_has() {
        check::<RuleFile>();
        check::<Rule>();
        check::<Keys>();
        check::<Allow>();
        check::<Condition>();
        check::<Near>();
        check::<Extend>();
        check::<Settings>();
        check::<Shadow>();
    }

    #[test]
    fn names_stand_where_they_are_put() {
        let schema = of_rule_files();
        let text = schema.to_string();
        for (_, names) in names() {
            let list = Value::from(names).to_string();
            assert!(text.contains(&list), "{list}");
        }
    }

    fn json_of(yaml: &str) -> Value {
        yaml::read(yaml).expect("YAML")
    }

    #[test]
    fn the_packed_rules_are_valid() {
        let schema = jsonschema::draft7::new(&of_rule_files()).expect("a schema");
        for (file, text) in pack::packs() {
            let faults: Vec<String> = schema
                .iter_errors(&json_of(text))
                .map(|fault| format!("{file}: {}: {fault}", fault.instance_path()))
                .collect();
            assert!(faults.is_empty(), "{}", faults.join("\n"));
        }
    }

    #[test]
    fn what_the_reader_says_the_schema_says() {
        let rule_file = jsonschema::draft7::new(&of_rule_files()).expect("a schema");
        for (yaml, takes) in [
            ("rules: [{id: a, pattern: abcd}]", true),
            ("rules:", true),
            ("{}", true),
            ("rules: [{id: a, keys: {exact: one}}]", true),
            ("rules: [{id: a, keys: {exact: [one, two]}, value: set-cookie}]", true),
            ("rules: [{id: a, where: {signals: logs, resource: {service.name: 'a-*'}}}]", true),
            ("rules: [{id: a, where: {places: [attributes], scope: }}]", true),
            ("rules: [{id: a, validate: [{entropy-min: 3.5}, {has: [digit]}]}]", true),
            ("rules: [{id: a, examples: [text, {key: k, text: t}]}]", true),
            ("allow: [{pattern: x, owner: a, reason: b, expires: 2027-01-31}]", true),
            ("extend: [{rules: 'jwt', dry_run: true, mask: fixed}]", true),
            ("rule: []", false),
            ("rules: [{pattern: abcd}]", false),
            ("rules: [{id: a, patern: abcd}]", false),
            ("rules: [{id: 5}]", false),
            ("rules: [{id: a, severity: huge}]", false),
            ("rules: [{id: a, action: explode}]", false),
            ("rules: [{id: a, near: {within: 5}}]", false),
            ("rules: [{id: a, near: {words: [x], within: -1}}]", false),
            ("rules: [{id: a, validate: [{checksums: x}]}]", false),
            ("rules: [{id: a, where: {signals: [events]}}]", false),
            ("rules: [{id: a, dry_run: 'yes'}]", false),
            ("allow: [{pattern: x, owner: a}]", false),
            ("extend: [{severity: low}]", false),
        ] {
            assert_eq!(yaml::read::<RuleFile>(yaml).is_ok(), takes, "the reader: {yaml}");
            assert_eq!(rule_file.is_valid(&json_of(yaml)), takes, "the schema: {yaml}");
        }
    }

    #[test]
    fn the_schema_knows_what_is_checked_when_a_rule_is_compiled() {
        let whole = of_rule_files();
        for (pointer, bounds) in bounds() {
            let part = whole.pointer(pointer).map(Value::to_string).unwrap_or_default();
            for (key, value) in bounds.as_object().expect("an object") {
                assert!(part.contains(&format!("\"{key}\":{value}")), "{pointer}: {part}");
            }
        }
        let schema = jsonschema::draft7::new(&whole).expect("a schema");
        for (yaml, takes) in [
            ("rules: [{id: a-1, pattern: abcd, near: {words: x, within: 4096}}]", true),
            ("rules: [{id: A b, pattern: abcd}]", false),
            ("rules: [{id: a, pattern: ''}]", false),
            ("rules: [{id: a, pattern: abcd, near: {words: []}}]", false),
            ("rules: [{id: a, pattern: abcd, near: {words: [x], within: 0}}]", false),
            ("rules: [{id: a, pattern: abcd, validate: [{entropy-min: 9}]}]", false),
            ("allow: [{pattern: x, owner: a, reason: b, expires: soon}]", false),
            ("allow: [{fingerprint: '1f2e:3d4c', owner: a, reason: b}]", false),
            ("allow: [{fingerprint: '1f2e:3d4c5b6a79881f2e', owner: a, reason: b}]", true),
        ] {
            assert_eq!(schema.is_valid(&json_of(yaml)), takes, "{yaml}");
        }
    }

    #[test]
    fn a_configuration_is_checked_in_its_scrubbers_only() {
        let schema = jsonschema::draft7::new(&of_configurations()).expect("a schema");
        for (yaml, takes) in [
            ("receivers: {otlp: 5}", true),
            ("processors: {batch: {anything: 1}, scrubber: , scrubber/b: {mask: fixed}}", true),
            ("processors: {scrubber: {rule_files: a.yaml, packs: [jwt, aws]}}", true),
            ("processors: {scrubber: {dry_run: '${env:DRY}', mask: '${env:MASK:-fixed}'}}", true),
            ("processors: {scrubber: {shadow: {sample_ratio: '${env:RATIO}'}}}", true),
            ("processors: {scrubber: {allow: '${file:allow.yaml}', disable: ['${env:A}']}}", true),
            ("processors: {scrubber: {extend: [{rules: jwt, dry_run: '${env:DRY}'}]}}", true),
            ("processors: {scrubber: {dry_run: 'yes'}}", false),
            ("processors: {scrubber: {dry_run: 'no ${env:DRY}'}}", false),
            ("processors: {scrubber: {maks: fixed}}", false),
            ("processors: {scrubber/own: {rules: [{id: a, patern: b}]}}", false),
        ] {
            assert_eq!(schema.is_valid(&json_of(yaml)), takes, "{yaml}");
        }
    }
}
