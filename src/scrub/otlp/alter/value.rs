//! A value of any type, read from and written to the wire.

use std::borrow::Cow;

use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// A value of any type: an `AnyValue`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value<'r> {
    /// None of its fields is set.
    #[default]
    Empty,
    /// A text; need not be UTF-8.
    Text(Cow<'r, [u8]>),
    /// A boolean.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// A floating point number.
    Double(f64),
    /// Elements.
    Array(Vec<Value<'r>>),
    /// Keys and values; a key may come twice.
    Map(Vec<Pair<'r>>),
    /// Bytes.
    Bytes(Cow<'r, [u8]>),
    /// The index of a text in the string table of profiles.
    Index(i64),
}

/// A key and its value: a `KeyValue`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pair<'r> {
    /// The key; need not be UTF-8.
    pub key: Cow<'r, [u8]>,
    /// The index of the key in the string table of profiles; 0 for none.
    pub key_index: i64,
    /// The value.
    pub value: Value<'r>,
}

impl<'r> Value<'r> {
    /// A text.
    pub fn text(text: impl Into<Vec<u8>>) -> Self {
        Self::Text(Cow::Owned(text.into()))
    }

    /// The text, where it is one.
    pub fn as_text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The same, on its own.
    pub fn into_owned(self) -> Value<'static> {
        let own = |bytes: Cow<'_, [u8]>| Cow::Owned(bytes.into_owned());
        match self {
            Self::Empty => Value::Empty,
            Self::Text(text) => Value::Text(own(text)),
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Double(value) => Value::Double(value),
            Self::Index(value) => Value::Index(value),
            Self::Bytes(bytes) => Value::Bytes(own(bytes)),
            Self::Array(values) => {
                Value::Array(values.into_iter().map(Value::into_owned).collect())
            }
            Self::Map(pairs) => Value::Map(
                pairs
                    .into_iter()
                    .map(|pair| Pair {
                        key: own(pair.key),
                        key_index: pair.key_index,
                        value: pair.value.into_owned(),
                    })
                    .collect(),
            ),
        }
    }

    /// Reads the contents of an `AnyValue`. Of several fields the last is taken, as
    /// the Collector does. Calls itself for what is nested, which the walk has
    /// limited.
    pub(in crate::scrub::otlp::alter) fn read(bytes: &'r [u8]) -> Result<Self, Fault> {
        let mut value = Self::Empty;
        value.merge(bytes)?;
        Ok(value)
    }

    /// Reads another occurrence of the same value over it.
    pub(in crate::scrub::otlp::alter) fn merge(&mut self, bytes: &'r [u8]) -> Result<(), Fault> {
        for field in wire::fields(bytes, 0) {
            let field = field?;
            let contents = bytes.get(field.contents.clone()).unwrap_or_default();
            *self = match field.tag {
                0x0a => Self::Text(Cow::Borrowed(contents)),
                0x10 => Self::Bool(wire::varint(contents, 0)?.0 != 0),
                0x18 => Self::Int(wire::varint(contents, 0)?.0.cast_signed()),
                0x21 => match contents.first_chunk::<8>() {
                    Some(bits) => Self::Double(f64::from_le_bytes(*bits)),
                    None => return Err(Fault::new("number cut short", field.contents.start)),
                },
                0x2a => Self::Array(read_array(contents)?),
                0x32 => Self::Map(read_map(contents)?),
                0x3a => Self::Bytes(Cow::Borrowed(contents)),
                0x40 => Self::Index(wire::varint(contents, 0)?.0.cast_signed()),
                _ => continue,
            };
        }
        Ok(())
    }

    /// Writes the contents of an `AnyValue`.
    pub(in crate::scrub::otlp::alter) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Empty => {}
            Self::Text(text) => put(out, 0x0a, text),
            Self::Bool(value) => out.extend_from_slice(&[0x10, u8::from(*value)]),
            Self::Int(value) => put_varint(out, 0x18, value.cast_unsigned()),
            Self::Double(value) => {
                out.push(0x21);
                out.extend_from_slice(&value.to_le_bytes());
            }
            Self::Array(values) => {
                let mut inner = Vec::new();
                for value in values {
                    let mut element = Vec::new();
                    value.write(&mut element);
                    put(&mut inner, 0x0a, &element);
                }
                put(out, 0x2a, &inner);
            }
            Self::Map(pairs) => {
                let mut inner = Vec::new();
                for pair in pairs {
                    let mut element = Vec::new();
                    pair.write(&mut element);
                    put(&mut inner, 0x0a, &element);
                }
                put(out, 0x32, &inner);
            }
            Self::Bytes(bytes) => put(out, 0x3a, bytes),
            Self::Index(index) => put_varint(out, 0x40, index.cast_unsigned()),
        }
    }
}

