//! `file`: requests into a file, one behind the other.
//!
//! A request is acknowledged when it is written and synced. What arrives while a
//! sync runs shares the next one. A write that fails (a full disk) leaves the file
//! as it was before, and the sender tries again.
//!
//! A file that somebody has removed or moved (as programs that rotate logs do) is begun
//! anew, and one that somebody has cut goes on where it ends.

mod rotation;

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::path::PathBuf;
use std::sync::mpsc;

use bytes::Bytes;
use bytes::BytesMut;
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::gateway::answer::Accepted;
use crate::gateway::answer::Outcome;
use crate::gateway::answer::RETRY_AFTER_DEFAULT;
use crate::gateway::answer::Refusal;
use crate::gateway::answer::code;
use crate::gateway::compression::Coding;
use crate::gateway::config::duration::GoDuration;
use crate::gateway::config::permissions::Permissions;
use crate::gateway::exporter::delivery::Delivery;
use crate::gateway::exporter::outgoing;
use crate::gateway::queue::files::stands;
use crate::gateway::section::present;
use crate::scrub::Encoding;
use crate::scrub::yaml::YamlError;

pub use rotation::Rotation;

/// `exporters.file` (Collector contrib, `exporter/fileexporter`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where requests are written. Needed.
    pub path: PathBuf,
    /// Whether what the file holds when the gateway starts is kept. With `rotation`
    /// it always is.
    pub append: bool,
    /// How requests are written.
    pub format: Format,
    /// How each request is compressed.
    pub compression: Compression,
    /// A file of bounded size; one that grows where left out.
    #[serde(deserialize_with = "present")]
    pub rotation: Option<Rotation>,
    /// Accepted: every request is on disk before it is acknowledged.
    pub flush_interval: GoDuration,
    /// Whether the directory of `path` is made.
    pub create_directory: bool,
    /// The permissions of that directory, octal. Default 0755.
    pub directory_permissions: Permissions,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            append: false,
            format: Format::default(),
            compression: Compression::default(),
            rotation: None,
            flush_interval: GoDuration(std::time::Duration::from_secs(1)),
            create_directory: false,
            directory_permissions: Permissions::ALL_MAY_READ,
        }
    }
}

impl Config {
    /// The setting that has no default and is not there, and what is expected of it.
    pub fn missing(&self) -> Option<(&'static str, &'static str)> {
        self.path.as_os_str().is_empty().then_some(("path", "expected the path of a file"))
    }
}

/// How requests are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// OTLP/JSON, a request a line; compressed: as `Proto`.
    #[default]
    Json,
    /// Protobuf, each request behind its length: four bytes, big end first.
    Proto,
}

/// How each request is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Compression {
    /// Not.
    #[default]
    #[serde(rename = "none", alias = "")]
    None,
    /// zstd.
    #[serde(rename = "zstd")]
    Zstd,
}

/// Requests that wait for the disk; what is more is told to come again.
const WAITING_MAX: usize = 1024;

/// Requests that share one sync.
const COMMIT_MAX: usize = 256;

/// Writes requests. The file is closed when it is dropped.
pub struct Writer {
    encoding: Encoding,
    coding: Option<Coding>,
    jobs: mpsc::SyncSender<Job>,
}

/// A request on its way to the disk.
struct Job {
    bytes: Bytes,
    done: oneshot::Sender<io::Result<()>>,
}

impl Writer {
    /// How it writes requests.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Opens the file. `path` is the YAML path of `config`.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or made.
    pub fn open(config: &Config, path: &str) -> Result<Self, YamlError> {
        let fault = |expected: String| YamlError::new(format!("{path}.path"), expected);
        let cannot = |err: io::Error| fault(format!("cannot open this file: {err}"));
        if config.create_directory {
            create_directory(config).map_err(cannot)?;
        }
        let keep = config.append || config.rotation.is_some();
        let log = Log::open(config.clone(), keep).map_err(cannot)?;
        let (jobs, received) = mpsc::sync_channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("file-exporter".to_owned())
            .spawn(move || log.run(&received))
            .map_err(|err| fault(format!("cannot start a thread: {err}")))?;
        let encoding = match config.format {
            Format::Json => Encoding::Json,
            Format::Proto => Encoding::Protobuf,
        };
        let coding = match config.compression {
            Compression::None => None,
            Compression::Zstd => Some(Coding::Zstd),
        };
        Ok(Self { encoding, coding, jobs })
    }

