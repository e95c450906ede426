//! A key with several values: the cells of a column, the members of an object.

use std::ops::Range;

use crate::scrub::detector::assign;
use crate::scrub::detector::assign::Assignment;
use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::find::ELEMENTS_MAX;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::key::Class;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::value;
use crate::scrub::detector::value::Standing;
use crate::scrub::rule::ValueForm;
use crate::scrub::rule::validator;

/// How far the codes of a list stand apart, in bytes: signs, blanks, a line feed.
const CODE_GAP_MAX: usize = 8;

/// What it costs to judge a value, beside its bytes: a cell of a table has few.
const CELL_STEPS: usize = 24;

impl<'d> Search<'d, '_> {
    /// Values in the column under a key.
    pub(super) fn column(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        let column = assign::column(text, key, &mut self.progress.columns);
        self.step(column.read_bytes);
        let standing = match column.loose {
            true => Standing::Word(Sign::Pair),
            false => Standing::Whole,
        };
        for cell in column.cells {
            self.step(cell.len() + CELL_STEPS);
            let before = found.len();
            self.judge(text, cell, rules, standing, None, found);
            // A URL in the cell before ends there.
            for new in found.iter_mut().skip(before).filter(|new| new.how == How::Url) {
                new.how = How::Plain;
            }
        }
    }

    /// Values in a column under a key that only blanks part from others: their looks must tell.
    pub(super) fn aligned(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        let is_password = self.form(rules) == ValueForm::Password;
        let is_cell = |cell: &[u8]| match is_password {
            true => {
                value::is_told(cell, false)
                    || value::is_chosen_word(cell)
                    || value::is_pair_of_words(cell)
            }
            // Names of secrets stand in tables, too.
            false => {
                value::is_long_mixed(cell)
                    || value::is_drawn_number(cell)
                    || value::is_generated(cell)
            }
        };
        let (cells, read_bytes) = assign::aligned(text, key, is_cell);
        self.step(read_bytes);
        for cell in cells {
            self.step(cell.len() + CELL_STEPS);
            self.judge(text, cell, rules, Standing::Whole, None, found);
        }
    }

    /// The strings of a list, or the member of an object that holds the value. Returns
    /// whether the value is one of these.
    pub(super) fn structured(
        &mut self,
        text: &[u8],
        assignment: &Assignment,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) -> bool {
        let range = assignment.value.clone();
        let value = text.get(range.clone()).unwrap_or_default();
        let typed = assign::list_start(text, range.start);
        if (typed.is_some() || matches!(value, [b'[' | b'(', ..]))
            && let Some((first, mut depth)) =
                assign::next_element(text, typed.unwrap_or(range.start))
        {
            if lists_conditions(text, first.clone(), depth) {
                return true;
            }
            let mut element = Some(first);
            for _ in 0..ELEMENTS_MAX {
                let Some(range) = element else { break };
                self.step(range.len());
                let behind = range.end + depth + 1;
                if !assign::is_part_of_name(text, &assignment.key, &range) {
                    self.judge(text, range, rules, Standing::Whole, None, found);
                }
                element = assign::next_element(text, behind).map(|(next, next_depth)| {
                    depth = next_depth;
                    next
                });
            }
            return true;
        }
        if let (Some(depth), [b'{', ..]) = (assignment.key_quote, value)
            && let Some(inner) = assign::member_value(text, range.start, depth)
        {
            self.step(inner.end - range.start);
            self.judge(text, inner, rules, Standing::Whole, None, found);
            return true;
        }
        false
    }

    /// The words of a list without quotes, behind the first of them, `[a, b]`: what looks
    /// random. A list may be one of conditions.
    pub(super) fn words(
        &mut self,
        text: &[u8],
        list: Range<usize>,
        rules: Rules<'d>,
        standing: Standing,
        found: &mut Vec<Match>,
    ) {
        let bytes = text.get(list.clone()).unwrap_or_default();
        let mut start = list.start;
        let words = bytes.split(|byte| byte.is_ascii_whitespace() || *byte == b',');
        for word in words.take(2 * ELEMENTS_MAX) {
            let range = start..start + word.len();
            start = range.end + 1;
            if !word.is_empty() {
                self.step(word.len() + CELL_STEPS);
            }
            if validator::looks_random(word) {
                self.judge(text, range, rules, standing, None, found);
            }
        }
    }

    /// The codes behind the first one, under a key of several: `backup codes: X, Y, Z`. They
    /// look alike. `first` is the number of the first code among the matches.
    pub(super) fn more_codes(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        first: usize,
        found: &mut Vec<Match>,
    ) {
        let name = text.get(key.clone()).unwrap_or_default();
        const LISTS: [&[u8]; 4] = [b"codes", b"_keys", b"okens", b"crets"];
        let end = name.get(name.len().saturating_sub(5)..).unwrap_or_default();
        let is_list = LISTS.iter().any(|list| end.eq_ignore_ascii_case(list));
        let Some(code) = found.get(first).map(|code| code.range.clone()) else { return };
        // Those that another key stands among were read from the one before.
        let is_known = code.start < self.progress.codes_until;
        if is_known || found.len() != first + 1 || !is_list {
            return;
        }
        let shape = text.get(code.clone()).unwrap_or_default();
        let mut at = code.end;
        for _ in 0..ELEMENTS_MAX {
            let rest = text.get(at..).unwrap_or_default();
            let gap =
                rest.iter().take(CODE_GAP_MAX).take_while(|byte| !byte.is_ascii_alphanumeric());
            let start = at + gap.count();
            let end = start + shape.len();
            let is_alike = text.get(start..end).is_some_and(|code| looks_like(code, shape))
                && !text.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric());
            if start == at || !is_alike {
                return;
            }
            self.step(end - at);
            self.judge(text, start..end, rules, Standing::Whole, None, found);
            at = end;
            self.progress.codes_until = end;
        }
    }

    /// The members of an object under a key: what looks random in them is what the key says.
    /// `false`: there are none.
    pub(in crate::scrub::detector) fn members(
        &mut self,
        text: &[u8],
        members: assign::Members<'_>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) -> bool {
        let mut is_object = false;
        for entry in members.take(ELEMENTS_MAX) {
            is_object = true;
            self.entry(text, &entry, rules, found);
        }
        is_object
    }

    /// The rules that name a key; where its name is one of many and a map stands under it,
    /// those for one of them: under `tokens` stands a number else.
    pub(super) fn of_many(
        &self,
        text: &[u8],
        name: &Range<usize>,
        class: Class<'d>,
    ) -> Option<Rules<'d>> {
        let bytes = text.get(name.clone()).unwrap_or_default();
        let ends = |word: &[u8]| {
            let end = bytes.len().checked_sub(word.len()).and_then(|at| bytes.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(word))
        };
        let one: &[u8] = match class {
            Class::Secret(_) if ends(b"passwords") => b"password",
            Class::Secret(_) if ends(b"credentials") && text.get(name.end) == Some(&b']') => {
                b"password"
            }
            Class::NotSecret if bytes.len() == 6 && ends(b"tokens") => b"access_tokens",
            Class::Secret(rules) => return Some(rules),
            _ => return None,
        };
        let is_map = assign::Members::stand_under(text, name) || lists_drawn(text, name.end);
        match (self.detector.keys.classify(one), class) {
            (Class::Secret(rules), _) if is_map => Some(rules),
            (_, Class::Secret(rules)) => Some(rules),
            _ => None,
        }
    }

    /// The values in the block of YAML under a key, or in that of HCL that it is the label of.
    /// `false`: there is none.
    pub(super) fn block(
        &mut self,
        text: &[u8],
        key: &Range<usize>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) -> bool {
        if let Some(members) = assign::Members::of_block(text, key) {
            for entry in members.take(ELEMENTS_MAX).filter(|entry| entry.holds_value()) {
                self.entry(text, &entry, rules, found);
            }
            return true;
        }
        let Some((entries, end)) = assign::block(text, key) else { return false };
        self.step(end - key.end);
        for entry in &entries {
            self.entry(text, entry, rules, found);
        }
        true
    }

    /// A value in a container under a key: it is the key's own, or looks like a credential
    /// and has no name that says what else it is.
    fn entry(
        &mut self,
        text: &[u8],
        entry: &assign::Entry<'_>,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) {
        self.step(entry.value.len() + CELL_STEPS);
        if entry.holds_value() {
            return self.judge(text, entry.value.clone(), rules, Standing::Whole, None, found);
        }
        let value = text.get(entry.value.clone()).unwrap_or_default();
        let class = self.detector.keys.classify(entry.name);
        // `mail: x` beside `db: x`: what only a program makes is no address.
        if class == Class::NotSecret || (entry.says_other() && !value::is_drawn(value)) {
            return;
        }
        let of_passwords = self.form(rules) == ValueForm::Password;
        if validator::looks_random(value)
            || (of_passwords && (value::is_shaped(value) || value::is_chain(value)))
        {
            return self.judge(text, entry.value.clone(), rules, Standing::Whole, None, found);
        }
        // A list may be one of names.
        if class != Class::Unknown || entry.name.is_empty() {
            return;
        }
        let standing = match entry.is_quoted {
            true => Standing::Whole,
            false => Standing::Word(Sign::Colon),
        };
        for secret in value::secrets(ValueForm::Credential, value, standing) {
            let range = entry.value.start + secret.start..entry.value.start + secret.end;
            let accepts = |rule: u32| {
                let secret = text.get(range.clone()).unwrap_or_default();
                let rule = self.detector.rules.get(rule as usize);
                rule.is_some_and(|rule| rule.accepts(secret))
            };
            let rule = rules.iter().find(|&rule| accepts(rule) && self.admits(rule, text, &range));
            if let Some(rule) = rule {
                found.push(Match { range, rule, certainty: Certainty::Key, how: How::Plain });
            }
        }
    }
}

