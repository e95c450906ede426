//! The gateways that are measured, each in a process of its own.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use clap::ValueEnum;

use crate::hop;
use crate::load::Coding;
use crate::load::Load;
use crate::load::Protocol;
use crate::load::Sender;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The program with all packed rules.
    Ours,
    /// The same, to which every number is new.
    NewTexts,
    /// The program with [`TEN_PATTERNS`] as its only rules.
    TenRules,
    /// The program without rules.
    NoRules,
    /// The program with all packed rules and a queue on disk.
    OnDisk,
    /// No gateway: the upstream itself. Has a latency and no cost.
    Direct,
    /// A hop on hyper that looks at nothing.
    Hop,
    /// `nginx` with `grpc_pass`: gRPC alone.
    Nginx,
    /// A Collector without processors; `COLLECTOR_BIN` says where it is.
    Collector,
    /// The same with the redaction processor and [`TEN_PATTERNS`].
    CollectorRedaction,
    /// The same with the transform processor and [`TEN_PATTERNS`].
    CollectorTransform,
}

/// How a gateway is spoken to, and how it sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spoken {
    pub(crate) protocol: Protocol,
    pub(crate) coding: Coding,
}

/// Ten patterns of the kind that people write for the Collector.
const TEN_PATTERNS: [&str; 10] = [
    "gh[pousr]_[A-Za-z0-9]{36,}",
    "glpat-[A-Za-z0-9_-]{20,}",
    "xox[abp]-[A-Za-z0-9-]{10,}",
    "AKIA[A-Z0-9]{16}",
    "sk-ant-[A-Za-z0-9_-]{20,}",
    "sk_live_[A-Za-z0-9]{24,}",
    "AIza[A-Za-z0-9_-]{35}",
    "eyJ[A-Za-z0-9_-]+[.][A-Za-z0-9_-]+[.][A-Za-z0-9_-]+",
    "SG[.][A-Za-z0-9_-]{22}[.][A-Za-z0-9_-]{43}",
    "npm_[A-Za-z0-9]{36}",
];

/// How long a gateway may take until it listens.
const START_MAX: Duration = Duration::from_secs(20);

/// A process, if there is one, and a connection to it.
pub(crate) struct Rival {
    process: Option<Child>,
    pub(crate) sender: Sender,
}

impl Rival {
    /// Starts a gateway in front of `upstream`, which is spoken to like this. `folder` is
    /// for what it keeps.
    pub(crate) fn start(
        kind: Kind,
        upstream: SocketAddr,
        spoken_as: Spoken,
        folder: &Path,
    ) -> Self {
        let ours = |scrubber: &str, disk| ours(scrubber, upstream, spoken_as, disk);
        let collector = |processor: &str| collector(processor, upstream, spoken_as, folder);
        let (process, address) = match kind {
            Kind::Ours | Kind::NewTexts => ours("scrubber: {}", None),
            Kind::TenRules => ours(&ten_rules(), None),
            Kind::NoRules => ours("scrubber: {disable: ['*']}", None),
            Kind::OnDisk => ours("scrubber: {}", Some(folder)),
            Kind::Direct => {
                return Self { process: None, sender: Sender::new(upstream) };
            }
            Kind::Hop => {
                let program = std::env::current_exe().expect("this program");
                let mut command = Command::new(program);
                command.arg(format!("--hop={upstream}"));
                spoken(command, |line| line.strip_prefix(hop::LISTENING)?.parse().ok())
            }
            Kind::Nginx => nginx(upstream, folder),
            Kind::Collector => collector(""),
            Kind::CollectorRedaction => collector(&redaction()),
            Kind::CollectorTransform => collector(&transform()),
        };
        Self { process: Some(process), sender: Sender::new(address) }
    }

