//! Takes attributes and records out of a protobuf request, and puts tags on records.
//!
//! What is taken out is said by a position inside of it, so that whoever judges texts
//! needs no idea of what stands around them. Rare, and so the plain way: each message
//! in which something changes is written again.

use std::ops::Range;
use std::sync::Arc;

use crate::scrub::Signal;
use crate::scrub::otlp::WalkError;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::split::below;
use crate::scrub::otlp::wire;
use crate::scrub::otlp::wire::Fault;

/// The key of the attribute that names the rules for which a record was tagged.
pub const TAG_KEY: &str = "otel_redact.rules";

/// What happens to what stands around a byte of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The byte.
    pub at: usize,
    /// What happens.
    pub kind: CutKind,
}

/// What is cut out, or put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CutKind {
    /// The attribute goes. Where the byte is in none, nothing happens.
    Attribute,
    /// The span, log record or data point goes. Where the byte is in none, nothing
    /// happens.
    Record,
    /// The same, but it goes where [`pick`] takes it.
    Pick,
    /// The record gets an attribute that names this rule; where the byte is in none,
    /// the scope or the resource does.
    Tag(Arc<str>),
}

/// Writes the request again, as `cuts` say. Gives it, and how many records are gone.
///
/// Profiles come out as they are: their attributes are shared by index.
///
/// # Errors
///
/// When the request is malformed.
pub fn cut(signal: Signal, request: &[u8], cuts: &[Cut]) -> Result<(Vec<u8>, u64), WalkError> {
    if signal == Signal::Profiles {
        return Ok((request.to_vec(), 0));
    }
    Cutter::new(request, cuts, Part::Left).run(signal)
}

/// Writes what [`cut`] takes out of the request to go elsewhere: the records in which a
/// [`CutKind::Pick`] stands, in their scopes and resources. Gives it, and how many they are.
///
/// # Errors
///
/// When the request is malformed.
pub fn pick(signal: Signal, request: &[u8], cuts: &[Cut]) -> Result<(Vec<u8>, u64), WalkError> {
    if signal == Signal::Profiles {
        return Ok((Vec::new(), 0));
    }
    Cutter::new(request, cuts, Part::Picked).run(signal)
}

/// Which part of a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// All but what was cut out.
    Left,
    /// The records that go elsewhere, and what stands around them.
    Picked,
}

struct Cutter<'r> {
    request: &'r [u8],
    /// By position.
    cuts: Vec<Cut>,
    part: Part,
    /// Those that were cut out, or that were picked.
    records: u64,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Stays,
    Goes,
}

impl<'r> Cutter<'r> {
    fn new(request: &'r [u8], cuts: &[Cut], part: Part) -> Self {
        let mut cuts = cuts.to_vec();
        cuts.sort_by_key(|cut| cut.at);
        Self { request, cuts, part, records: 0 }
    }

    fn run(mut self, signal: Signal) -> Result<(Vec<u8>, u64), WalkError> {
        let mut tags = Vec::new();
        let written = self
            .message(schema::root(signal), 0..self.request.len(), false, &mut tags)
            .map_err(|fault| fault.in_path(String::new()))?;
        Ok((written, self.records))
    }

    /// What becomes of a record, or of a message that holds records.
    fn fate(&mut self, message: &'static Message, cuts: Range<usize>) -> Fate {
        let is_dropped = message.item && self.has(&cuts, &CutKind::Record);
        let is_picked = self.has(&cuts, &CutKind::Pick);
        match self.part {
            Part::Left if is_dropped => self.records += 1,
            Part::Left if !message.item || !is_picked => return Fate::Stays,
            Part::Left => {}
            Part::Picked if is_picked && !is_dropped => {
                self.records += u64::from(message.item);
                return Fate::Stays;
            }
            Part::Picked => {}
        }
        Fate::Goes
    }

    /// The message in `body`, written again. Adds to `tags` those for what is around
    /// it. Calls itself for the messages below, which the schema nests six deep at
    /// most: values, which may nest deeper, are not entered.
    fn message(
        &mut self,
        message: &'static Message,
        body: Range<usize>,
        in_record: bool,
        tags: &mut Vec<Arc<str>>,
    ) -> Result<Vec<u8>, Fault> {
        let bytes = self.request.get(..body.end).unwrap_or_default();
        let in_record = in_record || message.item;
        let mut own: Vec<Arc<str>> = Vec::new();
        let mut out = Vec::with_capacity(body.len());
        for field in wire::fields(bytes, body.start) {
            let field = field?;
            let raw = bytes.get(field.range.clone()).unwrap_or_default();
            let cuts = self.within(&field.contents);
            let inner = message.field(field.tag >> 3).filter(|_| field.tag & 7 == 2);
            let inner = match inner.map(|field| field.kind) {
                Some(Kind::Message(inner)) => Some(inner),
                _ => None,
            };
            if let Some(level) = below(message, field.tag)
                && self.fate(level, cuts.clone()) == Fate::Goes
            {
                continue;
            }
            match inner {
                _ if cuts.is_empty() => out.extend_from_slice(raw),
                Some(inner) if inner.keys().is_some() && self.has(&cuts, &CutKind::Attribute) => {}
                Some(inner) if !inner.is_value() => {
                    let written = self.message(inner, field.contents, in_record, &mut own)?;
                    append(&mut out, field.tag, &written);
                }
                _ => {
                    self.tags(cuts, &mut own);
                    out.extend_from_slice(raw);
                }
            }
        }
        let takes = message.field_named(b"attributes").is_some() && (message.item || !in_record);
        match message.field_named(b"attributes") {
            Some(attributes) if takes && !own.is_empty() => {
                let tag = u64::from(attributes.number << 3 | 2);
                out = without_tag(&out, tag)?;
                append(&mut out, tag, &attribute(&own));
            }
            _ => {
                // A rule is named once, however often it found something in the record.
                own.retain(|tag| !tags.contains(tag));
                tags.append(&mut own);
            }
        }
        Ok(out)
    }

