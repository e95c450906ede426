//! Values that are something else, and show it by their form: an object identifier, a file, a
//! host with its port, a template, settings, a digest, a reference to a store, a tag of HTML, a prompt.

use crate::scrub::detector::value::names::is_secret_name;
use crate::scrub::rule::validator;

/// Whether a value is one of these.
pub(super) fn is_something_else(text: &[u8]) -> bool {
    if is_digest(text) || is_enclosed(text) || is_settings(text) {
        return true;
    }
    match text {
        [b'0'..=b'2', b'.', ..] => is_object_identifier(text),
        [b'$', rest @ ..] if is_member_path(rest) || is_place(rest) => true,
        [b'$', b'{', rest @ ..] if is_expansion(rest) => true,
        [b'#', b'{', rest @ ..] => rest.first().is_some_and(u8::is_ascii_alphabetic),
        [b'.', b'/', ..] | [b'.', b'.', b'/', ..] if is_file_here(text) => true,
        [.., b'0'..=b'9', b')'] if is_column_type(text) => true,
        [b'%', b'2', b'A', ..] => text.chunks(3).all(|star| star == b"%2A"),
        [b'A'..=b'Z', ..] if is_constant(text) || is_shown_masked(text) => true,
        [b'&', ..] => is_escaped_tag(text),
        [b'd', b'e', b'p', b':', rest @ ..] => rest.iter().all(|byte| is_of_name(*byte)),
        [b'\\', b'(', ..] => true,
        [b'\\', ..] if is_breaks(text) => true,
        [.., b'_', b'*'] => true,
        [b'c' | b't' | b'i' | b'n', ..] if is_response_type(text) => true,
        [b'[', ..] => is_class(text),
        [b'/', ..] | [b'~', b'/', ..] if is_system_path(text) => true,
        [b'0'..=b'9', ..] if is_metric(text) || is_measure(text) => true,
        [b'a'..=b'z', b':', rest @ ..] if is_scoped(rest) => true,
        [b':', rest @ ..] if is_place_name(rest) => true,
        _ => {
            is_prompt(text)
                || is_supplied(text)
                || is_key_file(text)
                || is_host_and_port(text)
                || is_template(text)
                || is_stars(text)
                || is_artifact(text)
                || is_type_of_module(text)
        }
    }
}

/// `hmac-sha256:…`: what Vault writes in its audit log instead of a secret.
fn is_digest(text: &[u8]) -> bool {
    text.strip_prefix(b"hmac-sha256:")
        .is_some_and(|digest| digest.len() == 64 && digest.iter().all(u8::is_ascii_hexdigit))
}

/// `ENC[…]`: a reference to a store of secrets, or what is encrypted, as Datadog, SOPS and
/// Puppet write it.
fn is_enclosed(text: &[u8]) -> bool {
    text.starts_with(b"ENC[") && text.ends_with(b"]")
}

/// `minLength=12,requireUpper=true`: settings, of which each is a number or a truth value.
fn is_settings(text: &[u8]) -> bool {
    let is_setting = |pair: &[u8]| {
        let Some(sign) = memchr::memchr(b'=', pair) else { return false };
        let (name, value) = (pair.get(..sign).unwrap_or_default(), pair.get(sign + 1..));
        let value = value.unwrap_or_default();
        2 < name.len()
            && name.iter().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
            && ((1..=5).contains(&value.len()) && value.iter().all(u8::is_ascii_digit)
                || matches!(value, b"true" | b"false" | b"yes" | b"no" | b"on" | b"off"))
    };
    text.contains(&b'=')
        && text.len() <= 256
        && text.split(|byte| *byte == b',').all(|pair| is_setting(pair.trim_ascii()))
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// `1.2.840.113549.1.9.7` (X.660): numbers of five and more parts.
fn is_object_identifier(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'.');
    5 <= parts.clone().count()
        && parts.all(|part| (1..=10).contains(&part.len()) && part.iter().all(u8::is_ascii_digit))
}

