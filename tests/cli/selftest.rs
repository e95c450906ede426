//! `selftest`: green on what holds, red on what does not, and by name.

use std::net::TcpListener;

use crate::program::Gateway;
use crate::program::run;
use crate::program::stderr;
use crate::program::stdout;

/// A run that takes seconds, also in a debug build.
const SMALL: &[&str] = &[
    "selftest",
    "--quick",
    "--seed",
    "7",
    "--rules",
    "git*",
    "--rules",
    "header-*",
    "--rules",
    "database-url",
];

/// What every rule is found in.
const WRITINGS: &[&str] = &["--written", "plain", "--written", "JSON*", "--written", "percent*"];

fn selftest(more: &[&str]) -> (i32, String, String) {
    let output = run(&[SMALL, WRITINGS, more].concat(), "");
    (output.status.code().unwrap(), stdout(&output), stderr(&output))
}

#[test]
fn nothing_slips_through_the_shipped_rules() {
    let folder = tempfile::tempdir().unwrap();
    let (json, junit) = (folder.path().join("out.json"), folder.path().join("out.xml"));
    let files = ["--json", json.to_str().unwrap(), "--junit", junit.to_str().unwrap()];
    let (code, table, errors) = selftest(&files);
    assert_eq!(code, 0, "{table}\n{errors}");
    for part in [
        "JSON in JSON in JSON",
        "profiles: string table",
        "HTTP/JSON",
        " 0 leaked, 0 did damage, 0 never arrived",
    ] {
        assert!(table.contains(part), "{part}\n{table}");
    }
    let report: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let results = report["results"].as_array().unwrap();
    assert!(100 < results.len());
    assert_eq!(report["cases"], results.len());
    assert!(results.iter().all(|case| case["failures"] == serde_json::json!([])));
    let junit = std::fs::read_to_string(junit).unwrap();
    assert_eq!(junit.matches("<testcase ").count(), results.len());
    assert!(!junit.contains("<failure"));
}

#[test]
fn a_rule_that_is_switched_off_is_named() {
    let disable = "--set=processors.scrubber.disable=[github-*]";
    let (code, table, errors) = selftest(&[disable, "--show", "1"]);
    assert_eq!(code, 1, "{table}\n{errors}");
    let last = errors.lines().last().unwrap();
    assert!(last.starts_with("Error: ") && last.contains(" canaries leaked, "), "{errors}");
    assert!(table.contains("canaries of these rules leaked:\ngithub-"), "{table}");
    assert!(table.contains("  arrived "), "{table}");
}

#[test]
fn a_rule_that_is_weakened_is_named() {
    let weak = "--set=processors.scrubber.rules=[{id: gitlab-pat, pattern: 'glpat-[0-9]{20}'}]";
    let (code, table, errors) = selftest(&[weak]);
    assert_eq!(code, 1, "{table}\n{errors}");
    assert!(table.contains("canaries of these rules leaked:\ngitlab-pat"), "{table}");
}

#[test]
fn a_running_gateway_is_tested_between_its_sockets() {
    let sink = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut sets = vec![format!("--set=exporters.otlp_http.endpoint=http://{sink}")];
    for signal in ["traces", "logs", "metrics", "profiles"] {
        sets.push(format!("--set=service.pipelines.{signal}.exporters=[otlp_http]"));
    }
    let sets: Vec<&str> = sets.iter().map(String::as_str).collect();
    let gateway = Gateway::start(None, &sets);
    let endpoint = format!("http://127.0.0.1:{}", gateway.http);
    let (code, table, errors) = selftest(&["--endpoint", &endpoint, "--sink", &sink]);
    gateway.signal("TERM");
    gateway.end();
    assert_eq!(code, 0, "{table}\n{errors}");
    assert!(table.contains(" 0 leaked, 0 did damage, 0 never arrived"), "{table}");
}

#[test]
fn what_cannot_be_tested_is_said() {
    for (arguments, error) in [
        (&["--rules", "nothing"][..], "--rules: no rule with an example is named so"),
        (&["--rules", "jwt", "--written", "x"], "--written: no writing is named so"),
        (
            &["--rules", "jwt", "--endpoint", "ftp://a:1", "--sink", "127.0.0.1:0"],
            "--endpoint ftp://a:1: expected http://HOST:PORT or grpc://HOST:PORT",
        ),
    ] {
        let output = run(&[&["selftest"], arguments].concat(), "");
        assert_eq!(output.status.code(), Some(1));
        let errors = stderr(&output);
        assert!(errors.starts_with(&format!("Error: {error}")), "{errors}");
    }
}
