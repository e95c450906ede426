//! The command: parses arguments, runs, turns the result into an exit code.

use std::process::ExitCode;

#[cfg(target_env = "musl")]
mod allocator;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

fn main() -> ExitCode {
    otel_redact::cli::main()
}
