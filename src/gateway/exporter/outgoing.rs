//! The body of an outgoing request: converted, compressed, ready to be sent more
//! than once.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body;
use http_body::Frame;
use http_body::SizeHint;

use crate::gateway::answer::Refusal;
use crate::gateway::compression::Coding;
use crate::gateway::compute;
use crate::gateway::compute::Pace;
use crate::gateway::exporter::delivery::Delivery;
use crate::scrub::Encoding;
use crate::scrub::ScrubError;
use crate::scrub::Signal;

/// A request as it goes over the wire.
#[derive(Clone)]
pub struct Outgoing {
    /// What it carries.
    pub signal: Signal,
    /// Its bytes, compressed if `coding` says so.
    pub bytes: Bytes,
    /// How they are compressed.
    pub coding: Option<Coding>,
}

/// Converts a request to `encoding` and compresses it, unless it came in that way.
///
/// # Errors
///
/// When it cannot be said in `encoding`.
pub async fn prepare(
    delivery: &Delivery,
    encoding: Encoding,
    coding: Option<Coding>,
    level: Option<i32>,
) -> Result<Outgoing, Refusal> {
    let scrubbed = delivery.scrubbed();
    let signal = scrubbed.signal();
    let is_converted = scrubbed.encoding() != encoding;
    let Some(coding) = coding else {
        let bytes = if is_converted {
            convert(delivery, encoding).await?
        } else {
            scrubbed.bytes().clone()
        };
        return Ok(Outgoing { signal, bytes, coding: None });
    };
    if let Some(packed) = delivery.packed_as(coding).filter(|_| !is_converted) {
        return Ok(Outgoing { signal, bytes: packed.bytes.clone(), coding: Some(coding) });
    }
    let bytes =
        if is_converted { convert(delivery, encoding).await? } else { scrubbed.bytes().clone() };
    let bytes =
        compute::run(Pace::Slow, bytes.len(), move || coding.compress(&bytes, level)).await?;
    Ok(Outgoing { signal, bytes, coding: Some(coding) })
}

/// The same request as protobuf: only that can be joined.
///
/// # Errors
///
/// When it cannot be said in protobuf.
pub async fn as_protobuf(delivery: Delivery) -> Result<Delivery, Refusal> {
    if delivery.scrubbed().encoding() == Encoding::Protobuf {
        return Ok(delivery);
    }
    let scrubbed = delivery.scrubbed().clone();
    let converted =
        compute::run(Pace::Fast, scrubbed.bytes().len(), move || scrubbed.to_protobuf());
    let converted = converted.await?.map_err(ScrubError::Malformed)?;
    Ok(Delivery::new(converted, Arc::clone(delivery.report()), None))
}

async fn convert(delivery: &Delivery, encoding: Encoding) -> Result<Bytes, Refusal> {
    let scrubbed = delivery.scrubbed().clone();
    let converted = compute::run(Pace::Fast, scrubbed.bytes().len(), move || match encoding {
        Encoding::Protobuf => scrubbed.to_protobuf(),
        Encoding::Json => scrubbed.to_json(),
    });
    let converted = converted.await?.map_err(ScrubError::Malformed)?;
    Ok(converted.bytes().clone())
}

/// The body of a request: up to two pieces, of which the second is shared and not
/// copied.
pub struct OutgoingBody {
    pieces: [Bytes; 2],
}

impl OutgoingBody {
    /// A body of `head` and then `bytes`.
    pub fn new(head: Bytes, bytes: Bytes) -> Self {
        Self { pieces: [head, bytes] }
    }
}

impl Body for OutgoingBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.pieces.iter_mut().find(|piece| !piece.is_empty());
        Poll::Ready(piece.map(|piece| Ok(Frame::data(std::mem::take(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.iter().all(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.pieces.iter().map(|piece| piece.len() as u64).sum())
    }
}
