//! Who sent the text at some place of a request: its resource and its scope.
//!
//! Read only when a rule asks, which few do: a request is gone through once more, and
//! only down to its scopes.

use std::ops::Range;

use crate::scrub::Encoding;
use crate::scrub::Signal;
use crate::scrub::otlp::json;
use crate::scrub::otlp::schema;
use crate::scrub::otlp::wire;

/// Field numbers that are the same for every signal; a test holds them against the
/// schema. In a request: its resources.
const RESOURCES: u64 = 1;
/// In one of these: the resource itself, and the scopes below it.
const RESOURCE: u64 = 1;
const SCOPES: u64 = 2;
/// In a resource: its attributes.
const ATTRIBUTES: u64 = 1;
/// In one of the scopes: the scope itself; in that: its name.
const SCOPE: u64 = 1;
const SCOPE_NAME: u64 = 1;
/// In an attribute: key and value; in the value: a string.
const KEY: u64 = 1;
const VALUE: u64 = 2;
const STRING_VALUE: u64 = 1;

/// The resources of a request, by where they stand.
#[derive(Debug, Default)]
pub struct Origins {
    /// In the order of the request.
    pub(super) resources: Vec<ResourceAt>,
}

/// What stands under one resource.
#[derive(Debug, Default)]
pub(super) struct ResourceAt {
    pub(super) range: Range<usize>,
    pub(super) attributes: Vec<ResourceAttribute>,
    /// Where each scope reaches, and its names (a reader may take any).
    pub(super) scopes: Vec<(Range<usize>, Vec<Vec<u8>>)>,
}

/// A key and its value, where that is a string.
pub(super) type ResourceAttribute = (Vec<u8>, Option<Vec<u8>>);

/// Who sent a text.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'o> {
    resource: &'o ResourceAt,
    at: usize,
}

impl Origins {
    /// Reads the resources of a request. Of one that is malformed, what can be read.
    pub fn new(signal: Signal, encoding: Encoding, request: &[u8]) -> Self {
        let resources = match encoding {
            Encoding::Protobuf => resources(request),
            Encoding::Json => json::origins(request, schema::root(signal)),
        };
        Self { resources }
    }

    /// The `service.name` of each resource, in their order; empty where there is none.
    pub fn services(&self) -> Vec<String> {
        let name = |resource: &ResourceAt| {
            let mut named = resource.attributes.iter().filter(|(key, _)| key == b"service.name");
            let value = named.next_back().and_then(|(_, value)| value.as_deref());
            String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
        };
        self.resources.iter().map(name).collect()
    }

    /// Who sent the text at byte `at` of the request. `None` where it stands under no
    /// resource, as the string table of profiles does.
    pub fn at(&self, at: usize) -> Option<Origin<'_>> {
        let behind = self.resources.partition_point(|resource| resource.range.start <= at);
        let resource = self.resources.get(behind.checked_sub(1)?)?;
        resource.range.contains(&at).then_some(Origin { resource, at })
    }
}

impl<'o> Origin<'o> {
    /// The values of a resource attribute: none where there is no such attribute,
    /// several where it occurs several times, `None` for one that is no string.
    pub fn resource(&self, key: &str) -> impl Iterator<Item = Option<&'o [u8]>> {
        let attributes = self.resource.attributes.iter();
        attributes
            .filter(move |(name, _)| name == key.as_bytes())
            .map(|(_, value)| value.as_deref())
    }

    /// The names of the scope; none where the text stands in no scope.
    pub fn scope(&self) -> Option<&'o [Vec<u8>]> {
        let behind = self.resource.scopes.partition_point(|(range, _)| range.start <= self.at);
        let (range, names) = self.resource.scopes.get(behind.checked_sub(1)?)?;
        range.contains(&self.at).then_some(names)
    }
}

fn resources(request: &[u8]) -> Vec<ResourceAt> {
    messages(request, 0..request.len(), RESOURCES)
        .map(|range| {
            let attributes = messages(request, range.clone(), RESOURCE)
                .flat_map(|resource| messages(request, resource, ATTRIBUTES))
                .map(|attribute| pair(request, attribute))
                .collect();
            let scopes = messages(request, range.clone(), SCOPES)
                .map(|scoped| {
                    let names = messages(request, scoped.clone(), SCOPE)
                        .flat_map(|scope| messages(request, scope, SCOPE_NAME))
                        .map(|name| request.get(name).unwrap_or_default().to_vec());
                    (scoped.clone(), names.collect())
                })
                .collect();
            ResourceAt { range, attributes, scopes }
        })
        .collect()
}

