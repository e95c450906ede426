//! Runs of base64 characters, under which an encoding may hide any needle, and
//! characters that a reader takes for others.

use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::bytes::is_word;
use crate::scrub::detector::decode::ends_disguised;
use crate::scrub::detector::prefilter::DISGUISE;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::RUN;
use crate::scrub::detector::prefilter::RUN_LEN_MIN;

/// Reports the run whose character at `at` makes it [`RUN_LEN_MIN`] long, if it may
/// hide something: a run of base64 characters, or one of letters and digits within it.
pub(super) fn report(bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
    let start = (at + 1).saturating_sub(RUN_LEN_MIN);
    let head = bytes.get(start..=at).and_then(<[u8]>::first_chunk::<RUN_LEN_MIN>);
    let before = start.checked_sub(1).and_then(|before| bytes.get(before));
    let is_promising = match before {
        // Behind a separator: `/v1/session/Zm9v…` is of the alphabet as a whole.
        Some(before) if is_base64(*before) => is_promising_part,
        _ => is_promising,
    };
    if head.is_some_and(is_promising) {
        hits.push(Hit { at: at as u32, needle: RUN });
    }
}

/// Whether a byte may stand behind a disguised character within a token.
pub(super) const fn goes_on(byte: u8) -> bool {
    is_base64(byte) || byte == b'.'
}

/// Reports the letter at `at`, or the sign that one follows, if the character outside
/// ASCII before it is none that a reader sees as it is.
pub(super) fn report_disguise(bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
    let is_in_token = match bytes.get(at..) {
        Some([b'-' | b'.' | b'+' | b'/', next, ..]) => next.is_ascii_alphanumeric(),
        Some([byte, ..]) => is_word(*byte),
        _ => false,
    };
    if is_in_token && ends_disguised(bytes, at) {
        hits.push(Hit { at: at as u32, needle: DISGUISE });
    }
}

/// Whether a run that begins like this may be base64 or hex of text, or of something
/// packed. Ids in hexadecimal, UUIDs among them, and names of words are not.
fn is_promising(run: &[u8; RUN_LEN_MIN]) -> bool {
    // Counted over a fixed length, a few vector instructions.
    let count = |is: fn(&u8) -> bool| run.iter().map(|byte| u8::from(is(byte))).sum::<u8>();
    // Three characters may be none: a length, and `0x`.
    if usize::from(count(u8::is_ascii_hexdigit)) + 3 >= run.len() && is_hex(run) {
        return says_text(digits(run));
    }
    // Of the base64 of any text, a third is in upper case; of that of capitals, nearly all.
    let mixed = 2 <= count(u8::is_ascii_uppercase)
        && (2 <= count(u8::is_ascii_lowercase) || 3 <= count(u8::is_ascii_digit));
    mixed || is_packed(run) || (0..4).any(|skip| may_be_ascii(run, skip))
}

/// The same of what follows a separator. Names of words follow each other there, so that
/// it must be to the letter.
fn is_promising_part(part: &[u8; RUN_LEN_MIN]) -> bool {
    may_be_ascii(part, 0) || (is_hex(part) && says_text(digits(part))) || is_packed(part)
}

/// The digits behind `0x`, and behind the length that a request has before a text.
fn digits(run: &[u8; RUN_LEN_MIN]) -> &[u8] {
    let run = match run.as_slice() {
        [first, rest @ ..] if !first.is_ascii_hexdigit() && !matches!(first, b'x' | b'X') => rest,
        whole => whole,
    };
    match run {
        [b'0', b'x' | b'X', digits @ ..] | [b'x' | b'X', digits @ ..] => digits,
        whole => whole,
    }
}

fn is_hex(run: &[u8; RUN_LEN_MIN]) -> bool {
    digits(run).iter().all(u8::is_ascii_hexdigit)
}

/// Whether hexadecimal digits may be those of text: but for one, each pair of them is a
/// printable character, a line end or a tab, of a character outside ASCII, or a zero between
/// two characters of UTF-16; or of something packed with gzip.
fn says_text(digits: &[u8]) -> bool {
    // The run may have a digit too many in front (see `RUN`).
    (0..2).any(|skip| {
        let digits = digits.get(skip..).unwrap_or_default();
        pairs_say_text(digits) || digits.starts_with(b"1f8b08")
    })
}

fn pairs_say_text(digits: &[u8]) -> bool {
    let (pairs, _) = digits.as_chunks::<2>();
    // `left` bytes of a character of `len` are still to come.
    let (mut printable, mut other, mut len, mut left) = (0, 0, 0, 0);
    for pair in pairs {
        let goes_on = matches!(pair, [b'8' | b'9' | b'a' | b'b' | b'A' | b'B', _]);
        if 0 < left && goes_on {
            left -= 1;
            printable += if left == 0 { len } else { 0 };
            continue;
        }
        other += usize::from(0 < left);
        left = 0;
        match pair {
            [b'2'..=b'7', _] => printable += 1,
            [b'0', b'0' | b'9' | b'a' | b'd' | b'A' | b'D'] => {}
            // RFC 3629 §4.
            [b'c' | b'd' | b'C' | b'D', _] => (len, left) = (2, 1),
            [b'e' | b'E', _] => (len, left) = (3, 2),
            [b'f' | b'F', b'0'..=b'4'] => (len, left) = (4, 3),
            _ => other += 1,
        }
        if 1 < other {
            return false;
        }
    }
    other <= 1 && pairs.len() <= 2 * printable + left
}

