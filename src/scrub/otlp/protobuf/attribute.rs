//! Attributes: what the key says must be known before the value is shown.
//!
//! The order of fields on the wire is free, and a field can occur twice. In the
//! usual layout, the key comes first and one value fills the rest, so that no
//! other key can follow: such an attribute is visited in one go. In any other
//! layout, all keys are read first, and the attribute is then walked as the
//! message that it is.

use std::ops::Range;

use crate::scrub::otlp::Context;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Scalar;
use crate::scrub::otlp::Shown;
use crate::scrub::otlp::path::Key;
use crate::scrub::otlp::path::Leaf;
use crate::scrub::otlp::protobuf::Walker;
use crate::scrub::otlp::protobuf::scalar;
use crate::scrub::otlp::protobuf::text::Seen;
use crate::scrub::otlp::schema::Keys;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// Tag of `KeyValue.key`.
const KEY: u8 = 1 << 3 | 2;
/// Tag of `KeyValue.value`.
const VALUE: u8 = 2 << 3 | 2;
/// Tag of `AnyValue.string_value`.
const STRING_VALUE: u8 = 1 << 3 | 2;
/// Tag of `AnyValue.bool_value`.
const BOOL_VALUE: u8 = 2 << 3;
/// Tag of `AnyValue.int_value`.
const INT_VALUE: u8 = 3 << 3;
/// Tag of `AnyValue.double_value`.
const DOUBLE_VALUE: u8 = 4 << 3 | 1;

/// An attribute in the usual layout.
pub(super) struct Plain {
    /// The start of the key's length prefix.
    key_prefix: usize,
    key: Range<usize>,
    /// The length prefix of the value.
    value_prefix: Range<usize>,
    pub(super) value: PlainValue,
}

/// A value that fills its `AnyValue`.
pub(super) enum PlainValue {
    Nothing,
    /// The start of the length prefix, and the text.
    Text(usize, Range<usize>),
    Scalar(Range<usize>, Scalar),
}

impl<J: Judge> Walker<'_, J> {
    /// Visits the attribute in `body` if it is in the usual layout; its tag is
    /// `tag` and its length prefix starts at `prefix`.
    #[inline]
    pub(super) fn plain_attribute(
        &mut self,
        tag: u64,
        prefix: usize,
        body: &Range<usize>,
    ) -> Result<bool, Fault> {
        let bytes = self.request.get(..body.end).unwrap_or_default();
        // The two messages that are not put on the stack count all the same.
        if self.options.depth_max < self.stack.len() + 1 {
            return Ok(false);
        }
        let Some(plain) = plain(bytes, body.start) else { return Ok(false) };
        let Some(frame) = self.stack.last() else { return Ok(false) };
        let Some(field) = frame.message.field(tag >> 3) else { return Ok(false) };
        let outer = frame.context;
        if outer == Context::default() && self.is_quiet(&plain) {
            return Ok(true);
        }
        let place = frame.place(field);
        let key = bytes.get(plain.key.clone()).unwrap_or_default();

        let context = self.judge.key(Shown { bytes: key, at: Some(plain.key.start) }, outer);
        let edits = self.walked.edits.len();
        let seen = Seen::key(Leaf::AttributeKey(field));
        let key_growth = self.text(plain.key_prefix, plain.key, true, seen)?;
        let shown_key = (self.walked.edits.len() == edits).then_some(key);

        let leaf = Leaf::Attribute(field, shown_key);
        let seen = Seen { place, context, element: None, leaf };
        let value_growth = match plain.value {
            PlainValue::Nothing => 0,
            PlainValue::Text(prefix, text) => self.text(prefix, text, true, seen)?,
            PlainValue::Scalar(range, value) if context != Context::default() => {
                self.scalar(range, value, seen)?
            }
            PlainValue::Scalar(..) => 0,
        };
        if key_growth != 0 || value_growth != 0 {
            let value_len = body.end - plain.value_prefix.end;
            let growth = key_growth + self.resize(plain.value_prefix, value_len, value_growth)?;
            let growth = self.resize(prefix..body.start, body.len(), growth)?;
            self.grow(growth);
        }
        Ok(true)
    }

    /// Whether neither the key nor the value needs to be shown, given that the keys around
    /// say nothing.
    #[inline]
    pub(super) fn is_quiet(&self, plain: &Plain) -> bool {
        self.is_quiet_key(&plain.key)
            && match &plain.value {
                PlainValue::Text(_, text) => self.is_quiet_text(text),
                // A number is shown only under a key that says something.
                PlainValue::Nothing | PlainValue::Scalar(..) => true,
            }
    }

    /// What the keys of the attribute in `body` say together, and its key as a
    /// path may show it.
    pub(super) fn keys(
        &mut self,
        keys: Keys,
        body: &Range<usize>,
        outer: Context,
    ) -> Result<(Context, Key), Fault> {
        let mut context = outer;
        let mut shown = Key::Hidden;
        let bytes = self.request.get(..body.end).unwrap_or_default();
        for field in wire::fields(bytes, body.start) {
            let field = field?;
            if Some(field.tag) == keys.text {
                context = self.key(&field.contents, context);
                // A path shows a key only once the judge has seen it as a text.
                if field.range.start == body.start {
                    shown = Key::At(field.contents);
                }
            } else if Some(field.tag) == keys.index {
                let (index, _) = wire::varint(bytes, field.contents.start)?;
                let entries: Vec<_> = self.strings.entry(index).collect();
                for entry in entries {
                    context = self.key(&entry, context);
                }
            }
        }
        Ok((context, shown))
    }

    /// What a key says. The scan knows one by the value's tag behind it; any other is shown
    /// as one that it did not see: the last field of an attribute, an entry of a string table.
    fn key(&mut self, key: &Range<usize>, outer: Context) -> Context {
        let bytes = self.request.get(key.clone()).unwrap_or_default();
        let at = is_before_value(self.request, key).then_some(key.start);
        self.judge.key(Shown { bytes, at }, outer)
    }
}

