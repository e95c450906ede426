//! Our own log, as `service.telemetry.logs` spells it and in the Collector's two
//! formats.
//!
//! `console`: time, level, module and message with tabs between, then the fields
//! as JSON. `json`: one object a line.

use std::fmt;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::sync::Arc;

use serde_json::Map;
use serde_json::Value;
use tracing::Event;
use tracing::Subscriber;
use tracing::field::Field;
use tracing::field::Visit;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::FormatEvent;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::registry::LookupSpan;

use crate::gateway::config::duration::GoDuration;

/// `service.telemetry.logs`
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The least important level that is written.
    pub level: Level,
    /// How a line is written.
    pub encoding: Encoding,
    /// `stderr`, `stdout`, or files, which are appended to.
    pub output_paths: Vec<String>,
    /// Accepted: errors of the log itself go nowhere else.
    pub error_output_paths: Vec<String>,
    /// Added to every line.
    pub initial_fields: Map<String, Value>,
    /// Accepted: there is one mode.
    pub development: bool,
    /// Leaves the module out.
    pub disable_caller: bool,
    /// Accepted: there are no stack traces.
    pub disable_stacktrace: bool,
    /// Accepted: what repeats is logged with its count, so nothing is left out.
    pub sampling: Sampling,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            level: Level::default(),
            encoding: Encoding::default(),
            output_paths: vec!["stderr".to_owned()],
            error_output_paths: vec!["stderr".to_owned()],
            initial_fields: Map::new(),
            development: false,
            disable_caller: false,
            disable_stacktrace: false,
            sampling: Sampling::default(),
        }
    }
}

/// `sampling`
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// Accepted.
    pub enabled: bool,
    /// Accepted.
    pub tick: GoDuration,
    /// Accepted.
    pub initial: u64,
    /// Accepted.
    pub thereafter: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { enabled: true, tick: GoDuration::from_secs(10), initial: 10, thereafter: 100 }
    }
}

/// The Collector's levels, in either case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything.
    #[serde(alias = "DEBUG")]
    Debug,
    /// What happens once, and what an operator may want to know.
    #[default]
    #[serde(alias = "INFO")]
    Info,
    /// What should be looked at.
    #[serde(alias = "WARN")]
    Warn,
    /// What went wrong.
    #[serde(alias = "ERROR")]
    Error,
}

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// For people.
    #[default]
    Console,
    /// For machines.
    Json,
}

/// A log that cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("service.telemetry.logs.output_paths[{at}]: cannot open the file: {reason}")]
pub struct LogError {
    /// Which of the paths, from 0.
    pub at: usize,
    /// Why.
    pub reason: io::Error,
}

/// Sends the log of the whole process where `config` says. In a process that has a
/// log already (tests), changes nothing.
///
/// # Errors
///
/// When a file cannot be opened.
pub fn start(config: &Config) -> Result<(), LogError> {
    let level = match config.level {
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    };
    let outputs = Outputs::open(&config.output_paths)?;
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(move || outputs.clone())
        .event_format(Format::of(config))
        .finish();
    let already = tracing::subscriber::set_global_default(subscriber).is_err();
    tracing::debug!(already, "the log is open");
    Ok(())
}

/// Now, as RFC 3339 writes it, in UTC.
pub(in crate::gateway::telemetry) fn now() -> String {
    let mut text = String::new();
    match SystemTime.format_time(&mut Writer::new(&mut text)) {
        Ok(()) => text.trim_end().to_owned(),
        Err(fmt::Error) => String::new(),
    }
}

/// Everything that a line goes to.
#[derive(Clone)]
struct Outputs(Arc<[Output]>);

enum Output {
    Stderr,
    Stdout,
    File(File),
}

impl Outputs {
    fn open(paths: &[String]) -> Result<Self, LogError> {
        let open = |(at, path): (usize, &String)| match path.as_str() {
            "stderr" => Ok(Output::Stderr),
            "stdout" => Ok(Output::Stdout),
            path => OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .map(Output::File)
                .map_err(|reason| LogError { at, reason }),
        };
        Ok(Self(paths.iter().enumerate().map(open).collect::<Result<_, _>>()?))
    }
}

impl Write for Outputs {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        for output in self.0.iter() {
            match output {
                Output::Stderr => io::stderr().write_all(line)?,
                Output::Stdout => io::stdout().write_all(line)?,
                Output::File(file) => (&*file).write_all(line)?,
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The Collector's formats.
struct Format {
    encoding: Encoding,
    caller: bool,
    initial: Map<String, Value>,
}

impl Format {
    fn of(config: &Config) -> Self {
        Self {
            encoding: config.encoding,
            caller: !config.disable_caller,
            initial: config.initial_fields.clone(),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Format
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields { message: String::new(), others: self.initial.clone() };
        event.record(&mut fields);
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let caller = event.metadata().target();
        match self.encoding {
            Encoding::Console => {
                write!(writer, "{}\t{level}\t", now())?;
                if self.caller {
                    write!(writer, "{caller}\t")?;
                }
                // A line break in a message would make one event look like two.
                write!(writer, "{}", fields.message.replace(['\n', '\r'], " "))?;
                if !fields.others.is_empty() {
                    write!(writer, "\t{}", Value::Object(fields.others))?;
                }
                writeln!(writer)
            }
            Encoding::Json => {
                let mut line = Map::new();
                line.insert("level".to_owned(), level.into());
                line.insert("ts".to_owned(), now().into());
                if self.caller {
                    line.insert("caller".to_owned(), caller.into());
                }
                line.insert("msg".to_owned(), fields.message.into());
                line.extend(fields.others);
                writeln!(writer, "{}", Value::Object(line))
            }
        }
    }
}

/// The fields of one event.
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.others.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a subscriber of `config` writes into a file.
    fn written(yaml: &str) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_str().unwrap().to_owned();
        let mut config: Config = crate::scrub::yaml::read(yaml).unwrap();
        config.output_paths = vec![path.clone()];
        let outputs = Outputs::open(&config.output_paths).unwrap();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || outputs.clone())
            .event_format(Format::of(&config))
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(port = 4317, endpoint = "localhost", "listening");
        });
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_console_line_has_tabs_and_fields_as_json() {
        let line = written("");
        let parts: Vec<&str> = line.trim_end().split('\t').collect();
        assert!(parts[0].ends_with('Z') && parts[0].contains('T'), "{line}");
        assert_eq!(parts[1], "info");
        assert!(parts[2].starts_with("otel_redact::"), "{line}");
        assert_eq!(parts[3..], ["listening", r#"{"endpoint":"localhost","port":4317}"#]);
    }

    #[test]
    fn a_json_line_is_an_object() {
        let line = written("encoding: json\ndisable_caller: true\ninitial_fields: {zone: a}");
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["level"], "info");
        assert_eq!(line["msg"], "listening");
        assert_eq!(line["port"], 4317);
        assert_eq!(line["zone"], "a");
        assert_eq!(line.get("caller"), None);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named_by_its_path_in_the_yaml() {
        let error = Outputs::open(&["stderr".to_owned(), "/nowhere/x".to_owned()]);
        let error = error.err().unwrap().to_string();
        let start = "service.telemetry.logs.output_paths[1]: cannot open the file: ";
        assert!(error.starts_with(start), "{error}");
    }
}
