//! A YAML text as a tree that remembers where everything stood.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::shown;
use crate::scrub::yaml::typed;

/// Where something stood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file, or whatever else the text came from.
    pub source: Option<Arc<str>>,
    /// From 1; 0: not known, or the text is no file.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// What left it empty, as a whole or in parts.
    pub unset: Option<Arc<Unset>>,
}

/// Environment variables that are not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unset(pub Vec<String>);

impl fmt::Display for Unset {
    /// What to do about each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().map(|name| shown::name(name)).try_for_each(|name| {
            write!(f, "; environment variable {name} is not set: set it, or write ${{env:{name}:-default}}")
        })
    }
}

impl fmt::Display for Place {
    /// ` at line 4, column 7 of gateway.yaml`, as far as it is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, &self.source) {
            (0, None) => Ok(()),
            (0, Some(source)) => write!(f, " in {source}"),
            (line, None) => write!(f, " at line {line}, column {}", self.column),
            (line, Some(source)) => {
                write!(f, " at line {line}, column {} of {source}", self.column)
            }
        }
    }
}

/// A value and where it stood.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it begins.
    pub place: Place,
    /// Where it was read from a text that stood for the whole value (an environment
    /// variable, say): that text, which is what a string gets. Everything else gets
    /// what the text means.
    pub text: Option<String>,
}

/// A value.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// Text that may mean a boolean or a number.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order of the text. Invariant: no key twice.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stood.
    pub key_place: Place,
    /// The value.
    pub node: Node,
}

/// A scalar as it was written; what it means follows from its form.
#[derive(Clone, PartialEq, Eq)]
pub struct Scalar {
    /// The text, without quotes and escapes.
    pub text: String,
    /// How it was written.
    pub form: Form,
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Without quotes: may be a number or a boolean, and then is no string.
    Plain,
    /// In quotes or as a block: always a string.
    Quoted,
}

/// What a scalar means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::scrub::yaml) enum Meaning<'a> {
    /// Nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A number with a point, or infinite, or none.
    Float(f64),
    /// A string.
    Text(&'a str),
}

impl Scalar {
    /// Whether it means a text, not a number or a boolean.
    pub(in crate::scrub::yaml) fn resolve_is_text(&self) -> bool {
        matches!(self.resolve(), Meaning::Text(_))
    }

    /// What the text means, by the core schema of YAML 1.2; with the octal `0123`
    /// of YAML 1.1, which the Collector reads, too.
    pub(in crate::scrub::yaml) fn resolve(&self) -> Meaning<'_> {
        let text = self.text.as_str();
        if self.form == Form::Quoted {
            return Meaning::Text(text);
        }
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Meaning::Null,
            "true" | "True" | "TRUE" => Meaning::Bool(true),
            "false" | "False" | "FALSE" => Meaning::Bool(false),
            ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Meaning::Float(f64::INFINITY),
            "-.inf" | "-.Inf" | "-.INF" => Meaning::Float(f64::NEG_INFINITY),
            ".nan" | ".NaN" | ".NAN" => Meaning::Float(f64::NAN),
            _ => number(text).unwrap_or(Meaning::Text(text)),
        }
    }
}

fn number(text: &str) -> Option<Meaning<'_>> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    let (digits, radix) = if let Some(digits) = unsigned.strip_prefix("0x") {
        (digits, 16)
    } else if let Some(digits) = unsigned.strip_prefix("0o") {
        (digits, 8)
    } else if let Some(digits) = unsigned.strip_prefix("0b") {
        (digits, 2)
    } else if 1 < unsigned.len()
        && unsigned.starts_with('0')
        && unsigned.bytes().all(|b| (b'0'..=b'7').contains(&b))
    {
        (unsigned, 8)
    } else {
        (unsigned, 10)
    };
    if digits.bytes().all(|b| char::from(b).is_digit(radix))
        && let Ok(value) = i128::from_str_radix(digits, radix)
    {
        return Some(Meaning::Int(if text.starts_with('-') { -value } else { value }));
    }
    let decimal = unsigned.bytes().all(|b| b.is_ascii_digit() || b".eE+-".contains(&b))
        && unsigned.bytes().any(|b| b.is_ascii_digit());
    if radix == 10 && decimal { text.parse().ok().map(Meaning::Float) } else { None }
}

impl Node {
    /// A null that stood nowhere.
    pub fn null() -> Self {
        Self::new(Value::Null, Place::default())
    }

    /// A value that stood somewhere.
    pub fn new(value: Value, place: Place) -> Self {
        Self { value, place, text: None }
    }

    /// Reads a `T`; `path` is where this node stands in the whole text.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T, YamlError> {
        typed::read(self, path)
    }

    /// The value under `key`, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Map(entries) => {
                entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
            }
            _ => None,
        }
    }

    /// The element at `at`, if this is a list that has it; a scalar where a list is due
    /// is a list of one.
    pub fn element(&self, at: usize) -> Option<&Self> {
        match &self.value {
            Value::List(nodes) => nodes.get(at),
            Value::Scalar(_) if at == 0 => Some(self),
            _ => None,
        }
    }

    /// The same tree without what it says: keys and places. Where a variable was put in,
    /// nothing of what it became.
    #[must_use]
    pub fn outline(&self) -> Self {
        let value = match &self.value {
            _ if self.text.is_some() => Value::Null,
            Value::Null => Value::Null,
            Value::Scalar(_) => Value::Scalar(Scalar { text: String::new(), form: Form::Quoted }),
            Value::List(nodes) => Value::List(nodes.iter().map(Self::outline).collect()),
            Value::Map(entries) => {
                let entries = entries.iter().map(|entry| Entry {
                    key: entry.key.clone(),
                    key_place: entry.key_place.clone(),
                    node: entry.node.outline(),
                });
                Value::Map(entries.collect())
            }
        };
        Self::new(value, self.place.clone())
    }

    /// Lays `other` over this: maps are merged key by key to any depth, everything
    /// else is replaced (Collector, `confmap/resolver.go`).
    pub fn merge(&mut self, other: Self) {
        match (&mut self.value, other.value) {
            (Value::Map(mine), Value::Map(theirs)) => {
                for entry in theirs {
                    match mine.iter_mut().find(|old| old.key == entry.key) {
                        Some(old) => old.node.merge(entry.node),
                        None => mine.push(entry),
                    }
                }
            }
            (_, value) => *self = Self { value, place: other.place, text: other.text },
        }
    }
}

impl fmt::Debug for Node {
    /// Keys only: values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Where a variable was put in, what was a key may be a part of it.
        if let Some(text) = &self.text {
            return write!(f, "<{} bytes>", text.len());
        }
        match &self.value {
            Value::Null => f.write_str("null"),
            Value::Scalar(scalar) => write!(f, "<{} bytes>", scalar.text.len()),
            Value::List(nodes) => f.debug_list().entries(nodes).finish(),
            Value::Map(entries) => f
                .debug_map()
                .entries(entries.iter().map(|entry| (&entry.key, &entry.node)))
                .finish(),
        }
    }
}
