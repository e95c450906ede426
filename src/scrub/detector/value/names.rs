//! Values that name something instead of being it: a column, a field's label, a type, the
//! conditions of a form, a call that gets its argument elsewhere.

/// How long such a name is at most.
const LEN_MAX: usize = 64;

/// How many words are looked at.
const WORDS_MAX: usize = 8;

/// What secrets are called in names.
const SECRETS: [&[u8]; 15] = [
    b"password",
    b"passwd",
    b"passphrase",
    b"passcode",
    b"pwd",
    b"pass",
    b"pw",
    b"secret",
    b"secrets",
    b"token",
    b"key",
    b"apikey",
    b"credential",
    b"credentials",
    b"auth",
];

/// Words that say how or where one is kept.
const KEPT: [&[u8]; 25] = [
    b"digest",
    b"hash",
    b"hashed",
    b"hashes",
    b"hashing",
    b"encrypted",
    b"encoded",
    b"salted",
    b"bcrypt",
    b"scrypt",
    b"argon",
    b"pbkdf",
    b"sha",
    b"md",
    b"hmac",
    b"column",
    b"field",
    b"attribute",
    b"param",
    b"parameter",
    b"variable",
    b"header",
    b"placeholder",
    b"encoder",
    b"hasher",
];

/// Whether a text is the name of a column or a field in which a secret is kept:
/// `password_digest_2`, `encryptedPassword`, `session_token_sha256`.
pub(in crate::scrub::detector) fn is_field_name(text: &[u8]) -> bool {
    let Some(words) = Words::of(text) else { return false };
    0 < words.joints && words.has(&SECRETS) && words.has(&KEPT) && has_case_of_names(text)
}

/// Whether a text with digits is written as programs write names, and not as people write
/// passwords: `password_digest_2`, `authTokenV2`, not `MySecretField1` or `Tiger_Pass_7`.
fn has_case_of_names(text: &[u8]) -> bool {
    if !text.iter().any(u8::is_ascii_digit) {
        return true;
    }
    let has = |is: fn(&u8) -> bool| text.iter().any(is);
    let is_one_case = !(has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase));
    let is_separated = has(|byte| matches!(byte, b'_' | b'.'));
    let is_camel = !is_separated && text.first().is_some_and(u8::is_ascii_lowercase);
    !text.contains(&b'-') && (is_one_case || is_camel)
}

/// Whether a text is a name of several words, of which one is what secrets are called:
/// `authTokenV2`. A weaker sign than [`is_field_name`].
pub(in crate::scrub::detector) fn is_secret_name(text: &[u8]) -> bool {
    let Some(words) = Words::of(text) else { return false };
    // `SuperSecret1` is a password; `TokenV2` has a version.
    let is_numbered = words.has(&[b"v", b"sha"]) || !text.iter().any(u8::is_ascii_digit);
    0 < words.joints
        && words.has(&SECRETS)
        && (words.separators || is_numbered)
        && has_case_of_names(text)
}

/// Whether a text is a name, of one word only if it is what secrets are called.
pub(in crate::scrub::detector) fn is_any_name(text: &[u8]) -> bool {
    has_case_of_names(text)
        && Words::of(text)
            .is_some_and(|words| words.separators || is_secret_name(text) || words.is_one())
}

/// The words of a name, as programs join them.
struct Words<'t> {
    words: [&'t [u8]; WORDS_MAX],
    len: usize,
    /// Whether signs stand between them.
    separators: bool,
    /// How many begin behind a sign, or with a capital behind a small letter.
    joints: usize,
}

