//! Scrubs an arbitrary text.
#![no_main]
#![allow(dead_code, reason = "each target uses one of the checks")]

include!("../checks.rs");

libfuzzer_sys::fuzz_target!(|input: &[u8]| check_yaml(input));
