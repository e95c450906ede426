//! Conditions on a record.

use crate::scrub::Signal;
use crate::scrub::otlp::alter::Record;
use crate::scrub::otlp::alter::RecordKind;
use crate::scrub::otlp::alter::Value;
use crate::scrub::otlp::alter::render;
use crate::scrub::ottl::Unfit;
use crate::scrub::ottl::compile;
use crate::scrub::ottl::parse;
use crate::scrub::ottl::place::Site;
use crate::scrub::ottl::value::Scene;
use crate::scrub::ottl::value::Source;
use crate::scrub::ottl::value::compare;
use crate::scrub::re2::Pattern;

/// A compiled condition.
#[derive(Debug)]
pub(in crate::scrub::ottl) enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    Const(bool),
    Compare(Source, &'static str, Source),
    IsMatch(Source, Pattern),
    /// `IsString` and its kin.
    Is(Type, Source),
    /// `HasPrefix`, `HasSuffix`
    HasEdge {
        suffix: bool,
        of: Source,
        edge: Vec<u8>,
    },
    IsRootSpan,
}

/// The type that a value may have.
#[derive(Clone, Copy, Debug)]
pub(in crate::scrub::ottl) enum Type {
    Text,
    Bool,
    Int,
    Double,
    Map,
    List,
}

impl Test {
    /// Whether it is so.
    pub(in crate::scrub::ottl) fn holds(&self, scene: &mut Scene<'_, '_>) -> Result<bool, Unfit> {
        Ok(match self {
            Self::Any(tests) => {
                for test in tests {
                    if test.holds(scene)? {
                        return Ok(true);
                    }
                }
                false
            }
            Self::All(tests) => {
                for test in tests {
                    if !test.holds(scene)? {
                        return Ok(false);
                    }
                }
                true
            }
            Self::Not(test) => !test.holds(scene)?,
            Self::Const(value) => *value,
            Self::Compare(left, sign, right) => {
                let left = left.get(scene)?;
                let right = right.get(scene)?;
                compare(left.as_ref(), sign, right.as_ref())
            }
            Self::IsMatch(source, pattern) => match source.get(scene)? {
                None => false,
                Some(Value::Bytes(bytes)) => {
                    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    pattern.is_match(hex.as_bytes())
                }
                Some(value) => pattern.is_match(&render(&value)),
            },
            Self::Is(kind, source) => matches!(
                (kind, source.get(scene)?),
                (Type::Text, Some(Value::Text(_)))
                    | (Type::Bool, Some(Value::Bool(_)))
                    | (Type::Int, Some(Value::Int(_)))
                    | (Type::Double, Some(Value::Double(_)))
                    | (Type::Map, Some(Value::Map(_)))
                    | (Type::List, Some(Value::Array(_)))
            ),
            Self::HasEdge { suffix, of, edge } => match of.get(scene)? {
                Some(Value::Text(text)) if *suffix => text.ends_with(edge),
                Some(Value::Text(text)) => text.starts_with(edge),
                _ => return Err(Unfit("HasPrefix and HasSuffix want a text")),
            },
            Self::IsRootSpan => {
                let span = scene.record(RecordKind::Span)?;
                span.bytes("parent_span_id").is_none_or(|id| id.iter().all(|byte| *byte == 0))
            }
        })
    }
}

/// A condition on records of one kind, for those that route by it.
#[derive(Debug)]
pub struct Condition(Test);

impl Condition {
    /// Compiles a condition whose paths may leave the record out.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and what to write instead (may be empty).
    pub fn new(signal: Signal, kind: RecordKind, text: &str) -> Result<Self, (String, String)> {
        let site = Site { signal, kind, is_named: true };
        let parsed = parse::condition(text);
        let compiled = parsed.and_then(|parsed| compile::test(&parsed, site));
        compiled.map(Self).map_err(|fault| (fault.expected(), fault.advice))
    }

    /// Whether it is so. What cannot be asked is not.
    pub fn holds<'r>(&self, record: &mut Record<'r>, around: &mut [Record<'r>]) -> bool {
        self.0.holds(&mut Scene { own: record, around }).unwrap_or(false)
    }
}
