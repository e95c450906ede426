//! Why something is masked, and why something is not.

use crate::program::run;
use crate::program::stdout;

fn explain(arguments: &[&str], input: &str) -> String {
    let output = run(&[&["explain"], arguments].concat(), input);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    stdout(&output)
}

fn token() -> String {
    ["ghp_", "0123456789abcdefghijABCDEFGHIJ2Tq4hk"].concat()
}

#[test]
fn a_match_is_explained_and_never_shown() {
    let base64 = {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.encode(format!("user {} of ours", token()))
    };
    for (text, parts) in [
        (
            format!("push {} now", token()),
            &[
                "masked by github-pat-classic: 40 bytes at byte 5, as [redacted:github-pat-classic]",
                "told by the pattern",
                "[A-Za-z0-9punctuation]",
            ][..],
        ),
        (
            format!("data={base64}"),
            &["masked by github-pat-classic", "of what base64 says", "the mask inside"],
        ),
        (
            "password=hunter2hunter2".to_owned(),
            &["told by the key", "14 bytes of [a-z0-9] at byte 9"],
        ),
    ] {
        let said = explain(&[], &text);
        assert!(parts.iter().all(|part| said.contains(part)), "{text}\n{said}");
        assert!(!said.contains("hunter2") && !said.contains("0123456789"), "{said}");
    }
}

#[test]
fn what_is_not_masked_says_what_stopped_it() {
    let dry = "yaml:processors::scrubber::extend: [{rules: [github-pat-classic], dry_run: true}]";
    let own = "yaml:processors::scrubber::rules: [{id: acme, pattern: 'acme_[0-9]{8}', where: {signals: [logs]}, near: {words: [deploy]}}]";
    let allow = "yaml:processors::scrubber::allow: [{pattern: 'acme_[0-9]+', owner: ana, reason: of the docs}]";
    let default = "config/default.yaml";
    let plain = "yaml:processors::scrubber::rules: [{id: acme, pattern: 'acme_[0-9]{8}'}]";
    let token = token();
    for (more, key, text, why) in [
        (&[][..], None, "password=${PASSWORD}", "the value is a placeholder"),
        (&[], Some("password"), "string", "the value is a placeholder"),
        (&[], Some("max_tokens"), "4096", "its key says that it is no secret"),
        (&[default, plain], None, "xacme_01234567", "it is glued to a word"),
        (&[], None, "ghp_short", "what follows cannot be a match"),
        (&[default, dry], None, &token, "`dry_run`: it would be masked"),
        (&[default, own], None, "acme_01234567", "no word of `near` is near"),
        (
            &[default, own, allow],
            None,
            "deploy acme_01234567",
            "allowed by an entry of ana: of the docs",
        ),
    ] {
        let mut arguments: Vec<&str> = more.iter().flat_map(|more| ["--config", *more]).collect();
        arguments.extend(key.iter().flat_map(|key| ["--key", *key]));
        let said = explain(&arguments, text);
        assert!(said.contains(why) && said.contains("nothing masked"), "{text}: {why}\n{said}");
    }
}

#[test]
fn what_overlaps_what_follows_and_what_a_dry_run_leaves_is_said() {
    let explain = |settings: &str| {
        let settings = format!("yaml:processors::scrubber: {{packs: [], {settings}}}");
        let arguments = ["--config", "config/default.yaml", "--config", &settings];
        explain(&arguments, "acme_dt_0123456789abcdef")
    };
    let pattern = "pattern: 'acme_dt_[0-9a-f]{16}'";
    let inner = "{id: b, pattern: 'acme_dt_(?<secret>[0-9a-f]{16})'}";
    let overlap = explain(&format!("rules: [{{id: a, {pattern}}}, {inner}]"));
    assert!(overlap.contains("masked by a: 24 bytes at byte 0, as [redacted:a]"), "{overlap}");
    assert!(overlap.contains("overlaps a match of a, which names the mask of both"), "{overlap}");
    let removed = explain(&format!("rules: [{{id: a, {pattern}, action: remove-attribute}}]"));
    assert!(removed.contains("and then: `action: remove-attribute`"), "{removed}");
    assert!(!removed.contains("no match"), "{removed}");
    let dry = explain(&format!("dry_run: true, rules: [{{id: a, {pattern}}}]"));
    assert!(dry.contains("but for `dry_run` of the scrubber: nothing is masked"), "{dry}");
    let partial = explain(&format!("rules: [{{id: a, {pattern}, mask: partial}}]"));
    assert!(partial.contains("as its ends with **** between") && !partial.contains("ac**"));
}

