//! What must stand behind a needle, looked at before it is a hit.
//!
//! A check only looks at what every real match has: it may let through what is
//! none, never the reverse.

mod userinfo;

use crate::scrub::detector::assign::SPOKEN_REACH;
use crate::scrub::detector::assign::is_joint;
use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::bytes::PASSWORD_SIGNS;
use crate::scrub::detector::bytes::digits_in;
use crate::scrub::detector::bytes::has_mixed_run;
use crate::scrub::detector::bytes::is_key_byte;
use crate::scrub::detector::bytes::is_word;
use crate::scrub::detector::bytes::key_len;
use crate::scrub::detector::decode::colour_len;
use crate::scrub::detector::prefilter::runs;
use userinfo::has_userinfo;

/// What is looked at behind a needle before it is a hit.
#[derive(Clone, Debug)]
pub(in crate::scrub) enum Check {
    /// Nothing.
    None,
    /// At least `min` bytes of `set`, behind any number of `lead`.
    Follow {
        /// What may stand in between, such as blanks.
        lead: ByteSet,
        /// What a token is made of.
        set: ByteSet,
        /// How many bytes of it.
        min: usize,
    },
    /// A key: after the rest of the name comes a sign that something is assigned,
    /// a quote, or the end of the text.
    Key,
    /// The name of a record or of its key: the same, or the tag of a log record's body.
    NameOfPiece,
    /// A key of which sentences speak: the same, or what is no word stands near.
    SpokenKey,
    /// A key and a blank: letters and digits, as no word has them, stand near.
    NearValue,
    /// `://`: an `@` before the URL ends.
    UserInfo,
    /// Before it stands an ASCII letter or digit, or a word that means a password.
    BehindName,
    /// A colour code with a letter or digit before and behind it.
    ColourInWord,
    /// A byte in hexadecimal digits with another one before and behind it.
    BetweenPairs,
}

/// How far before and behind a needle a check looks, at most, in bytes.
pub(in crate::scrub) const CHECK_REACH: usize = 1024;

impl Check {
    /// Whether it may be that a match stands around the needle at `start`, with `behind` behind
    /// it.
    #[inline]
    pub(in crate::scrub) fn holds(&self, bytes: &[u8], start: usize, behind: &[u8]) -> bool {
        let rest = behind.get(..CHECK_REACH).unwrap_or(behind);
        match self {
            Self::None => true,
            Self::Follow { lead, set, min } => follows(*lead, *set, *min, rest),
            Self::Key => is_key(bytes, start, rest, name_rest(rest)),
            Self::NameOfPiece => {
                // Field 5, a message (OTLP, `LogRecord.body`).
                rest.first() == Some(&b'*') || is_key(bytes, start, rest, name_rest(rest))
            }
            Self::SpokenKey => {
                let name = name_rest(rest);
                is_key(bytes, start, rest, name) || is_spoken(bytes, start, rest, name)
            }
            // The blank is of the needle.
            Self::NearValue => {
                let end = bytes.len() - behind.len();
                let near = bytes.get(end - 1..end + rest.len()).unwrap_or_default();
                is_near_value(bytes, start, near, 0)
            }
            Self::UserInfo => has_userinfo(rest),
            Self::BehindName => is_behind_name(bytes.get(..start).unwrap_or_default()),
            Self::ColourInWord => is_in_word(bytes, start),
            Self::BetweenPairs => {
                let before = bytes.get(start.saturating_sub(PAIR_REACH)..start);
                let before = before.unwrap_or_default().trim_ascii_end();
                let before = before.strip_suffix(b",").unwrap_or(before);
                let rest = rest.get(..PAIR_REACH).unwrap_or(rest).trim_ascii_start();
                let rest = rest.strip_prefix(b"0x").unwrap_or(rest);
                is_pair(before.iter().rev()) && is_pair(rest.iter())
            }
        }
    }
}

