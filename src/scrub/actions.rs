//! The Collector's `attributes` and `resource` processors: actions on attributes, in
//! order.
//!
//! Actions, their order and their results are those of contrib
//! `internal/coreinternal/attraction` 0.165. `attributes` acts on spans, log records
//! and data points, `resource` on resources; neither looks at scopes, events or links.
//!
//! Absent on purpose: `from_context`. It is refused.

mod settings;

pub use settings::Action;
pub use settings::ActionSettings;
pub use settings::AttributesSettings;
pub use settings::ResourceSettings;

use sha2::Digest;
use sha2::Sha256;

use crate::scrub::Encoding;
use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubbed;
use crate::scrub::matching::Matching;
use crate::scrub::otlp;
use crate::scrub::otlp::InvalidUtf8;
use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::alter;
use crate::scrub::otlp::alter::Alter;
use crate::scrub::otlp::alter::Attributes;
use crate::scrub::otlp::alter::Fate;
use crate::scrub::otlp::alter::Record;
use crate::scrub::otlp::alter::RecordKind;
use crate::scrub::otlp::alter::Value;
use crate::scrub::otlp::alter::render;
use crate::scrub::re2::Pattern;
use crate::scrub::yaml::YamlError;

/// Compiled actions of one processor.
#[derive(Debug)]
pub struct Actions {
    steps: Vec<Step>,
    /// The records that they act on.
    kinds: &'static [RecordKind],
    /// Which of them.
    matching: Matching,
}

/// One action.
#[derive(Debug)]
enum Step {
    Put { key: String, source: Source, insert: bool, update: bool },
    Delete { key: String, pattern: Option<Pattern> },
    Hash { key: String, pattern: Option<Pattern> },
    Extract { key: String, pattern: Pattern },
    Convert { key: String, to: ConvertedType },
}

/// Where a value comes from.
#[derive(Debug)]
struct Source {
    value: Option<Value<'static>>,
    from_attribute: Option<String>,
    default: Option<Value<'static>>,
}

#[derive(Clone, Copy, Debug)]
enum ConvertedType {
    Text,
    Int,
    Double,
}

/// How to walk before: as `redaction` does.
const WALK: WalkOptions = WalkOptions {
    unknown_fields: otlp::UnknownFields::Drop,
    invalid_utf8: InvalidUtf8::Keep,
    depth_max: 100,
};

impl Actions {
    /// Compiles `processors.attributes`.
    ///
    /// # Errors
    ///
    /// The first fault, with its path below the processor.
    pub fn on_attributes(settings: &AttributesSettings) -> Result<Self, YamlError> {
        const KINDS: &[RecordKind] = &[RecordKind::Span, RecordKind::Log, RecordKind::DataPoint];
        let matching = Matching::new(settings.include.as_ref(), settings.exclude.as_ref())?;
        Ok(Self { steps: steps("actions", &settings.actions)?, kinds: KINDS, matching })
    }

    /// Compiles `processors.resource`.
    ///
    /// # Errors
    ///
    /// The first fault, with its path below the processor.
    pub fn on_resources(settings: &ResourceSettings) -> Result<Self, YamlError> {
        let steps = steps("attributes", &settings.attributes)?;
        let matching = Matching::default();
        Ok(Self { steps, kinds: &[RecordKind::Resource], matching })
    }

    /// Which actions put a value under a key that `tells` of a secret, from under one that
    /// does not: their places in the list, and the key.
    pub fn reopens(&self, tells: &dyn Fn(&[u8]) -> bool) -> Vec<(usize, String)> {
        let to = |from: &str, key: &str| {
            (tells(key.as_bytes()) && !tells(from.as_bytes())).then(|| key.to_owned())
        };
        let steps = self.steps.iter().enumerate();
        let key = |step: &Step| match step {
            Step::Put { key, source, .. } => to(source.from_attribute.as_deref()?, key),
            Step::Extract { key, pattern } => {
                pattern.group_names().iter().flatten().find_map(|name| to(key, name))
            }
            Step::Delete { .. } | Step::Hash { .. } | Step::Convert { .. } => None,
        };
        steps.filter_map(|(at, step)| Some((at, key(step)?))).collect()
    }

    /// Acts on a request. What comes out is scrubbed only if the request was: that
    /// is for the chain around it to know.
    pub(in crate::scrub) fn apply(
        &self,
        request: &Request,
    ) -> Result<(Scrubbed, Report), ScrubError> {
        let signal = request.signal;
        let walked = otlp::walk(signal, request.encoding, &request.bytes, &WALK, &mut otlp::Blind)?;
        let bytes = otlp::splice(&request.bytes, &walked.edits);
        let report = Report { unknown_fields: walked.unknown_fields, ..Report::default() };
        let protobuf = match request.encoding {
            Encoding::Protobuf => bytes.clone(),
            Encoding::Json => otlp::json_to_protobuf(signal, &bytes)?.into(),
        };
        let altered = alter::alter(signal, &protobuf, &mut Pass(self))?;
        let (encoding, bytes) = match altered.edits.is_empty() {
            true => (request.encoding, bytes),
            false => (Encoding::Protobuf, otlp::splice(&protobuf, &altered.edits)),
        };
        let edited = !walked.edits.is_empty() || !altered.edits.is_empty();
        Ok((Scrubbed::new(signal, encoding, bytes, walked.items, edited), report))
    }

