//! Visits the text of an OTLP/JSON request in its order and collects edits over
//! the JSON text.
//!
//! The same visits as for protobuf, by the same table. What the Collector reads is
//! read here: both spellings of names, enums by name, numbers in strings, `null`
//! for what is absent. Every occurrence of a member is visited, whichever of them
//! a reader takes. What leaves is valid JSON: a member that is dropped takes its
//! comma with it, and what replaces a text is escaped.
//!
//! Stricter than the Collector in one thing: what follows the request (a second
//! value) is refused, since it cannot be scrubbed in any sensible way.

mod direct;
mod lexer;
mod origins;
mod scalar;
mod spell;
mod string;
mod tape;
mod text;
mod to_protobuf;

pub(in crate::scrub::otlp) use direct::convert as regular_to_protobuf;
pub(in crate::scrub::otlp) use origins::origins;
pub(in crate::scrub::otlp) use scalar::BASE64;
pub(in crate::scrub::otlp) use string::escape;
pub(in crate::scrub::otlp) use tape::bytes_max as tape_bytes_max;
pub(in crate::scrub::otlp) use to_protobuf::to_protobuf;

use std::borrow::Cow;
use std::ops::Range;

use crate::scrub::Signal;
use crate::scrub::otlp::Context;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Shown;
use crate::scrub::otlp::WalkError;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::Walked;
use crate::scrub::otlp::json::scalar::Number;
use crate::scrub::otlp::json::string::decode;
use crate::scrub::otlp::json::tape::Token;
use crate::scrub::otlp::json::tape::TokenKind;
use crate::scrub::otlp::path::Key;
use crate::scrub::otlp::path::Leaf;
use crate::scrub::otlp::path::Located;
use crate::scrub::otlp::path::Path;
use crate::scrub::otlp::path::Step as PathStep;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::schema::Decision;
use crate::scrub::otlp::schema::Field;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::schema::Trace;
use crate::scrub::otlp::strings::KeysOnly;
use crate::scrub::otlp::strings::Strings;
use crate::scrub::otlp::wire::Fault;

/// How deep JSON may nest where OTLP messages may nest `depth_max` deep: an object
/// and a list for each, and the lists of numbers in the innermost.
fn json_depth_max(depth_max: usize) -> usize {
    depth_max.saturating_mul(2).saturating_add(2)
}

/// Walks a JSON request. The judge has begun it.
pub(in crate::scrub::otlp) fn walk(
    signal: Signal,
    request: &[u8],
    options: &WalkOptions,
    judge: &mut impl Judge,
) -> Result<Walked, WalkError> {
    let tape = tape::read(request, json_depth_max(options.depth_max))
        .map_err(|fault| fault.in_path(String::new()))?;
    let root = schema::root(signal);
    let mut strings = Strings::default();
    if signal == Signal::Profiles {
        let mut keys_only = KeysOnly(&mut *judge);
        let mut learner = Walker::new(request, &tape, options, &mut keys_only);
        learner.strings = Strings::of_json(string_tables(root, request, &tape));
        learner.walk(root)?;
        strings = learner.strings;
        strings.sort();
    }
    let mut walker = Walker::new(request, &tape, options, judge);
    walker.strings = strings;
    walker.walk(root)?;
    Ok(walker.walked)
}

/// An object that the walk is inside.
struct Frame {
    message: &'static Message,
    /// How the walk got here; `None` for the request.
    step: Option<PathStep>,
    /// The members that are left, as indices into the tape.
    members: Range<usize>,
    /// The elements that are left of the list that the walk is in.
    list: Option<List>,
    /// The end of the member before; the start of the object for the first.
    before: usize,
    /// Whether a member before stays.
    kept: bool,
    /// What the keys around the object say.
    context: Context,
    /// The kind of place that texts in here are in; empty where that is the
    /// field's own.
    place: &'static str,
    /// The position of this value, where it is an element of an array.
    element: Option<usize>,
    /// How many elements of an array were seen, also in earlier occurrences.
    elements: usize,
}

struct List {
    field: &'static Field,
    elements: Range<usize>,
    index: usize,
}

impl Frame {
    fn place(&self, field: &'static Field) -> &'static str {
        if self.place.is_empty() { field.place } else { self.place }
    }
}

impl Located for Frame {
    fn step(&self) -> Option<&PathStep> {
        self.step.as_ref()
    }
}

/// A member of an object: its name and its value.
#[derive(Clone, Copy)]
struct Member {
    name: Token,
    value: Token,
    /// The index of the value.
    at: usize,
}

struct Walker<'r, J> {
    request: &'r [u8],
    tape: &'r [Token],
    options: &'r WalkOptions,
    judge: &'r mut J,
    /// The objects that the walk is in.
    stack: Vec<Frame>,
    /// What the judge found in the text at hand.
    found: Vec<Replacement>,
    strings: Strings,
    /// How many entries of string tables were visited.
    entries: usize,
    /// Up to where values were shown to the judge as a whole.
    spelled: usize,
    walked: Walked,
}

