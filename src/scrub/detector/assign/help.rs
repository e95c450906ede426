//! What a command's help and a log say where a value would stand: the description of an option,
//! its name for what it takes, another field of what was done.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;

/// Whether the word at `word`, tied to a key by this sign, is one of these.
pub(super) fn is_help(text: &[u8], key: &Range<usize>, sign: Sign, word: Range<usize>) -> bool {
    let value = text.get(word.clone()).unwrap_or_default();
    let behind = text.get(word.end..).unwrap_or_default();
    let gap = text.get(key.end..word.start).unwrap_or_default();
    let is_option = text.get(..key.start).is_some_and(|before| before.ends_with(b"-"));
    // `[--password <pw>]`
    if value.starts_with(b"<") && behind.starts_with(b">") {
        return true;
    }
    match sign {
        Sign::Flag => is_described(gap, value, behind) || is_meta_name(value, behind),
        Sign::Equals => is_option && is_meta_name(value, behind),
        Sign::Colon => is_next_field(value) || is_advice(value, behind),
        Sign::SpacedEquals => gap.contains(&b'=') && is_own_name(text, key, gap, value),
        _ => false,
    }
}

/// `--password      force a prompt`: the words that describe an option stand in a column.
fn is_described(gap: &[u8], value: &[u8], behind: &[u8]) -> bool {
    gap.starts_with(b"  ")
        && value.iter().all(u8::is_ascii_lowercase)
        && matches!(behind, [b' ', b'a'..=b'z', ..])
}

/// `--password=PASS  Password to use`, `[--token TOKEN]`: what help calls the value.
fn is_meta_name(value: &[u8], behind: &[u8]) -> bool {
    3 <= value.len()
        && value.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_')
        && (behind.starts_with(b"  ") || behind.starts_with(b"]") || behind.starts_with(b"\n    "))
}

/// `API key created: id=4711`: the next field, which has a name of its own.
fn is_next_field(value: &[u8]) -> bool {
    const NAMES: [&[u8]; 16] = [
        b"id=",
        b"uid=",
        b"uuid=",
        b"user=",
        b"user_id=",
        b"userId=",
        b"name=",
        b"kid=",
        b"type=",
        b"scope=",
        b"status=",
        b"reason=",
        b"ttl=",
        b"source=",
        b"version=",
        b"client=",
    ];
    NAMES.iter().any(|name| value.starts_with(name))
}

/// `password: contact your administrator`
fn is_advice(value: &[u8], behind: &[u8]) -> bool {
    const NEXT: [&[u8]; 6] = [b" your ", b" the ", b" an ", b" a ", b" our ", b" with the "];
    value.iter().all(u8::is_ascii_lowercase) && NEXT.iter().any(|next| behind.starts_with(next))
}

/// `user.password == password:`: what is compared has the name of the key.
fn is_own_name(text: &[u8], key: &Range<usize>, gap: &[u8], value: &[u8]) -> bool {
    let name = text.get(key.clone()).unwrap_or_default();
    let last = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    let end = value.iter().rposition(|byte| !b":;),".contains(byte)).map_or(0, |at| at + 1);
    gap.windows(2).any(|two| two == b"==") && value.get(..end) == Some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_help_says_is_told_from_a_value() {
        let cases: &[(&str, &str, Sign, bool)] = &[
            ("--password      force a prompt", "force", Sign::Flag, true),
            ("--password hunter2 run", "hunter2", Sign::Flag, false),
            ("--password force run", "force", Sign::Flag, false),
            ("--password=PASS   Password to use", "PASS", Sign::Equals, true),
            ("--password=PASS run", "PASS", Sign::Equals, false),
            ("[--password PASSWORD] host", "PASSWORD", Sign::Flag, true),
            ("password changed: id=4711", "id=4711", Sign::Colon, true),
            ("password: contact your boss", "contact", Sign::Colon, true),
            ("password: falcon yes", "falcon", Sign::Colon, false),
            ("password == password:", "password:", Sign::SpacedEquals, true),
            ("password = hunter2", "hunter2", Sign::SpacedEquals, false),
        ];
        for (text, value, sign, expected) in cases {
            let at = text.rfind(value).expect("the value stands in the text");
            let key = text.find("password").expect("the key stands in the text");
            let word = at..at + value.len();
            assert_eq!(is_help(text.as_bytes(), &(key..key + 8), *sign, word), *expected, "{text}");
        }
    }
}
