//! What announces an encoding: needles of the prefilter, so that clean text pays nothing.

use std::ops::Range;
use std::ops::RangeInclusive;

use crate::scrub::detector::Use;
use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::bytes::is_word;
use crate::scrub::detector::bytes::key_len;
use crate::scrub::detector::decode;
use crate::scrub::detector::decode::Escapes;
use crate::scrub::detector::decode::Kinds;
use crate::scrub::detector::decode::begins_disguised;
use crate::scrub::detector::decode::ends_disguised;
use crate::scrub::detector::prefilter::Check;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::RUN_LEN_MIN;

/// Escapes that announce themselves by a literal.
const ESCAPES: [(&[u8], Escapes); 62] = [
    (b"\\u00", Escapes::Backslash),
    (b"\\u{", Escapes::Backslash),
    (b"\\x1b", Escapes::Backslash),
    (b"\\e[", Escapes::Backslash),
    (b"\\033", Escapes::Backslash),
    (b"\\x09", Escapes::Backslash),
    (b"\\x0a", Escapes::Backslash),
    (b"\\x0d", Escapes::Backslash),
    (b"\\x2", Escapes::Backslash),
    (b"\\x3", Escapes::Backslash),
    (b"\\x4", Escapes::Backslash),
    (b"\\x5", Escapes::Backslash),
    (b"\\x6", Escapes::Backslash),
    (b"\\x7", Escapes::Backslash),
    // Blanks that rules read, signs of assignment in full width, and words that mean a
    // password: of the first letters of `密码`, `密钥`, `パスワード` and `пароль`.
    (b"%09", Escapes::Percent),
    (b"%0a", Escapes::Percent),
    (b"%ef%bc%9a", Escapes::Percent),
    (b"%ef%bc%9d", Escapes::Percent),
    (b"%e5%af%86", Escapes::Percent),
    (b"%e3%83%91%e3%82%b9", Escapes::Percent),
    (b"%d0%bf%d0%b0%d1%80", Escapes::Percent),
    (b"contrase%c3", Escapes::Percent),
    (b"se%c3%b1", Escapes::Percent),
    (b"\\012", Escapes::Backslash),
    (b"\\040", Escapes::Backslash),
    (b"\\042", Escapes::Backslash),
    (b"\\047", Escapes::Backslash),
    (b"&newline;", Escapes::Entities),
    (b"&tab;", Escapes::Entities),
    (b"&quot;", Escapes::Entities),
    (b"&apos;", Escapes::Entities),
    (b"&amp;", Escapes::Entities),
    (b"&lt;", Escapes::Entities),
    (b"&equals;", Escapes::Entities),
    (b"&lowbar;", Escapes::Entities),
    (b"&hyphen;", Escapes::Entities),
    (b"&dash;", Escapes::Entities),
    (b"&colon;", Escapes::Entities),
    (b"&sol;", Escapes::Entities),
    (b"&commat;", Escapes::Entities),
    (b"&plus;", Escapes::Entities),
    (b"&period;", Escapes::Entities),
    (b"&comma;", Escapes::Entities),
    (b"&num;", Escapes::Entities),
    (b"&dollar;", Escapes::Entities),
    (b"&#3", Escapes::Entities),
    (b"&#4", Escapes::Entities),
    (b"&#5", Escapes::Entities),
    (b"&#6", Escapes::Entities),
    (b"&#7", Escapes::Entities),
    (b"&#8", Escapes::Entities),
    (b"&#9", Escapes::Entities),
    (b"&#1", Escapes::Entities),
    (b"&#x", Escapes::Entities),
    (b"\" + \"", Escapes::Joints),
    (b"' + '", Escapes::Joints),
    // Of sentences and commands in forms, which have no other escape.
    (b"+is+", Escapes::Form),
    (b"+password+", Escapes::Form),
    (b"+key+is", Escapes::Form),
    (b"+-a+", Escapes::Form),
    (b"+-p+", Escapes::Form),
    (b"+-u+", Escapes::Form),
];

/// What stands before a list of bytes that are written as numbers.
const NUMBERS: [&[u8]; 3] = [b"\"buffer\",\"data\"", b"\"buffer\", \"data\"", b"fromcharcode("];

