//! `migrate` on configurations that others wrote.

use std::path::Path;
use std::path::PathBuf;

use crate::program::run;
use crate::program::stderr;
use crate::program::stdout;

fn configurations() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/collector");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|kind| kind == "yaml")).collect();
    files.sort();
    assert!(3 < files.len());
    files
}

#[test]
fn what_others_wrote_becomes_a_configuration_that_is_valid() {
    for file in configurations() {
        let name = file.display().to_string();
        let output = run(&["migrate", &name], "");
        let (new, said) = (stdout(&output), stderr(&output));
        assert!(output.status.success(), "{name}: {said}");
        let old = std::fs::read_to_string(&file).unwrap();
        for line in old.lines().filter_map(|line| line.strip_prefix("#= ")) {
            assert!(said.contains(line), "{name}: {line:?} is not in\n{said}");
        }
        let written = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        // Addresses and keys come from the environment, which a test has none of.
        let new = new
            .replace("\"${env:DT_ENDPOINT}\"", "https://backend.example.com:4318")
            .replace("${env:DT_ENDPOINT}", "https://backend.example.com:4318");
        std::fs::write(written.path(), &new).unwrap();
        let config = written.path().display().to_string();
        let output = run(&["validate", "--config", &config], "");
        assert_eq!(output.status.code(), Some(0), "{name}: {}\n{new}", stderr(&output));
        assert!(new.contains("scrubber"), "{name}\n{new}");
    }
}

#[test]
fn what_is_migrated_again_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let old = configurations().remove(0).display().to_string();
    let once = run(&["migrate", &old, "--output", &path("once.yaml")], "");
    assert!(once.status.success(), "{}", stderr(&once));
    let twice = run(&["migrate", &path("once.yaml")], "");
    assert!(!stderr(&twice).contains("missing"), "{}", stderr(&twice));
    let without = |text: &str| {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        lines.collect::<Vec<_>>().join("\n")
    };
    let once = std::fs::read_to_string(path("once.yaml")).unwrap();
    assert_eq!(without(&stdout(&twice)), without(&once));
    let output = run(&["migrate", &old, "--output", &path("once.yaml")], "");
    assert!(stderr(&output).starts_with("changes") || stderr(&output).contains("--output"));
    assert_eq!(output.status.code(), Some(1), "a file that is there is not written over");
}

#[test]
fn what_was_written_down_beside_the_old_settings_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector.yaml");
    let old = "# The gateway of the shop.

receivers:
  otlp:
    protocols:
      grpc: # for the agents
  # nobody sends this any more
  zipkin:
processors:
  # see ticket 7
  batch:
    timeout: 1s
exporters:
  # two of them
  # one day
  otlp: {endpoint: 'backend:4317'}
service:
  pipelines:
    traces:
      receivers: [otlp, zipkin]
      processors: [batch]
      exporters: [otlp] # and no other
";
    std::fs::write(&path, old).unwrap();
    let output = run(&["migrate", &path.display().to_string()], "");
    let new = stdout(&output);
    for part in [
        "# The gateway of the shop.\n",
        "      # for the agents\n      grpc:",
        "  # see ticket 7\n  batch:",
        "  # two of them\n  # one day\n  # Changed: `otlp` is called `otlp_grpc` now\n  otlp_grpc:",
        "      # and no other\n      exporters:",
    ] {
        assert!(new.contains(part), "{part}\n{new}");
    }
    assert!(!new.contains("nobody sends"), "what is gone takes its comments along\n{new}");
}

#[test]
fn a_header_in_the_place_of_a_key_is_taken_out_and_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector.yaml");
    let token = "x".repeat(3) + "-walnut-17";
    let old = format!(
        "receivers: {{otlp: {{protocols: {{grpc: }}}}}}
exporters:
  otlp_http:
    endpoint: http://backend:4318
    \"Authorization: Bearer {token}\": 1
  otlp_http/unused:
    endpoint: http://backend:4318
    headers: {{\"Authorization Bearer {token}\": x}}
service: {{pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_http]}}}}}}
"
    );
    std::fs::write(&path, old).unwrap();
    let output = run(&["migrate", &path.display().to_string()], "");
    for said in [stdout(&output), stderr(&output)] {
        assert!(said.contains("`otlp_http.…` is taken out"), "{said}");
        assert!(said.contains("`otlp_http/unused.headers.…` is taken out"), "{said}");
        assert!(!said.contains(&token), "{said}");
    }
}
