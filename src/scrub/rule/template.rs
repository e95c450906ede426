//! Example templates: how a rule shows a credential without holding one.
//!
//! A rule file full of real-looking tokens trips the secret scanners of whoever
//! hosts it, so an example says how its token is made and [`expand`] makes it,
//! the same for the same seed. Text stands for itself; directives stand in
//! braces:
//!
//! | directive | becomes |
//! |---|---|
//! | `{base62:36}`, `{hex-lower:20-40}` | that many random characters of the alphabet |
//! | `{check:crc32-base62-6}` | the checksum over what stands since `{mark}`, or else since the last text |
//! | `{mark}` | nothing; a checksum begins here |
//! | `{lit:gh\|p_}` | the text without the bars: a prefix that is stored in pieces |
//! | `{one:a\|b\|c}` | one of the texts |
//! | `{uuid}`, `{jwt}`, `{jwe}` | a random one, well formed |
//! | `{pem:EC PRIVATE KEY}` | a key file of that label, on lines |
//! | `{pem-escaped:…}`, `{pem-cut:…}` | the same with `\n` for line ends; or cut off before its end |
//! | `{b64:…}`, `{b64url:…}` | the base64 of the template inside |
//! | `{{`, `}}` | a brace |
//!
//! A random part of three characters and more holds a digit, an upper and a lower
//! case letter where its alphabet has them, so that no validator takes an example
//! for a word by bad luck.

