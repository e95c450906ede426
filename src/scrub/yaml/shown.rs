//! What of a configuration may be shown to people: what can only be a name.
//!
//! A token that was pasted a line too high stands as a key, as the name of a component or
//! as a word where one of a few is accepted; and then whoever says what is wrong with it
//! would repeat it. So nothing is shown that could be a credential, and `…` stands for it;
//! the line and the column lead to it.
//!
//! There are two notions. A *name* is what someone called something of theirs: it may hold
//! digits, but few, in the places where names have them. An *unknown word* should have been
//! one of a few and is none, so that nothing vouches for it: it is shown if it is nearly
//! one of them, or made of letters as words are.
//!
//! Deliberately absent: rules. What they find is no name here, and these texts are shown
//! where no detector is at hand.

use std::borrow::Cow;

use crate::scrub::random::is_uuid;
use crate::scrub::random::looks_random;
use crate::scrub::yaml::closest;

/// What stands for what is not shown.
const HIDDEN: &str = "…";

/// The longest name and the longest unknown word, in bytes.
const NAME_LEN_MAX: usize = 64;
const WORD_LEN_MAX: usize = 40;

/// The longest part of one, between the signs that join parts, in bytes.
const NAME_PART_LEN_MAX: usize = 24;
const WORD_PART_LEN_MAX: usize = 16;

/// How many digits a part of a name has at most: `rfc5424`, `2024`.
const PART_DIGITS_MAX: usize = 4;

/// How many digits a number at the end of an unknown word has at most: `otlp/2`.
const WORD_DIGITS_MAX: usize = 3;

/// Up to how many letters a part of a name is not judged by how they follow each other, in
/// bytes: names have abbreviations.
const UNTOLD_LEN_MAX: usize = 12;

/// How many words a part has at most whose capitals begin words, and how many letters they
/// have at least, taken together.
const WORDS_MAX: usize = 5;
const WORD_LETTERS_MIN: usize = 3;

/// From how many letters on a part of a word is spoken, and so has a vowel.
const SPOKEN_LEN_MIN: usize = 6;

/// The shortest text that counts as drawn where names stand, in bytes: that of the keys of
/// cloud providers.
const DRAWN_LEN_MIN: usize = 16;

/// The length of an identifier of the kind ULID, in bytes.
const ULID_LEN: usize = 26;

/// What joins the parts of a name.
const JOINERS: [char; 5] = ['_', '-', '.', '/', ':'];

/// A name, or what stands for what is none.
pub fn name(name: &str) -> &str {
    if is_name(name) { name } else { HIDDEN }
}

/// A word that is none of those that are accepted, or what stands for it.
pub fn unknown<'w>(word: &'w str, accepted: &[&str]) -> &'w str {
    if closest::is_close(word, accepted) || is_word(word) { word } else { HIDDEN }
}

/// A path of a YAML as far as it consists of names. A key that cannot be one, and what is
/// below it, is left out: commonly it is a value that was taken for a key, such as the
/// whole line of a header.
pub fn path(path: &str) -> Cow<'_, str> {
    let is_step = |step: &str| {
        let (key, elements) = step.split_at(step.find('[').unwrap_or(step.len()));
        let is_index = |c: char| c.is_ascii_digit() || "[]".contains(c);
        (key.is_empty() || is_name(key)) && elements.chars().all(is_index)
    };
    let mut end = 0;
    for step in path.split('.') {
        if !is_step(step) {
            let above = path.get(..end).unwrap_or_default();
            return format!("{above}{HIDDEN}").into();
        }
        end += step.len() + 1;
    }
    path.into()
}

/// The path of a file, without the parts that cannot be names.
pub fn file(file: &str) -> Cow<'_, str> {
    let is_part = |part: &str| matches!(part, "" | "." | ".." | "~") || is_name(part);
    if file.split('/').all(is_part) {
        return file.into();
    }
    // Base64 has slashes, too.
    if !file.starts_with(['/', '.']) {
        return HIDDEN.into();
    }
    let parts = file.split('/').map(|part| if is_part(part) { part } else { HIDDEN });
    parts.collect::<Vec<_>>().join("/").into()
}

/// The address of a host, with its port, or what stands for what is none.
pub fn address(address: &str) -> &str {
    let is_port = |port: &str| port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_host = |host: &str| match host.strip_prefix('[') {
        // IPv6.
        Some(host) => {
            host.bytes().all(|byte| byte.is_ascii_hexdigit() || b":]".contains(&byte))
                && 2 <= host.matches(':').count()
        }
        None => host.is_empty() || is_name(host),
    };
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    if is_host(host) && is_port(port) { address } else { HIDDEN }
}

/// Whether what someone called something looks like a long credential that was drawn at
/// random. The identifiers that programs draw for their things (UUID, ULID, the ends of
/// the names of pods) are none.
pub fn is_drawn(name: &str) -> bool {
    let is_ulid = |part: &str| {
        part.len() == ULID_LEN
            && part.starts_with('0')
            && part.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
    };
    let is_secret =
        |part: &str| DRAWN_LEN_MIN <= part.len() && looks_random(part.as_bytes()) && !is_ulid(part);
    !is_uuid(name.as_bytes()) && name.split(['/', '.', ':', '_']).any(is_secret)
}

/// Whether a text can only be what someone called something.
fn is_name(text: &str) -> bool {
    let parts = || text.split(JOINERS).filter(|part| !part.is_empty());
    matches!(text, "<<" | "*")
        || text.len() <= NAME_LEN_MAX
            && parts().all(is_name_part)
            && (parts().all(is_short) || !looks_random(text.as_bytes()))
}

