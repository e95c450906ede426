//! Where the walk is, written only when somebody asks.
//!
//! Names are those of `proto/`, for JSON requests too. In an error there is no
//! attribute key, since a key can hold a secret; neither is a key in which the
//! judge found something, or that was not shown to it yet.

use std::fmt;
use std::ops::Range;

use crate::scrub::otlp::Trail;
use crate::scrub::otlp::schema::Field;
use crate::scrub::otlp::schema::Trace;

/// How many bytes of an attribute key a path shows.
const KEY_BYTES_MAX: usize = 100;

/// One step of a path: the field of a message, and which of its occurrences.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The field.
    pub field: &'static Field,
    /// Its position among its siblings, where it is repeated.
    pub index: usize,
    /// The key, where it is an attribute.
    pub key: Key,
}

/// The key of an attribute, as far as a path may show it.
#[derive(Clone, Debug, Default)]
pub(crate) enum Key {
    /// Not shown.
    #[default]
    Hidden,
    /// In the request.
    At(Range<usize>),
    /// Without its JSON escapes.
    Decoded(Box<[u8]>),
}

/// A thing that is a step of a path; the request itself is none.
pub(crate) trait Located {
    /// The step.
    fn step(&self) -> Option<&Step>;
}

impl<L: Located> Trail for Path<'_, L> {
    fn keys(&self, visit: &mut dyn FnMut(Option<&[u8]>)) {
        let is_attribute = |field: &Field| matches!(field.trace, Trace::NamedKey | Trace::Key);
        for step in self.steps.iter().filter_map(Located::step) {
            if is_attribute(step.field) {
                visit(self.shown(&step.key));
            }
        }
        if let Leaf::Attribute(_, key) = self.leaf {
            visit(key);
        }
    }
}

/// What stands below the last message that the walk entered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaf<'a> {
    /// Nothing: the message itself.
    Message,
    /// A field, and which of its occurrences.
    Field(&'static Field, usize),
    /// The value of an attribute that was not entered, with its key where that
    /// may be shown.
    Attribute(&'static Field, Option<&'a [u8]>),
    /// The key of an attribute that was not entered.
    AttributeKey(&'static Field),
}

/// A path, to be displayed.
pub(crate) struct Path<'a, L> {
    /// The messages that the walk is in, the request first.
    pub steps: &'a [L],
    /// What is below them.
    pub leaf: Leaf<'a>,
    /// The request, for the keys.
    pub request: &'a [u8],
    /// Whether keys may be shown.
    pub keys: bool,
}

impl<L: Located> fmt::Display for Path<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut empty = true;
        for step in self.steps.iter().filter_map(Located::step) {
            self.step(f, step.field, step.index, self.shown(&step.key), &mut empty)?;
        }
        match self.leaf {
            Leaf::Message => Ok(()),
            Leaf::Field(field, index) => self.step(f, field, index, None, &mut empty),
            Leaf::Attribute(field, key) => self.step(f, field, 0, key, &mut empty),
            Leaf::AttributeKey(field) => {
                self.step(f, field, 0, None, &mut empty)?;
                f.write_str(".key")
            }
        }
    }
}

impl<L> Path<'_, L> {
    fn shown<'k>(&'k self, key: &'k Key) -> Option<&'k [u8]> {
        match key {
            Key::Hidden => None,
            Key::At(range) => self.request.get(range.clone()),
            Key::Decoded(key) => Some(key),
        }
    }

    fn step(
        &self,
        f: &mut fmt::Formatter<'_>,
        field: &'static Field,
        index: usize,
        key: Option<&[u8]>,
        empty: &mut bool,
    ) -> fmt::Result {
        if matches!(field.trace, Trace::Name | Trace::NamedKey) {
            if !*empty {
                f.write_str(".")?;
            }
            f.write_str(field.name)?;
            *empty = false;
        }
        match field.trace {
            Trace::Name if field.repeated => write!(f, "[{index}]"),
            Trace::Index => write!(f, "[{index}]"),
            Trace::NamedKey | Trace::Key => match key {
                Some(key) if self.keys => {
                    let key = key.get(..KEY_BYTES_MAX).unwrap_or(key);
                    write!(f, "[{:?}]", String::from_utf8_lossy(key))
                }
                _ => f.write_str("[]"),
            },
            Trace::Name | Trace::Nothing => Ok(()),
        }
    }
}
