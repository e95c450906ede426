//! What source code and its documentation write where a value would stand: the type of a
//! field, an argument of the same name, a member of something else, the next name of a list,
//! the statement below a condition.
//!
//! What is in quotes may be a password of a test; here it is none only among names that are
//! written alike, or if it is the name of its key. What has no quotes is none only where its
//! line shows that it is code, and its own signs that it is a name.

use std::ops::Range;

use crate::scrub::detector::assign::Assignment;
use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::assign::help::is_help;
use crate::scrub::detector::assign::other::is_text_of_label;
use crate::scrub::detector::bytes::digits_in;
use crate::scrub::detector::bytes::is_key_byte;
use crate::scrub::detector::bytes::is_word;
use crate::scrub::detector::decode::break_len;
use crate::scrub::detector::value;

/// How far before a value its line is read, in bytes.
const LINE_MAX: usize = 256;

/// How long a name of two words is at least.
const NAME_MIN: usize = 6;

/// How long a name is at most.
const NAME_MAX: usize = 64;

/// Whether a word without quotes is a name of source code.
pub(in crate::scrub) fn is_source(
    text: &[u8],
    assignment: &Assignment,
    sign: Sign,
    word: Range<usize>,
) -> bool {
    let key = &assignment.key;
    if is_documented(text, key)
        || is_own_name(text, key, word.clone())
        || is_text_of_label(text, key, sign, word.clone())
        || is_help(text, key, sign, word.clone())
    {
        return true;
    }
    let value = text.get(word.clone()).unwrap_or_default();
    if sign == Sign::Prose && is_pointer(value) || is_named_after(text, key, sign, &word) {
        return true;
    }
    if NAME_MAX < value.len() || !value.first().is_some_and(|byte| is_word(*byte)) {
        return false;
    }
    // A bracket that was opened above.
    let bare = value.strip_suffix(b"):").or(value.strip_suffix(b")")).unwrap_or(value);
    let ends = bare.len() < value.len();
    let behind = text.get(word.end..).unwrap_or_default();
    match sign {
        Sign::Colon if assignment.key_quote.is_none() => {
            let before = line_before(text, key.start);
            is_declared(before)
                || (matches!(behind, [b',' | b';', rest @ ..] if ends_line(text, rest))
                    && is_identifier(bare))
                || (is_camel(bare)
                    && matches!(behind, [b']', b',', rest @ ..] if ends_line(text, rest))
                    && text.get(..word.start).is_some_and(|before| before.ends_with(b"Optional[")))
                || (is_hinted(before, text.get(key.end..word.start).unwrap_or_default())
                    && is_camel(bare))
        }
        Sign::Equals => {
            let is_argument = ends || matches!(behind, [b',' | b')', ..]);
            is_argument && (is_member(bare) || (is_identifier(bare) && in_call(text, key.start)))
        }
        Sign::Prose => in_row_of_names(text, key, &word),
        Sign::Colon => value.contains(&b'_') && value::is_secret_name(bare),
        _ => false,
    }
}

/// `*slot;`, `*PK11_UnwrapPrivKey(PK11SlotInfo`: what C declares behind the name of a type.
fn is_pointer(value: &[u8]) -> bool {
    let Some(name) = value.strip_prefix(b"*") else { return false };
    let name = name.strip_prefix(b"*").unwrap_or(name);
    let len = name.iter().take_while(|byte| is_word(**byte)).count();
    0 < len && matches!(name.get(len), Some(b';' | b',' | b'(' | b')'))
}

/// Whether a word without quotes is a variable or a member that has the key's name, with more
/// words before it: `id_token=extracted_id_token,`, `'password': form.user_password,`.
fn is_named_after(text: &[u8], key: &Range<usize>, sign: Sign, word: &Range<usize>) -> bool {
    let value = text.get(word.clone()).unwrap_or_default();
    let bare = value.strip_suffix(b")").unwrap_or(value);
    let ends = bare.len() < value.len() || matches!(text.get(word.end), Some(b',' | b')'));
    let of_path = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.');
    let letters = |text: &[u8]| -> Vec<u8> {
        text.iter().filter(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_lowercase).collect()
    };
    let name = text.get(key.clone()).unwrap_or_default();
    let name = name.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    matches!(sign, Sign::Equals | Sign::Colon)
        && ends
        && bare.len() <= NAME_MAX
        && bare.iter().all(of_path)
        && bare.iter().any(|byte| matches!(byte, b'_' | b'.'))
        && NAME_MIN <= name.len()
        && letters(bare).ends_with(&letters(name))
        && name.len() < bare.len()
}

