//! Walk, find, splice.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;

use crate::scrub::MaskKind;
use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::Scrubbed;
use crate::scrub::detector::Detector;
use crate::scrub::detector::Finder;
use crate::scrub::mask::Masker;
use crate::scrub::otlp;
use crate::scrub::otlp::Context;
use crate::scrub::otlp::InvalidUtf8;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Shown;
use crate::scrub::otlp::UnknownFields;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::rule::Rule;
use crate::scrub::rule::RuleFile;
use crate::scrub::rule::Sensitivity;
use crate::scrub::rule::pack;
use crate::scrub::yaml;
use crate::scrub::yaml::YamlError;

/// How many redactions of one request are listed with their paths.
pub const REDACTIONS_LISTED_MAX: usize = 1000;

/// The settings of the scrubber, as `processors.scrubber` in the YAML spells them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Rules of your own; one with the id of a packed rule replaces it.
    pub rules: Vec<Rule>,
    /// Files with more rules, read when the configuration is. (The pure half reads no
    /// file: whoever reads the configuration appends their rules to `rules`.)
    pub rule_files: Vec<String>,
    /// Ids of packed rules that do not run; `*` stands for any characters.
    pub disable: Vec<String>,
    /// Ids of packed rules that find what is meant to be seen (a Stripe `pk_` key),
    /// and run only when asked for; `*` stands for any characters.
    pub enable: Vec<String>,
    /// What takes the place of a secret: `label`, `fixed`, `partial`, `fingerprint`.
    pub mask: MaskKind,
    /// The key of fingerprints; 16 bytes and more. Give it as `${env:…}` or `${file:…}`.
    pub fingerprint_key: FingerprintKey,
    /// Fields that the schema does not know: `drop`, `scan` or `refuse`.
    pub unknown_fields: UnknownFields,
    /// Texts that are not UTF-8: `replace`, `keep` or `refuse`.
    pub invalid_utf8: InvalidUtf8,
}

/// The key of fingerprints. Never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct FingerprintKey(String);

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// Shorter keys can be guessed (NIST SP 800-107 asks for as many bits as the digest
/// is to resist; 128 is what 64 bits of output can use).
const FINGERPRINT_KEY_LEN_MIN: usize = 16;

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
    detector: Detector,
    masker: Masker,
}

impl Scrubber {
    /// Compiles settings and the packed rules.
    ///
    /// # Errors
    ///
    /// The first fault in a rule, with its path below `processors.scrubber`.
    pub fn new(settings: &Settings) -> Result<Self, YamlError> {
        let mut packed = RuleFile::default();
        let mut not_secret = Vec::new();
        for (file, text) in pack::packs() {
            let mut rules = yaml::read::<RuleFile>(text)
                .map_err(|err| YamlError { path: format!("{file}: {}", err.path), ..err })?;
            packed.rules.append(&mut rules.rules);
            not_secret.push(rules.not_secret_keys);
        }
        for (i, pattern) in settings.disable.iter().enumerate() {
            if !packed.rules.iter().any(|rule| matches_glob(pattern, &rule.id)) {
                return Err(YamlError {
                    path: format!("disable[{i}]"),
                    expected: "the id of a packed rule, or a pattern with `*` that some match; \
                               `otel-redact rules list` shows them"
                        .to_owned(),
                });
            }
        }
        let own = |rule: &Rule| settings.rules.iter().any(|other| other.id == rule.id);
        let named = |ids: &[String], rule: &Rule| ids.iter().any(|id| matches_glob(id, &rule.id));
        packed.rules.retain(|rule| {
            !own(rule)
                && !named(&settings.disable, rule)
                && (rule.sensitivity != Sensitivity::Publishable || named(&settings.enable, rule))
        });
        let packed_len = packed.rules.len();
        // A user's rules are asked first.
        let mut rules = settings.rules.clone();
        rules.append(&mut packed.rules);
        Self::with_rules(settings, &rules, &not_secret, rules.len() - packed_len)
    }

    /// Compiles only the rules of these settings, no packed one.
    ///
    /// # Errors
    ///
    /// As for [`Scrubber::new`].
    pub fn without_packs(settings: &Settings) -> Result<Self, YamlError> {
        Self::with_rules(settings, &settings.rules, &[], settings.rules.len())
    }

    /// A scrubber with no rule: it checks the structure and finds nothing. For
    /// benches, as the floor of what a scrub costs.
    ///
    /// # Errors
    ///
    /// None; the type is that of the other constructors.
    pub fn without_rules() -> Result<Self, YamlError> {
        Self::without_packs(&Settings::default())
    }

