//! Paths bound to the fields of records.

use crate::scrub::Signal;
use crate::scrub::otlp::alter::RecordKind;
use crate::scrub::ottl::Fault;
use crate::scrub::ottl::parse::Key;
use crate::scrub::ottl::parse::Path;
use crate::scrub::yaml::closest;

/// Where a value stands, as seen from a record.
#[derive(Clone, Debug)]
pub(in crate::scrub::ottl) struct Access {
    /// The record: itself, or one that it stands in.
    pub(in crate::scrub::ottl) owner: RecordKind,
    pub(in crate::scrub::ottl) field: Field,
    pub(in crate::scrub::ottl) keys: Vec<Key>,
    pub(in crate::scrub::ottl) at: usize,
}

/// A field of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scrub::ottl) enum Field {
    /// `attributes`; of a metric, `metadata`.
    Attributes,
    /// The body of a log record.
    Body,
    /// The same as a text.
    BodyText,
    /// A text.
    Text(&'static str),
    /// A number.
    Number(&'static str),
    /// A text of the status of a span.
    StatusMessage,
    /// The number of the status of a span.
    StatusCode,
    /// Which kind of data a metric has.
    MetricType,
}

/// Where statements run, as the YAML names it, the outer ones first.
pub(in crate::scrub::ottl) fn contexts(signal: Signal) -> &'static [(&'static str, RecordKind)] {
    match signal {
        Signal::Traces => &[
            ("resource", RecordKind::Resource),
            ("scope", RecordKind::Scope),
            ("instrumentation_scope", RecordKind::Scope),
            ("span", RecordKind::Span),
            ("spanevent", RecordKind::SpanEvent),
        ],
        Signal::Metrics => &[
            ("resource", RecordKind::Resource),
            ("scope", RecordKind::Scope),
            ("instrumentation_scope", RecordKind::Scope),
            ("metric", RecordKind::Metric),
            ("datapoint", RecordKind::DataPoint),
        ],
        Signal::Logs => &[
            ("resource", RecordKind::Resource),
            ("scope", RecordKind::Scope),
            ("instrumentation_scope", RecordKind::Scope),
            ("log", RecordKind::Log),
        ],
        Signal::Profiles => &[],
    }
}

/// The record that a name stands for.
pub(in crate::scrub::ottl) fn context(signal: Signal, name: &str) -> Option<RecordKind> {
    contexts(signal).iter().find(|(own, _)| *own == name).map(|(_, kind)| *kind)
}

/// How far inside a record stands.
pub(in crate::scrub::ottl) fn depth(kind: RecordKind) -> usize {
    match kind {
        RecordKind::Resource => 0,
        RecordKind::Scope => 1,
        RecordKind::Span | RecordKind::Log | RecordKind::Metric => 2,
        RecordKind::SpanEvent | RecordKind::DataPoint => 3,
    }
}

/// The fields of a record that statements can name.
fn fields(kind: RecordKind) -> &'static [(&'static str, Field)] {
    match kind {
        RecordKind::Resource | RecordKind::DataPoint => &[("attributes", Field::Attributes)],
        RecordKind::Scope => &[
            ("attributes", Field::Attributes),
            ("name", Field::Text("name")),
            ("version", Field::Text("version")),
        ],
        RecordKind::Span => &[
            ("attributes", Field::Attributes),
            ("name", Field::Text("name")),
            ("kind", Field::Number("kind")),
            ("trace_state", Field::Text("trace_state")),
            ("status.message", Field::StatusMessage),
            ("status.code", Field::StatusCode),
        ],
        RecordKind::SpanEvent => {
            &[("attributes", Field::Attributes), ("name", Field::Text("name"))]
        }
        RecordKind::Log => &[
            ("attributes", Field::Attributes),
            ("body", Field::Body),
            ("body.string", Field::BodyText),
            ("severity_number", Field::Number("severity_number")),
            ("severity_text", Field::Text("severity_text")),
            ("event_name", Field::Text("event_name")),
        ],
        RecordKind::Metric => &[
            ("metadata", Field::Attributes),
            ("name", Field::Text("name")),
            ("description", Field::Text("description")),
            ("unit", Field::Text("unit")),
            ("type", Field::MetricType),
        ],
    }
}

