//! Tokens whose borders are not where they should be: glued to a word, or wrapped at
//! the end of a line.

mod below;
mod url;

pub(super) use below::below;
pub(super) use url::wrapped_url;

use std::ops::Range;

use crate::scrub::detector::Compiled;
use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::bytes::is_drawn;
use crate::scrub::detector::confirm::Candidate;
use crate::scrub::detector::confirm::Pattern;
use crate::scrub::detector::decode::WIDE_LINE;
use crate::scrub::detector::decode::break_len;
use crate::scrub::detector::usual::Lens;
use crate::scrub::rule::validator;

/// Lines over which a token is followed.
const LINES_MAX: usize = 12;

/// How long each of them may be, in bytes.
const LINE_LEN_MAX: usize = 512;

/// How far a line may be indented.
const INDENT_MAX: usize = 64;

/// What stands before the anchor and belongs to the match, or shows its border.
const BEFORE_LEN: usize = 160;

/// How much of it shows the border.
const BORDER_LEN: usize = 64;

/// How much of a token, where the anchor is the name of a scheme and a blank.
const SCHEME_FIRST_MIN: usize = 8;

/// How much of a token must stand behind its anchor on the first line.
const FIRST_LEN_MIN: usize = 3;

/// An anchor that is this long is no chance, however little stands behind it.
pub(super) const LONG_ANCHOR: usize = 7;

/// How long a word may be to which a token is glued.
const GLUED_LEN_MAX: usize = 32;

/// A body of this many random characters is a secret wherever it begins.
const BODY_LEN_MIN: usize = 20;

/// Behind a shorter line, a token that is complete goes on with no less than this.
const PIECE_LEN_MIN: usize = 16;

/// A token that was put together again.
pub(super) struct Joined {
    /// Its bytes, without the line ends.
    pub(super) secret: Vec<u8>,
    /// Where it stands, line ends and indentation included.
    pub(super) range: Range<usize>,
    /// Whether it is as long as the rule's tokens are, with digits on each line.
    pub(super) fits: bool,
}

/// The token that begins with this anchor and is wrapped; `found` is what the pattern
/// makes of its first line. What was read for it is added to `read_bytes`.
pub(super) fn wrapped(
    rule: &Compiled,
    pattern: &Pattern,
    text: &[u8],
    anchor: Range<usize>,
    found: Option<&Candidate>,
    read_bytes: &mut usize,
) -> Option<Joined> {
    let at = anchor.start;
    if !is_near_start(text, at, GLUED_LEN_MAX.max(pattern.lead_max().min(BEFORE_LEN))) {
        return None;
    }
    // A scheme has a blank before its token.
    let body_at = match anchor.end.checked_sub(1).and_then(|last| text.get(last)) {
        Some(b' ' | b'=' | b':' | b'"') => anchor.end,
        _ => at,
    };
    let first_end = body_at + token_len(text.get(body_at..)?, pattern.signs());
    let (_, continued) = gap(text.get(first_end..)?)?;
    // A word behind the name of a scheme is none of its tokens.
    let first = text.get(body_at..first_end)?;
    let is_scheme = text.get(body_at.saturating_sub(1)) == Some(&b' ') && at < body_at;
    let is_token = SCHEME_FIRST_MIN <= first.len()
        && has_digit(first)
        && first.iter().any(u8::is_ascii_alphabetic)
        && validator::looks_random(first);
    if is_scheme && found.is_none() && !is_token {
        return None;
    }
    let first_min = if LONG_ANCHOR <= anchor.len() { 0 } else { FIRST_LEN_MIN };
    if first_end < anchor.end + first_min {
        return None;
    }
    let usual = rule.usual.lens(pattern);
    // What stands on the first line alone is no token, or shorter than any.
    let is_cut = found.is_none_or(|found| usual.are_more_than(found.secret.len()));
    let width = line_len(text, first_end);
    if width < WIDE_LINE && is_padded(first, text.get(first_end)) {
        return None;
    }
    let is_plain = continued || first_end <= body_at + first_len(text.get(body_at..)?);
    let is_open = is_cut || (is_plain && (continued || WIDE_LINE <= width || pattern.is_open()));
    let ends_here = |found: &Candidate| {
        found.secret.end != first_end || (!continued && usual.end_with(found.secret.len()))
    };
    if found.is_some_and(|found| !is_open || ends_here(found)) {
        return None;
    }
    let start = at.saturating_sub(BEFORE_LEN.min(pattern.lead_max() + BORDER_LEN));
    let signs = if is_cut { pattern.signs() } else { ByteSet::EMPTY };
    let lines = Lines { text, anchor: text.get(anchor.clone())?, signs, continued };
    if found.is_none() {
        let all = lines.all(start..first_end);
        *read_bytes += all.len();
        if !pattern.may_match(&all, at - start..anchor.end - start) {
            return None;
        }
    }
    let mut pieces = Pieces::new(text, start..first_end, anchor.end, usual);
    pieces.is_plain = found.is_none() || is_plain;
    pieces.is_open = found.is_none() && LONG_ANCHOR <= anchor.len() + FIRST_LEN_MIN;
    let mut end = first_end;
    let mut best: Option<Joined> = None;
    for _ in 0..LINES_MAX {
        let Some(range) = lines.next(end, best.is_none()) else { break };
        let piece = text.get(range.clone())?;
        // What is a token already goes on only with more of the kind, not with a word, or
        // to the length that tokens have.
        pieces.look_random &= found.is_none() || continued || is_of_secret(piece, width);
        if !pieces.look_random && !is_cut {
            break;
        }
        let before = pieces.joined.len();
        pieces.add(piece);
        end = range.end;
        *read_bytes += pieces.joined.len();
        let candidate = pattern.confirm(&pieces.joined, at - start, anchor.len());
        let reaches = |found: &Candidate| before < found.secret.end && !found.glued;
        if let Some(candidate) = candidate.filter(reaches) {
            best = pieces.joined(&candidate, start..end).or(best);
        }
        // Lines that were cut by a width are as long as the first, but for the last.
        if best.is_some() && !continued && line_len(text, end) != width {
            break;
        }
    }
    best
}

