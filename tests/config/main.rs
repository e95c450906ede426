//! The configuration: what is read, what it means, and what each fault is told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod environment;
mod expansion;
mod faults;
mod meaning;
mod pasted;
mod rules;
mod unrepeated;