#[test]
fn a_rule_that_does_not_run_and_would_find_something_is_named() {
    let token = token();
    for (settings, text, why) in [
        ("disable: ['github-*']", token.as_str(), "github-pat-classic: 40 bytes"),
        ("disable: ['github-*']", &token, "the rule does not run: `disable` names it"),
        ("packs: [aws]", &token, "the rule does not run: `packs` leaves it out"),
    ] {
        let settings = format!("yaml:processors::scrubber: {{{settings}}}");
        let said = explain(&["--config", "config/default.yaml", "--config", &settings], text);
        assert!(said.contains(why) && said.contains("nothing masked"), "{settings}\n{said}");
    }
    let masked = explain(&[], &token);
    assert!(!masked.contains("does not run"), "{masked}");
}

#[test]
fn a_record_of_a_file_is_explained_with_its_path() {
    let record = |body: &str| format!(r#"{{"body":{{"stringValue":"{body}"}}}}"#);
    let request = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{},{}]}}]}}]}}"#,
        record("password=hunter2hunter2"),
        record("api_key=9f8e7d6c5b4a39281706")
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("logs.jsonl");
    std::fs::write(&file, &request).unwrap();
    let file = file.display().to_string();
    let all = explain(&[&file, "--json"], "");
    assert_eq!(all.lines().count(), 2, "{all}");
    let one = explain(&[&file, "--record", "1", "--json"], "");
    let json: serde_json::Value = serde_json::from_str(one.trim()).unwrap();
    assert_eq!(json["path"], "resource_logs[0].scope_logs[0].log_records[1].body");
    let candidates = json["candidates"].as_array().unwrap();
    assert!(candidates.iter().any(|candidate| candidate["match"] == true), "{one}");
    assert!(json["masks"][0]["rule"].is_string());
    let output = run(&["explain", &file, "--record", "2"], "");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn a_fingerprint_of_an_old_key_is_told_from_the_value() {
    let keys = |keys: &str| format!("yaml:processors::scrubber: {{mask: fingerprint, {keys}}}");
    let (old, new) = ("'the key of last year'", "'the key of this year'");
    let old_only = keys(&format!("fingerprint_key: {old}"));
    let both = keys(&format!("fingerprint_key: {new}, fingerprint_keys_previous: [{old}]"));
    let with = |config: &str, command: &str, more: &[&str], input: &str| {
        let arguments = ["--config", "config/default.yaml", "--config", config, command];
        run(&[&arguments, more].concat(), input)
    };
    let masked = stdout(&with(&old_only, "scrub", &[], "password=hunter2hunter2"));
    let fingerprint = masked.trim().rsplit("password-field:").next().unwrap();
    let fingerprint = fingerprint.trim_end_matches(']');
    for config in [&old_only, &both] {
        let check = |value: &str| {
            with(config, "fingerprint", &["--check", fingerprint], value).status.code()
        };
        assert_eq!(check("hunter2hunter2\n"), Some(0), "{masked}");
        assert_eq!(check("another"), Some(1));
    }
    let listed = stdout(&with(&both, "fingerprint", &[], "hunter2hunter2"));
    assert_eq!(listed.lines().nth(1), Some(fingerprint), "the current key comes first");
}
