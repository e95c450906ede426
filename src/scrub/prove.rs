//! Holds rules against their own examples.
//!
//! An example is expanded several times with different random parts. The rule must
//! find it alone, so that a weakened rule is noticed even where another would catch
//! the secret, and together with all others, where something must be masked.

use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::explain::Explanation;
use crate::scrub::explain::Outcome;
use crate::scrub::rule::Action;
use crate::scrub::rule::Example;
use crate::scrub::rule::Rule;
use crate::scrub::rule::allow::Allow;
use crate::scrub::rule::template;
use crate::scrub::yaml::YamlError;

/// How often an example is expanded.
const EXPANSIONS: u64 = 8;

/// An example that does not prove its rule. Holds no part of the example.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule {rule}: {list}[{number}]: {what}")]
pub struct Unproven {
    /// The id of the rule.
    pub rule: String,
    /// `examples` or `counterexamples`.
    pub list: &'static str,
    /// Which one, from zero.
    pub number: usize,
    /// What did not hold.
    pub what: String,
}

/// Runs the examples of `rules`; `all` are the rules that will really run.
///
/// # Errors
///
/// A rule that does not compile.
pub fn prove(rules: &[Rule], all: &Scrubber) -> Result<Vec<Unproven>, YamlError> {
    let mut unproven = Vec::new();
    for rule in rules {
        // Where it applies and what is done about it is not what examples prove. An entry
        // that leaves one value by its fingerprint leaves no example.
        let by_pattern = |entry: &&Allow| entry.fingerprint.is_none();
        let stripped = Rule {
            condition: None,
            action: Action::Mask,
            mask: None,
            dry_run: false,
            allow: rule.allow.iter().filter(by_pattern).cloned().collect(),
            ..rule.clone()
        };
        let settings = Settings { rules: vec![stripped], ..Settings::default() };
        let alone = Scrubber::without_packs(&settings)?;
        for (number, example) in rule.examples.iter().enumerate() {
            if let Some(what) = missed(rule, example, &alone, all) {
                unproven.push(Unproven { rule: rule.id.clone(), list: "examples", number, what });
            }
        }
        for (number, example) in rule.counterexamples.iter().enumerate() {
            if let Some(what) = matched(example, &alone) {
                let list = "counterexamples";
                unproven.push(Unproven { rule: rule.id.clone(), list, number, what });
            }
        }
    }
    Ok(unproven)
}

/// Compiles settings and every pattern, and holds the rules of the user against their
/// own examples.
///
/// # Errors
///
/// The first fault, with its path below `processors.scrubber` and its line.
pub fn check(settings: &Settings) -> Result<(), YamlError> {
    let scrubber = Scrubber::new(settings)?;
    scrubber.compile_all()?;
    own(settings, &scrubber)
}

/// Holds the rules of `settings` against their own examples; `scrubber` is made of them.
///
/// # Errors
///
/// The first example that does not hold.
pub fn own(settings: &Settings, scrubber: &Scrubber) -> Result<(), YamlError> {
    let own = scrubber.rules().get(..settings.rules.len()).unwrap_or_default();
    match prove(own, scrubber)?.first() {
        None => Ok(()),
        Some(unproven) => Err(unproven.fault(own)),
    }
}

impl Unproven {
    /// The same as a fault in the text that one of `rules` was read from.
    pub fn fault(&self, rules: &[Rule]) -> YamlError {
        let rule = rules.iter().find(|rule| rule.id == self.rule);
        let mut origin = rule.map(|rule| rule.origin.clone()).unwrap_or_default();
        if origin.path.is_empty() {
            origin.path = self.rule.to_string();
        }
        let setting = format!("{}[{}]", self.list, self.number);
        origin.fault(&setting, &self.what, "change the rule or the example")
    }
}

/// What is wrong with an example that must match.
fn missed(rule: &Rule, example: &Example, alone: &Scrubber, all: &Scrubber) -> Option<String> {
    for seed in 0..EXPANSIONS {
        let (key, text) = match expand(example, seed) {
            Ok(expanded) => expanded,
            Err(fault) => return Some(fault),
        };
        let (masked, found) = alone.scrub_bytes(text.as_bytes(), key.as_deref());
        if !found.iter().any(|id| **id == *rule.id) {
            let why = stopped(alone.explain_text(text.as_bytes(), key.as_deref()), &rule.id);
            return Some(format!("the rule finds nothing in it{why}"));
        }
        if alone.scrub_bytes(&masked, key.as_deref()).0 != masked {
            return Some("its mask is found again".to_owned());
        }
        let masks = rule.condition.is_none() && !rule.dry_run && rule.action != Action::Tag;
        if masks && all.scrub_bytes(text.as_bytes(), key.as_deref()).1.is_empty() {
            let why = stopped(all.explain_text(text.as_bytes(), key.as_deref()), &rule.id);
            return Some(format!("with all rules, nothing is found in it{why}"));
        }
    }
    None
}

/// What stopped a rule, behind a colon; nothing where it did not come near.
fn stopped(explained: Vec<Explanation>, rule: &str) -> String {
    let candidates = explained.into_iter().flat_map(|one| one.candidates);
    let mut own = candidates.filter(|candidate| candidate.rule.as_deref() == Some(rule));
    let why = own.find_map(|candidate| match candidate.outcome {
        Outcome::Stopped { why } | Outcome::Left { why } => Some(format!(": {why}")),
        Outcome::Matched { .. } => None,
    });
    why.unwrap_or_default()
}

/// What is wrong with an example that must not match.
fn matched(example: &Example, alone: &Scrubber) -> Option<String> {
    for seed in 0..EXPANSIONS {
        let (key, text) = match expand(example, seed) {
            Ok(expanded) => expanded,
            Err(fault) => return Some(fault),
        };
        if !alone.scrub_bytes(text.as_bytes(), key.as_deref()).1.is_empty() {
            return Some("the rule finds something in it".to_owned());
        }
    }
    None
}

/// An example with its random parts.
fn expand(example: &Example, seed: u64) -> Result<(Option<String>, String), String> {
    let expand = |text: &str| template::expand(text, seed).map_err(|err| err.to_string());
    Ok(match example {
        Example::Text(text) => (None, expand(text)?),
        Example::Keyed { key, text } => (Some(key.clone()), expand(text)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_rule_that_does_not_hold_is_named() {
        let what = "the rule finds nothing in it".to_owned();
        for id in ["compared-secret", "aws-secret-access-key", "password-field"] {
            let unproven =
                Unproven { rule: id.to_owned(), list: "examples", number: 2, what: what.clone() };
            let fault = unproven.fault(&[]).to_string();
            assert!(fault.starts_with(&format!("{id}.examples[2]: ")), "{fault}");
        }
    }
}
