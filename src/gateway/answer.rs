//! What a sender is told, derived in one place.
//!
//! A request ends as an [`Outcome`]; [`Refusal::answer`] turns a refusal into the
//! codes of both protocols. Nothing else in the gateway knows which code means
//! what. The codes are those of the OTLP specification, under "Failures" and
//! "Throttling" of each protocol, and where it is silent the Collector's.

pub mod verdict;
pub mod wire;

use std::fmt;
use std::time::Duration;

use crate::scrub::ScrubError;

/// How long a sender should wait when we have no better idea: the Collector's
/// `retry_on_failure.initial_interval`.
pub const RETRY_AFTER_DEFAULT: Duration = Duration::from_secs(5);

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
    /// What carries the request is broken: framing, compression, a header. Sending
    /// it again will not help.
    #[error("unreadable request: {what}")]
    Unreadable {
        /// What was wrong, in a few words.
        what: &'static str,
    },
    /// The request is compressed in a way that the gateway does not know.
    #[error("unsupported compression, supported: {supported}")]
    Compression {
        /// The names of those that it knows.
        supported: &'static str,
    },
    /// The request is larger than a limit. Sending it again will not help; a
    /// smaller batch will.
    #[error("request larger than {max} bytes")]
    TooLarge {
        /// The limit, in bytes.
        max: usize,
    },
    /// The sender took too long to send the request.
    #[error("request {limit}")]
    TooSlow {
        /// The limit.
        limit: Slowness,
    },
    /// The sender is not known, or may not send.
    #[error("not authenticated")]
    Unauthenticated {
        /// What it can show, as `WWW-Authenticate` says it.
        challenge: &'static str,
    },
    /// Who someone is cannot be told now: the sender to us, or we to the upstream.
    #[error("no authentication now: {what}")]
    Undecided {
        /// Why, in a few words.
        what: &'static str,
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
    /// The gateway itself is at fault; what it could not scrub it does not forward.
    #[error("internal error: {what}")]
    Internal {
        /// What was wrong, in a few words.
        what: &'static str,
    },
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
    /// It was sent, and nobody knows what became of it: the answer did not come, or was
    /// cut. Sent again, it may be there twice.
    #[error("upstream unavailable: {message}")]
    Unanswered {
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

/// What a sender was too slow for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slowness {
    /// The whole took longer than this.
    Whole(Duration),
    /// It came with fewer bytes a second than this.
    Rate(u32),
}

impl fmt::Display for Slowness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(limit) => write!(f, "not complete within {limit:?}"),
            Self::Rate(bytes) => write!(f, "slower than {bytes} bytes a second"),
        }
    }
}

/// What goes back to the sender, in the terms of both protocols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The gRPC status code.
    pub grpc: u32,
    /// The HTTP status code.
    pub http: u16,
    /// `RetryInfo` over gRPC, `Retry-After` over HTTP.
    pub retry_after: Option<Duration>,
    /// For people. Holds no payload.
    pub message: String,
}

impl Refusal {
    /// What the sender is told.
    pub fn answer(&self) -> Answer {
        let (grpc, http, retry_after) = match self {
            Self::Malformed(_) | Self::Unreadable { .. } => (code::INVALID_ARGUMENT, 400, None),
            Self::Compression { .. } => (code::UNIMPLEMENTED, 400, None),
            // 413 where the Collector has 400: the OTLP specification, "Bad Data".
            Self::TooLarge { .. } => (code::RESOURCE_EXHAUSTED, 413, None),
            Self::TooSlow { .. } => (code::UNAVAILABLE, 503, None),
            Self::Unauthenticated { .. } => (code::UNAUTHENTICATED, 401, None),
            Self::Undecided { .. } => (code::UNAVAILABLE, 503, Some(RETRY_AFTER_DEFAULT)),
            Self::Busy { retry_after } => (code::UNAVAILABLE, 503, Some(*retry_after)),
            // Another instance may be up at once, so no delay is named.
            Self::Stopping | Self::Unanswered { .. } => (code::UNAVAILABLE, 503, None),
            Self::Internal { .. } => (code::INTERNAL, 500, None),
            Self::Unavailable { code: grpc, retry_after, .. } => {
                // Without RetryInfo, RESOURCE_EXHAUSTED would be final.
                let forced = (*grpc == code::RESOURCE_EXHAUSTED).then_some(RETRY_AFTER_DEFAULT);
                (*grpc, verdict::http_of_grpc(*grpc), retry_after.or(forced))
            }
            // 429 would have the sender try again what was refused for good.
            Self::Rejected { code: code::RESOURCE_EXHAUSTED, .. } => {
                (code::RESOURCE_EXHAUSTED, 413, None)
            }
            Self::Rejected { code: grpc, .. } => (*grpc, verdict::http_of_grpc(*grpc), None),
        };
        Answer { grpc, http, retry_after, message: self.to_string() }
    }

