//! One record: a resource, a scope, a span, an event, a log record, a metric or a
//! data point.

use std::borrow::Cow;

use crate::scrub::otlp::Edit;
use crate::scrub::otlp::alter::Occurrence;
use crate::scrub::otlp::alter::attributes::Attributes;
use crate::scrub::otlp::alter::value::Value;
use crate::scrub::otlp::alter::value::put;
use crate::scrub::otlp::alter::value::says_once;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// A resource.
    Resource,
    /// An instrumentation scope.
    Scope,
    /// A span.
    Span,
    /// An event of a span.
    SpanEvent,
    /// A log record.
    Log,
    /// A metric.
    Metric,
    /// A data point of any type.
    DataPoint,
}

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It stays.
    Keep,
    /// It goes, with all that it holds.
    Drop,
}

/// A record of the request, to be read and changed.
#[derive(Clone, Debug)]
pub struct Record<'r> {
    request: &'r [u8],
    message: &'static Message,
    kind: RecordKind,
    first: Option<Occurrence>,
    more: Vec<Occurrence>,
    attributes: Option<Attributes<'r>>,
    /// Texts and numbers that were set, by field number.
    set: Vec<(u32, Set)>,
    body: Option<Body<'r>>,
    doomed: bool,
}

#[derive(Clone, Debug)]
enum Set {
    Text(Vec<u8>),
    Number(u64),
}

#[derive(Clone, Debug)]
struct Body<'r> {
    value: Value<'r>,
    changed: bool,
}

/// A value for a field of a message within a record.
#[derive(Clone, Debug)]
pub enum Inner {
    /// A text.
    Text(Vec<u8>),
    /// A number.
    Number(u64),
}

/// The field number of a log record's body.
const BODY: u64 = 5;

impl<'r> Record<'r> {
    pub(in crate::scrub::otlp::alter) fn new(
        request: &'r [u8],
        message: &'static Message,
        kind: RecordKind,
    ) -> Self {
        Self {
            request,
            message,
            kind,
            first: None,
            more: Vec::new(),
            attributes: None,
            set: Vec::new(),
            body: None,
            doomed: false,
        }
    }

    pub(in crate::scrub::otlp::alter) fn occurs(&mut self, at: Occurrence) {
        match self.first {
            None => self.first = Some(at),
            Some(_) => self.more.push(at),
        }
    }

    pub(in crate::scrub::otlp::alter) fn doom(&mut self, fate: Fate) {
        self.doomed = fate == Fate::Drop;
    }

    pub(in crate::scrub::otlp::alter) fn doomed(&self) -> bool {
        self.doomed
    }

    /// What it is.
    pub fn kind(&self) -> RecordKind {
        self.kind
    }

