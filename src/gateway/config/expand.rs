//! `${env:NAME}`, `${file:PATH}` and `${yaml:…}` in a configuration, and `$$`.
//!
//! Expansion works on the tree: what stands for a whole value may be a number, a
//! list or a map; what stands within a longer text is text. What was put in is
//! expanded in turn, inside out (Collector, `confmap/expand.go`).
//!
//! Other than there, a variable with a default may leave its scheme out
//! (`${NAME:-default}`), and the line break at the end of a file is dropped, as a
//! token from a file would be refused in a header with it.

use std::sync::Arc;

use crate::gateway::config::environment::Environment;
use crate::gateway::config::environment::reason;
use crate::gateway::config::inventory::PROVIDERS;
use crate::scrub::yaml;
use crate::scrub::yaml::Form;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Place;
use crate::scrub::yaml::Scalar;
use crate::scrub::yaml::Unset;
use crate::scrub::yaml::Value;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::shown;

/// How many expansions one configuration may take: variables that name others twice
/// each would double with every level.
const EXPANSIONS_MAX: usize = 10_000;

/// How deep what is put in may ask for more. A variable that names itself is
/// stopped here.
const NESTING_MAX: usize = 32;

/// The longest text that expansions may make of one value, in bytes.
const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Expands every value in `node`. Adds a warning for each variable that is not set
/// and has no default.
///
/// # Errors
///
/// The first expansion that cannot be done.
pub fn expand(
    node: &mut Node,
    environment: &dyn Environment,
    warnings: &mut Vec<String>,
) -> Result<(), YamlError> {
    Expander { environment, warnings, done: 0, unset: Vec::new() }.node(node, "", 0)
}

struct Expander<'a> {
    environment: &'a dyn Environment,
    warnings: &'a mut Vec<String>,
    /// Expansions so far.
    done: usize,
    /// Variables that are not set, of the value that is expanded now.
    unset: Vec<String>,
}

/// Where the text being expanded stands.
#[derive(Clone, Copy)]
struct Site<'a> {
    path: &'a str,
    place: &'a Place,
}

impl Site<'_> {
    fn fault(&self, expected: &str, advice: &str) -> YamlError {
        YamlError::at(self.path, expected, self.place, advice)
    }
}

