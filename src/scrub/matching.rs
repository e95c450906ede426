//! Which records a processor acts on: the Collector's `include` and `exclude`.
//!
//! Settings and meaning are those of contrib `internal/filter` (filterconfig,
//! filterspan, filterlog, filtermetric). All that is set must match; of one list, any.
//! `regexp` is a search, not a match of the whole.

mod any_yaml;
mod settings;

pub use any_yaml::AnyYaml;
pub use settings::AttributeSettings;
pub use settings::LibrarySettings;
pub use settings::MatchType;
pub use settings::Properties;
pub use settings::SeveritySettings;

use crate::scrub::otlp::alter::Record;
use crate::scrub::otlp::alter::RecordKind;
use crate::scrub::otlp::alter::Value;
use crate::scrub::otlp::alter::render;
use crate::scrub::re2::Pattern;
use crate::scrub::yaml::YamlError;

/// What the Collector takes for the service of a resource without a name.
const NO_SERVICE: &str = "<nil-service-name>";

/// Compiled `include` and `exclude`. The default covers everything.
#[derive(Debug, Default)]
pub struct Matching {
    include: Option<Matcher>,
    exclude: Option<Matcher>,
}

impl Matching {
    /// Compiles both.
    ///
    /// # Errors
    ///
    /// The first fault, with its path from `include` or `exclude` on.
    pub fn new(
        include: Option<&Properties>,
        exclude: Option<&Properties>,
    ) -> Result<Self, YamlError> {
        let compile = |properties: Option<&Properties>, name: &str| {
            properties.map(Matcher::new).transpose().map_err(|fault| fault.within(name))
        };
        Ok(Self { include: compile(include, "include")?, exclude: compile(exclude, "exclude")? })
    }

    /// Whether the processor acts on a span, a log record or a data point. `around` are
    /// the records that it stands in.
    pub fn covers(&self, record: &mut Record<'_>, around: &mut [Record<'_>]) -> bool {
        // Of a metric, the Collector asks for nothing but the name.
        let is_metric = matches!(record.kind(), RecordKind::DataPoint | RecordKind::Metric);
        let asks = |matcher: &&Matcher| !is_metric || matcher.metric_names.is_some();
        let mut matches = |matcher: &Matcher| matcher.matches(record, around);
        self.include.as_ref().filter(asks).is_none_or(&mut matches)
            && !self.exclude.as_ref().filter(asks).is_some_and(&mut matches)
    }
}

/// Compiled properties.
#[derive(Debug)]
struct Matcher {
    services: Option<Texts>,
    span_names: Option<Texts>,
    span_kinds: Option<Texts>,
    log_bodies: Option<Texts>,
    severity_texts: Option<Texts>,
    severity: Option<SeveritySettings>,
    metric_names: Option<Texts>,
    attributes: Vec<Attribute>,
    resources: Vec<Attribute>,
    libraries: Vec<Library>,
}

/// Texts of which one must match.
#[derive(Debug)]
enum Texts {
    Strict(Vec<String>),
    Regexp(Vec<Pattern>),
}

#[derive(Debug)]
struct Attribute {
    key: String,
    expected: Expected,
}

#[derive(Debug)]
enum Expected {
    /// Whatever it is.
    Any,
    Value(Value<'static>),
    Text(Texts),
}

#[derive(Debug)]
struct Library {
    name: Texts,
    version: Option<Texts>,
}

impl Matcher {
    fn new(properties: &Properties) -> Result<Self, YamlError> {
        let kind = properties.match_type;
        let texts = |name: &str, texts: &[String]| -> Result<Option<Texts>, YamlError> {
            (!texts.is_empty()).then(|| Texts::new(kind, name, texts)).transpose()
        };
        let attributes = |name: &str, attributes: &[AttributeSettings]| {
            let compiled = attributes.iter().enumerate();
            let compiled =
                compiled.map(|(at, one)| Attribute::new(kind, &format!("{name}[{at}]"), one));
            compiled.collect::<Result<Vec<_>, _>>()
        };
        let libraries = properties.libraries.iter().enumerate().map(|(at, one)| {
            let own = |text: &String| {
                Texts::new(kind, &format!("libraries[{at}]"), std::slice::from_ref(text))
            };
            Ok(Library {
                name: own(&one.name)?,
                version: one.version.as_ref().map(own).transpose()?,
            })
        });
        Ok(Self {
            services: texts("services", &properties.services)?,
            span_names: texts("span_names", &properties.span_names)?,
            span_kinds: texts("span_kinds", &properties.span_kinds)?,
            log_bodies: texts("log_bodies", &properties.log_bodies)?,
            severity_texts: texts("log_severity_texts", &properties.log_severity_texts)?,
            severity: properties.log_severity_number,
            metric_names: texts("metric_names", &properties.metric_names)?,
            attributes: attributes("attributes", &properties.attributes)?,
            resources: attributes("resources", &properties.resources)?,
            libraries: libraries.collect::<Result<_, YamlError>>()?,
        })
    }

