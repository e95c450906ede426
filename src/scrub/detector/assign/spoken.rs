//! Reads values from sentences: words stand between a key and its value, or the value
//! comes first.
//!
//! `The password for the staging box is X`, `minha senha é X`, `パスワードは X です`, `Use X as
//! the password`. What stands in between says little, and differs in each language; so the
//! value must show by itself that it is none of the words of the sentence. Who calls says
//! when it does.

mod others;

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::scrub::detector::assign::spoken::others::OTHERS;
use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::bytes::PASSWORD_SIGNS;
use crate::scrub::detector::bytes::is_word;

/// How far from a key its value may begin, in bytes.
pub(in crate::scrub) const REACH: usize = 96;

/// How many words may stand between them.
const WORDS_MAX: usize = 7;

/// What a value has and no word.
const TELLING: ByteSet = PASSWORD_SIGNS.or(ByteSet::of(b"0123456789"));

/// Words and signs that tie what follows to what was said before, besides verbs.
const TIES: [&str; 16] = [
    "be", "are", "=", "equals", "value", "→", "->", "=>", "—", "–", "-", "/", "it's", "e", "to",
    "është",
];

/// Ties that say, right behind a key, what it is.
const VERBS: [&str; 15] = [
    "is", "was", "ist", "lautet", "war", "est", "es", "era", "é", "è", "este", "jest", "je", "är",
    "er",
];

/// Ties of other languages that say the same.
const FOREIGN_VERBS: [&str; 18] = [
    "byl",
    "bylo",
    "brzmi",
    "yra",
    "adalah",
    "ialah",
    "ay",
    "là",
    "yw",
    "είναι",
    "это",
    "е",
    "هي",
    "هو",
    "היא",
    "הוא",
    "है",
    "است",
];

/// And those that are other words in English, which tie nothing there.
const HOMOGRAPHS: [&str; 3] = ["on", "ir", "var"];

/// Words behind a tie that say nothing.
const FILLERS: [&str; 12] = [
    "now",
    "still",
    "set",
    "to",
    "just",
    "always",
    "simply",
    "probably",
    "currently",
    "new",
    "the",
    "now:",
];

/// Verbs behind which `to` ties.
const CHANGES: [&str; 18] = [
    "set",
    "reset",
    "changed",
    "updated",
    "rotated",
    "switched",
    "modified",
    "equal",
    "back",
    "change",
    "update",
    "rotate",
    "resolved",
    "resolves",
    "evaluated",
    "defaulted",
    "defaults",
    "overridden",
];

/// Whether a sentence may speak of a key: a look at a few bytes, that code and tables pay.
pub(in crate::scrub) fn may_be_spoken(text: &[u8], key: &Range<usize>) -> bool {
    let rest = text.get(key.end..text.len().min(key.end + REACH)).unwrap_or_default();
    let tells = |byte: &u8| TELLING.has(*byte);
    match rest {
        [0x80..=0xff, ..] | [b'"' | b'`' | b'*' | b'\'' | b':', b' ', ..] => rest.iter().any(tells),
        [b' ', ..] if rest.iter().any(tells) => true,
        _ => {
            ends_here(rest) && {
                let before =
                    text.get(key.start.saturating_sub(REACH)..key.start).unwrap_or_default();
                before.last() == Some(&b' ') && before.iter().any(tells)
            }
        }
    }
}

/// The values of a key that is said in a sentence: none, one, or the old and the new. Of two,
/// `is_one_of_two` tells; of what the sentence says outright that the key is, `is_said`.
pub(in crate::scrub) fn spoken(
    text: &[u8],
    key: &Range<usize>,
    is_told: impl Fn(&[u8]) -> bool,
    is_one_of_two: impl Fn(&[u8]) -> bool,
    is_said: impl Fn(&[u8]) -> bool,
) -> Vec<Range<usize>> {
    let behind = behind(text, key, &is_told, &is_one_of_two, &is_said);
    if !behind.is_empty() {
        return behind;
    }
    before(text, key, &is_told).into_iter().collect()
}

