//! The Collector's redaction processor: `processors.redaction`.
//!
//! Settings, order and results are those of contrib `processor/redactionprocessor`
//! 0.165; `tests/collector` holds both against each other. It works as the scrubber
//! does, by edits: a request in which it changes nothing leaves as the bytes that
//! came in. A JSON request that it changes leaves as protobuf.
//!
//! It looks only where the Collector looks: attributes of resources, scopes, spans,
//! span events, log records and data points, and log bodies. Span links, status
//! messages, names, exemplars and whatever else [`NOT_COVERED`] lists pass unseen; a
//! `scrubber` behind it closes that.
//!
//! Two things are not the Collector's: attributes keep their order where one is
//! removed, and the two sanitizers differ as their modules say.

mod attributes;
mod body;
mod database;
mod hash;
mod settings;
mod summary;
mod url;

pub use settings::Settings;
pub use settings::Warning;

use std::sync::Arc;

use crate::scrub::Encoding;
use crate::scrub::Redaction;
use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubbed;
use crate::scrub::Signal;
use crate::scrub::otlp;
use crate::scrub::otlp::InvalidUtf8;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::alter;
use crate::scrub::otlp::alter::Alter;
use crate::scrub::otlp::alter::Fate;
use crate::scrub::otlp::alter::Record;
use crate::scrub::otlp::alter::RecordKind;
use crate::scrub::re2::Pattern;
use crate::scrub::redaction::database::DatabaseSanitizers;
use crate::scrub::redaction::hash::Mask;
use crate::scrub::redaction::settings::Summary;
use crate::scrub::redaction::url::UrlSanitizer;
use crate::scrub::yaml::YamlError;

/// Where the Collector's processor does not look, in the words of OTLP.
pub const NOT_COVERED: &str = "span links, status messages, trace states, names of spans, events, \
                               scopes and metrics, exemplars, attribute keys";

/// Compiled settings of a redaction processor. Cheap to share: put it into an `Arc`.
pub struct Redactor {
    settings: Settings,
    ignored_key_patterns: Vec<Pattern>,
    blocked_key_patterns: Vec<Pattern>,
    blocked_values: Vec<Pattern>,
    allowed_values: Vec<Pattern>,
    summary: Summary,
    mask: Mask,
    url: Option<UrlSanitizer>,
    database: DatabaseSanitizers,
    /// What the report calls each outcome.
    rules: Rules,
}

/// The names of what happened, as the report's rules.
struct Rules {
    removed: Arc<str>,
    masked: Arc<str>,
}

/// How to walk before: what is outside the schema goes, and bytes that are no UTF-8
/// stay, both as in the Collector.
const WALK: WalkOptions = WalkOptions {
    unknown_fields: otlp::UnknownFields::Drop,
    invalid_utf8: InvalidUtf8::Keep,
    depth_max: 100,
};

impl Redactor {
    /// Compiles settings.
    ///
    /// # Errors
    ///
    /// The first fault, with its path below `processors.redaction`.
    pub fn new(settings: &Settings) -> Result<Self, YamlError> {
        let mask = Mask::new(settings)?;
        Ok(Self {
            ignored_key_patterns: patterns("ignored_key_patterns", &settings.ignored_key_patterns)?,
            blocked_key_patterns: patterns("blocked_key_patterns", &settings.blocked_key_patterns)?,
            blocked_values: patterns("blocked_values", &settings.blocked_values)?,
            allowed_values: patterns("allowed_values", &settings.allowed_values)?,
            summary: Summary::of(&settings.summary),
            mask,
            url: settings.url_sanitizer.enabled.then(|| UrlSanitizer::new(&settings.url_sanitizer)),
            database: DatabaseSanitizers::new(&settings.db_sanitizer),
            rules: Rules { removed: "allowed_keys".into(), masked: "blocked".into() },
            settings: settings.clone(),
        })
    }

