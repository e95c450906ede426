//! Pairs whose halves stand in two texts of one record: the identifier in one attribute,
//! its secret in another, under a key that says nothing.
//!
//! What a walk finds of identifiers says which records are looked at once more. Only a
//! short text can be a half; one whose key says that it is no secret is none.

use std::collections::HashMap;

use crate::scrub::detector::Finder;
use crate::scrub::detector::finder::NOT_SECRET;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::pairs::Taken;
use crate::scrub::otlp::Context;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Outline;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Scalar;
use crate::scrub::otlp::Shown;

/// A longer text is no half, in bytes.
const HALF_LEN_MAX: usize = 512;

/// How many identifiers of one request are looked at.
const IDENTIFIERS_MAX: usize = 1024;

/// Fields that hold records, as paths name them.
const LISTS: [&str; 3] = [".spans[", ".log_records[", ".data_points["];

/// The rules of the secrets that may stand in a record, by its path.
#[derive(Debug, Default)]
pub(in crate::scrub) struct Identifiers {
    records: HashMap<String, Vec<u32>>,
}

/// Looks for the other halves: the second walk of a request.
pub(in crate::scrub) struct Halves<'f, 'd> {
    identifiers: Identifiers,
    finder: &'f mut Finder<'d>,
}

impl Identifiers {
    /// Whether none was found.
    pub(in crate::scrub) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Keeps what the matches in a text tell of the texts beside it.
    #[cold]
    pub(in crate::scrub::detector) fn take(
        &mut self,
        pairs: &[(u32, u32)],
        matches: &[Match],
        place: &Place<'_>,
    ) {
        for found in matches {
            let Some((_, secret)) = pairs.iter().find(|(id, _)| *id == found.rule) else {
                continue;
            };
            let path = place.path.to_string();
            let Some(record) = record_of(&path) else { return };
            if let Some(secrets) = self.records.get_mut(record) {
                if !secrets.contains(secret) {
                    secrets.push(*secret);
                }
            } else if self.records.len() < IDENTIFIERS_MAX {
                self.records.insert(record.to_owned(), vec![*secret]);
            }
        }
    }
}

impl<'f, 'd> Halves<'f, 'd> {
    /// Tells `finder`, before its walk, where secrets stand beside the identifiers.
    pub(in crate::scrub) fn new(identifiers: Identifiers, finder: &'f mut Finder<'d>) -> Self {
        Self { identifiers, finder }
    }
}

impl Judge for Halves<'_, '_> {
    fn begin(&mut self, _: &[u8], _: Option<Outline<'_>>) {}

    fn key(&mut self, key: Shown<'_>, outer: Context) -> Context {
        match self.finder.detector.says_no_secret(key.bytes) {
            true => NOT_SECRET,
            false => outer,
        }
    }

    fn text(&mut self, text: Shown<'_>, place: &Place<'_>, _: &mut Vec<Replacement>) {
        if place.context == NOT_SECRET || HALF_LEN_MAX < text.bytes.len() {
            return;
        }
        let path = place.path.to_string();
        let Some(secrets) = record_of(&path).and_then(|path| self.identifiers.records.get(path))
        else {
            return;
        };
        let mut search = self.finder.search(place, text.bytes.len());
        let (mut found, mut taken) = (Vec::new(), Taken::new());
        for secret in secrets {
            let whole = 0..text.bytes.len();
            search.beside(text.bytes, whole, *secret, &mut taken, &mut found);
        }
        let notes = search.notes;
        if !found.is_empty() {
            self.finder.apart.entry(place.at).or_default().append(&mut found);
            self.finder.note(&notes, place);
        }
    }

    fn scalar(&mut self, _: Scalar, _: &Place<'_>) -> Option<Vec<u8>> {
        None
    }
}

/// The path of the record that a text is of: a span, a log record, a data point; else what
/// its attribute describes.
fn record_of(path: &str) -> Option<&str> {
    let listed = LISTS.iter().find_map(|list| {
        let at = path.find(list)? + list.len();
        Some(at + path.get(at..)?.find(']')?)
    });
    path.get(..listed.or_else(|| path.find(".attributes["))?)
}
