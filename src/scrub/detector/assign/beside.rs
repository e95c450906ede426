//! A value that stands before its name, or alone on the line below.

use std::ops::Range;

use crate::scrub::detector::bytes::digits_in;
use crate::scrub::detector::decode::break_len;
use crate::scrub::detector::value;

/// How long a line is that ends in a colon and has its value below.
const LINE_MAX: usize = 160;

/// The word that stands alone on the line below that of a name, if a colon ends that, or a line
/// of strokes stands between: `Token created, copy it now:`. Or what somebody answers there.
pub(in crate::scrub) fn below(text: &[u8], at: usize) -> Option<Range<usize>> {
    below_colon(text, at).or_else(|| answer(text, at))
}

fn below_colon(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..text.len().min(at + LINE_MAX))?;
    let end = memchr::memchr2(b'\n', b'\\', rest)
        .filter(|end| rest.get(*end..).and_then(break_len).is_some())?;
    let line = rest.get(..end)?.trim_ascii_end();
    let key_at = at;
    let mut at = at + end;
    let (mut breaks, mut strokes) = (0, false);
    while let Some(rest) = text.get(at..).filter(|_| breaks < 3) {
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let inner = rest.get(blanks..)?;
        let stroke =
            inner.iter().take(LINE_MAX).take_while(|byte| matches!(byte, b'-' | b'=')).count();
        match break_len(inner) {
            Some(len) => {
                at += blanks + len;
                breaks += 1;
            }
            None if 3 <= stroke && !strokes => {
                at += blanks + stroke;
                strokes = true;
            }
            None => {
                at += blanks;
                break;
            }
        }
    }
    if line.is_empty() && is_expression_line(text, key_at) {
        return printed(text, at);
    }
    let tells = strokes || line.last() == Some(&b':') || is_command_line(text, key_at);
    let ends = line.is_empty() && is_heading(text, key_at);
    // A name that is all of its line, and below it what can be nothing else.
    let is_drawn = |range: &Range<usize>| text.get(range.clone()).is_some_and(value::is_drawn);
    last_word(text, at).filter(|range| tells || (ends && is_drawn(range)))
}

/// Whether the line up to `at` is but a name, or words that lead to what is below: `here is the api
/// key`. Other sentences that end so speak of something else.
fn is_heading(text: &[u8], at: usize) -> bool {
    const FIRST: [&[u8]; 8] =
        [b"here", b"here's", b"heres", b"your", b"this", b"my", b"our", b"new"];
    let mut words =
        line_before(text, at).split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let first = words.next().unwrap_or_default();
    words.next().is_none() || FIRST.iter().any(|word| first.eq_ignore_ascii_case(word))
}

/// Whether the line up to `at` is an expression that somebody typed at the prompt of a language:
/// `>>> client.secret`, `In [4]: token`, `irb(main):001> key`.
fn is_expression_line(text: &[u8], at: usize) -> bool {
    let line = line_before(text, at);
    let is_shell = |name: &[u8]| {
        let prompt = memchr::memchr(b'>', line.get(..PROMPT_MAX).unwrap_or(line));
        line.starts_with(name) && prompt.is_some()
    };
    line.starts_with(b">>> ")
        || (line.starts_with(b"In [") && memchr::memmem::find(line, b"]: ").is_some())
        || [&b"irb("[..], b"iex(", b"[1] pry(", b"scala>", b"julia>", b"ghci>", b"node>"]
            .into_iter()
            .any(is_shell)
}

/// How long the prompt of a language is at most.
const PROMPT_MAX: usize = 32;

/// What an expression gave, at `at`: a string in quotes, perhaps behind an arrow or a number.
fn printed(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..text.len().min(at + LINE_MAX * 2))?;
    let lead = match rest {
        [b'=', b'>', b' ', ..] => 3,
        [b'O', b'u', b't', b'[', ..] => memchr::memmem::find(rest, b"]: ")? + 3,
        _ => 0,
    };
    let rest = rest.get(lead..)?;
    let depth = rest.iter().take(8).take_while(|byte| **byte == b'\\').count();
    let quote = *rest.get(depth).filter(|byte| matches!(byte, b'"' | b'\''))?;
    let inner = rest.get(depth + 1..)?;
    let len = memchr::memchr2(quote, b'\\', inner)?;
    let start = at + lead + depth + 1;
    (0 < len && inner.get(..len)?.iter().all(u8::is_ascii_graphic)).then_some(start..start + len)
}

/// The word at `at`, if its line ends behind it.
fn last_word(text: &[u8], at: usize) -> Option<Range<usize>> {
    let word = text.get(at..text.len().min(at + LINE_MAX * 2))?;
    let of_word = |byte: &&u8| byte.is_ascii_graphic() && !b"\\\"'`".contains(*byte);
    let len = word.iter().take_while(of_word).count();
    (ends_line(word, len) && 0 < len).then_some(at..at + len)
}

