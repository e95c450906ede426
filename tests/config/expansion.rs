//! What `${…}` and `$$` mean, by the Collector's rules.

use std::collections::BTreeMap;

use otel_redact::gateway::config::expand::expand;
use otel_redact::scrub::yaml;
use serde::Deserialize;

use crate::environment::Made;

/// One setting of each type that an expansion can be read as.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    text: Option<String>,
    number: Option<i64>,
    on: Option<bool>,
    list: Vec<String>,
    map: BTreeMap<String, String>,
}

fn environment() -> Made {
    Made::new(
        &[
            ("N", "plain"),
            ("EMPTY", ""),
            ("INT", "7"),
            ("OCTAL", "0123"),
            ("TRUE", "true"),
            ("LIST", "[a, b]"),
            ("MAP", "{a: b}"),
            ("X", "N"),
            ("TWICE", "<${env:N}>"),
            ("DOLLARS", "pa$$word"),
            ("LONE", "a$b"),
            ("NO_YAML", "[unclosed: {"),
            ("HASH", "se #cret"),
            ("COLON", "user: name"),
            ("QUOTED", "'x'"),
            ("SELF", "x${env:SELF}"),
            ("SELF_WHOLE", "${env:SELF_WHOLE}"),
            ("WIDE", "[${env:WIDE}, ${env:WIDE}]"),
        ],
        &[("/token", "sesame\n"), ("/map.yaml", "a: b\nc: d\n"), ("/crlf", "x\r\n")],
    )
}

fn read(yaml: &str) -> (Result<Settings, String>, Vec<String>) {
    let mut warnings = Vec::new();
    let settings = yaml::parse(yaml, None)
        .and_then(|mut node| {
            expand(&mut node, &environment(), &mut warnings)?;
            node.read("")
        })
        .map_err(|fault| fault.to_string());
    (settings, warnings)
}

#[test]
fn a_text_gets_what_the_collector_would_give_it() {
    for (written, expected) in [
        ("${env:N}", "plain"),
        ("${N}", "plain"),
        ("'${env:N}'", "plain"),
        ("x${env:N}y", "xplainy"),
        ("${env:N}${env:INT}", "plain7"),
        ("${env:UNSET:-default}", "default"),
        ("${UNSET:-default}", "default"),
        ("${env:N:-default}", "plain"),
        ("${env:EMPTY:-default}", ""),
        ("${env:EMPTY}", ""),
        ("${env:UNSET:-}", ""),
        ("x${env:UNSET}y", "xy"),
        ("'${env:UNSET:-a: b}'", "a: b"),
        ("$$", "$"),
        ("$${env:N}", "${env:N}"),
        ("$$$$", "$$"),
        ("$$$${env:N}", "$${env:N}"),
        ("$$${env:N}", "$plain"),
        ("a$b", "a$b"),
        ("words$", "words$"),
        ("words$$", "words$"),
        ("$1", "$1"),
        ("'${env:N'", "${env:N"),
        ("${env:INT}", "7"),
        ("${env:OCTAL}", "0123"),
        ("n${env:INT}", "n7"),
        ("n${env:OCTAL}", "n0123"),
        ("${env:TRUE}", "true"),
        ("${env:${env:X}}", "plain"),
        ("${env:UNSET:-${env:N}}", "plain"),
        ("${env:TWICE}", "<plain>"),
        ("x${env:TWICE}", "x<plain>"),
        ("${env:DOLLARS}", "pa$word"),
        ("${env:LONE}", "a$b"),
        ("${env:NO_YAML}", "[unclosed: {"),
        ("${env:HASH}", "se #cret"),
        ("${env:COLON}", "user: name"),
        ("${env:MAP}", "{a: b}"),
        ("a${env:MAP}", "a{a: b}"),
        ("${env:QUOTED}", "'x'"),
        ("${file:/token}", "sesame"),
        ("Bearer ${file:/token}", "Bearer sesame"),
        ("${file:/crlf}", "x"),
        ("'${yaml:one}'", "one"),
    ] {
        let (settings, warnings) = read(&format!("text: {written}"));
        let text = settings.map(|settings| settings.text);
        let warns = written.contains("UNSET}");
        assert_eq!(text, Ok(Some(expected.to_owned())), "{written}");
        assert_eq!(warnings.len(), usize::from(warns), "{written}: {warnings:?}");
    }
}

#[test]
fn a_whole_value_has_the_type_of_what_is_put_in() {
    let (settings, warnings) =
        read("number: ${env:INT}\non: ${env:TRUE}\nlist: ${env:LIST}\nmap: ${file:/map.yaml}\n");
    let own = |text: &str| text.to_owned();
    assert_eq!(
        settings,
        Ok(Settings {
            text: None,
            number: Some(7),
            on: Some(true),
            list: vec![own("a"), own("b")],
            map: BTreeMap::from([(own("a"), own("b")), (own("c"), own("d"))]),
        })
    );
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(read("number: ${env:OCTAL}").0.unwrap().number, Some(83));
    assert_eq!(read("list: ${env:N}").0.unwrap().list, ["plain"]);
}

#[test]
fn a_variable_that_is_not_set_is_null_and_warned_of() {
    let (settings, warnings) = read("text: ${env:UNSET}\nnumber: ${env:UNSET}\nlist: ${env:UNSET}");
    assert_eq!(settings, Ok(Settings::default()));
    assert_eq!(
        warnings,
        [
            "text: environment variable UNSET is not set at line 1, column 7; the setting is left empty",
            "number: environment variable UNSET is not set at line 2, column 9; the setting is left empty",
            "list: environment variable UNSET is not set at line 3, column 7; the setting is left empty",
        ]
    );
}

#[test]
fn what_cannot_be_expanded_is_told_without_what_it_held() {
    const NAME: &str = "expected the name of an environment variable in ${…}: a letter or underscore, then letters, digits and underscores";
    for (yaml, fault) in [
        (
            "text: ${vault:x}",
            "text: scheme `vault` is not supported in ${…} at line 1, column 7; accepted: env, file, yaml",
        ),
        (
            "text: ${evn:x}",
            "text: scheme `evn` is not supported in ${…} at line 1, column 7; did you mean `env`? accepted: env, file, yaml",
        ),
        ("text: ${0}", &format!("text: {NAME} at line 1, column 7; write $$ for a dollar sign")),
        (
            "text: a${env:a-b}",
            &format!("text: {NAME} at line 1, column 7; write $$ for a dollar sign"),
        ),
        (
            "list:\n  - a\n  - ${file:/nowhere}",
            "list[1]: cannot read the file in ${file:…}: no such file at line 3, column 5",
        ),
        (
            "text: ${env:SELF}",
            "text: more than 32 expansions within each other at line 1, column 7",
        ),
        (
            "text: ${env:SELF_WHOLE}",
            "text: more than 32 expansions within each other at line 1, column 7",
        ),
        (
            "list: ${env:WIDE}",
            "list: more than 32 expansions within each other at line 1, column 7",
        ),
        ("number: ${env:N}", "number: expected an integer, found a string at line 1, column 9"),
        ("number: 1${env:INT}", "number: expected an integer, found a string at line 1, column 9"),
        ("map: ${env:INT}", "map: expected a map, found an integer at line 1, column 6"),
    ] {
        assert_eq!(read(yaml).0, Err(fault.to_owned()), "{yaml}");
    }
}
