//! Every configuration that ships starts for real.

use crate::program::Gateway;
use crate::program::get;
use crate::program::root;
use crate::program::run;
use crate::program::stderr;

const CONFIGS: &[&str] = &[
    "config/default.yaml",
    "config/platform-gateway.yaml",
    "config/agent-sidecar.yaml",
    "config/sre-own-rules.yaml",
    "deploy/container.yaml",
];

#[test]
fn every_shipped_configuration_is_listed_here() {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root().join("config")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            files.push(format!("config/{}", path.file_name().unwrap().to_str().unwrap()));
        }
    }
    files.retain(|file| !CONFIGS.contains(&file.as_str()));
    assert_eq!(files, Vec::<String>::new());
}

#[test]
fn every_shipped_configuration_is_right_and_starts() {
    for config in CONFIGS {
        let output = run(&["validate", "--config", config], "");
        assert_eq!(output.status.code(), Some(0), "{config}: {}", stderr(&output));
        let gateway = Gateway::start(Some(config), &[]);
        assert!(get(gateway.metrics, "/metrics").unwrap().contains("otelcol_process_uptime"));
        gateway.signal("TERM");
        let output = gateway.end();
        assert_eq!(output.status.code(), Some(0), "{config}: {}", stderr(&output));
    }
}
