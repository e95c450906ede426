//! Credentials that begin with nothing rare, known by their structure or checksum.
//!
//! A Discord token begins with the base64 of a number, a Bitcoin key with one letter: no
//! literal announces them that other texts do not hold. But each holds a long run of
//! base64 characters, at which the prefilter stops anyway; its length alone rules out
//! nearly all of them, and what stands around it, or a checksum, the rest.
//!
//! Deliberately absent: formats that are a short prefix and random characters (`BQ…`,
//! `YC…`). One in some thousand random ids begins so, too.

use std::ops::Range;

use crate::scrub::detector::bytes::base64_len;
use crate::scrub::detector::bytes::has_all_classes;
use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::bytes::is_drawn;
use crate::scrub::detector::decode::behind_escape;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::Match;
use crate::scrub::rule::validator;

/// Where a credential stands around a run of base64 characters, if it is one.
pub(super) type Shape = fn(&[u8], &Range<usize>) -> Option<Range<usize>>;

/// The rules whose credentials are known so.
pub(super) const SHAPES: [(&str, Shape); 10] = [
    ("discord-bot-token", discord),
    ("wif-key", wif),
    ("stellar-secret-seed", stellar),
    ("bitwarden-access-token", bitwarden),
    ("ably-api-key", ably),
    ("keeper-one-time-token", keeper),
    ("mandrill-api-key", mandrill),
    ("ngrok-token", ngrok),
    ("facebook-app-token", facebook),
    ("prefixed-secret-key", prefixed),
];

/// The shortest and the longest run that is a part of one.
const RUN_LEN: std::ops::RangeInclusive<usize> = 22..=128;

impl Search<'_, '_> {
    /// Adds the credential that a run of base64 characters around `at` is a part of.
    pub(super) fn bare(&mut self, text: &[u8], at: usize, found: &mut Vec<Match>) {
        let before = text.get(at.saturating_sub(*RUN_LEN.end())..at).unwrap_or_default();
        let back = before.iter().rev().take_while(|byte| is_base64(**byte)).count();
        let start = behind_escape(text, at - back);
        let ahead = text.get(start..text.len().min(start + RUN_LEN.end() + 1));
        let run = start..start + base64_len(ahead.unwrap_or_default());
        if !RUN_LEN.contains(&run.len()) {
            return;
        }
        let detector = self.detector;
        for (rule, shape) in &detector.shapes {
            let Some(range) = shape(text, &run) else { continue };
            let secret = text.get(range.clone()).unwrap_or_default();
            let accepted = detector.rules.get(*rule as usize).is_some_and(|r| r.accepts(secret));
            if accepted && self.admits(*rule, text, &range) {
                let how = self.progress.urls.how(text, range.start);
                found.push(Match { range, rule: *rule, certainty: Certainty::Pattern, how });
                return;
            }
        }
    }
}

/// The text before a run, and the run.
fn split<'t>(text: &'t [u8], run: &Range<usize>) -> (&'t [u8], &'t [u8]) {
    let before = text.get(..run.start).unwrap_or_default();
    (before, text.get(run.clone()).unwrap_or_default())
}

/// Whether nothing that belongs to a token stands at the end of `before`.
fn ends_token(before: &[u8]) -> bool {
    !before.last().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-.:/+".contains(byte))
}

/// `base64(id).time.signature`; the id is a number of 17 to 20 digits.
fn discord(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let (_, id) = split(text, run);
    if !(23..=27).contains(&id.len()) || !matches!(id.first(), Some(b'M'..=b'O')) {
        return None;
    }
    let time = text.get(run.end..)?.strip_prefix(b".")?;
    let signature = time.get(6..)?.strip_prefix(b".")?;
    let len = base64_len(signature);
    let id = validator::decoded(id)?;
    let holds = base64_len(time) == 6
        && (27..=64).contains(&len)
        && (17..=20).contains(&id.len())
        && id.iter().all(u8::is_ascii_digit);
    holds.then_some(run.start..run.end + 8 + len)
}

/// A private key in Base58Check.
fn wif(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let (_, key) = split(text, run);
    let holds = (51..=52).contains(&key.len())
        && matches!(key.first(), Some(b'5' | b'K' | b'L'))
        && validator::checksum("base58check", key) == Some(true);
    holds.then(|| run.clone())
}

/// A seed in base32, with a version and a CRC-16.
fn stellar(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let (_, seed) = split(text, run);
    let holds = seed.len() == 56
        && seed.first() == Some(&b'S')
        && validator::checksum("strkey", seed) == Some(true);
    holds.then(|| run.clone())
}

/// `0.uuid.secret:key==`
fn bitwarden(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    const HEAD_LEN: usize = "0.00000000-0000-0000-0000-000000000000.".len();
    const KEY_LEN: usize = 22;
    if run.len() != 30 {
        return None;
    }
    let start = run.start.checked_sub(HEAD_LEN)?;
    let uuid = text.get(start..run.start)?.strip_prefix(b"0.")?.strip_suffix(b".")?;
    let key = text.get(run.end..)?.strip_prefix(b":")?;
    let holds = validator::is_uuid(uuid)
        && base64_len(key) == KEY_LEN
        && key.get(KEY_LEN..)?.starts_with(b"==");
    holds.then_some(start..run.end + 1 + KEY_LEN + 2)
}

