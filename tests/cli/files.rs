//! The files that settings name, as `validate` and `run` look at them.

use std::path::Path;
use std::process::Output;

use crate::certificates::Certificates;
use crate::program::run;
use crate::program::stderr;

/// What no error may repeat.
const CONTENTS: &str = "contents-of-the-file";

/// A file that a setting names: its name, the path of the setting, and what it holds
/// wrongly, if it can hold anything wrong.
const FILES: &[(&str, &str, Option<&str>)] = &[
    ("server.pem", "receivers.otlp.protocols.grpc.tls.cert_file", Some(CONTENTS)),
    ("server.key", "receivers.otlp.protocols.grpc.tls.key_file", Some(CONTENTS)),
    ("ca.pem", "receivers.otlp.protocols.http.tls.client_ca_file", Some(CONTENTS)),
    ("exporter-ca.pem", "exporters.otlp_grpc.tls.ca_file", Some(CONTENTS)),
    ("client.pem", "exporters.otlp_grpc.tls.cert_file", Some(CONTENTS)),
    ("client.key", "exporters.otlp_grpc.tls.key_file", Some(CONTENTS)),
    ("http-ca.pem", "exporters.otlp_http.tls.ca_file", Some(CONTENTS)),
    ("tokens", "extensions.bearertokenauth.filename", Some("")),
    ("users", "extensions.basicauth/in.htpasswd.file", Some(CONTENTS)),
    ("name", "extensions.basicauth/out.client_auth.username_file", None),
    ("password", "extensions.basicauth/out.client_auth.password_file", None),
    ("issuer-ca.pem", "extensions.oidc.issuer_ca_path", Some(CONTENTS)),
    ("secret", "extensions.oauth2client.client_secret_file", None),
    ("oauth2-ca.pem", "extensions.oauth2client.tls.ca_file", Some(CONTENTS)),
    ("queue.key", "extensions.file_storage.encryption_key_file", Some(CONTENTS)),
    ("admin.pem", "extensions.admin.tls.cert_file", Some(CONTENTS)),
    (
        "own-ca.pem",
        "service.telemetry.traces.processors[0].batch.exporter.otlp.certificate",
        Some(CONTENTS),
    ),
];

fn yaml(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "receivers:
  otlp:
    protocols:
      grpc:
        endpoint: 127.0.0.1:0
        tls:
          cert_file: {folder}/server.pem
          key_file: {folder}/server.key
        auth: {{authenticator: bearertokenauth}}
      http:
        endpoint: 127.0.0.1:0
        tls:
          cert_file: {folder}/server.pem
          key_file: {folder}/server.key
          client_ca_file: {folder}/ca.pem
        auth: {{authenticator: basicauth/in}}
processors: {{scrubber: {{disable: ['*']}}}}
exporters:
  otlp_grpc:
    endpoint: localhost:1
    tls:
      ca_file: {folder}/exporter-ca.pem
      cert_file: {folder}/client.pem
      key_file: {folder}/client.key
    auth: {{authenticator: basicauth/out}}
  otlp_http:
    endpoint: https://localhost:1
    tls: {{ca_file: {folder}/http-ca.pem}}
    auth: {{authenticator: oauth2client}}
  otlp_http/unused:
    endpoint: https://localhost:1
    tls: {{ca_file: {folder}/nowhere.pem}}
extensions:
  bearertokenauth: {{filename: {folder}/tokens}}
  basicauth/in: {{htpasswd: {{file: {folder}/users}}}}
  basicauth/out:
    client_auth: {{username_file: {folder}/name, password_file: {folder}/password}}
  basicauth/unused: {{htpasswd: {{file: {folder}/nowhere}}}}
  oidc: {{issuer_url: 'https://localhost:1', audience: us, issuer_ca_path: {folder}/issuer-ca.pem}}
  oauth2client:
    client_id: us
    client_secret_file: {folder}/secret
    token_url: https://localhost:1
    tls: {{ca_file: {folder}/oauth2-ca.pem}}
  file_storage: {{directory: {folder}, encryption_key_file: {folder}/queue.key}}
  admin:
    endpoint: 127.0.0.1:0
    tls: {{cert_file: {folder}/admin.pem, key_file: {folder}/admin.key}}
service:
  extensions: [bearertokenauth, basicauth/in, basicauth/out, oidc, oauth2client, file_storage, admin]
  telemetry:
    metrics: {{level: none}}
    traces:
      processors:
        - batch: {{exporter: {{otlp: {{endpoint: 'https://localhost:1', certificate: {folder}/own-ca.pem}}}}}}
  pipelines:
    logs: {{receivers: [otlp], processors: [scrubber], exporters: [otlp_grpc, otlp_http]}}
"
    )
}

