//! Small changes of a tree, by path.

use crate::scrub::yaml::Entry;
use crate::scrub::yaml::Form;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Place;
use crate::scrub::yaml::Scalar;
use crate::scrub::yaml::Value;

/// A text.
pub(in crate::cli::migrate) fn text(text: &str) -> Node {
    let scalar = Scalar { text: text.to_owned(), form: Form::Plain };
    Node::new(Value::Scalar(scalar), Place::default())
}

/// The value under a key, which is made a map if there is none.
pub(in crate::cli::migrate) fn section<'n>(node: &'n mut Node, key: &str) -> &'n mut Node {
    if !matches!(node.value, Value::Map(_)) {
        node.value = Value::Map(Vec::new());
    }
    let Value::Map(entries) = &mut node.value else { unreachable!("it was made a map") };
    let at = match entries.iter().position(|entry| entry.key == key) {
        Some(at) => at,
        None => {
            entries.push(Entry {
                key: key.to_owned(),
                key_place: Place::default(),
                node: Node::null(),
            });
            entries.len() - 1
        }
    };
    // The index was just found or made.
    &mut entries.get_mut(at).expect("there is such an entry").node
}

/// The entries of a map; none of anything else.
pub(in crate::cli::migrate) fn entries(node: Option<&Node>) -> &[Entry] {
    match node.map(|node| &node.value) {
        Some(Value::Map(entries)) => entries,
        _ => &[],
    }
}

/// The texts of a list, or of a text that stands for a list of one.
pub(in crate::cli::migrate) fn texts(node: Option<&Node>) -> Vec<String> {
    match node.map(|node| &node.value) {
        Some(Value::List(nodes)) => nodes.iter().flat_map(|node| texts(Some(node))).collect(),
        Some(Value::Scalar(scalar)) => vec![scalar.text.trim().to_owned()],
        _ => Vec::new(),
    }
}

/// Removes an entry of a map. Whether there was one.
pub(in crate::cli::migrate) fn remove(node: &mut Node, key: &str) -> bool {
    let Value::Map(entries) = &mut node.value else { return false };
    let before = entries.len();
    entries.retain(|entry| entry.key != key);
    entries.len() < before
}

/// Removes what stands at a path as errors name it, or the innermost around it that
/// stands below a component. Gives the path of what is gone.
pub(in crate::cli::migrate) fn remove_at(node: &mut Node, path: &str) -> Option<String> {
    let depth = depth(node, path);
    // Sections, and the pipelines and telemetry of the service, are not taken away.
    if depth < 2 || (path.starts_with("service.") && depth < 4) {
        return None;
    }
    let mut gone = String::new();
    take(node, path, depth, &mut gone);
    Some(gone)
}

/// The step from a value into the one that a path leads through: what is removed from
/// the path, and where.
fn step<'p>(node: &Node, path: &'p str) -> Option<(usize, &'p str, &'p str)> {
    match &node.value {
        Value::Map(entries) => {
            let ends = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
            let fits = |entry: &Entry| path.strip_prefix(entry.key.as_str()).is_some_and(ends);
            let found = entries.iter().enumerate().filter(|(_, entry)| fits(entry));
            let (at, entry) = found.max_by_key(|(_, entry)| entry.key.len())?;
            let (own, rest) = path.split_at_checked(entry.key.len())?;
            Some((at, own, rest.strip_prefix('.').unwrap_or(rest)))
        }
        Value::List(nodes) => {
            let end = path.find(']')? + 1;
            let (own, rest) = path.split_at_checked(end)?;
            let at: usize = own.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
            (at < nodes.len()).then_some((at, own, rest.strip_prefix('.').unwrap_or(rest)))
        }
        _ => None,
    }
}

/// How far a path leads.
fn depth(node: &Node, path: &str) -> usize {
    let Some((at, _, rest)) = step(node, path) else { return 0 };
    let inner = match &node.value {
        Value::Map(entries) => entries.get(at).map(|entry| &entry.node),
        Value::List(nodes) => nodes.get(at),
        _ => None,
    };
    1 + inner.map_or(0, |inner| depth(inner, rest))
}

fn take(node: &mut Node, path: &str, depth: usize, gone: &mut String) {
    let Some((at, own, rest)) = step(node, path) else { return };
    if !gone.is_empty() && !own.starts_with('[') {
        gone.push('.');
    }
    gone.push_str(own);
    match (&mut node.value, depth) {
        (Value::Map(entries), 1) => _ = entries.remove(at),
        (Value::List(nodes), 1) => _ = nodes.remove(at),
        (Value::Map(entries), _) => {
            if let Some(entry) = entries.get_mut(at) {
                take(&mut entry.node, rest, depth - 1, gone);
            }
        }
        (Value::List(nodes), _) => {
            if let Some(node) = nodes.get_mut(at) {
                take(node, rest, depth - 1, gone);
            }
        }
        _ => {}
    }
}