/// Letters of which one stands in nearly every text, as bytes: `e t a o r s n i`, and `A E`.
const LETTERS: [&str; 10] = ["65", "74", "61", "6f", "72", "73", "6e", "69", "41", "45"];

/// Where a line of a dump begins in which digits stand together, of `xxd` and `tcpdump -X`, and
/// the bytes of Node.
const LINE_HEADS: [&[u8]; 5] =
    [b"00000000: ", b"00000010: ", b"0x0000:  ", b"0x0010:  ", b"<buffer "];

/// What announces bytes in pairs of digits: a letter between two of them, or the beginning of
/// a line.
fn dumps() -> impl Iterator<Item = (Needle, Use)> {
    let between = |byte: &str| {
        [format!(" {byte} "), format!(":{byte}:"), format!("-{byte}-"), format!("0x{byte},")]
    };
    let bytes = LETTERS.into_iter().flat_map(between);
    let bytes = bytes.map(|bytes| (bytes.into_bytes(), Check::BetweenPairs));
    let heads = LINE_HEADS.map(|bytes| (bytes.to_vec(), Check::None));
    let needles = bytes.chain(heads);
    needles.map(|(bytes, check)| (Needle { bytes, caseless: true, check }, Use::Dump))
}

/// Every announcement of an encoding, but for those of single characters that
/// [`DISGUISE`](crate::scrub::detector::prefilter::DISGUISE) stands for.
///
/// A percent escape counts where it stands for a printable character, but for the slash,
/// the comma and the blank, which clean URLs have and which hide nothing that a rule
/// needs.
pub(super) fn needles() -> impl Iterator<Item = (Needle, Use)> {
    let percent = (0x21..0x7f_u8)
        .filter(|byte| !matches!(byte, b'/' | b','))
        .map(|byte| (format!("%{byte:02x}").into_bytes(), Escapes::Percent));
    // An escaped slash is two bytes, a needle three: with what may follow in a token.
    let slash = (0x21..0x7f_u8)
        .filter(|byte| !byte.is_ascii_uppercase())
        .map(|byte| (vec![b'\\', b'/', byte], Escapes::Backslash));
    // Letters, digits and signs in octal: 0o55 to 0o57, 0o60 to 0o177.
    let octal = [b"05", b"06", b"07", b"10", b"11", b"12", b"13", b"14", b"15", b"16", b"17"]
        .map(|digits| ([b"\\", digits.as_slice()].concat(), Escapes::Backslash));
    // A list in JSON may stand in a string of it.
    let in_strings = NUMBERS.iter().flat_map(|bytes| escaped_quotes(bytes));
    let numbers = NUMBERS
        .iter()
        .map(|bytes| bytes.to_vec())
        .chain(in_strings)
        .map(|bytes| (Needle { bytes, caseless: true, check: Check::None }, Use::Numbers));
    let quoted = Needle { bytes: b"=3D".to_vec(), caseless: false, check: Check::None };
    let plain = ESCAPES.iter().map(|(bytes, escapes)| (bytes.to_vec(), *escapes));
    plain
        .chain(percent)
        .chain(slash)
        .chain(octal)
        .map(|(bytes, escapes)| (Needle { bytes, caseless: true, check: Check::None }, escapes))
        .chain(disguises())
        .chain(std::iter::once((quoted, Escapes::Quoted)))
        .map(|(needle, escapes)| (needle, Use::Escape(escapes)))
        .chain(numbers)
        .chain(dumps())
}

/// An anchor as it stands in a URL, where there are blanks in it, or where it begins a path:
/// an escaped blank or slash alone announces nothing.
pub(super) fn in_url(anchor: &[u8]) -> Option<Vec<u8>> {
    let is_path = anchor.starts_with(b"/");
    (is_path || anchor.contains(&b' ')).then(|| percent(anchor, is_path))
}

/// The same of a word for what sentences speak of, where there are blanks in it or letters
/// outside ASCII. Sentences do not write names of several words with a sign between.
pub(super) fn spoken_in_url(word: &[u8]) -> Option<Vec<u8>> {
    let is_escaped = |byte: &u8| *byte == b' ' || !byte.is_ascii();
    let is_name = word.iter().any(|byte| matches!(byte, b'_' | b'-'));
    (!is_name && word.iter().any(is_escaped)).then(|| percent(word, false))
}

