//! A tree as YAML text, with comments before what they are about.
//!
//! Anchors and the style of the text that the tree was read from are gone; its comments are
//! there if `comments` found them.

use std::collections::BTreeMap;

use crate::scrub::yaml::Form;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Scalar;
use crate::scrub::yaml::Value;

/// Comments by the path of what they stand before, as `processors.scrubber`; the empty
/// path is the whole.
pub type Comments = BTreeMap<String, Vec<String>>;

/// Writes a tree.
pub fn write(node: &Node, comments: &Comments) -> String {
    let mut out = String::new();
    comment(comments.get(""), 0, &mut out);
    match &node.value {
        Value::Map(_) | Value::List(_) if !is_empty(node) => {
            block(node, "", 0, comments, &mut out);
        }
        _ => {
            out.push_str(&inline(node));
            out.push('\n');
        }
    }
    out
}

fn comment(lines: Option<&Vec<String>>, indent: usize, out: &mut String) {
    for line in lines.into_iter().flatten() {
        let line = line.replace(['\n', '\r'], " ");
        out.push_str(&format!("{:indent$}# {line}\n", ""));
    }
}

fn is_empty(node: &Node) -> bool {
    match &node.value {
        Value::Map(entries) => entries.is_empty(),
        Value::List(nodes) => nodes.is_empty(),
        _ => false,
    }
}

/// Writes a map or a list that is not empty, one entry a line.
fn block(node: &Node, path: &str, indent: usize, comments: &Comments, out: &mut String) {
    match &node.value {
        Value::Map(entries) => {
            for entry in entries {
                let dot = if path.is_empty() { "" } else { "." };
                let path = format!("{path}{dot}{}", entry.key);
                comment(comments.get(&path), indent, out);
                out.push_str(&format!("{:indent$}{}:", "", text(&entry.key)));
                value(&entry.node, &path, indent, comments, out);
            }
        }
        Value::List(nodes) => {
            for (at, node) in nodes.iter().enumerate() {
                let path = format!("{path}[{at}]");
                comment(comments.get(&path), indent, out);
                out.push_str(&format!("{:indent$}-", ""));
                value(node, &path, indent, comments, out);
            }
        }
        Value::Null | Value::Scalar(_) => {}
    }
}

/// Writes what stands behind a key or a dash, and ends the line.
fn value(node: &Node, path: &str, indent: usize, comments: &Comments, out: &mut String) {
    let is_plain_list = match &node.value {
        Value::List(nodes) => nodes.iter().all(|node| {
            matches!(&node.value, Value::Scalar(scalar)
                if scalar.text.len() < 40 && !scalar.text.contains('{'))
        }),
        _ => false,
    };
    if is_empty(node) || is_plain_list || matches!(node.value, Value::Null | Value::Scalar(_)) {
        let inline = inline(node);
        if !inline.is_empty() {
            out.push(' ');
            out.push_str(&inline);
        }
        out.push('\n');
    } else {
        out.push('\n');
        block(node, path, indent + 2, comments, out);
    }
}

/// A value on one line. Maps that are not empty never come here.
fn inline(node: &Node) -> String {
    match &node.value {
        Value::Null => String::new(),
        Value::Scalar(scalar) => self::scalar(scalar),
        Value::List(nodes) => {
            let inner: Vec<String> = nodes.iter().map(inline).collect();
            format!("[{}]", inner.join(", "))
        }
        Value::Map(_) => "{}".to_owned(),
    }
}

fn scalar(scalar: &Scalar) -> String {
    // What is written without quotes may be a number; a text in which there is an
    // expansion means the same in quotes only where it was a part of the value.
    let is_expansion = scalar.text.starts_with("${") && scalar.text.ends_with('}');
    match scalar.form {
        Form::Plain if is_plain(&scalar.text) || is_expansion => scalar.text.clone(),
        Form::Plain if scalar.resolve_is_text() => quoted(&scalar.text),
        Form::Plain => scalar.text.clone(),
        Form::Quoted => quoted(&scalar.text),
    }
}

/// A key, in quotes where it needs them.
fn text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Whether a text says the same without quotes, also in a list in brackets.
fn is_plain(text: &str) -> bool {
    let is_safe = |c: char| c.is_alphanumeric() || "_-./:${}+*@~".contains(c);
    let first = text.chars().next();
    !text.is_empty()
        && text.chars().all(is_safe)
        && first.is_some_and(|c| c.is_alphanumeric() || "_./".contains(c))
        && !text.ends_with(':')
        && !text.contains(['{', '}'])
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' || c == '\u{feff}' => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::yaml::parse;

    #[test]
    fn what_is_written_reads_as_the_same() {
        let yaml = "a: 1\nb: '1'\nc: [x, 'y z', \"q\\\"\\n\"]\nd: {e: , f: {}, g: []}\n'k: l':\n  - m: true\n    n: ${env:X}\n  - - 1.5\n    - {o: \"p#\"}\n";
        let node = parse(yaml, None).unwrap();
        let comments = Comments::from([("d.f".to_owned(), vec!["why\nso".to_owned()])]);
        let written = write(&node, &comments);
        assert!(written.contains("  # why so\n  f: {}\n"), "{written}");
        let again = parse(&written, None).unwrap();
        assert_eq!(write(&again, &Comments::new()), write(&node, &Comments::new()));
        let same = |a: &Node, b: &Node| a.read::<serde_json::Value>("") == b.read("");
        assert!(same(&node, &again), "{written}");
    }
}
