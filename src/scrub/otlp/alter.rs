//! Changes a protobuf request record by record, as edits.
//!
//! The walk (`protobuf`) shows texts in wire order; what a processor of attributes
//! needs is another view: a whole attribute map at a time, and the records around
//! it. Here a request is a tree of [`Record`]s. An [`Alter`] is shown each, outer
//! ones first, and may change its attributes, its body and its texts, or drop it.
//! What it changes becomes edits over just that; a request in which it changes
//! nothing has none.
//!
//! Only for requests that were walked: their structure was checked, and fields
//! outside the schema are gone.
//!
//! A message that occurs twice is one record here, as readers merge it. An
//! attribute that says two things (two keys, two values) is written anew, so that
//! only what was judged is left.

mod attributes;
mod record;
mod render;
mod value;

pub use attributes::Attributes;
pub use attributes::Entry;
pub use record::Fate;
pub use record::Inner;
pub use record::Record;
pub use record::RecordKind;
pub use render::render;
pub use render::render_double;
pub use value::Pair;
pub use value::Value;

use std::ops::Range;

use crate::scrub::Signal;
use crate::scrub::otlp::EDITS_MAX;
use crate::scrub::otlp::Edit;
use crate::scrub::otlp::WalkError;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// Changes records.
pub trait Alter {
    /// Whether the records below those of `kind` are of interest, too.
    fn enters(&self, _kind: RecordKind) -> bool {
        true
    }

    /// Shows a record. `around` are the records that it stands in, outermost first:
    /// the resource, the scope, the span or metric.
    fn record<'r>(&mut self, record: &mut Record<'r>, around: &mut [Record<'r>]) -> Fate;

    /// Whether a resource, a scope or the data of a metric goes, too, where it holds
    /// nothing; and a metric, once all that it held was dropped.
    fn drops_empty(&self) -> bool {
        false
    }
}

/// What came of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Altered {
    /// What to change, by position, not overlapping.
    pub edits: Vec<Edit>,
    /// How many spans, data points or log records are left out.
    pub items_dropped: u64,
}

/// Shows every record of a walked protobuf request to `alter`.
///
/// # Errors
///
/// What the walk would have refused; and more edits than one request may have.
pub fn alter(signal: Signal, request: &[u8], alter: &mut impl Alter) -> Result<Altered, WalkError> {
    let mut tree = Tree { request, alter, around: Vec::new(), altered: Altered::default() };
    let root = Occurrence { prefix: 0..0, body: 0..request.len() };
    tree.children(schema::root(signal), &root).map_err(|fault| fault.in_path(String::new()))?;
    let mut altered = tree.altered;
    // Inner edits come before outer ones; of two at one place, the inner is first.
    altered.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    Ok(altered)
}

/// One occurrence of a message on the wire.
#[derive(Clone, Debug)]
struct Occurrence {
    /// Its length prefix.
    prefix: Range<usize>,
    /// Its contents.
    body: Range<usize>,
}

struct Tree<'r, 'a, A> {
    request: &'r [u8],
    alter: &'a mut A,
    around: Vec<Record<'r>>,
    altered: Altered,
}

/// What became of the messages below one.
#[derive(Default)]
struct Below {
    growth: isize,
    /// Records, or groups of them, that are still there.
    kept: usize,
    /// Those that are not.
    dropped: usize,
}

