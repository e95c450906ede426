//! `limits` of a receiver's protocol: what a peer that nobody vouches for may take.
//!
//! The Collector has no such section. Its own settings that limit something keep
//! their names and places (`max_concurrent_streams`, `max_recv_msg_size_mib`,
//! `max_request_body_size`, `read_timeout`, `read_header_timeout`,
//! `idle_timeout`, `max_connection_idle`); what it leaves open stands here.
//! Each default is far above what an OTLP sender needs.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Deserialize;

use crate::gateway::config::duration::GoDuration;

/// How long an idle connection is kept while others wait for its place.
pub const IDLE_WHEN_CROWDED: Duration = Duration::from_secs(1);

/// What a compressed request may unpack to, whatever its ratio.
const UNPACKED_BYTES_MIN: usize = 1 << 20;

/// `limits`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at a time. More wait until one ends; idle ones are then closed
    /// after a second. Default 10000: one that is idle costs 3 KiB, or 9 with TLS; over
    /// HTTP/2, from the first request on, 40 KiB, and 80 after large ones, of which 28
    /// and more are buffers that the HTTP library keeps.
    pub connections: NonZeroU32,
    /// How long a connection may take to say what it speaks: the TLS handshake or the
    /// first bytes. Default 10s: a handshake over a bad line takes two.
    pub handshake_timeout: GoDuration,
    /// The headers of a request, in bytes. Default 32768: senders need a hundredth,
    /// unless their tokens are large. Over HTTP/2 a connection is closed where they go on
    /// beyond without an end, or to four times as many.
    pub header_bytes: HeaderBytes,
    /// Headers of a request over HTTP/1. Default 100.
    pub header_count: NonZeroU32,
    /// How fast a body must arrive, in bytes a second on average, once
    /// `body_grace` has passed; 0: as slowly as the time for the whole allows. Default
    /// 1024: the slowest mobile line has eight times that.
    pub body_bytes_per_second_min: u32,
    /// How long a body may take before its speed counts. Default 5s.
    pub body_grace: GoDuration,
    /// How many times larger than its compressed body a request may be, beyond 1 MiB.
    /// Default 1000: gzip cannot do more, telemetry has 10 to 50.
    pub decompression_ratio: NonZeroU32,
    /// Requests over HTTP/2 that the peer took back before they were looked at. One
    /// more ends the connection. Default 20, as in h2: a sender takes back what timed
    /// out, and never faster than we look.
    pub reset_streams: u32,
}

impl Default for Limits {
    fn default() -> Self {
        let some = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            connections: some(10_000),
            handshake_timeout: GoDuration(Duration::from_secs(10)),
            header_bytes: HeaderBytes(32 * 1024),
            header_count: some(100),
            body_bytes_per_second_min: 1024,
            body_grace: GoDuration(Duration::from_secs(5)),
            decompression_ratio: some(1000),
            reset_streams: 20,
        }
    }
}

impl Limits {
    /// What `packed_bytes` may unpack to, of at most `bytes_max`.
    pub fn unpacked_bytes_max(&self, packed_bytes: usize, bytes_max: usize) -> usize {
        let ratio = usize::try_from(self.decompression_ratio.get()).unwrap_or(usize::MAX);
        bytes_max.min(packed_bytes.saturating_mul(ratio).max(UNPACKED_BYTES_MIN))
    }
}

/// A size of headers, in bytes.
///
/// Invariant: 8 KiB to 1 MiB. Below, a token does not fit; above, headers are memory
/// that nobody admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct HeaderBytes(u32);

impl HeaderBytes {
    /// In bytes.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for HeaderBytes {
    type Error = &'static str;

    fn try_from(bytes: u32) -> Result<Self, Self::Error> {
        if !(8 * 1024..=1 << 20).contains(&bytes) {
            return Err("expected 8192 to 1048576 bytes");
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_request_may_unpack_to_a_mebibyte_and_a_large_one_to_a_thousandfold() {
        let limits = Limits::default();
        assert_eq!(limits.unpacked_bytes_max(10, 20 << 20), 1 << 20);
        assert_eq!(limits.unpacked_bytes_max(10_000, 20 << 20), 10_000_000);
        assert_eq!(limits.unpacked_bytes_max(100_000, 20 << 20), 20 << 20);
    }
}
