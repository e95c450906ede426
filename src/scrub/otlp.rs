//! OTLP requests as bytes: which fields there are, where text stands in them,
//! and how to change it without decoding the rest.
//!
//! The walk visits texts in wire order and shows each to a [`Judge`]; what the
//! judge wants replaced becomes edits, and [`splice`] applies them. This module
//! does not know what a credential is.

pub mod alter;
mod cut;
mod json;
mod origins;
mod path;
mod protobuf;
mod schema;
mod spelled;
mod split;
mod strings;
mod utf8;
mod wire;

pub use cut::Cut;
pub use cut::CutKind;
pub use cut::TAG_KEY;
pub use cut::cut;
pub use cut::pick;
pub use origins::Origin;
pub use origins::Origins;
pub use schema::places;
pub use spelled::Spelled;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use crate::scrub::Encoding;
use crate::scrub::Signal;

/// A range of the request and the bytes to put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which bytes of the request go.
    pub range: Range<usize>,
    /// What comes in their place.
    pub bytes: Vec<u8>,
}

/// A range of a text and what to put there, as the judge sees the text (decoded
/// from JSON escapes, say). The walk turns it into an [`Edit`].
pub type Replacement = Edit;

/// What the keys around a text say of it; the judge makes and reads them, the
/// walk only carries them. `Context::default()`: nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context(pub u32);

/// Bytes that are shown to the judge.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The text, without the escapes of its carrier. May be invalid UTF-8.
    pub bytes: &'a [u8],
    /// Where it stands in the request; `None` when it was decoded, so that its
    /// offsets are not those of the request.
    pub at: Option<usize>,
}

/// Where a text stands.
pub struct Place<'a> {
    /// The kind of place, for metrics: `attributes`, `body`, `name`, ….
    pub kind: &'static str,
    /// Where it begins in the request, in whatever escapes it stands there.
    pub at: usize,
    /// What the keys around it say.
    pub context: Context,
    /// Its position, where it is an element of an array value: what an element
    /// says (`--password`) tells of the next.
    pub element: Option<usize>,
    /// The path, rendered only when something is found:
    /// `resource_spans[0].scope_spans[1].spans[3].attributes["http.url"]`.
    pub path: &'a dyn Trail,
}

/// The way to a text: displayed, its path.
pub trait Trail: fmt::Display {
    /// The keys of the attributes around the text, from the outside in; `None` for one
    /// that is not shown, since a secret was found in it or it was not looked at yet.
    fn keys(&self, visit: &mut dyn FnMut(Option<&[u8]>));
}

/// A value that is no text but stands under a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// `int_value`.
    Int(i64),
    /// `double_value`.
    Double(f64),
    /// `bool_value`.
    Bool(bool),
}

/// How long a text is that a judge is told of before the walk, in bytes.
pub const LONG_TEXT_MIN: usize = 256;

/// Up to how many bytes an attribute takes that a judge is told of before the walk.
pub const ATTRIBUTE_LEN_MAX: usize = 254;

/// A part of a request in which text can stand.
#[derive(Clone, Debug)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Where it stands.
    pub range: Range<usize>,
    /// Where the message ends that it stands in.
    pub within: usize,
    /// Whether the part before it ends where it begins, and is in the same field of the same
    /// message.
    pub follows: bool,
}

/// What a part of a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// A text of [`LONG_TEXT_MIN`] bytes and more: no key, nor in an array or map.
    LongText,
    /// An attribute with its tag and length, of [`ATTRIBUTE_LEN_MAX`] bytes and less, that
    /// is not inside of another.
    Attribute,
    /// The body of a log record, in the same way.
    Value,
    /// A shorter text, in the same places but for values.
    Text,
    /// The key of a longer attribute, behind which the tag of its value stands.
    Key,
    /// A span, a log record or the like, without its tag and length, all of whose parts are
    /// known. It comes behind these.
    Record,
    /// Anything else in which text can stand: it is not known from earlier ones.
    Other,
}

/// A protobuf request before it is walked.
#[derive(Clone, Copy, Debug)]
pub struct Outline<'r> {
    signal: Signal,
    request: &'r [u8],
}

impl Outline<'_> {
    /// Shows its parts in wire order: no text stands outside of them. They do not overlap, but
    /// for records. `see` says up to where the part is known, or that and what stands behind it
    /// in the same message; `None`: it is not known.
    pub fn parts(&self, see: impl FnMut(Part) -> Option<usize>) {
        protobuf::parts(self.signal, self.request, see);
    }
}

