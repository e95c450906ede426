//! What the name of a key says of its value.
//!
//! A name is folded into words: lower case, split at every sign of ASCII, blanks and changes
//! of case. `x-api-key`, `apiKey` and `API_KEY` are one name;
//! `token_count` is two words, of which the rules for `token` alone say nothing.
//! The order of the questions is that of the rule files: names that are no secret
//! for sure, names that are, then the wide modes in the same order.

mod glued;
mod hasher;
mod needle;
mod said;

pub(in crate::scrub) use needle::KeyNeedle;
pub(in crate::scrub) use said::Rules;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::HashSet;
use std::hash::BuildHasherDefault;

use crate::scrub::detector::decode::Decoded;
use crate::scrub::detector::decode::Kinds;
use crate::scrub::rule::Keys;

use hasher::NameHasher;
use said::said_of;
use said::wide;

/// Longer names are judged by their last bytes.
const NAME_MAX: usize = 128;

/// Longer names are not looked at for escapes; with each character escaped, one is three to
/// six times as long as its letters.
const WRITTEN_MAX: usize = 6 * NAME_MAX;

/// Of a name of more words the last ones are looked at.
const WORDS_MAX: usize = 16;

/// Names in rules have at most this many words.
const RUN_MAX: usize = 6;

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Class<'t> {
    /// Nothing.
    Unknown,
    /// The value is no secret, though the name looks so.
    NotSecret,
    /// The value is secret; the rules that say so.
    Secret(Rules<'t>),
}

/// Every key name of every rule.
#[derive(Default)]
pub(in crate::scrub) struct KeyTable {
    names: Names,
    /// Names of rules that hold under conditions only. Apart, so that such a rule does
    /// not hide what a wider one says where the condition fails.
    conditional: Names,
    /// The literals of which every secret name holds at least one.
    needles: BTreeSet<KeyNeedle>,
}

/// By the words of a name, joined without a separator.
type Names = HashMap<Box<[u8]>, Name, BuildHasherDefault<NameHasher>>;

/// What the rules say of a run of words.
#[derive(Default)]
struct Name {
    exact: Verdict,
    suffix: Verdict,
    prefix: Verdict,
    word: Verdict,
}

/// What the rules say of a run of words that stands in one place of a name.
#[derive(Default)]
struct Verdict {
    not_secret: bool,
    secret: Vec<u32>,
}

/// Where a run of words stands in a name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Exact,
    Suffix,
    Prefix,
    Word,
}

impl Name {
    fn verdict(&self, mode: Mode) -> &Verdict {
        match mode {
            Mode::Exact => &self.exact,
            Mode::Suffix => &self.suffix,
            Mode::Prefix => &self.prefix,
            Mode::Word => &self.word,
        }
    }

    fn verdict_mut(&mut self, mode: Mode) -> &mut Verdict {
        match mode {
            Mode::Exact => &mut self.exact,
            Mode::Suffix => &mut self.suffix,
            Mode::Prefix => &mut self.prefix,
            Mode::Word => &mut self.word,
        }
    }
}

impl KeyTable {
    /// Adds the names under which the value is no secret.
    pub(in crate::scrub) fn add_not_secret(&mut self, keys: &Keys) {
        for (mode, name) in names(keys) {
            let entry = self.names.entry(Folded::new(name.as_bytes()).joined()).or_default();
            entry.verdict_mut(mode).not_secret = true;
        }
    }

    /// Adds the names of a rule, which holds everywhere or under conditions only.
    pub(in crate::scrub) fn add_secret(&mut self, keys: &Keys, rule: u32, conditional: bool) {
        for (mode, name) in names(keys) {
            let folded = Folded::new(name.as_bytes());
            let table = if conditional { &mut self.conditional } else { &mut self.names };
            let entry = table.entry(folded.joined()).or_default();
            let rules = &mut entry.verdict_mut(mode).secret;
            if !rules.contains(&rule) {
                rules.push(rule);
            }
            self.add_needles(&folded, mode);
        }
    }

