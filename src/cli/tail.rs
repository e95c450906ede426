//! `tail`: records as they leave a running gateway, with why something is masked in them.

use std::io;
use std::io::Write;

use clap::Args;
use serde_json::Value;

use crate::cli::closed_pipe;
use crate::cli::live::AdminArgs;
use crate::cli::live::LiveError;

/// Examples for `tail --help`.
pub(in crate::cli) const EXAMPLES: &str = "\
Examples:
  otel-redact tail                              records in which a rule found something, or nearly
  otel-redact tail --service 'checkout-*' --rule jwt
  otel-redact tail --all --sample 0.01 --limit 10 --json
  otel-redact explain --tail 17                 the explanations of record 17 once more

The records have passed the processors of their pipeline, and then every rule once more,
without conditions, allow entries and dry runs: no secret that a rule finds is shown.";

/// What `tail` is asked.
#[derive(Debug, Args)]
pub(in crate::cli) struct TailArgs {
    #[command(flatten)]
    admin: AdminArgs,
    /// Only of this service; `*` stands for anything
    #[arg(long, value_name = "NAME", default_value = "*")]
    service: String,
    /// Only records that this rule masks, or nearly masks, something in
    #[arg(long, value_name = "ID", default_value = "*")]
    rule: String,
    /// Records in which no rule came near, too
    #[arg(long)]
    all: bool,
    /// The share of requests to look at, 0 to 1
    #[arg(long, value_name = "RATIO", default_value = "1")]
    sample: String,
    /// How many records; then it ends
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// One JSON object for each record
    #[arg(long)]
    json: bool,
}

/// Prints records until there are enough, or the gateway ends.
///
/// # Errors
///
/// When the gateway cannot be asked.
pub(in crate::cli) fn tail(args: &TailArgs) -> Result<(), LiveError> {
    let TailArgs { admin, service, rule, all, sample, limit, json } = args;
    let [service, rule, sample] = [service, rule, sample].map(|text| escaped(text));
    let path =
        format!("/tail?service={service}&rule={rule}&all={all}&sample={sample}&limit={limit}");
    admin.run(async {
        let mut lines = admin.lines(&path).await?;
        while let Some(line) = lines.next().await? {
            let text = match (*json, serde_json::from_slice::<Value>(&line)) {
                (false, Ok(record)) => readable(&record),
                _ => String::from_utf8_lossy(&line).into_owned(),
            };
            let mut out = io::stdout().lock();
            if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
                return closed_pipe(error).map_err(LiveError::Io);
            }
        }
        Ok(())
    })
}

/// Prints the explanations of a record that was shown.
///
/// # Errors
///
/// When the gateway cannot be asked, or does not have it any more.
pub(in crate::cli) fn explain(
    admin: &AdminArgs,
    number: u64,
    json: bool,
) -> Result<String, LiveError> {
    let record = admin.run(admin.json(&format!("/tail/{number}")))?;
    let explanations = record.get("explanations").and_then(Value::as_array);
    let each = explanations.into_iter().flatten();
    Ok(match json {
        true => each.map(|one| format!("{one}\n")).collect(),
        false => each.map(explanation).collect(),
    })
}

/// A record and its explanations.
fn readable(record: &Value) -> String {
    let text = |key: &str| record.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = record.get("number").and_then(Value::as_u64).unwrap_or_default();
    let (signal, service, path) = (text("signal"), text("service"), text("path"));
    // A sender chose the name: control characters of it are escaped.
    let mut out = format!("#{number} {signal} {service:?} {path}\n");
    match record.get("record") {
        None | Some(Value::Null) => out.push_str("  (longer than is shown)\n"),
        Some(record) => out.push_str(&format!("  {record}\n")),
    }
    let explanations = record.get("explanations").and_then(Value::as_array);
    out.extend(explanations.into_iter().flatten().map(explanation));
    out
}

/// An explanation as `explain` prints it.
fn explanation(one: &Value) -> String {
    let mut out = format!("{}\n", text(one, "path"));
    let masks = list(one, "masks");
    for mask in &masks {
        let (rule, len, start) = (text(mask, "rule"), number(mask, "len"), number(mask, "start"));
        let shown = text(mask, "shown");
        out.push_str(&format!("  masked by {rule}: {len} bytes at byte {start}, as {shown}\n"));
    }
    if masks.is_empty() {
        out.push_str("  nothing masked\n");
    } else if one.get("dry_run").and_then(Value::as_bool) == Some(true) {
        out.push_str("  but for `dry_run` of the scrubber: nothing is masked\n");
    }
    list(one, "candidates").iter().for_each(|one| out.push_str(&candidate(one)));
    out
}

fn candidate(candidate: &Value) -> String {
    let rule = match text(candidate, "rule") {
        rule if rule.is_empty() => "(no rule)".to_owned(),
        rule => rule,
    };
    let (len, start) = (number(candidate, "len"), number(candidate, "start"));
    let class = text(candidate, "class");
    let mut out = format!("    {rule}: {len} bytes of {class} at byte {start}");
    let decoded = list(candidate, "decoded");
    if !decoded.is_empty() {
        let chain: Vec<&str> = decoded.iter().filter_map(Value::as_str).collect();
        out.push_str(&format!(" of what {} says", chain.join(", then ")));
    }
    let fingerprint = text(candidate, "fingerprint");
    if !fingerprint.is_empty() {
        out.push_str(&format!(", fingerprint {fingerprint}"));
    }
    let is = |key: &str| candidate.get(key).and_then(Value::as_bool) == Some(true);
    if !is("match") {
        let what = if is("left") { "found, and left" } else { "no match" };
        out.push_str(&format!("\n      {what}: {}\n", text(candidate, "why")));
        return out;
    }
    let (by, confidence) = (text(candidate, "by"), text(candidate, "confidence"));
    out.push_str(&format!("\n      match: told by {by}; confidence {confidence}\n"));
    for verdict in list(candidate, "verdicts").iter().filter_map(Value::as_str) {
        out.push_str(&format!("      {verdict}\n"));
    }
    let (named_by, action) = (text(candidate, "named_by"), text(candidate, "action"));
    if !named_by.is_empty() {
        out.push_str(&format!(
            "      overlaps a match of {named_by}, which names the mask of both\n"
        ));
    }
    if !action.is_empty() {
        out.push_str(&format!("      and then: `action: {action}`\n"));
    }
    out
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn number(value: &Value, key: &str) -> u64 {
    value.get(key).and_then(Value::as_u64).unwrap_or(0)
}

fn list(value: &Value, key: &str) -> Vec<Value> {
    value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
}

/// A text as a value of a query (RFC 3986, 3.4).
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' | b'*' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
