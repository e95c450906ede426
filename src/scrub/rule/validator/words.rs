//! Lists of words that each value under a key is compared with.
//!
//! Most values are none of the words and do not begin with one, and their first byte tells.
//! So the first bytes of a list stand side by side and are compared at once; a word is looked
//! at only where its own is the value's. ASCII letters are compared whatever their case.

/// A list of words in lower case.
pub(in crate::scrub) struct WordList<const N: usize> {
    words: [&'static str; N],
    firsts: [u8; N],
}

impl<const N: usize> WordList<N> {
    /// The list of these words, none of which is empty.
    #[expect(clippy::indexing_slicing, reason = "the loop ends at the length; no word is empty")]
    pub(in crate::scrub) const fn new(words: [&'static str; N]) -> Self {
        let mut firsts = [0; N];
        let mut i = 0;
        while i < N {
            firsts[i] = words[i].as_bytes()[0];
            i += 1;
        }
        Self { words, firsts }
    }

    /// Whether a text is one of the words.
    pub(in crate::scrub) fn has(&self, text: &[u8]) -> bool {
        self.alike(text).any(|word| text.eq_ignore_ascii_case(word))
    }

    /// Whether a text begins with one of the words.
    pub(in crate::scrub) fn begins(&self, text: &[u8]) -> bool {
        self.behind(text).next().is_some()
    }

    /// What stands behind each word that a text begins with.
    pub(in crate::scrub) fn behind<'t>(&self, text: &'t [u8]) -> impl Iterator<Item = &'t [u8]> {
        self.alike(text).filter_map(|word| {
            let (begin, rest) = text.split_at_checked(word.len())?;
            begin.eq_ignore_ascii_case(word).then_some(rest)
        })
    }

    /// The words that begin with the same byte as a text.
    fn alike(&self, text: &[u8]) -> impl Iterator<Item = &'static [u8]> {
        let first = text.first().map(u8::to_ascii_lowercase);
        first.into_iter().flat_map(|first| {
            let numbers = memchr::memchr_iter(first, &self.firsts);
            numbers.filter_map(|number| self.words.get(number).map(|word| word.as_bytes()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::WordList;

    const LIST: WordList<4> = WordList::new(["null", "n/a", "…", "env("]);

    #[test]
    fn a_word_is_found_whatever_its_case() {
        for text in ["null", "NULL", "N/A", "…"] {
            assert!(LIST.has(text.as_bytes()), "{text}");
        }
        for text in ["", "nul", "nulls", "env", "é"] {
            assert!(!LIST.has(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_stands_behind_a_word_is_told() {
        let behind = |text: &'static str| LIST.behind(text.as_bytes()).next();
        assert_eq!(behind("Env(x"), Some(&b"x"[..]));
        assert_eq!(behind("null"), Some(&b""[..]));
        assert_eq!(behind("nul"), None);
        assert!(LIST.begins(b"nullable") && !LIST.begins(b"xnull"));
    }
}