    fn matches(&self, record: &mut Record<'_>, around: &mut [Record<'_>]) -> bool {
        match record.kind() {
            RecordKind::Span => {
                self.matches_span(record, around) && self.matches_common(record, around)
            }
            RecordKind::Log => self.matches_log(record) && self.matches_common(record, around),
            RecordKind::DataPoint => {
                let metric = of_kind(around, RecordKind::Metric);
                let name = metric.and_then(|metric| metric.text("name")).unwrap_or_default();
                self.metric_names.as_ref().is_none_or(|names| names.match_any(&name))
            }
            RecordKind::Metric => {
                let name = record.text("name").unwrap_or_default();
                self.metric_names.as_ref().is_none_or(|names| names.match_any(&name))
            }
            RecordKind::Resource | RecordKind::Scope | RecordKind::SpanEvent => true,
        }
    }

    fn matches_span(&self, span: &Record<'_>, around: &mut [Record<'_>]) -> bool {
        let is_name = |names: &Texts| names.match_any(&span.text("name").unwrap_or_default());
        let is_kind = |kinds: &Texts| kinds.match_any(kind_name(span).as_bytes());
        let is_service = |services: &Texts| {
            let resource = of_kind(around, RecordKind::Resource);
            let value = resource.and_then(|resource| {
                resource.attributes().get(b"service.name").map(|entry| entry.value())
            });
            match value {
                Some(value) => services.match_any(&render(&value)),
                None => services.match_any(NO_SERVICE.as_bytes()),
            }
        };
        self.span_names.as_ref().is_none_or(is_name)
            && self.span_kinds.as_ref().is_none_or(is_kind)
            && self.services.as_ref().is_none_or(is_service)
    }

    fn matches_log(&self, log: &mut Record<'_>) -> bool {
        let severity = log.number("severity_number").unwrap_or_default();
        let is_severe = |least: &SeveritySettings| match severity {
            0 => least.match_undefined,
            severity => least.min <= severity.cast_signed(),
        };
        let is_text =
            |texts: &Texts| texts.match_any(&log.text("severity_text").unwrap_or_default());
        self.severity.as_ref().is_none_or(is_severe)
            && self.severity_texts.as_ref().is_none_or(is_text)
            && self.log_bodies.as_ref().is_none_or(|bodies| bodies.match_any(&render(log.body())))
    }

    fn matches_common(&self, record: &mut Record<'_>, around: &mut [Record<'_>]) -> bool {
        if !self.libraries.is_empty() {
            let scope = of_kind(around, RecordKind::Scope);
            let text = |name| scope.as_ref().and_then(|scope| scope.text(name)).unwrap_or_default();
            let (name, version) = (text("name"), text("version"));
            let is_one = |library: &Library| {
                library.name.match_any(&name)
                    && library.version.as_ref().is_none_or(|one| one.match_any(&version))
            };
            // As in the Collector, all of them, not one of them.
            if !self.libraries.iter().all(is_one) {
                return false;
            }
        }
        if !self.resources.is_empty() {
            let Some(resource) = of_kind(around, RecordKind::Resource) else { return false };
            if !self.resources.iter().all(|attribute| attribute.is_in(resource)) {
                return false;
            }
        }
        self.attributes.iter().all(|attribute| attribute.is_in(record))
    }
}

