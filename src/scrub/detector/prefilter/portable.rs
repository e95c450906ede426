//! The scan without vector instructions: a look-up at every position for short needles,
//! at every second one for long ones.

use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::RUN_LEN_MIN;
use crate::scrub::detector::prefilter::even::Even;
use crate::scrub::detector::prefilter::runs;

/// Adds the hits from `from` on, an even position, in no particular order.
pub(super) fn scan(
    even: &Even,
    needles: &[Needle],
    bytes: &[u8],
    from: usize,
    hits: &mut Vec<Hit>,
) {
    let before = bytes.get(..from).unwrap_or_default();
    // One more than a run needs: then it was reported.
    let last = || before.iter().rev().take(RUN_LEN_MIN);
    let mut run = last().take_while(|&&byte| is_base64(byte)).count();
    let mut letters = last().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    for at in from..bytes.len() {
        even.short(needles, bytes, at, hits);
        if at % 2 == 0 {
            even.long(needles, bytes, at, hits);
        }
        run = match bytes.get(at) {
            Some(&byte) if is_base64(byte) => run + 1,
            _ => 0,
        };
        letters = match bytes.get(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => letters + 1,
            _ => 0,
        };
        if run == RUN_LEN_MIN || letters == RUN_LEN_MIN {
            runs::report(bytes, at, hits);
        }
        let behind = at.checked_sub(1).and_then(|before| bytes.get(before));
        let goes_on = bytes.get(at).is_some_and(|byte| runs::goes_on(*byte));
        if goes_on && behind.is_some_and(|before| !before.is_ascii()) {
            runs::report_disguise(bytes, at, hits);
        }
    }
}