/// How far from a byte the digits of its neighbour end: a sign, two blanks, `0x`, two digits
/// and what they end at.
const PAIR_REACH: usize = 8;

/// Whether two hexadecimal digits come, and no third letter or digit.
fn is_pair<'b>(mut bytes: impl Iterator<Item = &'b u8>) -> bool {
    let are_digits = bytes.by_ref().take(2).filter(|byte| byte.is_ascii_hexdigit()).count() == 2;
    // As the one of `0x70` that stands before the digits.
    let is_other = |byte: &u8| byte.is_ascii_alphanumeric() && *byte != b'x';
    are_digits && bytes.next().is_none_or(|byte| !is_other(byte))
}

fn is_behind_name(before: &[u8]) -> bool {
    const NAMES: [&str; 4] = ["密码", "口令", "パスワード", "密鑰"];
    before.last().is_some_and(u8::is_ascii_alphanumeric)
        || NAMES.iter().any(|name| before.ends_with(name.as_bytes()))
}

fn is_in_word(bytes: &[u8], start: usize) -> bool {
    let code = colour_len(bytes.get(start..).unwrap_or_default());
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    let behind = bytes.get(start + code);
    let goes_on = |byte: u8| is_word(byte) || runs::goes_on(byte);
    let goes_on = before.copied().is_some_and(goes_on) && behind.copied().is_some_and(goes_on);
    0 < code && (goes_on || runs::begins(bytes, start + code))
}

/// Whether `min` bytes of the set follow, or a few and then the end of a line, at which
/// a token may be wrapped; or an escape, which may stand for one of them.
#[inline]
fn follows(lead: ByteSet, set: ByteSet, min: usize, rest: &[u8]) -> bool {
    let (mut run, mut in_lead) = (0, true);
    for &byte in rest {
        if set.has(byte) {
            run += 1;
            if run == min {
                return true;
            }
            in_lead &= lead.has(byte);
        } else if in_lead && lead.has(byte) {
            run = 0;
        } else {
            let may_be_wrapped = WRAPPED_MIN <= run && matches!(byte, b'\n' | b'\r' | b'\\' | b'%');
            return may_be_wrapped || (byte == b'%' && set.has(b'/'));
        }
    }
    // What is looked at ends amid a token or before it.
    rest.len() == CHECK_REACH
}

/// How many bytes of a token must stand before the end of the line at which it is
/// wrapped.
const WRAPPED_MIN: usize = 3;

/// How far the rest of a key's name may reach.
const NAME_REST_MAX: usize = 64;

/// How long the rest of a key's name is, behind a telling word.
fn name_rest(rest: &[u8]) -> usize {
    key_len(rest.get(..NAME_REST_MAX).unwrap_or(rest))
}

/// Whether what follows a telling word, and `after` bytes of its name, says that it is (part
/// of) a key.
fn is_key(bytes: &[u8], start: usize, rest: &[u8], after: usize) -> bool {
    is_key_in_text(bytes, start, rest, after)
        || may_end(rest, after)
        || is_near_value(bytes, start, rest, after)
}

/// How far from a name what is no word may stand, whatever stands between.
const NEAR_REACH: usize = 64;