/// Whether an equals sign behind base64 pads it, and says not that the line goes on.
fn is_padded(run: &[u8], behind: Option<&u8>) -> bool {
    behind == Some(&b'=')
        && (run.len() + 1).is_multiple_of(4)
        && run.iter().all(|byte| is_base64(*byte))
}

/// The lines on which a token may go on.
struct Lines<'t> {
    text: &'t [u8],
    anchor: &'t [u8],
    /// The signs that may stand in it.
    signs: ByteSet,
    /// Whether a sign at the end of the line says that it goes on.
    continued: bool,
}

impl Lines<'_> {
    /// The piece on the line below the one that ends at `end`. The last line may go on with
    /// something else.
    fn next(&self, end: usize, may_go_on: bool) -> Option<Range<usize>> {
        let Self { text, anchor, signs, continued } = *self;
        let (len, _) = text.get(end..).and_then(gap).filter(|gap| gap.1 == continued)?;
        let at = end + len;
        let rest = text.get(at..)?;
        let len = if continued { token_len(rest, signs) } else { padded_len(rest, signs) };
        let goes_on = rest.get(len..).and_then(gap).is_some_and(|gap| gap.1);
        if len == 0 || !(goes_on || ends_line(text, at + len, continued || may_go_on)) {
            return None;
        }
        let piece = text.get(at..at + len)?;
        // The next token does not belong to this one.
        let is_other = piece.starts_with(anchor);
        let is_word = !continued && is_word_of_text(piece, text.get(at + len));
        (!is_other && !is_word).then_some(at..at + len)
    }

    /// All of them, behind what stands on the first line.
    fn all(&self, first: Range<usize>) -> Vec<u8> {
        let mut end = first.end;
        let mut all = self.text.get(first).unwrap_or_default().to_vec();
        for _ in 0..LINES_MAX {
            let Some(piece) = self.next(end, true) else { break };
            end = piece.end;
            all.extend_from_slice(self.text.get(piece).unwrap_or_default());
        }
        all
    }
}

/// The lines of a token, put together.
struct Pieces<'u> {
    /// What stands on them, and before the token.
    joined: Vec<u8>,
    /// How long the rule's tokens are.
    usual: &'u Lens,
    /// Whether there is a digit on each.
    have_digits: bool,
    /// Whether each is random by itself.
    look_random: bool,
    /// Whether no sign stands in the first that other tokens end with.
    is_plain: bool,
    /// Whether the first alone is no token.
    is_open: bool,
}