    /// Writes a request and waits until it is on disk.
    pub async fn write(&self, delivery: &Delivery) -> Outcome {
        let outgoing = outgoing::prepare(delivery, self.encoding, self.coding, None).await?;
        let bytes = match (self.encoding, self.coding) {
            (Encoding::Json, None) => as_line(&outgoing.bytes),
            _ => behind_length(&outgoing.bytes)?,
        };
        let (done, written) = oneshot::channel();
        self.jobs
            .try_send(Job { bytes, done })
            .map_err(|_| Refusal::Busy { retry_after: RETRY_AFTER_DEFAULT })?;
        match written.await {
            Ok(Ok(())) => Ok(Accepted::default()),
            Ok(Err(err)) => Err(unwritten(&err.to_string())),
            Err(_) => Err(unwritten("writer has ended")),
        }
    }
}

fn unwritten(reason: &str) -> Refusal {
    let message = format!("cannot write the file: {reason}");
    Refusal::Unavailable { code: code::UNAVAILABLE, retry_after: None, message }
}

/// A line. Line breaks in JSON stand between tokens only: in strings they are
/// escaped.
fn as_line(json: &Bytes) -> Bytes {
    let mut line = BytesMut::with_capacity(json.len() + 1);
    line.extend_from_slice(json);
    for byte in line.iter_mut().filter(|byte| matches!(**byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    line.extend_from_slice(b"\n");
    line.freeze()
}

fn behind_length(bytes: &Bytes) -> Result<Bytes, Refusal> {
    let len =
        u32::try_from(bytes.len()).map_err(|_| Refusal::TooLarge { max: u32::MAX as usize })?;
    let mut out = BytesMut::with_capacity(bytes.len() + 4);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(out.freeze())
}

fn create_directory(config: &Config) -> io::Result<()> {
    let Some(directory) = config.path.parent().filter(|path| !path.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, config.directory_permissions.mode());
    builder.create(directory)
}

/// The file, on the thread that writes it.
struct Log {
    config: Config,
    file: File,
    /// Up to where it is whole.
    len: u64,
}

impl Log {
    fn open(config: Config, keep: bool) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).write(true).truncate(!keep).open(&config.path)?;
        let len = file.metadata()?.len();
        Ok(Self { config, file, len })
    }

    fn run(mut self, received: &mpsc::Receiver<Job>) {
        while let Ok(first) = received.recv() {
            let mut jobs = vec![first];
            while jobs.len() < COMMIT_MAX
                && let Ok(job) = received.try_recv()
            {
                jobs.push(job);
            }
            let written = self.commit(&jobs);
            for job in jobs {
                let written = match &written {
                    Ok(()) => Ok(()),
                    Err(err) => Err(io::Error::new(err.kind(), err.to_string())),
                };
                // A sender that has gone away hears nothing, and sends again.
                let _ = job.done.send(written);
            }
        }
    }

    /// Writes all or nothing.
    fn commit(&mut self, jobs: &[Job]) -> io::Result<()> {
        let bytes: u64 = jobs.iter().map(|job| job.bytes.len() as u64).sum();
        self.look()?;
        self.rotate_before(bytes)?;
        let written = self.write(jobs).and_then(|()| match self.stands() {
            true => Ok(()),
            false => Err(io::Error::new(io::ErrorKind::NotFound, "it was removed or moved away")),
        });
        match written {
            Ok(()) => self.len += bytes,
            Err(_) => self.file.set_len(self.len)?,
        }
        written
    }

    fn write(&mut self, jobs: &[Job]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.len))?;
        for job in jobs {
            self.file.write_all(&job.bytes)?;
        }
        self.file.sync_data()
    }

    fn stands(&self) -> bool {
        stands(&self.config.path, &self.file)
    }

    /// Begins the file anew where it does not stand any more.
    fn look(&mut self) -> io::Result<()> {
        if self.stands() {
            self.len = self.len.min(self.file.metadata()?.len());
            return Ok(());
        }
        if self.config.create_directory {
            create_directory(&self.config)?;
        }
        *self = Self::open(self.config.clone(), true)?;
        tracing::warn!(path = %self.config.path.display(),
            "the file was removed or moved away; it is begun anew");
        Ok(())
    }

    fn rotate_before(&mut self, bytes: u64) -> io::Result<()> {
        let Some(rotation) = &self.config.rotation else { return Ok(()) };
        if self.len == 0 || self.len + bytes <= rotation.bytes_max() {
            return Ok(());
        }
        rotation.set_aside(&self.config.path, std::time::SystemTime::now())?;
        *self = Self::open(self.config.clone(), true)?;
        Ok(())
    }
}
