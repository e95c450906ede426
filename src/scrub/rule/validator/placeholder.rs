//! Values that stand where a secret would, and are none.
//!
//! Three kinds: names of the secret's home (`${TOKEN}`, `process.env.TOKEN`,
//! `vault:path#key`), stand-ins of documentation (`<your-token>`), and masks,
//! ours and those of others. A value that keeps a real edge beside its stars is
//! masked already, too.
//!
//! Deliberately no placeholder: default passwords (`changeme`, `admin`), which
//! open real doors; tokens with `EXAMPLE` in them; tokens with a cut (`…`, `...`)
//! in the middle, whose rest is still secret.

mod stand_in;
mod tool;

use crate::scrub::rule::validator::WordList;
use crate::scrub::rule::validator::looks_random;

use stand_in::is_stand_in;
use tool::is_of_tool;

/// Whole values, in lower case and without brackets, that hold nothing.
const EMPTY_WORDS: WordList<32> = WordList::new([
    "null",
    "nil",
    "none",
    "undefined",
    "true",
    "false",
    "nan",
    "n/a",
    "na",
    "empty",
    "unset",
    "not set",
    "not-set",
    "not_set",
    "unknown",
    "missing",
    "todo",
    "tbd",
    "string",
    "redacted",
    "filtered",
    "protected",
    "sensitive",
    "sensitive value",
    "masked",
    "hidden",
    "removed",
    "scrubbed",
    "omitted",
    "placeholder",
    "known after apply",
    "secret value",
]);

/// What a mask of ours, and of others, begins with, in lower case.
const MASK_STARTS: WordList<15> = WordList::new([
    "[redacted",
    "%5bredacted",
    "<redacted",
    "{redacted",
    "(redacted",
    "***redacted",
    "[filtered",
    "<filtered",
    "[masked",
    "<masked",
    "[removed",
    "[scrubbed",
    "[hidden",
    "[protected",
    "[secure",
]);

/// Expressions that fetch a secret, in lower case: what follows is its name.
const EXPRESSION_STARTS: WordList<37> = WordList::new([
    "os.environ[",
    "os.environ.get(",
    "environ[",
    "environ.get(",
    "os.getenv(",
    "process.env.",
    "process.env[",
    "import.meta.env.",
    "deno.env.get(",
    "bun.env.",
    "system.getenv(",
    "environment.getenvironmentvariable(",
    "env[",
    "env(",
    "env.fetch(",
    "env.get(",
    "getenv(",
    "std::env::var(",
    "env::var(",
    "env!(",
    "secrets.",
    "secrets[",
    "vars.",
    "var.",
    "local.",
    "module.",
    "builtins.getenv ",
    "settings.",
    "config.get(",
    "data.",
    "@microsoft.keyvault(",
    "!ref ",
    "!sub ",
    "!vault ",
    "fn::",
    "lookup(",
    "{{resolve:",
]);

/// References to a store of secrets, in lower case.
const REFERENCE_STARTS: WordList<28> = WordList::new([
    "arn:",
    "vault:",
    "vault://",
    "op://",
    "ref+",
    "secretkeyref",
    "secretsmanager:",
    "ssm:",
    "aws-ssm://",
    "awssm://",
    "sm://",
    "gcpsm://",
    "gcp-secret://",
    "azurekeyvault://",
    "keyvault:",
    "akv://",
    "doppler://",
    "infisical://",
    "bws://",
    "k8s://",
    "sops:",
    "env:",
    "env://",
    "file:",
    "/run/secrets/",
    "/var/run/secrets/",
    "/etc/secrets/",
    "/mnt/secrets",
]);

/// Whether a value cannot be a secret, whatever key it stands under.
pub fn is_placeholder(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let quotes: &[char] = &['"', '\'', '`', ' ', '\t', '\r', '\n', '\\'];
    let text = text.trim_matches(quotes);
    let bytes = text.as_bytes();
    is_mask(text)
        || EMPTY_WORDS
            .has(text.trim_matches(['[', ']', '<', '>', '(', ')', '{', '}', '*', '_']).as_bytes())
        || MASK_STARTS.begins(bytes)
        || is_variable(text)
        || is_of_tool(text)
        || is_stand_in(text)
        || fetches(text)
        || is_resource(text)
        || REFERENCE_STARTS.begins(bytes)
}