/// `./pw.txt`: a file beside what is read.
fn is_file_here(text: &[u8]) -> bool {
    let of_path = |byte: &u8| is_of_name(*byte) || matches!(byte, b'.' | b'/');
    let dot = text.iter().rposition(|byte| *byte == b'.').unwrap_or_default();
    let extension = text.get(dot + 1..).unwrap_or_default();
    text.iter().all(of_path)
        && (1..=5).contains(&extension.len())
        && extension.iter().all(u8::is_ascii_lowercase)
}

/// `/etc/app/db-password`, `~/.config/app/token`: a file, below one of the folders that systems
/// have.
fn is_system_path(text: &[u8]) -> bool {
    const LEN_MAX: usize = 160;
    // `/run/user/1000`
    const USER_LEN_MAX: usize = 6;
    const FOLDERS: [&[u8]; 20] = [
        b"~",
        b"etc",
        b"run",
        b"var",
        b"opt",
        b"usr",
        b"srv",
        b"tmp",
        b"mnt",
        b"dev",
        b"home",
        b"root",
        b"proc",
        b"sys",
        b"data",
        b"app",
        b"secrets",
        b"credentials",
        b"workspace",
        b"config",
    ];
    let of_part =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(byte);
    let is_part = |part: &[u8]| {
        !part.is_empty()
            && part.iter().all(of_part)
            && (part.iter().any(u8::is_ascii_lowercase) || part.len() <= USER_LEN_MAX)
            && !validator::looks_random(part)
    };
    let mut parts = text.strip_prefix(b"/").unwrap_or(text).split(|byte| *byte == b'/');
    let first = parts.next().unwrap_or_default();
    text.len() <= LEN_MAX
        && FOLDERS.contains(&first)
        && parts.clone().next().is_some()
        && parts.all(is_part)
}

/// `1|c|#env:prod`, `320|ms|@0.1`: a number and its type, as StatsD has them.
fn is_metric(text: &[u8]) -> bool {
    let mut parts = text.split(|byte| *byte == b'|');
    let number = parts.next().unwrap_or_default();
    let kind = parts.next().unwrap_or_default();
    number.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.')
        && matches!(kind, b"c" | b"g" | b"ms" | b"h" | b"s" | b"d")
        && parts.all(|part| matches!(part, [b'#' | b'@' | b'c' | b'T', ..]))
}

/// `32-bytes`, `16 characters`: how long something is.
fn is_measure(text: &[u8]) -> bool {
    const UNITS: [&[u8]; 9] = [
        b"byte",
        b"bytes",
        b"bit",
        b"bits",
        b"chars",
        b"characters",
        b"digits",
        b"letters",
        b"words",
    ];
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unit = text.get(digits..).unwrap_or_default();
    let unit = unit.strip_prefix(b"-").or(unit.strip_prefix(b" ")).unwrap_or_default();
    digits <= 5 && UNITS.contains(&unit)
}

/// `a:2`, `s:password`: behind the letter of a scope, a variable of Vim.
fn is_scoped(name: &[u8]) -> bool {
    let is_number = (1..=2).contains(&name.len()) && name.iter().all(u8::is_ascii_digit);
    is_number || is_secret_name(name)
}

/// `google-auth-library:1.3.0`: an artifact and its version, as Maven writes them.
fn is_artifact(text: &[u8]) -> bool {
    let Some(sign) = memchr::memrchr(b':', text) else { return false };
    let (name, version) = text.split_at(sign);
    let version = version.get(1..).unwrap_or_default();
    let of_name =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(byte);
    name.contains(&b'-')
        && name.first().is_some_and(u8::is_ascii_lowercase)
        && name.iter().all(of_name)
        && 2 <= version.split(|byte| *byte == b'.').count()
        && version
            .split(|byte| *byte == b'.')
            .all(|part| (1..=4).contains(&part.len()) && part.iter().all(u8::is_ascii_digit))
}

