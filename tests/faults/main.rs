//! What is lost when things break: the real program between senders that try again and
//! an upstream that fails in every way, ended with SIGKILL, SIGTERM, full disks and
//! damaged files.
//!
//! Each test ends with a line `acknowledged, delivered, lost, duplicated`, and lost is 0
//! (but for files that were damaged on purpose: there it is what the damage lay in).
//! Run as part of `cargo test` they are short;
//!
//! ```sh
//! OTEL_REDACT_FAULTS=full cargo test --release --test faults -- --nocapture
//! ```
//!
//! takes some minutes: outages of 20 s at 200 requests/s, 73 kills, and the bounds in
//! time, which a short run only prints. So does a full one with `OTEL_REDACT_FAULTS_SLOW=1`:
//! for a busy machine, or a debug build. `OTEL_REDACT_BIN` names another program to test.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stdout, reason = "the result of a test is a line")]
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

mod again;
mod burdens;
mod connections;
mod damage;
mod disk;
mod endings;
mod fanout;
#[path = "../gateway/frames.rs"]
mod frames;
mod gone;
mod kills;
mod ledger;
mod load;
mod memory;
mod outages;
mod power;
mod program;
mod refusals;
mod reloads;
mod upstream;

/// Whether the whole matrix runs.
pub(crate) fn is_full() -> bool {
    std::env::var("OTEL_REDACT_FAULTS").is_ok_and(|value| value == "full")
}

/// One of two, by whether the whole matrix runs.
pub(crate) fn short_or_full<T>(short: T, full: T) -> T {
    if is_full() { full } else { short }
}

/// A bound in time, or in what a debug build has more of.
pub(crate) fn bound(is_kept: bool, what: impl std::fmt::Display) {
    if !is_kept {
        println!("over its bound: {what}");
    }
    let is_strict = is_full() && std::env::var_os("OTEL_REDACT_FAULTS_SLOW").is_none();
    assert!(is_kept || !is_strict, "{what}");
}

/// One test at a time: their processes would wait for each other.
pub(crate) async fn turn() -> tokio::sync::MutexGuard<'static, ()> {
    static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    TURN.lock().await
}
