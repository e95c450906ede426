//! `rotation`: a file that has grown is set aside under a name with the time, and
//! old ones are deleted (names as lumberjack, which the Collector uses, gives them).

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use serde::Deserialize;

use crate::scrub::rule::date::civil;

/// `exporters.file.rotation`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rotation {
    /// How large a file grows, in MiB. Default 100.
    pub max_megabytes: u32,
    /// After how many days a file that was set aside is deleted. Default 0: never.
    pub max_days: u32,
    /// How many files that were set aside are kept. Default 100; 0: all.
    pub max_backups: u32,
    /// Must be false: names are in UTC.
    pub localtime: Utc,
}

impl Default for Rotation {
    fn default() -> Self {
        Self { max_megabytes: 100, max_days: 0, max_backups: 100, localtime: Utc }
    }
}

/// `localtime: false`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "bool")]
pub struct Utc;

impl TryFrom<bool> for Utc {
    type Error = &'static str;

    fn try_from(localtime: bool) -> Result<Self, Self::Error> {
        if localtime { Err("expected false: names are in UTC") } else { Ok(Self) }
    }
}

impl Rotation {
    /// How large a file grows, in bytes.
    pub fn bytes_max(&self) -> u64 {
        u64::from(self.max_megabytes.max(1)) << 20
    }

    /// Gives the file another name, and deletes those that were given one before and
    /// are too old or too many.
    ///
    /// # Errors
    ///
    /// When it cannot be renamed. A file that cannot be deleted stays.
    pub fn set_aside(&self, path: &Path, now: SystemTime) -> io::Result<()> {
        let mut at = now;
        while aside(path, at).exists() {
            at += Duration::from_millis(1);
        }
        std::fs::rename(path, aside(path, at))?;
        let mut old = set_aside_before(path)?;
        // Names sort by time.
        old.sort();
        old.reverse();
        let keep = if self.max_backups == 0 { usize::MAX } else { self.max_backups as usize };
        let age_max = Duration::from_secs(u64::from(self.max_days) * 86_400);
        for (index, file) in old.iter().enumerate() {
            let modified = std::fs::metadata(file).and_then(|file| file.modified());
            let age = modified.ok().and_then(|modified| now.duration_since(modified).ok());
            let is_old = self.max_days != 0 && age.is_some_and(|age| age_max < age);
            if keep <= index || is_old {
                let _ = std::fs::remove_file(file);
            }
        }
        Ok(())
    }
}

/// The name of a file that is set aside: `name-2006-01-02T15-04-05.000.ext`.
fn aside(path: &Path, at: SystemTime) -> PathBuf {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil(since.as_secs() / 86_400);
    let second = since.as_secs() % 86_400;
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let millis = since.subsec_millis();
    let (mut name, end) = halves(path);
    name.push(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}-{minute:02}-{second:02}.{millis:03}"
    ));
    name.push(end);
    path.with_file_name(name)
}

/// What stands before the time, and after it.
fn halves(path: &Path) -> (OsString, OsString) {
    let mut start = path.file_stem().unwrap_or_default().to_owned();
    start.push("-");
    let mut end = OsString::new();
    if let Some(extension) = path.extension() {
        end.push(".");
        end.push(extension);
    }
    (start, end)
}

fn set_aside_before(path: &Path) -> io::Result<Vec<PathBuf>> {
    const TIME_LEN: usize = "2006-01-02T15-04-05.000".len();
    let (start, end) = halves(path);
    let (start, end) = (start.as_encoded_bytes(), end.as_encoded_bytes());
    let directory = path.parent().filter(|path| !path.as_os_str().is_empty());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory.unwrap_or(Path::new(".")))? {
        let file = entry?.path();
        let name = file.file_name().unwrap_or_default().as_encoded_bytes();
        let time = name.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        let is_time = time.is_some_and(|time| {
            time.len() == TIME_LEN
                && time.iter().all(|byte| byte.is_ascii_digit() || b"-T.".contains(byte))
        });
        if is_time {
            found.push(file);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_set_aside_by_time_and_the_oldest_go() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("traces.json");
        std::fs::write(directory.path().join("traces-notes.json"), "not ours").unwrap();
        let rotation = Rotation { max_backups: 2, ..Rotation::default() };
        for second in 0..4 {
            std::fs::write(&path, second.to_string()).unwrap();
            let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + second);
            rotation.set_aside(&path, now).unwrap();
        }
        let mut names: Vec<_> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "traces-2023-11-14T22-13-22.000.json",
                "traces-2023-11-14T22-13-23.000.json",
                "traces-notes.json"
            ]
        );
    }
}
