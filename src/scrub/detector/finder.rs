//! The detector as the judge of a walk: one for each request.
//!
//! The request is scanned once, before the walk; what the walk shows is then
//! looked at only if a hit lies in it, or if its key is secret. Texts come in wire
//! order, so that a cursor finds the hits of each.

mod cookies;
mod explained;
mod key_line;
mod number;
mod settle;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::scrub::detector::Detector;
use crate::scrub::detector::Identifiers;
use crate::scrub::detector::KEY_UNSEEN_MAX;
use crate::scrub::detector::LIMIT_RULE;
use crate::scrub::detector::Tally;
use crate::scrub::detector::Use;
use crate::scrub::detector::again::Again;
use crate::scrub::detector::decode::Packed;
use crate::scrub::detector::filter::Ruling;
use crate::scrub::detector::filter::Stop;
use crate::scrub::detector::filter::Surroundings;
use crate::scrub::detector::find::Known;
use crate::scrub::detector::find::Note;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::hidden::Layer;
use crate::scrub::detector::key::Class;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::key_lines::KeyLines;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::prefilter::DISGUISE;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::RUN;
use crate::scrub::detector::whole::Told;
use crate::scrub::explain::Explanation;
use crate::scrub::mask::Masker;
use crate::scrub::otlp::Context;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Outline;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Scalar;
use crate::scrub::otlp::Shown;
use crate::scrub::otlp::Spelled;
use crate::scrub::rule::Action;
use crate::scrub::scrubbed::Noted;
use crate::scrub::scrubbed::NotedKind;
use crate::scrub::scrubbed::Redaction;

/// The context of a value whose key says that it is no secret.
pub(super) const NOT_SECRET: Context = Context(1);

/// A context: its number, shifted by the ones that are not in the list.
const CONTEXTS_BEFORE: u32 = 2;

/// Set in a context that was said by a key further up, not by the nearest one.
const BELOW: u32 = 1 << 31;

/// The place of a log record's text.
const BODY: &str = "body";

/// The longest option that is too short for a needle, in bytes; it tells of the element of
/// an array behind it.
const OPTION_UNSEEN_MAX: usize = "--".len() + KEY_UNSEEN_MAX;

/// Judges the texts of one request.
pub(in crate::scrub) struct Finder<'d> {
    pub(super) detector: &'d Detector,
    masker: &'d Masker,
    surroundings: &'d Surroundings<'d>,
    /// The hits in the request.
    pub(super) hits: Vec<Hit>,
    /// What of the request is known, and not scanned.
    again: Again,
    /// The first hit that does not lie before the text shown last.
    next: usize,
    /// Where no hit is, between two or before the first; empty while texts without hits
    /// must be seen, too.
    gap: Range<usize>,
    /// The hits in a text that was decoded by the walk.
    own_hits: Vec<Hit>,
    /// For each secret key so far, the rules that name it.
    contexts: Vec<Rules<'d>>,
    /// The rules for the next element of an array, said by a flag before it.
    flag: Option<Rules<'d>>,
    /// What a map or an array told of strings that are not shown yet.
    told: Told,
    /// A private key whose lines come as one log record each.
    key_lines: KeyLines,
    /// How many words there are that records have which hold pieces of a text.
    pub(super) piece_words: usize,
    /// The identifiers whose secrets may stand in other texts.
    pub(super) identifiers: Identifiers,
    /// What is known of texts from what stands apart of them, by where each stands: the
    /// other pieces of a text, the other half of a pair.
    pub(super) apart: BTreeMap<usize, Vec<Match>>,
    /// What was found, and how much of it may be listed with its path.
    pub(in crate::scrub) redactions: Vec<Redaction>,
    /// What was found and not, or not only, masked.
    pub(in crate::scrub) noted: Vec<Noted>,
    /// What else must be done, each with its rule.
    pub(in crate::scrub) deeds: Vec<Deed>,
    /// What each rule looked at.
    pub(in crate::scrub) tally: Tally,
    /// Why, where somebody asks.
    pub(in crate::scrub) explanations: Option<Vec<Explanation>>,
    listed_max: usize,
}

/// Something that a rule wants done with what is around a text.
#[derive(Clone, Debug)]
pub(in crate::scrub) struct Deed {
    /// Where the text begins in the request.
    pub(in crate::scrub) at: usize,
    /// What is to be done. `Tag` is one, `Mask` is none.
    pub(in crate::scrub) action: Action,
    /// The rule that wants it.
    pub(in crate::scrub) rule: Arc<str>,
    /// The kind of place.
    pub(in crate::scrub) place: &'static str,
}

