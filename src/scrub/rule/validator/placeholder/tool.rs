//! Stand-ins that a tool puts a value in the place of, as its own syntax writes them.

use crate::scrub::rule::validator::looks_random;

/// How long a stand-in is at most, in bytes.
const LEN_MAX: usize = 120;

/// `@jwt.secret@` (Maven, Autoconf), `$__file{/etc/x}` (Grafana), `%{lookup('x')}` (Hiera), `[Some
/// token]` (documentation).
pub(super) fn is_of_tool(text: &str) -> bool {
    if LEN_MAX < text.len() {
        return false;
    }
    let inside =
        |open: &str, close: &str| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    match text.as_bytes() {
        [b'@', ..] => inside("@", "@").is_some_and(is_filtered_name),
        [b'$', b'a'..=b'z', ..] if is_interpolated_name(text) => true,
        [b'$', b'_', b'_', ..] => inside("$__", "}").is_some_and(is_call_in_braces),
        [b'%', b'{', ..] => is_interpolated(text.get(2..).unwrap_or_default()),
        [b'[', ..] => inside("[", "]").is_some_and(is_named_in_brackets),
        _ => false,
    }
}

/// `jwt.secret`, `DB_PASSWORD`: a name of words that a sign joins, or of capitals.
fn is_filtered_name(name: &str) -> bool {
    let is_joined = name.contains(['.', '_']) || !name.contains(|c: char| c.is_ascii_lowercase());
    let of_name = |character: char| character.is_ascii_alphabetic() || "._-".contains(character);
    is_joined && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(of_name)
}

/// `file{/etc/secrets/x`, `env{NAME`: the name of a provider, and what it is asked for.
fn is_call_in_braces(call: &str) -> bool {
    let Some((name, asked)) = call.split_once('{') else { return false };
    let of_asked =
        |character: char| character.is_ascii_alphanumeric() || "/._:-".contains(character);
    !name.is_empty()
        && name.chars().all(|character| character.is_ascii_lowercase())
        && asked.chars().all(of_asked)
        && !looks_random(asked.as_bytes())
}

/// `lookup('vault::mysql_root')}`, `facts.x}`: a call with the name that it looks up, perhaps cut at
/// its quote, or a path of names.
fn is_interpolated(text: &str) -> bool {
    let Some((name, argument)) = text.split_once('(') else {
        return text.strip_suffix('}').is_some_and(is_path_of_names);
    };
    let ends: &[char] = &['"', '\'', '\\', ')', '}'];
    let of_name = |character: char| character.is_ascii_alphabetic() || "_.:-/".contains(character);
    is_path_of_names(name) && argument.trim_matches(ends).chars().all(of_name)
}

fn is_path_of_names(name: &str) -> bool {
    let of_name = |character: char| character.is_ascii_alphabetic() || "_.:".contains(character);
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(of_name)
}

/// A dollar sign and the name of a variable for a secret that a string takes in, as Groovy, Kotlin
/// and PHP do: `$mavenSecret`, `$db_password`.
fn is_interpolated_name(name: &str) -> bool {
    const ENDS: [&str; 8] =
        ["Secret", "Password", "Token", "Key", "_secret", "_password", "_token", "_key"];
    let of_name = |character: char| character.is_ascii_alphabetic() || character == '_';
    name.chars().skip(1).all(of_name) && ENDS.iter().any(|end| name.ends_with(end))
}

/// `Some token`, `YOUR API KEY`: two to four words that say what stands here.
fn is_named_in_brackets(inner: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic());
    let is_name = |word: &str| {
        ["token", "key", "secret", "password", "credentials", "jwt"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name))
    };
    (2..=4).contains(&inner.split(' ').count())
        && inner.split(' ').all(is_word)
        && inner.rsplit(' ').next().is_some_and(is_name)
}

#[cfg(test)]
mod tests {
    use super::is_of_tool;

    #[test]
    fn the_syntax_of_a_tool_is_told_from_passwords_with_such_signs() {
        for text in [
            "@jwt.secret@",
            "@DB_PASSWORD@",
            "%{lookup('vault::mysql_root')}",
            "%{hiera(\"db_password\")}",
            "%{facts.secret}",
            "%{hiera('db",
            "$__file{/etc/secrets/admin_password}",
            "$__env{DB_PASSWORD}",
            "[Some token]",
            "[YOUR API KEY]",
            "$mavenSecret",
            "$db_password",
        ] {
            assert!(is_of_tool(text), "{text}");
        }
        for text in [
            "@hunter@",
            "$ecretword",
            "$winterSun",
            "@hunter.2@",
            "[hunter two]",
            "[hunter2]",
            "%{Xk39fQz7Lp}",
            "%{hunter",
            "%{lookup('Xk39fQz7Lp')}",
            "$__Xk39{fQz7Lp}",
            "$__env{Xk39fQz7LpW2vR8tYqNm}",
            "$__",
            "@@",
        ] {
            assert!(!is_of_tool(text), "{text}");
        }
    }
}
