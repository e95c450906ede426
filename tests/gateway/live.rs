//! What a running gateway says of itself: its counts, its tail, and what a candidate rule
//! set would change. Never a byte of a secret.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpStream;

use crate::sender::http;
use crate::sender::post_json;
use crate::started::Gateway;
use crate::started::config;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::started::yaml;
use crate::upstream::Reply;
use crate::upstream::Upstream;

/// Credentials of no known format, so that only the rules of the test find them.
const LIVE: &str = "acme_live_0123456789";
const DRY: &str = "acme_dry_0123456789";
const NEW: &str = "acme_new_0123456789";

/// Two rules that run, one of them in a dry run, and a candidate.
const SCRUBBER: &str = "scrubber:
    packs: []
    rules:
      - {id: live, pattern: 'acme_live_[0-9]{10}'}
      - {id: dry, pattern: 'acme_dry_[0-9]{10}', dry_run: true}
    shadow:
      sample_ratio: 1
      rules:
        - {id: new, pattern: 'acme_new_[0-9]{10}'}
        - {id: live, pattern: 'acme_live_[0-9]{12}'}";

fn watched(exporters: &str, admin: &str) -> String {
    let yaml = yaml(exporters).replace("scrubber: {disable: ['*']}", SCRUBBER);
    let yaml = yaml.replace("service:\n", "service:\n  extensions: [admin]\n");
    format!("extensions:\n  admin: {admin}\n{yaml}")
}

fn logs(service: &str, body: &str) -> String {
    format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{service}"}}}}]}},"scopeLogs":[{{"logRecords":[{{"body":{{"stringValue":"{body}"}}}}]}}]}}]}}"#
    )
}

