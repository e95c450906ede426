//! Second opinions on a candidate: pure questions about its bytes.
//!
//! None of them looks around the candidate, and none is sure: what an answer
//! means for the match is the detector's to say. A failed checksum, above all,
//! never unmasks: published checksums fail on real tokens.

mod checksum;
mod placeholder;
mod words;

pub use checksum::CHECKSUMS;
pub use checksum::check_text;
pub use checksum::checksum;
pub use checksum::is_checksum;
pub use placeholder::is_placeholder;
pub(in crate::scrub) use words::WordList;

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::GeneralPurposeConfig;

pub use crate::scrub::random::is_uuid;
pub use crate::scrub::random::looks_random;

/// Base64 as it stands in tokens that were cut or padded by someone else.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const LENIENT_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
const LENIENT_STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);

/// The names that [`structure`] knows.
pub const STRUCTURES: [&str; 4] = ["jwt", "jwe", "basic", "random"];

/// The names of the classes of characters.
pub const CLASSES: [&str; 4] = ["digit", "upper", "lower", "letter"];

/// Whether a candidate has the structure of this name. `None`: no structure has
/// this name.
///
/// - `jwt`, `jwe`: the first part decodes to a JOSE header.
/// - `basic`: decodes to `user:password`.
/// - `random`: looks drawn at random, see [`looks_random`].
pub fn structure(name: &str, candidate: &[u8]) -> Option<bool> {
    match name {
        "jwt" | "jwe" => Some(jwt(candidate)),
        "basic" => Some(basic(candidate)),
        "random" => Some(looks_random(candidate)),
        _ => None,
    }
}

/// Whether the part before the first dot decodes to a JSON object that names an
/// `alg`, `typ`, `kid` or `enc`.
///
/// The rest may be missing: a token that was cut is still a token. So may the
/// header's end, once a name was seen.
pub fn jwt(token: &[u8]) -> bool {
    let header = token.split(|byte| *byte == b'.').next().unwrap_or_default();
    let Some(json) = decoded(header) else { return false };
    let json: Vec<u8> = json.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
    json.starts_with(b"{\"")
        && ["alg", "typ", "kid", "enc", "zip", "cty", "jku", "x5t"].iter().any(|name| {
            let member = format!("\"{name}\":");
            json.windows(member.len()).any(|window| window == member.as_bytes())
        })
}

/// Whether the text decodes to printable `user:password`.
fn basic(text: &[u8]) -> bool {
    decoded(text).is_some_and(|pair| {
        pair.contains(&b':')
            && std::str::from_utf8(&pair)
                .is_ok_and(|pair| !pair.contains(|character: char| character.is_control()))
    })
}

/// The bytes behind base64 in either alphabet; a lone last character is left off.
pub fn decoded(text: &[u8]) -> Option<Vec<u8>> {
    let kept = text.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let kept = if kept % 4 == 1 { kept - 1 } else { kept };
    let text = text.get(..kept)?;
    LENIENT_URL.decode(text).or_else(|_| LENIENT_STANDARD.decode(text)).ok()
}

/// Shannon entropy in bits a byte: 0 for one byte over and over, 8 at most.
pub fn entropy(bytes: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = bytes.len() as f32;
    counts.iter().filter(|count| 0 < **count).fold(0.0, |entropy, count| {
        let share = *count as f32 / total;
        share.mul_add(-share.log2(), entropy)
    })
}

#[cfg(test)]
mod tests {
    use super::STRUCTURES;
    use super::entropy;
    use super::jwt;
    use super::structure;
    use crate::scrub::rule::template::expand;

    #[test]
    fn entropy_is_in_bits_a_byte() {
        assert_eq!(entropy(b""), 0.0);
        assert_eq!(entropy(b"aaaa"), 0.0);
        assert_eq!(entropy(b"abab"), 1.0);
        assert_eq!(entropy(b"abcdefgh"), 3.0);
    }

    #[test]
    fn a_token_is_known_by_its_header_even_when_cut() {
        for seed in 0..20 {
            for template in ["{jwt}", "{jwe}", "{b64:{{ \"typ\": \"TCV2\"}}}.{base64url:36}"] {
                let token = expand(template, seed).expect("sound");
                assert!(jwt(token.as_bytes()), "{token}");
            }
            let token = expand("{jwt}", seed).expect("sound");
            for len in [24, 25, 26, 27, 40, 100] {
                assert!(jwt(&token.as_bytes()[..len]), "{len} of {token}");
            }
        }
    }

    #[test]
    fn other_base64_of_json_is_no_token() {
        // Grafana's legacy keys, Flask's sessions, pagination cursors.
        for template in [
            "{b64:{{\"k\":\"{base62:20}\"}}}",
            "{b64url:{{\"page\":12,\"id\":77}}}.x",
            "eyJ{base62:30}",
            "",
            ".",
            "not.a.token",
        ] {
            let text = expand(template, 1).expect("sound");
            assert!(!jwt(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn every_structure_has_an_answer_and_no_other_name_has() {
        for name in STRUCTURES {
            assert_eq!(structure(name, b"plain"), Some(false), "{name}");
        }
        assert_eq!(structure("yaml", b"plain"), None);
        let pair = expand("{b64:admin:{base62:12}}", 1).expect("sound");
        assert_eq!(structure("basic", pair.as_bytes()), Some(true));
        assert_eq!(structure("basic", b"authorization"), Some(false));
    }
}
