//! A regular request straight into protobuf, in one pass over the JSON.
//!
//! Regular is what exporters send: members that the schema has, each once in its
//! object, of the types that it has. Bytes that are no UTF-8 go over as they are: the walk
//! that follows decides. For everything else, faults among it, there is no result, and the
//! request is read into a tape: what is done with it, and what is said of it, is decided
//! there alone.
//!
//! A length stands before its message and is known only after it: room is left for as
//! many bytes as the length took last time at this depth, and the message is moved where
//! that was wrong.

use crate::scrub::Signal;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::json::lexer::Lexer;
use crate::scrub::otlp::json::lexer::plain_len;
use crate::scrub::otlp::json::scalar;
use crate::scrub::otlp::json::string::unescaped;
use crate::scrub::otlp::json::tape::Token;
use crate::scrub::otlp::json::tape::TokenKind;
use crate::scrub::otlp::json::to_protobuf::is_default;
use crate::scrub::otlp::json::to_protobuf::put;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::schema::Decision;
use crate::scrub::otlp::schema::Field;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::wire;

/// Converts a request; `None` where it is not regular, or would be longer than the JSON.
pub(in crate::scrub::otlp) fn convert(signal: Signal, json: &[u8]) -> Option<Vec<u8>> {
    u32::try_from(json.len()).ok()?;
    let depth_max = WalkOptions::default().depth_max;
    let out = Vec::with_capacity(json.len());
    let mut writer = Writer { lexer: Lexer { json, at: 0 }, out, widths: vec![1; depth_max + 2] };
    writer.lexer.blanks();
    writer.message(schema::root(signal), 0)?;
    writer.lexer.blanks();
    let is_all = writer.lexer.at == json.len() && writer.out.len() <= json.len();
    is_all.then_some(writer.out)
}

struct Writer<'j> {
    lexer: Lexer<'j>,
    out: Vec<u8>,
    /// How many bytes the last length at each depth took. A message may be in fewer
    /// messages than there are widths.
    widths: Vec<usize>,
}

/// Where a length belongs.
struct Open {
    at: usize,
    width: usize,
}