/// Nothing, dots, stars or crosses; or stars beside an edge that was left.
fn is_mask(text: &str) -> bool {
    let masking = ['*', '•', '●', '·', '█', '∙'];
    if !text.contains(|character: char| character.is_alphanumeric()) && !text.contains("://") {
        // Nothing to read in it. Such a password is possible (`!?#`), so short
        // punctuation is taken for a mask only where it is of one kind.
        let mut characters = text.chars();
        let first = characters.next();
        return first.is_none_or(|first| characters.all(|next| next == first));
    }
    // Most values are ASCII without a star.
    let longest = match text.is_ascii() && !text.contains('*') {
        true => 0,
        false => {
            let runs = text.split(|character: char| !masking.contains(&character));
            runs.map(|run| run.chars().count()).max().unwrap_or_default()
        }
    };
    let crosses = text.bytes().filter(|byte| matches!(byte, b'x' | b'X')).count();
    let total = text.chars().count();
    3 <= longest || (text.len() == crosses && 3 <= total) || (6 <= crosses && total < crosses * 2)
}

/// `${X}`, `$X`, `$(…)`, `{{ x }}`, `{x}`, `<x>`, `%X%`, `%(x)s`, `%s`, `#{x}`.
fn is_variable(text: &str) -> bool {
    let inside =
        |open: &str, close: &str| text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let words = |inner: &str| {
        !inner.is_empty()
            && inner.len() <= 80
            && !looks_random(inner.as_bytes())
            && inner.chars().all(|character| {
                character.is_alphanumeric() || " _-.:|/'\"[]()?=,$+".contains(character)
            })
    };
    let first = text.as_bytes().first();
    if !first.is_some_and(|first| b"%$<{#`_([".contains(first)) {
        return false;
    }
    let verb = text.strip_prefix('%').is_some_and(|verb| {
        verb.len() <= 2 && verb.ends_with(['s', 'd', 'v', 'q', 'r', 'w', 'p', 'x', '@'])
            || verb.starts_with('(') && verb.ends_with(")s")
    });
    verb || [
        ("${", "}"),
        ("{{", "}}"),
        ("<%", "%>"),
        ("#{", "}"),
        ("$(", ")"),
        ("$[", "]"),
        ("%env(", ")%"),
        ("`", "`"),
    ]
    .iter()
    .any(|(open, close)| inside(open, close).is_some())
        || [("{", "}"), ("<", ">"), ("%", "%"), ("__", "__"), ("%7B", "%7D"), ("%24%7B", "%7D")]
            .iter()
            .any(|(open, close)| inside(open, close).is_some_and(words))
        || text.strip_prefix("$").is_some_and(|name| {
            // Twice in what Compose reads.
            let name = name.strip_prefix("$").unwrap_or(name);
            // `$HOME/.kube/config`
            is_variable_name(name.split_once('/').map_or(name, |(name, _)| name))
        })
        || [("((", "))"), ("[[", "]]")]
            .iter()
            .any(|(open, close)| inside(open, close).is_some_and(words))
}

/// A name as shells take it: `$2b$…` and `$money` are none.
fn is_variable_name(name: &str) -> bool {
    let name = name.strip_prefix("env:").or_else(|| name.strip_prefix("Env:")).unwrap_or(name);
    let rest = |character: char| character.is_ascii_uppercase() || character == '_';
    name.starts_with(rest)
        && name.chars().all(|character| rest(character) || character.is_ascii_digit())
}

/// An expression that fetches a secret, and then a name, perhaps in quotes and with a bracket
/// to close, and nothing that could be the secret itself.
fn fetches(text: &str) -> bool {
    let is_name = |rest: &[u8]| {
        let rest = std::str::from_utf8(rest).unwrap_or_default();
        !rest.is_empty()
            && rest.len() <= 120
            && rest.chars().all(|character| {
                character.is_alphanumeric() || " _-.:/'\"[](){}?!,|=;".contains(character)
            })
    };
    EXPRESSION_STARTS.behind(text.as_bytes()).any(is_name)
}

