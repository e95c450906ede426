//! `scrub`: files or stdin to stdout, without a gateway.
//!
//! Reads a piece at a time, so that the size of a file does not matter. A piece is
//! a line; a longer line is taken in parts.

mod cut;
mod document;

use std::fs::File;
use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use bytes::Bytes;
use clap::Args;
use clap::ValueEnum;

use crate::cli::ConfigArgs;
use crate::cli::closed_pipe;
use crate::cli::complain;
use crate::cli::scrub::document::Unread;
use crate::gateway::config::ConfigError;
use crate::gateway::config::ProcessorConfig;
use crate::scrub::Encoding;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::Signal;
use crate::scrub::stream::TextStream;
use crate::scrub::yaml::YamlError;

/// How much of a line of text is looked at together, in bytes.
const TEXT_PIECE_BYTES_MAX: usize = 1024 * 1024;

/// The longest line of OTLP/JSON, in bytes: the size of a request that the OTLP
/// specification recommends to accept ("Maximum Message Size": 64 MiB).
const REQUEST_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many bytes are read at once.
const READ_BYTES: usize = 256 * 1024;

/// Examples for `scrub --help`.
pub(in crate::cli) const EXAMPLES: &str = "\
Examples:
  otel-redact scrub < app.log > clean.log
  kubectl logs deploy/web | otel-redact scrub
  otel-redact scrub --format otlp-json traces.jsonl > clean.jsonl
  otel-redact scrub --config gateway.yaml app.log    with the scrubber of a configuration

Bytes that are no UTF-8 come out as U+FFFD. Each line is scrubbed by itself, a private
key that spans lines whole, and so is an OTLP/JSON request.";

/// What `scrub` is asked to do.
#[derive(Debug, Args)]
pub(in crate::cli) struct ScrubArgs {
    /// Files to read, one after the other; `-` is stdin, and so is no file
    files: Vec<PathBuf>,
    /// What a line is. `auto`: OTLP/JSON where it looks like it, else text
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    format: Format,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// OTLP/JSON where it looks like it, else text
    Auto,
    /// Text
    Text,
    /// One OTLP/JSON export request
    OtlpJson,
}

/// Why a file was not scrubbed whole. What was written so far is scrubbed.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum ScrubFilesError {
    /// The scrubber cannot be built.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file cannot be read, or the output not be written.
    #[error("{file}: {reason}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        reason: io::Error,
    },
    /// A line is not what `--format` says.
    #[error("{file}: line {line}: {reason}")]
    Line {
        /// The file.
        file: String,
        /// Which line, from 1.
        line: u64,
        /// Why not.
        reason: LineError,
    },
}

/// Why a line is no OTLP/JSON.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum LineError {
    /// Too long.
    #[error("longer than {REQUEST_BYTES_MAX} bytes")]
    TooLong,
    /// Not known which signal.
    #[error(
        "expected an object with resourceSpans, resourceMetrics, resourceLogs or resourceProfiles"
    )]
    NoSignal,
    /// Requests in an array.
    #[error(
        "expected one OTLP/JSON request after the other, found an array of them: see `jq -c '.[]'`"
    )]
    Array,
    /// The input ends within it.
    #[error(
        "an OTLP/JSON request begins here that goes on over lines and is not whole: see \
         `--format text`"
    )]
    CutShort,
    /// Malformed.
    #[error(transparent)]
    Scrub(#[from] ScrubError),
}

/// Scrubs files, or stdin, to stdout.
///
/// # Errors
///
/// The first file that cannot be read, or line that cannot be scrubbed.
pub(in crate::cli) fn scrub(config: &ConfigArgs, args: &ScrubArgs) -> Result<(), ScrubFilesError> {
    let scrubber = scrubber(config)?;
    let mut out = BufWriter::with_capacity(READ_BYTES, io::stdout().lock());
    let stdin = [PathBuf::from("-")];
    let files = if args.files.is_empty() { &stdin } else { args.files.as_slice() };
    for path in files {
        let name = path.display().to_string();
        let failed = |reason| ScrubFilesError::Io { file: name.clone(), reason };
        let input: Box<dyn BufRead> = if path == Path::new("-") {
            Box::new(BufReader::with_capacity(READ_BYTES, io::stdin().lock()))
        } else {
            Box::new(BufReader::with_capacity(READ_BYTES, File::open(path).map_err(failed)?))
        };
        match scrub_lines(input, &mut out, args.format, &scrubber) {
            Ok(()) => {}
            Err(Failure::Io(error)) => return closed_pipe(error).map_err(failed),
            Err(Failure::Line(line, reason)) => {
                out.flush().or_else(closed_pipe).map_err(failed)?;
                return Err(ScrubFilesError::Line { file: name, line, reason });
            }
        }
    }
    out.flush()
        .or_else(closed_pipe)
        .map_err(|reason| ScrubFilesError::Io { file: "stdout".to_owned(), reason })
}

