//! Every message and field of OTLP 1.10, with a written decision for each.
//!
//! One file for each `.proto` file in `proto/`. A test parses `proto/` and fails
//! on a field that is not here, or here with another number, type or name: so a
//! new field upstream cannot pass unread. What a sender puts into a field that
//! is not here is an unknown field.
//!
//! The decisions: `text` is shown to the judge; `key` too, and says what the
//! value beside it is; `scalar` is shown where a key says something; `keep` is
//! only checked for its structure, for the reason beside it; `drop` goes, for
//! the reason beside it; a message is entered.

pub(in crate::scrub::otlp) mod common;
mod logs;
mod metrics;
mod profiles;
mod trace;

use crate::scrub::Signal;

pub(in crate::scrub::otlp) use common::ANY_VALUE;

/// The reason why ids are kept.
const AN_ID: &str = "an id: its length is enforced, so that no text fits in";
/// The reason why numbers are kept.
const A_NUMBER: &str = "a number, not of the sender's words";
/// The reason why enums are kept.
const AN_ENUM: &str = "one of a fixed set";
/// The reason why indices are kept.
const AN_INDEX: &str = "an index into a table whose entries are visited";

/// A message type.
#[derive(Debug)]
pub(crate) struct Message {
    /// The full name in `proto/`, which a test looks it up by.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the test against proto/"))]
    pub name: &'static str,
    /// Its fields, as `proto/` lists them.
    pub fields: &'static [Field],
    /// What to do at a tag below 256, that is for fields up to number 31.
    pub steps: [Step; 256],
    /// The fields by number.
    by_number: [Option<&'static Field>; 32],
    /// Whether it is what its signal counts: a span, a log record, a data point,
    /// a profile.
    pub item: bool,
    value: bool,
    keys: Option<Keys>,
}

/// A field of a message.
#[derive(Debug)]
pub(crate) struct Field {
    /// The number, 1 to 31: OTLP has none above 16.
    pub number: u32,
    /// The name in `proto/`.
    pub name: &'static str,
    /// The name in OTLP/JSON.
    pub json: &'static str,
    /// The type.
    pub kind: Kind,
    /// Whether it can occur several times.
    pub repeated: bool,
    /// Whether its absence and its default differ: `optional`, or in a oneof.
    pub presence: bool,
    /// The oneof that it is in.
    pub oneof: Option<&'static str>,
    /// What is done with it.
    pub decision: Decision,
    /// The kind of place that texts below it are in, for metrics.
    pub place: &'static str,
    /// How it shows in a path.
    pub trace: Trace,
}

/// The type of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// UTF-8.
    String,
    /// Any bytes; base64 in JSON.
    Bytes,
    /// None or exactly this many bytes; hex in JSON.
    Id(usize),
    /// A varint, 0 or 1.
    Bool,
    /// A varint, sign-extended to 64 bits.
    Int32,
    /// A varint.
    Int64,
    /// A varint.
    Uint32,
    /// A varint.
    Uint64,
    /// A zigzag varint.
    Sint32,
    /// Four bytes.
    Fixed32,
    /// Eight bytes.
    Fixed64,
    /// Eight bytes, signed.
    Sfixed64,
    /// Eight bytes.
    Double,
    /// A varint; the names and numbers that JSON may use.
    Enum(&'static Enum),
    /// A message.
    Message(&'static Message),
}

/// An enum type.
#[derive(Debug)]
pub(crate) struct Enum {
    /// The full name in `proto/`, which a test looks it up by.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the test against proto/"))]
    pub name: &'static str,
    /// Its values.
    pub values: &'static [(&'static str, i32)],
}

/// What is done with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Shown to the judge.
    Scan,
    /// Shown to the judge, as a text and as the key of what stands beside it.
    Key,
    /// The index of such a key in the string table.
    KeyIndex,
    /// Shown to the judge where the keys around it say something.
    Scalar,
    /// The string table: each entry is shown to the judge, under whatever the
    /// keys say that lead to it.
    Table,
    /// Kept unseen, for this reason.
    Keep(&'static str),
    /// Dropped, for this reason.
    Drop(&'static str),
    /// Entered.
    Message,
}

/// How a field shows in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// By its name, and its index where it is repeated.
    Name,
    /// By its name and the attribute's key.
    NamedKey,
    /// By the attribute's key alone.
    Key,
    /// By its index alone.
    Index,
    /// Not at all.
    Nothing,
}

