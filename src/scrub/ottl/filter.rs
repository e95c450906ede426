//! `processors.filter`: leaves out the records for which a condition holds.

use std::fmt;

use crate::scrub::Report;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubbed;
use crate::scrub::Signal;
use crate::scrub::matching::Matching;
use crate::scrub::matching::Properties;
use crate::scrub::otlp::alter::Alter;
use crate::scrub::otlp::alter::Fate;
use crate::scrub::otlp::alter::Record;
use crate::scrub::otlp::alter::RecordKind;
use crate::scrub::ottl::FilterSettings;
use crate::scrub::ottl::Unfit;
use crate::scrub::ottl::apply;
use crate::scrub::ottl::apply::apply;
use crate::scrub::ottl::group;
use crate::scrub::ottl::group::Conditions;
use crate::scrub::ottl::group::List;
use crate::scrub::ottl::place;
use crate::scrub::ottl::settings::ConditionItem;
use crate::scrub::ottl::settings::Item;
use crate::scrub::ottl::settings::RouteSettings;
use crate::scrub::ottl::test::Test;
use crate::scrub::ottl::value::Scene;
use crate::scrub::yaml::YamlError;

/// Compiled conditions. Cheap to share: put it into an `Arc`.
pub struct Filter {
    traces: Vec<Goes>,
    metrics: Vec<Goes>,
    logs: Vec<Goes>,
}

/// What one look at a request leaves out.
#[derive(Default)]
struct Goes {
    conditions: Vec<(RecordKind, Conditions)>,
    /// The old form: what these do not cover goes.
    matching: Option<(RecordKind, Matching)>,
    /// Resources go for which none of these holds: the first of a pair, and none of the
    /// others.
    routes: Option<Vec<(Test, Vec<Test>)>>,
}

impl Goes {
    fn new(conditions: Vec<(RecordKind, Conditions)>) -> Option<Self> {
        (!conditions.is_empty()).then(|| Self { conditions, ..Self::default() })
    }

    /// How far inside the innermost record stands that may go.
    fn depth(&self) -> usize {
        let kinds = self.conditions.iter().map(|(kind, _)| *kind);
        let kinds = kinds.chain(self.matching.iter().map(|(kind, _)| *kind));
        kinds.map(place::depth).max().unwrap_or(0)
    }
}

impl Filter {
    /// Compiles settings.
    ///
    /// # Errors
    ///
    /// The first condition that is outside of the part of OTTL that is here, with its
    /// path below the processor.
    pub fn new(settings: &FilterSettings) -> Result<Self, YamlError> {
        if !settings.profile_conditions.is_empty() {
            let absent = "the Collector has this setting, this program has not";
            let advice = "profiles are scrubbed by `scrubber`; leave it out";
            return Err(settings.origin.fault("profile_conditions", absent, advice));
        }
        let FilterSettings { traces, metrics, logs, .. } = settings;
        let of_traces: &[_] = &[
            ("traces.resource", "resource", &traces.resource),
            ("traces.span", "span", &traces.span),
            ("traces.spanevent", "spanevent", &traces.spanevent),
        ];
        let of_metrics: &[_] = &[
            ("metrics.resource", "resource", &metrics.resource),
            ("metrics.metric", "metric", &metrics.metric),
            ("metrics.datapoint", "datapoint", &metrics.datapoint),
        ];
        let of_logs: &[_] = &[
            ("logs.resource", "resource", &logs.resource),
            ("logs.log_record", "log", &logs.log_record),
        ];
        let spans = &settings.spans;
        let old_spans = (&spans.include, &spans.exclude);
        let old_metrics = (&metrics.include, &metrics.exclude);
        Ok(Self {
            traces: passes(
                settings,
                Signal::Traces,
                of_traces,
                ("trace_conditions", &settings.trace_conditions),
                ("spans", RecordKind::Span, old_spans),
            )?,
            metrics: passes(
                settings,
                Signal::Metrics,
                of_metrics,
                ("metric_conditions", &settings.metric_conditions),
                ("metrics", RecordKind::Metric, old_metrics),
            )?,
            logs: passes(
                settings,
                Signal::Logs,
                of_logs,
                ("log_conditions", &settings.log_conditions),
                ("logs", RecordKind::Log, (&None, &None)),
            )?,
        })
    }

    /// What leaves out the resources that go another way.
    ///
    /// # Errors
    ///
    /// The first statement that is outside of the part of OTTL that is here.
    pub fn route(signal: Signal, settings: &RouteSettings) -> Result<Self, YamlError> {
        let compile = |text| group::route(&settings.origin, text, signal);
        let ways = settings.ways.iter().map(|(own, earlier)| {
            Ok((compile(own)?, earlier.iter().map(compile).collect::<Result<_, YamlError>>()?))
        });
        let routes = Some(ways.collect::<Result<_, YamlError>>()?);
        let goes = || Goes { routes, ..Goes::default() };
        let mut filter = Self { traces: Vec::new(), metrics: Vec::new(), logs: Vec::new() };
        match signal {
            Signal::Traces => filter.traces.push(goes()),
            Signal::Metrics => filter.metrics.push(goes()),
            Signal::Logs => filter.logs.push(goes()),
            Signal::Profiles => {}
        }
        Ok(filter)
    }