/// Whether letters with digits between them, as no word has them, stand on the line of a name:
/// behind it, or right before it where a bracket, a comment or `as` begins with it.
fn is_near_value(bytes: &[u8], start: usize, rest: &[u8], after: usize) -> bool {
    // `secretary`, `tokenizer`: other words; cookies and headers, whose values have a form.
    let is_other = matches!(rest.first(), Some(b'a'..=b'r' | b't'..=b'z'))
        && matches!(bytes.get(start), Some(b's' | b'S' | b't' | b'T'));
    let is_header = bytes
        .get(start..start + 4)
        .is_some_and(|word| [b"cook", b"auth"].iter().any(|name| word.eq_ignore_ascii_case(*name)));
    if is_other || is_header {
        return false;
    }
    let behind = rest.get(after..).unwrap_or_default();
    let may_follow = matches!(
        behind,
        [b' ' | b'?' | b'!' | b'<' | b'>' | b'|' | b'-' | b'~' | b'*', _, ..]
            | [b',' | b';', b' ', ..]
            | [0x80..=0xff, ..]
    );
    if may_follow {
        let near = behind.get(..NEAR_REACH).unwrap_or(behind);
        if 0 < digits_in(near) && has_mixed_run(near) || is_near_below(behind) {
            return true;
        }
    }
    let before = bytes.get(start.saturating_sub(NEAR_REACH)..start).unwrap_or_default();
    1 < digits_in(before)
        && is_joint(before)
        && before.split(|byte| *byte == b'"' || *byte < b' ').any(has_mixed_run)
}

/// How far a line may go on behind a name whose value stands below.
const LINE_REACH: usize = 192;

/// Whether such a word stands on the lines below that of a name: behind a colon, under strokes,
/// or in a column.
fn is_near_below(behind: &[u8]) -> bool {
    let line = behind.get(..LINE_REACH).unwrap_or(behind);
    let Some(end) = memchr::memchr(b'\n', line) else { return false };
    let (line, below) = behind.split_at(end);
    let below = below.trim_ascii_start();
    let strokes = below.iter().take_while(|byte| matches!(byte, b'-' | b'=')).count();
    let tells = line.starts_with(b"  ") || line.trim_ascii_end().ends_with(b":") || 1 < strokes;
    let below = below.get(strokes..).unwrap_or_default().trim_ascii_start();
    tells && has_mixed_run(below.get(..2 * NEAR_REACH).unwrap_or(below))
}

/// The same, where the text goes on behind the name.
fn is_key_in_text(bytes: &[u8], start: usize, rest: &[u8], after: usize) -> bool {
    if after == NAME_REST_MAX {
        return rest.len() == NAME_REST_MAX;
    }
    let next = |skip: usize| rest.get(after + skip).copied();
    match next(0) {
        // A tag of the wire format behind the key of an attribute; a line's end.
        Some(0..0x20) => true,
        Some(b'=' | b':' | b'"' | b'\'' | b'`' | b'\\' | b'>' | b']' | b')' | b'%' | b'&') => true,
        // A sign at the end of a key in JSON: `"${password}"`.
        Some(sign) if sign.is_ascii_punctuation() && next(1) == Some(b'"') => true,
        Some(b' ') => is_key_before_blank(bytes, start, rest.get(after..).unwrap_or_default()),
        // `**key**: x` in Markdown; a closing tag.
        Some(b'*') => next(1) == Some(b'*'),
        Some(b'<') => next(1) == Some(b'/'),
        Some(b',' | b';' | b'|') => {
            is_among_names(bytes, start)
                || rest.get(after + 1..).is_some_and(|rest| {
                    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
                    matches!(rest, [b'v' | b'V', b'a', b'l', b'u', b'e', b':' | b'=', ..])
                })
        }
        // `$ENV{KEY} = "x"`
        Some(b'}') => next(1) == Some(b' ') && next(2) == Some(b'='),
        // `token{"x"}`, `psk[] = "x"`.
        Some(b'{') => matches!(next(1), Some(b'"' | b'\'')),
        Some(b'[') => is_declared(rest.get(after + 1..).unwrap_or_default()),
        // The argument of a setter: `.setPassword("x")`.
        Some(b'(') => matches!(next(1), Some(b'"' | b'\'')) || is_setter(bytes, start),
        Some(_) => false,
        None => true,
    }
}

