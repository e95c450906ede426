//! How far before its anchor a match may begin.
//!
//! A pattern is read from its begin on, each of its alternatives by itself, up to where all
//! that it matches goes on with one of the anchors: that one hits, so that the match begins
//! as many bytes before it as were read, or as before an anchor that some matches have
//! earlier. An anchor that stands by chance in what a wide class takes (`[^\r\n]{0,200}`)
//! does not count. It is reckoned when the pattern is first tried, which for most rules is
//! never.

use std::ops::Range;

use regex_syntax::hir::Hir;
use regex_syntax::hir::HirKind;

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::confirm::anchors::set;

/// How far before its anchor a match may begin, where the pattern does not say.
const LEAD_MAX: usize = 128;

/// A class of more bytes than these takes anchors by chance.
const NARROW_MAX: usize = 16;

/// How many parts of a pattern are looked at, with what may follow each.
const STEPS_MAX: usize = 1 << 14;

/// What is left of a pattern, the next part last.
type Rest<'h> = Vec<Part<'h>>;

/// A part of a pattern.
#[derive(Clone, Copy)]
enum Part<'h> {
    Whole(&'h Hir),
    Bytes(&'h [u8]),
    Repeated { part: &'h Hir, min: u32, max: Option<u32> },
}

/// How many bytes stand before an anchor in a match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lead {
    /// At least and at most.
    pub(super) bytes: Range<usize>,
    /// Whether every match has an anchor there.
    pub(super) is_sure: bool,
}

/// How many bytes stand before one of the anchors in what a pattern matches.
pub(super) fn lead(hir: &Hir, anchors: &[Vec<u8>], caseless: bool) -> Lead {
    let mut reader = Reader { anchors, caseless, steps: STEPS_MAX, before: None };
    let is_sure = reader.until_anchor(vec![Part::Whole(hir)], 0..0);
    match reader.before.filter(|_| 0 < reader.steps) {
        Some(bytes) => Lead { bytes, is_sure },
        None => {
            let len_max = hir.properties().maximum_len().unwrap_or(LEAD_MAX);
            Lead { bytes: 0..len_max.min(LEAD_MAX), is_sure: false }
        }
    }
}

/// Reads a pattern, with an end to it.
struct Reader<'a> {
    anchors: &'a [Vec<u8>],
    caseless: bool,
    steps: usize,
    /// How many bytes stand before the anchors that were seen.
    before: Option<Range<usize>>,
}

/// What must begin with an anchor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    /// All matches.
    All,
    /// One of them, not by chance.
    Any,
}

impl<'h> Reader<'_> {
    /// Reads what is left, behind as many bytes as `before` says, up to where an anchor stands
    /// in every match. Whether there is such a place.
    fn until_anchor(&mut self, mut rest: Rest<'h>, mut before: Range<usize>) -> bool {
        loop {
            let anchors = || self.anchors.iter().map(Vec::as_slice).collect();
            let (all, any) = (anchors(), anchors());
            let is_sure = self.begins(rest.clone(), all, Of::All);
            if is_sure || self.begins(rest.clone(), any, Of::Any) {
                let known = self.before.take().unwrap_or(before.clone());
                self.before = Some(known.start.min(before.start)..known.end.max(before.end));
            }
            self.steps = self.steps.saturating_sub(1);
            let Some(part) = rest.pop().filter(|_| !is_sure && 0 < self.steps) else {
                return is_sure;
            };
            let len = match part {
                Part::Bytes([_, more @ ..]) => {
                    if !more.is_empty() {
                        rest.push(Part::Bytes(more));
                    }
                    1..1
                }
                Part::Bytes([]) => 0..0,
                Part::Repeated { part, min: 0, max: Some(1) } => {
                    let without = self.until_anchor(rest.clone(), before.clone());
                    return self.until_anchor(with(&rest, Part::Whole(part)), before) && without;
                }
                Part::Repeated { part, min, max } => {
                    let each = part.properties();
                    let most = max.zip(each.maximum_len());
                    let most = most.map(|(max, len)| len.saturating_mul(max as usize));
                    let least = each.minimum_len().unwrap_or(0).saturating_mul(min as usize);
                    least..most.unwrap_or(LEAD_MAX)
                }
                Part::Whole(hir) => match hir.kind() {
                    HirKind::Alternation(parts) => {
                        return parts.iter().fold(true, |is_sure, part| {
                            let rest = with(&rest, Part::Whole(part));
                            self.until_anchor(rest, before.clone()) && is_sure
                        });
                    }
                    HirKind::Class(_) => 1..hir.properties().maximum_len().unwrap_or(1),
                    _ => {
                        open(hir, &mut rest);
                        0..0
                    }
                },
            };
            before.end = before.end.saturating_add(len.end).min(LEAD_MAX);
            before.start = (before.start + len.start).min(before.end);
        }
    }

