//! The comments of a text, for whoever writes it anew.

use std::collections::BTreeSet;

use granit_parser::Event;
use granit_parser::Parser;

use crate::scrub::yaml::Node;
use crate::scrub::yaml::Value;
use crate::scrub::yaml::write::Comments;

/// How many are kept; a text of more is no configuration.
const COMMENTS_MAX: usize = 10_000;

/// A comment, and the line that it is about: its own, or the next that is no comment.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Remark {
    line: usize,
    text: String,
}

/// The comments of `text`, by the paths of what they stand before or beside in `node`, which
/// was read from it and may have been changed since: what is gone has none. What stands
/// above everything, set off by an empty line, is about the whole.
pub fn comments(text: &str, node: &Node) -> Comments {
    let remarks = remarks(text);
    let mut all = Comments::new();
    if let Some(head) = head(text).filter(|head| !head.is_empty()) {
        all.insert(String::new(), head);
    }
    let mut collector = Collector { remarks: &remarks, taken: BTreeSet::new(), all };
    collector.node(node, "");
    collector.all
}

/// The lines of the first block, where an empty line stands behind it.
fn head(text: &str) -> Option<Vec<String>> {
    let block = text.lines().take_while(|line| line.starts_with('#'));
    let block: Vec<&str> = block.collect();
    let is_set_off = text.lines().nth(block.len()).is_some_and(|line| line.trim().is_empty());
    is_set_off.then(|| block.iter().map(|line| bare(line.trim_start_matches('#'))).collect())
}

fn bare(text: &str) -> String {
    text.strip_prefix(' ').unwrap_or(text).trim_end().to_owned()
}

fn remarks(text: &str) -> Vec<Remark> {
    let options = granit_parser::options! { emit_comments: true };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut remarks = Vec::new();
    let lines: Vec<&str> = text.lines().collect();
    let is_bare = |line: usize| {
        let line = line.checked_sub(1).and_then(|at| lines.get(at));
        line.is_some_and(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
    };
    let behind_head = head(text).map_or(0, |head| head.len());
    while let Some(Ok((event, span))) = parser.next_event() {
        if let Event::Comment(own, _) = event
            && remarks.len() < COMMENTS_MAX
        {
            let mut line = span.start.line();
            if line <= behind_head {
                continue;
            }
            while line <= lines.len() && is_bare(line) {
                line += 1;
            }
            remarks.push(Remark { line, text: bare(&own) });
        }
    }
    remarks
}

/// Puts remarks to what stands on their lines; of several things on one line to the first.
struct Collector<'r> {
    remarks: &'r [Remark],
    taken: BTreeSet<u32>,
    all: Comments,
}

impl Collector<'_> {
    fn add(&mut self, line: u32, path: &str) {
        if line == 0 || !self.taken.insert(line) {
            return;
        }
        let own = self.remarks.iter().filter(|remark| remark.line == line as usize);
        let own: Vec<String> = own.map(|remark| remark.text.clone()).collect();
        if !own.is_empty() {
            self.all.insert(path.to_owned(), own);
        }
    }

    fn node(&mut self, node: &Node, path: &str) {
        match &node.value {
            Value::Map(entries) => {
                for entry in entries {
                    let dot = if path.is_empty() { "" } else { "." };
                    let path = format!("{path}{dot}{}", entry.key);
                    self.add(entry.key_place.line, &path);
                    self.node(&entry.node, &path);
                }
            }
            Value::List(nodes) => {
                for (at, node) in nodes.iter().enumerate() {
                    let path = format!("{path}[{at}]");
                    self.add(node.place.line, &path);
                    self.node(node, &path);
                }
            }
            Value::Null | Value::Scalar(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::yaml;

    #[test]
    fn comments_stand_before_what_they_are_about() {
        let text = "# of the whole\n\n# of a\n# twice\na: 1\nb: # beside b\n  # of c\n  c: |\n    # text\n  d: 'x # y' # of d\nlist:\n  # of the first\n  - name: one\n  - two\n# at the end\n";
        let node = yaml::parse(text, None).unwrap();
        let all = comments(text, &node);
        let of = |path: &str| all.get(path).map(|lines| lines.join("|")).unwrap_or_default();
        for (path, expected) in [
            ("", "of the whole"),
            ("a", "of a|twice"),
            ("b", "beside b"),
            ("b.c", "of c"),
            ("b.d", "of d"),
            ("list[0]", "of the first"),
        ] {
            assert_eq!(of(path), expected, "{path} in {all:?}");
        }
        assert_eq!(all.len(), 6, "{all:?}");
    }
}