impl<'t> Words<'t> {
    /// `None`: this is no name, but has other signs, or numbers that no name has.
    fn of(text: &'t [u8]) -> Option<Self> {
        let first = text.first()?;
        if LEN_MAX < text.len() || !first.is_ascii_alphabetic() {
            return None;
        }
        let mut found = Self { words: [&[]; WORDS_MAX], len: 0, separators: false, joints: 0 };
        for (number, part) in text.split(|byte| matches!(byte, b'_' | b'-' | b'.')).enumerate() {
            found.separators |= 0 < number;
            found.joints += usize::from(0 < number);
            let mut rest = part;
            while !rest.is_empty() {
                let len = word_len(rest)?;
                let (word, behind) = rest.split_at(len);
                rest = behind;
                let is_inner = word.len() + rest.len() < part.len();
                found.joints +=
                    usize::from(is_inner && word.first().is_some_and(u8::is_ascii_uppercase));
                if !word.is_empty() && word.iter().all(u8::is_ascii_alphabetic) {
                    *found.words.get_mut(found.len)? = word;
                    found.len += 1;
                }
            }
        }
        Some(found)
    }

    /// Whether it is one word, which is what secrets are called.
    fn is_one(&self) -> bool {
        self.len == 1 && self.has(&SECRETS)
    }

    fn has(&self, list: &[&[u8]]) -> bool {
        let words = self.words.iter().take(self.len);
        words.into_iter().any(|word| list.iter().any(|one| word.eq_ignore_ascii_case(one)))
    }
}

/// How long the word or the number is that a part of a name begins with.
fn word_len(part: &[u8]) -> Option<usize> {
    let digits = part.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if 0 < digits {
        let number = part.get(..digits)?;
        let is_usual = digits == 1 || matches!(number, b"128" | b"224" | b"256" | b"384" | b"512");
        return is_usual.then_some(digits);
    }
    let upper = part.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let lower = part.iter().skip(upper).take_while(|byte| byte.is_ascii_lowercase()).count();
    match (upper, lower) {
        (0, 0) => None,
        // The last capital of `APIKey` begins the next word.
        (2.., 1..) => Some(upper - 1),
        _ => Some(upper + lower),
    }
}

/// Words behind `password` that make it something else, of which a number or a version says
/// which: `password policy_v2`.
const COMPOUNDS: [&[u8]; 24] = [
    b"policy",
    b"policies",
    b"reset",
    b"resets",
    b"authentication",
    b"auth",
    b"manager",
    b"hash",
    b"hashes",
    b"hashing",
    b"field",
    b"column",
    b"expiry",
    b"expired",
    b"expires",
    b"rotation",
    b"change",
    b"history",
    b"prompt",
    b"strength",
    b"length",
    b"encoder",
    b"validator",
    b"grant",
];

/// Whether a text goes on with what the word before it is part of.
pub(in crate::scrub::detector) fn is_compound(text: &[u8]) -> bool {
    let len = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, behind) = text.split_at(len);
    // A number stands by itself, or is a version.
    let of_name = |at: usize| match behind.get(at..at + 2) {
        Some([before, b'0'..=b'9']) => b"-_.:v0123456789".contains(before),
        Some([before, _]) => before.is_ascii_lowercase() || b"-_.:0123456789".contains(before),
        _ => true,
    };
    let begins = matches!(behind.first(), None | Some(b'-' | b'_' | b'.' | b':'));
    let ends = behind.last().is_none_or(u8::is_ascii_alphanumeric);
    COMPOUNDS.iter().any(|one| word.eq_ignore_ascii_case(one))
        && behind.len() <= 16
        && begins
        && ends
        && (0..behind.len()).all(of_name)
}

/// Conditions of the field of a form, as Laravel and CodeIgniter name them.
const CONDITIONS: [&[u8]; 24] = [
    b"required",
    b"nullable",
    b"string",
    b"confirmed",
    b"sometimes",
    b"present",
    b"filled",
    b"min",
    b"max",
    b"between",
    b"numeric",
    b"hashed",
    b"current_password",
    b"bail",
    b"regex",
    b"different",
    b"size",
    b"unique",
    b"exists",
    b"same",
    b"alpha_num",
    b"min_length",
    b"max_length",
    b"trim",
];

/// Whether a text is a condition of a field, with its limits: `required`, `min:8`.
pub(in crate::scrub::detector) fn is_condition(text: &[u8]) -> bool {
    let end = memchr::memchr2(b':', b'[', text).unwrap_or(text.len());
    let name = text.get(..end).unwrap_or_default();
    CONDITIONS.contains(&name)
}

