//! The same request in OTLP/JSON, as the Collector writes it: names in
//! lowerCamelCase, ids in hex, enums as numbers, 64-bit integers as strings,
//! what is absent left out.
//!
//! Protobuf may spread a list or a message over several occurrences and JSON may
//! not; so the fields of a message are gathered first. Unknown fields are left
//! out.

use std::ops::Range;

use base64::Engine;

use crate::scrub::Signal;
use crate::scrub::otlp::WalkError;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::json::BASE64;
use crate::scrub::otlp::json::escape;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::schema::Field;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;
use crate::scrub::otlp::wire::Occurrence;

/// Converts a protobuf request.
pub(in crate::scrub::otlp) fn to_json(
    signal: Signal,
    protobuf: &[u8],
) -> Result<Vec<u8>, WalkError> {
    let mut writer = Writer { protobuf, out: Vec::with_capacity(2 * protobuf.len()) };
    let whole = 0..protobuf.len();
    let depth_max = WalkOptions::default().depth_max;
    writer
        .message(schema::root(signal), &[whole], depth_max)
        .map_err(|fault| fault.in_path(String::new()))?;
    Ok(writer.out)
}

struct Writer<'p> {
    protobuf: &'p [u8],
    out: Vec<u8>,
}

impl Writer<'_> {
    /// Writes the message whose occurrences are `bodies`, as one object. Calls
    /// itself for what is inside, at most `depth_left` deep.
    fn message(
        &mut self,
        message: &'static Message,
        bodies: &[Range<usize>],
        depth_left: usize,
    ) -> Result<(), Fault> {
        let fields = self.gather(message, bodies)?;
        self.out.push(b'{');
        let mut first = true;
        for occurrences in fields.chunk_by(|a, b| a.tag >> 3 == b.tag >> 3) {
            let Some(last) = occurrences.last() else { continue };
            let Some(field) = message.field(last.tag >> 3) else { continue };
            if !field.repeated && !field.presence && self.is_default(field, last) {
                continue;
            }
            if !first {
                self.out.push(b',');
            }
            first = false;
            self.out.push(b'"');
            self.out.extend_from_slice(field.json.as_bytes());
            self.out.extend_from_slice(b"\":");
            match field.kind {
                _ if field.repeated => self.list(field, occurrences, depth_left)?,
                Kind::Message(inner) => {
                    let bodies: Vec<_> =
                        occurrences.iter().map(|occurrence| occurrence.contents.clone()).collect();
                    self.nested(inner, &bodies, depth_left)?;
                }
                _ => self.scalar(field, last.contents.clone())?,
            }
        }
        self.out.push(b'}');
        Ok(())
    }

    fn nested(
        &mut self,
        message: &'static Message,
        bodies: &[Range<usize>],
        depth_left: usize,
    ) -> Result<(), Fault> {
        match depth_left.checked_sub(1) {
            Some(depth_left) => self.message(message, bodies, depth_left),
            None => {
                let at = bodies.first().map_or(0, |body| body.start);
                Err(Fault::new("messages nested too deep", at))
            }
        }
    }

    /// The known fields of a message by number, each in wire order; of a oneof only
    /// the member that was set last.
    fn gather(
        &self,
        message: &'static Message,
        bodies: &[Range<usize>],
    ) -> Result<Vec<Occurrence>, Fault> {
        let mut fields = Vec::new();
        // No message of OTLP has two oneofs.
        let mut oneof: Vec<Occurrence> = Vec::new();
        for body in bodies {
            let bytes = self.protobuf.get(..body.end).unwrap_or_default();
            for occurrence in wire::fields(bytes, body.start) {
                let occurrence = occurrence?;
                let Some(field) = message.field(occurrence.tag >> 3) else { continue };
                let wire = u64::from(field.kind.wire());
                let packed = field.repeated && wire != 2 && occurrence.tag & 7 == 2;
                if occurrence.tag & 7 != wire && !packed {
                    continue;
                }
                if field.oneof.is_none() {
                    fields.push(occurrence);
                    continue;
                }
                if oneof.last().is_some_and(|last| last.tag != occurrence.tag) {
                    oneof.clear();
                }
                oneof.push(occurrence);
            }
        }
        fields.append(&mut oneof);
        fields.sort_by_key(|occurrence| occurrence.tag >> 3);
        Ok(fields)
    }

    fn is_default(&self, field: &'static Field, last: &Occurrence) -> bool {
        let bytes = self.protobuf.get(last.contents.clone()).unwrap_or_default();
        match field.kind {
            Kind::Message(_) => false,
            Kind::String | Kind::Bytes | Kind::Id(_) => bytes.is_empty(),
            kind if kind.wire() == 0 => bytes.iter().all(|byte| byte & 0x7f == 0),
            _ => bytes.iter().all(|byte| *byte == 0),
        }
    }

    fn list(
        &mut self,
        field: &'static Field,
        occurrences: &[Occurrence],
        depth_left: usize,
    ) -> Result<(), Fault> {
        self.out.push(b'[');
        let mut first = true;
        for occurrence in occurrences {
            let contents = occurrence.contents.clone();
            let packed = field.kind.wire() != 2 && occurrence.tag & 7 == 2;
            let mut at = contents.start;
            while at < contents.end || (!packed && at == contents.start) {
                if !first {
                    self.out.push(b',');
                }
                first = false;
                let Kind::Message(inner) = field.kind else {
                    let element = if packed {
                        let bytes = self.protobuf.get(..contents.end).unwrap_or_default();
                        wire::contents(bytes, 8 | u64::from(field.kind.wire()), at)?
                    } else {
                        contents.clone()
                    };
                    at = element.end.max(at + 1);
                    self.scalar(field, element)?;
                    continue;
                };
                at = contents.end.max(at + 1);
                self.nested(inner, std::slice::from_ref(&contents), depth_left)?;
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn scalar(&mut self, field: &'static Field, contents: Range<usize>) -> Result<(), Fault> {
        let protobuf = self.protobuf;
        let bytes = protobuf.get(contents.clone()).unwrap_or_default();
        let text = match field.kind {
            Kind::String => {
                self.out.push(b'"');
                escape(&mut self.out, bytes);
                self.out.push(b'"');
                return Ok(());
            }
            Kind::Bytes => format!("\"{}\"", BASE64.encode(bytes)),
            Kind::Id(len) => {
                if !bytes.is_empty() && bytes.len() != len {
                    return Err(Fault::new("id of a wrong length", contents.start));
                }
                hex(bytes)
            }
            kind => number(kind, bits(bytes, kind, &contents)?),
        };
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// The bits of a number on the wire.
fn bits(bytes: &[u8], kind: Kind, contents: &Range<usize>) -> Result<u64, Fault> {
    if kind.wire() == 0 {
        let (value, _) =
            wire::varint(bytes, 0).map_err(|fault| Fault::new(fault.what, contents.start))?;
        return Ok(value);
    }
    Ok(bytes.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte)))
}

/// A number as OTLP/JSON writes it. Bits beyond its width are cut off, as every
/// protobuf reader does.
#[expect(clippy::cast_possible_truncation, reason = "protobuf cuts off, too")]
fn number(kind: Kind, bits: u64) -> String {
    match kind {
        Kind::Bool => (bits != 0).to_string(),
        Kind::Int32 | Kind::Enum(_) => (bits as i32).to_string(),
        Kind::Uint32 | Kind::Fixed32 => (bits as u32).to_string(),
        Kind::Sint32 => {
            let bits = bits as u32;
            ((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()).to_string()
        }
        Kind::Int64 | Kind::Sfixed64 => format!("\"{}\"", bits.cast_signed()),
        Kind::Double => double(f64::from_bits(bits)),
        _ => format!("\"{bits}\""),
    }
}

fn double(value: f64) -> String {
    if value.is_nan() {
        "\"NaN\"".to_owned()
    } else if value == f64::INFINITY {
        "\"Infinity\"".to_owned()
    } else if value == f64::NEG_INFINITY {
        "\"-Infinity\"".to_owned()
    } else {
        // Unlike the plain format, this one writes large numbers with an exponent.
        format!("{value:?}")
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len() + 2);
    text.push('"');
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(digit), 16));
        }
    }
    text.push('"');
    text
}
