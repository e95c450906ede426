//! Canaries: made-up credentials, one from each example of each rule.
//!
//! They are made anew in each run from the templates of the rules; nothing that looks
//! like a credential stands in the program. What of a canary is secret is said by its
//! own rule as it ships, alone: a configuration that switches the rule off or weakens
//! it does not change what is expected of the gateway.

use std::ops::Range;

use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::rule::Example;
use crate::scrub::rule::Rule;
use crate::scrub::rule::template;
use crate::scrub::yaml::YamlError;

/// A text with a secret in it.
#[derive(Clone, Debug)]
pub(in crate::cli::selftest) struct Canary {
    /// The id of the rule whose example it is.
    pub(in crate::cli::selftest) rule: String,
    /// The key that it has to stand under, if it is one that only its key gives away.
    pub(in crate::cli::selftest) key: Option<String>,
    /// The text.
    pub(in crate::cli::selftest) text: String,
    /// Where in `text` the secrets stand, in order. Never empty.
    pub(in crate::cli::selftest) secrets: Vec<Range<usize>>,
}

impl Canary {
    /// Whether it is one token and nothing else, which is known without any context.
    pub(in crate::cli::selftest) fn is_token(&self) -> bool {
        self.key.is_none()
            && self.secrets.first().is_some_and(|one| *one == (0..self.text.len()))
            && self.text.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Whether the secret is a line, the last one: what a command printed below itself.
    pub(in crate::cli::selftest) fn is_last_line(&self) -> bool {
        self.secrets.last().is_some_and(|last| {
            last.end == self.text.len()
                && self.text.get(..last.start).is_some_and(|before| before.ends_with('\n'))
        })
    }
}

/// One canary from each example of `rule`. `seed` says which.
///
/// # Errors
///
/// A rule that does not compile.
pub(in crate::cli::selftest) fn of(rule: &Rule, seed: u64) -> Result<Vec<Canary>, YamlError> {
    let settings = Settings { rules: vec![rule.clone()], ..Settings::default() };
    let alone = Scrubber::without_packs(&settings)?;
    let mut canaries = Vec::new();
    for example in &rule.examples {
        let (key, text) = match example {
            Example::Text(text) => (None, text),
            Example::Keyed { key, text } => (Some(key.clone()), text),
        };
        let text = template::expand(text, seed).map_err(|fault| {
            YamlError::new(format!("rule {}.examples", rule.id), fault.to_string())
        })?;
        let mut secrets = alone.find_bytes(text.as_bytes(), key.as_deref());
        // `guest:guest`: what also stands where it is no secret cannot be looked for.
        secrets.retain(|range| {
            text.get(range.clone()).is_some_and(|secret| text.matches(secret).count() == 1)
        });
        if !secrets.is_empty() {
            canaries.push(Canary { rule: rule.id.clone(), key, text, secrets });
        }
    }
    Ok(canaries)
}