async fn send(gateway: &Gateway, service: &str, body: &str) {
    let answer = post_json(gateway.http(), "/v1/logs", logs(service, body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn admin(gateway: &Gateway) -> SocketAddr {
    gateway.running.address("admin", "http").unwrap()
}

async fn status(gateway: &Gateway) -> Value {
    let answer = http(admin(gateway), "GET", "/status", &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

/// Asks until it holds, for what is done beside the pipeline.
async fn until(gateway: &Gateway, holds: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..600 {
        let status = status(gateway).await;
        if holds(&status) {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{}", status(gateway).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_compared_and_changes_nothing() {
    let upstream = Upstream::always(Reply::Accept).await;
    let gateway = gateway(&watched(&to_grpc(upstream.address), "{endpoint: '127.0.0.1:0'}")).await;
    let changes = |status: &Value| status["shadow"].as_array().unwrap().len();
    send(&gateway, "shop", LIVE).await;
    // One at a time: whoever comes while the candidate is busy is left out.
    until(&gateway, |status| changes(status) == 1).await;
    send(&gateway, "shop", NEW).await;
    let status = until(&gateway, |status| changes(status) == 2).await;
    let change = |at: usize| {
        let change = &status["shadow"][at];
        ["change", "rule", "place", "service"].map(|key| change[key].as_str().unwrap().to_owned())
    };
    assert_eq!(change(0), ["added", "new", "body", "shop"]);
    assert_eq!(change(1), ["lost", "live", "body", "shop"]);
    let seen = upstream.seen();
    let body = |at: usize| String::from_utf8_lossy(&seen[at].body).into_owned();
    assert!(body(0).contains("[redacted:live]") && body(1).contains(NEW), "the live rules alone");
    let metrics = gateway.metrics.render();
    let added = "otelcol_processor_scrubber_shadow_changes{change=\"added\",place=\"body\",\
                 processor=\"scrubber\",rule=\"new\",";
    assert!(metrics.contains(added) && !metrics.contains("shop"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_has_counts_by_rule_and_by_service() {
    let upstream = Upstream::always(Reply::Accept).await;
    let gateway = gateway(&watched(&to_grpc(upstream.address), "{endpoint: '127.0.0.1:0'}")).await;
    send(&gateway, "shop", &format!("{LIVE} {DRY}")).await;
    send(&gateway, "bank", "clean").await;
    let status = status(&gateway).await;
    assert_eq!((&status["requests"], &status["items"]), (&2.into(), &2.into()));
    let rule = |id: &str| {
        let rules = status["rules"].as_array().unwrap();
        rules.iter().find(|rule| rule["rule"] == id).unwrap().clone()
    };
    assert_eq!((&rule("live")["matches"], &rule("live")["hits"]), (&1.into(), &1.into()));
    assert_eq!((&rule("dry")["matches"], &rule("dry")["suppressed"]), (&0.into(), &1.into()));
    let services = status["services"].as_array().unwrap();
    assert_eq!(services.len(), 1, "a clean request names nobody");
    assert_eq!((&services[0]["service"], &services[0]["matches"]), (&"shop".into(), &1.into()));
    assert!(!status.to_string().contains("acme_"), "{status}");
    let metrics = gateway.metrics.render();
    let near = "otelcol_processor_scrubber_rule_suppressed{processor=\"scrubber\",rule=\"dry\",";
    assert!(metrics.contains(near), "{metrics}");
    for path in ["/nothing", "/tail/99", "/tail/x"] {
        assert_eq!(http(admin(&gateway), "GET", path, &[], "").await.status, 404, "{path}");
    }
    let refused = http(admin(&gateway), "GET", "/status", &[("host", "evil.example")], "").await;
    assert_eq!(refused.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tail_shows_records_without_their_secrets() {
    let upstream = Upstream::always(Reply::Accept).await;
    let gateway = gateway(&watched(&to_grpc(upstream.address), "{endpoint: '127.0.0.1:0'}")).await;
    let mut stream = TcpStream::connect(admin(&gateway)).await.unwrap();
    stream.write_all(b"GET /tail?service=sh* HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next_line().await.unwrap().unwrap(), "HTTP/1.1 200 OK");
    send(&gateway, "bank", LIVE).await;
    let mut all = String::new();
    let record: Value = loop {
        // Whoever is busy with another request leaves one out.
        send(&gateway, "shop", &format!("with {LIVE} and {DRY} here")).await;
        let next = tokio::time::timeout(Duration::from_millis(500), lines.next_line()).await;
        let Ok(line) = next else { continue };
        let line = line.unwrap().unwrap();
        all.push_str(&line);
        if line.starts_with('{') {
            break serde_json::from_str(&line).unwrap();
        }
    };
    assert_eq!(record["service"], "shop");
    // What only a dry run finds leaves as it is, and is not shown.
    let body = "with [redacted:live] and [redacted:dry] here";
    assert_eq!(record["record"]["body"]["stringValue"], body);
    let explanation = &record["explanations"][0];
    assert_eq!(explanation["masks"][0]["rule"], "live");
    let whys = explanation["candidates"].to_string();
    assert!(whys.contains("`dry_run`: it would be masked"), "{whys}");
    assert!(!all.contains("0123456789"), "{all}");
    let number = record["number"].as_u64().unwrap();
    let again = http(admin(&gateway), "GET", &format!("/tail/{number}"), &[], "").await;
    assert_eq!(serde_json::from_slice::<Value>(&again.body).unwrap(), record);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_must_be_known_where_others_reach_it() {
    let nop = "nop:\n";
    let admin_settings = "{endpoint: '0.0.0.0:0', auth: {authenticator: bearertokenauth}}";
    let yaml = watched(nop, admin_settings)
        .replace("extensions: [admin]", "extensions: [admin, bearertokenauth]")
        .replace(
            "extensions:\n  admin",
            "extensions:\n  bearertokenauth: {token: made-up}\n  admin",
        );
    let gateway = gateway(&yaml).await;
    let port = admin(&gateway).port();
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(http(at, "GET", "/status", &[], "").await.status, 401);
    assert_eq!(
        http(at, "GET", "/tail", &[("authorization", "Bearer wrong")], "").await.status,
        401
    );
    let known = [("authorization", "Bearer made-up")];
    assert_eq!(http(at, "GET", "/status", &known, "").await.status, 200);
}

#[test]
fn a_candidate_at_fault_is_told_where() {
    let sound = watched("nop:\n", "");
    let faulty = sound.replace("acme_new_[0-9]{10}", "[0-9a-f]{10}");
    let built = otel_redact::gateway::processors::build(&config(&faulty));
    let fault = built.map(|_| ()).unwrap_err().to_string();
    assert!(
        fault.starts_with("processors.scrubber.shadow.rules[0].pattern: expected `anchors`"),
        "{fault}"
    );
}
