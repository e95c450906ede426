//! Splits a request at record borders.
//!
//! A request is a tree: resources hold scopes, scopes hold spans or log records or
//! metrics, and metrics hold data points. Each part of a split repeats what stands
//! around its records: the resource, the scope, the schema URLs, a metric's name.
//! So a part is written level by level: each level that is open has its own buffer
//! that begins with what is repeated; a full part closes all levels, and the next
//! record opens them again.

use std::ops::Range;

use crate::scrub::Signal;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// Splits `protobuf`; see [`crate::scrub::otlp::split`].
pub(in crate::scrub::otlp) fn split(
    signal: Signal,
    protobuf: &[u8],
    items_max: u64,
) -> Option<Vec<(Vec<u8>, u64)>> {
    if signal == Signal::Profiles || items_max == 0 {
        return None;
    }
    let mut splitter =
        Splitter { protobuf, items_max, levels: Vec::new(), items: 0, parts: Vec::new() };
    splitter.level(schema::root(signal), 0, 0..protobuf.len()).ok()?;
    Some(splitter.parts)
}

struct Splitter<'p> {
    protobuf: &'p [u8],
    items_max: u64,
    /// The messages around the record at hand, the request first.
    levels: Vec<Level>,
    /// How many items are in the part at hand.
    items: u64,
    parts: Vec<(Vec<u8>, u64)>,
}

/// A message that holds records, and is repeated around each part of them.
struct Level {
    tag: u64,
    /// What is repeated: all of its fields that hold no records.
    frame: Vec<u8>,
    /// What is written of it to the part at hand; `None` where nothing is.
    open: Option<Vec<u8>>,
    /// Whether it is in any part.
    written: bool,
}

impl Splitter<'_> {
    /// Splits the message in `body`, which holds records. Calls itself for the
    /// levels below, of which the schema has at most five.
    fn level(
        &mut self,
        message: &'static Message,
        tag: u64,
        body: Range<usize>,
    ) -> Result<(), Fault> {
        let bytes = self.protobuf.get(..body.end).unwrap_or_default();
        let mut frame = Vec::new();
        for field in wire::fields(bytes, body.start) {
            let field = field?;
            if below(message, field.tag).is_none() {
                frame.extend_from_slice(bytes.get(field.range).unwrap_or_default());
            }
        }
        self.levels.push(Level { tag, frame, open: None, written: false });
        for field in wire::fields(bytes, body.start) {
            let field = field?;
            match below(message, field.tag) {
                Some(record) if record.item => {
                    self.record(bytes.get(field.range).unwrap_or_default());
                }
                Some(level) => self.level(level, field.tag, field.contents)?,
                None => {}
            }
        }
        self.leave();
        Ok(())
    }

    fn record(&mut self, record: &[u8]) {
        if self.items == self.items_max {
            self.cut();
        }
        self.open();
        if let Some(open) = self.levels.last_mut().and_then(|level| level.open.as_mut()) {
            open.extend_from_slice(record);
        }
        self.items += 1;
    }

    /// Opens every level that is not.
    fn open(&mut self) {
        for level in &mut self.levels {
            level.open.get_or_insert_with(|| level.frame.clone());
            level.written = true;
        }
    }

    /// Ends the innermost level. One without a record is written all the same.
    fn leave(&mut self) {
        if self.levels.last().is_some_and(|level| !level.written) {
            self.open();
        }
        if let Some(Level { tag, open: Some(contents), .. }) = self.levels.pop() {
            match self.levels.last_mut() {
                Some(around) => append(around.open.get_or_insert_default(), tag, &contents),
                None => self.parts.push((contents, self.items)),
            }
        }
    }

    /// Ends the part at hand; the levels stay, to be opened again.
    fn cut(&mut self) {
        let mut inner: Option<(u64, Vec<u8>)> = None;
        for level in self.levels.iter_mut().rev() {
            let mut contents = level.open.take();
            if let Some((tag, bytes)) = inner.take() {
                append(contents.get_or_insert_default(), tag, &bytes);
            }
            inner = contents.map(|contents| (level.tag, contents));
        }
        if let Some((_, part)) = inner {
            self.parts.push((part, std::mem::take(&mut self.items)));
        }
    }
}

fn append(out: &mut Vec<u8>, tag: u64, contents: &[u8]) {
    wire::put_varint(out, tag);
    wire::put_varint(out, contents.len() as u64);
    out.extend_from_slice(contents);
}

/// The message at `tag` of `message`, if it is a record or holds records.
pub(in crate::scrub::otlp) fn below(
    message: &'static Message,
    tag: u64,
) -> Option<&'static Message> {
    let field = message.field(tag >> 3).filter(|_| tag & 7 == 2)?;
    let Kind::Message(inner) = field.kind else { return None };
    holds_items(inner).then_some(inner)
}

/// Whether a message is a record or holds records. Values are what the schema
/// nests in themselves, and hold none: so this ends.
fn holds_items(message: &'static Message) -> bool {
    message.item
        || message.fields.iter().any(|field| match field.kind {
            Kind::Message(inner) => !inner.is_value() && holds_items(inner),
            _ => false,
        })
}