impl<'d> Finder<'d> {
    /// Makes a judge. The paths of the first `listed_max` redactions are kept.
    pub(in crate::scrub) fn new(
        detector: &'d Detector,
        masker: &'d Masker,
        surroundings: &'d Surroundings<'d>,
        listed_max: usize,
    ) -> Self {
        Self {
            detector,
            masker,
            surroundings,
            hits: Vec::new(),
            again: Again::default(),
            next: 0,
            gap: 0..0,
            own_hits: Vec::new(),
            contexts: Vec::new(),
            flag: None,
            told: Told::default(),
            key_lines: KeyLines::default(),
            piece_words: 0,
            identifiers: Identifiers::default(),
            apart: BTreeMap::new(),
            redactions: Vec::new(),
            noted: Vec::new(),
            deeds: Vec::new(),
            tally: Tally::default(),
            explanations: None,
            listed_max,
        }
    }

    /// Whether texts of the request that was walked may tell of each other.
    pub(in crate::scrub) fn asks_apart(&self) -> bool {
        !self.knows_apart() && (self.may_have_pieces() || !self.identifiers.is_empty())
    }

    /// Whether anything is known of texts from what stands apart of them.
    pub(in crate::scrub) fn knows_apart(&self) -> bool {
        !self.apart.is_empty()
    }

    /// The identifiers that were found, once.
    pub(in crate::scrub) fn take_identifiers(&mut self) -> Identifiers {
        std::mem::take(&mut self.identifiers)
    }

    /// The numbers of the hits that lie in a range of the request.
    fn hits_in(&mut self, range: Range<usize>) -> Range<usize> {
        let lies_before = |hit: &Hit| (hit.at as usize) < range.start;
        if self.next.checked_sub(1).and_then(|i| self.hits.get(i)).is_some_and(|h| !lies_before(h))
        {
            // The walk went back: a value before its key.
            self.next = self.hits.partition_point(lies_before);
        }
        while self.hits.get(self.next).is_some_and(lies_before) {
            self.next += 1;
        }
        self.measure_gap();
        let rest = self.hits.get(self.next..).unwrap_or_default();
        let len = rest.iter().take_while(|hit| (hit.at as usize) < range.end).count();
        self.next..self.next + len
    }

    /// Sets the gap to what lies before the next hit.
    fn measure_gap(&mut self) {
        let at = |number: usize| self.hits.get(number).map(|hit| hit.at as usize);
        let start = self.next.checked_sub(1).and_then(at).map_or(0, |at| at + 1);
        let end = at(self.next).unwrap_or(usize::MAX);
        let needs_all =
            self.key_lines.are_open() || self.explanations.is_some() || !self.told.is_empty();
        self.gap = if needs_all { 0..0 } else { start..end };
    }

    /// Whether no hit is in a range, and nothing else asks for the texts in it.
    #[inline(always)]
    fn is_in_gap(&self, start: usize, end: usize) -> bool {
        self.gap.start <= start && end <= self.gap.end
    }

    fn context(&mut self, rules: Rules<'d>) -> Context {
        self.contexts.push(rules);
        Context(self.contexts.len() as u32 - 1 + CONTEXTS_BEFORE)
    }