fn pair(request: &[u8], attribute: Range<usize>) -> ResourceAttribute {
    let last = |number: u64, body: Range<usize>| messages(request, body, number).last();
    let text = |range: Range<usize>| request.get(range).unwrap_or_default().to_vec();
    let key = last(KEY, attribute.clone()).map(text).unwrap_or_default();
    let value = last(VALUE, attribute).and_then(|value| last(STRING_VALUE, value)).map(text);
    (key, value)
}

/// The contents of each length-delimited field of this number.
fn messages(request: &[u8], body: Range<usize>, number: u64) -> impl Iterator<Item = Range<usize>> {
    let bytes = request.get(..body.end).unwrap_or_default();
    wire::fields(bytes, body.start)
        .map_while(Result::ok)
        .filter(move |field| field.tag == number << 3 | 2)
        .map(|field| field.contents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrub::otlp::json_to_protobuf;
    use crate::scrub::otlp::schema::Kind;
    use crate::scrub::otlp::schema::Message;
    use crate::scrub::otlp::schema::root;

    fn inner(message: &'static Message, number: u64, name: &str) -> &'static Message {
        let field = message.field(number).expect("in the schema");
        assert!(field.name.starts_with(name), "{} is not {name}", field.name);
        match field.kind {
            Kind::Message(inner) => inner,
            _ => panic!("{name} is no message"),
        }
    }

    #[test]
    fn the_numbers_are_those_of_the_schema() {
        for signal in Signal::ALL {
            let below = inner(root(signal), RESOURCES, "resource_");
            let resource = inner(below, RESOURCE, "resource");
            let attribute = inner(resource, ATTRIBUTES, "attributes");
            assert_eq!(attribute.field(KEY).expect("in the schema").name, "key");
            let value = inner(attribute, VALUE, "value");
            assert_eq!(value.field(STRING_VALUE).expect("in the schema").name, "string_value");
            let scope = inner(inner(below, SCOPES, "scope_"), SCOPE, "scope");
            assert_eq!(scope.field(SCOPE_NAME).expect("in the schema").name, "name");
        }
    }

    #[test]
    fn a_text_is_from_the_resource_and_the_scope_that_it_stands_in() {
        let record = |text: &str| format!(r#"{{"body":{{"stringValue":"{text}"}}}}"#);
        let resource = |name: &str, scope: &str, text: &str| {
            format!(
                r#"{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"{name}"}}}},{{"key":"n","value":{{"intValue":5}}}}]}},"scopeLogs":[{{"scope":{{"name":"{scope}"}},"logRecords":[{}]}}]}}"#,
                record(text)
            )
        };
        let json = format!(
            r#"{{"resourceLogs":[{},{}]}}"#,
            resource("shop", "io.shop", "FIRST"),
            resource("b\\u0061nk", "io.bank", "SECOND")
        );
        let protobuf = json_to_protobuf(Signal::Logs, json.as_bytes()).expect("OTLP");
        for (encoding, bytes) in
            [(Encoding::Json, json.as_bytes()), (Encoding::Protobuf, protobuf.as_slice())]
        {
            let origins = Origins::new(Signal::Logs, encoding, bytes);
            for (text, name, scope) in [("FIRST", "shop", "io.shop"), ("SECOND", "bank", "io.bank")]
            {
                let at = memchr::memmem::find(bytes, text.as_bytes()).expect("stands there");
                let origin = origins.at(at).expect("has a resource");
                let names: Vec<_> = origin.resource("service.name").collect();
                assert_eq!(names, [Some(name.as_bytes())], "{encoding:?}");
                assert_eq!(origin.resource("n").collect::<Vec<_>>(), [None], "{encoding:?}");
                assert_eq!(origin.scope(), Some(&[scope.as_bytes().to_vec()][..]));
            }
            assert!(origins.at(bytes.len()).is_none());
        }
    }
}
