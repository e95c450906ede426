//! The checksums that issuers put into their tokens.
//!
//! A name says the algorithm and where in a token it stands. Each checksum is
//! written once, as the text that a token carries ([`check_text`]); checking a
//! token splits it and compares.

use base64::Engine;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::Digest;
use sha2::Sha256;

const BASE36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// The alphabet in which Entra ID writes the checksum of a client secret.
const BASE66: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~";
/// BIP 173.
const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/// The names that [`checksum`] knows; those of Azure's identifiable keys go on with a
/// colon and the seed.
pub const CHECKSUMS: [&str; 13] = [
    "ado-pat",
    "base58check",
    "crc32-base62-6",
    "crc32-base36-7",
    "crc32-hex8",
    "crc32-hex8-upper",
    "crc32-le-base64-6",
    "marvin32",
    "marvin32-url",
    "cask",
    "aad",
    "bech32-age",
    "strkey",
];

/// Whether there is a checksum of this name.
pub fn is_checksum(name: &str) -> bool {
    let (algorithm, seed) = name.split_once(':').unwrap_or((name, ""));
    let is_seed = seed.len() == 16 && seed.bytes().all(|byte| byte.is_ascii_hexdigit());
    CHECKSUMS.contains(&algorithm) && (is_seed == algorithm.starts_with("marvin32"))
}

/// Whether the checksum by this name holds in a token. `None`: no checksum has
/// this name, or the token has not its shape.
pub fn checksum(name: &str, candidate: &[u8]) -> Option<bool> {
    match name {
        "ado-pat" => return ado_pat(candidate),
        "base58check" => return base58check(candidate),
        "strkey" => return strkey(candidate),
        _ => {}
    }
    let (over, check) = split(name, candidate)?;
    let expected = check_text(name, over)?;
    Some(expected.as_bytes() == check)
}

/// The checksum by this name over `over`, as a token carries it.
///
/// - `crc32-base62-6`: GitHub, npm, Vercel; over what follows the first `_`.
/// - `crc32-base36-7`: GitLab's routable tokens; over the token.
/// - `crc32-hex8`: Cloudflare, Zuplo; over what follows the first `_`, without a
///   `_` at its end.
/// - `crc32-hex8-upper`: Atlassian; over the token.
/// - `crc32-le-base64-6`: Confluent; over what follows `cflt`.
/// - `marvin32:SEED`, `marvin32-url:SEED`: Azure's identifiable keys; over the
///   decoded key. The seed is 16 hexadecimal digits.
/// - `cask`: Azure's common annotated keys; over the first 80 characters.
/// - `aad`: client secrets of Entra ID; over the secret.
/// - `bech32-age`: age's secret keys; over what follows `AGE-SECRET-KEY-1`.
/// - `strkey`: Stellar's seeds; over the first 52 characters, of which the last four bits
///   of the payload are left zero.
pub fn check_text(name: &str, over: &[u8]) -> Option<String> {
    let (algorithm, seed) = name.split_once(':').unwrap_or((name, ""));
    let crc = crc32fast::hash(over);
    let before_joiner = over.strip_suffix(b"_").unwrap_or(over);
    match algorithm {
        "crc32-base62-6" => Some(positional(crc, BASE62, 6)),
        "crc32-base36-7" => Some(positional(crc, BASE36, 7)),
        "crc32-hex8" => Some(format!("{:08x}", crc32fast::hash(before_joiner))),
        "crc32-hex8-upper" => Some(format!("{crc:08X}")),
        "crc32-le-base64-6" => Some(STANDARD_NO_PAD.encode(crc.to_le_bytes())),
        "marvin32" => marvin_text(over, seed, &STANDARD_NO_PAD),
        "marvin32-url" => marvin_text(over, seed, &URL_SAFE_NO_PAD),
        "cask" => {
            let seed = u64::from_be_bytes(*b"Default0");
            let key = STANDARD_NO_PAD.decode(over).ok()?;
            let number = marvin32(&key, seed).swap_bytes();
            let digits = positional(number, BASE62, 1);
            Some(format!("{digits:0<6}").chars().take(4).collect())
        }
        "aad" => {
            let number = marvin32(over, u64::from_be_bytes(*b"AadPwd00"));
            Some(positional(number, BASE66, 6).chars().take(3).collect())
        }
        "bech32-age" => Some(bech32(b"age-secret-key-", over)?.to_ascii_uppercase()),
        "strkey" => strkey_text(over),
        _ => None,
    }
}