    fn known(&self, context: Context) -> Known<'d> {
        let number = (context.0 & !BELOW).checked_sub(CONTEXTS_BEFORE);
        match number.and_then(|number| self.contexts.get(number as usize)) {
            Some(rules) if context.0 & BELOW != 0 => Known::Below(*rules),
            Some(rules) => Known::Secret(*rules),
            None => Known::Nothing,
        }
    }

    /// What a text is known to be at its place.
    fn known_at(&mut self, text: &[u8], place: &Place<'_>) -> Known<'d> {
        let known = self.known(place.context);
        let Some(element) = place.element else { return known };
        let flag = self.flag.take().filter(|_| 0 < element);
        self.flag = self.detector.keys.of_option(text);
        flag.map_or(known, Known::Secret)
    }

    fn replace(
        &mut self,
        search: &Search<'d, '_>,
        text: &[u8],
        matches: &[Match],
        place: &Place<'_>,
        found: &mut Vec<Replacement>,
    ) {
        self.tally.add(&search.tally);
        for m in matches {
            self.report(m.rule, place);
            found.push(Replacement { range: m.range.clone(), bytes: search.mask(text, m) });
        }
    }

    /// Masks what was found in a text, and says why where somebody asks.
    fn mask(
        &mut self,
        mut search: Search<'d, '_>,
        text: &[u8],
        matches: &[Match],
        known: Known<'d>,
        place: &Place<'_>,
        found: &mut Vec<Replacement>,
    ) {
        if !matches.is_empty() {
            self.identifiers.take(&self.detector.pairs, matches, place);
        }
        let before = found.len();
        self.replace(&search, text, matches, place, found);
        if let Some(events) = search.trace.take() {
            let shown = matches.iter().map(|found| search.shown(text, found)).collect();
            self.explain(events, matches, shown, place);
        }
        if !matches.is_empty() && !search.exhausted {
            let masked = search.apply(text, matches);
            self.settle(text, masked, known, place, found, before);
        }
    }

    fn report(&mut self, rule: u32, place: &Place<'_>) {
        self.tally.matched(rule);
        let redaction = self.redaction(rule, place, self.redactions.len());
        self.redactions.push(redaction);
    }

    fn redaction(&self, rule: u32, place: &Place<'_>, before: usize) -> Redaction {
        let rule = match self.detector.rules.get(rule as usize) {
            Some(rule) => Arc::clone(&rule.id),
            None => LIMIT_RULE.into(),
        };
        let path = match before < self.listed_max {
            true => place.path.to_string(),
            false => String::new(),
        };
        Redaction { rule, place: place.kind, path }
    }

    /// Notes what rules say beyond that they match.
    #[cold]
    pub(super) fn note(&mut self, notes: &[Note], place: &Place<'_>) {
        for Note { rule, ruling } in notes.iter().copied() {
            let kind = match ruling {
                Ruling::DryRun => NotedKind::DryRun,
                Ruling::Tag => NotedKind::Acted(Action::Tag),
                Ruling::Act(action) => NotedKind::Acted(action),
                Ruling::Stopped(Stop::Allowed(_)) => NotedKind::Allowed,
                Ruling::Stopped(Stop::Confidence) => NotedKind::Unsure,
                Ruling::Match | Ruling::Stopped(Stop::Where(_) | Stop::Near) => continue,
            };
            let redaction = self.redaction(rule, place, self.noted.len());
            if let NotedKind::Acted(action) = kind {
                let rule = Arc::clone(&redaction.rule);
                self.deeds.push(Deed { at: place.at, action, rule, place: place.kind });
            }
            self.noted.push(Noted { kind, redaction });
        }
    }
}

