//! `rules import`: the rules of a Gitleaks configuration, as a rule file.
//!
//! What comes out loads: each rule is compiled before it is written, and one that is
//! refused is left out and reported with the way out that the refusal names. So is
//! everything else that could not be carried over.

mod anchors;
mod convert;
mod source;
mod write;

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::rules::RulesError;
use crate::cli::rules::import::convert::Entry;
use crate::cli::rules::import::convert::Imported;
use crate::cli::rules::import::source::File;
use crate::cli::rules::packed;
use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::rule::RuleFile;
use crate::scrub::yaml;

/// A rule file and what is to be said of it.
pub(in crate::cli::rules) struct Import {
    /// The rule file.
    pub(in crate::cli::rules) yaml: String,
    /// A line for each thing that could not be carried over.
    pub(in crate::cli::rules) lost: Vec<String>,
    /// How many rules there are.
    pub(in crate::cli::rules) rules: usize,
    /// How many there were.
    pub(in crate::cli::rules) rules_before: usize,
}

/// Imports a file.
///
/// # Errors
///
/// When it cannot be read, or is no TOML of that kind.
pub(in crate::cli::rules) fn import(path: &Path) -> Result<Import, RulesError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|reason| RulesError::Io { file: name.clone(), reason })?;
    let file: File = toml::from_str(&text).map_err(|error| {
        // The error's own text quotes the line.
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.lines().count().max(1);
        RulesError::Toml { file: name, line, reason: error.message().to_owned() }
    })?;
    let mut taken = BTreeSet::new();
    for (_, rule) in packed::rules()? {
        taken.insert(rule.id);
    }
    Ok(convert(&file, taken))
}

fn convert(file: &File, mut taken: BTreeSet<String>) -> Import {
    let mut lost = Vec::new();
    if let Some(extend) = &file.extend {
        if extend.use_default || extend.path.is_some() {
            lost.push(
                "extend: only the rules of this file are imported; the packed rules run beside them"
                    .to_owned(),
            );
        }
        if !extend.disabled_rules.is_empty() {
            lost.push("extend.disabledRules: see `disable`, with ids of packed rules".to_owned());
        }
    }
    for key in file
        .rest
        .keys()
        .filter(|key| !["title", "description", "minVersion"].contains(&key.as_str()))
    {
        lost.push(format!("`{key}` has no counterpart"));
    }
    let mut rules: Vec<Imported> = Vec::new();
    for (number, rule) in file.rules.iter().enumerate() {
        let mut id = convert::kebab(&rule.id);
        if id.is_empty() {
            id = format!("imported-{number}");
        }
        if taken.contains(&id) {
            // A rule with the id of a packed one would take its place.
            lost.push(format!("{id}: renamed to import-{id}, since a rule has this id"));
            id = format!("import-{id}");
        }
        if !taken.insert(id.clone()) {
            lost.push(format!("{id}: left out: a second rule of this id"));
            continue;
        }
        let mut of_rule = Vec::new();
        let imported = convert::rule(rule, id.clone(), &mut of_rule)
            .and_then(|imported| loads(&imported, &mut of_rule));
        match imported {
            Ok(imported) => rules.push(imported),
            Err(why) => {
                of_rule.clear();
                lost.push(format!("{id}: left out: {why}"));
            }
        }
        lost.extend(of_rule.into_iter().map(|what| format!("{id}: {what}")));
    }
    let mut of_all = Vec::new();
    let mut allow: Vec<Entry> =
        file.allowlists().flat_map(|list| convert::entries(list, &mut of_all)).collect();
    allow.retain(|entry| match fault(&write::file(&[], std::slice::from_ref(entry))) {
        None => true,
        Some(why) => {
            of_all.push(format!("an entry of the allowlist was left out: {why}"));
            false
        }
    });
    lost.extend(of_all.into_iter().map(|what| format!("allowlist: {what}")));
    let yaml = write::file(&rules, &allow);
    Import { yaml, lost, rules: rules.len(), rules_before: file.rules.len() }
}

/// The rule, if it compiles; without those of its allow entries that do not.
fn loads(imported: &Imported, lost: &mut Vec<String>) -> Result<Imported, String> {
    let bare = Imported { allow: Vec::new(), ..imported.clone() };
    let compiles = |rule: &Imported| fault(&write::file(std::slice::from_ref(rule), &[]));
    if let Some(why) = compiles(&bare) {
        return Err(why);
    }
    let mut whole = imported.clone();
    whole.allow.retain(|entry| {
        let with = Imported { allow: vec![entry.clone()], ..bare.clone() };
        match compiles(&with) {
            None => true,
            Some(why) => {
                lost.push(format!("an entry of its allowlist was left out: {why}"));
                false
            }
        }
    });
    Ok(whole)
}

/// Why a rule file does not load.
fn fault(yaml: &str) -> Option<String> {
    let file: RuleFile = match yaml::read(yaml) {
        Ok(file) => file,
        Err(fault) => return Some(fault.what()),
    };
    let settings = Settings { rules: file.rules, allow: file.allow, ..Settings::default() };
    Scrubber::without_packs(&settings).err().map(|fault| fault.what())
}