/// What a checksum covers in a token, and the checksum that stands there.
fn split<'a>(name: &str, token: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (algorithm, _) = name.split_once(':').unwrap_or((name, ""));
    let after_prefix = || {
        let prefix = token.iter().position(|byte| *byte == b'_')?;
        token.get(prefix + 1..)
    };
    match algorithm {
        "crc32-base62-6" => split_end(after_prefix()?, 6),
        "crc32-base36-7" => split_end(token, 7),
        "crc32-hex8" => split_end(after_prefix()?, 8),
        "crc32-hex8-upper" => split_end(token, 8),
        "crc32-le-base64-6" => split_end(token.strip_prefix(b"cflt")?, 6),
        "marvin32" | "marvin32-url" => split_end(without_padding(token), 6),
        "cask" => Some((token.get(..80)?, token.get(80..84)?)),
        "aad" => split_end(token, 3),
        "bech32-age" => split_end(token.strip_prefix(b"AGE-SECRET-KEY-1")?, 6),
        _ => None,
    }
}

fn split_end(token: &[u8], len: usize) -> Option<(&[u8], &[u8])> {
    token.split_at_checked(token.len().checked_sub(len)?)
}

fn without_padding(token: &[u8]) -> &[u8] {
    let kept = token.iter().rposition(|last| *last != b'=').map_or(0, |last| last + 1);
    token.get(..kept).unwrap_or_default()
}

/// A number in an alphabet, most significant digit first, of at least `width`.
fn positional(mut number: u32, alphabet: &[u8], width: usize) -> String {
    let base = u32::try_from(alphabet.len()).unwrap_or(u32::MAX);
    let mut digits = Vec::new();
    while 0 < number || digits.len() < width {
        let digit = usize::try_from(number % base).unwrap_or(0);
        digits.push(char::from(alphabet.get(digit).copied().unwrap_or(b'0')));
        number /= base;
    }
    digits.iter().rev().collect()
}

/// The characters with which a base64 key ends, once the characters before them
/// are known.
///
/// The border need not fall between two bytes; the bits of the byte that it cuts
/// are zero, which is what Azure's keys have there.
fn marvin_text(over: &[u8], seed: &str, encoding: &GeneralPurpose) -> Option<String> {
    let seed = u64::from_str_radix(seed, 16).ok()?;
    let mut padded = over.to_vec();
    padded.resize(over.len().next_multiple_of(4), b'A');
    let mut key = encoding.decode(&padded).ok()?;
    key.truncate((over.len() * 6).div_ceil(8));
    key.extend_from_slice(&marvin32(&key, seed).to_le_bytes());
    Some(encoding.encode(key).get(over.len()..)?.to_owned())
}

/// Marvin32 as .NET has it, its two halves folded into one.
fn marvin32(data: &[u8], seed: u64) -> u32 {
    let bytes = seed.to_le_bytes();
    let [b0, b1, b2, b3, b4, b5, b6, b7] = bytes;
    let mut low = u32::from_le_bytes([b0, b1, b2, b3]);
    let mut high = u32::from_le_bytes([b4, b5, b6, b7]);
    let mut block = |word: u32| {
        low = low.wrapping_add(word);
        high ^= low;
        low = low.rotate_left(20).wrapping_add(high);
        high = high.rotate_left(9) ^ low;
        low = low.rotate_left(27).wrapping_add(high);
        high = high.rotate_left(19);
        low ^ high
    };
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        block(u32::from_le_bytes(*word));
    }
    let mut last = [0; 4];
    for (slot, byte) in last.iter_mut().zip(rest.iter().chain(&[0x80])) {
        *slot = *byte;
    }
    block(u32::from_le_bytes(last));
    block(0)
}

