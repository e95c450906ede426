//! What a running gateway tells of itself, under the names that a Collector has.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use crate::program::Gateway;
use crate::program::free_ports;
use crate::program::get;
use crate::program::post_json;
use crate::program::run;
use crate::program::stderr;

const COLLECTORS: &str = include_str!("../data/collector/metrics.txt");

const TRACES: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef","name":"a"}]}]}]}"#;
const LOGS: &str = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":1,"body":{"stringValue":"x"}},{"severityNumber":9,"body":{"stringValue":"y"}}]}]}]}"#;
const METRICS: &str = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"1","timeUnixNano":"1"}]}}]}]}]}"#;

/// By name: the type, and the names of labels.
type Families = BTreeMap<String, (String, BTreeSet<String>)>;

fn families(text: &str) -> Families {
    let mut all = Families::new();
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').unwrap();
            all.insert(name.to_owned(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            let end = line.find(['{', ' ']).unwrap();
            let bare = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|part| line[..end].strip_suffix(part));
            let name = bare.filter(|bare| all.contains_key(*bare)).unwrap_or(&line[..end]);
            let labels = line[end..].split("\",").filter_map(|label| label.split_once("=\""));
            let labels = labels.map(|(label, _)| label.trim_start_matches('{').to_owned());
            all.get_mut(name).unwrap().1.extend(labels.filter(|label| label != "le"));
        }
    }
    all
}

#[test]
fn names_types_and_labels_are_those_of_a_real_collector() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let upstream = Upstream::start();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.yaml");
    let yaml = format!(
        "receivers: {{otlp: {{protocols: {{grpc: , http: }}}}}}
processors:
  memory_limiter: {{check_interval: 1s, limit_mib: 500}}
  batch: {{timeout: 10ms}}
  scrubber: {{packs: []}}
  filter: {{error_mode: ignore, logs: {{log_record: ['severity_number == 1']}}}}
exporters:
  otlp_grpc: {{endpoint: '{silent}', timeout: 100ms, tls: {{insecure: true}}, retry_on_failure: {{enabled: false}}}}
  otlp_http: {{endpoint: 'http://{}'}}
  otlp_http/down: {{endpoint: 'http://{silent}', timeout: 1s, retry_on_failure: {{enabled: false}}, sending_queue: {{queue_size: 1}}}}
extensions: {{health_check: }}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [memory_limiter, scrubber, batch], exporters: [otlp_http]}}
    logs: {{receivers: [otlp], processors: [memory_limiter, scrubber, filter, batch], exporters: [otlp_http]}}
    metrics: {{receivers: [otlp], processors: [memory_limiter, scrubber], exporters: [otlp_http/down]}}
    traces/failing: {{receivers: [otlp], processors: [scrubber], exporters: [otlp_grpc]}}
