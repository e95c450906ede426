//! What statements do to records.

use std::borrow::Cow;

use crate::scrub::otlp::alter::Attributes;
use crate::scrub::otlp::alter::Inner;
use crate::scrub::otlp::alter::Pair;
use crate::scrub::otlp::alter::Value;
use crate::scrub::ottl::Unfit;
use crate::scrub::ottl::parse::Key;
use crate::scrub::ottl::place::Access;
use crate::scrub::ottl::place::Field;
use crate::scrub::ottl::value::Scene;
use crate::scrub::ottl::value::Source;
use crate::scrub::ottl::value::sha256;
use crate::scrub::re2::Found;
use crate::scrub::re2::Pattern;

/// A compiled editor.
#[derive(Debug)]
pub(in crate::scrub::ottl) struct Edit {
    pub(in crate::scrub::ottl) target: Access,
    pub(in crate::scrub::ottl) act: Act,
}

/// What is done with the target.
#[derive(Debug)]
pub(in crate::scrub::ottl) enum Act {
    Set(Source),
    ReplacePattern(Pattern, Replacement),
    ReplaceMatch(Pattern, Vec<u8>),
    OnMap(MapAct),
}

/// What is done with attributes, or with a map in them.
#[derive(Debug)]
pub(in crate::scrub::ottl) enum MapAct {
    ReplaceInValues(Pattern, Replacement),
    ReplaceInKeys(Pattern, Replacement),
    ReplaceMatches(Pattern, Vec<u8>),
    DeleteKey(Vec<u8>),
    DeleteMatching(Pattern),
    Keep(Vec<Vec<u8>>),
    KeepMatching(Pattern),
    Truncate { limit: usize, at_characters: bool, marker: Vec<u8> },
    Limit { limit: usize, first: Vec<Vec<u8>> },
}

/// What takes the place of a match.
#[derive(Clone, Debug)]
pub(in crate::scrub::ottl) struct Replacement {
    /// With `$1`, `${name}` and `$$`, as in Go.
    pub(in crate::scrub::ottl) template: Vec<u8>,
    /// Whether its SHA-256 is taken.
    pub(in crate::scrub::ottl) hashed: bool,
    /// What stands around the hash.
    pub(in crate::scrub::ottl) around: (String, String),
}

impl Replacement {
    fn write(&self, found: &Found<'_>, out: &mut Vec<u8>) {
        if !self.hashed {
            return expand(&self.template, found, out);
        }
        let mut text = Vec::new();
        expand(&self.template, found, &mut text);
        out.extend_from_slice(&self.hash(&text));
    }

    fn hash(&self, text: &[u8]) -> Vec<u8> {
        let (before, behind) = &self.around;
        format!("{before}{}{behind}", sha256(text)).into_bytes()
    }

    /// What takes the place of a whole text, in which `$1` has no meaning.
    pub(in crate::scrub::ottl) fn whole(self) -> Vec<u8> {
        match self.hashed {
            true => self.hash(&self.template),
            false => self.template,
        }
    }

    fn in_text(&self, pattern: &Pattern, text: &[u8]) -> Option<Vec<u8>> {
        pattern.replace_all(text, |found, out| self.write(found, out))
    }
}