/// `projects/x/secrets/y`: what Google calls a secret.
fn is_resource(text: &str) -> bool {
    const PROJECTS: &str = "projects/";
    text.get(..PROJECTS.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(PROJECTS))
        && text.to_ascii_lowercase().contains("/secrets/")
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;
    use crate::scrub::rule::template::expand;

    const PLACEHOLDERS: &[&str] = &[
        "",
        " ",
        "\"\"",
        "''",
        "${TOKEN}",
        "${TOKEN:-x}",
        "${env:API_KEY}",
        "$TOKEN",
        "$API_KEY_2",
        "$$DB_PASSWORD",
        "$env:API_KEY",
        "$(cat /run/secrets/x)",
        "$(API_KEY)",
        "{{ token }}",
        "{{ .Values.secret }}",
        "{{token}}",
        "${{ secrets.GITHUB_TOKEN }}",
        "<your-token>",
        "<TOKEN>",
        "<api key>",
        "<redacted>",
        "<sensitive>",
        "(sensitive)",
        "(sensitive value)",
        "(known after apply)",
        "%s",
        "%v",
        "%(password)s",
        "%PASSWORD%",
        "#{token}",
        "{token}",
        "{api_key}",
        "<%= token %>",
        "****",
        "********",
        "••••••••",
        "...",
        "…",
        "xxxx",
        "xxxxxxxxxxxxxxxx",
        "XXXX",
        "XXXXXXXX",
        "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
        "REDACTED",
        "[REDACTED]",
        "[redacted:github-pat]",
        "%5Bredacted:github-pat%5D",
        "[redacted]",
        "[Filtered]",
        "[FILTERED]",
        "[MASKED]",
        "***",
        "null",
        "nil",
        "None",
        "undefined",
        "true",
        "false",
        "True",
        "\"null\"",
        "your_api_key",
        "your-token-here",
        "YOUR_API_KEY",
        "YOUR_TOKEN_HERE",
        "yourApiKey",
        "your api key",
        "sk-your-api-key-here",
        "insert-token-here",
        "insert_your_key",
        "put-your-key-here",
        "replace-with-your-token",
        "os.environ[\"X\"]",
        "os.environ.get('API_KEY')",
        "os.getenv(\"TOKEN\")",
        "process.env.X",
        "process.env.API_KEY!",
        "process.env['TOKEN']",
        "import.meta.env.VITE_KEY",
        "System.getenv(\"X\")",
        "ENV[\"X\"]",
        "ENV['API_KEY']",
        "ENV.fetch('KEY')",
        "env(X)",
        "env('APP_KEY')",
        "secrets.X",
        "secrets.GITHUB_TOKEN",
        "var.db_password",
        "vault:path#key",
        "vault:secret/data/db#password",
        "secretKeyRef",
        "op://vault/item/field",
        "ref+vault://secret/x#y",
        "file:///etc/token",
        "env:TOKEN",
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:name-AbCdEf",
        "/run/secrets/db_password",
        "@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/y)",
        "********abcd",
        "sk-****abcd",
        "ghp_********************************",
        "abc***********",
        "sk-xxxxxxxxxxxxxxxx",
        "{{resolve:secretsmanager:name:SecretString:password}}",
        "string",
        "__TOKEN__",
    ];

    const SECRETS: &[&str] = &[
        "changeme",
        "admin",
        "password",
        "hunter2",
        "secret",
        "letmein",
        "123456",
        "p@ssw0rd",
        "{lit:AK|IA}IOSFODNN7EXAMPLE",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCY{lit:EX|AMPLEKEY}",
        "ghp_{base62:36}",
        "{base62:24}",
        "{hex-lower:32}",
        "{uuid}",
        "{base64:43}=",
        "{jwt}",
        "$ecret!",
        "$2b$12${crypt64:53}",
        "$apr1${crypt64:8}${crypt64:22}",
        "pa$$word",
        "x",
        "xx",
        "xoxb-91…-51...-{base62:24}",
        "{base62:10}...{base62:6}",
        "correct horse battery staple",
        "my-secret-password",
        "Summer2024!",
        "true-blue-77",
        "nullpointer",
        "falsework",
        "example",
        "none-of-your-business",
        "env-prod-{base62:8}",
        "{{{base62:20}+/=}}",
        "postgres://user:{base62:12}@db.example:5432/app",
        "secrets are fun",
        "!?#",
        "a*b*c*d",
        "data:{base64:40}",
        "xXx{base62:20}",
        "{hex-lower:20}xxxx",
        "yourself",
        "fox",
        "0000",
        "<{base62:8}!{base62:8}&>",
        "%{base62:12}",
        "$x{base62:9}",
    ];

    #[test]
    fn stand_ins_masks_and_references_are_placeholders() {
        let missed: Vec<_> =
            PLACEHOLDERS.iter().filter(|text| !is_placeholder(text.as_bytes())).collect();
        assert!(missed.is_empty(), "{missed:?}");
    }

    #[test]
    fn passwords_and_tokens_are_none_however_poor() {
        for template in SECRETS {
            for seed in 0..10 {
                let text = expand(template, seed).expect("sound");
                assert!(!is_placeholder(text.as_bytes()), "{template}: {text}");
            }
        }
        assert!(!is_placeholder(b"\xff\xfe"));
    }
}
