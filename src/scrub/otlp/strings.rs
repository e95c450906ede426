//! The string table of a profile, and what the keys say of its entries.
//!
//! In profiles an attribute's key, and a value, can be an index into a table
//! that stands somewhere else in the request. So the walk goes over a profile
//! request twice: once to learn which entries stand under which keys, and once
//! to show the entries to the judge under what was learnt.

use std::ops::Range;

use crate::scrub::otlp::Context;
use crate::scrub::otlp::schema::Decision;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::wire::Fault;
use crate::scrub::otlp::wire::fields;

/// The entries of a string table and what was learnt of them. Empty for the
/// other signals.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    entries: Vec<Range<usize>>,
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
        Ok(Self { entries, marks: Vec::new() })
    }

    /// Where the entry stands.
    pub(crate) fn entry(&self, index: u64) -> Option<Range<usize>> {
        self.entries.get(usize::try_from(index).ok()?).cloned()
    }

    /// Notes that the entry stands under keys that say `context`.
    pub(crate) fn mark(&mut self, index: u64, context: Context) {
        if let Ok(index) = usize::try_from(index)
            && index < self.entries.len()
            && context != Context::default()
            && self.marks.last() != Some(&(index, context))
        {
            self.marks.push((index, context));
        }
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

/// The tag of the string table in the message whose tag in `root` is `tag`.
fn table_tag(root: &'static Message, tag: u64) -> Option<u64> {
    let field = root.field(tag >> 3).filter(|_| tag & 7 == 2)?;
    let Kind::Message(message) = field.kind else { return None };
    let table = message.fields.iter().find(|field| field.decision == Decision::Table)?;
    Some(u64::from(table.number << 3 | 2))
}
