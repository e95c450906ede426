//! Texts that read as numbers, and texts that Go and Rust might read differently.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use otel_redact::scrub::Signal;
use prost::Message;

use crate::requests::log;
use crate::requests::logs_of;
use crate::requests::map;
use crate::requests::pair;
use crate::requests::span;
use crate::requests::spans_of;
use crate::requests::text;

/// Texts, as bodies and as attributes.
pub(crate) fn texts() -> (String, Signal, Vec<u8>) {
    const TEXTS: [&str; 12] = [
        "Kelvin \u{212a} and long \u{17f}, straße STRASSE, ΑΒΓ λόγος 42 ٣",
        "漢字かな\u{3000}x\u{a0}y",
        "ab a\u{c}b\u{b}c\r\n\n \t\n end",
        "\\Qab\\E abb aabb \u{c}",
        "e\u{301}vE eVe x 😀😀",
        "aaa bbb abab c ac",
        "NaN Inf -Inf 1e+21",
        "line one\nline two\n",
        "\n",
        "a",
        "\u{10ffff}\u{0}\u{7f}",
        "password=hunter2&x=1 \"token\":\"abc\"",
    ];
    let pairs = || TEXTS.iter().zip(0..).map(|(one, at)| pair(&format!("t{at}"), text(one)));
    let mut records = vec![log(Some(map(pairs().collect())), pairs().collect())];
    records.extend(TEXTS.iter().map(|one| log(Some(text(one)), Vec::new())));
    ("texts".to_owned(), Signal::Logs, logs_of(records).encode_to_vec())
}

/// A resource whose attributes are to be converted.
pub(crate) fn numbers() -> (String, Signal, Vec<u8>) {
    let attributes = vec![
        pair("plus", text("+5")),
        pair("blank", text(" 5")),
        pair("under", text("1_000")),
        pair("wide", text("９")),
        pair("exponent", text("1e3")),
        pair("hexadecimal", text("0x10")),
        pair("beyond", text("1e999")),
        pair("point", text(".5")),
        pair("inf", text("-Infinity")),
        pair("minus_nan", text("-nan")),
        pair("just_nan", text("NAN")),
        pair("tiny", text("4.9e-324")),
        pair("huge", Value::DoubleValue(9.3e18)),
        pair("half", Value::DoubleValue(2.5)),
        pair("minus_half", Value::DoubleValue(-2.5)),
    ];
    let mut spans = spans_of(vec![span("x", 1, Vec::new())]);
    for one in &mut spans.resource_spans {
        let attributes = attributes.clone();
        one.resource = Some(Resource { attributes, ..Resource::default() });
    }
    ("numbers".to_owned(), Signal::Traces, spans.encode_to_vec())
}
