//! A key with several values: the cells of a column, the members of an object.

use std::ops::Range;

use crate::scrub::detector::assign;
use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::find::ELEMENTS_MAX;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::key::Class;
use crate::scrub::detector::key::Rules;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::value::Standing;
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
        let column = assign::column(text, key, &mut self.columns);
        self.step(column.read_bytes);
        let standing = match column.loose {
            true => Standing::Word(Sign::Pair),
            false => Standing::Whole,
        };
        for cell in column.cells {
            self.step(cell.len() + CELL_STEPS);
            self.judge(text, cell, rules, standing, None, found);
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
        let is_list = name.get(name.len().saturating_sub(5)..).unwrap_or_default();
        let Some(code) = found.get(first).map(|code| code.range.clone()) else { return };
        if found.len() != first + 1 || !is_list.eq_ignore_ascii_case(b"codes") {
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
        }
    }

    /// The members of an object under a key: what looks random in them is what the key says.
    /// `false`: there are none.
    pub(super) fn members(
        &mut self,
        text: &[u8],
        at: usize,
        rules: Rules<'d>,
        found: &mut Vec<Match>,
    ) -> bool {
        let mut is_object = false;
        for member in assign::Members::new(text, at).take(ELEMENTS_MAX) {
            is_object = true;
            self.step(member.value.len());
            let value = text.get(member.value.clone()).unwrap_or_default();
            if self.detector.keys.classify(member.name) != Class::NotSecret
                && validator::looks_random(value)
            {
                self.judge(text, member.value, rules, Standing::Whole, None, found);
            }
        }
        is_object
    }
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