impl Expander<'_> {
    fn node(&mut self, node: &mut Node, path: &str, nesting: usize) -> Result<(), YamlError> {
        match &mut node.value {
            Value::Null => Ok(()),
            Value::List(nodes) => {
                for (at, node) in nodes.iter_mut().enumerate() {
                    self.node(node, &format!("{path}[{at}]"), nesting)?;
                }
                Ok(())
            }
            Value::Map(entries) => {
                for entry in entries {
                    let dot = if path.is_empty() { "" } else { "." };
                    self.node(&mut entry.node, &format!("{path}{dot}{}", entry.key), nesting)?;
                }
                Ok(())
            }
            Value::Scalar(scalar) if scalar.text.contains('$') => {
                let text = std::mem::take(&mut scalar.text);
                let form = scalar.form;
                let place = node.place.clone();
                let site = Site { path, place: &place };
                let before = self.done;
                *node = match whole(&text) {
                    Some(reference) => self.value(reference, site, nesting)?,
                    None => {
                        let expanded = self.text(&text, site, nesting)?;
                        let form = if self.done == before { form } else { Form::Quoted };
                        Node::new(Value::Scalar(Scalar { text: expanded, form }), place.clone())
                    }
                };
                if !self.unset.is_empty() {
                    self.unset.dedup();
                    node.place.unset = Some(Arc::new(Unset(std::mem::take(&mut self.unset))));
                }
                Ok(())
            }
            Value::Scalar(_) => Ok(()),
        }
    }

    /// What stands for a whole value: whatever its text means as YAML.
    fn value(
        &mut self,
        reference: &str,
        site: Site<'_>,
        nesting: usize,
    ) -> Result<Node, YamlError> {
        let reference = self.text(reference, site, nesting)?;
        let Some(text) = self.resolve(&reference, site, nesting)? else {
            return Ok(Node::new(Value::Null, site.place.clone()));
        };
        // A text that is no YAML is just a text, as a password may be.
        let parsed = yaml::parse(&text, site.place.source.clone());
        let mut node = parsed.unwrap_or_else(|_| {
            let scalar = Scalar { text: text.clone(), form: Form::Quoted };
            Node::new(Value::Scalar(scalar), site.place.clone())
        });
        moved(&mut node, site.place);
        if text.contains('$') {
            self.node(&mut node, site.path, nesting + 1)?;
            let own = self.text(&text, site, nesting + 1)?;
            node.text.get_or_insert(own);
        } else {
            node.text = Some(text);
        }
        Ok(node)
    }

    /// What stands within a longer text: text.
    fn text(&mut self, text: &str, site: Site<'_>, nesting: usize) -> Result<String, YamlError> {
        if NESTING_MAX < nesting {
            let expected = format!("more than {NESTING_MAX} expansions within each other");
            return Err(site.fault(&expected, ""));
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            if let Some(after) = from.strip_prefix("$$") {
                out.push('$');
                rest = after;
            } else if let Some((reference, after)) = reference(from) {
                let reference = self.text(reference, site, nesting + 1)?;
                if let Some(value) = self.resolve(&reference, site, nesting)? {
                    out.push_str(&self.text(&value, site, nesting + 1)?);
                }
                rest = after;
            } else {
                out.push('$');
                rest = from.strip_prefix('$').unwrap_or_default();
            }
            if TEXT_BYTES_MAX < out.len() {
                return Err(site.fault("expands to more than 16 MiB", ""));
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The text behind `scheme:opaque` or a bare variable name; `None`: not set.
    fn resolve(
        &mut self,
        reference: &str,
        site: Site<'_>,
        nesting: usize,
    ) -> Result<Option<String>, YamlError> {
        self.done += 1;
        if EXPANSIONS_MAX < self.done || NESTING_MAX < nesting {
            let expected = format!("more than {EXPANSIONS_MAX} expansions");
            return Err(site.fault(&expected, ""));
        }
        match reference.split_once(':') {
            Some(("env", variable)) => self.variable(variable, site),
            Some(("file", path)) => match self.environment.file(path) {
                Ok(text) => {
                    let text = text.strip_suffix('\n').unwrap_or(&text);
                    Ok(Some(text.strip_suffix('\r').unwrap_or(text).to_owned()))
                }
                Err(error) => {
                    let expected =
                        format!("cannot read the file in ${{file:…}}: {}", reason(&error));
                    Err(site.fault(&expected, ""))
                }
            },
            Some(("yaml", text)) => Ok(Some(text.to_owned())),
            None => self.variable(reference, site),
            Some((name, default)) if default.starts_with('-') && is_variable(name) => {
                self.variable(reference, site)
            }
            Some((scheme, _)) => {
                let shown = shown::unknown(scheme, PROVIDERS);
                let expected = format!("scheme `{shown}` is not supported in ${{…}}");
                Err(site.fault(&expected, &yaml::closest::advice(scheme, PROVIDERS)))
            }
        }
    }

    fn variable(&mut self, name: &str, site: Site<'_>) -> Result<Option<String>, YamlError> {
        let (name, default) = match name.split_once(":-") {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (name, None),
        };
        if !is_variable(name) {
            return Err(site.fault(
                "expected the name of an environment variable in ${…}: a letter or underscore, then letters, digits and underscores",
                "write $$ for a dollar sign",
            ));
        }
        let value = self.environment.variable(name).or(default);
        if value.is_none() {
            self.unset.push(name.to_owned());
            self.warnings.push(format!(
                "{}: environment variable {} is not set{}; the setting is left empty",
                shown::path(site.path),
                shown::name(name),
                site.place
            ));
        }
        Ok(value)
    }
}

/// Everything that came from elsewhere stands where it was asked for.
fn moved(node: &mut Node, place: &Place) {
    node.place = place.clone();
    match &mut node.value {
        Value::Null | Value::Scalar(_) => {}
        Value::List(nodes) => nodes.iter_mut().for_each(|node| moved(node, place)),
        Value::Map(entries) => entries.iter_mut().for_each(|entry| {
            entry.key_place = place.clone();
            moved(&mut entry.node, place);
        }),
    }
}

/// What is within the braces, if the whole text is one `${…}`.
fn whole(text: &str) -> Option<&str> {
    match reference(text) {
        Some((reference, "")) => Some(reference),
        _ => None,
    }
}

/// What is within the braces, and what follows, if the text begins with `${…}`.
/// The first `}` that closes no inner `${` is the end.
fn reference(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix("${")?;
    let mut depth = 1_usize;
    let mut rest = inner;
    while let Some(at) = rest.find(['$', '}']) {
        let (_, from) = rest.split_at(at);
        if let Some(after) = from.strip_prefix('}') {
            depth -= 1;
            if depth == 0 {
                let end = inner.len() - from.len();
                return Some((inner.get(..end)?, after));
            }
            rest = after;
        } else if let Some(after) = from.strip_prefix("${") {
            depth += 1;
            rest = after;
        } else {
            rest = from.strip_prefix('$').unwrap_or_default();
        }
    }
    None
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
