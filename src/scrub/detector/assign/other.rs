//! What stands where a value would, and belongs to something else: the next entry of a file,
//! the new name of what the key names, a command.

use std::ops::Range;

use crate::scrub::detector::assign::Assignment;
use crate::scrub::detector::assign::Delimiter;
use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::assign::source::is_statement_line;
use crate::scrub::detector::bytes::is_key_byte;
use crate::scrub::detector::decode::break_len;
use crate::scrub::detector::value;
use crate::scrub::detector::value::is_any_name;
use crate::scrub::detector::value::is_secret_name;

/// How far behind a key the line ends on which its value may stand.
const GAP_MAX: usize = 96;

/// How long the name of an entry may be.
const NAME_MAX: usize = 96;

/// How far before a key a word may say that it is renamed.
const BEFORE_MAX: usize = 64;

/// Whether what follows a key, whose own line ends without a value, is the next entry of its
/// file, with a name of its own: `DB_PASSWORD=` and `DB_HOST=db01` below, `"hash": "x"`.
pub(in crate::scrub) fn is_next_entry(text: &[u8], assignment: &Assignment) -> bool {
    if assignment.delimiter == Delimiter::None
        && (is_next_field(text, assignment) || names_key(text, assignment))
    {
        return true;
    }
    let (key, value) = (&assignment.key, &assignment.value);
    let gap = text.get(key.end..value.start).unwrap_or_default();
    let gap = gap.get(gap.len().saturating_sub(GAP_MAX)..).unwrap_or_default();
    let breaks = |at: usize| gap.get(at..).and_then(break_len).is_some();
    if !memchr::memchr2_iter(b'\n', b'\\', gap).any(breaks) {
        return false;
    }
    if is_statement_line(text, key) {
        return true;
    }
    match assignment.delimiter {
        Delimiter::Quote(depth) => {
            let name = text.get(value.clone()).unwrap_or_default();
            if !is_entry_name(name) {
                return false;
            }
            let behind = text.get(value.end + depth + 1..).unwrap_or_default();
            let blanks = behind.iter().take(4).take_while(|byte| **byte == b' ').count();
            matches!(behind.get(blanks..), Some([b':' | b'=', ..]))
        }
        Delimiter::None => {
            let line = text.get(value.start..).unwrap_or_default();
            is_entry_line(line, gap.contains(&b'=')) || is_answer(line, assignment.sign, gap)
        }
    }
}

/// How much of the line below a key is read, in bytes.
const LINE_MAX: usize = 160;

/// Whether the line below a key that its sign ends says something, so that it is what a program
/// answers to a prompt, or the next line of a file that was searched: words, of which the first
/// does not look like a secret.
fn is_answer(line: &[u8], sign: Sign, gap: &[u8]) -> bool {
    if !matches!(sign, Sign::Colon | Sign::Equals | Sign::SpacedEquals)
        || gap.iter().any(|byte| matches!(byte, b'|' | b'>'))
        || gap.windows(2).any(|two| two == b"\\\n")
    {
        return false;
    }
    let line = line.get(..LINE_MAX).unwrap_or(line);
    let ends = (0..line.len()).find(|at| {
        let rest = line.get(*at..).unwrap_or_default();
        matches!(rest.first(), Some(b'"' | b'`')) || break_len(rest).is_some()
    });
    let line = line.get(..ends.unwrap_or(line.len())).unwrap_or_default().trim_ascii_end();
    let Some(blank) = line.iter().position(|byte| matches!(byte, b' ' | b'\t')) else {
        return false;
    };
    let (word, more) = line.split_at(blank);
    let is_comment = matches!(more.trim_ascii_start(), [b'#', ..] | [b'/', b'/', ..]);
    let has = |is: fn(&u8) -> bool| word.iter().any(is);
    let is_mixed = word.iter().all(u8::is_ascii_alphanumeric)
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic);
    !is_comment
        && !is_mixed
        && !value::is_shaped(word)
        && !value::is_plain_words(word)
        && !value::is_drawn(word)
        && !value::is_generated(word)
        && !value::is_long_phrase(line)
}