    /// Redacts a request.
    ///
    /// # Errors
    ///
    /// When the request cannot be walked; nothing of it may be forwarded.
    pub fn redact(&self, request: &Request) -> Result<(Scrubbed, Report), ScrubError> {
        let signal = request.signal;
        let walked = otlp::walk(signal, request.encoding, &request.bytes, &WALK, &mut otlp::Blind)?;
        let bytes = otlp::splice(&request.bytes, &walked.edits);
        let mut report = Report {
            unknown_fields: walked.unknown_fields,
            invalid_utf8: walked.invalid_utf8,
            ..Report::default()
        };
        let protobuf = match request.encoding {
            Encoding::Protobuf => bytes.clone(),
            Encoding::Json => otlp::json_to_protobuf(signal, &bytes)?.into(),
        };
        let mut pass = Pass { redactor: self, signal, redactions: Vec::new() };
        let altered = alter::alter(signal, &protobuf, &mut pass)?;
        report.redactions = pass.redactions;
        // One chunk for each rule and place is what is counted.
        report.redactions.sort_by(|a, b| (&a.rule, a.place).cmp(&(&b.rule, b.place)));
        let (encoding, bytes) = match altered.edits.is_empty() {
            true => (request.encoding, bytes),
            false => (Encoding::Protobuf, otlp::splice(&protobuf, &altered.edits)),
        };
        let edited = !walked.edits.is_empty() || !altered.edits.is_empty();
        let scrubbed = Scrubbed::new(signal, encoding, bytes, walked.items, edited);
        Ok((scrubbed, report))
    }

    fn is_ignored(&self, key: &[u8]) -> bool {
        contains(&self.settings.ignored_keys, key) || any(&self.ignored_key_patterns, key)
    }

    fn is_removed(&self, key: &[u8]) -> bool {
        !self.settings.allow_all_keys && !contains(&self.settings.allowed_keys, key)
    }

    fn is_blocked(&self, key: &[u8]) -> bool {
        any(&self.blocked_key_patterns, key)
    }

    fn is_allowed(&self, text: &[u8]) -> bool {
        any(&self.allowed_values, text)
    }

    /// Replaces what `blocked_values` match, pattern after pattern; `None` where none
    /// does.
    fn masked(&self, text: &[u8]) -> Option<Vec<u8>> {
        let mut masked: Option<Vec<u8>> = None;
        for pattern in &self.blocked_values {
            let now = masked.as_deref().unwrap_or(text);
            let next = pattern.replace_all(now, |found, out| self.mask.write(found.whole(), out));
            masked = next.or(masked);
        }
        masked
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn patterns(setting: &str, patterns: &[String]) -> Result<Vec<Pattern>, YamlError> {
    let compiled = patterns.iter().enumerate().map(|(at, pattern)| {
        Pattern::new(pattern).map_err(|err| {
            let expected = format!("expected a regular expression of Go's RE2, found {err}");
            YamlError::new(format!("{setting}[{at}]"), expected)
        })
    });
    compiled.collect()
}

fn contains(keys: &[String], key: &[u8]) -> bool {
    keys.iter().any(|one| one.as_bytes() == key)
}

fn any(patterns: &[Pattern], text: &[u8]) -> bool {
    patterns.iter().any(|pattern| pattern.is_match(text))
}

/// One request on its way through.
struct Pass<'p> {
    redactor: &'p Redactor,
    signal: Signal,
    redactions: Vec<Redaction>,
}

impl Pass<'_> {
    fn note(&mut self, rule: &Arc<str>, place: &'static str, times: usize) {
        let path = String::new();
        let redaction = Redaction { rule: Arc::clone(rule), place, path };
        self.redactions.extend(std::iter::repeat_n(redaction, times));
    }
}

impl Alter for Pass<'_> {
    fn record<'r>(&mut self, record: &mut Record<'r>, _: &mut [Record<'r>]) -> Fate {
        // The metadata of a metric is not covered.
        if record.kind() != RecordKind::Metric {
            self.attributes(record);
        }
        match record.kind() {
            RecordKind::Log => self.body(record),
            RecordKind::Span => self.span_name(record),
            _ => {}
        }
        Fate::Keep
    }
}
