//! What rules want done beyond masks: refuse, drop, route, remove, tag.
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

/// What became of a request: what is left of it, and what goes elsewhere.
pub(super) struct Acted {
    pub(super) left: Pass,
    pub(super) routed: Option<Pass>,
}

/// Does the deeds of `first`, a pass over `request`.
pub(super) fn act(
    scrubber: &Scrubber,
    request: &Request,
    first: Pass,
) -> Result<Acted, ScrubError> {
    if let Some(deed) = first.deeds.iter().find(|deed| deed.action == Action::RefuseRequest) {
        return Err(ScrubError::Refused { rule: deed.rule.to_string(), place: deed.place });
    }
    if request.signal == crate::scrub::Signal::Profiles {
        return Ok(Acted { left: first, routed: None });
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
    let mut report = first.report;
    let (bytes, dropped) = otlp::cut(request.signal, &protobuf, &cuts)?;
    report.dropped_records = dropped;
    let left = scrubbed(scrubber, request, bytes)?;
    let mut routed = None;
    if cuts.iter().any(|cut| cut.kind == CutKind::Pick) {
        let (bytes, records) = otlp::pick(request.signal, &protobuf, &cuts)?;
        report.routed_records = records;
        if 0 < records {
            routed = Some(scrubbed(scrubber, request, bytes)?);
        }
    }
    Ok(Acted { left: Pass { report, ..left }, routed })
}

/// A part of `request`, in protobuf, scrubbed and written as the request was.
fn scrubbed(scrubber: &Scrubber, request: &Request, part: Vec<u8>) -> Result<Pass, ScrubError> {
    let part = Request { encoding: Encoding::Protobuf, bytes: part.into(), ..request.clone() };
    let mut pass = scrubber.pass(&part)?;
    if request.encoding == Encoding::Json {
        pass.bytes = Bytes::from(otlp::protobuf_to_json(request.signal, &pass.bytes)?);
    }
    Ok(Pass { edited: true, deeds: Vec::new(), ..pass })
}

fn cut(deed: &Deed) -> Option<Cut> {
    let kind = match deed.action {
        Action::RemoveAttribute => CutKind::Attribute,
        Action::DropRecord => CutKind::Record,
        Action::Tag => CutKind::Tag(deed.rule.clone()),
        Action::Route => CutKind::Pick,
        Action::Mask | Action::Fingerprint | Action::Partial | Action::RefuseRequest => {
            return None;
        }
    };
    Some(Cut { at: deed.at, kind })
}