impl<'r, J: Judge> Walker<'r, J> {
    fn new(
        request: &'r [u8],
        tape: &'r [Token],
        options: &'r WalkOptions,
        judge: &'r mut J,
    ) -> Self {
        Self {
            request,
            tape,
            options,
            judge,
            stack: Vec::new(),
            found: Vec::new(),
            strings: Strings::default(),
            entries: 0,
            spelled: 0,
            walked: Walked::default(),
        }
    }

    fn walk(&mut self, root: &'static Message) -> Result<(), WalkError> {
        self.objects(root).map_err(|fault| {
            let leaf = Leaf::Message;
            let path = Path { steps: &self.stack, leaf, request: self.request, keys: false };
            fault.in_path(path.to_string())
        })
    }

    fn objects(&mut self, root: &'static Message) -> Result<(), Fault> {
        match self.tape.first() {
            Some(token) if token.kind == TokenKind::Null => return Ok(()),
            Some(token) if token.kind == TokenKind::Object => {
                self.stack.push(Frame {
                    message: root,
                    step: None,
                    members: 1..token.next(),
                    list: None,
                    before: token.range().start,
                    kept: false,
                    context: Context::default(),
                    place: "",
                    element: None,
                    elements: 0,
                });
            }
            _ => return Err(Fault::new("expected an object", 0)),
        }
        while let Some(frame) = self.stack.last_mut() {
            if let Some(list) = &mut frame.list {
                match next(self.tape, &mut list.elements) {
                    Some((at, token)) => {
                        let (field, index) = (list.field, list.index);
                        list.index += 1;
                        self.value(field, index, at, token, None)?;
                    }
                    None => frame.list = None,
                }
            } else if let Some(member) = next_member(self.tape, &mut frame.members) {
                self.member(member)?;
            } else {
                self.leave();
            }
        }
        Ok(())
    }

    fn leave(&mut self) {
        if let Some(frame) = self.stack.pop()
            && let Some(parent) = self.stack.last_mut()
            && frame.step.is_some_and(|step| !step.field.repeated)
        {
            parent.elements = frame.elements;
        }
    }

    fn member(&mut self, member: Member) -> Result<(), Fault> {
        let Some(frame) = self.stack.last_mut() else { return Ok(()) };
        let field = named(frame.message, self.request, &member);
        let Some(field) = field.filter(|field| !matches!(field.decision, Decision::Drop(_))) else {
            let known = field.is_some();
            return self.outside(member, known);
        };
        frame.kept = true;
        frame.before = member.value.whole().end;
        if member.value.kind == TokenKind::Null {
            return Ok(());
        }
        if !field.repeated {
            return self.value(field, 0, member.at, member.value, Some(member.name));
        }
        if member.value.kind != TokenKind::Array {
            return Err(Fault::new("expected a list", member.value.range().start));
        }
        let elements = member.at + 1..member.value.next();
        frame.list = Some(List { field, elements, index: 0 });
        Ok(())
    }

    /// Visits a value of `field`; `name` is its name where it is no element of a
    /// list.
    fn value(
        &mut self,
        field: &'static Field,
        index: usize,
        at: usize,
        token: Token,
        name: Option<Token>,
    ) -> Result<(), Fault> {
        if token.kind == TokenKind::Null {
            self.entries += usize::from(field.decision == Decision::Table);
            return Ok(());
        }
        match field.kind {
            Kind::Message(message) => self.enter(field, message, index, at, token),
            Kind::String => self.string(field, index, token),
            Kind::Bytes => self.bytes(field, index, token),
            Kind::Id(len) => scalar::id(self.request, &token, len).map(|_| ()),
            kind => {
                let number = scalar::number(self.request, &token, kind)?;
                match (field.decision, kind, number) {
                    (Decision::Scalar, Kind::Int32, Number::Signed(index)) => {
                        if let (Ok(index), Some(frame)) = (u64::try_from(index), self.stack.last())
                        {
                            self.strings.mark(index, frame.context);
                        }
                        Ok(())
                    }
                    (Decision::Scalar, _, number) => self.scalar(name, &token, number),
                    _ => Ok(()),
                }
            }
        }
    }

