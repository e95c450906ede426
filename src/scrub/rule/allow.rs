//! Allow entries: what a rule finds and is to be left all the same.
//!
//! An entry speaks of one value: the candidate must be all of what the entry describes.
//! What else is found beside it is masked as ever.

use serde::Deserialize;

use crate::scrub::rule::date::Date;
use crate::scrub::rule::glob::Glob;

/// An allow entry. All that is said of the value must hold.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "gateway", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// The value, by the fingerprint that `explain` and `mask: fingerprint` show of it:
    /// `1f2e:3d4c5b6a79881f2e`.
    #[serde(default)]
    pub fingerprint: Option<String>,
    /// The value, by a pattern that matches all of it.
    #[serde(default)]
    pub pattern: Option<String>,
    /// The key that the value is all of the value of.
    #[serde(default)]
    pub key: Option<Glob>,
    /// The path that the value is all of the text at, as `explain` shows it.
    #[serde(default)]
    pub path: Option<Glob>,
    /// The `service.name` of the resource.
    #[serde(default)]
    pub service: Option<Glob>,
    /// The rules that leave it; all, where left out.
    #[serde(default)]
    pub rules: Vec<Glob>,
    /// Who answers for it.
    pub owner: String,
    /// Why it is no secret.
    pub reason: String,
    /// The last day on which it counts (UTC). From the next on, the value is masked
    /// again.
    #[serde(default)]
    pub expires: Option<Date>,
}

impl Allow {
    /// Whether it counts on this day. Where nobody says which day it is, an entry that
    /// expires does not.
    pub fn counts_on(&self, today: Option<Date>) -> bool {
        match (self.expires, today) {
            (None, _) => true,
            (Some(expires), Some(today)) => today <= expires,
            (Some(_), None) => false,
        }
    }
}