/// Whether the walk passes over an attribute or a value in which nothing needs to be shown,
/// as the judge says of each text in it.
pub(in crate::scrub) fn is_quiet(kind: PartKind, part: &[u8], judge: &mut impl Judge) -> bool {
    protobuf::is_quiet(kind, part, judge)
}

/// Where the text stands in an attribute or a value that holds one, and nothing behind it;
/// `None` in any layout but the usual one.
pub(in crate::scrub) fn last_text(kind: PartKind, part: &[u8]) -> Option<Range<usize>> {
    protobuf::last_text(kind, part)
}

/// Decides what must be replaced. The detector is one; tests have others.
///
/// Texts are shown in the order of the request. Keys are shown before the values
/// beside them, so that one that follows its value comes early, and keys of
/// profiles (which stand in the string table) come twice. A field outside the
/// schema is shown under the place `unknown_field`, where it is scanned.
pub trait Judge {
    /// The whole request, before its first text is shown. `outline` tells, if asked, where
    /// its parts stand.
    fn begin(&mut self, request: &[u8], outline: Option<Outline<'_>>);

    /// What `key` says of the values under it. `outer` is what the keys around
    /// `key` said, or another key of the same attribute: to be safe, what is said
    /// there holds on. The key is also shown as a text, under the place `key`.
    fn key(&mut self, key: Shown<'_>, outer: Context) -> Context;

    /// Adds to `found` what must be replaced in `text`, in order, not overlapping.
    fn text(&mut self, text: Shown<'_>, place: &Place<'_>, found: &mut Vec<Replacement>);

    /// Whether a text that stands at `at` in the request, under no key that says anything
    /// and in no array, needs not be shown, nor be read as a key: most texts need not,
    /// and this costs a few instructions. It may say no at any time.
    #[inline(always)]
    fn is_quiet(&self, text: &[u8], at: usize) -> bool {
        let _ = (text, at);
        false
    }

    /// The same of a text that is a key.
    #[inline(always)]
    fn is_quiet_key(&self, key: &[u8], at: usize) -> bool {
        self.is_quiet(key, at)
    }

    /// The end of what begins at `at`, where the judge knows it: the attributes of one message,
    /// the body in a record that is passed over, or all of a record. They are well-formed, and
    /// need not be shown. Asked for in wire order, mostly.
    #[inline(always)]
    fn known_until(&mut self, at: usize) -> Option<usize> {
        let _ = at;
        None
    }

    /// Whether the judge wants to see a map or an array as a whole, which stands at
    /// `range` in the request and in no other, before its strings are shown.
    fn wants_whole(&mut self, range: Range<usize>) -> bool {
        let _ = range;
        false
    }

    /// Takes note of such a value. Nothing is replaced in it here: its strings follow,
    /// each at the offset that `value` says.
    fn whole(&mut self, value: &Spelled, range: Range<usize>, place: &Place<'_>) {
        let _ = (value, range, place);
    }

    /// The text that takes the place of a number or a boolean, or `None` to keep it.
    fn scalar(&mut self, value: Scalar, place: &Place<'_>) -> Option<Vec<u8>>;
}

/// A judge that keeps everything: the walk then only checks the structure.
pub(in crate::scrub) struct Blind;

impl Judge for Blind {
    fn begin(&mut self, _: &[u8], _: Option<Outline<'_>>) {}

    fn key(&mut self, _: Shown<'_>, outer: Context) -> Context {
        outer
    }

    fn text(&mut self, _: Shown<'_>, _: &Place<'_>, _: &mut Vec<Replacement>) {}

    fn scalar(&mut self, _: Scalar, _: &Place<'_>) -> Option<Vec<u8>> {
        None
    }
}

/// What to do with a field that the schema does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum UnknownFields {
    /// Drop it and count it.
    #[default]
    Drop,
    /// Keep it only where the judge finds nothing in its raw bytes.
    Scan,
    /// Refuse the request.
    Refuse,
}

/// What to do with a text that is not UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema, serde::Serialize))]
#[serde(rename_all = "snake_case")]
pub enum InvalidUtf8 {
    /// Put U+FFFD for each bad sequence and count the text: strict receivers
    /// refuse a whole request for one bad byte.
    #[default]
    Replace,
    /// Leave it as it is.
    Keep,
    /// Refuse the request.
    Refuse,
}

/// How to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalkOptions {
    /// Fields outside the schema.
    pub unknown_fields: UnknownFields,
    /// Texts that are not UTF-8.
    pub invalid_utf8: InvalidUtf8,
    /// How many messages may be nested in each other. The Collector refuses more
    /// than 100 since 0.165, and so does prost.
    pub depth_max: usize,
}

impl Default for WalkOptions {
    fn default() -> Self {
        Self {
            unknown_fields: UnknownFields::default(),
            invalid_utf8: InvalidUtf8::default(),
            depth_max: 100,
        }
    }
}

/// What a walk found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Walked {
    /// What to change, by position, not overlapping.
    pub edits: Vec<Edit>,
    /// Spans, data points, log records or profiles.
    pub items: u64,
    /// Fields that the edits drop: those that the schema does not know, and those
    /// that it decides to drop (`Profile.original_payload`).
    pub unknown_fields: u64,
    /// Texts whose invalid UTF-8 the edits replace.
    pub invalid_utf8: u64,
}

/// Why a request cannot be walked. Holds offsets and names, never payload.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}{}", if path.is_empty() { String::new() } else { format!(" in {path}") })]
pub struct WalkError {
    /// What was wrong, in a few words.
    pub what: &'static str,
    /// At which byte of the request.
    pub at: usize,
    /// In which field, as far as it is known; holds no attribute key.
    pub path: String,
}

/// Walks a request and shows each text to `judge`.
///
/// # Errors
///
/// The first thing in the request that is not OTLP, or is nested too deep.
pub fn walk(
    signal: Signal,
    encoding: Encoding,
    request: &[u8],
    options: &WalkOptions,
    judge: &mut impl Judge,
) -> Result<Walked, WalkError> {
    match encoding {
        Encoding::Protobuf => {
            judge.begin(request, Some(Outline { signal, request }));
            protobuf::walk(signal, request, options, judge)
        }
        Encoding::Json => {
            judge.begin(request, None);
            json::walk(signal, request, options, judge)
        }
    }
}

/// How many edits one request may need. An edit takes 40 bytes and more, so
/// without a limit a request made of tiny unknown fields would take many times
/// its own size.
const EDITS_MAX: usize = 1 << 20;

/// Whether replacements are in order, apart, and within `len` bytes.
fn in_order(replacements: &[Replacement], len: usize) -> bool {
    let mut at = 0;
    replacements.iter().all(|Replacement { range, .. }| {
        let fits = at <= range.start && range.start <= range.end && range.end <= len;
        at = range.end;
        fits
    })
}

/// `text` with replacements that are [`in_order`].
pub(in crate::scrub) fn replace_in(text: &[u8], replacements: &[Replacement]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    for edit in replacements {
        out.extend_from_slice(text.get(at..edit.range.start).unwrap_or_default());
        out.extend_from_slice(&edit.bytes);
        at = edit.range.end;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

/// Applies edits. With none, the very bytes that came in (no copy).
pub fn splice(request: &Bytes, edits: &[Edit]) -> Bytes {
    if edits.is_empty() {
        return request.clone();
    }
    replace_in(request, edits).into()
}

/// How many bytes the tape of a JSON request takes at most.
pub(in crate::scrub) fn json_tape_bytes_max(json: &[u8]) -> usize {
    json::tape_bytes_max(json)
}

/// The same request in protobuf, not longer than the JSON; `None` where the JSON is not
/// regular, that is, where the walk would count, drop, change or refuse something in it
/// beside secrets and bytes that are no UTF-8.
pub(in crate::scrub) fn regular_json_to_protobuf(signal: Signal, json: &[u8]) -> Option<Vec<u8>> {
    json::regular_to_protobuf(signal, json)
}

/// The same request in protobuf.
///
/// # Errors
///
/// When the JSON is malformed, or holds a value that its protobuf type cannot.
pub fn json_to_protobuf(signal: Signal, json: &[u8]) -> Result<Vec<u8>, WalkError> {
    json::to_protobuf(signal, json)
}

/// The same request in OTLP/JSON.
///
/// # Errors
///
/// When the protobuf is malformed.
pub fn protobuf_to_json(signal: Signal, protobuf: &[u8]) -> Result<Vec<u8>, WalkError> {
    protobuf::to_json(signal, protobuf)
}

/// Splits a protobuf request at record borders into requests of at most
/// `items_max` items, each with its resource and scope. `None` when it cannot be
/// split (profiles, malformed bytes).
pub fn split(signal: Signal, protobuf: &[u8], items_max: u64) -> Option<Vec<(Vec<u8>, u64)>> {
    split::split(signal, protobuf, items_max)
}
