//! The sections of INI files, in which a blank may stand before an equals sign.

use std::ops::Range;

use crate::scrub::detector::assign::Assignment;
use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::bytes::is_key_byte;

/// Whether the key stands at the beginning of a line of an INI file: above it, between
/// lines with an equals sign, is the name of a section.
pub(in crate::scrub) fn in_section(text: &[u8], key: &Range<usize>) -> bool {
    let mut before = text.get(key.start.saturating_sub(SECTION_MAX)..key.start).unwrap_or_default();
    let mut line = last_line(&mut before);
    if !line.trim_ascii().is_empty() {
        return false;
    }
    while !before.is_empty() {
        line = last_line(&mut before);
        match line.trim_ascii() {
            [b'[', name @ .., b']'] => {
                return name.iter().all(|byte| is_key_byte(*byte) || b" :/\"".contains(byte));
            }
            [] | [b'#' | b';', ..] => {}
            line if memchr::memchr(b'=', line).is_some() && !line.ends_with(b"{") => {}
            _ => return false,
        }
    }
    false
}

/// How far from a key its user may stand, before it and behind it, in bytes.
const USER_BEFORE_MAX: usize = 120;
const USER_BEHIND_MAX: usize = 64;

/// Whether the last word of a name may be that of the password of a user, who stands beside it,
/// or whose section of a file it is in.
pub(in crate::scrub) fn is_of_user(text: &[u8], assignment: &Assignment) -> bool {
    const NAMES: [&[u8]; 8] =
        [b"pass", b"pw", b"pwd", b"creds", b"cred", b"credential", b"credentials", b"secret"];
    let (key, is_stated) = (&assignment.key, assignment.sign == Sign::Stated);
    let name = text.get(key.clone()).unwrap_or_default();
    let last = name.rsplit(|byte| matches!(byte, b'_' | b'-' | b'.')).next().unwrap_or_default();
    NAMES.iter().any(|one| last.eq_ignore_ascii_case(one))
        && (is_beside_user(text, key)
            || in_section(text, key)
            || (is_stated && !last.eq_ignore_ascii_case(b"secret"))
            || is_said_small(text, key, last))
}

/// Whether a name that is one word begins its line, and is not written as runners of tests write
/// it: `pass: lamp-horse`.
fn is_said_small(text: &[u8], key: &Range<usize>, last: &[u8]) -> bool {
    let is_word = last.len() == key.len();
    let small = last.iter().skip(1).all(u8::is_ascii_lowercase);
    let begins = matches!(text.get(..key.start), Some([] | [.., b'\n']));
    is_word && small && begins && !last.eq_ignore_ascii_case(b"secret")
}

/// Whether the name of who logs in stands beside a key: `user: bob`, `login=bob`, `dn="cn=x"`.
fn is_beside_user(text: &[u8], key: &Range<usize>) -> bool {
    let before = text.get(key.start.saturating_sub(USER_BEFORE_MAX)..key.start);
    let behind = text.get(key.end..text.len().min(key.end + USER_BEHIND_MAX));
    [before, behind].into_iter().flatten().any(names_user)
}

/// Whether a name for a user stands in a text, and a sign behind it.
fn names_user(text: &[u8]) -> bool {
    const NAMES: [&[u8]; 8] =
        [b"user", b"username", b"user_name", b"login", b"email", b"mail", b"dn", b"uid"];
    let mut words = text.split(|byte| !is_key_byte(*byte));
    let mut at = 0;
    words.any(|word| {
        let end = at + word.len();
        at = end + 1;
        let last = word.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
        let rest = text.get(end..).unwrap_or_default();
        let is_set = rest.iter().take(3).any(|byte| matches!(byte, b':' | b'='));
        is_set && NAMES.iter().any(|name| last.eq_ignore_ascii_case(name))
    })
}

/// Takes the last line from a text, with the line feed before it.
fn last_line<'t>(text: &mut &'t [u8]) -> &'t [u8] {
    let feed = memchr::memrchr(b'\n', text);
    let (before, line) = text.split_at(feed.map_or(0, |feed| feed + 1));
    *text = before.strip_suffix(b"\n").unwrap_or(before);
    line
}

/// How far above a key the name of its section may stand, in bytes.
const SECTION_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::in_section;

    #[test]
    fn a_key_is_in_a_section_behind_lines_that_assign() {
        for (text, is_in) in [
            ("[db]\nhost = a\n# b\n\n  password", true),
            ("[mysqld \"x\"]\r\nport = 1\r\npassword", true),
            ("[db]\nif x\npassword", false),
            ("[db]\nx = {\npassword", false),
            ("[db]\nhost = a password", false),
            ("host = a\npassword", false),
            ("[d{b]\npassword", false),
            ("password", false),
        ] {
            let key = text.len() - 8..text.len();
            assert_eq!(in_section(text.as_bytes(), &key), is_in, "{text}");
        }
    }
}