    fn enter(
        &mut self,
        field: &'static Field,
        message: &'static Message,
        index: usize,
        at: usize,
        token: Token,
    ) -> Result<(), Fault> {
        if token.kind != TokenKind::Object {
            return Err(Fault::new("expected an object", token.range().start));
        }
        if self.options.depth_max < self.stack.len() {
            return Err(Fault::new("messages nested too deep", token.range().start));
        }
        self.spell(field, message, at, token);
        let Some(parent) = self.stack.last_mut() else { return Ok(()) };
        let (mut index, mut element) = (index, None);
        if field.trace == Trace::Index {
            index = parent.elements;
            element = Some(index);
            parent.elements += 1;
        }
        let elements = if field.repeated { 0 } else { parent.elements };
        let place = if message.is_value() { parent.place(field) } else { "" };
        let outer = parent.context;
        let members = at + 1..token.next();
        let (context, key) = match message.keys() {
            Some(_) => self.keys(message, members.clone(), outer),
            None => (outer, Key::Hidden),
        };
        self.walked.items += u64::from(message.item);
        self.stack.push(Frame {
            message,
            step: Some(PathStep { field, index, key }),
            members,
            list: None,
            before: token.range().start,
            kept: false,
            context,
            place,
            element,
            elements,
        });
        Ok(())
    }

    /// What the keys among `members` say together, and the key as a path may show
    /// it.
    fn keys(
        &mut self,
        message: &'static Message,
        mut members: Range<usize>,
        outer: Context,
    ) -> (Context, Key) {
        let mut context = outer;
        let mut shown = Key::Hidden;
        let mut first = true;
        while let Some(member) = next_member(self.tape, &mut members) {
            let value = member.value;
            let decision = named(message, self.request, &member).map(|field| field.decision);
            if decision == Some(Decision::Key) && value.is_string() {
                context = self.key(value.range(), context);
                // A path shows a key only once the judge has seen it as a text.
                if first {
                    shown = match value.kind {
                        TokenKind::Plain => Key::At(value.range()),
                        _ => Key::Decoded(self.decoded(&value).into()),
                    };
                }
            } else if let Some(Decision::KeyIndex) = decision
                && let Ok(Number::Signed(index)) = scalar::number(self.request, &value, Kind::Int32)
                && let Ok(index) = u64::try_from(index)
            {
                let entries: Vec<_> = self.strings.entry(index).collect();
                for entry in entries {
                    context = self.key(entry, context);
                }
            }
            first = false;
        }
        (context, shown)
    }

    fn key(&mut self, key: Range<usize>, outer: Context) -> Context {
        let raw = self.request.get(key.clone()).unwrap_or_default();
        let bytes = decode(raw);
        let at = matches!(bytes, Cow::Borrowed(_)).then_some(key.start);
        self.judge.key(Shown { bytes: &bytes, at }, outer)
    }

    fn decoded(&self, token: &Token) -> Vec<u8> {
        said(self.request, token).into_owned()
    }
}

/// The entries of every string table in a request: of each dictionary, if several
/// members have that name, and of each table in it.
fn string_tables(root: &'static Message, json: &[u8], tape: &[Token]) -> Vec<Vec<Range<usize>>> {
    let mut tables = Vec::new();
    let Some(request) = tape.first() else { return tables };
    let mut outer = 1..request.next();
    while let Some(member) = next_member(tape, &mut outer) {
        let Some(Kind::Message(message)) = named(root, json, &member).map(|field| field.kind)
        else {
            continue;
        };
        let mut inner = member.at + 1..member.value.next();
        while member.value.kind == TokenKind::Object
            && let Some(member) = next_member(tape, &mut inner)
        {
            let decision = named(message, json, &member).map(|field| field.decision);
            if decision == Some(Decision::Table) && member.value.kind == TokenKind::Array {
                let mut elements = member.at + 1..member.value.next();
                let entries = std::iter::from_fn(|| next(tape, &mut elements));
                tables.push(entries.map(|(_, token)| token.range()).collect());
            }
        }
    }
    tables
}

/// The field that a member is.
fn named(message: &'static Message, json: &[u8], member: &Member) -> Option<&'static Field> {
    message.field_named(&said(json, &member.name))
}

/// What a string says. Most have no escapes, which the tape knows.
fn said<'j>(json: &'j [u8], token: &Token) -> Cow<'j, [u8]> {
    let raw = json.get(token.range()).unwrap_or_default();
    match token.kind {
        TokenKind::Escaped => decode(raw),
        _ => Cow::Borrowed(raw),
    }
}

/// The next value in `values`, and its index.
fn next(tape: &[Token], values: &mut Range<usize>) -> Option<(usize, Token)> {
    let at = values.start;
    let token = tape.get(at).filter(|_| at < values.end)?;
    values.start = token.next();
    Some((at, *token))
}

/// The next member in `members`.
fn next_member(tape: &[Token], members: &mut Range<usize>) -> Option<Member> {
    let (_, name) = next(tape, members)?;
    let (at, value) = next(tape, members)?;
    Some(Member { name, value, at })
}
