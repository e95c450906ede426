//! What a rule says beyond its pattern and its keys: where it applies, what must stand
//! near, what it leaves, what is done.
//!
//! A rule that says nothing of this has no filter, and costs nothing. For one that has,
//! the filter is asked when a candidate passed everything else, which is rare.

mod admit;
mod allow;

pub(in crate::scrub) use allow::AllowList;

use std::cell::OnceCell;
use std::ops::Range;

use crate::scrub::Request;
use crate::scrub::detector::RuleFault;
use crate::scrub::detector::bytes::is_word;
use crate::scrub::otlp::Origin;
use crate::scrub::otlp::Origins;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::places;
use crate::scrub::rule::Action;
use crate::scrub::rule::Confidence;
use crate::scrub::rule::Rule;
use crate::scrub::rule::allow::Allow;
use crate::scrub::rule::condition::Condition;
use crate::scrub::rule::condition::Near;
use crate::scrub::yaml::closest;

/// What surrounds the texts of one request.
pub(in crate::scrub) struct Surroundings<'r> {
    request: Option<&'r Request>,
    origins: OnceCell<Origins>,
}

impl<'r> Surroundings<'r> {
    /// Of a request, or of a text by itself.
    pub(in crate::scrub) fn new(request: Option<&'r Request>) -> Self {
        Self { request, origins: OnceCell::new() }
    }

    /// Who sent the text at this place.
    fn origin(&self, place: &Place<'_>) -> Option<Origin<'_>> {
        let request = self.request?;
        let read = || Origins::new(request.signal, request.encoding, &request.bytes);
        self.origins.get_or_init(read).at(place.at)
    }
}

/// A candidate, and what is around it.
pub(in crate::scrub) struct Candidate<'t> {
    /// The text that it was found in, decoded.
    pub(in crate::scrub) text: &'t [u8],
    /// The candidate.
    pub(in crate::scrub) secret: Range<usize>,
    /// Whether that text was decoded from a part of the text at the place.
    pub(in crate::scrub) nested: bool,
    /// The place.
    pub(in crate::scrub) place: &'t Place<'t>,
    /// The request.
    pub(in crate::scrub) surroundings: &'t Surroundings<'t>,
    /// How sure the match is.
    pub(in crate::scrub) confidence: Confidence,
}

impl Candidate<'_> {
    fn secret(&self) -> &[u8] {
        self.text.get(self.secret.clone()).unwrap_or_default()
    }
}

/// What becomes of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Ruling {
    /// It is a match.
    Match,
    /// It is a match, and more is done than to mask it.
    Act(Action),
    /// It would be a match; its text stays.
    Tag,
    /// It would be a match if the rule were not in a dry run.
    DryRun,
    /// It is none.
    Stopped(Stop),
}

/// What stopped a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Stop {
    /// A part of the rule's `where`.
    Where(&'static str),
    /// None of the words of `near` is near.
    Near,
    /// It is less sure than the processor wants.
    Confidence,
    /// This allow entry, by its number in the rule's list.
    Allowed(usize),
}

/// A compiled filter.
pub(in crate::scrub) struct Filter {
    condition: Option<Condition>,
    near: Option<Near>,
    allow: AllowList,
    confidence_min: Confidence,
    action: Action,
    dry_run: bool,
}

/// What all rules have in common.
#[derive(Clone, Default)]
pub(in crate::scrub) struct Policy {
    /// Allow entries for every rule.
    pub(in crate::scrub) allow: AllowList,
    /// Matches below are left.
    pub(in crate::scrub) confidence_min: Confidence,
}

impl Filter {
    /// Compiles what `rule` says; `own` are its allow entries that count today. `None`
    /// if there is nothing to ask.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub(in crate::scrub) fn new(
        rule: &Rule,
        own: &[(usize, Allow)],
        policy: &Policy,
    ) -> Result<Option<Self>, RuleFault> {
        if let Some(condition) = &rule.condition {
            check_condition(condition)?;
        }
        if let Some(near) = &rule.near {
            check_near(near)?;
        }
        let action = match rule.action {
            // How the mask looks is the masker's to know.
            Action::Fingerprint | Action::Partial => Action::Mask,
            action => action,
        };
        let filter = Self {
            condition: rule.condition.clone(),
            near: rule.near.clone(),
            allow: policy.allow.of_rule(&rule.id, own)?,
            confidence_min: policy.confidence_min,
            action,
            dry_run: rule.dry_run,
        };
        let is_void = filter.condition.is_none()
            && filter.near.is_none()
            && filter.allow.is_empty()
            && filter.confidence_min == Confidence::Low
            && filter.action == Action::Mask
            && !filter.dry_run;
        Ok((!is_void).then_some(filter))
    }

    /// What becomes of a candidate that the rule found.
    pub(in crate::scrub) fn ruling(&self, candidate: &Candidate<'_>) -> Ruling {
        if let Some(condition) = &self.condition
            && let Some(part) = fails(condition, candidate)
        {
            return Ruling::Stopped(Stop::Where(part));
        }
        if let Some(near) = &self.near
            && !is_near(near, candidate)
        {
            return Ruling::Stopped(Stop::Near);
        }
        if candidate.confidence < self.confidence_min {
            return Ruling::Stopped(Stop::Confidence);
        }
        if let Some(entry) = self.allow.entry_for(candidate) {
            return Ruling::Stopped(Stop::Allowed(entry));
        }
        match self.action {
            _ if self.dry_run => Ruling::DryRun,
            Action::Mask => Ruling::Match,
            Action::Tag => Ruling::Tag,
            action => Ruling::Act(action),
        }
    }

    /// What is done about a match beyond its mask, in the words of a rule file.
    pub(in crate::scrub::detector) fn deed(&self) -> Option<&'static str> {
        match self.action {
            Action::RemoveAttribute => Some("remove-attribute"),
            Action::DropRecord => Some("drop-record"),
            Action::RefuseRequest => Some("refuse-request"),
            Action::Route => Some("route"),
            Action::Mask | Action::Fingerprint | Action::Partial | Action::Tag => None,
        }
    }

    /// The allow entry of this number.
    pub(in crate::scrub::detector) fn allow(&self, number: usize) -> Option<&Allow> {
        self.allow.get(number)
    }

    /// Whether the rule holds under conditions only, so that another rule must have its
    /// say where it does not.
    pub(in crate::scrub) fn is_conditional(&self) -> bool {
        let silent = self.dry_run || self.action == Action::Tag;
        self.condition.is_some() || self.near.is_some() || silent
    }
}

