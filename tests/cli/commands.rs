//! Commands that run to their end.

use crate::program::run;
use crate::program::stderr;
use crate::program::stdout;

/// A token that the shipped rules know, made so that none stands in the source.
fn token() -> String {
    format!("{}_{}", "glpat".replace('_', "-"), "x").replace("_x", "-Zx1aQ9bW2cE7dR5tY8uK")
}

#[test]
fn help_teaches_by_examples() {
    let output = run(&["--help"], "");
    assert!(output.status.success());
    let help = stdout(&output);
    for part in
        ["validate", "scrub", "demo", "selftest", "completions", "--config", "--set", "Examples:"]
    {
        assert!(help.contains(part), "{part}\n{help}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let output = run(&["--version"], "");
    assert_eq!(stdout(&output), format!("otel-redact {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn components_are_listed_as_the_collector_lists_its_own() {
    let output = run(&["components"], "");
    assert!(output.status.success());
    let list: serde_json::Value = otel_redact::scrub::yaml::read(&stdout(&output)).unwrap();
    let processor = |name: &str| {
        let processors = list["processors"].as_array().unwrap();
        processors.iter().find(|one| one["name"] == name).cloned().unwrap_or_default()
    };
    assert_eq!(processor("scrubber")["stability"]["profiles"], "Alpha");
    assert_eq!(processor("redaction")["stability"]["traces"], "Beta");
    assert_eq!(list["receivers"][0]["name"], "otlp");
    assert_eq!(list["exporters"][0]["deprecated_alias"], "otlp");
    assert_eq!(list["providers"][0]["scheme"], "env");
}

#[test]
fn a_right_configuration_is_met_with_silence() {
    let output = run(&["validate"], "");
    assert_eq!((stdout(&output), stderr(&output)), (String::new(), String::new()));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_fault_is_the_last_line_and_the_code_is_one() {
    for arguments in [
        &["validate", "--set", "exporters.debug.verbositi=basic"][..],
        &["--set", "exporters.debug.verbositi=basic"],
        &["run", "--set", "exporters.debug.verbositi=basic"],
    ] {
        let output = run(arguments, "");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let errors = stderr(&output);
        let last = errors.lines().last().unwrap();
        let start = "Error: exporters.debug.verbositi: unknown key in --set \
                     exporters.debug.verbositi; did you mean `verbosity`? accepted: verbosity, ";
        assert!(last.starts_with(start), "{errors}");
    }
}

#[test]
fn a_rule_that_does_not_hold_is_found_by_validate() {
    let rules = "processors.scrubber.rules=[{id: mine, pattern: '['}]";
    let output = run(&["validate", "--set", rules], "");
    assert_eq!(output.status.code(), Some(1));
    let errors = stderr(&output);
    assert!(errors.starts_with("Error: processors.scrubber.rules[0].pattern: "), "{errors}");
}

#[test]
fn a_command_line_that_makes_no_sense_ends_with_two() {
    assert_eq!(run(&["--nonsense"], "").status.code(), Some(2));
}

#[test]
fn gates_of_the_collector_are_ignored_aloud() {
    let output = run(&["validate", "--feature-gates=+a,-b"], "");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "Warning: --feature-gates is ignored: there are no gates\n");
}

#[test]
fn text_is_scrubbed_line_by_line() {
    let token = token();
    let input = format!("clean line\npushing with {token} now\r\n\nlast {token}");
    let output = run(&["scrub"], &input);
    assert!(output.status.success(), "{}", stderr(&output));
    let text = stdout(&output);
    assert_eq!(
        text,
        "clean line\npushing with [redacted:gitlab-pat] now\r\n\nlast [redacted:gitlab-pat]"
    );
}

#[test]
fn files_are_scrubbed_one_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (folder.path().join("one.log"), folder.path().join("other.log"));
    std::fs::write(&one, format!("a {}\n", token())).unwrap();
    std::fs::write(&other, "b\n").unwrap();
    let (one, other) = (one.to_str().unwrap(), other.to_str().unwrap());
    let output = run(&["scrub", "--format", "text", other, one, "-"], "c\n");
    assert_eq!(stdout(&output), "b\na [redacted:gitlab-pat]\nc\n");
    let output = run(&["scrub", "/nowhere.log"], "");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("Error: /nowhere.log: "), "{}", stderr(&output));
}

#[test]
fn requests_in_lines_are_scrubbed_as_requests() {
    let token = token();
    let line = |body: &str| {
        format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{body}"}}}}]}}]}}]}}"#
        )
    };
    let input = format!("{}\n{}\n", line("clean"), line(&format!("with {token}")));
    for format in ["auto", "otlp-json"] {
        let output = run(&["scrub", "--format", format], &input);
        assert!(output.status.success(), "{}", stderr(&output));
        let expected = format!("{}\n{}\n", line("clean"), line("with [redacted:gitlab-pat]"));
        assert_eq!(stdout(&output), expected);
    }
    let output = run(&["scrub", "--format", "otlp-json"], "\n\nno JSON\n");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        stderr(&output),
        "Error: -: line 3: expected an object with resourceSpans, resourceMetrics, resourceLogs or resourceProfiles\n"
    );
}