/// The scrubber of the configuration, if one is given; else the default one.
pub(in crate::cli) fn scrubber(config: &ConfigArgs) -> Result<Scrubber, ConfigError> {
    let (path, settings) = settings(config)?;
    Scrubber::new(&settings).map_err(|fault: YamlError| fault.within(&path).into())
}

/// The settings of that scrubber, and their path.
pub(in crate::cli) fn settings(
    config: &ConfigArgs,
) -> Result<(String, Box<Settings>), ConfigError> {
    if !config.is_given() {
        return Ok(Default::default());
    }
    let loaded = config.load()?;
    loaded.warnings.iter().for_each(|warning| complain(&format!("Warning: {warning}")));
    let mut processors = loaded.config.processors.into_iter();
    let first = processors.find_map(|(id, processor)| match processor {
        ProcessorConfig::Scrubber(settings) => Some((format!("processors.{id}"), settings)),
        _ => None,
    });
    Ok(first.unwrap_or_default())
}

enum Failure {
    Io(io::Error),
    Line(u64, LineError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The loop: a piece in, a piece out.
fn scrub_lines(
    input: impl BufRead,
    out: &mut impl Write,
    format: Format,
    scrubber: &Scrubber,
) -> Result<(), Failure> {
    let mut input = Unread::new(input);
    let mut stream = TextStream::new(scrubber);
    let mut scrubbed = Vec::new();
    let mut piece = Vec::new();
    let mut rest = Vec::new();
    let mut line = 1;
    let mut begins = true;
    loop {
        std::mem::swap(&mut piece, &mut rest);
        rest.clear();
        let max = if format == Format::OtlpJson { REQUEST_BYTES_MAX } else { TEXT_PIECE_BYTES_MAX };
        let mut ends = read_piece(&mut input, &mut piece, max)?;
        if piece.is_empty() {
            stream.finish(&mut scrubbed);
            out.write_all(&scrubbed)?;
            return Ok(());
        }
        let is_request = begins && format != Format::Text && document::may_begin(&piece);
        if !ends && (is_request || format == Format::OtlpJson) {
            ends = read_piece(&mut input, &mut piece, REQUEST_BYTES_MAX)?;
            if !ends {
                return Err(Failure::Line(line, LineError::TooLong));
            }
        }
        let lines = match is_request {
            true => document::read(&mut input, &mut piece, line)?,
            false => None,
        };
        match (lines, format) {
            (Some(lines), _) => {
                stream.finish(&mut scrubbed);
                out.write_all(&scrubbed)?;
                scrubbed.clear();
                match scrub_request(&piece, scrubber) {
                    Ok(request) => scrubbed = request,
                    // It only began like one.
                    Err(LineError::Scrub(ScrubError::Malformed(_)))
                        if format == Format::Auto && lines == 1 =>
                    {
                        stream.push(String::from_utf8_lossy(&piece).as_bytes(), &mut scrubbed);
                    }
                    Err(reason) => return Err(Failure::Line(line, reason)),
                }
                line += lines - 1;
            }
            (None, Format::OtlpJson) if piece.trim_ascii().is_empty() => {
                scrubbed.extend_from_slice(&piece);
            }
            (None, Format::OtlpJson) => return Err(Failure::Line(line, LineError::NoSignal)),
            (None, Format::Auto | Format::Text) => {
                if !ends {
                    ends = cut_off(&mut input, &mut piece, &mut rest, scrubber, line)?;
                }
                stream.push(String::from_utf8_lossy(&piece).as_bytes(), &mut scrubbed);
            }
        }
        out.write_all(&scrubbed)?;
        scrubbed.clear();
        piece.clear();
        line += u64::from(ends);
        begins = ends;
    }
}

/// Adds to `piece` up to the end of the line, the end of the input (both: `true`),
/// or `max` bytes (`false`).
fn read_piece(input: &mut impl BufRead, piece: &mut Vec<u8>, max: usize) -> io::Result<bool> {
    loop {
        let room = max.saturating_sub(piece.len());
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(true);
        }
        let ready = buffer.get(..room).unwrap_or(buffer);
        let end = memchr::memchr(b'\n', ready).map(|at| at + 1);
        let taken = ready.get(..end.unwrap_or(ready.len())).unwrap_or(ready);
        piece.extend_from_slice(taken);
        let taken = taken.len();
        input.consume(taken);
        if end.is_some() {
            return Ok(true);
        }
        if max <= piece.len() {
            return Ok(false);
        }
    }
}

/// Leaves in `piece` what can be scrubbed by itself and puts the rest into `rest`; reads
/// on where there is no place to cut at. Says whether the line ends with `piece`.
fn cut_off(
    input: &mut impl BufRead,
    piece: &mut Vec<u8>,
    rest: &mut Vec<u8>,
    scrubber: &Scrubber,
    line: u64,
) -> Result<bool, Failure> {
    loop {
        if let Some(at) = cut::place(piece, scrubber) {
            rest.extend(piece.drain(at..));
            return Ok(false);
        }
        let max = piece.len().saturating_mul(2).min(REQUEST_BYTES_MAX);
        if max <= piece.len() {
            return Err(Failure::Line(line, LineError::TooLong));
        }
        if read_piece(input, piece, max)? {
            return Ok(true);
        }
    }
}

/// The signal of an OTLP/JSON export request, by its first key.
pub(in crate::cli) fn signal(line: &[u8]) -> Option<Signal> {
    let inner =
        line.trim_ascii_start().strip_prefix(b"{")?.trim_ascii_start().strip_prefix(b"\"")?;
    let key = inner.get(..memchr::memchr(b'"', inner)?)?;
    match key {
        b"resourceSpans" | b"resource_spans" => Some(Signal::Traces),
        b"resourceMetrics" | b"resource_metrics" => Some(Signal::Metrics),
        b"resourceLogs" | b"resource_logs" => Some(Signal::Logs),
        b"resourceProfiles" | b"resource_profiles" => Some(Signal::Profiles),
        // A request of profiles may begin with their dictionary.
        b"dictionary" if memchr::memmem::find(inner, b"\"resourceProfiles\"").is_some() => {
            Some(Signal::Profiles)
        }
        _ => None,
    }
}

/// The request as it leaves, with the end of its line.
fn scrub_request(request: &[u8], scrubber: &Scrubber) -> Result<Vec<u8>, LineError> {
    let signal = signal(request).ok_or(LineError::NoSignal)?;
    let bytes = Bytes::copy_from_slice(request.trim_ascii());
    let request = Request { signal, encoding: Encoding::Json, bytes };
    let (scrubbed, _) = scrubber.scrub(&request)?;
    Ok([scrubbed.bytes(), &b"\n"[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out when the text itself is not changed.
    fn copied(input: &[u8], buffer: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let scrubber = Scrubber::new(&Settings::default()).unwrap();
        let input = BufReader::with_capacity(buffer, input);
        match scrub_lines(input, &mut out, Format::Text, &scrubber) {
            Ok(()) => out,
            Err(_) => panic!("text is always scrubbed"),
        }
    }

    #[test]
    fn clean_text_comes_out_as_it_went_in() {
        let long = "word ".repeat(TEXT_PIECE_BYTES_MAX / 2);
        let unbroken = "ä".repeat(TEXT_PIECE_BYTES_MAX);
        for text in ["", "\n", "a", "a\n", "a\r\nb\n\n\nc", &long, &unbroken, "{\"a\": 1}\n"] {
            for buffer in [1 << 10, 1 << 20] {
                assert!(copied(text.as_bytes(), buffer) == text.as_bytes(), "{} bytes", text.len());
            }
        }
    }

    #[test]
    fn a_request_is_known_by_its_first_key() {
        assert_eq!(signal(b" {\"resourceSpans\":[]}"), Some(Signal::Traces));
        assert_eq!(signal(b"{ \"resource_logs\": []}"), Some(Signal::Logs));
        assert_eq!(signal(b"{\"msg\":\"resourceSpans\"}"), None);
        assert_eq!(signal(b"text"), None);
    }
}
