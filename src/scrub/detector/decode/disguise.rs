//! Characters that a reader does not see, or takes for others.
//!
//! A zero-width space inside a token, a Cyrillic `р` for a Latin `p`, full-width
//! letters, a colour code between two characters: a reader copies the token all the
//! same, so the search reads it as he does.

use std::sync::LazyLock;

/// What a reader sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub) enum Seen {
    /// Nothing.
    Nothing,
    /// This ASCII character.
    As(u8),
}

/// Characters that look like an ASCII letter: of Cyrillic, Greek, Armenian and the
/// extensions of Latin (Unicode Technical Standard 39, `confusables.txt`; the ones that
/// look alike in the usual fonts).
const LETTERS: [(u8, &str); 45] = [
    (b'A', "АΑ"),
    (b'B', "ВΒ"),
    (b'C', "СϹ"),
    (b'E', "ЕΕ"),
    (b'G', "Ԍ"),
    (b'H', "НΗ"),
    (b'I', "ІΙӀ"),
    (b'J', "ЈͿ"),
    (b'K', "КΚ"),
    (b'M', "МΜ"),
    (b'N', "Ν"),
    (b'O', "ОΟՕ"),
    (b'P', "РΡ"),
    (b'Q', "Ԛ"),
    (b'S', "ЅՏ"),
    (b'T', "ТΤ"),
    (b'U', "Ս"),
    (b'V', "Ѵ"),
    (b'W', "Ԝ"),
    (b'X', "ХΧ"),
    (b'Y', "ҮΥ"),
    (b'Z', "Ζ"),
    (b'a', "аαɑ"),
    (b'c', "сϲ"),
    (b'd', "ԁ"),
    (b'e', "еҽ"),
    (b'f', "ք"),
    (b'g', "ɡց"),
    (b'h', "һհ"),
    (b'i', "іιı"),
    (b'j', "јϳ"),
    (b'k', "кκ"),
    (b'l', "ӏ"),
    (b'm', "м"),
    (b'n', "ո"),
    (b'o', "оοօ"),
    (b'p', "рρ"),
    (b'q', "ԛզ"),
    (b's', "ѕ"),
    (b't', "тτ"),
    (b'u', "υս"),
    (b'v', "ѵν"),
    (b'w', "ԝѡ"),
    (b'x', "хχ"),
    (b'y', "уγү"),
];

/// What a reader sees of a character outside ASCII, if it is none of its own.
pub(in crate::scrub) fn seen(character: char) -> Option<Seen> {
    let number = u32::from(character);
    match number {
        // Soft hyphen, zero-width and directional characters, variation selectors.
        0xad | 0x34f | 0x180e | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x2064 => {
            Some(Seen::Nothing)
        }
        0xfe00..=0xfe0f | 0xfeff => Some(Seen::Nothing),
        // Full-width forms stand in the order of ASCII.
        0xff01..=0xff5e => Some(Seen::As((number - 0xff01) as u8 + b'!')),
        // Mathematical letters and digits: fonts one behind the other.
        0x1d400..=0x1d6a3 => {
            let letter = ((number - 0x1d400) % 52) as u8;
            Some(Seen::As(if letter < 26 { b'A' + letter } else { b'a' + letter - 26 }))
        }
        // A small capital z, by itself among the phonetic extensions.
        0x1d22 => Some(Seen::As(b'z')),
        0x1d7ce..=0x1d7ff => Some(Seen::As(((number - 0x1d7ce) % 10) as u8 + b'0')),
        _ => {
            let letter = ALIKE.get(number.checked_sub(ALIKE_FIRST)? as usize).copied()?;
            (letter != 0).then_some(Seen::As(letter))
        }
    }
}

/// The ASCII letter that a character looks like, or else itself.
pub(in crate::scrub) fn look_of(character: char) -> char {
    if character.is_ascii() {
        return character;
    }
    match seen(character) {
        Some(Seen::As(byte)) => char::from(byte),
        _ => character,
    }
}

/// The first character of [`LETTERS`] in the order of Unicode: a dotless i.
const ALIKE_FIRST: u32 = 0x131;

/// Over how many characters [`LETTERS`] reaches.
const ALIKE_COUNT: usize = 0x588 - ALIKE_FIRST as usize;

/// [`LETTERS`] by character: zero for one that looks like no letter. Text in Cyrillic or
/// Greek asks for each word.
static ALIKE: LazyLock<[u8; ALIKE_COUNT]> = LazyLock::new(|| {
    let mut table = [0; ALIKE_COUNT];
    for (letter, alike) in LETTERS {
        for character in alike.chars() {
            let place = u32::from(character).checked_sub(ALIKE_FIRST);
            if let Some(slot) = place.and_then(|place| table.get_mut(place as usize)) {
                *slot = letter;
            }
        }
    }
    table
});

/// The character that bytes begin with, if it is outside ASCII, and its length.
pub(in crate::scrub) fn first_char(bytes: &[u8]) -> Option<(char, usize)> {
    let len = match bytes.first()? {
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return None,
    };
    let character = std::str::from_utf8(bytes.get(..len)?).ok()?.chars().next()?;
    Some((character, len))
}

/// Whether the character that a text begins with is one that a reader does not see, or
/// takes for an ASCII letter or digit.
pub(in crate::scrub) fn begins_disguised(bytes: &[u8]) -> bool {
    first_char(bytes).is_some_and(|(character, _)| seen(character).is_some())
}

/// Whether the character that ends at `end` is one that a reader does not see, or
/// takes for an ASCII letter or digit.
pub(in crate::scrub) fn ends_disguised(bytes: &[u8], end: usize) -> bool {
    let start = (1..=4).filter_map(|len| end.checked_sub(len)).find(|&start| {
        // Not a byte that goes on with a character (RFC 3629 §3).
        bytes.get(start).is_some_and(|byte| byte & 0xc0 != 0x80)
    });
    let Some((character, len)) = start.and_then(|start| first_char(bytes.get(start..end)?)) else {
        return false;
    };
    start.is_some_and(|start| start + len == end) && seen(character).is_some()
}

/// How long an ANSI colour code is that a text begins with; its escape character may be
/// written as an escape.
pub(in crate::scrub) fn colour_len(rest: &[u8]) -> usize {
    const ESCAPES: [&[u8]; 6] = [b"\x1b[", b"\\x1b[", b"\\u001b[", b"\\u001B[", b"\\033[", b"\\e["];
    let Some(escape) = ESCAPES.iter().find(|escape| rest.starts_with(escape)) else { return 0 };
    let code = rest.get(escape.len()..).unwrap_or_default();
    let digits = code.iter().take(16).take_while(|b| b.is_ascii_digit() || **b == b';').count();
    if code.get(digits) == Some(&b'm') { escape.len() + digits + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disguised_character_is_read_as_what_it_looks_like() {
        for (text, expected) in [
            ("р", Some(Seen::As(b'p'))),
            ("Ａ", Some(Seen::As(b'A'))),
            ("＿", Some(Seen::As(b'_'))),
            ("𝐠", Some(Seen::As(b'g'))),
            ("𝟕", Some(Seen::As(b'7'))),
            ("\u{200b}", Some(Seen::Nothing)),
            ("\u{ad}", Some(Seen::Nothing)),
            ("é", None),
            ("界", None),
            ("ж", None),
        ] {
            let character = text.chars().next().expect("a character");
            assert_eq!(seen(character), expected, "{text}");
            assert_eq!(ends_disguised(text.as_bytes(), text.len()), expected.is_some(), "{text}");
        }
        assert!(!ends_disguised(&[0x80, 0x80, 0x80, 0x80], 4));
    }
}