impl Writer<'_> {
    /// Writes the fields of an object. Calls itself for what is inside, as deep as there
    /// are widths.
    fn message(&mut self, message: &'static Message, depth: usize) -> Option<()> {
        self.take(b'{')?;
        if self.ends_with(b'}') {
            return Some(());
        }
        let (mut seen, mut next) = (0_u32, 0);
        loop {
            let (at, field) = self.name(message, next)?;
            next = at + 1;
            if self.lexer.byte() == Some(b'n') {
                self.lexer.scalar().ok()?;
            } else {
                let bit = 1 << field.number;
                if seen & bit != 0 {
                    return None;
                }
                seen |= bit;
                self.field(field, depth)?;
            }
            if !self.goes_on(b'}')? {
                return Some(());
            }
        }
    }

    /// Reads the name of a member and the colon. Gives the field, and its place among
    /// those of the message; `guess` is the place to look at first.
    #[inline(always)]
    fn name(&mut self, message: &'static Message, guess: usize) -> Option<(usize, &'static Field)> {
        if self.lexer.byte() != Some(b'"') {
            return None;
        }
        let start = self.lexer.at + 1;
        let rest = self.lexer.json.get(start..)?;
        let is_name = |field: &Field| {
            let name = field.json.as_bytes();
            rest.starts_with(name) && rest.get(name.len()) == Some(&b'"')
        };
        // Exporters write fields in the order of the schema.
        let guessed = message.fields.get(guess).filter(|field| is_name(field));
        let (at, field, len) = match guessed {
            Some(field) => (guess, field, field.json.len()),
            None => {
                let len = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
                let name = rest.get(..len).filter(|_| rest.get(len) == Some(&b'"'))?;
                let (at, field) = message.fields.iter().enumerate().find(|(_, field)| {
                    field.json.as_bytes() == name || field.name.as_bytes() == name
                })?;
                (at, field, len)
            }
        };
        self.lexer.at = start + len + 1;
        self.lexer.blanks();
        self.take(b':')?;
        (!matches!(field.decision, Decision::Drop(_))).then_some((at, field))
    }

    fn field(&mut self, field: &'static Field, depth: usize) -> Option<()> {
        if !field.repeated {
            return self.value(field, depth);
        }
        self.take(b'[')?;
        if self.ends_with(b']') {
            return Some(());
        }
        let is_packed = field.kind.wire() != 2;
        let open = is_packed.then(|| self.open(field, depth));
        loop {
            match open {
                Some(_) => {
                    let number = self.number(field.kind)?;
                    put(&mut self.out, field.kind, number);
                }
                None => self.value(field, depth)?,
            }
            if !self.goes_on(b']')? {
                break;
            }
        }
        if let Some(open) = open {
            self.close(&open, depth);
        }
        // A list of small numbers is several times as long in protobuf, if it is.
        (self.out.len() <= self.lexer.json.len()).then_some(())
    }

    /// Writes a value with its tag.
    #[inline(always)]
    fn value(&mut self, field: &'static Field, depth: usize) -> Option<()> {
        let always = field.presence || field.repeated;
        match field.kind {
            Kind::Message(message) => {
                let open = self.open(field, depth);
                self.widths.get(depth + 2)?;
                self.message(message, depth + 1)?;
                self.close(&open, depth);
            }
            Kind::String => self.string(field, always, depth)?,
            Kind::Bytes | Kind::Id(_) => {
                let (kind, range) = self.text()?;
                let token = Token::alone(kind, range);
                let json = self.lexer.json;
                let bytes = match field.kind {
                    Kind::Id(len) => scalar::id(json, &token, len),
                    _ => scalar::bytes(json, &token),
                };
                self.delimited(field, &bytes.ok()?, always);
            }
            kind => {
                let number = self.number(kind)?;
                if field.presence || !is_default(number) {
                    self.tag(field);
                    put(&mut self.out, kind, number);
                }
            }
        }
        Some(())
    }

    fn number(&mut self, kind: Kind) -> Option<scalar::Number> {
        let (token, range) = match self.lexer.byte() {
            Some(b'"') => self.lexer.string().ok()?,
            _ => self.lexer.scalar().ok()?,
        };
        scalar::number(self.lexer.json, &Token::alone(token, range), kind).ok()
    }

    fn text(&mut self) -> Option<(TokenKind, std::ops::Range<usize>)> {
        if self.lexer.byte() == Some(b'"') { self.lexer.string().ok() } else { None }
    }

    #[inline(always)]
    fn string(&mut self, field: &'static Field, always: bool, depth: usize) -> Option<()> {
        if self.lexer.byte() != Some(b'"') {
            return None;
        }
        let start = self.lexer.at + 1;
        let json = self.lexer.json;
        let rest = json.get(start..)?;
        let len = plain_len(rest);
        if rest.get(len) == Some(&b'"') {
            self.delimited(field, rest.get(..len)?, always);
            self.lexer.at = start + len + 1;
            return Some(());
        }
        let open = self.open(field, depth);
        self.lexer.at = start + unescaped(rest, &mut self.out)? + 1;
        self.close(&open, depth);
        Some(())
    }

    #[inline(always)]
    fn delimited(&mut self, field: &'static Field, bytes: &[u8], always: bool) {
        if always || !bytes.is_empty() {
            self.tag(field);
            wire::put_varint(&mut self.out, bytes.len() as u64);
            self.out.extend_from_slice(bytes);
        }
    }

    #[inline(always)]
    fn tag(&mut self, field: &'static Field) {
        let packed = field.repeated && field.kind.wire() != 2;
        let wire = if packed { 2 } else { field.kind.wire() };
        wire::put_varint(&mut self.out, u64::from(field.number << 3 | u32::from(wire)));
    }

    /// Writes a tag and leaves room for a length.
    fn open(&mut self, field: &'static Field, depth: usize) -> Open {
        self.tag(field);
        let open = Open { at: self.out.len(), width: self.widths.get(depth).copied().unwrap_or(1) };
        self.out.resize(open.at + open.width, 0);
        open
    }

    /// Puts in the length of what was written since.
    fn close(&mut self, open: &Open, depth: usize) {
        let start = open.at + open.width;
        let end = self.out.len();
        let mut length = end - start;
        let width = wire::length_len(length);
        let body = open.at + width;
        if start < body {
            self.out.resize(end + body - start, 0);
        }
        if start != body {
            self.out.copy_within(start..end, body);
            self.out.truncate(body + end - start);
            if let Some(last) = self.widths.get_mut(depth) {
                *last = width;
            }
        }
        for room in self.out.get_mut(open.at..body).unwrap_or_default() {
            *room = (length & 0x7f) as u8 | u8::from(0x7f < length) << 7;
            length >>= 7;
        }
    }

    /// Reads a sign and the blanks behind it.
    #[inline(always)]
    fn take(&mut self, sign: u8) -> Option<()> {
        if self.lexer.byte() != Some(sign) {
            return None;
        }
        self.lexer.at += 1;
        self.lexer.blanks();
        Some(())
    }

    /// Whether an empty list or object ends here.
    #[inline(always)]
    fn ends_with(&mut self, end: u8) -> bool {
        let ends = self.lexer.byte() == Some(end);
        self.lexer.at += usize::from(ends);
        ends
    }

    /// Behind a value: whether another follows, or the list or object ends.
    #[inline(always)]
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        self.lexer.blanks();
        if self.ends_with(end) {
            return Some(false);
        }
        self.take(b',')?;
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;
    use crate::scrub::otlp::Blind;
    use crate::scrub::otlp::json::to_protobuf::by_tape;
    use crate::scrub::otlp::json::walk;

    const SAMPLES: [(Signal, &str); 6] = [
        (Signal::Traces, include_str!("../../../../tests/data/traffic/node-ai-json.traces.1.json")),
        (
            Signal::Metrics,
            include_str!("../../../../tests/data/traffic/node-web-json.metrics.1.json"),
        ),
        (Signal::Logs, include_str!("../../../../tests/data/traffic/node-web-json.logs.1.json")),
        (
            Signal::Logs,
            r#" { "resourceLogs" : [ { "scopeLogs":[{"logRecords":[{"body":{"stringValue":"a\n\u00e9\ud83d\ude00"},
            "timeUnixNano":"18446744073709551615","severityNumber":"SEVERITY_NUMBER_INFO"},
            {"trace_id":"0af7651916cd43dd8448eb211c80319c","body":{"bytesValue":"AAEC"},"eventName":null},
            {"severityNumber":-9,"attributes":[{"key":"","value":{"intValue":-9223372036854775808}},
            {"key":"b","value":{"arrayValue":{"values":[{},{"doubleValue":"NaN"},{"boolValue":false},
            {"kvlistValue":{"values":[{"key":"c","value":{"doubleValue":-0.0}}]}}]}}}]}]}]} ] } "#,
        ),
        (
            Signal::Metrics,
            r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"a","histogram":
            {"aggregationTemporality":2,"dataPoints":[{"bucketCounts":["1",2,0],"explicitBounds":[1,2.5e3],
            "count":"3","exemplars":[{"asInt":"-7","traceId":"","spanId":"00f067aa0ba902b7"}]}]}}]}]}]}"#,
        ),
        (
            Signal::Profiles,
            r#"{"resourceProfiles":[{"scopeProfiles":[{"profiles":[{"profileId":
            "0af7651916cd43dd8448eb211c80319c","samples":[{"stackIndex":3,"values":["5",-1]}]}]}]}],
            "dictionary":{"stringTable":["","a","b"]}}"#,
        ),
    ];

    /// Whatever is regular says the same by way of the tape, and holds nothing that the
    /// walk would count or refuse.
    fn agrees(signal: Signal, json: &[u8]) -> bool {
        let Some(got) = convert(signal, json) else { return false };
        let expected = by_tape(signal, json).expect("what is regular is OTLP");
        assert_eq!(got, expected, "{}", json.escape_ascii());
        let walked = walk(signal, json, &WalkOptions::default(), &mut Blind).expect("regular");
        assert_eq!(walked.unknown_fields, 0, "{}", json.escape_ascii());
        assert!(got.len() <= json.len());
        true
    }

    #[test]
    fn what_exporters_send_is_regular() {
        for (signal, json) in SAMPLES {
            assert!(agrees(signal, json.as_bytes()), "{json}");
        }
    }

    #[test]
    fn what_must_be_counted_or_told_of_is_not() {
        for json in [
            r#"{"resourceLogs":[],"more":1}"#,
            r#"{"resourceLogs":[],"resourceLogs":[]}"#,
            r#"{"resourceLogs":[null]}"#,
            r#"{"resourceLogs":{}}"#,
            r#"{"resourceLogs":[]}]"#,
            r#"{"resourceLogs":[],}"#,
            r#"{"resourceLogs":[{"schemaUrl":"\ud83d"}]}"#,
            r#"{"resourceLogs":[{"schemaUrl":1}]}"#,
            r#"{"\u0072esourceLogs":[]}"#,
            "null",
            "",
        ] {
            assert!(!agrees(Signal::Logs, json.as_bytes()), "{json}");
        }
        let zeros = format!("[{}0]", "0,".repeat(1000));
        let long = format!(
            r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"histogram":{{"dataPoints":
            [{{"bucketCounts":{zeros}}}]}}}}]}}]}}]}}"#
        );
        assert!(!agrees(Signal::Metrics, long.as_bytes()), "longer in protobuf");
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_regular_reads_as_from_the_tape(
            sample in 0..SAMPLES.len(),
            cuts in prop::collection::vec((any::<Index>(), 0_usize..40, any::<Index>()), 0..4),
            bytes in prop::collection::vec(
                (any::<Index>(), prop::sample::select(b"{}[]\",:\\u0a1-.en\xff ".to_vec())),
                0..3,
            ),
        ) {
            let (signal, json) = SAMPLES[sample];
            let mut json = json.as_bytes().to_vec();
            // Parts are left out, or come again elsewhere.
            for (from, len, to) in cuts {
                let from = from.index(json.len());
                let part: Vec<u8> = json[from..].iter().take(len).copied().collect();
                let to = to.index(2 * json.len());
                match json.get(to) {
                    Some(_) => drop(json.splice(to..to, part)),
                    None => drop(json.drain(from..from + part.len())),
                }
            }
            for (at, byte) in bytes {
                let at = at.index(json.len());
                json[at] = byte;
            }
            agrees(signal, &json);
        }
    }
}
