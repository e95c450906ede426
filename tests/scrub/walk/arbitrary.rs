//! Arbitrary requests: any field of any message, by reflection.

use otel_redact::scrub::Signal;
use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::DynamicMessage;
use prost_reflect::FieldDescriptor;
use prost_reflect::Kind;
use prost_reflect::MessageDescriptor;
use prost_reflect::Value;

use crate::walk::oracle;

/// A source of choices that shrinks: proptest gives the numbers, and an exhausted
/// source chooses the first of everything.
struct Choices<'a> {
    numbers: &'a [u8],
    at: usize,
    /// What strings are.
    texts: &'a [&'a str],
}

impl Choices<'_> {
    fn below(&mut self, limit: usize) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(number) % limit
    }

    fn bits(&mut self) -> u64 {
        let mut bytes = [0; 8];
        for byte in &mut bytes {
            *byte = u8::try_from(self.below(256)).expect("below 256");
        }
        u64::from_le_bytes(bytes)
    }
}

/// Any signal.
pub(crate) fn signal() -> impl Strategy<Value = Signal> {
    proptest::sample::select(Signal::ALL.to_vec())
}

/// A request in protobuf.
#[derive(Clone)]
pub(crate) struct Sample {
    pub(crate) signal: Signal,
    pub(crate) bytes: Vec<u8>,
}

impl std::fmt::Debug for Sample {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}", self.signal, self.bytes.escape_ascii())
    }
}

/// A request of any signal.
pub(crate) fn request() -> impl Strategy<Value = Sample> {
    request_of(&TEXTS)
}

/// A request of any signal whose strings are among these.
pub(crate) fn request_of(texts: &'static [&'static str]) -> impl Strategy<Value = Sample> {
    (signal(), proptest::collection::vec(any::<u8>(), 0..400)).prop_map(|(signal, numbers)| {
        let mut choices = Choices { numbers: &numbers, at: 0, texts };
        let message = message(oracle::request(signal), &mut choices, 0);
        Sample { signal, bytes: message.encode_to_vec() }
    })
}

const TEXTS: [&str; 12] = [
    "",
    "SECRET",
    "a",
    "xSECRETSECRETx",
    "password",
    "db.password",
    "http.request.method",
    "Grüße SECRET 世界",
    "a longer text that holds a SECRET and that is long enough to need two bytes of length, \
     since its length is above one hundred and twenty-seven",
    "{\"json\": \"SE\\u0043RET \\\"SECRET\\\"\"}",
    "\u{0}\u{1}\n\t\u{7f}",
    "[masked]",
];

fn message(
    descriptor: MessageDescriptor,
    choices: &mut Choices<'_>,
    depth: usize,
) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        let is_message = matches!(field.kind(), Kind::Message(_));
        // Outer messages are there more often than not, so that something is.
        let likely = if depth < 4 && is_message { 7 } else { 3 };
        if likely <= choices.below(8) || (is_message && 12 < depth) {
            continue;
        }
        if field.is_list() {
            let len = 1 + choices.below(3);
            let values = (0..len).map(|_| value(&field, choices, depth)).collect();
            message.set_field(&field, Value::List(values));
        } else {
            let value = value(&field, choices, depth);
            message.set_field(&field, value);
        }
    }
    message
}

fn value(field: &FieldDescriptor, choices: &mut Choices<'_>, depth: usize) -> Value {
    match field.kind() {
        Kind::String => Value::String(choices.texts[choices.below(choices.texts.len())].to_owned()),
        Kind::Bytes => Value::Bytes(bytes(field.name(), choices).into()),
        Kind::Bool => Value::Bool(choices.below(2) == 1),
        Kind::Int32 if field.name().ends_with("strindex") => {
            Value::I32(i32::try_from(choices.below(5)).expect("small"))
        }
        #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
        Kind::Int32 | Kind::Sint32 => Value::I32(choices.bits() as i32),
        Kind::Int64 | Kind::Sfixed64 => Value::I64(choices.bits().cast_signed()),
        #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
        Kind::Uint32 | Kind::Fixed32 => Value::U32(choices.bits() as u32),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(choices.bits()),
        Kind::Double => Value::F64(match choices.below(6) {
            0 => 0.0,
            1 => -0.0,
            2 => f64::INFINITY,
            3 => f64::NEG_INFINITY,
            _ => f64::from(u32::try_from(choices.bits() >> 40).expect("24 bits")) / 8.0,
        }),
        Kind::Enum(_) => Value::EnumNumber(i32::try_from(choices.below(9)).expect("small")),
        Kind::Message(inner) => Value::Message(message(inner, choices, depth + 1)),
        kind => panic!("OTLP has no {kind:?}"),
    }
}

fn bytes(name: &str, choices: &mut Choices<'_>) -> Vec<u8> {
    let len = match name {
        "trace_id" | "profile_id" => [0, 16][choices.below(2)],
        "span_id" | "parent_span_id" => [0, 8][choices.below(2)],
        _ => return [&b"\xff\xfe SECRET"[..], b"", b"plain", b"SECRET"][choices.below(4)].to_vec(),
    };
    (0..len).map(|_| u8::try_from(choices.below(64)).expect("small")).collect()
}
