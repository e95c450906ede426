//! The literals by which secret keys are found in a text.

use crate::scrub::detector::key::Folded;
use crate::scrub::detector::key::KeyTable;
use crate::scrub::detector::key::Mode;

/// A literal that stands in secret keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scrub) struct KeyNeedle {
    /// Lower case, if compared without regard to case.
    pub(in crate::scrub) bytes: Vec<u8>,
    /// Whether ASCII letters match in either case.
    pub(in crate::scrub) caseless: bool,
    /// Where the part of it that is in the key begins.
    pub(in crate::scrub) start: usize,
    /// Where that part ends.
    pub(in crate::scrub) end: usize,
}

impl KeyNeedle {
    pub(super) fn word(word: &[u8]) -> Self {
        Self { bytes: word.to_vec(), caseless: true, start: 0, end: word.len() }
    }

    pub(super) fn signed(before: &str, word: &[u8], sign: &str) -> Self {
        let bytes = [before.as_bytes(), word, sign.as_bytes()].concat();
        Self { bytes, caseless: true, start: before.len(), end: before.len() + word.len() }
    }

    /// Whether sentences speak of what it names: it means a password, in whatever language.
    pub(in crate::scrub) fn is_spoken(&self) -> bool {
        !self.bytes.is_ascii() || SPOKEN.iter().any(|word| self.bytes.starts_with(word))
    }

    /// Whether a verb follows the key (`pin is `).
    pub(in crate::scrub) fn has_verb(&self) -> bool {
        self.bytes.get(self.end..) == Some(b" is ")
    }

    /// Whether nothing but a blank follows the key, so that a value must stand near.
    pub(in crate::scrub) fn has_blank(&self) -> bool {
        self.start == 0 && self.bytes.get(self.end..) == Some(b" ")
    }

    /// Whether the sign behind the key is part of it, so that none needs to follow.
    pub(in crate::scrub) fn has_sign(&self) -> bool {
        self.end < self.bytes.len()
    }
}

impl KeyTable {
    /// Words that many secret names hold; every other name brings a needle of its own.
    const COMMON: [&'static [u8]; 8] =
        [b"passw", b"passp", b"secret", b"token", b"credential", b"authori", b"authent", b"cookie"];

    /// What may stand behind a key. (0x12 is the tag of the value behind the key of an
    /// attribute.) Before a blank, a short word must be a flag or have a sign behind.
    const SIGNS: [&'static str; 16] =
        ["=", ":", "\"", "'", "`", "\\", ">", "]", ")", "%", "&", "\n", "\x12", " =", " :", "\t"];

    /// Adds the needles by which a name is found.
    pub(super) fn add_needles(&mut self, name: &Folded, mode: Mode) {
        let joined = name.run(0, name.words);
        let words: Vec<&[u8]> = (0..name.words).map(|w| name.run(w, w + 1)).collect();
        // A common word must stand inside one word: between words, a separator may.
        let common = Self::COMMON
            .iter()
            .find(|common| words.iter().any(|w| memchr::memmem::find(w, common).is_some()));
        if let Some(common) = common {
            self.needles.insert(KeyNeedle::word(common));
        } else if let [.., before, last] = words.as_slice() {
            // Both words: alone, each stands everywhere (`server`, `key`).
            let separators: &[&str] = match joined.is_ascii() {
                true => &["", "_", "-", ".", " ", ":"],
                false => &["", "_", " ", "-"],
            };
            for separator in separators {
                self.needles
                    .insert(KeyNeedle::word(&[before, separator.as_bytes(), last].concat()));
            }
        } else if 5 <= joined.len() {
            self.needles.insert(KeyNeedle::word(joined));
        } else if joined.len() < 3 {
            // As a member of JSON, however deep; before a sign, if it has two letters.
            for sign in ["\":", "\\\":", "\\\\\\"] {
                self.needles.insert(KeyNeedle::signed("\"", joined, sign));
            }
            if joined.len() == 2 {
                for sign in ["=", ":"] {
                    self.needles.insert(KeyNeedle::signed("", joined, sign));
                }
                if mode == Mode::Suffix {
                    self.add_short_end(joined);
                }
            }
        } else if joined == b"key" {
            self.add_key_end();
        } else {
            for sign in Self::SIGNS.iter().chain(&[" ->"]) {
                self.needles.insert(KeyNeedle::signed("", joined, sign));
            }
            self.needles.insert(KeyNeedle::signed("-", joined, " "));
            if matches!(joined, b"pin" | b"otp") {
                for verb in [" is ", " ist ", " est ", " es ", " of the ", " for the "] {
                    self.needles.insert(KeyNeedle::signed("", joined, verb));
                }
            }
            if matches!(joined, b"pass" | b"pwd") {
                self.needles.insert(KeyNeedle::signed("", joined, " "));
            }
            if mode == Mode::Suffix {
                // Which of several it is: `pass2`, `pass_prod`.
                for which in
                    ["1=", "2=", "1:", "2:", "1\"", "2\"", "_prod", "_dev", "_stag", "_test"]
                {
                    self.needles.insert(KeyNeedle::signed("", joined, which));
                }
            }
            if matches!(mode, Mode::Prefix | Mode::Word) {
                for sign in ["_", "-", "."] {
                    self.needles.insert(KeyNeedle::signed("", joined, sign));
                }
            }
        }
    }

    /// A name that ends in `key`, behind other words: alone, it stands everywhere.
    fn add_key_end(&mut self) {
        for sign in ["=", ":", "\"", "'", "`", "\\", " =", " :"] {
            for separator in ["_", "-"] {
                self.needles.insert(KeyNeedle::signed(separator, b"key", sign));
            }
            let camel = KeyNeedle::signed("", b"Key", sign);
            self.needles.insert(KeyNeedle { caseless: false, ..camel });
        }
    }

    /// A name that ends in two letters, behind what separates them from the words before.
    fn add_short_end(&mut self, end: &[u8]) {
        for sign in ["=", ":", "\"", "'", "\\", ">", "]", " "] {
            for separator in ["_", "-", "."] {
                self.needles.insert(KeyNeedle::signed(separator, end, sign));
            }
        }
        for sign in [" =", "\":", "':", "\" :"] {
            self.needles.insert(KeyNeedle::signed("", end, sign));
        }
    }
}

/// How words for passwords and their like begin, of which there are few in other texts.
const SPOKEN: [&[u8]; 44] = [
    b"passw",
    b"passp",
    b"passc",
    b"contrase",
    b"contrasi",
    b"kennwort",
    b"de passe",
    b"wachtwoord",
    b"haslo",
    b"heslo",
    b"hesla",
    b"jelszo",
    b"jelszav",
    b"parola",
    b"senha",
    b"salasana",
    b"sifre",
    b"lozinka",
    b"geslo",
    b"passord",
    b"adgangskode",
    b"kodeord",
    b"kata sandi",
    b"kata laluan",
    b"nenosiri",
    b"nywila",
    b"parool",
    b"parole",
    b"parol",
    b"pasahitza",
    b"slapta",
    b"lykilor",
    b"mat khau",
    b"motdepasse",
    b"zugangs",
    b"creds",
    b"access code",
    b"gate code",
    b"door code",
    b"verification code",
    b"security code",
    b"pin code",
    b"jeton",
    b"mot de passe",
];
