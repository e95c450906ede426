//! Values that are words for a secret, as files of translations and forms have them under its
//! name, and what is said about one instead of it.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::scrub::detector::decode::look_of;

/// How long a label is at most, in bytes.
const LEN_MAX: usize = 96;

/// How many words it has at most; a question may have twice as many.
const WORDS_MAX: usize = 3;

/// How many characters of a script without blanks it has at most.
const WIDE_MAX: usize = 16;

/// What stands between what is said of a secret and the secret.
const TELLS: [char; 4] = ['是', '：', ':', '는'];

/// What secrets are called in languages that put blanks between words, in lower case.
const WORDS: [&str; 63] = [
    "passwort",
    "kennwort",
    "passe",
    "contraseña",
    "contrasena",
    "clave",
    "senha",
    "parola",
    "parolă",
    "hasło",
    "hasła",
    "heslo",
    "hesla",
    "wachtwoord",
    "lösenord",
    "lösenordet",
    "passord",
    "passordet",
    "adgangskode",
    "adgangskoden",
    "kodeord",
    "salasana",
    "jelszó",
    "şifre",
    "şifreniz",
    "sandi",
    "khẩu",
    "lozinka",
    "geslo",
    "slaptažodis",
    "parool",
    "salasõna",
    "пароль",
    "пароля",
    "парола",
    "лозинка",
    "κωδικός",
    "סיסמה",
    "סיסמא",
    "المرور",
    "السر",
    "पासवर्ड",
    "schlüssel",
    "passphrase",
    "nøgle",
    "ключа",
    "clé",
    "chave",
    "chiave",
    "klucz",
    "klíč",
    "sleutel",
    "nyckel",
    "nøkkel",
    "avain",
    "anahtar",
    "anahtarı",
    "ключ",
    "токен",
    "مفتاح",
    "رمز",
    "מפתח",
    "कुंजी",
];

/// [`WORDS`] as they look: with letters of two scripts in one, where those were undone that
/// look alike.
static LOOKS: LazyLock<HashSet<String>> = LazyLock::new(|| WORDS.iter().map(look).collect());

/// A word as it looks.
fn look(word: impl AsRef<str>) -> String {
    word.as_ref().chars().map(look_of).collect()
}

/// The same in English, which is a label only among words that say which.
const ENGLISH: [&str; 6] = ["password", "passphrase", "passcode", "secret", "token", "key"];

/// The words that say which, or what to do.
const WHICH: [&str; 36] = [
    "new",
    "old",
    "current",
    "confirm",
    "repeat",
    "retype",
    "verify",
    "enter",
    "choose",
    "your",
    "the",
    "a",
    "again",
    "optional",
    "client",
    "api",
    "user",
    "account",
    "login",
    "database",
    "access",
    "private",
    "forgot",
    "reset",
    "change",
    "show",
    "shared",
    "partagé",
    "partagée",
    "compartido",
    "compartida",
    "condiviso",
    "condivisa",
    "compartilhado",
    "gedeeld",
    "gemeinsames",
];

/// The same in scripts that write them together.
const WIDE: [&str; 14] = [
    "密码",
    "密碼",
    "口令",
    "密钥",
    "密鑰",
    "令牌",
    "パスワード",
    "暗証",
    "トークン",
    "비밀번호",
    "암호",
    "토큰",
    "รหัสผ่าน",
    "ລະຫັດຜ່ານ",
];

/// Whether a text is a label: a word for a secret, alone or among words that say which or
/// what to do with it. Labels begin with a capital, or in a script that has none; what is
/// written small may be a password, however poor.
pub(in crate::scrub::detector) fn is_label(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let Some(first) = text.chars().next().filter(|_| text.len() <= LEN_MAX) else { return false };
    if first.is_lowercase() || !first.is_alphabetic() && !matches!(first, '¿' | '¡') {
        return false;
    }
    let of_label = |character: char| {
        character.is_alphabetic() || is_mark(character) || " ?:.,'’()¿¡…-".contains(character)
    };
    if !text.chars().all(of_label) {
        return false;
    }
    if !text.is_ascii() && WIDE.iter().any(|word| text.contains(word)) {
        let rest = text.strip_prefix("API").unwrap_or(text);
        return rest.chars().count() <= WIDE_MAX
            && !rest.contains(|character: char| character.is_ascii_alphanumeric())
            && !rest.contains(TELLS);
    }
    let lower = text.to_lowercase();
    let words = lower.split(' ').filter(|word| !word.is_empty());
    let has_word = |word: &str| word.split('-').any(|part| LOOKS.contains(&look(part)));
    let words_max = if text.ends_with('?') { 2 * WORDS_MAX } else { WORDS_MAX };
    let words = words.map(|word| word.trim_matches(|character: char| !character.is_alphabetic()));
    words.clone().count() <= words_max && (words.clone().any(has_word) || is_english(words))
}

/// Whether words are one for a secret and such that say which: `New password`.
fn is_english<'t>(words: impl Iterator<Item = &'t str> + Clone) -> bool {
    1 < words.clone().count()
        && words.clone().any(|word| ENGLISH.contains(&word))
        && words.into_iter().all(|word| ENGLISH.contains(&word) || WHICH.contains(&word))
}

/// A vowel sign or another mark of a script that puts them over its letters.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{65f}' | '\u{900}'..='\u{e4e}')
}

