//! The few protobuf messages that answers are made of, written and read by hand.
//!
//! `google.rpc.Status` {code 1, message 2, details 3}, its `RetryInfo`
//! {retry_delay 1}, and `Export*ServiceResponse` {partial_success 1 {rejected 1,
//! error_message 2}}. Reading never panics: what is malformed reads as absent. Whether an
//! answer can be read at all is asked apart ([`is_export_response`]): who takes a request
//! and who only says 200 to everything differ in that.

use std::time::Duration;

use crate::gateway::answer::PartialSuccess;
use crate::scrub::Signal;

/// The type of `RetryInfo` within an `Any`.
const RETRY_INFO_URL: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// The wire types that answers use.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LEN: u64 = 2;
const FIXED32: u64 = 5;

/// An export response in protobuf. On full success it holds an empty
/// `partial_success`, as the Collector writes it.
pub fn export_response(partial: Option<&PartialSuccess>) -> Vec<u8> {
    let mut inner = Vec::new();
    if let Some(partial) = partial {
        if partial.rejected != 0 {
            put_varint(&mut inner, 1, partial.rejected.cast_unsigned());
        }
        if !partial.message.is_empty() {
            put_bytes(&mut inner, 2, partial.message.as_bytes());
        }
    }
    let mut out = Vec::with_capacity(inner.len() + 4);
    put_bytes(&mut out, 1, &inner);
    out
}

/// An export response in JSON.
pub fn export_response_json(signal: Signal, partial: Option<&PartialSuccess>) -> String {
    let mut inner = serde_json::Map::new();
    if let Some(partial) = partial {
        if partial.rejected != 0 {
            let rejected = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Metrics => "rejectedDataPoints",
                Signal::Logs => "rejectedLogRecords",
                Signal::Profiles => "rejectedProfiles",
            };
            inner.insert(rejected.to_owned(), partial.rejected.to_string().into());
        }
        if !partial.message.is_empty() {
            inner.insert("errorMessage".to_owned(), partial.message.clone().into());
        }
    }
    serde_json::json!({ "partialSuccess": inner }).to_string()
}

/// Reads the partial success of an export response, if it says anything.
pub fn partial_success(response: &[u8]) -> Option<PartialSuccess> {
    let mut partial = PartialSuccess::default();
    for field in Fields(response) {
        if let (1, Value::Bytes(inner)) = field {
            for field in Fields(inner) {
                match field {
                    (1, Value::Number(rejected)) => partial.rejected = rejected.cast_signed(),
                    (2, Value::Bytes(text)) => {
                        partial.message = String::from_utf8_lossy(text).into_owned();
                    }
                    _ => {}
                }
            }
        }
    }
    (partial != PartialSuccess::default()).then_some(partial)
}

/// Whether this is an `Export*ServiceResponse`, as far as its fields can be told apart.
pub fn is_export_response(bytes: &[u8]) -> bool {
    let is_message = |bytes, is_field: fn(u64, &Value<'_>) -> bool| {
        let mut fields = Fields(bytes);
        while !fields.0.is_empty() {
            match fields.next() {
                Some((number, value)) if number != 0 && is_field(number, &value) => {}
                _ => return false,
            }
        }
        true
    };
    let is_partial = |bytes| {
        is_message(bytes, |number, value| match number {
            1 => matches!(value, Value::Number(_)),
            2 => matches!(value, Value::Bytes(_)),
            _ => true,
        })
    };
    is_message(bytes, |number, value| number != 1 || matches!(value, Value::Bytes(_)))
        && Fields(bytes).all(|field| match field {
            (1, Value::Bytes(partial)) => is_partial(partial),
            _ => true,
        })
}

/// Reads the partial success of an export response in JSON.
pub fn partial_success_json(response: &[u8]) -> Option<PartialSuccess> {
    let response: serde_json::Value = serde_json::from_slice(response).ok()?;
    let object = response.get("partialSuccess").or_else(|| response.get("partial_success"))?;
    let mut partial = PartialSuccess::default();
    for (name, value) in object.as_object()? {
        match name.as_str() {
            "errorMessage" | "error_message" => {
                partial.message = value.as_str().unwrap_or_default().to_owned();
            }
            _ if name.starts_with("rejected") => {
                let text = value.as_str().and_then(|text| text.parse().ok());
                partial.rejected = value.as_i64().or(text).unwrap_or_default();
            }
            _ => {}
        }
    }
    (partial != PartialSuccess::default()).then_some(partial)
}

/// `google.rpc.Status` in protobuf.
pub fn status(code: u32, message: &str, retry_after: Option<Duration>) -> Vec<u8> {
    let mut out = Vec::new();
    if code != 0 {
        put_varint(&mut out, 1, u64::from(code));
    }
    if !message.is_empty() {
        put_bytes(&mut out, 2, message.as_bytes());
    }
    if let Some(delay) = retry_after {
        let mut duration = Vec::new();
        put_varint(&mut duration, 1, delay.as_secs());
        put_varint(&mut duration, 2, u64::from(delay.subsec_nanos()));
        let mut info = Vec::new();
        put_bytes(&mut info, 1, &duration);
        let mut any = Vec::new();
        put_bytes(&mut any, 1, RETRY_INFO_URL.as_bytes());
        put_bytes(&mut any, 2, &info);
        put_bytes(&mut out, 3, &any);
    }
    out
}

