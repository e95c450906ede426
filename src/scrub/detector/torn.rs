//! Tokens whose borders are not where they should be: glued to a word, or wrapped at
//! the end of a line.

use std::ops::Range;

use crate::scrub::detector::Compiled;
use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::confirm::Candidate;
use crate::scrub::detector::confirm::Pattern;
use crate::scrub::detector::decode::break_len;
use crate::scrub::rule::validator;

/// Lines over which a token is followed.
const LINES_MAX: usize = 12;

/// How long each of them may be, in bytes.
const LINE_LEN_MAX: usize = 256;

/// What stands before the anchor and belongs to the match, or shows its border.
const BEFORE_LEN: usize = 160;

/// How much of a token must stand behind its anchor on the first line.
const FIRST_LEN_MIN: usize = 3;

/// How long a word may be to which a token is glued.
const GLUED_LEN_MAX: usize = 32;

/// A body of this many random characters is a secret wherever it begins.
const BODY_LEN_MIN: usize = 20;

/// Lines that are this long were likely cut by a width, so that a token that could end
/// with the line may go on.
const WIDE_LINE: usize = 60;

/// A token that was put together again.
pub(super) struct Joined {
    /// Its bytes, without the line ends.
    pub(super) secret: Vec<u8>,
    /// Where it stands, line ends and indentation included.
    pub(super) range: Range<usize>,
}

/// The token that begins with the anchor at `at` and is wrapped; `found` is what the
/// pattern makes of its first line.
pub(super) fn wrapped(
    pattern: &Pattern,
    text: &[u8],
    at: usize,
    anchor_len: usize,
    found: Option<&Candidate>,
) -> Option<Joined> {
    if !near_start(text, at) {
        return None;
    }
    let first_end = at + token_len(text.get(at..)?);
    break_len(text.get(first_end..)?)?;
    if first_end < at + anchor_len + FIRST_LEN_MIN {
        return None;
    }
    let width = line_len(text, first_end);
    if let Some(found) = found
        && (found.secret.end != first_end || width < WIDE_LINE)
    {
        return None;
    }
    let start = at.saturating_sub(BEFORE_LEN);
    let mut joined = text.get(start..first_end)?.to_vec();
    let mut end = first_end;
    let mut best: Option<Joined> = None;
    for _ in 0..LINES_MAX {
        let Some(gap) = text.get(end..).and_then(break_len) else { break };
        let piece_at = end + gap;
        let len = token_len(text.get(piece_at..)?);
        if len == 0 || !ends_line(text, piece_at + len, best.is_none()) {
            break;
        }
        let piece = text.get(piece_at..piece_at + len)?;
        // What is a token already goes on only with more of the kind, not with a word.
        if found.is_some() && !is_of_secret(piece) {
            break;
        }
        let before = joined.len();
        joined.extend_from_slice(piece);
        end = piece_at + len;
        let candidate = pattern.confirm(&joined, at - start, anchor_len);
        if let Some(candidate) = candidate.filter(|found| before < found.secret.end) {
            let left = joined.len() - candidate.secret.end;
            let secret = joined.get(candidate.secret.clone())?.to_vec();
            best = Some(Joined { secret, range: start + candidate.secret.start..end - left });
        }
        // Lines that were cut by a width are as long as the first, but for the last.
        if best.is_some() && line_len(text, end) != width {
            break;
        }
    }
    best
}

/// Whether a piece is made of random characters rather than of words or a date.
fn is_of_secret(piece: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| piece.iter().any(is);
    has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && !piece.contains(&b'.')
}

/// Whether a candidate that is glued to letters or digits is surely one: its checksum or
/// its structure says so, or there is a long random body behind a separator, or capitals
/// stand behind a small letter.
pub(super) fn is_sure(
    rule: &Compiled,
    text: &[u8],
    candidate: &Candidate,
    anchor: Range<usize>,
) -> bool {
    let secret = text.get(candidate.secret.clone()).unwrap_or_default();
    if rule.proves(secret) {
        return true;
    }
    let body = text.get(anchor.end..candidate.secret.end).unwrap_or_default();
    let has = |is: fn(&u8) -> bool| body.iter().any(is);
    let separator = anchor.end.checked_sub(1).and_then(|i| text.get(i)).copied();
    let separated = matches!(separator, Some(b'-' | b'_' | b'.' | b':'));
    if separated && BODY_LEN_MIN <= body.len() {
        return has(u8::is_ascii_digit)
            && has(u8::is_ascii_alphabetic)
            && validator::looks_random(body);
    }
    let before = candidate.secret.start.checked_sub(1).and_then(|i| text.get(i));
    before.is_some_and(u8::is_ascii_lowercase)
        && 4 <= anchor.len()
        && 16 <= secret.len()
        && has(u8::is_ascii_digit)
        && !secret.iter().any(u8::is_ascii_lowercase)
}

/// Whether what stands right before `at` is no longer than a word; inside of a blob,
/// anchors are chance.
pub(super) fn near_start(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().iter().rev().take(GLUED_LEN_MAX + 1);
    before.take_while(|&&byte| is_of_token(byte)).count() <= GLUED_LEN_MAX
}

/// How many characters of a token a text begins with.
fn token_len(text: &[u8]) -> usize {
    text.iter().take(LINE_LEN_MAX).take_while(|&&byte| is_of_token(byte)).count()
}

fn is_of_token(byte: u8) -> bool {
    is_base64(byte) || matches!(byte, b'.' | b'~')
}

/// How long the line is that ends at `end`; its beginning may be an escaped line end, or
/// a quote.
fn line_len(text: &[u8], end: usize) -> usize {
    let line = text.get(end.saturating_sub(LINE_LEN_MAX)..end).unwrap_or_default();
    let begin = line.iter().rposition(|byte| matches!(byte, b'\n' | b'\\' | b'"'));
    begin.map_or(line.len(), |begin| line.len() - begin)
}

/// Whether a line that holds a piece of a token ends at `at`; the last line may go on
/// with something else.
fn ends_line(text: &[u8], at: usize, may_go_on: bool) -> bool {
    let rest = text.get(at..).unwrap_or_default();
    match rest.first() {
        None | Some(b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b'`') => true,
        // A name, not a piece of a token.
        Some(b':' | b'=' | b'(') => false,
        Some(_) => may_go_on,
    }
}
