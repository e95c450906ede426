//! `processors.transform`: statements, group after group.

use std::fmt;

use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubbed;
use crate::scrub::Signal;
use crate::scrub::otlp::alter::Alter;
use crate::scrub::otlp::alter::Fate;
use crate::scrub::otlp::alter::Record;
use crate::scrub::otlp::alter::RecordKind;
use crate::scrub::ottl::TransformSettings;
use crate::scrub::ottl::Unfit;
use crate::scrub::ottl::apply;
use crate::scrub::ottl::apply::apply;
use crate::scrub::ottl::group;
use crate::scrub::ottl::group::List;
use crate::scrub::ottl::group::Statements;
use crate::scrub::ottl::place;
use crate::scrub::ottl::settings::Item;
use crate::scrub::ottl::settings::StatementGroup;
use crate::scrub::ottl::settings::StatementItem;
use crate::scrub::ottl::value::Scene;
use crate::scrub::yaml::YamlError;

/// Compiled statements. Cheap to share: put it into an `Arc`.
pub struct Transform {
    traces: Vec<Statements>,
    metrics: Vec<Statements>,
    logs: Vec<Statements>,
}

impl Transform {
    /// Compiles settings.
    ///
    /// # Errors
    ///
    /// The first statement that is outside of the part of OTTL that is here, with its
    /// path below the processor.
    pub fn new(settings: &TransformSettings) -> Result<Self, YamlError> {
        let absent = "the Collector has this setting, this program has not";
        if !settings.profile_statements.is_empty() {
            let advice = "profiles are scrubbed by `scrubber`; leave it out";
            return Err(settings.origin.fault("profile_statements", absent, advice));
        }
        if settings.flatten_data {
            let advice = "leave it out: each record is changed by itself";
            return Err(settings.origin.fault("flatten_data", absent, advice));
        }
        let read =
            |name: &str, items: &[StatementItem], signal| groups(settings, name, items, signal);
        Ok(Self {
            traces: read("trace_statements", &settings.trace_statements, Signal::Traces)?,
            metrics: read("metric_statements", &settings.metric_statements, Signal::Metrics)?,
            logs: read("log_statements", &settings.log_statements, Signal::Logs)?,
        })
    }

    /// Which statements on requests of `signal` may bring something to light behind a
    /// scrubber, for which a key `tells` of a secret: their settings, and what they do.
    pub fn reopens(&self, signal: Signal, tells: &dyn Fn(&[u8]) -> bool) -> Vec<(String, String)> {
        self.groups(signal).iter().flat_map(|group| group.reopens(tells)).collect()
    }

    fn groups(&self, signal: Signal) -> &[Statements] {
        match signal {
            Signal::Traces => self.traces.as_slice(),
            Signal::Metrics => self.metrics.as_slice(),
            Signal::Logs => self.logs.as_slice(),
            Signal::Profiles => &[],
        }
    }

    /// Runs the statements on a request. What comes out is scrubbed only if the request
    /// was: that is for the chain around it to know.
    pub(in crate::scrub) fn apply(
        &self,
        request: &Request,
    ) -> Result<(Scrubbed, Report), ScrubError> {
        let groups = self.groups(request.signal).iter();
        apply(request, groups.map(|statements| Pass { statements, failed: None }))
    }
}

impl fmt::Debug for Transform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transform").finish_non_exhaustive()
    }
}

/// The groups of one list. Statements by themselves are one group, as in the Collector.
fn groups(
    settings: &TransformSettings,
    name: &str,
    items: &[StatementItem],
    signal: Signal,
) -> Result<Vec<Statements>, YamlError> {
    let origin = &settings.origin;
    let texts: Vec<String> = items
        .iter()
        .filter_map(|item| match item {
            Item::Text(text) => Some(text.clone()),
            Item::Group(_) => None,
        })
        .collect();
    if !texts.is_empty() {
        if texts.len() < items.len() {
            let expected = "expected either statements or groups of them, not both";
            return Err(origin.fault(name, expected, ""));
        }
        let list = List { origin, path: name, texts: &texts };
        let none = List { origin, path: name, texts: &[] };
        let group = Statements::new(list, none, signal, None, settings.error_mode)?;
        return Ok(vec![group]);
    }
    let groups = items.iter().enumerate().filter_map(|(at, item)| match item {
        Item::Text(_) => None,
        Item::Group(group) => Some(one_group(settings, &format!("{name}[{at}]"), group, signal)),
    });
    groups.collect()
}

fn one_group(
    settings: &TransformSettings,
    path: &str,
    group: &StatementGroup,
    signal: Signal,
) -> Result<Statements, YamlError> {
    let origin = &settings.origin;
    if group.shared_cache {
        let setting = format!("{path}.shared_cache");
        return Err(origin.fault(&setting, "expected false: there is no cache here", ""));
    }
    let site = (!group.context.is_empty())
        .then(|| group::site(signal, &group.context, origin, &format!("{path}.context")))
        .transpose()?;
    let (statements, conditions) = (format!("{path}.statements"), format!("{path}.conditions"));
    let statements = List { origin, path: &statements, texts: &group.statements };
    let conditions = List { origin, path: &conditions, texts: &group.conditions };
    let error_mode = group.error_mode.unwrap_or(settings.error_mode);
    Statements::new(statements, conditions, signal, site, error_mode)
}

struct Pass<'s> {
    statements: &'s Statements,
    failed: Option<Unfit>,
}

impl Alter for Pass<'_> {
    fn enters(&self, kind: RecordKind) -> bool {
        place::depth(kind) < place::depth(self.statements.kind)
    }

    fn record<'r>(&mut self, record: &mut Record<'r>, around: &mut [Record<'r>]) -> Fate {
        if record.kind() == self.statements.kind && self.failed.is_none() {
            let mut scene = Scene { own: record, around };
            self.failed = self.statements.run(&mut scene).err();
        }
        Fate::Keep
    }
}

impl apply::Pass for Pass<'_> {
    fn failed(&self) -> Option<Unfit> {
        self.failed
    }
}