/// Whether a list of strings stands behind a name that ends at `at`, of which the first is drawn:
/// `tokens": ["x", `. Those of a model are words.
fn lists_drawn(text: &[u8], at: usize) -> bool {
    let rest = text.get(at..text.len().min(at + CODE_GAP_MAX)).unwrap_or_default();
    let Some(open) = memchr::memchr(b'[', rest) else { return false };
    let joins = |byte: &u8| b"\"'\\: =".contains(byte);
    rest.get(..open).unwrap_or_default().iter().all(joins)
        && assign::next_element(text, at + open)
            .is_some_and(|(first, _)| text.get(first).is_some_and(value::is_drawn))
}

/// Whether a list is one of the conditions of a field: `'password' => ['required', 'min:12']`.
fn lists_conditions(text: &[u8], first: Range<usize>, depth: usize) -> bool {
    let (mut element, mut tells) = (Some((first, depth)), false);
    for _ in 0..ELEMENTS_MAX {
        let Some((range, depth)) = element else { return tells };
        let condition = text.get(range.clone()).unwrap_or_default();
        if !value::is_condition(condition) {
            return false;
        }
        tells |= value::is_telling_condition(condition);
        element = assign::next_element(text, range.end + depth + 1);
    }
    false
}

/// Whether a code has what another has at each place: a letter or a digit, or the same sign;
/// and a digit, where that one has.
fn looks_like(code: &[u8], other: &[u8]) -> bool {
    let alike = code.iter().zip(other).all(|(one, other)| {
        one == other || (one.is_ascii_alphanumeric() && other.is_ascii_alphanumeric())
    });
    let has_digit = |code: &[u8]| code.iter().any(u8::is_ascii_digit);
    alike && (has_digit(code) || !has_digit(other))
}
