//! The same request in protobuf.
//!
//! A length stands before its message and is known only after it, so messages are
//! written without lengths first; where each belongs is noted, and the lengths are
//! put in at the end in one copy. Of a member that occurs twice the last counts,
//! as for the Collector. Defaults are left out where protobuf leaves them out.

use std::borrow::Cow;
use std::ops::Range;

use crate::scrub::Signal;
use crate::scrub::otlp::WalkError;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::json::Member;
use crate::scrub::otlp::json::direct;
use crate::scrub::otlp::json::json_depth_max;
use crate::scrub::otlp::json::named;
use crate::scrub::otlp::json::next;
use crate::scrub::otlp::json::next_member;
use crate::scrub::otlp::json::said;
use crate::scrub::otlp::json::scalar;
use crate::scrub::otlp::json::scalar::Number;
use crate::scrub::otlp::json::tape;
use crate::scrub::otlp::json::tape::Token;
use crate::scrub::otlp::json::tape::TokenKind;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::schema::Field;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// Converts a JSON request.
pub(in crate::scrub::otlp) fn to_protobuf(
    signal: Signal,
    json: &[u8],
) -> Result<Vec<u8>, WalkError> {
    match direct::convert(signal, json) {
        Some(protobuf) => Ok(protobuf),
        None => by_tape(signal, json).map_err(|fault| fault.in_path(String::new())),
    }
}

/// Converts a request of any kind.
pub(super) fn by_tape(signal: Signal, json: &[u8]) -> Result<Vec<u8>, Fault> {
    let depth_max = WalkOptions::default().depth_max;
    let tape = tape::read(json, json_depth_max(depth_max))?;
    let mut writer = Writer { json, tape: &tape, out: Vec::new(), lengths: Vec::new() };
    match tape.first() {
        Some(token) if token.kind == TokenKind::Null => {}
        Some(token) if token.kind == TokenKind::Object => {
            writer.out.reserve(json.len() / 2);
            writer.message(schema::root(signal), 0, depth_max)?;
        }
        _ => return Err(Fault::new("expected an object", 0)),
    }
    Ok(writer.finish())
}

/// How many members of an object are looked up only once.
const FIELDS: usize = 16;

struct Writer<'j> {
    json: &'j [u8],
    tape: &'j [Token],
    /// Everything but lengths.
    out: Vec<u8>,
    /// Where a length belongs in `out`, and the length; outer before inner.
    lengths: Vec<(usize, usize)>,
}