impl Judge for Finder<'_> {
    fn begin(&mut self, request: &[u8], outline: Option<Outline<'_>>) {
        self.hits.clear();
        self.next = 0;
        self.again = Again::default();
        // Who asks why wants to see every text searched.
        let asks = self.explanations.is_some() || !self.detector.knows_texts();
        match outline.filter(|_| !asks) {
            None => self.detector.prefilter.scan(request, &mut self.hits),
            Some(outline) => self.again.scan(self.detector, request, &outline, &mut self.hits),
        }
        self.take_words();
        self.measure_gap();
    }

    #[inline(always)]
    fn is_quiet(&self, text: &[u8], at: usize) -> bool {
        self.is_in_gap(at, at + text.len())
            && Packed::of(text).is_none()
            && !(text.len() <= OPTION_UNSEEN_MAX && self.detector.keys.of_option(text).is_some())
    }

    #[inline(always)]
    fn is_quiet_key(&self, key: &[u8], at: usize) -> bool {
        self.is_quiet(key, at) && !self.detector.tells_unseen(key)
    }

    #[inline(always)]
    fn known_until(&mut self, at: usize) -> Option<usize> {
        let end = self.again.known_until(at)?;
        // The gap may be one before.
        let is_quiet =
            self.is_in_gap(at, end) || self.hits_in(at..end).is_empty() && self.is_in_gap(at, end);
        is_quiet.then_some(end)
    }

    fn key(&mut self, key: Shown<'_>, outer: Context) -> Context {
        if let Some(at) = key.at {
            let hits = self.hits_in(at..at + key.bytes.len());
            // A word of a name, or how one may be written otherwise.
            let telling = self.hits.get(hits).unwrap_or_default().iter().any(|hit| {
                let used = self.detector.uses.get(hit.needle as usize);
                hit.needle == DISGUISE || matches!(used, Some(Use::Key { .. } | Use::Escape(_)))
            });
            if !telling && KEY_UNSEEN_MAX < key.bytes.len() {
                return below(outer);
            }
        }
        match self.detector.keys.classify_any(key.bytes) {
            Class::Unknown => match cookies::rules(self.detector, key.bytes) {
                Some(rules) => Context(self.context(rules).0 | BELOW),
                None => below(outer),
            },
            Class::NotSecret => NOT_SECRET,
            Class::Secret(rules) => self.context(rules),
        }
    }

    fn text(&mut self, text: Shown<'_>, place: &Place<'_>, found: &mut Vec<Replacement>) {
        let known = self.known_at(text.bytes, place);
        let is_body = place.kind == BODY;
        let line = if is_body { self.key_lines.line(text.bytes) } else { None };
        let says_nothing = matches!(known, Known::Nothing);
        let scanned = text.at.filter(|&at| says_nothing || !self.again.is_clean(at));
        let (range, base) = match scanned {
            Some(at) => (self.hits_in(at..at + text.bytes.len()), at),
            None => {
                self.own_hits.clear();
                self.detector.prefilter.scan(text.bytes, &mut self.own_hits);
                (0..self.own_hits.len(), 0)
            }
        };
        let packed = Packed::of(text.bytes).is_some();
        let asked = self.explanations.is_some();
        self.told.forget(place.at);
        let beside = line.is_some() || !self.apart.is_empty() || !self.told.is_empty();
        let is_clean = range.is_empty() || scanned.is_some_and(|at| self.again.is_clean_twin(at));
        if is_clean && says_nothing && !packed && !asked && !beside {
            if let Some(at) = scanned {
                self.remember(text.bytes, at, says_nothing);
            }
            return;
        }
        let hits = if scanned.is_some() { &self.hits } else { &self.own_hits };
        let hits = hits.get(range).unwrap_or_default();
        let announces_key = self.detector.announces_key(hits);
        let line = match line {
            None if is_body && !hits.is_empty() => self.key_lines.bare_line(text.bytes, place.at),
            line => line,
        };
        if is_body && announces_key {
            self.key_lines.open(text.bytes);
        }
        let is_line = line.is_some();
        if is_body && (announces_key || is_line) {
            // Lines of a key may have no hit.
            self.gap = 0..0;
        }
        let mut search = self.search(place, text.bytes.len());
        if asked {
            search.watch(text.bytes, hits, base, place.context == NOT_SECRET);
        }
        let mut matches = search.matches(text.bytes, hits, base, known, Layer::default());
        if !self.told.is_empty() {
            matches = self.told.add(place.at, matches);
        }
        if let Some(line) = line {
            matches = self.with_key_line(&mut search, text.bytes, line, matches);
        }
        if !search.notes.is_empty() {
            self.note(&search.notes, place);
        }
        if !self.apart.is_empty() {
            matches = self.with_apart(matches, place.at);
        }
        if search.exhausted {
            matches = vec![Match::whole(text.bytes.len(), RUN)];
        }
        let is_clean = matches.is_empty() && search.notes.is_empty() && !announces_key;
        match scanned {
            Some(at) if !is_clean || is_line => self.again.give_up(at),
            Some(at) => self.remember(text.bytes, at, says_nothing),
            None => {}
        }
        self.mask(search, text.bytes, &matches, known, place, found);
    }

    fn wants_whole(&mut self, range: Range<usize>) -> bool {
        let hits = self.hits_in(range);
        self.hits.get(hits).unwrap_or_default().iter().any(|hit| {
            let used = self.detector.uses.get(hit.needle as usize);
            matches!(used, Some(Use::Key { .. } | Use::Anchor(_) | Use::Arguments))
        })
    }

    fn whole(&mut self, value: &Spelled, range: Range<usize>, place: &Place<'_>) {
        let mut search = self.search(place, value.text.len());
        self.told = Told::of(&mut search, value, range.end);
        self.measure_gap();
    }

    fn scalar(&mut self, value: Scalar, place: &Place<'_>) -> Option<Vec<u8>> {
        match (value, self.known(place.context)) {
            (Scalar::Int(number), Known::Secret(rules)) => self.number(number, rules, place),
            _ => None,
        }
    }
}

impl<'d> Finder<'d> {
    /// Takes note that nothing was found in the text at `at`.
    fn remember(&mut self, text: &[u8], at: usize, says_nothing: bool) {
        if says_nothing {
            self.again.nothing_found(self.detector, text, at);
        }
        // What is under a key of its own is under the same one when it comes again.
        self.again.decide(self.detector, at);
    }

    pub(super) fn search<'p>(&self, place: &'p Place<'p>, len: usize) -> Search<'d, 'p>
    where
        'd: 'p,
    {
        Search::new(self.detector, self.masker, self.surroundings, place, len)
    }
}

/// What a key that says nothing leaves of what the keys around it say.
fn below(outer: Context) -> Context {
    match outer.0 {
        0 | 1 => outer,
        number => Context(number | BELOW),
    }
}
