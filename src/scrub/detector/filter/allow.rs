//! Compiled allow entries.
//!
//! An entry is about one candidate: it never exempts what else is found in the text.
//! So a candidate must be all of what the entry describes; of a key or a path, all of
//! the value that stands there.

use std::sync::Arc;

use crate::scrub::detector::RuleFault;
use crate::scrub::detector::bytes::is_key_byte;
use crate::scrub::detector::confirm::Pattern;
use crate::scrub::detector::filter::Candidate;
use crate::scrub::detector::filter::attribute_names;
use crate::scrub::fingerprint::Fingerprints;
use crate::scrub::fingerprint::is_fingerprint;
use crate::scrub::rule::allow::Allow;
use crate::scrub::rule::glob::Glob;

/// Allow entries in the order in which they are asked.
#[derive(Clone, Default)]
pub(in crate::scrub) struct AllowList {
    entries: Vec<Entry>,
    fingerprints: Fingerprints,
}

#[derive(Clone)]
struct Entry {
    allow: Arc<Allow>,
    pattern: Option<Arc<Pattern>>,
}

impl AllowList {
    /// Compiles the entries for all rules: each with its place in the list, for faults.
    ///
    /// # Errors
    ///
    /// The first fault.
    pub(in crate::scrub) fn new(
        entries: &[(usize, Allow)],
        fingerprints: Fingerprints,
    ) -> Result<Self, RuleFault> {
        let mut list = Self { entries: Vec::new(), fingerprints };
        list.add(entries, false)?;
        Ok(list)
    }

    /// The entries for the rule `id`: of these, the ones that speak of it, and its own.
    ///
    /// # Errors
    ///
    /// The first fault in one of its own.
    pub(in crate::scrub) fn of_rule(
        &self,
        id: &str,
        own: &[(usize, Allow)],
    ) -> Result<Self, RuleFault> {
        let speaks = |entry: &&Entry| {
            let rules = &entry.allow.rules;
            rules.is_empty() || rules.iter().any(|glob| glob.matches(id.as_bytes()))
        };
        let entries = self.entries.iter().filter(speaks).cloned().collect();
        let mut list = Self { entries, fingerprints: self.fingerprints.clone() };
        list.add(own, true)?;
        Ok(list)
    }

    fn add(&mut self, entries: &[(usize, Allow)], of_rule: bool) -> Result<(), RuleFault> {
        for (at, allow) in entries {
            let fault = |setting: &str, expected: &str| {
                let dot = if setting.is_empty() { "" } else { "." };
                RuleFault::new(&format!("allow[{at}]{dot}{setting}"), expected)
            };
            for (setting, said, expected) in [
                ("owner", &allow.owner, "expected who answers for it"),
                ("reason", &allow.reason, "expected why it is no secret"),
            ] {
                if said.trim().is_empty() {
                    return Err(fault(setting, expected));
                }
            }
            if let Some(fingerprint) = &allow.fingerprint {
                if !is_fingerprint(fingerprint) {
                    let expected = "expected a fingerprint as `explain` shows it, \
                                    such as 1f2e:3d4c5b6a79881f2e";
                    return Err(fault("fingerprint", expected));
                }
                if !self.fingerprints.knows(fingerprint) {
                    let expected = "expected a fingerprint under `fingerprint_key` or one of \
                                    `fingerprint_keys_previous`: no key here has its four digits";
                    return Err(fault("fingerprint", expected));
                }
            }
            let compile = |pattern: &String| Pattern::new(pattern, &[], true);
            let pattern = allow.pattern.as_ref().map(compile).transpose();
            let pattern = pattern.map_err(|expected| fault("pattern", &expected))?;
            let pattern = pattern.map(|(pattern, _)| Arc::new(pattern));
            if !is_narrow(allow, pattern.as_deref(), of_rule) {
                let expected = "expected a fingerprint, pattern, key or path, or a service \
                                together with rules: anything else leaves too much";
                return Err(fault("", expected));
            }
            self.entries.push(Entry { allow: Arc::new(allow.clone()), pattern });
        }
        Ok(())
    }

