//! The attributes of one record.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use crate::scrub::otlp::Edit;
use crate::scrub::otlp::alter::value::Pair;
use crate::scrub::otlp::alter::value::Value;
use crate::scrub::otlp::alter::value::put;
use crate::scrub::otlp::alter::value::says_once;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// The attributes of a record, in wire order. A key may come twice.
#[derive(Clone, Debug, Default)]
pub struct Attributes<'r> {
    entries: Vec<Entry<'r>>,
    /// The entries on the wire that are gone.
    removed: Vec<Range<usize>>,
}

/// One attribute.
#[derive(Clone, Debug)]
pub struct Entry<'r> {
    key: Cow<'r, [u8]>,
    key_index: i64,
    value: Slot<'r>,
    /// Where it stands in the request, with its tag; `None` for a new one.
    field: Option<Range<usize>>,
    changed: bool,
}

/// A value, read as far as it was needed.
#[derive(Clone, Debug)]
enum Slot<'r> {
    /// A text, as most are.
    Text(&'r [u8]),
    /// The contents of an `AnyValue`.
    Wire(&'r [u8]),
    Value(Value<'r>),
}

impl<'r> Entry<'r> {
    /// The key; need not be UTF-8.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The text, where the value is one.
    pub fn text(&self) -> Option<&[u8]> {
        match &self.value {
            Slot::Text(text) => Some(text),
            Slot::Value(value) => value.as_text(),
            Slot::Wire(_) => None,
        }
    }

    /// The value.
    pub fn value(&self) -> Value<'r> {
        match &self.value {
            Slot::Text(text) => Value::Text(Cow::Borrowed(text)),
            // What the walk has seen can be read.
            Slot::Wire(bytes) => Value::read(bytes).unwrap_or_default(),
            Slot::Value(value) => value.clone(),
        }
    }

    /// Puts another value there.
    pub fn set(&mut self, value: Value<'r>) {
        self.value = Slot::Value(value);
        self.changed = true;
    }

    /// Reads an attribute whose contents are `bytes` and whose field is `field`.
    fn read(bytes: &'r [u8], field: Range<usize>) -> Result<Self, Fault> {
        let plain = Self::plain(bytes);
        let (key, value) = match plain {
            Some(plain) => plain,
            None => {
                // It says something twice, or in an unusual order: as it is read, so
                // it is written.
                let pair = Pair::read(bytes)?;
                let value = Slot::Value(pair.value);
                let (key, key_index) = (pair.key, pair.key_index);
                return Ok(Self { key, key_index, value, field: Some(field), changed: true });
            }
        };
        Ok(Self {
            key: Cow::Borrowed(key),
            key_index: 0,
            value,
            field: Some(field),
            changed: false,
        })
    }

    /// The key and the value where both are said once, the key first.
    fn plain(bytes: &'r [u8]) -> Option<(&'r [u8], Slot<'r>)> {
        let field = |at: usize, tag: u8| {
            (bytes.get(at) == Some(&tag)).then(|| wire::delimited(bytes, at + 1).ok()).flatten()
        };
        let key = field(0, 0x0a).unwrap_or(0..0);
        let value = if key.end == bytes.len() { key.end..key.end } else { field(key.end, 0x12)? };
        if value.end != bytes.len() {
            return None;
        }
        let (key, value) = (bytes.get(key)?, bytes.get(value)?);
        let mut fields = wire::fields(value, 0);
        let slot = match fields.next() {
            None => Slot::Wire(value),
            Some(Ok(one)) if one.range.end == value.len() => match one.tag {
                0x0a => Slot::Text(value.get(one.contents)?),
                0x2a | 0x32 if !says_once(value) => return None,
                _ => Slot::Wire(value),
            },
            Some(_) => return None,
        };
        Some((key, slot))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let value = self.value();
        let pair = Pair { key: Cow::Borrowed(&*self.key), key_index: self.key_index, value };
        pair.write(out);
    }
}

impl<'r> Attributes<'r> {
    /// Adds one that stands in the request.
    pub(in crate::scrub::otlp::alter) fn occurs(
        &mut self,
        bytes: &'r [u8],
        field: Range<usize>,
    ) -> Result<(), Fault> {
        self.entries.push(Entry::read(bytes, field)?);
        Ok(())
    }

    /// The attributes.
    pub fn iter(&self) -> std::slice::Iter<'_, Entry<'r>> {
        self.entries.iter()
    }

    /// The attributes, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Entry<'r>> {
        self.entries.iter_mut()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The first with this key.
    pub fn get(&self, key: &[u8]) -> Option<&Entry<'r>> {
        self.entries.iter().find(|entry| entry.key() == key)
    }

    /// Puts a value under a key: in place of the first that there is, or at the end.
    pub fn put(&mut self, key: &[u8], value: Value<'r>) {
        match self.entries.iter_mut().find(|entry| entry.key() == key) {
            Some(entry) => entry.set(value),
            None => self.entries.push(Entry {
                key: Cow::Owned(key.to_vec()),
                key_index: 0,
                value: Slot::Value(value),
                field: None,
                changed: true,
            }),
        }
    }

    /// Removes the first with this key. Whether there was one.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let Some(at) = self.entries.iter().position(|entry| entry.key() == key) else {
            return false;
        };
        let entry = self.entries.remove(at);
        self.removed.extend(entry.field);
        true
    }

    /// Keeps only those for which `keep` says so.
    pub fn retain(&mut self, mut keep: impl FnMut(&Entry<'r>) -> bool) {
        let removed = &mut self.removed;
        self.entries.retain(|entry| {
            let kept = keep(entry);
            if !kept {
                removed.extend(entry.field.clone());
            }
            kept
        });
    }

    /// Gives each the key that `name` has for it. Of those that then have one key, the
    /// last value stays, at the place of the first.
    pub fn rename(&mut self, mut name: impl FnMut(&[u8]) -> Option<Vec<u8>>) {
        let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
        for mut entry in std::mem::take(&mut self.entries) {
            if let Some(key) = name(entry.key()) {
                entry.key = Cow::Owned(key);
                entry.changed = true;
            }
            match places.get(entry.key()).and_then(|at| self.entries.get_mut(*at)) {
                Some(before) => {
                    before.set(entry.value());
                    self.removed.extend(entry.field);
                }
                None => {
                    places.insert(entry.key().to_vec(), self.entries.len());
                    self.entries.push(entry);
                }
            }
        }
    }

    /// Cuts all after the first `len`.
    pub fn truncate(&mut self, len: usize) {
        let cut = self.entries.drain(len.min(self.entries.len())..);
        self.removed.extend(cut.filter_map(|entry| entry.field));
    }

    /// What has to change in the request, and what is to be added behind; `tag` is
    /// that of the attributes.
    pub(in crate::scrub::otlp::alter) fn changes(&self, tag: u64) -> (Vec<Edit>, Vec<u8>) {
        let gone = |range: &Range<usize>| Edit { range: range.clone(), bytes: Vec::new() };
        let mut changes: Vec<Edit> = self.removed.iter().map(gone).collect();
        let mut added = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.changed) {
            let mut contents = Vec::new();
            entry.write(&mut contents);
            match &entry.field {
                Some(field) => {
                    let mut bytes = Vec::with_capacity(contents.len() + 4);
                    put(&mut bytes, tag, &contents);
                    changes.push(Edit { range: field.clone(), bytes });
                }
                None => put(&mut added, tag, &contents),
            }
        }
        (changes, added)
    }
}
