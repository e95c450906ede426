//! Passes over a record in which the judge has nothing to look at.
//!
//! Most spans and log records are such. Their structure and their UTF-8 are checked all
//! the same, but nothing is put on the walk's stack and nothing is shown. Whatever is
//! out of the ordinary (a fault, an unknown field, a text that is not UTF-8) is left to
//! the walk, which then begins the record from its start.

use std::ops::Range;

use crate::scrub::otlp::Judge;
use crate::scrub::otlp::protobuf::Walker;
use crate::scrub::otlp::protobuf::attribute::is_before_value;
use crate::scrub::otlp::protobuf::attribute::plain;
use crate::scrub::otlp::protobuf::check_id;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::schema::Step;
use crate::scrub::otlp::wire;

/// How deep messages of a quiet record may be nested: a span, its events, their
/// attributes, some values in values.
pub(super) const DEPTH_MAX: usize = 8;

impl<J: Judge> Walker<'_, J> {
    /// The items in a record that keeps as it is; `None`: the walk must look. Nothing around
    /// the record may say anything of the texts in it.
    pub(super) fn passed_over(
        &mut self,
        message: &'static Message,
        body: &Range<usize>,
    ) -> Option<u64> {
        if self.judge.known_until(body.start) == Some(body.end) {
            return Some(u64::from(message.item));
        }
        self.quiet(message, body)
    }

    /// The items in a message of this type that keeps as it is; `None`: the walk must
    /// look. Nothing around the message may say anything of the texts in it.
    pub(super) fn quiet(&mut self, message: &'static Message, body: &Range<usize>) -> Option<u64> {
        let request = self.request;
        let whole = request.get(body.clone())?;
        if !self.judge.is_quiet(whole, body.start) {
            return None;
        }
        // The messages that the pass is inside, and where they end.
        let mut outer = [(message, 0); DEPTH_MAX];
        let mut depth = 0_usize;
        let (mut message, mut bytes) = (message, request.get(..body.end)?);
        let mut items = u64::from(message.item);
        let mut at = body.start;
        loop {
            while at == bytes.len() {
                let Some(inside) = depth.checked_sub(1) else { return Some(items) };
                depth = inside;
                let end;
                (message, end) = *outer.get(depth)?;
                bytes = request.get(..end)?;
            }
            let (tag, after) = wire::varint(bytes, at).ok()?;
            let step = message.steps.get(usize::try_from(tag).ok()?).copied();
            at = match step.unwrap_or(Step::Unknown) {
                Step::Varint => wire::varint(bytes, after).ok()?.1,
                Step::Fixed64 => wire::skip(bytes, after, 8).ok()?,
                Step::Fixed32 => wire::skip(bytes, after, 4).ok()?,
                Step::Text => {
                    let text = wire::delimited(bytes, after).ok()?;
                    self.is_quiet_field(message, tag, &text).then_some(text.end)?
                }
                Step::Id => {
                    let id = wire::delimited(bytes, after).ok()?;
                    check_id(message.field(tag >> 3), &id).ok()?;
                    id.end
                }
                step @ (Step::Attribute | Step::Enter) => {
                    if let Some(end) = self.judge.known_until(at) {
                        at = end;
                        continue;
                    }
                    let body = wire::delimited(bytes, after).ok()?;
                    let attribute = match step {
                        Step::Attribute => plain(bytes.get(..body.end)?, body.start),
                        _ => None,
                    };
                    match attribute {
                        Some(attribute) if self.is_quiet(&attribute) => body.end,
                        Some(_) => return None,
                        None => {
                            let Kind::Message(inner) = message.field(tag >> 3)?.kind else {
                                return None;
                            };
                            *outer.get_mut(depth)? = (message, bytes.len());
                            depth += 1;
                            items += u64::from(inner.item);
                            (message, bytes) = (inner, bytes.get(..body.end)?);
                            body.start
                        }
                    }
                }
                Step::Scalar => wire::contents(bytes, tag, after).ok()?.end,
                Step::PackedFixed64 => {
                    let numbers = wire::delimited(bytes, after).ok()?;
                    numbers.len().is_multiple_of(8).then_some(numbers.end)?
                }
                Step::PackedVarint => {
                    let numbers = wire::delimited(bytes, after).ok()?;
                    wire::check_packed_varints(bytes, numbers.clone()).ok()?;
                    numbers.end
                }
                _ => return None,
            };
        }
    }

    /// Whether a text needs not be shown, which is the field with this tag.
    #[inline(always)]
    fn is_quiet_field(&self, message: &Message, tag: u64, text: &Range<usize>) -> bool {
        match message.keys() {
            Some(keys) if keys.text == Some(tag) => {
                is_before_value(self.request, text) && self.is_quiet_key(text)
            }
            _ => self.is_quiet_text(text),
        }
    }
}