fn check_condition(condition: &Condition) -> Result<(), RuleFault> {
    let places = places();
    for (at, place) in condition.places.iter().enumerate() {
        if !places.contains(&place.as_str()) {
            let advice = closest::advice(place, &places);
            return Err(
                RuleFault::new(&format!("where.places[{at}]"), "unknown place").with_advice(advice)
            );
        }
    }
    let is_void = *condition == Condition::default();
    if is_void {
        let expected = "expected at least one of signals, places, attributes, resource, scope";
        return Err(RuleFault::new("where", expected));
    }
    Ok(())
}

/// The farthest that a word may stand away, in bytes: the price of a look is this much.
const WITHIN_MAX: usize = 4096;

fn check_near(near: &Near) -> Result<(), RuleFault> {
    if near.words.is_empty() {
        return Err(RuleFault::new("near.words", "expected at least one word"));
    }
    if let Some(at) = near.words.iter().position(String::is_empty) {
        return Err(RuleFault::new(&format!("near.words[{at}]"), "expected a word"));
    }
    if !(1..=WITHIN_MAX).contains(&near.within) {
        let expected = format!("expected 1 to {WITHIN_MAX} bytes");
        return Err(RuleFault::new("near.within", &expected));
    }
    Ok(())
}

/// The part of a condition that does not hold.
fn fails(condition: &Condition, candidate: &Candidate<'_>) -> Option<&'static str> {
    let Candidate { place, surroundings, .. } = candidate;
    let signal = surroundings.request.map(|request| request.signal);
    if !condition.signals.is_empty()
        && signal.is_some_and(|signal| !condition.signals.contains(&signal))
    {
        return Some("signals");
    }
    if !condition.places.is_empty() && !condition.places.iter().any(|kind| *kind == place.kind) {
        return Some("places");
    }
    if !condition.attributes.is_empty() {
        let names = attribute_names(place);
        let any = |name: &Vec<u8>| condition.attributes.iter().any(|glob| glob.matches(name));
        if names.is_some_and(|names| !names.iter().any(any)) {
            return Some("attributes");
        }
    }
    if condition.resource.is_empty() && condition.scope.is_empty() {
        return None;
    }
    let origin = surroundings.origin(place)?;
    for (key, globs) in &condition.resource {
        let mut values = origin.resource(key);
        let holds = |value: Option<&[u8]>| {
            value.is_none_or(|value| globs.iter().any(|glob| glob.matches(value)))
        };
        if !values.any(holds) {
            return Some("resource");
        }
    }
    let matches = |name: &Vec<u8>| condition.scope.iter().any(|glob| glob.matches(name));
    match origin.scope() {
        // What stands in the resource itself is of every scope.
        None => None,
        Some(_) if condition.scope.is_empty() => None,
        Some(names) if names.iter().any(matches) => None,
        Some(_) => Some("scope"),
    }
}

/// The names of the attributes around a text: `a`, `a.b` for one nested in it. `None`
/// where a key is not shown.
fn attribute_names(place: &Place<'_>) -> Option<Vec<Vec<u8>>> {
    let mut names: Option<Vec<Vec<u8>>> = Some(Vec::new());
    place.path.keys(&mut |key| {
        let (Some(all), Some(key)) = (names.as_mut(), key) else {
            names = None;
            return;
        };
        let name = match all.last() {
            Some(outer) => [outer.as_slice(), b".", key].concat(),
            None => key.to_vec(),
        };
        all.push(name);
    });
    names
}

/// Whether one of the words stands close to the candidate, or in the key of an
/// attribute around it.
fn is_near(near: &Near, candidate: &Candidate<'_>) -> bool {
    let Range { start, end } = candidate.secret;
    let text = candidate.text;
    let before = text.get(start.saturating_sub(near.within)..start).unwrap_or_default();
    let behind = text.get(end..text.len().min(end + near.within)).unwrap_or_default();
    let keys = attribute_names(candidate.place).and_then(|mut names| names.pop());
    let around = [before, behind, keys.as_deref().unwrap_or_default()];
    around.iter().any(|part| near.words.iter().any(|word| has_word(part, word.as_bytes())))
}

/// Whether a word stands in a text, without regard to case, and not within another:
/// `acme` stands in `ACME_KEY`, not in `acmeist`.
fn has_word(text: &[u8], word: &[u8]) -> bool {
    let inside = |at: Option<usize>| {
        let byte = at.and_then(|at| text.get(at));
        byte.is_some_and(|byte| is_word(*byte) && *byte != b'_' && *byte != b'-')
    };
    text.windows(word.len().max(1)).enumerate().any(|(at, window)| {
        window.eq_ignore_ascii_case(word)
            && !inside(at.checked_sub(1))
            && !inside(Some(at + word.len()))
    })
}
