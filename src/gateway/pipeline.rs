//! Admit, scrub, export, answer: all control flow is here.

pub mod batch;
pub mod memory_limiter;
