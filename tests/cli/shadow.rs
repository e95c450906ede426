//! What a candidate would change, on captured telemetry.

use crate::program::run;
use crate::program::stderr;
use crate::program::stdout;

#[test]
fn what_a_candidate_adds_loses_and_changes_is_said_by_rule_place_and_service() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let resource = |service: &str, body: &str| {
        format!(
            r#"{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{body}"}}}}]}}]}}"#
        )
    };
    let captured = format!(
        "{{\"resourceLogs\":[{},{}]}}\n{{\"resourceLogs\":[{}]}}\n",
        resource("shop", "acme_new_0123456789 and password=hunter2hunter2"),
        resource("bank", "acme_old_0123456789"),
        resource("bank", "acme_old_9876543210"),
    );
    std::fs::write(path("captured.jsonl"), captured).unwrap();
    std::fs::write(
        path("live.yaml"),
        "processors: {scrubber: {rules: [{id: acme, pattern: 'acme_old_[0-9]{10}'}]}}\n",
    )
    .unwrap();
    let shadow = |candidate: &str, more: &[&str]| {
        std::fs::write(path("candidate.yaml"), candidate).unwrap();
        let (candidate, captured, live) =
            (path("candidate.yaml"), path("captured.jsonl"), path("live.yaml"));
        let mut arguments = vec!["shadow", &candidate, "--against", &captured];
        arguments.extend(["--config", "config/default.yaml", "--config", &live]);
        arguments.extend(more);
        let output = run(&arguments, "");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let said = shadow("rules: [{id: acme, pattern: 'acme_new_[0-9]{10}'}]", &[]);
    assert_eq!(
        said.lines().collect::<Vec<_>>(),
        [
            "added         1  acme  body  shop",
            "lost          2  acme  body  bank",
            "1 the same, 3 added, lost or changed",
        ]
    );
    assert!(!said.contains("hunter2") && !said.contains("0123456789"), "{said}");
    let json = shadow("rules: []", &["--json"]);
    assert_eq!(json, "", "nothing changes");
}