    fn run(&self, attributes: &mut Attributes<'_>) {
        for step in &self.steps {
            step.run(attributes);
        }
    }
}

struct Pass<'a>(&'a Actions);

impl Alter for Pass<'_> {
    fn enters(&self, kind: RecordKind) -> bool {
        // Nothing acts on the events of a span.
        kind != RecordKind::Span
    }

    fn record<'r>(&mut self, record: &mut Record<'r>, around: &mut [Record<'r>]) -> Fate {
        if self.0.kinds.contains(&record.kind()) && self.0.matching.covers(record, around) {
            self.0.run(record.attributes());
        }
        Fate::Keep
    }
}

impl Step {
    fn run(&self, attributes: &mut Attributes<'_>) {
        match self {
            Self::Put { key, source, insert, update } => {
                let there = attributes.get(key.as_bytes()).is_some();
                if (if there { *update } else { *insert })
                    && let Some(value) = source.value(attributes)
                {
                    attributes.put(key.as_bytes(), value);
                }
            }
            Self::Delete { key, pattern } => {
                attributes.remove(key.as_bytes());
                if let Some(pattern) = pattern {
                    attributes.retain(|entry| !pattern.is_match(entry.key()));
                }
            }
            Self::Hash { key, pattern } => {
                let mut entries = attributes.iter_mut();
                if let Some(entry) = entries.find(|entry| entry.key() == key.as_bytes()) {
                    entry.set(hashed(&entry.value()));
                }
                for entry in attributes.iter_mut() {
                    if pattern.as_ref().is_some_and(|pattern| pattern.is_match(entry.key())) {
                        entry.set(hashed(&entry.value()));
                    }
                }
            }
            Self::Extract { key, pattern } => {
                let text = attributes.get(key.as_bytes()).and_then(|entry| entry.text());
                let Some(groups) = text.and_then(|text| pattern.named_groups(text)) else { return };
                let groups: Vec<_> =
                    groups.into_iter().map(|(name, text)| (name, text.to_vec())).collect();
                for (name, text) in groups {
                    attributes.put(name.as_bytes(), Value::text(text));
                }
            }
            Self::Convert { key, to } => {
                let mut entries = attributes.iter_mut();
                if let Some(entry) = entries.find(|entry| entry.key() == key.as_bytes())
                    && let Some(value) = converted(&entry.value(), *to)
                {
                    entry.set(value);
                }
            }
        }
    }
}

impl Source {
    fn value<'r>(&self, attributes: &Attributes<'r>) -> Option<Value<'r>> {
        let own = |value: &Option<Value<'static>>| value.clone();
        let other = || {
            let key = self.from_attribute.as_ref()?;
            Some(attributes.get(key.as_bytes())?.value())
        };
        own(&self.value).or_else(other).or_else(|| own(&self.default))
    }
}