    /// The attributes; of a metric, its metadata.
    pub fn attributes(&mut self) -> &mut Attributes<'r> {
        if self.attributes.is_none() {
            self.attributes = Some(self.read_attributes());
        }
        self.attributes.get_or_insert_default()
    }

    fn read_attributes(&self) -> Attributes<'r> {
        let mut attributes = Attributes::default();
        let Some(tag) = self.attributes_tag() else { return attributes };
        for field in self.fields() {
            if field.tag == tag {
                let bytes = self.request.get(field.contents).unwrap_or_default();
                // What the walk has seen can be read.
                let _ = attributes.occurs(bytes, field.range);
            }
        }
        attributes
    }

    fn attributes_tag(&self) -> Option<u64> {
        let is_attributes = |name: &str| matches!(name, "attributes" | "metadata");
        let field = self.message.fields.iter().find(|field| is_attributes(field.name))?;
        Some(u64::from(field.number) << 3 | 2)
    }

    fn occurrences(&self) -> impl Iterator<Item = &Occurrence> {
        self.first.iter().chain(&self.more)
    }

    fn fields(&self) -> impl Iterator<Item = wire::Occurrence> {
        self.occurrences().flat_map(|at| {
            let bytes = self.request.get(..at.body.end).unwrap_or_default();
            wire::fields(bytes, at.body.start).map_while(Result::ok)
        })
    }

    /// A text field by its name in `proto/`; `None` where there is no such field.
    /// What is not on the wire is empty.
    pub fn text(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        let number = self.number_of(name, |kind| matches!(kind, Kind::String))?;
        if let Some((_, Set::Text(text))) = self.set.iter().rev().find(|(at, _)| *at == number) {
            return Some(Cow::Borrowed(text));
        }
        let tag = u64::from(number) << 3 | 2;
        let last = self.fields().filter(|field| field.tag == tag).last();
        let bytes = last.and_then(|field| self.request.get(field.contents));
        Some(Cow::Borrowed(bytes.unwrap_or_default()))
    }

    /// The last occurrence of a field of bytes or text, as it came in; `None` where it
    /// is not on the wire.
    pub fn bytes(&self, name: &str) -> Option<&'r [u8]> {
        let field = self.message.fields.iter().find(|field| field.name == name)?;
        let tag = u64::from(field.number) << 3 | 2;
        let last = self.fields().filter(|field| field.tag == tag).last()?;
        self.request.get(last.contents)
    }

    /// Which of some message fields came last: of a oneof, the one that counts.
    pub fn last_of(&self, names: &'static [&'static str]) -> Option<&'static str> {
        let name = |tag: u64| {
            let field = self.message.field(tag >> 3)?;
            names.iter().find(|name| **name == field.name).copied()
        };
        self.fields().filter_map(|field| name(field.tag)).last()
    }

    /// Sets a text field. Whether there is such a field.
    pub fn set_text(&mut self, name: &str, text: Vec<u8>) -> bool {
        let number = self.number_of(name, |kind| matches!(kind, Kind::String));
        if let Some(number) = number {
            self.set.push((number, Set::Text(text)));
        }
        number.is_some()
    }

    /// An enum or number field that is a varint; 0 where it is not on the wire.
    pub fn number(&self, name: &str) -> Option<u64> {
        let number = self.number_of(name, |kind| kind.wire() == 0)?;
        if let Some((_, Set::Number(value))) = self.set.iter().rev().find(|(at, _)| *at == number) {
            return Some(*value);
        }
        let tag = u64::from(number) << 3;
        let last = self.fields().filter(|field| field.tag == tag).last();
        let bytes = last.and_then(|field| self.request.get(field.contents));
        Some(bytes.and_then(|bytes| wire::varint(bytes, 0).ok()).map_or(0, |(value, _)| value))
    }

    /// Sets an enum or number field that is a varint. Whether there is such a field.
    pub fn set_number(&mut self, name: &str, value: u64) -> bool {
        let number = self.number_of(name, |kind| kind.wire() == 0);
        if let Some(number) = number {
            self.set.push((number, Set::Number(value)));
        }
        number.is_some()
    }

    /// A text of a message within the record, such as the status of a span.
    pub fn text_in(&self, outer: &str, name: &str) -> Option<Cow<'_, [u8]>> {
        let (number, inner) = self.message_of(outer)?;
        let field = inner.fields.iter().find(|field| field.name == name)?;
        let contents = self.contents(number);
        let tag = u64::from(field.number) << 3 | 2;
        let last = last_field(&contents, tag)?;
        Some(Cow::Owned(contents.get(last.contents)?.to_vec()))
    }

    /// A number that is a varint in a message within the record.
    pub fn number_in(&self, outer: &str, name: &str) -> Option<u64> {
        let (number, inner) = self.message_of(outer)?;
        let field = inner.fields.iter().find(|field| field.name == name)?;
        let contents = self.contents(number);
        let last = last_field(&contents, u64::from(field.number) << 3)?;
        Some(wire::varint(contents.get(last.contents)?, 0).ok()?.0)
    }

    /// Sets a text or a number of a message within the record; the rest of it stays.
    /// Whether there is such a field.
    pub fn set_in(&mut self, outer: &str, name: &str, value: Inner) -> bool {
        let Some((number, inner)) = self.message_of(outer) else { return false };
        let Some(field) = inner.fields.iter().find(|field| field.name == name) else {
            return false;
        };
        let old = self.contents(number);
        let mut contents = Vec::with_capacity(old.len());
        for part in wire::fields(&old, 0).map_while(Result::ok) {
            if part.tag >> 3 != u64::from(field.number) {
                contents.extend_from_slice(old.get(part.range).unwrap_or_default());
            }
        }
        let tag = u64::from(field.number) << 3;
        match value {
            Inner::Text(text) => put(&mut contents, tag | 2, &text),
            Inner::Number(value) => {
                wire::put_varint(&mut contents, tag);
                wire::put_varint(&mut contents, value);
            }
        }
        self.set.push((number, Set::Text(contents)));
        true
    }

    fn message_of(&self, name: &str) -> Option<(u32, &'static Message)> {
        let field = self.message.fields.iter().find(|field| field.name == name)?;
        match field.kind {
            Kind::Message(inner) => Some((field.number, inner)),
            _ => None,
        }
    }

    /// The contents of a message within the record: what was set, or all occurrences
    /// behind each other, which is how readers merge them.
    fn contents(&self, number: u32) -> Vec<u8> {
        if let Some((_, Set::Text(contents))) = self.set.iter().rev().find(|(at, _)| *at == number)
        {
            return contents.clone();
        }
        let tag = u64::from(number) << 3 | 2;
        let parts = self.fields().filter(|field| field.tag == tag);
        let parts = parts.filter_map(|field| self.request.get(field.contents));
        parts.flatten().copied().collect()
    }

    fn number_of(&self, name: &str, is: impl Fn(Kind) -> bool) -> Option<u32> {
        let field = self.message.fields.iter().find(|field| field.name == name)?;
        is(field.kind).then_some(field.number)
    }

    /// The body of a log record; [`Value::Empty`] for everything else.
    pub fn body(&mut self) -> &Value<'r> {
        &self.read_body().value
    }

    /// Puts another body there.
    pub fn set_body(&mut self, value: Value<'r>) {
        let body = self.read_body();
        body.value = value;
        body.changed = true;
    }

    fn read_body(&mut self) -> &mut Body<'r> {
        if self.body.is_none() {
            let mut value = Value::Empty;
            let mut occurrences = 0;
            let mut odd = false;
            if self.kind == RecordKind::Log {
                for field in self.fields().filter(|field| field.tag == (BODY << 3 | 2)) {
                    let bytes = self.request.get(field.contents).unwrap_or_default();
                    // What the walk has seen can be read.
                    let _ = value.merge(bytes);
                    occurrences += 1;
                    odd |= !says_once(bytes);
                }
            }
            self.body = Some(Body { value, changed: odd || 1 < occurrences });
        }
        self.body.get_or_insert(Body { value: Value::Empty, changed: false })
    }

    /// The edits in each occurrence of the record.
    pub(in crate::scrub::otlp::alter) fn edits(self) -> Vec<(Occurrence, Vec<Edit>)> {
        let body_changed = self.body.as_ref().is_some_and(|body| body.changed);
        if self.attributes.is_none() && self.set.is_empty() && !body_changed {
            return Vec::new();
        }
        let mut edits = Vec::new();
        let mut added = Vec::new();
        if let (Some(attributes), Some(tag)) = (&self.attributes, self.attributes_tag()) {
            let (changes, new) = attributes.changes(tag);
            edits.extend(changes);
            added = new;
        }
        if body_changed && let Some(body) = &self.body {
            let mut contents = Vec::new();
            body.value.write(&mut contents);
            let mut field = Vec::new();
            put(&mut field, BODY << 3 | 2, &contents);
            self.replace(BODY << 3 | 2, field, &mut edits, &mut added);
        }
        for (at, (number, set)) in self.set.iter().enumerate() {
            if self.set.iter().skip(at + 1).any(|(later, _)| later == number) {
                continue;
            }
            let mut field = Vec::new();
            let tag = match set {
                Set::Text(text) => {
                    let tag = u64::from(*number) << 3 | 2;
                    put(&mut field, tag, text);
                    tag
                }
                Set::Number(value) => {
                    let tag = u64::from(*number) << 3;
                    wire::put_varint(&mut field, tag);
                    wire::put_varint(&mut field, *value);
                    tag
                }
            };
            self.replace(tag, field, &mut edits, &mut added);
        }
        self.placed(edits, added)
    }

    /// Puts `field` in place of the first field of its tag, or at the end.
    fn replace(&self, tag: u64, field: Vec<u8>, edits: &mut Vec<Edit>, added: &mut Vec<u8>) {
        let mut field = Some(field);
        for old in self.fields().filter(|old| old.tag == tag) {
            edits.push(Edit { range: old.range, bytes: field.take().unwrap_or_default() });
        }
        added.extend(field.unwrap_or_default());
    }

    /// Sorts edits by the occurrence that they are in; `added` goes to the end of the
    /// last.
    fn placed(&self, edits: Vec<Edit>, added: Vec<u8>) -> Vec<(Occurrence, Vec<Edit>)> {
        let mut placed: Vec<(Occurrence, Vec<Edit>)> =
            self.occurrences().map(|at| (at.clone(), Vec::new())).collect();
        for edit in edits {
            let inside = |at: &Occurrence| {
                at.body.start <= edit.range.start && edit.range.end <= at.body.end
            };
            if let Some((_, own)) = placed.iter_mut().find(|(at, _)| inside(at)) {
                own.push(edit);
            }
        }
        if !added.is_empty()
            && let Some((at, own)) = placed.last_mut()
        {
            own.push(Edit { range: at.body.end..at.body.end, bytes: added });
        }
        placed
    }
}

fn last_field(contents: &[u8], tag: u64) -> Option<wire::Occurrence> {
    wire::fields(contents, 0).map_while(Result::ok).filter(|field| field.tag == tag).last()
}

/// Whether records stand in a record of this kind.
pub(in crate::scrub::otlp::alter) fn nests(kind: RecordKind) -> bool {
    matches!(kind, RecordKind::Span | RecordKind::Metric)
}

/// How many items a record holds, itself included.
pub(in crate::scrub::otlp::alter) fn items(
    request: &[u8],
    message: &'static Message,
    at: &Occurrence,
) -> Result<u64, Fault> {
    let mut items = u64::from(message.item);
    let bytes = request.get(..at.body.end).unwrap_or_default();
    for field in wire::fields(bytes, at.body.start) {
        let field = field?;
        let kind = message.field(field.tag >> 3).filter(|_| field.tag & 7 == 2);
        if let Some(Kind::Message(inner)) = kind.map(|field| field.kind)
            && !inner.is_value()
        {
            let at = Occurrence { prefix: 0..0, body: field.contents };
            items += self::items(request, inner, &at)?;
        }
    }
    Ok(items)
}