/// Whether a line says something of a secret, in place of it: `The field must be …`,
/// `size must be between 8 and 64`, `bcrypt: hashedPassword is not …`.
pub(in crate::scrub::detector) fn is_statement(line: &[u8]) -> bool {
    const FIRST: [&[u8]; 13] = [
        b"all", b"the", b"this", b"your", b"a", b"an", b"please", b"it", b"enter", b"must",
        b"cannot", b"should", b"at",
    ];
    const SUBJECTS: [&[u8]; 10] = [
        b"size", b"length", b"value", b"field", b"input", b"string", b"entry", b"it", b"this",
        b"that",
    ];
    const VERBS: [&[u8]; 8] =
        [b"must", b"cannot", b"should", b"does", b"is", b"was", b"has", b"contains"];
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    // A program that tells of an error: `bcrypt: …`.
    if let Some(name) = first.strip_suffix(b":") {
        return 2 < name.len()
            && name.iter().chain(second).all(|byte| byte.is_ascii_alphabetic() || *byte == b':')
            && name.iter().all(u8::is_ascii_lowercase);
    }
    let is = |word: &[u8], list: &[&[u8]]| list.iter().any(|one| word.eq_ignore_ascii_case(one));
    let goes_on = second.iter().all(u8::is_ascii_alphabetic) && words.next().is_some();
    goes_on && (is(first, &FIRST) || is(first, &SUBJECTS) && is(second, &VERBS))
}

/// Whether a line describes what stands under a name: a sentence that says once more what it is,
/// `NSX initial password.`, `The password used to encrypt the file`.
pub(in crate::scrub::detector) fn is_described(line: &[u8]) -> bool {
    const NAMES: [&[u8]; 7] =
        [b"password", b"passphrase", b"credential", b"secret", b"token", b"key", b"authentication"];
    let of_words = |byte: &u8| byte.is_ascii_alphabetic() || b" -/.,()'".contains(byte);
    let words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let count = words.clone().count();
    let ends = |word: &[u8]| {
        let bare = word.iter().rposition(u8::is_ascii_alphabetic).map_or(0, |at| at + 1);
        let bare = word.get(..bare).unwrap_or_default().to_ascii_lowercase();
        let bare = bare.strip_suffix(b"s").unwrap_or(&bare);
        NAMES.iter().any(|name| bare == *name || bare.ends_with(&[b"/", *name].concat()))
            || NAMES.iter().any(|name| bare.starts_with(&[*name, b"/"].concat()))
    };
    3 <= count
        && (line.ends_with(b".") || 6 <= count)
        && line.iter().all(of_words)
        && words.skip(1).any(ends)
}

/// `see vault`, `ask the ops team`: where, or of whom, one gets it.
pub(super) fn is_direction(text: &[u8]) -> bool {
    const VERBS: [&[u8]; 9] =
        [b"see", b"ask", b"check", b"contact", b"in", b"via", b"from", b"per", b"request"];
    const HOLDERS: [&[u8]; 32] = [
        b"vault",
        b"ops",
        b"admin",
        b"admins",
        b"keepass",
        b"bitwarden",
        b"1password",
        b"onepassword",
        b"lastpass",
        b"wiki",
        b"team",
        b"it",
        b"manager",
        b"above",
        b"below",
        b"docs",
        b"config",
        b"env",
        b"keychain",
        b"helpdesk",
        b"support",
        b"owner",
        b"runbook",
        b"sre",
        b"devops",
        b"platform",
        b"confluence",
        b"readme",
        b"notes",
        b"thycotic",
        b"us",
        b"me",
    ];
    let mut words = text.split(|byte| *byte == b' ');
    let first = words.next().unwrap_or_default();
    let is = |list: &[&[u8]], word: &[u8]| list.iter().any(|one| word.eq_ignore_ascii_case(one));
    let last = words.clone().next_back().unwrap_or_default();
    (1..=3).contains(&words.clone().count())
        && is(&VERBS, first)
        && is(&HOLDERS, last)
        && words.all(|word| word.iter().all(u8::is_ascii_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_told_from_a_password() {
        for text in [
            "Passwort",
            "Neues Passwort",
            "Passwort vergessen?",
            "Mot de passe",
            "Contraseña",
            "¿Olvidaste tu contraseña?",
            "パスワード",
            "パスワード(確認)",
            "密码",
            "确认密码",
            "Пароль",
            "Новый пароль",
            "Hasło",
            "Gizli anahtar",
            "كلمة المرور",
            "รหัสผ่าน",
            "비밀번호 확인",
            "Wachtwoord",
            "API 密钥",
            "New password",
            "Secret partagé",
            "Password (optional)",
        ] {
            assert!(is_label(text.as_bytes()), "{text}");
        }
        for text in [
            "passwort",
            "Passwort1",
            "Winterpasswort",
            "密码abc",
            "密码123",
            "мойпароль",
            "Hunter",
            "Kennwort!",
            "Geheimnis",
            "",
            "Password",
            "Secret Garden",
            "Correct Clave Battery Staple",
            "Blauer Schlüssel Fliegt Hoch",
            "Reset-Token-User",
            "密码是春天花开富贵",
        ] {
            assert!(!is_label(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_is_said_of_a_password_is_none() {
        for text in [
            "The field Password must be a string",
            "size must be between 8 and 64",
            "bcrypt: hashedPassword is not the hash",
            "Your password has expired",
        ] {
            assert!(is_statement(text.as_bytes()), "{text}");
        }
        for text in [
            "letmein for the staging box",
            "hunter is what I use",
            "hunter2",
            "The-one x",
            "ab: c",
            "hunter: 2",
        ] {
            assert!(!is_statement(text.as_bytes()), "{text}");
        }
    }
}
