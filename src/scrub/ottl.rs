//! A part of OTTL, the language of the Collector's `transform` and `filter`: statements
//! and conditions on records.
//!
//! Grammar, functions and results are those of contrib `pkg/ottl`; `tests/collector`
//! holds both against each other. What is in the part stands in `docs/collector.md`;
//! everything else is refused when it is compiled, with its place.
//!
//! A statement is read (`token`, `parse`), bound to the fields of records (`place`) and
//! functions (`compile`), and then run on each record (`value`, `test`, `edit`).
//! `reopen` says what it may bring to light behind a scrubber.

mod apply;
mod compile;
mod edit;
mod filter;
mod glob;
mod group;
mod parse;
mod place;
mod reopen;
mod settings;
mod test;
mod token;
mod transform;
mod value;

pub use filter::Filter;
pub use reopen::under;
pub use settings::ConditionGroup;
pub use settings::ConditionItem;
pub use settings::ErrorMode;
pub use settings::FilterSettings;
pub use settings::Item;
pub use settings::Placed;
pub use settings::RouteSettings;
pub use settings::StatementGroup;
pub use settings::StatementItem;
pub use settings::TransformSettings;
pub use test::Condition;
pub use transform::Transform;

/// What is wrong with a statement: where, what was expected, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scrub::ottl) struct Fault {
    /// In a few words.
    what: String,
    /// The character of the statement, from 1.
    at: usize,
    /// What to write instead; may be empty.
    advice: String,
}

impl Fault {
    fn new(what: &str, at: usize) -> Self {
        Self { what: what.to_owned(), at, advice: String::new() }
    }

    fn advised(self, advice: &str) -> Self {
        Self { advice: advice.to_owned(), ..self }
    }

    fn expected(&self) -> String {
        format!("{} at character {}", self.what, self.at)
    }
}

/// A statement does not fit the record that it runs on; in few words, without payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub::ottl) struct Unfit(&'static str);
