//! The configuration: what is read, what it means, and what each fault is told.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod environment;
mod expansion;