/// The six check characters of BIP 173 over a prefix and data in either case.
fn bech32(prefix: &[u8], data: &[u8]) -> Option<String> {
    let mut values: Vec<u8> = prefix.iter().map(|byte| byte >> 5).collect();
    values.push(0);
    values.extend(prefix.iter().map(|byte| byte & 31));
    for byte in data {
        let value = BECH32.iter().position(|letter| *letter == byte.to_ascii_lowercase())?;
        values.push(u8::try_from(value).ok()?);
    }
    values.extend([0; 6]);
    let generators = [0x3B6A_57B2_u32, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3];
    let mut check = 1_u32;
    for value in values {
        let top = check >> 25;
        check = ((check & 0x01FF_FFFF) << 5) ^ u32::from(value);
        for (bit, generator) in generators.iter().enumerate() {
            check ^= if top >> bit & 1 == 1 { *generator } else { 0 };
        }
    }
    check ^= 1;
    let letter = |place: u32| BECH32.get(usize::try_from(check >> (5 * place) & 31).ok()?);
    (0..6).rev().map(|place| letter(place).map(|byte| char::from(*byte))).collect()
}

/// RFC 4648 §6.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The version of a seed in Stellar's strkey (SEP-23): `S` in front.
const STRKEY_SEED: u8 = 18 << 3;

/// The bytes behind base32, the bits left over at its end in a byte of their own.
fn base32(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8 + 1);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for letter in text {
        let value = BASE32.iter().position(|known| known == letter)?;
        bits = (bits << 5 | u32::try_from(value).ok()?) & 0xFFFF;
        held += 5;
        if 8 <= held {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xFF).ok()?);
        }
    }
    if 0 < held {
        bytes.push(u8::try_from(bits << (8 - held) & 0xFF).ok()?);
    }
    Some(bytes)
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| match crc & 0x8000 {
            0 => crc << 1,
            _ => crc << 1 ^ 0x1021,
        })
    })
}

/// Whether a seed of Stellar carries the CRC-16 of what stands before it.
fn strkey(seed: &[u8]) -> Option<bool> {
    let bytes = base32(seed).filter(|bytes| bytes.len() == 35)?;
    let (over, check) = split_end(&bytes, 2)?;
    Some(over.first() == Some(&STRKEY_SEED) && crc16(over).to_le_bytes() == check)
}

/// The last four characters of a seed of which the others are known.
fn strkey_text(over: &[u8]) -> Option<String> {
    let mut bytes = base32(over).filter(|bytes| bytes.len() == 33)?;
    bytes.extend(crc16(&bytes).to_le_bytes());
    let bits: u64 = bytes.get(30..)?.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte));
    let letter = |place: u32| BASE32.get(usize::try_from(bits >> (5 * place) & 31).ok()?);
    (0..4).rev().map(|place| letter(place).map(|byte| char::from(*byte))).collect()
}

