//! Pages for a browser that say what runs: `extensions.zpages`, at the Collector's paths.
//!
//! | path | |
//! |---|---|
//! | `/debug/servicez` | version, start, and where the other pages are |
//! | `/debug/pipelinez` | the pipelines, from receivers to exporters |
//! | `/debug/extensionz` | the extensions that run |
//! | `/debug/featurez` | that there are no feature gates |
//! | `/debug/tracez` | requests that came and were sent: how many, how long they took, how many failed |
//!
//! There are ids, counts and times on them, never a text of a request.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

use crate::gateway::telemetry::http as server;
use crate::gateway::telemetry::http::ListenError;
use crate::gateway::telemetry::http::Listener;
use crate::gateway::telemetry::instance::NAME;
use crate::gateway::telemetry::instance::VERSION;
use crate::gateway::telemetry::logs;
use crate::gateway::telemetry::metrics::Metrics;
use crate::gateway::telemetry::spans::LATENCIES;

/// `extensions.zpages`
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address to listen at.
    pub endpoint: String,
    /// Accepted where it is off: there are no variables of Go.
    pub expvar: Expvar,
}

impl Default for Config {
    fn default() -> Self {
        Self { endpoint: "localhost:55679".to_owned(), expvar: Expvar::default() }
    }
}

/// `expvar`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expvar {
    /// Must be false.
    pub enabled: Off,
}

/// `false`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "bool")]
pub struct Off;

impl TryFrom<bool> for Off {
    type Error = &'static str;

    fn try_from(on: bool) -> Result<Self, Self::Error> {
        if on { Err("expected false: there are no variables of Go") } else { Ok(Self) }
    }
}

/// A pipeline: its id, receivers, processors and exporters.
pub type Row = [String; 4];

/// What the pages show of the configuration.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The pipelines.
    pub pipelines: Vec<Row>,
    /// The extensions.
    pub extensions: Vec<String>,
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
pub async fn serve(listener: Listener, shown: Shown, metrics: Metrics) {
    metrics.tracer().watch();
    let since = (logs::now(), Instant::now());
    let answer = move |path: &str| {
        let body = match path.trim_end_matches('/') {
            "/debug/servicez" => servicez(&since),
            "/debug/pipelinez" => pipelinez(&shown),
            "/debug/extensionz" => extensionz(&shown),
            "/debug/featurez" => "<p>There are no feature gates.</p>".to_owned(),
            "/debug/tracez" => tracez(&metrics),
            _ => return response(404, "<p>There is <a href=\"/debug/servicez\">servicez</a>.</p>"),
        };
        response(200, &body)
    };
    server::serve(listener, Arc::new(answer)).await;
}

fn response(status: u16, body: &str) -> Response<Full<Bytes>> {
    let page = format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><title>{NAME}</title></head>\
         <body>{body}</body></html>\n"
    );
    Response::builder()
        .status(status)
        .header(http::header::CONTENT_TYPE, "text/html; charset=utf-8")
        .header(http::header::CONTENT_SECURITY_POLICY, "default-src 'none'")
        .header(http::header::CACHE_CONTROL, "no-store")
        .body(Full::new(Bytes::from(page)))
        .expect("the headers here are valid")
}

fn servicez((began, since): &(String, Instant)) -> String {
    let pages = ["pipelinez", "extensionz", "featurez", "tracez"];
    let links = pages.map(|page| format!("<li><a href=\"/debug/{page}\">{page}</a></li>")).concat();
    let facts = [
        ("Command", NAME.to_owned()),
        ("Version", VERSION.to_owned()),
        ("StartTimestamp", began.clone()),
        ("Uptime", format!("{:?}", since.elapsed())),
        ("OS", std::env::consts::OS.to_owned()),
        ("Arch", std::env::consts::ARCH.to_owned()),
    ];
    let facts = facts.map(|(name, value)| [name.to_owned(), value]);
    format!(
        "<h1>{NAME}</h1><ul>{links}</ul>{}",
        table(&["", ""], facts.iter().map(|row| row.as_slice()))
    )
}

fn pipelinez(shown: &Shown) -> String {
    let heads = ["Pipeline", "Receivers", "Processors", "Exporters"];
    table(&heads, shown.pipelines.iter().map(|row| row.as_slice()))
}

fn extensionz(shown: &Shown) -> String {
    table(&["Extension"], shown.extensions.iter().map(std::slice::from_ref))
}

fn tracez(metrics: &Metrics) -> String {
    let mut heads = vec!["Span", "Errors"];
    heads.extend(LATENCIES.iter().map(|(name, _)| *name));
    heads.push("longer");
    let rows: Vec<Vec<String>> = metrics
        .tracer()
        .seen()
        .into_iter()
        .map(|(name, seen)| {
            let counts = seen.by_latency.iter().map(u64::to_string);
            [name, seen.errors.to_string()].into_iter().chain(counts).collect()
        })
        .collect();
    let note = "<p>Since the start; a count stands under the time that its requests took at most. \
                The newest spans are where <code>service.telemetry.traces</code> sends them.</p>";
    format!("{note}{}", table(&heads, rows.iter().map(Vec::as_slice)))
}

fn table<'r>(heads: &[&str], rows: impl Iterator<Item = &'r [String]>) -> String {
    let mut out = String::from("<table><tr>");
    for head in heads {
        let _ = write!(out, "<th>{}</th>", escaped(head));
    }
    out.push_str("</tr>");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", escaped(cell));
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::Signal;

    #[test]
    fn pages_show_what_runs_and_escape_it() {
        let row = ["logs", "otlp", "scrubber", "debug/<a>"].map(str::to_owned);
        let shown = Shown { pipelines: vec![row], extensions: vec!["zpages".to_owned()] };
        assert!(pipelinez(&shown).contains("<td>scrubber</td><td>debug/&lt;a&gt;</td>"));
        assert!(extensionz(&shown).contains("<td>zpages</td>"));
        let metrics = Metrics::new();
        metrics.tracer().watch();
        metrics.tracer().received("otlp", Signal::Logs).unwrap().end(Vec::new(), true);
        let page = tracez(&metrics);
        assert!(page.contains("<td>receiver/otlp/LogsReceived</td><td>1</td>"), "{page}");
    }
}