/// How many words beside each other begin alike that are a list of names, and with how many bytes.
const ROW_MIN: usize = 4;
const ROW_PREFIX_LEN: usize = 2;

/// Whether a key and the word behind it stand in a list of names with a prefix, which only blanks
/// part: `n4captureprt n4chgpassword n4detach n4dirattrget`.
fn in_row_of_names(text: &[u8], key: &Range<usize>, word: &Range<usize>) -> bool {
    let Some(prefix) = text.get(key.start..key.start + ROW_PREFIX_LEN) else { return false };
    let begins = |name: &&[u8]| name.starts_with(prefix) && name.iter().all(|byte| is_word(*byte));
    let of_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let before = line_before(text, key.start).rsplit(of_blank).skip(1).take(ROW_MIN);
    let behind = text.get(word.start..text.len().min(word.start + LINE_MAX)).unwrap_or_default();
    let behind = behind.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let behind = behind.split(of_blank).take(ROW_MIN).take_while(begins).count();
    0 < behind && ROW_MIN <= 1 + behind + before.take_while(begins).count()
}

/// Whether a name in a call ends a member of a list, and the next member has a name of its own:
/// `'key' => env('APP_KEY'), 'cipher' => 'AES-256-CBC'`.
pub(super) fn is_fetched(text: &[u8], key: &Range<usize>) -> bool {
    let behind = text.get(key.end..text.len().min(key.end + NAME_MAX)).unwrap_or_default();
    let Some((quote, rest)) = behind.split_first() else { return false };
    let Some(rest) = rest.strip_prefix(b"),").map(<[u8]>::trim_ascii_start) else { return false };
    if !matches!(quote, b'"' | b'\'') || rest.first() != Some(quote) {
        return false;
    }
    let name = rest.iter().skip(1).take_while(|byte| is_key_byte(**byte)).count();
    let sign = rest.get(name + 1..).and_then(|rest| rest.strip_prefix(&[*quote]));
    let sign = sign.map(<[u8]>::trim_ascii_start).unwrap_or_default();
    sign.starts_with(b"=>") || sign.starts_with(b":")
}

/// Whether a string is no value but one more name beside that of the key, or that of the key
/// itself.
pub(in crate::scrub) fn is_other_name(
    text: &[u8],
    assignment: &Assignment,
    value: Range<usize>,
) -> bool {
    let key = &assignment.key;
    if is_own_name(text, key, value.clone()) {
        return true;
    }
    let Some(depth) = assignment.key_quote else { return false };
    let string = string_around(text, key);
    let gap = text.get(key.end..value.start).unwrap_or_default();
    let quote = text.get(key.end + depth).copied();
    let value = text.get(value).unwrap_or_default();
    // `secret_key` as `skR`
    if quote == Some(b'`') && memchr::memmem::find(gap, b" as ").is_some() {
        return value.len() <= 4 && value.iter().all(u8::is_ascii_alphabetic);
    }
    let joint = gap.trim_ascii_start();
    let is_listed = quote == Some(b'`') || matches!(joint.get(depth..), Some([_, b',', ..]));
    let is_loose = assignment.sign == Sign::Pair || quote == Some(b'`');
    (is_loose && string.starts_with(b"/etc/"))
        || (is_listed && are_alike(string, value, is_loose, gap.contains(&b'\n')))
}