/// Where statements run: on which records, and whether their paths may leave the
/// name of the record out.
#[derive(Clone, Copy, Debug)]
pub(in crate::scrub::ottl) struct Site {
    pub(in crate::scrub::ottl) signal: Signal,
    pub(in crate::scrub::ottl) kind: RecordKind,
    pub(in crate::scrub::ottl) is_named: bool,
}

/// The record that a path names, where it names one.
pub(in crate::scrub::ottl) fn named(signal: Signal, path: &Path) -> Option<RecordKind> {
    let first = path.names.first().filter(|_| 1 < path.names.len())?;
    context(signal, first)
}

/// Binds a path.
///
/// # Errors
///
/// When there is no such field, or it cannot be seen from there.
pub(in crate::scrub::ottl) fn bind(path: &Path, site: Site) -> Result<Access, Fault> {
    let contexts = contexts(site.signal);
    let (owner, names) = match named(site.signal, path) {
        Some(owner) => (owner, path.names.get(1..).unwrap_or_default()),
        None if site.is_named => (site.kind, path.names.as_slice()),
        None => {
            let names: Vec<&str> = contexts.iter().map(|(name, _)| *name).collect();
            return Err(Fault::new("expected a path that begins with its context", path.at)
                .advised(&format!("accepted: {}", names.join(", "))));
        }
    };
    if depth(site.kind) < depth(owner) {
        return Err(Fault::new(
            "this record does not stand around the one of the context",
            path.at,
        ));
    }
    let name = names.join(".");
    let fields = fields(owner);
    let Some((_, field)) = fields.iter().find(|(own, _)| *own == name) else {
        let own: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
        let what = match names.first().map(String::as_str) {
            Some("cache") => "there is no cache here",
            _ => "this path is not in the part of OTTL that is here",
        };
        return Err(Fault::new(what, path.at).advised(&closest::advice(&name, &own)));
    };
    let takes_keys = matches!(field, Field::Attributes | Field::Body);
    if !takes_keys && !path.keys.is_empty() {
        return Err(Fault::new("this field has no keys", path.at));
    }
    if *field == Field::Attributes && matches!(path.keys.first(), Some(Key::Index(_))) {
        return Err(Fault::new("expected a text in the first brackets", path.at));
    }
    Ok(Access { owner, field: *field, keys: path.keys.clone(), at: path.at })
}

/// The number that a name in capitals stands for.
pub(in crate::scrub::ottl) fn number(name: &str) -> Option<i64> {
    const KINDS: &[&str] = &["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
    const CODES: &[&str] = &["UNSET", "OK", "ERROR"];
    const TYPES: &[&str] =
        &["NONE", "GAUGE", "SUM", "HISTOGRAM", "EXPONENTIAL_HISTOGRAM", "SUMMARY"];
    const LEVELS: &[&str] = &["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    let among = |prefix: &str, names: &[&str]| {
        let rest = name.strip_prefix(prefix)?;
        names.iter().position(|one| *one == rest)
    };
    let severity = || {
        let rest = name.strip_prefix("SEVERITY_NUMBER_")?;
        let level = rest.trim_end_matches(['2', '3', '4']);
        let step = match rest.strip_prefix(level)? {
            "" => 0,
            step => step.parse::<usize>().ok().filter(|step| *step <= 4)? - 1,
        };
        match level {
            "UNSPECIFIED" if step == 0 => Some(0),
            level => Some(1 + 4 * LEVELS.iter().position(|one| *one == level)? + step),
        }
    };
    let number = among("SPAN_KIND_", KINDS)
        .or_else(|| among("STATUS_CODE_", CODES))
        .or_else(|| among("METRIC_DATA_TYPE_", TYPES))
        .or_else(severity)?;
    i64::try_from(number).ok()
}
