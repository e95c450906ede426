//! What a search saw on its way, for whoever asks why.
//!
//! The search itself says it, at the points where it gives up on a candidate, so that an
//! explanation cannot drift from what is done. Without somebody who asks, each of these
//! points is one test of an option, and none of them is on the way of a byte: they come
//! behind a hit.

use std::ops::Range;

use crate::scrub::MaskKind;
use crate::scrub::detector::Compiled;
use crate::scrub::detector::Detector;
use crate::scrub::detector::Opinion;
use crate::scrub::detector::Use;
use crate::scrub::detector::confirm::Candidate;
use crate::scrub::detector::confirm::is_border_before;
use crate::scrub::detector::filter::Ruling;
use crate::scrub::detector::filter::Stop;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::find::is_filler;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::masked::is_in_mask;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::value;
use crate::scrub::detector::value::Standing;
use crate::scrub::fingerprint::Fingerprints;
use crate::scrub::rule::Confidence;
use crate::scrub::rule::validator;

/// How many events of one text are kept.
const EVENTS_MAX: usize = 200;

/// Something that the search saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scrub) struct Event {
    /// The rule, where one was asked.
    pub(in crate::scrub) rule: Option<u32>,
    /// What was decoded to get to it, from the outside in.
    pub(in crate::scrub) chain: Vec<&'static str>,
    /// Where it stands in the innermost text.
    pub(in crate::scrub) range: Range<usize>,
    /// What it is made of: `[A-Za-z0-9_]`.
    pub(in crate::scrub) class: String,
    /// Its fingerprint, where there is a key.
    pub(in crate::scrub) fingerprint: Option<String>,
    /// What became of it.
    pub(in crate::scrub) fate: Fate,
}

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Fate {
    /// A match; how it is known, how sure it is, what checksums and validators said, and
    /// what is done about it beyond its mask.
    Matched(Certainty, Confidence, Vec<String>, Option<&'static str>),
    /// It would be a match, and is left as it is; why.
    Left(String),
    /// No match, and why not.
    Stopped(String),
}

impl Search<'_, '_> {
    /// Begins to note what is seen in `text`; `hits` are those of the prefilter.
    pub(super) fn watch(&mut self, text: &[u8], hits: &[Hit], base: usize, not_secret: bool) {
        self.trace = Some(Vec::new());
        for (rule, range) in passed_over(self.detector, text, hits, base) {
            let why = || "its anchor stands here, and what follows cannot be a match".to_owned();
            self.stopped(Some(rule), text, range, why);
        }
        if not_secret {
            let why = || "its key says that it is no secret, though it looks so".to_owned();
            self.stopped(None, text, 0..text.len(), why);
        }
    }

    /// As `judge_value`, and says where nothing came of it.
    pub(super) fn judge(
        &mut self,
        text: &[u8],
        range: Range<usize>,
        rules: Rules<'_>,
        standing: Standing,
        quote: Option<usize>,
        found: &mut Vec<Match>,
    ) {
        let before = found.len();
        let notes = self.notes.len();
        let asked = rules.iter().next();
        asked.into_iter().for_each(|rule| self.tally.hit(rule, range.len()));
        self.judge_value(text, range.clone(), rules, standing, quote, found);
        let is_void = before == found.len() && notes == self.notes.len();
        if is_void {
            asked.into_iter().for_each(|rule| self.tally.near_miss(rule));
        }
        if is_void && self.trace.is_some() {
            let value = text.get(range.clone()).unwrap_or_default().trim_ascii();
            let why = if value.is_empty() {
                "the key names a secret, and nothing stands under it"
            } else if validator::is_placeholder(value) {
                "the key names a secret, and the value is a placeholder"
            } else if is_in_mask(text, range.start + 1) {
                "the value is a mask"
            } else if value::is_no_secret(value) {
                "the key names a secret, and the value is a constant, a state or the name of a type"
            } else {
                "the key names a secret, and the value does not look like one there: a number, a \
                 name, a sentence, code, or a reference to where the secret is"
            };
            self.stopped(asked, text, range, || why.to_owned());
        }
    }

    /// Notes that nothing came of a candidate.
    #[inline]
    pub(super) fn stopped(
        &mut self,
        rule: Option<u32>,
        text: &[u8],
        range: Range<usize>,
        why: impl FnOnce() -> String,
    ) {
        if self.trace.is_some() {
            self.event(rule, text, range, Fate::Stopped(why()));
        }
    }

    /// Notes what is found in a text, before overlaps are merged.
    #[inline]
    pub(super) fn matched(&mut self, text: &[u8], found: &[Match]) {
        if self.trace.is_none() {
            return;
        }
        for found in found {
            let secret = text.get(found.range.clone()).unwrap_or_default();
            let rule = self.detector.rules.get(found.rule as usize);
            let verdicts = rule.map(|rule| rule.verdicts(secret)).unwrap_or_default();
            let confidence = rule.map(|rule| rule.confidence(secret)).unwrap_or_default();
            let filter = rule.and_then(|rule| rule.filter.as_ref());
            let deed = filter.and_then(|filter| filter.deed());
            let fate = Fate::Matched(found.certainty, confidence, verdicts, deed);
            self.event(Some(found.rule), text, found.range.clone(), fate);
        }
    }

    #[cold]
    fn event(&mut self, rule: Option<u32>, text: &[u8], range: Range<usize>, fate: Fate) {
        let chain = self.chain.clone();
        let Some(trace) = &mut self.trace else { return };
        if trace.len() < EVENTS_MAX {
            let bytes = text.get(range.clone()).unwrap_or_default();
            let fingerprint = trace_fingerprint(self.masker.fingerprints(), bytes);
            trace.push(Event { rule, chain, range, class: class(bytes), fingerprint, fate });
        }
    }

    /// Says why the pattern of a rule comes to nothing at an anchor.
    #[inline]
    pub(super) fn unconfirmed(&mut self, rule: u32, text: &[u8], at: usize, len: usize) {
        self.stopped(Some(rule), text, at..at + len, || {
            let border = is_border_before(text, at, len);
            match border {
                true => "its anchor stands here, and what is around it does not match the pattern",
                false => "its anchor stands here, inside of a longer word: no border before it",
            }
            .to_owned()
        });
    }

    /// Says why what a pattern matched is no secret.
    #[inline]
    pub(super) fn unaccepted(&mut self, rule: u32, text: &[u8], found: &Candidate, len: usize) {
        let detector = self.detector;
        self.tally.near_miss(rule);
        self.stopped(Some(rule), text, found.secret.clone(), || {
            let secret = text.get(found.secret.clone()).unwrap_or_default();
            let compiled = detector.rules.get(rule as usize);
            if is_in_mask(text, found.secret.start) {
                "it stands in a mask".to_owned()
            } else if let Some(why) = compiled.and_then(|rule| rule.refusal(secret)) {
                why
            } else if is_filler(secret, len) {
                "one character over and over".to_owned()
            } else {
                "it is glued to a word, and neither a checksum nor its body makes it sure"
                    .to_owned()
            }
        });
    }

    /// Says what the filter of a rule said.
    pub(super) fn ruled(&mut self, rule: u32, text: &[u8], range: Range<usize>, ruling: Ruling) {
        let detector = self.detector;
        if !matches!(ruling, Ruling::Act(_)) {
            self.tally.suppressed(rule);
        }
        if self.trace.is_none() {
            return;
        }
        let fate = match ruling {
            // What is done about a match is said with it.
            Ruling::Match | Ruling::Act(_) => return,
            Ruling::Tag => Fate::Left("`action: tag`: the record is tagged".to_owned()),
            Ruling::DryRun => Fate::Left("`dry_run`: it would be masked".to_owned()),
            Ruling::Stopped(Stop::Where(part)) => {
                Fate::Stopped(format!("`where.{part}` does not hold here"))
            }
            Ruling::Stopped(Stop::Near) => Fate::Stopped("no word of `near` is near".to_owned()),
            Ruling::Stopped(Stop::Confidence) => {
                Fate::Left("less sure than `min_confidence`".to_owned())
            }
            Ruling::Stopped(Stop::Allowed(entry)) => {
                let filter = detector.rules.get(rule as usize).and_then(|r| r.filter.as_ref());
                Fate::Left(match filter.and_then(|filter| filter.allow(entry)) {
                    Some(allow) => format!(
                        "allowed by an entry of {}: {}{}",
                        allow.owner,
                        allow.reason,
                        allow.expires.map(|day| format!(", until {day}")).unwrap_or_default()
                    ),
                    None => "allowed".to_owned(),
                })
            }
        };
        self.event(Some(rule), text, range, fate);
    }

    /// What the place of a match looks like now, without a character of what it held: the
    /// mask, unless it keeps some.
    #[cold]
    pub(super) fn shown(&self, text: &[u8], found: &Match) -> String {
        let own = self.detector.rules.get(found.rule as usize).and_then(|rule| rule.mask);
        match (&found.how, self.masker.kind(own)) {
            (How::Encoded(_), _) => "the same encoding, with the mask inside".to_owned(),
            (_, MaskKind::Partial) => "its ends with **** between, or ****".to_owned(),
            _ => String::from_utf8_lossy(&self.mask(text, found)).into_owned(),
        }
    }
}

/// A short text has few others of its length: its fingerprint is not shown.
fn trace_fingerprint(fingerprints: &Fingerprints, bytes: &[u8]) -> Option<String> {
    if bytes.len() < 4 { None } else { fingerprints.of(bytes) }
}

impl Compiled {
    /// What each validator says of a secret.
    fn verdicts(&self, secret: &[u8]) -> Vec<String> {
        let said = |passed: bool| if passed { "passed" } else { "failed" };
        let verdict = |check: &Opinion| match check {
            Opinion::Checksum(name) => match validator::checksum(name, secret) {
                Some(passed) => format!("checksum {name} {}", said(passed)),
                None => format!("checksum {name} does not apply"),
            },
            check => format!(
                "the validator `{}` {}",
                check.name(),
                match check.accepts(secret) {
                    true => "accepts it",
                    false => "refuses it",
                }
            ),
        };
        self.validate.iter().map(verdict).collect()
    }

    /// Why a candidate is no secret of this rule, if its validators say so.
    fn refusal(&self, secret: &[u8]) -> Option<String> {
        if self.accepts(secret) {
            return None;
        }
        let failed = self.validate.iter().find(|check| !check.accepts(secret));
        Some(match failed {
            Some(check) => format!("the validator `{}` refuses it", check.name()),
            None => "a placeholder".to_owned(),
        })
    }
}

impl Opinion {
    fn name(&self) -> String {
        match self {
            Self::Checksum(name) => format!("checksum: {name}"),
            Self::EntropyMin(bits) => format!("entropy-min: {bits}"),
            Self::Structure(name) => format!("structure: {name}"),
            Self::Has(classes) => format!("has: [{}]", classes.join(", ")),
            Self::Not(_) => "not".to_owned(),
        }
    }
}

/// The anchors in a text that the prefilter passed over, since what follows them cannot
/// be a match: rule and range.
fn passed_over(
    detector: &Detector,
    text: &[u8],
    hits: &[Hit],
    base: usize,
) -> Vec<(u32, Range<usize>)> {
    let mut over = Vec::new();
    for (number, use_of) in detector.uses.iter().enumerate() {
        let Use::Anchor(rule) = use_of else { continue };
        let Some(needle) = detector.prefilter.needle(number as u32) else { continue };
        let len = needle.len();
        for (at, window) in text.windows(len.max(1)).enumerate() {
            // In the other case, a short one is part of any word (`KEY`, `key`).
            let stands = window == needle || (5 <= len && window.eq_ignore_ascii_case(needle));
            let is_hit = |hit: &Hit| hit.needle as usize == number && hit.at as usize == base + at;
            if stands && !hits.iter().any(is_hit) && over.len() < EVENTS_MAX {
                over.push((*rule, at..at + len));
            }
        }
    }
    over
}

/// What a text is made of, as classes of characters: tells its format, and not more.
fn class(text: &[u8]) -> String {
    let mut class = String::from("[");
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    if has(u8::is_ascii_uppercase) {
        class.push_str("A-Z");
    }
    if has(u8::is_ascii_lowercase) {
        class.push_str("a-z");
    }
    if has(u8::is_ascii_digit) {
        class.push_str("0-9");
    }
    if has(|byte| byte.is_ascii_punctuation()) {
        class.push_str("punctuation");
    }
    if has(u8::is_ascii_whitespace) {
        class.push_str("blanks");
    }
    if has(|byte| !byte.is_ascii()) {
        class.push_str("other");
    }
    class.push(']');
    class
}