/// What the walk does at a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    /// A field outside the schema, or a known one in another wire type, which
    /// protobuf takes for the same.
    Unknown,
    /// A group, a reserved wire type, or field number 0.
    Malformed,
    /// Skip a varint.
    Varint,
    /// Skip four bytes.
    Fixed32,
    /// Skip eight bytes.
    Fixed64,
    /// Check varints that are packed.
    PackedVarint,
    /// Check eight-byte numbers that are packed.
    PackedFixed64,
    /// Check the length of an id.
    Id,
    /// Show a text.
    Text,
    /// Show an entry of the string table.
    Table,
    /// Show bytes.
    Bytes,
    /// Show a number or a boolean.
    Scalar,
    /// The index of a text in the string table.
    StringIndex,
    /// The same of the key of an attribute, which was read as one when the walk came to it.
    KeyIndex,
    /// Enter a message.
    Enter,
    /// Enter an attribute.
    Attribute,
    /// Drop it.
    Drop,
}

/// The message that an export request of `signal` is.
pub(crate) fn root(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &trace::REQUEST,
        Signal::Metrics => &metrics::REQUEST,
        Signal::Logs => &logs::REQUEST,
        Signal::Profiles => &profiles::REQUEST,
    }
}

/// The kinds of places that texts can be in, in alphabetical order.
pub fn places() -> Vec<&'static str> {
    // A key of an attribute, a text by itself, what is outside of the schema.
    let mut places = vec!["key", "text", "unknown_field"];
    let mut seen: Vec<&'static str> = Vec::new();
    let mut messages: Vec<&'static Message> = Signal::ALL.into_iter().map(root).collect();
    while let Some(message) = messages.pop() {
        for field in message.fields {
            match field.kind {
                Kind::Message(inner) if inner.is_value() => places.push(field.place),
                Kind::Message(inner) if !seen.contains(&field.name) => {
                    seen.push(field.name);
                    messages.push(inner);
                }
                _ if matches!(field.decision, Decision::Scan | Decision::Table) => {
                    places.push(field.place);
                }
                _ => {}
            }
        }
    }
    places.sort_unstable();
    places.dedup();
    places
}

impl Message {
    #[expect(clippy::indexing_slicing, reason = "runs at compile time: a panic is an error there")]
    const fn new(name: &'static str, fields: &'static [Field]) -> Self {
        let mut steps = [Step::Unknown; 256];
        let mut by_number = [None; 32];
        let mut tag = 0;
        while tag < 256 {
            if tag < 8 || !matches!(tag & 7, 0 | 1 | 2 | 5) {
                steps[tag] = Step::Malformed;
            }
            tag += 1;
        }
        let mut at = 0;
        while at < fields.len() {
            let field = &fields[at];
            let number = field.number as usize;
            by_number[number] = Some(field);
            let wire = field.kind.wire() as usize;
            steps[number << 3 | wire] = field.step();
            if field.repeated {
                match wire {
                    0 => steps[number << 3 | 2] = Step::PackedVarint,
                    1 => steps[number << 3 | 2] = Step::PackedFixed64,
                    _ => {}
                }
            }
            at += 1;
        }
        Self { name, fields, steps, by_number, item: false, value: false, keys: None }
    }

    const fn item(name: &'static str, fields: &'static [Field]) -> Self {
        let mut message = Self::new(name, fields);
        message.item = true;
        message
    }

    /// A part of a value of any type.
    const fn value(name: &'static str, fields: &'static [Field]) -> Self {
        let mut message = Self::new(name, fields);
        message.value = true;
        message
    }

    /// A message with a key and a value.
    #[expect(clippy::indexing_slicing, reason = "runs at compile time: a panic is an error there")]
    const fn attribute(name: &'static str, fields: &'static [Field]) -> Self {
        let mut message = Self::value(name, fields);
        let mut keys = Keys { text: None, index: None };
        let mut at = 0;
        while at < fields.len() {
            let field = &fields[at];
            let tag = (field.number << 3 | field.kind.wire() as u32) as u64;
            match field.decision {
                Decision::Key => keys.text = Some(tag),
                Decision::KeyIndex => keys.index = Some(tag),
                _ => {}
            }
            at += 1;
        }
        message.keys = Some(keys);
        message
    }

