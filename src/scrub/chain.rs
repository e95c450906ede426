//! Processors one after the other, of which one at least removes secrets.

use std::sync::Arc;

use crate::scrub::Redactor;
use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubbed;
use crate::scrub::Scrubber;
use crate::scrub::Signal;
use crate::scrub::actions::Actions;
use crate::scrub::ottl::Filter;
use crate::scrub::ottl::Transform;
use crate::scrub::scrubber::Divided;

/// A processor that sees requests.
#[derive(Clone, Debug)]
pub enum Processor {
    /// `scrubber`
    Scrubber(Arc<Scrubber>),
    /// `redaction`
    Redaction(Arc<Redactor>),
    /// `attributes` or `resource`
    Actions(Arc<Actions>),
    /// Panics, and quotes the request: what that costs is tested.
    #[cfg(test)]
    Faulty,
    /// `transform`
    Transform(Arc<Transform>),
    /// `filter`
    Filter(Arc<Filter>),
    /// What leaves out the resources that go another way.
    Route(Arc<Filter>),
}

impl Processor {
    /// Whether what it gives out counts as scrubbed.
    pub fn scrubs(&self, signal: Signal) -> bool {
        match self {
            Self::Scrubber(_) => true,
            // As the Collector's, it knows no profiles.
            Self::Redaction(_) => signal != Signal::Profiles,
            #[cfg(test)]
            Self::Faulty => true,
            Self::Actions(_) | Self::Transform(_) | Self::Filter(_) | Self::Route(_) => false,
        }
    }

    /// The scrubber, if it is one.
    pub fn scrubber(&self) -> Option<&Arc<Scrubber>> {
        if let Self::Scrubber(scrubber) = self { Some(scrubber) } else { None }
    }

    fn run(&self, request: &Request) -> Result<Divided, ScrubError> {
        let (left, report) = match self {
            Self::Scrubber(scrubber) => return scrubber.divide(request),
            Self::Redaction(redactor) => redactor.redact(request),
            // Among others that scrub: the chain has one. What it puts in comes from
            // the configuration or from the same record.
            Self::Actions(actions) => actions.apply(request),
            #[cfg(test)]
            Self::Faulty => panic!("trips over {}", request.bytes.escape_ascii()),
            Self::Transform(transform) => transform.apply(request),
            Self::Filter(filter) | Self::Route(filter) => filter.apply(request),
        }?;
        Ok(Divided { left, routed: None, report })
    }
}

/// Processors in order. Invariant: at least one scrubs.
#[derive(Clone, Debug)]
pub struct Chain(Arc<[Processor]>);

/// Without a processor that scrubs, credentials would be forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a scrubber among the processors")]
pub struct NoScrubber;

/// What became of a request.
#[derive(Debug)]
pub struct Processed {
    /// The request.
    pub scrubbed: Scrubbed,
    /// What each processor did.
    pub stages: Vec<Stage>,
    /// Whether any of them changed anything.
    pub edited: bool,
}

/// What one processor did.
#[derive(Debug)]
pub struct Stage {
    /// What it changed.
    pub report: Report,
    /// What it sends elsewhere.
    pub routed: Option<Scrubbed>,
    /// How many items it got.
    pub incoming: u64,
    /// How many it gave on.
    pub outgoing: u64,
}

impl Chain {
    /// Puts processors behind each other, for requests of `signal`.
    ///
    /// # Errors
    ///
    /// When none of them scrubs.
    pub fn new(signal: Signal, processors: Vec<Processor>) -> Result<Self, NoScrubber> {
        match processors.iter().any(|processor| processor.scrubs(signal)) {
            true => Ok(Self(processors.into())),
            false => Err(NoScrubber),
        }
    }

    /// Shows a request to each processor, which sees what the one before left.
    ///
    /// # Errors
    ///
    /// When the request cannot be walked; nothing of it may be forwarded.
    pub fn run(&self, request: Request) -> Result<Processed, ScrubError> {
        let processed = run(&self.0, request)?;
        processed.ok_or(ScrubError::NoScrubber(NoScrubber))
    }
}

/// Processors behind others that scrubbed: what they get is proof of it.
#[derive(Clone, Debug)]
pub struct Behind(Arc<[Processor]>);

impl Behind {
    /// Puts processors behind each other.
    pub fn new(processors: Vec<Processor>) -> Self {
        Self(processors.into())
    }

    /// Shows a request that was scrubbed to each processor.
    ///
    /// # Errors
    ///
    /// As for [`Chain::run`].
    pub fn run(&self, scrubbed: Scrubbed) -> Result<Processed, ScrubError> {
        let (signal, encoding) = (scrubbed.signal(), scrubbed.encoding());
        let request = Request { signal, encoding, bytes: scrubbed.bytes().clone() };
        let none = Processed { edited: scrubbed.edited(), scrubbed, stages: Vec::new() };
        Ok(run(&self.0, request)?.unwrap_or(none))
    }
}

/// `None` where there is no processor.
fn run(processors: &[Processor], mut request: Request) -> Result<Option<Processed>, ScrubError> {
    let mut stages = Vec::with_capacity(processors.len());
    let mut edited = false;
    let mut last = None;
    for processor in processors {
        let Divided { left, routed, report } = processor.run(&request)?;
        edited |= left.edited();
        let outgoing = left.items();
        let incoming = outgoing + report.dropped_records + report.routed_records;
        stages.push(Stage { report, routed, incoming, outgoing });
        request.encoding = left.encoding();
        request.bytes = left.bytes().clone();
        last = Some(left);
    }
    Ok(last.map(|scrubbed| Processed { scrubbed, stages, edited }))
}
