//! Judges the value of a key: which of the rules that name the key knows it.

use std::ops::Range;

use crate::scrub::detector::Compiled;
use crate::scrub::detector::assign;
use crate::scrub::detector::find::ELEMENTS_MAX;
use crate::scrub::detector::find::Known;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::hidden::DEPTH_MAX;
use crate::scrub::detector::hidden::is_of_run;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::masked::is_mask_alone;
use crate::scrub::detector::masked::is_mask_cut;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::urls::Urls;
use crate::scrub::detector::value;
use crate::scrub::detector::value::Standing;
use crate::scrub::rule::ValueForm;
use crate::scrub::rule::validator;

/// A value that is shorter says nothing in another encoding, and no encoded key is longer.
const ENCODED_LEN_MIN: usize = 12;
const ENCODED_LEN_MAX: usize = 1 << 16;

/// How many words of an encoded value are looked at, and how long they must be.
const WORDS_MAX: usize = 64;
const WORD_LEN_MIN: usize = 12;

impl Compiled {
    /// What of a value is secret under a key of a rule that has no pattern.
    fn secrets(&self, value: &[u8], standing: Standing) -> Vec<Range<usize>> {
        let mut secrets = value::secrets(self.form, value, standing);
        secrets.retain(|secret| {
            let secret = value.get(secret.clone()).unwrap_or_default();
            self.validate.iter().all(|opinion| opinion.accepts(secret))
        });
        secrets
    }
}

