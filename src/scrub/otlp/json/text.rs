//! Shows texts to the judge, and turns what it found into edits of JSON.

use std::ops::Range;

use base64::Engine;

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
use crate::scrub::otlp::json::Member;
use crate::scrub::otlp::json::Walker;
use crate::scrub::otlp::json::scalar;
use crate::scrub::otlp::json::scalar::BASE64;
use crate::scrub::otlp::json::scalar::Number;
use crate::scrub::otlp::json::string::Decoded;
use crate::scrub::otlp::json::string::escape;
use crate::scrub::otlp::json::tape::Token;
use crate::scrub::otlp::json::tape::TokenKind;
use crate::scrub::otlp::path::Key;
use crate::scrub::otlp::path::Leaf;
use crate::scrub::otlp::path::Path;
use crate::scrub::otlp::replace_in;
use crate::scrub::otlp::schema::Decision;
use crate::scrub::otlp::schema::Field;
use crate::scrub::otlp::utf8::is_utf8;
use crate::scrub::otlp::wire::Fault;

/// What a text is shown with.
#[derive(Clone, Copy)]
struct Seen<'a> {
    place: &'static str,
    context: Context,
    element: Option<usize>,
    leaf: Leaf<'a>,
}

impl<J: Judge> Walker<'_, J> {
    /// Visits a string of the object at the top of the stack.
    pub(super) fn string(
        &mut self,
        field: &'static Field,
        index: usize,
        token: Token,
    ) -> Result<(), Fault> {
        if !token.is_string() {
            return Err(Fault::new("expected a string", token.range().start));
        }
        let leaf = Leaf::Field(field, index);
        match field.decision {
            Decision::Key => {
                // Paths show the key once it was judged and nothing was found.
                let key = self.swap_key(Key::Hidden);
                let edits = self.walked.edits.len();
                let context = Context::default();
                self.text(&token, Seen { place: "key", context, element: None, leaf })?;
                if edits == self.walked.edits.len() {
                    self.swap_key(key);
                }
                Ok(())
            }
            Decision::Table => self.table_entry(field, &token),
            _ => {
                let seen = self.seen(field, leaf);
                self.text(&token, seen)
            }
        }
    }

    fn seen<'a>(&self, field: &'static Field, leaf: Leaf<'a>) -> Seen<'a> {
        match self.stack.last() {
            Some(frame) => Seen {
                place: frame.place(field),
                context: frame.context,
                element: frame.element,
                leaf,
            },
            None => Seen { place: field.place, context: Context::default(), element: None, leaf },
        }
    }

    fn swap_key(&mut self, key: Key) -> Key {
        match self.stack.last_mut().and_then(|frame| frame.step.as_mut()) {
            Some(step) => std::mem::replace(&mut step.key, key),
            None => Key::Hidden,
        }
    }

    /// Visits an entry of the string table, under each context that leads to it.
    /// Where they say different things, the one that hides most counts.
    fn table_entry(&mut self, field: &'static Field, token: &Token) -> Result<(), Fault> {
        let index = self.entries;
        self.entries += 1;
        let leaf = Leaf::Field(field, index);
        let mut seen =
            Seen { place: field.place, context: Context::default(), element: None, leaf };
        let contexts: Vec<Context> =
            self.strings.contexts(index).iter().map(|(_, context)| *context).collect();
        let mut most = 0;
        for context in &contexts {
            if contexts.len() == 1 {
                seen.context = *context;
                break;
            }
            let decoded = self.decoded(token);
            self.show(&decoded, None, token, Seen { context: *context, ..seen });
            let hidden: usize = self.found.drain(..).map(|edit| edit.range.len()).sum();
            if most <= hidden {
                most = hidden;
                seen.context = *context;
            }
        }
        self.text(token, seen)
    }

    /// Visits bytes of the object at the top of the stack.
    pub(super) fn bytes(
        &mut self,
        field: &'static Field,
        index: usize,
        token: Token,
    ) -> Result<(), Fault> {
        let bytes = scalar::bytes(self.request, &token)?;
        let seen = self.seen(field, Leaf::Field(field, index));
        self.show(&bytes, None, &token, seen);
        if self.found.is_empty() {
            return Ok(());
        }
        let found = self.found(bytes.len(), &token)?;
        let bytes = BASE64.encode(replace_in(&bytes, &found)).into_bytes();
        self.edit(Edit { range: token.range(), bytes })
    }

    /// Visits a number or boolean of the object at the top of the stack, which
    /// becomes a text where the judge says so.
    pub(super) fn scalar(
        &mut self,
        name: Option<Token>,
        token: &Token,
        number: Number,
    ) -> Result<(), Fault> {
        let Some(frame) = self.stack.last() else { return Ok(()) };
        let Some(name) = name.filter(|_| frame.context != Context::default()) else {
            return Ok(());
        };
        let value = match number {
            Number::Bool(value) => Scalar::Bool(value),
            Number::Signed(value) => Scalar::Int(value),
            Number::Unsigned(value) => Scalar::Int(value.cast_signed()),
            Number::Double(value) => Scalar::Double(value),
        };
        let path =
            Path { steps: &self.stack, leaf: Leaf::Message, request: self.request, keys: true };
        let place = Place {
            kind: frame.place,
            at: token.whole().start,
            context: frame.context,
            element: frame.element,
            path: &path,
        };
        let Some(text) = self.judge.scalar(value, &place) else { return Ok(()) };
        let mut bytes = b"\"stringValue\":\"".to_vec();
        escape(&mut bytes, &text);
        bytes.push(b'"');
        let range = name.whole().start..token.whole().end;
        self.edit(Edit { range, bytes })
    }

    /// Shows a string to the judge and edits it.
    fn text(&mut self, token: &Token, seen: Seen<'_>) -> Result<(), Fault> {
        let range = token.range();
        let request = self.request;
        let raw = request.get(range.clone()).unwrap_or_default();
        if token.kind == TokenKind::Plain {
            self.show(raw, Some(range.start), token, seen);
            let bad = !is_utf8(raw);
            if self.found.is_empty() && !bad {
                return Ok(());
            }
            let found = self.found(raw.len(), token)?;
            return self.replace(token, raw, &found, bad, |range| range.clone());
        }
        let decoded = Decoded::new(raw);
        self.show(&decoded.bytes, None, token, seen);
        let bad = decoded.lone_surrogate || !is_utf8(&decoded.bytes);
        if self.found.is_empty() && !bad {
            return Ok(());
        }
        let found = self.found(decoded.bytes.len(), token)?;
        self.replace(token, &decoded.bytes, &found, bad, |range| decoded.raw(range))
    }

    /// Turns what was found in a text, and its bad UTF-8, into edits. `raw` maps a
    /// range of the text to one of the string in the request.
    #[cold]
    fn replace(
        &mut self,
        token: &Token,
        text: &[u8],
        found: &[Replacement],
        bad: bool,
        raw: impl Fn(&Range<usize>) -> Range<usize>,
    ) -> Result<(), Fault> {
        let start = token.range().start;
        match self.options.invalid_utf8 {
            InvalidUtf8::Refuse if bad => return Err(Fault::new("text is not UTF-8", start)),
            InvalidUtf8::Replace if bad => {
                self.walked.invalid_utf8 += 1;
                let mut bytes = Vec::new();
                escape(&mut bytes, &replace_in(text, found));
                return self.edit(Edit { range: token.range(), bytes });
            }
            _ => {}
        }
        for replacement in found {
            let range = raw(&replacement.range);
            let mut bytes = Vec::new();
            escape(&mut bytes, &replacement.bytes);
            self.edit(Edit { range: start + range.start..start + range.end, bytes })?;
        }
        Ok(())
    }

    /// Shows a text that stands in `token`; `at` says where, if it has no escapes.
    fn show(&mut self, bytes: &[u8], at: Option<usize>, token: &Token, seen: Seen<'_>) {
        let path = Path { steps: &self.stack, leaf: seen.leaf, request: self.request, keys: true };
        let Seen { place: kind, context, element, .. } = seen;
        let place = Place { kind, at: token.range().start, context, element, path: &path };
        self.judge.text(Shown { bytes, at }, &place, &mut self.found);
    }

    /// What the judge found in a text of `len` bytes.
    fn found(&mut self, len: usize, token: &Token) -> Result<Vec<Replacement>, Fault> {
        let found = std::mem::take(&mut self.found);
        if in_order(&found, len) {
            Ok(found)
        } else {
            Err(Fault::new("replacements out of order", token.range().start))
        }
    }

    /// A member that the schema does not know, or (`known`) that goes in any case.
    #[cold]
    pub(super) fn outside(&mut self, member: Member, known: bool) -> Result<(), Fault> {
        let name = member.name.whole();
        match self.options.unknown_fields {
            UnknownFields::Refuse if !known => {
                return Err(Fault::new("unknown field", name.start));
            }
            UnknownFields::Scan if !known => {
                let context = self.stack.last().map_or(Context::default(), |frame| frame.context);
                let leaf = Leaf::Message;
                let seen = Seen { place: "unknown_field", context, element: None, leaf };
                let range = name.start..member.value.whole().end;
                self.show(
                    self.request.get(range.clone()).unwrap_or_default(),
                    Some(range.start),
                    &member.name,
                    seen,
                );
                // What stands behind escapes is not to be seen in the raw text.
                let inside = self.tape.get(member.at..member.value.next()).unwrap_or_default();
                for token in inside.iter().filter(|token| token.kind == TokenKind::Escaped) {
                    self.show(&self.decoded(token), None, token, seen);
                }
                self.show(&self.decoded(&member.name), None, &member.name, seen);
                if self.found.drain(..).next().is_none() {
                    if let Some(frame) = self.stack.last_mut() {
                        frame.kept = true;
                        frame.before = member.value.whole().end;
                    }
                    return Ok(());
                }
            }
            _ => {}
        }
        self.drop_member(member)
    }

    /// Drops a member with one of the commas beside it: with the one before it
    /// where a member before stays, else with the one after it.
    fn drop_member(&mut self, member: Member) -> Result<(), Fault> {
        self.walked.unknown_fields += 1;
        let Some(frame) = self.stack.last_mut() else { return Ok(()) };
        let end = member.value.whole().end;
        let range = if frame.kept {
            frame.before..end
        } else {
            let after = self.tape.get(frame.members.start).filter(|_| !frame.members.is_empty());
            member.name.whole().start..after.map_or(end, |name| name.whole().start)
        };
        frame.before = end;
        // Members that are dropped one after the other are one edit, so that a
        // request full of them does not take many times its size.
        match self.walked.edits.last_mut() {
            Some(last) if last.bytes.is_empty() && last.range.end == range.start => {
                last.range.end = range.end;
                Ok(())
            }
            _ => self.edit(Edit { range, bytes: Vec::new() }),
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
