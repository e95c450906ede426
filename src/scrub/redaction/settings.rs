//! The settings, as `processors.redaction` in the YAML spells them.
//!
//! Names, defaults and meanings are the Collector's
//! (contrib `processor/redactionprocessor/config.go`).

use serde::Deserialize;

/// `processors.redaction`. The default removes every attribute.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Whether `allowed_keys` is not asked.
    pub allow_all_keys: bool,
    /// Keys that stay; all others are removed.
    pub allowed_keys: Vec<String>,
    /// Keys whose values become a mask, as patterns.
    pub blocked_key_patterns: Vec<String>,
    /// What takes the place of a match instead of a mask.
    pub hash_function: HashFunction,
    /// The key of `hmac-sha256` (32 bytes and more) and `hmac-sha512` (64 and more).
    pub hmac_key: HmacKey,
    /// Keys that are left alone.
    pub ignored_keys: Vec<String>,
    /// The same, as patterns.
    pub ignored_key_patterns: Vec<String>,
    /// Whether values that are no text are looked at as the text that they make.
    pub redact_all_types: bool,
    /// What is masked in values, as patterns.
    pub blocked_values: Vec<String>,
    /// Values with a match of one of these are left alone, as patterns.
    pub allowed_values: Vec<String>,
    /// Texts of database commands, of which the values go.
    pub db_sanitizer: DbSanitizer,
    /// `debug`: the names of keys and how many; `info`: how many. Anything else:
    /// nothing.
    pub summary: String,
    /// URLs, of which ids and queries go.
    pub url_sanitizer: UrlSettings,
    /// What takes the place of a match; empty for `****`.
    pub masking_string: String,
}

/// What matches are replaced by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum HashFunction {
    /// The mask.
    #[default]
    None,
    /// MD5 in hexadecimal digits.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA3-256.
    Sha3,
    /// HMAC-SHA-256 under `hmac_key`.
    HmacSha256,
    /// HMAC-SHA-512 under `hmac_key`.
    HmacSha512,
}

impl TryFrom<String> for HashFunction {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Ok(match name.to_ascii_lowercase().as_str() {
            "" => Self::None,
            "md5" => Self::Md5,
            "sha1" => Self::Sha1,
            "sha3" => Self::Sha3,
            "hmac-sha256" => Self::HmacSha256,
            "hmac-sha512" => Self::HmacSha512,
            _ => return Err("expected one of md5, sha1, sha3, hmac-sha256, hmac-sha512"),
        })
    }
}

/// The key of keyed hashes. Never printed.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct HmacKey(String);

impl HmacKey {
    pub(in crate::scrub::redaction) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// `url_sanitizer`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UrlSettings {
    /// Whether it runs; in log bodies on every text.
    pub enabled: bool,
    /// The attributes that hold URLs.
    pub attributes: Vec<String>,
    /// Whether it runs on names of HTTP spans; it does where nothing is said.
    pub sanitize_span_name: Option<bool>,
}

/// `db_sanitizer`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DbSanitizer {
    /// SQL.
    pub sql: DbSettings,
    /// Redis commands.
    pub redis: DbSettings,
    /// Valkey commands.
    pub valkey: DbSettings,
    /// Memcached commands.
    pub memcached: DbSettings,
    /// MongoDB's JSON.
    pub mongo: DbSettings,
    /// OpenSearch's JSON; `attributes` say nothing here, as in the Collector.
    pub opensearch: DbSettings,
    /// Elasticsearch's JSON; `attributes` say nothing here, as in the Collector.
    pub es: DbSettings,
    /// Whether names of database spans are sanitized; they are where nothing is said.
    pub sanitize_span_name: Option<bool>,
}

/// One kind of database under `db_sanitizer`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DbSettings {
    /// Whether it runs; in log bodies on every text.
    pub enabled: bool,
    /// The attributes that hold commands.
    pub attributes: Vec<String>,
}

/// How much of what was done is written into the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub::redaction) enum Summary {
    Debug,
    Info,
    Silent,
}

impl Summary {
    pub(in crate::scrub::redaction) fn of(name: &str) -> Self {
        match name {
            "debug" => Self::Debug,
            "info" => Self::Info,
            _ => Self::Silent,
        }
    }

    pub(in crate::scrub::redaction) fn enabled(self) -> bool {
        self != Self::Silent
    }
}

/// Something that the author of the settings should know: they do what they say, and
/// that may not be what was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The setting, below `processors.redaction`, such as `blocked_values[1]`; empty for
    /// the whole.
    pub setting: String,
    /// What it does.
    pub what: String,
}

