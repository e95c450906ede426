//! Walk, find, splice.

mod act;
mod assemble;
mod candidate;
mod settings;

pub use candidate::Ratio;
pub use candidate::Shadow;
pub use settings::KnownTexts;
pub use settings::MinConfidence;
pub use settings::Settings;

use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use bytes::Bytes;

use crate::scrub::Noted;
use crate::scrub::NotedKind;
use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::Scrubbed;
use crate::scrub::detector::Deed;
use crate::scrub::detector::Detector;
use crate::scrub::detector::Finder;
use crate::scrub::detector::Halves;
use crate::scrub::detector::RuleFault;
use crate::scrub::detector::Streams;
use crate::scrub::detector::Surroundings;
use crate::scrub::explain::Explanation;
use crate::scrub::fingerprint::Fingerprints;
use crate::scrub::mask::Masker;
use crate::scrub::otlp;
use crate::scrub::otlp::Context;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Shown;
use crate::scrub::otlp::Trail;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::Walked;
use crate::scrub::rule::Action;
use crate::scrub::rule::Keys;
use crate::scrub::rule::Rule;
use crate::scrub::scrubber::act::Acted;
use crate::scrub::scrubber::assemble::Assembled;
use crate::scrub::yaml::YamlError;

/// How many redactions of one request are listed with their paths.
pub const REDACTIONS_LISTED_MAX: usize = 1000;

