//! Visits the text of a protobuf request in wire order and collects edits.
//!
//! The request is never decoded into objects. An edit inside a message changes
//! the message's length, and a protobuf length stands before its message; so
//! when the walk leaves a message in which something changed, it adds one more
//! edit, over the length prefix. That keeps `splice` a plain copy.
//!
//! Nesting is held on an explicit stack, not the call stack: the depth is the
//! sender's choice. What to do at a tag is one look into the message's table.
//! Attributes of the usual layout (key first, then one plain value) are visited
//! without a stack entry; see `attribute`.
//!
//! Every occurrence of a field is visited, also where a reader would only take
//! the last one, or would merge them.

mod attribute;
mod outline;
mod quiet;
mod spell;
mod text;
mod to_json;

pub(in crate::scrub::otlp) use outline::is_quiet;
pub(in crate::scrub::otlp) use outline::last_text;
pub(in crate::scrub::otlp) use outline::parts;
pub(in crate::scrub::otlp) use to_json::to_json;

use std::ops::Range;

use crate::scrub::Signal;
use crate::scrub::otlp::Context;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Scalar;
use crate::scrub::otlp::WalkError;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::Walked;
use crate::scrub::otlp::path::Key;
use crate::scrub::otlp::path::Leaf;
use crate::scrub::otlp::path::Located;
use crate::scrub::otlp::path::Path;
use crate::scrub::otlp::path::Step as PathStep;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::schema::Field;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::schema::Step;
use crate::scrub::otlp::schema::Trace;
use crate::scrub::otlp::strings::KeysOnly;
use crate::scrub::otlp::strings::Strings;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// Walks a protobuf request. The judge has begun it.
pub(in crate::scrub::otlp) fn walk(
    signal: Signal,
    request: &[u8],
    options: &WalkOptions,
    judge: &mut impl Judge,
) -> Result<Walked, WalkError> {
    let root = schema::root(signal);
    let mut strings = Strings::default();
    if signal == Signal::Profiles {
        let at_root = |fault: Fault| fault.in_path(String::new());
        let table = Strings::of_protobuf(root, request).map_err(at_root)?;
        let mut keys_only = KeysOnly(&mut *judge);
        let mut learner = Walker::new(root, request, options, &mut keys_only, table);
        learner.walk()?;
        strings = learner.strings;
        strings.sort();
    }
    let mut walker = Walker::new(root, request, options, judge, strings);
    walker.walk()?;
    let mut walked = walker.walked;
    // Length prefixes stand before the edits that they were added after.
    walked.edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    Ok(walked)
}

/// A message that the walk is inside.
struct Frame {
    message: &'static Message,
    /// How the walk got here; `None` for the request.
    step: Option<PathStep>,
    /// The length prefix, in bytes of the request. Empty for the request.
    prefix: Range<usize>,
    /// The end of the contents. Invariant: at most the end of the frame below.
    end: usize,
    /// By how many bytes the edits so far change the contents.
    growth: isize,
    /// What the keys around the message say.
    context: Context,
    /// The kind of place that texts in here are in; empty where that is the
    /// field's own.
    place: &'static str,
    /// The position of this value, where it is an element of an array.
    element: Option<usize>,
    /// How many elements of an array were seen, also in earlier occurrences of
    /// the same array: a reader merges them, so the count goes on.
    elements: usize,
    /// How often each repeated field occurred, by its number.
    counts: [u32; 16],
}

impl Frame {
    fn count(&mut self, field: &'static Field) -> usize {
        match self.counts.get_mut(field.number as usize & 15) {
            Some(count) if field.repeated => {
                let index = *count;
                *count = count.wrapping_add(1);
                index as usize
            }
            _ => 0,
        }
    }

