//! Unpacks an arbitrary compressed body.
#![no_main]
#![allow(dead_code, reason = "each target uses one of the checks")]

include!("../gateway.rs");

libfuzzer_sys::fuzz_target!(|input: &[u8]| check_content(input));