    /// The cuts in a range of the request, by their numbers.
    fn within(&self, range: &Range<usize>) -> Range<usize> {
        let before = |limit: usize| self.cuts.partition_point(|cut| cut.at < limit);
        before(range.start)..before(range.end)
    }

    fn has(&self, cuts: &Range<usize>, kind: &CutKind) -> bool {
        let cuts = self.cuts.get(cuts.clone()).unwrap_or_default();
        cuts.iter().any(|cut| cut.kind == *kind)
    }

    fn tags(&self, cuts: Range<usize>, tags: &mut Vec<Arc<str>>) {
        for cut in self.cuts.get(cuts).unwrap_or_default() {
            if let CutKind::Tag(rule) = &cut.kind
                && !tags.contains(rule)
            {
                tags.push(Arc::clone(rule));
            }
        }
    }
}

/// A message without the attribute of a tag that it had before: a key occurs once.
fn without_tag(message: &[u8], attributes: u64) -> Result<Vec<u8>, Fault> {
    let key = field(1, TAG_KEY.as_bytes());
    let mut out = Vec::with_capacity(message.len());
    for field in wire::fields(message, 0) {
        let field = field?;
        let contents = message.get(field.contents).unwrap_or_default();
        if field.tag != attributes || !contents.starts_with(&key) {
            out.extend_from_slice(message.get(field.range).unwrap_or_default());
        }
    }
    Ok(out)
}

/// The attribute that names these rules: a list of strings.
fn attribute(rules: &[Arc<str>]) -> Vec<u8> {
    // AnyValue.string_value, ArrayValue.values, AnyValue.array_value, KeyValue.value
    let list: Vec<u8> =
        rules.iter().flat_map(|rule| field(1, &field(1, rule.as_bytes()))).collect();
    [field(1, TAG_KEY.as_bytes()), field(2, &field(5, &list))].concat()
}

fn field(number: u64, contents: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    append(&mut out, number << 3 | 2, contents);
    out
}

