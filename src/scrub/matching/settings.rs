//! The settings, as `include` and `exclude` spell them.

use serde::Deserialize;

use crate::scrub::Signal;
use crate::scrub::matching::AnyYaml;

/// How texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchType {
    /// Byte for byte.
    Strict,
    /// As regular expressions, which may match anywhere.
    Regexp,
}

/// `include` or `exclude`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Properties {
    /// How texts are compared.
    pub match_type: Option<MatchType>,
    /// Accepted: nothing is cached.
    pub regexp: Option<RegexpSettings>,
    /// `service.name` of the resource, for spans.
    pub services: Vec<String>,
    /// Names of spans.
    pub span_names: Vec<String>,
    /// Kinds of spans: `SPAN_KIND_SERVER`, ….
    pub span_kinds: Vec<String>,
    /// Bodies of log records, as texts.
    pub log_bodies: Vec<String>,
    /// The severities of log records, as texts.
    pub log_severity_texts: Vec<String>,
    /// The least severity of log records.
    pub log_severity_number: Option<SeveritySettings>,
    /// Names of metrics.
    pub metric_names: Vec<String>,
    /// Attributes of the record.
    pub attributes: Vec<AttributeSettings>,
    /// Attributes of the resource.
    pub resources: Vec<AttributeSettings>,
    /// Instrumentation scopes.
    pub libraries: Vec<LibrarySettings>,
}

/// `regexp`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RegexpSettings {
    /// Accepted.
    pub cacheenabled: bool,
    /// Accepted.
    pub cachemaxnumentries: u64,
}

/// `log_severity_number`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SeveritySettings {
    /// The least number: 9 is INFO.
    pub min: i64,
    /// Whether records without a severity match.
    pub match_undefined: bool,
}

/// An attribute that must be there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeSettings {
    /// Its key.
    #[serde(default)]
    pub key: String,
    /// Its value; any, where it is left out.
    #[serde(default)]
    pub value: Option<AnyYaml>,
}

/// An instrumentation scope.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LibrarySettings {
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its version; any, where it is left out.
    #[serde(default)]
    pub version: Option<String>,
}

/// The names of kinds of spans, by number. The first cannot be asked for by name.
pub(in crate::scrub::matching) const SPAN_KINDS: &[&str] = &[
    "SPAN_KIND_UNSPECIFIED",
    "SPAN_KIND_INTERNAL",
    "SPAN_KIND_SERVER",
    "SPAN_KIND_CLIENT",
    "SPAN_KIND_PRODUCER",
    "SPAN_KIND_CONSUMER",
];

impl Properties {
    /// What keeps these from being used for a signal: the setting, and why.
    pub fn misfit(&self, signal: Signal) -> Option<(&'static str, String)> {
        let set = [
            ("services", !self.services.is_empty()),
            ("span_names", !self.span_names.is_empty()),
            ("span_kinds", !self.span_kinds.is_empty()),
            ("log_bodies", !self.log_bodies.is_empty()),
            ("log_severity_texts", !self.log_severity_texts.is_empty()),
            ("log_severity_number", self.log_severity_number.is_some()),
            ("metric_names", !self.metric_names.is_empty()),
            ("attributes", !self.attributes.is_empty()),
            ("resources", !self.resources.is_empty()),
            ("libraries", !self.libraries.is_empty()),
        ];
        let accepted: &[&str] = match signal {
            Signal::Traces => {
                &["services", "span_names", "span_kinds", "attributes", "resources", "libraries"]
            }
            Signal::Logs => &[
                "log_bodies",
                "log_severity_texts",
                "log_severity_number",
                "attributes",
                "resources",
                "libraries",
            ],
            Signal::Metrics => &["metric_names", "resources"],
            Signal::Profiles => &[],
        };
        let accepts = || format!("accepted for {}: {}", signal.name(), accepted.join(", "));
        if let Some((name, _)) =
            set.iter().find(|(name, is_set)| *is_set && !accepted.contains(name))
        {
            return Some((name, format!("this is not of {}; {}", signal.name(), accepts())));
        }
        if !set.iter().any(|(_, is_set)| *is_set) {
            return Some(("", format!("expected at least one property; {}", accepts())));
        }
        let known = |kind: &String| SPAN_KINDS.iter().skip(1).any(|known| known == kind);
        if self.match_type == Some(MatchType::Strict) && !self.span_kinds.iter().all(known) {
            let kinds: Vec<&str> = SPAN_KINDS.iter().skip(1).copied().collect();
            return Some(("span_kinds", format!("expected kinds of {}", kinds.join(", "))));
        }
        None
    }
}
