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
