//! The settings of the scrubber, as `processors.scrubber` in the YAML spells them.

use serde::Deserialize;

use crate::scrub::MaskKind;
use crate::scrub::fingerprint::FingerprintKey;
use crate::scrub::otlp::InvalidUtf8;
use crate::scrub::otlp::UnknownFields;
use crate::scrub::rule::Confidence;
use crate::scrub::rule::Keys;
use crate::scrub::rule::Rule;
use crate::scrub::rule::RuleFile;
use crate::scrub::rule::allow::Allow;
use crate::scrub::rule::date::Date;
use crate::scrub::rule::extend::Extend;
use crate::scrub::rule::glob::Glob;
use crate::scrub::scrubber::Shadow;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Origin;

/// `processors.scrubber`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Rules of your own; one with the id of a packed rule replaces it.
    pub rules: Vec<Rule>,
    // The pure half reads no file: whoever reads the configuration calls `Settings::add`.
    /// Files with more rules, read when the configuration is; the last part of a path may
    /// hold a `*`.
    pub rule_files: Vec<String>,
    /// Which of the packs run, by the names of their files without `.yaml`; all, where
    /// left out. `*` stands for any characters.
    pub packs: Option<Vec<Glob>>,
    /// Ids of packed rules that do not run; `*` stands for any characters.
    pub disable: Vec<Glob>,
    /// Ids of packed rules that find what is meant to be seen (a Stripe `pk_` key),
    /// and run only when asked for; `*` stands for any characters.
    pub enable: Vec<Glob>,
    /// Changes to rules, packed ones too.
    pub extend: Vec<Extend>,
    /// What is left though a rule finds it.
    pub allow: Vec<Allow>,
    /// Keys whose values are no secrets though their names look so.
    pub not_secret_keys: Keys,
    /// Matches that are less sure are left: `low`, `medium`, `high`.
    pub min_confidence: MinConfidence,
    /// Matches are counted and explained, and nothing is changed: the data is forwarded
    /// as it is.
    pub dry_run: bool,
    /// What takes the place of a secret: `label`, `fixed`, `partial`, `fingerprint`,
    /// `structure`.
    pub mask: MaskKind,
    /// The key of fingerprints; 16 bytes and more. Give it as `${env:…}` or `${file:…}`.
    pub fingerprint_key: FingerprintKey,
    /// Keys of before: fingerprints under them are still told by `allow`.
    pub fingerprint_keys_previous: Vec<FingerprintKey>,
    /// The connector to which records go in which a rule with `action: route` finds
    /// something, such as `forward/quarantine`.
    pub route: Option<String>,
    /// Fields that the schema does not know: `drop`, `scan` or `refuse`.
    pub unknown_fields: UnknownFields,
    /// Texts that are not UTF-8: `replace`, `keep` or `refuse`.
    pub invalid_utf8: InvalidUtf8,
    /// How much memory, in MiB, long texts may take in which nothing was found,
    /// attributes and short texts, so that they are not searched again when they come again;
    /// 0: none is kept.
    pub known_texts_mib: KnownTexts,
    /// A candidate rule set that sees a sample of the requests and changes nothing: what it
    /// would add, lose and change is counted and told.
    pub shadow: Option<Box<Shadow>>,
    /// The settings of that candidate, once its files were read.
    #[serde(skip)]
    pub candidate: Option<Box<Self>>,
    /// Which day it is, for `expires`. `None`: nobody said.
    #[serde(skip)]
    pub today: Option<Date>,
    /// `shadow.disable`, in the settings of the candidate.
    #[serde(skip)]
    pub shadow_disable: Vec<Glob>,
    /// Where the settings were read.
    #[serde(skip)]
    pub origin: Origin,
    /// Where each entry of `allow` was read; those without one in the settings.
    #[serde(skip)]
    pub allow_origins: Vec<Origin>,
}

/// `min_confidence`: everything is masked where it is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(transparent)]
pub struct MinConfidence(pub Confidence);

impl Default for MinConfidence {
    fn default() -> Self {
        Self(Confidence::Low)
    }
}

/// `known_texts_mib`: 8 where it is left out, which are some hundred conversations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(transparent)]
pub struct KnownTexts(pub u16);

impl Default for KnownTexts {
    fn default() -> Self {
        Self(8)
    }
}

impl KnownTexts {
    /// In bytes.
    pub fn bytes(self) -> usize {
        usize::from(self.0) << 20
    }
}

impl Settings {
    /// Notes where the settings were read: `node`, in which `path` stands for them.
    pub fn read_from(&mut self, node: &Node) {
        self.origin = Origin::new(String::new(), Some(node));
        mark(&mut self.rules, &mut self.extend, "", node);
        self.allow_origins = origins("", "allow", node, self.allow.len());
    }