impl Writer<'_> {
    /// Writes the object at `at`. Gives its length with all lengths inside. Calls
    /// itself for what is inside, at most `depth_left` deep.
    fn message(
        &mut self,
        message: &'static Message,
        at: usize,
        depth_left: usize,
    ) -> Result<usize, Fault> {
        let Some(object) = self.tape.get(at) else { return Ok(0) };
        let mut len = 0;
        let mut members = at + 1..object.next();
        let (fields, twice) = self.fields(message, members.clone());
        let mut fields = fields.into_iter();
        while let Some(member) = next_member(self.tape, &mut members) {
            let field = fields.next().unwrap_or_else(|| named(message, self.json, &member));
            let Some(field) = field.filter(|_| member.value.kind != TokenKind::Null) else {
                continue;
            };
            let superseded =
                twice & 1 << field.number != 0 && self.comes_again(message, field, members.clone());
            if !superseded {
                len += self.field(field, &member, depth_left)?;
            }
        }
        Ok(len)
    }

    /// The fields of the first members, and the numbers of those that occur more than once,
    /// as bits.
    fn fields(
        &self,
        message: &'static Message,
        mut members: Range<usize>,
    ) -> ([Option<&'static Field>; FIELDS], u32) {
        let mut fields = [None; FIELDS];
        let (mut once, mut twice, mut slots) = (0, 0, fields.iter_mut());
        while let Some(member) = next_member(self.tape, &mut members) {
            let field = named(message, self.json, &member);
            if let Some(slot) = slots.next() {
                *slot = field;
            }
            if let Some(field) = field {
                let bit = 1 << field.number;
                twice |= once & bit;
                once |= bit;
            }
        }
        (fields, twice)
    }

    /// Whether the field comes again in `members`, so that this one does not count.
    fn comes_again(
        &self,
        message: &'static Message,
        field: &'static Field,
        mut members: Range<usize>,
    ) -> bool {
        while let Some(member) = next_member(self.tape, &mut members) {
            let again = named(message, self.json, &member)
                .is_some_and(|other| other.number == field.number);
            if again && member.value.kind != TokenKind::Null {
                return true;
            }
        }
        false
    }

    fn field(
        &mut self,
        field: &'static Field,
        member: &Member,
        depth_left: usize,
    ) -> Result<usize, Fault> {
        if !field.repeated {
            return self.value(field, member.at, &member.value, depth_left);
        }
        if member.value.kind != TokenKind::Array {
            return Err(Fault::new("expected a list", member.value.range().start));
        }
        let mut elements = member.at + 1..member.value.next();
        if field.kind.wire() != 2 {
            return self.packed(field, elements);
        }
        let mut len = 0;
        while let Some((at, token)) = next(self.tape, &mut elements) {
            len += self.value(field, at, &token, depth_left)?;
        }
        Ok(len)
    }

    /// Writes a value with its tag. Gives its length.
    fn value(
        &mut self,
        field: &'static Field,
        at: usize,
        token: &Token,
        depth_left: usize,
    ) -> Result<usize, Fault> {
        let start = self.out.len();
        let always = field.presence || field.repeated;
        match field.kind {
            Kind::Message(message) => {
                let Some(depth_left) = depth_left.checked_sub(1) else {
                    return Err(Fault::new("messages nested too deep", token.range().start));
                };
                if !matches!(token.kind, TokenKind::Object | TokenKind::Null) {
                    return Err(Fault::new("expected an object", token.range().start));
                }
                self.tag(field, 2);
                let tag = self.out.len() - start;
                let length = self.lengths.len();
                self.lengths.push((self.out.len(), 0));
                let is_null = token.kind == TokenKind::Null;
                let len = if is_null { 0 } else { self.message(message, at, depth_left)? };
                if let Some(length) = self.lengths.get_mut(length) {
                    length.1 = len;
                }
                return Ok(tag + wire::length_len(len) + len);
            }
            Kind::String => {
                if !token.is_string() && token.kind != TokenKind::Null {
                    return Err(Fault::new("expected a string", token.range().start));
                }
                let text = match token.kind {
                    TokenKind::Null => Cow::default(),
                    _ => said(self.json, token),
                };
                self.delimited(field, &text, always);
            }
            Kind::Bytes => self.delimited(field, &scalar::bytes(self.json, token)?, always),
            Kind::Id(len) => self.delimited(field, &scalar::id(self.json, token, len)?, always),
            kind => {
                let number = scalar::number(self.json, token, kind)?;
                if field.presence || !is_default(number) {
                    self.tag(field, kind.wire());
                    put(&mut self.out, kind, number);
                }
            }
        }
        Ok(self.out.len() - start)
    }

    fn packed(
        &mut self,
        field: &'static Field,
        mut elements: Range<usize>,
    ) -> Result<usize, Fault> {
        let mut packed = Vec::new();
        while let Some((_, token)) = next(self.tape, &mut elements) {
            let number = match token.kind {
                TokenKind::Null => Number::Unsigned(0),
                _ => scalar::number(self.json, &token, field.kind)?,
            };
            put(&mut packed, field.kind, number);
        }
        let start = self.out.len();
        self.delimited(field, &packed, false);
        Ok(self.out.len() - start)
    }

    fn delimited(&mut self, field: &'static Field, bytes: &[u8], always: bool) {
        if always || !bytes.is_empty() {
            self.tag(field, 2);
            wire::put_varint(&mut self.out, bytes.len() as u64);
            self.out.extend_from_slice(bytes);
        }
    }

    fn tag(&mut self, field: &'static Field, wire: u8) {
        wire::put_varint(&mut self.out, u64::from(field.number << 3 | u32::from(wire)));
    }

    /// Puts the lengths in.
    fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.out.len() + 3 * self.lengths.len());
        let mut at = 0;
        for (position, len) in self.lengths {
            out.extend_from_slice(self.out.get(at..position).unwrap_or_default());
            wire::put_varint(&mut out, len as u64);
            at = position;
        }
        out.extend_from_slice(self.out.get(at..).unwrap_or_default());
        out
    }
}

pub(super) fn is_default(number: Number) -> bool {
    match number {
        Number::Bool(value) => !value,
        Number::Signed(value) => value == 0,
        Number::Unsigned(value) => value == 0,
        // Minus zero is not the default.
        Number::Double(value) => value.to_bits() == 0,
    }
}

/// Appends a number as protobuf writes `kind`.
pub(super) fn put(out: &mut Vec<u8>, kind: Kind, number: Number) {
    let bits = match number {
        Number::Bool(value) => u64::from(value),
        Number::Signed(value) => value.cast_unsigned(),
        Number::Unsigned(value) => value,
        Number::Double(value) => value.to_bits(),
    };
    match (kind, kind.wire()) {
        (Kind::Sint32, _) => {
            let value = bits.cast_signed();
            wire::put_varint(out, (value << 1 ^ value >> 63).cast_unsigned());
        }
        (_, 0) => wire::put_varint(out, bits),
        (_, 5) => out.extend(bits.to_le_bytes().into_iter().take(4)),
        _ => out.extend_from_slice(&bits.to_le_bytes()),
    }
}
