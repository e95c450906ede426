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
    /// The setting, below `processors.redaction`; empty for the whole.
    pub setting: &'static str,
    /// What it does.
    pub what: String,
}

impl Settings {
    /// What the author should know.
    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |setting, what: &str| {
            warnings.push(Warning { setting, what: what.to_owned() });
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
        warnings
    }
}
