//! The command: parses arguments, runs, turns the result into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    otel_redact::cli::main()
}
