//! Something wrong in a YAML text, and where.

use std::borrow::Cow;
use std::fmt;

use serde::de;

use crate::scrub::yaml::closest;
use crate::scrub::yaml::node::Node;
use crate::scrub::yaml::node::Place;
use crate::scrub::yaml::origin::place_of;
use crate::scrub::yaml::shown;

/// A fault in a YAML text.
///
/// Reads as `receivers.otlp.protocols.grpc.endpoint: expected host:port at line
/// 4, column 17`. Holds names and positions, never a value of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", self.shown(), self.what())]
pub struct YamlError {
    /// The YAML path of the faulty value, by which it is found again; people are shown
    /// [`YamlError::shown`]. `.` is the whole text.
    pub path: String,
    /// What was expected there.
    pub expected: String,
    /// In a box, for faults are handed on and on.
    more: Box<More>,
    /// Where it stood; unknown where whoever found the fault had no YAML any more.
    place: Place,
}

/// What else is known of a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct More {
    /// What to write instead; empty where nothing helps.
    advice: Box<str>,
    /// What people are shown of the path, where more is known than its text.
    shown: Option<Box<str>>,
}

impl YamlError {
    /// A fault found where the YAML is not at hand: [`YamlError::placed`] says later at
    /// which line.
    pub fn new(path: impl Into<String>, expected: impl Into<String>) -> Self {
        let (path, expected) = (path.into(), expected.into());
        Self { path, expected, more: Box::default(), place: Place::default() }
    }

    /// A fault at a place: `<path>: <expected> at line 4, column 7; <advice>`.
    pub fn at(path: &str, expected: &str, place: &Place, advice: &str) -> Self {
        let path = if path.is_empty() { "." } else { path };
        let more = Box::new(More { advice: advice.into(), shown: None });
        Self { path: path.to_owned(), expected: expected.to_owned(), more, place: place.clone() }
    }

    /// The same fault, of a word at the end of the path that is none of those accepted.
    #[must_use]
    pub fn of_unknown(self, word: &str, accepted: &[&str]) -> Self {
        let Some(outer) = self.path.strip_suffix(word) else { return self };
        let outer = shown::path(outer.strip_suffix('.').unwrap_or(outer));
        let shown = join(&outer, shown::unknown(word, accepted));
        self.shown_as(Some(shown.into()))
    }

    fn shown_as(mut self, shown: Option<Box<str>>) -> Self {
        self.more.shown = shown;
        self
    }

    /// The path, as far as nothing in it could be a credential.
    pub fn shown(&self) -> Cow<'_, str> {
        match (&self.more.shown, self.path.as_str()) {
            (Some(shown), _) => Cow::Borrowed(shown),
            (None, ".") => ".".into(),
            (None, path) => shown::path(path),
        }
    }

    /// What was expected, where, and what to write instead; and where nothing stood there
    /// because a variable is not set, which one.
    pub fn what(&self) -> String {
        let separator = if self.more.advice.is_empty() { "" } else { "; " };
        let unset = self.place.unset.as_deref().map(ToString::to_string).unwrap_or_default();
        format!("{}{}{separator}{}{unset}", self.expected, self.place, self.more.advice)
    }

    /// The same fault, at the innermost value of `root` on the way to it, unless it is known
    /// where it stood.
    #[must_use]
    pub fn placed(self, root: &Node) -> Self {
        match self.place == Place::default() {
            true => Self { place: place_of(root, &self.path), ..self },
            false => self,
        }
    }

    /// The same fault, of a setting that has another name where people write it.
    #[must_use]
    pub fn renamed(self, path: String) -> Self {
        Self { path, ..self }.shown_as(None)
    }

    /// The same fault, at a place, unless it is known where it stood.
    #[must_use]
    pub fn at_place(self, place: &Place) -> Self {
        match self.place == Place::default() {
            true => Self { place: place.clone(), ..self },
            false => self,
        }
    }

    /// The same fault, in a text that stands at `outer` of a larger one.
    pub fn within(self, outer: &str) -> Self {
        let shown = self.more.shown.as_deref();
        let shown = shown.map(|shown| join(&shown::path(outer), shown).into());
        Self { path: join(outer, &self.path), ..self }.shown_as(shown)
    }
}

