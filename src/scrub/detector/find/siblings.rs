//! What goes on behind a secret that was found: the lines below it, and the secrets beside
//! it, as the other users of a login module and the other lines of a list of users.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::scrub::detector::assign::closing_quote;
use crate::scrub::detector::decode::break_len;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::torn;

/// Where the next secret stands, behind the one that ends here.
pub(in crate::scrub::detector) type Sibling = fn(&[u8], usize) -> Option<Range<usize>>;

/// The rules whose secrets have others beside them.
pub(in crate::scrub::detector) const SIBLINGS: [(&str, Sibling); 5] = [
    ("kafka-jaas-user", user_behind),
    ("kafka-jaas-users", user_behind),
    ("chpasswd-list", line),
    ("ppp-secrets", third_word),
    ("users-properties", assigned_line),
];

/// How many stand beside each other.
const SIBLINGS_MAX: usize = 256;

/// How long the name of a user may be, and what stands between two, in bytes.
const NAME_MAX: usize = 64;

impl Search<'_, '_> {
    /// Adds the secrets beside those that are found.
    pub(super) fn siblings(&mut self, text: &[u8], found: &mut Vec<Match>) {
        let detector = self.detector;
        if detector.siblings.is_empty() {
            return;
        }
        let next_of = |found: &Match| {
            let own = detector.siblings.iter().find(|(rule, _)| *rule == found.rule);
            own.map(|(_, next)| *next)
        };
        // What stands behind one of them is looked for once, whichever leads to it.
        let with_siblings = found.iter().filter(|found| next_of(found).is_some());
        let mut ends: BTreeSet<_> = with_siblings.map(|one| (one.rule, one.range.end)).collect();
        if ends.is_empty() {
            return;
        }
        for number in 0..found.len() {
            let Some(first) = found.get(number).cloned() else { break };
            let Some(next) = next_of(&first) else { continue };
            let mut end = first.range.end;
            for _ in 0..SIBLINGS_MAX {
                let Some(range) = next(text, end) else { break };
                end = range.end;
                if !ends.insert((first.rule, end)) {
                    break;
                }
                self.step(range.len());
                if self.exhausted {
                    break;
                }
                if self.admits(first.rule, text, &range) {
                    found.push(Match { range, ..first.clone() });
                }
            }
        }
    }

    /// Lets secrets reach to where they end, on the lines below; but for tokens that are as
    /// long as those of their rule are.
    pub(super) fn go_on_below(&mut self, text: &[u8], found: &mut [Match]) {
        let detector = self.detector;
        for secret in found.iter_mut().filter(|found| !matches!(found.how, How::Encoded(_))) {
            let Some(end) = torn::below(text, &secret.range) else { continue };
            let rule = detector.rules.get(secret.rule as usize);
            let is_whole = rule.is_some_and(|rule| {
                let pattern = rule.pattern.as_ref();
                pattern.is_some_and(|p| rule.usual.lens(p).end_with(secret.range.len()))
            });
            if !is_whole {
                self.step(end - secret.range.end);
                secret.range.end = end;
            }
        }
    }
}

/// ` user_NAME="x"` behind the quote that ends here, as JAAS has it.
fn user_behind(text: &[u8], end: usize) -> Option<Range<usize>> {
    let slashes = |at: usize| -> usize {
        let rest = text.get(at..).unwrap_or_default();
        rest.iter().take(NAME_MAX).take_while(|byte| **byte == b'\\').count()
    };
    let depth = slashes(end);
    let quote = text.get(end + depth).copied().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let mut at = end + depth + 1;
    let rest = text.get(at..text.len().min(at + NAME_MAX))?;
    at += memchr::memmem::find(rest, b"user_")?;
    let between = text.get(end + depth + 1..at)?;
    if !between.iter().all(|byte| b" \t\r\n\\nrt".contains(byte)) {
        return None;
    }
    let name = text.get(at..)?.iter().take(NAME_MAX);
    at += name.take_while(|byte| byte.is_ascii_alphanumeric() || b"_.@-".contains(byte)).count();
    at += text.get(at..)?.starts_with(b"=").then_some(1)?;
    let own = slashes(at);
    if own != depth || text.get(at + own) != Some(&quote) {
        return None;
    }
    let start = at + own + 1;
    let value = start..closing_quote(text, start, depth, quote);
    (!value.is_empty() && value.end < text.len()).then_some(value)
}