/// SHA-256 in hexadecimal digits; of what is no scalar, the empty text.
fn hashed(value: &Value<'_>) -> Value<'static> {
    let digest = match value {
        Value::Text(text) => Sha256::digest(text),
        Value::Bool(value) => Sha256::digest([u8::from(*value)]),
        Value::Int(value) => Sha256::digest(value.to_le_bytes()),
        Value::Double(value) => Sha256::digest(value.to_bits().to_le_bytes()),
        Value::Empty | Value::Array(_) | Value::Map(_) | Value::Bytes(_) | Value::Index(_) => {
            return Value::text("");
        }
    };
    Value::text(digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// The value in another type; `None` where it is of that type, or cannot be said in it.
fn converted(value: &Value<'_>, to: ConvertedType) -> Option<Value<'static>> {
    match (to, value) {
        (ConvertedType::Text, Value::Text(_))
        | (ConvertedType::Int, Value::Int(_))
        | (ConvertedType::Double, Value::Double(_)) => None,
        (ConvertedType::Text, value) => Some(Value::text(render(value).into_owned())),
        (ConvertedType::Int, Value::Double(value)) => Some(Value::Int(truncated(*value))),
        (ConvertedType::Int, Value::Bool(value)) => Some(Value::Int(i64::from(*value))),
        (ConvertedType::Int, Value::Text(text)) => {
            std::str::from_utf8(text).ok()?.parse().ok().map(Value::Int)
        }
        #[expect(clippy::cast_precision_loss, reason = "as in the Collector")]
        (ConvertedType::Double, Value::Int(value)) => Some(Value::Double(*value as f64)),
        (ConvertedType::Double, Value::Bool(value)) => Some(Value::Double(f64::from(*value))),
        (ConvertedType::Double, Value::Text(text)) => double(text).map(Value::Double),
        _ => None,
    }
}

/// A text as Go's `ParseFloat` reads it, but for hexadecimal numbers: digits may have an
/// underscore between them; what is too large is no number, nor is NaN with a sign.
fn double(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let bytes = text.as_bytes();
    let is_digit =
        |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let divides = |(at, _)| is_digit(usize::checked_sub(at, 1)) && is_digit(Some(at + 1));
    if !text.match_indices('_').all(divides) {
        return None;
    }
    let value: f64 = text.replace('_', "").parse().ok()?;
    match value.is_nan() {
        // The one that Go makes.
        true => text.starts_with(['n', 'N']).then_some(f64::from_bits(0x7ff8_0000_0000_0001)),
        false => (value.is_finite() || text.contains(['i', 'I'])).then_some(value),
    }
}

/// The integer part; the least integer where it does not fit, as Go has it on amd64.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn truncated(value: f64) -> i64 {
    // 2^63, the first that does not fit.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&value) { value as i64 } else { i64::MIN }
}

fn steps(setting: &str, actions: &[ActionSettings]) -> Result<Vec<Step>, YamlError> {
    let steps = actions.iter().enumerate().map(|(at, action)| {
        step(action).map_err(|(key, expected)| {
            let dot = if key.is_empty() { "" } else { "." };
            YamlError::new(format!("{setting}[{at}]{dot}{key}"), expected)
        })
    });
    let steps: Vec<Step> = steps.collect::<Result<_, _>>()?;
    match steps.is_empty() {
        true => Err(YamlError::new(setting, "expected at least one action")),
        false => Ok(steps),
    }
}

/// A fault in an action: the setting and what was expected.
type ActionFault = (&'static str, String);

fn step(action: &ActionSettings) -> Result<Step, ActionFault> {
    let key = action.key.clone();
    let fault = |setting: &'static str, expected: &str| Err((setting, expected.to_owned()));
    if !action.from_context.is_empty() {
        return fault(
            "from_context",
            "what a request's headers say is not passed to processors here; set the value with `value`",
        );
    }
    let by_key_or_pattern = matches!(action.action, Action::Delete | Action::Hash);
    if key.is_empty() && (!by_key_or_pattern || action.pattern.is_empty()) {
        let expected = match by_key_or_pattern {
            true => "expected a `key` or a `pattern`",
            false => "expected a `key`",
        };
        return fault("", expected);
    }
    let sources =
        usize::from(action.value.is_some()) + usize::from(!action.from_attribute.is_empty());
    let puts = matches!(action.action, Action::Insert | Action::Update | Action::Upsert);
    if !puts && 0 < sources {
        return fault("", "this action takes neither `value` nor `from_attribute`");
    }
    if (puts || action.action == Action::Convert) && !action.pattern.is_empty() {
        return fault("pattern", "this action takes no `pattern`");
    }
    if action.action != Action::Convert && !action.converted_type.is_empty() {
        return fault("converted_type", "only `convert` takes a `converted_type`");
    }
    let pattern = match action.pattern.as_str() {
        "" => None,
        pattern => Some(Pattern::new(pattern).map_err(|err| {
            ("pattern", format!("expected a regular expression of Go's RE2, found {err}"))
        })?),
    };
    Ok(match action.action {
        Action::Insert | Action::Update | Action::Upsert => {
            if sources == 0 && action.default_value.is_none() {
                return fault("", "expected `value`, `from_attribute` or `default_value`");
            }
            if 1 < sources {
                return fault("", "expected one of `value` and `from_attribute`, not both");
            }
            let from = &action.from_attribute;
            let source = Source {
                value: action.value.clone().map(|value| value.0),
                from_attribute: (!from.is_empty()).then(|| from.clone()),
                default: action.default_value.clone().map(|value| value.0),
            };
            let (insert, update) =
                (action.action != Action::Update, action.action != Action::Insert);
            Step::Put { key, source, insert, update }
        }
        Action::Delete => Step::Delete { key, pattern },
        Action::Hash => Step::Hash { key, pattern },
        Action::Extract => match pattern {
            Some(pattern) if pattern.group_names().len() < 2 => {
                return fault("pattern", "expected a pattern with named groups");
            }
            Some(pattern) if pattern.group_names().iter().skip(1).any(Option::is_none) => {
                return fault("pattern", "expected a pattern whose groups all have names");
            }
            Some(pattern) => Step::Extract { key, pattern },
            None => return fault("pattern", "`extract` needs a `pattern`"),
        },
        Action::Convert => {
            let to = match action.converted_type.as_str() {
                "string" => ConvertedType::Text,
                "int" => ConvertedType::Int,
                "double" => ConvertedType::Double,
                _ => return fault("converted_type", "expected one of string, int, double"),
            };
            Step::Convert { key, to }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::double;

    #[test]
    fn a_text_is_the_number_that_go_reads() {
        for (text, expected) in [
            ("1_000", Some(1000.0)),
            ("_1", None),
            ("1_", None),
            ("1__0", None),
            ("1_.5", None),
            ("+.5e3", Some(500.0)),
            ("1e999", None),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("+nan", None),
            (" 1", None),
            ("", None),
        ] {
            assert_eq!(double(text.as_bytes()), expected, "{text}");
        }
        assert!(double(b"NaN").is_some_and(f64::is_nan));
    }
}