impl<'r, A: Alter> Tree<'r, '_, A> {
    /// Shows what stands in one message. The schema nests no deeper than six.
    fn children(&mut self, message: &'static Message, at: &Occurrence) -> Result<Below, Fault> {
        let bytes = self.request.get(..at.body.end).unwrap_or_default();
        // A resource or a scope belongs to all that stands beside it, also before it.
        let depth = self.around.len();
        if let Some((number, kind)) = owner(message) {
            self.owner(message, number, kind, at)?;
        }
        let mut below = Below::default();
        for field in wire::fields(bytes, at.body.start) {
            let field = field?;
            let Some((inner, kind)) = shown(message, field.tag) else { continue };
            let start = field.range.start;
            let prefix = wire::varint(bytes, start)?.1..field.contents.start;
            let inner_at = Occurrence { prefix, body: field.contents };
            let edits = self.altered.edits.len();
            match self.child(inner, kind, &inner_at)? {
                Some(growth) => {
                    below.growth += growth;
                    below.kept += 1;
                }
                None => {
                    self.altered.edits.truncate(edits);
                    self.edit(field.range.clone(), Vec::new())?;
                    below.growth -= field.range.len().cast_signed();
                    below.dropped += 1;
                }
            }
        }
        while depth < self.around.len() {
            let Some(record) = self.around.pop() else { break };
            below.growth += self.emit(record)?;
        }
        Ok(below)
    }

    /// Shows the resource or scope of `message`, and keeps it around.
    fn owner(
        &mut self,
        message: &'static Message,
        number: u32,
        kind: RecordKind,
        at: &Occurrence,
    ) -> Result<(), Fault> {
        let bytes = self.request.get(..at.body.end).unwrap_or_default();
        let Some(Kind::Message(inner)) = message.field(u64::from(number)).map(|field| field.kind)
        else {
            return Ok(());
        };
        let mut record = Record::new(self.request, inner, kind);
        for field in wire::fields(bytes, at.body.start) {
            let field = field?;
            if field.tag == u64::from(number) << 3 | 2 {
                let prefix = wire::varint(bytes, field.range.start)?.1..field.contents.start;
                record.occurs(Occurrence { prefix, body: field.contents });
            }
        }
        // Of a resource or a scope there is always one; the fate is for what it holds.
        let fate = self.alter.record(&mut record, &mut self.around);
        record.doom(fate);
        self.around.push(record);
        Ok(())
    }

    /// Shows a record or a group of them. Gives by how much it grew with its prefix;
    /// `None` when it is dropped.
    fn child(
        &mut self,
        message: &'static Message,
        kind: Option<RecordKind>,
        at: &Occurrence,
    ) -> Result<Option<isize>, Fault> {
        let items = self.altered.items_dropped;
        let Some(kind) = kind else {
            let below = self.children(message, at)?;
            if below.kept == 0 && self.alter.drops_empty() {
                return Ok(None);
            }
            return self.resize(at, below.growth).map(Some);
        };
        let mut record = Record::new(self.request, message, kind);
        record.occurs(at.clone());
        let doomed = self.around.iter().any(Record::doomed);
        if doomed || self.alter.record(&mut record, &mut self.around) == Fate::Drop {
            self.altered.items_dropped = items + record::items(self.request, message, at)?;
            return Ok(None);
        }
        let mut growth = 0;
        if record::nests(kind) && self.alter.enters(kind) {
            self.around.push(record);
            let below = self.children(message, at)?;
            let Some(inner) = self.around.pop() else { return Ok(Some(0)) };
            if kind == RecordKind::Metric
                && below.kept == 0
                && 0 < below.dropped
                && self.alter.drops_empty()
            {
                return Ok(None);
            }
            growth = below.growth;
            record = inner;
        }
        growth += self.emit_body(record)?;
        self.resize(at, growth).map(Some)
    }

    /// The edits of a record with its own prefixes.
    fn emit(&mut self, record: Record<'r>) -> Result<isize, Fault> {
        let mut growth = 0;
        for (at, edits) in record.edits() {
            let mut own = 0;
            for edit in edits {
                own += edit.bytes.len().cast_signed() - edit.range.len().cast_signed();
                self.edit(edit.range, edit.bytes)?;
            }
            growth += self.resize(&at, own)?;
        }
        Ok(growth)
    }

    /// The edits of a record that occurs once, without its prefix.
    fn emit_body(&mut self, record: Record<'r>) -> Result<isize, Fault> {
        let mut growth = 0;
        for (_, edits) in record.edits() {
            for edit in edits {
                growth += edit.bytes.len().cast_signed() - edit.range.len().cast_signed();
                self.edit(edit.range, edit.bytes)?;
            }
        }
        Ok(growth)
    }

    /// Adds an edit over a length prefix. Gives the growth with that of the prefix.
    fn resize(&mut self, at: &Occurrence, growth: isize) -> Result<isize, Fault> {
        if growth == 0 {
            return Ok(0);
        }
        let bytes = wire::length(at.body.len().saturating_add_signed(growth));
        let growth = growth + bytes.len().cast_signed() - at.prefix.len().cast_signed();
        self.edit(at.prefix.clone(), bytes)?;
        Ok(growth)
    }

    fn edit(&mut self, range: Range<usize>, bytes: Vec<u8>) -> Result<(), Fault> {
        if EDITS_MAX <= self.altered.edits.len() {
            return Err(Fault::new("too many things to change", range.start));
        }
        self.altered.edits.push(Edit { range, bytes });
        Ok(())
    }
}

/// The field of `message` that holds the resource or scope of what stands beside it.
fn owner(message: &'static Message) -> Option<(u32, RecordKind)> {
    let first = message.fields.first()?;
    match first.name {
        "resource" => Some((first.number, RecordKind::Resource)),
        "scope" => Some((first.number, RecordKind::Scope)),
        _ => None,
    }
}

/// The message at `tag` of `message` if it is a record or holds records, and its kind
/// if it is one.
fn shown(message: &'static Message, tag: u64) -> Option<(&'static Message, Option<RecordKind>)> {
    let field = message.field(tag >> 3).filter(|_| tag & 7 == 2)?;
    let Kind::Message(inner) = field.kind else { return None };
    let kind = match field.name {
        "spans" => Some(RecordKind::Span),
        "events" => Some(RecordKind::SpanEvent),
        "log_records" => Some(RecordKind::Log),
        "metrics" => Some(RecordKind::Metric),
        "data_points" => Some(RecordKind::DataPoint),
        "resource_spans"
        | "resource_logs"
        | "resource_metrics"
        | "scope_spans"
        | "scope_logs"
        | "scope_metrics"
        | "gauge"
        | "sum"
        | "histogram"
        | "exponential_histogram"
        | "summary" => None,
        _ => return None,
    };
    Some((inner, kind))
}