    /// Whether there is none.
    pub(in crate::scrub) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of this number.
    pub(in crate::scrub) fn get(&self, number: usize) -> Option<&Allow> {
        self.entries.get(number).map(|entry| &*entry.allow)
    }

    /// The number of the first entry that leaves this candidate.
    pub(in crate::scrub) fn entry_for(&self, candidate: &Candidate<'_>) -> Option<usize> {
        self.entries.iter().position(|entry| self.leaves(entry, candidate))
    }

    fn leaves(&self, entry: &Entry, candidate: &Candidate<'_>) -> bool {
        let Allow { fingerprint, key, path, service, .. } = &*entry.allow;
        let secret = candidate.secret();
        fingerprint.as_ref().is_none_or(|print| self.fingerprints.matches(print, secret))
            && entry
                .pattern
                .as_ref()
                .is_none_or(|p| p.matches_whole(secret) == Some(0..secret.len()))
            && key.as_ref().is_none_or(|glob| {
                key_of(candidate).is_some_and(|keys| keys.iter().any(|key| glob.matches(key)))
            })
            && path.as_ref().is_none_or(|glob| {
                is_whole(candidate) && glob.matches(candidate.place.path.to_string().as_bytes())
            })
            && service.as_ref().is_none_or(|glob| {
                let origin = candidate.surroundings.origin(candidate.place);
                let names: Vec<_> =
                    origin.iter().flat_map(|origin| origin.resource("service.name")).collect();
                let matches = |name: &Option<&[u8]>| name.is_some_and(|name| glob.matches(name));
                !names.is_empty() && names.iter().all(matches)
            })
    }
}

/// Texts that have nothing in common.
const ANY: [&[u8]; 3] = [b"Zq7Kx0pW3vTn9LbY", b"a b:c/d?e=f&g", b"0123456789abcdef-XYZ_~.+"];

/// Whether an entry speaks of something, and not of whatever is found.
fn is_narrow(allow: &Allow, pattern: Option<&Pattern>, of_rule: bool) -> bool {
    let says = |glob: &Glob| glob.as_str().bytes().any(|byte| byte != b'*');
    let of_value = |pattern: &Pattern| !ANY.iter().all(|any| pattern.matches_whole(any).is_some());
    let of_service = allow.service.as_ref().is_some_and(says);
    let of_rules = of_rule || (!allow.rules.is_empty() && allow.rules.iter().all(says));
    allow.fingerprint.is_some()
        || pattern.is_some_and(of_value)
        || [&allow.key, &allow.path].into_iter().flatten().any(says)
        || (of_service && of_rules)
}

/// Whether the candidate is all of the text at the place.
fn is_whole(candidate: &Candidate<'_>) -> bool {
    !candidate.nested && candidate.secret().len() == candidate.text.trim_ascii().len()
}

/// The names of the key that the candidate is all of the value of: the one of its
/// attribute, in full and its innermost part, or the one before it in the text.
fn key_of(candidate: &Candidate<'_>) -> Option<Vec<Vec<u8>>> {
    if is_whole(candidate) {
        let mut innermost = None;
        candidate.place.path.keys(&mut |key| innermost = key.map(<[u8]>::to_vec));
        let mut names = attribute_names(candidate.place)?;
        return names.pop().map(|full| vec![full, innermost.unwrap_or_default()]);
    }
    let text = candidate.text;
    let around = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\' | b'`');
    let before = text.get(..candidate.secret.start)?;
    let before = strip_end(before, around);
    let before = strip_end(before, u8::is_ascii_whitespace);
    let before = before.strip_suffix(b"=").or_else(|| before.strip_suffix(b":"))?;
    let before = strip_end(strip_end(before, u8::is_ascii_whitespace), around);
    let len = before.iter().rev().take_while(|byte| is_key_byte(**byte)).count();
    let name = before.get(before.len() - len..).filter(|name| !name.is_empty())?;
    let behind = text.get(candidate.secret.end);
    let ends = behind.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    ends.then(|| vec![name.to_vec()])
}

fn strip_end(text: &[u8], strip: impl Fn(&u8) -> bool) -> &[u8] {
    let kept = text.iter().rposition(|byte| !strip(byte)).map_or(0, |last| last + 1);
    text.get(..kept).unwrap_or_default()
}
