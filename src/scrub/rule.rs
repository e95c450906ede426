//! Rules: what a credential looks like, or under which key it stands.
//!
//! This file holds a rule as the YAML spells it. A rule carries its proof:
//! examples that it must match and counterexamples that it must not.

pub mod allow;
pub mod condition;
pub mod date;
mod example;
pub mod extend;
pub mod glob;
pub mod pack;
pub mod template;
pub mod validator;

use serde::Deserialize;

use crate::scrub::MaskKind;
use crate::scrub::rule::allow::Allow;
use crate::scrub::rule::condition::Condition;
use crate::scrub::rule::condition::Near;
use crate::scrub::rule::extend::Extend;
use crate::scrub::yaml::Origin;

/// A rule file: one of the embedded packs, or one of a user's.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RuleFile {
    /// The rules.
    pub rules: Vec<Rule>,
    /// Changes to rules that stand elsewhere.
    pub extend: Vec<Extend>,
    /// What is left though a rule finds it.
    pub allow: Vec<Allow>,
    /// Keys whose values are no secrets though their names look so; asked before
    /// the wide modes of any rule's `keys`.
    pub not_secret_keys: Keys,
}

/// One rule: a pattern, or keys, or both.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Kebab-case, unique; the mask shows it.
    pub id: String,
    /// What is found, in a few words.
    #[serde(default)]
    pub description: String,
    /// A linear-time regular expression (Rust `regex` syntax, ASCII classes); the
    /// group `secret`, where there is one, is what is masked. No other group has a name.
    /// `^` and `$` stand for the ends of the whole text: an attribute's value, a body.
    #[serde(default)]
    pub pattern: Option<String>,
    /// Literals of which every match of `pattern` holds at least one. Derived from
    /// the pattern's beginning where left out. A quote in one also stands for the escaped
    /// quote of a string of JSON, up to three strings deep.
    #[serde(default)]
    pub anchors: Vec<String>,
    /// Keys under which the value is secret.
    #[serde(default)]
    pub keys: Keys,
    /// What of a value under `keys` is secret.
    #[serde(default)]
    pub value: ValueForm,
    /// Second opinions on a candidate.
    #[serde(default)]
    pub validate: Vec<Validator>,
    /// Where the rule applies; everywhere, where left out.
    #[serde(default, rename = "where")]
    pub condition: Option<Condition>,
    /// Words that must stand close by.
    #[serde(default)]
    pub near: Option<Near>,
    /// What is left though this rule finds it.
    #[serde(default)]
    pub allow: Vec<Allow>,
    /// How sure a match is before a checksum says more. Left out: `medium`, and `low`
    /// for a rule that has only keys in wide modes.
    #[serde(default)]
    pub confidence: Option<Confidence>,
    /// What is done about a match.
    #[serde(default)]
    pub action: Action,
    /// What takes the place of a match, if not what the processor says.
    #[serde(default)]
    pub mask: Option<MaskKind>,
    /// Matches are counted and explained; nothing is changed.
    #[serde(default)]
    pub dry_run: bool,
    /// How bad a leak is.
    #[serde(default)]
    pub severity: Severity,
    /// A secret, or half of a credential pair.
    #[serde(default)]
    pub sensitivity: Sensitivity,
    /// How long the credential is worth something.
    #[serde(default)]
    pub lifetime: Lifetime,
    /// Where the format is documented.
    #[serde(default)]
    pub source: String,
    /// Texts in which the rule must find a secret; they are templates.
    #[serde(default)]
    pub examples: Vec<Example>,
    /// Texts in which it must find none.
    #[serde(default)]
    pub counterexamples: Vec<Example>,
    /// Where it was read.
    #[serde(skip)]
    pub origin: Origin,
}

/// A text that proves a rule.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "gateway", schemars(untagged, deny_unknown_fields))]
pub enum Example {
    /// A text.
    Text(String),
    /// A text that stands under a key, as an attribute value does.
    Keyed {
        /// The key.
        key: String,
        /// The value.
        text: String,
    },
}