impl<'u> Pieces<'u> {
    fn new(text: &[u8], first: Range<usize>, anchor_end: usize, usual: &'u Lens) -> Self {
        let body = text.get(anchor_end..first.end).unwrap_or_default();
        Self {
            have_digits: has_digit(body),
            joined: text.get(first).unwrap_or_default().to_vec(),
            usual,
            look_random: true,
            is_plain: true,
            is_open: false,
        }
    }

    fn add(&mut self, piece: &[u8]) {
        self.joined.extend_from_slice(piece);
        self.have_digits &= has_digit(piece);
    }

    /// The token that they make, if nothing but the length says so.
    fn joined(&self, candidate: &Candidate, lines: Range<usize>) -> Option<Joined> {
        let secret = self.joined.get(candidate.secret.clone())?.to_vec();
        let is_usual =
            self.usual.fit(secret.len()) || (self.is_open && self.usual.allow(secret.len()));
        let fits = self.have_digits && is_usual;
        let is_whole = candidate.secret.end == self.joined.len();
        let left = self.joined.len() - candidate.secret.end;
        let range = lines.start + candidate.secret.start..lines.end - left;
        let is_known = self.is_plain || self.usual.allow(secret.len());
        let is_random = self.look_random && is_known;
        (is_random || (fits && is_whole)).then_some(Joined { secret, range, fits })
    }
}

fn has_digit(piece: &[u8]) -> bool {
    piece.len() < FEW_CHARACTERS || piece.iter().any(u8::is_ascii_digit)
}

/// So few random characters need not have a digit among them.
const FEW_CHARACTERS: usize = 8;

/// The line end and the indentation that a text begins with, and whether a sign before it
/// says that the line goes on: a backslash in shells and programs, an equals sign in
/// quoted-printable (RFC 2045 §6.7).
fn gap(rest: &[u8]) -> Option<(usize, bool)> {
    if let Some(len) = break_len(rest) {
        return Some((len, false));
    }
    match rest {
        [b'\\', more @ ..] if !more.starts_with(b"\\") => Some((1 + break_len(more)?, true)),
        [b'=', more @ ..] => Some((1 + break_len(more)?, true)),
        _ => None,
    }
}

/// The token of which the anchor at `at` stands behind the line end: what is before it
/// begins on the line above.
pub(super) fn wrapped_before(
    rule: &Compiled,
    pattern: &Pattern,
    text: &[u8],
    anchor: Range<usize>,
    read_bytes: &mut usize,
) -> Option<Joined> {
    let at = anchor.start;
    let before = text.get(..at)?;
    let behind_break =
        at - before.iter().rev().take(LINE_LEN_MAX).take_while(|&&b| is_of_token(b)).count();
    let (piece_at, first_end) = line_break_before(text, behind_break)?;
    let line = text.get(first_end.saturating_sub(LINE_LEN_MAX)..first_end)?;
    let first = line.iter().rev().take_while(|&&byte| is_of_token(byte)).count();
    if first < FIRST_LEN_MIN || at < piece_at {
        return None;
    }
    let start = first_end - first;
    let mut joined = text.get(start..first_end)?.to_vec();
    let end = text.len().min(anchor.end + LINE_LEN_MAX);
    joined.extend_from_slice(text.get(piece_at..end)?);
    let gap = piece_at - first_end;
    *read_bytes += joined.len();
    let found = pattern.confirm(&joined, at - start - gap, anchor.len())?;
    if first <= found.secret.start || found.glued {
        return None;
    }
    let secret = joined.get(found.secret.clone())?.to_vec();
    let fits = rule.usual.lens(pattern).fit(secret.len())
        && has_digit(text.get(start..first_end)?)
        && has_digit(text.get(piece_at..at)?);
    let range = start + found.secret.start..found.secret.end + start + gap;
    Some(Joined { secret, range, fits })
}