/// Whether a line below a key is an entry of its own, a comment or the name of a section.
/// `by_equals`: the sign behind the key is an equals sign, behind which no value stands on the
/// next line, so that less tells an entry.
fn is_entry_line(line: &[u8], by_equals: bool) -> bool {
    /// What may stand before the name of an entry: of shells, of containers, of lists.
    const LEADS: [&[u8]; 9] = [
        b"export ",
        b"set ",
        b"setx ",
        b"ENV ",
        b"$env:",
        b"declare -x ",
        b"- ",
        b"Environment=\"",
        b"#",
    ];
    let lead = LEADS.iter().find(|lead| line.starts_with(lead)).map_or(0, |lead| lead.len());
    let bare = line.get(lead..).unwrap_or_default();
    let len = bare.iter().take(NAME_MAX).take_while(|byte| is_key_byte(**byte)).count();
    let (name, behind) = bare.split_at(len);
    let ends = |rest: &[u8]| rest.is_empty() || break_len(rest).is_some();
    if is_entry_name(name) && is_entry(behind) {
        return true;
    }
    let has = |is: fn(&u8) -> bool| name.iter().any(is);
    let is_constant = has(u8::is_ascii_uppercase) && !has(u8::is_ascii_lowercase);
    let is_plain = has(u8::is_ascii_lowercase) && !has(u8::is_ascii_uppercase);
    match (line, behind) {
        // `# comment`, `; comment`
        ([b'#' | b';', b' ', ..], _) => true,
        ([b'[', inner @ ..], _) => {
            let of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b" _.:-".contains(*byte);
            let len = inner.iter().take(NAME_MAX).take_while(of_name).count();
            let behind = inner.get(len..).unwrap_or_default();
            0 < len && behind.first() == Some(&b']') && ends(behind.get(1..).unwrap_or_default())
        }
        // The next has no value, either.
        (_, [b'=', b' ', rest @ ..] | [b'=', rest @ ..]) if by_equals && ends(rest) => {
            is_constant || (is_plain && !has(u8::is_ascii_digit))
        }
        (_, [b'=', next, ..]) if by_equals && is_constant => *next != b'=',
        // `user1: bob`
        (_, [b':', b' ', next, ..]) if is_plain && !ends(&[*next]) => {
            let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
            let word = name.get(..name.len() - digits).unwrap_or_default();
            digits <= 2 && word.iter().all(|byte| !byte.is_ascii_digit()) && 1 < word.len()
        }
        _ => false,
    }
}

/// Whether a value is the name of a key in a secret of Kubernetes, as charts of Helm have it:
/// the line above, less deep, is `secretKeys:`.
fn names_key(text: &[u8], assignment: &Assignment) -> bool {
    let Range { start, .. } = assignment.key;
    let value = text.get(assignment.value.start..).unwrap_or_default();
    let of_name = |byte: &&u8| byte.is_ascii_lowercase() || b"-_.".contains(*byte);
    let len = value.iter().take(NAME_MAX).take_while(of_name).count();
    if len == 0 || value.get(len).is_some_and(|byte| *byte != b'\n') {
        return false;
    }
    let before = text.get(start.saturating_sub(ABOVE_MAX)..start).unwrap_or_default();
    let Some(at) = memchr::memmem::rfind(before, b"ecretKeys:\n") else { return false };
    let mut lines =
        before.get(at + b"ecretKeys:\n".len()..).unwrap_or_default().split(|b| *b == b'\n');
    lines.all(|line| line.is_empty() || line.starts_with(b"  "))
}

/// How far above a key the line may be that says what is below.
const ABOVE_MAX: usize = 256;

