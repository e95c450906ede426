//! Where the parts of a request stand that may be known from earlier ones.

use std::ops::Range;

use crate::scrub::Signal;
use crate::scrub::otlp::ATTRIBUTE_LEN_MAX;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::LONG_TEXT_MIN;
use crate::scrub::otlp::Part;
use crate::scrub::otlp::PartKind;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::protobuf::Walker;
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
pub(in crate::scrub::otlp) fn parts(signal: Signal, request: &[u8], see: impl FnMut(Part)) {
    let message = schema::root(signal);
    let mut reader = Reader { request, message, end: request.len(), outer: Vec::new(), see };
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
    see: F,
}

impl<F: FnMut(Part)> Reader<'_, F> {
    fn messages(&mut self) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            while at == self.end {
                let Some(outer) = self.outer.pop() else { return Ok(()) };
                (self.message, self.end) = outer;
            }
            let bytes = self.request.get(..self.end).unwrap_or_default();
            let (tag, after) = wire::varint(bytes, at)?;
            let step = usize::try_from(tag).ok().and_then(|tag| self.message.steps.get(tag));
            at = match step {
                Some(Step::Attribute | Step::Enter) => {
                    let body = wire::delimited(bytes, after)?;
                    match self.message.field(tag >> 3).map(|field| field.kind) {
                        Some(Kind::Message(inner)) => self.inner(inner, at..body.end, body),
                        _ => body.end,
                    }
                }
                Some(Step::Text) => {
                    let text = wire::delimited(bytes, after)?;
                    let end = text.end;
                    let field = self.message.field(tag >> 3);
                    let is_scanned = field.is_some_and(|field| field.decision == Decision::Scan);
                    if LONG_TEXT_MIN <= text.len() && is_scanned {
                        (self.see)(Part { kind: PartKind::LongText, range: text });
                    }
                    end
                }
                _ => wire::contents(bytes, tag, after)?.end,
            };
        }
    }

    /// Shows an attribute or a value, or goes into a message. Gives where to go on. What
    /// stands in arrays and maps tells of what is beside it: there are no parts in them.
    fn inner(&mut self, inner: &'static Message, range: Range<usize>, body: Range<usize>) -> usize {
        if inner.is_value() {
            let kind = match inner {
                _ if self.message.is_value() => None,
                inner if std::ptr::eq(inner, &KEY_VALUE) => Some(PartKind::Attribute),
                inner if std::ptr::eq(inner, &ANY_VALUE) => Some(PartKind::Value),
                _ => None,
            };
            if let Some(kind) = kind.filter(|_| range.len() <= ATTRIBUTE_LEN_MAX) {
                (self.see)(Part { kind, range });
                return body.end;
            }
            let is_any_value = self.message.is_value() && self.message.keys().is_none();
            if body.len() < LONG_TEXT_MIN || is_any_value {
                return body.end;
            }
        }
        if DEPTH <= self.outer.len() + 1 {
            return body.end;
        }
        self.outer.push((self.message, self.end));
        (self.message, self.end) = (inner, body.end);
        body.start
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
        PartKind::LongText => return false,
    };
    let body = wire::varint(part, 0).and_then(|(_, after)| wire::delimited(part, after));
    let Some(body) = body.ok().filter(|body| body.end == part.len()) else { return false };
    let options = WalkOptions::default();
    Walker::new(message, part, &options, judge, Strings::default()).quiet(message, &body).is_some()
}
