//! What a statement may bring to light behind a scrubber.
//!
//! Most cannot: they remove, cut, compare, or put in what the configuration says. Two can.
//! One moves a value under a key that tells of a secret: where it stood, nothing told of it.
//! One takes out what stood between two pieces of a text: the pieces may be a credential, of
//! which no rule has seen the whole.

use crate::scrub::ottl::edit::Act;
use crate::scrub::ottl::edit::Edit;
use crate::scrub::ottl::edit::MapAct;
use crate::scrub::ottl::edit::Replacement;
use crate::scrub::ottl::parse::Key;
use crate::scrub::ottl::place::Access;
use crate::scrub::ottl::place::Field;
use crate::scrub::ottl::value::Source;
use crate::scrub::re2::Pattern;

/// Whether a value under this key is looked at for the name of the key alone.
pub(in crate::scrub) type Tells<'a> = &'a dyn Fn(&[u8]) -> bool;

/// What `edit` may bring to light, if anything.
pub(in crate::scrub::ottl) fn reopens(edit: &Edit, tells: Tells<'_>) -> Option<String> {
    match &edit.act {
        Act::Set(source) => moves(source, &edit.target, tells),
        Act::ReplacePattern(pattern, replacement)
        | Act::OnMap(MapAct::ReplaceInValues(pattern, replacement)) => joins(pattern, replacement)
            .then(|| {
                "it joins pieces of a text, which may be a credential of which no rule has seen \
                 the whole"
                    .to_owned()
            }),
        Act::OnMap(MapAct::ReplaceInKeys(pattern, replacement)) => {
            let text = &replacement.template;
            let is_new = !replacement.hashed && (tells(text) || joins(pattern, replacement));
            is_new.then(|| {
                "it gives attributes names that may tell of a secret, and no rule has looked at \
                 them under these"
                    .to_owned()
            })
        }
        Act::ReplaceMatch(..)
        | Act::OnMap(
            MapAct::ReplaceMatches(..)
            | MapAct::DeleteKey(_)
            | MapAct::DeleteMatching(_)
            | MapAct::Keep(_)
            | MapAct::KeepMatching(_)
            | MapAct::Truncate { .. }
            | MapAct::Limit { .. },
        ) => None,
    }
}

/// Whether a value of the telemetry comes under a key that tells, from where none did.
fn moves(source: &Source, target: &Access, tells: Tells<'_>) -> Option<String> {
    let Source::Field(from) = source else { return None };
    let is_text = !matches!(from.field, Field::Number(_) | Field::StatusCode | Field::MetricType);
    let told = |access: &Access| keys(access).any(tells);
    let to = keys(target).find(|key| tells(key)).filter(|_| is_text && !told(from))?;
    Some(under(to))
}

/// What it means that a value comes under a key that tells of a secret.
pub fn under(key: &[u8]) -> String {
    let key = String::from_utf8_lossy(key);
    format!("it puts a value under the key `{key}`, which no rule has seen there")
}

fn keys(access: &Access) -> impl Iterator<Item = &[u8]> {
    access.keys.iter().filter_map(|key| match key {
        Key::Text(key) => Some(key.as_slice()),
        Key::Index(_) => None,
    })
}

/// A piece of what a replacement writes, or of what stands around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    /// What stands before the match.
    Before,
    /// A group of the match.
    Group,
    /// What the configuration says.
    Own,
}

/// Whether two pieces of the telemetry come to stand beside each other that did not.
fn joins(pattern: &Pattern, replacement: &Replacement) -> bool {
    if replacement.hashed {
        return false;
    }
    let pattern = pattern.as_str();
    // Without the flags in front, which say nothing of borders.
    let start = pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')'));
    let start = start.filter(|(flags, _)| flags.chars().all(|c| "imsU".contains(c)));
    let pattern = start.map_or(pattern, |(_, rest)| rest);
    let ends = |end: &str| pattern.ends_with(end) && !pattern.ends_with(&format!("\\{end}"));
    let is_first = pattern.starts_with('^');
    let is_last = [".*", ".+", "$", ".*)", ".+)"].into_iter().any(ends);
    let mut last = if is_first { Piece::Own } else { Piece::Before };
    for piece in pieces(&replacement.template) {
        match (last, piece) {
            (Piece::Before, Piece::Group) if pattern.starts_with('(') => {}
            (Piece::Before | Piece::Group, Piece::Group) => return true,
            _ => {}
        }
        last = piece;
    }
    match last {
        Piece::Own => false,
        _ if is_last => false,
        Piece::Group => !pattern.ends_with(')') || pattern.ends_with("\\)"),
        Piece::Before => true,
    }
}

/// The groups and the own words of a template, in order.
fn pieces(template: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = template;
    while let Some((first, behind)) = rest.split_first() {
        let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'{';
        let len = match (first, behind) {
            (b'$', [b'$', ..]) => 1,
            (b'$', [byte, ..]) if is_name(byte) => {
                pieces.push(Piece::Group);
                let is_inside = |byte: &&u8| is_name(byte) || **byte == b'}';
                rest = behind.get(behind.iter().take_while(is_inside).count()..).unwrap_or(&[]);
                continue;
            }
            _ => 0,
        };
        pieces.push(Piece::Own);
        rest = behind.get(len..).unwrap_or(&[]);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pattern: &str, template: &str) -> bool {
        let replacement = Replacement {
            template: template.as_bytes().to_vec(),
            hashed: false,
            around: (String::new(), String::new()),
        };
        joins(&Pattern::new(pattern).unwrap(), &replacement)
    }

    #[test]
    fn what_stood_beside_each_other_may_stand_so_again() {
        for (pattern, template, expected) in [
            ("token=[^&]*", "token=***", false),
            ("(token=)[^&]*", "$1***", false),
            ("(?i)(token=)[^&]*", "${1}***", false),
            ("\\?.*", "", false),
            ("^https?://", "", false),
            ("-", "", true),
            ("[ -]", "_", false),
            ("[ -]", "$$", false),
            ("(a)-(b)", "$1$2", true),
            ("(a)-(b)", "$1 $2", false),
            ("^user=(.*)", "$1", false),
            ("user=(.*)", "$1", true),
            ("user:([^@]*)@", "$1", true),
        ] {
            assert_eq!(joined(pattern, template), expected, "{pattern} {template}");
        }
    }
}