/// Whether two strings of a list are names of the same kind. `loose`: nothing but the comma
/// says that they are a pair; `breaks`: they stand on lines of their own.
fn are_alike(key: &[u8], value: &[u8], loose: bool, breaks: bool) -> bool {
    let is_lower = |text: &[u8]| !text.iter().any(u8::is_ascii_uppercase);
    let is_upper = |text: &[u8]| !text.iter().any(u8::is_ascii_lowercase);
    let is_joined = |text: &[u8]| text.iter().any(|byte| matches!(byte, b'_' | b'-' | b' '));
    let has_digit = value.iter().any(u8::is_ascii_digit);
    let of_names = |byte: &u8| is_key_byte(*byte) || matches!(byte, b'/' | b' ' | b'\\' | b'"');
    if !loose || !value.iter().all(of_names) {
        return false;
    }
    let shared = key.iter().zip(value).take_while(|(a, b)| a == b).count();
    let are_paths = key.starts_with(b"/") && value.starts_with(b"/");
    let folder = |path: &[u8]| memchr::memrchr(b'/', path).filter(|at| 2 < *at);
    let are_beside = folder(key).is_some_and(|at| at < shared && folder(value) == Some(at));
    let are_constants = is_upper(key) && is_upper(value) && is_joined(value) && is_joined(key);
    let joint = key.get(..shared).and_then(|same| same.iter().rposition(|b| b"_-".contains(b)));
    let begin_alike = joint.is_some_and(|at| 2 <= at);
    let are_fields = is_lower(key) && is_lower(value) && begin_alike;
    let are_members = breaks && is_camel(key) && is_camel(value);
    let joint = key.get(..shared).unwrap_or_default().iter().any(|byte| b"_- ".contains(byte));
    let begin_alike = joint && PREFIX_MIN <= shared && digits_in(value) <= 2;
    (breaks && (are_paths || begin_alike))
        || (are_beside && !has_digit)
        || (are_constants && (breaks || !has_digit))
        || (digits_in(value) <= 2 && is_joined_or_camel(value) && value::is_named_alike(key, value))
        || (!has_digit && (are_fields || are_members))
}

/// Whether a sign joins words, or a capital behind a small letter.
fn is_joined_or_camel(text: &[u8]) -> bool {
    text.contains(&b'_') || text.windows(2).any(|two| matches!(two, [b'a'..=b'z', b'A'..=b'Z']))
}

/// How many bytes two names of a list begin with alike.
const PREFIX_MIN: usize = 4;

/// Whether a value is the name of its key, or the end of it, of two words and more, whatever
/// joins them: `CHALLENGE_PASSWORD: "challengePassword"`.
fn is_own_name(text: &[u8], key: &Range<usize>, value: Range<usize>) -> bool {
    let name = text.get(key.clone()).unwrap_or_default();
    let value = text.get(value).unwrap_or_default();
    if NAME_MAX < value.len() || value.len() < 6 || !is_identifier_or_dotted(value) {
        return false;
    }
    let letters = |text: &'_ [u8]| -> Vec<u8> {
        text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
    };
    let (name, value) = (letters(name), letters(value));
    name.ends_with(&value)
}

/// Two words and more of letters, joined by a sign or by a capital.
fn is_identifier_or_dotted(text: &[u8]) -> bool {
    let of_name = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.' | b'-');
    let joins = |byte: &u8| matches!(byte, b'_' | b'.' | b'-');
    text.iter().all(of_name) && (text.iter().any(joins) || is_camel(text))
}

/// `:param name: …`, `:type name: …`, `@param name …`: what documentation says of a parameter.
fn is_documented(text: &[u8], key: &Range<usize>) -> bool {
    let before = line_before(text, key.start);
    let Some(words) = before.strip_suffix(b" ") else { return false };
    let start = words.iter().rposition(u8::is_ascii_whitespace).map_or(0, |at| at + 1);
    let last = words.get(start..).unwrap_or_default();
    const MARKS: [&[u8]; 6] = [b":param", b":type", b":keyword", b"@param", b"\\param", b":ivar"];
    MARKS.contains(&last)
        // `:param str name: …`
        || (last.iter().all(|byte| is_word(*byte))
            && words.get(..start).is_some_and(|rest| rest.trim_ascii().ends_with(b":param")))
}

