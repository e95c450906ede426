//! Functions: which there are, and what arguments they take.

use crate::scrub::otlp::alter::Value;
use crate::scrub::ottl::Fault;
use crate::scrub::ottl::edit::Act;
use crate::scrub::ottl::edit::Edit;
use crate::scrub::ottl::edit::MapAct;
use crate::scrub::ottl::edit::Replacement;
use crate::scrub::ottl::glob;
use crate::scrub::ottl::parse::Argument;
use crate::scrub::ottl::parse::Call;
use crate::scrub::ottl::parse::Condition;
use crate::scrub::ottl::parse::Expr;
use crate::scrub::ottl::place;
use crate::scrub::ottl::place::Access;
use crate::scrub::ottl::place::Field;
use crate::scrub::ottl::place::Site;
use crate::scrub::ottl::test::Test;
use crate::scrub::ottl::test::Type;
use crate::scrub::ottl::value::Source;
use crate::scrub::re2::Pattern;
use crate::scrub::re2::PatternError;
use crate::scrub::yaml::closest;

const EDITORS: &[&str] = &[
    "set",
    "replace_pattern",
    "replace_all_patterns",
    "replace_match",
    "replace_all_matches",
    "delete_key",
    "delete_matching_keys",
    "keep_keys",
    "keep_matching_keys",
    "truncate_all",
    "limit",
];

const TESTS: &[&str] = &[
    "IsMatch",
    "IsString",
    "IsBool",
    "IsInt",
    "IsDouble",
    "IsMap",
    "IsList",
    "HasPrefix",
    "HasSuffix",
    "IsRootSpan",
];

/// Compiles a condition.
///
/// # Errors
///
/// The first function, path or argument that is not there.
pub(in crate::scrub::ottl) fn test(condition: &Condition, site: Site) -> Result<Test, Fault> {
    let all = |conditions: &[Condition]| -> Result<Vec<Test>, Fault> {
        conditions.iter().map(|condition| test(condition, site)).collect()
    };
    Ok(match condition {
        Condition::Any(conditions) => Test::Any(all(conditions)?),
        Condition::All(conditions) => Test::All(all(conditions)?),
        Condition::Not(condition) => Test::Not(Box::new(test(condition, site)?)),
        Condition::Const(value) => Test::Const(*value),
        Condition::Compare(left, sign, right) => {
            Test::Compare(source(left, site)?, sign, source(right, site)?)
        }
        Condition::Call(call) => call_test(call, site)?,
    })
}

fn call_test(call: &Call, site: Site) -> Result<Test, Fault> {
    let arguments = |names| Arguments::new(call, names, names.len());
    let is = |kind| Ok(Test::Is(kind, source(arguments(&["target"])?.value(0)?, site)?));
    match call.name.as_str() {
        "IsMatch" => {
            let arguments = arguments(&["target", "pattern"])?;
            Ok(Test::IsMatch(source(arguments.value(0)?, site)?, arguments.pattern(1)?))
        }
        "IsString" => is(Type::Text),
        "IsBool" => is(Type::Bool),
        "IsInt" => is(Type::Int),
        "IsDouble" => is(Type::Double),
        "IsMap" => is(Type::Map),
        "IsList" => is(Type::List),
        "HasPrefix" | "HasSuffix" => {
            let suffix = call.name == "HasSuffix";
            let arguments = arguments(&["target", if suffix { "suffix" } else { "prefix" }])?;
            let of = source(arguments.value(0)?, site)?;
            Ok(Test::HasEdge { suffix, of, edge: arguments.text(1)?.to_vec() })
        }
        "IsRootSpan"
            if place::context(site.signal, "span").is_some() && 2 <= place::depth(site.kind) =>
        {
            arguments(&[]).map(|_| Test::IsRootSpan)
        }
        name => Err(Fault::new("this function is not in the part of OTTL that is here", call.at)
            .advised(&closest::advice(name, TESTS))),
    }
}

