//! Values of records, and how they compare.

use std::borrow::Cow;
use std::cmp::Ordering;

use sha2::Digest;
use sha2::Sha256;

use crate::scrub::matching::same;
use crate::scrub::otlp::alter::Entry;
use crate::scrub::otlp::alter::Pair;
use crate::scrub::otlp::alter::Record;
use crate::scrub::otlp::alter::RecordKind;
use crate::scrub::otlp::alter::Value;
use crate::scrub::otlp::alter::render;
use crate::scrub::ottl::Unfit;
use crate::scrub::ottl::parse::Key;
use crate::scrub::ottl::place::Access;
use crate::scrub::ottl::place::Field;

/// A record and those that it stands in.
pub(in crate::scrub::ottl) struct Scene<'s, 'r> {
    pub(in crate::scrub::ottl) own: &'s mut Record<'r>,
    pub(in crate::scrub::ottl) around: &'s mut [Record<'r>],
}

impl<'r> Scene<'_, 'r> {
    /// The record of a kind: itself, or the innermost around it.
    pub(in crate::scrub::ottl) fn record(
        &mut self,
        kind: RecordKind,
    ) -> Result<&mut Record<'r>, Unfit> {
        if self.own.kind() == kind {
            return Ok(self.own);
        }
        let record = self.around.iter_mut().rev().find(|record| record.kind() == kind);
        record.ok_or(Unfit("there is no such record around it"))
    }
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(in crate::scrub::ottl) enum Source {
    Literal(Option<Value<'static>>),
    Field(Access),
    /// `SHA256(…)`
    Sha256(Box<Source>),
}

/// The names of what a metric holds, in the order of their numbers from 1.
const DATA: &[&str] = &["gauge", "sum", "histogram", "exponential_histogram", "summary"];

impl Source {
    /// The value; `None` is `nil`.
    pub(in crate::scrub::ottl) fn get<'r>(
        &self,
        scene: &mut Scene<'_, 'r>,
    ) -> Result<Option<Value<'r>>, Unfit> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Field(access) => access.get(scene),
            Self::Sha256(inner) => match inner.get(scene)? {
                Some(Value::Text(text)) => Ok(Some(Value::text(sha256(&text)))),
                _ => Err(Unfit("SHA256 wants a text")),
            },
        }
    }
}

/// SHA-256 in hexadecimal digits.
pub(in crate::scrub::ottl) fn sha256(text: &[u8]) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Access {
    fn get<'r>(&self, scene: &mut Scene<'_, 'r>) -> Result<Option<Value<'r>>, Unfit> {
        let record = scene.record(self.owner)?;
        let text = |text: Option<Cow<'_, [u8]>>| {
            Value::text(text.map(Cow::into_owned).unwrap_or_default())
        };
        Ok(Some(match self.field {
            Field::Attributes => {
                let attributes = record.attributes();
                let Some((Key::Text(first), rest)) = self.keys.split_first() else {
                    return Ok(Some(Value::Map(attributes.iter().map(pair).collect())));
                };
                let Some(entry) = attributes.get(first) else { return Ok(None) };
                return within(entry.value(), rest);
            }
            Field::Body => return within(record.body().clone(), &self.keys),
            Field::BodyText => Value::text(render(record.body()).into_owned()),
            Field::Text(name) => text(record.text(name)),
            Field::StatusMessage => text(record.text_in("status", "message")),
            Field::Number(name) => Value::Int(record.number(name).unwrap_or(0).cast_signed()),
            Field::StatusCode => {
                Value::Int(record.number_in("status", "code").unwrap_or(0).cast_signed())
            }
            Field::MetricType => {
                let last = record.last_of(DATA);
                let position = last.and_then(|name| DATA.iter().position(|one| *one == name));
                Value::Int(position.and_then(|at| i64::try_from(at + 1).ok()).unwrap_or(0))
            }
        }))
    }
}

fn pair<'r>(entry: &Entry<'r>) -> Pair<'r> {
    Pair { key: Cow::Owned(entry.key().to_vec()), key_index: 0, value: entry.value() }
}

/// What stands behind keys in a value.
fn within<'r>(mut value: Value<'r>, keys: &[Key]) -> Result<Option<Value<'r>>, Unfit> {
    for key in keys {
        value = match (value, key) {
            (Value::Map(pairs), Key::Text(key)) => {
                match pairs.into_iter().find(|pair| *pair.key == **key) {
                    Some(pair) => pair.value,
                    None => return Ok(None),
                }
            }
            (Value::Array(values), Key::Index(at)) => {
                let at = usize::try_from(*at).map_err(|_| Unfit("an index below zero"))?;
                values.into_iter().nth(at).ok_or(Unfit("an index behind the end"))?
            }
            _ => return Err(Unfit("this value has no such keys")),
        };
    }
    Ok(match value {
        Value::Empty | Value::Index(_) => None,
        value => Some(value),
    })
}

/// Compares two values, of which either may be `nil`, as OTTL does: what cannot be
/// compared is not equal, and neither less nor greater.
pub(in crate::scrub::ottl) fn compare(
    a: Option<&Value<'_>>,
    sign: &str,
    b: Option<&Value<'_>>,
) -> bool {
    // Go has no bytes where there are none.
    let some = |value: &&Value<'_>| !matches!(value, Value::Bytes(bytes) if bytes.is_empty());
    let (a, b) = (a.filter(some), b.filter(some));
    let ordering = match (a, b) {
        (None, None) => Some(Ordering::Equal),
        (Some(a), Some(b)) => match (a, b) {
            (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Value::Int(a), Value::Double(b)) => real(*a).partial_cmp(b),
            (Value::Double(a), Value::Int(b)) => a.partial_cmp(&real(*b)),
            (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
            (Value::Text(a), Value::Text(b)) | (Value::Bytes(a), Value::Bytes(b)) => Some(a.cmp(b)),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Map(_), Value::Map(_)) | (Value::Array(_), Value::Array(_)) => {
                return match sign {
                    "==" => same(a, b),
                    "!=" => !same(a, b),
                    _ => false,
                };
            }
            _ => None,
        },
        _ => None,
    };
    match (sign, ordering) {
        ("!=", ordering) => ordering != Some(Ordering::Equal),
        (_, None) => false,
        ("==", Some(ordering)) => ordering.is_eq(),
        ("<", Some(ordering)) => ordering.is_lt(),
        ("<=", Some(ordering)) => ordering.is_le(),
        (">", Some(ordering)) => ordering.is_gt(),
        (_, Some(ordering)) => ordering.is_ge(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "as in the Collector")]
fn real(value: i64) -> f64 {
    value as f64
}