/// Why a request was not scrubbed. It must not be forwarded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScrubError {
    /// The request is not well-formed OTLP, or is nested too deep.
    #[error("malformed request: {0}")]
    Malformed(#[from] otlp::WalkError),
    /// A rule with `action: refuse-request` matched.
    #[error("request refused: rule {rule} found a credential in it")]
    Refused {
        /// The id of the rule.
        rule: String,
        /// The kind of place that it stood in.
        place: &'static str,
    },
    /// A statement of `transform` or a condition of `filter` with `error_mode:
    /// propagate` does not fit a record.
    #[error("request refused: a statement does not fit it: {what}")]
    Unfit {
        /// Why, in a few words.
        what: &'static str,
    },
    /// It would have passed nothing that scrubs.
    #[error(transparent)]
    NoScrubber(#[from] crate::scrub::NoScrubber),
}

/// Compiled settings and rules. Cheap to share: put it into an `Arc`.
pub struct Scrubber {
    options: WalkOptions,
    detector: Detector,
    masker: Masker,
    rules: Vec<Rule>,
    /// Keys whose values are no secrets.
    not_secret: Vec<Keys>,
    /// The same with every rule in force, made when it is asked for.
    strict: OnceLock<Option<Arc<Self>>>,
    /// Requests leave as they came, and the report says what would be masked. (A text
    /// by itself is scrubbed all the same: it goes to our own log.)
    dry_run: bool,
}

/// A request, scrubbed, in two parts.
#[derive(Debug)]
pub struct Divided {
    /// What goes on.
    pub left: Scrubbed,
    /// The records that rules with `action: route` send elsewhere, scrubbed like the others.
    pub routed: Option<Scrubbed>,
    /// What was done.
    pub report: Report,
}

/// A request, scrubbed but for what else is to be done.
struct Pass {
    bytes: Bytes,
    items: u64,
    edited: bool,
    report: Report,
    deeds: Vec<Deed>,
}

impl Scrubber {
    /// Compiles settings and the packed rules.
    ///
    /// # Errors
    ///
    /// The first fault, with its path below `processors.scrubber` and its line.
    pub fn new(settings: &Settings) -> Result<Self, YamlError> {
        Self::with_rules(settings, assemble::with_packs(settings)?)
    }

    /// Compiles only the rules of these settings, no packed one.
    ///
    /// # Errors
    ///
    /// As for [`Scrubber::new`].
    pub fn without_packs(settings: &Settings) -> Result<Self, YamlError> {
        Self::with_rules(settings, assemble::without_packs(settings))
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

    fn with_rules(settings: &Settings, assembled: Assembled) -> Result<Self, YamlError> {
        let not_secret = assembled.not_secret.clone();
        let (rules, detector, fingerprints) = assembled.compile(settings)?;
        let options = WalkOptions {
            unknown_fields: settings.unknown_fields,
            invalid_utf8: settings.invalid_utf8,
            ..WalkOptions::default()
        };
        let masker = Masker::new(settings.mask, fingerprints);
        let (dry_run, strict) = (settings.dry_run, OnceLock::new());
        let scrubber = Self { options, detector, masker, rules, not_secret, strict, dry_run };
        // A pattern of a user that gets too large must be known before it is needed; the
        // packed ones are proved, and many.
        scrubber.compile(settings.rules.len())?;
        scrubber.leaves_masks(settings.rules.len())?;
        Ok(scrubber)
    }

    /// Whether the first `count` rules leave the masks of others alone: a secret has one
    /// mask, and scrubbing twice is scrubbing once.
    fn leaves_masks(&self, count: usize) -> Result<(), YamlError> {
        let own = self.rules.get(..count).unwrap_or_default();
        if own.is_empty() {
            return Ok(());
        }
        const MASKS: &[u8] =
            b"a [redacted:some-rule] b [redacted:some-rule:1f2e:3d4c5b6a79881f2e] \
              c %5Bredacted:some-rule%5D d **** e ab****yz f \
              [redacted:some-rule:iss:idp.example.com:sub:email:exp:2026-03-01] g";
        let (_, found) = self.scrub_bytes(MASKS, None);
        let found = own.iter().position(|rule| found.iter().any(|id| **id == *rule.id));
        // A pattern of nothing but a mask finds none, since masks are left; it is of no use.
        let is_mask = |found: &[u8]| {
            let holds = |part: &[u8]| found.windows(part.len()).any(|window| window == part);
            holds(b"redacted:") || holds(b"****")
        };
        match found.or_else(|| self.detector.matching(own.len(), MASKS, is_mask)) {
            None => Ok(()),
            Some(number) => {
                let advice = "let it begin with what only the secret begins with";
                let fault = RuleFault::of(
                    "pattern",
                    "expected a pattern that does not match the masks of other rules, such as \
                     [redacted:some-rule] and ****",
                );
                let fault = RuleFault { advice: advice.to_owned(), ..fault };
                Err(assemble::of_rule(own.get(number), number, &fault))
            }
        }
    }

    /// Scrubs a request.
    ///
    /// # Errors
    ///
    /// When the request cannot be walked, or a rule refuses it; nothing of it may be
    /// forwarded.
    pub fn scrub(&self, request: &Request) -> Result<(Scrubbed, Report), ScrubError> {
        self.divide(request).map(|Divided { left, report, .. }| (left, report))
    }

    /// Scrubs a request, and gives what rules with `action: route` take out of it by itself.
    ///
    /// # Errors
    ///
    /// As for [`Scrubber::scrub`].
    pub fn divide(&self, request: &Request) -> Result<Divided, ScrubError> {
        let mut left = self.pass(request)?;
        let mut routed = None;
        if self.dry_run {
            left = left.undone(request);
        }
        if !left.deeds.is_empty() {
            Acted { left, routed } = act::act(self, request, left)?;
        }
        let seal = |pass: &Pass| {
            let Pass { bytes, items, edited, .. } = pass;
            Scrubbed::new(request.signal, request.encoding, bytes.clone(), *items, *edited)
        };
        let routed = routed.as_ref().map(seal);
        Ok(Divided { left: seal(&left), routed, report: left.report })
    }

    /// Whether a rule sends records elsewhere: the first that does.
    pub fn routes(&self) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.action == Action::Route)
    }

    /// Whether a value under this key is looked at for the name of the key alone.
    pub fn tells(&self, key: &[u8]) -> bool {
        self.detector.tells(key)
    }

    fn pass(&self, request: &Request) -> Result<Pass, ScrubError> {
        let surroundings = Surroundings::new(Some(request));
        let (finder, walked) = self.walk(request, &surroundings, REDACTIONS_LISTED_MAX, false)?;
        let report = Report {
            redactions: finder.redactions,
            noted: finder.noted,
            costs: finder.tally.costs(&self.detector),
            dropped_records: 0,
            routed_records: 0,
            unknown_fields: walked.unknown_fields,
            invalid_utf8: walked.invalid_utf8,
        };
        Ok(Pass {
            bytes: otlp::splice(&request.bytes, &walked.edits),
            items: walked.items,
            edited: !walked.edits.is_empty(),
            report,
            deeds: finder.deeds,
        })
    }

    /// Walks a request; once more, where texts are found of which others tell.
    fn walk<'s>(
        &'s self,
        request: &Request,
        surroundings: &'s Surroundings<'s>,
        listed_max: usize,
        explain: bool,
    ) -> Result<(Finder<'s>, Walked), ScrubError> {
        let Request { signal, encoding, bytes } = request;
        let new = || {
            let mut finder = Finder::new(&self.detector, &self.masker, surroundings, listed_max);
            finder.explanations = explain.then(Vec::new);
            finder
        };
        let mut finder = new();
        // One place that walks, so that all of the walk is compiled into one piece.
        loop {
            let walked = otlp::walk(*signal, *encoding, bytes, &self.options, &mut finder)?;
            if !finder.asks_apart() {
                return Ok((finder, walked));
            }
            match self.apart(request, &mut finder, new())? {
                Some(again) => finder = again,
                None => return Ok((finder, walked)),
            }
        }
    }

    /// A judge that knows what texts of the request say of each other: pieces of one text,
    /// halves of a pair. `None` where they say nothing.
    #[cold]
    fn apart<'s>(
        &self,
        request: &Request,
        walked: &mut Finder<'s>,
        mut finder: Finder<'s>,
    ) -> Result<Option<Finder<'s>>, ScrubError> {
        let Request { signal, encoding, bytes } = request;
        if walked.may_have_pieces() {
            let mut streams = Streams::default();
            otlp::walk(*signal, *encoding, bytes, &self.options, &mut streams)?;
            finder.join(streams);
        }
        let identifiers = walked.take_identifiers();
        if !identifiers.is_empty() {
            let mut halves = Halves::new(identifiers, &mut finder);
            otlp::walk(*signal, *encoding, bytes, &self.options, &mut halves)?;
        }
        Ok(finder.knows_apart().then_some(finder))
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

    /// Scrubs a line of a text in which a line of a private key stands.
    pub(in crate::scrub) fn scrub_key_line(&self, text: &[u8], line: Range<usize>) -> Vec<u8> {
        let surroundings = Surroundings::new(None);
        let mut finder = Finder::new(&self.detector, &self.masker, &surroundings, 0);
        let context = Context::default();
        let place = Place { kind: "text", at: 0, context, element: None, path: &Under(None) };
        let mut found = Vec::new();
        finder.mask_key_line(text, line, &place, &mut found);
        otlp::replace_in(text, &found)
    }

    /// Where the secrets stand in one text, as it stands under `key`, if any.
    pub fn find_bytes(&self, text: &[u8], key: Option<&str>) -> Vec<Range<usize>> {
        self.replacements(text, key).0.into_iter().map(|found| found.range).collect()
    }

    fn replacements(&self, text: &[u8], key: Option<&str>) -> (Vec<Replacement>, Vec<Arc<str>>) {
        let surroundings = Surroundings::new(None);
        let mut finder = Finder::new(&self.detector, &self.masker, &surroundings, 0);
        let found = show(&mut finder, text, key);
        let rules = finder.redactions.into_iter().map(|redaction| redaction.rule).collect();
        (found, rules)
    }

    /// Why texts of a request are masked, or nearly were; in wire order. Nothing of
    /// them is in what comes out.
    ///
    /// # Errors
    ///
    /// When the request cannot be walked.
    pub fn explain(&self, request: &Request) -> Result<Vec<Explanation>, ScrubError> {
        let surroundings = Surroundings::new(Some(request));
        let (finder, _) = self.walk(request, &surroundings, 0, true)?;
        Ok(self.explained(finder))
    }

    /// The same of one text, as it stands under `key`, if any.
    pub fn explain_text(&self, text: &[u8], key: Option<&str>) -> Vec<Explanation> {
        let surroundings = Surroundings::new(None);
        let mut finder = Finder::new(&self.detector, &self.masker, &surroundings, 0);
        finder.explanations = Some(Vec::new());
        show(&mut finder, text, key);
        self.explained(finder)
    }

    fn explained(&self, finder: Finder<'_>) -> Vec<Explanation> {
        let explanations = finder.explanations.unwrap_or_default().into_iter();
        explanations.map(|one| Explanation { dry_run: self.dry_run, ..one }).collect()
    }

    /// The ids of the rules, in the order in which they are asked.
    pub fn rule_ids(&self) -> Vec<Arc<str>> {
        self.detector.rule_ids().cloned().collect()
    }

    /// The rules, in the order in which they are asked, as `extend` left them.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The same rules without conditions, allow entries, dry runs and actions: what it gives
    /// out holds nothing that any of them finds. `None` where they do not compile that way.
    pub fn strict(&self) -> Option<Arc<Self>> {
        let make = || {
            let plain = |rule: &Rule| Rule {
                condition: None,
                near: None,
                allow: Vec::new(),
                confidence: None,
                action: Action::Mask,
                mask: None,
                dry_run: false,
                ..rule.clone()
            };
            let rules = self.rules.iter().map(plain).collect();
            let assembled = Assembled { rules, not_secret: self.not_secret.clone() };
            Self::with_rules(&Settings::default(), assembled).ok().map(Arc::new)
        };
        self.strict.get_or_init(make).clone()
    }

    /// The fingerprints of this deployment.
    pub fn fingerprints(&self) -> &Fingerprints {
        self.masker.fingerprints()
    }

    /// Compiles every pattern now instead of at its first hit.
    ///
    /// # Errors
    ///
    /// The first pattern that gets too large, with its rule.
    pub fn compile_all(&self) -> Result<(), YamlError> {
        self.compile(self.rules.len())
    }

    fn compile(&self, count: usize) -> Result<(), YamlError> {
        self.detector
            .compile(count)
            .map_err(|(number, fault)| assemble::of_rule(self.rules.get(number), number, &fault))
    }
}

