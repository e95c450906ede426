//! YAML text to a typed value, or the first fault with its path, line and column.
//!
//! A text becomes a tree of [`Node`]s that remember where they stood; a tree can
//! be changed (expanded, merged) and is then read as a `T` through serde. A fault
//! found at any of these steps still names the line of the file.
//!
//! The dialect is YAML 1.2 with what the Collector adds or refuses: `yes` is a
//! string; a number is no string and a quoted number no number; duplicate keys are
//! faults; `<<` merges; a scalar where a list is due is a list of one; null means
//! the default.
//!
//! Deliberately absent: any fault that repeats a value of the file.

pub mod closest;
pub mod comments;
mod fault;
mod node;
mod origin;
mod parse;
mod placed;
pub mod shown;
mod typed;
pub mod write;

pub use fault::YamlError;
pub use node::Entry;
pub use node::Form;
pub use node::Node;
pub use node::Place;
pub use node::Scalar;
pub use node::Unset;
pub use node::Value;
pub use origin::Origin;
pub use parse::parse;
pub use placed::Placed;

use serde::de::DeserializeOwned;

/// Reads a `T`.
///
/// # Errors
///
/// The first fault in `yaml`.
pub fn read<T: DeserializeOwned>(yaml: &str) -> Result<T, YamlError> {
    parse(yaml, None)?.read("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Sample {
        endpoint: String,
        port: u16,
        some: Option<std::num::NonZeroU32>,
        small: i8,
        ratio: f64,
        names: Vec<String>,
        on: bool,
        mode: Mode,
        inner: Option<Inner>,
        any: Option<Inner>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Mode {
        #[default]
        Drop,
        Refuse,
        Level(u8),
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        path: String,
    }

    #[test]
    fn faults_name_the_path_and_the_line_and_never_the_value() {
        let mut failures = Vec::new();
        for (yaml, fault) in [
            (
                "endpont: x",
                "endpont: unknown key at line 1, column 1; did you mean `endpoint`? accepted: endpoint, port, some, small, ratio, names, on, mode, inner, any",
            ),
            ("port: 70000", "port: expected an integer from 0 to 65535 at line 1, column 7"),
            (
                "port: '80'",
                "port: expected an integer from 0 to 65535, found a string at line 1, column 7",
            ),
            ("port: -1", "port: expected an integer from 0 to 65535 at line 1, column 7"),
            (
                "port: 1.5",
                "port: expected an integer from 0 to 65535, found a number with a point at line 1, column 7",
            ),
            ("some: 0", "some: expected an integer from 1 to 4294967295 at line 1, column 7"),
            ("some: -1", "some: expected an integer from 1 to 4294967295 at line 1, column 7"),
            // A value that was taken for a key.
            ("inner: {Bearer abc}", "inner.…: unknown key at line 1, column 9; accepted: path"),
            (
                "{'a: b.c d': 1}",
                "…: unknown key at line 1, column 2; accepted: endpoint, port, some, small, ratio, names, on, mode, inner, any",
            ),
            ("small: 200", "small: expected an integer from -128 to 127 at line 1, column 8"),
            ("ratio: fast", "ratio: expected a number, found a string at line 1, column 8"),
            (
                "endpoint: 5",
                "endpoint: expected a string, found an integer at line 1, column 11; put it in quotes",
            ),
            (
                "endpoint: true",
                "endpoint: expected a string, found a boolean at line 1, column 11; put it in quotes",
            ),
            ("endpoint: [a]", "endpoint: expected a string, found a list at line 1, column 11"),
            ("on: yes", "on: expected true or false, found a string at line 1, column 5"),
            ("on: 1", "on: expected true or false, found an integer at line 1, column 5"),
            ("names: {a: b}", "names: expected a list, found a map at line 1, column 8"),
            (
                "names: [a, 5]",
                "names[1]: expected a string, found an integer at line 1, column 12; put it in quotes",
            ),
            (
                "mode: refuze",
                "mode: unknown value at line 1, column 7; did you mean `refuse`? accepted: drop, refuse, level",
            ),
            (
                "mode: {levle: 1}",
                "mode.levle: unknown key at line 1, column 8; did you mean `level`? accepted: drop, refuse, level",
            ),
            (
                "mode: {level: 300}",
                "mode.level: expected an integer from 0 to 255 at line 1, column 15",
            ),
            (
                "inner:\n  pat: 1",
                "inner.pat: unknown key at line 2, column 3; did you mean `path`? accepted: path",
            ),
            ("inner: {}", "inner: missing key `path` at line 1, column 8"),
            ("inner: {path: null}", "inner: missing key `path` at line 1, column 8"),
            ("inner: 7", "inner: expected a map, found an integer at line 1, column 8"),
            ("port: 1\nport: 2", "port: duplicate key at line 2, column 1"),
            ("inner:\n  path: a\n  path: b", "inner.path: duplicate key at line 3, column 3"),
            ("- a", ".: expected a map, found a list at line 1, column 1"),
            ("a: [1", "a: a bracket is not closed at line 1, column 4"),
            ("a: b: c", ".: a mapping value is not allowed here at line 1, column 5"),
            ("a: *x", "a: while parsing node, found unknown anchor at line 1, column 4"),
            ("a: !secret x", "a: expected no tag at line 1, column 12"),
            ("a: 1\n---\nb: 1", ".: expected one YAML document at line 2, column 1"),
            ("? [a]\n: b", ".: expected a plain key at line 1, column 3"),
            ("<<: 5", "<<: expected a map to merge at line 1, column 5"),
        ] {
            let got = read::<Sample>(yaml).map_err(|err| err.to_string());
            if got != Err(fault.to_owned()) {
                failures.push(format!("{yaml}\n  expected {fault}\n  got {got:?}"));
            }
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    #[test]
    fn values_are_read_as_the_collector_reads_them() {
        let sample: Sample = read(
            "endpoint: 'a: b'\nport: 0x10\nsmall: -5\nratio: 3\nnames: one\non: true\n\
             mode: {level: 3}\ninner: &i {path: p}\nany: *i\n",
        )
        .unwrap();
        assert_eq!(
            sample,
            Sample {
                endpoint: "a: b".to_owned(),
                port: 16,
                some: None,
                small: -5,
                ratio: 3.0,
                names: vec!["one".to_owned()],
                on: true,
                mode: Mode::Level(3),
                inner: Some(Inner { path: "p".to_owned() }),
                any: Some(Inner { path: "p".to_owned() }),
            }
        );
        assert_eq!(read::<Sample>("port: 0123").unwrap().port, 83);
        assert_eq!(read::<Sample>("").unwrap(), Sample::default());
        assert_eq!(
            read::<Sample>("endpoint: null\nport: ~\non:\nnames:\nmode:\ninner:").unwrap(),
            Sample::default()
        );
        assert_eq!(
            read::<Sample>("<<: {port: 1, small: 2}\nport: 3").unwrap(),
            Sample { port: 3, small: 2, ..Sample::default() }
        );
    }

    #[test]
    fn aliases_cannot_grow_a_text_without_end() {
        let mut yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let below = format!("*a{}", level - 1);
            let list = vec![below; 10].join(", ");
            yaml.push_str(&format!("a{level}: &a{level} [{list}]\n"));
        }
        let fault = parse(&yaml, None).unwrap_err();
        assert!(fault.expected.starts_with("more than 500000 values"), "{fault}");
    }
}
