//! The health check, as the Collector's extension answers it.
//!
//! It says whether the gateway takes requests, not whether an upstream does: an
//! orchestrator that restarts the gateway for a broken upstream only loses data.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

use crate::gateway::telemetry::http as server;
use crate::gateway::telemetry::http::ListenError;
use crate::gateway::telemetry::http::Listener;
use crate::gateway::telemetry::logs;

/// `extensions.health_check`
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address to listen at.
    pub endpoint: String,
    /// The path that answers, with everything under it.
    pub path: String,
    /// Bodies to answer with, in place of the Collector's.
    pub response_body: Option<Bodies>,
}

impl Default for Config {
    fn default() -> Self {
        Self { endpoint: "localhost:13133".to_owned(), path: "/".to_owned(), response_body: None }
    }
}

/// `response_body`
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bodies {
    /// When ready.
    pub healthy: String,
    /// When not.
    pub unhealthy: String,
}

/// Since when: as RFC 3339 writes it, and to measure from.
type Since = (String, Instant);

/// Whether requests are taken. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Health {
    ready_since: Arc<Mutex<Option<Since>>>,
    /// Why the newest rules do not run, where they do not.
    refused: Arc<Mutex<Option<String>>>,
}

impl Health {
    /// Not ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on, requests are taken.
    pub fn ready(&self) {
        self.set(Some((logs::now(), Instant::now())));
    }

    /// From now on, they are not: the gateway drains.
    pub fn stopping(&self) {
        self.set(None);
    }

    /// The rules that were read last run, or do not for this reason. Requests are taken
    /// either way. The reason holds no secret.
    pub fn reloaded(&self, refused: Option<String>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, since: Option<Since>) {
        *self.ready_since.lock().unwrap_or_else(PoisonError::into_inner) = since;
    }

    fn since(&self) -> Option<Since> {
        self.ready_since.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Opens the port.
///
/// # Errors
///
/// When it cannot be had; `id` is the id of the extension.
pub async fn listen(config: &Config, id: &str) -> Result<Listener, ListenError> {
    Listener::open(&config.endpoint, &format!("extensions.{id}.endpoint")).await
}

/// Answers until the task is dropped.
pub async fn serve(listener: Listener, config: Config, health: Health) {
    server::serve(listener, Arc::new(move |path: &str| answer(&config, &health, path))).await;
}

fn answer(config: &Config, health: &Health, path: &str) -> Response<Full<Bytes>> {
    let root = config.path.trim_end_matches('/');
    let under =
        path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let since = health.since();
    let (status, kind, body) = match (&config.response_body, since) {
        _ if !under => (404, "text/plain", String::new()),
        (Some(bodies), Some(_)) => (200, "text/plain", bodies.healthy.clone()),
        (Some(bodies), None) => (503, "text/plain", bodies.unhealthy.clone()),
        (None, Some((since, at))) => {
            (200, "application/json", available(&since, at, health.refused()))
        }
        (None, None) => (503, "application/json", UNAVAILABLE.to_owned()),
    };
    Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, kind)
        .body(Full::new(Bytes::from(body)))
        .expect("the header here is valid")
}

/// The Collector's texts (contrib `extension/healthcheckextension`).
const UNAVAILABLE: &str =
    r#"{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}"#;

fn available(since: &str, at: Instant, refused: Option<String>) -> String {
    let uptime = at.elapsed().as_secs_f64();
    let refused = refused.map(|fault| {
        let fault = serde_json::Value::String(fault);
        format!(r#","reload":"refused, the rules of before go on","fault":{fault}"#)
    });
    let refused = refused.unwrap_or_default();
    format!(
        r#"{{"status":"Server available","upSince":"{since}","uptime":"{uptime:.3}s"{refused}}}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    async fn get(config: &Config, health: &Health, path: &str) -> (u16, String) {
        let response = answer(config, health, path);
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn it_answers_as_the_collectors_extension() {
        let (config, health) = (Config::default(), Health::new());
        let (status, body) = get(&config, &health, "/").await;
        assert_eq!((status, body.as_str()), (503, UNAVAILABLE));
        health.ready();
        for path in ["/", "/any", "/any/path"] {
            let (status, body) = get(&config, &health, path).await;
            assert_eq!(status, 200);
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(json["status"], "Server available");
            assert!(json["upSince"].as_str().unwrap().ends_with('Z'), "{body}");
            assert!(json["uptime"].as_str().unwrap().ends_with('s'), "{body}");
        }
        health.reloaded(Some("rules[0]: \"x\"".to_owned()));
        let (status, body) = get(&config, &health, "/").await;
        let json: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, json["fault"].as_str()), (200, Some("rules[0]: \"x\"")));
        health.stopping();
        assert_eq!(get(&config, &health, "/").await.0, 503);
    }

    #[tokio::test]
    async fn path_and_bodies_can_be_set() {
        let config: Config = crate::scrub::yaml::read(
            "path: /health\nresponse_body: {healthy: good, unhealthy: bad}",
        )
        .unwrap();
        let health = Health::new();
        assert_eq!(get(&config, &health, "/health").await, (503, "bad".to_owned()));
        health.ready();
        assert_eq!(get(&config, &health, "/health/x").await, (200, "good".to_owned()));
        assert_eq!(get(&config, &health, "/healthy").await.0, 404);
        assert_eq!(get(&config, &health, "/").await.0, 404);
    }
}