/// A text with its blanks, its bytes outside ASCII, and perhaps its slashes as escapes, in
/// lower case.
fn percent(text: &[u8], slashes: bool) -> Vec<u8> {
    let escaped = |byte: &u8| match byte {
        b' ' | 0x80.. => format!("%{byte:02x}").into_bytes(),
        b'/' if slashes => b"%2f".to_vec(),
        byte => vec![byte.to_ascii_lowercase()],
    };
    text.iter().flat_map(escaped).collect()
}

/// The escapes of a text in which an escaped blank stands behind the name of which this word
/// is part, or before it.
fn between_blanks(text: &[u8], word: Range<usize>) -> Option<Escapes> {
    const BLANK: &[u8] = b"%20";
    let behind = text.get(word.end..).unwrap_or_default();
    let behind = behind.get(..NAME_LEN_MAX).unwrap_or(behind);
    let behind = behind.get(key_len(behind)..).unwrap_or_default();
    let before = text.get(..word.start).unwrap_or_default();
    (behind.starts_with(BLANK) || before.ends_with(BLANK)).then_some(Escapes::Percent)
}

/// The escapes of a text that what stands around this word of a name announces.
pub(super) fn around(text: &[u8], word: &Range<usize>) -> impl Iterator<Item = Escapes> {
    between_blanks(text, word.clone()).into_iter().chain(between_quotes(text, word))
}

/// The escapes of a text in which quotes stand behind the name of which this word is part, or
/// before its value, as strings between such quotes have them: `""password"": ""x""`.
fn between_quotes(text: &[u8], word: &Range<usize>) -> Option<Escapes> {
    let behind = text.get(word.end..).unwrap_or_default();
    let behind = behind.get(..NAME_LEN_MAX).unwrap_or(behind);
    let behind = behind.get(key_len(behind)..).unwrap_or_default();
    let signs = behind.iter().take_while(|byte| matches!(byte, b' ' | b':' | b'=')).count();
    // What is written so is no string without anything in it.
    let opens = |rest: &[u8]| {
        let len = decode::doubled_len(rest);
        let next = rest.get(len).copied().unwrap_or_default();
        0 < len && (next.is_ascii_alphanumeric() || b":= ".contains(&next))
    };
    let is_behind = behind.get(signs..).is_some_and(opens);
    is_behind.then_some(Escapes::Joints)
}

/// How far an escaped blank is looked for behind a word of a name.
const NAME_LEN_MAX: usize = 32;

/// An anchor as it stands in a string of JSON, and in one in that, as deep as strings are
/// undone, where there are quotes in it. One that ends in a quote ends in the first
/// backslash before it; one that begins with a quote needs none before.
pub(in crate::scrub) fn escaped_quotes(anchor: &[u8]) -> Vec<Vec<u8>> {
    let Some((first, rest)) = anchor.split_first() else { return Vec::new() };
    let (body, closes) = match rest.strip_suffix(b"\"") {
        Some(body) => (body, true),
        None => (rest, false),
    };
    let parts: Vec<&[u8]> = body.split(|byte| *byte == b'"').collect();
    let layers = match (parts.len(), closes) {
        (0 | 1, false) => 0,
        (0 | 1, true) => 1,
        _ => LAYERS_MAX,
    };
    let written = |layer: u32| {
        let quote = [vec![b'\\'; (1 << layer) - 1], vec![b'"']].concat();
        let mut bytes = [&[*first][..], &parts.join(quote.as_slice())].concat();
        bytes.extend(closes.then_some(b'\\'));
        bytes
    };
    (1..=layers).map(written).collect()
}

/// How many strings of JSON may stand in each other around an anchor.
const LAYERS_MAX: u32 = 3;

/// The anchor of a rule for lists of arguments (`curl"`) as it stands in an array of
/// protobuf, with the tag of the next element behind it, and in one of OTLP/JSON.
pub(super) fn as_element(anchor: &[u8]) -> Option<[Vec<u8>; 2]> {
    let name = anchor.strip_suffix(b"\"").filter(|name| 4 <= name.len())?;
    let is_name = name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    is_name.then(|| [b"\n".as_slice(), b"\"}"].map(|behind| [name, behind].concat()))
}