/// What stands before `at` on its line, which may begin behind an escape.
fn line_before(text: &[u8], at: usize) -> &[u8] {
    let before = text.get(at.saturating_sub(LINE_MAX)..at).unwrap_or_default();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    memchr::memmem::rfind(line, b"\\n").and_then(|end| line.get(end + 2..)).unwrap_or(line)
}

/// Whether the line up to `at` is a command behind a prompt: `$ tool show-password`.
fn is_command_line(text: &[u8], at: usize) -> bool {
    let line = line_before(text, at);
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    matches!(line, [b'$' | b'#' | b'%' | b'>', b' ', ..])
}

/// How long the name of a speaker is at most.
const SPEAKER_MAX: usize = 24;

/// The word that somebody answers with, on the line below a question that a name ends:
/// `agent> your password?`, `user> X`.
fn answer(text: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..text.len().min(at + LINE_MAX))?;
    let question = rest.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r' | b'\\' | b'.'));
    let question = rest.get(..question.count())?;
    let line = question.trim_ascii_end();
    let asks = line.ends_with(b"?") || line.ends_with(b":");
    let mut at = at + question.len();
    at += break_len(text.get(at..)?)?;
    let next = text.get(at..text.len().min(at + LINE_MAX))?;
    let of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_ -[]()*".contains(*byte);
    let name = next.iter().take(SPEAKER_MAX).take_while(of_name).count();
    let sign = next.get(name..)?;
    let speaks = 0 < name && matches!(sign, [b'>' | b':', b' ', ..]);
    if !asks || !speaks {
        return None;
    }
    at += name + 2;
    const OPENINGS: [&[u8]; 8] =
        [b"It is ", b"It's ", b"it is ", b"it's ", b"its ", b"Its ", b"Sure, it's ", b"Sure: "];
    let said = text.get(at..)?;
    let skipped = OPENINGS.iter().find(|one| said.starts_with(one)).map_or(0, |one| one.len());
    last_word(text, at + skipped)
}

/// Whether a line ends here, or the text or the string around it.
pub(in crate::scrub) fn ends_line(text: &[u8], at: usize) -> bool {
    matches!(
        text.get(at..).unwrap_or_default(),
        [] | [b'\n' | b'\r' | b'"', ..] | [b'\\', b'n' | b'r' | b'"', ..]
    )
}

/// What may stand between a value and the name behind it: `x (password)`, `x  # password`,
/// `use x as password`, `type "x" into the password field`.
const JOINTS: [&[u8]; 35] = [
    // Where a shell writes it to.
    b">",
    b">>",
    b"(",
    b"#",
    b"//",
    b"--",
    b"as",
    b"as the",
    b"as a",
    b"as your",
    b"into the",
    b"in the",
    b"for the",
    b"for",
    b"into",
    b"<-",
    b"is the",
    b"is my",
    b"is our",
    b"is your",
    b"was the",
    b"field",
    b"for field",
    b"for parameter",
    b"for param",
    b"for property",
    b"for attribute",
    b"for setting",
    b"for option",
    b"for header",
    b"for key",
    b"for argument",
    b"on field",
    b"into go struct field",
    b"into struct field",
];

/// Whether what stands before a name may be said to be its value: one of [`JOINTS`] does.
pub(in crate::scrub) fn is_joint(before: &[u8]) -> bool {
    joint(before).is_some()
}

/// The joint that `before` ends with.
fn joint(before: &[u8]) -> Option<&'static [u8]> {
    let outer = before.trim_ascii_end();
    let last = *outer.last()?;
    // Most names have none of these before them.
    if outer.len() == before.len() && last != b'(' {
        return None;
    }
    JOINTS.iter().rev().copied().find(|joint| {
        joint.last() == Some(&last.to_ascii_lowercase())
            && outer
                .get(outer.len().saturating_sub(joint.len())..)
                .is_some_and(|end| end.eq_ignore_ascii_case(joint))
            && (last == b'(') == (outer.len() == before.len())
    })
}

/// How far before a name its value may end, and how long it may be.
const BEFORE_MAX: usize = 16;
const VALUE_MAX: usize = 96;

