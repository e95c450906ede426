//! Holds rules against their own examples.
//!
//! An example is expanded several times with different random parts. The rule must
//! find it alone, so that a weakened rule is noticed even where another would catch
//! the secret, and together with all others, where something must be masked.

use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::rule::Action;
use crate::scrub::rule::Example;
use crate::scrub::rule::Rule;
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
        // Where it applies and what is done about it is not what examples prove.
        let stripped = Rule {
            condition: None,
            action: Action::Mask,
            mask: None,
            dry_run: false,
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
    let own = scrubber.rules().get(..settings.rules.len()).unwrap_or_default();
    match prove(own, &scrubber)?.first() {
        None => Ok(()),
        Some(unproven) => {
            let rule = own.iter().find(|rule| rule.id == unproven.rule);
            let origin = rule.map(|rule| rule.origin.clone()).unwrap_or_default();
            let setting = format!("{}[{}]", unproven.list, unproven.number);
            Err(origin.fault(&setting, &unproven.what, "change the rule or the example"))
        }
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
            return Some("the rule finds nothing in it".to_owned());
        }
        if alone.scrub_bytes(&masked, key.as_deref()).0 != masked {
            return Some("its mask is found again".to_owned());
        }
        let masks = rule.condition.is_none() && !rule.dry_run && rule.action != Action::Tag;
        if masks && all.scrub_bytes(text.as_bytes(), key.as_deref()).1.is_empty() {
            return Some("with all rules, nothing is found in it".to_owned());
        }
    }
    None
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