/// A path within `outer`.
fn join(outer: &str, path: &str) -> String {
    match path {
        "." => outer.to_owned(),
        _ if outer.is_empty() || path.starts_with('[') => format!("{outer}{path}"),
        _ => format!("{outer}.{path}"),
    }
}

/// A fault on its way out of the tree: each level adds its part of the path, and
/// the innermost that knows it the place.
#[derive(Debug)]
pub(in crate::scrub::yaml) struct Fault(Box<Parts>);

#[derive(Debug)]
struct Parts {
    expected: String,
    advice: String,
    /// Innermost first.
    path: Vec<Step>,
    place: Option<Place>,
    /// The value was null where none is accepted: the default is meant.
    null: bool,
    /// The key that a map has to have and has not.
    missing: Option<&'static str>,
    /// The innermost key is none of those accepted; as much of it as may be shown.
    unknown: Option<String>,
    /// The same of a value, which may turn out to stand as a key.
    variant: Option<String>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::scrub::yaml) enum Step {
    /// Into the value under a key.
    Key(String),
    /// Into an element of a list.
    Element(usize),
}

impl Fault {
    fn new(expected: String, advice: String) -> Self {
        let (path, place, null, missing) = (Vec::new(), None, false, None);
        let (unknown, variant) = (None, None);
        Self(Box::new(Parts { expected, advice, path, place, null, missing, unknown, variant }))
    }

    /// Null where `expected` is.
    pub(in crate::scrub::yaml) fn null(expected: &dyn de::Expected) -> Self {
        let mut fault = Self::new(format!("expected {}", name(expected)), String::new());
        fault.0.null = true;
        fault
    }

    /// Fills in the place, where no inner level did.
    pub(in crate::scrub::yaml) fn or_place(mut self, place: &Place) -> Self {
        self.0.place.get_or_insert_with(|| place.clone());
        self
    }

    /// Adds a step on the outside of the path.
    pub(in crate::scrub::yaml) fn within(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }

    /// The path from the outside in, if a null is what is wrong.
    pub(in crate::scrub::yaml) fn null_at(&self) -> Option<Vec<Step>> {
        self.0.null.then(|| self.0.path.iter().rev().cloned().collect())
    }

    /// The path of a key that is missing, from the outside in.
    pub(in crate::scrub::yaml) fn missing_at(&self) -> Option<Vec<Step>> {
        let missing = Step::Key(self.0.missing?.to_owned());
        Some(self.0.path.iter().rev().cloned().chain([missing]).collect())
    }

    /// The same fault, somewhere else.
    pub(in crate::scrub::yaml) fn moved(mut self, place: &Place) -> Self {
        self.0.place = Some(place.clone());
        self
    }

    /// The fault with `outer` before its path.
    pub(in crate::scrub::yaml) fn into_error(self, outer: &str) -> YamlError {
        let Parts { expected, advice, path: steps, place, unknown, .. } = *self.0;
        let steps: Vec<Step> = steps.into_iter().rev().collect();
        let error = error(outer, &steps, &expected, &place.unwrap_or_default(), &advice);
        match (unknown, steps.as_slice()) {
            (Some(word), [above @ .., Step::Key(_)]) => {
                let above = shown_steps(&shown::path(outer), above);
                let hidden = above.ends_with('…');
                let shown = if hidden { above } else { join(&above, &word) };
                error.shown_as(Some(shown.into()))
            }
            _ => error,
        }
    }
}

/// A fault at the end of the steps.
pub(in crate::scrub::yaml) fn error(
    outer: &str,
    steps: &[Step],
    expected: &str,
    place: &Place,
    advice: &str,
) -> YamlError {
    let mut path = outer.to_owned();
    steps.iter().for_each(|step| push_step(&mut path, step));
    let shown = shown_steps(&shown::path(outer), steps);
    let shown = if shown.is_empty() { None } else { Some(shown.into()) };
    YamlError::at(&path, expected, place, advice).shown_as(shown)
}

/// A path as far as each key can be a name, as a whole: one may have points in it.
fn shown_steps(outer: &str, steps: &[Step]) -> String {
    let mut shown = outer.to_owned();
    for step in steps {
        if shown.ends_with('…') {
            break;
        }
        match step {
            Step::Key(key) => shown = join(&shown, shown::name(key)),
            Step::Element(_) => push_step(&mut shown, step),
        }
    }
    shown
}

