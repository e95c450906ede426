//! What a sender is told, derived in one place.

use std::time::Duration;

use crate::scrub::ScrubError;

/// How a request ended.
pub type Outcome = Result<Accepted, Refusal>;

/// The upstream has the request (or the synced disk does).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// What the upstream did not take of it; passed on to the sender, who must not
    /// retry (OTLP specification, "Partial Success").
    pub partial: Option<PartialSuccess>,
}

/// A partial success as the OTLP specification has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialSuccess {
    /// Rejected spans, data points, log records or profiles.
    pub rejected: i64,
    /// The upstream's explanation, scrubbed.
    pub message: String,
}

/// Why a request was not delivered: one variant for each thing the sender is told
/// to do about it.
///
/// Messages hold sizes, offsets and names, never payload bytes, and so may be
/// logged and sent back as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request cannot be scrubbed. Sending it again will not help.
    #[error(transparent)]
    Malformed(#[from] ScrubError),
    /// The request is larger than a limit. Sending it again will not help; a
    /// smaller batch will.
    #[error("request larger than {max} bytes")]
    TooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// The gateway has no room for it now.
    #[error("too much under way, try again later")]
    Busy {
        /// When to try again.
        retry_after: Duration,
    },
    /// The gateway is stopping.
    #[error("shutting down")]
    Stopping,
    /// The upstream cannot take it now, or cannot be reached.
    #[error("upstream unavailable: {message}")]
    Unavailable {
        /// The gRPC code that the sender hears; a retryable one.
        code: u32,
        /// When to try again, where the upstream said it.
        retry_after: Option<Duration>,
        /// What was wrong, scrubbed.
        message: String,
    },
    /// The upstream refused it for good.
    #[error("upstream refused: {message}")]
    Rejected {
        /// The gRPC code that the sender hears; not a retryable one.
        code: u32,
        /// What was wrong, scrubbed.
        message: String,
    },
}