/// The next line of a list: `user:x`.
fn line(text: &[u8], end: usize) -> Option<Range<usize>> {
    let mut at = end + break_len(text.get(end..)?)?;
    let rest = text.get(at..)?;
    at += [&b"- \""[..], b"- '", b"- "]
        .iter()
        .find(|sign| rest.starts_with(sign))
        .map_or(0, |s| s.len());
    let of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.-".contains(*byte);
    at += text.get(at..)?.iter().take(NAME_MAX).take_while(of_name).count();
    at += text.get(at..)?.starts_with(b":").then_some(1)?;
    let of_value = |byte: &&u8| byte.is_ascii_graphic() && !b"\\\"':".contains(*byte);
    let len = text.get(at..)?.iter().take(2 * NAME_MAX).take_while(of_value).count();
    (2 < len).then_some(at..at + len)
}

/// The next line of a file of users: `user=x,group`.
fn assigned_line(text: &[u8], end: usize) -> Option<Range<usize>> {
    let rest = text.get(end..text.len().min(end + 2 * NAME_MAX))?;
    let of_line = |byte: &&u8| !matches!(**byte, b'\r' | b'\n' | b'\\' | b'"');
    let mut at = end + rest.iter().take_while(of_line).count();
    at += break_len(text.get(at..)?)?;
    let of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_.@-".contains(*byte);
    let name = text.get(at..)?.iter().take(NAME_MAX).take_while(of_name).count();
    at += name;
    let sign = text.get(at..)?;
    at += match sign {
        [b'=', b' ', ..] => 2,
        [b'=', ..] => 1,
        [b' ', b'=', b' ', ..] => 3,
        _ => return None,
    };
    let of_value = |byte: &&u8| byte.is_ascii_graphic() && !b"\\\"',=".contains(*byte);
    let len = text.get(at..)?.iter().take(2 * NAME_MAX).take_while(of_value).count();
    (0 < name && 3 < len).then_some(at..at + len)
}

/// The third word of the next line, `user * x *`, of which the second or the fourth is a star:
/// any server, any address.
fn third_word(text: &[u8], end: usize) -> Option<Range<usize>> {
    let blank = |byte: &&u8| matches!(**byte, b' ' | b'\t' | b'*' | b'"');
    let rest = text.get(end..)?;
    let mut at = end + rest.iter().take(NAME_MAX).take_while(blank).count();
    at += break_len(text.get(at..)?)?;
    let (_, server) = word(text, at)?;
    let (any_server, secret) = word(text, server)?;
    let graphic = |byte: &&u8| byte.is_ascii_graphic() && !b"\\\"*".contains(*byte);
    let len = text.get(secret..)?.iter().take(2 * NAME_MAX).take_while(graphic).count();
    let behind = text.get(secret + len..)?;
    let gap = behind.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'"')).count();
    let is_line = any_server || (0 < gap && behind.get(gap) == Some(&b'*'));
    (is_line && 2 < len).then_some(secret..secret + len)
}

/// Whether the word at `at` is a star, and where the next one begins.
fn word(text: &[u8], at: usize) -> Option<(bool, usize)> {
    let rest = text.get(at..)?;
    let of_name = |byte: &&u8| byte.is_ascii_graphic() && !b"\\\"".contains(*byte);
    let name = rest.iter().take(NAME_MAX).take_while(of_name).count();
    let gap = rest.get(name..)?.iter().take(NAME_MAX);
    let gap = gap.take_while(|byte| matches!(byte, b' ' | b'\t' | b'"')).count();
    (0 < name && 0 < gap).then(|| (rest.get(..name) == Some(b"*"), at + name + gap))
}

#[cfg(test)]
mod tests {
    use super::line;
    use super::third_word;
    use super::user_behind;

    #[test]
    fn the_next_secret_is_found_behind_one() {
        for (text, next) in [
            (r#"a" user_dave="x1";"#, Some("x1")),
            (r#"a\" user_dave=\"x1\";"#, Some("x1")),
            ("a\" \\\n   user_dave=\"x1\"", Some("x1")),
            (r#"a" username="x1";"#, None),
            (r#"a" debug=true user_dave="x1";"#, None),
            (r#"a" user_dave=x1;"#, None),
        ] {
            let found = user_behind(text.as_bytes(), 1).map(|range| &text[range]);
            assert_eq!(found, next, "{text}");
        }
        for (text, next) in [
            ("a\n    ubuntu:x12\n", Some("x12")),
            ("a\n  - ubuntu:x12", Some("x12")),
            ("a\nusers:\n", None),
            ("a\n  expire: False", None),
        ] {
            assert_eq!(line(text.as_bytes(), 1).map(|range| &text[range]), next, "{text}");
        }
        for (text, next) in [
            ("a *\nbob * x12 *\n", Some("x12")),
            ("a\n\"bob\" vpn \"x12\"", None),
            ("a *\n# comment", None),
            ("a *\nthe case ends", None),
            ("a *\nbob vpn \"x12\" *", Some("x12")),
        ] {
            assert_eq!(third_word(text.as_bytes(), 1).map(|range| &text[range]), next, "{text}");
        }
    }
}