    /// Lets other rules have their say behind one that has a pattern, under the names
    /// that only such rules know: a value that does not fit the pattern is no less secret
    /// for it. `twilio_api_key` is an `api_key`, too.
    pub(in crate::scrub) fn add_others(&mut self, keys: &Keys, has_pattern: impl Fn(u32) -> bool) {
        for (mode, name) in names(keys) {
            let folded = Folded::new(name.as_bytes());
            let known = |rules: &[u32]| rules.iter().any(|&rule| !has_pattern(rule));
            let others = wide(&self.names, &folded, known).secret.to_vec();
            let Some(entry) = self.names.get_mut(&*folded.joined()) else { continue };
            let rules = &mut entry.verdict_mut(mode).secret;
            if !known(rules) {
                rules.extend(others);
            }
        }
    }

    /// The literals of which every secret name holds one. Where one of them holds
    /// another, the shorter finds all that the longer does.
    pub(in crate::scrub) fn needles(&self) -> Vec<&KeyNeedle> {
        let words: HashSet<&[u8]> = self
            .needles
            .iter()
            .filter(|needle| !needle.has_sign())
            .map(|needle| needle.bytes.as_slice())
            .collect();
        let holds_another = |needle: &KeyNeedle| {
            let bytes = needle.bytes.as_slice();
            // What is not asked as widely does not find as much.
            let finds = |part: &[u8]| {
                words.contains(part) && (!needle.is_spoken() || KeyNeedle::word(part).is_spoken())
            };
            (5..bytes.len()).any(|len| bytes.windows(len).any(finds))
        };
        self.needles.iter().filter(|needle| !holds_another(needle)).collect()
    }

    /// What `name` says, where it may be written in another way: in escapes, with characters
    /// that are not seen or look like others, or with bytes that are no characters.
    pub(in crate::scrub) fn classify_any(&self, name: &[u8]) -> Class<'_> {
        let is_usual = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'\\' | b'&');
        match self.classify(name) {
            Class::Unknown if name.len() <= WRITTEN_MAX && !name.iter().all(is_usual) => {
                let decoded = Decoded::new(Kinds::all(), name);
                let mut plain = decoded.map_or_else(|| name.to_vec(), |decoded| decoded.text);
                plain.retain(u8::is_ascii);
                self.classify(&plain)
            }
            class => class,
        }
    }

    /// The rules for the value behind an element like `--password`, if this is one.
    pub(super) fn of_option(&self, element: &[u8]) -> Option<Rules<'_>> {
        let name = element.strip_prefix(b"-")?;
        let name = name.strip_prefix(b"-").unwrap_or(name);
        match self.classify(name) {
            Class::Secret(rules) if !name.contains(&b'=') => Some(rules),
            _ => None,
        }
    }

    /// What `name` says.
    pub(in crate::scrub) fn classify(&self, name: &[u8]) -> Class<'_> {
        if self.names.is_empty() && self.conditional.is_empty() {
            return Class::Unknown;
        }
        let mut folded = Folded::new(name);
        match self.class_of(&folded) {
            // `github_token_prod` is a token of the same kind.
            Class::Unknown => {
                let class = match folded.drop_stage() {
                    true => self.class_of(&folded),
                    false => Class::Unknown,
                };
                match class {
                    Class::Unknown if glued::split(&mut folded) => self.class_of(&folded),
                    class => class,
                }
            }
            class => class,
        }
    }

    fn class_of(&self, name: &Folded) -> Class<'_> {
        let said = said_of(&self.names, name);
        if self.conditional.is_empty() {
            return said.class(Rules::default());
        }
        said.class(Rules::under_conditions(&self.conditional, name))
    }
}

fn names(keys: &Keys) -> impl Iterator<Item = (Mode, &String)> {
    let exact = keys.exact.iter().map(|name| (Mode::Exact, name));
    let suffix = keys.suffix.iter().map(|name| (Mode::Suffix, name));
    let prefix = keys.prefix.iter().map(|name| (Mode::Prefix, name));
    let word = keys.word.iter().map(|name| (Mode::Word, name));
    exact.chain(suffix).chain(prefix).chain(word)
}

