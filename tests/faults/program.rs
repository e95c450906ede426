//! The program as a process that can be killed and started again.

use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Output;
use std::process::Stdio;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

/// How long anything here may take that has no bound of its own.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A place to run in, with its configuration and ports, for one process after the other.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    pub(crate) grpc: u16,
    pub(crate) http: u16,
    metrics: u16,
    health: u16,
    /// What `run` is told beside the configuration.
    arguments: Vec<String>,
    /// A shell line that runs the program, where it is not run by itself.
    wrapper: Option<String>,
}

/// What a gateway is made of.
#[derive(Clone, Default)]
pub(crate) struct Settings {
    /// `id: {…}` of each exporter.
    pub(crate) exporters: Vec<(String, String)>,
    /// `id: {…}` of each processor behind the scrubber.
    pub(crate) processors: Vec<(String, String)>,
    /// Settings of the storage; none without.
    pub(crate) storage: Option<String>,
    /// More settings of both protocols of the receiver.
    pub(crate) receiver: String,
    /// More settings of the scrubber, which has no rules of its own.
    pub(crate) scrubber: String,
}

impl Place {
    pub(crate) fn new(settings: &Settings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [grpc, http, metrics, health] = free_ports();
        let place =
            Self { folder, grpc, http, metrics, health, arguments: Vec::new(), wrapper: None };
        place.configure(settings);
        place
    }

    pub(crate) fn with(self, arguments: &[&str]) -> Self {
        Self { arguments: arguments.iter().map(|&one| one.to_owned()).collect(), ..self }
    }

    pub(crate) fn wrapped(self, wrapper: &str) -> Self {
        Self { wrapper: Some(wrapper.to_owned()), ..self }
    }

    pub(crate) fn configure(&self, settings: &Settings) {
        let ids = |list: &[(String, String)]| {
            list.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(", ")
        };
        let lines = |list: &[(String, String)]| {
            list.iter().map(|(id, own)| format!("  {id}: {own}\n")).collect::<String>()
        };
        let (receiver, scrubber) = (&settings.receiver, &settings.scrubber);
        let mut processors = vec![("scrubber".to_owned(), format!("{{disable: ['*']{scrubber}}}"))];
        processors.extend(settings.processors.iter().cloned());
        let (extension, started) = match &settings.storage {
            None => (String::new(), ""),
            Some(own) => {
                let directory = self.storage().display().to_string();
                let own = format!("directory: {directory}, create_directory: true{own}");
                (format!("  file_storage: {{{own}}}\n"), ", file_storage")
            }
        };
        let yaml = format!(
            "receivers:
  otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{grpc}'{receiver}}}, http: {{endpoint: '127.0.0.1:{http}'{receiver}}}}}}}
processors:
{processors}exporters:
{exporters}extensions:
  health_check: {{endpoint: '127.0.0.1:{health}'}}
{extension}service:
  extensions: [health_check{started}]
  telemetry:
    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics}}}}}}}}}]}}
  pipelines:
    logs: {{receivers: [otlp], processors: [{processor_ids}], exporters: [{exporter_ids}]}}
