//! YAML text to a tree.
//!
//! The parser's events are put together here rather than read through a serde
//! front end, because the tree has to keep what such a front end forgets: where
//! each value and key stood, and whether a scalar was in quotes.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::ErrorKind;
use granit_parser::Event;
use granit_parser::Parser;
use granit_parser::ScalarStyle;
use granit_parser::ScanError;
use granit_parser::Span;
use granit_parser::StrInput;
use granit_parser::Tag;

use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::fault::Step;
use crate::scrub::yaml::fault::error;
use crate::scrub::yaml::node::Entry;
use crate::scrub::yaml::node::Form;
use crate::scrub::yaml::node::Node;
use crate::scrub::yaml::node::Place;
use crate::scrub::yaml::node::Scalar;
use crate::scrub::yaml::node::Value;

/// How many values a text may hold, those that aliases repeat included. The
/// embedded rules are a hundredth of it; a text of aliases of aliases is stopped.
const NODES_MAX: usize = 500_000;

/// How deep lists and maps may be nested in each other, for each of the two ways
/// to write them. The tree is built and read recursively.
const DEPTH_MAX: usize = 100;

/// Reads a text as a tree. `source` is named in faults.
///
/// # Errors
///
/// The first thing that is not YAML, or not of the dialect.
pub fn parse(yaml: &str, source: Option<Arc<str>>) -> Result<Node, YamlError> {
    let options = granit_parser::options! {
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
        emit_comments: false,
    };
    let mut builder = Builder {
        parser: Parser::new_from_str_with_options(yaml, options),
        source,
        path: Vec::new(),
        anchors: HashMap::new(),
        nodes: 0,
    };
    builder.document()
}

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    source: Option<Arc<str>>,
    path: Vec<Step>,
    /// Anchored values, with how many nodes each is.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Result<Node, YamlError> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(self.fault("expected one YAML document", &span));
                }
                Event::DocumentStart(..) => {
                    let (event, span) = self.next()?;
                    root = Some(self.node(event, span)?);
                }
                _ => return Ok(root.unwrap_or_else(Node::null)),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.not_yaml(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, YamlError> {
        let before = self.nodes;
        self.count(1, &span)?;
        let place = self.place(&span);
        let (value, anchor) = match event {
            Event::Alias(id) => return self.alias(id, &span),
            Event::Scalar(text, style, anchor, tag) => {
                let form = self.form(style, tag.as_deref(), &span)?;
                let scalar = Scalar { text: text.into_owned(), form };
                let null = form == Form::Plain
                    && matches!(scalar.text.as_str(), "" | "~" | "null" | "Null" | "NULL");
                (if null { Value::Null } else { Value::Scalar(scalar) }, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.no_tag(tag.as_deref(), "seq", &span)?;
                (self.list()?, anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.no_tag(tag.as_deref(), "map", &span)?;
                (self.map()?, anchor)
            }
            _ => return Err(self.fault("expected a value", &span)),
        };
        let node = Node::new(value, place);
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, span: &Span) -> Result<Node, YamlError> {
        let Some((node, nodes)) = self.anchors.get(&id) else {
            return Err(self.fault("an alias cannot stand within its own anchor", span));
        };
        let (node, nodes) = (node.clone(), *nodes);
        self.count(nodes, span)?;
        Ok(node)
    }

    fn list(&mut self) -> Result<Value, YamlError> {
        let mut nodes = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok(Value::List(nodes));
            }
            self.path.push(Step::Element(nodes.len()));
            nodes.push(self.node(event, span)?);
            self.path.pop();
        }
    }

    fn map(&mut self) -> Result<Value, YamlError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        loop {
            let (event, span) = self.next()?;
            let (key, style) = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, style, ..) => (text.into_owned(), style),
                _ => return Err(self.fault("expected a plain key", &span)),
            };
            self.path.push(Step::Key(key.clone()));
            if !seen.insert(key.clone()) {
                return Err(self.fault("duplicate key", &span));
            }
            let key_place = self.place(&span);
            let (event, span) = self.next()?;
            let node = self.node(event, span)?;
            if key == "<<" && style == ScalarStyle::Plain {
                self.merge(node, &mut merged)?;
            } else {
                entries.push(Entry { key, key_place, node });
            }
            self.path.pop();
        }
        // What the map says itself wins over what it merges, wherever it stands.
        merged.retain(|entry| !entries.iter().any(|own| own.key == entry.key));
        entries.append(&mut merged);
        Ok(Value::Map(entries))
    }

    /// What `<<: node` brings; of two that bring the same key, the first wins.
    fn merge(&self, node: Node, merged: &mut Vec<Entry>) -> Result<(), YamlError> {
        match node.value {
            Value::Map(entries) => {
                for entry in entries {
                    if !merged.iter().any(|old| old.key == entry.key) {
                        merged.push(entry);
                    }
                }
                Ok(())
            }
            Value::List(nodes) => nodes.into_iter().try_for_each(|node| match node.value {
                Value::Map(_) => self.merge(node, merged),
                _ => Err(self.fault_at("expected a map to merge", &node.place)),
            }),
            _ => Err(self.fault_at("expected a map to merge", &node.place)),
        }
    }

    /// Core tags say how to read a scalar; all others are refused, as nothing here
    /// would know what they mean.
    fn form(&self, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Result<Form, YamlError> {
        match tag.map(|tag| tag.core_suffix()) {
            Some(Some("str")) => Ok(Form::Quoted),
            Some(Some("int" | "float" | "bool" | "null")) => Ok(Form::Plain),
            Some(_) => Err(self.fault("expected no tag", span)),
            None if style == ScalarStyle::Plain => Ok(Form::Plain),
            None => Ok(Form::Quoted),
        }
    }

    fn no_tag(&self, tag: Option<&Tag>, core: &str, span: &Span) -> Result<(), YamlError> {
        match tag {
            Some(tag) if tag.core_suffix() != Some(core) => {
                Err(self.fault("expected no tag", span))
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, nodes: usize, span: &Span) -> Result<(), YamlError> {
        self.nodes += nodes;
        if NODES_MAX < self.nodes {
            return Err(self.fault(&format!("more than {NODES_MAX} values"), span));
        }
        Ok(())
    }

    fn place(&self, span: &Span) -> Place {
        self.place_of(span.start.line(), span.start.col() + 1)
    }

    fn place_of(&self, line: usize, column: usize) -> Place {
        Place {
            source: self.source.clone(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
            ..Place::default()
        }
    }

    fn fault(&self, expected: &str, span: &Span) -> YamlError {
        self.fault_at(expected, &self.place(span))
    }

    fn fault_at(&self, expected: &str, place: &Place) -> YamlError {
        error("", &self.path, expected, place, "")
    }

    fn not_yaml(&self, error: &ScanError) -> YamlError {
        // The others are fixed texts of the parser; this one would show a
        // character of the file.
        let expected = match error.kind() {
            ErrorKind::UnexpectedCharacter { .. } => {
                "a character that cannot begin a value".to_owned()
            }
            ErrorKind::UnclosedFlowCollection { .. } => "a bracket is not closed".to_owned(),
            ErrorKind::MappingValueNotAllowed => "a mapping value is not allowed here".to_owned(),
            ErrorKind::RecursionLimitExceeded => format!("nested deeper than {DEPTH_MAX}"),
            kind => kind.to_string(),
        };
        let marker = error.marker();
        self.fault_at(&expected, &self.place_of(marker.line(), marker.col() + 1))
    }
}