/// A name as words.
struct Folded {
    /// The words, joined.
    bytes: [u8; NAME_MAX],
    /// Where each word ends in `bytes`.
    ends: [u8; WORDS_MAX],
    words: usize,
    /// The first word behind the last dot.
    last_segment_word: usize,
}

impl Folded {
    fn new(name: &[u8]) -> Self {
        let name = name.get(name.len().saturating_sub(NAME_MAX)..).unwrap_or_default();
        let mut folded =
            Self { bytes: [0; NAME_MAX], ends: [0; WORDS_MAX], words: 0, last_segment_word: 0 };
        let mut len = 0;
        for (i, &byte) in name.iter().enumerate() {
            if byte.is_ascii() && !byte.is_ascii_alphanumeric() {
                len = folded.end_word(len);
                if byte == b'.' && i + 1 < name.len() {
                    folded.last_segment_word = folded.words;
                }
                continue;
            }
            if byte.is_ascii_uppercase() && 0 < i {
                let before = name.get(i - 1).copied().unwrap_or_default();
                let after = name.get(i + 1).copied().unwrap_or_default();
                let begins = before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || (before.is_ascii_uppercase() && after.is_ascii_lowercase() && after != b's');
                if begins {
                    len = folded.end_word(len);
                }
            }
            if let Some(slot) = folded.bytes.get_mut(len) {
                *slot = byte.to_ascii_lowercase();
            }
            len += 1;
        }
        folded.end_word(len);
        folded.last_segment_word = folded.last_segment_word.min(folded.words.saturating_sub(1));
        folded
    }

    /// Leaves out the last word, if it says where the value is used or which of several it
    /// is. `false`: it does not, or it is the only one.
    fn drop_stage(&mut self) -> bool {
        let Some(last) = self.words.checked_sub(1).filter(|last| 0 < *last) else { return false };
        let is_stage = matches!(
            self.run(last, self.words),
            b"prod"
                | b"production"
                | b"dev"
                | b"devel"
                | b"development"
                | b"stage"
                | b"staging"
                | b"test"
                | b"testing"
                | b"live"
                | b"local"
                | b"qa"
                | b"uat"
                | b"ci"
                | b"ro"
                | b"rw"
                | b"v"
                | b"old"
                | b"new"
                | b"primary"
                | b"secondary"
                | b"backup"
        );
        if is_stage {
            self.words = last;
            self.last_segment_word = self.last_segment_word.min(last - 1);
        }
        is_stage
    }

    /// Ends the word that is under way, if any, at `len`; the first one makes room for more than
    /// there may be. Returns where the next one begins. Digits at its end (`token2`,
    /// `password1`) number it and are no part of it, unless it is all digits.
    fn end_word(&mut self, len: usize) -> usize {
        let before = match self.words.checked_sub(1).and_then(|word| self.ends.get(word)) {
            Some(&end) => usize::from(end),
            None => 0,
        };
        if len <= before {
            return len;
        }
        let mut out = 0;
        if self.words == WORDS_MAX {
            let [first, ..] = self.ends;
            out = usize::from(first);
            self.bytes.copy_within(out.., 0);
            self.ends.rotate_left(1);
            self.ends.iter_mut().for_each(|end| *end = end.saturating_sub(first));
            self.words -= 1;
            self.last_segment_word = self.last_segment_word.saturating_sub(1);
        }
        if let Some(end) = self.ends.get_mut(self.words) {
            *end = (len - out) as u8;
            self.words += 1;
        }
        len - out
    }