/// Values behind the key.
fn behind(
    text: &[u8],
    key: &Range<usize>,
    is_told: &impl Fn(&[u8]) -> bool,
    is_one_of_two: &impl Fn(&[u8]) -> bool,
    is_said: &impl Fn(&[u8]) -> bool,
) -> Vec<Range<usize>> {
    let rest = text.get(key.end..text.len().min(key.end + REACH)).unwrap_or_default();
    let rest = rest.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let rest = match rest {
        [b' ' | 0x80..=0xff, ..] => rest,
        [b'"' | b'`' | b'*' | b'\'' | b':', b' ', ..] => rest,
        _ => return Vec::new(),
    };
    let loose = is_foreign(text.get(key.clone()).unwrap_or_default());
    let mut said = Said { tied: false, sure: false, from: false, words: 0, last: "", loose };
    // A language that needs no verb may have the value right behind the key.
    said.sure = loose && rest.first() == Some(&b' ');
    let mut at = usize::from(rest.first().is_some_and(u8::is_ascii_punctuation));
    while let Some(len) = rest.get(at..).filter(|rest| !rest.is_empty()).map(piece_len) {
        let piece = rest.get(at..at + len).unwrap_or_default();
        let start = at;
        at += len;
        // Signs and particles of scripts that write without blanks.
        let wide = wide_len(piece);
        said.tied |= 0 < wide;
        said.sure |= 0 < wide && said.words == 0;
        let word = piece.get(wide..).unwrap_or_default();
        if word.trim_ascii().is_empty() {
            continue;
        }
        // What stands right behind a colon was judged as what is assigned.
        let assigned = start == 1 && rest.starts_with(b":");
        if said.from
            && let Some(old) = value_in(text, key.end + start + wide, is_one_of_two)
            && let Some(new) = second(text, old.end, is_one_of_two)
        {
            return vec![old, new];
        }
        // `the password you gave me (X)`
        let aside = word.trim_ascii_start().starts_with(b"(");
        if (said.tied || loose || aside) && !assigned {
            let from = key.end + start + wide;
            let value = value_in(text, from, is_told)
                .or_else(|| said.sure.then(|| value_in(text, from, is_said)).flatten());
            if let Some(value) = value {
                let second = said.from.then(|| second(text, value.end, is_told)).flatten();
                return std::iter::once(value).chain(second).collect();
            }
        }
        if !said.goes_on(word) {
            return Vec::new();
        }
    }
    Vec::new()
}

/// What was read of a sentence.
struct Said<'t> {
    /// Whether what follows is the value, if it looks so.
    tied: bool,
    /// Whether what follows can be nothing else: `is` right behind the key, or `reset to`.
    sure: bool,
    /// Whether two values follow: the old one and the new one.
    from: bool,
    words: usize,
    last: &'t str,
    /// Whether the key is of no English words.
    loose: bool,
}

impl<'t> Said<'t> {
    /// Takes a word. `false`: the sentence says something else, or ends.
    fn goes_on(&mut self, word: &'t [u8]) -> bool {
        let Ok(word) = std::str::from_utf8(word.trim_ascii()) else { return false };
        let word = word.trim_matches(['(', ')', '"', '\'', '`', '*', '„', '“', '”', '«', '»']);
        let is = |list: &[&str]| list.iter().any(|one| word.eq_ignore_ascii_case(one));
        if self.tied && is(&FILLERS) {
            return true;
        }
        if is(&OTHERS) || word.ends_with(['.', ';', '?', '!', ',', '{', '|']) {
            return false;
        }
        let name = word.strip_suffix(':').unwrap_or(word);
        let name = name.trim_end_matches(')');
        let of_words = |byte: u8| is_word(byte) || !byte.is_ascii() || b"'.@-+/:<>".contains(&byte);
        if !matches!(word, "=" | "=>" | "->") && !name.bytes().all(of_words) {
            return false;
        }
        let changes = CHANGES.iter().any(|verb| self.last.eq_ignore_ascii_case(verb));
        self.from = word == "from";
        let says = VERBS.iter().any(|verb| name.eq_ignore_ascii_case(verb))
            || (self.loose && (FOREIGN_VERBS.contains(&name) || HOMOGRAPHS.contains(&name)));
        let ties = says || is(&TIES) || is(&VERBS) || is(&FOREIGN_VERBS);
        self.sure = says || (word == "to" && changes) || (self.loose && word.ends_with(':'));
        self.tied = word.ends_with(':')
            || self.from
            || (word == "to" && changes)
            || (word != "to" && ties)
            || (word == "to" && self.words == 0);
        self.words += 1;
        self.last = word;
        self.words <= WORDS_MAX
    }
}

