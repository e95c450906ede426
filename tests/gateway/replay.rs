//! Replays the corpus of the fuzz targets of the half that waits, mutations of it, and
//! everything that they ever found.

include!("../../fuzz/gateway.rs");
include!("../../fuzz/replay.rs");

#[test]
fn every_compressed_body_that_a_fuzzer_kept_holds() {
    replay("content", check_content);
    mutate("content", 2_000, check_content);
}

#[test]
fn every_credential_that_a_fuzzer_kept_holds() {
    replay("auth", check_auth);
    // Each is hashed slowly, on purpose.
    mutate("auth", 200, check_auth);
}

#[test]
fn every_queue_that_a_fuzzer_kept_holds() {
    replay("segment", check_segment);
    mutate("segment", 2_000, check_segment);
}

#[test]
fn every_answer_that_a_fuzzer_kept_holds() {
    replay("answer", check_answer);
    mutate("answer", 2_000, check_answer);
}

#[test]
fn every_configuration_that_a_fuzzer_kept_holds() {
    replay("config", check_config);
    mutate("config", 500, check_config);
}
