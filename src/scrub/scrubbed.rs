//! The proof that a request was scrubbed.

mod sealed;

use std::sync::Arc;

use crate::scrub::Encoding;
use crate::scrub::Signal;
use crate::scrub::otlp;
use bytes::Bytes;

pub use sealed::NotSealed;

/// A request from which the credentials are gone.
///
/// Only the scrubber makes one (the fields are private and the constructor is
/// `pub(in crate::scrub)`), and an exporter or a queue takes nothing else: what
/// was not scrubbed cannot be sent by mistake.
#[derive(Clone)]
pub struct Scrubbed {
    signal: Signal,
    encoding: Encoding,
    bytes: Bytes,
    items: u64,
    edited: bool,
    /// The requests that it was joined from, where it was: they stand one behind the
    /// other.
    parts: Option<Arc<[Part]>>,
}

/// A request within a joined one.
#[derive(Clone, Copy)]
struct Part {
    bytes: u32,
    items: u32,
}

impl Scrubbed {
    pub(in crate::scrub) fn new(
        signal: Signal,
        encoding: Encoding,
        bytes: Bytes,
        items: u64,
        edited: bool,
    ) -> Self {
        Self { signal, encoding, bytes, items, edited, parts: None }
    }

    /// What the request carries.
    pub fn signal(&self) -> Signal {
        self.signal
    }

    /// How the request is written.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The export request message, ready to be sent.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many spans, data points, log records or profiles it holds.
    pub fn items(&self) -> u64 {
        self.items
    }

    /// Whether anything was changed. `false`: the bytes are those that came in.
    pub fn edited(&self) -> bool {
        self.edited
    }

    /// The same request as protobuf.
    ///
    /// # Errors
    ///
    /// When the JSON cannot be said in protobuf (a number out of range, say).
    pub fn to_protobuf(&self) -> Result<Self, otlp::WalkError> {
        match self.encoding {
            Encoding::Protobuf => Ok(self.clone()),
            Encoding::Json => {
                let bytes = otlp::json_to_protobuf(self.signal, &self.bytes)?;
                Ok(Self { encoding: Encoding::Protobuf, bytes: bytes.into(), ..self.clone() })
            }
        }
    }

    /// The same request as OTLP/JSON.
    ///
    /// # Errors
    ///
    /// When the protobuf is malformed; it was walked before, so this does not
    /// happen to a request that the scrubber made.
    pub fn to_json(&self) -> Result<Self, otlp::WalkError> {
        match self.encoding {
            Encoding::Json => Ok(self.clone()),
            Encoding::Protobuf => {
                let bytes = otlp::protobuf_to_json(self.signal, &self.bytes)?;
                let parts = None;
                Ok(Self { encoding: Encoding::Json, bytes: bytes.into(), parts, ..self.clone() })
            }
        }
    }

    /// Joins requests of one signal into one. All must be protobuf: concatenation
    /// merges messages (protobuf encoding guide, "Last One Wins").
    ///
    /// `None` when they differ in signal, one is JSON, there is none, or the
    /// signal cannot be joined (profiles: their indices point into a dictionary).
    pub fn join(parts: &[Self]) -> Option<Self> {
        let first = parts.first()?;
        let alike = parts
            .iter()
            .all(|part| part.signal == first.signal && part.encoding == Encoding::Protobuf);
        if !alike || (first.signal == Signal::Profiles && 1 < parts.len()) {
            return None;
        }
        let mut joined = bytes::BytesMut::with_capacity(parts.iter().map(|p| p.bytes.len()).sum());
        for part in parts {
            joined.extend_from_slice(&part.bytes);
        }
        let mut borders = Vec::with_capacity(parts.len());
        for part in parts {
            match &part.parts {
                Some(inner) => borders.extend(inner.iter().copied()),
                None => borders.push(Part {
                    bytes: u32::try_from(part.bytes.len()).ok()?,
                    items: u32::try_from(part.items).ok()?,
                }),
            }
        }
        Some(Self {
            bytes: joined.freeze(),
            items: parts.iter().map(|part| part.items).sum(),
            edited: parts.iter().any(|part| part.edited),
            parts: (1 < borders.len()).then(|| borders.into()),
            ..first.clone()
        })
    }

    /// The requests that this one was joined from; itself, where it was not joined.
    pub fn unjoin(&self) -> Vec<Self> {
        let Some(parts) = &self.parts else { return vec![self.clone()] };
        let mut rest = self.bytes.clone();
        let mut requests = Vec::with_capacity(parts.len());
        for part in parts.iter() {
            if rest.len() < part.bytes as usize {
                return vec![self.clone()];
            }
            let bytes = rest.split_to(part.bytes as usize);
            let items = u64::from(part.items);
            requests.push(Self { bytes, items, parts: None, ..self.clone() });
        }
        requests
    }

