//! Finds the matches in a text, from the hits of the prefilter.

mod assigned;
mod named;
mod near;
mod phrase;
mod repeated;
mod second;
mod several;
mod siblings;
mod spoken;

pub(in crate::scrub::detector) use siblings::SIBLINGS;
pub(in crate::scrub::detector) use siblings::Sibling;

use std::ops::Range;

use crate::scrub::detector::Compiled;
use crate::scrub::detector::Detector;
use crate::scrub::detector::Tally;
use crate::scrub::detector::Use;
use crate::scrub::detector::announce;
use crate::scrub::detector::assign;
use crate::scrub::detector::assign::Assignment;
use crate::scrub::detector::assign::ReadColumns;
use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::confirm::Candidate;
use crate::scrub::detector::confirm::Pattern;
use crate::scrub::detector::confirm::Tried;
use crate::scrub::detector::decode;
use crate::scrub::detector::decode::Escapes;
use crate::scrub::detector::decode::Kinds;
use crate::scrub::detector::filter::Ruling;
use crate::scrub::detector::filter::Surroundings;
use crate::scrub::detector::hidden;
use crate::scrub::detector::hidden::Layer;
use crate::scrub::detector::key::Class;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::masked::is_in_mask;
use crate::scrub::detector::masked::is_mask;
use crate::scrub::detector::masked::is_mask_alone;
use crate::scrub::detector::masked::is_mask_cut;
use crate::scrub::detector::overlap;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::prefilter::DISGUISE;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::RUN;
use crate::scrub::detector::torn;
use crate::scrub::detector::torn::Joined;
use crate::scrub::detector::trace::Event;
use crate::scrub::detector::urls::Urls;
use crate::scrub::detector::value;
use crate::scrub::mask::Masker;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::replace_in;
use crate::scrub::rule::validator;

/// How often each byte of a text may be read for values of keys and for patterns that
/// reach far, before the text is masked whole. In text that people and programs write,
/// values do not overlap, so that it is once or twice.
const STEPS_PER_BYTE_MAX: usize = 16;

/// What even the shortest text may cost.
const STEPS_MIN: usize = 1 << 16;

/// How many keys and anchors may stand in even the shortest text, and how many bytes a
/// longer one has for each.
const HITS_MIN: usize = 4096;
const BYTES_PER_HIT_MIN: usize = 12;

/// How many elements of a list under a secret key are looked at.
pub(in crate::scrub::detector) const ELEMENTS_MAX: usize = 256;

/// What is found in one text, and what is left of its budget.
pub(in crate::scrub) struct Search<'d, 'p> {
    pub(in crate::scrub::detector) detector: &'d Detector,
    pub(in crate::scrub::detector) masker: &'d Masker,
    pub(in crate::scrub::detector) surroundings: &'p Surroundings<'p>,
    pub(in crate::scrub::detector) place: &'p Place<'p>,
    /// What was decoded to get to the text at hand, from the outside in.
    pub(in crate::scrub::detector) chain: Vec<&'static str>,
    /// What the search saw, where somebody asks.
    pub(in crate::scrub::detector) trace: Option<Vec<Event>>,
    /// What each rule looked at.
    pub(in crate::scrub::detector) tally: Tally,
    /// Candidates of rules that do more, or less, than to mask them.
    pub(in crate::scrub) notes: Vec<Note>,
    /// Bytes that may still be decoded.
    pub(in crate::scrub::detector) budget: usize,
    /// Bytes that may still be read for values and long patterns.
    steps: usize,
    /// What was read of the text at hand.
    pub(in crate::scrub::detector) progress: Progress,
    /// Whether a budget was too small.
    pub(in crate::scrub) exhausted: bool,
}

/// What was read of one text, so that it is not read again.
#[derive(Default)]
pub(in crate::scrub::detector) struct Progress {
    /// Up to where pairs were: a key among them (`cookie: a=b; cookie: c=d`) adds nothing.
    pairs_until: usize,
    /// Up to where codes were that stand beside each other.
    codes_until: usize,
    columns: ReadColumns,
    pub(in crate::scrub::detector) urls: Urls,
    /// Where patterns were tried, by the number of their rule.
    tried: Vec<(u32, Tried)>,
}

/// What a rule says of a candidate beyond that it is a match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) struct Note {
    /// The rule.
    pub(in crate::scrub) rule: u32,
    /// What it says.
    pub(in crate::scrub) ruling: Ruling,
}

