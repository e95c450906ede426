//! Replays the corpus of the fuzz targets, and everything that they ever found.

include!("../../fuzz/checks.rs");
include!("../../fuzz/replay.rs");

#[test]
fn every_protobuf_input_that_a_fuzzer_kept_holds() {
    replay("protobuf", |input| check_request(Encoding::Protobuf, input));
}

#[test]
fn every_json_input_that_a_fuzzer_kept_holds() {
    replay("json", |input| check_request(Encoding::Json, input));
}

#[test]
fn every_text_input_that_a_fuzzer_kept_holds() {
    replay("text", check_text);
}

#[test]
fn every_yaml_input_that_a_fuzzer_kept_holds() {
    replay("yaml", check_yaml);
}

#[test]
fn mutations_of_the_protobuf_corpus_hold() {
    mutate("protobuf", 2_000, |input| check_request(Encoding::Protobuf, input));
}

#[test]
fn mutations_of_the_json_corpus_hold() {
    mutate("json", 2_000, |input| check_request(Encoding::Json, input));
}

#[test]
fn every_wrapped_input_that_a_fuzzer_kept_holds() {
    replay("wrapped", check_wrapped);
}

#[test]
fn mutations_of_the_wrapped_corpus_hold() {
    mutate("wrapped", 500, check_wrapped);
}

#[test]
fn mutations_of_the_yaml_corpus_hold() {
    mutate("yaml", 1_000, check_yaml);
}
