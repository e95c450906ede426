//! How long the tokens of a rule usually are, as its examples say.
//!
//! Patterns ask for less than a token has, so that one that was cut is masked, too. Where
//! a line ends within a token, they say nothing of whether it goes on: the length does.
//! It is reckoned when it is first asked for, which for most rules is never.

use std::ops::RangeInclusive;
use std::sync::OnceLock;

use crate::scrub::detector::confirm::Pattern;
use crate::scrub::rule::Example;
use crate::scrub::rule::template;

/// How often an example is made, since it may name one of several texts.
const SEEDS: std::ops::Range<u64> = 0..4;

/// Tokens whose lengths differ by more than this have no length that tells.
const NARROW: usize = 4;

/// The examples of a rule, and what they say once they were asked.
pub(super) struct Usual {
    examples: Vec<String>,
    lens: OnceLock<Lens>,
}

/// The lengths of the secrets in the examples of a rule, in bytes.
#[derive(Debug, Default)]
pub(super) struct Lens(Vec<RangeInclusive<usize>>);

impl Usual {
    pub(super) fn new(examples: &[Example]) -> Self {
        let text = |example: &Example| match example {
            Example::Text(text) | Example::Keyed { text, .. } => text.clone(),
        };
        Self { examples: examples.iter().map(text).collect(), lens: OnceLock::new() }
    }

    pub(super) fn lens(&self, pattern: &Pattern) -> &Lens {
        self.lens.get_or_init(|| {
            let of_example = |example: &String| {
                let mut len: Option<RangeInclusive<usize>> = None;
                for template in [with_len(example, false), with_len(example, true)] {
                    let texts = SEEDS.filter_map(|seed| template::expand(&template, seed).ok());
                    for secret in texts.flat_map(|text| pattern.secrets(text.as_bytes())) {
                        let (min, max) = len.map_or((usize::MAX, 0), RangeInclusive::into_inner);
                        len = Some(min.min(secret.len())..=max.max(secret.len()));
                    }
                }
                len
            };
            Lens(self.examples.iter().filter_map(of_example).collect())
        })
    }
}

impl Lens {
    /// Whether a secret is as long as those of the rule are, where they are of one length.
    pub(super) fn fit(&self, len: usize) -> bool {
        let is_narrow = |range: &RangeInclusive<usize>| range.end() - range.start() <= NARROW;
        self.0.iter().any(|range| is_narrow(range) && range.contains(&len))
    }

    /// Whether there may be secrets of this length.
    pub(super) fn allow(&self, len: usize) -> bool {
        self.0.iter().any(|range| range.contains(&len))
    }

    /// Whether a secret is as long as those of the rule are, and none is longer.
    pub(super) fn end_with(&self, len: usize) -> bool {
        self.fit(len) && self.0.iter().all(|range| *range.start() <= len)
    }

    /// Whether a secret is shorter than any.
    pub(super) fn are_more_than(&self, len: usize) -> bool {
        !self.0.is_empty() && self.0.iter().all(|range| len < *range.start())
    }
}

/// A template whose random parts are as short as they may be, or as long (`{hex:20-40}`).
fn with_len(template: &str, longest: bool) -> String {
    let mut parts = template.split(':');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push(':');
        let (argument, rest) = part.split_at(part.find('}').unwrap_or(0));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match argument.split_once('-') {
            Some((min, max)) if is_number(min) && is_number(max) => {
                out.push_str(if longest { max } else { min });
                out.push_str(rest);
            }
            _ => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_say_how_long_tokens_are() {
        let lens = |pattern: &str, anchor: &str, examples: &[&str]| {
            let anchors = [anchor.to_owned()];
            let (pattern, _) = Pattern::new(pattern, &anchors, false).expect("compiles");
            let examples: Vec<_> = examples.iter().map(|e| Example::Text((*e).into())).collect();
            Usual::new(&examples).lens(&pattern).0.clone()
        };
        let pattern = "key-[0-9a-f]{8,}";
        assert_eq!(lens(pattern, "key-", &["a key-{hex-lower:20}", "x"]), [24..=24]);
        let examples = ["{one:key-|a:key-}{hex-lower:20-40}", "key-{hex-lower:9}"];
        assert_eq!(lens(pattern, "key-", &examples), [24..=44, 13..=13]);
        let around = r"(?i)key=(?<secret>[0-9a-z]{8,})";
        assert_eq!(lens(around, "key=", &["key={base62:10-12}"]), [10..=12]);
    }

    #[test]
    fn only_one_length_tells_that_a_token_is_whole() {
        let lens = Lens(vec![20..=24, 30..=80]);
        assert!(lens.fit(22) && !lens.fit(25) && !lens.fit(40));
        assert!(!lens.end_with(22) && Lens(vec![20..=20]).end_with(20));
        assert!(lens.are_more_than(19) && !lens.are_more_than(25));
        assert!(!Lens::default().are_more_than(1));
    }
}
