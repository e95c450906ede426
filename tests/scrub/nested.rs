//! What is told by quotes, blanks and line ends, where those are escaped.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::Request;
use otel_redact::scrub::Signal;
use otel_redact::scrub::rule::template;
use serde_json::Value;
use serde_json::json;

use crate::detect::SCRUBBER;

/// Texts with a secret (`@`) that only what stands around it gives away.
const TEXTS: [&str; 6] = [
    "apiVersion: v1\nkind: Secret\ndata:\n  foo: @\ntype: Opaque",
    r#"{"apiVersion":"v1","data":{"foo":"@"},"kind":"Secret"}"#,
    "1 validation error for Settings\ndb_password\n  String should have at least 12 characters \
     [type=string_too_short, input_value='@', input_type=str]",
    r#"A7 LOGIN "bob.at.mail.example" "@""#,
    r#"{"Name":"/db/password","Type":"SecureString","Value":"@"}"#,
    r#"{"type":"string_too_short","loc":["body","password"],"msg":"too short","input":"@"}"#,
];

/// `text` as a string in JSON, that JSON as a string in JSON, and so on.
fn nested(text: &str, depth: usize) -> String {
    (0..depth).fold(text.to_owned(), |text, depth| json!({ "at": depth, "note": text }).to_string())
}

/// What stands `depth` levels down.
fn inner(text: &str, depth: usize) -> String {
    (0..depth).fold(text.to_owned(), |text, _| {
        let value: Value = serde_json::from_str(&text).expect("JSON");
        value["note"].as_str().expect("a text").to_owned()
    })
}

#[test]
fn names_of_secrets_without_their_data_stay() {
    let one =
        |at: usize| json!({ "involvedObject": { "kind": "Secret", "name": format!("n{at}") } });
    let many = |len: usize| json!((0..len).map(one).collect::<Vec<_>>()).to_string();
    for text in [many(40), many(400), json!({ "events": many(150) }).to_string()] {
        assert_eq!(SCRUBBER.scrub_text(&text), text);
    }
}

#[test]
fn a_secret_is_found_however_deep_its_quotes_and_line_ends_are_escaped() {
    for (number, text) in TEXTS.iter().enumerate() {
        for seed in 0..4 {
            let secret = template::expand("{base62:16}", seed).expect("a sound template");
            let (front, back) = text.rsplit_once('@').expect("a place for it");
            let text = [front, &secret, back].concat();
            for depth in 0..4 {
                let scrubbed = SCRUBBER.scrub_text(&nested(&text, depth));
                let left = inner(&scrubbed, depth);
                assert!(!left.contains(&secret), "text {number}, depth {depth}: {left}");
                assert!(left.starts_with(front) && left.ends_with(back), "{left}");
                let encoded = STANDARD.encode(nested(&text, depth));
                let scrubbed = SCRUBBER.scrub_text(&encoded);
                assert_ne!(scrubbed, encoded, "text {number}, depth {depth}, in base64");
            }
        }
    }
}

#[test]
fn a_member_with_a_name_of_a_letter_or_two_is_found_however_deep() {
    for name in ["d", "qi", "k"] {
        for depth in 0..4 {
            let secret = template::expand("{base64url:171}", 7).expect("a sound template");
            let scrubbed =
                SCRUBBER.scrub_text(&nested(&json!({ name: secret }).to_string(), depth));
            let left = inner(&scrubbed, depth);
            assert!(!left.contains(&secret), "{name}, depth {depth}: {left}");
            assert!(left.starts_with(&format!("{{\"{name}\":\"[")), "{left}");
        }
    }
}

/// Base64 in a URL, of which only a slash had to be escaped: each half is base64, too, and
/// neither says what the whole says.
#[test]
fn base64_is_read_over_an_escaped_slash() {
    for seed in 0..8 {
        let key = template::expand("{base62:54}", seed).expect("a sound template");
        let url = format!("https://orders.azurewebsites.net/api/f?name=a&code={key}");
        let encoded = STANDARD.encode(url).replace('=', "");
        assert_eq!(encoded.matches('/').count(), 1, "{encoded}");
        for slash in ["%2F", "%2f"] {
            let text = format!("GET /go?to={}&n=1", encoded.replace('/', slash));
            let scrubbed = SCRUBBER.scrub_text(&text);
            assert_ne!(scrubbed, text);
            assert!(scrubbed.ends_with("&n=1"), "{scrubbed}");
        }
    }
}

/// A gzip file of one stored block, with the name of what it was made of in its head.
fn gzip(name: &str, text: &str) -> Vec<u8> {
    let len = (text.len() as u16).to_le_bytes();
    let end = [crc32fast::hash(text.as_bytes()), text.len() as u32].map(u32::to_le_bytes).concat();
    [
        &[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3][..],
        name.as_bytes(),
        &[0, 1],
        &len,
        &len.map(|byte| !byte),
        text.as_bytes(),
        &end,
    ]
    .concat()
}

#[test]
fn a_secret_is_found_in_the_name_of_a_gzip_file() {
    let token = template::expand("ghp_{base62:30}{check:crc32-base62-6}", 3);
    let token = token.expect("a sound template");
    for name in [token.clone(), format!("{token}.txt")] {
        let encoded = STANDARD.encode(gzip(&name, "what is in the file says nothing"));
        let request = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
            {"body": {"bytesValue": encoded}},
        ]}]}]});
        let request = Request {
            signal: Signal::Logs,
            encoding: Encoding::Json,
            bytes: request.to_string().into(),
        };
        let (scrubbed, _) = SCRUBBER.scrub(&request).expect("a request");
        let left: Value = serde_json::from_slice(scrubbed.bytes()).expect("JSON");
        let body = &left["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["body"]["bytesValue"];
        let body = STANDARD.decode(body.as_str().expect("bytes")).expect("base64");
        let at = body.windows(token.len()).position(|window| window == token.as_bytes());
        assert_eq!(at, None, "{name}");
    }
}
