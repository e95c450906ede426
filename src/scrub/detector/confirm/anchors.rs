//! What a pattern tells the prefilter: the literals that every match holds, what stands
//! before them, and what must follow.

use regex_syntax::hir::Class;
use regex_syntax::hir::Hir;
use regex_syntax::hir::HirKind;
use regex_syntax::hir::literal::Extractor;

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::prefilter::Check;
use crate::scrub::detector::torn::LONG_ANCHOR;

/// A follow check looks at no more than this.
const FOLLOW_MAX: usize = 16;

/// A literal that every match of a pattern holds, and what must follow it.
pub(in crate::scrub) struct Anchor {
    /// The literal; lower case where `caseless`.
    pub(in crate::scrub) bytes: Vec<u8>,
    /// Whether it is matched in either case.
    pub(in crate::scrub) caseless: bool,
    /// What must follow.
    pub(in crate::scrub) check: Check,
}

/// The literals that every match begins with.
pub(super) fn derived_anchors(hir: &Hir) -> Result<Vec<Vec<u8>>, String> {
    let seq = Extractor::new().extract(hir);
    match seq.literals() {
        Some(literals) if !literals.is_empty() => {
            Ok(literals.iter().map(|literal| literal.as_bytes().to_vec()).collect())
        }
        _ => Err(
            "expected `anchors` (literals that every match holds) or `keys`, because the pattern \
             begins with no literal and would run at every byte"
                .to_owned(),
        ),
    }
}

/// What there is in every match that texts may have escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scrub) enum Marks {
    /// Nothing.
    None,
    /// Blanks, which URLs escape.
    Blanks,
    /// Quotes or line ends, which JSON escapes.
    Quotes,
}

/// The marks that a pattern asks for where hardly anything else can stand.
pub(super) fn marks(hir: &Hir) -> Marks {
    const QUOTES: ByteSet = ByteSet::of(b"\"'`\n");
    const ALTERNATIVES_MAX: usize = 8;
    let of = |bytes: &mut dyn Iterator<Item = u8>| {
        let mark = |byte: u8| match byte {
            _ if QUOTES.has(byte) => Marks::Quotes,
            b' ' => Marks::Blanks,
            _ => Marks::None,
        };
        bytes.map(mark).max().unwrap_or(Marks::None)
    };
    match hir.kind() {
        HirKind::Literal(literal) => of(&mut literal.0.iter().copied()),
        HirKind::Class(class) => {
            let set = set(class);
            match set.bytes().count() <= ALTERNATIVES_MAX {
                true => of(&mut set.bytes()),
                false => Marks::None,
            }
        }
        HirKind::Repetition(repetition) => marks(&repetition.sub),
        HirKind::Capture(capture) => marks(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(marks).max().unwrap_or(Marks::None)
        }
        HirKind::Empty | HirKind::Look(_) => Marks::None,
    }
}

/// The printable signs that a match may have, without those that end a token in most
/// texts: quotes, angle brackets, backslashes.
pub(super) fn signs(hir: &Hir) -> ByteSet {
    let mut signs = ByteSet::EMPTY;
    let mut add = |bytes: &mut dyn Iterator<Item = u8>| {
        for byte in bytes.filter(|byte| byte.is_ascii_graphic() && !b"\"'`<>\\".contains(byte)) {
            signs = signs.with(byte);
        }
    };
    match hir.kind() {
        HirKind::Literal(literal) => add(&mut literal.0.iter().copied()),
        HirKind::Class(class) => add(&mut set(class).bytes()),
        HirKind::Repetition(repetition) => return self::signs(&repetition.sub),
        HirKind::Capture(capture) => return self::signs(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            return parts.iter().fold(signs, |signs, part| signs.or(self::signs(part)));
        }
        HirKind::Empty | HirKind::Look(_) => {}
    }
    signs
}

/// The bytes that a match may begin with.
pub(super) fn firsts(hir: &Hir) -> ByteSet {
    match hir.kind() {
        HirKind::Literal(literal) => {
            literal.0.first().map_or(ByteSet::EMPTY, |first| ByteSet::EMPTY.with(*first))
        }
        HirKind::Class(class) => set(class),
        HirKind::Repetition(repetition) => firsts(&repetition.sub),
        HirKind::Capture(capture) => firsts(&capture.sub),
        HirKind::Alternation(parts) => {
            parts.iter().fold(ByteSet::EMPTY, |set, part| set.or(firsts(part)))
        }
        HirKind::Concat(parts) => {
            let may_be_empty = |part: &&Hir| part.properties().minimum_len() == Some(0);
            let len = parts.iter().take_while(may_be_empty).count() + 1;
            parts.iter().take(len).fold(ByteSet::EMPTY, |set, part| set.or(firsts(part)))
        }
        HirKind::Empty | HirKind::Look(_) => ByteSet::EMPTY,
    }
}

/// The anchors that the prefilter can look for: one of two bytes, with each byte that may
/// follow it in a match.
pub(super) fn long_enough(hir: &Hir, anchor: Vec<u8>) -> Vec<Vec<u8>> {
    let mut parts = Vec::new();
    flatten(hir, &mut parts);
    let next = match behind(&parts, &anchor) {
        Some((rest, _)) if anchor.len() == 2 => rest.first().map(|part| part.kind()),
        _ => None,
    };
    match next {
        Some(HirKind::Class(class)) => {
            let next = set(class);
            next.bytes().map(|byte| [anchor.as_slice(), &[byte]].concat()).collect()
        }
        _ => vec![anchor],
    }
}

