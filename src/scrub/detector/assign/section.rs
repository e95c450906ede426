//! The sections of INI files, in which a blank may stand before an equals sign.

use std::ops::Range;

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
