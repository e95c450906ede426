//! Where a value that was read came from, so that a fault found later names its line.

use crate::scrub::yaml::Node;
use crate::scrub::yaml::Place;
use crate::scrub::yaml::Value;
use crate::scrub::yaml::YamlError;

/// The YAML behind a value that was read.
///
/// All are equal: where a value was read is no part of what it says.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Where it stands, as `rules[3]`. Empty: nobody said.
    pub path: String,
    /// What it was read from.
    pub node: Option<Node>,
}

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Origin {
    /// The value at `path` that was read from `node`.
    pub fn new(path: String, node: Option<&Node>) -> Self {
        Self { path, node: node.cloned() }
    }

    /// A fault in `setting`, such as `where.places[1]`; empty is the whole value.
    /// Where the YAML has no such setting, the line is that of what is around it.
    pub fn fault(&self, setting: &str, expected: &str, advice: &str) -> YamlError {
        let place = self.node.as_ref().map(|node| place_of(node, setting)).unwrap_or_default();
        let path = match (self.path.as_str(), setting) {
            ("", setting) => setting.to_owned(),
            (path, "") => path.to_owned(),
            (path, setting) if setting.starts_with('[') => format!("{path}{setting}"),
            (path, setting) => format!("{path}.{setting}"),
        };
        YamlError::at(&path, expected, &place, advice)
    }
}

/// The place of the innermost value on the way to `setting`.
pub(in crate::scrub::yaml) fn place_of(node: &Node, setting: &str) -> Place {
    let (mut node, mut path) = (node, setting);
    while let Some((inner, rest)) = inner(node, path) {
        (node, path) = (inner, rest);
    }
    node.place.clone()
}

/// The value that a path leads to next, and the rest of the path. A key (the name of a
/// component, say) may have points in it: the longest that fits is meant.
fn inner<'n, 'p>(node: &'n Node, path: &'p str) -> Option<(&'n Node, &'p str)> {
    let path = path.strip_prefix('.').unwrap_or(path);
    if let Some(rest) = path.strip_prefix('[') {
        let (at, rest) = rest.split_once(']')?;
        return Some((node.element(at.parse().ok()?)?, rest));
    }
    let Value::Map(entries) = &node.value else { return None };
    let fitting = entries.iter().filter(|entry| !entry.key.is_empty()).filter_map(|entry| {
        let rest = path.strip_prefix(entry.key.as_str())?;
        let ends = rest.is_empty() || rest.starts_with(['.', '[']);
        ends.then_some((entry, rest))
    });
    let (entry, rest) = fitting.max_by_key(|(entry, _)| entry.key.len())?;
    Some((&entry.node, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::yaml::parse;

    #[test]
    fn a_fault_is_at_the_innermost_value_that_there_is() {
        let text = "a:\n  - b: 1\n    c: [x, y]\nd/e.f:\n  g: 1\nd/e: 2\n";
        let node = parse(text, Some("f.yaml".into())).expect("YAML");
        let origin = Origin::new("top".to_owned(), Some(&node));
        for (setting, expected) in [
            ("a[0].c[1]", "top.a[0].c[1]: wrong at line 3, column 12 of f.yaml"),
            ("a[0].d.e", "top.a[0].d.e: wrong at line 2, column 5 of f.yaml"),
            ("d/e.f.g", "top.d/e.f.g: wrong at line 5, column 6 of f.yaml"),
            ("", "top: wrong at line 1, column 1 of f.yaml"),
        ] {
            assert_eq!(origin.fault(setting, "wrong", "").to_string(), expected);
        }
        assert_eq!(Origin::default().fault("a", "wrong", "so").to_string(), "a: wrong; so");
    }

    #[test]
    fn a_fault_found_without_the_yaml_gets_its_line_later_and_once() {
        let node = parse("a:\n  b: 1\n", None).expect("YAML");
        let fault = YamlError::new("b", "wrong").within("a").placed(&node);
        assert_eq!(fault.to_string(), "a.b: wrong at line 2, column 6");
        let other = parse("\n\n\na: 1", None).expect("YAML");
        assert_eq!(fault.clone().placed(&other), fault);
    }
}