/// Puts groups in for their names, as Go's `Regexp.Expand`.
fn expand(template: &[u8], found: &Found<'_>, out: &mut Vec<u8>) {
    let mut rest = template;
    while let Some(at) = memchr::memchr(b'$', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        rest = rest.get(at + 1..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(b"$") {
            out.push(b'$');
            rest = after;
            continue;
        }
        let (inner, in_braces) = match rest.strip_prefix(b"{") {
            Some(inner) => (inner, true),
            None => (rest, false),
        };
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let len = inner.iter().take_while(|byte| is_word(byte)).count();
        let (name, after) = inner.split_at_checked(len).unwrap_or_default();
        let after = if in_braces { after.strip_prefix(b"}") } else { Some(after) };
        let (false, Some(after)) = (name.is_empty(), after) else {
            out.push(b'$');
            continue;
        };
        let name = std::str::from_utf8(name).unwrap_or_default();
        out.extend_from_slice(match name.bytes().all(|byte| byte.is_ascii_digit()) {
            true => name.parse().map_or(&[][..], |index| found.group(index)),
            false => found.group_named(name),
        });
        rest = after;
    }
    out.extend_from_slice(rest);
}

impl Edit {
    /// Does it.
    pub(in crate::scrub::ottl) fn run(&self, scene: &mut Scene<'_, '_>) -> Result<(), Unfit> {
        match &self.act {
            // Of nothing, a value without one is made, since contrib 0.158.
            Act::Set(source) => {
                let value = source.get(scene)?.unwrap_or_default();
                self.set(scene, value)
            }
            Act::ReplacePattern(pattern, replacement) => {
                self.replace(scene, |text| replacement.in_text(pattern, text))
            }
            Act::ReplaceMatch(pattern, by) => {
                self.replace(scene, |text| pattern.is_match(text).then(|| by.clone()))
            }
            Act::OnMap(act) => self.on_map(scene, act),
        }
    }

    /// Where the target is a text, puts what `change` makes of it there.
    fn replace(
        &self,
        scene: &mut Scene<'_, '_>,
        change: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<(), Unfit> {
        let now = Source::Field(self.target.clone()).get(scene)?;
        match now.as_ref().and_then(Value::as_text).and_then(change) {
            None => Ok(()),
            Some(text) => self.set(scene, Value::text(text)),
        }
    }

    fn set<'r>(&self, scene: &mut Scene<'_, 'r>, value: Value<'r>) -> Result<(), Unfit> {
        let record = scene.record(self.target.owner)?;
        match (self.target.field, value) {
            (Field::Attributes, value) => {
                let Some((Key::Text(first), rest)) = self.target.keys.split_first() else {
                    return Err(Unfit("all attributes cannot be set at once"));
                };
                let attributes = record.attributes();
                let old = attributes.get(first).map(|entry| entry.value());
                let new = put_within(old.unwrap_or_default(), rest, value)?;
                attributes.put(first, new);
            }
            (Field::Body, value) => {
                let new = put_within(record.body().clone(), &self.target.keys, value)?;
                record.set_body(new);
            }
            (Field::BodyText, Value::Text(text)) => record.set_body(Value::Text(text)),
            (Field::Text(name), Value::Text(text)) => {
                record.set_text(name, text.into_owned());
            }
            (Field::Number(name), Value::Int(value)) => {
                record.set_number(name, value.cast_unsigned());
            }
            (Field::StatusMessage, Value::Text(text)) => {
                record.set_in("status", "message", Inner::Text(text.into_owned()));
            }
            (Field::StatusCode, Value::Int(value)) => {
                record.set_in("status", "code", Inner::Number(value.cast_unsigned()));
            }
            _ => return Err(Unfit("the field takes no value of this type")),
        }
        Ok(())
    }

    fn on_map(&self, scene: &mut Scene<'_, '_>, act: &MapAct) -> Result<(), Unfit> {
        const NO_MAP: Unfit = Unfit("this function wants a map");
        let record = scene.record(self.target.owner)?;
        match (self.target.field, self.target.keys.split_first()) {
            (Field::Attributes, None) => act.run(record.attributes()),
            (Field::Attributes, Some((Key::Text(first), rest))) => {
                let attributes = record.attributes();
                let old = attributes.get(first).map(|entry| entry.value()).ok_or(NO_MAP)?;
                let mut new = old.clone();
                act.run(map_within(&mut new, rest).ok_or(NO_MAP)?);
                if new != old {
                    attributes.put(first, new);
                }
            }
            (Field::Body, _) => {
                let mut new = record.body().clone();
                act.run(map_within(&mut new, &self.target.keys).ok_or(NO_MAP)?);
                if new != *record.body() {
                    record.set_body(new);
                }
            }
            _ => return Err(NO_MAP),
        }
        Ok(())
    }
}

/// `value` with another in it, behind keys; maps are made where there is nothing.
fn put_within<'r>(mut value: Value<'r>, keys: &[Key], new: Value<'r>) -> Result<Value<'r>, Unfit> {
    const NO_SUCH: Unfit = Unfit("this value has no such keys");
    let Some((first, rest)) = keys.split_first() else { return Ok(new) };
    match (first, &mut value) {
        (Key::Text(key), Value::Empty) => {
            let inner = put_within(Value::Empty, rest, new)?;
            return Ok(Value::Map(vec![pair(key, inner)]));
        }
        (Key::Text(key), Value::Map(pairs)) => {
            match pairs.iter_mut().find(|pair| *pair.key == **key) {
                Some(pair) => {
                    pair.value = put_within(std::mem::take(&mut pair.value), rest, new)?;
                }
                None => pairs.push(pair(key, put_within(Value::Empty, rest, new)?)),
            }
        }
        (Key::Index(at), Value::Array(values)) => {
            let at = usize::try_from(*at).map_err(|_| NO_SUCH)?;
            let slot = values.get_mut(at).ok_or(NO_SUCH)?;
            *slot = put_within(std::mem::take(slot), rest, new)?;
        }
        _ => return Err(NO_SUCH),
    }
    Ok(value)
}

fn pair<'r>(key: &[u8], value: Value<'r>) -> Pair<'r> {
    Pair { key: Cow::Owned(key.to_vec()), key_index: 0, value }
}

fn map_within<'v, 'r>(value: &'v mut Value<'r>, keys: &[Key]) -> Option<&'v mut Vec<Pair<'r>>> {
    match (keys.split_first(), value) {
        (None, Value::Map(pairs)) => Some(pairs),
        (Some((Key::Text(key), rest)), Value::Map(pairs)) => {
            let pair = pairs.iter_mut().find(|pair| *pair.key == **key)?;
            map_within(&mut pair.value, rest)
        }
        (Some((Key::Index(at), rest)), Value::Array(values)) => {
            map_within(values.get_mut(usize::try_from(*at).ok()?)?, rest)
        }
        _ => None,
    }
}