    /// Adds what a rule file says; `path` is where the settings name it, `node` what it
    /// was read from.
    pub fn add(&mut self, mut file: RuleFile, path: &str, node: &Node) {
        mark(&mut file.rules, &mut file.extend, path, node);
        self.allow_origins.resize(self.allow.len(), Origin::default());
        self.allow_origins.extend(origins(path, "allow", node, file.allow.len()));
        self.rules.append(&mut file.rules);
        self.extend.append(&mut file.extend);
        self.allow.append(&mut file.allow);
        self.not_secret_keys.append(&file.not_secret_keys);
    }

    /// Lays a rule file over these settings: a rule with the id of one of these takes its
    /// place. `path` and `node` as for [`Settings::add`].
    pub fn lay_over(&mut self, file: RuleFile, path: &str, node: &Node) {
        self.rules.retain(|old| !file.rules.iter().any(|rule| rule.id == old.id));
        self.add(file, path, node);
    }

    /// What whoever runs these settings should know: allow entries that count no more,
    /// rules that change nothing.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.dry_run {
            warnings.push(
                "dry_run: NOTHING IS MASKED: credentials are counted and forwarded as they are"
                    .to_owned(),
            );
        }
        let runs_no_pack = self.packs.as_ref().is_some_and(Vec::is_empty)
            || self.disable.iter().any(|glob| glob.as_str() == "*");
        if runs_no_pack && self.rules.is_empty() {
            let setting = if self.packs.is_some() { "packs" } else { "disable" };
            warnings.push(format!(
                "{setting}: no rule is left: NOTHING IS MASKED, all is forwarded as it is"
            ));
        }
        for (number, rule) in self.rules.iter().enumerate() {
            if rule.dry_run {
                let path = path_of(&rule.origin, "rules", number);
                warnings.push(format!(
                    "{path}.dry_run: what `{}` finds is counted and NOT masked",
                    rule.id
                ));
            }
            self.expired(
                &rule.allow,
                |at| match &rule.origin.node {
                    Some(_) => rule.origin.fault(&format!("allow[{at}].expires"), "", "").path,
                    None => format!("rules[{number}].allow[{at}].expires"),
                },
                &mut warnings,
            );
        }
        for (number, extend) in self.extend.iter().enumerate() {
            let path = path_of(&extend.origin, "extend", number);
            if extend.dry_run == Some(true) {
                let ids: Vec<&str> = extend.rules.iter().map(Glob::as_str).collect();
                let ids = ids.join(", ");
                warnings.push(format!("{path}.dry_run: what {ids} find is counted and NOT masked"));
            }
            self.expired(&extend.allow, |at| format!("{path}.allow[{at}].expires"), &mut warnings);
        }
        let of_settings = |at: usize| {
            let origin = self.allow_origins.get(at).cloned().unwrap_or_default();
            format!("{}.expires", path_of(&origin, "allow", at))
        };
        self.expired(&self.allow, of_settings, &mut warnings);
        warnings
    }

    fn expired(
        &self,
        entries: &[Allow],
        path: impl Fn(usize) -> String,
        warnings: &mut Vec<String>,
    ) {
        for (at, entry) in entries.iter().enumerate() {
            if let Some(expires) = entry.expires
                && !entry.counts_on(self.today)
            {
                let Allow { owner, .. } = entry;
                warnings.push(format!(
                    "{}: the entry expired on {expires} and counts no more: its value is masked \
                     again; its owner is {owner}",
                    path(at)
                ));
            }
        }
    }
}

fn path_of(origin: &Origin, list: &str, number: usize) -> String {
    match origin.path.as_str() {
        "" => format!("{list}[{number}]"),
        path => path.to_owned(),
    }
}

fn mark(rules: &mut [Rule], extend: &mut [Extend], path: &str, node: &Node) {
    let origins_of_rules = origins(path, "rules", node, rules.len());
    for (rule, origin) in rules.iter_mut().zip(origins_of_rules) {
        rule.origin = origin;
    }
    let origins_of_extend = origins(path, "extend", node, extend.len());
    for (extend, origin) in extend.iter_mut().zip(origins_of_extend) {
        extend.origin = origin;
    }
}

/// Where the elements of a list stand.
fn origins(path: &str, list: &str, node: &Node, len: usize) -> Vec<Origin> {
    let dot = if path.is_empty() { "" } else { "." };
    let node = node.get(list);
    (0..len)
        .map(|at| {
            let element = node.and_then(|node| node.element(at));
            Origin::new(format!("{path}{dot}{list}[{at}]"), element)
        })
        .collect()
}
