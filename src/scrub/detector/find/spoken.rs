//! The value of a key that a sentence speaks of.

use std::ops::Range;

use crate::scrub::detector::assign;
use crate::scrub::detector::assign::Assignment;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::key::Class;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::value;
use crate::scrub::detector::value::Standing;
use crate::scrub::rule::ValueForm;

/// What it costs to read around a key, in bytes.
const STEPS: usize = 128;

/// The rules for codes, which may be numbers.
const CODE_RULES: [&str; 3] = ["second-factor-field", "pin-field", "access-code-field"];

/// How many hexadecimal digits are no id that stands in a column.
const HEX_TOKEN_LEN: usize = 40;

impl<'d> Search<'d, '_> {
    /// Judges what belongs to a key without a sign between: on its line, in its sentence, in
    /// the rows below.
    pub(super) fn behind(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        read: Option<&Assignment>,
        found: &mut Vec<Match>,
    ) {
        let before = found.len();
        for range in assign::changes(text, key) {
            self.step(range.len());
            self.judge(text, range, rules, Standing::Whole, None, found);
        }
        let (bound, read_bytes) = assign::bound(text, key);
        self.step(read_bytes);
        if let Some(range) = bound {
            self.judge(text, range, rules, Standing::Whole, None, found);
        }
        if before < found.len() {
            return;
        }
        self.directive(text, key, rules, found);
        if found.len() == before {
            self.first_of_two(text, key, rules, found);
        }
        if found.len() == before {
            self.spoken(text, key, rules, found);
        }
        if found.len() == before {
            self.aligned(text, key, rules, found);
        }
        if found.len() == before {
            self.near(text, key, rules, read, found);
        }
    }

    /// Judges what stands alone behind a tab on the line that a key begins: `secret⇥value`. It
    /// may be the name of the next column, so that its looks must tell.
    pub(super) fn tabbed(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        let before = text.get(..key.start).unwrap_or_default();
        let begins = matches!(before, [] | [.., b'\n']) || before.ends_with(b"\\n");
        let rest = text.get(key.end..text.len().min(key.end + STEPS)).unwrap_or_default();
        let value = rest.strip_prefix(b"\t").or(rest.strip_prefix(b"\\t"));
        let Some(value) = value.filter(|_| begins) else { return };
        let start = key.end + rest.len() - value.len();
        let len =
            value.iter().take_while(|byte| byte.is_ascii_graphic() && **byte != b'\\').count();
        let behind = value.get(len..).unwrap_or_default();
        let value = value.get(..len).unwrap_or_default();
        let tells = match behind {
            [] | [b'\n' | b'\r' | b'"', ..] | [b'\\', b'n' | b'r', ..] => {
                value::is_told(value, false)
                    || value::is_drawn(value)
                    || (HEX_TOKEN_LEN <= value.len() && value::is_drawn_number(value))
            }
            // What stands in more columns may be anything.
            [b'\t', ..] | [b'\\', b't', ..] => value::is_drawn(value),
            _ => false,
        };
        if tells {
            self.step(len);
            self.judge(text, start..start + len, rules, Standing::Whole, None, found);
        }
    }

    /// Judges the one word that stands behind a key on a line of their own, as many files of
    /// settings have it: `shared_key x`. The name must be one of programs, joined from words,
    /// and the looks of the value must tell.
    pub(super) fn directive(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        let rest = text.get(key.end..text.len().min(key.end + STEPS)).unwrap_or_default();
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let name = text.get(key.clone()).unwrap_or_default();
        let is_short = name.len().checked_sub(2).and_then(|at| name.get(at..));
        let is_joined = name.iter().any(|byte| matches!(byte, b'_' | b'-'));
        if blanks == 0 || !(is_joined || is_short == Some(b"pw")) {
            return;
        }
        let before = text.get(key.start.saturating_sub(STEPS)..key.start).unwrap_or_default();
        let indent = before.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let outside = before.get(..before.len() - indent).unwrap_or_default();
        let begins = match outside {
            [] => key.start == before.len(),
            outside => outside.ends_with(b"\n") || outside.ends_with(b"\\n"),
        };
        let value = rest.get(blanks..).unwrap_or_default();
        let of_value = |byte: &&u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"');
        let len = value.iter().take_while(of_value).count();
        let range = key.end + blanks..key.end + blanks + len;
        let ends = match value.get(len..).unwrap_or_default() {
            [] => range.end == text.len(),
            [b'\n' | b'\r' | b'"', ..] | [b'\\', b'n' | b'r', ..] => true,
            _ => false,
        };
        let value = value.get(..len).unwrap_or_default();
        let tells = value::is_told(value, false)
            || value::is_generated(value)
            || value::is_chosen_word(value)
            || (value::is_chain(value) && self.form(rules) == ValueForm::Password);
        if begins && ends && tells && !value::is_plainly_code(value) {
            self.step(len);
            self.judge(text, range, rules, Standing::Whole, None, found);
        }
    }

    /// Judges the words of a sentence in which a key stands that has no value beside it.
    pub(super) fn spoken(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        if !self.form(rules).is_one_piece() || !assign::may_be_spoken(text, key) {
            return;
        }
        self.step(STEPS);
        let name = text.get(key.clone()).unwrap_or_default();
        let of_codes = |rule: u32| {
            let rule = self.detector.rules.get(rule as usize);
            rule.is_some_and(|rule| CODE_RULES.contains(&&*rule.id))
        };
        let is_code = name
            .get(name.len().saturating_sub(4)..)
            .is_some_and(|end| end.eq_ignore_ascii_case(b"code"))
            || rules.iter().any(of_codes);
        // `the service key is api_key=X`: the value of another key.
        let keys = &self.detector.keys;
        let assigns = |value: &[u8]| {
            let name = memchr::memchr2(b'=', b':', value).and_then(|at| value.get(..at));
            name.is_some_and(|name| matches!(keys.classify(name), Class::Secret(_)))
        };
        // `DB_PASSWORD` is what programs say.
        let of_program = name.iter().any(|byte| matches!(byte, b'_' | b'.'));
        let told = |value: &[u8]| {
            let tells =
                value::is_told(value, is_code) || (of_program && value::is_chosen_word(value));
            tells
                && !assigns(value)
                && !value::is_plainly_code(value)
                && !value::is_named_alike(name, value)
        };
        let of_two = |value: &[u8]| told(value) || value::is_chosen_word(value);
        let is_password = self.form(rules) == ValueForm::Password;
        let behind = text.get(key.end..).unwrap_or_default().trim_ascii_start();
        let is_foreign = !name.is_ascii() || behind.first().is_some_and(|byte| !byte.is_ascii());
        let said = |value: &[u8]| {
            let tells = match is_password {
                true => {
                    value::is_chosen_word(value)
                        || value::is_shaped(value)
                        || value::is_plain_words(value)
                        || value::is_word_and_number(value)
                }
                // `我的密钥是 …`: no sentence says so of the number of something else.
                false => is_foreign && value::is_drawn_number(value),
            };
            tells && !assigns(value)
        };
        for range in assign::spoken(text, key, told, of_two, said) {
            self.judge(text, range, rules, Standing::Whole, None, found);
        }
    }
}
