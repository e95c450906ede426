//! A Gitleaks (or Betterleaks) configuration, as far as there is a counterpart here.
//!
//! Keys without one are kept by name, so that the report can say that they were left out.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::cli::rules::import) struct File {
    pub(in crate::cli::rules::import) rules: Vec<Rule>,
    /// For every rule; the older spelling.
    allowlist: Option<Allowlist>,
    allowlists: Vec<Allowlist>,
    pub(in crate::cli::rules::import) extend: Option<Extend>,
    #[serde(flatten)]
    pub(in crate::cli::rules::import) rest: BTreeMap<String, toml::Value>,
}

impl File {
    /// The entries for every rule, in both spellings.
    pub(in crate::cli::rules::import) fn allowlists(&self) -> impl Iterator<Item = &Allowlist> {
        self.allowlist.iter().chain(&self.allowlists)
    }
}

/// What the configuration builds on.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cli::rules::import) struct Extend {
    pub(in crate::cli::rules::import) use_default: bool,
    pub(in crate::cli::rules::import) path: Option<String>,
    pub(in crate::cli::rules::import) disabled_rules: Vec<String>,
}

/// A rule.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cli::rules::import) struct Rule {
    pub(in crate::cli::rules::import) id: String,
    pub(in crate::cli::rules::import) description: String,
    pub(in crate::cli::rules::import) regex: Option<String>,
    /// Files that it looks into.
    pub(in crate::cli::rules::import) path: Option<String>,
    /// Which group is the secret; zero: the first one, or all where there is none.
    pub(in crate::cli::rules::import) secret_group: usize,
    pub(in crate::cli::rules::import) entropy: Option<f64>,
    pub(in crate::cli::rules::import) keywords: Vec<String>,
    allowlist: Option<Allowlist>,
    allowlists: Vec<Allowlist>,
    #[serde(flatten)]
    pub(in crate::cli::rules::import) rest: BTreeMap<String, toml::Value>,
}

impl Rule {
    /// Its own entries, in both spellings.
    pub(in crate::cli::rules::import) fn allowlists(&self) -> impl Iterator<Item = &Allowlist> {
        self.allowlist.iter().chain(&self.allowlists)
    }
}

/// What is left.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::cli::rules::import) struct Allowlist {
    pub(in crate::cli::rules::import) description: String,
    /// `OR` (also `||`), or `AND`: whether one of the criteria is enough.
    pub(in crate::cli::rules::import) condition: String,
    pub(in crate::cli::rules::import) commits: Vec<String>,
    pub(in crate::cli::rules::import) paths: Vec<String>,
    /// What `regexes` look at: the secret, the match, or the line.
    pub(in crate::cli::rules::import) regex_target: String,
    pub(in crate::cli::rules::import) regexes: Vec<String>,
    pub(in crate::cli::rules::import) stopwords: Vec<String>,
    pub(in crate::cli::rules::import) target_rules: Vec<String>,
}