/// Where the line break ends that stands right before `at`, or before an escape's letter
/// there that only seems to be part of a token, and where it begins.
fn line_break_before(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let before = text.get(..at)?;
    if before.ends_with(b"\r\n") {
        return Some((at, at - 2));
    }
    if before.ends_with(b"\n") {
        return Some((at, at - 1));
    }
    // The line is indented.
    let indent = before.iter().rev().take(INDENT_MAX).take_while(|b| matches!(b, b' ' | b'\t'));
    let indent = indent.count();
    let line = before.get(..before.len() - indent)?;
    if 0 < indent && line.ends_with(b"\n") {
        let end = line.strip_suffix(b"\r\n").map_or(line.len() - 1, <[u8]>::len);
        return Some((at, end));
    }
    // `\n`, of which the `n` is a letter.
    (before.ends_with(b"\\") && text.get(at) == Some(&b'n')).then(|| {
        let slashes = before.iter().rev().take_while(|&&byte| byte == b'\\').count();
        (at + 1, at - slashes)
    })
}

/// Whether a piece is made of random characters rather than of words, a date or a digest.
fn is_of_secret(piece: &[u8], width: usize) -> bool {
    let has = |is: fn(&u8) -> bool| piece.iter().any(is);
    let mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    if WIDE_LINE <= width {
        // A host or a file has dots, too, but no long part of random characters.
        let mut parts = piece.split(|byte| *byte == b'.');
        let is_token = !piece.contains(&b'.')
            || (WIDE_LINE <= piece.len() && validator::looks_random(piece))
            || parts.any(|part| BODY_LEN_MIN <= part.len() && is_drawn(part));
        let cases = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        let drawn = cases && PIECE_LEN_MIN <= piece.len() && validator::looks_random(piece);
        return (mixed || drawn) && is_token;
    }
    let hex = |byte: &u8| byte.is_ascii_hexdigit();
    let is_uuid = piece.len() == 36 && piece.iter().all(|byte| hex(byte) || *byte == b'-');
    let is_digest = matches!(piece.len(), 16 | 32 | 40 | 64) && piece.iter().all(hex);
    let is_id = (is_uuid && piece.contains(&b'-')) || is_digest;
    mixed && !is_id && PIECE_LEN_MIN <= piece.len() && validator::looks_random(piece)
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
    is_near_start(text, at, GLUED_LEN_MAX)
}

fn is_near_start(text: &[u8], at: usize, max: usize) -> bool {
    let before = text.get(..at).unwrap_or_default().iter().rev().take(max + 1);
    before.take_while(|&&byte| is_of_token(byte)).count() <= max
}

/// Whether a piece is a word with which a text goes on behind the token: small letters,
/// and a blank or a stop behind them.
fn is_word_of_text(piece: &[u8], behind: Option<&u8>) -> bool {
    piece.iter().skip(1).all(u8::is_ascii_lowercase)
        && piece.first().is_some_and(u8::is_ascii_alphabetic)
        && behind.is_some_and(|byte| matches!(byte, b' ' | b'\t' | b',' | b';' | b'('))
}

/// How many characters of a token a text begins with, with these signs among them.
/// Base64 in the middle of it may be padded.
fn token_len(text: &[u8], signs: ByteSet) -> usize {
    let of_token = |(at, byte): &(usize, &u8)| match byte {
        b'$' | b'%' | b'!' => true,
        // At the end of a line it may say that the line goes on.
        b'=' => match text.get(at + 1) {
            Some(b'-') => true,
            behind => {
                signs.has(b'=')
                    && behind.is_some_and(|byte| byte.is_ascii_graphic() && *byte != b'\\')
            }
        },
        byte => is_of_token(**byte) || signs.has(**byte),
    };
    text.iter().enumerate().take(LINE_LEN_MAX).take_while(of_token).count()
}

/// The same of what begins with an anchor, whatever the pattern takes: some tokens have a
/// colon in them.
fn first_len(text: &[u8]) -> usize {
    let len = token_len(text, ByteSet::EMPTY);
    match text.get(len..) {
        Some([b':', rest @ ..]) if len < LINE_LEN_MAX => len + 1 + token_len(rest, ByteSet::EMPTY),
        _ => len,
    }
}

/// The same, with the padding of base64 that ends the line.
fn padded_len(text: &[u8], signs: ByteSet) -> usize {
    let len = token_len(text, signs);
    let rest = text.get(len..).unwrap_or_default();
    let padding = rest.iter().take(2).take_while(|&&byte| byte == b'=').count();
    let ends =
        rest.get(padding).is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b'\\' | b'"' | b'\''));
    if ends { len + padding } else { len }
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