/// A request whose secret is told by its attribute alone, printed for people.
fn printed(token: &str) -> String {
    let values = format!("[\n{{\"stringValue\": \"{token}\"}}\n]");
    let attribute = format!(
        "{{\n\"key\": \"db.password\",\n\"value\": {{\"arrayValue\": {{\"values\": {values}}}}}\n}}"
    );
    format!(
        "{{\n  \"resourceLogs\": [{{\n\"scopeLogs\": [{{\"logRecords\": [{{\"attributes\": [{attribute}]}}]}}]}}\n]\n}}\n"
    )
}

#[test]
fn a_request_that_goes_on_over_lines_is_scrubbed_as_one() {
    let token = "harbour-walnut-77";
    for format in ["auto", "otlp-json"] {
        let input = format!("{0}{0}", printed(token));
        let output = run(&["scrub", "--format", format], &input);
        assert!(output.status.success(), "{}", stderr(&output));
        let printed = stdout(&output);
        assert!(!printed.contains(token), "{printed}");
        let masked = printed.matches("[redacted:").count();
        assert_eq!((masked, printed.lines().count()), (2, input.lines().count()), "{printed}");
    }
}

#[test]
fn requests_that_cannot_be_read_whole_do_not_pass_as_text() {
    let printed = printed("harbour-walnut-77");
    let cut = printed.rsplit_once(']').expect("a bracket").0;
    let in_array = format!("[\n{}\n]\n", printed.trim());
    // Longer than what is read of a line at once.
    let in_line = format!("[{}{}]", printed.replace('\n', " "), " ".repeat(2 << 20));
    let array = "found an array of them";
    for (input, said) in [(cut, "is not whole"), (&in_array, array), (&in_line, array)] {
        let output = run(&["scrub"], input);
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
        assert!(!stdout(&output).contains("walnut"), "{}", stdout(&output));
    }
}

#[test]
fn other_json_over_lines_is_text_line_by_line() {
    let text =
        "[\n{\n  \"level\": \"info\",\n  \"password\": \"harbour-walnut-77\"\n}\n]\n{\nlast\n";
    let output = run(&["scrub"], text);
    let expected = text.replace("harbour-walnut-77", "[redacted:password-field]");
    assert_eq!(stdout(&output), expected);
}

#[test]
fn a_line_that_only_begins_like_a_request_is_text() {
    let token = token();
    let input = format!("one\n{{\"resourceLogs\":1, {token}}}\nlast {token}\n");
    let output = run(&["scrub"], &input);
    assert!(output.status.success(), "{}", stderr(&output));
    let mask = "[redacted:gitlab-pat]";
    assert_eq!(stdout(&output), format!("one\n{{\"resourceLogs\":1, {mask}}}\nlast {mask}\n"));
    let output = run(&["scrub", "--format", "otlp-json"], &input);
    assert_eq!(output.status.code(), Some(1), "who says what lines are is held to it");
}

#[test]
fn the_demo_ends_by_itself_and_every_credential_is_gone() {
    let output = run(&["demo"], "");
    let page = stdout(&output);
    assert!(output.status.success(), "{page}\n{}", stderr(&output));
    assert!(page.contains("10 of 10 made-up credentials removed"), "{page}");
    assert!(page.contains("What next:"), "{page}");
    assert!(!page.contains('\x1b'), "no colours in a pipe");
}

#[test]
fn completions_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&run(&["completions", shell], ""));
        assert!(script.contains("otel-redact"), "{shell}");
    }
}
