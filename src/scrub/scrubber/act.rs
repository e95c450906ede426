//! What rules want done beyond masks: refuse, drop, remove, tag.
//!
//! The masks are made in any case, so that whatever cannot be cut out (a secret in a
//! resource, in a profile) is masked. What can is cut out of the request as it came,
//! and what is left is scrubbed like any other.

use bytes::Bytes;

use crate::scrub::Encoding;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubber;
use crate::scrub::detector::Deed;
use crate::scrub::otlp;
use crate::scrub::otlp::Cut;
use crate::scrub::otlp::CutKind;
use crate::scrub::rule::Action;
use crate::scrub::scrubber::Pass;

/// Does the deeds of `first`, a pass over `request`.
pub(super) fn act(scrubber: &Scrubber, request: &Request, first: Pass) -> Result<Pass, ScrubError> {
    if let Some(deed) = first.deeds.iter().find(|deed| deed.action == Action::RefuseRequest) {
        return Err(ScrubError::Refused { rule: deed.rule.to_string() });
    }
    if request.signal == crate::scrub::Signal::Profiles {
        return Ok(first);
    }
    // Positions are those of the request that was walked: JSON is turned over first.
    let (protobuf, deeds) = match request.encoding {
        Encoding::Protobuf => (request.bytes.clone(), first.deeds.clone()),
        Encoding::Json => {
            let bytes = otlp::json_to_protobuf(request.signal, &request.bytes)?.into();
            let turned = Request { encoding: Encoding::Protobuf, bytes, ..request.clone() };
            (turned.bytes.clone(), scrubber.pass(&turned)?.deeds)
        }
    };
    let cuts: Vec<Cut> = deeds.iter().filter_map(cut).collect();
    let (bytes, records) = otlp::cut(request.signal, &protobuf, &cuts)?;
    let left = Request { encoding: Encoding::Protobuf, bytes: bytes.into(), ..request.clone() };
    let mut second = scrubber.pass(&left)?;
    if request.encoding == Encoding::Json {
        second.bytes = Bytes::from(otlp::protobuf_to_json(request.signal, &second.bytes)?);
    }
    let mut report = first.report;
    report.dropped_records = records;
    Ok(Pass { report, edited: true, deeds: Vec::new(), ..second })
}

fn cut(deed: &Deed) -> Option<Cut> {
    let kind = match deed.action {
        Action::RemoveAttribute => CutKind::Attribute,
        Action::DropRecord => CutKind::Record,
        Action::Tag => CutKind::Tag(deed.rule.clone()),
        Action::Mask
        | Action::Fingerprint
        | Action::Partial
        | Action::RefuseRequest
        | Action::Route => return None,
    };
    Some(Cut { at: deed.at, kind })
}