use crate::scrub::rule::validator;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const DIGITS: &str = "0123456789";
const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The alphabets by name.
const ALPHABETS: &[(&str, &str)] = &[
    ("digits", DIGITS),
    ("hex-lower", "0123456789abcdef"),
    ("hex-upper", "0123456789ABCDEF"),
    ("hex-mixed", "0123456789abcdefABCDEF"),
    ("base32-upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    ("base32-lower", "abcdefghijklmnopqrstuvwxyz234567"),
    ("base36-lower", "0123456789abcdefghijklmnopqrstuvwxyz"),
    ("base36-upper", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("base36-mixed", BASE62),
    ("base58", "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"),
    ("base62", BASE62),
    ("base64", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+/"),
    ("base64url", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"),
    ("alpha", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    ("alpha-lower", "abcdefghijklmnopqrstuvwxyz"),
    ("alpha-upper", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
    ("word", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"),
    ("aad", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.-_~"),
    ("crypt64", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz./"),
    ("bech32-upper", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"),
];

/// The names of the alphabets.
pub fn alphabets() -> impl Iterator<Item = &'static str> {
    ALPHABETS.iter().map(|(name, _)| *name)
}

/// The longest random part, in characters: no format is longer.
const PART_LEN_MAX: usize = 8192;

/// A fault in a template. Offsets are bytes of the template, or of the template
/// inside a `b64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A brace opens or closes nothing.
    #[error("unpaired brace at byte {at}")]
    Brace {
        /// Where the brace stands.
        at: usize,
    },
    /// No directive has this name.
    #[error("unknown directive at byte {at}")]
    Directive {
        /// Where the directive begins.
        at: usize,
    },
    /// The argument of the directive does not fit it.
    #[error("unfit argument of the directive at byte {at}")]
    Argument {
        /// Where the directive begins.
        at: usize,
    },
}

/// The text that `template` stands for; the same for the same `seed`.
///
/// # Errors
///
/// The first fault in the template.
pub fn expand(template: &str, seed: u64) -> Result<String, TemplateError> {
    expand_with(template, &mut Random(seed))
}

fn expand_with(template: &str, random: &mut Random) -> Result<String, TemplateError> {
    let mut out =
        Output { text: String::with_capacity(template.len() * 2), over: 0, marked: false };
    let mut rest = template;
    while let Some(brace) = rest.find(['{', '}']) {
        let (literal, tail) = rest.split_at(brace);
        out.literal(literal);
        let at = template.len() - tail.len();
        if let Some(after) = tail.strip_prefix("{{") {
            out.literal("{");
            rest = after;
        } else if let Some(after) = tail.strip_prefix("}}") {
            out.literal("}");
            rest = after;
        } else {
            let (body, after) = directive_body(tail).ok_or(TemplateError::Brace { at })?;
            let (name, argument) = body.split_once(':').unwrap_or((body, ""));
            out.directive(name, argument, random, at)?;
            rest = after;
        }
    }
    out.literal(rest);
    Ok(out.text)
}

/// What stands between the brace that opens `text` and its partner, and what
/// stands after.
fn directive_body(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('{')?;
    let mut depth = 1_usize;
    for (at, character) in inside.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let (body, rest) = inside.split_at(at);
            return Some((body, rest.strip_prefix('}')?));
        }
    }
    None
}

/// The text so far.
struct Output {
    text: String,
    /// Where the next checksum begins to count.
    over: usize,
    /// A `mark` holds `over` where it is.
    marked: bool,
}

impl Output {
    fn literal(&mut self, text: &str) {
        self.text.push_str(text);
        if !text.is_empty() && !self.marked {
            self.over = self.text.len();
        }
    }

    fn directive(
        &mut self,
        name: &str,
        argument: &str,
        random: &mut Random,
        at: usize,
    ) -> Result<(), TemplateError> {
        let argument_fault = TemplateError::Argument { at };
        match name {
            "mark" => (self.over, self.marked) = (self.text.len(), true),
            "check" => {
                let over = self.text.get(self.over..).unwrap_or_default();
                let check = validator::check_text(argument, over.as_bytes());
                self.text.push_str(&check.ok_or(argument_fault)?);
                (self.over, self.marked) = (self.text.len(), false);
            }
            "lit" => self.literal(&argument.replace('|', "")),
            "one" => {
                let choices: Vec<&str> = argument.split('|').collect();
                self.literal(choices.get(random.below(choices.len())).copied().unwrap_or_default());
            }
            "uuid" => self.text.push_str(&uuid(random)),
            "jwt" => self.text.push_str(&jwt(random)),
            "jwe" => self.text.push_str(&jwe(random)),
            "pem" => self.literal(&pem(argument, random)),
            "pem-escaped" => self.literal(&pem(argument, random).replace('\n', "\\n")),
            "pem-cut" => {
                let whole = pem(argument, random);
                self.literal(whole.split("\n-----END").next().unwrap_or_default());
            }
            "b64" => self.text.push_str(&STANDARD.encode(expand_with(argument, random)?)),
            "b64url" => self.text.push_str(&URL_SAFE_NO_PAD.encode(expand_with(argument, random)?)),
            _ => {
                let alphabet = ALPHABETS.iter().find(|(known, _)| *known == name);
                let (_, alphabet) = alphabet.ok_or(TemplateError::Directive { at })?;
                let len = part_len(argument, random).ok_or(argument_fault)?;
                self.text.push_str(&random.text(alphabet, len));
            }
        }
        Ok(())
    }
}

/// A length that `argument`, `36` or `20-40`, allows.
fn part_len(argument: &str, random: &mut Random) -> Option<usize> {
    let (min, max) = argument.split_once('-').unwrap_or((argument, argument));
    let (min, max): (usize, usize) = (min.parse().ok()?, max.parse().ok()?);
    (min <= max && max <= PART_LEN_MAX).then(|| min + random.below(max - min + 1))
}

fn uuid(random: &mut Random) -> String {
    [8, 4, 4, 4, 12].map(|len| random.text("0123456789abcdef", len)).join("-")
}

fn jwt(random: &mut Random) -> String {
    let key = random.text("0123456789abcdef", 12);
    let header = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"{key}"}}"#);
    let subject = random.text(DIGITS, 10);
    let issued = 1_700_000_000 + random.below(100_000_000);
    let expires = issued + 3600;
    let payload = format!(
        r#"{{"iss":"https://issuer.example","sub":"{subject}","iat":{issued},"exp":{expires}}}"#
    );
    let signature = random.text(base64url(), 86);
    format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload))
}

/// Five parts, the second empty: a direct key, as session cookies have it.
fn jwe(random: &mut Random) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"dir","enc":"A256GCM"}"#);
    let [vector, ciphertext, tag] = [16, 120, 22].map(|len| random.text(base64url(), len));
    format!("{header}..{vector}.{ciphertext}.{tag}")
}

fn pem(label: &str, random: &mut Random) -> String {
    let body: Vec<String> = (0..6).map(|_| random.text(BASE62, 64)).collect();
    let last = random.text(BASE62, 30);
    format!("-----BEGIN {label}-----\n{}\n{last}==\n-----END {label}-----", body.join("\n"))
}

fn base64url() -> &'static str {
    ALPHABETS.iter().find(|(name, _)| *name == "base64url").map_or(BASE62, |(_, letters)| letters)
}