/// How long a piece is: blanks, and what follows up to the next one.
fn piece_len(rest: &[u8]) -> usize {
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let word = rest.iter().skip(blanks).take_while(|byte| !matches!(byte, b' ' | b'\t')).count();
    blanks + word
}

/// How many bytes a piece has in front that are blanks, or characters of scripts that need
/// none between words, and their signs.
fn wide_len(piece: &[u8]) -> usize {
    /// Where those scripts begin: Thai, and behind it Lao, Khmer, kana, Han, Hangul.
    const WIDE: char = '\u{e00}';
    let blanks = piece.len() - piece.trim_ascii_start().len();
    let Some(chunk) = piece.get(blanks..).and_then(|rest| rest.utf8_chunks().next()) else {
        return 0;
    };
    let is_wide = |character: &char| {
        WIDE <= *character && !matches!(character, '—' | '–' | '→' | '“' | '„' | '”' | '‘')
    };
    let wide = chunk.valid().chars().take_while(is_wide).map(char::len_utf8).sum::<usize>();
    if wide == 0 { 0 } else { blanks + wide }
}

/// The value in the word at `at`, or behind the user's name in it.
fn value_in(text: &[u8], at: usize, is_told: &impl Fn(&[u8]) -> bool) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let opens = |byte: &u8| b" \t([\"'`*".contains(byte) || !byte.is_ascii();
    let start = at + rest.iter().take(16).take_while(|byte| opens(byte)).count();
    let rest = text.get(start..)?;
    let of_value = |byte: &u8| byte.is_ascii_graphic() && !b"\"`\\".contains(byte);
    let len = rest.iter().take(REACH * 2).take_while(|byte| of_value(byte)).count();
    let value = rest.get(..len)?;
    let end = value.iter().rposition(|byte| !b".,;:)]'*>".contains(byte)).map_or(0, |at| at + 1);
    let value = value.get(..end)?;
    if is_told(value) {
        return Some(start..start + end);
    }
    // Digits before a sign of another script: `验证码是806167,5分钟内有效`.
    let comma =
        memchr::memchr(b',', value).filter(|at| is_told(value.get(..*at).unwrap_or_default()));
    if let Some(at) = comma {
        return Some(start..start + at);
    }
    let sign = value.iter().position(|byte| matches!(byte, b':' | b'/'))?;
    let (user, password) = (value.get(..sign)?, value.get(sign + 1..)?);
    let of_name = |byte: &u8| byte.is_ascii_lowercase() || b"_-.@".contains(byte);
    if password.first() == Some(&b':') {
        return None;
    }
    (2 <= user.len() && user.iter().all(of_name) && is_told(password))
        .then_some(start + sign + 1..start + end)
}

/// The new value behind an old one: ` to X`.
fn second(text: &[u8], at: usize, is_told: &impl Fn(&[u8]) -> bool) -> Option<Range<usize>> {
    let rest = text.get(at..)?;
    let skipped = rest.iter().take(3).take_while(|byte| b"\"'`*,".contains(byte)).count();
    let rest = rest.get(skipped..)?.strip_prefix(b" to ")?;
    value_in(text, text.len() - rest.len(), is_told)
}

/// The value before the key: `Use X as the password`, `X is my new password`.
fn before(
    text: &[u8],
    key: &Range<usize>,
    is_told: &impl Fn(&[u8]) -> bool,
) -> Option<Range<usize>> {
    const OWNERS: [&[u8]; 10] =
        [b"the", b"my", b"your", b"our", b"his", b"her", b"their", b"its", b"a", b"new"];
    if !ends_here(text.get(key.end..).unwrap_or_default()) {
        return None;
    }
    let from = key.start.saturating_sub(REACH);
    let window = text.get(from..key.start)?;
    let line = window.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let mut end = window.len();
    let mut last: &[u8] = b"";
    for _ in 0..=WORDS_MAX / 2 + 1 {
        let words = window.get(line..end)?.trim_ascii_end();
        end = line + words.len();
        let start = words.iter().rposition(|byte| *byte == b' ').map_or(line, |at| line + at + 1);
        let word = window.get(start..end)?;
        let ties = matches!(word, b"is" | b"as" | b"was" | b"<-" | b"=");
        if ties && OWNERS.contains(&last) || word == b"<-" {
            let words = window.get(line..start)?.trim_ascii_end();
            let at = words.iter().rposition(|byte| *byte == b' ').map_or(line, |at| line + at + 1);
            let value = value_in(text, from + at, is_told)?;
            return (value.end <= from + start).then_some(value);
        }
        if word.is_empty() || !word.iter().all(|byte| is_word(*byte) || *byte == b'-') {
            return None;
        }
        (last, end) = (word, start);
    }
    None
}

