//! What a configuration can refer to outside itself: variables and files.

use std::ffi::OsStr;
use std::io;
use std::io::Read;
use std::path::Path;
use std::time::SystemTime;

use crate::scrub::rule::date::Date;

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

    /// The files that a path names: itself, or with a `*` in its last part, those
    /// that match, in the order of their names.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or nothing matches.
    fn files(&self, path: &str) -> io::Result<Vec<String>> {
        Ok(vec![path.to_owned()])
    }

    /// Which day it is (UTC), for what expires. `None`: nobody knows.
    fn today(&self) -> Option<Date> {
        None
    }
}

/// The environment of this process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Process;

impl Environment for Process {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn file(&self, path: &str) -> io::Result<String> {
        let mut bytes = Vec::new();
        let read = std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if FILE_BYTES_MAX < read as u64 {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 16 MiB"));
        }
        String::from_utf8(bytes).map_err(|error| {
            let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            let line = 1 + good.iter().filter(|byte| **byte == b'\n').count();
            io::Error::new(io::ErrorKind::InvalidData, format!("not UTF-8 at line {line}"))
        })
    }

    fn today(&self) -> Option<Date> {
        const SECONDS_PER_DAY: u64 = 24 * 60 * 60;
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
        u32::try_from(since.as_secs() / SECONDS_PER_DAY).ok().map(Date::from_unix_days)
    }

    fn files(&self, path: &str) -> io::Result<Vec<String>> {
        let whole = Path::new(path);
        let name = whole.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let Some((start, end)) = name.split_once('*') else {
            return Ok(vec![path.to_owned()]);
        };
        let folder = whole.parent().filter(|folder| *folder != Path::new(""));
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder.unwrap_or(Path::new(".")))? {
            let file = entry?.file_name();
            let file = file.to_str().unwrap_or_default();
            let rest = file.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            if rest.is_some() {
                let file = folder.map_or_else(|| file.into(), |folder| folder.join(file));
                found.push(file.display().to_string());
            }
        }
        found.sort();
        if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) }
    }
}

/// Why a file was not read, without its contents.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        io::ErrorKind::InvalidData => match error.get_ref() {
            Some(own) => own.to_string(),
            None => "not UTF-8".to_owned(),
        },
        io::ErrorKind::FileTooLarge => "larger than 16 MiB".to_owned(),
        kind => kind.to_string(),
    }
}
