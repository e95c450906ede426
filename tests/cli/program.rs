//! Spawns the program.

use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

/// How long anything here may take; a debug build on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otel-redact"));
    command.current_dir(root()).args(arguments).env_remove("BACKEND_TOKEN");
    command
}

/// Runs to its end.
pub(crate) fn run(arguments: &[&str], input: &str) -> Output {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    // A program that does not read its input closes the pipe.
    let _ = writer.join().unwrap();
    output
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A gateway that is up; it ends with the test.
pub(crate) struct Gateway {
    child: Child,
    pub(crate) http: u16,
    pub(crate) metrics: u16,
    pub(crate) health: u16,
}

impl Gateway {
    /// Starts a configuration with all its ports replaced by free ones, and waits
    /// until it is ready.
    pub(crate) fn start(config: Option<&str>, more: &[&str]) -> Self {
        let [grpc, http, metrics, health] = free_ports();
        let mut arguments: Vec<String> = Vec::new();
        arguments.extend(config.map(|config| format!("--config={config}")));
        for set in [
            format!("receivers.otlp.protocols.grpc.endpoint=127.0.0.1:{grpc}"),
            format!("receivers.otlp.protocols.http.endpoint=127.0.0.1:{http}"),
            format!("extensions.health_check.endpoint=127.0.0.1:{health}"),
            "service.extensions=[health_check]".to_owned(),
            "service.telemetry.metrics.level=normal".to_owned(),
            format!(
                "service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: \
                 {{host: 127.0.0.1, port: {metrics}}}}}}}}}]"
            ),
        ] {
            arguments.push(format!("--set={set}"));
        }
        arguments.extend(more.iter().map(|&more| more.to_owned()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let child =
            command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut gateway = Self { child, http, metrics, health };
        let started = Instant::now();
        while get(health, "/").is_none_or(|answer| !answer.starts_with("HTTP/1.1 200")) {
            let ended = gateway.child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", stderr(&gateway.end()));
            assert!(started.elapsed() < PATIENCE, "not ready in time");
            std::thread::sleep(Duration::from_millis(20));
        }
        gateway
    }

    /// What the system says of the process: a file of `/proc/PID`.
    pub(crate) fn proc(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap()
    }

    /// Waits until a metric has a value; `series` is how its line begins.
    pub(crate) fn metric(&self, series: &str, value: &str) {
        let started = Instant::now();
        loop {
            let metrics = get(self.metrics, "/metrics").unwrap_or_default();
            let mut lines = metrics.lines();
            if lines.any(|line| line.starts_with(series) && line.ends_with(&format!(" {value}"))) {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{series} {value}\n{metrics}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let kill = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }

    /// Waits for the end, and says how it was.
    pub(crate) fn end(self) -> Output {
        self.child.wait_with_output().unwrap()
    }
}

/// An answer as it comes, or nothing if nobody listens.
pub(crate) fn get(port: u16, path: &str) -> Option<String> {
    request(port, &format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"))
}

pub(crate) fn post_json(port: u16, path: &str, body: &str) -> Option<String> {
    post_json_with(port, path, "", body)
}

/// The same with `headers`, each with its end of line.
pub(crate) fn post_json_with(port: u16, path: &str, headers: &str, body: &str) -> Option<String> {
    request(
        port,
        &format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn request(port: u16, request: &str) -> Option<String> {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// Ports that were free a moment ago. All are held at once, so they differ.
pub(crate) fn free_ports<const N: usize>() -> [u16; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}