/// The innermost record of a kind around another.
fn of_kind<'s, 'r>(around: &'s mut [Record<'r>], kind: RecordKind) -> Option<&'s mut Record<'r>> {
    around.iter_mut().rev().find(|record| record.kind() == kind)
}

/// The name of a span's kind; empty for one that is not known.
fn kind_name(span: &Record<'_>) -> &'static str {
    settings::SPAN_KINDS
        .get(usize::try_from(span.number("kind").unwrap_or_default()).unwrap_or(usize::MAX))
        .copied()
        .unwrap_or_default()
}

impl Texts {
    fn new(kind: Option<MatchType>, name: &str, texts: &[String]) -> Result<Self, YamlError> {
        match kind {
            Some(MatchType::Strict) => Ok(Self::Strict(texts.to_vec())),
            Some(MatchType::Regexp) => {
                let patterns = texts.iter().enumerate().map(|(at, text)| {
                    Pattern::new(text).map_err(|err| {
                        let expected =
                            format!("expected a regular expression of Go's RE2, found {err}");
                        YamlError::new(format!("{name}[{at}]"), expected)
                    })
                });
                patterns.collect::<Result<_, _>>().map(Self::Regexp)
            }
            None => Err(YamlError::new("match_type", "expected one of strict, regexp")),
        }
    }

    fn match_any(&self, text: &[u8]) -> bool {
        match self {
            Self::Strict(texts) => texts.iter().any(|one| one.as_bytes() == text),
            Self::Regexp(patterns) => patterns.iter().any(|pattern| pattern.is_match(text)),
        }
    }
}

impl Attribute {
    fn new(
        kind: Option<MatchType>,
        path: &str,
        settings: &AttributeSettings,
    ) -> Result<Self, YamlError> {
        let fault = |path: String, expected: &str| Err(YamlError::new(path, expected));
        if settings.key.is_empty() {
            return fault(format!("{path}.key"), "expected a key");
        }
        let expected = match (&settings.value, kind) {
            (None, _) => Expected::Any,
            (Some(AnyYaml(value)), Some(MatchType::Strict)) => Expected::Value(value.clone()),
            (Some(AnyYaml(Value::Text(text))), _) => {
                let text = String::from_utf8_lossy(text).into_owned();
                let path = format!("{path}.value");
                Expected::Text(Texts::new(kind, &path, &[text])?)
            }
            (Some(_), Some(MatchType::Regexp)) => {
                return fault(format!("{path}.value"), "`match_type: regexp` wants a string");
            }
            (Some(_), None) => {
                return fault("match_type".to_owned(), "expected one of strict, regexp");
            }
        };
        Ok(Self { key: settings.key.clone(), expected })
    }

    fn is_in(&self, record: &mut Record<'_>) -> bool {
        let Some(entry) = record.attributes().get(self.key.as_bytes()) else { return false };
        match &self.expected {
            Expected::Any => true,
            Expected::Value(value) => same(value, &entry.value()),
            Expected::Text(texts) => match entry.value() {
                Value::Double(value) => texts.match_any(plain(value).as_bytes()),
                value @ (Value::Text(_) | Value::Bool(_) | Value::Int(_)) => {
                    texts.match_any(&render(&value))
                }
                _ => false,
            },
        }
    }
}

/// A double without an exponent, as the Collector matches it.
fn plain(value: f64) -> String {
    match value {
        value if value.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "+Inf".to_owned(),
        f64::NEG_INFINITY => "-Inf".to_owned(),
        value => value.to_string(),
    }
}

/// Whether two values are of one type and say the same; the order of a map does not
/// count.
pub(in crate::scrub) fn same(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Map(a), Value::Map(b)) => {
            let sorted = |pairs: &[crate::scrub::otlp::alter::Pair<'_>]| {
                let mut order: Vec<usize> = (0..pairs.len()).collect();
                order.sort_by_key(|at| pairs.get(*at).map(|pair| pair.key.to_vec()));
                order
            };
            let pairs = sorted(a).into_iter().zip(sorted(b));
            let mut pairs = pairs.filter_map(|(x, y)| Some((a.get(x)?, b.get(y)?)));
            a.len() == b.len() && pairs.all(|(x, y)| x.key == y.key && same(&x.value, &y.value))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (a, b) => a == b,
    }
}