/// `google.rpc.Status` in JSON.
pub fn status_json(code: u32, message: &str, retry_after: Option<Duration>) -> String {
    let mut status = serde_json::json!({ "code": code, "message": message });
    if let (Some(delay), Some(object)) = (retry_after, status.as_object_mut()) {
        let delay = format!("{}s", delay.as_secs_f64());
        let details = serde_json::json!([{ "@type": RETRY_INFO_URL, "retryDelay": delay }]);
        object.insert("details".to_owned(), details);
    }
    status.to_string()
}

/// What a `google.rpc.Status` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// For people; from outside, and so not yet scrubbed.
    pub message: String,
    /// The delay of the first `RetryInfo` among the details.
    pub retry_after: Option<Duration>,
}

/// Reads a `google.rpc.Status`.
pub fn read_status(bytes: &[u8]) -> Status {
    let mut status = Status::default();
    for field in Fields(bytes) {
        match field {
            (2, Value::Bytes(text)) => status.message = String::from_utf8_lossy(text).into_owned(),
            (3, Value::Bytes(any)) => {
                status.retry_after = status.retry_after.or_else(|| retry_info(any));
            }
            _ => {}
        }
    }
    status
}

fn retry_info(any: &[u8]) -> Option<Duration> {
    let mut is_retry_info = false;
    let mut info: &[u8] = &[];
    for field in Fields(any) {
        match field {
            (1, Value::Bytes(url)) => is_retry_info = url.ends_with(b"google.rpc.RetryInfo"),
            (2, Value::Bytes(value)) => info = value,
            _ => {}
        }
    }
    if !is_retry_info {
        return None;
    }
    let mut delay = Duration::ZERO;
    for field in Fields(info) {
        if let (1, Value::Bytes(duration)) = field {
            for field in Fields(duration) {
                match field {
                    (1, Value::Number(seconds)) if 0 < seconds.cast_signed() => {
                        delay = delay.saturating_add(Duration::from_secs(seconds));
                    }
                    (2, Value::Number(nanos)) if nanos < 1_000_000_000 => {
                        delay = delay.saturating_add(Duration::from_nanos(nanos));
                    }
                    _ => {}
                }
            }
        }
    }
    Some(delay)
}

fn put_varint(out: &mut Vec<u8>, field: u64, value: u64) {
    put_raw_varint(out, field << 3 | VARINT);
    put_raw_varint(out, value);
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_raw_varint(out, field << 3 | LEN);
    put_raw_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_raw_varint(out: &mut Vec<u8>, mut value: u64) {
    while 0x80 <= value {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The value of a field.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, up to the first that is malformed.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for (index, byte) in self.0.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte & 0x80 == 0 {
                self.0 = self.0.get(index + 1..)?;
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self, len: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            VARINT => Value::Number(self.varint()?),
            FIXED64 => Value::Bytes(self.bytes(8)?),
            LEN => {
                let len = self.varint()?;
                Value::Bytes(self.bytes(len)?)
            }
            FIXED32 => Value::Bytes(self.bytes(4)?),
            _ => return None,
        };
        Some((tag >> 3, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_success_is_an_empty_partial_success_as_the_collector_writes_it() {
        assert_eq!(export_response(None), [0x0a, 0x00]);
        assert_eq!(export_response_json(Signal::Logs, None), r#"{"partialSuccess":{}}"#);
        assert_eq!(partial_success(&[0x0a, 0x00]), None);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let partial = PartialSuccess { rejected: 300, message: "too old".to_owned() };
        assert_eq!(partial_success(&export_response(Some(&partial))), Some(partial.clone()));
        let json = export_response_json(Signal::Metrics, Some(&partial));
        assert_eq!(partial_success_json(json.as_bytes()), Some(partial));

        let retry_after = Some(Duration::from_millis(7_500));
        let read = read_status(&status(8, "slow down", retry_after));
        assert_eq!(read, Status { message: "slow down".to_owned(), retry_after });
    }

    #[test]
    fn what_is_no_export_response_is_told() {
        let partial = PartialSuccess { rejected: 300, message: "too old".to_owned() };
        let whole = export_response(Some(&partial));
        // An unknown field is none of our business.
        for sound in [&b""[..], &[0x0a, 0x00], &whole, &[0x10, 0x01], &[0x0a, 0x02, 0x18, 0x01]] {
            assert!(is_export_response(sound), "{sound:?}");
        }
        for len in 1..whole.len() {
            assert!(!is_export_response(&whole[..len]), "cut at {len}");
        }
        for other in
            [&b"ok"[..], b"<html></html>", b"{}", b"not here", &[0x00, 0x00], &[0x08, 0x01]]
        {
            assert!(!is_export_response(other), "{other:?}");
        }
        assert!(!is_export_response(&[0x0a, 0x02, 0x0a, 0x00]), "a text for a number");
    }

    #[test]
    fn malformed_answers_read_as_far_as_they_go_and_never_panic() {
        let whole = status(8, "slow down", Some(Duration::from_secs(7)));
        for len in 0..whole.len() {
            let _ = read_status(&whole[..len]);
        }
        assert_eq!(partial_success(&[0xff; 40]), None);
    }
}