/// Whether the name of a function begins as those do that set something,
/// `set_session_password`, or is one of a command of a mainframe: `PASSWORD(x)`.
fn is_setter(bytes: &[u8], start: usize) -> bool {
    if matches!(bytes.get(start..start + 2), Some([b'A'..=b'Z', b'A'..=b'Z'])) {
        return true;
    }
    const VERB_REACH: usize = 16;
    let before = bytes.get(start.saturating_sub(VERB_REACH)..start).unwrap_or_default();
    before.windows(3).any(|verb| matches!(verb, [b's' | b'S', b'e', b't']))
}

/// How far behind the end of a text the first control character of the wire format stands,
/// at most: behind a number of eight bytes and its tag.
pub(in crate::scrub) const BORDER_REACH: usize = 10;

/// How far behind a name that the next tag was taken for a part of, the tag of an attribute's
/// key stands, which is a line's end in a text: a length of one or two bytes.
const KEY_TAG_REACH: usize = 3;

/// Whether a text may end within a name or right behind it. In a request the tag and the
/// length of the next field follow, which look like anything; soon behind them stands a
/// control character.
fn may_end(rest: &[u8], after: usize) -> bool {
    let behind = rest.get(after..).unwrap_or_default();
    // Most names are followed by text.
    if let Some(near) = behind.first_chunk::<BORDER_REACH>()
        && near.iter().fold(true, |all, byte| all & (b' ' <= *byte))
    {
        return false;
    }
    let is_control = |byte: &u8| matches!(byte, 0..=8 | 11 | 12 | 14..=31);
    // The tag of the attribute before its length, which says that a length follows.
    let is_tag = |at: Option<usize>| at.and_then(|at| rest.get(at)).is_some_and(|tag| tag & 7 == 2);
    let begins_key = |(at, byte): (usize, &u8)| {
        let at = after + at;
        *byte == b'\n' && (is_tag(at.checked_sub(2)) || is_tag(at.checked_sub(3)))
    };
    behind.iter().enumerate().take(KEY_TAG_REACH).any(begins_key)
        || behind.iter().take(BORDER_REACH).any(is_control)
}

/// Whether a text may begin behind `before`: in a request its tag and its length stand there.
fn may_begin(before: &[u8]) -> bool {
    match before {
        [.., tag, length] => *length < b' ' || *tag < b' ' || *tag == b'*',
        _ => true,
    }
}

/// `] = "x"`, `16] = "x"`: an array that is set.
fn is_declared(rest: &[u8]) -> bool {
    let digits = rest.iter().take(6).take_while(|byte| byte.is_ascii_digit()).count();
    let behind = rest.get(digits..).and_then(|rest| rest.strip_prefix(b"]"));
    behind.is_some_and(|behind| matches!(behind, [b' ', b'=', ..] | [b'=', ..]))
}

/// How many words of a sentence are looked at, on each side.
const SPOKEN_WORDS_MAX: usize = 9;

/// Whether a word near a key has letters and what no word has: a digit, or a sign of
/// passwords. Before the key, `is` or `as` must stand between them.
fn is_spoken(bytes: &[u8], start: usize, rest: &[u8], name: usize) -> bool {
    if bytes.get(start).is_some_and(|byte| !byte.is_ascii()) {
        let around = start.saturating_sub(SPOKEN_REACH)..bytes.len().min(start + 2 * SPOKEN_REACH);
        let around = bytes.get(around).unwrap_or_default();
        return around.iter().any(u8::is_ascii_graphic);
    }
    // Names are shorter.
    if name == NAME_REST_MAX {
        return false;
    }
    let behind = rest.get(..SPOKEN_REACH).unwrap_or(rest);
    let line = behind.iter().position(|byte| *byte < b' ').unwrap_or(behind.len());
    let behind = behind.get(..line).unwrap_or_default();
    let sentence = behind.get(name + 1..).unwrap_or_default();
    // Other languages need no verb, and their words are rare.
    let is_english =
        bytes.get(start..start + 4).is_some_and(|word| word.eq_ignore_ascii_case(b"pass"));
    let may_follow = |sentence: &[u8]| match is_english {
        true => is_said(sentence),
        false => sentence.split(|byte| *byte == b' ').take(SPOKEN_WORDS_MAX).any(is_no_word),
    };
    if matches!(behind.get(name), Some(b' ')) && may_follow(sentence) {
        return true;
    }
    let is_near_end = behind.len() < SPOKEN_REACH && behind.len() <= name + BORDER_REACH;
    if !is_near_end && !matches!(behind.get(name), None | Some(b' ' | b',' | b';' | b'!' | b'?')) {
        return false;
    }
    let before = bytes.get(start.saturating_sub(SPOKEN_REACH)..start).unwrap_or_default();
    let mut words = before.rsplit(|byte| *byte == b' ').take(SPOKEN_WORDS_MAX);
    words.any(|word| matches!(word, b"is" | b"as" | b"was" | b"<-"))
        && words.next().is_some_and(is_no_word)
}

