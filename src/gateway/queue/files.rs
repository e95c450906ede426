//! The operations on files that the log is made of, and the disk's.
//!
//! They stand behind a trait so that a test can put a model of a file system under
//! the log that loses, reorders and tears what was not synced.
//!
//! A file that is open can be written to and synced when its name, or the folder, is gone:
//! then what was written is gone with the process. So whoever writes looks whether the file
//! stands where it stood, and begins it anew.

use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use crate::gateway::queue::Lock;

/// How much of a file is copied at once, when it is made anew.
const COPIED_BYTES: usize = 1 << 20;

/// The permissions of a folder that is made anew, where those that it had are not known:
/// the owner's and the group's, as `directory_permissions` has it.
const FOLDER_MODE: u32 = 0o750;

/// The files of one folder.
///
/// What was written is certain to be there after a loss of power only once
/// [`Files::sync`] has returned for the file and [`Files::sync_folder`] since it was
/// made.
pub trait Files: Send + Sync + 'static {
    /// A file that is being written.
    type Handle: Send;

    /// The names of all files, and their lengths in bytes.
    ///
    /// # Errors
    ///
    /// As the system has it, here and below.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;

    /// Makes an empty file that was not there.
    ///
    /// # Errors
    ///
    /// As above, or when it is there.
    fn create(&self, name: &str) -> io::Result<Self::Handle>;

    /// Opens a file to be written; makes it, if it is not there.
    ///
    /// # Errors
    ///
    /// As above.
    fn open(&self, name: &str) -> io::Result<Self::Handle>;

    /// Writes all of `pieces` one behind the other, from the offset `at`.
    ///
    /// # Errors
    ///
    /// As above; then any part may have been written.
    fn write(&self, file: &mut Self::Handle, at: u64, pieces: &[&[u8]]) -> io::Result<()>;

    /// Cuts a file to `len` bytes.
    ///
    /// # Errors
    ///
    /// As above.
    fn truncate(&self, file: &mut Self::Handle, len: u64) -> io::Result<()>;

    /// Waits until what was written to the file is on the disk.
    ///
    /// # Errors
    ///
    /// As above; then nothing is known of what was written since the last sync.
    fn sync(&self, file: &Self::Handle) -> io::Result<()>;

    /// Waits until the names of files are on the disk.
    ///
    /// # Errors
    ///
    /// As above.
    fn sync_folder(&self) -> io::Result<()>;

    /// Up to `len` bytes from the offset `at`; fewer where the file ends before.
    ///
    /// # Errors
    ///
    /// As above.
    fn read(&self, name: &str, at: u64, len: usize) -> io::Result<Vec<u8>>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// As above.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Whether `file` is what stands under `name`: nobody has removed or moved it.
    fn stands(&self, name: &str, file: &Self::Handle) -> bool;

    /// Makes the folder, where it is gone, and sees that no other process has it.
    ///
    /// # Errors
    ///
    /// As above, or when another process has it.
    fn make_folder(&self) -> io::Result<()>;

    /// Gives the first `len` bytes of `file`, which does not stand any more, a file under
    /// `name`, synced.
    ///
    /// # Errors
    ///
    /// As above.
    fn renew(&self, name: &str, file: &Self::Handle, len: u64) -> io::Result<Self::Handle>;
}

/// Whether `file` is what stands at `path`.
pub fn stands(path: &Path, file: &File) -> bool {
    let (Ok(there), Ok(own)) = (std::fs::metadata(path), file.metadata()) else { return false };
    (there.dev(), there.ino()) == (own.dev(), own.ino())
}

/// A folder on the disk.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    mode: u32,
    lock: Mutex<Option<Lock>>,
}

impl Disk {
    /// The files of `folder`, which is there.
    pub fn new(folder: &Path) -> Self {
        let mode = std::fs::metadata(folder).map_or(FOLDER_MODE, |folder| folder.mode() & 0o777);
        Self { folder: folder.to_owned(), mode, lock: Mutex::default() }
    }

    /// The same, with the right to write there, which ends with this.
    pub fn locked(folder: &Path, lock: Lock) -> Self {
        Self { lock: Mutex::new(Some(lock)), ..Self::new(folder) }
    }
}

impl Files for Disk {
    type Handle = File;

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                files.push((name, metadata.len()));
            }
        }
        Ok(files)
    }

    fn create(&self, name: &str) -> io::Result<File> {
        private().create_new(true).open(self.folder.join(name))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        private().create(true).open(self.folder.join(name))
    }

    fn write(&self, file: &mut File, at: u64, pieces: &[&[u8]]) -> io::Result<()> {
        use std::io::Seek;
        file.seek(io::SeekFrom::Start(at))?;
        let mut slices: Vec<_> = pieces.iter().map(|piece| io::IoSlice::new(piece)).collect();
        let mut left = slices.as_mut_slice();
        // `IoSlice::advance_slices` drops what is empty, so that 0 means no progress.
        io::IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match file.write_vectored(left) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => io::IoSlice::advance_slices(&mut left, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn truncate(&self, file: &mut File, len: u64) -> io::Result<()> {
        file.set_len(len)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn read(&self, name: &str, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let file = File::open(self.folder.join(name))?;
        let mut bytes = vec![0; len];
        let mut read = 0;
        while let Some(rest) = bytes.get_mut(read..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, at + read as u64) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(read);
        Ok(bytes)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.folder.join(name))
    }

    fn stands(&self, name: &str, file: &File) -> bool {
        stands(&self.folder.join(name), file)
    }

    fn make_folder(&self) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(self.mode).create(&self.folder)?;
        let mut lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        if lock.as_ref().is_some_and(|lock| !lock.stands(&self.folder)) {
            *lock = Some(Lock::take(&self.folder, Duration::ZERO)?);
            // The folder is a new one, and its name is to be on the disk, too.
            if let Some(parent) = self.folder.parent() {
                File::open(parent)?.sync_all()?;
            }
        }
        Ok(())
    }

    fn renew(&self, name: &str, file: &File, len: u64) -> io::Result<File> {
        // A copy of what stood there may have been put back: it is written over.
        let new = self.open(name)?;
        let mut at = 0;
        while at < len {
            let left = usize::try_from(len - at).unwrap_or(COPIED_BYTES).min(COPIED_BYTES);
            let mut piece = vec![0; left];
            file.read_exact_at(&mut piece, at)?;
            new.write_all_at(&piece, at)?;
            at += left as u64;
        }
        new.set_len(len)?;
        self.sync(&new)?;
        self.sync_folder()?;
        Ok(new)
    }
}

/// Only the owner may read telemetry.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    // Read from only when its name is gone.
    options.read(true).write(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
