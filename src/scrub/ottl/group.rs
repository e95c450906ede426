//! Lists of statements and conditions, compiled for the records of one context.

use crate::scrub::Signal;
use crate::scrub::otlp::alter::RecordKind;
use crate::scrub::ottl::ErrorMode;
use crate::scrub::ottl::Fault;
use crate::scrub::ottl::Unfit;
use crate::scrub::ottl::compile;
use crate::scrub::ottl::edit::Edit;
use crate::scrub::ottl::parse;
use crate::scrub::ottl::parse::Call;
use crate::scrub::ottl::parse::Condition;
use crate::scrub::ottl::parse::Expr;
use crate::scrub::ottl::place;
use crate::scrub::ottl::place::Site;
use crate::scrub::ottl::reopen;
use crate::scrub::ottl::reopen::Tells;
use crate::scrub::ottl::settings::Placed;
use crate::scrub::ottl::test::Test;
use crate::scrub::ottl::value::Scene;
use crate::scrub::yaml::Origin;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::closest;

/// Conditions of which one must hold.
#[derive(Debug)]
pub(in crate::scrub::ottl) struct Conditions {
    tests: Vec<Test>,
    error_mode: ErrorMode,
}

impl Conditions {
    /// Whether one holds. One that cannot be asked does not, or is an error.
    pub(in crate::scrub::ottl) fn any(&self, scene: &mut Scene<'_, '_>) -> Result<bool, Unfit> {
        for test in &self.tests {
            match test.holds(scene) {
                Ok(false) => {}
                Ok(true) => return Ok(true),
                Err(unfit) if self.error_mode == ErrorMode::Propagate => return Err(unfit),
                Err(_) => {}
            }
        }
        Ok(false)
    }

    pub(in crate::scrub::ottl) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }
}

/// A list in the YAML: where it stands, and what it says.
#[derive(Clone, Copy, Debug)]
pub(in crate::scrub::ottl) struct List<'a> {
    pub(in crate::scrub::ottl) origin: &'a Origin,
    /// As `trace_statements[0].statements`; each text is an element of it.
    pub(in crate::scrub::ottl) path: &'a str,
    pub(in crate::scrub::ottl) texts: &'a [String],
}

/// Conditions and the records that they are of.
pub(in crate::scrub::ottl) type OfKind = (RecordKind, Conditions);

impl List<'_> {
    fn fault(&self, at: usize, fault: &Fault) -> YamlError {
        self.origin.fault(&format!("{}[{at}]", self.path), &fault.expected(), &fault.advice)
    }

    fn each<T>(&self, read: impl Fn(&str) -> Result<T, Fault>) -> Result<Vec<T>, YamlError> {
        let each = self.texts.iter().enumerate();
        each.map(|(at, text)| read(text).map_err(|fault| self.fault(at, &fault))).collect()
    }

    fn bound<T, P>(
        &self,
        parsed: &[P],
        bind: impl Fn(&P) -> Result<T, Fault>,
    ) -> Result<Vec<T>, YamlError> {
        let each = parsed.iter().enumerate();
        each.map(|(at, one)| bind(one).map_err(|fault| self.fault(at, &fault))).collect()
    }
}

/// The site of a context that is named; `setting` is where.
///
/// # Errors
///
/// When there is no such context for the signal.
pub(in crate::scrub::ottl) fn site(
    signal: Signal,
    name: &str,
    origin: &Origin,
    setting: &str,
) -> Result<Site, YamlError> {
    let name = name.to_lowercase();
    match place::context(signal, &name) {
        Some(kind) => Ok(Site { signal, kind, is_named: true }),
        None => {
            let names: Vec<&str> = place::contexts(signal).iter().map(|(name, _)| *name).collect();
            let what = format!("this is no context of {}", signal.name());
            Err(origin.fault(setting, &what, &closest::advice(&name, &names)))
        }
    }
}

/// Compiles conditions. Without a `site`, each is on the records of the innermost context
/// that its paths name.
///
/// # Errors
///
/// The first condition that is outside of the part of OTTL that is here.
pub(in crate::scrub::ottl) fn conditions(
    list: List<'_>,
    signal: Signal,
    site: Option<Site>,
    error_mode: ErrorMode,
) -> Result<Vec<OfKind>, YamlError> {
    let parsed = list.each(parse::condition)?;
    let mut all: Vec<OfKind> = Vec::new();
    let tests = list.bound(&parsed, |condition| {
        let mut inner = None;
        in_condition(condition, signal, &mut inner);
        let site = site.unwrap_or_else(|| inferred(signal, inner));
        Ok((site.kind, compile::test(condition, site)?))
    })?;
    for (kind, test) in tests {
        match all.iter_mut().find(|(own, _)| *own == kind) {
            Some((_, conditions)) => conditions.tests.push(test),
            None => all.push((kind, Conditions { tests: vec![test], error_mode })),
        }
    }
    Ok(all)
}

