//! What a configuration can refer to outside itself: variables and files.

use std::io;
use std::io::Read;

/// The largest file that a configuration may be or refer to, in bytes. Read whole.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Where `${env:…}` and `${file:…}` look. A test has another than the process.
pub trait Environment {
    /// The variable, unless it is not set or no UTF-8.
    fn variable(&self, name: &str) -> Option<String>;

    /// The contents of a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is no UTF-8, or is larger than 16 MiB.
    fn file(&self, path: &str) -> io::Result<String>;
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process;

impl Environment for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> io::Result<String> {
        let mut text = String::new();
        let read = std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
        if FILE_BYTES_MAX < read as u64 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB"));
        }
        Ok(text)
    }
}

/// Why a file was not read, without its contents.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        io::ErrorKind::InvalidData => "not UTF-8".to_owned(),
        io::ErrorKind::FileTooLarge => "larger than 16 MiB".to_owned(),
        kind => kind.to_string(),
    }
}
