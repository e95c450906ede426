//! The detector: text and key in, matches out.
//!
//! Three stages, each with the slow obvious version kept as its oracle:
//!
//! 1. `prefilter`: one pass over the bytes of a whole request for the anchors of
//!    all rules, with no false negative. What follows runs only around its hits,
//!    so that the cost follows the hits, never the number of rules.
//! 2. `confirm` and `assign`: a rule's pattern, anchored at the hit; or the value
//!    that is assigned to a key.
//! 3. validators and `value`: the second opinion on a candidate.
//!
//! Text that an encoding hides is decoded (`decode`), searched alike, and what is
//! found is mapped back (`hidden`). All rules see the original bytes; where matches
//! overlap, one mask covers them all (`overlap`).

mod again;
mod announce;
mod assign;
mod bare;
mod bytes;
mod confirm;
mod decode;
mod familiar;
mod filter;
mod find;
mod finder;
mod hidden;
mod judge;
mod key;
mod key_lines;
mod layers;
mod masked;
mod opinion;
mod overlap;
mod pairs;
mod prefilter;
mod recent;
mod streams;
mod tally;
mod torn;
pub(in crate::scrub) mod trace;
mod twins;
mod urls;
mod usual;
mod value;
mod whole;

#[cfg(test)]
pub(in crate::scrub) use announce::escaped_quotes;
pub(in crate::scrub) use filter::AllowList;
pub(in crate::scrub) use filter::Policy;
pub(in crate::scrub) use filter::Surroundings;
pub(in crate::scrub) use finder::Deed;
pub(in crate::scrub) use finder::Finder;
pub(in crate::scrub) use key_lines::KeyLines;
pub(in crate::scrub) use pairs::Halves;
pub(in crate::scrub) use pairs::Identifiers;
pub(in crate::scrub) use streams::Streams;
pub(in crate::scrub) use tally::Tally;

use std::ops::Range;
use std::sync::Arc;

use crate::scrub::MaskKind;
use crate::scrub::detector::filter::Filter;

use crate::scrub::detector::confirm::Pattern;
use crate::scrub::detector::decode::Escapes;
use crate::scrub::detector::familiar::Familiar;
use crate::scrub::detector::key::Class;
use crate::scrub::detector::key::KeyNeedle;
use crate::scrub::detector::key::KeyTable;
use crate::scrub::detector::opinion::Opinion;
use crate::scrub::detector::opinion::OtherPatterns;
use crate::scrub::detector::prefilter::Check;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::Prefilter;
use crate::scrub::detector::recent::Recent;
use crate::scrub::detector::usual::Usual;
use crate::scrub::rule::Action;
use crate::scrub::rule::Confidence;
use crate::scrub::rule::Keys;
use crate::scrub::rule::Rule;
use crate::scrub::rule::ValueForm;
use crate::scrub::rule::allow::Allow;
use crate::scrub::rule::validator;

/// The id under which a text is masked whole because it takes too much work to
/// search.
pub const LIMIT_RULE: &str = "limit";

/// Compiled rules.
pub(in crate::scrub) struct Detector {
    rules: Vec<Compiled>,
    keys: KeyTable,
    prefilter: Prefilter,
    /// Long texts in which these rules found nothing.
    recent: Recent,
    /// The same of attributes.
    familiar: Familiar,
    /// What each needle of the prefilter is for.
    uses: Vec<Use>,
    /// The needles that stand in the names of records that hold pieces of a text.
    piece_words: Range<u32>,
    /// The rule for private keys, if it runs.
    private_key: Option<u32>,
    /// Rules for identifiers, each with the rule for the secret that stands beside it.
    pairs: Vec<(u32, u32)>,
    /// Rules whose credentials are known around a run of base64 characters.
    shapes: Vec<(u32, bare::Shape)>,
    /// Rules whose secrets have others beside them.
    siblings: Vec<(u32, find::Sibling)>,
    /// The rule for the values of a Kubernetes Secret, if it runs.
    manifest: Option<u32>,
    /// Whether the masks of a rule keep parts of what they mask.
    keeps_structure: bool,
}

/// The key whose rules know what stands in a map of cookies.
const COOKIE: &[u8] = b"cookie";

/// Up to how many bytes the name of a key has that is too short for a needle.
const KEY_UNSEEN_MAX: usize = 2;

/// The id of the rule for private keys, whose lines may be log records of their own.
const PRIVATE_KEY_RULE: &str = "pem-private-key";

/// A rule to compile, with those of its allow entries that count today, by their places
/// in its list.
pub(in crate::scrub) struct Source<'r> {
    pub(in crate::scrub) rule: &'r Rule,
    pub(in crate::scrub) allow: Vec<(usize, Allow)>,
}

