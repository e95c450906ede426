//! The configuration: what is read, what it means, and what each fault is told.

mod environment;
mod expansion;
mod faults;
mod meaning;