impl Settings {
    /// What the author should know.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |setting: &str, what: &str| {
            warnings.push(Warning { setting: setting.to_owned(), what: what.to_owned() });
        };
        if !matches!(self.summary.as_str(), "" | "silent" | "info" | "debug") {
            warn(
                "summary",
                "this is no name of a summary, so none is written; accepted: debug, info, silent",
            );
        }
        if self.summary == "debug" {
            warn("summary", "`debug` writes the names of removed keys into the data");
        }
        if !self.allow_all_keys && self.allowed_keys.is_empty() {
            warn(
                "",
                "neither `allow_all_keys` nor `allowed_keys` is set, so every attribute is removed",
            );
        }
        if matches!(self.hash_function, HashFunction::Md5 | HashFunction::Sha1 | HashFunction::Sha3)
        {
            warn(
                "hash_function",
                "hashes without a key can be reversed by trying short values; hmac-sha256 cannot",
            );
        }
        if self.url_sanitizer.enabled {
            warn("url_sanitizer", "it runs over every log body, too, and turns most into `*`");
        }
        self.warn_of_leaks(&mut warn);
        warnings
    }

    /// Where the Collector leaks, and so does this.
    fn warn_of_leaks(&self, warn: &mut impl FnMut(&str, &str)) {
        if !self.blocked_values.is_empty() && !self.redact_all_types {
            warn(
                "redact_all_types",
                "as in the Collector, attributes that are numbers, lists, maps or bytes are not \
                 looked at; with `true` they are, all but bytes",
            );
        }
        let blocks = !self.blocked_values.is_empty() || !self.blocked_key_patterns.is_empty();
        if let Some(at) =
            self.allowed_values.iter().position(|pattern| blocks && !is_whole(pattern))
        {
            warn(
                &format!("allowed_values[{at}]"),
                "as in the Collector, one match anywhere lets the whole value pass, whatever else \
                 is in it; put the pattern between `^` and `$`",
            );
        }
        if let Some(at) = self.blocked_values.iter().position(|pattern| ends_with_line(pattern)) {
            warn(
                &format!("blocked_values[{at}]"),
                "as in the Collector, `.` ends where a line does, and further lines stay; begin \
                 with `(?s)` to mask them, too",
            );
        }
    }
}

/// Whether a pattern matches whole texts only, as far as its ends tell.
fn is_whole(pattern: &str) -> bool {
    let begins = pattern.starts_with('^') || pattern.starts_with("\\A");
    begins && (pattern.ends_with('$') && !pattern.ends_with("\\$") || pattern.ends_with("\\z"))
}

/// Whether a pattern masks as much as there is (`.*`, `.+`), and stops at the end of a line.
fn ends_with_line(pattern: &str) -> bool {
    let end = pattern.trim_end_matches(['$', ')', '?']);
    let takes_all = end.strip_suffix(".*").or_else(|| end.strip_suffix(".+"));
    let takes_all = takes_all.is_some_and(|before| {
        before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0
    });
    let flags = pattern.strip_prefix("(?").and_then(|rest| rest.split([')', ':']).next());
    let is_flags = |flags: &&str| flags.bytes().all(|byte| byte.is_ascii_alphabetic());
    takes_all && !flags.filter(is_flags).is_some_and(|flags| flags.contains('s'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_takes_the_rest_of_a_line_leaves_the_next_and_is_warned_of() {
        for (pattern, warned) in [
            ("password=.*", true),
            ("(password=.+)", true),
            ("^.*$", true),
            ("(?i)key: .*?", true),
            ("(?s)password=.*", false),
            ("(?is:password=.*)", false),
            ("4[0-9]{15}", false),
            (".*@example[.]com", false),
            (r"a\.*", false),
            (r"a\\.*", true),
        ] {
            assert_eq!(ends_with_line(pattern), warned, "{pattern}");
        }
    }

    #[test]
    fn a_search_in_allowed_values_is_warned_of_where_something_is_blocked() {
        for (pattern, whole) in [
            (".+@mycompany.com", false),
            ("^.+@mycompany.com$", true),
            (r"\Ayes\z", true),
            ("^yes", false),
            (r"^1\$", false),
        ] {
            let settings = Settings {
                allow_all_keys: true,
                redact_all_types: true,
                allowed_values: vec![pattern.to_owned()],
                blocked_values: vec!["x".to_owned()],
                ..Settings::default()
            };
            assert_eq!(settings.warnings().is_empty(), whole, "{pattern}");
            let nothing = Settings { blocked_values: Vec::new(), ..settings };
            assert_eq!(nothing.warnings(), [], "{pattern}");
        }
    }
}