    /// Splits a protobuf request into requests of at most `items_max` items, at
    /// record borders; `None` when it holds no more than that, is JSON, or cannot
    /// be split.
    pub fn split(&self, items_max: u64) -> Option<Vec<Self>> {
        if self.encoding != Encoding::Protobuf || self.items <= items_max || items_max == 0 {
            return None;
        }
        let parts = otlp::split(self.signal, &self.bytes, items_max)?;
        Some(
            parts
                .into_iter()
                .map(|(bytes, items)| Self {
                    bytes: bytes.into(),
                    items,
                    parts: None,
                    ..self.clone()
                })
                .collect(),
        )
    }
}

impl std::fmt::Debug for Scrubbed {
    /// Sizes only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scrubbed")
            .field("signal", &self.signal)
            .field("encoding", &self.encoding)
            .field("bytes", &self.bytes.len())
            .field("items", &self.items)
            .field("edited", &self.edited)
            .finish()
    }
}

/// One secret that was replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// The id of the rule that named the mask.
    pub rule: std::sync::Arc<str>,
    /// The kind of place: `attributes`, `body`, `name`, … (a metric label).
    pub place: &'static str,
    /// Where, as `resource_spans[0].scope_spans[1].spans[3].attributes["key"]`.
    pub path: String,
}

/// What was found and not, or not only, masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// What became of it.
    pub kind: NotedKind,
    /// The rule and the place.
    pub redaction: Redaction,
}

/// What became of something that a rule found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotedKind {
    /// It was left: the rule, or all of them, are in a dry run.
    DryRun,
    /// It was left: an allow entry says so.
    Allowed,
    /// It was left: less sure than `min_confidence`.
    Unsure,
    /// The rule wants this done. Where it cannot be, the text was masked.
    Acted(crate::scrub::rule::Action),
}

impl NotedKind {
    /// A word for metrics: `dry_run`, `allowed`, `unsure`, `remove_attribute`, ….
    pub fn name(self) -> &'static str {
        use crate::scrub::rule::Action;
        match self {
            Self::DryRun => "dry_run",
            Self::Allowed => "allowed",
            Self::Unsure => "unsure",
            Self::Acted(Action::RemoveAttribute) => "remove_attribute",
            Self::Acted(Action::DropRecord) => "drop_record",
            Self::Acted(Action::RefuseRequest) => "refuse_request",
            Self::Acted(Action::Tag) => "tag",
            Self::Acted(Action::Route) => "route",
            Self::Acted(Action::Mask | Action::Fingerprint | Action::Partial) => "mask",
        }
    }
}

/// What a rule looked at, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The id of the rule.
    pub rule: Arc<str>,
    /// How often.
    pub counts: Counts,
}

/// How often a rule looked at something, and what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often an anchor of its pattern stood somewhere, or a key that it names first.
    pub hits: u64,
    /// How often what stood there had the shape, and a second opinion refused it.
    pub near_misses: u64,
    /// How many masks bear its name.
    pub matches: u64,
    /// How often what it found was left: by `where`, `near`, `allow`, `min_confidence`,
    /// `dry_run` or `action: tag`.
    pub suppressed: u64,
    /// Bytes that were read around its hits.
    pub bytes: u64,
}

impl Counts {
    /// Adds the counts of another text or request.
    pub fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.near_misses += other.near_misses;
        self.matches += other.matches;
        self.suppressed += other.suppressed;
        self.bytes += other.bytes;
    }
}

/// What the scrubber did to one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Each secret that was replaced, in wire order; the first
    /// [`crate::scrub::scrubber::REDACTIONS_LISTED_MAX`] with their paths, the
    /// others with an empty path.
    pub redactions: Vec<Redaction>,
    /// What was found and not, or not only, masked, in wire order; paths as above.
    pub noted: Vec<Noted>,
    /// What each rule that looked at something looked at, and what came of it.
    pub costs: Vec<Cost>,
    /// Spans, log records and data points that are gone.
    pub dropped_records: u64,
    /// Spans, log records and data points that go to another pipeline.
    pub routed_records: u64,
    /// Fields that the schema does not know and that were dropped.
    pub unknown_fields: u64,
    /// Texts whose invalid UTF-8 was replaced.
    pub invalid_utf8: u64,
}
