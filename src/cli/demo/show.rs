//! What was sent beside what arrived.

use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;

use crate::cli::closed_pipe;
use crate::cli::demo::secrets::Field;
use crate::cli::demo::secrets::Story;
use crate::cli::demo::secrets::Text;
use crate::cli::demo::upstream::Received;

/// The longest text that is shown whole, in characters.
const SHOWN_CHARS_MAX: usize = 200;

/// How the masks begin.
const MASK: &str = "[redacted:";

const NEXT: &str = "\
What next:
  otel-redact
      listens at localhost:4317 (gRPC) and :4318 (HTTP), and prints what is left
  OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 ./your-application
      sends to it, whatever the SDK
  otel-redact scrub < app.log
      scrubs a file
  otel-redact --config gateway.yaml
      forwards to your backend; the YAML is the Collector's (see config/)
";

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli::demo) struct Outcome {
    /// Credentials that arrived.
    pub(in crate::cli::demo) leaked: Vec<String>,
    /// How many clean values did not arrive as they were.
    pub(in crate::cli::demo) lost: usize,
    secrets: usize,
    clean: usize,
}

impl Outcome {
    /// Looks for each secret in everything that arrived, and for each clean value in
    /// its place.
    pub(in crate::cli::demo) fn of(story: &Story, arrived: &Received) -> Self {
        let secrets = || story.texts.iter().flat_map(|text| &text.secrets);
        let clean = || story.texts.iter().filter(|text| text.secrets.is_empty());
        let as_sent = |text: &&Text| arrived.text(text.field, text.key) == Some(joined(text));
        Self {
            leaked: secrets().filter(|secret| arrived.holds(secret)).cloned().collect(),
            lost: clean().filter(|text| !as_sent(text)).count(),
            secrets: secrets().count(),
            clean: clean().count(),
        }
    }
}

/// Prints it all to stdout.
///
/// # Errors
///
/// When stdout cannot be written to.
pub(in crate::cli::demo) fn show(
    story: &Story,
    arrived: &Received,
    outcome: &Outcome,
    took: Duration,
) -> io::Result<()> {
    let terminal = io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let page = page(story, arrived, outcome, took, Paint { on: terminal });
    io::stdout().write_all(page.as_bytes()).or_else(closed_pipe)
}

fn page(
    story: &Story,
    arrived: &Received,
    outcome: &Outcome,
    took: Duration,
    paint: Paint,
) -> String {
    let mut page = "An application (OpenTelemetry SDK, OTLP/gRPC) -> this gateway -> an upstream (OTLP/HTTP)\n".to_owned();
    let mut last = None;
    for text in &story.texts {
        if last != Some(text.field) {
            let title = match text.field {
                Field::Span => "span, attributes",
                Field::Event => "span, event",
                Field::Status => "span, status message",
                Field::Body => "log record, body",
                Field::Log => "log record, attributes",
            };
            page.push_str(&format!("\n{}\n", paint.bold(title)));
            last = Some(text.field);
        }
        let sent = joined(text);
        let received = arrived.text(text.field, text.key);
        if !text.key.is_empty() {
            page.push_str(&format!("  {}\n", text.key));
        }
        let shown_sent = text.secrets.iter().fold(clipped(&sent), |shown, secret| {
            shown.replace(secret.as_str(), &paint.red(secret))
        });
        match received {
            Some(received) if received == sent => {
                let label = if text.secrets.is_empty() { "unchanged" } else { "leaked   " };
                page.push_str(&format!("    {label}  {shown_sent}\n"));
            }
            received => {
                let received = received.unwrap_or_else(|| "(did not arrive)".to_owned());
                page.push_str(&format!("    sent       {shown_sent}\n"));
                page.push_str(&format!("    arrived    {}\n", paint.masks(&clipped(&received))));
            }
        }
    }
    let Outcome { leaked, lost, secrets, clean } = outcome;
    let verdict = format!(
        "{} of {secrets} made-up credentials removed, {} of {clean} other values untouched, in {:.1} s",
        secrets - leaked.len(),
        clean - lost,
        took.as_secs_f64(),
    );
    let good = leaked.is_empty() && *lost == 0;
    let verdict = if good { paint.green(&verdict) } else { paint.red(&verdict) };
    page.push_str(&format!("\n{verdict}\n\n{NEXT}"));
    page
}

fn joined(text: &Text) -> String {
    text.values.join(" ")
}

/// One line of at most so many characters.
fn clipped(text: &str) -> String {
    let line = text.replace('\n', "\\n");
    match line.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// Colours, where there is someone to see them.
#[derive(Clone, Copy)]
struct Paint {
    on: bool,
}

impl Paint {
    fn painted(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.painted("1", text)
    }

    fn red(self, text: &str) -> String {
        self.painted("31", text)
    }

    fn green(self, text: &str) -> String {
        self.painted("32", text)
    }

    /// The masks in green.
    fn masks(self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, from)) = rest.find(MASK).and_then(|at| rest.split_at_checked(at)) {
            let end = from.find(']').map_or(from.len(), |end| end + 1);
            let (mask, after) = from.split_at_checked(end).unwrap_or((from, ""));
            out.push_str(before);
            out.push_str(&self.green(mask));
            rest = after;
        }
        out.push_str(rest);
        out
    }
}