/// Whether what follows a key behind a sign and a blank is the next pair of the line, since
/// the key has no value: `password= user=bob` (logfmt), `{User:x Password: Email:y}` and
/// `map[password: user:x]` (Go).
fn is_next_field(text: &[u8], assignment: &Assignment) -> bool {
    let (key, value) = (&assignment.key, assignment.value.start);
    let gap = text.get(key.end..value).unwrap_or_default();
    let rest = text.get(value..).unwrap_or_default();
    let len = rest.iter().take(NAME_MAX).take_while(|byte| is_key_byte(**byte)).count();
    let (name, behind) = rest.split_at(len);
    match gap {
        b"= " => {
            let is_pair = match behind {
                // The next has no value, either.
                [b'=', b' ', more @ ..] => {
                    let len = more.iter().take(NAME_MAX).take_while(|byte| is_key_byte(**byte));
                    matches!(more.get(len.count()..), Some([b'=', ..]))
                }
                [b'=', next, ..] => !matches!(next, b'=' | b'\n'),
                _ => false,
            };
            is_pair && is_entry_name(name)
        }
        b": " => {
            let len = name.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
            let (name, behind) = name.split_at(len.count());
            let is_name = !name.is_empty()
                && name.first().is_some_and(u8::is_ascii_alphabetic)
                && (behind.starts_with(b":") || rest.get(name.len()) == Some(&b':'));
            is_name && in_go_fields(text, key, name)
        }
        _ => false,
    }
}

/// Whether a key and the name behind it stand among fields as Go prints them: with a colon and
/// no blank, those of a structure exported.
fn in_go_fields(text: &[u8], key: &Range<usize>, next: &[u8]) -> bool {
    let is_exported = |name: &[u8]| name.first().is_some_and(u8::is_ascii_uppercase);
    let before = text.get(key.start.saturating_sub(BEFORE_MAX)..key.start).unwrap_or_default();
    let exported = is_exported(text.get(key.clone()).unwrap_or_default()) && is_exported(next);
    match before {
        [.., b'm', b'a', b'p', b'['] => true,
        [.., b'{'] => exported,
        [words @ .., b' '] => {
            let start = words.iter().rposition(|byte| b" {[".contains(byte));
            let opened = start.and_then(|at| words.get(at)) != Some(&b' ');
            let word = words.get(start.map_or(0, |at| at + 1)..).unwrap_or_default();
            let colon = memchr::memchr(b':', word).unwrap_or_default();
            let first = word.get(..colon).unwrap_or_default();
            let in_map = memchr::memmem::rfind(words, b"map[").is_some_and(|at| {
                memchr::memchr(b']', words.get(at..).unwrap_or_default()).is_none()
            });
            let is_field = 0 < colon
                && first.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
                && word.get(colon + 1) != Some(&b'"');
            is_field && (in_map || (exported && is_exported(first))) || (opened && in_map)
        }
        _ => false,
    }
}

/// Whether a text is a name as entries have it: words, with digits only where signs join
/// them. Random letters have capitals one by one.
fn is_entry_name(name: &[u8]) -> bool {
    let has = |is: fn(&u8) -> bool| name.iter().any(is);
    let is_joined = has(|byte| matches!(byte, b'_' | b'.' | b'-' | b'/'));
    let is_mixed = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
    let is_alone = |three: &[u8]| matches!(three, [a, b, c] if a.is_ascii_uppercase() && !(b.is_ascii_lowercase() && c.is_ascii_lowercase()));
    let ends_alone = matches!(name, [.., a, b] if a.is_ascii_uppercase() || b.is_ascii_uppercase());
    1 < name.len()
        && name.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
        && (is_joined || !has(u8::is_ascii_digit))
        && !(is_mixed && (name.windows(3).any(is_alone) || ends_alone))
}