/// Writes a step behind a path.
fn push_step(path: &mut String, step: &Step) {
    match step {
        Step::Key(key) => {
            if !path.is_empty() {
                path.push('.');
            }
            path.extend(key.chars().take(KEY_CHARS_MAX).flat_map(|c| {
                let shown: Box<dyn Iterator<Item = char>> = match c.is_control() {
                    true => Box::new(c.escape_default()),
                    false => Box::new(std::iter::once(c)),
                };
                shown
            }));
        }
        Step::Element(at) => path.push_str(&format!("[{at}]")),
    }
}

/// How much of a key is shown.
const KEY_CHARS_MAX: usize = 80;

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.expected)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string(), String::new())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        if matches!(found, de::Unexpected::Unit | de::Unexpected::Option) {
            return Self::null(expected);
        }
        let expected = name(expected);
        let advice = match (expected.as_str(), &found) {
            ("a string", de::Unexpected::Bool(_))
            | ("a string", de::Unexpected::Signed(_))
            | ("a string", de::Unexpected::Unsigned(_))
            | ("a string", de::Unexpected::Float(_)) => "put it in quotes",
            _ => "",
        };
        Self::new(format!("expected {expected}, found {}", kind(&found)), advice.to_owned())
    }

    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {}", name(expected)), String::new())
    }

    fn invalid_length(_: usize, expected: &dyn de::Expected) -> Self {
        Self::new(format!("expected {}", name(expected)), String::new())
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        let mut fault = Self::new("unknown value".to_owned(), closest::advice(variant, expected));
        fault.0.variant = Some(shown::unknown(variant, expected).to_owned());
        fault
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let mut fault = Self::new("unknown key".to_owned(), closest::advice(field, expected));
        fault.0.unknown = Some(shown::unknown(field, expected).to_owned());
        fault
    }

    fn missing_field(field: &'static str) -> Self {
        let mut fault = Self::new(format!("missing key `{field}`"), String::new());
        fault.0.missing = Some(field);
        fault
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self::new("the same key under another name".to_owned(), String::new())
    }
}

impl Fault {
    /// Says `unknown key` for an enum's variant that stood as a key.
    pub(in crate::scrub::yaml) fn for_key(mut self) -> Self {
        if self.0.expected == "unknown value" {
            self.0.expected = "unknown key".to_owned();
            self.0.unknown = self.0.variant.take();
        }
        self
    }
}

/// What was expected, in the words of someone who writes YAML.
fn name(expected: &dyn de::Expected) -> String {
    let name = expected.to_string();
    let range = |from: &str, to: &str| format!("an integer from {from} to {to}");
    match name.as_str() {
        "u8" => range("0", "255"),
        "u16" => range("0", "65535"),
        "u32" => range("0", "4294967295"),
        "a nonzero u16" => range("1", "65535"),
        "a nonzero u32" => range("1", "4294967295"),
        "a nonzero u64" | "a nonzero usize" => "an integer of 1 or more".to_owned(),
        "u64" | "usize" | "u128" => "an integer of 0 or more".to_owned(),
        "i8" => range("-128", "127"),
        "i16" => range("-32768", "32767"),
        "i32" => range("-2147483648", "2147483647"),
        "i64" | "isize" | "i128" => "an integer".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "newtype variant" => "a map of one key".to_owned(),
        _ if name.starts_with("struct ") => "a map".to_owned(),
        _ if name.starts_with("enum ") => "one of its names".to_owned(),
        _ => name,
    }
}

fn kind(found: &de::Unexpected<'_>) -> &'static str {
    match found {
        de::Unexpected::Bool(_) => "a boolean",
        de::Unexpected::Unsigned(_) | de::Unexpected::Signed(_) => "an integer",
        de::Unexpected::Float(_) => "a number with a point",
        de::Unexpected::Str(_) | de::Unexpected::Char(_) => "a string",
        de::Unexpected::Seq => "a list",
        de::Unexpected::Map | de::Unexpected::StructVariant => "a map",
        de::Unexpected::UnitVariant => "a name alone",
        _ => "something else",
    }
}
