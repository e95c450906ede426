//! Where text can stand in a request, and which parts of it may be known from earlier ones.

use std::ops::Range;

use crate::scrub::Signal;
use crate::scrub::otlp::ATTRIBUTE_LEN_MAX;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::LONG_TEXT_MIN;
use crate::scrub::otlp::Part;
use crate::scrub::otlp::PartKind;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::protobuf::Walker;
use crate::scrub::otlp::protobuf::attribute::PlainValue;
use crate::scrub::otlp::protobuf::attribute::is_before_value;
use crate::scrub::otlp::protobuf::attribute::plain;
use crate::scrub::otlp::protobuf::attribute::plain_value;
use crate::scrub::otlp::protobuf::check_id;
use crate::scrub::otlp::protobuf::quiet::DEPTH_MAX;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::schema::ANY_VALUE;
use crate::scrub::otlp::schema::Decision;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::schema::Step;
use crate::scrub::otlp::schema::common::KEY_VALUE;
use crate::scrub::otlp::strings::Strings;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// How deep messages are nested in which parts are looked for: those that the walk passes
/// over as one, and the request, resources and scopes around them.
const DEPTH: usize = DEPTH_MAX + 4;

/// Shows the parts of a request in wire order. Ends at the first fault, which the walk
/// will find, too.
pub(in crate::scrub::otlp) fn parts(
    signal: Signal,
    request: &[u8],
    see: impl FnMut(Part) -> Option<usize>,
) {
    let mut reader = Reader {
        request,
        message: schema::root(signal),
        end: request.len(),
        outer: Vec::new(),
        shown: NOWHERE,
        record: None,
        see,
    };
    // A fault is told of by the walk.
    let _ = reader.messages();
}

struct Reader<'r, F> {
    request: &'r [u8],
    /// The message at hand, and where it ends.
    message: &'static Message,
    end: usize,
    /// Those around it.
    outer: Vec<(&'static Message, usize)>,
    /// The tag and the end of the part of this message that was shown last.
    shown: (u64, usize),
    /// Where the record at hand begins, while all that was read of it is known, and as the
    /// walk wants it.
    record: Option<usize>,
    see: F,
}

/// No part ends here.
const NOWHERE: (u64, usize) = (0, usize::MAX);