/// Key names, folded before they are compared: lower case; `-`, `_`, `.`, `:`,
/// blanks and changes of case are one separator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// The whole name, or its last dotted segment, is this.
    pub exact: Vec<String>,
    /// The name ends with this, at a word border.
    pub suffix: Vec<String>,
    /// The name starts with this, at a word border.
    pub prefix: Vec<String>,
    /// These words stand anywhere in the name.
    pub word: Vec<String>,
}

impl Keys {
    /// Whether there is no name in any mode.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the names of `other`.
    pub fn append(&mut self, other: &Self) {
        self.exact.extend(other.exact.iter().cloned());
        self.suffix.extend(other.suffix.iter().cloned());
        self.prefix.extend(other.prefix.iter().cloned());
        self.word.extend(other.word.iter().cloned());
    }
}

/// What of a value under a secret key is masked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum ValueForm {
    /// All of it, unless it cannot be a secret (`null`, `true`, a placeholder, an
    /// environment reference).
    #[default]
    Whole,
    /// All of it, however guessable: passwords.
    Password,
    /// All of it, if it looks like a credential: 8 and more characters, no blanks,
    /// no plain word, number, path or reference.
    Credential,
    /// A header value of RFC 9110: the scheme stays, what follows goes.
    Authorization,
    /// `Cookie`: the values go, the names stay.
    Cookie,
    /// `Set-Cookie`: the value goes; name and attributes stay.
    SetCookie,
    /// A URL or `key=value` string: only its passwords and keys go; an opaque blob
    /// goes whole.
    Connection,
    /// `name=value,name=value`: every value goes.
    List,
    /// A URL that is itself the secret (a webhook): what follows the host goes.
    UrlPath,
}

impl ValueForm {
    /// Whether a value is pairs of names and values, to the end of its line.
    pub(in crate::scrub) fn is_pairs(self) -> bool {
        matches!(self, Self::Cookie | Self::SetCookie | Self::List)
    }

    /// Whether a value is secret whole or not at all.
    pub(in crate::scrub) fn is_one_piece(self) -> bool {
        matches!(self, Self::Whole | Self::Password | Self::Credential)
    }
}

/// A second opinion on a candidate.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Validator {
    /// The checksum by this name moves confidence; a failed one never unmasks.
    Checksum(String),
    /// At least this many bits of Shannon entropy a character, or no match.
    EntropyMin(f32),
    /// The decoded structure must be that of a `jwt`, `jwe`, …, or no match.
    Structure(String),
    /// At least one character of each of these classes (`digit`, `upper`, `lower`,
    /// `letter`), or no match.
    Has(Vec<String>),
    /// A candidate that one of these patterns matches whole is no match.
    Not(Vec<String>),
}

/// How bad a leak is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Of little use by itself.
    Low,
    /// Limited reach.
    Medium,
    /// Access to an account or a system.
    #[default]
    High,
    /// Wide access.
    Critical,
}

/// A secret, or half of a credential pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Sensitivity {
    /// Masked.
    #[default]
    Secret,
    /// Half of a credential pair (an AWS access key id): masked by default.
    Identifier,
    /// Meant to be seen (a Stripe `pk_` key): left unless asked for.
    Publishable,
}

/// How long a credential is worth something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Lifetime {
    /// Until it is revoked.
    Static,
    /// A day or less, as a rule.
    ShortLived,
    /// The token itself says it.
    Readable,
    /// Not known.
    #[default]
    Unknown,
}

/// How sure a match is. A passed checksum makes it `high`, a failed one lowers it by a
/// step; neither unmasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// It looks like one.
    Low,
    /// It is one, as a rule.
    #[default]
    Medium,
    /// It cannot be anything else.
    High,
}

impl Confidence {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// What is done about a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The mask takes its place.
    #[default]
    Mask,
    /// As `mask: fingerprint`.
    Fingerprint,
    /// As `mask: partial`.
    Partial,
    /// The attribute that holds it goes; where none does, it is masked.
    RemoveAttribute,
    /// The span, log record or data point that holds it goes; where none does (in a
    /// resource, a profile), it is masked.
    DropRecord,
    /// The sender is told that the request is refused for good.
    RefuseRequest,
    /// The text stays; the record gets the attribute `otel_redact.rules`.
    Tag,
    /// The span, log record or data point that holds it leaves this pipeline, masked, for
    /// the connector that the scrubber's `route` names; where none does, it is masked.
    Route,
}