    /// Leaves out what goes. What comes out is scrubbed only if the request was: that
    /// is for the chain around it to know.
    pub(in crate::scrub) fn apply(
        &self,
        request: &Request,
    ) -> Result<(Scrubbed, Report), ScrubError> {
        let passes = match request.signal {
            Signal::Traces => self.traces.as_slice(),
            Signal::Metrics => self.metrics.as_slice(),
            Signal::Logs => self.logs.as_slice(),
            Signal::Profiles => &[],
        };
        apply(request, passes.iter().map(|goes| Pass { goes, failed: None }))
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter").finish_non_exhaustive()
    }
}

type Old<'a> = (&'a Option<Properties>, &'a Option<Properties>);

/// What goes of one signal, in one of the three forms that there are for it.
fn passes(
    settings: &FilterSettings,
    signal: Signal,
    plain: &[(&str, &str, &Vec<String>)],
    (name, grouped): (&str, &[ConditionItem]),
    (old_name, kind, (include, exclude)): (&str, RecordKind, Old<'_>),
) -> Result<Vec<Goes>, YamlError> {
    let origin = &settings.origin;
    let mut all = Vec::new();
    for (path, context, texts) in plain {
        let site = group::site(signal, context, origin, path)?;
        let list = List { origin, path, texts };
        all.extend(group::conditions(list, signal, Some(site), settings.error_mode)?);
    }
    let plain = Goes::new(all);
    let is_old = include.is_some() || exclude.is_some();
    let forms = [plain.is_some(), !grouped.is_empty(), is_old];
    if 1 < forms.iter().filter(|is_used| **is_used).count() {
        let expected = format!("expected conditions on {} in one form only", signal.name());
        let setting = if grouped.is_empty() { old_name } else { name };
        return Err(origin.fault(setting, &expected, &format!("write all in `{name}`")));
    }
    if is_old {
        let parts = [("include", include), ("exclude", exclude)];
        for (part, properties) in parts {
            if let Some((setting, why)) =
                properties.as_ref().and_then(|properties| properties.misfit(signal))
            {
                return Err(origin.fault(&format!("{old_name}.{part}.{setting}"), &why, ""));
            }
        }
        let matching = Matching::new(include.as_ref(), exclude.as_ref()).map_err(|fault| {
            origin.fault(&format!("{old_name}.{}", fault.path), &fault.expected, "")
        })?;
        return Ok(vec![Goes { matching: Some((kind, matching)), ..Goes::default() }]);
    }
    match plain {
        Some(plain) => Ok(vec![plain]),
        None => of_groups(settings, signal, name, grouped),
    }
}

fn of_groups(
    settings: &FilterSettings,
    signal: Signal,
    name: &str,
    items: &[ConditionItem],
) -> Result<Vec<Goes>, YamlError> {
    let origin = &settings.origin;
    let mut texts = Vec::new();
    let mut all = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match item {
            Item::Text(text) => texts.push(text.clone()),
            Item::Group(group) => {
                let path = format!("{name}[{at}].conditions");
                let context = format!("{name}[{at}].context");
                let site = (!group.context.is_empty())
                    .then(|| group::site(signal, &group.context, origin, &context))
                    .transpose()?;
                let list = List { origin, path: &path, texts: &group.conditions };
                let error_mode = group.error_mode.unwrap_or(settings.error_mode);
                let one = group::conditions(list, signal, site, error_mode)?;
                all.extend(Goes::new(one));
            }
        }
    }
    if texts.is_empty() {
        return Ok(all);
    }
    if texts.len() < items.len() {
        let expected = "expected either conditions or groups of them, not both";
        return Err(origin.fault(name, expected, ""));
    }
    let list = List { origin, path: name, texts: &texts };
    let one = group::conditions(list, signal, None, settings.error_mode)?;
    Ok(Goes::new(one).into_iter().collect())
}

struct Pass<'g> {
    goes: &'g Goes,
    failed: Option<Unfit>,
}

impl Alter for Pass<'_> {
    fn enters(&self, kind: RecordKind) -> bool {
        place::depth(kind) < self.goes.depth()
    }

    fn drops_empty(&self) -> bool {
        true
    }

    fn record<'r>(&mut self, record: &mut Record<'r>, around: &mut [Record<'r>]) -> Fate {
        if self.failed.is_some() {
            return Fate::Keep;
        }
        if let Some((kind, matching)) = &self.goes.matching
            && *kind == record.kind()
            && !matching.covers(record, around)
        {
            return Fate::Drop;
        }
        let mut scene = Scene { own: record, around };
        if let Some(routes) = self.goes.routes.as_ref().filter(|_| is_resource(&scene)) {
            let mut holds = |test: &Test| test.holds(&mut scene).unwrap_or(false);
            let leads =
                routes.iter().any(|(own, earlier)| holds(own) && !earlier.iter().any(&mut holds));
            return if leads { Fate::Keep } else { Fate::Drop };
        }
        for (kind, conditions) in &self.goes.conditions {
            if *kind == scene.own.kind() {
                match conditions.any(&mut scene) {
                    Ok(true) => return Fate::Drop,
                    Ok(false) => {}
                    Err(unfit) => self.failed = Some(unfit),
                }
            }
        }
        Fate::Keep
    }
}

fn is_resource(scene: &Scene<'_, '_>) -> bool {
    scene.own.kind() == RecordKind::Resource
}

impl apply::Pass for Pass<'_> {
    fn failed(&self) -> Option<Unfit> {
        self.failed
    }
}