    /// The field with `number`.
    #[inline]
    pub(crate) fn field(&self, number: u64) -> Option<&'static Field> {
        let number = usize::try_from(number).ok()?;
        self.by_number.get(number).copied().flatten()
    }

    /// The field that JSON calls `name`, in either spelling.
    pub(crate) fn field_named(&self, name: &[u8]) -> Option<&'static Field> {
        self.fields
            .iter()
            .find(|field| field.json.as_bytes() == name || field.name.as_bytes() == name)
    }

    /// Whether this is part of an attribute or of a value of any type: texts in
    /// it are in the place that the attribute is in.
    #[inline]
    pub(crate) fn is_value(&self) -> bool {
        self.value
    }

    /// Whether it is a map or an array.
    #[inline]
    pub(crate) fn is_container(&self) -> bool {
        self.value && self.keys.is_none() && !std::ptr::eq(self, &ANY_VALUE)
    }

    /// Where the keys of an attribute stand; `None` for all but attributes.
    #[inline]
    pub(crate) fn keys(&self) -> Option<Keys> {
        self.keys
    }
}

/// The tags under which an attribute holds its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    /// The key itself.
    pub text: Option<u64>,
    /// The index of the key in the string table.
    pub index: Option<u64>,
}

impl Kind {
    /// The wire type.
    pub(crate) const fn wire(self) -> u8 {
        match self {
            Self::Bool
            | Self::Int32
            | Self::Int64
            | Self::Uint32
            | Self::Uint64
            | Self::Sint32
            | Self::Enum(_) => 0,
            Self::Fixed64 | Self::Sfixed64 | Self::Double => 1,
            Self::String | Self::Bytes | Self::Id(_) | Self::Message(_) => 2,
            Self::Fixed32 => 5,
        }
    }
}

impl Field {
    /// The step at this field's tag, where it is not packed.
    const fn step(&self) -> Step {
        match (self.decision, self.kind) {
            (Decision::Drop(_), _) => Step::Drop,
            (Decision::Scalar, Kind::Int32) => Step::StringIndex,
            (Decision::KeyIndex, _) => Step::KeyIndex,
            (Decision::Scalar, _) => Step::Scalar,
            (Decision::Table, _) => Step::Table,
            (_, Kind::String) => Step::Text,
            (_, Kind::Bytes) => Step::Bytes,
            (_, Kind::Id(_)) => Step::Id,
            (_, Kind::Message(_)) => match self.trace {
                Trace::NamedKey | Trace::Key => Step::Attribute,
                Trace::Name | Trace::Index | Trace::Nothing => Step::Enter,
            },
            (_, kind) => match kind.wire() {
                0 => Step::Varint,
                1 => Step::Fixed64,
                _ => Step::Fixed32,
            },
        }
    }

    const fn repeated(mut self) -> Self {
        self.repeated = true;
        self
    }

    const fn optional(mut self) -> Self {
        self.presence = true;
        self
    }

    const fn oneof(mut self, name: &'static str) -> Self {
        self.oneof = Some(name);
        self.presence = true;
        self
    }

    const fn place(mut self, place: &'static str) -> Self {
        self.place = place;
        self
    }

    const fn trace(mut self, trace: Trace) -> Self {
        self.trace = trace;
        self
    }
}

const fn field(
    number: u32,
    name: &'static str,
    json: &'static str,
    kind: Kind,
    decision: Decision,
) -> Field {
    Field {
        number,
        name,
        json,
        kind,
        repeated: false,
        presence: false,
        oneof: None,
        decision,
        place: name,
        trace: Trace::Name,
    }
}

/// A text that is scanned.
const fn text(number: u32, name: &'static str, json: &'static str) -> Field {
    field(number, name, json, Kind::String, Decision::Scan)
}

/// An id of `bytes` bytes.
const fn id(number: u32, name: &'static str, json: &'static str, bytes: usize) -> Field {
    field(number, name, json, Kind::Id(bytes), Decision::Keep(AN_ID))
}

/// A field that is kept unseen.
const fn keep(
    number: u32,
    name: &'static str,
    json: &'static str,
    kind: Kind,
    reason: &'static str,
) -> Field {
    field(number, name, json, kind, Decision::Keep(reason))
}

/// A message that is entered.
const fn message(
    number: u32,
    name: &'static str,
    json: &'static str,
    message: &'static Message,
) -> Field {
    field(number, name, json, Kind::Message(message), Decision::Message)
}

/// Attributes.
const fn attributes(number: u32, name: &'static str, json: &'static str) -> Field {
    message(number, name, json, &common::KEY_VALUE).repeated().trace(Trace::NamedKey)
}

#[cfg(test)]
mod tests;