/// A compiled rule.
struct Compiled {
    id: Arc<str>,
    pattern: Option<Pattern>,
    /// Whether the rule has keys: its pattern, if any, must then match a value whole.
    keyed: bool,
    form: ValueForm,
    validate: Vec<Opinion>,
    /// How sure a match is before a checksum says more.
    confidence: Confidence,
    /// What takes the place of a match, if not what the processor says.
    mask: Option<MaskKind>,
    filter: Option<Box<Filter>>,
    /// How long what the pattern matches usually is.
    usual: Usual,
}

/// What a needle is for.
#[derive(Clone, Copy, Debug)]
enum Use {
    /// A part of it, from `start` to `end`, may stand in a secret key.
    Key {
        /// Where the part begins.
        start: u32,
        /// Where it ends.
        end: u32,
    },
    /// It is the anchor of a rule's pattern.
    Anchor(u32),
    /// It announces an encoding.
    Escape(Escapes),
    /// It stands in the name of a record that holds a piece of a text.
    Piece,
    /// It announces a list of numbers that are bytes.
    Numbers,
    /// It announces bytes in pairs of hexadecimal digits.
    Dump,
    /// It announces an array that is one command line.
    Arguments,
}

/// A fault in a rule; the caller knows where the rule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scrub) struct RuleFault {
    /// The setting of the rule: `pattern`, `where.places[1]`, ….
    pub(in crate::scrub) setting: String,
    /// What was expected there.
    pub(in crate::scrub) expected: String,
    /// What else to write; may be empty.
    pub(in crate::scrub) advice: String,
}

impl RuleFault {
    fn new(setting: &str, expected: &str) -> Self {
        Self { setting: setting.to_owned(), expected: expected.to_owned(), advice: String::new() }
    }

    /// A fault that another module found.
    pub(in crate::scrub) fn of(setting: &str, expected: &str) -> Self {
        Self::new(setting, expected)
    }

    fn with_advice(self, advice: String) -> Self {
        Self { advice, ..self }
    }
}

