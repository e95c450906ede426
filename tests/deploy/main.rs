//! The files in `deploy/`: that they parse, agree with each other and with the
//! program, and hold a configuration that the program takes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use otel_redact::gateway::config::Config;
use otel_redact::gateway::config::environment::Process;
use otel_redact::scrub::yaml;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// The documents of a manifest.
fn documents(path: &str) -> Vec<Value> {
    let text = read(path);
    let documents: Vec<Value> = text
        .split("\n---\n")
        .map(|document| yaml::read(document).unwrap_or_else(|fault| panic!("{path}: {fault}")))
        .collect();
    assert!(documents.iter().all(|document| document["apiVersion"].is_string()), "{path}");
    documents
}

fn of_kind<'a>(documents: &'a [Value], kind: &str) -> &'a Value {
    documents.iter().find(|document| document["kind"] == kind).unwrap()
}

/// The container of the gateway, wherever in the pod it stands.
fn container(deployment: &Value) -> &Value {
    let pod = &deployment["spec"]["template"]["spec"];
    let all = ["initContainers", "containers"].map(|list| pod[list].as_array());
    let mut all = all.into_iter().flatten().flatten();
    all.find(|container| container["name"] == "otel-redact").unwrap()
}

const MANIFESTS: &[&str] = &["deploy/kubernetes/gateway.yaml", "deploy/kubernetes/sidecar.yaml"];

/// A panic costs the request that caused it (`gateway::compute`); where panics end the
/// process, one request would cost all.
#[test]
fn every_build_lets_a_panic_be_caught() {
    for file in ["Cargo.toml", "deploy/Containerfile", "deploy/release"] {
        let text = read(file);
        assert!(!text.contains("panic=") && !text.contains("panic ="), "{file}");
    }
}

#[test]
fn the_configuration_in_each_manifest_is_right() {
    for path in MANIFESTS {
        let documents = documents(path);
        let config = of_kind(&documents, "ConfigMap")["data"]["config.yaml"].as_str().unwrap();
        let loaded = Config::load(&[format!("yaml:{config}")], &[], &Process);
        assert!(loaded.is_ok(), "{path}: {}", loaded.unwrap_err());
    }
}

#[test]
fn ports_and_probes_are_those_of_the_configuration() {
    for path in MANIFESTS {
        let documents = documents(path);
        let config = of_kind(&documents, "ConfigMap")["data"]["config.yaml"].as_str().unwrap();
        let config: Value = yaml::read(config).unwrap();
        let port = |endpoint: &Value| -> u64 {
            endpoint.as_str().unwrap().rsplit(':').next().unwrap().parse().unwrap()
        };
        let protocols = &config["receivers"]["otlp"]["protocols"];
        let configured = [
            ("otlp-grpc", port(&protocols["grpc"]["endpoint"])),
            ("otlp-http", port(&protocols["http"]["endpoint"])),
            ("health", port(&config["extensions"]["health_check"]["endpoint"])),
            ("metrics", 8888),
        ];
        let deployment = of_kind(&documents, "Deployment");
        let container = container(deployment);
        for declared in container["ports"].as_array().unwrap() {
            let name = declared["name"].as_str().unwrap();
            let port = declared["containerPort"].as_u64().unwrap();
            assert!(configured.contains(&(name, port)), "{path}: {declared}");
        }
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
            let probe = &container[probe];
            assert!(probe.is_null() || probe["httpGet"]["port"] == "health", "{path}: {probe}");
        }
        assert!(!container["startupProbe"].is_null(), "{path}");
        if let Some(service) = documents.iter().find(|document| document["kind"] == "Service") {
            let labels = &deployment["spec"]["template"]["metadata"]["labels"];
            assert_eq!(service["spec"]["selector"], *labels, "{path}");
            for port in service["spec"]["ports"].as_array().unwrap() {
                assert_eq!(port["name"], port["targetPort"], "{path}");
                let configured = configured.iter().find(|(name, _)| port["name"] == *name);
                assert_eq!(port["port"], configured.unwrap().1, "{path}");
            }
        }
    }
}

#[test]
fn the_gateway_runs_as_nobody_with_nothing_to_write_to() {
    for path in MANIFESTS {
        let documents = documents(path);
        let deployment = of_kind(&documents, "Deployment");
        let container = container(deployment);
        let security = &container["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true, "{path}");
        assert_eq!(security["allowPrivilegeEscalation"], false, "{path}");
        assert_eq!(security["capabilities"]["drop"][0], "ALL", "{path}");
        let pod = &deployment["spec"]["template"]["spec"]["securityContext"];
        let nobody = [security, pod].iter().any(|context| context["runAsUser"] == 65532);
        assert!(nobody, "{path}");
        assert!(container["resources"]["limits"]["memory"].is_string(), "{path}");
        let mounted = container["volumeMounts"][0]["mountPath"].as_str().unwrap();
        let argument = container["args"][0].as_str().unwrap();
        assert!(argument.starts_with(&format!("--config={mounted}/")), "{path}");
    }
}

#[test]
fn the_grace_period_is_longer_than_the_drain() {
    let drain = otel_redact::gateway::run::GRACE_DEFAULT.as_secs();
    let documents = documents("deploy/kubernetes/gateway.yaml");
    let pod = &of_kind(&documents, "Deployment")["spec"]["template"]["spec"];
    assert!(drain < pod["terminationGracePeriodSeconds"].as_u64().unwrap());
    let unit = read("deploy/systemd/otel-redact.service");
    let stop = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).unwrap();
    assert!(drain < stop.trim_end_matches('s').parse().unwrap());
}

#[test]
fn the_containerfile_copies_what_there_is() {
    let text = read("deploy/Containerfile");
    let mut copied = 0;
    for line in text.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from")) {
        let parts: Vec<&str> = line.split_whitespace().skip(1).collect();
        for source in &parts[..parts.len() - 1] {
            assert!(root().join(source).exists(), "{source}");
            copied += 1;
        }
    }
    assert!(5 < copied);
    let toolchain = format!("rust:{}-alpine", env!("CARGO_PKG_RUST_VERSION"));
    assert!(text.contains(&toolchain), "{toolchain}");
    assert!(text.contains("\nUSER 65532:65532\n") && text.contains("\nFROM scratch\n"));
    for needed in ["build.rs", "src", "config"] {
        assert!(text.contains(needed), "{needed}");
    }
}

#[test]
fn images_carry_the_version_of_the_package() {
    let image = format!("image: otel-redact:{}", env!("CARGO_PKG_VERSION"));
    for path in MANIFESTS {
        assert!(read(path).contains(&image), "{path}: {image}");
    }
}

#[test]
fn the_unit_keeps_the_service_in() {
    let unit = read("deploy/systemd/otel-redact.service");
    for line in [
        "DynamicUser=yes",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "MemoryDenyWriteExecute=yes",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "LimitCORE=0",
        "CapabilityBoundingSet=",
    ] {
        assert!(unit.lines().any(|has| has == line), "{line}");
    }
}

/// Where systemd is there to be asked. The program is not installed, so another one
/// stands in for it.
#[test]
fn systemd_takes_the_unit() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let unit = read("deploy/systemd/otel-redact.service");
    let program = env!("CARGO_BIN_EXE_otel-redact");
    let path = folder.path().join("otel-redact.service");
    std::fs::write(&path, unit.replace("/usr/local/bin/otel-redact", program)).unwrap();
    let output = Command::new("systemd-analyze").arg("verify").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let of_ours: Vec<&str> = said.lines().filter(|line| line.contains("otel-redact")).collect();
    assert!(of_ours.is_empty(), "{said}");
}