",
            grpc = self.grpc,
            http = self.http,
            health = self.health,
            metrics = self.metrics,
            processors = lines(&processors),
            exporters = lines(&settings.exporters),
            processor_ids = ids(&processors),
            exporter_ids = ids(&settings.exporters),
        );
        std::fs::write(self.config(), yaml).unwrap();
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.folder.path().join("gateway.yaml")
    }

    /// Where queues are.
    pub(crate) fn storage(&self) -> PathBuf {
        self.folder.path().join("storage")
    }

    /// Starts the program, and waits until it is ready. Gives how long that took.
    pub(crate) async fn start(&self) -> (Running, Duration) {
        let begun = Instant::now();
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("log"))
            .unwrap();
        let config = self.config().display().to_string();
        let mut command = match &self.wrapper {
            None => Command::new(program()),
            Some(wrapper) => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(wrapper).arg(program());
                shell
            }
        };
        let child = command
            .args(["run", "--config", &config])
            .args(&self.arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut running = Running { child, metrics: self.metrics, health: self.health };
        while !running.is_ready().await {
            assert!(running.child.try_wait().unwrap().is_none(), "{}", self.log());
            assert!(begun.elapsed() < PATIENCE, "not ready in time: {}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        (running, begun.elapsed())
    }

    /// Sends the dead letter again.
    pub(crate) async fn replay(&self, more: &[&str]) -> Output {
        let config = self.config().display().to_string();
        let mut command = Command::new(program());
        command.args(["replay", "--config", &config]).args(more);
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// The program under test: the one that was built with this test, or another one.
pub(crate) fn program() -> String {
    std::env::var("OTEL_REDACT_BIN")
        .unwrap_or_else(|_| env!("CARGO_BIN_EXE_otel-redact").to_owned())
}

/// A running gateway. It is killed when it is dropped.
pub(crate) struct Running {
    child: Child,
    metrics: u16,
    health: u16,
}

impl Running {
    pub(crate) async fn is_ready(&self) -> bool {
        get(self.health, "/").await.is_some_and(|answer| answer.starts_with("HTTP/1.1 200"))
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub(crate) fn terminate(&self) {
        self.signal("TERM");
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits for the end. Gives how it was, and how long it took.
    pub(crate) async fn end(mut self) -> (ExitStatus, Duration) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status, begun.elapsed());
            }
            assert!(begun.elapsed() < PATIENCE, "does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Resident memory, in MiB.
    pub(crate) fn resident_mib(&self) -> u64 {
        self.resident_kib() / 1024
    }

    /// Resident memory, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    }

    /// The sum of a metric over its series.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        Self::sum(&get(self.metrics, "/metrics").await.unwrap(), name)
    }

    /// How many files and sockets it has open.
    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.child.id())).unwrap().count()
    }

    /// Items of attempts that the upstream did not answer.
    pub(crate) async fn unanswered(&self) -> u64 {
        self.metric("otelcol_exporter_unanswered_log_records").await
    }

    fn sum(text: &str, name: &str) -> u64 {
        let own =
            |line: &&str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']));
        let values = text.lines().filter(own).map(|line| line.rsplit(' ').next().unwrap());
        values.map(|value| value.parse::<f64>().unwrap() as u64).sum()
    }

    /// Nothing has disappeared: what came was acknowledged or refused, and what was
    /// queued has left by one of the ways out or is there.
    pub(crate) async fn assert_conserved(&self) {
        let begun = Instant::now();
        loop {
            let text = get(self.metrics, "/metrics").await.unwrap();
            let value = [
                "pipeline_incoming_items",
                "pipeline_accepted_items",
                "pipeline_refused_items",
                "exporter_queue_restored_items",
                "exporter_queue_in_items",
                "exporter_queue_sent_items",
                "exporter_queue_dead_letter_items",
                "exporter_queue_set_aside_items",
                "exporter_queue_gone_items",
                "exporter_queue_items",
            ]
            .map(|name| Self::sum(&text, &format!("otelcol_{name}")));
            let [incoming, accepted, refused, restored, r#in, sent, dead, aside, gone, queued] =
                value;
            let left = sent + dead + aside + gone;
            if incoming == accepted + refused && restored + r#in == left + queued {
                return;
            }
            // Counters are read one after the other while requests go on: not every look
            // catches a moment of rest.
            assert!(begun.elapsed() < Duration::from_secs(10), "not conserved: {value:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer as it comes, or nothing if nobody listens.
pub(crate) async fn get(port: u16, path: &str) -> Option<String> {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

/// The files of segments below `folder`, largest first.
pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "segment") {
                found.push(path);
            }
        }
    }
    found.sort_by_key(|path| std::cmp::Reverse(std::fs::metadata(path).unwrap().len()));
    found
}

/// Ports that nobody listens at, and that the system gives to no connection: a gateway
/// that was killed wants the same ones again.
fn free_ports<const N: usize>() -> [u16; N] {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 22_000;
    static TURN: AtomicU32 = AtomicU32::new(0);
    let free = || {
        loop {
            let turn = TURN.fetch_add(1, Ordering::Relaxed);
            let port = FIRST + (std::process::id().wrapping_mul(61) + turn) % COUNT;
            let port = u16::try_from(port).unwrap();
            if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
                return port;
            }
        }
    };
    [(); N].map(|()| free())
}
