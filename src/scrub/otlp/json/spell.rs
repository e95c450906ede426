//! Spells a map or an array of an OTLP/JSON request for the judge.

use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::json::Member;
use crate::scrub::otlp::json::Walker;
use crate::scrub::otlp::json::named;
use crate::scrub::otlp::json::next;
use crate::scrub::otlp::json::next_member;
use crate::scrub::otlp::json::string::decode;
use crate::scrub::otlp::json::tape::Token;
use crate::scrub::otlp::json::tape::TokenKind;
use crate::scrub::otlp::path::Leaf;
use crate::scrub::otlp::path::Path;
use crate::scrub::otlp::schema::ANY_VALUE;
use crate::scrub::otlp::schema::Field;
use crate::scrub::otlp::schema::Kind;
use crate::scrub::otlp::schema::Message;
use crate::scrub::otlp::schema::common::KEY_VALUE;
use crate::scrub::otlp::spelled;
use crate::scrub::otlp::spelled::Spelled;

impl<J: Judge> Walker<'_, J> {
    /// Shows the judge a map or an array that stands in no other, if it wants to see it
    /// as a whole. `message` is what the object at `at` holds, as the value of `field`.
    pub(super) fn spell(
        &mut self,
        field: &'static Field,
        message: &'static Message,
        at: usize,
        token: Token,
    ) {
        let range = token.whole();
        if !message.is_container() || range.start < self.spelled {
            return;
        }
        self.spelled = range.end;
        if spelled::VALUE_BYTES_MAX < range.len() || !self.judge.wants_whole(range.clone()) {
            return;
        }
        let Some(parent) = self.stack.last() else { return };
        let (kind, context) = (parent.place(field), parent.context);
        let mut spelled = Spelled::default();
        let speller = Speller { json: self.request, tape: self.tape };
        speller.container(field.name == "kvlist_value", message, at, 0, &mut spelled);
        let path =
            Path { steps: &self.stack, leaf: Leaf::Message, request: self.request, keys: true };
        let place = Place { kind, at: range.start, context, element: None, path: &path };
        self.judge.whole(&spelled, range, &place);
    }
}

#[derive(Clone, Copy)]
struct Speller<'j> {
    json: &'j [u8],
    tape: &'j [Token],
}

impl Speller<'_> {
    /// Spells the map or array whose object has the index `at`.
    fn container(
        self,
        is_map: bool,
        message: &'static Message,
        at: usize,
        depth: usize,
        out: &mut Spelled,
    ) {
        out.bracket(if is_map { b'{' } else { b'[' });
        for (_, list) in self.members(message, at) {
            let end = self.tape.get(list.at).map_or(0, Token::next);
            let mut entries = list.at + 1..end;
            while list.value.kind == TokenKind::Array
                && let Some((at, _)) = next(self.tape, &mut entries)
            {
                if is_map { self.entry(at, depth, out) } else { self.value(at, depth, out) }
            }
        }
        out.bracket(if is_map { b'}' } else { b']' });
    }

    fn entry(self, at: usize, depth: usize, out: &mut Spelled) {
        let members = self.members(&KEY_VALUE, at);
        let last = |name: &str| members.iter().rfind(|(field, _)| field.name == name);
        let key = last("key").map(|(_, member)| member.value).filter(Token::is_string);
        out.key(&key.map(|key| self.decoded(&key)).unwrap_or_default());
        match last("value") {
            Some((_, member)) => self.value(member.at, depth, out),
            None => out.other(),
        }
    }

    /// Spells the `AnyValue` whose token has the index `at`.
    fn value(self, at: usize, depth: usize, out: &mut Spelled) {
        match self.members(&ANY_VALUE, at).last() {
            Some((Field { name: "string_value", .. }, member)) if member.value.is_string() => {
                out.string(member.value.range().start, &self.decoded(&member.value));
            }
            Some((field @ Field { name: "array_value" | "kvlist_value", .. }, member))
                if depth < spelled::DEPTH_MAX =>
            {
                let is_map = field.name == "kvlist_value";
                let Kind::Message(message) = field.kind else { return out.other() };
                self.container(is_map, message, member.at, depth + 1, out);
            }
            _ => out.other(),
        }
    }

    /// The members of the object at `at` that the schema knows.
    fn members(self, message: &'static Message, at: usize) -> Vec<(&'static Field, Member)> {
        let Some(object) = self.tape.get(at).filter(|token| token.kind == TokenKind::Object) else {
            return Vec::new();
        };
        let mut members = at + 1..object.next();
        let all = std::iter::from_fn(|| next_member(self.tape, &mut members));
        all.filter_map(|member| Some((named(message, self.json, &member)?, member))).collect()
    }

    fn decoded(self, token: &Token) -> Vec<u8> {
        decode(self.json.get(token.range()).unwrap_or_default()).into_owned()
    }
}