/// Whether a word that ties stands in a sentence, and what is no word behind it.
fn is_said(sentence: &[u8]) -> bool {
    let mut tied = false;
    for word in sentence.split(|byte| *byte == b' ').take(SPOKEN_WORDS_MAX) {
        if tied && is_no_word(word) {
            return true;
        }
        tied = match word {
            [.., b':'] => true,
            [b'a'..=b'z'] => word == b"e",
            [b'a'..=b'z', _] => {
                matches!(word, b"is" | b"be" | b"to" | b"er" | b"es" | b"je" | b"ay")
            }
            [b'a'..=b'z', .., _] => {
                const CODE: ByteSet = ByteSet::of(b"(){}[]=;\"");
                if word.iter().any(|byte| CODE.has(*byte)) {
                    return false;
                }
                matches!(
                    word,
                    b"was" | b"are" | b"from" | b"ist" | b"est" | b"this" | b"now" | b"still"
                )
            }
            // `è`, an arrow, a dash, a stroke; a bracket; what is no word.
            [0x80..=0xff, ..] => true,
            [b'/' | b'-' | b'='] | [b'-' | b'=', b'>'] => true,
            [b'A'..=b'Z' | b'(' | b'\'' | b'"', ..] => false,
            _ => return false,
        };
    }
    false
}

fn is_no_word(word: &[u8]) -> bool {
    const DIGITS: ByteSet = ByteSet::of(b"0123456789");
    const CODE: ByteSet = ByteSet::of(b"(){}[]<>|=&;\\");
    let (mut letters, mut digits, mut signs) = (0, 0, 0);
    for byte in word {
        if CODE.has(*byte) {
            return false;
        }
        letters += usize::from(byte.is_ascii_alphabetic());
        digits += usize::from(DIGITS.has(*byte));
        signs += usize::from(PASSWORD_SIGNS.has(*byte));
    }
    (4 <= digits) || (2 <= letters && 6 <= word.len() && 0 < digits + signs)
}

