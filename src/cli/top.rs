//! `top`: what a running gateway does, seen live.

use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::cli::closed_pipe;
use crate::cli::live::AdminArgs;
use crate::cli::live::LiveError;

/// What `top` is asked.
#[derive(Debug, Args)]
pub(in crate::cli) struct TopArgs {
    #[command(flatten)]
    admin: AdminArgs,
    /// Print once, and end
    #[arg(long)]
    once: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2)]
    interval: u64,
    /// How many rules and services
    #[arg(long, value_name = "N", default_value_t = 10)]
    rows: usize,
}

/// Cursor home, and clear to the end of the screen (ECMA-48: CUP, ED).
const REPAINT: &str = "\x1b[H\x1b[J";

/// Paints until it is interrupted, or once.
///
/// # Errors
///
/// When the gateway cannot be asked.
pub(in crate::cli) fn top(args: &TopArgs) -> Result<(), LiveError> {
    let repaint = io::stdout().is_terminal();
    args.admin.run(async {
        let mut before = None;
        loop {
            let now = args.admin.json("/status").await?;
            let frame = frame(&now, before.as_ref(), args.rows);
            let start = if repaint && !args.once { REPAINT } else { "" };
            let mut out = io::stdout().lock();
            let written = out.write_all(format!("{start}{frame}").as_bytes());
            if let Err(error) = written.and_then(|()| out.flush()) {
                return closed_pipe(error).map_err(LiveError::Io);
            }
            drop(out);
            if args.once {
                return Ok(());
            }
            before = Some(now);
            tokio::time::sleep(Duration::from_secs(args.interval.max(1))).await;
        }
    })
}

/// One picture; with speeds, where there is a look of before.
fn frame(now: &Value, before: Option<&Value>, rows: usize) -> String {
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    let uptime = number(now, "uptime_seconds");
    let seconds = before.map_or(uptime, |before| uptime - number(before, "uptime_seconds"));
    let speed = |key: &str| {
        let more = number(now, key) - before.map_or(0.0, |before| number(before, key));
        more / seconds.max(1e-3)
    };
    let version = now.get("version").and_then(Value::as_str).unwrap_or_default();
    let mut out = format!(
        "otel-redact {version}, up {uptime:.0} s\n\
         requests {:>12.0}  {:>10.1}/s   refused {:.0}\n\
         items    {:>12.0}  {:>10.1}/s\n\
         bytes    {:>12.0}  {:>10.1} kB/s\n",
        number(now, "requests"),
        speed("requests"),
        number(now, "refused_requests"),
        number(now, "items"),
        speed("items"),
        number(now, "bytes"),
        speed("bytes") / 1e3,
    );
    for (title, key) in
        [("rules by matches", "matches"), ("rules by cost (bytes read)", "confirmed_bytes")]
    {
        out.push_str(&format!(
            "\n{title:<44} {:>9} {:>9} {:>9} {:>10} {:>11}\n",
            "matches", "hits", "near", "suppressed", "bytes"
        ));
        for rule in sorted(now, "rules", key).into_iter().take(rows) {
            out.push_str(&format!(
                "{:<44} {:>9} {:>9} {:>9} {:>10} {:>11}\n",
                text(rule, "rule"),
                number(rule, "matches"),
                number(rule, "hits"),
                number(rule, "near_misses"),
                number(rule, "suppressed"),
                number(rule, "confirmed_bytes"),
            ));
        }
    }
    out.push_str(&format!("\n{:<44} {:>9} {:>9}  last rule\n", "services", "matches", "requests"));
    for service in sorted(now, "services", "matches").into_iter().take(rows) {
        let name = match text(service, "service") {
            "" => "(no name)",
            name => name,
        };
        let (matches, requests) = (number(service, "matches"), number(service, "requests"));
        let rule = text(service, "last_rule");
        out.push_str(&format!("{name:<44} {matches:>9} {requests:>9}  {rule}\n"));
    }
    let changes = sorted(now, "shadow", "count");
    if !changes.is_empty() {
        out.push_str(&format!("\n{:<8} {:>9}  rule\n", "shadow", "count"));
    }
    for change in changes.into_iter().take(rows) {
        let was = match text(change, "was") {
            "" => String::new(),
            was => format!(" (was {was})"),
        };
        out.push_str(&format!(
            "{:<8} {:>9}  {}{was}  {}  {}\n",
            text(change, "change"),
            number(change, "count"),
            text(change, "rule"),
            text(change, "place"),
            text(change, "service"),
        ));
    }
    out
}

/// What a sender chose is shown without control characters: a terminal would obey them.
fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    let text = value.get(key).and_then(Value::as_str).unwrap_or_default();
    if text.chars().any(char::is_control) { "(control characters)" } else { text }
}

/// The entries of a list, the largest first; without those that are zero.
fn sorted<'v>(now: &'v Value, list: &str, key: &str) -> Vec<&'v Value> {
    let number = |value: &Value| value.get(key).and_then(Value::as_u64).unwrap_or(0);
    let entries = now.get(list).and_then(Value::as_array).into_iter().flatten();
    let mut entries: Vec<&Value> = entries.filter(|entry| 0 < number(entry)).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(number(entry)));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_picture_shows_the_largest_first_and_no_control_characters() {
        let now = json!({
            "version": "1", "uptime_seconds": 20.0, "requests": 300, "bytes": 4000, "items": 5,
            "rules": [
                {"rule": "quiet", "matches": 0, "confirmed_bytes": 0},
                {"rule": "few", "matches": 1, "confirmed_bytes": 900},
                {"rule": "many", "matches": 7, "confirmed_bytes": 70},
            ],
            "services": [{"service": "a\u{1b}[2J", "matches": 3, "requests": 2}],
            "shadow": [{"change": "added", "rule": "new", "place": "body", "service": "s", "count": 4}],
        });
        let before = json!({"uptime_seconds": 10.0, "requests": 200});
        let frame = frame(&now, Some(&before), 5);
        let at = |text: &str| frame.find(text).unwrap_or_else(|| panic!("{text}\n{frame}"));
        assert!(at("many") < at("few") && !frame.contains("quiet"), "{frame}");
        assert!(frame.contains("10.0/s") && !frame.contains('\u{1b}'), "{frame}");
        assert!(at("added") < at("new  body  s"));
    }
}
