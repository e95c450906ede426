//! A URL with a password in it that is wrapped before its host begins.

use std::ops::Range;

use crate::scrub::detector::confirm::Pattern;
use crate::scrub::detector::decode::WIDE_LINE;
use crate::scrub::detector::decode::break_len;
use crate::scrub::detector::torn::BEFORE_LEN;
use crate::scrub::detector::torn::Joined;
use crate::scrub::detector::torn::LINE_LEN_MAX;
use crate::scrub::detector::torn::line_len;

/// Lines over which a URL is followed.
const LINES_MAX: usize = 4;

/// The password in the URL around this anchor, whose line is as wide as lines are cut.
pub(in crate::scrub::detector) fn wrapped_url(
    pattern: &Pattern,
    text: &[u8],
    anchor: Range<usize>,
    read_bytes: &mut usize,
) -> Option<Joined> {
    let start = anchor.start.saturating_sub(BEFORE_LEN);
    let first_end = anchor.start + line_of_url(text.get(anchor.start..)?);
    break_len(text.get(first_end..)?)?;
    if line_len(text, first_end) < WIDE_LINE {
        return None;
    }
    let mut joined = text.get(start..first_end)?.to_vec();
    // Where each line begins in what is joined, and in the text.
    let mut lines = vec![(0, start)];
    let mut end = first_end;
    for _ in 0..LINES_MAX {
        let Some(gap) = text.get(end..).and_then(break_len) else { break };
        let line = end + gap;
        let len = line_of_url(text.get(line..)?);
        if len == 0 {
            break;
        }
        lines.push((joined.len(), line));
        joined.extend_from_slice(text.get(line..line + len)?);
        end = line + len;
    }
    *read_bytes += joined.len();
    let found = pattern.confirm(&joined, anchor.start - start, anchor.len())?;
    let (first, last) = (found.secret.start, found.secret.end.checked_sub(1)?);
    let in_text = |at: usize| {
        let (joined_at, text_at) = lines.iter().rfind(|line| line.0 <= at)?;
        Some(text_at + (at - joined_at))
    };
    let range = in_text(first)?..in_text(last)? + 1;
    // What the first line alone holds is no secret that is wrapped.
    if range.end <= first_end && lines.len() < 2 {
        return None;
    }
    let secret = joined.get(found.secret)?.to_vec();
    Some(Joined { secret, range, fits: true })
}

/// How much of a URL stands on the line that begins here.
fn line_of_url(text: &[u8]) -> usize {
    let of_url = |byte: &&u8| byte.is_ascii_graphic() && !b"\"'<>\\`".contains(*byte);
    text.iter().take(LINE_LEN_MAX).take_while(of_url).count()
}

#[cfg(test)]
mod tests {
    use super::wrapped_url;
    use crate::scrub::detector::confirm::Pattern;

    #[test]
    fn a_password_in_a_wrapped_url_is_found() {
        let pattern = r#"(?i)[a-z]{1,30}://[^\s/?#@:]{0,128}:(?<secret>[^\s/?#]{1,256}?)@[0-9A-Za-z.]+(?:[/?#\s]|$)"#;
        let (pattern, _) = Pattern::new(pattern, &["://".to_owned()], false).expect("compiles");
        let host = "orders-primary-database-of-the-shop";
        for (text, secret) in [
            (
                format!("postgres://{host}-application:Abc123\n  def456@db/x"),
                Some("Abc123\n  def456"),
            ),
            (format!("postgres://{host}-of-the-group:\nAbc123@db\n/x"), Some("Abc123")),
            ("postgres://app:Abc123\ndef456@db/x".to_owned(), None),
            (format!("https://{host}.example/{host}\nbob@example.com"), None),
        ] {
            let at = text.find("://").expect("a URL");
            let found = wrapped_url(&pattern, text.as_bytes(), at..at + 3, &mut 0);
            assert_eq!(found.map(|found| &text[found.range]), secret, "{text}");
        }
    }
}