/// `password = x`, `password : x`, `--password x`, `Authorization Bearer x`,
/// `password is x`; in prose, most words before a blank are none of these.
#[inline]
fn is_key_before_blank(bytes: &[u8], start: usize, rest: &[u8]) -> bool {
    let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
    const SIGNS: ByteSet = ByteSet::of(b"=:|\"'`>-\\\n\x1b?.\xe2");
    if rest.get(blanks).map_or(CHECK_REACH / 2 <= blanks, |sign| SIGNS.has(*sign)) {
        return true;
    }
    // `password <- "x"`, `password <<< "x"`, `password += "x"`, `password !== "x"`
    if matches!(rest, [b' ', b'<', b'-' | b'<', ..] | [b' ', b'+' | b'!', b'=', ..]) {
        return true;
    }
    // A flag: a hyphen before the name.
    let name = bytes.get(..start).unwrap_or_default();
    let mut name_start = name.len();
    while name.len() - name_start < NAME_REST_MAX
        && name_start.checked_sub(1).and_then(|i| name.get(i)).is_some_and(|&b| is_key_byte(b))
    {
        name_start -= 1;
    }
    if name.get(name_start).or(bytes.get(start)) == Some(&b'-') {
        return true;
    }
    // Its length stands before the text, and may look like a letter.
    let second = name.get(name_start + 1).or(bytes.get(start)).filter(|_| name_start < name.len());
    if second == Some(&b'-') && may_begin(name.get(..=name_start).unwrap_or_default()) {
        return true;
    }
    // Commands that set a variable: Docker's `ENV KEY x`.
    let outside = name.get(..name_start).unwrap_or_default();
    if [&b"ENV "[..], b"setenv ", b"setx "].iter().any(|command| outside.ends_with(command)) {
        return true;
    }
    // The tag of an element: `<password type="x">`, `<ns:password type="x">`.
    if matches!(name_start.checked_sub(1).and_then(|i| name.get(i)), Some(b'<' | b':')) {
        return true;
    }
    let word = rest.get(blanks..).unwrap_or_default();
    let begins =
        |with: &&[u8]| word.get(..with.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(with));
    if word.first().is_some_and(|&letter| assigning_words(letter).iter().any(begins)) {
        return true;
    }
    // `login u password p` (netrc, redis AUTH, SQL) has the bare name: the word
    // must then look like nothing that prose has.
    let end = word.iter().position(|&b| b <= b' ').unwrap_or(word.len()).min(64);
    let word = word.get(..end).unwrap_or_default();
    let sign = |byte: &u8| b"#%^".contains(byte);
    // Words that a sign joins, as those of sentences are not.
    let joins = |three: &[u8]| {
        matches!(three, [before, b'!' | b'$' | b'*' | b'~' | b'+' | b'&', behind]
            if before.is_ascii_alphanumeric() && behind.is_ascii_alphanumeric())
    };
    word.iter().any(u8::is_ascii_digit)
        || word.get(1..).is_some_and(|rest| rest.iter().any(sign))
        || (SHAPED_LEN_MIN <= word.len() && word.windows(3).any(joins))
}

/// The shortest password that a sign within tells.
const SHAPED_LEN_MIN: usize = 6;

/// Words that assign, by their first letter: `is`, `was`, `to`, `by`, and what netrc and
/// schemes have.
fn assigning_words(letter: u8) -> &'static [&'static [u8]] {
    match letter.to_ascii_lowercase() {
        b'a' => &[b"as ", b"access key"],
        b'b' => &[b"bearer ", b"basic ", b"by "],
        b'c' => &[b"changed to "],
        b'e' => &[b"es ", b"est "],
        b'f' => &[b"for "],
        b'h' => &[b"has been "],
        b'i' => &[b"is ", b"is:", b"ist "],
        b'k' => &[b"key:", b"key ", b"key=", b"key*"],
        b'l' => &[b"lautet "],
        b'p' => &[b"provided: "],
        b's' => &[b"set to ", b"string ="],
        b't' => &[b"to ", b"token:"],
        b'v' => &[b"value:"],
        b'w' => &[b"was ", b"would be "],
        b'y' => &[b"you gave ", b"you sent ", b"you shared ", b"you provided "],
        _ => &[],
    }
}

/// Whether a name stands in a row of names: behind a comma, a bracket or the end of a line.
fn is_among_names(bytes: &[u8], start: usize) -> bool {
    let name = bytes.get(start.saturating_sub(NAME_REST_MAX)..start).unwrap_or_default();
    let len = name.iter().rev().take_while(|&&byte| is_key_byte(byte)).count();
    let before = name.get(..name.len() - len).unwrap_or_default();
    if may_begin(before) {
        return true;
    }
    let before = before.strip_suffix(b" ").unwrap_or(before);
    matches!(
        before.last(),
        None | Some(b',' | b'(' | b'[' | b'{' | b'\n' | b'"' | b'`' | b';' | b'|')
    )
}
