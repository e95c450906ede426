// What must hold for any input. Shared by the fuzz targets and by the test that
// replays what they found; `include!`d by both, so that neither depends on the
// other.

use otel_redact::scrub::Encoding;
use otel_redact::scrub::Scrubber;
use otel_redact::scrub::Settings;
use otel_redact::scrub::Signal;
use otel_redact::scrub::otlp;
use otel_redact::scrub::otlp::Context;
use otel_redact::scrub::otlp::Judge;
use otel_redact::scrub::otlp::Outline;
use otel_redact::scrub::otlp::Place;
use otel_redact::scrub::otlp::Replacement;
use otel_redact::scrub::otlp::Scalar;
use otel_redact::scrub::otlp::Shown;
use otel_redact::scrub::otlp::WalkOptions;

/// Replaces `SECRET`, and everything under the key `password`.
struct Secrets;

impl Judge for Secrets {
    fn begin(&mut self, _: &[u8], _: Option<Outline<'_>>) {}

    fn key(&mut self, key: Shown<'_>, outer: Context) -> Context {
        if key.bytes == b"password" { Context(1) } else { outer }
    }

    fn text(&mut self, text: Shown<'_>, place: &Place<'_>, found: &mut Vec<Replacement>) {
        let _ = place.path.to_string();
        if place.context == Context(1) {
            if text.bytes != b"[masked]" {
                found.push(Replacement { range: 0..text.bytes.len(), bytes: b"[masked]".into() });
            }
            return;
        }
        let mut at = 0;
        while let Some(rest) = text.bytes.get(at..)
            && let Some(start) = rest.windows(6).position(|word| word == b"SECRET")
        {
            found.push(Replacement {
                range: at + start..at + start + 6,
                bytes: b"[masked]".into(),
            });
            at += start + 6;
        }
    }

    fn scalar(&mut self, _value: Scalar, _place: &Place<'_>) -> Option<Vec<u8>> {
        Some(b"[masked]".into())
    }
}

/// What a walk makes of a request; `None` where it is refused.
fn scrubbed(signal: Signal, encoding: Encoding, request: &[u8]) -> Option<Vec<u8>> {
    let walked =
        otlp::walk(signal, encoding, request, &WalkOptions::default(), &mut Secrets).ok()?;
    let sorted = walked.edits.is_sorted_by(|a, b| a.range.end <= b.range.start);
    assert!(sorted, "edits overlap");
    Some(otlp::splice(&request.to_vec().into(), &walked.edits).to_vec())
}

/// A request is refused, or what leaves can be walked, and nothing is left in it.
fn check_request(encoding: Encoding, input: &[u8]) {
    let Some((first, request)) = input.split_first() else { return };
    let Some(signal) = Signal::ALL.into_iter().nth(usize::from(first % 4)) else { return };
    let Some(once) = scrubbed(signal, encoding, request) else { return };
    let twice = scrubbed(signal, encoding, &once).expect("what leaves is well-formed");
    assert_eq!(once, twice, "twice is not once");
    match encoding {
        Encoding::Protobuf => {
            let json = otlp::protobuf_to_json(signal, &once).expect("what leaves converts");
            let back = otlp::json_to_protobuf(signal, &json).expect("what was written is read");
            let again = otlp::protobuf_to_json(signal, &back).expect("what was written is read");
            assert_eq!(json, again, "the conversions disagree");
            let _ = otlp::split(signal, &once, 1);
        }
        Encoding::Json => {
            let converted = otlp::json_to_protobuf(signal, &once).expect("what leaves converts");
            let walked = scrubbed(signal, Encoding::Protobuf, &converted);
            assert!(walked.is_some(), "what was converted is well-formed");
        }
    }
}

/// Scrubbing a text twice is scrubbing it once.
fn check_text(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    static SCRUBBER: std::sync::LazyLock<Scrubber> = std::sync::LazyLock::new(|| {
        Scrubber::new(&Settings::default()).expect("the default settings are good")
    });
    let once = SCRUBBER.scrub_text(text);
    assert_eq!(SCRUBBER.scrub_text(&once), once, "twice is not once");
}

/// A text is read as settings, or there is a fault that says where: never a panic, and
/// never a fault without a word on what was expected.
fn check_yaml(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let read = otel_redact::scrub::yaml::parse(text, Some("fuzz.yaml".into()))
        .and_then(|node| node.read::<Settings>(""));
    if let Err(fault) = read {
        let path = fault.shown();
        assert!(!fault.expected.is_empty() && fault.to_string().contains(&*path));
    }
}

/// The same for a text that stands in an encoding, which the first byte chooses: what a
/// fuzzer would not come upon by itself.
fn check_wrapped(input: &[u8]) {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    let Some((first, inner)) = input.split_first() else { return };
    let each = |write: fn(u8) -> String| inner.iter().copied().map(write).collect::<String>();
    let text = match first % 8 {
        0 => BASE64_STANDARD.encode(inner),
        1 => BASE64_URL_SAFE_NO_PAD.encode(BASE64_STANDARD.encode(inner)),
        2 => each(|byte| format!("{byte:02x}")),
        3 => each(|byte| format!("%{byte:02X}")),
        4 => each(|byte| format!("\\u{byte:04x}")),
        5 => each(|byte| format!("\\\\u{byte:04x}")),
        6 => BASE64_STANDARD.encode(gzip(inner)),
        _ => each(|byte| format!("{}\0", char::from(byte))),
    };
    for text in [format!("a {text} b"), format!("{{\"password\":\"{text}\"}}"), text] {
        check_text(text.as_bytes());
    }
}

/// RFC 1952, 2.3.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let packed = miniz_oxide::deflate::compress_to_vec(bytes, 6);
    let len = u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes();
    let checksum = crc32fast::hash(bytes).to_le_bytes();
    [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], &packed[..], &checksum, &len].concat()
}
