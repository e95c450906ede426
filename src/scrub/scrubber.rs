//! Walk, find, splice.

use std::sync::Arc;

use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::Scrubbed;
use crate::scrub::otlp;
use crate::scrub::otlp::Context;
use crate::scrub::otlp::InvalidUtf8;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Scalar;
use crate::scrub::otlp::Shown;
use crate::scrub::otlp::UnknownFields;
use crate::scrub::otlp::WalkOptions;

/// How many redactions of one request are listed with their paths.
pub const REDACTIONS_LISTED_MAX: usize = 1000;

/// The settings of the scrubber, as `processors.scrubber` in the YAML spells them.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
pub struct Settings {
    /// Fields that the schema does not know: `drop`, `scan` or `refuse`.
    pub unknown_fields: UnknownFields,
    /// Texts that are not UTF-8: `replace`, `keep` or `refuse`.
    pub invalid_utf8: InvalidUtf8,
}

/// Why a request was not scrubbed. It must not be forwarded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScrubError {
    /// The request is not well-formed OTLP, or is nested too deep.
    #[error("malformed request: {0}")]
    Malformed(#[from] otlp::WalkError),
}

/// Compiled settings and rules. Cheap to share: put it into an `Arc`.
pub struct Scrubber {
    options: WalkOptions,
}

impl Scrubber {
    /// Compiles settings and the rules they name.
    ///
    /// # Errors
    ///
    /// The first fault in a rule, with its path.
    pub fn new(settings: &Settings) -> Result<Self, crate::scrub::yaml::YamlError> {
        Ok(Self {
            options: WalkOptions {
                unknown_fields: settings.unknown_fields,
                invalid_utf8: settings.invalid_utf8,
                ..WalkOptions::default()
            },
        })
    }

    /// A scrubber with no rule: it checks the structure and finds nothing. For
    /// benches, as the floor of what a scrub costs.
    pub fn without_rules() -> Self {
        Self { options: WalkOptions::default() }
    }

    /// Scrubs a request.
    ///
    /// # Errors
    ///
    /// When the request cannot be walked; nothing of it may be forwarded.
    pub fn scrub(&self, request: &Request) -> Result<(Scrubbed, Report), ScrubError> {
        let mut judge = Nothing;
        let walked = otlp::walk(
            request.signal,
            request.encoding,
            &request.bytes,
            &self.options,
            &mut judge,
        )?;
        let bytes = otlp::splice(&request.bytes, &walked.edits);
        let scrubbed = Scrubbed::new(
            request.signal,
            request.encoding,
            bytes,
            walked.items,
            !walked.edits.is_empty(),
        );
        let report = Report {
            redactions: Vec::new(),
            unknown_fields: walked.unknown_fields,
            invalid_utf8: walked.invalid_utf8,
        };
        Ok((scrubbed, report))
    }

    /// Scrubs one text, such as a log line.
    pub fn scrub_text(&self, text: &str) -> String {
        text.to_owned()
    }

    /// The ids of the rules, for metrics and listings.
    pub fn rule_ids(&self) -> Vec<Arc<str>> {
        Vec::new()
    }
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubber").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The judge that finds nothing.
struct Nothing;

impl Judge for Nothing {
    fn begin(&mut self, _request: &[u8]) {}

    fn key(&mut self, _key: Shown<'_>, outer: Context) -> Context {
        outer
    }

    fn text(&mut self, _text: Shown<'_>, _place: &Place<'_>, _found: &mut Vec<Replacement>) {}

    fn scalar(&mut self, _value: Scalar, _place: &Place<'_>) -> Option<Vec<u8>> {
        None
    }
}