impl<'d> Search<'d, '_> {
    /// Judges a text by what it is known to be.
    pub(in crate::scrub::detector) fn judge_known(
        &mut self,
        text: &[u8],
        known: Known<'d>,
        found: &mut Vec<Match>,
    ) {
        match known {
            Known::Nothing => {}
            Known::Secret(rules) => {
                self.judge(text, 0..text.len(), rules, Standing::Whole, None, found);
                let start = text.len() - text.trim_ascii_start().len();
                match text.get(start) {
                    Some(b'{') if found.is_empty() => {
                        self.members(text, assign::Members::new(text, start), rules, found);
                    }
                    Some(b'[') if found.is_empty() => self.strings(text, start, rules, found),
                    _ => {}
                }
            }
            Known::Below(rules) => self.judge_below(text, rules, found),
        }
    }

    /// Judges the strings of the list at `start` that is all of a text: `["x"]`, as values that are
    /// several are written in one attribute.
    fn strings(&mut self, text: &[u8], start: usize, rules: Rules<'d>, found: &mut Vec<Match>) {
        let mut element = assign::next_element(text, start);
        for _ in 0..ELEMENTS_MAX {
            let Some((range, depth)) = element else { break };
            self.step(range.len());
            let behind = range.end + depth + 1;
            self.judge(text, range, rules, Standing::Whole, None, found);
            element = assign::next_element(text, behind);
        }
    }

    /// The form of a value under keys that these rules name.
    pub(super) fn form(&self, rules: Rules<'d>) -> ValueForm {
        rules
            .always
            .iter()
            .chain(rules.conditional())
            .filter_map(|&rule| self.detector.rules.get(rule as usize))
            .find(|rule| rule.pattern.is_none())
            .map_or(ValueForm::Whole, |rule| rule.form)
    }

    /// Judges a value under keys that these rules name.
    pub(super) fn judge_value(
        &mut self,
        text: &[u8],
        range: Range<usize>,
        rules: Rules<'_>,
        standing: Standing,
        quote: Option<usize>,
        found: &mut Vec<Match>,
    ) {
        let value = text.get(range.clone()).unwrap_or_default();
        let how = |urls: &mut Urls, at: usize, whole: bool| match quote {
            Some(depth) if whole => How::Quoted([vec![b'\\'; depth], vec![b'"']].concat()),
            _ => urls.how(text, at),
        };
        let trimmed = value.trim_ascii();
        // A text that is searched once more has one under most keys.
        if is_mask_alone(trimmed) || is_mask_cut(text, &range, &self.detector.rules) {
            return;
        }
        let offset = range.start + (value.len() - value.trim_ascii_start().len());
        // The first rule with a pattern that matches knows best.
        for number in rules.iter() {
            let Some(secret) = self.fits(number, trimmed) else { continue };
            let secret = offset + secret.start..offset + secret.end;
            if !self.admits(number, text, &secret) {
                continue;
            }
            let how = how(&mut self.progress.urls, secret.start, secret == range);
            found.push(Match {
                range: secret,
                rule: number,
                certainty: Certainty::KeyAndPattern,
                how,
            });
            return;
        }
        if let Some(rule) = self.knows_encoded(trimmed, rules, standing) {
            let secret = offset..offset + trimmed.len();
            if self.admits(rule, text, &secret) {
                let how = how(&mut self.progress.urls, secret.start, secret == range);
                found.push(Match { range: secret, rule, certainty: Certainty::KeyAndPattern, how });
                return;
            }
        }
        let detector = self.detector;
        let mut asked = 0;
        for number in rules.iter() {
            asked += 1;
            let Some(rule) = detector.rules.get(number as usize) else { continue };
            if rule.pattern.is_some() {
                continue;
            }
            let before = found.len();
            for secret in rule.secrets(value, standing) {
                let secret = range.start + secret.start..range.start + secret.end;
                if self.admits(number, text, &secret) {
                    let how = how(&mut self.progress.urls, secret.start, secret == range);
                    let certainty = Certainty::Key;
                    found.push(Match { range: secret, rule: number, certainty, how });
                }
            }
            // The first that holds everywhere has the last word.
            if before < found.len() || rules.conditional().len() < asked {
                return;
            }
        }
    }

    /// What of a value is secret, if the rule has a pattern that matches it whole.
    fn fits(&self, rule: u32, value: &[u8]) -> Option<Range<usize>> {
        let rule = self.detector.rules.get(rule as usize).filter(|rule| rule.keyed)?;
        let secret = rule.pattern.as_ref()?.matches_whole(value)?;
        rule.accepts(value.get(secret.clone()).unwrap_or_default()).then_some(secret)
    }

    /// The rule that knows a value as what it says once its encodings are undone: all of
    /// it, or a word in it.
    fn knows_encoded(&mut self, value: &[u8], rules: Rules<'_>, standing: Standing) -> Option<u32> {
        if !(ENCODED_LEN_MIN..=ENCODED_LEN_MAX).contains(&value.len()) {
            return None;
        }
        let mut said = self.said_by(value)?;
        // `%DB_PASSWORD%`: no escape but a name that begins like one.
        if validator::is_placeholder(value) {
            return None;
        }
        // Pairs with escapes are read one by one.
        let is_run = is_of_run(value);
        for _ in 0..DEPTH_MAX {
            let of_word =
                |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-.:|@$!*~".contains(byte);
            let words = said.split(|byte| !of_word(byte)).filter(|word| WORD_LEN_MIN <= word.len());
            let is_json = matches!(said.trim_ascii().first(), Some(b'{' | b'['));
            // Between every other two quotes is a string, however short.
            let strings = said.split(|byte| *byte == b'"').skip(1).step_by(2);
            let words = words.chain(strings.filter(|_| is_json));
            for word in std::iter::once(said.trim_ascii()).chain(words).take(WORDS_MAX) {
                if let Some(rule) = rules.iter().find(|&rule| self.fits(rule, word).is_some()) {
                    return Some(rule);
                }
            }
            let last = rules.always.iter().find_map(|&number| {
                let rule = self.detector.rules.get(number as usize)?;
                let is_judged = rule.form.is_one_piece() || (is_run && rule.form.is_pairs());
                (rule.pattern.is_none() && is_judged).then_some((number, rule))
            });
            if let Some((number, rule)) = last
                && !rule.secrets(&said, standing).is_empty()
            {
                return Some(number);
            }
            said = self.said_by(&said)?;
        }
        None
    }

    /// Judges a value some keys below one that is secret: it must look like a
    /// credential itself.
    pub(super) fn judge_below(&mut self, text: &[u8], rules: Rules<'d>, found: &mut Vec<Match>) {
        for range in value::secrets(ValueForm::Credential, text, Standing::Whole) {
            if let Some(rule) = rules.iter().find(|&rule| self.admits(rule, text, &range)) {
                found.push(Match { range, rule, certainty: Certainty::Key, how: How::Plain });
            }
        }
    }
}