    /// CPU time for one request, in ns, once it has used `least` of it.
    pub(crate) async fn cost(&self, load: &Load, least: Duration, at_once: u32) -> f64 {
        /// Requests between two looks at the clock.
        const PER_LOOK: u32 = 80;
        let before = self.cpu();
        let mut requests = 0;
        loop {
            self.sender.send_many(load, PER_LOOK, at_once).await;
            requests += PER_LOOK;
            let used = self.cpu().saturating_sub(before);
            if least <= used {
                return used.as_nanos() as f64 / f64::from(requests);
            }
        }
    }

    /// What the process has used so far, all threads, in the program and for it in
    /// the kernel.
    fn cpu(&self) -> Duration {
        let process = self.process.as_ref().expect("what has a cost has a process");
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id()));
        let stat = stat.expect("the process runs");
        // `utime` and `stime`, fields 14 and 15 of proc_pid_stat(5); the name, which
        // may hold anything, ends with the last parenthesis and is the second.
        let (_, fields) = stat.rsplit_once(')').expect("a name");
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u64 = ticks.map(|field| field.parse::<u64>().expect("a number")).sum();
        // USER_HZ is 100 wherever Rust runs on Linux.
        Duration::from_millis(10 * ticks)
    }
}

impl Drop for Rival {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The program of this project. `disk`: where its queue is, if it has one.
fn ours(
    scrubber: &str,
    upstream: SocketAddr,
    spoken_as: Spoken,
    disk: Option<&Path>,
) -> (Child, SocketAddr) {
    let (extension, queue, started) = match disk {
        None => (String::new(), "", ""),
        Some(disk) => (
            format!("extensions: {{file_storage: {{directory: '{}'}}}}", disk.display()),
            "sending_queue: {storage: file_storage, queue_size: 100000}",
            "extensions: [file_storage]",
        ),
    };
    let coding = spoken_as.coding.name();
    let protocol = if spoken_as.protocol == Protocol::Grpc { "grpc" } else { "http" };
    let yaml = format!(
        "
receivers: {{otlp: {{protocols: {{{protocol}: {{endpoint: '127.0.0.1:0'}}}}}}}}
processors: {{{scrubber}}}
exporters:
  otlp_grpc:
    endpoint: {upstream}
    tls: {{insecure: true}}
    compression: {coding}
    retry_on_failure: {{enabled: false}}
    {queue}
{extension}
service:
  {started}
  telemetry: {{metrics: {{level: none}}, logs: {{encoding: json}}}}
  pipelines:
    traces: {{receivers: [otlp], processors: [scrubber], exporters: [otlp_grpc]}}
    logs: {{receivers: [otlp], processors: [scrubber], exporters: [otlp_grpc]}}
"
    );
    let binary = std::env::var("OTEL_REDACT_BIN");
    let mut command =
        Command::new(binary.unwrap_or_else(|_| env!("CARGO_BIN_EXE_otel-redact").to_owned()));
    command.arg("--config=env:BENCH_CONFIG").env("BENCH_CONFIG", yaml);
    spoken(command, |line| {
        let entry: serde_json::Value = serde_json::from_str(line).ok()?;
        let address = entry.get("address").and_then(serde_json::Value::as_str);
        if address.is_none() && entry.get("level").is_none_or(|level| level != "info") {
            println!("{line}");
        }
        address?.parse().ok()
    })
}

fn ten_rules() -> String {
    let rules = TEN_PATTERNS.iter().enumerate().map(|(number, pattern)| {
        // What a pattern begins with is what it is looked for by.
        let anchor: String = pattern.chars().take_while(|letter| *letter != '[').collect();
        let anchors = match anchor.as_str() {
            "gh" => "['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_']".to_owned(),
            "xox" => "['xoxa-', 'xoxb-', 'xoxp-']".to_owned(),
            "SG" => "['SG.']".to_owned(),
            anchor => format!("['{anchor}']"),
        };
        format!("{{id: ten-{number}, pattern: '{pattern}', anchors: {anchors}}}")
    });
    let rules: Vec<String> = rules.collect();
    format!("scrubber: {{packs: [], rules: [{}]}}", rules.join(", "))
}

/// Starts a process and reads its standard error until a line says where it listens.
fn spoken(
    mut command: Command,
    address_in: impl Fn(&str) -> Option<SocketAddr> + Send + 'static,
) -> (Child, SocketAddr) {
    let mut process = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    let log = BufReader::new(process.stderr.take().expect("it is piped"));
    let (sender, receiver) = std::sync::mpsc::channel();
    // Reads to the end, lest the gateway waits for someone to take its log.
    std::thread::spawn(move || {
        for line in log.lines().map_while(Result::ok) {
            if let Some(address) = address_in(&line) {
                let _ = sender.send(address);
            }
        }
    });
    let address = receiver.recv_timeout(START_MAX).expect("the gateway listens");
    (process, address)
}

/// One process, not a master and its workers, so that its time is that of one.
fn nginx(upstream: SocketAddr, folder: &Path) -> (Child, SocketAddr) {
    let address = free_address();
    let folder = folder.display();
    let conf = format!(
        "
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_max_body_size 64m;
    client_body_buffer_size 8m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    upstream backend {{ server {upstream}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen {address} http2;
        location / {{ grpc_pass grpc://backend; }}
    }}
}}
"
    );
    let file = format!("{folder}/nginx.conf");
    std::fs::write(&file, conf).expect("a folder to write to");
    let binary = std::env::var("NGINX_BIN").unwrap_or_else(|_| "nginx".to_owned());
    let mut command = Command::new(binary);
    command.args(["-e", "stderr", "-c", &file]);
    silent(command, address)
}

fn collector(
    processor: &str,
    upstream: SocketAddr,
    spoken_as: Spoken,
    folder: &Path,
) -> (Child, SocketAddr) {
    let (grpc, http) = (free_address(), free_address());
    let coding = spoken_as.coding.name();
    let used = processor.split(':').next().unwrap_or_default().trim();
    let yaml = format!(
        "
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: '{grpc}', max_recv_msg_size_mib: 64}}, http: {{endpoint: '{http}'}}}}}}
processors:
  {processor}
