//! Scrubs an arbitrary text that stands in an encoding.
#![no_main]
#![allow(dead_code, reason = "each target uses one of the checks")]

include!("../checks.rs");

libfuzzer_sys::fuzz_target!(|input: &[u8]| check_wrapped(input));
