//! Names of components and pipelines.

use std::fmt;

use crate::scrub::Signal;
use crate::scrub::yaml::shown;

/// The longest name, in characters (Collector, `component/identifiable.go`).
const NAME_CHARS_MAX: usize = 1024;

/// The longest type, in characters (same source).
const KIND_CHARS_MAX: usize = 63;

/// `type` or `type/name`.
///
/// Invariant: the type is a letter and up to 62 letters, digits and underscores;
/// the name, if any, is at most 1024 characters with no separators, control or
/// symbol characters (Collector, `component/identifiable.go`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct ComponentId {
    kind: String,
    name: String,
}

impl ComponentId {
    /// The type: `otlp` of `otlp/2`.
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

impl TryFrom<String> for ComponentId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (kind, name) = match text.split_once('/') {
            Some((kind, name)) => (kind.trim(), Some(name.trim())),
            None => (text.trim(), None),
        };
        if kind.is_empty() {
            return Err("expected a type, or type/name");
        }
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let starts = kind.starts_with(|c: char| c.is_ascii_alphabetic());
        if !starts || !kind.chars().all(word) || KIND_CHARS_MAX < kind.len() {
            return Err("expected a type of a letter and up to 62 letters, digits and underscores");
        }
        match name {
            Some("") => Err("expected a name after the slash"),
            Some(name) if NAME_CHARS_MAX < name.chars().count() => {
                Err("expected a name of at most 1024 characters")
            }
            Some(name) if !name.chars().all(in_name) => {
                Err("expected a name without blanks, control characters and symbols")
            }
            _ if shown::is_drawn(kind) || name.is_some_and(shown::is_drawn) => Err(
                "expected a name, not what looks drawn at random: names stand in logs and metrics",
            ),
            name => Ok(Self { kind: kind.to_owned(), name: name.unwrap_or_default().to_owned() }),
        }
    }
}

/// Whether a character may stand in a name: Go's `[^\pZ\pC\pS]`. Beyond ASCII, the
/// blocks that hold symbols stand for the class.
fn in_name(c: char) -> bool {
    let symbol = match c {
        '\0'..='\x7f' => "$+<=>^`|~".contains(c),
        '¢'..='¦' | '¨' | '©' | '¬' | '®'..='±' | '´' | '¸' | '×' | '÷' => true,
        '\u{20a0}'..='\u{20cf}' | '\u{2100}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}' => true,
        _ => false,
    };
    !symbol && !c.is_whitespace() && !c.is_control()
}

impl fmt::Display for ComponentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.name.is_empty() {
            write!(f, "/{}", self.name)?;
        }
        Ok(())
    }
}

/// `traces`, `metrics`, `logs` or `profiles`, with `/name` or without.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct PipelineId {
    /// What the pipeline carries.
    pub signal: Signal,
    /// The part after the slash, or nothing.
    pub name: String,
}

impl TryFrom<String> for PipelineId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let ComponentId { kind, name } = text.try_into()?;
        let signal = Signal::ALL.into_iter().find(|signal| signal.name() == kind);
        let signal = signal
            .ok_or("expected traces, metrics, logs or profiles, or one of them with /name")?;
        Ok(Self { signal, name })
    }
}

impl fmt::Display for PipelineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.signal.name())?;
        if !self.name.is_empty() {
            write!(f, "/{}", self.name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_the_collector_reads_them() {
        for (text, shown) in [
            ("otlp", "otlp"),
            ("otlp/2", "otlp/2"),
            (" otlp / two ", "otlp/two"),
            ("otlp/a/b", "otlp/a/b"),
            ("otlp/eu-west.1:x", "otlp/eu-west.1:x"),
            ("otlp/größe", "otlp/größe"),
            ("o_1/ü", "o_1/ü"),
        ] {
            let id = ComponentId::try_from(text.to_owned());
            assert_eq!(id.map(|id| id.to_string()), Ok(shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_the_collector_refuses_as_an_id_is_refused() {
        let long = "a".repeat(64);
        let long_name = format!("otlp/{}", "a".repeat(1025));
        for text in [
            "",
            "/",
            "otlp/",
            "/2",
            "2otlp",
            "_otlp",
            "ot lp",
            "otlp-x",
            &long,
            &long_name,
            "otlp/a b",
            "otlp/a\u{7}",
            "otlp/a$",
            "otlp/a+b",
            "otlp/€",
            "otlp/→",
        ] {
            assert!(ComponentId::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_pipeline_is_named_by_its_signal() {
        let id = PipelineId::try_from("logs/audit".to_owned()).unwrap();
        assert_eq!((id.signal, id.to_string().as_str()), (Signal::Logs, "logs/audit"));
        assert!(PipelineId::try_from("spans".to_owned()).is_err());
    }
}
