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
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(Resource::Core, no_core);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    let files = rustix::process::getrlimit(Resource::Nofile);
    let most = Rlimit { current: files.maximum, ..files };
    let _ = rustix::process::setrlimit(Resource::Nofile, most);
}
