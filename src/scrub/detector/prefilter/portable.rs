//! The prefilter without vector instructions: a hash at every position.

use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::Prefilter;
use crate::scrub::detector::prefilter::RUN_LEN_MIN;
use crate::scrub::detector::prefilter::Runs;

/// Adds the hits from `from` on, in no particular order.
pub(super) fn scan(
    prefilter: &Prefilter,
    bytes: &[u8],
    from: usize,
    runs: &mut Runs,
    hits: &mut Vec<Hit>,
) {
    for at in from..bytes.len() {
        prefilter.candidate(bytes, at, hits);
        runs.len = match bytes.get(at) {
            Some(&byte) if is_base64(byte) => runs.len + 1,
            _ => 0,
        };
        if runs.len == RUN_LEN_MIN {
            runs.report(bytes, at, hits);
        }
    }
}