/// The word before a name that is said to be its value.
pub(in crate::scrub) fn value_before(text: &[u8], key: &Range<usize>) -> Option<Range<usize>> {
    let from = key.start.saturating_sub(BEFORE_MAX + VALUE_MAX);
    let before = text.get(from..key.start)?;
    if let Some(range) = asserted_behind(text, before, key.end) {
        return Some(range);
    }
    if digits_in(before) == 0 {
        return None;
    }
    let outer = before.trim_ascii_end();
    if let Some(range) = asserted(text, from, outer) {
        return Some(range);
    }
    // `"x" in the "Password" field`
    let inner = outer.strip_suffix(b"\"").or(outer.strip_suffix(b"'"));
    let inner = inner.or(outer.strip_suffix(b"`"));
    let bare = inner.filter(|bare| bare.ends_with(b" ")).unwrap_or(before);
    let joint = joint(bare)?;
    let outer = bare.trim_ascii_end();
    let outer = outer.get(..outer.len() - joint.len())?;
    let blanks = outer.len() - outer.trim_ascii_end().len();
    let outer = outer.trim_ascii_end();
    // `child.sendline('x')  # password`
    let call =
        outer.strip_suffix(b")").filter(|call| call.ends_with(b"'") || call.ends_with(b"\""));
    let outer = call.unwrap_or(outer);
    let close = outer.iter().rev().take_while(|byte| b"\"'`,;\\]".contains(byte)).count();
    let outer = outer.get(..outer.len() - close)?;
    let of_value = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'`\\(){}[]<>,;|".contains(*byte);
    let len = outer.iter().rev().take_while(of_value).count();
    let start = outer.len() - len;
    let begins = outer.get(..start)?.last().is_none_or(|byte| b" \t\n\"'`([\\=".contains(byte));
    (0 < blanks && 0 < len && begins && (from == 0 || 0 < start))
        .then_some(from + start..from + outer.len())
}

/// The string behind a name in a call that compares both: `assertEqual(token, "x")`.
fn asserted_behind(text: &[u8], before: &[u8], at: usize) -> Option<Range<usize>> {
    let call = before.strip_suffix(b"t, ").unwrap_or(before).strip_suffix(b"(")?;
    let rest = text.get(at..text.len().min(at + VALUE_MAX))?;
    let (quote, inner) = rest.strip_prefix(b", ")?.split_first()?;
    if !matches!(quote, b'"' | b'\'') || !names_comparison(call) {
        return None;
    }
    let len = memchr::memchr(*quote, inner)?;
    let start = at + rest.len() - inner.len();
    inner.get(..len)?.iter().all(u8::is_ascii_graphic).then_some(start..start + len)
}

/// Whether a text ends in the name of a call that compares, or that types into a field.
fn names_comparison(call: &[u8]) -> bool {
    const CALLS: [&[u8]; 9] = [
        b"assert", b"equal", b"compare", b"expect", b"match", b"verify", b"type", b"fill", b"enter",
    ];
    let len =
        call.iter().rev().take_while(|byte| byte.is_ascii_alphabetic() || b"_!".contains(byte));
    let name = call.get(call.len() - len.count()..).unwrap_or_default().to_ascii_lowercase();
    CALLS.iter().any(|word| memchr::memmem::find(&name, word).is_some())
}

/// The string before a name in a call that compares both, or types the one into the other:
/// `assertEquals("x", password)`, `type("x", "password")`.
fn asserted(text: &[u8], from: usize, outer: &[u8]) -> Option<Range<usize>> {
    let outer = outer.strip_suffix(b"\"").or(outer.strip_suffix(b"'")).unwrap_or(outer);
    let outer = outer.trim_ascii_end().strip_suffix(b",")?;
    let (quote, inner) = outer.split_last().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    let start = inner.iter().rposition(|byte| byte == quote)? + 1;
    let call = inner.get(..start - 1)?;
    let call = call.strip_suffix(b"t, ").unwrap_or(call).strip_suffix(b"(")?;
    let range = from + start..from + inner.len();
    (names_comparison(call) && text.get(range.clone())?.iter().all(u8::is_ascii_graphic))
        .then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_read_before_its_name_and_below() {
        for (text, value) in [
            ("use x1y as password", Some("x1y")),
            ("x1y (password)", Some("x1y")),
            ("send('x1y') # password", Some("x1y")),
            ("type \"x1y\" into the password", Some("x1y")),
            ("assertEquals(\"x1y\", password)", Some("x1y")),
            ("f(\"x1y\", password)", None),
            ("x1y or password", None),
            ("has (password)", None),
        ] {
            let at = text.find("password").expect("the name stands in the text");
            let found = value_before(text.as_bytes(), &(at..at + 8)).map(|range| &text[range]);
            assert_eq!(found, value, "{text}");
        }
        for (text, value) in [
            ("token, copy it now:\n\n  x1", Some("x1")),
            ("token (valid)\n-----\nx1\n", Some("x1")),
            ("token, copy it now\nx1", None),
            ("token:\nx1 and more", None),
            (">>> c.token\n'x1'\n>>> ", Some("x1")),
            ("In [4]: c.token\nOut[4]: 'x1'", Some("x1")),
            ("irb(main):001> token\n=> \"x1\"", Some("x1")),
            ("read c.token\n'x1'", None),
            ("API_token\nASj1Qmmlm5SDutVNvxUyTPBE", Some("ASj1Qmmlm5SDutVNvxUyTPBE")),
            ("here is the token\n\nASj1Qmmlm5SDutVNvxUyTPBE", Some("ASj1Qmmlm5SDutVNvxUyTPBE")),
            ("Unable to find token\nASj1Qmmlm5SDutVNvxUyTPBE", None),
        ] {
            let at = text.find("token").expect("the name stands in the text") + 5;
            let found = below(text.as_bytes(), at).map(|range| &text[range]);
            assert_eq!(found, value, "{text}");
        }
    }
}