/// What a text is known to be before it is looked at.
#[derive(Clone, Copy)]
pub(in crate::scrub) enum Known<'d> {
    /// Nothing.
    Nothing,
    /// The value under a key that these rules name.
    Secret(Rules<'d>),
    /// The value under a key that says nothing itself, below one that these rules
    /// name.
    Below(Rules<'d>),
}

impl<'d, 'p> Search<'d, 'p> {
    /// A search in the text of `len` bytes at a place.
    pub(in crate::scrub) fn new(
        detector: &'d Detector,
        masker: &'d Masker,
        surroundings: &'p Surroundings<'p>,
        place: &'p Place<'p>,
        len: usize,
    ) -> Self {
        let budget = hidden::budget(len);
        let steps = len.saturating_mul(STEPS_PER_BYTE_MAX).saturating_add(STEPS_MIN);
        Self {
            detector,
            masker,
            surroundings,
            place,
            chain: Vec::new(),
            trace: None,
            tally: Tally::default(),
            notes: Vec::new(),
            budget,
            steps,
            progress: Progress::default(),
            exhausted: false,
        }
    }

    /// The matches in `text`, in order, not overlapping. `hits` are those of the
    /// prefilter, `base` the position in them at which the text begins.
    pub(in crate::scrub) fn matches(
        &mut self,
        text: &[u8],
        hits: &[Hit],
        base: usize,
        known: Known<'d>,
        layer: Layer,
    ) -> Vec<Match> {
        let mut found = Vec::new();
        if self.is_dense(text, hits) {
            self.exhausted = true;
            return found;
        }
        let outside = std::mem::take(&mut self.progress);
        let packed = layer.packed(text);
        let hits = match packed.is_some_and(|packed| self.packed(text, packed, layer, &mut found)) {
            true => &[],
            false => hits,
        };
        self.judge_known(text, known, &mut found);
        // Up to where keys were read, and runs and dumps were decoded.
        let (mut keys_done, mut run_done, mut dump_done) = (0, 0, 0);
        let mut escapes = Kinds::default();
        for hit in hits {
            if self.exhausted {
                break;
            }
            let at = hit.at as usize - base;
            if hit.needle == RUN {
                if run_done <= at {
                    run_done = self.run(text, at, layer, &mut found);
                    if let Some(kind) = announce::in_run(text, at, run_done) {
                        escapes = escapes.with(kind);
                    }
                }
                continue;
            }
            if hit.needle == DISGUISE {
                escapes = escapes.with(Escapes::Disguise);
                continue;
            }
            let detector = self.detector;
            let Some(needle) = detector.prefilter.needle(hit.needle) else { continue };
            match detector.uses.get(hit.needle as usize) {
                Some(Use::Anchor(rule)) => {
                    self.anchor(text, at, needle.len(), *rule, &mut found);
                    if let Some(kind) = announce::in_token(text, at) {
                        escapes = escapes.with(kind);
                    }
                }
                Some(Use::Key { start, end }) if keys_done <= at + *start as usize => {
                    let word = at + *start as usize..at + *end as usize;
                    escapes = announce::around(text, &word).fold(escapes, Kinds::with);
                    keys_done = self.key(text, word, &mut found);
                }
                Some(Use::Numbers) => self.numbers(text, at, layer, &mut found),
                Some(Use::Dump) if dump_done <= at => {
                    let announced = at..at + needle.len();
                    dump_done = self.dump(text, announced, dump_done, layer, &mut found);
                }
                Some(Use::Escape(Escapes::Joints)) if !decode::joins_secret(text, at) => {}
                Some(Use::Escape(kind)) => escapes = escapes.with(*kind),
                Some(Use::Key { .. } | Use::Dump | Use::Piece | Use::Arguments) | None => {}
            }
        }
        // Where nothing is encoded, nothing is asked.
        if 0 < run_done || 0 < escapes.len() {
            escapes = announce::with_others(text, escapes);
        }
        self.escaped(text, escapes, layer, &mut found);
        self.progress = outside;
        self.merged(text, found)
    }

    /// The matches of a text, with what goes on behind them or stands beside them.
    fn merged(&mut self, text: &[u8], mut found: Vec<Match>) -> Vec<Match> {
        self.phrases(text, &mut found);
        self.siblings(text, &mut found);
        self.paired(text, &mut found);
        self.repeated(text, &mut found);
        self.go_on_below(text, &mut found);
        self.matched(text, &found);
        self.unmasked(text, overlap::merge(found))
    }

    /// Whether so many keys and anchors stand in a text, one right behind the other, that
    /// to look at each would cost what no text of people or programs does.
    fn is_dense(&self, text: &[u8], hits: &[Hit]) -> bool {
        let too_many = HITS_MIN.max(text.len() / BYTES_PER_HIT_MIN);
        let telling = |hit: &&Hit| {
            let used = self.detector.uses.get(hit.needle as usize);
            matches!(used, Some(Use::Key { .. } | Use::Anchor(_)))
        };
        too_many < hits.len() && too_many < hits.iter().filter(telling).count()
    }

    /// An anchor of a rule's pattern.
    fn anchor(&mut self, text: &[u8], at: usize, len: usize, rule: u32, found: &mut Vec<Match>) {
        let Some(compiled) = self.detector.rules.get(rule as usize) else { return };
        let Some(pattern) = &compiled.pattern else { return };
        // A second anchor inside of what the same rule has found.
        if found.last().is_some_and(|last| last.rule == rule && at < last.range.end) {
            return;
        }
        if self.detector.manifest == Some(rule) {
            return self.manifest(text, at, len, rule, found);
        }
        let candidate = self.confirm(rule, pattern, text, at..at + len);
        let missed = || pattern.reach(text, at).max(len);
        self.looked(rule, candidate.as_ref().map_or_else(missed, |found| found.secret.len()));
        let joined = self.wrapped(compiled, pattern, text, at..at + len, candidate.as_ref());
        if let Some(joined) = joined.filter(|joined| {
            compiled.accepts(&joined.secret)
                && (joined.fits || validator::looks_random(&joined.secret))
        }) && self.admits(rule, text, &joined.range)
        {
            let how = self.progress.urls.how(text, joined.range.start);
            let certainty = Certainty::Pattern;
            found.push(Match { range: joined.range, rule, certainty, how });
            return;
        }
        let Some(candidate) = candidate else {
            if !self.in_layers(text, at..at + len, pattern, rule, found) {
                self.unconfirmed(rule, text, at, len);
            }
            return;
        };
        let secret = text.get(candidate.secret.clone()).unwrap_or_default();
        let no_secret = is_in_mask(text, candidate.secret.start)
            || is_mask_cut(text, &candidate.secret, &self.detector.rules)
            || is_mask_alone(secret)
            || !compiled.accepts(secret)
            || is_filler(secret, len)
            || value::is_closing(secret)
            || (candidate.glued && !torn::is_sure(compiled, text, &candidate, at..at + len));
        if no_secret {
            if !self.in_layers(text, at..at + len, pattern, rule, found) {
                self.unaccepted(rule, text, &candidate, len);
            }
            return;
        }
        if !self.admits(rule, text, &candidate.secret) {
            return;
        }
        let how = self.progress.urls.how(text, candidate.secret.start);
        let certainty = match candidate.secret.start <= at {
            true => Certainty::Pattern,
            false => Certainty::Around,
        };
        found.push(Match { range: candidate.secret, rule, certainty, how });
    }

    /// The token around an anchor that is wrapped at the end of a line.
    fn wrapped(
        &mut self,
        rule: &Compiled,
        pattern: &Pattern,
        text: &[u8],
        anchor: Range<usize>,
        found: Option<&Candidate>,
    ) -> Option<Joined> {
        let mut read_bytes = 0;
        let mut joined = torn::wrapped(rule, pattern, text, anchor.clone(), found, &mut read_bytes);
        if joined.is_none() && found.is_none() {
            if pattern.has_lead() {
                let anchor = anchor.clone();
                joined = torn::wrapped_before(rule, pattern, text, anchor, &mut read_bytes);
            }
            if joined.is_none()
                && text.get(anchor.clone()).is_some_and(|anchor| anchor.ends_with(b"://"))
            {
                joined = torn::wrapped_url(pattern, text, anchor, &mut read_bytes);
            }
        }
        self.step(read_bytes);
        joined
    }

    /// What the pattern of a rule matches around an anchor of the text at hand.
    fn confirm(
        &mut self,
        rule: u32,
        pattern: &Pattern,
        text: &[u8],
        anchor: Range<usize>,
    ) -> Option<Candidate> {
        if !pattern.begins_before() {
            return pattern.confirm(text, anchor.start, anchor.len());
        }
        let known = self.progress.tried.iter().rposition(|(other, _)| *other == rule);
        let number = known.unwrap_or(self.progress.tried.len());
        if known.is_none() {
            self.progress.tried.push((rule, Tried::default()));
        }
        let (_, tried) = self.progress.tried.get_mut(number)?;
        pattern.confirm_once(text, anchor.start, anchor.len(), tried)
    }

    /// A word of a key. Returns up to where the name reaches.
    fn key(&mut self, text: &[u8], word: Range<usize>, found: &mut Vec<Match>) -> usize {
        let name = assign::name_around(text, word.clone());
        let done = name.end;
        // A text that is searched once more has one behind every other key.
        if let Some([b'=', value @ ..]) = text.get(name.end..)
            && is_mask(value)
        {
            return done;
        }
        // What stands under another key is secret already.
        if found.last().is_some_and(|last| {
            last.certainty == Certainty::Key
                && name.end <= last.range.end
                && last.range.start <= name.start
        }) {
            return done;
        }
        // The id of a rule in a mask tells of a secret, too; and what follows `::` is a type.
        if is_in_mask(text, name.start)
            || text.get(..name.start).is_some_and(|before| before.ends_with(b"checksum/"))
            || assign::is_user_of_url(text, &name)
            || assign::is_in_resource_name(text, &name)
        {
            return done;
        }
        let (class, name) = self.classified(text, &word, name);
        if class == Class::NotSecret {
            let why = || "its key says that it is no secret, though it looks so".to_owned();
            self.stopped(None, text, name.clone(), why);
        }
        let Some(rules) = self.of_many(text, &name, class) else { return done };
        if assign::ends_blob(text, &name) {
            return done;
        }
        if self.block(text, &name, rules, found) {
            return done;
        }
        let before = found.len();
        let read = assign::assignment(text, name.clone());
        match &read {
            // Behind a tab, or in a list of names, may be the next column.
            Some(assignment) if in_column(text, assignment) => {
                let before = found.len();
                self.column(text, &name, rules, found);
                if before == found.len() {
                    self.assigned(text, assignment, rules, found);
                }
                if before == found.len() {
                    self.tabbed(text, &name, rules, found);
                }
            }
            Some(assignment) => self.assigned(text, assignment, rules, found),
            None => {
                self.column(text, &name, rules, found);
                if before == found.len() {
                    self.tabbed(text, &name, rules, found);
                }
            }
        }
        if found.len() == before {
            self.behind(text, &name, rules, read.as_ref(), found);
        }
        if before < found.len() {
            self.second(text, &name, rules, found);
        }
        done
    }

    /// Counts bytes that were read around a hit.
    pub(in crate::scrub::detector) fn step(&mut self, bytes: usize) {
        match self.steps.checked_sub(bytes) {
            Some(left) => self.steps = left,
            None => self.exhausted = true,
        }
    }

    /// `text` with its matches masked.
    pub(in crate::scrub) fn apply(&self, text: &[u8], matches: &[Match]) -> Vec<u8> {
        let edits: Vec<Replacement> = matches
            .iter()
            .map(|m| Replacement { range: m.range.clone(), bytes: self.mask(text, m) })
            .collect();
        replace_in(text, &edits)
    }

    /// What takes the place of a match.
    pub(in crate::scrub) fn mask(&self, text: &[u8], found: &Match) -> Vec<u8> {
        let rule = self.detector.rules.get(found.rule as usize);
        let own = rule.and_then(|rule| rule.mask);
        let id = rule.map_or(crate::scrub::detector::LIMIT_RULE, |rule| &rule.id);
        let secret = text.get(found.range.clone()).unwrap_or_default();
        match &found.how {
            How::Plain => self.masker.mask(id, own, secret, false),
            How::Url => self.masker.mask(id, own, secret, true),
            How::Quoted(quote) => {
                let mask = self.masker.mask(id, own, secret, quote.starts_with(b"%"));
                [quote, &mask, quote].map(Vec::as_slice).concat()
            }
            How::Encoded(bytes) => bytes.clone(),
        }
    }
}

/// Whether what is taken for a value may be the name of the next column.
fn in_column(text: &[u8], assignment: &Assignment) -> bool {
    match assignment.sign {
        Sign::Prose if text.get(assignment.key.end) == Some(&b'\t') => true,
        Sign::Pair if assign::is_quoted_name(text, &assignment.key) => true,
        Sign::Prose | Sign::Pair | Sign::Colon => assign::is_inserted(text, &assignment.key),
        _ => false,
    }
}

/// `sk-xxxxxxxxxxxx`: what follows the anchor is one character over and over.
pub(in crate::scrub::detector) fn is_filler(secret: &[u8], anchor_len: usize) -> bool {
    let body = secret.get(anchor_len.min(secret.len())..).unwrap_or_default();
    let mut letters = body.iter().filter(|byte| byte.is_ascii_alphanumeric() || **byte == b'*');
    let Some(first) = letters.next() else { return false };
    8 <= body.len() && letters.all(|letter| letter.eq_ignore_ascii_case(first))
}
