//! Shows texts to the judge, and turns what it found into edits.

use std::ops::Range;

use crate::scrub::otlp::Context;
use crate::scrub::otlp::EDITS_MAX;
use crate::scrub::otlp::Edit;
use crate::scrub::otlp::InvalidUtf8;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Scalar;
use crate::scrub::otlp::Shown;
use crate::scrub::otlp::UnknownFields;
use crate::scrub::otlp::in_order;
use crate::scrub::otlp::path::Key;
use crate::scrub::otlp::path::Leaf;
use crate::scrub::otlp::path::Path;
use crate::scrub::otlp::protobuf::Walker;
use crate::scrub::otlp::replace_in;
use crate::scrub::otlp::schema::Decision;
use crate::scrub::otlp::utf8::is_utf8;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// What a text is shown with.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) place: &'static str,
    pub(super) context: Context,
    pub(super) element: Option<usize>,
    pub(super) leaf: Leaf<'a>,
}

impl<'a> Seen<'a> {
    /// A key as a text of its own: what stands around it says nothing of it.
    #[inline]
    pub(super) fn key(leaf: Leaf<'a>) -> Self {
        Seen { place: "key", context: Context::default(), element: None, leaf }
    }
}

impl<J: Judge> Walker<'_, J> {
    /// Visits a text (or bytes) that is a field of the message at the top of the
    /// stack. Its length prefix starts at `prefix`.
    #[inline]
    pub(super) fn field_text(
        &mut self,
        tag: u64,
        prefix: usize,
        text: Range<usize>,
        is_text: bool,
    ) -> Result<(), Fault> {
        let Some(frame) = self.stack.last_mut() else { return Ok(()) };
        let Some(field) = frame.message.field(tag >> 3) else { return Ok(()) };
        let leaf = Leaf::Field(field, frame.count(field));
        let stands_alone = frame.context == Context::default() && frame.element.is_none();
        if stands_alone && is_text && self.is_quiet_text(&text) {
            return Ok(());
        }
        let Some(frame) = self.stack.last() else { return Ok(()) };
        if field.decision == Decision::Key {
            return self.key_text(prefix, text, leaf);
        }
        let place = frame.place(field);
        let seen = Seen { place, context: frame.context, element: frame.element, leaf };
        let growth = self.text(prefix, text, is_text, seen)?;
        self.grow(growth);
        Ok(())
    }

    /// Whether a text that stands under no telling key, in no array, needs neither be
    /// shown nor be changed.
    #[inline(always)]
    pub(super) fn is_quiet_text(&self, text: &Range<usize>) -> bool {
        let bytes = self.request.get(text.clone()).unwrap_or_default();
        self.judge.is_quiet(bytes, text.start) && is_utf8(bytes)
    }

    /// The same of a text that is a key.
    #[inline(always)]
    pub(super) fn is_quiet_key(&self, key: &Range<usize>) -> bool {
        let bytes = self.request.get(key.clone()).unwrap_or_default();
        self.judge.is_quiet_key(bytes, key.start) && is_utf8(bytes)
    }

    /// Visits the key of the attribute at the top of the stack. Paths show the
    /// key once this is done and nothing was found in it.
    fn key_text(&mut self, prefix: usize, text: Range<usize>, leaf: Leaf<'_>) -> Result<(), Fault> {
        let key = self.swap_key(Key::Hidden);
        let edits = self.walked.edits.len();
        let growth = self.text(prefix, text, true, Seen::key(leaf))?;
        if edits == self.walked.edits.len() {
            self.swap_key(key);
        }
        self.grow(growth);
        Ok(())
    }

    fn swap_key(&mut self, key: Key) -> Key {
        match self.stack.last_mut().and_then(|frame| frame.step.as_mut()) {
            Some(step) => std::mem::replace(&mut step.key, key),
            None => Key::Hidden,
        }
    }

    /// Visits an entry of the string table, under each context that leads to it.
    /// Where they say different things, the one that hides most counts.
    pub(super) fn table_entry(
        &mut self,
        tag: u64,
        prefix: usize,
        text: Range<usize>,
    ) -> Result<(), Fault> {
        let Some(field) = self.stack.last().and_then(|frame| frame.message.field(tag >> 3)) else {
            return Ok(());
        };
        let index = self.entries;
        self.entries += 1;
        let leaf = Leaf::Field(field, index);
        let mut seen =
            Seen { place: field.place, context: Context::default(), element: None, leaf };
        let contexts = self.strings.contexts(index).to_vec();
        let bytes = self.request.get(text.clone()).unwrap_or_default();
        if let Some(((_, first), others)) = contexts.split_first() {
            seen.context = *first;
            let mut most = 0;
            for (_, context) in std::iter::once(&(index, *first)).chain(others) {
                if others.is_empty() {
                    break;
                }
                self.show(bytes, text.start, Seen { context: *context, ..seen });
                let hidden = self.found.iter().map(|edit| edit.range.len()).sum();
                self.found.clear();
                if most < hidden {
                    most = hidden;
                    seen.context = *context;
                }
            }
        }
        let growth = self.text(prefix, text, true, seen)?;
        self.grow(growth);
        Ok(())
    }

    /// Visits a number or boolean of the message at the top of the stack. `range`
    /// is all of its field.
    pub(super) fn field_scalar(&mut self, range: Range<usize>, value: Scalar) -> Result<(), Fault> {
        let Some(frame) = self.stack.last() else { return Ok(()) };
        if frame.context == Context::default() {
            return Ok(());
        }
        let seen = Seen {
            place: frame.place,
            context: frame.context,
            element: frame.element,
            leaf: Leaf::Message,
        };
        let growth = self.scalar(range, value, seen)?;
        self.grow(growth);
        Ok(())
    }

    /// Shows a text or bytes to the judge. Gives the growth of the field, its
    /// length prefix included.
    #[inline]
    pub(super) fn text(
        &mut self,
        prefix: usize,
        text: Range<usize>,
        is_text: bool,
        seen: Seen<'_>,
    ) -> Result<isize, Fault> {
        let bytes = self.request.get(text.clone()).unwrap_or_default();
        self.show(bytes, text.start, seen);
        let bad = is_text && !is_utf8(bytes);
        if self.found.is_empty() && !bad {
            return Ok(0);
        }
        self.replace(prefix, text, bad)
    }

    #[inline]
    fn show(&mut self, bytes: &[u8], at: usize, seen: Seen<'_>) {
        let path = Path { steps: &self.stack, leaf: seen.leaf, request: self.request, keys: true };
        let Seen { place: kind, context, element, .. } = seen;
        let place = Place { kind, at, context, element, path: &path };
        self.judge.text(Shown { bytes, at: Some(at) }, &place, &mut self.found);
    }

    /// Turns what the judge found in `text`, and its bad UTF-8, into edits.
    #[cold]
    fn replace(&mut self, prefix: usize, text: Range<usize>, bad: bool) -> Result<isize, Fault> {
        let found = std::mem::take(&mut self.found);
        if !in_order(&found, text.len()) {
            return Err(Fault::new("replacements out of order", text.start));
        }
        if bad && self.options.invalid_utf8 == InvalidUtf8::Refuse {
            return Err(Fault::new("text is not UTF-8", text.start));
        }
        let len = text.len();
        let mut growth = 0;
        let prefix = prefix..text.start;
        if bad && self.options.invalid_utf8 == InvalidUtf8::Replace {
            self.walked.invalid_utf8 += 1;
            let replaced = replace_in(self.request.get(text.clone()).unwrap_or_default(), &found);
            let bytes = String::from_utf8_lossy(&replaced).into_owned().into_bytes();
            growth = bytes.len().cast_signed() - len.cast_signed();
            self.edit(Edit { range: text, bytes })?;
        } else {
            for Replacement { range, bytes } in found {
                growth += bytes.len().cast_signed() - range.len().cast_signed();
                let range = text.start + range.start..text.start + range.end;
                self.edit(Edit { range, bytes })?;
            }
        }
        self.resize(prefix, len, growth)
    }

    /// Shows a number or boolean to the judge. `range` is all of its field, which
    /// becomes a text where the judge says so.
    pub(super) fn scalar(
        &mut self,
        range: Range<usize>,
        value: Scalar,
        seen: Seen<'_>,
    ) -> Result<isize, Fault> {
        let path = Path { steps: &self.stack, leaf: seen.leaf, request: self.request, keys: true };
        let Seen { place: kind, context, element, .. } = seen;
        let place = Place { kind, at: range.start, context, element, path: &path };
        let Some(text) = self.judge.scalar(value, &place) else { return Ok(0) };
        let mut bytes = vec![STRING_VALUE];
        wire::put_varint(&mut bytes, text.len() as u64);
        bytes.extend_from_slice(&text);
        let growth = bytes.len().cast_signed() - range.len().cast_signed();
        self.edit(Edit { range, bytes })?;
        Ok(growth)
    }

    /// A field that the schema does not know.
    #[cold]
    pub(super) fn unknown_field(
        &mut self,
        range: Range<usize>,
        contents: Range<usize>,
    ) -> Result<(), Fault> {
        match self.options.unknown_fields {
            UnknownFields::Refuse => return Err(Fault::new("unknown field", range.start)),
            UnknownFields::Scan => {
                let context = self.stack.last().map_or(Context::default(), |frame| frame.context);
                let leaf = Leaf::Message;
                let seen = Seen { place: "unknown_field", context, element: None, leaf };
                let bytes = self.request.get(contents.clone()).unwrap_or_default();
                self.show(bytes, contents.start, seen);
                if self.found.is_empty() {
                    return Ok(());
                }
                self.found.clear();
            }
            UnknownFields::Drop => {}
        }
        self.drop_field(range)
    }

    /// Drops a field, and counts it.
    #[cold]
    pub(super) fn drop_field(&mut self, range: Range<usize>) -> Result<(), Fault> {
        self.walked.unknown_fields += 1;
        self.grow(-range.len().cast_signed());
        // Fields that are dropped one after the other are one edit, so that a
        // request full of them does not take many times its size.
        match self.walked.edits.last_mut() {
            Some(last) if last.bytes.is_empty() && last.range.end == range.start => {
                last.range.end = range.end;
                Ok(())
            }
            _ => self.edit(Edit { range, bytes: Vec::new() }),
        }
    }

    /// Adds an edit over the length prefix of `len` bytes that grew by `growth`.
    /// Gives the growth with that of the prefix.
    #[cold]
    pub(super) fn resize(
        &mut self,
        prefix: Range<usize>,
        len: usize,
        growth: isize,
    ) -> Result<isize, Fault> {
        if growth == 0 {
            return Ok(0);
        }
        let bytes = wire::length(len.saturating_add_signed(growth));
        let growth = growth + bytes.len().cast_signed() - prefix.len().cast_signed();
        self.edit(Edit { range: prefix, bytes })?;
        Ok(growth)
    }

    /// Notes that the message at the top of the stack grew.
    #[inline]
    pub(super) fn grow(&mut self, growth: isize) {
        if growth != 0
            && let Some(frame) = self.stack.last_mut()
        {
            frame.growth += growth;
        }
    }

    fn edit(&mut self, edit: Edit) -> Result<(), Fault> {
        if EDITS_MAX <= self.walked.edits.len() {
            return Err(Fault::new("more to change than the limit of edits", edit.range.start));
        }
        self.walked.edits.push(edit);
        Ok(())
    }
}

/// Tag of `AnyValue.string_value`.
const STRING_VALUE: u8 = 1 << 3 | 2;
