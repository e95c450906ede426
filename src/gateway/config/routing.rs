//! `connectors.routing`: resources go to pipelines by what their attributes say.

use serde::Deserialize;

use crate::gateway::config::component::PipelineId;
use crate::scrub::Signal;
use crate::scrub::ottl::ErrorMode;
use crate::scrub::ottl::Filter;
use crate::scrub::ottl::RouteSettings;
use crate::scrub::yaml::Node;
use crate::scrub::yaml::Origin;
use crate::scrub::yaml::YamlError;

/// `connectors.routing`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoutingConfig {
    /// Where resources go that no entry of the table takes.
    pub default_pipelines: Vec<PipelineId>,
    /// Accepted: a condition that cannot be asked does not hold.
    pub error_mode: ErrorMode,
    /// Entries, of which the first that fits takes a resource.
    pub table: Vec<Entry>,
    /// Where the settings stand.
    #[serde(skip)]
    pub origin: Origin,
}

/// `table[]`
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Entry {
    /// `resource`
    pub context: String,
    /// `route() where …`
    pub statement: String,
    /// The same without the words around it.
    pub condition: String,
    /// Whether entries below see the resource, too.
    pub action: Action,
    /// Where it goes.
    pub pipelines: Vec<PipelineId>,
}

/// Whether entries below see what an entry takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// They do not.
    #[default]
    Move,
    /// They do.
    Copy,
}

impl RoutingConfig {
    /// Remembers where the settings stand.
    pub fn read_from(&mut self, path: &str, node: &Node) {
        self.origin = Origin::new(path.to_owned(), Some(node));
    }

    /// Every pipeline that it can send to.
    pub fn pipelines(&self) -> impl Iterator<Item = &PipelineId> {
        self.table.iter().flat_map(|entry| &entry.pipelines).chain(&self.default_pipelines)
    }

    /// Which resources go to a pipeline; `None`: none.
    pub fn to(&self, pipeline: &PipelineId) -> Option<RouteSettings> {
        let mut route = RouteSettings { origin: self.origin.clone(), ..RouteSettings::default() };
        let mut earlier = Vec::new();
        for (at, entry) in self.table.iter().enumerate() {
            let text = match entry.condition.as_str() {
                "" => (format!("table[{at}].statement"), entry.statement.clone()),
                condition => {
                    (format!("table[{at}].condition"), format!("route() where {condition}"))
                }
            };
            if entry.pipelines.contains(pipeline) {
                route.ways.push((text.clone(), earlier.clone()));
            }
            if entry.action == Action::Move {
                earlier.push(text);
            }
        }
        if self.default_pipelines.contains(pipeline) {
            // What everything that is not taken says.
            let always = ("default_pipelines".to_owned(), "route()".to_owned());
            route.ways.push((always, earlier));
        }
        (!route.ways.is_empty()).then_some(route)
    }

    /// Checks the settings by themselves.
    ///
    /// # Errors
    ///
    /// The first entry that cannot be used.
    pub fn check(&self, signal: Signal) -> Result<(), YamlError> {
        if self.table.is_empty() {
            return Err(self.origin.fault("table", "expected at least one entry", ""));
        }
        for (at, entry) in self.table.iter().enumerate() {
            let path = |key: &str| format!("table[{at}].{key}");
            let is_of_request =
                entry.context == "request" || entry.condition.trim_start().starts_with("request[");
            if is_of_request {
                let expected = "the headers of a request are not passed to connectors here";
                let advice = "route by an attribute of the resource that the sender sets";
                let key = if entry.context == "request" { "context" } else { "condition" };
                return Err(self.origin.fault(&path(key), expected, advice));
            }
            if !matches!(entry.context.as_str(), "" | "resource") {
                let expected = "expected `resource`: records of one resource stay together here";
                return Err(self.origin.fault(&path("context"), expected, ""));
            }
            if entry.statement.is_empty() == entry.condition.is_empty() {
                let expected = "expected one of `statement` and `condition`";
                return Err(self.origin.fault(&format!("table[{at}]"), expected, ""));
            }
            if entry.pipelines.is_empty() {
                let expected = "expected at least one pipeline";
                return Err(self.origin.fault(&path("pipelines"), expected, ""));
            }
        }
        for pipeline in self.pipelines() {
            if let Some(route) = self.to(pipeline) {
                Filter::route(signal, &route)?;
            }
        }
        Ok(())
    }
}