impl<'r> Pair<'r> {
    /// Reads the contents of a `KeyValue`: the last key, the values merged.
    pub(in crate::scrub::otlp::alter) fn read(bytes: &'r [u8]) -> Result<Self, Fault> {
        let mut pair = Self::default();
        for field in wire::fields(bytes, 0) {
            let field = field?;
            let contents = bytes.get(field.contents).unwrap_or_default();
            match field.tag {
                0x0a => pair.key = Cow::Borrowed(contents),
                0x12 => pair.value.merge(contents)?,
                0x18 => pair.key_index = wire::varint(contents, 0)?.0.cast_signed(),
                _ => {}
            }
        }
        Ok(pair)
    }

    /// Writes the contents of a `KeyValue`.
    pub(in crate::scrub::otlp::alter) fn write(&self, out: &mut Vec<u8>) {
        put(out, 0x0a, &self.key);
        let mut value = Vec::new();
        self.value.write(&mut value);
        put(out, 0x12, &value);
        if self.key_index != 0 {
            put_varint(out, 0x18, self.key_index.cast_unsigned());
        }
    }
}

/// Whether an `AnyValue` says everything once: no field of it, nor of what is nested
/// in it, stands beside another that a reader may take instead.
pub(in crate::scrub::otlp::alter) fn says_once(value: &[u8]) -> bool {
    let mut fields = wire::fields(value, 0);
    let Some(Ok(one)) = fields.next() else { return value.is_empty() };
    if fields.next().is_some() {
        return false;
    }
    let contents = value.get(one.contents).unwrap_or_default();
    match one.tag {
        0x2a => wire::fields(contents, 0).all(|element| {
            element
                .is_ok_and(|element| says_once(contents.get(element.contents).unwrap_or_default()))
        }),
        0x32 => wire::fields(contents, 0).all(|element| {
            element.is_ok_and(|element| {
                pair_says_once(contents.get(element.contents).unwrap_or_default())
            })
        }),
        _ => true,
    }
}

fn pair_says_once(pair: &[u8]) -> bool {
    let (mut keys, mut values) = (0, 0);
    for field in wire::fields(pair, 0) {
        let Ok(field) = field else { return false };
        match field.tag {
            0x0a => keys += 1,
            0x12 => {
                values += 1;
                if !says_once(pair.get(field.contents).unwrap_or_default()) {
                    return false;
                }
            }
            _ => {}
        }
    }
    keys <= 1 && values <= 1
}

fn read_array(bytes: &[u8]) -> Result<Vec<Value<'_>>, Fault> {
    let mut values = Vec::new();
    for field in wire::fields(bytes, 0) {
        let field = field?;
        if field.tag == 0x0a {
            values.push(Value::read(bytes.get(field.contents).unwrap_or_default())?);
        }
    }
    Ok(values)
}

fn read_map(bytes: &[u8]) -> Result<Vec<Pair<'_>>, Fault> {
    let mut pairs = Vec::new();
    for field in wire::fields(bytes, 0) {
        let field = field?;
        if field.tag == 0x0a {
            pairs.push(Pair::read(bytes.get(field.contents).unwrap_or_default())?);
        }
    }
    Ok(pairs)
}

/// Appends a field with a length.
pub(in crate::scrub::otlp::alter) fn put(out: &mut Vec<u8>, tag: u64, contents: &[u8]) {
    wire::put_varint(out, tag);
    wire::put_varint(out, contents.len() as u64);
    out.extend_from_slice(contents);
}

fn put_varint(out: &mut Vec<u8>, tag: u64, value: u64) {
    wire::put_varint(out, tag);
    wire::put_varint(out, value);
}