    /// Whether what matches what is left begins with one of these, the ends of anchors.
    fn begins(&mut self, mut rest: Rest<'h>, mut ends: Vec<&[u8]>, of: Of) -> bool {
        loop {
            if ends.iter().any(|end| end.is_empty()) {
                return true;
            }
            self.steps = self.steps.saturating_sub(1);
            let is_over = ends.is_empty() || self.steps == 0;
            let Some(part) = rest.pop().filter(|_| !is_over) else { return false };
            match part {
                Part::Bytes(bytes) => {
                    let left = ends.into_iter().filter_map(|end| self.strip(end, bytes));
                    ends = left.collect();
                }
                Part::Repeated { max: Some(0), .. } => {}
                Part::Repeated { part, min, max } => {
                    if min == 0 {
                        let without = self.begins(rest.clone(), ends.clone(), of);
                        if without == (of == Of::Any) {
                            return without;
                        }
                    }
                    let (min, max) = (min.saturating_sub(1), max.map(|max| max - 1));
                    rest.extend([Part::Repeated { part, min, max }, Part::Whole(part)]);
                }
                Part::Whole(hir) => match hir.kind() {
                    HirKind::Alternation(parts) => {
                        let mut begins = |part| {
                            let rest = with(&rest, Part::Whole(part));
                            self.begins(rest, ends.clone(), of)
                        };
                        return match of {
                            Of::All => parts.iter().all(&mut begins),
                            Of::Any => parts.iter().any(&mut begins),
                        };
                    }
                    HirKind::Class(class) => {
                        let set = self.folded(set(class));
                        let mut begins = |byte| {
                            let left = ends.iter().filter_map(|end| self.strip(end, &[byte]));
                            let left: Vec<_> = left.collect();
                            !left.is_empty() && self.begins(rest.clone(), left, of)
                        };
                        return match of {
                            Of::All => set.bytes().all(&mut begins),
                            Of::Any => {
                                set.bytes().count() <= NARROW_MAX && set.bytes().any(&mut begins)
                            }
                        };
                    }
                    _ => open(hir, &mut rest),
                },
            }
        }
    }

    /// Without the capitals that are as good as the small letters in it.
    fn folded(&self, set: ByteSet) -> ByteSet {
        let is_same = |byte: &u8| self.caseless && byte.is_ascii_uppercase();
        let is_double = |byte: &u8| is_same(byte) && set.has(byte.to_ascii_lowercase());
        let left = set.bytes().filter(|byte| !is_double(byte));
        left.fold(ByteSet::EMPTY, ByteSet::with)
    }

    /// What is left of the end of an anchor behind these bytes.
    fn strip<'e>(&self, end: &'e [u8], bytes: &[u8]) -> Option<&'e [u8]> {
        let len = end.len().min(bytes.len());
        let (begin, left) = end.split_at(len);
        let bytes = bytes.get(..len)?;
        let is_same = match self.caseless {
            true => begin.eq_ignore_ascii_case(bytes),
            false => begin == bytes,
        };
        is_same.then_some(left)
    }
}

/// Adds what a part is made of; nothing, for one that takes no byte.
fn open<'h>(hir: &'h Hir, rest: &mut Rest<'h>) {
    match hir.kind() {
        HirKind::Literal(literal) => rest.push(Part::Bytes(&literal.0)),
        HirKind::Repetition(repetition) => rest.push(Part::Repeated {
            part: &repetition.sub,
            min: repetition.min,
            max: repetition.max,
        }),
        HirKind::Capture(capture) => rest.push(Part::Whole(&capture.sub)),
        HirKind::Concat(parts) => rest.extend(parts.iter().rev().map(Part::Whole)),
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) | HirKind::Alternation(_) => {}
    }
}

fn with<'h>(rest: &Rest<'h>, part: Part<'h>) -> Rest<'h> {
    let mut rest = rest.clone();
    rest.push(part);
    rest
}

#[cfg(test)]
mod tests {
    use super::Lead;
    use super::lead;
    use crate::scrub::detector::confirm::parse;

    #[test]
    fn a_match_begins_no_further_before_its_anchor_than_its_pattern_says() {
        for (pattern, anchors, bytes, is_sure) in [
            ("ghp_[a-z]{36}", &["ghp_"][..], 0..0, true),
            ("[a-z]{3}8Q~[a-z]", &["8Q~"], 3..3, true),
            ("(?:foo|bar[a-z]{0,40}baz)x", &["foo", "baz"], 0..43, true),
            ("(?:(?:un)?zip|docker) -p", &["zip ", "docker "], 0..2, true),
            ("(?:(?:un)?zip|docker) -p", &["zip ", "unzip ", "docker "], 0..0, true),
            ("(?i)(?:proxy-)?auth(?:orization)?: x", &["authorization:", "auth:"], 0..6, true),
            (r"pass[_-]?word\s+x", &["pass_word", "pass-word", "password"], 0..0, true),
            (r"mysql -p", &["-p"], 6..6, true),
            (r"a\s*token", &["token"], 1..128, true),
            (r"(?:a|b)+(?:key=|key:)", &["key=", "key:"], 1..128, true),
            (r"bearer +x", &["bearer "], 0..0, true),
            ("(?i)x-goog-signature(?:=|%3D)", &["x-goog-signature"], 0..0, true),
            // Some matches have no anchor, or a later one.
            ("https? (?:[a-z]{0,20} )?-a x", &["http -", "https -"], 0..0, false),
            ("[a-z]{0,9}https? (?:[a-z]{0,20} )?-a", &["http -", "https -"], 0..9, false),
            ("set[ (]{1,2}:[a-z]{0,9}(?:key|pin)", &["set :", "set(:"], 0..0, false),
            (r"(?:key|[a-z]{2}[^\r\n]{0,9}pin)[:=]", &["key=", "pin="], 0..11, false),
            ("[a-z]{200}[0-9]", &["a1"], 0..128, false),
        ] {
            let caseless = pattern.starts_with("(?i)");
            let anchors: Vec<_> = anchors.iter().map(|one| one.as_bytes().to_vec()).collect();
            let hir = parse(pattern).expect("sound");
            let expected = Lead { bytes, is_sure };
            assert_eq!(lead(&hir, &anchors, caseless), expected, "{pattern}");
        }
    }
}