/// Whether the tag of the value stands behind a key.
#[inline]
pub(super) fn is_before_value(bytes: &[u8], key: &Range<usize>) -> bool {
    bytes.get(key.end) == Some(&VALUE)
}

/// Reads an attribute at `at..bytes.len()` if it is in the usual layout.
#[inline]
pub(super) fn plain(bytes: &[u8], at: usize) -> Option<Plain> {
    if *bytes.get(at)? != KEY {
        return None;
    }
    let key_prefix = at + 1;
    let key = wire::delimited(bytes, key_prefix).ok()?;
    if *bytes.get(key.end)? != VALUE {
        return None;
    }
    let value_start = key.end + 1;
    let value = wire::delimited(bytes, value_start).ok()?;
    if value.end != bytes.len() {
        return None;
    }
    let value_prefix = value_start..value.start;
    let value = plain_value(bytes, value.start)?;
    Some(Plain { key_prefix, key, value_prefix, value })
}

#[inline]
pub(super) fn plain_value(bytes: &[u8], at: usize) -> Option<PlainValue> {
    let Some(tag) = bytes.get(at) else { return Some(PlainValue::Nothing) };
    let after = at + 1;
    match *tag {
        STRING_VALUE => {
            let text = wire::delimited(bytes, after).ok()?;
            (text.end == bytes.len()).then_some(PlainValue::Text(after, text))
        }
        BOOL_VALUE | INT_VALUE | DOUBLE_VALUE => {
            let contents = wire::contents(bytes, u64::from(*tag), after).ok()?;
            if contents.end != bytes.len() {
                return None;
            }
            let value = scalar(bytes, u64::from(*tag), &contents).ok()??;
            Some(PlainValue::Scalar(at..bytes.len(), value))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::otlp::schema::ANY_VALUE;
    use crate::scrub::otlp::schema::Field;
    use crate::scrub::otlp::schema::common::KEY_VALUE;

    #[test]
    fn the_tags_of_the_usual_layout_are_those_of_the_schema() {
        let tag = |field: &Field| field.number << 3 | u32::from(field.kind.wire());
        let named = |message: &'static crate::scrub::otlp::schema::Message, name: &str| {
            tag(message.field_named(name.as_bytes()).expect("in the schema"))
        };
        assert_eq!(named(&KEY_VALUE, "key"), u32::from(KEY));
        assert_eq!(named(&KEY_VALUE, "value"), u32::from(VALUE));
        assert_eq!(named(&ANY_VALUE, "string_value"), u32::from(STRING_VALUE));
        assert_eq!(named(&ANY_VALUE, "bool_value"), u32::from(BOOL_VALUE));
        assert_eq!(named(&ANY_VALUE, "int_value"), u32::from(INT_VALUE));
        assert_eq!(named(&ANY_VALUE, "double_value"), u32::from(DOUBLE_VALUE));
    }
}
