//! The settings, as `processors.transform` and `processors.filter` spell them.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::MapAccess;
use serde::de::Visitor;
use serde::de::value::MapAccessDeserializer;

use crate::scrub::matching::Properties;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Origin;

/// What happens when a statement does not fit a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorMode {
    /// The next one is run.
    #[default]
    Ignore,
    /// The same: there is no log of single records.
    Silent,
    /// The request is refused.
    Propagate,
}

/// `processors.transform`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransformSettings {
    /// What happens when a statement does not fit a record.
    pub error_mode: ErrorMode,
    /// On traces.
    pub trace_statements: Vec<StatementItem>,
    /// On metrics.
    pub metric_statements: Vec<StatementItem>,
    /// On logs.
    pub log_statements: Vec<StatementItem>,
    /// On profiles: must be empty.
    pub profile_statements: Vec<StatementItem>,
    /// Must be false.
    pub flatten_data: bool,
    /// Where the settings stand.
    #[serde(skip)]
    pub origin: Origin,
}

/// `processors.filter`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterSettings {
    /// What happens when a condition cannot be asked.
    pub error_mode: ErrorMode,
    /// What goes, of traces.
    pub traces: TraceConditions,
    /// What goes, of metrics.
    pub metrics: MetricConditions,
    /// What goes, of logs.
    pub logs: LogConditions,
    /// What stays and goes, of spans, in the old form.
    pub spans: SpanMatching,
    /// What goes, of traces, with contexts.
    pub trace_conditions: Vec<ConditionItem>,
    /// What goes, of metrics, with contexts.
    pub metric_conditions: Vec<ConditionItem>,
    /// What goes, of logs, with contexts.
    pub log_conditions: Vec<ConditionItem>,
    /// What goes, of profiles: must be empty.
    pub profile_conditions: Vec<ConditionItem>,
    /// Where the settings stand.
    #[serde(skip)]
    pub origin: Origin,
}

/// `traces`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TraceConditions {
    /// Conditions on resources.
    pub resource: Vec<String>,
    /// Conditions on spans.
    pub span: Vec<String>,
    /// Conditions on events of spans.
    pub spanevent: Vec<String>,
}

/// `metrics`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricConditions {
    /// Conditions on resources.
    pub resource: Vec<String>,
    /// Conditions on metrics.
    pub metric: Vec<String>,
    /// Conditions on data points.
    pub datapoint: Vec<String>,
    /// Names that stay, in the old form.
    pub include: Option<Properties>,
    /// Names that go, in the old form.
    pub exclude: Option<Properties>,
}

/// `logs`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConditions {
    /// Conditions on resources.
    pub resource: Vec<String>,
    /// Conditions on log records.
    pub log_record: Vec<String>,
}

/// `spans`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SpanMatching {
    /// Spans that stay.
    pub include: Option<Properties>,
    /// Spans that go.
    pub exclude: Option<Properties>,
}

/// An item of a list of statements: one, or a group with its context.
pub type StatementItem = Item<StatementGroup>;

/// An item of a list of conditions.
pub type ConditionItem = Item<ConditionGroup>;

/// A text by itself, or a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Item<G> {
    /// Its paths name their context.
    Text(String),
    /// With what it says of itself.
    Group(G),
}

/// Statements on the records of one context.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StatementGroup {
    /// `span`, `resource`, …; empty: the innermost that the paths name.
    pub context: String,
    /// Of which one must hold, if there are any.
    pub conditions: Vec<String>,
    /// What is done, in order.
    pub statements: Vec<String>,
    /// In place of the processor's.
    pub error_mode: Option<ErrorMode>,
    /// Must be false: there is no cache.
    pub shared_cache: bool,
}

/// Conditions on the records of one context.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConditionGroup {
    /// `span`, `resource`, …; empty: the innermost that the paths name.
    pub context: String,
    /// A record goes for which one holds.
    pub conditions: Vec<String>,
    /// In place of the processor's.
    pub error_mode: Option<ErrorMode>,
}

/// Which resources go one way: for each entry of a table that leads there, its statement
/// (`route() where …`), and those of the entries before it, each with its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouteSettings {
    /// Entries that lead there.
    pub ways: Vec<(Placed, Vec<Placed>)>,
    /// Where the settings stand.
    pub origin: Origin,
}

/// A setting below the origin, and what it says.
pub type Placed = (String, String);

impl TransformSettings {
    /// Remembers where the settings stand.
    pub fn read_from(&mut self, node: &Node) {
        self.origin = Origin::new(String::new(), Some(node));
    }
}

impl FilterSettings {
    /// Remembers where the settings stand.
    pub fn read_from(&mut self, node: &Node) {
        self.origin = Origin::new(String::new(), Some(node));
    }
}

impl<'de, G: Deserialize<'de>> Deserialize<'de> for Item<G> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor(std::marker::PhantomData))
    }
}

struct ItemVisitor<G>(std::marker::PhantomData<G>);

impl<'de, G: Deserialize<'de>> Visitor<'de> for ItemVisitor<G> {
    type Value = Item<G>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or a map with a context")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Item<G>, E> {
        Ok(Item::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item<G>, A::Error> {
        G::deserialize(MapAccessDeserializer::new(map)).map(Item::Group)
    }
}
