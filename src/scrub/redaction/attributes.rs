//! One attribute map, and the name of a span.
//!
//! Maps, arrays and bytes are one value here: keys within them are not asked for.

use std::borrow::Cow;

use crate::scrub::Signal;
use crate::scrub::otlp::alter::Attributes;
use crate::scrub::otlp::alter::Entry;
use crate::scrub::otlp::alter::Record;
use crate::scrub::otlp::alter::RecordKind;
use crate::scrub::otlp::alter::Value;
use crate::scrub::otlp::alter::render;
use crate::scrub::redaction::Pass;
use crate::scrub::redaction::Redactor;
use crate::scrub::redaction::summary;
use crate::scrub::redaction::summary::Outcome;

/// What becomes of one attribute.
enum Verdict {
    Untouched,
    Removed,
    Ignored,
    Allowed,
    Masked(Vec<u8>),
}

impl Pass<'_> {
    /// Redacts the attributes of a record.
    pub(in crate::scrub::redaction) fn attributes(&mut self, record: &mut Record<'_>) {
        let place = match record.kind() {
            RecordKind::Resource => "resource_attributes",
            RecordKind::Scope => "scope_attributes",
            _ => "attributes",
        };
        let attributes = record.attributes();
        if attributes.is_empty() {
            return;
        }
        let redactor = self.redactor;
        let system = redactor.database.any().then(|| system(attributes)).flatten();
        let mut outcome = Outcome::default();
        for entry in attributes.iter_mut() {
            match redactor.verdict(entry, system.as_deref(), self.signal) {
                Verdict::Untouched => {}
                Verdict::Removed => outcome.removed.push(entry.key().to_vec()),
                Verdict::Ignored => outcome.ignored += 1,
                Verdict::Allowed => outcome.allowed.push(entry.key().to_vec()),
                Verdict::Masked(text) => {
                    outcome.masked.push(entry.key().to_vec());
                    entry.set(Value::text(text));
                }
            }
        }
        if !outcome.removed.is_empty() {
            let silent = !redactor.summary.enabled();
            attributes.retain(|entry| match summary::is_summary(entry.key()) {
                true => !(silent && redactor.is_removed(entry.key())),
                false => redactor.is_ignored(entry.key()) || !redactor.is_removed(entry.key()),
            });
        }
        let (removed, masked) = (outcome.removed.len(), outcome.masked.len());
        outcome.write(redactor.summary, &summary::ATTRIBUTES, attributes);
        self.note(&redactor.rules.removed, place, removed);
        self.note(&redactor.rules.masked, place, masked);
    }

    /// Sanitizes the name of a span that is about HTTP or a database.
    pub(in crate::scrub::redaction) fn span_name(&mut self, span: &mut Record<'_>) {
        let redactor = self.redactor;
        if redactor.url.is_none() && !redactor.database.any() {
            return;
        }
        let name = span.text("name").unwrap_or_default().into_owned();
        if redactor.is_allowed(&name) {
            return;
        }
        let kind = span.number("kind").unwrap_or_default();
        let attributes = span.attributes();
        let mut sanitized = None;
        if let Some(url) = &redactor.url
            && redactor.settings.url_sanitizer.sanitize_span_name != Some(false)
        {
            sanitized = url.span_name(&name, kind, attributes);
        }
        if sanitized.is_none()
            && redactor.settings.db_sanitizer.sanitize_span_name != Some(false)
            && let Some(system) = system(attributes)
        {
            sanitized = redactor.database.span_name(&name, kind, &system);
        }
        if let Some(sanitized) = sanitized
            && !sanitized.is_empty()
            && sanitized != b"..."
        {
            span.set_text("name", sanitized);
            self.note(&redactor.rules.masked, "name", 1);
        }
    }
}

impl Redactor {
    fn verdict(&self, entry: &Entry<'_>, system: Option<&str>, signal: Signal) -> Verdict {
        let key = entry.key();
        if summary::is_summary(key) {
            let removed = !self.summary.enabled() && self.is_removed(key);
            return if removed { Verdict::Removed } else { Verdict::Untouched };
        }
        if self.is_ignored(key) {
            return Verdict::Ignored;
        }
        if self.is_removed(key) {
            return Verdict::Removed;
        }
        let value;
        let text: Cow<'_, [u8]> = match entry.text() {
            Some(text) => Cow::Borrowed(text),
            None if self.settings.redact_all_types => {
                value = entry.value();
                render(&value)
            }
            None => Cow::Borrowed(b""),
        };
        if self.is_allowed(&text) {
            return Verdict::Allowed;
        }
        if self.is_blocked(key) {
            return Verdict::Masked(self.mask.of(&text));
        }
        let mut now = Cow::Borrowed(&*text);
        if let Some(masked) = self.masked(&now) {
            now = Cow::Owned(masked);
        }
        if let Some(url) = &self.url
            && url.covers(key)
            && !now.is_empty()
        {
            now = Cow::Owned(url.sanitize(&now));
        }
        if let Some(sanitized) = self.database.attribute(&now, key, system, signal) {
            now = Cow::Owned(sanitized);
        }
        match *now == *text {
            true => Verdict::Untouched,
            false => Verdict::Masked(now.into_owned()),
        }
    }
}

/// The database that the attributes are about, in lower case.
fn system(attributes: &Attributes<'_>) -> Option<String> {
    ["db.system.name", "db.system"].iter().find_map(|key| {
        let text = attributes.get(key.as_bytes())?.text()?;
        (!text.is_empty()).then(|| String::from_utf8_lossy(text).to_lowercase())
    })
}