    fn place(&self, field: &'static Field) -> &'static str {
        if self.place.is_empty() { field.place } else { self.place }
    }
}

impl Located for Frame {
    fn step(&self) -> Option<&PathStep> {
        self.step.as_ref()
    }
}

struct Walker<'r, J> {
    request: &'r [u8],
    options: &'r WalkOptions,
    judge: &'r mut J,
    /// The messages that the walk is in. Never empty.
    stack: Vec<Frame>,
    /// What the judge found in the text at hand.
    found: Vec<Replacement>,
    strings: Strings,
    /// How many entries of the string table were visited.
    entries: usize,
    /// Up to where values were shown to the judge as a whole.
    spelled: usize,
    walked: Walked,
}

impl<'r, J: Judge> Walker<'r, J> {
    fn new(
        root: &'static Message,
        request: &'r [u8],
        options: &'r WalkOptions,
        judge: &'r mut J,
        strings: Strings,
    ) -> Self {
        let request_frame = Frame {
            message: root,
            step: None,
            prefix: 0..0,
            end: request.len(),
            growth: 0,
            context: Context::default(),
            place: "",
            element: None,
            elements: 0,
            counts: [0; 16],
        };
        Self {
            request,
            options,
            judge,
            stack: vec![request_frame],
            found: Vec::new(),
            strings,
            entries: 0,
            spelled: 0,
            walked: Walked::default(),
        }
    }

    fn walk(&mut self) -> Result<(), WalkError> {
        self.messages().map_err(|fault| {
            let path = Path {
                steps: &self.stack,
                leaf: Leaf::Message,
                request: self.request,
                keys: false,
            };
            fault.in_path(path.to_string())
        })
    }

