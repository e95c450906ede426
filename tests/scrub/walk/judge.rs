//! Judges that are easy to predict.

use otel_redact::scrub::otlp::Context;
use otel_redact::scrub::otlp::Judge;
use otel_redact::scrub::otlp::Outline;
use otel_redact::scrub::otlp::Place;
use otel_redact::scrub::otlp::Replacement;
use otel_redact::scrub::otlp::Scalar;
use otel_redact::scrub::otlp::Shown;

/// What the toy judge looks for.
pub(crate) const SECRET: &str = "SECRET";
/// What it puts there.
pub(crate) const MASK: &str = "[masked]";
/// The context of a value under a secret key.
pub(crate) const UNDER_SECRET: Context = Context(1);

/// Replaces each `SECRET` in a text, and everything under a key that holds
/// `password`.
#[derive(Default)]
pub(crate) struct Toy {
    /// Everything that was shown, in order.
    pub(crate) seen: Vec<Seen>,
    /// The keys that were shown as such.
    pub(crate) keys: Vec<String>,
    /// How often a request began.
    pub(crate) begun: usize,
    request: Vec<u8>,
}

/// A text or a scalar that was shown.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) text: String,
    pub(crate) at: Option<usize>,
    pub(crate) kind: &'static str,
    pub(crate) context: Context,
    pub(crate) element: Option<usize>,
    pub(crate) path: String,
}

impl Toy {
    /// The paths and texts that were shown, as `path = text`.
    pub(crate) fn rows(&self) -> Vec<String> {
        self.seen.iter().map(|seen| format!("{} = {}", seen.path, seen.text)).collect()
    }

    fn note(&mut self, text: String, at: Option<usize>, place: &Place<'_>) {
        self.seen.push(Seen {
            text,
            at,
            kind: place.kind,
            context: place.context,
            element: place.element,
            path: place.path.to_string(),
        });
    }
}

/// Where `SECRET` stands in `text`.
pub(crate) fn secrets(text: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + SECRET.len() <= text.len() {
        if text[at..].starts_with(SECRET.as_bytes()) {
            found.push(at);
            at += SECRET.len();
        } else {
            at += 1;
        }
    }
    found
}

/// What a text becomes.
pub(crate) fn masked(text: &[u8], context: Context) -> Vec<u8> {
    if context == UNDER_SECRET && text != MASK.as_bytes() {
        return MASK.into();
    }
    let mut out = Vec::new();
    let mut at = 0;
    for start in secrets(text) {
        out.extend_from_slice(&text[at..start]);
        out.extend_from_slice(MASK.as_bytes());
        at = start + SECRET.len();
    }
    out.extend_from_slice(&text[at..]);
    out
}

/// What a key says.
pub(crate) fn says(key: &[u8], outer: Context) -> Context {
    if key.windows(8).any(|word| word == b"password") { UNDER_SECRET } else { outer }
}

impl Judge for Toy {
    fn begin(&mut self, request: &[u8], _: Option<Outline<'_>>) {
        self.begun += 1;
        self.request = request.to_vec();
    }

    fn key(&mut self, key: Shown<'_>, outer: Context) -> Context {
        self.keys.push(String::from_utf8_lossy(key.bytes).into_owned());
        says(key.bytes, outer)
    }

    fn text(&mut self, text: Shown<'_>, place: &Place<'_>, found: &mut Vec<Replacement>) {
        if let Some(at) = text.at {
            assert_eq!(&self.request[at..at + text.bytes.len()], text.bytes, "the offset is right");
        }
        self.note(String::from_utf8_lossy(text.bytes).into_owned(), text.at, place);
        if place.context == UNDER_SECRET {
            if text.bytes != MASK.as_bytes() {
                found.push(Replacement { range: 0..text.bytes.len(), bytes: MASK.into() });
            }
            return;
        }
        for start in secrets(text.bytes) {
            found.push(Replacement { range: start..start + SECRET.len(), bytes: MASK.into() });
        }
    }

    fn scalar(&mut self, value: Scalar, place: &Place<'_>) -> Option<Vec<u8>> {
        assert_ne!(place.context, Context::default(), "scalars are shown only under a key");
        self.note(format!("{value:?}"), None, place);
        (place.context == UNDER_SECRET).then(|| MASK.into())
    }
}

/// Finds nothing.
pub(crate) struct Nothing;

impl Judge for Nothing {
    fn begin(&mut self, _: &[u8], _: Option<Outline<'_>>) {}

    fn key(&mut self, _key: Shown<'_>, _outer: Context) -> Context {
        Context(1)
    }

    fn text(&mut self, _text: Shown<'_>, _place: &Place<'_>, _found: &mut Vec<Replacement>) {}

    fn scalar(&mut self, _value: Scalar, _place: &Place<'_>) -> Option<Vec<u8>> {
        None
    }
}
