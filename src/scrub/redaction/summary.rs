//! What was done, as attributes beside the data.

use crate::scrub::otlp::alter::Attributes;
use crate::scrub::otlp::alter::Value;
use crate::scrub::redaction::settings::Summary;

/// The keys that something happened to, in the order of the data.
#[derive(Default)]
pub(in crate::scrub::redaction) struct Outcome {
    pub removed: Vec<Vec<u8>>,
    pub masked: Vec<Vec<u8>>,
    pub allowed: Vec<Vec<u8>>,
    pub ignored: usize,
}

/// The attributes that a summary is written to.
pub(in crate::scrub::redaction) struct Names {
    removed: [&'static str; 2],
    masked: [&'static str; 2],
    allowed: [&'static str; 2],
    ignored: &'static str,
}

/// Those of attributes.
pub(in crate::scrub::redaction) const ATTRIBUTES: Names = Names {
    removed: ["redaction.redacted.keys", "redaction.redacted.count"],
    masked: ["redaction.masked.keys", "redaction.masked.count"],
    allowed: ["redaction.allowed.keys", "redaction.allowed.count"],
    ignored: "redaction.ignored.count",
};

/// Those of log bodies.
pub(in crate::scrub::redaction) const BODY: Names = Names {
    removed: ["redaction.body.redacted.keys", "redaction.body.redacted.count"],
    masked: ["redaction.body.masked.keys", "redaction.body.masked.count"],
    allowed: ["redaction.body.allowed.keys", "redaction.body.allowed.count"],
    ignored: "redaction.body.ignored.count",
};

/// Whether an attribute is one of a summary.
pub(in crate::scrub::redaction) fn is_summary(key: &[u8]) -> bool {
    key.starts_with(b"redaction.")
        && [ATTRIBUTES, BODY].iter().any(|names| {
            let lists = [names.removed, names.masked, names.allowed];
            lists.iter().flatten().chain([&names.ignored]).any(|name| name.as_bytes() == key)
        })
}

impl Outcome {
    /// Writes the summary. What was removed or masked adds to what a processor before
    /// wrote; what was allowed or ignored is said anew.
    pub(in crate::scrub::redaction) fn write(
        self,
        summary: Summary,
        names: &Names,
        attributes: &mut Attributes<'_>,
    ) {
        if !summary.enabled() {
            return;
        }
        accumulate(self.removed, names.removed, summary, attributes);
        accumulate(self.masked, names.masked, summary, attributes);
        let [keys, count] = names.allowed;
        if self.allowed.is_empty() {
            attributes.remove(keys.as_bytes());
            attributes.remove(count.as_bytes());
        } else {
            put(self.allowed.len() as i64, self.allowed, names.allowed, summary, attributes);
        }
        match self.ignored {
            0 => drop(attributes.remove(names.ignored.as_bytes())),
            ignored => attributes.put(names.ignored.as_bytes(), Value::Int(ignored as i64)),
        }
    }
}

fn accumulate(
    mut keys: Vec<Vec<u8>>,
    names: [&'static str; 2],
    summary: Summary,
    attributes: &mut Attributes<'_>,
) {
    if keys.is_empty() {
        return;
    }
    let mut count = keys.len() as i64;
    let [keys_name, count_name] = names;
    if let Some(before) = attributes.get(keys_name.as_bytes()).and_then(|entry| entry.text())
        && !before.is_empty()
    {
        keys.extend(before.split(|byte| *byte == b',').map(<[u8]>::to_vec));
    }
    if let Some(Value::Int(before)) =
        attributes.get(count_name.as_bytes()).map(|entry| entry.value())
    {
        count = count.wrapping_add(before);
    }
    put(count, keys, names, summary, attributes);
}

fn put(
    count: i64,
    mut keys: Vec<Vec<u8>>,
    [keys_name, count_name]: [&'static str; 2],
    summary: Summary,
    attributes: &mut Attributes<'_>,
) {
    if summary == Summary::Debug {
        keys.sort();
        attributes.put(keys_name.as_bytes(), Value::text(keys.join(&b',')));
    }
    attributes.put(count_name.as_bytes(), Value::Int(count));
}
