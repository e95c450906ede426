//! Where the long texts of a request stand, found without a look at anything short.

use std::ops::Range;

use crate::scrub::Signal;
use crate::scrub::otlp::LONG_TEXT_MIN;
use crate::scrub::otlp::protobuf::quiet::DEPTH_MAX;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::schema::Decision;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Step;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// How deep messages are nested in which texts are looked for: those that the walk passes
/// over as one, and the request, resources and scopes around them.
const DEPTH: usize = DEPTH_MAX + 4;

/// The texts of [`LONG_TEXT_MIN`] bytes and more, in wire order, but for keys and for what
/// stands in arrays and maps, whose strings tell of each other. Ends at the first fault,
/// which the walk will find, too.
pub(in crate::scrub::otlp) fn long_texts(
    signal: Signal,
    request: &[u8],
) -> impl Iterator<Item = Range<usize>> {
    let mut inside = vec![(schema::root(signal), 0..request.len())];
    std::iter::from_fn(move || {
        loop {
            let &mut (message, ref mut left) = inside.last_mut()?;
            let Some((tag, contents)) = next_long(request, left).ok()? else {
                inside.pop();
                continue;
            };
            let is_any_value = message.is_value() && message.keys().is_none();
            let step = usize::try_from(tag).ok().and_then(|tag| message.steps.get(tag));
            let field = message.field(tag >> 3);
            match (step, field.map(|field| (field.decision, field.kind))) {
                (Some(Step::Text), Some((Decision::Scan, _))) => return Some(contents),
                (Some(Step::Enter | Step::Attribute), Some((_, Kind::Message(inner))))
                    if !is_any_value && inside.len() < DEPTH =>
                {
                    inside.push((inner, contents));
                }
                _ => {}
            }
        }
    })
}

/// The tag and the contents of the next field that is long enough, and moves `left` behind
/// it.
fn next_long(
    request: &[u8],
    left: &mut Range<usize>,
) -> Result<Option<(u64, Range<usize>)>, Fault> {
    let bytes = request.get(..left.end).unwrap_or_default();
    while left.start < left.end {
        let (tag, after) = wire::varint(bytes, left.start)?;
        let contents = wire::contents(bytes, tag, after)?;
        left.start = contents.end;
        if tag & 7 == 2 && LONG_TEXT_MIN <= contents.len() {
            return Ok(Some((tag, contents)));
        }
    }
    Ok(None)
}
