//! What a page shows is what happens.

use otel_redact::scrub::Encoding;
use otel_redact::scrub::Request;
use otel_redact::scrub::Scrubbed;
use otel_redact::scrub::Scrubber;
use otel_redact::scrub::Settings;
use otel_redact::scrub::Signal;
use otel_redact::scrub::yaml;
use serde_json::Value;
use serde_json::json;

const PAGE: &str = include_str!("../../docs/actions.md");

/// The code of a section, block by block.
fn blocks(section: &str) -> Vec<&str> {
    let fences = section.split("```").skip(1).step_by(2);
    fences.filter_map(|block| block.split_once('\n')).map(|(_, code)| code.trim()).collect()
}

#[test]
fn every_action_does_what_its_page_says() {
    let mut shown = 0;
    for section in PAGE.split("\n## ").skip(1) {
        let title = section.lines().next().unwrap_or_default();
        let blocks = blocks(section);
        let [settings, record, expected, elsewhere @ ..] = blocks.as_slice() else {
            panic!("{title}: settings, before and after");
        };
        let settings: Settings = yaml::read(settings).expect(title);
        let record: Value = serde_json::from_str(record).expect(title);
        let expected: Value = serde_json::from_str(expected).expect(title);
        let scrubber = Scrubber::without_packs(&settings).expect(title);
        let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]});
        let bytes = request.to_string().into_bytes().into();
        let request = Request { signal: Signal::Logs, encoding: Encoding::Json, bytes };
        let of = |scrubbed: &Scrubbed| {
            let tree: Value = serde_json::from_slice(scrubbed.bytes()).expect(title);
            let record = tree.pointer("/resourceLogs/0/scopeLogs/0/logRecords/0");
            record.cloned().unwrap_or_default()
        };
        let (got, routed) = match scrubber.divide(&request) {
            Err(refused) => (Value::String(refused.to_string()), None),
            Ok(divided) => (of(&divided.left), divided.routed.as_ref().map(of)),
        };
        assert_eq!(got, expected, "{title}\n{got}");
        let elsewhere = elsewhere.first().map(|one| serde_json::from_str(one).expect(title));
        assert_eq!(routed, elsewhere, "{title}");
        shown += 1;
    }
    assert!(9 < shown, "{shown} sections");
}