/// The escapes that a run of base64 goes on behind, or begins with: of a slash. It was found
/// at `at`, and ends at `end`.
pub(super) fn in_run(text: &[u8], at: usize, end: usize) -> Option<Escapes> {
    let start = (at + 1).checked_sub(RUN_LEN_MIN + 1).and_then(|start| text.get(start..));
    match (start, text.get(end..)) {
        (_, Some([b'%', b'2', b'f' | b'F', next, ..])) if is_base64(*next) => {
            Some(Escapes::Percent)
        }
        (Some([b'%', b'2', b'f' | b'F', ..]), _) => Some(Escapes::Percent),
        _ => None,
    }
}

/// The escapes of a text in which something is encoded, with those that announce nothing
/// themselves: lines of quoted-printable that go on, and blanks in a form.
pub(super) fn with_others(text: &[u8], kinds: Kinds) -> Kinds {
    let kinds = if is_soft_wrapped(text) { kinds.with(Escapes::Quoted) } else { kinds };
    if !kinds.in_url() {
        return kinds;
    }
    let percent = Kinds::default().with(Escapes::Percent);
    match form(text) {
        None => kinds.without(Kinds::default().with(Escapes::Form)),
        Some(Form::Surely) => kinds.without(percent).with(Escapes::Form),
        Some(Form::Perhaps) => kinds.with(Escapes::Percent).with(Escapes::Form),
    }
}

/// Whether a line ends in an equals sign that is as long as those of quoted-printable are, so
/// that it goes on.
fn is_soft_wrapped(text: &[u8]) -> bool {
    memchr::memchr_iter(b'=', text).any(|at| {
        let rest = text.get(at + 1..).unwrap_or_default();
        let line = text.get((at + 1).saturating_sub(SOFT_LINE.end() + 1)..at).unwrap_or_default();
        // The line begins at its end, or with the quote of a string of JSON.
        let is_begin = |two: &[u8]| matches!(two, [_, b'\n' | b'"'] | [b'\\', b'n']);
        let len = || match line.windows(2).rposition(is_begin) {
            None => (line.len() == at).then_some(line.len() + 1),
            Some(begin) => Some(line.len() - begin - 1),
        };
        // Base64 is padded so; in quoted-printable, no sign stands before another.
        let run = || line.iter().rev().take_while(|byte| is_base64(**byte)).count();
        decode::goes_on(rest)
            && len().is_some_and(|len| SOFT_LINE.contains(&len))
            && line.last() != Some(&b'=')
            && !(run() + 1).is_multiple_of(4)
    })
}

/// How long lines of quoted-printable are (RFC 2045 §6.7), perhaps with the quote before them:
/// an escape is not cut.
const SOFT_LINE: RangeInclusive<usize> = 73..=77;

/// Whether a plus in a text stands for a blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Every sign beside it is written as an escape, as writers of forms do.
    Surely,
    Perhaps,
}

/// Whether a plus in the value of a form stands in a text: `text=my+password+is%3A`.
fn form(text: &[u8]) -> Option<Form> {
    let mut form = None;
    // What stands in the name and in the value at hand.
    let (mut name_len, mut in_value) = (0, false);
    let (mut plus, mut escaped, mut raw) = (false, false, false);
    // Whether a plus stands elsewhere, where it may be one.
    let mut is_mixed = false;
    for (at, &byte) in text.iter().chain(b"&").enumerate() {
        match byte {
            b'+' if in_value => {
                let behind = text.get(at + 1).copied().unwrap_or(b' ');
                plus |= behind.is_ascii_graphic() && !matches!(behind, b'"' | b'=');
            }
            b'=' if !in_value => in_value = 0 < name_len,
            b'%' => escaped = true,
            byte if is_word(byte) || b"-.*".contains(&byte) => name_len += 1,
            byte if b"~!'():/,@;$[]=?{}".contains(&byte) => {
                name_len += 1;
                raw = true;
            }
            _ => {
                is_mixed |= byte == b'+';
                if plus {
                    let is_sure = escaped && !raw && form != Some(Form::Perhaps);
                    form = Some(if is_sure { Form::Surely } else { Form::Perhaps });
                }
                (name_len, in_value) = (0, false);
                (plus, escaped, raw) = (false, false, false);
            }
        }
        if byte == b'=' && in_value && !plus {
            (escaped, raw) = (false, false);
        }
    }
    form.map(|form| if is_mixed { Form::Perhaps } else { form })
}

