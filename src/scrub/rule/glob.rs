//! Texts in which `*` stands for anything.

use std::fmt;

use serde::Deserialize;

/// A text in which each `*` stands for any characters, none too.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
pub struct Glob(String);

impl Glob {
    /// Whether all of `text` has this form.
    pub fn matches(&self, text: &[u8]) -> bool {
        matches(self.0.as_bytes(), text)
    }

    /// The one that every text has the form of.
    pub fn any() -> Self {
        Self("*".to_owned())
    }

    /// The text, as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether all of `text` is of the form `glob`. Takes time of the product of both
/// lengths at most: nothing is tried twice from one star.
pub fn matches(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_glob) = (0, 0);
    // Behind the last star, and where the text went on there.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match (glob.get(in_glob), star) {
            (Some(b'*'), _) => {
                in_glob += 1;
                star = Some((in_glob, at));
            }
            (Some(byte), _) if Some(byte) == text.get(at) => {
                in_glob += 1;
                at += 1;
            }
            (_, Some((behind, from))) => {
                in_glob = behind;
                at = from + 1;
                star = Some((behind, at));
            }
            (_, None) => return false,
        }
    }
    glob.get(in_glob..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

impl TryFrom<String> for Glob {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.is_empty() {
            true => Err("expected a text; `*` stands for any characters"),
            false => Ok(Self(text)),
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything() {
        for (glob, text, matches) in [
            ("checkout", "checkout", true),
            ("checkout", "checkout-2", false),
            ("checkout-*", "checkout-2", true),
            ("checkout-*", "checkout-", true),
            ("*-token", "github-app-token", true),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("*", "", true),
            ("a*", "", false),
            ("a**b", "ab", true),
        ] {
            let glob = Glob::try_from(glob.to_owned()).expect("not empty");
            assert_eq!(glob.matches(text.as_bytes()), matches, "{glob} {text}");
        }
        let stars = Glob::try_from("a*".repeat(50) + "b").expect("not empty");
        assert!(!stars.matches("a".repeat(10_000).as_bytes()));
        assert!(Glob::try_from(String::new()).is_err());
    }
}
