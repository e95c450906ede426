//! Stand-ins of documentation: words that ask for the secret.

/// What documentation calls the thing that goes here.
const STAND_IN_NOUNS: &[&str] = &[
    "api",
    "key",
    "token",
    "secret",
    "password",
    "passwd",
    "pass",
    "access",
    "auth",
    "client",
    "bearer",
    "bot",
    "app",
    "private",
    "project",
    "personal",
    "account",
    "credential",
    "credentials",
    "license",
    "webhook",
    "jwt",
    "session",
    "username",
    "user",
    "id",
    "org",
    "super",
    "strong",
    "own",
    "actual",
    "real",
    "openai",
    "anthropic",
    "github",
    "gitlab",
    "slack",
    "aws",
    "azure",
];

/// `your-api-key`, `YOUR_TOKEN_HERE`, `insert-token-here`, `sk-your-key`.
pub(super) fn is_stand_in(text: &str) -> bool {
    if 80 < text.len() || text.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    // One word, but for `yourtoken`.
    let begins = text.get(..4).is_some_and(|begin| begin.eq_ignore_ascii_case("your"));
    if !begins && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return false;
    }
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower
        .split(|character: char| !character.is_alphabetic())
        .filter(|word| !word.is_empty())
        .collect();
    let noun = |word: &&str| STAND_IN_NOUNS.contains(word);
    let your = words.windows(2).any(|pair| match pair {
        ["your" | "ur", what] => noun(what),
        [_, "here"] => words.iter().any(noun),
        ["insert" | "enter" | "paste" | "put" | "replace" | "fill", ..] => words.iter().any(noun),
        _ => false,
    });
    // Without a separator: `yourapikey`, `YourTokenHere`.
    let glued = lower.strip_prefix("your").is_some_and(|rest| {
        STAND_IN_NOUNS.iter().any(|noun| 3 <= noun.len() && rest.starts_with(noun))
    });
    your || glued && words.len() == 1
}