/// A sign behind a name, and what it assigns: not the padding of base64.
fn is_entry(behind: &[u8]) -> bool {
    match behind {
        [b':'] | [b':', b' ' | b'\n' | b'\r', ..] => true,
        [b':' | b' ', b' ' | b'=', ..] => {
            behind.get(1..3) == Some(b"= ") || behind.starts_with(b": ")
        }
        [b'=', b'"' | b'\'', next, ..] => next.is_ascii_alphanumeric(),
        [b'=', next, ..] => !matches!(next, b'=' | b' ' | b'\n' | b'\r' | b'"' | b'\''),
        _ => false,
    }
}

/// Whether what an arrow, or `to`, leads to is the new name of what the key names, or the name
/// of what it becomes somewhere else: `password -> password_digest_2`.
pub(in crate::scrub) fn is_renamed(text: &[u8], key: &Range<usize>, value: Range<usize>) -> bool {
    let joint = text.get(key.end..value.start).unwrap_or_default();
    if joint.len() < 3 || 16 < joint.len() {
        return false;
    }
    let around = |byte: &u8| b" \t`\"'\\".contains(byte);
    let first = joint.iter().position(|byte| !around(byte)).unwrap_or_default();
    let last = joint.iter().rposition(|byte| !around(byte)).unwrap_or_default();
    let sign = joint.get(first..=last).unwrap_or_default();
    let behind = text.get(value.end..).unwrap_or_default();
    let value = text.get(value).unwrap_or_default();
    match sign {
        // A way with more than two stations.
        b"->" | b"\xe2\x86\x92" if leads_on(behind, sign) => true,
        b"->" | b"-->" | b"\xe2\x86\x92" | b"\xe2\x87\x92" => {
            is_secret_name(value) || (is_any_name(value) && says_rename(text, key))
        }
        b"=>" | b"to" | b"TO" | b"as" | b"AS" => is_any_name(value) && says_rename(text, key),
        _ => false,
    }
}

/// Whether the same arrow stands behind a word, and words around it.
fn leads_on(behind: &[u8], arrow: &[u8]) -> bool {
    let rest = behind.strip_prefix(b" ").and_then(|rest| rest.strip_prefix(arrow));
    rest.is_some_and(|rest| matches!(rest, [b' ', next, ..] if next.is_ascii_alphabetic()))
}

/// Whether the words before a key say that something gets another name.
fn says_rename(text: &[u8], key: &Range<usize>) -> bool {
    const VERBS: [&[u8]; 8] =
        [b"renam", b"alias", b"migrat", b"mapping", b"mapped", b"refactor", b"column", b"field"];
    let before = text.get(key.start.saturating_sub(BEFORE_MAX)..key.start).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let begins = |rest: &[u8], verb: &[u8]| {
        rest.first().is_some_and(|byte| verb.first() == Some(&byte.to_ascii_lowercase()))
            && rest.get(..verb.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(verb))
    };
    let mut rests = (0..line.len()).filter_map(|at| line.get(at..));
    rests.any(|rest| VERBS.iter().any(|verb| begins(rest, verb)))
}

/// Whether a value is a text for people, as files of translations have them, and the name of its
/// key says so: `label.password=Passwort`.
pub(super) fn is_text_of_label(
    text: &[u8],
    key: &Range<usize>,
    sign: Sign,
    value: Range<usize>,
) -> bool {
    let line = text.get(value.start..text.len().min(value.start + LINE_MAX)).unwrap_or_default();
    let line = line.split(|byte| matches!(byte, b'\n' | b'\r' | b'"' | b'\\')).next();
    matches!(sign, Sign::Equals | Sign::SpacedEquals)
        && names_label(text.get(key.clone()).unwrap_or_default())
        && (value::is_label(text.get(value).unwrap_or_default())
            || value::is_label(line.unwrap_or_default().trim_ascii_end()))
}

