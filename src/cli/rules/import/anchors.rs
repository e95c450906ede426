//! Literals of which every match of a pattern holds one.
//!
//! A keyword of Gitleaks must stand somewhere in the text; an anchor must stand in the
//! match. So anchors are read from the pattern itself: what it cannot match without.

use regex_syntax::hir::Class;
use regex_syntax::hir::Hir;
use regex_syntax::hir::HirKind;

/// The shortest anchor that a rule may have, in bytes.
const ANCHOR_BYTES_MIN: usize = 3;

/// How many anchors one rule may need.
const ANCHORS_MAX: usize = 32;

/// Anchors of a pattern, the longest that there are. `None` where it has none.
pub(in crate::cli::rules::import) fn anchors(pattern: &str) -> Option<Vec<String>> {
    let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
    let mut parser = parsed;
    let hir = parser.parse(pattern).ok()?;
    let caseless = pattern.starts_with("(?i)");
    let mut anchors = held(&hir, caseless)?;
    anchors.sort_unstable();
    anchors.dedup();
    Some(anchors)
}

/// What every match of `hir` holds one of.
fn held(hir: &Hir, caseless: bool) -> Option<Vec<String>> {
    if let Some(text) = exact(hir, caseless) {
        return good(vec![text]);
    }
    match hir.kind() {
        HirKind::Capture(capture) => held(&capture.sub, caseless),
        HirKind::Repetition(repetition) if 0 < repetition.min => held(&repetition.sub, caseless),
        HirKind::Alternation(branches) => {
            let all: Option<Vec<_>> = branches.iter().map(|one| held(one, caseless)).collect();
            good(all?.concat())
        }
        HirKind::Concat(parts) => {
            // Texts that stand side by side are one text.
            let mut best: Option<Vec<String>> = None;
            let mut run = String::new();
            let mut take = |found: Option<Vec<String>>| {
                let better = match (&best, &found) {
                    (_, None) => false,
                    (None, Some(_)) => true,
                    (Some(best), Some(found)) => shortest(best) < shortest(found),
                };
                if better {
                    best = found;
                }
            };
            for part in parts {
                match exact(part, caseless) {
                    Some(text) => run.push_str(&text),
                    None => {
                        take(good(vec![std::mem::take(&mut run)]));
                        take(held(part, caseless));
                    }
                }
            }
            take(good(vec![run]));
            best
        }
        _ => None,
    }
}

/// The one text that `hir` matches; in lower case, where case does not matter.
fn exact(hir: &Hir, caseless: bool) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = String::from_utf8(literal.0.to_vec()).ok()?;
            Some(if caseless { text.to_ascii_lowercase() } else { text })
        }
        // A letter in either case.
        HirKind::Class(Class::Bytes(class)) if caseless => {
            let ranges = class.ranges();
            let [upper, lower] = ranges else { return None };
            let letter = lower.start();
            let one = upper.len() == 1 && lower.len() == 1 && letter.is_ascii_lowercase();
            (one && letter.to_ascii_uppercase() == upper.start())
                .then(|| char::from(letter).to_string())
        }
        HirKind::Look(_) | HirKind::Empty => Some(String::new()),
        HirKind::Capture(capture) => exact(&capture.sub, caseless),
        HirKind::Concat(parts) => parts.iter().map(|part| exact(part, caseless)).collect(),
        HirKind::Repetition(repetition) if repetition.max == Some(repetition.min) => {
            let one = exact(&repetition.sub, caseless)?;
            let times = usize::try_from(repetition.min).ok()?;
            (one.len().saturating_mul(times) <= 256).then(|| one.repeat(times))
        }
        _ => None,
    }
}

fn good(anchors: Vec<String>) -> Option<Vec<String>> {
    let long = ANCHOR_BYTES_MIN <= shortest(&anchors);
    (long && (1..=ANCHORS_MAX).contains(&anchors.len())).then_some(anchors)
}

fn shortest(anchors: &[String]) -> usize {
    anchors.iter().map(String::len).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::anchors;

    #[test]
    fn an_anchor_is_what_no_match_can_do_without() {
        let cases: &[(&str, &[&str])] = &[
            (r"\bacme_[0-9]{8}\b", &["acme_"]),
            (r"((?:AKIA|ASIA)[A-Z2-7]{16})", &["AKIA", "ASIA"]),
            (r"(?i)[\w.-]{0,50}?(?:acme)(?:[ \t]{0,20})[=:]([a-z]{32})", &["acme"]),
            (r"(?i)x?(?:ada|fruit)key=[0-9]{4}", &["key="]),
            (r"[a-z0-9]{14}\.atlasv1\.[a-z0-9]{60}", &[".atlasv1."]),
            (r"(?:one|two)[0-9]+", &["one", "two"]),
            (r"(?:-----){1}BEGIN", &["-----BEGIN"]),
        ];
        for (pattern, expected) in cases {
            let found = anchors(pattern).unwrap_or_default();
            assert_eq!(found, *expected, "{pattern}");
        }
        for pattern in ["[0-9a-f]{32}", "(?:abc)?[0-9]{4}", "ab[0-9]+", "(?:abcd|[0-9]{9})"] {
            assert_eq!(anchors(pattern), None, "{pattern}");
        }
    }
}
