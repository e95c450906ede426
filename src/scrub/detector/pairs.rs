//! Pairs: a secret that only the identifier beside it gives away.
//!
//! `AKIA… / wJalr…`, a row of CSV, a list of arguments: the second half of a pair has no
//! key of its own and is forty characters as many others are. Beside its first half it is
//! the secret.

mod halves;

use std::collections::BTreeMap;
use std::ops::Range;

use crate::scrub::detector::assign;
use crate::scrub::detector::bytes::is_drawn;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::hidden::DEPTH_MAX;
use crate::scrub::detector::layers::Layers;
use crate::scrub::detector::layers::has_escape;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::rule::validator;

pub(in crate::scrub) use halves::Halves;
pub(in crate::scrub) use halves::Identifiers;

/// The rule of an identifier, and the rule whose pattern its secret has.
pub(super) const PAIRS: [(&str, &str); 6] = [
    ("aws-access-key-id", "aws-secret-access-key"),
    ("aws-temporary-access-key-id", "aws-secret-access-key"),
    ("gcp-hmac-key-id", "gcp-hmac-secret"),
    ("alibaba-access-key-id", "alibaba-access-key-secret"),
    ("tencent-secret-id", "tencent-secret-key"),
    ("twilio-api-key-sid", "twilio-api-key-secret"),
];

/// How far from an identifier its secret may stand, in bytes.
const WITHIN: usize = 512;

/// Where matches stand: the end of each, by its start.
pub(super) type Taken = BTreeMap<usize, usize>;

/// How many words around an identifier are looked at.
const WORDS_MAX: usize = 128;

impl Search<'_, '_> {
    /// Adds the secrets that stand beside identifiers among the matches.
    pub(super) fn paired(&mut self, text: &[u8], found: &mut Vec<Match>) {
        let detector = self.detector;
        let is_identifier = |m: &Match| detector.pairs.iter().any(|pair| pair.0 == m.rule);
        // Most texts with a match have no identifier in it.
        if !found.iter().any(is_identifier) {
            return;
        }
        let mut taken: Taken = found.iter().map(|m| (m.range.start, m.range.end)).collect();
        for at in 0..found.len() {
            let Some(id) = found.get(at) else { return };
            let Some((_, secret)) = detector.pairs.iter().find(|pair| pair.0 == id.rule) else {
                continue;
            };
            let near = id.range.start.saturating_sub(WITHIN)
                ..text.len().min(id.range.end.saturating_add(WITHIN));
            self.step(near.len());
            if self.exhausted {
                return;
            }
            self.beside(text, near, *secret, &mut taken, found);
        }
    }

    /// The words in a range that are secrets as this rule knows them.
    pub(super) fn beside(
        &mut self,
        text: &[u8],
        near: Range<usize>,
        rule: u32,
        taken: &mut Taken,
        found: &mut Vec<Match>,
    ) {
        let detector = self.detector;
        let Some(pattern) = detector.rules.get(rule as usize).and_then(|r| r.pattern.as_ref())
        else {
            return;
        };
        let bytes = text.get(near.clone()).unwrap_or_default();
        let of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        let mut at = 0;
        for word in bytes.split(|byte| !of_word(byte)).take(WORDS_MAX) {
            let range = near.start + at..near.start + at + word.len();
            at += word.len() + 1;
            if pattern.matches_whole(word).is_none() || !is_drawn(word) {
                continue;
            }
            let known = taken.range(..range.end).next_back();
            let known = known.is_some_and(|(_, end)| range.start < *end);
            if !known && self.admits(rule, text, &range) {
                taken.insert(range.start, range.end);
                let certainty = Certainty::KeyAndPattern;
                found.push(Match { range, rule, certainty, how: How::Plain });
            }
        }
    }
}

/// The id of the rule for the values of a Kubernetes Secret.
pub(super) const MANIFEST_RULE: &str = "k8s-secret-value";

impl Search<'_, '_> {
    /// Adds the values of the manifest of a Secret, of which `kind` and its value stand at
    /// `at`.
    pub(super) fn manifest(
        &mut self,
        text: &[u8],
        at: usize,
        len: usize,
        rule: u32,
        found: &mut Vec<Match>,
    ) {
        // `SecretStore`, `SecretList`
        if text.get(at + len).is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            return;
        }
        let mut values = assign::secret_data(text, at);
        let near = text.get(at.saturating_sub(ESCAPE_NEAR)..text.len().min(at + ESCAPE_NEAR));
        if values.is_empty() && near.is_some_and(has_escape) {
            let mut layers = Layers::new(text, assign::manifest_around(at), at..at);
            for _ in 0..DEPTH_MAX {
                if !values.is_empty() || self.exhausted || !layers.undo() {
                    break;
                }
                // To undo is quick; many texts name Secrets without their data.
                self.step(layers.text.len() / BYTES_PER_STEP);
                let inner = assign::secret_data(&layers.text, layers.at);
                values = inner.iter().map(|value| layers.original(value)).collect();
            }
        }
        for range in values {
            self.step(range.len());
            let value = text.get(range.clone()).unwrap_or_default();
            if !range.is_empty()
                && !validator::is_placeholder(value)
                && self.admits(rule, text, &range)
            {
                found.push(Match { range, rule, certainty: Certainty::Around, how: How::Plain });
            }
        }
    }
}

/// How near `kind` stands to an escape, if the manifest is escaped.
const ESCAPE_NEAR: usize = 256;

/// How many bytes are undone in what it takes to read one around a key.
const BYTES_PER_STEP: usize = 16;