impl<F: FnMut(Part) -> Option<usize>> Reader<'_, F> {
    fn messages(&mut self) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            while at == self.end {
                self.leave();
                let Some(outer) = self.outer.pop() else { return Ok(()) };
                (self.message, self.end) = outer;
                self.shown = NOWHERE;
            }
            let bytes = self.request.get(..self.end).unwrap_or_default();
            let (tag, after) = wire::varint(bytes, at)?;
            let step = usize::try_from(tag).ok().and_then(|tag| self.message.steps.get(tag));
            at = match step {
                Some(Step::Attribute | Step::Enter) => {
                    let body = wire::delimited(bytes, after)?;
                    match self.message.field(tag >> 3).map(|field| field.kind) {
                        Some(Kind::Message(inner)) => self.inner(inner, tag, at..body.end, body),
                        _ => self.show(PartKind::Other, tag, body),
                    }
                }
                Some(Step::Text) => {
                    let text = wire::delimited(bytes, after)?;
                    let kind = self.text_kind(tag, &text);
                    self.show(kind, tag, text)
                }
                // No text stands in these.
                Some(Step::Varint) => wire::varint(bytes, after)?.1,
                Some(Step::Fixed64) => wire::skip(bytes, after, 8)?,
                Some(Step::Fixed32) => wire::skip(bytes, after, 4)?,
                Some(Step::Id) => {
                    let id = wire::delimited(bytes, after)?;
                    check_id(self.message.field(tag >> 3), &id)?;
                    id.end
                }
                Some(
                    Step::Scalar
                    | Step::StringIndex
                    | Step::KeyIndex
                    | Step::PackedVarint
                    | Step::PackedFixed64,
                ) => {
                    self.record = None;
                    wire::contents(bytes, tag, after)?.end
                }
                _ => {
                    let contents = wire::contents(bytes, tag, after)?;
                    self.show(PartKind::Other, tag, contents)
                }
            };
        }
    }

    /// What a text of the message at hand is.
    fn text_kind(&self, tag: u64, text: &Range<usize>) -> PartKind {
        let len = text.len();
        match self.message.field(tag >> 3).map(|field| field.decision) {
            Some(Decision::Scan) if LONG_TEXT_MIN <= len => PartKind::LongText,
            // What stands around it may say something of a value.
            Some(Decision::Scan) if !self.message.is_value() => PartKind::Text,
            Some(Decision::Key) if len < LONG_TEXT_MIN && is_before_value(self.request, text) => {
                PartKind::Key
            }
            _ => PartKind::Other,
        }
    }

    /// Shows a part. Gives where to go on.
    fn show(&mut self, kind: PartKind, tag: u64, range: Range<usize>) -> usize {
        let follows = self.shown == (tag, range.start);
        let end = range.end;
        let known = (self.see)(Part { kind, range, within: self.end, follows });
        if known.is_none() {
            self.record = None;
        }
        let end = known.unwrap_or(end);
        self.shown = (tag, end);
        end
    }

    /// Shows the message at hand, which ends here, if it is a record of which all is known.
    fn leave(&mut self) {
        if self.message.item
            && let Some(start) = self.record.take()
        {
            let range = start..self.end;
            (self.see)(Part { kind: PartKind::Record, range, within: self.end, follows: false });
        }
    }

    /// Shows an attribute or a value, or goes into a message. Gives where to go on. What
    /// stands in arrays and maps tells of what is beside it: there are no parts in them.
    fn inner(
        &mut self,
        inner: &'static Message,
        tag: u64,
        range: Range<usize>,
        body: Range<usize>,
    ) -> usize {
        if inner.is_value() {
            let kind = match inner {
                _ if self.message.is_value() => None,
                inner if std::ptr::eq(inner, &KEY_VALUE) => Some(PartKind::Attribute),
                inner if std::ptr::eq(inner, &ANY_VALUE) => Some(PartKind::Value),
                _ => None,
            };
            if let Some(kind) = kind.filter(|_| range.len() <= ATTRIBUTE_LEN_MAX) {
                return self.show(kind, tag, range);
            }
            let is_any_value = self.message.is_value() && self.message.keys().is_none();
            if body.len() < LONG_TEXT_MIN || is_any_value {
                return self.show(PartKind::Other, tag, range);
            }
        }
        if DEPTH <= self.outer.len() + 1 {
            return self.show(PartKind::Other, tag, range);
        }
        if inner.item {
            self.record = Some(body.start);
        }
        self.outer.push((self.message, self.end));
        (self.message, self.end) = (inner, body.end);
        self.shown = NOWHERE;
        body.start
    }
}

/// Where the text stands in an attribute or a value that is in the usual layout, in which
/// it is the last.
pub(in crate::scrub::otlp) fn last_text(kind: PartKind, part: &[u8]) -> Option<Range<usize>> {
    let (_, after) = wire::varint(part, 0).ok()?;
    let body = wire::delimited(part, after).ok().filter(|body| body.end == part.len())?;
    let value = match kind {
        PartKind::Attribute => plain(part, body.start)?.value,
        PartKind::Value => plain_value(part, body.start)?,
        PartKind::LongText
        | PartKind::Text
        | PartKind::Key
        | PartKind::Record
        | PartKind::Other => return None,
    };
    match value {
        PlainValue::Text(_, text) => Some(text),
        PlainValue::Nothing | PlainValue::Scalar(..) => None,
    }
}

/// Whether the walk passes over an attribute or a value in which nothing needs to be shown:
/// it is well-formed, in UTF-8, and every text in it is quiet to the judge.
pub(in crate::scrub::otlp) fn is_quiet(
    kind: PartKind,
    part: &[u8],
    judge: &mut impl Judge,
) -> bool {
    let message = match kind {
        PartKind::Attribute => &KEY_VALUE,
        PartKind::Value => &ANY_VALUE,
        PartKind::Text => return std::str::from_utf8(part).is_ok() && judge.is_quiet(part, 0),
        PartKind::Key => return std::str::from_utf8(part).is_ok() && judge.is_quiet_key(part, 0),
        PartKind::LongText | PartKind::Record | PartKind::Other => return false,
    };
    let body = wire::varint(part, 0).and_then(|(_, after)| wire::delimited(part, after));
    let Some(body) = body.ok().filter(|body| body.end == part.len()) else { return false };
    let options = WalkOptions::default();
    Walker::new(message, part, &options, judge, Strings::default()).quiet(message, &body).is_some()
}
