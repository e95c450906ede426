//! Whether what stands somewhere in a text is part of a URL.
//!
//! Each value of a text asks, from its beginning to its end. What was read for one is not
//! read again for the next, so that a text of many short values is read once.

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::overlap::How;

/// How far back the beginning of a URL is looked for.
const URL_MAX: usize = 4096;

/// What stands in no URL.
const OUTSIDE: ByteSet = {
    let mut set = ByteSet::of(b"\"'<>`\\^{}|");
    let mut byte = 0;
    while byte <= b' ' {
        set = set.with(byte);
        byte += 1;
    }
    set
};

/// What was read of one text.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Urls {
    /// Up to where.
    end: usize,
    /// Where the word begins that reaches to there: behind the last byte that is outside of
    /// URLs, as far as it was read.
    start: usize,
    /// Where the last `://` in that word begins.
    sign: Option<usize>,
}

impl Urls {
    /// How a mask at `at` stands in `text`, of which all was read that was read before.
    pub(super) fn how(&mut self, text: &[u8], at: usize) -> How {
        let from = at.saturating_sub(URL_MAX);
        let in_url = match at < self.end {
            // Another look at what stands before.
            true => Self::default().reaches(text, from, at),
            false => self.reaches(text, from, at),
        };
        if in_url { How::Url } else { How::Plain }
    }

    /// Reads on up to `at`. Whether a URL that begins behind `from` reaches to there.
    fn reaches(&mut self, text: &[u8], from: usize, at: usize) -> bool {
        if self.end < from {
            *self = Self { end: from, start: from, sign: None };
        }
        let read = text.get(self.end..at).unwrap_or_default();
        let mut look = self.start.max(self.end.saturating_sub(SIGN.len() - 1));
        if let Some(last) = read.iter().rposition(|byte| OUTSIDE.has(*byte)) {
            look = self.end + last + 1;
            (self.start, self.sign) = (look, None);
        }
        let behind = text.get(look..at).unwrap_or_default();
        let sign = memchr::memrchr_iter(b':', behind)
            .find(|colon| behind.get(*colon..).is_some_and(|rest| rest.starts_with(SIGN)));
        self.sign = sign.map(|sign| look + sign).or(self.sign);
        self.end = at;
        self.sign.is_some_and(|sign| from <= sign)
    }
}

/// What stands between the scheme of a URL and the rest (RFC 3986 §3).
const SIGN: &[u8] = b"://";

#[cfg(test)]
mod tests {
    use super::*;

    /// The slow obvious version.
    fn naive(text: &[u8], at: usize) -> How {
        let before = &text[at.saturating_sub(URL_MAX)..at];
        let start = before.iter().rposition(|byte| OUTSIDE.has(*byte)).map_or(0, |start| start + 1);
        match memchr::memmem::find(&before[start..], SIGN) {
            Some(_) => How::Url,
            None => How::Plain,
        }
    }

    #[test]
    fn what_was_read_before_changes_no_answer() {
        let long =
            ["https://h/?a=", &"b&".repeat(3 * URL_MAX), " x://y", &"z".repeat(9000)].concat();
        for text in ["a://b?c=d e f=g h://i", "x:// ://y\"z://", "", "::////:://a b", &long] {
            let text = text.as_bytes();
            for step in [1, 2, 3, 7, 1000, 4095, 4096, 4097, 9000] {
                let mut urls = Urls::default();
                for at in (0..=text.len()).step_by(step) {
                    // And once more somewhere before.
                    for at in [at, at / 2, at] {
                        assert_eq!(urls.how(text, at), naive(text, at), "{at} by {step}");
                    }
                }
            }
        }
    }
}