    fn messages(&mut self) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            at = self.fields(at)?;
            while self.stack.last().is_some_and(|frame| frame.end == at) {
                if !self.leave()? {
                    return Ok(());
                }
            }
        }
    }

    /// Visits the fields of the message at the top of the stack, from `at` until
    /// it ends or another is entered. Gives the offset to go on at.
    fn fields(&mut self, mut at: usize) -> Result<usize, Fault> {
        let Some(frame) = self.stack.last() else { return Ok(at) };
        let message = frame.message;
        let is_told = frame.context != Context::default();
        let bytes = self.request.get(..frame.end).unwrap_or_default();
        while at < bytes.len() {
            let (tag, after) = wire::varint(bytes, at)?;
            let step = usize::try_from(tag)
                .ok()
                .and_then(|tag| message.steps.get(tag))
                .copied()
                .unwrap_or(Step::Unknown);
            at = match step {
                Step::Varint => wire::varint(bytes, after)?.1,
                Step::Fixed64 => wire::skip(bytes, after, 8)?,
                Step::Fixed32 => wire::skip(bytes, after, 4)?,
                Step::Text | Step::Bytes => {
                    let text = wire::delimited(bytes, after)?;
                    let end = text.end;
                    self.field_text(tag, after, text, step == Step::Text)?;
                    end
                }
                Step::Attribute => {
                    if !is_told && let Some(end) = self.judge.known_until(at) {
                        at = end;
                        continue;
                    }
                    let body = wire::delimited(bytes, after)?;
                    if self.plain_attribute(tag, after, &body)? {
                        body.end
                    } else {
                        return self.enter(tag, after, body);
                    }
                }
                Step::Enter => {
                    let body = wire::delimited(bytes, after)?;
                    return self.enter(tag, after, body);
                }
                Step::Id => {
                    let id = wire::delimited(bytes, after)?;
                    check_id(message.field(tag >> 3), &id)?;
                    id.end
                }
                _ => self.rare(bytes, step, at, tag, after)?,
            };
        }
        Ok(at)
    }

    /// The steps that are not worth a place in the loop above.
    fn rare(
        &mut self,
        bytes: &[u8],
        step: Step,
        at: usize,
        tag: u64,
        after: usize,
    ) -> Result<usize, Fault> {
        let contents = wire::contents(bytes, tag, after)?;
        let end = contents.end;
        match step {
            Step::PackedVarint => wire::check_packed_varints(bytes, contents)?,
            Step::PackedFixed64 if !contents.len().is_multiple_of(8) => {
                return Err(Fault::new("packed numbers cut short", after));
            }
            Step::Scalar => {
                if let Some(scalar) = scalar(bytes, tag, &contents)? {
                    self.field_scalar(at..end, scalar)?;
                }
            }
            Step::StringIndex => {
                let (index, _) = wire::varint(bytes, after)?;
                if let Some(frame) = self.stack.last() {
                    self.strings.mark(index, frame.context);
                }
            }
            Step::Table => self.table_entry(tag, after, contents)?,
            Step::Drop => self.drop_field(at..end)?,
            Step::Unknown => self.unknown_field(at..end, contents)?,
            _ => {}
        }
        Ok(end)
    }

    /// Enters a message whose length prefix starts at `prefix`. Gives the offset
    /// of its first field.
    fn enter(&mut self, tag: u64, prefix: usize, body: Range<usize>) -> Result<usize, Fault> {
        if self.options.depth_max < self.stack.len() {
            return Err(Fault::new("messages nested too deep", prefix));
        }
        let Some(parent) = self.stack.last_mut() else { return Ok(body.end) };
        let Some(field) = parent.message.field(tag >> 3) else { return Ok(body.end) };
        let Kind::Message(message) = field.kind else { return Ok(body.end) };
        let mut index = parent.count(field);
        let stands_alone = parent.context == Context::default() && parent.element.is_none();
        if message.item
            && stands_alone
            && self.stack.len() + quiet::DEPTH_MAX < self.options.depth_max
            && let Some(items) = self.passed_over(message, &body)
        {
            self.walked.items += items;
            return Ok(body.end);
        }
        self.spell(field, message, &body);
        let Some(parent) = self.stack.last_mut() else { return Ok(body.end) };
        let mut element = None;
        if field.trace == Trace::Index {
            index = parent.elements;
            element = Some(index);
            parent.elements += 1;
        }
        let elements = if field.repeated { 0 } else { parent.elements };
        let outer = parent.context;
        let place = if message.is_value() { parent.place(field) } else { "" };
        let (context, key) = match message.keys() {
            Some(keys) => self.keys(keys, &body, outer)?,
            None => (outer, Key::Hidden),
        };
        self.walked.items += u64::from(message.item);
        let start = body.start;
        self.stack.push(Frame {
            message,
            step: Some(PathStep { field, index, key }),
            prefix: prefix..start,
            end: body.end,
            growth: 0,
            context,
            place,
            element,
            elements,
            counts: [0; 16],
        });
        Ok(start)
    }

    /// Leaves the message at the top of the stack. `false`: that was the request.
    fn leave(&mut self) -> Result<bool, Fault> {
        if self.stack.len() < 2 {
            return Ok(false);
        }
        let Some(frame) = self.stack.pop() else { return Ok(false) };
        let growth = if frame.growth == 0 {
            0
        } else {
            self.resize(frame.prefix.clone(), frame.end - frame.prefix.end, frame.growth)?
        };
        if let Some(parent) = self.stack.last_mut() {
            parent.growth += growth;
            if frame.step.is_some_and(|step| !step.field.repeated) {
                parent.elements = frame.elements;
            }
        }
        Ok(true)
    }
}

/// The number or boolean in `contents`; its wire type is in `tag`.
fn scalar(bytes: &[u8], tag: u64, contents: &Range<usize>) -> Result<Option<Scalar>, Fault> {
    if tag & 7 == 1 {
        let bits = bytes.get(contents.clone()).and_then(|bits| bits.first_chunk::<8>());
        return Ok(bits.map(|bits| Scalar::Double(f64::from_le_bytes(*bits))));
    }
    let (value, _) = wire::varint(bytes, contents.start)?;
    let field = schema::ANY_VALUE.field(tag >> 3);
    Ok(Some(match field.map(|field| field.kind) {
        Some(Kind::Bool) => Scalar::Bool(value != 0),
        _ => Scalar::Int(value.cast_signed()),
    }))
}

fn check_id(field: Option<&'static Field>, id: &Range<usize>) -> Result<(), Fault> {
    match field.map(|field| field.kind) {
        Some(Kind::Id(len)) if id.is_empty() || id.len() == len => Ok(()),
        _ => Err(Fault::new("id of a wrong length", id.start)),
    }
}