exporters:
  otlp:
    endpoint: {upstream}
    tls: {{insecure: true}}
    compression: {coding}
    retry_on_failure: {{enabled: false}}
    sending_queue: {{enabled: false}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [{used}], exporters: [otlp]}}
    logs: {{receivers: [otlp], processors: [{used}], exporters: [otlp]}}
"
    );
    let file = folder.join(format!("collector-{used}.yaml"));
    std::fs::write(&file, yaml).expect("a folder to write to");
    let binary = std::env::var("COLLECTOR_BIN").expect("COLLECTOR_BIN says where a Collector is");
    let mut command = Command::new(binary);
    command.arg("--config").arg(file);
    silent(command, if spoken_as.protocol == Protocol::Grpc { grpc } else { http })
}

fn redaction() -> String {
    let patterns = TEN_PATTERNS.map(|pattern| format!("'{pattern}'")).join(", ");
    format!("redaction: {{allow_all_keys: true, blocked_values: [{patterns}]}}")
}

fn transform() -> String {
    let statements = |target: &str| {
        let replace = |pattern: &str| {
            format!("'replace_all_patterns({target}, \"value\", \"{pattern}\", \"***\")'")
        };
        TEN_PATTERNS.map(replace).join(", ")
    };
    let attributes = statements("attributes");
    format!(
        "transform: {{trace_statements: [{{context: span, statements: [{attributes}]}}], \
         log_statements: [{{context: log, statements: [{attributes}]}}]}}"
    )
}

/// Starts a process that does not say where it listens, and waits until it does.
fn silent(mut command: Command, address: SocketAddr) -> (Child, SocketAddr) {
    let mut process = command.stderr(Stdio::piped()).spawn().expect("the program starts");
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if process.try_wait().expect("a child").is_some() || START_MAX < begun.elapsed() {
            let _ = process.kill();
            let mut said = String::new();
            let _ = process.stderr.take().map(|mut log| log.read_to_string(&mut said));
            panic!("it does not listen: {said}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    (process, address)
}

/// A port that was free a moment ago.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address")
}