/// Steele, Lea and Flood's splitmix64. The numbers need to look random, no more.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`; 0 where the limit is 0.
    fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % limit).unwrap_or(0)
    }

    fn text(&mut self, alphabet: &str, len: usize) -> String {
        let letters = alphabet.as_bytes();
        let mut text: Vec<u8> = (0..len).map(|_| self.pick(letters)).collect();
        // One of each class, at places that differ: thirds apart.
        let classes = [u8::is_ascii_digit, u8::is_ascii_uppercase, u8::is_ascii_lowercase];
        let start = self.below(len);
        for (third, class) in classes.iter().enumerate().filter(|_| 3 <= len) {
            let members: Vec<u8> = letters.iter().copied().filter(class).collect();
            let at = (start + third * (len / 3)) % len;
            if let (Some(slot), false) = (text.get_mut(at), members.is_empty()) {
                *slot = self.pick(&members);
            }
        }
        text.into_iter().map(char::from).collect()
    }

    fn pick(&mut self, letters: &[u8]) -> u8 {
        letters.get(self.below(letters.len())).copied().unwrap_or(b'0')
    }
}

#[cfg(test)]
mod tests {
    use super::TemplateError;
    use super::expand;
    use crate::scrub::rule::validator;

    fn expanded(template: &str) -> String {
        expand(template, 7).expect("the template is sound")
    }

    #[test]
    fn text_and_doubled_braces_stand_for_themselves() {
        assert_eq!(expanded(r#"{{"a": {{"b": 1}}}} é"#), r#"{"a": {"b": 1}} é"#);
        assert_eq!(expanded("{lit:gh|p_}x"), "ghp_x");
    }

    #[test]
    fn a_seed_says_everything() {
        let template = "{base62:20} {uuid} {jwt} {pem:RSA PRIVATE KEY} {one:a|b}";
        assert_eq!(expand(template, 3), expand(template, 3));
        assert_ne!(expand(template, 3), expand(template, 4));
    }

    #[test]
    fn a_random_part_has_its_length_and_each_class_of_its_alphabet() {
        for seed in 0..200 {
            let text = expand("{base62:3}", seed).expect("sound");
            assert_eq!(text.len(), 3);
            assert!(text.bytes().any(|byte| byte.is_ascii_digit()), "{text}");
            assert!(text.bytes().any(|byte| byte.is_ascii_uppercase()), "{text}");
            assert!(text.bytes().any(|byte| byte.is_ascii_lowercase()), "{text}");
            let ranged = expand("{digits:2-4}", seed).expect("sound");
            assert!((2..=4).contains(&ranged.len()));
        }
    }

    #[test]
    fn a_checksum_counts_since_the_last_text_or_the_mark() {
        let token = expanded("{lit:gh|p_}{base62:30}{check:crc32-base62-6}");
        assert_eq!(validator::checksum("crc32-base62-6", token.as_bytes()), Some(true));
        let token = expanded("{mark}{lit:AT|ATT3}{base64url:180}={check:crc32-hex8-upper}");
        assert_eq!(validator::checksum("crc32-hex8-upper", token.as_bytes()), Some(true));
    }

    #[test]
    fn tokens_and_keys_are_well_formed() {
        assert!(validator::jwt(expanded("{jwt}").as_bytes()));
        assert_eq!(expanded("{jwe}").matches('.').count(), 4);
        assert!(expanded("{pem:EC PRIVATE KEY}").ends_with("\n-----END EC PRIVATE KEY-----"));
        assert!(!expanded("{pem-escaped:EC PRIVATE KEY}").contains('\n'));
        assert!(!expanded("{pem-cut:EC PRIVATE KEY}").contains("END"));
        assert_eq!(expanded("{b64:{{x}}{lit:y|z}}"), "e3h9eXo=");
    }

    #[test]
    fn a_fault_says_where_it_is() {
        let faults = [
            ("a{base62:3", TemplateError::Brace { at: 1 }),
            ("a}", TemplateError::Brace { at: 1 }),
            ("ab{nothing:3}", TemplateError::Directive { at: 2 }),
            ("{base62:x}", TemplateError::Argument { at: 0 }),
            ("{base62:4-3}", TemplateError::Argument { at: 0 }),
            ("{base62:9999}", TemplateError::Argument { at: 0 }),
            ("{check:nothing}", TemplateError::Argument { at: 0 }),
        ];
        for (template, fault) in faults {
            assert_eq!(expand(template, 0), Err(fault), "{template}");
        }
    }
}
