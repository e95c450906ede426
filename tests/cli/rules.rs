//! What `rules` prints is what the repository has.

use crate::program::root;
use crate::program::run;
use crate::program::stderr;
use crate::program::stdout;

#[test]
fn pages_and_schemas_are_those_that_the_program_makes() {
    for (file, command) in [
        ("config/schema/rules.json", &["rules", "schema"][..]),
        ("config/schema/configuration.json", &["rules", "schema", "--configuration"]),
        ("docs/rules.md", &["rules", "reference"]),
        ("docs/packed-rules.md", &["rules", "list", "--markdown"]),
    ] {
        let output = run(command, "");
        assert!(output.status.success(), "{}", stderr(&output));
        let kept = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(kept == stdout(&output), "write anew: otel-redact {} > {file}", command.join(" "));
    }
}

/// A configuration of another scanner, of which some has a counterpart here.
const GITLEAKS: &str = r#"
title = "ours"

[extend]
useDefault = true

[[rules]]
id = "Acme_Token"
description = "token of the Acme's platform"
regex = '''\bacme_([0-9a-z]{24})\b'''
entropy = 3.0
keywords = ["acme_"]
tags = ["acme"]

[[rules.allowlists]]
regexes = ['''^0{4}''']
stopwords = ["example"]

[[rules]]
id = "acme-pair"
regex = '''(?i)[\w.-]{0,50}?(?:acmepair)[ \t]{0,5}(?:=|:)[\s'"]{0,3}([a-z0-9]{32})(?:['"\s;]|$)'''
keywords = ["acmepair"]
path = '''\.env$'''

[[rules]]
id = "hex-of-acme"
regex = '''[0-9a-f]{40}'''
keywords = ["acme"]

[[rules]]
id = "key-files"
path = '''\.p12$'''

[[rules]]
id = "look-ahead"
regex = '''(?=abc)abcd'''

[[rules]]
id = "jwt"
regex = '''own_jwt_[0-9]{8}'''

[[rules]]
id = "pair-of-lines"
regex = '''acme_line_[0-9]{8}'''

[[rules.required]]
id = "acme-token"
withinLines = 3

[[allowlists]]
description = "of the documentation"
targetRules = ["Acme_Token"]
regexes = ['''^doc''']

[[allowlists]]
regexTarget = "line"
regexes = ['''test''']
"#;

#[test]
fn rules_of_gitleaks_become_rules_that_load_and_the_rest_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let toml = folder.path().join("gitleaks.toml");
    std::fs::write(&toml, GITLEAKS).unwrap();
    let output = run(&["rules", "import", toml.to_str().unwrap()], "");
    let told = stderr(&output);
    assert!(output.status.success(), "{told}");
    let expected = [
        "extend: only the rules of this file are imported; the packed rules run beside them",
        "acme-pair: `path`: telemetry has no files, so that the rule applies everywhere",
        "hex-of-acme: left out: expected `anchors` (literals that every match holds) or `keys`, \
         because the pattern begins with no literal and would run at every byte",
        "key-files: left out: it looks at the names of files only, and telemetry has none",
        "look-ahead: left out: its regex: look-around at character 2 of the pattern",
        "jwt: renamed to import-jwt, since a rule has this id",
        "pair-of-lines: `required` has no counterpart",
        "allowlist: `allowlist.regexes` of the line: an allow entry speaks of the value alone",
        "4 of 7 rules imported",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);

    let rules = folder.path().join("imported.yaml");
    std::fs::write(&rules, stdout(&output)).unwrap();
    let set = format!("--set=processors.scrubber.rule_files=[{}]", rules.display());
    let validated = run(&["validate", &set], "");
    assert_eq!((stderr(&validated), validated.status.code()), (String::new(), Some(0)));

    let (random, doubled) = ("q7w3e9r1t5y8u2i4o6p0a1s2", "aaaabbbbaaaabbbbaaaabbbb");
    let pair = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
    let input = format!(
        "a acme_{random} b\na acme_{doubled} b\na acme_doc{} b\nmy_ACMEPAIR = \"{pair}\"\n",
        &random[3..]
    );
    let scrubbed = run(&["scrub", &set], &input);
    let expected = format!(
        "a acme_[redacted:acme-token] b\na acme_{doubled} b\na acme_doc{} b\nmy_ACMEPAIR = \
         \"[redacted:acme-pair]\"\n",
        &random[3..]
    );
    assert_eq!(stdout(&scrubbed), expected, "{}", stdout(&output));
}