fn is_name_part(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    // From a digit to a letter: `k8s`, `v1beta1`; drawn texts do it over and over.
    let pairs = || part.bytes().zip(part.bytes().skip(1));
    let returns = pairs().filter(|(a, b)| a.is_ascii_digit() && b.is_ascii_alphabetic()).count();
    let is_mixed = part.bytes().skip(1).any(|b| b.is_ascii_uppercase())
        && part.bytes().any(|b| b.is_ascii_lowercase());
    part.len() <= NAME_PART_LEN_MAX
        && part.chars().all(char::is_alphanumeric)
        && digits <= PART_DIGITS_MAX
        && returns <= 1
        && (!is_mixed || digits == 0 && is_camel(part))
        && (is_short(part) || !looks_random(part.as_bytes()))
}

/// Whether a part is too short to tell whether its letters were drawn: `htpasswd`.
fn is_short(part: &str) -> bool {
    part.len() <= UNTOLD_LEN_MAX && !part.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether capitals begin words of several letters: `maxIdle`, not `mAxIdLe`.
fn is_camel(part: &str) -> bool {
    let is_upper: Vec<bool> = part.bytes().map(|b| b.is_ascii_uppercase()).collect();
    let words = 1 + is_upper.windows(2).filter(|two| matches!(two, [false, true])).count();
    words <= WORDS_MAX && WORD_LETTERS_MIN * words <= part.len() + 1
}

/// Whether a text of which nothing is known is made of letters as words are.
fn is_word(text: &str) -> bool {
    let parts: Vec<&str> = text.split(JOINERS).filter(|part| !part.is_empty()).collect();
    let Some((last, others)) = parts.split_last() else { return false };
    let is_number = last.bytes().all(|byte| byte.is_ascii_digit()) && last.len() <= WORD_DIGITS_MAX;
    text.len() <= WORD_LEN_MAX
        && is_name(text)
        && others.iter().all(|part| is_word_part(part))
        && (is_word_part(last) || is_number && !others.is_empty())
}

fn is_word_part(part: &str) -> bool {
    let has_vowel = || part.bytes().any(|b| b"aeiouyAEIOUY".contains(&b));
    part.len() <= WORD_PART_LEN_MAX
        && part.bytes().all(|b| b.is_ascii_alphabetic())
        && (part.len() < SPOKEN_LEN_MIN || has_vowel() && !looks_random(part.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::rule::template::expand;

    /// What people call things, a blank between.
    const NAMES: &str = "otlp otlp_grpc/backend otlp/2 memory_limiter x-api-key traces/eu-west-1a
        otlp_http/tenant-a k8s v1beta1 http.request.header.authorization oauth2client
        otlphttp/grafana_cloud DT_API_TOKEN service.instance.id größe x509 sha256 rfc5424
        htpasswd otlphttp anyOf maxIdleConnsPerHost read_buffer_size max_recv_msg_size_mib sendingQueue <<";

    /// Words that someone thought to be settings.
    const WORDS: &str = "endpont retry_policy kafka brokers redact sendingQueue max-size nop/2
        proxy_url num_workers useTls https";

    /// Of many kinds: drawn in several alphabets, of providers, with signs, and chosen.
    const SECRETS: &[&str] = &[
        "ghp_{base62:36}",
        "glpat-{base64url:20}",
        "AKIA{base32-upper:16}",
        "{hex-lower:32}",
        "{hex-lower:16}",
        "{base62:24}",
        "{base62:12}",
        "{alpha-lower:16}",
        "{base64url:43}",
        "otlp/{base62:24}",
        "a.{base62:24}.b",
    ];

    #[test]
    fn names_are_shown() {
        for text in NAMES.split_whitespace() {
            assert_eq!((name(text), path(text).as_ref()), (text, text));
        }
        for text in WORDS.split_whitespace() {
            assert_eq!(unknown(text, &["endpoint"]), text);
        }
        assert_eq!(
            path("processors.scrubber.rules[3].allow[0][1]"),
            "processors.scrubber.rules[3].allow[0][1]"
        );
    }

    #[test]
    fn what_could_be_a_credential_is_not() {
        for template in SECRETS {
            for seed in 0..50 {
                let text = expand(template, seed).unwrap();
                assert_eq!(unknown(&text, &["endpoint"]), HIDDEN, "{text}");
            }
        }
        for text in [
            "Tr0ub4dor&3",
            "p@ssw0rd",
            "correct horse",
            "hunter2",
            "",
            "a=b",
            "Zq!x9",
            "tr0ub4dor",
            "winter2024",
            "qzxkvw",
            "aBcDeF",
        ] {
            assert_eq!(unknown(text, &["endpoint"]), HIDDEN, "{text}");
        }
    }

    #[test]
    fn a_path_ends_before_what_is_no_name() {
        for (whole, shown) in [
            ("exporters.otlp.headers.x-key", "exporters.otlp.headers.x-key"),
            ("exporters.otlp.Authorization: Bearer x.y", "exporters.otlp.…"),
            ("a=b.c", "…"),
            ("exporters.nop/.endpoint", "exporters.nop/.endpoint"),
        ] {
            assert_eq!(path(whole), shown);
        }
        for shown in
            ["localhost:13133", ":8888", "[::1]:1", "10.0.0.1:4317", "gateway.example.com:443"]
        {
            assert_eq!(address(shown), shown);
        }
        assert_eq!(address("user:pa$s@host:1"), HIDDEN);
        for (whole, shown) in [
            ("gateway.yaml", "gateway.yaml"),
            ("/etc/otel-redact/tls/ca.pem", "/etc/otel-redact/tls/ca.pem"),
            ("/tmp/.tmpA1b2C3d4/a.yaml", "/tmp/…/a.yaml"),
            ("dir/a=b", "…"),
            ("exporters: {otlp: }", "…"),
        ] {
            assert_eq!(file(whole), shown);
        }
    }
}
