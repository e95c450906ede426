//! The string table of a profile, and what the keys say of its entries.
//!
//! In profiles an attribute's key, and a value, can be an index into a table
//! that stands somewhere else in the request. So the walk goes over a profile
//! request twice: once to learn which entries stand under which keys, and once
//! to show the entries to the judge under what was learnt.

use std::ops::Range;

use crate::scrub::otlp::Context;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Outline;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Scalar;
use crate::scrub::otlp::Shown;
use crate::scrub::otlp::schema::Decision;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::wire::Fault;
use crate::scrub::otlp::wire::fields;

/// The entries of a string table and what was learnt of them. Empty for the
/// other signals.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    /// Where they stand in the request; in JSON, between the quotes.
    entries: Vec<Range<usize>>,
    /// The first entry of each table, where there are several: a reader of JSON
    /// may join them or take any one of them.
    tables: Vec<usize>,
    marks: Vec<(usize, Context)>,
}

impl Strings {
    /// The table of a protobuf request. A dictionary that occurs twice is merged
    /// by a reader, so the entries of both are one table.
    pub(crate) fn of_protobuf(root: &'static Message, request: &[u8]) -> Result<Self, Fault> {
        let mut entries = Vec::new();
        for outer in fields(request, 0) {
            let outer = outer?;
            let Some(table) = table_tag(root, outer.tag) else { continue };
            let dictionary = request.get(..outer.contents.end).unwrap_or_default();
            for inner in fields(dictionary, outer.contents.start) {
                let inner = inner?;
                if inner.tag == table {
                    entries.push(inner.contents);
                }
            }
        }
        Ok(Self { entries, tables: Vec::new(), marks: Vec::new() })
    }

    /// The tables of a JSON request.
    pub(crate) fn of_json(tables: Vec<Vec<Range<usize>>>) -> Self {
        let mut strings = Self::default();
        for table in tables {
            strings.tables.push(strings.entries.len());
            strings.entries.extend(table);
        }
        strings
    }

    /// Where the entry stands: in one place, or where there are several tables,
    /// in any of these.
    pub(crate) fn entry(&self, index: u64) -> impl Iterator<Item = Range<usize>> {
        self.positions(index).filter_map(|position| self.entries.get(position)).cloned()
    }

    /// Notes that the entry stands under keys that say `context`.
    pub(crate) fn mark(&mut self, index: u64, context: Context) {
        if context == Context::default() {
            return;
        }
        let positions: Vec<usize> = self.positions(index).collect();
        for position in positions {
            if self.marks.last() != Some(&(position, context)) {
                self.marks.push((position, context));
            }
        }
    }

    fn positions(&self, index: u64) -> impl Iterator<Item = usize> {
        let index = usize::try_from(index).ok().filter(|index| *index < self.entries.len());
        let firsts = std::iter::once(0).chain(self.tables.iter().copied().skip(1));
        firsts
            .filter_map(move |first| index.map(|index| first.saturating_add(index)))
            .filter(|position| *position < self.entries.len())
    }

    /// Ends the learning.
    pub(crate) fn sort(&mut self) {
        self.marks.sort_unstable_by_key(|(index, context)| (*index, context.0));
        self.marks.dedup();
    }

    /// What the keys say of an entry; empty where they say nothing.
    pub(crate) fn contexts(&self, index: usize) -> &[(usize, Context)] {
        let start = self.marks.partition_point(|(marked, _)| *marked < index);
        let end = self.marks.partition_point(|(marked, _)| *marked <= index);
        self.marks.get(start..end).unwrap_or_default()
    }
}

/// A judge that is only asked about keys, to learn what they say.
pub(crate) struct KeysOnly<'j, J>(pub &'j mut J);

impl<J: Judge> Judge for KeysOnly<'_, J> {
    fn begin(&mut self, _: &[u8], _: Option<Outline<'_>>) {}

    fn key(&mut self, key: Shown<'_>, outer: Context) -> Context {
        self.0.key(key, outer)
    }

    fn text(&mut self, _text: Shown<'_>, _place: &Place<'_>, _found: &mut Vec<Replacement>) {}

    fn scalar(&mut self, _value: Scalar, _place: &Place<'_>) -> Option<Vec<u8>> {
        None
    }
}

/// The tag of the string table in the message whose tag in `root` is `tag`.
fn table_tag(root: &'static Message, tag: u64) -> Option<u64> {
    let field = root.field(tag >> 3).filter(|_| tag & 7 == 2)?;
    let Kind::Message(message) = field.kind else { return None };
    let table = message.fields.iter().find(|field| field.decision == Decision::Table)?;
    Some(u64::from(table.number << 3 | 2))
}