/// Whether a 52-character personal access token of Azure DevOps carries one of
/// the two masked CRC-32 that its issuers scatter over it.
fn ado_pat(token: &[u8]) -> Option<bool> {
    let mut raw = Vec::with_capacity(33);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in token.get(..52)? {
        let value = match byte {
            b'a'..=b'z' => byte - b'a',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        held += 5;
        if 8 <= held {
            held -= 8;
            raw.push(u8::try_from(bits >> held & 0xFF).ok()?);
        }
    }
    let covered = [raw.get(0..2)?, raw.get(3..7)?, raw.get(9..22)?, raw.get(23..32)?].concat();
    let crc = crc32fast::hash(&covered);
    let found = u32::from_le_bytes([*raw.get(22)?, *raw.get(8)?, *raw.get(7)?, *raw.get(2)?]);
    Some(found == crc ^ 0xE0B9_692D || found == crc ^ 0x1019_F92E)
}

/// Whether the last four bytes of a base58 text are those of the double SHA-256
/// over the bytes before.
fn base58check(token: &[u8]) -> Option<bool> {
    // Most significant byte first; short texts only, so the square is small.
    if 128 < token.len() {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for letter in token {
        let mut carry = BASE58.iter().position(|known| known == letter)?;
        for byte in bytes.iter_mut().rev() {
            carry += usize::from(*byte) * 58;
            *byte = u8::try_from(carry & 0xFF).ok()?;
            carry >>= 8;
        }
        while 0 < carry {
            bytes.insert(0, u8::try_from(carry & 0xFF).ok()?);
            carry >>= 8;
        }
    }
    let (over, check) = split_end(&bytes, 4)?;
    let digest = Sha256::digest(Sha256::digest(over));
    Some(digest.get(..4)? == check)
}

#[cfg(test)]
mod tests {
    use super::check_text;
    use super::checksum;

    #[test]
    fn the_published_algorithms_give_the_known_texts() {
        let seed_storage = "marvin32:44656661756c7430";
        let cases = [
            ("crc32-base62-6", "SYNTHETICsyntheticSYNTHETIC001", "3NLuLg"),
            ("crc32-base62-6", "SYNTHETICnpmSYNTHETICnpmSYN001", "0yMbi2"),
            ("crc32-base36-7", "glpat-U1lOVEhFVElDc3ludGhldGljCm86MQp1OnoJ.01.10", "0pbf8jc"),
            ("crc32-hex8", "00synthetic00synthetic00synth001", "e08b564e"),
            ("crc32-hex8", "SyntheticCloudflareTokenBody0SyntheticCl", "9413d889"),
            (
                "crc32-le-base64-6",
                "SyntheticConfluentSecret+SyntheticConfluentSecret+Synt",
                "3g17zw",
            ),
            (
                seed_storage,
                "SyntheticKey0SyntheticKey0SyntheticKey0SyntheticKey0SyntheticKey0SyntheticKe+ASt",
                "snukwA",
            ),
            (
                "cask",
                "SyntheticKeySyntheticKeySyntheticKeySyntheticKey0000JQQJ99CAAAAAAAAAAAAAAAABACOG",
                "3Cow",
            ),
            ("aad", "Syn8Q~SyntheticClientSecret~.-_Synthe", "bl_"),
            ("bech32-age", "QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0S", "WRYDWG"),
        ];
        for (name, over, check) in cases {
            assert_eq!(check_text(name, over.as_bytes()).as_deref(), Some(check), "{name}");
        }
    }

    #[test]
    fn a_border_inside_a_byte_gives_zero_bits_before_the_checksum() {
        // A key of 32 bytes: 37 characters and then six, of which the first is A to P.
        let over = b"SyntheticKey0SyntheticKey0Synthet+ASb";
        let check = check_text("marvin32:53656e6430303030", over).expect("a known seed");
        assert_eq!(check.len(), 6);
        assert!(check.starts_with(|first| ('A'..='P').contains(&first)), "{check}");
    }

    #[test]
    fn a_token_with_another_letter_fails() {
        let whole = ["ghp_", "SYNTHETICsyntheticSYNTHETIC001", "3NLuLg"].concat();
        assert_eq!(checksum("crc32-base62-6", whole.as_bytes()), Some(true));
        assert_eq!(checksum("crc32-base62-6", whole.replace('Y', "Z").as_bytes()), Some(false));
        assert_eq!(checksum("crc32-base62-6", b"nothing"), None);
        assert_eq!(checksum("no-such-name", whole.as_bytes()), None);
    }

    #[test]
    fn the_scattered_and_the_base58_checksums_are_checked_whole() {
        let pat = b"knm3avciivkjp3ktlfhfiscfkreugu2zjzkfcrkujfbtambqgaya";
        assert_eq!(checksum("ado-pat", pat), Some(true));
        let mut wrong = *pat;
        wrong.swap(0, 1);
        assert_eq!(checksum("ado-pat", &wrong), Some(false));
        // The private key of all zeros but the last byte, which is one: BIP 178's example.
        let wif = ["5HpHagT65TZzG1PH3CSu63k8Dbp", "vD8s5ip4nEB3kEsreAnchuDf"].concat();
        assert_eq!(checksum("base58check", wif.as_bytes()), Some(true));
        assert_eq!(checksum("base58check", &wif.as_bytes().repeat(9)), None);
    }
}