#[test]
fn a_test_of_rule_files_says_where_each_fault_is_and_what_no_example_proves() {
    let folder = tempfile::tempdir().unwrap();
    let test = |text: &str| {
        let file = folder.path().join("own.rules.yaml").display().to_string();
        std::fs::write(&file, text).unwrap();
        let output = run(&["rules", "test", &file], "");
        (stdout(&output), stderr(&output).replace(&file, "FILE"), output.status.code())
    };
    let sound = "rules: [{id: a, pattern: 'abcd[0-9]{4}', mask: fingerprint, examples: ['abcd{digits:4}']}]";
    let passed = "1 rules and 1 examples tested, 0 do not hold\n".to_owned();
    assert_eq!(test(sound), (passed, String::new(), Some(0)));
    for (text, told) in [
        (
            "rules:\n- id: a\n  pattern: 'abcd('\n",
            "Error: rules[0].pattern: unclosed group at character 5 of the pattern at line 3, column 12 of FILE\n",
        ),
        (
            "rules: [{id: a, pattern: 'abcd[0-9]{4}'}]\n",
            "Warning: rules[0].examples: `a` has no examples, so that nothing proves it at line 1, column 9 of FILE\n",
        ),
        (
            "rules:\n- id: a\n  pattern: 'abcd[0-9]{4}'\n  examples: [abcd]\n  counterexamples: ['abcd{digits:4}']\n",
            "rules[0].examples[0]: the rule finds nothing in it at line 4, column 14 of FILE; change the rule or the example\n\
             rules[0].counterexamples[0]: the rule finds something in it at line 5, column 21 of FILE; change the rule or the example\n\
             Error: 2 of the examples do not hold\n",
        ),
        (
            "extend: [{rules: [jwtt], dry_run: true}]\n",
            "Error: extend[0].rules[0]: no rule that runs has this id, or one of this form at line 1, column 19 of FILE; did you mean `jwt`? closest: jwt, paseto, biscuit\n",
        ),
    ] {
        let (_, said, _) = test(text);
        assert_eq!(said, told, "{text}");
    }
    std::fs::write(folder.path().join("x.rules.yaml"), b"rules:\n- {id: x, pattern: 'ab\xff'}\n")
        .unwrap();
    let set =
        format!("--set=processors.scrubber.rule_files=[{}/*.rules.yaml]", folder.path().display());
    let told = stderr(&run(&["validate", &set], ""));
    assert!(told.contains("x.rules.yaml: not UTF-8 at line 2"), "{told}");
}

#[test]
fn a_bench_says_what_rules_look_at_find_and_cost() {
    let output = run(&["rules", "bench", "--turns", "1", "--json"], "");
    assert!(output.status.success(), "{}", stderr(&output));
    let rows: Vec<serde_json::Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |rule: &str| rows.iter().find(|row| row["rule"] == rule);
    let database = of("database-url").unwrap();
    assert!(0 < database["matches"].as_u64().unwrap(), "{database}");
    assert!(rows.iter().all(|row| 0 < row["hits"].as_u64().unwrap()), "{rows:?}");
    let table = run(&["rules", "bench", "--turns", "1", "config/sre-own-rules.yaml"], "");
    let text = stdout(&table);
    assert!(text.lines().last().unwrap().contains(" MB/s), "), "{text}");
}
