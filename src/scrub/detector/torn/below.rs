//! What of a secret stands on the lines below it: a match that ends where its line was cut.
//!
//! A token that a pattern knows is put together and confirmed (`torn`). Of a value that only
//! its key gives away, or of a token behind a scheme, nothing says how long it is: what
//! stands alone on the next line belongs to it where the line before is as wide as lines
//! are cut, or says that it goes on, and both look drawn.

use std::ops::Range;

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::decode::WIDE_LINE;
use crate::scrub::detector::torn::LINE_LEN_MAX;
use crate::scrub::detector::torn::ends_line;
use crate::scrub::detector::torn::gap;
use crate::scrub::detector::torn::is_of_secret;
use crate::scrub::detector::torn::line_len;
use crate::scrub::detector::torn::padded_len;
use crate::scrub::detector::torn::token_len;
use crate::scrub::rule::validator;

/// Lines over which a secret is followed.
const LINES_MAX: usize = 64;

/// How long a secret is on its first line that is followed.
const FIRST_LEN_MIN: usize = 12;

/// How long a piece behind a sign that says that the line goes on must be.
const CONTINUED_LEN_MIN: usize = 6;

/// Where a secret ends that goes on below.
pub(in crate::scrub::detector) fn below(text: &[u8], secret: &Range<usize>) -> Option<usize> {
    let (_, continued) = gap(text.get(secret.end..)?)?;
    let width = line_len(text, secret.end);
    let is_wide = (WIDE_LINE..LINE_LEN_MAX).contains(&width);
    if secret.len() < FIRST_LEN_MIN || !(continued || is_wide) {
        return None;
    }
    let mut end = secret.end;
    for _ in 0..LINES_MAX {
        let Some((len, _)) = text.get(end..).and_then(gap).filter(|gap| gap.1 == continued) else {
            break;
        };
        let at = end + len;
        let rest = text.get(at..)?;
        let len = match continued {
            true => token_len(rest, ByteSet::EMPTY),
            false => padded_len(rest, ByteSet::EMPTY),
        };
        let piece = rest.get(..len)?;
        let goes_on = rest.get(len..).and_then(gap).is_some_and(|gap| gap.1);
        let is_drawn = match continued {
            true => CONTINUED_LEN_MIN <= len && validator::looks_random(piece),
            false => len <= width && is_of_secret(piece, width),
        };
        let closes = rest.get(len).is_some_and(|byte| b";,&|}])".contains(byte));
        let is_end = ends_line(text, at + len, continued) || (closes && FIRST_LEN_MIN <= len);
        if !is_drawn || !(goes_on || is_end) {
            break;
        }
        end = at + len;
        if !continued && line_len(text, end) != width {
            break;
        }
    }
    (secret.end < end).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::below;
    use crate::scrub::rule::template::expand;

    #[test]
    fn a_secret_goes_on_where_its_line_was_cut() {
        for (template, first, goes_on) in [
            ("Signature={base62:54}\n{base62:30}\nand more", 64, true),
            ("Signature={base62:54}\\n{base62:30}\"", 64, true),
            ("Signature={base62:54}\n{base62:64}\n{base62:20}", 64, true),
            ("secret={base62:20}\\\n{base62:20} x", 27, true),
            // Not as wide as lines are cut; a word, a name, a sentence.
            ("secret={base62:20}\n{base62:30}", 27, false),
            ("Signature={base62:54}\ndeployment", 64, false),
            ("Signature={base62:54}\nconfiguration-of-the-service", 64, false),
            ("Signature={base62:54}\nX-Amz-Date: 2026", 64, false),
            ("Signature={base62:54}\n{base62:30} was seen", 64, false),
        ] {
            let text = expand(template, 3).expect("sound");
            let start = text.find('=').expect("a sign") + 1;
            let found = below(text.as_bytes(), &(start..first));
            assert_eq!(found.is_some(), goes_on, "{text}");
        }
    }
}