/// Compiles a value.
fn source(expr: &Expr, site: Site) -> Result<Source, Fault> {
    Ok(match expr {
        Expr::Path(path) => Source::Field(place::bind(path, site)?),
        Expr::Call(call) if call.name == "SHA256" => {
            let arguments = Arguments::new(call, &["target"], 1)?;
            Source::Sha256(Box::new(source(arguments.value(0)?, site)?))
        }
        Expr::Call(call) => {
            return Err(Fault::new(
                "this function is not in the part of OTTL that is here",
                call.at,
            )
            .advised("accepted: SHA256"));
        }
        expr => Source::Literal(literal(expr)?),
    })
}

/// A value that is written out; `None` is `nil`.
fn literal(expr: &Expr) -> Result<Option<Value<'static>>, Fault> {
    Ok(Some(match expr {
        Expr::Nil => return Ok(None),
        Expr::Bool(value) => Value::Bool(*value),
        Expr::Int(value) => Value::Int(*value),
        Expr::Float(value) => Value::Double(*value),
        Expr::Text(text) => Value::text(text.clone()),
        Expr::Bytes(bytes) => Value::Bytes(bytes.clone().into()),
        Expr::Name(name, at) => match place::number(name) {
            Some(value) => Value::Int(value),
            None => {
                return Err(Fault::new("this name stands for no number", *at).advised(
                    "accepted: SPAN_KIND_…, STATUS_CODE_…, SEVERITY_NUMBER_…, METRIC_DATA_TYPE_…",
                ));
            }
        },
        Expr::List(values) => {
            let values = values.iter().map(|value| Ok(literal(value)?.unwrap_or_default()));
            Value::Array(values.collect::<Result<_, Fault>>()?)
        }
        Expr::Path(path) => {
            return Err(Fault::new("expected a value that is written out", path.at));
        }
        Expr::Call(call) => {
            return Err(Fault::new("expected a value that is written out", call.at));
        }
    }))
}

/// Compiles an editor.
///
/// # Errors
///
/// As [`test`].
pub(in crate::scrub::ottl) fn edit(call: &Call, site: Site) -> Result<Edit, Fault> {
    let arguments = |names: &'static [&'static str], needed| Arguments::new(call, names, needed);
    const REPLACE: &[&str] =
        &["target", "regex_pattern", "replacement", "function", "replacement_format"];
    const REPLACE_MATCH: &[&str] =
        &["target", "pattern", "replacement", "function", "replacement_format"];
    const REPLACE_ALL: &[&str] =
        &["target", "mode", "regex_pattern", "replacement", "function", "replacement_format"];
    let (arguments, act) = match call.name.as_str() {
        "set" => {
            let arguments = arguments(&["target", "value"], 2)?;
            let value = source(arguments.value(1)?, site)?;
            (arguments, Act::Set(value))
        }
        "replace_pattern" => {
            let arguments = arguments(REPLACE, 3)?;
            let act = Act::ReplacePattern(arguments.pattern(1)?, arguments.replacement(2)?);
            (arguments, act)
        }
        "replace_match" => {
            let arguments = arguments(REPLACE_MATCH, 3)?;
            let act = Act::ReplaceMatch(arguments.glob(1)?, arguments.replacement(2)?.whole());
            (arguments, act)
        }
        "replace_all_patterns" => {
            let arguments = arguments(REPLACE_ALL, 4)?;
            let (pattern, replacement) = (arguments.pattern(2)?, arguments.replacement(3)?);
            let act = match arguments.text(1)? {
                b"value" => MapAct::ReplaceInValues(pattern, replacement),
                b"key" => MapAct::ReplaceInKeys(pattern, replacement),
                _ => {
                    return Err(Fault::new("expected \"key\" or \"value\"", arguments.at(1)));
                }
            };
            (arguments, Act::OnMap(act))
        }
        "replace_all_matches" => {
            let arguments = arguments(REPLACE_MATCH, 3)?;
            let act = MapAct::ReplaceMatches(arguments.glob(1)?, arguments.replacement(2)?.whole());
            (arguments, Act::OnMap(act))
        }
        "delete_key" => {
            let arguments = arguments(&["target", "key"], 2)?;
            let act = MapAct::DeleteKey(arguments.text(1)?.to_vec());
            (arguments, Act::OnMap(act))
        }
        "delete_matching_keys" => {
            let arguments = arguments(&["target", "pattern"], 2)?;
            let act = MapAct::DeleteMatching(arguments.pattern(1)?);
            (arguments, Act::OnMap(act))
        }
        "keep_keys" => {
            let arguments = arguments(&["target", "keys"], 2)?;
            let act = MapAct::Keep(arguments.texts(1)?);
            (arguments, Act::OnMap(act))
        }
        "keep_matching_keys" => {
            let arguments = arguments(&["target", "pattern"], 2)?;
            let act = MapAct::KeepMatching(arguments.pattern(1)?);
            (arguments, Act::OnMap(act))
        }
        "truncate_all" => {
            truncate(arguments(&["target", "limit", "utf8_safe", "truncation_marker"], 2)?)?
        }
        "limit" => {
            let arguments = arguments(&["target", "limit", "priority_keys"], 2)?;
            let (limit, first) = (arguments.count(1)?, arguments.texts(2)?);
            if limit < first.len() {
                return Err(Fault::new(
                    "expected at least as many as there are priority keys",
                    arguments.at(1),
                ));
            }
            (arguments, Act::OnMap(MapAct::Limit { limit, first }))
        }
        name => {
            return Err(Fault::new("this editor is not in the part of OTTL that is here", call.at)
                .advised(&closest::advice(name, EDITORS)));
        }
    };
    let target = arguments.target(site)?;
    fits(&target, &act)?;
    Ok(Edit { target, act })
}

