//! Why something was masked, and why something was not.
//!
//! Made by the search itself (`detector::trace`) while it does what it always does.
//! Holds rule ids, places, lengths, classes of characters and fingerprints, never a
//! byte of what was found.

use std::fmt;

use crate::scrub::detector::Detector;
use crate::scrub::detector::trace::Event;
use crate::scrub::detector::trace::Fate;

/// One text in which something was found, or nearly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The kind of place.
    pub place: &'static str,
    /// The path; empty for a text by itself.
    pub path: String,
    /// Candidates, in the order in which they were looked at.
    pub candidates: Vec<Candidate>,
    /// The masks that were put there, each with the rule that named it.
    pub masks: Vec<Mask>,
    /// The scrubber is in a dry run: the text leaves as it is.
    pub dry_run: bool,
}

/// What a rule looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The rule; none where a key said that its value is no secret.
    pub rule: Option<String>,
    /// What was decoded to get to it, from the outside in.
    pub decoded: Vec<&'static str>,
    /// Where it begins in the innermost text, in bytes.
    pub start: usize,
    /// How long it is, in bytes.
    pub len: usize,
    /// What it is made of.
    pub class: String,
    /// Its fingerprint; none without `fingerprint_key`.
    pub fingerprint: Option<String>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is a match.
    Matched {
        /// What told: the key, the pattern, what is around it.
        by: &'static str,
        /// `low`, `medium`, `high`.
        confidence: &'static str,
        /// What each validator said.
        verdicts: Vec<String>,
        /// What is done about it beyond its mask: `drop-record`.
        action: Option<&'static str>,
        /// The rule whose match overlaps this one and names the mask for both.
        named_by: Option<String>,
    },
    /// It would be one, and is left as it is.
    Left {
        /// Why.
        why: String,
    },
    /// It is none.
    Stopped {
        /// Why not.
        why: String,
    },
}

/// A mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// The rule that named it.
    pub rule: String,
    /// Where what it covers begins, in bytes of the text.
    pub start: usize,
    /// How many bytes it covers.
    pub len: usize,
    /// What stands there now; of a mask that keeps characters of a secret, only that.
    pub shown: String,
}

impl Explanation {
    pub(in crate::scrub) fn candidates(
        detector: &Detector,
        events: Vec<Event>,
        masks: &[Mask],
    ) -> Vec<Candidate> {
        let id = |rule: u32| detector.rule_ids().nth(rule as usize).map(|id| id.to_string());
        let candidates = events.into_iter().map(|event| {
            let rule = event.rule.and_then(id);
            let over = |mask: &&Mask| {
                mask.start < event.range.end && event.range.start < mask.start + mask.len
            };
            // Ranges of a decoded text are not those of the text that the mask stands in.
            let mask = masks.iter().find(over).filter(|_| event.chain.is_empty());
            let named_by =
                mask.map(|mask| mask.rule.clone()).filter(|name| Some(name) != rule.as_ref());
            Candidate {
                rule,
                decoded: event.chain,
                start: event.range.start,
                len: event.range.len(),
                class: event.class,
                fingerprint: event.fingerprint,
                outcome: match event.fate {
                    Fate::Matched(by, confidence, verdicts, action) => Outcome::Matched {
                        by: by.name(),
                        confidence: confidence.name(),
                        verdicts,
                        action,
                        named_by,
                    },
                    Fate::Left(why) => Outcome::Left { why },
                    Fate::Stopped(why) => Outcome::Stopped { why },
                },
            }
        });
        let mut all: Vec<Candidate> = Vec::new();
        candidates.for_each(|candidate| {
            if !all.contains(&candidate) {
                all.push(candidate);
            }
        });
        all
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => writeln!(f, "{}", self.place)?,
            path => writeln!(f, "{path}")?,
        }
        for mask in &self.masks {
            let Mask { rule, start, len, shown } = mask;
            writeln!(f, "  masked by {rule}: {len} bytes at byte {start}, as {shown}")?;
        }
        if self.dry_run && !self.masks.is_empty() {
            writeln!(f, "  but for `dry_run` of the scrubber: nothing is masked")?;
        }
        if self.masks.is_empty() {
            writeln!(f, "  nothing masked")?;
        }
        for candidate in &self.candidates {
            write!(f, "    {candidate}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.rule.as_deref().unwrap_or("(no rule)");
        let Self { start, len, class, .. } = self;
        write!(f, "{rule}: {len} bytes of {class} at byte {start}")?;
        if !self.decoded.is_empty() {
            write!(f, " of what {} says", self.decoded.join(", then "))?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            write!(f, ", fingerprint {fingerprint}")?;
        }
        match &self.outcome {
            Outcome::Matched { by, confidence, verdicts, action, named_by } => {
                writeln!(f, "\n      match: told by {by}; confidence {confidence}")?;
                verdicts.iter().try_for_each(|verdict| writeln!(f, "      {verdict}"))?;
                if let Some(rule) = named_by {
                    writeln!(f, "      overlaps a match of {rule}, which names the mask of both")?;
                }
                match action {
                    Some(action) => writeln!(f, "      and then: `action: {action}`"),
                    None => Ok(()),
                }
            }
            Outcome::Left { why } => writeln!(f, "\n      found, and left: {why}"),
            Outcome::Stopped { why } => writeln!(f, "\n      no match: {why}"),
        }
    }
}