/// Shows one text by itself.
fn show(finder: &mut Finder<'_>, text: &[u8], key: Option<&str>) -> Vec<Replacement> {
    finder.begin(text, None);
    let context = match key {
        Some(key) => finder.key(Shown { bytes: key.as_bytes(), at: None }, Context::default()),
        None => Context::default(),
    };
    let place = Place { kind: "text", at: 0, context, element: None, path: &Under(key) };
    let mut found: Vec<Replacement> = Vec::new();
    finder.text(Shown { bytes: text, at: Some(0) }, &place, &mut found);
    found
}

impl Pass {
    /// The request as it came, with a report of what would have become of it.
    fn undone(self, request: &Request) -> Self {
        let would = |redaction| Noted { kind: NotedKind::DryRun, redaction };
        let mut noted = self.report.noted;
        noted.extend(self.report.redactions.into_iter().map(would));
        let report = Report { noted, costs: self.report.costs, ..Report::default() };
        Self { bytes: request.bytes.clone(), edited: false, report, deeds: Vec::new(), ..self }
    }
}

/// The way to a text that stands in no request: the key that it stands under, if any.
struct Under<'k>(Option<&'k str>);

impl std::fmt::Display for Under<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(key) => write!(f, "[{key:?}]"),
            None => Ok(()),
        }
    }
}

impl Trail for Under<'_> {
    fn keys(&self, visit: &mut dyn FnMut(Option<&[u8]>)) {
        if let Some(key) = self.0 {
            visit(Some(key.as_bytes()));
        }
    }
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubber").field("options", &self.options).finish_non_exhaustive()
    }
}