fn truncate(arguments: Arguments<'_>) -> Result<(Arguments<'_>, Act), Fault> {
    let limit = arguments.count(1)?;
    let at_characters = match arguments.maybe(2) {
        None => true,
        Some(Expr::Bool(value)) => *value,
        Some(_) => return Err(Fault::new("expected true or false", arguments.at(2))),
    };
    let marker = match arguments.maybe(3) {
        None => Vec::new(),
        Some(_) => arguments.text(3)?.to_vec(),
    };
    if limit < marker.len() {
        return Err(Fault::new("the marker is longer than the limit", arguments.at(3)));
    }
    Ok((arguments, Act::OnMap(MapAct::Truncate { limit, at_characters, marker })))
}

/// Whether something can be done with the target at all.
fn fits(target: &Access, act: &Act) -> Result<(), Fault> {
    let is_fixed = matches!(target.field, Field::MetricType);
    let is_whole = target.field == Field::Attributes && target.keys.is_empty();
    let is_map = matches!(target.field, Field::Attributes | Field::Body);
    match act {
        Act::OnMap(_) if !is_map => {
            Err(Fault::new("this editor wants a map, such as attributes", target.at))
        }
        Act::OnMap(_) => Ok(()),
        _ if is_fixed => Err(Fault::new("this cannot be set", target.at)),
        _ if is_whole => Err(Fault::new("all attributes cannot be set at once", target.at)
            .advised("name a key: attributes[\"…\"]")),
        _ => Ok(()),
    }
}

/// The arguments of a call, by position.
struct Arguments<'c> {
    call: &'c Call,
    values: Vec<Option<&'c Argument>>,
}

impl<'c> Arguments<'c> {
    fn new(call: &'c Call, names: &[&str], needed: usize) -> Result<Self, Fault> {
        let mut values: Vec<Option<&Argument>> = vec![None; names.len()];
        let mut is_named = false;
        for (position, argument) in call.arguments.iter().enumerate() {
            let position = match &argument.name {
                None if is_named => {
                    return Err(Fault::new("expected the name of this argument, too", argument.at));
                }
                None => position,
                Some(name) => {
                    is_named = true;
                    names.iter().position(|one| one == name).ok_or_else(|| {
                        Fault::new("this function has no such argument", argument.at)
                            .advised(&closest::advice(name, names))
                    })?
                }
            };
            let slot = values.get_mut(position).ok_or_else(|| {
                Fault::new(&format!("expected at most {} arguments", names.len()), argument.at)
            })?;
            *slot = Some(argument);
        }
        if let Some(missing) = values.iter().take(needed).position(Option::is_none) {
            let name = names.get(missing).copied().unwrap_or_default();
            return Err(Fault::new(&format!("expected the argument `{name}`"), call.at));
        }
        Ok(Self { call, values })
    }