/// Whether a run may be base64 of something packed with gzip (RFC 1952 §2.3), or of UTF-16
/// behind its mark (RFC 2781 §3.2). The run may have a character too many in front.
fn is_packed(run: &[u8; RUN_LEN_MIN]) -> bool {
    let is = |run: &[u8]| {
        [&b"H4sI"[..], b"/v8A", b"//5", b"2Fv8A"].iter().any(|head| run.starts_with(head))
    };
    is(run) || run.get(1..).is_some_and(is)
}

/// Whether a run that may hide something begins at `at`.
pub(super) fn begins(bytes: &[u8], at: usize) -> bool {
    let head = bytes.get(at..).and_then(<[u8]>::first_chunk::<RUN_LEN_MIN>);
    head.is_some_and(|head| head.iter().all(|byte| is_base64(*byte)) && is_promising(head))
}

/// Whether a run may be base64 of ASCII, if a group of four characters begins behind the
/// first `skip`: three of its 24 bits are then zero.
fn may_be_ascii(run: &[u8; RUN_LEN_MIN], skip: usize) -> bool {
    let (groups, _) = run.get(skip..).unwrap_or_default().as_chunks::<4>();
    groups.iter().all(|[first, second, third, _]| {
        let is = |byte: &u8, bit: u8| GROUP.get(usize::from(*byte)).is_some_and(|b| b & bit != 0);
        is(first, FIRST) && is(second, SECOND) && is(third, THIRD)
    })
}

/// Where in a group of four a character of base64 may stand, if what it says is ASCII.
const FIRST: u8 = 1;
const SECOND: u8 = 2;
const THIRD: u8 = 4;

/// For each byte of ASCII, where in a group it may stand.
#[expect(clippy::indexing_slicing, reason = "the loop ends at the length")]
const GROUP: [u8; 128] = {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut group = [0; 128];
    let mut value = 0;
    while value < ALPHABET.len() {
        let mut bits = 0;
        // The highest bits of the three bytes.
        if value & 0b10_0000 == 0 {
            bits |= FIRST;
        }
        if value & 0b00_1000 == 0 {
            bits |= SECOND;
        }
        if value & 0b00_0010 == 0 {
            bits |= THIRD;
        }
        group[ALPHABET[value] as usize] = bits;
        value += 1;
    }
    group
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::detector::prefilter::Check;
    use crate::scrub::detector::prefilter::Needle;
    use crate::scrub::detector::prefilter::Prefilter;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    fn is_reported(text: &str) -> bool {
        let never = Needle { bytes: b"\0\0\0\0\0".to_vec(), caseless: false, check: Check::None };
        let mut hits = Vec::new();
        Prefilter::new(vec![never]).scan(text.as_bytes(), &mut hits);
        hits.iter().any(|hit| hit.needle == RUN)
    }

    #[test]
    fn encoded_texts_are_reported_however_they_begin() {
        for text in [
            "AKIAQATTRIBUTESOFTHE",
            "PASSWORD=HUNTER2 AND MORE",
            "\r\n\tpassword=hunter2",
            "    user=joe password=hunter2",
            "hopping kangaroo and more of it",
            "0000000000000000000000",
            "clé API : 0123456789",
            "API密钥：0123456789",
            "您的验证码是 012345",
            "пароль: hunter2 and",
        ] {
            let base64 = STANDARD.encode(text);
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            for (name, written) in [
                ("base64", base64.clone()),
                ("hex", hex.clone()),
                ("hex behind a prefix", format!("0x{hex}")),
                ("base64 in a path", format!("/api/v1/sessions/of/users/{base64}")),
                ("hex behind words", format!("a-session-of-some-user-{hex}")),
                ("base64 behind a length", format!("d{base64}")),
                ("hex behind a length", format!("V{hex}")),
                ("hex behind a length and a prefix", format!("V0x{hex}")),
            ] {
                // Behind a separator, it must be to the letter.
                let is_part = name == "base64 in a path";
                assert!(
                    is_reported(&written) || (is_part && !text.is_ascii()),
                    "{name} of {text:?}"
                );
            }
        }
        let packed = ["H4sIAAAAAAAAAEEAAAAAAAA", "1f8b080000000000000341414141"];
        assert!(packed.into_iter().all(is_reported));
        let utf16: String = "SECRET=hunter2".bytes().map(|byte| format!("{byte:02x}00")).collect();
        assert!(is_reported(&utf16));
    }

    #[test]
    fn ids_and_names_are_not_reported() {
        for name in [
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "NUMBER_OF_CONCURRENT_REQUESTS",
            "/usr/local/lib/node_modules/opentelemetry/build/src",
            "some-service-with-a-long-name-7d9f8b6c5d-x2x4z",
            "0af7651916cd43dd8448eb211c80319c",
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "00000000000000000000000000000000",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaa_",
        ] {
            assert!(!is_reported(name), "{name}");
        }
    }
}