/// `google_oauth2.Credentials`, `ed25519.Ed25519PrivateKey`, `_DSAPrivateKey`: the name of a type
/// for secrets, in its module or private.
fn is_type_of_module(text: &[u8]) -> bool {
    const KINDS: [&[u8]; 8] = [
        b"Key",
        b"Keys",
        b"Token",
        b"Tokens",
        b"Credential",
        b"Credentials",
        b"Secret",
        b"Password",
    ];
    let text = text.strip_suffix(b":").or(text.strip_suffix(b"]")).unwrap_or(text);
    let (module, name) = match memchr::memrchr(b'.', text) {
        Some(dot) => (text.get(..dot).unwrap_or_default(), text.get(dot + 1..).unwrap_or_default()),
        None => (&b"x"[..], text.strip_prefix(b"_").unwrap_or_default()),
    };
    let of_module =
        |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(byte);
    let capitals = name.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    module.first().is_some_and(u8::is_ascii_lowercase)
        && module.iter().all(of_module)
        && name.first().is_some_and(u8::is_ascii_uppercase)
        && name.iter().all(u8::is_ascii_alphanumeric)
        && KINDS.iter().any(|kind| name.ends_with(kind))
        && (module != b"x" || 3 <= capitals)
}

/// `:secret_key`: behind a colon the name of a column for secrets, in the place of its value.
fn is_place_name(name: &[u8]) -> bool {
    (name.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_') && is_secret_name(name))
        || [&b"password"[..], b"passwd", b"secret", b"token", b"pwd"].contains(&name)
}

/// `varchar(255)`: the type of a column.
fn is_column_type(text: &[u8]) -> bool {
    let Some(open) = memchr::memchr(b'(', text) else { return false };
    let (name, size) = text.split_at(open);
    let of_size = |byte: &u8| byte.is_ascii_digit() || b"(), ".contains(byte);
    ["varchar", "nvarchar", "varchar2", "char", "nchar", "varbinary", "binary", "text", "string"]
        .iter()
        .any(|kind| name.eq_ignore_ascii_case(kind.as_bytes()))
        && size.iter().all(of_size)
}

/// `${NAME:?what is said if it is not set`, `${NAME:+x`: a variable of a shell, and no value that
/// it has by default.
fn is_expansion(text: &[u8]) -> bool {
    let name = text.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
    let (name, behind) = text.split_at(name.count());
    !name.is_empty() && matches!(behind, [b':', b'?' | b'+', ..] | [b'?' | b'+', ..])
}

/// `Secret([REDACTED`, `SecretBox<str>([REDACTED])`: a type that shows a mask of its own in
/// place of what it holds.
fn is_shown_masked(text: &[u8]) -> bool {
    let of_type = |byte: &u8| byte.is_ascii_alphanumeric() || b"_:<>&".contains(byte);
    let len = text.iter().take_while(|byte| of_type(byte)).count();
    let inner = text.get(len..).and_then(|rest| rest.strip_prefix(b"("));
    inner.is_some_and(|inner| {
        let shown = inner.strip_prefix(b"\"").unwrap_or(inner);
        matches!(shown.first(), Some(b'[' | b'<' | b'*')) && validator::is_placeholder(shown)
    })
}

/// `$2`: the place of a parameter in a statement.
fn is_place(number: &[u8]) -> bool {
    (1..=2).contains(&number.len()) && number.iter().all(u8::is_ascii_digit)
}

/// `VALUE_SPECIFIED_IN_NO_LOG_PARAMETER`: a constant of three words and more.
fn is_constant(text: &[u8]) -> bool {
    let words = text.split(|byte| *byte == b'_');
    3 <= words.clone().count()
        && words.into_iter().all(|word| !word.is_empty() && word.iter().all(u8::is_ascii_uppercase))
}

/// `request.header.x-api-key`, `serde_json::private::Number`: names of letters, of which each
/// is in the one before.
fn is_member_path(text: &[u8]) -> bool {
    let of_path = |byte: &u8| byte.is_ascii_alphabetic() || b"_-.:".contains(byte);
    let joints = text.windows(2).filter(|two| two.first() == Some(&b'.') || *two == b"::").count();
    2 <= joints && text.first().is_some_and(u8::is_ascii_alphabetic) && text.iter().all(of_path)
}

/// `&#x3C;string>`, `&lt;password&gt;`: a name in angle brackets, as HTML writes them.
fn is_escaped_tag(text: &[u8]) -> bool {
    let opened = [&b"&#x3C;"[..], b"&#x3c;", b"&#60;", b"&lt;"];
    let Some(inner) = opened.iter().find_map(|open| text.strip_prefix(*open)) else { return false };
    let closed = [&b"&#x3E;"[..], b"&#x3e;", b"&#62;", b"&gt;", b">"];
    let inner = closed.iter().find_map(|close| inner.strip_suffix(*close)).unwrap_or(inner);
    inner.iter().all(|byte| byte.is_ascii_alphabetic() || b"_|- /".contains(byte))
}

/// `code id_token token`: what OAuth and OpenID Connect answer with.
fn is_response_type(text: &[u8]) -> bool {
    const TYPES: [&[u8]; 4] = [b"code", b"token", b"id_token", b"none"];
    text.contains(&b' ') && text.split(|byte| *byte == b' ').all(|word| TYPES.contains(&word))
}

/// `\r\n`: the end of a line, as strings write it.
fn is_breaks(text: &[u8]) -> bool {
    text.chunks(2).all(|two| matches!(two, [b'\\', b'r' | b'n' | b't' | b'0']))
}

/// `[A-Za-z0-9/_+=.@-]`: a class of a regular expression.
pub(in crate::scrub::detector) fn is_class(text: &[u8]) -> bool {
    [&b"a-z"[..], b"A-Z", b"0-9"]
        .iter()
        .any(|range| memchr::memmem::find(text.get(..24).unwrap_or(text), range).is_some())
}

/// `New password:`, `Again:`: what a program asks with.
fn is_prompt(text: &[u8]) -> bool {
    const WORDS_MAX: usize = 4;
    let Some(words) = text.trim_ascii().strip_suffix(b":") else { return false };
    words.first().is_some_and(u8::is_ascii_uppercase)
        && words.iter().all(|byte| byte.is_ascii_alphabetic() || *byte == b' ')
        && words.split(|byte| *byte == b' ').count() <= WORDS_MAX
        && words.iter().skip(1).all(|byte| !byte.is_ascii_uppercase())
}

/// `user-supplied`, `base64-encoded`: what is said of a password instead of it.
fn is_supplied(text: &[u8]) -> bool {
    const LAST: [&[u8]; 16] = [
        b"supplied",
        b"provided",
        b"generated",
        b"defined",
        b"encoded",
        b"encrypted",
        b"hashed",
        b"managed",
        b"required",
        b"protected",
        b"specified",
        b"configured",
        b"controlled",
        b"created",
        b"assigned",
        b"rotated",
    ];
    let Some(joint) = memchr::memrchr(b'-', text) else { return false };
    let (first, last) = text.split_at(joint);
    let of_first = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    (2..=16).contains(&first.len())
        && first.iter().all(of_first)
        && last.get(1..).is_some_and(|last| LAST.contains(&last))
}

/// `x509/server1_key.pem`: a file with a certificate or a key.
fn is_key_file(text: &[u8]) -> bool {
    const LEN_MAX: usize = 96;
    const ENDS: [&[u8]; 9] =
        [b".pem", b".crt", b".cer", b".der", b".p12", b".pfx", b".jks", b".csr", b".keystore"];
    text.len() <= LEN_MAX
        && ENDS.iter().any(|end| text.ends_with(end))
        && text.iter().all(|byte| is_of_name(*byte) || matches!(byte, b'.' | b'/'))
}

/// `proxy.example.com:3128`, `localhost:22`.
fn is_host_and_port(text: &[u8]) -> bool {
    const DOMAINS: [&[u8]; 10] =
        [b"com", b"org", b"net", b"io", b"dev", b"edu", b"local", b"internal", b"example", b"test"];
    let Some(sign) = memchr::memrchr(b':', text) else { return false };
    let (host, port) = text.split_at(sign);
    let domain = host.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    (3..=6).contains(&port.len())
        && port.iter().skip(1).all(u8::is_ascii_digit)
        && host.iter().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.')
        })
        && (host == b"localhost" || (domain.len() < host.len() && DOMAINS.contains(&domain)))
}