/// The escapes that a token goes on behind, of which an anchor stands at `at`: of a slash, a
/// plus or an equals sign, of a character outside ASCII, or a character that is not seen,
/// which may also stand right before the anchor.
pub(super) fn in_token(text: &[u8], at: usize) -> Option<Escapes> {
    let before = at.checked_sub(1).and_then(|before| text.get(before));
    if before.is_some_and(|byte| !byte.is_ascii()) && ends_disguised(text, at) {
        return Some(Escapes::Disguise);
    }
    let rest = text.get(at..text.len().min(at + TOKEN_LEN_MAX))?;
    let of_token = |byte: &u8| is_base64(*byte) || matches!(byte, b'.' | b':' | b'$');
    let rest = rest.get(rest.iter().take_while(|byte| of_token(byte)).count()..)?;
    match rest {
        [b'%', b'2', b'f' | b'F' | b'b' | b'B', ..] | [b'%', b'3', b'd' | b'D', ..] => {
            Some(Escapes::Percent)
        }
        [b'%', b'c'..=b'f' | b'C'..=b'F', digit, b'%', ..] if digit.is_ascii_hexdigit() => {
            Some(Escapes::Percent)
        }
        [0x1b, b'[', ..] => Some(Escapes::Disguise),
        [0x80..=0xff, ..] if begins_disguised(rest) => Some(Escapes::Disguise),
        _ => None,
    }
}

/// How far an escape is looked for in a token.
const TOKEN_LEN_MAX: usize = 512;

/// Full-width letters (U+FF21 to U+FF5A), mathematical ones (U+1D400 to U+1D7FF), signs
/// of assignment in full width behind a word, and colour codes inside of one.
fn disguises() -> impl Iterator<Item = (Needle, Escapes)> {
    let upper = (0xa1..=0xba_u8).map(|last| vec![0xef, 0xbc, last]);
    let lower = (0x81..=0x9a_u8).map(|last| vec![0xef, 0xbd, last]);
    let mathematical = (0x90..=0x9f_u8).map(|last| vec![0xf0, 0x9d, last]);
    let letters = upper.chain(lower).chain(mathematical).map(|bytes| (bytes, Check::None));
    let signs = [0x9a, 0x9d].map(|last| (vec![0xef, 0xbc, last], Check::BehindName));
    let colours = (b"0123456789m").map(|next| (vec![0x1b, b'[', next], Check::ColourInWord));
    letters
        .chain(signs)
        .chain(colours)
        .map(|(bytes, check)| (Needle { bytes, caseless: false, check }, Escapes::Disguise))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_told_by_its_pluses() {
        for (text, expected) in [
            ("a=b&text=my+word%3A+x", Some(Form::Surely)),
            ("say text=my+word+is+x&to=%2B1", Some(Form::Perhaps)),
            ("key=ab+cd/ef%3D", Some(Form::Perhaps)),
            ("text=my+word%21 p%61ss: ab+cd", Some(Form::Perhaps)),
            ("a=b%20c", None),
            ("a+b%3D", None),
            ("x = \"a\" + b", None),
        ] {
            assert_eq!(form(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_line_of_quoted_printable_is_told_by_its_length_and_not_by_padding() {
        let word = "word ".repeat(15);
        for (text, expected) in [
            (format!("{word}=\nmore"), true),
            (format!("{{\"a\":\"{word}=\\nmore\"}}"), true),
            (format!("{}=\nmore", &word[..50]), false),
            (format!("{}=\nmore", "Ab0".repeat(25)), false),
            (format!("{}==\nmore", "Ab0+".repeat(18)), false),
            (format!("key {}=\nmore", "Ab0+".repeat(30)), false),
            ("=\n=\nmore".to_owned(), false),
        ] {
            assert_eq!(is_soft_wrapped(text.as_bytes()), expected, "{text}");
        }
    }
}