/// Whether a name is the last of its words, and not a part of another: `the password policy`.
fn ends_here(rest: &[u8]) -> bool {
    const NEXT: [&[u8]; 16] = [
        b"for ", b"of ", b"to ", b"when ", b"on ", b"in ", b"and ", b"at ", b"but ", b"so ",
        b"with ", b"until ", b"now", b"please", b"if ", b"from ",
    ];
    match rest {
        [] | [b'.' | b',' | b';' | b'!' | b'?' | b'\n' | b'\r' | b'"' | b'\\' | b')', ..] => true,
        [b' ', rest @ ..] => rest.is_empty() || NEXT.iter().any(|next| rest.starts_with(next)),
        _ => false,
    }
}

/// Whether a key is of no English words: its language may need no verb before the value.
fn is_foreign(name: &[u8]) -> bool {
    const ENGLISH: [&[u8]; 14] = [
        b"passw", b"passp", b"passc", b"pass", b"pwd", b"secret", b"token", b"key", b"cred",
        b"pin", b"auth", b"cookie", b"code", b"otp",
    ];
    const NATIVE: [&[u8]; 4] = [b"passwort", b"passord", b"zugangscode", b"passe"];
    static WORDS: [LazyLock<AhoCorasick>; 2] =
        [LazyLock::new(|| caseless(&ENGLISH)), LazyLock::new(|| caseless(&NATIVE))];
    let [english, native] = &WORDS;
    !name.is_ascii() || native.is_match(name) || !english.is_match(name)
}

/// Looks for words in either case.
fn caseless(words: &[&[u8]]) -> AhoCorasick {
    let built = AhoCorasick::builder().ascii_case_insensitive(true).build(words);
    built.expect("they are few and short")
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn values_are_read_from_sentences() {
        for (text, key, expected) in [
            ("the password for the staging box is X1", "password", "X1"),
            ("password for bob@example.com: X1", "password", "X1"),
            ("Use X1 as the password when you log in", "password", "X1"),
            ("X1 is my new root password.", "password", "X1"),
            ("the password has been reset to X1", "password", "X1"),
            ("changed the password from X1 to X2", "password", "X1 X2"),
            ("the credentials: root / X1", "credentials", "X1"),
            ("PASS: X1", "PASS", ""),
            ("creds are admin:X1 on host", "creds", "X1"),
            ("minha senha é X1", "senha", "X1"),
            ("das Kennwort für root ist „X1“", "Kennwort", "X1"),
            ("パスワードは X1 です", "パスワード", "X1"),
            ("我的密码是X1", "密码", "X1"),
            ("пароль от базы — X1", "пароль", "X1"),
            ("the password is Y1", "password", "Y1"),
            ("the password is: Y1", "password", "Y1"),
            ("the password was reset to Y1", "password", "Y1"),
            ("密码是 Y1", "密码", "Y1"),
            ("the password of bob is Y1", "password", "Y1"),
            ("the password of bob has Y1", "password", ""),
            ("I use the password you gave me (X1) now", "password", "X1"),
            ("the password policy is X1", "password", ""),
            ("X1 is the password policy", "password", ""),
            ("the password. It is X1", "password", ""),
            ("the password of X1", "password", ""),
        ] {
            let at = text.find(key).expect("the key stands in the text");
            let told = |value: &[u8]| matches!(value, b"X1" | b"X2");
            let said = |value: &[u8]| value == b"Y1";
            let found = spoken(text.as_bytes(), &(at..at + key.len()), told, told, said);
            let found: Vec<&str> = found.into_iter().map(|range| &text[range]).collect();
            assert_eq!(found.join(" "), expected, "{text}");
        }
    }
}