/// `application.key:secret`
fn ably(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let (before, secret) = split(text, run);
    if secret.len() != 43 {
        return None;
    }
    let head = before.strip_suffix(b":")?;
    let name = head.get(head.len().checked_sub(13)?..)?;
    let [application @ .., _, _, _, _, _, _] = name else { return None };
    let application = application.strip_suffix(b".")?;
    let of_name = |byte: &u8| is_base64(*byte) && *byte != b'/' && *byte != b'+';
    let holds = name.iter().enumerate().all(|(at, byte)| at == 6 || of_name(byte))
        && application.len() == 6
        && has_all_classes(secret)
        && ends_token(head.get(..head.len() - 13)?);
    holds.then_some(run.start - 14..run.end)
}

/// `region:secret`
fn keeper(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    const REGIONS: [&[u8]; 6] = [b"US:", b"EU:", b"AU:", b"GOV:", b"JP:", b"CA:"];
    let (before, secret) = split(text, run);
    if secret.len() != 43 || !has_all_classes(secret) {
        return None;
    }
    let region = REGIONS.iter().find(|region| before.ends_with(region))?;
    let start = run.start - region.len();
    ends_token(before.get(..start)?).then_some(start..run.end)
}

/// `md-` and 22 random characters.
fn mandrill(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let (before, key) = split(text, run);
    let secret = key.strip_prefix(b"md-")?;
    let holds = secret.len() == 22 && is_drawn(secret) && ends_token(before);
    holds.then(|| run.clone())
}

/// `2…_…`: 27 letters and digits, and 21 or 22.
fn ngrok(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let (before, token) = split(text, run);
    if !(49..=50).contains(&token.len()) || token.first() != Some(&b'2') {
        return None;
    }
    let (id, secret) = token.split_at_checked(27)?;
    let secret = secret.strip_prefix(b"_")?;
    let holds = [id, secret]
        .iter()
        .all(|part| part.iter().all(u8::is_ascii_alphanumeric) && is_drawn(part));
    (holds && ends_token(before)).then(|| run.clone())
}

/// `application|secret`
fn facebook(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let (before, secret) = split(text, run);
    if secret.len() != 27 {
        return None;
    }
    let head = before.strip_suffix(b"|")?;
    let digits = head.iter().rev().take(17).take_while(|byte| byte.is_ascii_digit()).count();
    let start = head.len() - digits;
    let holds =
        (15..=16).contains(&digits) && has_all_classes(secret) && ends_token(head.get(..start)?);
    holds.then_some(start..run.end)
}

/// `sk_` and random characters: a secret key, whoever gave it out.
fn prefixed(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let (before, key) = split(text, run);
    let secret = key.strip_prefix(b"sk_")?;
    let holds = 24 <= secret.len() && is_drawn(secret) && ends_token(before);
    holds.then(|| run.clone())
}

#[cfg(test)]
mod tests {
    use super::SHAPES;
    use crate::scrub::rule::template::expand;

    /// What the shapes find of each template, as the id of its rule.
    fn found(template: &str, seed: u64) -> Option<&'static str> {
        let text = expand(template, seed).expect("sound");
        let bytes = text.as_bytes();
        let is = |at: &usize| super::is_base64(bytes[*at]);
        let mut at = 0;
        while at < bytes.len() {
            let run = at..at + (at..bytes.len()).take_while(is).count();
            let hit = SHAPES.iter().find(|(_, shape)| shape(bytes, &run).is_some());
            if let Some((id, _)) = hit {
                return Some(id);
            }
            at = run.end + 1;
        }
        None
    }

    #[test]
    fn each_shape_is_known_and_its_look_alikes_are_not() {
        for (template, id) in [
            ("x {b64url:{digits:18}}.{base62:6}.{base64url:27} y", "discord-bot-token"),
            ("x {b64url:{digits:19}}.{base62:6}.{base64url:38}", "discord-bot-token"),
            ("0.{uuid}.{base62:30}:{base64:22}==", "bitwarden-access-token"),
            ("{mark}SA{base32-upper:50}{check:strkey}", "stellar-secret-seed"),
            ("a {base62:6}.{base62:6}:{base62:43}", "ably-api-key"),
            ("`US:{base62:43}`", "keeper-one-time-token"),
            ("{digits:16}|{base62:27}", "facebook-app-token"),
            ("2{base62:26}_{base62:21}", "ngrok-token"),
            ("sk_{base62:40}", "prefixed-secret-key"),
            // No number, too short, no token of its own, a word, no checksum.
            ("{b64url:{alpha:18}}.{base62:6}.{base64url:27}", ""),
            ("{b64url:{digits:18}}.{base62:6}.{base62:12}", ""),
            ("{b64url:{digits:18}}.{base62:7}.{base64url:27}", ""),
            ("0.{uuid}.{base62:30}", ""),
            ("a.{base62:6}.{base62:6}:{base62:43}", ""),
            ("{base62:6}-{base62:6}:{base62:43}", ""),
            ("BUS:{base62:43}", ""),
            ("US:{base62:40}", ""),
            ("{digits:12}|{base62:27}", ""),
            ("md-configuration-management", ""),
            ("sk_learn_gradient_boosting_classifier", ""),
            ("5{base58:50}", ""),
            ("S{base32-upper:55}", ""),
            ("1{base62:26}_{base62:21}", ""),
        ] {
            for seed in 0..8 {
                let found = found(template, seed).unwrap_or_default();
                // Few draws lack one of the classes.
                assert!(
                    found == id || (found.is_empty() && 1 < seed),
                    "{template} {seed}: {found}"
                );
            }
        }
    }
}
