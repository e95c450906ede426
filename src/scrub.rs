//! The pure half: request bytes in, scrubbed bytes out.
//!
//! No I/O, no clock, no thread, no async, no global state; builds for wasm32.
//! [`Scrubber::scrub`] walks a request in wire order, shows each text to the
//! detector, collects edits and splices them. What comes out is a [`Scrubbed`],
//! which nothing else can make.

pub mod actions;
pub mod chain;
pub mod detector;
pub mod explain;
pub mod fingerprint;
mod mask;
pub mod matching;
pub mod otlp;
pub mod ottl;
pub mod prove;
mod random;
pub mod re2;
pub mod redaction;
pub mod rule;
mod scrubbed;
pub mod scrubber;
pub mod shadow;
pub mod stream;
pub mod yaml;

pub use chain::Chain;
pub use chain::NoScrubber;
pub use mask::MaskKind;
pub use redaction::Redactor;
pub use scrubbed::Cost;
pub use scrubbed::Counts;
pub use scrubbed::NotSealed;
pub use scrubbed::Noted;
pub use scrubbed::NotedKind;
pub use scrubbed::Redaction;
pub use scrubbed::Report;
pub use scrubbed::Scrubbed;
pub use scrubber::KnownTexts;
pub use scrubber::ScrubError;
pub use scrubber::Scrubber;
pub use scrubber::Settings;

use bytes::Bytes;

/// What an OTLP request carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// Spans.
    Traces,
    /// Data points.
    Metrics,
    /// Log records.
    Logs,
    /// Profiles (v1development).
    Profiles,
}

impl Signal {
    /// Every signal, in the order in which the Collector lists them.
    pub const ALL: [Self; 4] = [Self::Traces, Self::Metrics, Self::Logs, Self::Profiles];

    /// What belongs to this signal in a list that has something for each, in that order.
    pub fn of<T>(self, each: &[T]) -> Option<&T> {
        let at = Self::ALL.iter().position(|signal| *signal == self)?;
        each.get(at)
    }

    /// The name of the signal in pipeline ids: `traces`, `metrics`, `logs`, `profiles`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
            Self::Profiles => "profiles",
        }
    }

    /// What the Collector counts: `spans`, `metric_points`, `log_records`, `profiles`.
    pub fn items(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Metrics => "metric_points",
            Self::Logs => "log_records",
            Self::Profiles => "profiles",
        }
    }
}

/// How an OTLP request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Binary protobuf (OTLP/gRPC and `application/x-protobuf`).
    Protobuf,
    /// OTLP/JSON (`application/json`).
    Json,
}

impl Encoding {
    /// How many bytes of memory scrubbing `request` takes at most beside the request and
    /// what comes out: protobuf is walked where it stands; JSON is turned into protobuf,
    /// which is not longer, or read into a tape, which for a list of small numbers is eight
    /// times as long as the text.
    pub fn working_bytes(self, request: &[u8]) -> usize {
        match self {
            Self::Protobuf => 0,
            Self::Json => otlp::json_tape_bytes_max(request).max(request.len()),
        }
    }
}

/// One OTLP export request, decompressed, as it came in.
#[derive(Clone)]
pub struct Request {
    /// What it carries.
    pub signal: Signal,
    /// How it is written.
    pub encoding: Encoding,
    /// The export request message.
    pub bytes: Bytes,
}

impl Request {
    /// The same request in protobuf, where it is regular JSON: where each member is one
    /// that the schema has, and a walk has nothing to count, change or refuse in it but
    /// secrets and bytes that are no UTF-8, which it finds in the protobuf as well.
    pub fn in_protobuf(&self) -> Option<Self> {
        let Self { signal, encoding: Encoding::Json, bytes } = self else { return None };
        let bytes = otlp::regular_json_to_protobuf(*signal, bytes)?.into();
        Some(Self { signal: *signal, encoding: Encoding::Protobuf, bytes })
    }
}

impl std::fmt::Debug for Request {
    /// Sizes only: the payload may hold secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("signal", &self.signal)
            .field("encoding", &self.encoding)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}
