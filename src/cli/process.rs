//! What the process does to itself before it holds anything that is secret.

use rustix::process::DumpableBehavior;
use rustix::process::Resource;
use rustix::process::Rlimit;

/// Keeps the memory of the process to itself, and lets it have as many connections
/// as the system allows.
///
/// No core file is written and no other process of the same user can attach to it
/// or read its memory and environment (`PR_SET_DUMPABLE`, prctl(2)): they hold
/// requests before they are scrubbed, and our own credentials. The soft limit of
/// open files is often 1024, a relic of select(2); it is raised to the hard one.
///
/// Where the system refuses any of this, the process runs on without.
pub(in crate::cli) fn harden() {
    tune_memory();
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(Resource::Core, no_core);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let files = rustix::process::getrlimit(Resource::Nofile);
    let most = Rlimit { current: files.maximum, ..files };
    let _ = rustix::process::setrlimit(Resource::Nofile, most);
}

/// From which size on what is freed goes back to the system at once.
///
/// glibc lets this grow with what is freed, up to 32 MiB, and then keeps large requests
/// between small things: with 200 senders of 3.9 MiB the process took 215 MiB where
/// requests took 102, and 175 with this. A request of that size costs a thousand page
/// faults, about what copying it once costs; smaller ones, which nearly all are, nothing.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const GIVEN_BACK_BYTES: libc::c_int = 1 << 20;

/// How much of what is freed a thread keeps, at the end of its memory.
///
/// With glibc's 128 KiB, what a request of some hundred KiB took is given back after it and
/// is mapped again, page by page, for the next: with 4 MiB such requests cost a quarter
/// less. Above that nothing is won.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT_BYTES: libc::c_int = 4 << 20;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "glibc has no other way to be told")]
fn tune_memory() {
    // SAFETY: `mallopt` takes a lock and two numbers; a number that it does not know it
    // refuses, and then all stays as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, GIVEN_BACK_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT_BYTES);
    }
}

/// Others do so without being told.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn tune_memory() {}