fn append(out: &mut Vec<u8>, tag: u64, contents: &[u8]) {
    wire::put_varint(out, tag);
    wire::put_varint(out, contents.len() as u64);
    out.extend_from_slice(contents);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::otlp::json_to_protobuf;
    use crate::scrub::otlp::protobuf_to_json;

    const LOGS: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"r","value":{"stringValue":"RESOURCE"}}]},"scopeLogs":[{"scope":{},"logRecords":[{"body":{"stringValue":"BODY"},"attributes":[{"key":"a","value":{"kvlistValue":{"values":[{"key":"b","value":{"stringValue":"NESTED"}}]}}},{"key":"c","value":{"stringValue":"PLAIN"}}]},{"body":{"stringValue":"OTHER"}}]}]}]}"#;

    fn after(word: &str, kind: CutKind) -> (String, u64) {
        let request = json_to_protobuf(Signal::Logs, LOGS.as_bytes()).expect("OTLP");
        let at = memchr::memmem::find(&request, word.as_bytes()).expect("stands there");
        let (cut, records) = cut(Signal::Logs, &request, &[Cut { at, kind }]).expect("OTLP");
        let json = protobuf_to_json(Signal::Logs, &cut).expect("OTLP");
        (String::from_utf8(json).expect("UTF-8"), records)
    }

    #[test]
    fn an_attribute_goes_whole_and_nothing_else() {
        for (word, gone, stays) in [
            ("NESTED", &["NESTED"][..], &["RESOURCE", "BODY", "PLAIN", "OTHER"][..]),
            ("PLAIN", &["PLAIN"], &["RESOURCE", "BODY", "NESTED", "OTHER"]),
            ("RESOURCE", &["RESOURCE"], &["BODY", "NESTED", "PLAIN", "OTHER"]),
            ("BODY", &[], &["RESOURCE", "BODY", "NESTED", "PLAIN", "OTHER"]),
        ] {
            let (json, records) = after(word, CutKind::Attribute);
            assert!(gone.iter().all(|gone| !json.contains(gone)), "{word}: {json}");
            assert!(stays.iter().all(|stays| json.contains(stays)), "{word}: {json}");
            assert_eq!(records, 0);
        }
    }

    #[test]
    fn a_record_goes_whole_and_nothing_else() {
        let (json, records) = after("NESTED", CutKind::Record);
        assert!(!json.contains("BODY") && json.contains("OTHER") && json.contains("RESOURCE"));
        assert_eq!(records, 1);
        assert_eq!(after("RESOURCE", CutKind::Record).1, 0);
    }

    #[test]
    fn what_is_picked_is_no_longer_in_the_rest_and_the_other_way_round() {
        let request = json_to_protobuf(Signal::Logs, LOGS.as_bytes()).expect("OTLP");
        let at = |word: &str| memchr::memmem::find(&request, word.as_bytes()).expect("is there");
        let json = |bytes: &[u8]| {
            let json = protobuf_to_json(Signal::Logs, bytes).expect("OTLP");
            String::from_utf8(json).expect("UTF-8")
        };
        let picks = [Cut { at: at("NESTED"), kind: CutKind::Pick }];
        let (left, dropped) = cut(Signal::Logs, &request, &picks).expect("OTLP");
        let (picked, count) = pick(Signal::Logs, &request, &picks).expect("OTLP");
        assert_eq!((dropped, count), (0, 1));
        let (left, picked) = (json(&left), json(&picked));
        assert!(!left.contains("BODY") && left.contains("OTHER"), "{left}");
        assert!(picked.contains("BODY") && !picked.contains("OTHER"), "{picked}");
        assert!(left.contains("RESOURCE") && picked.contains("RESOURCE"));
        // What a rule drops goes nowhere.
        let both = [picks[0].clone(), Cut { at: at("PLAIN"), kind: CutKind::Record }];
        assert_eq!(cut(Signal::Logs, &request, &both).expect("OTLP").1, 1);
        assert_eq!(pick(Signal::Logs, &request, &both).expect("OTLP").1, 0);
        // Nor is a resource picked of which no record is.
        let resource = [Cut { at: at("RESOURCE"), kind: CutKind::Pick }];
        assert_eq!(pick(Signal::Logs, &request, &resource).expect("OTLP").1, 0);
        assert_eq!(cut(Signal::Logs, &request, &resource).expect("OTLP").0, request);
    }

    #[test]
    fn a_tag_is_put_on_the_record_or_what_is_around_it() {
        let tag = r#"{"key":"otel_redact.rules","value":{"arrayValue":{"values":[{"stringValue":"x"}]}}}"#;
        for word in ["BODY", "NESTED", "OTHER", "RESOURCE"] {
            let (json, _) = after(word, CutKind::Tag("x".into()));
            assert_eq!(json.matches(tag).count(), 1, "{word}: {json}");
        }
        let (json, _) = after("OTHER", CutKind::Tag("x".into()));
        assert!(json.ends_with(&format!(r#""attributes":[{tag}]}}]}}]}}]}}"#)), "{json}");
    }

    #[test]
    fn a_tag_names_a_rule_once_that_found_something_at_several_depths() {
        const SPAN: &str = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"HERE","events":[{"name":"THERE"}]}]}]}]}"#;
        let request = json_to_protobuf(Signal::Traces, SPAN.as_bytes()).expect("OTLP");
        let cuts = ["HERE", "THERE"].map(|word| Cut {
            at: memchr::memmem::find(&request, word.as_bytes()).expect("stands there"),
            kind: CutKind::Tag("x".into()),
        });
        let (tagged, _) = cut(Signal::Traces, &request, &cuts).expect("OTLP");
        let json = protobuf_to_json(Signal::Traces, &tagged).expect("OTLP");
        let json = String::from_utf8(json).expect("UTF-8");
        assert_eq!(json.matches(r#"{"stringValue":"x"}"#).count(), 1, "{json}");
    }

    #[test]
    fn a_record_that_is_tagged_again_has_one_tag() {
        let request = json_to_protobuf(Signal::Logs, LOGS.as_bytes()).expect("OTLP");
        let mut cuts = Vec::new();
        for word in ["BODY", "PLAIN"] {
            let at = memchr::memmem::find(&request, word.as_bytes()).expect("stands there");
            cuts.push(Cut { at, kind: CutKind::Tag(word.into()) });
        }
        let (once, _) = cut(Signal::Logs, &request, &cuts).expect("OTLP");
        let at = memchr::memmem::find(&once, b"BODY").expect("stands there");
        let again = [Cut { at, kind: CutKind::Tag("y".into()) }];
        let (twice, _) = cut(Signal::Logs, &once, &again).expect("OTLP");
        let json = protobuf_to_json(Signal::Logs, &twice).expect("OTLP");
        let json = String::from_utf8(json).expect("UTF-8");
        assert_eq!(json.matches(TAG_KEY).count(), 1, "{json}");
    }
}