/// Attributes, or a map in them.
trait Pairs {
    fn count(&self) -> usize;
    fn has(&self, key: &[u8]) -> bool;
    /// Puts what `change` makes of each text there.
    fn texts(&mut self, change: &dyn Fn(&[u8]) -> Option<Vec<u8>>);
    fn retain(&mut self, keep: &mut dyn FnMut(&[u8]) -> bool);
    /// Removes the first.
    fn remove(&mut self, key: &[u8]);
    fn rename(&mut self, name: &dyn Fn(&[u8]) -> Option<Vec<u8>>);
}

impl Pairs for Attributes<'_> {
    fn count(&self) -> usize {
        self.len()
    }

    fn has(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    fn texts(&mut self, change: &dyn Fn(&[u8]) -> Option<Vec<u8>>) {
        for entry in self.iter_mut() {
            if let Some(text) = entry.text().and_then(change) {
                entry.set(Value::text(text));
            }
        }
    }

    fn retain(&mut self, keep: &mut dyn FnMut(&[u8]) -> bool) {
        Attributes::retain(self, |entry| keep(entry.key()));
    }

    fn remove(&mut self, key: &[u8]) {
        Attributes::remove(self, key);
    }

    fn rename(&mut self, name: &dyn Fn(&[u8]) -> Option<Vec<u8>>) {
        Attributes::rename(self, name);
    }
}

impl Pairs for Vec<Pair<'_>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn has(&self, key: &[u8]) -> bool {
        self.iter().any(|pair| *pair.key == *key)
    }

    fn texts(&mut self, change: &dyn Fn(&[u8]) -> Option<Vec<u8>>) {
        for pair in self {
            if let Some(text) = pair.value.as_text().and_then(change) {
                pair.value = Value::text(text);
            }
        }
    }

    fn retain(&mut self, keep: &mut dyn FnMut(&[u8]) -> bool) {
        Vec::retain(self, |pair| keep(&pair.key));
    }

    fn remove(&mut self, key: &[u8]) {
        if let Some(at) = self.iter().position(|pair| *pair.key == *key) {
            Vec::remove(self, at);
        }
    }

    fn rename(&mut self, name: &dyn Fn(&[u8]) -> Option<Vec<u8>>) {
        let mut places = std::collections::HashMap::new();
        for mut pair in std::mem::take(self) {
            if let Some(key) = name(&pair.key) {
                pair.key = Cow::Owned(key);
            }
            match places.get(&pair.key).and_then(|at: &usize| self.get_mut(*at)) {
                Some(before) => before.value = pair.value,
                None => {
                    places.insert(pair.key.clone(), self.len());
                    self.push(pair);
                }
            }
        }
    }
}

impl MapAct {
    fn run(&self, pairs: &mut dyn Pairs) {
        let is_one = |keys: &[Vec<u8>], key: &[u8]| keys.iter().any(|one| one == key);
        match self {
            Self::ReplaceInValues(pattern, replacement) => {
                pairs.texts(&|text| replacement.in_text(pattern, text));
            }
            Self::ReplaceInKeys(pattern, replacement) => {
                pairs.rename(&|key| replacement.in_text(pattern, key));
            }
            Self::ReplaceMatches(pattern, by) => {
                pairs.texts(&|text| pattern.is_match(text).then(|| by.clone()));
            }
            Self::DeleteKey(key) => pairs.remove(key),
            Self::DeleteMatching(pattern) => pairs.retain(&mut |key| !pattern.is_match(key)),
            Self::Keep(keys) => pairs.retain(&mut |key| is_one(keys, key)),
            Self::KeepMatching(pattern) => pairs.retain(&mut |key| pattern.is_match(key)),
            Self::Truncate { limit, at_characters, marker } => {
                pairs.texts(&|text| truncated(text, *limit, *at_characters, marker));
            }
            Self::Limit { limit, first } => {
                if pairs.count() <= *limit {
                    return;
                }
                let mut kept = first.iter().filter(|key| pairs.has(key)).count();
                pairs.retain(&mut |key| {
                    if is_one(first, key) {
                        return true;
                    }
                    kept += 1;
                    kept <= *limit
                });
            }
        }
    }
}

fn truncated(text: &[u8], limit: usize, at_characters: bool, marker: &[u8]) -> Option<Vec<u8>> {
    if text.len() <= limit {
        return None;
    }
    let mut cut = limit.saturating_sub(marker.len());
    let is_inside = |at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    while at_characters && 0 < cut && is_inside(cut) {
        cut -= 1;
    }
    Some([text.get(..cut).unwrap_or_default(), marker].concat())
}
