//! Changes to rules that stand elsewhere: `extend`.

use serde::Deserialize;

use crate::scrub::MaskKind;
use crate::scrub::rule::Action;
use crate::scrub::rule::Confidence;
use crate::scrub::rule::Keys;
use crate::scrub::rule::Rule;
use crate::scrub::rule::Severity;
use crate::scrub::rule::Validator;
use crate::scrub::rule::allow::Allow;
use crate::scrub::rule::condition::Condition;
use crate::scrub::rule::condition::Near;
use crate::scrub::rule::glob::Glob;
use crate::scrub::yaml::Origin;

/// What is changed in the rules with these ids. Lists are added to, all else is
/// replaced.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Extend {
    /// Ids; `*` stands for anything.
    pub rules: Vec<Glob>,
    /// Replaces `severity`.
    #[serde(default)]
    pub severity: Option<Severity>,
    /// Replaces `confidence`.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// Replaces `mask`.
    #[serde(default)]
    pub mask: Option<MaskKind>,
    /// Replaces `action`.
    #[serde(default)]
    pub action: Option<Action>,
    /// Replaces `dry_run`.
    #[serde(default)]
    pub dry_run: Option<bool>,
    /// Replaces `where`.
    #[serde(default, rename = "where")]
    pub condition: Option<Condition>,
    /// Replaces `near`.
    #[serde(default)]
    pub near: Option<Near>,
    /// Added to `allow`.
    #[serde(default)]
    pub allow: Vec<Allow>,
    /// Added to `keys`; only for rules that have some.
    #[serde(default)]
    pub keys: Keys,
    /// Added to `validate`.
    #[serde(default)]
    pub validate: Vec<Validator>,
    /// Where it was read.
    #[serde(skip)]
    pub origin: Origin,
}

impl Extend {
    /// Whether it speaks of the rule with this id.
    pub fn names(&self, id: &str) -> bool {
        self.rules.iter().any(|glob| glob.matches(id.as_bytes()))
    }

    /// Changes `rule`. `false`: it has no keys to add keys to, and stays as it is.
    pub fn apply(&self, rule: &mut Rule) -> bool {
        if !self.keys.is_empty() && rule.keys.is_empty() {
            return false;
        }
        rule.keys.append(&self.keys);
        rule.severity = self.severity.unwrap_or(rule.severity);
        rule.confidence = self.confidence.or(rule.confidence);
        rule.mask = self.mask.or(rule.mask);
        rule.action = self.action.unwrap_or(rule.action);
        rule.dry_run = self.dry_run.unwrap_or(rule.dry_run);
        rule.condition = self.condition.clone().or_else(|| rule.condition.take());
        rule.near = self.near.clone().or_else(|| rule.near.take());
        rule.allow.extend(self.allow.iter().cloned());
        rule.validate.extend(self.validate.iter().cloned());
        true
    }
}
