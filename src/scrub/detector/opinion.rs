//! Compiled validators: second opinions on a candidate.

use std::collections::HashMap;
use std::sync::Arc;

use crate::scrub::detector::RuleFault;
use crate::scrub::detector::confirm::Pattern;
use crate::scrub::rule::Validator;
use crate::scrub::rule::validator;
use crate::scrub::yaml::closest;

/// A compiled validator.
pub(super) enum Opinion {
    Checksum(String),
    EntropyMin(f32),
    Structure(String),
    Has(Vec<String>),
    Not(Vec<Arc<Pattern>>),
}

/// The patterns of what is no secret. Many rules name the same ones, which are compiled once.
#[derive(Default)]
pub(super) struct OtherPatterns(HashMap<String, Arc<Pattern>>);

impl OtherPatterns {
    /// The compiled pattern.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn compiled(&mut self, pattern: &str) -> Result<Arc<Pattern>, String> {
        if let Some(known) = self.0.get(pattern) {
            return Ok(Arc::clone(known));
        }
        let (compiled, _) = Pattern::new(pattern, &[], true)?;
        let compiled = Arc::new(compiled);
        self.0.insert(pattern.to_owned(), Arc::clone(&compiled));
        Ok(compiled)
    }
}

/// What a text can have of Shannon entropy, in bits a byte.
const ENTROPY: std::ops::RangeInclusive<f32> = 0.0..=8.0;

impl Opinion {
    /// Compiles the validator at a place in the rule's list.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub(super) fn new(
        entry: &Validator,
        at: usize,
        others: &mut OtherPatterns,
    ) -> Result<Self, RuleFault> {
        let within = |setting: &str| format!("validate[{at}].{setting}");
        let unknown = |what: &str, word: &str, accepted: &[&str]| {
            let advice = closest::advice(word, accepted);
            RuleFault::new(&within(what), &format!("unknown {what}")).with_advice(advice)
        };
        Ok(match entry {
            Validator::Checksum(name) if validator::is_checksum(name) => {
                Self::Checksum(name.clone())
            }
            Validator::Checksum(name) => {
                return Err(unknown("checksum", name, &validator::CHECKSUMS));
            }
            Validator::EntropyMin(bits) if ENTROPY.contains(bits) => Self::EntropyMin(*bits),
            Validator::EntropyMin(_) => {
                let expected = "expected 0 to 8 bits a character";
                return Err(RuleFault::new(&within("entropy-min"), expected));
            }
            Validator::Structure(name) => {
                if !validator::STRUCTURES.contains(&name.as_str()) {
                    return Err(unknown("structure", name, &validator::STRUCTURES));
                }
                Self::Structure(name.clone())
            }
            Validator::Has(classes) => {
                let known = &validator::CLASSES;
                let mut classes_in_order = classes.iter().enumerate();
                if let Some((number, class)) =
                    classes_in_order.find(|(_, class)| !known.contains(&class.as_str()))
                {
                    let setting = within(&format!("has[{number}]"));
                    let advice = closest::advice(class, known);
                    return Err(RuleFault::new(&setting, "unknown class").with_advice(advice));
                }
                Self::Has(classes.clone())
            }
            Validator::Not(patterns) => {
                let compile = |(number, pattern): (usize, &String)| {
                    let fault = |expected: String| {
                        RuleFault::new(&within(&format!("not[{number}]")), &expected)
                    };
                    others.compiled(pattern).map_err(fault)
                };
                let patterns: Result<Vec<_>, _> =
                    patterns.iter().enumerate().map(compile).collect();
                Self::Not(patterns?)
            }
        })
    }

    /// Whether a candidate may be a secret.
    pub(super) fn accepts(&self, secret: &[u8]) -> bool {
        match self {
            // One that fails never unmasks: published checksums fail on real tokens.
            Self::Checksum(_) => true,
            Self::EntropyMin(bits) => *bits <= validator::entropy(secret),
            Self::Structure(name) => validator::structure(name, secret).unwrap_or(true),
            Self::Has(classes) => classes.iter().all(|class| {
                secret.iter().any(|byte| match class.as_str() {
                    "digit" => byte.is_ascii_digit(),
                    "upper" => byte.is_ascii_uppercase(),
                    "lower" => byte.is_ascii_lowercase(),
                    _ => byte.is_ascii_alphabetic(),
                })
            }),
            Self::Not(patterns) => patterns.iter().all(|p| p.matches_whole(secret).is_none()),
        }
    }
}
