//! `db_sanitizer`: the values in database commands become `?`.
//!
//! What runs where is the Collector's: on the attributes that are listed, if the same
//! map names a database system that fits (in logs, without one, all that list the
//! attribute, in order); on every text of a log body; on names of database spans.
//! What the commands become is close to Datadog's `pkg/obfuscate`, which the
//! Collector uses, and differs where each module says; where in doubt, more goes.

mod json;
mod redis;
mod sql;

use crate::scrub::Signal;
use crate::scrub::redaction::settings::DbSanitizer;
use crate::scrub::redaction::settings::DbSettings;

/// `SPAN_KIND_INTERNAL`, `SPAN_KIND_SERVER`, `SPAN_KIND_CLIENT`
const KINDS: [u64; 3] = [1, 2, 3];

/// Those of the sanitizers that are on, in the order in which they run.
pub(in crate::scrub::redaction) struct DatabaseSanitizers {
    on: Vec<Sanitizer>,
    /// Whether any lists attributes.
    lists_attributes: bool,
}

struct Sanitizer {
    /// Values of `db.system.name`.
    systems: &'static [&'static str],
    attributes: Vec<String>,
    sanitize: fn(&[u8]) -> Vec<u8>,
}

impl DatabaseSanitizers {
    pub(in crate::scrub::redaction) fn new(settings: &DbSanitizer) -> Self {
        const SQL: &[&str] = &["other_sql", "mysql", "postgresql", "mariadb", "sqlite"];
        type Row<'s> = (&'s DbSettings, &'static [&'static str], fn(&[u8]) -> Vec<u8>, bool);
        let table: [Row<'_>; 7] = [
            (&settings.sql, SQL, sql::sanitize, true),
            (&settings.redis, &["redis"], redis::sanitize, true),
            (&settings.valkey, &["valkey"], redis::sanitize, true),
            (&settings.memcached, &["memcached"], memcached, true),
            (&settings.mongo, &["mongodb"], json::sanitize, true),
            // The Collector does not hand these two their attributes.
            (&settings.opensearch, &["opensearch"], json::sanitize, false),
            (&settings.es, &["elasticsearch"], json::sanitize, false),
        ];
        let on = table.into_iter().filter(|(own, ..)| own.enabled);
        let on: Vec<Sanitizer> = on
            .map(|(own, systems, sanitize, listed)| Sanitizer {
                systems,
                attributes: if listed { own.attributes.clone() } else { Vec::new() },
                sanitize,
            })
            .collect();
        let lists_attributes = on.iter().any(|one| !one.attributes.is_empty());
        Self { on, lists_attributes }
    }

    /// Whether any is on.
    pub(in crate::scrub::redaction) fn any(&self) -> bool {
        !self.on.is_empty()
    }

    /// What the text under `key` becomes; `None` where no sanitizer covers it.
    pub(in crate::scrub::redaction) fn attribute(
        &self,
        text: &[u8],
        key: &[u8],
        system: Option<&str>,
        signal: Signal,
    ) -> Option<Vec<u8>> {
        if !self.lists_attributes {
            return None;
        }
        let covers = |one: &&Sanitizer| one.attributes.iter().any(|own| own.as_bytes() == key);
        match system {
            Some(system) => {
                let mut fit = self.on.iter().filter(|one| one.systems.contains(&system));
                fit.find(covers).map(|one| (one.sanitize)(text))
            }
            None if signal == Signal::Logs => {
                let mut covering = self.on.iter().filter(covers).peekable();
                covering.peek()?;
                Some(covering.fold(text.to_vec(), |text, one| (one.sanitize)(&text)))
            }
            None => None,
        }
    }

    /// What a text of a log body becomes; `None` where none is on.
    pub(in crate::scrub::redaction) fn text(&self, text: &[u8]) -> Option<Vec<u8>> {
        let all = || self.on.iter().fold(text.to_vec(), |text, one| (one.sanitize)(&text));
        self.any().then(all)
    }

    /// The sanitized name of a span of this kind; `None` where it stays.
    pub(in crate::scrub::redaction) fn span_name(
        &self,
        name: &[u8],
        kind: u64,
        system: &str,
    ) -> Option<Vec<u8>> {
        let one = self.on.iter().find(|one| one.systems.contains(&system))?;
        let sanitized = KINDS.contains(&kind).then(|| (one.sanitize)(name))?;
        (sanitized != name).then_some(sanitized)
    }
}

/// The command line, without the data that follows it.
fn memcached(command: &[u8]) -> Vec<u8> {
    let end = memchr::memmem::find(command, b"\r\n").unwrap_or(command.len());
    trimmed(command.get(..end).unwrap_or_default()).to_vec()
}

/// The text without the blanks around it, of which Unicode has more than ASCII.
fn trimmed(text: &[u8]) -> &[u8] {
    std::str::from_utf8(text).map_or_else(|_| text.trim_ascii(), |text| text.trim().as_bytes())
}