/// Whether it is one that no password is: two words alone are a password as well as a list.
pub(in crate::scrub::detector) fn is_telling_condition(text: &[u8]) -> bool {
    let words: [&[u8]; 4] = [b"required", b"nullable", b"confirmed", b"sometimes"];
    words.contains(&text) || text.iter().any(|byte| b":[".contains(byte))
}

/// Whether a text lists the conditions of a field: `required|string|min:8`.
pub(in crate::scrub::detector) fn is_conditions(text: &[u8]) -> bool {
    let conditions = || text.split(|byte| *byte == b'|');
    memchr::memchr(b'|', text).is_some()
        && conditions().all(is_condition)
        && conditions().any(is_telling_condition)
}

/// Whether a text is a call of a function, perhaps cut, that gets what a statement holds the
/// place of first: `SHA2(?, 256)`, `crypt($1, gen_salt('bf'))`, `MD5(CONCAT(:password`.
pub(in crate::scrub::detector) fn is_call_of_parameter(text: &[u8]) -> bool {
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let mut rest = text;
    let mut calls = 0;
    let mut is_known = false;
    loop {
        let len = rest.iter().take_while(|byte| of_name(byte)).count();
        let (name, behind) = rest.split_at(len);
        match behind {
            [b'(', more @ ..] if name.first().is_some_and(u8::is_ascii_alphabetic) => {
                rest = more.trim_ascii_start();
                calls += 1;
                is_known = FUNCTIONS.iter().any(|known| name.eq_ignore_ascii_case(known));
            }
            _ => break,
        }
    }
    let Some((mark, more)) = rest.split_first().filter(|_| 0 < calls) else { return false };
    let len = more.iter().take_while(|byte| of_name(byte)).count();
    let (name, behind) = more.split_at(len);
    let holds_place = match mark {
        b'?' => name.iter().all(u8::is_ascii_digit),
        b'$' | b'@' | b':' => (1..=32).contains(&len),
        b'%' => name == b"s" || behind.starts_with(b"("),
        _ => false,
    };
    // A password has such signs and brackets, too: what is cut must be a known function then,
    // what is not must end with its bracket.
    let is_sure = is_known || !matches!(mark, b'$' | b'@' | b':');
    let tail = behind.iter().position(|byte| *byte != b')').unwrap_or(behind.len());
    let ends = 0 < tail && matches!(behind.get(tail), None | Some(b',' | b' ' | b';'));
    let goes_on = matches!(behind.first(), None | Some(b',' | b')' | b'(' | b' '));
    holds_place && (ends || is_sure && goes_on)
}

/// Functions of SQL that get a password.
const FUNCTIONS: [&[u8]; 24] = [
    b"sha",
    b"sha1",
    b"sha2",
    b"sha224",
    b"sha256",
    b"sha384",
    b"sha512",
    b"md5",
    b"concat",
    b"crypt",
    b"hashbytes",
    b"password",
    b"encrypt",
    b"aes_encrypt",
    b"digest",
    b"coalesce",
    b"nullif",
    b"trim",
    b"lower",
    b"upper",
    b"encode",
    b"hex",
    b"cast",
    b"convert",
];

/// How long the class of what an expression does not take is at most, in bytes.
const EXCLUDED_MAX: usize = 12;

/// Whether a text is a regular expression for any value: `(\S+)`, `.*`, `[^&]+`.
pub(in crate::scrub::detector) fn is_expression(text: &[u8]) -> bool {
    const CLASSES: [&[u8]; 4] = [b"\\S", b"\\w", b"\\d", b"."];
    let bare = text.strip_prefix(b"(").unwrap_or(text);
    let bare = bare.strip_prefix(b"?:").unwrap_or(bare);
    let bare = bare.strip_suffix(b")").unwrap_or(bare);
    let bare = bare.strip_suffix(b"?").unwrap_or(bare);
    let Some(class) = bare.strip_suffix(b"+").or(bare.strip_suffix(b"*")) else { return false };
    // What is not taken are signs and ranges, no words.
    let excluded = class.strip_prefix(b"[^").and_then(|class| class.strip_suffix(b"]"));
    let is_excluded = |excluded: &[u8]| {
        let has_word = excluded.windows(3).any(|three| three.iter().all(u8::is_ascii_alphanumeric));
        !has_word && excluded.len() <= EXCLUDED_MAX
    };
    CLASSES.contains(&class) || excluded.is_some_and(is_excluded)
}

