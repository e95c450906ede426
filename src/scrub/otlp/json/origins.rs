//! The resources of a JSON request, by where they stand.

use std::ops::Range;

use crate::scrub::otlp::WalkOptions;
use crate::scrub::otlp::json::json_depth_max;
use crate::scrub::otlp::json::named;
use crate::scrub::otlp::json::next;
use crate::scrub::otlp::json::next_member;
use crate::scrub::otlp::json::string::decode;
use crate::scrub::otlp::json::tape;
use crate::scrub::otlp::json::tape::Token;
use crate::scrub::otlp::json::tape::TokenKind;
use crate::scrub::otlp::origins::ResourceAt;
use crate::scrub::otlp::origins::ResourceAttribute;
use crate::scrub::otlp::schema::Field;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;

/// The resources; none where the text is no JSON.
pub(in crate::scrub::otlp) fn origins(json: &[u8], root: &'static Message) -> Vec<ResourceAt> {
    let depth = json_depth_max(WalkOptions::default().depth_max);
    let Ok(tape) = tape::read(json, depth) else { return Vec::new() };
    let reader = Reader { json, tape: &tape };
    let whole = Object { message: root, at: 0 };
    let of_resource = |name: &str| name.starts_with("resource_");
    reader.objects(whole, of_resource).into_iter().map(|object| reader.resource(object)).collect()
}

/// An object: its type, and the index of its token.
#[derive(Clone, Copy)]
struct Object {
    message: &'static Message,
    at: usize,
}

struct Reader<'j> {
    json: &'j [u8],
    tape: &'j [Token],
}

impl Reader<'_> {
    fn resource(&self, object: Object) -> ResourceAt {
        let attributes = self
            .objects(object, |name| name == "resource")
            .into_iter()
            .flat_map(|resource| self.objects(resource, |name| name == "attributes"))
            .map(|attribute| self.pair(attribute))
            .collect();
        let scopes = self.objects(object, |name| name.starts_with("scope_")).into_iter();
        let scopes = scopes.map(|scoped| {
            let scopes = self.objects(scoped, |name| name == "scope").into_iter();
            let names = scopes.flat_map(|scope| self.texts(scope, "name"));
            (self.range(scoped), names.collect())
        });
        ResourceAt { range: self.range(object), attributes, scopes: scopes.collect() }
    }

    fn pair(&self, attribute: Object) -> ResourceAttribute {
        let key = self.texts(attribute, "key").pop().unwrap_or_default();
        let value = self.objects(attribute, |name| name == "value").pop();
        (key, value.and_then(|value| self.texts(value, "string_value").pop()))
    }

    /// The objects that are members of `object` under such a name, or elements of a
    /// list that is.
    fn objects(&self, object: Object, wanted: impl Fn(&str) -> bool) -> Vec<Object> {
        let mut objects = Vec::new();
        for (field, at) in self.members(object).filter(|(field, _)| wanted(field.name)) {
            let Kind::Message(message) = field.kind else { continue };
            match self.tape.get(at) {
                Some(token) if token.kind == TokenKind::Object => {
                    objects.push(Object { message, at });
                }
                Some(token) if token.kind == TokenKind::Array => {
                    let mut elements = at + 1..token.next();
                    while let Some((at, element)) = next(self.tape, &mut elements) {
                        if element.kind == TokenKind::Object {
                            objects.push(Object { message, at });
                        }
                    }
                }
                _ => {}
            }
        }
        objects
    }

    fn texts(&self, object: Object, name: &str) -> Vec<Vec<u8>> {
        let members = self.members(object).filter(|(field, _)| field.name == name);
        let tokens = members.filter_map(|(_, at)| self.tape.get(at)).filter(|t| t.is_string());
        tokens
            .map(|token| decode(self.json.get(token.range()).unwrap_or_default()).into_owned())
            .collect()
    }

    /// The members that the schema knows, with the index of their value.
    fn members(&self, object: Object) -> impl Iterator<Item = (&'static Field, usize)> {
        let end = self.tape.get(object.at).map_or(0, Token::next);
        let mut members = object.at + 1..end;
        let all = std::iter::from_fn(move || next_member(self.tape, &mut members));
        all.filter_map(move |member| {
            named(object.message, self.json, &member).map(|field| (field, member.at))
        })
    }

    fn range(&self, object: Object) -> Range<usize> {
        self.tape.get(object.at).map(Token::whole).unwrap_or_default()
    }
}
