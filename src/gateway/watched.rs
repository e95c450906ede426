//! A thing that is made from files, and made again when they change.
//!
//! Files are looked at in intervals, by their contents: a secret that an
//! orchestrator projects into a folder changes by a link to another folder, of which
//! notifications and times of change say little. Who holds the old thing keeps it,
//! so that nothing under way notices. Where the new files make no thing the old one stays
//! in use, and the log says so. Half a file may make one, too (the first of two tokens,
//! say, and whoever has the second would be sent away): so files are taken only once they
//! have rested.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::time::Duration;

use sha2::Digest;
use sha2::Sha256;
use tokio::runtime::Handle;

use crate::gateway::current::Current;
use crate::scrub::yaml::YamlError;

/// How long files must be the same before they are taken, while an interval passes: longer
/// than a script needs between two lines that it writes.
const RESTED_AFTER: Duration = Duration::from_millis(250);

/// How a `T` is made from the files as they are.
type Make<T> = dyn Fn() -> Result<Arc<T>, YamlError> + Send + Sync;

/// A `T` that follows its files.
pub struct Watched<T> {
    files: Vec<PathBuf>,
    make: Box<Make<T>>,
    current: Current<T>,
    /// Of the files when they were last looked at.
    digest: Mutex<[u8; 32]>,
}

impl<T: Send + Sync + 'static> Watched<T> {
    /// Makes a `T` now, and has `files` looked at each `interval` as long as it lives:
    /// never, if that is zero or there are no files.
    ///
    /// # Errors
    ///
    /// When `make` has none now.
    pub fn new(
        files: Vec<PathBuf>,
        interval: Duration,
        make: impl Fn() -> Result<Arc<T>, YamlError> + Send + Sync + 'static,
    ) -> Result<Arc<Self>, YamlError> {
        // The files before what is made of them: a change between the two is seen
        // at the next look.
        let digest = Mutex::new(digest(&files));
        let current = Current::new(make()?);
        let watched = Arc::new(Self { files, make: Box::new(make), current, digest });
        if !interval.is_zero() && !watched.files.is_empty() {
            // Without a runtime nothing is served that could want the new one.
            if let Ok(runtime) = Handle::try_current() {
                runtime.spawn(watch(Arc::downgrade(&watched), interval));
            }
        }
        Ok(watched)
    }

    /// The thing as it is now.
    pub fn get(&self) -> Arc<T> {
        self.current.get()
    }

    /// Looks at the files, and again after `rest` if they changed: only what is the same by
    /// then is taken. Blocks for so long. Whether there is a new thing.
    fn look_twice(&self, rest: Duration) -> bool {
        let first = digest(&self.files);
        if *self.digest.lock().unwrap_or_else(PoisonError::into_inner) == first {
            return false;
        }
        std::thread::sleep(rest);
        digest(&self.files) == first && self.look()
    }

    /// Looks at the files now. Whether there is a new thing.
    pub fn look(&self) -> bool {
        let digest = digest(&self.files);
        let mut known = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == digest {
            return false;
        }
        *known = digest;
        match (self.make)() {
            Ok(made) => {
                self.current.put(made);
                true
            }
            Err(fault) => {
                tracing::warn!(%fault, "changed files cannot be used; the old ones stay in use");
                false
            }
        }
    }
}

impl<T> std::fmt::Debug for Watched<T> {
    /// The files only.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("files", &self.files).finish_non_exhaustive()
    }
}

async fn watch<T: Send + Sync + 'static>(watched: Weak<Watched<T>>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let Some(watched) = watched.upgrade() else { return };
        // A file may be on a disk that hangs.
        let rest = RESTED_AFTER.min(interval);
        let looked = tokio::task::spawn_blocking(move || watched.look_twice(rest));
        if looked.await.is_ok_and(|changed| changed) {
            tracing::info!("changed files are in use");
        }
    }
}

/// What the files hold, and which of them cannot be read.
fn digest(files: &[PathBuf]) -> [u8; 32] {
    let mut whole = Sha256::new();
    for file in files {
        let one = match std::fs::read(file) {
            Ok(bytes) => Sha256::digest(&bytes),
            Err(_) => Sha256::digest(b"unreadable"),
        };
        whole.update(one);
    }
    whole.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_cannot_be_used_is_not_taken_and_what_can_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("number");
        let make = {
            let file = file.clone();
            move || {
                let text = std::fs::read_to_string(&file).unwrap_or_default();
                let fault = |_| YamlError::new("a", "b");
                text.parse::<u32>().map(Arc::new).map_err(fault)
            }
        };
        assert!(Watched::new(vec![file.clone()], Duration::ZERO, make.clone()).is_err());
        std::fs::write(&file, "1").unwrap();
        let watched = Watched::new(vec![file.clone()], Duration::from_millis(1), make).unwrap();
        assert_eq!(*watched.get(), 1);
        assert!(!watched.look(), "nothing changed");
        std::fs::write(&file, "x").unwrap();
        assert!(!watched.look());
        assert_eq!(*watched.get(), 1);
        std::fs::write(&file, "2").unwrap();
        while *watched.get() != 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[test]
    fn what_is_being_written_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text");
        std::fs::write(&file, "first").unwrap();
        let read = {
            let file = file.clone();
            move || Ok(Arc::new(std::fs::read_to_string(&file).unwrap()))
        };
        let watched = Watched::new(vec![file.clone()], Duration::ZERO, read).unwrap();
        std::fs::write(&file, "half").unwrap();
        let looking = {
            let watched = Arc::clone(&watched);
            std::thread::spawn(move || watched.look_twice(Duration::from_millis(200)))
        };
        std::thread::sleep(Duration::from_millis(50));
        std::fs::write(&file, "half and half").unwrap();
        assert!(!looking.join().unwrap());
        assert_eq!(*watched.get(), "first");
        assert!(watched.look_twice(Duration::ZERO));
        assert_eq!(*watched.get(), "half and half");
    }
}
