//! A candidate rule set that is tried beside the live one, as `shadow` in the settings of
//! a scrubber spells it.

use serde::Deserialize;

use crate::scrub::rule::Rule;
use crate::scrub::rule::RuleFile;
use crate::scrub::rule::allow::Allow;
use crate::scrub::rule::extend::Extend;
use crate::scrub::rule::glob::Glob;
use crate::scrub::scrubber::Settings;
use crate::scrub::yaml::Node;

/// `shadow`: rules that see live requests, and change nothing of them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Shadow {
    /// Rules of the candidate; one with the id of a rule that runs takes its place.
    pub rules: Vec<Rule>,
    /// Files with more, as `rule_files` of the scrubber.
    pub rule_files: Vec<String>,
    /// Changes to rules, in the candidate only.
    pub extend: Vec<Extend>,
    /// Allow entries, in the candidate only.
    pub allow: Vec<Allow>,
    /// Ids of packed rules that the candidate does without; `*` stands for any characters.
    pub disable: Vec<Glob>,
    /// The share of requests that the candidate sees, 0 to 1.
    pub sample_ratio: Ratio,
}

/// A share: 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(try_from = "f64")]
pub struct Ratio(f64);

impl Ratio {
    /// Every request.
    pub const WHOLE: Self = Self(1.0);

    /// Of ten requests, how many are in the sample, if asked of each in turn: `number` is
    /// how many came before.
    pub fn takes(self, number: u64) -> bool {
        let before = (number as f64 * self.0).floor();
        let with = ((number + 1) as f64 * self.0).floor();
        before < with
    }
}

impl Default for Ratio {
    /// Little enough that a candidate costs about a tenth of what the live rules do.
    fn default() -> Self {
        Self(0.1)
    }
}

impl TryFrom<f64> for Ratio {
    type Error = &'static str;

    fn try_from(share: f64) -> Result<Self, Self::Error> {
        match (0.0..=1.0).contains(&share) {
            true => Ok(Self(share)),
            false => Err("expected a share from 0 to 1"),
        }
    }
}

impl Settings {
    /// The settings of the candidate, if there is one. `files` are those that
    /// `shadow.rule_files` names, each with its path and what it was read from.
    pub fn candidate(&self, files: Vec<(RuleFile, String, Node)>) -> Option<Self> {
        let mut candidate = self.clone();
        let Shadow { rules, extend, allow, disable, .. } = *candidate.shadow.take()?;
        candidate.shadow_disable = disable;
        let own = RuleFile { rules, extend, allow, ..RuleFile::default() };
        let node = self.origin.node.as_ref().and_then(|node| node.get("shadow")).cloned();
        candidate.lay_over(own, "shadow", &node.unwrap_or_else(Node::null));
        for (file, path, node) in files {
            candidate.lay_over(file, &path, &node);
        }
        Some(candidate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_requests_is_taken_evenly() {
        let taken = |share: f64| {
            let ratio = Ratio::try_from(share).expect("a share");
            (0..100).filter(|number| ratio.takes(*number)).count()
        };
        assert_eq!([taken(0.0), taken(0.25), taken(0.5), taken(1.0)], [0, 25, 50, 100]);
        assert!(Ratio::try_from(1.5).is_err());
    }
}
