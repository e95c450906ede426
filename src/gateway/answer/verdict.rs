//! What an upstream's status means.
//!
//! The retryable codes are those of the OTLP specification and no others: what a
//! sender tries again although it is refused for good only costs, and what it
//! gives up although it could be taken is lost.

use std::time::Duration;

use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;

/// The longest wait that an upstream can ask for. It may say any number of seconds,
/// up to one that no clock can count to; who waits for a day has given up.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The meaning of a gRPC status (OTLP specification, OTLP/gRPC "Failures").
///
/// `retry_after` is the upstream's `RetryInfo`; RESOURCE_EXHAUSTED is final
/// without it.
pub fn of_grpc(status: u32, message: String, retry_after: Option<Duration>) -> Outcome {
    let retry_after = retry_after.map(|delay| delay.min(RETRY_AFTER_MAX));
    match status {
        code::OK => Ok(Accepted::default()),
        code::CANCELLED
        | code::DEADLINE_EXCEEDED
        | code::ABORTED
        | code::OUT_OF_RANGE
        | code::UNAVAILABLE
        | code::DATA_LOSS => Err(Refusal::Unavailable { code: status, retry_after, message }),
        code::RESOURCE_EXHAUSTED if retry_after.is_some() => {
            Err(Refusal::Unavailable { code: status, retry_after, message })
        }
        _ => Err(Refusal::Rejected { code: status, message }),
    }
}

/// The meaning of an HTTP status (OTLP specification, OTLP/HTTP "Failures").
///
/// Any 2xx is success, as in the Collector, once its body was looked at; a redirect is not
/// followed, since it would send the request to a place that nobody configured.
pub fn of_http(status: u16, message: String, retry_after: Option<Duration>) -> Outcome {
    let retry_after = retry_after.map(|delay| delay.min(RETRY_AFTER_MAX));
    let rejected = |code| Err(Refusal::Rejected { code, message: message.clone() });
    let unavailable =
        |code| Err(Refusal::Unavailable { code, retry_after, message: message.clone() });
    match status {
        200..=299 => Ok(Accepted::default()),
        400 => rejected(code::INVALID_ARGUMENT),
        401 => rejected(code::UNAUTHENTICATED),
        403 => rejected(code::PERMISSION_DENIED),
        404 => rejected(code::UNIMPLEMENTED),
        // The Collector has UNKNOWN, which a sender over HTTP hears as 500.
        413 => rejected(code::RESOURCE_EXHAUSTED),
        429 => unavailable(code::RESOURCE_EXHAUSTED),
        502..=504 => unavailable(code::UNAVAILABLE),
        _ => rejected(code::UNKNOWN),
    }
}

/// The HTTP status that says what a gRPC code says (Collector,
/// `receiver/otlpreceiver/internal/errors`).
pub fn http_of_grpc(status: u32) -> u16 {
    match status {
        code::OK => 200,
        code::INVALID_ARGUMENT => 400,
        code::UNAUTHENTICATED => 401,
        code::PERMISSION_DENIED => 403,
        code::UNIMPLEMENTED => 404,
        code::RESOURCE_EXHAUSTED => 429,
        code::CANCELLED
        | code::DEADLINE_EXCEEDED
        | code::ABORTED
        | code::OUT_OF_RANGE
        | code::UNAVAILABLE
        | code::DATA_LOSS => 503,
        _ => 500,
    }
}

/// The gRPC code of an answer that has no `grpc-status` (gRPC specification, "HTTP
/// to gRPC Status Code Mapping").
pub fn grpc_of_http(status: u16) -> u32 {
    match status {
        400 => code::INTERNAL,
        401 => code::UNAUTHENTICATED,
        403 => code::PERMISSION_DENIED,
        404 => code::UNIMPLEMENTED,
        429 | 502..=504 => code::UNAVAILABLE,
        _ => code::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_that_no_clock_can_count_is_cut_to_a_day() {
        let refusal = |retry_after| {
            Err(Refusal::Unavailable {
                code: code::UNAVAILABLE,
                retry_after: Some(retry_after),
                message: String::new(),
            })
        };
        for (asked, kept) in [
            (Duration::ZERO, Duration::ZERO),
            (RETRY_AFTER_MAX, RETRY_AFTER_MAX),
            (Duration::from_secs(u64::MAX), RETRY_AFTER_MAX),
        ] {
            let (grpc, http) = (code::UNAVAILABLE, 503);
            assert_eq!(of_grpc(grpc, String::new(), Some(asked)), refusal(kept));
            assert_eq!(of_http(http, String::new(), Some(asked)), refusal(kept));
        }
    }
}