    fn with_rules(
        settings: &Settings,
        rules: &[Rule],
        not_secret: &[crate::scrub::rule::Keys],
        own: usize,
    ) -> Result<Self, YamlError> {
        for (i, rule) in settings.rules.iter().enumerate() {
            if settings.rules.iter().take(i).any(|other| other.id == rule.id) {
                let expected = "an id that no other rule has".to_owned();
                return Err(YamlError { path: format!("rules[{i}].id"), expected });
            }
        }
        if settings.mask == MaskKind::Fingerprint
            && settings.fingerprint_key.0.len() < FINGERPRINT_KEY_LEN_MIN
        {
            return Err(YamlError {
                path: "fingerprint_key".to_owned(),
                expected: format!(
                    "a key of {FINGERPRINT_KEY_LEN_MIN} bytes or more for `mask: fingerprint`, \
                     given as ${{env:NAME}} or ${{file:PATH}}"
                ),
            });
        }
        let detector = Detector::new(rules, not_secret).map_err(|(number, fault)| {
            let rule = match number.checked_sub(own) {
                None => format!("rules[{number}]"),
                Some(_) => {
                    let id = rules.get(number).map_or("", |rule| rule.id.as_str());
                    format!("packed rule {id}")
                }
            };
            YamlError { path: format!("{rule}.{}", fault.setting), expected: fault.expected }
        })?;
        Ok(Self {
            options: WalkOptions {
                unknown_fields: settings.unknown_fields,
                invalid_utf8: settings.invalid_utf8,
                ..WalkOptions::default()
            },
            detector,
            masker: Masker::new(settings.mask, settings.fingerprint_key.0.as_bytes()),
        })
    }

    /// Scrubs a request.
    ///
    /// # Errors
    ///
    /// When the request cannot be walked; nothing of it may be forwarded.
    pub fn scrub(&self, request: &Request) -> Result<(Scrubbed, Report), ScrubError> {
        let mut finder = Finder::new(&self.detector, &self.masker, REDACTIONS_LISTED_MAX);
        let walked = otlp::walk(
            request.signal,
            request.encoding,
            &request.bytes,
            &self.options,
            &mut finder,
        )?;
        let bytes = otlp::splice(&request.bytes, &walked.edits);
        let edited = !walked.edits.is_empty();
        let scrubbed = Scrubbed::new(request.signal, request.encoding, bytes, walked.items, edited);
        let report = Report {
            redactions: finder.redactions,
            unknown_fields: walked.unknown_fields,
            invalid_utf8: walked.invalid_utf8,
        };
        Ok((scrubbed, report))
    }

    /// Scrubs one text, such as a log line.
    pub fn scrub_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.scrub_bytes(text.as_bytes(), None).0).into_owned()
    }

    /// Scrubs one text that need not be UTF-8, as it stands under `key`, if any. Says
    /// which rules found something, in order.
    pub fn scrub_bytes(&self, text: &[u8], key: Option<&str>) -> (Vec<u8>, Vec<Arc<str>>) {
        let (found, rules) = self.replacements(text, key);
        (otlp::replace_in(text, &found), rules)
    }

    /// Where the secrets stand in one text, as it stands under `key`, if any.
    pub fn find_bytes(&self, text: &[u8], key: Option<&str>) -> Vec<Range<usize>> {
        self.replacements(text, key).0.into_iter().map(|found| found.range).collect()
    }

    fn replacements(&self, text: &[u8], key: Option<&str>) -> (Vec<Replacement>, Vec<Arc<str>>) {
        let mut finder = Finder::new(&self.detector, &self.masker, 0);
        finder.begin(text);
        let context = match key {
            Some(key) => finder.key(Shown { bytes: key.as_bytes(), at: None }, Context::default()),
            None => Context::default(),
        };
        let place = Place { kind: "text", context, element: None, path: &"" };
        let mut found: Vec<Replacement> = Vec::new();
        finder.text(Shown { bytes: text, at: Some(0) }, &place, &mut found);
        let rules = finder.redactions.into_iter().map(|redaction| redaction.rule).collect();
        (found, rules)
    }

    /// The ids of the rules, in the order in which they are asked.
    pub fn rule_ids(&self) -> Vec<Arc<str>> {
        self.detector.rule_ids().cloned().collect()
    }

    /// Compiles every pattern now instead of at its first hit.
    ///
    /// # Errors
    ///
    /// The first pattern that gets too large, with its rule.
    pub fn compile_all(&self) -> Result<(), YamlError> {
        self.detector.compile().map_err(|(number, fault)| {
            let id = self.detector.rule_ids().nth(number).map_or("", |id| id);
            YamlError { path: format!("rule {id}.{}", fault.setting), expected: fault.expected }
        })
    }
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubber").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Whether `text` is of the form `glob`, in which `*` stands for any characters.
pub fn matches_glob(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((front, rest)) => text.strip_prefix(front).is_some_and(|text| {
            (0..=text.len()).any(|at| text.get(at..).is_some_and(|tail| matches_glob(rest, tail)))
        }),
    }
}