/// Whether the name of a key says that its value is a text for people: `label.password`,
/// `password_title`.
fn names_label(name: &[u8]) -> bool {
    const WORDS: [&[u8]; 24] = [
        b"label",
        b"labels",
        b"form",
        b"field",
        b"fields",
        b"msg",
        b"message",
        b"messages",
        b"title",
        b"text",
        b"placeholder",
        b"ui",
        b"i18n",
        b"lang",
        b"caption",
        b"prompt",
        b"tooltip",
        b"hint",
        b"page",
        b"view",
        b"menu",
        b"button",
        b"translation",
        b"column",
    ];
    name.split(|byte| matches!(byte, b'.' | b'_' | b'-'))
        .any(|part| WORDS.iter().any(|word| part.eq_ignore_ascii_case(word)))
}

/// Whether the word behind a sign is a command of PowerShell: `Read-Host -AsSecureString`.
pub(in crate::scrub) fn is_cmdlet(word: &[u8]) -> bool {
    const VERBS: [&[u8]; 8] =
        [b"Read", b"Get", b"ConvertTo", b"ConvertFrom", b"New", b"Import", b"Invoke", b"Select"];
    let Some(hyphen) = memchr::memchr(b'-', word) else { return false };
    let (verb, noun) = word.split_at(hyphen);
    VERBS.contains(&verb)
        && matches!(noun, [b'-', b'A'..=b'Z', rest @ ..]
            if 1 < rest.len() && rest.iter().all(u8::is_ascii_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::detector::assign::assignment;

    #[test]
    fn the_next_entry_of_a_file_is_no_value() {
        for (text, is_next) in [
            ("password=\nhost=db01.internal", true),
            ("password:\nuser: bob", true),
            ("password:\n\"contentHash\": \"x\"", true),
            (r#"password:\n\"contentHash\": \"x\""#, true),
            ("password=\nexport HOST=x1", true),
            ("password:\nhost:\n  x", true),
            ("password:\nhunter2", false),
            ("password:\nqwer7=ty99zz", false),
            ("password:\nkRxQzab=ty99zz", false),
            ("password:\n\"hunter2zz\": 1", false),
            ("password:\nuserName=bob", true),
            ("password:\nhunter2=", false),
            ("password:\naGk9eHk5eHk5==", false),
            ("password: \"hunter2\": x", false),
            ("password=host=db01", false),
        ] {
            let found = assignment(text.as_bytes(), 0..8).expect("something follows");
            assert_eq!(is_next_entry(text.as_bytes(), &found), is_next, "{text}");
        }
    }

    #[test]
    fn a_new_name_is_told_from_a_password() {
        for (before, text, value, renamed) in [
            ("rename ", "password -> ", "password_digest_2", true),
            ("rename ", "password -> ", "pw_v2", true),
            ("", "password -> ", "client_secret_v2", true),
            ("", "password \u{2192} ", "authTokenV2", true),
            ("RENAME COLUMN ", "password TO ", "password2", true),
            ("Renaming ", "password` -> `", "password_2", true),
            ("", "password -> ", "bcrypt -> database2", false),
            ("", "password -> ", "hunter2", false),
            ("rename ", "password -> ", "hunter2", false),
            ("", "password to ", "secret_v2", false),
            ("", "password -> ", "secret_Tiger7", false),
            ("field ", "password -> ", "Sommer-Regen-2", false),
            ("column ", "password => ", "Tiger_Pass_7", false),
            ("", "password -> ", "marble7Falcon31", false),
            ("", "password: ", "auth_token_v2", false),
        ] {
            let all = [before, text, value].concat();
            let start = before.len() + text.len();
            let key = before.len()..before.len() + 8;
            assert_eq!(is_renamed(all.as_bytes(), &key, start..all.len()), renamed, "{all}");
        }
    }

    #[test]
    fn commands_of_powershell_are_no_passwords() {
        assert!(is_cmdlet(b"Read-Host") && is_cmdlet(b"ConvertTo-SecureString"));
        assert!(!is_cmdlet(b"New-York2") && !is_cmdlet(b"Summer-Winter") && !is_cmdlet(b"Get-"));
    }
}