/// Whether a line declares a field: `pub name: Type`.
fn is_declared(before: &[u8]) -> bool {
    let line = before.trim_ascii_start();
    line == b"pub " || (line.starts_with(b"pub(") && line.ends_with(b") "))
}

/// Whether a name stands among parameters with types, as Python and Rust write them: `user:
/// Optional[str], password: Optional[`.
fn is_hinted(before: &[u8], sign: &[u8]) -> bool {
    const TYPES: [&[u8]; 9] = [
        b": str,",
        b": int,",
        b": Optional[str]",
        b": Any,",
        b": bool,",
        b": u32,",
        b": usize,",
        b": *const ",
        b": *mut ",
    ];
    let opens = sign.trim_ascii() == b":" || sign.ends_with(b"Optional[");
    opens && TYPES.iter().any(|kind| memchr::memmem::find(before, kind).is_some())
}

/// A name of code of two words and more, and no number but one digit behind a capital.
fn is_identifier(text: &[u8]) -> bool {
    let bare = match text {
        [bare @ .., b'A'..=b'Z', b'0'..=b'9'] => bare,
        bare => bare,
    };
    NAME_MIN <= bare.len()
        && bare.first().is_some_and(u8::is_ascii_alphabetic)
        && value::reads_as_name(bare)
        && (bare.contains(&b'_') || is_camel(bare))
}

/// Letters, with a capital behind a small one.
fn is_camel(text: &[u8]) -> bool {
    let is_joint = |two: &[u8]| matches!(two, [b'a'..=b'z', b'A'..=b'Z']);
    text.iter().all(u8::is_ascii_alphabetic)
        && text.windows(2).any(is_joint)
        && value::reads_as_name(text)
}

/// `self.consumer.secret`, `request.resource_owner_key`: a member of something that is known
/// in code, or one with a name of two words.
fn is_member(text: &[u8]) -> bool {
    const OWNERS: [&[u8]; 12] = [
        b"self",
        b"this",
        b"cls",
        b"config",
        b"settings",
        b"args",
        b"options",
        b"request",
        b"ctx",
        b"context",
        b"opts",
        b"params",
    ];
    let mut parts = text.split(|byte| *byte == b'.');
    let first = parts.next().unwrap_or_default();
    let is_name = |part: &[u8]| {
        part.first().is_some_and(|byte| byte.is_ascii_lowercase() || *byte == b'_')
            && part.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    };
    first.len() < text.len()
        && is_name(first)
        && parts.all(is_name)
        && (OWNERS.contains(&first) || text.contains(&b'_'))
}

/// Whether a call of a function is open here, whose name begins small: types that are printed
/// begin with a capital.
fn in_call(text: &[u8], at: usize) -> bool {
    let before = line_before(text, at);
    let mut closed = 0_usize;
    for (i, byte) in before.iter().enumerate().rev() {
        match byte {
            b')' => closed += 1,
            b'(' if closed == 0 => {
                let name = before.get(..i).unwrap_or_default();
                let len = name.iter().rev().take_while(|byte| is_word(**byte)).count();
                let name = name.get(name.len() - len..).unwrap_or_default();
                return name.first().is_some_and(u8::is_ascii_lowercase);
            }
            b'(' => closed -= 1,
            _ => {}
        }
    }
    false
}

/// What stands on the same line before.
fn line_before(text: &[u8], at: usize) -> &[u8] {
    let before = text.get(at.saturating_sub(LINE_MAX)..at).unwrap_or_default();
    before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// Whether a line ends here that is one of several, as code has them.
fn ends_line(text: &[u8], rest: &[u8]) -> bool {
    break_len(rest).is_some()
        || (rest.is_empty()
            && memchr::memchr(b'\n', text.get(..LINE_MAX).unwrap_or(text)).is_some())
}

/// The string of one line that a name stands in, without what follows the name.
fn string_around<'t>(text: &'t [u8], key: &Range<usize>) -> &'t [u8] {
    let before = line_before(text, key.start);
    let len = before.iter().rev().take_while(|byte| !b"\"'`".contains(byte)).count();
    text.get(key.start - len..key.end).unwrap_or_default()
}