/// `events!connection/{connection_id}/auth`, `${regKey}:_authToken`: names of variables in
/// braces, and around them nothing but words.
fn is_template(text: &[u8]) -> bool {
    const NAME_MIN: usize = 3;
    if memchr::memchr(b'{', text).is_none() {
        return false;
    }
    let mut rest = text;
    let mut names = 0;
    let of_words = |byte: &u8| byte.is_ascii_alphabetic() || b"_-/:.!$".contains(byte);
    while let Some(open) = memchr::memchr(b'{', rest) {
        let (before, inner) = rest.split_at(open);
        let Some(close) = memchr::memchr(b'}', inner) else { return false };
        let name = inner.get(1..close).unwrap_or_default();
        let is_variable = before.ends_with(b"$") || name.contains(&b'_') || name.contains(&b'.');
        let is_name = is_variable
            && name.first().is_some_and(u8::is_ascii_alphabetic)
            && name.iter().all(|byte| byte.is_ascii_alphabetic() || b"_.".contains(byte));
        if !is_name || name.len() < NAME_MIN || !before.iter().all(of_words) {
            return false;
        }
        names += 1;
        rest = inner.get(close + 1..).unwrap_or_default();
    }
    0 < names && rest.iter().all(of_words)
}

/// `:****`: stars, and signs around them.
fn is_stars(text: &[u8]) -> bool {
    memchr::memmem::find(text, b"***").is_some()
        && !text.iter().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::is_something_else;

    #[test]
    fn what_is_something_else_is_told_from_passwords() {
        for text in [
            "1.2.840.113549.1.9.7",
            "$request.header.x-api-key",
            "$serde_json::private::Number",
            "&#x3C;string>",
            "&lt;password&gt;",
            "dep:password-hash",
            "code id_token token",
            "[A-Za-z0-9/_+=.@-]{1,512}",
            "New password:",
            "x509/server1_key.pem",
            "proxy.example.com:3128",
            "localhost:22",
            "events!connection/{connection_id}/auth",
            "${regKey}:_authToken",
            ":****",
            "/etc/credstore/db-password",
            "~/.config/app/token.txt",
            "/run/user/1000/app/secret",
            "1|c|#env:prod,service:web",
            "320|ms|@0.1",
            ":secret_key",
            ":password",
            "32-bytes",
            "a:2",
            "s:db_password",
            "google-auth-library-oauth2-http:1.3.0",
            "google_oauth2.Credentials",
            "ed25519.Ed25519PrivateKey",
            "_DSAPrivateKey",
        ] {
            assert!(is_something_else(text.as_bytes()), "{text}");
        }
        for text in [
            "1.2.3.4",
            "$ecret.word",
            "$winter-falcon",
            "&#x3C;hunter2>",
            "dep:hunter2!",
            "code red",
            "[hunter2]",
            "Winter99:",
            "winter.sun:2024",
            "hunter2{x}",
            "{noop}DgDkbadawxX",
            "{falcon7}",
            "/etc",
            "/etc/Xk39fQz7Lp",
            "/harbor/lantern/7",
            "1|xk39",
            "7|c|hunter2",
            ":hunter2",
            "32-dragons",
            "s:hunter2",
            "lamp-horse:2024",
            "harbor.Lantern",
            "MySecretKey",
            "_MyKey",
            ":lamp_horse_",
            "****a",
        ] {
            assert!(!is_something_else(text.as_bytes()), "{text}");
        }
    }
}
