//! Spells a map or an array of a protobuf request for the judge.

use std::ops::Range;

use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::path::Leaf;
use crate::scrub::otlp::path::Path;
use crate::scrub::otlp::protobuf::Walker;
use crate::scrub::otlp::schema::Field;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::spelled;
use crate::scrub::otlp::spelled::Spelled;
use crate::scrub::otlp::wire;

/// The tag of the elements of `ArrayValue`, of the entries of `KeyValueList`, of
/// `KeyValue.key` and of `AnyValue.string_value`.
const FIRST: u64 = 1 << 3 | 2;
/// Tag of `KeyValue.value`.
const VALUE: u64 = 2 << 3 | 2;
/// Tag of `AnyValue.array_value`.
const ARRAY_VALUE: u64 = 5 << 3 | 2;
/// Tag of `AnyValue.kvlist_value`.
const KVLIST_VALUE: u64 = 6 << 3 | 2;

impl<J: Judge> Walker<'_, J> {
    /// Shows the judge a map or an array that stands in no other, if it wants to see it
    /// as a whole. `message` is what `body` holds, as the value of `field`.
    pub(super) fn spell(
        &mut self,
        field: &'static Field,
        message: &'static Message,
        body: &Range<usize>,
    ) {
        if !message.is_container() || body.start < self.spelled {
            return;
        }
        self.spelled = body.end;
        if spelled::VALUE_BYTES_MAX < body.len() || !self.judge.wants_whole(body.clone()) {
            return;
        }
        let Some(parent) = self.stack.last() else { return };
        let (kind, context) = (parent.place(field), parent.context);
        let mut spelled = Spelled::default();
        container(self.request, u64::from(field.number) << 3 | 2, body, 0, &mut spelled);
        let path =
            Path { steps: &self.stack, leaf: Leaf::Message, request: self.request, keys: true };
        let place = Place { kind, at: body.start, context, element: None, path: &path };
        self.judge.whole(&spelled, body.clone(), &place);
    }
}

/// Spells what `body` holds, as the contents of the field of `AnyValue` with this tag.
fn container(request: &[u8], tag: u64, body: &Range<usize>, depth: usize, out: &mut Spelled) {
    let is_map = tag == KVLIST_VALUE;
    out.bracket(if is_map { b'{' } else { b'[' });
    let entries = fields(request, body).filter(|(tag, _)| *tag == FIRST);
    for (_, entry) in entries {
        if !is_map {
            value(request, &entry, depth, out);
            continue;
        }
        let members: Vec<_> = fields(request, &entry).collect();
        let last = |tag: u64| members.iter().rfind(|member| member.0 == tag);
        let key = last(FIRST).and_then(|(_, key)| request.get(key.clone()));
        out.key(key.unwrap_or_default());
        match last(VALUE) {
            Some((_, body)) => value(request, body, depth, out),
            None => out.other(),
        }
    }
    out.bracket(if is_map { b'}' } else { b']' });
}

/// Spells an `AnyValue`.
fn value(request: &[u8], body: &Range<usize>, depth: usize, out: &mut Spelled) {
    match fields(request, body).last() {
        Some((FIRST, text)) => {
            out.string(text.start, request.get(text.clone()).unwrap_or_default());
        }
        Some((tag @ (ARRAY_VALUE | KVLIST_VALUE), inner)) if depth < spelled::DEPTH_MAX => {
            container(request, tag, &inner, depth + 1, out);
        }
        _ => out.other(),
    }
}

/// The fields of a message, up to a fault: the walk will find it, too.
fn fields(request: &[u8], body: &Range<usize>) -> impl Iterator<Item = (u64, Range<usize>)> {
    let bytes = request.get(..body.end).unwrap_or_default();
    wire::fields(bytes, body.start).map_while(Result::ok).map(|field| (field.tag, field.contents))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::otlp::schema::ANY_VALUE;
    use crate::scrub::otlp::schema::common::KEY_VALUE;

    #[test]
    fn the_tags_are_those_of_the_schema() {
        let tag = |message: &'static Message, name: &str| {
            let field = message.field_named(name.as_bytes()).expect("in the schema");
            u64::from(field.number << 3 | u32::from(field.kind.wire()))
        };
        assert_eq!(tag(&KEY_VALUE, "key"), FIRST);
        assert_eq!(tag(&KEY_VALUE, "value"), VALUE);
        assert_eq!(tag(&ANY_VALUE, "string_value"), FIRST);
        assert_eq!(tag(&ANY_VALUE, "array_value"), ARRAY_VALUE);
        assert_eq!(tag(&ANY_VALUE, "kvlist_value"), KVLIST_VALUE);
    }
}