/// Whether what stands in the brackets of a call is an argument with its name, as Python and
/// Kotlin write it: `write_only=True`.
pub(super) fn is_named_argument(text: &[u8]) -> bool {
    let Some(sign) = memchr::memchr(b'=', text) else { return false };
    let (name, value) = text.split_at(sign);
    let value = value.get(1..).unwrap_or_default();
    let of_value = |byte: &u8| byte.is_ascii_alphabetic() || b"_.)".contains(byte);
    !name.is_empty()
        && name.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
        && (value.iter().all(of_value) || value.iter().all(u8::is_ascii_digit))
        && value.len() <= 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_are_told_from_passwords() {
        for text in [
            "password_digest_2",
            "password_hash_v2",
            "hashed_password_256",
            "encryptedPassword",
            "session_token_sha256",
            "passwordHash2",
            "password-column",
            "password_bcrypt2",
        ] {
            assert!(is_field_name(text.as_bytes()), "{text}");
        }
        for text in [
            "hunter2",
            "password123",
            "hash123",
            "Password_Hash_2024",
            "secret_field_99",
            "my-secret-password",
            "Falcon-Winter-37",
            "tokenXk39fQz7Lp",
            "password_hash!",
        ] {
            assert!(!is_field_name(text.as_bytes()), "{text}");
        }
        for text in ["authTokenV2", "client_secret_v2"] {
            assert!(is_secret_name(text.as_bytes()), "{text}");
        }
        for text in [
            "hunter2",
            "marble7Falcon31",
            "Winter99xQ1",
            "secret123",
            "blue-tiger-7",
            "SuperSecret1",
        ] {
            assert!(!is_secret_name(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn any_name_will_do_where_something_is_renamed() {
        for text in ["pw_v2", "password2", "authTokenV2", "created_at_2"] {
            assert!(is_any_name(text.as_bytes()), "{text}");
        }
        for text in ["hunter2", "passw0rd", "s3cr3t", "size8must", "column5", "SuperSecret1"] {
            assert!(!is_any_name(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn conditions_calls_and_compounds_are_no_values() {
        assert!(is_conditions(b"required|string|min:8|confirmed"));
        assert!(is_conditions(b"required|min_length[8]"));
        assert!(!is_conditions(b"Xk9|string") && !is_conditions(b"min|max"));
        for text in
            ["SHA2(?, 256)", "SHA2(?", "crypt($1, gen_salt('bf'))", "MD5(CONCAT(:p", "F(%s, %s)"]
        {
            assert!(is_call_of_parameter(text.as_bytes()), "{text}");
        }
        for text in ["crypt('x', ?)", "SHA2(?xyz", "f(Xk39", "(?)", "?", "a($b!c)"] {
            assert!(!is_call_of_parameter(text.as_bytes()), "{text}");
        }
        for text in ["policy_v2", "authentication", "reset-flow-v2"] {
            assert!(is_compound(text.as_bytes()), "{text}");
        }
        for text in ["hunter2", "resetXk9!", "policyXk39", "column5", "field_of_gold9", "Reset2024"]
        {
            assert!(!is_compound(text.as_bytes()), "{text}");
        }
        for text in [r"(\S+)", ".*", "[^&]+", r"(?:\w+?)"] {
            assert!(is_expression(text.as_bytes()), "{text}");
        }
        assert!(!is_expression(b"Xk9+") && !is_expression(b"(Xk9)"));
        assert!(!is_expression(b"[^hunter2!]+"));
        assert!(is_named_argument(b"write_only=True"));
        assert!(!is_named_argument(b"Xk9=fQz7Lp"));
    }
}
