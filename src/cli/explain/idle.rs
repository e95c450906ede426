//! What packed rules that do not run would find: why a text is left that looks as if one
//! of them knew it.

use std::collections::BTreeMap;

use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::explain::Candidate;
use crate::scrub::explain::Explanation;
use crate::scrub::explain::Outcome;
use crate::scrub::rule::Sensitivity;
use crate::scrub::rule::glob::Glob;

/// The rules of the settings, and every packed one.
pub(in crate::cli::explain) struct Idle {
    pub(in crate::cli::explain) scrubber: Scrubber,
    /// Those that do not run, and the setting that says so.
    rules: BTreeMap<String, &'static str>,
}

impl Idle {
    /// `None` where every packed rule runs; `live` is made of `settings`.
    pub(in crate::cli::explain) fn new(settings: &Settings, live: &Scrubber) -> Option<Self> {
        let all = Settings {
            packs: None,
            disable: Vec::new(),
            enable: vec![Glob::any()],
            shadow: None,
            candidate: None,
            ..settings.clone()
        };
        let scrubber = Scrubber::new(&all).ok()?;
        let runs = live.rule_ids();
        let is_disabled =
            |id: &str| settings.disable.iter().any(|glob| glob.matches(id.as_bytes()));
        let idle = scrubber.rules().iter().filter(|rule| !runs.iter().any(|id| **id == *rule.id));
        let rules: BTreeMap<String, &'static str> = idle
            .map(|rule| {
                let setting = match rule.sensitivity {
                    _ if is_disabled(&rule.id) => "`disable` names it",
                    Sensitivity::Publishable => "what it finds is meant to be seen, see `enable`",
                    _ => "`packs` leaves it out",
                };
                (rule.id.clone(), setting)
            })
            .collect();
        (!rules.is_empty()).then_some(Self { scrubber, rules })
    }

    /// Adds to what the live rules say what `all` the rules say and no live one masks.
    pub(in crate::cli::explain) fn add(&self, said: &mut Vec<Explanation>, all: Vec<Explanation>) {
        for other in all {
            let at = said.iter().position(|one| one.path == other.path && one.place == other.place);
            let masks = at.and_then(|at| said.get(at)).map(|one| one.masks.clone());
            let masks = masks.unwrap_or_default();
            let candidates = other.candidates.into_iter().filter_map(|candidate| {
                let why = *self.rules.get(candidate.rule.as_ref()?)?;
                let Candidate { start, len, .. } = candidate;
                let is_over = |mask_start: usize, mask_len: usize| {
                    mask_start < start + len && start < mask_start + mask_len
                };
                let is_masked = masks
                    .iter()
                    .any(|mask| !candidate.decoded.is_empty() || is_over(mask.start, mask.len));
                let found = matches!(candidate.outcome, Outcome::Matched { .. });
                let why = format!("the rule does not run: {why}");
                let outcome = Outcome::Left { why };
                (found && !is_masked).then_some(Candidate { outcome, ..candidate })
            });
            let candidates: Vec<Candidate> = candidates.collect();
            match at.and_then(|at| said.get_mut(at)) {
                _ if candidates.is_empty() => {}
                Some(one) => one.candidates.extend(candidates),
                None => said.push(Explanation { candidates, masks: Vec::new(), ..other }),
            }
        }
    }
}
