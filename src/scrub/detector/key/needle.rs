//! The literals by which secret keys are found in a text.

/// A literal that stands in secret keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scrub) struct KeyNeedle {
    /// Lower case; compared without regard to case.
    pub(in crate::scrub) bytes: Vec<u8>,
    /// Where the part of it that is in the key begins.
    pub(in crate::scrub) start: usize,
    /// Where that part ends.
    pub(in crate::scrub) end: usize,
}

impl KeyNeedle {
    pub(super) fn word(word: &[u8]) -> Self {
        Self { bytes: word.to_vec(), start: 0, end: word.len() }
    }

    pub(super) fn signed(before: &str, word: &[u8], sign: &str) -> Self {
        let bytes = [before.as_bytes(), word, sign.as_bytes()].concat();
        Self { bytes, start: before.len(), end: before.len() + word.len() }
    }

    /// Whether sentences speak of what it names: it means a password, in whatever language.
    pub(in crate::scrub) fn is_spoken(&self) -> bool {
        !self.bytes.is_ascii() || SPOKEN.iter().any(|word| self.bytes.starts_with(word))
    }

    /// Whether a verb follows the key (`pin is `).
    pub(in crate::scrub) fn has_verb(&self) -> bool {
        self.bytes.get(self.end..) == Some(b" is ")
    }

    /// Whether the sign behind the key is part of it, so that none needs to follow.
    pub(in crate::scrub) fn has_sign(&self) -> bool {
        self.end < self.bytes.len()
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
