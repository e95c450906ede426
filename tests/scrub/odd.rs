//! Names and texts that nobody writes on purpose: signs around a key, escapes and look-alikes
//! in it, long names; many archives in one text; long passwords in URLs.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use miniz_oxide::deflate::compress_to_vec_zlib;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use otel_redact::scrub::Signal;
use otel_redact::scrub::rule::template;
use serde_json::json;

use crate::detect::SCRUBBER;
use crate::pieces::attribute;
use crate::pieces::scrubbed;

#[test]
fn a_key_is_known_however_it_is_written() {
    const VALUE: &str = "sunflower2zz";
    let long = (0..30).map(|number| format!("{number}.")).collect::<String>() + "password";
    let keys = [
        "\"password\"",
        "'password'",
        "<password>",
        "{password}",
        "${password}",
        "@password",
        "password!",
        "password?",
        "password,",
        "password\n",
        "\tpassword",
        "password\0",
        "request.body.\"password\"",
        "\"Authorization\"",
        "pass%77ord",
        "user%5Bpassword%5D",
        "\\u0070assword",
        "pass\u{200b}word",
        "pass\u{ad}word",
        "passw\u{43e}rd",
        "\u{ff30}\u{ff21}\u{ff33}\u{ff33}\u{ff37}\u{ff2f}\u{ff32}\u{ff24}",
        "password\u{a0}",
        &long,
    ];
    for key in keys {
        let record = json!({ "attributes": [attribute("a", "b"), attribute(key, VALUE)] });
        let nested = json!({ "body": { "kvlistValue": { "values": [attribute(key, VALUE)] } } });
        for record in [record, nested] {
            let request =
                json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [record] }] }] });
            for scrubbed in scrubbed::<ExportLogsServiceRequest>(Signal::Logs, &request) {
                assert!(!scrubbed.to_string().contains(VALUE), "{key:?}: {scrubbed}");
            }
        }
    }
    for key in ["token_count?", "\"max_tokens\"", "author\u{a0}"] {
        let (text, _) = SCRUBBER.scrub_bytes(VALUE.as_bytes(), Some(key));
        assert_eq!(text, VALUE.as_bytes(), "{key:?}");
    }
}

#[test]
fn archives_that_say_nothing_are_paid_for_and_what_is_not_looked_at_is_not_left() {
    let archive = BASE64_STANDARD.encode(compress_to_vec_zlib(&vec![0; 1 << 20], 9)) + " ";
    let token = template::expand("{lit:gh|p_}{base62:36}", 1).expect("a sound template");
    for count in [1, 20, 200] {
        let text = archive.repeat(count) + &token;
        let (left, rules) = SCRUBBER.scrub_bytes(text.as_bytes(), None);
        let left = String::from_utf8_lossy(&left);
        assert!(!left.contains(&token) && !left.contains(archive.trim_end()), "{count}");
        assert!(rules.iter().any(|rule| &**rule == "limit"), "{count}: {rules:?}");
    }
}

#[test]
fn the_password_of_a_url_is_found_whole_however_long_it_is() {
    for len in [1, 255, 256, 257, 512, 1100, 5000] {
        let shape = format!("{{base64url:{len}}}");
        let password = template::expand(&shape, 7).expect("a sound template");
        for scheme in ["https", "postgresql", "amqp"] {
            for user in ["ci", &"u".repeat(300)] {
                let text = format!("see {scheme}://{user}:{password}@host.example/a ok");
                let (left, rules) = SCRUBBER.scrub_bytes(text.as_bytes(), None);
                let left = String::from_utf8_lossy(&left);
                assert_eq!(rules.len(), 1, "{len}: {left}");
                assert!(left.ends_with("@host.example/a ok"), "{left}");
                assert!(len == 1 || !left.contains(&password), "{len}: {left}");
            }
        }
    }
}
