//! The body of a log record: of any type, and asked for keys at every depth.

use crate::scrub::otlp::alter::Pair;
use crate::scrub::otlp::alter::Record;
use crate::scrub::otlp::alter::Value;
use crate::scrub::otlp::alter::render;
use crate::scrub::redaction::Pass;
use crate::scrub::redaction::Redactor;
use crate::scrub::redaction::summary;
use crate::scrub::redaction::summary::Outcome;

impl Pass<'_> {
    /// Redacts the body of a log record.
    pub(in crate::scrub::redaction) fn body(&mut self, log: &mut Record<'_>) {
        let redactor = self.redactor;
        let mut outcome = Outcome::default();
        let mut body = log.body().clone();
        let mut changed = false;
        match &mut body {
            Value::Map(pairs) => changed = redactor.map(pairs, None, &mut outcome),
            Value::Array(values) => changed = redactor.array(values, None, &mut outcome),
            leaf => changed |= redactor.leaf(leaf, b"body", &mut outcome),
        }
        if changed {
            log.set_body(body);
        }
        let (removed, masked) = (outcome.removed.len(), outcome.masked.len());
        outcome.write(redactor.summary, &summary::BODY, log.attributes());
        self.note(&redactor.rules.removed, "body", removed);
        self.note(&redactor.rules.masked, "body", masked);
    }
}

impl Redactor {
    /// Redacts a map that stands under `path`. Whether anything changed.
    fn map(&self, pairs: &mut Vec<Pair<'_>>, path: Option<&[u8]>, outcome: &mut Outcome) -> bool {
        let mut changed = false;
        let mut removed = Vec::new();
        for pair in pairs.iter_mut() {
            if self.is_ignored(&pair.key) {
                outcome.ignored += 1;
                continue;
            }
            let inner = match path {
                None => pair.key.to_vec(),
                Some(path) => [path, b".", &pair.key].concat(),
            };
            if self.is_removed(&pair.key) {
                removed.push(inner);
            } else if self.is_blocked(&pair.key) {
                let text = pair.value.as_text().unwrap_or_default();
                pair.value = Value::text(self.mask.of(text));
                outcome.masked.push(inner);
                changed = true;
            } else {
                changed |= self.value(&mut pair.value, &inner, outcome);
            }
        }
        if !removed.is_empty() {
            pairs.retain(|pair| self.is_ignored(&pair.key) || !self.is_removed(&pair.key));
            outcome.removed.append(&mut removed);
            changed = true;
        }
        changed
    }

    fn array(&self, values: &mut [Value<'_>], path: Option<&[u8]>, outcome: &mut Outcome) -> bool {
        let mut changed = false;
        for (at, value) in values.iter_mut().enumerate() {
            let mut inner = path.map(|path| [path, b"."].concat()).unwrap_or_default();
            inner.extend_from_slice(format!("[{at}]").as_bytes());
            changed |= self.value(value, &inner, outcome);
        }
        changed
    }

    fn value(&self, value: &mut Value<'_>, path: &[u8], outcome: &mut Outcome) -> bool {
        match value {
            Value::Map(pairs) => self.map(pairs, Some(path), outcome),
            Value::Array(values) => self.array(values, Some(path), outcome),
            leaf => self.leaf(leaf, path, outcome),
        }
    }

    fn leaf(&self, leaf: &mut Value<'_>, path: &[u8], outcome: &mut Outcome) -> bool {
        let text = render(leaf).into_owned();
        if self.is_allowed(&text) {
            outcome.allowed.push(path.to_vec());
            return false;
        }
        let mut now = self.masked(&text).unwrap_or_else(|| text.clone());
        if let Some(url) = &self.url {
            now = url.sanitize(&now);
        }
        if let Some(sanitized) = self.database.text(&now) {
            now = sanitized;
        }
        if now == text {
            return false;
        }
        outcome.masked.push(path.to_vec());
        *leaf = Value::text(now);
        true
    }
}