    fn at(&self, position: usize) -> usize {
        self.values.get(position).copied().flatten().map_or(self.call.at, |argument| argument.at)
    }

    fn maybe(&self, position: usize) -> Option<&'c Expr> {
        self.values.get(position).copied().flatten().map(|argument| &argument.value)
    }

    fn value(&self, position: usize) -> Result<&'c Expr, Fault> {
        self.maybe(position).ok_or_else(|| Fault::new("expected one argument more", self.call.at))
    }

    fn target(&self, site: Site) -> Result<Access, Fault> {
        match self.value(0)? {
            Expr::Path(path) => place::bind(path, site),
            _ => Err(Fault::new("expected a path", self.at(0))),
        }
    }

    fn text(&self, position: usize) -> Result<&'c [u8], Fault> {
        match self.value(position)? {
            Expr::Text(text) => Ok(text),
            _ => Err(Fault::new("expected a text in quotes", self.at(position))
                .advised("values that are computed are not here")),
        }
    }

    fn texts(&self, position: usize) -> Result<Vec<Vec<u8>>, Fault> {
        let fault = || Fault::new("expected a list of texts in quotes", self.at(position));
        match self.maybe(position) {
            None => Ok(Vec::new()),
            Some(Expr::List(values)) => values
                .iter()
                .map(|value| match value {
                    Expr::Text(text) => Ok(text.clone()),
                    _ => Err(fault()),
                })
                .collect(),
            Some(_) => Err(fault()),
        }
    }

    fn count(&self, position: usize) -> Result<usize, Fault> {
        match self.value(position)? {
            Expr::Int(value) if 0 <= *value => Ok(usize::try_from(*value).unwrap_or(usize::MAX)),
            _ => Err(Fault::new("expected a number of 0 or more", self.at(position))),
        }
    }

    fn pattern(&self, position: usize) -> Result<Pattern, Fault> {
        self.compiled(position, Pattern::new)
    }

    fn glob(&self, position: usize) -> Result<Pattern, Fault> {
        self.compiled(position, glob::compile)
    }

    fn compiled(
        &self,
        position: usize,
        compile: impl Fn(&str) -> Result<Pattern, PatternError>,
    ) -> Result<Pattern, Fault> {
        let text = std::str::from_utf8(self.text(position)?);
        let text = text.map_err(|_| Fault::new("expected UTF-8", self.at(position)))?;
        compile(text).map_err(|err| {
            Fault::new(&format!("expected a pattern, found {err}"), self.at(position))
        })
    }

    /// The replacement at `position`, and the function and format behind it.
    fn replacement(&self, position: usize) -> Result<Replacement, Fault> {
        let hashed = match self.maybe(position + 1) {
            None => false,
            Some(Expr::Name(name, _)) if name == "SHA256" => true,
            Some(_) => {
                return Err(Fault::new("this function is not here", self.at(position + 1))
                    .advised("accepted: SHA256"));
            }
        };
        let mut around = (String::new(), String::new());
        if self.maybe(position + 2).is_some() {
            let format = String::from_utf8_lossy(self.text(position + 2)?);
            let parts = format.split_once("%s").filter(|_| hashed);
            let parts =
                parts.filter(|(before, behind)| !before.contains('%') && !behind.contains('%'));
            let fault = || {
                Fault::new("expected a text with one %s, behind a function", self.at(position + 2))
            };
            let (before, behind) = parts.ok_or_else(fault)?;
            around = (before.to_owned(), behind.to_owned());
        }
        Ok(Replacement { template: self.text(position)?.to_vec(), hashed, around })
    }
}
