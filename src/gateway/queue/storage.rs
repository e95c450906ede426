//! `file_storage`: where queues are kept.

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Deserialize;

use crate::gateway::config::duration::GoDuration;
use crate::gateway::config::permissions::Permissions;
use crate::gateway::queue::crypt::Key;
use crate::gateway::section::null_is_default;
use crate::scrub::Signal;
use crate::scrub::yaml::YamlError;

/// `extensions.file_storage` (Collector contrib, `extension/storage/filestorage`).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The directory. Below it stands one for each exporter and signal.
    pub directory: PathBuf,
    /// Whether `directory` is made. Where not, it has to be there.
    pub create_directory: bool,
    /// The permissions of directories that are made, octal. Default 0750.
    pub directory_permissions: Permissions,
    /// How long a start waits for another process to let go of a queue. Default 1s.
    pub timeout: GoDuration,
    /// Accepted: a record is on the disk before it is acknowledged, whatever this says.
    pub fsync: bool,
    /// How many bytes the queue of one exporter and signal may take on the disk. Over
    /// it, senders are told to come again. Default 0: what the disk has.
    pub max_size: u64,
    /// Accepted: a damaged file costs the records that the damage lies in, so there
    /// is nothing to be made anew.
    pub recreate: bool,
    /// Accepted: files of which everything is delivered are removed at once.
    #[serde(deserialize_with = "null_is_default")]
    pub compaction: Compaction,
    /// A file with the key that records are encrypted under: 32 bytes in base64 or
    /// hex. Not encrypted where left out. The Collector has no such setting.
    pub encryption_key_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            directory: PathBuf::from("/var/lib/otelcol/file_storage"),
            create_directory: false,
            directory_permissions: Permissions::OWN_AND_GROUP,
            timeout: GoDuration::from_secs(1),
            fsync: false,
            max_size: 0,
            recreate: false,
            compaction: Compaction::default(),
            encryption_key_file: None,
        }
    }
}

/// `compaction` of a storage: read, and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Compaction {
    /// Accepted.
    pub on_start: bool,
    /// Accepted.
    pub on_rebound: bool,
    /// Accepted.
    pub directory: PathBuf,
    /// Accepted.
    pub rebound_needed_threshold_mib: u64,
    /// Accepted.
    pub rebound_trigger_threshold_mib: u64,
    /// Accepted.
    pub max_transaction_size: u64,
    /// Accepted.
    pub check_interval: GoDuration,
    /// Accepted.
    pub cleanup_on_start: bool,
}

impl Config {
    /// Looks whether the directory is there, unless it is to be made, and reads the key
    /// that records are encrypted under. `path` is the YAML path of the storage.
    ///
    /// # Errors
    ///
    /// When there is no directory, or no key in its file.
    pub fn look(&self, path: &str) -> Result<Option<Key>, YamlError> {
        if !self.create_directory && !self.directory.is_dir() {
            let expected = "expected a directory that is there, or `create_directory: true`";
            return Err(YamlError::new(format!("{path}.directory"), expected));
        }
        let key = self.encryption_key_file.as_deref().map(Key::read).transpose();
        let at = format!("{path}.encryption_key_file");
        key.map_err(|error| YamlError::new(at, error.to_string()))
    }
}

/// The folder of the dead letter, within that of an exporter and signal.
pub const DEAD: &str = "dead";

/// The longest name of a folder that file systems commonly take, in bytes.
const FOLDER_NAME_BYTES_MAX: usize = 255;

/// A storage that can be used.
#[derive(Clone)]
pub struct Storage {
    directory: PathBuf,
    permissions: u32,
    /// See [`Config::timeout`].
    pub timeout: std::time::Duration,
    /// See [`Config::max_size`].
    pub bytes_max: u64,
    /// See [`Config::encryption_key_file`].
    pub key: Option<Arc<Key>>,
    path: String,
}

impl std::fmt::Debug for Storage {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl Storage {
    /// Opens the storage with the id `id`.
    ///
    /// # Errors
    ///
    /// When there is no directory, or no key in its file.
    pub fn open(id: &str, config: &Config) -> Result<Self, YamlError> {
        let path = format!("extensions.{id}");
        let permissions = config.directory_permissions.mode();
        if config.create_directory {
            create(&config.directory, permissions).map_err(|error| {
                let expected = format!("cannot make this directory: {error}");
                YamlError::new(format!("{path}.directory"), expected)
            })?;
        }
        Ok(Self {
            directory: config.directory.clone(),
            permissions,
            timeout: config.timeout.0,
            bytes_max: config.max_size,
            key: config.look(&path)?.map(Arc::new),
            path,
        })
    }

    /// The directory of all queues.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the queue of an exporter and signal is, or would be.
    pub fn queue(&self, exporter: &str, signal: Signal) -> PathBuf {
        self.directory.join(escaped(exporter)).join(signal.name())
    }

    /// The folder of the parts `parts` (an exporter, a signal), and makes it.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn folder(&self, parts: &[&str]) -> Result<PathBuf, YamlError> {
        let mut folder = self.directory.clone();
        for part in parts {
            let name = escaped(part);
            if FOLDER_NAME_BYTES_MAX < name.len() {
                let expected = format!("expected a shorter name of an exporter than `{part}`");
                return Err(self.fault(expected));
            }
            folder.push(name);
        }
        create(&folder, self.permissions).map_err(|error| self.unusable(&error))?;
        Ok(folder)
    }

    /// A folder of this storage that cannot be used.
    pub fn unusable(&self, error: &io::Error) -> YamlError {
        self.fault(format!("cannot keep a queue in this directory: {error}"))
    }

    fn fault(&self, expected: String) -> YamlError {
        YamlError::new(format!("{}.directory", self.path), expected)
    }
}

fn create(folder: &Path, mode: u32) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, mode);
    builder.create(folder)
}

/// The id of a component as the name of a folder: what is no letter, digit, `-` or
/// `_` becomes `%` and two digits.
fn escaped(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(byte.into()),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_make_folders_that_differ_and_stay_within() {
        assert_eq!(escaped("otlp_grpc"), "otlp_grpc");
        assert_eq!(escaped("otlp_grpc/eu-west.1"), "otlp_grpc%2feu-west%2e1");
        assert_eq!(escaped(".."), "%2e%2e");
        assert_ne!(escaped("a/b"), escaped("a%2fb"));
    }
}