impl Detector {
    /// Compiles rules and the keys that are no secret. Keeps up to `known_texts_bytes` of
    /// long texts in which they find nothing.
    ///
    /// # Errors
    ///
    /// The first fault, with the number of its rule.
    pub(in crate::scrub) fn new(
        rules: &[Source<'_>],
        not_secret: &[Keys],
        policy: &Policy,
        known_texts_bytes: usize,
    ) -> Result<Self, (usize, RuleFault)> {
        let mut keys = KeyTable::default();
        for names in not_secret {
            keys.add_not_secret(names);
        }
        let mut anchors = Vec::new();
        let compiled = compiled(rules, policy, &mut keys, &mut anchors)?;
        let (mut needles, mut uses): (Vec<_>, Vec<_>) = anchors.into_iter().unzip();
        for source in rules.iter().filter(|source| source.rule.pattern.is_some()) {
            let has_pattern =
                |rule| compiled.get(rule as usize).is_some_and(|r| r.pattern.is_some());
            keys.add_others(&source.rule.keys, has_pattern);
        }
        for (needle, used) in keys.needles().into_iter().flat_map(announced_key) {
            needles.push(needle);
            uses.push(used);
        }
        let mut piece_words = 0..0;
        if !compiled.is_empty() {
            for (needle, used) in announce::needles() {
                needles.push(needle);
                uses.push(used);
            }
            piece_words = streams::add_words(&mut needles, &mut uses);
        }
        let prefilter = Prefilter::new(needles);
        let number_of = |id: &str| {
            let number = rules.iter().position(|source| source.rule.id == id);
            number.map(|number| number as u32)
        };
        let pairs =
            pairs::PAIRS.iter().filter_map(|(id, secret)| number_of(id).zip(number_of(secret)));
        let pairs = pairs.collect();
        let shapes = bare::SHAPES.iter().filter_map(|(id, shape)| Some((number_of(id)?, *shape)));
        let shapes = shapes.collect();
        let siblings = find::SIBLINGS.iter().filter_map(|(id, next)| Some((number_of(id)?, *next)));
        let siblings = siblings.collect();
        let manifest = number_of(pairs::MANIFEST_RULE);
        let private_key = number_of(PRIVATE_KEY_RULE);
        let keeps_structure = compiled.iter().any(|rule| rule.mask == Some(MaskKind::Structure));
        let rules = compiled;
        let recent = Recent::new(known_texts_bytes);
        let familiar = Familiar::new(known_texts_bytes);
        Ok(Self {
            rules,
            keys,
            prefilter,
            recent,
            familiar,
            uses,
            piece_words,
            private_key,
            pairs,
            shapes,
            siblings,
            manifest,
            keeps_structure,
        })
    }

    /// Whether it is worth a look whether a text was here before.
    fn knows_texts(&self) -> bool {
        self.recent.keeps_some() && !self.prefilter.is_empty()
    }

    /// Whether a hit is an anchor of the rule for private keys.
    fn announces_key(&self, hits: &[Hit]) -> bool {
        hits.iter().any(|hit| match self.uses.get(hit.needle as usize) {
            Some(Use::Anchor(rule)) => Some(*rule) == self.private_key,
            _ => false,
        })
    }

    /// Whether the name of a key says that its value is no secret.
    fn says_no_secret(&self, key: &[u8]) -> bool {
        matches!(self.keys.classify(key), Class::NotSecret)
    }

    /// The ids of the rules, in their order.
    pub(in crate::scrub) fn rule_ids(&self) -> impl Iterator<Item = &Arc<str>> {
        self.rules.iter().map(|rule| &rule.id)
    }

    /// Whether the name of a key alone has its value looked at.
    pub(in crate::scrub) fn tells(&self, key: &[u8]) -> bool {
        matches!(self.keys.classify(key), Class::Secret(_))
    }

    /// The same of a name that is too short for a needle, so that no hit tells of it.
    #[inline(always)]
    pub(in crate::scrub) fn tells_unseen(&self, key: &[u8]) -> bool {
        key.len() <= KEY_UNSEEN_MAX && self.tells(key)
    }

    /// The first of the first `count` rules whose pattern matches in `text` something of
    /// which `is_meant` holds, whatever stands around it.
    pub(in crate::scrub) fn matching(
        &self,
        count: usize,
        text: &[u8],
        is_meant: impl Fn(&[u8]) -> bool,
    ) -> Option<usize> {
        self.rules.iter().take(count).position(|rule| {
            let pattern = rule.pattern.as_ref().filter(|_| !rule.keyed);
            pattern.is_some_and(|pattern| pattern.find_all(text).any(&is_meant))
        })
    }

    /// Compiles the patterns of the first `count` rules now instead of at their first hit.
    ///
    /// # Errors
    ///
    /// The first pattern that gets too large.
    pub(in crate::scrub) fn compile(&self, count: usize) -> Result<(), (usize, RuleFault)> {
        for (number, rule) in self.rules.iter().enumerate().take(count) {
            if let Some(pattern) = &rule.pattern {
                pattern
                    .compile()
                    .map_err(|expected| (number, RuleFault::new("pattern", &expected)))?;
            }
        }
        Ok(())
    }
}

/// Compiles rules, and adds their keys to the others and the needles for their anchors.
fn compiled(
    rules: &[Source<'_>],
    policy: &Policy,
    keys: &mut KeyTable,
    needles: &mut Vec<(Needle, Use)>,
) -> Result<Vec<Compiled>, (usize, RuleFault)> {
    let mut others = OtherPatterns::default();
    let mut compiled = Vec::with_capacity(rules.len());
    for (number, source) in rules.iter().enumerate() {
        let number32 = number as u32;
        let (rule, anchors) =
            Compiled::new(source, policy, &mut others).map_err(|fault| (number, fault))?;
        if !source.rule.keys.is_empty() {
            let conditional = rule.filter.as_ref().is_some_and(|filter| filter.is_conditional());
            keys.add_secret(&source.rule.keys, number32, conditional);
        }
        needles.extend(anchors.into_iter().flat_map(|anchor| announced(anchor, number32)));
        compiled.push(rule);
    }
    Ok(compiled)
}

/// The needles for a word of a key: as it is, and as sentences have it in a URL.
fn announced_key(key: &KeyNeedle) -> impl Iterator<Item = (Needle, Use)> {
    let check = match key.has_sign() {
        true if key.has_blank() => Check::NearValue,
        true => Check::None,
        false if key.is_spoken() => Check::SpokenKey,
        false => Check::Key,
    };
    let is_said = key.is_spoken() || key.has_verb();
    let in_url = is_said.then(|| announce::spoken_in_url(&key.bytes)).flatten().map(|bytes| {
        let needle = Needle { bytes, caseless: true, check: Check::None };
        (needle, Use::Escape(Escapes::Percent))
    });
    let needle = Needle { bytes: key.bytes.clone(), caseless: key.caseless, check };
    let used = Use::Key { start: key.start as u32, end: key.end as u32 };
    in_url.into_iter().chain(std::iter::once((needle, used)))
}

/// The needles for an anchor of a rule: as it is, and as it stands in a URL, in a string of
/// JSON or in an array.
fn announced(anchor: confirm::Anchor, rule: u32) -> impl Iterator<Item = (Needle, Use)> {
    let caseless = anchor.caseless;
    let in_url = announce::in_url(&anchor.bytes).into_iter();
    let in_url = in_url.map(|bytes| (bytes, Use::Escape(Escapes::Percent), true));
    let in_string = announce::escaped_quotes(&anchor.bytes).into_iter();
    let in_string = in_string.map(move |bytes| (bytes, Use::Anchor(rule), caseless));
    let in_array = announce::as_element(&anchor.bytes).into_iter().flatten();
    let in_array = in_array.map(move |bytes| (bytes, Use::Arguments, caseless));
    let others = in_url
        .chain(in_string)
        .chain(in_array)
        .map(|(bytes, used, caseless)| (Needle { bytes, caseless, check: Check::None }, used));
    let needle = Needle { bytes: anchor.bytes, caseless, check: anchor.check };
    others.chain(std::iter::once((needle, Use::Anchor(rule))))
}

impl Compiled {
    fn new(
        source: &Source<'_>,
        policy: &Policy,
        others: &mut OtherPatterns,
    ) -> Result<(Self, Vec<confirm::Anchor>), RuleFault> {
        let rule = source.rule;
        let keyed = !rule.keys.is_empty();
        let (pattern, anchors) = match &rule.pattern {
            Some(pattern) => {
                let (pattern, anchors) = Pattern::new(pattern, &rule.anchors, keyed)
                    .map_err(|expected| RuleFault::new("pattern", &expected))?;
                (Some(pattern), anchors)
            }
            None if keyed => (None, Vec::new()),
            None => return Err(RuleFault::new("id", "expected a `pattern`, `keys`, or both")),
        };
        check_keys(&rule.keys)?;
        if rule.value != ValueForm::default() && !keyed {
            let expected =
                "expected `keys` beside it: it says what of a value under them is secret";
            return Err(RuleFault::new("value", expected));
        }
        let mut validate = Vec::new();
        for (at, entry) in rule.validate.iter().enumerate() {
            validate.push(Opinion::new(entry, at, others)?);
        }
        let only_wide = keyed && rule.keys.exact.is_empty() && pattern.is_none();
        let base = if only_wide { Confidence::Low } else { Confidence::Medium };
        let compiled = Self {
            id: rule.id.as_str().into(),
            pattern,
            keyed,
            form: rule.value,
            validate,
            confidence: rule.confidence.unwrap_or(base),
            mask: match rule.action {
                Action::Fingerprint => Some(MaskKind::Fingerprint),
                Action::Partial => Some(MaskKind::Partial),
                _ => rule.mask,
            },
            filter: Filter::new(rule, &source.allow, policy)?.map(Box::new),
            usual: Usual::new(&rule.examples),
        };
        Ok((compiled, anchors))
    }

    /// How sure a match is: a checksum tells more than the rule knows by itself.
    fn confidence(&self, secret: &[u8]) -> Confidence {
        let checks = self.validate.iter().filter_map(|check| match check {
            Opinion::Checksum(name) => validator::checksum(name, secret),
            _ => None,
        });
        checks.fold(self.confidence, |confidence, passed| match (passed, confidence) {
            (true, _) => Confidence::High,
            (false, Confidence::High) => Confidence::Medium,
            (false, _) => Confidence::Low,
        })
    }

    /// The second opinion on what the pattern matched.
    fn accepts(&self, secret: &[u8]) -> bool {
        (!validator::is_placeholder(secret) || self.has_checksum(secret))
            && self.validate.iter().all(|check| check.accepts(secret))
    }

    /// Whether what the pattern matched is surely real, wherever it stands.
    fn proves(&self, secret: &[u8]) -> bool {
        let jose = |check: &Opinion| {
            matches!(check, Opinion::Structure(name) if name.starts_with("jw"))
                && check.accepts(secret)
        };
        self.has_checksum(secret) || self.validate.iter().any(jose)
    }

    /// Whether a checksum holds.
    fn has_checksum(&self, secret: &[u8]) -> bool {
        self.validate.iter().any(|check| match check {
            Opinion::Checksum(name) => validator::checksum(name, secret) == Some(true),
            _ => false,
        })
    }
}

/// Every name has something in it that can be compared.
fn check_keys(keys: &Keys) -> Result<(), RuleFault> {
    let modes = [("exact", &keys.exact), ("suffix", &keys.suffix)];
    let modes = modes.into_iter().chain([("prefix", &keys.prefix), ("word", &keys.word)]);
    for (mode, names) in modes {
        if let Some(at) = names.iter().position(|name| !name.contains(char::is_alphanumeric)) {
            let expected = "expected a name with a letter or a digit in it";
            return Err(RuleFault::new(&format!("keys.{mode}[{at}]"), expected));
        }
    }
    Ok(())
}
