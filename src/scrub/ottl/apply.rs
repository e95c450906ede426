//! A request on its way through passes that change its records.

use bytes::Bytes;

use crate::scrub::Encoding;
use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubbed;
use crate::scrub::otlp;
use crate::scrub::otlp::InvalidUtf8;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::alter;
use crate::scrub::otlp::alter::Alter;
use crate::scrub::ottl::Unfit;

/// How to walk before: as `redaction` does.
const WALK: WalkOptions = WalkOptions {
    unknown_fields: otlp::UnknownFields::Drop,
    invalid_utf8: InvalidUtf8::Keep,
    depth_max: 100,
};

/// One look at every record, that may end with a statement that does not fit.
pub(in crate::scrub::ottl) trait Pass: Alter {
    /// Why the request is refused, if it is.
    fn failed(&self) -> Option<Unfit>;
}

/// Shows the records of a request to each pass, which sees what the one before left.
///
/// # Errors
///
/// When the request cannot be walked, or a statement does not fit it.
pub(in crate::scrub::ottl) fn apply<P: Pass>(
    request: &Request,
    passes: impl Iterator<Item = P>,
) -> Result<(Scrubbed, Report), ScrubError> {
    let signal = request.signal;
    let walked = otlp::walk(signal, request.encoding, &request.bytes, &WALK, &mut otlp::Blind)?;
    let bytes = otlp::splice(&request.bytes, &walked.edits);
    let mut protobuf: Bytes = match request.encoding {
        Encoding::Protobuf => bytes.clone(),
        Encoding::Json => otlp::json_to_protobuf(signal, &bytes)?.into(),
    };
    let (mut is_altered, mut dropped) = (false, 0);
    for mut pass in passes {
        let altered = alter::alter(signal, &protobuf, &mut pass)?;
        if let Some(Unfit(what)) = pass.failed() {
            return Err(ScrubError::Unfit { what });
        }
        is_altered |= !altered.edits.is_empty();
        dropped += altered.items_dropped;
        protobuf = otlp::splice(&protobuf, &altered.edits);
    }
    let (encoding, bytes) = match is_altered {
        true => (Encoding::Protobuf, protobuf),
        false => (request.encoding, bytes),
    };
    let edited = is_altered || !walked.edits.is_empty();
    let report = Report {
        unknown_fields: walked.unknown_fields,
        dropped_records: dropped,
        ..Report::default()
    };
    let items = walked.items.saturating_sub(dropped);
    Ok((Scrubbed::new(signal, encoding, bytes, items, edited), report))
}
