//! Runs of base64 characters, under which an encoding may hide any needle, and
//! characters that a reader takes for others.

use crate::scrub::detector::bytes::is_word;
use crate::scrub::detector::decode::ends_disguised;
use crate::scrub::detector::prefilter::DISGUISE;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::RUN;
use crate::scrub::detector::prefilter::RUN_LEN_MIN;

/// Reports the run whose character at `at` makes it [`RUN_LEN_MIN`] long, if it may
/// hide something.
pub(super) fn report(bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
    let start = (at + 1).saturating_sub(RUN_LEN_MIN);
    let head = bytes.get(start..=at).and_then(<[u8]>::first_chunk::<RUN_LEN_MIN>);
    if head.is_some_and(is_promising) {
        hits.push(Hit { at: at as u32, needle: RUN });
    }
}

/// Reports the letter at `at`, if the character outside ASCII before it is none that a
/// reader sees as it is.
pub(super) fn report_disguise(bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
    if bytes.get(at).copied().is_some_and(is_word) && ends_disguised(bytes, at) {
        hits.push(Hit { at: at as u32, needle: DISGUISE });
    }
}

/// Whether a run that begins like this may be base64 or hex of text. Ids in
/// hexadecimal, UUIDs among them, and names of words are not; of the base64 of any
/// text, a third is in upper case.
fn is_promising(run: &[u8; RUN_LEN_MIN]) -> bool {
    // Counted over a fixed length, a few vector instructions.
    let count = |is: fn(&u8) -> bool| run.iter().map(|byte| u8::from(is(byte))).sum::<u8>();
    let digits = match run.as_slice() {
        [b'0', b'x' | b'X', digits @ ..] | [b'x' | b'X', digits @ ..] => digits,
        whole => whole,
    };
    if usize::from(count(u8::is_ascii_hexdigit)) + 1 >= digits.len()
        && digits.iter().all(u8::is_ascii_hexdigit)
    {
        // Of gzip, by its first bytes.
        if digits.get(..7).is_some_and(|head| memchr::memmem::find(head, b"1f8b08").is_some()) {
            return true;
        }
        // Hex of text: two digits a character, the first of which is 2 to 7. The run
        // may have a digit too many in front (see `RUN`).
        return [0, 1].into_iter().any(|skip| {
            let firsts = digits.iter().skip(skip).step_by(2);
            firsts.filter(|digit| !matches!(digit, b'2'..=b'7')).count() <= 1
        });
    }
    2 <= count(u8::is_ascii_uppercase)
        && (2 <= count(u8::is_ascii_lowercase) || 3 <= count(u8::is_ascii_digit))
}