/// Whether the line of a name is a statement of code with a colon, which says nothing of the
/// value of the name: `case CommentToken:`, `if password:`, `def check(pwd):`.
pub(super) fn is_statement_line(text: &[u8], key: &Range<usize>) -> bool {
    const WORDS: [&[u8]; 10] = [
        b"case ",
        b"if ",
        b"elif ",
        b"while ",
        b"def ",
        b"func ",
        b"class ",
        b"except ",
        b"elsif ",
        b"async def ",
    ];
    let line = line_before(text, key.start).trim_ascii_start();
    WORDS.iter().any(|word| line.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::detector::assign::assignment;

    /// What is assigned to the first name in a text that holds the word.
    fn of_password(text: &str) -> Assignment {
        let at = text.to_ascii_lowercase().find("password").expect("it has the word");
        let name = crate::scrub::detector::assign::name_around(text.as_bytes(), at..at + 8);
        assignment(text.as_bytes(), name).expect("something follows")
    }

    #[test]
    fn names_of_code_are_told_from_passwords() {
        for (text, is_name) in [
            ("pub OldPassword: LSA_UNICODE_STRING,\n", true),
            ("pub password: WS_STRING,", true),
            ("    password: readPassword,\n", true),
            ("key_password=key_password,\n", true),
            ("f(CERTFILE, password=getpass_badpass)", true),
            ("f(CERTFILE, password=KEY_PASSWORD)", true),
            ("g(password=self.consumer.secret,", true),
            ("    password=request.resource_owner_key):", true),
            ("f(password=self._password,", true),
            ("f(key_password=FLAGS.service_key_password,", true),
            ("f(password=user_password, x)", true),
            ("f(password=mypassword, x)", false),
            (":param password: Show asterisks", true),
            ("def f(user: Optional[str], password: Optional[HiddenText]", true),
            ("C(user=bob, password=letmein, port=1)", false),
            ("C(user=bob, password=correct_horse, port=1)", false),
            ("f(user=bob, password=correct_horse_7, port=1)", false),
            ("password: MySecretPass,", false),
            ("x:\n  password: TrKKYLyvhWocpZ,\n", false),
            ("f(x, password=vCCCnd_OAZvZp)", false),
            ("password: MySecretPass\n", false),
            ("password: correct_horse\n", false),
            ("password=MyPass,x", false),
            ("password=root.pass,x", false),
        ] {
            let found = of_password(text);
            let end = crate::scrub::detector::assign::word_end(
                text.as_bytes(),
                found.value.clone(),
                found.sign,
            );
            let word = found.value.start..end;
            assert_eq!(is_source(text.as_bytes(), &found, found.sign, word), is_name, "{text}");
        }
    }

    #[test]
    fn names_of_a_list_are_told_from_pairs() {
        for (text, is_name) in [
            ("\"/properties/Password\",\n\"/properties/ShortName\",", true),
            ("'PROXY-PASSWORD',\n'PROXY-USERID',", true),
            ("'ssh2_auth_password',\n'ssh2_auth_pubkey_file',", true),
            ("x['db_password', 'db_name']", true),
            ("x('kadmin/password', 'kadmin/server')", true),
            ("x('kadmin/password', 'hunter/server')", false),
            ("('db_password', 'root_password')", false),
            ("f('DB_PASSWORD', 'WINTER_FALCON_2')", false),
            ("\"password\",\n\"passw0rd\"", false),
            ("AttributeURLPassword = \"url.password\"", true),
            ("CHALLENGE_PASSWORD: \"challengePassword\"", true),
            ("\"password\", \"hunter2\"", false),
            ("\"password\",\n\"hunter2\"", false),
            ("x['db_password', 'winter_falcon_72']", false),
            ("PASSWORD = \"password\"", false),
        ] {
            let found = of_password(text);
            let value = found.value.clone();
            assert_eq!(is_other_name(text.as_bytes(), &found, value), is_name, "{text}");
        }
    }
}