", upstream.address);
    std::fs::write(&path, yaml).unwrap();
    let gateway = Gateway::start(path.to_str(), &[]);
    let port = gateway.http;
    post_json(port, "/v1/traces", TRACES).unwrap();
    post_json(port, "/v1/logs", LOGS).unwrap();
    let senders =
        [(); 3].map(|()| std::thread::spawn(move || post_json(port, "/v1/metrics", METRICS)));
    senders.into_iter().for_each(|sender| _ = sender.join().unwrap().unwrap());
    let text = get(gateway.metrics, "/metrics").unwrap();
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    let body: String =
        body.lines().filter(|line| line.contains(' ')).map(|line| format!("{line}\n")).collect();
    let ours = families(&body);
    let resource = ["service_name", "service_version", "service_instance_id"].map(str::to_owned);
    let mut checked = 0;
    for line in COLLECTORS.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split(' ');
        let (name, kind) = (parts.next().unwrap(), parts.next().unwrap());
        let labels = parts.next().unwrap_or_default().split(',').filter(|label| !label.is_empty());
        let mut labels: BTreeSet<String> = labels.map(str::to_owned).collect();
        // These are on every series here, as in Collectors before.
        labels.extend(resource.iter().cloned());
        let Some((own_kind, own_labels)) = ours.get(name) else { panic!("{name}\n{body}") };
        // Which exporter speaks which protocol differs: its path is a label over HTTP only.
        let mut own_labels = own_labels.clone();
        own_labels.remove("url_path");
        labels.remove("url_path");
        assert_eq!((own_kind.as_str(), &own_labels), (kind, &labels), "{name}");
        checked += 1;
    }
    assert!(25 < checked);
    let to = format!("server_address=\"127.0.0.1\",server_port=\"{}\"", silent.port());
    for start in [
        format!("otelcol_exporter_send_failed_spans{{exporter=\"otlp_grpc\",{to},service"),
        format!("otelcol_exporter_send_failed_metric_points{{exporter=\"otlp_http/down\",{to}"),
    ] {
        assert!(body.lines().any(|line| line.starts_with(&start)), "{start}\n{body}");
    }
    assert!(body.contains("url_path=\"/v1/metrics\""), "{body}");
    gateway.signal("TERM");
    gateway.end();
}

/// Takes requests over HTTP, one on a connection, and says yes.
struct Upstream {
    address: std::net::SocketAddr,
    requests: Receiver<(String, Vec<u8>)>,
}

impl Upstream {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (send, requests) = mpsc::channel();
        std::thread::spawn(move || {
            while let Ok((mut stream, _)) = listener.accept() {
                let (mut got, mut some) = (Vec::new(), [0; 4096]);
                let head = loop {
                    let count = stream.read(&mut some).unwrap_or(0);
                    got.extend_from_slice(some.get(..count).unwrap_or_default());
                    let text = String::from_utf8_lossy(&got).into_owned();
                    if count == 0 || text.contains("\r\n\r\n") {
                        break text;
                    }
                };
                let Some((head, _)) = head.split_once("\r\n\r\n") else { continue };
                let lower = head.to_lowercase();
                let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.unwrap().trim().parse().unwrap();
                while got.len() < head.len() + 4 + length {
                    let count = stream.read(&mut some).unwrap();
                    got.extend_from_slice(some.get(..count).unwrap_or_default());
                }
                let body = got.get(head.len() + 4..).unwrap_or_default().to_vec();
                let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\n\
                              connection: close\r\ncontent-length: 0\r\n\r\n";
                let _ = stream.write_all(answer.as_bytes());
                let line = head.lines().next().unwrap_or_default();
                if send.send((line.to_owned() + "\n" + &lower, body)).is_err() {
                    return;
                }
            }
        });
        Self { address, requests }
    }

    /// The next request with this path.
    fn next(&self, path: &str) -> (String, Vec<u8>) {
        loop {
            let request = self.requests.recv_timeout(Duration::from_secs(60)).unwrap();
            if request.0.starts_with(&format!("POST {path} ")) {
                return request;
            }
        }
    }
}