/// What every match has behind `anchor`, as far as one look at the pattern tells:
/// its beginning is the anchor, and then comes a class.
pub(super) fn follow(hir: &Hir, anchor: &[u8]) -> Check {
    let mut parts = Vec::new();
    flatten(hir, &mut parts);
    let Some((rest, more)) = behind(&parts, anchor) else { return Check::None };
    if LONG_ANCHOR <= anchor.len() && matches!(anchor.last(), Some(b'_' | b'-')) {
        return Check::None;
    }
    let (class, min) = match rest.first().map(|part| part.kind()) {
        Some(HirKind::Repetition(repetition)) => (repetition.sub.kind(), repetition.min as usize),
        Some(kind) => (kind, 1),
        None => return Check::None,
    };
    match (class, min) {
        (_, 0) => Check::None,
        (HirKind::Class(class), min) => {
            Check::Follow { lead: more, set: set(class), min: min.min(FOLLOW_MAX) }
        }
        _ => Check::None,
    }
}

/// The parts behind those that match `anchor`, if the parts begin with it; and what a
/// repetition at its end may go on with (`bearer +`).
fn behind<'p, 'h>(mut parts: &'p [&'h Hir], anchor: &[u8]) -> Option<(&'p [&'h Hir], ByteSet)> {
    let mut more = ByteSet::EMPTY;
    let mut left = anchor;
    while let Some((&byte, rest)) = left.split_first() {
        let (part, behind) = parts.split_first()?;
        parts = behind;
        more = ByteSet::EMPTY;
        left = match part.kind() {
            HirKind::Literal(literal) => left.strip_prefix(literal.0.as_ref())?,
            HirKind::Class(class) if set(class).has(byte) => rest,
            HirKind::Alternation(_) => strip_one_of(&literals(part)?, left)?,
            HirKind::Repetition(repetition) if repetition.min == 1 => match repetition.sub.kind() {
                HirKind::Class(class) if set(class).has(byte) => {
                    more = set(class);
                    rest
                }
                HirKind::Literal(_) | HirKind::Alternation(_) => {
                    let all = literals(&repetition.sub)?;
                    more = all.iter().fold(more, |more, one| more.or(ByteSet::of(one)));
                    strip_one_of(&all, left)?
                }
                _ => return None,
            },
            _ => return None,
        };
    }
    Some((parts, more))
}

/// The literals of which this is one, if it is nothing else.
fn literals(hir: &Hir) -> Option<Vec<&[u8]>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![&literal.0]),
        HirKind::Alternation(parts) => {
            let all: Option<Vec<Vec<&[u8]>>> = parts.iter().map(literals).collect();
            all.map(|all| all.concat())
        }
        _ => None,
    }
}

/// What is left of `anchor` behind the longest of these that it begins with. None of the
/// others may hold that one and go on, since another byte would then stand behind it.
fn strip_one_of<'a>(literals: &[&[u8]], anchor: &'a [u8]) -> Option<&'a [u8]> {
    let own = literals.iter().filter(|one| anchor.starts_with(one)).max_by_key(|one| one.len())?;
    let ends_with_it =
        |one: &[u8]| memchr::memmem::find_iter(one, own).all(|at| at + own.len() == one.len());
    let is_last = literals.iter().all(|one| ends_with_it(one));
    is_last.then(|| anchor.strip_prefix(*own)).flatten()
}

/// The parts of a concatenation, groups opened.
fn flatten<'h>(hir: &'h Hir, parts: &mut Vec<&'h Hir>) {
    match hir.kind() {
        HirKind::Concat(inner) => inner.iter().for_each(|part| flatten(part, parts)),
        HirKind::Capture(capture) => flatten(&capture.sub, parts),
        _ => parts.push(hir),
    }
}

/// The bytes of a class; of a character outside ASCII, every byte that it may have.
pub(super) fn set(class: &Class) -> ByteSet {
    let mut set = ByteSet::EMPTY;
    let mut add = |start: u32, end: u32| {
        for byte in start.min(0x80)..=end.min(0xff) {
            set = set.with(byte as u8);
        }
        if 0x7f < end {
            (0x80..=0xff).for_each(|byte| set = set.with(byte));
        }
    };
    match class {
        Class::Bytes(class) => {
            class.ranges().iter().for_each(|r| add(r.start().into(), r.end().into()));
        }
        // An alternation of characters is one, even without Unicode.
        Class::Unicode(class) => {
            class.ranges().iter().for_each(|r| add(r.start().into(), r.end().into()));
        }
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_looks_behind_the_anchor_and_never_at_what_another_alternative_has_there() {
        let passes = |pattern: &str, anchor: &str, rest: &str| {
            let hir = regex_syntax::parse(pattern).unwrap();
            let text = [anchor, rest].concat();
            follow(&hir, anchor.as_bytes()).holds(text.as_bytes(), 0, rest.as_bytes())
        };
        let scheme = "(?:Key|Api-Key|token) ([0-9a-z]{8,})";
        assert!(passes(scheme, "Key ", "0123456789"));
        assert!(!passes(scheme, "Key ", "figures of it"), "prose");
        // `Tokens` goes on with what the class has not.
        assert!(passes("(?:Token|TokenX)([a-z]{8})", "Token", "Xabcdefgh"));
        let bearer = "(?i)bearer(?: |%20)+([0-9a-z]{8,})";
        for rest in ["0a1b2c3d4e", " %20 20202020ab", "20202020"] {
            assert!(passes(bearer, "Bearer ", rest), "{rest}");
        }
        assert!(passes(bearer, "Bearer%20", "0a1b2c3d4e"));
        assert!(!passes(bearer, "Bearer ", "token of the day"), "blanks within");
    }
}