    /// The words from `start` to `end`, joined.
    fn run(&self, start: usize, end: usize) -> &[u8] {
        let at = |word: usize| match word.checked_sub(1).and_then(|word| self.ends.get(word)) {
            Some(&end) => usize::from(end),
            None => 0,
        };
        let run = self.bytes.get(at(start)..at(end)).unwrap_or_default();
        let digits = run.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        match run.len() - digits {
            0 => run,
            // `oauth2`, `md5`, `s3` and the like are looked up as names of rules, too;
            // rules are folded alike, so both lose their digits.
            len => run.get(..len).unwrap_or_default(),
        }
    }

    fn joined(&self) -> Box<[u8]> {
        self.run(0, self.words).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> KeyTable {
        let mut table = KeyTable::default();
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        table.add_not_secret(&Keys {
            exact: list(&["max_tokens", "token_type"]),
            suffix: list(&["token_count", "_url"]),
            word: list(&["policy", "tokenizer"]),
            ..Keys::default()
        });
        table.add_secret(
            &Keys {
                exact: list(&["x-api-key", "api_key", "authorization", "pw"]),
                ..Keys::default()
            },
            1,
            false,
        );
        table.add_secret(
            &Keys { suffix: list(&["_password", "_token", "password"]), ..Keys::default() },
            2,
            false,
        );
        table.add_secret(&Keys { word: list(&["secret"]), ..Keys::default() }, 3, false);
        table
    }

    fn always(rules: &'static [u32]) -> Class<'static> {
        Class::Secret(Rules { always: rules, ..Rules::default() })
    }

    #[test]
    fn a_rule_under_conditions_hides_nothing_that_others_say() {
        let mut table = table();
        let exact = |name: &str| Keys { exact: vec![name.to_owned()], ..Keys::default() };
        table.add_secret(&exact("db.password"), 7, true);
        table.add_secret(&exact("badge"), 8, true);
        table.add_secret(&Keys { suffix: vec!["badge".to_owned()], ..Keys::default() }, 9, true);
        let said = |name: &str| match table.classify(name.as_bytes()) {
            Class::Secret(rules) => rules.iter().collect(),
            _ => Vec::new(),
        };
        assert_eq!(said("db_password"), [7, 2]);
        assert_eq!(said("badge"), [8, 9]);
        assert_eq!(said("my_badge"), [9]);
        assert_eq!(table.classify(b"user_password"), always(&[2]));
    }

    #[test]
    fn a_name_is_compared_by_its_words() {
        let table = table();
        let cases: &[(&str, Class<'_>)] = &[
            ("x-api-key", always(&[1])),
            ("X_API_KEY", always(&[1])),
            ("xApiKey", always(&[1])),
            ("apikey", always(&[1])),
            ("APIKey", always(&[1])),
            ("http.request.header.x-api-key", always(&[1])),
            ("http.request.header.x_api_key", always(&[1])),
            ("db.password", always(&[2])),
            ("mastra__authToken", always(&[2])),
            ("userPassword", always(&[2])),
            ("PASSWORD1", always(&[2])),
            ("my_secret_thing", always(&[3])),
            ("max_tokens", Class::NotSecret),
            ("maxTokens", Class::NotSecret),
            ("gen_ai.usage.token_count", Class::NotSecret),
            ("auth_token_url", Class::NotSecret),
            ("secret_policy", Class::NotSecret),
            ("tokenizer", Class::NotSecret),
            ("author", Class::Unknown),
            ("passwordless", Class::Unknown),
            ("tokens", Class::Unknown),
            ("", Class::Unknown),
            ("___", Class::Unknown),
        ];
        for (name, expected) in cases {
            assert_eq!(table.classify(name.as_bytes()), *expected, "{name}");
        }
    }

    #[test]
    fn every_spelling_of_a_secret_name_holds_a_needle() {
        let table = table();
        for name in
            ["x-api-key", "xApiKey", "API.KEY", "apikey", "db.password", "a_secret", "\"pw\":"]
        {
            let name = name.to_ascii_lowercase();
            let needles = table.needles();
            let found =
                needles.iter().any(|n| memchr::memmem::find(name.as_bytes(), &n.bytes).is_some());
            assert!(found, "{name}: {needles:?}");
        }
    }
}