#[test]
fn metrics_and_traces_are_sent_over_otlp_scrubbed() {
    let upstream = Upstream::start();
    let token = format!("{}{}", "acme_dt_", "0123456789");
    let otlp = format!(
        "{{otlp: {{endpoint: 'http://{}', headers: [{{name: x-team, value: shop}}]}}}}",
        upstream.address
    );
    let gateway = Gateway::start(
        None,
        &[
            "--set=processors.scrubber.packs=[]",
            // The requests of others leave as they came, ours do not.
            "--set=processors.scrubber.dry_run=true",
            "--set=processors.scrubber.rules=[{id: acme, pattern: 'acme_dt_[0-9]{10}'}]",
            "--set=exporters.debug.verbosity=basic",
            &format!("--set=service.telemetry.resource={{note: with {token} here}}"),
            &format!(
                "--set=service.telemetry.metrics.readers=[{{periodic: {{interval: 50, exporter: {otlp}}}}}]"
            ),
            &format!(
                "--set=service.telemetry.traces.processors=[{{batch: {{schedule_delay: 20, exporter: {otlp}}}}}]"
            ),
        ],
    );
    post_json(gateway.http, "/v1/logs", LOGS).unwrap();
    // The two spans end at different times, so that a batch may end between them.
    let mut names = BTreeSet::new();
    while names.len() < 2 {
        let (head, body) = upstream.next("/v1/traces");
        assert!(head.contains("x-team: shop"), "{head}");
        let request = ExportTraceServiceRequest::decode(&*body).unwrap();
        let said = format!("{request:?}");
        assert!(said.contains("with [redacted:acme] here") && !said.contains(&token), "{said}");
        let spans = &request.resource_spans[0].scope_spans[0].spans;
        names.extend(spans.iter().map(|span| span.name.clone()));
    }
    assert_eq!(
        names,
        BTreeSet::from(["exporter/debug/logs", "receiver/otlp/LogsReceived"].map(String::from))
    );
    loop {
        let (_, body) = upstream.next("/v1/metrics");
        let request = ExportMetricsServiceRequest::decode(&*body).unwrap();
        let said = format!("{request:?}");
        assert!(said.contains("with [redacted:acme] here") && !said.contains(&token), "{said}");
        let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
        // Counters are sent once they have counted something.
        let Some(accepted) =
            metrics.iter().find(|one| one.name == "otelcol_receiver_accepted_log_records")
        else {
            continue;
        };
        let accepted = format!("{accepted:?}");
        assert!(accepted.contains("\"receiver\"") && !accepted.contains("service"), "{accepted}");
        if accepted.contains("AsDouble(2.0)") {
            break;
        }
    }
    gateway.signal("TERM");
    gateway.end();
}

#[test]
fn a_way_for_our_own_telemetry_that_leads_nowhere_is_told_by_validate() {
    for (set, expected) in [
        (
            "service.telemetry.metrics.readers=[{periodic: {exporter: {otlp: {endpoint: nowhere}}}}]",
            "Error: service.telemetry.metrics.readers[0].periodic.exporter.otlp.endpoint: expected a URL such as",
        ),
        (
            "service.telemetry.traces.processors=[{batch: {exporter: {console: {}}}}]",
            "Error: service.telemetry.traces.processors[0].batch.exporter.console: unknown key",
        ),
        (
            "service.telemetry.metrics.readers=[{periodic: {}}]",
            "Error: service.telemetry.metrics.readers[0].periodic.exporter: expected `otlp`",
        ),
    ] {
        let output = run(&["validate", "--set", set], "");
        assert!(stderr(&output).starts_with(expected), "{}", stderr(&output));
    }
}

#[test]
fn pages_for_a_browser_show_what_runs() {
    let [port] = free_ports();
    let gateway = Gateway::start(
        None,
        &[
            "--set=processors.scrubber.packs=[]",
            "--set=exporters.debug.verbosity=basic",
            &format!("--set=extensions.zpages.endpoint=127.0.0.1:{port}"),
            "--set=service.extensions=[health_check, zpages]",
        ],
    );
    post_json(gateway.http, "/v1/logs", LOGS).unwrap();
    for (page, part) in [
        ("servicez", "<td>Version</td>"),
        ("pipelinez", "<td>logs</td><td>otlp</td><td>scrubber</td><td>debug</td>"),
        ("extensionz", "<td>zpages</td>"),
        ("featurez", "no feature gates"),
        ("tracez", "<td>receiver/otlp/LogsReceived</td><td>0</td>"),
    ] {
        let answer = get(port, &format!("/debug/{page}")).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(part), "{page}: {answer}");
    }
    assert!(get(port, "/debug/expvarz").unwrap().starts_with("HTTP/1.1 404"));
    gateway.signal("TERM");
    gateway.end();
}
