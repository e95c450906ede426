//! An environment that a test makes up.

use std::collections::BTreeMap;
use std::io;

use otel_redact::gateway::config::environment::Environment;

/// Variables and files by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Made {
    pub(crate) variables: BTreeMap<String, String>,
    pub(crate) files: BTreeMap<String, String>,
}

impl Made {
    pub(crate) fn new(variables: &[(&str, &str)], files: &[(&str, &str)]) -> Self {
        let own = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Self { variables: own(variables), files: own(files) }
    }
}

impl Environment for Made {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn file(&self, path: &str) -> io::Result<String> {
        self.files.get(path).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
