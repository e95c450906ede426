//! Tests of the pure half, through its public face.
//!
//! One binary, so that it links once. Each module is a subject.
#![expect(clippy::indexing_slicing, reason = "a test may panic")]

mod again;
mod agents;
mod chains;
mod detect;
mod nested;
mod odd;
mod pages;
mod pairs;
mod pieces;
mod replay;
mod stream;
mod traffic;
mod tuning;
mod twins;
mod walk;
mod worst;