/// Writes what is right.
fn fill(folder: &Path, made: &Certificates) {
    for (name, from) in [
        ("server.pem", "server.pem"),
        ("server.key", "server.key"),
        ("admin.pem", "server.pem"),
        ("admin.key", "server.key"),
        ("client.pem", "client.pem"),
        ("client.key", "client.key"),
        ("ca.pem", "ca.pem"),
        ("exporter-ca.pem", "ca.pem"),
        ("http-ca.pem", "ca.pem"),
        ("issuer-ca.pem", "ca.pem"),
        ("oauth2-ca.pem", "ca.pem"),
        ("own-ca.pem", "ca.pem"),
    ] {
        std::fs::copy(made.path(from), folder.join(name)).unwrap();
    }
    let hash = bcrypt::hash("anything", 4).unwrap();
    let key = "0".repeat(64);
    for (name, text) in [
        ("tokens", "anything"),
        ("users", &format!("user:{hash}")),
        ("name", "user"),
        ("password", "anything"),
        ("secret", "anything"),
        ("queue.key", &key),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// The error; what goes on beside may log something behind it.
fn last_line(output: &Output) -> String {
    let text = stderr(output);
    let mut lines = text.lines().rev();
    lines.find(|line| line.starts_with("Error")).unwrap_or_default().to_owned()
}

#[test]
fn a_file_that_is_not_there_or_holds_something_else_is_found_by_validate_as_by_run() {
    let (made, folder) = (Certificates::new(), tempfile::tempdir().unwrap());
    let config = folder.path().join("gateway.yaml");
    std::fs::write(&config, yaml(folder.path())).unwrap();
    let config = config.display().to_string();
    fill(folder.path(), &made);
    let right = run(&["validate", "--config", &config], "");
    assert_eq!(right.status.code(), Some(0), "{}", stderr(&right));
    for &(name, setting, wrong) in FILES {
        let path = folder.path().join(name);
        for wrong in [None, wrong].into_iter().take(1 + usize::from(wrong.is_some())) {
            match wrong {
                None => std::fs::remove_file(&path).unwrap(),
                Some(wrong) => std::fs::write(&path, wrong).unwrap(),
            }
            let validated = run(&["validate", "--config", &config], "");
            let told = last_line(&validated);
            assert_eq!(validated.status.code(), Some(1), "{name} {wrong:?}: {told}");
            assert!(told.starts_with(&format!("Error: {setting}: ")), "{name} {wrong:?}: {told}");
            assert!(told.contains(" at line "), "{told}");
            assert!(!told.contains(CONTENTS), "{told}");
            let started = last_line(&run(&["run", "--config", &config], ""));
            assert_eq!(started, told, "{name} {wrong:?}");
        }
        fill(folder.path(), &made);
    }
}

#[test]
fn a_key_of_another_certificate_is_found() {
    let (made, folder) = (Certificates::new(), tempfile::tempdir().unwrap());
    let config = folder.path().join("gateway.yaml");
    std::fs::write(&config, yaml(folder.path())).unwrap();
    fill(folder.path(), &made);
    std::fs::copy(made.path("client.key"), folder.path().join("server.key")).unwrap();
    let told = last_line(&run(&["validate", "--config", &config.display().to_string()], ""));
    assert!(told.starts_with("Error: receivers.otlp.protocols.grpc.tls.key_file: "), "{told}");
}

/// Ends the program with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_file_that_is_changed_to_something_else_is_told_with_the_setting_that_names_it() {
    let (made, folder) = (Certificates::new(), tempfile::tempdir().unwrap());
    let (config, log) = (folder.path().join("gateway.yaml"), folder.path().join("log"));
    let yaml = yaml(folder.path())
        .replace("tls: {ca_file", "tls: {reload_interval: 50ms, ca_file")
        .replace("tls: {cert_file", "tls: {reload_interval: 50ms, cert_file")
        .replace("          cert_file", "          reload_interval: 50ms\n          cert_file")
        .replace("      ca_file", "      reload_interval: 50ms\n      ca_file");
    std::fs::write(&config, &yaml).unwrap();
    fill(folder.path(), &made);
    let set = format!("--set=service.telemetry.logs.output_paths=[{}]", log.display());
    let mut command = crate::program::command(&["run", "--config", config.to_str().unwrap(), &set]);
    let running = Running(command.spawn().unwrap());
    let says = |what: &[&str]| {
        let started = std::time::Instant::now();
        loop {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            if what.iter().all(|what| text.contains(what)) {
                return text;
            }
            assert!(started.elapsed().as_secs() < 60, "{what:?}\n{text}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    };
    says(&["ready"]);
    let wrong = ["server.pem", "exporter-ca.pem", "http-ca.pem", "oauth2-ca.pem", "admin.pem"];
    for name in wrong.into_iter().chain(["tokens", "users"]) {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    std::fs::remove_file(folder.path().join("password")).unwrap();
    let text = says(&[
        "receivers.otlp.protocols.grpc.tls.cert_file: ",
        "receivers.otlp.protocols.http.tls.cert_file: ",
        "exporters.otlp_grpc.tls.ca_file: ",
        "exporters.otlp_http.tls.ca_file: ",
        "extensions.oauth2client.tls.ca_file: ",
        "extensions.admin.tls.cert_file: ",
        "extensions.bearertokenauth.filename: ",
        "extensions.basicauth/in.htpasswd.file: ",
        "extensions.basicauth/out.client_auth.password_file: ",
    ]);
    for line in text.lines().filter(|line| line.contains("changed files cannot be used")) {
        let (_, place) = line.split_once(" at line ").unwrap_or_else(|| panic!("{line}"));
        let number: usize = place.split(',').next().unwrap().parse().unwrap();
        let (_, fault) = line.split_once("\"fault\":\"").unwrap();
        let (setting, _) = fault.split_once(": ").unwrap();
        let key = setting.rsplit('.').next().unwrap();
        assert!(yaml.lines().nth(number - 1).unwrap().contains(key), "{line}");
        assert!(line.contains("gateway.yaml"), "{line}");
    }
    fill(folder.path(), &made);
    says(&["changed files are in use"]);
    drop(running);
}