    /// Whether the sender is told to try again.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::TooSlow { .. }
            | Self::Undecided { .. }
            | Self::Busy { .. }
            | Self::Stopping
            | Self::Unanswered { .. }
            | Self::Unavailable { .. } => true,
            Self::Malformed(_)
            | Self::Unreadable { .. }
            | Self::Compression { .. }
            | Self::TooLarge { .. }
            | Self::Unauthenticated { .. }
            | Self::Internal { .. }
            | Self::Rejected { .. } => false,
        }
    }

    /// Whether part of the same request may be taken where the whole was not: the
    /// fault may lie in the data, not in who sends it or where to.
    pub fn may_be_poison(&self) -> bool {
        match self {
            Self::Rejected { code, .. } => !matches!(
                *code,
                code::UNAUTHENTICATED
                    | code::PERMISSION_DENIED
                    | code::NOT_FOUND
                    | code::UNIMPLEMENTED
            ),
            other => !other.is_retryable(),
        }
    }
}

/// Joins the outcomes of several exporters or pipelines, all of which must accept.
///
/// A retryable refusal wins over a final one: what the sender sends again can
/// still arrive where it did not, and the final refusal will be heard then.
pub fn all(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
    let mut joined = Accepted::default();
    let mut refusal: Option<Refusal> = None;
    for outcome in outcomes {
        match outcome {
            Ok(accepted) => joined = worse(joined, accepted),
            Err(new) => match &refusal {
                Some(old) if old.is_retryable() || !new.is_retryable() => {}
                Some(_) | None => refusal = Some(new),
            },
        }
    }
    refusal.map_or(Ok(joined), Err)
}

/// Of two partial successes the one that rejects more.
fn worse(one: Accepted, other: Accepted) -> Accepted {
    let rejected =
        |accepted: &Accepted| accepted.partial.as_ref().map_or(-1, |partial| partial.rejected);
    if rejected(&one) < rejected(&other) { other } else { one }
}

/// gRPC status codes, by the names of the gRPC specification.
pub mod code {
    #![expect(missing_docs, reason = "the names are those of the gRPC specification")]

    pub const OK: u32 = 0;
    pub const CANCELLED: u32 = 1;
    pub const UNKNOWN: u32 = 2;
    pub const INVALID_ARGUMENT: u32 = 3;
    pub const DEADLINE_EXCEEDED: u32 = 4;
    pub const NOT_FOUND: u32 = 5;
    pub const PERMISSION_DENIED: u32 = 7;
    pub const RESOURCE_EXHAUSTED: u32 = 8;
    pub const ABORTED: u32 = 10;
    pub const OUT_OF_RANGE: u32 = 11;
    pub const UNIMPLEMENTED: u32 = 12;
    pub const INTERNAL: u32 = 13;
    pub const UNAVAILABLE: u32 = 14;
    pub const DATA_LOSS: u32 = 15;
    pub const UNAUTHENTICATED: u32 = 16;

    /// The name of a code, and its number.
    pub fn in_words(code: u32) -> String {
        const NAMES: [&str; 17] = [
            "OK",
            "CANCELLED",
            "UNKNOWN",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "FAILED_PRECONDITION",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
            "UNAUTHENTICATED",
        ];
        let name = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
        name.map_or_else(|| code.to_string(), |name| format!("{name} ({code})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retryable_refusal_wins_over_a_final_one() {
        let rejected = || Err(Refusal::Rejected { code: 3, message: String::new() });
        let busy = || Err(Refusal::Busy { retry_after: RETRY_AFTER_DEFAULT });
        assert_eq!(all([rejected(), busy()]), busy());
        assert_eq!(all([busy(), rejected()]), busy());
        assert_eq!(all([Ok(Accepted::default()), rejected()]), rejected());
    }

    #[test]
    fn every_answer_agrees_on_whether_to_retry_over_both_protocols() {
        let message = String::new;
        let mut refusals = vec![
            Refusal::Unreadable { what: "x" },
            Refusal::Compression { supported: "x" },
            Refusal::TooLarge { max: 1 },
            Refusal::TooSlow { limit: Slowness::Whole(Duration::ZERO) },
            Refusal::Unauthenticated { challenge: "x" },
            Refusal::Undecided { what: "x" },
            Refusal::Busy { retry_after: Duration::ZERO },
            Refusal::Stopping,
            Refusal::Unanswered { message: message() },
            Refusal::Internal { what: "x" },
        ];
        for code in 0..=16 {
            let verdict = verdict::of_grpc(code, message(), None);
            refusals.extend(verdict.err());
            let verdict = verdict::of_grpc(code, message(), Some(Duration::ZERO));
            refusals.extend(verdict.err());
        }
        for status in 400..600 {
            refusals.extend(verdict::of_http(status, message(), None).err());
        }
        for refusal in refusals {
            let answer = refusal.answer();
            let http = matches!(answer.http, 429 | 502 | 503 | 504);
            let grpc = matches!(answer.grpc, 1 | 4 | 10 | 11 | 14 | 15)
                || (answer.grpc == 8 && answer.retry_after.is_some());
            assert_eq!(http, refusal.is_retryable(), "{refusal:?}");
            assert_eq!(grpc, refusal.is_retryable(), "{refusal:?}");
        }
    }
}
