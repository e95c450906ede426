//! Arbitrary requests and arbitrary bytes, against the oracle.

use bytes::Bytes;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use otel_redact::scrub::otlp::WalkError;
use otel_redact::scrub::otlp::WalkOptions;
use proptest::prelude::*;
use prost::Message;

use crate::walk::arbitrary;
use crate::walk::arbitrary::Sample;
use crate::walk::judge::Nothing;
use crate::walk::judge::Toy;
use crate::walk::oracle;

/// Scrubs with the toy judge.
pub(crate) fn scrub(signal: Signal, request: &Bytes) -> Result<Bytes, WalkError> {
    let options = WalkOptions::default();
    let walked = otlp::walk(signal, Encoding::Protobuf, request, &options, &mut Toy::default())?;
    Ok(otlp::splice(request, &walked.edits))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_walk_does_what_decoding_and_scrubbing_every_string_does(
        Sample { signal, bytes } in arbitrary::request(),
    ) {
        let bytes = Bytes::from(bytes);
        let mut expected = oracle::decode(signal, &bytes).expect("well-formed");
        oracle::scrub(&mut expected);
        let scrubbed = scrub(signal, &bytes).expect("a well-formed request");
        let got = oracle::decode(signal, &scrubbed).expect("still well-formed");
        let (got, expected) = (got.encode_to_vec(), expected.encode_to_vec());
        prop_assert!(got == expected, "{}\n{}", got.escape_ascii(), expected.escape_ascii());
        prop_assert_eq!(scrub(signal, &scrubbed).expect("well-formed"), scrubbed);
    }

    #[test]
    fn a_request_in_which_nothing_is_found_has_no_edit(
        Sample { signal, bytes } in arbitrary::request(),
    ) {
        let options = WalkOptions::default();
        let walked = otlp::walk(signal, Encoding::Protobuf, &bytes, &options, &mut Nothing)
            .expect("a well-formed request");
        if signal != Signal::Profiles {
            prop_assert_eq!(walked.edits, vec![]);
        }
    }

    #[test]
    fn mutated_bytes_are_refused_or_scrubbed_as_prost_reads_them(
        Sample { signal, bytes } in arbitrary::request(),
        mutations in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = bytes;
        for (index, byte) in mutations {
            if !bytes.is_empty() {
                let at = index.index(bytes.len());
                bytes[at] = byte;
            }
        }
        check_bytes(signal, bytes.into());
    }

    #[test]
    fn arbitrary_bytes_are_refused_or_scrubbed_as_prost_reads_them(
        signal in arbitrary::signal(),
        bytes in proptest::collection::vec(0u8..64, 0..60),
    ) {
        check_bytes(signal, bytes.into());
    }
}

/// What was not refused can be read, and reads as the oracle says.
fn check_bytes(signal: Signal, bytes: Bytes) {
    let Ok(scrubbed) = scrub(signal, &bytes) else { return };
    let got = oracle::decode(signal, &scrubbed).expect("what was not refused is well-formed");
    let Some(mut expected) = oracle::decode(signal, &bytes) else { return };
    strip_unknown(&mut expected);
    oracle::scrub(&mut expected);
    let (got, expected) = (got.encode_to_vec(), expected.encode_to_vec());
    assert!(got == expected, "{}\n{}", got.escape_ascii(), expected.escape_ascii());
    assert_eq!(scrub(signal, &scrubbed).expect("well-formed"), scrubbed);
}

/// Unknown fields are dropped, at any depth.
fn strip_unknown(message: &mut prost_reflect::DynamicMessage) {
    let _: Vec<_> = message.take_unknown_fields().collect();
    let fields: Vec<_> = message.fields().map(|(field, _)| field).collect();
    for field in fields {
        match message.get_field_mut(&field) {
            prost_reflect::Value::Message(inner) => strip_unknown(inner),
            prost_reflect::Value::List(values) => {
                for value in values {
                    if let prost_reflect::Value::Message(inner) = value {
                        strip_unknown(inner);
                    }
                }
            }
            _ => {}
        }
    }
}