/// The condition of `route() where …`, on resources.
///
/// # Errors
///
/// When it is no such statement, or is outside of the part of OTTL that is here.
pub(in crate::scrub::ottl) fn route(
    origin: &Origin,
    (path, text): &Placed,
    signal: Signal,
) -> Result<Test, YamlError> {
    let site = Site { signal, kind: RecordKind::Resource, is_named: true };
    let compiled = parse::statement(text).and_then(|statement| {
        if statement.editor.name != "route" || !statement.editor.arguments.is_empty() {
            let fault = Fault::new("expected `route()`", statement.editor.at);
            return Err(fault.advised("write `route() where attributes[\"key\"] == \"value\"`"));
        }
        match &statement.condition {
            None => Ok(Test::Const(true)),
            Some(condition) => compile::test(condition, site),
        }
    });
    compiled.map_err(|fault| origin.fault(path, &fault.expected(), &fault.advice))
}

/// Statements on the records of one context.
#[derive(Debug)]
pub(in crate::scrub::ottl) struct Statements {
    /// The setting that lists them.
    path: String,
    pub(in crate::scrub::ottl) kind: RecordKind,
    conditions: Conditions,
    statements: Vec<(Edit, Option<Test>)>,
    error_mode: ErrorMode,
}

impl Statements {
    /// Compiles a group.
    ///
    /// # Errors
    ///
    /// The first statement or condition that is outside of the part of OTTL that is here.
    pub(in crate::scrub::ottl) fn new(
        list: List<'_>,
        conditions: List<'_>,
        signal: Signal,
        site: Option<Site>,
        error_mode: ErrorMode,
    ) -> Result<Self, YamlError> {
        let parsed = list.each(parse::statement)?;
        let tests = conditions.each(parse::condition)?;
        let mut inner = None;
        for statement in &parsed {
            in_call(&statement.editor, signal, &mut inner);
            if let Some(condition) = &statement.condition {
                in_condition(condition, signal, &mut inner);
            }
        }
        tests.iter().for_each(|condition| in_condition(condition, signal, &mut inner));
        let site = site.unwrap_or_else(|| inferred(signal, inner));
        let statements = list.bound(&parsed, |statement| {
            let condition = statement.condition.as_ref();
            let condition = condition.map(|condition| compile::test(condition, site));
            Ok((compile::edit(&statement.editor, site)?, condition.transpose()?))
        })?;
        let tests = conditions.bound(&tests, |condition| compile::test(condition, site))?;
        let conditions = Conditions { tests, error_mode };
        let path = list.path.to_owned();
        Ok(Self { path, kind: site.kind, conditions, statements, error_mode })
    }

    /// Which statements may bring something to light behind a scrubber, and what.
    pub(in crate::scrub::ottl) fn reopens<'a>(
        &'a self,
        tells: Tells<'a>,
    ) -> impl Iterator<Item = (String, String)> + 'a {
        let edits = self.statements.iter().enumerate();
        edits.filter_map(move |(at, (edit, _))| {
            Some((format!("{}[{at}]", self.path), reopen::reopens(edit, tells)?))
        })
    }

    /// Runs them on a record.
    ///
    /// # Errors
    ///
    /// The first that does not fit it, if that is asked for.
    pub(in crate::scrub::ottl) fn run(&self, scene: &mut Scene<'_, '_>) -> Result<(), Unfit> {
        if !self.conditions.is_empty() && !self.conditions.any(scene)? {
            return Ok(());
        }
        for (edit, condition) in &self.statements {
            let done = match condition.as_ref().map_or(Ok(true), |test| test.holds(scene)) {
                Ok(true) => edit.run(scene),
                Ok(false) => Ok(()),
                Err(unfit) => Err(unfit),
            };
            if self.error_mode == ErrorMode::Propagate {
                done?;
            }
        }
        Ok(())
    }
}

/// The site where no context is named: of the innermost record that a path names.
fn inferred(signal: Signal, inner: Option<RecordKind>) -> Site {
    Site { signal, kind: inner.unwrap_or(RecordKind::Resource), is_named: false }
}

fn in_condition(condition: &Condition, signal: Signal, inner: &mut Option<RecordKind>) {
    match condition {
        Condition::Any(all) | Condition::All(all) => {
            all.iter().for_each(|condition| in_condition(condition, signal, inner));
        }
        Condition::Not(condition) => in_condition(condition, signal, inner),
        Condition::Const(_) => {}
        Condition::Call(call) => in_call(call, signal, inner),
        Condition::Compare(left, _, right) => {
            in_expr(left, signal, inner);
            in_expr(right, signal, inner);
        }
    }
}

fn in_call(call: &Call, signal: Signal, inner: &mut Option<RecordKind>) {
    call.arguments.iter().for_each(|argument| in_expr(&argument.value, signal, inner));
}

fn in_expr(expr: &Expr, signal: Signal, inner: &mut Option<RecordKind>) {
    match expr {
        Expr::Path(path) => {
            let named = place::named(signal, path);
            if inner.map(place::depth) < named.map(place::depth) {
                *inner = named;
            }
        }
        Expr::Call(call) => in_call(call, signal, inner),
        Expr::List(values) => values.iter().for_each(|value| in_expr(value, signal, inner)),
        _ => {}
    }
}
