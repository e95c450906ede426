//! `debug`: shows requests to people, as they leave: credentials are gone, and
//! where they stood is marked.

pub mod render;
mod text;

use std::io::IsTerminal;
use std::io::Write;

use serde::Deserialize;

use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::Refusal;
use crate::gateway::exporter::delivery::Delivery;

/// `exporters.debug`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// How much is shown.
    pub verbosity: Verbosity,
    /// Accepted: every request is shown.
    pub sampling_initial: u32,
    /// Accepted: every request is shown.
    pub sampling_thereafter: u32,
    /// Accepted: requests are shown at `output_paths`, never in the log.
    pub use_internal_logger: bool,
    /// Where requests are shown: `stdout` or `stderr`. Default stdout.
    pub output_paths: Vec<Output>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            verbosity: Verbosity::default(),
            sampling_initial: 2,
            sampling_thereafter: 1,
            use_internal_logger: true,
            output_paths: vec![Output::Stdout],
        }
    }
}

/// How much of a request is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verbosity {
    /// A line for each request.
    #[default]
    Basic,
    /// A line for each span, data point, log record or profile.
    Normal,
    /// Everything.
    Detailed,
}

/// A standard stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Shows requests.
#[derive(Clone, Debug)]
pub struct Printer {
    verbosity: Verbosity,
    outputs: Vec<Output>,
}

impl Printer {
    /// A printer.
    pub fn new(config: &Config) -> Self {
        Self { verbosity: config.verbosity, outputs: config.output_paths.clone() }
    }

    /// Shows a request. What cannot be written is not shown: nobody looks.
    pub async fn print(&self, delivery: &Delivery) -> Outcome {
        let (printer, delivery) = (self.clone(), delivery.clone());
        // A terminal or a pipe may stand still.
        tokio::task::spawn_blocking(move || {
            for output in &printer.outputs {
                let (is_terminal, mut to): (bool, Box<dyn Write>) = match output {
                    Output::Stdout => {
                        (std::io::stdout().is_terminal(), Box::new(std::io::stdout().lock()))
                    }
                    Output::Stderr => {
                        (std::io::stderr().is_terminal(), Box::new(std::io::stderr().lock()))
                    }
                };
                let coloured = is_terminal && std::env::var_os("NO_COLOR").is_none();
                let text = render::render(&delivery, printer.verbosity, coloured);
                let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
            }
        })
        .await
        .map_err(|_| Refusal::Internal { what: "request cannot be shown" })?;
        Ok(Accepted::default())
    }
}
