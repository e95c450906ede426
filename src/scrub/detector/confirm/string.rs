//! Where the string of JSON ends that a secret stands in.

use std::ops::Range;

/// Where the string of JSON ends in which a secret begins, if the pattern took more than it;
/// else where the secret ends.
pub(super) fn string_end(text: &[u8], secret: &Range<usize>) -> usize {
    let bytes = text.get(secret.clone()).unwrap_or_default();
    let slashes = |text: &[u8]| text.iter().rev().take_while(|byte| **byte == b'\\').count();
    let Some(quote) = memchr::memchr(b'"', bytes) else {
        // What is left of the escaped quote that ends the string.
        let mut behind = text.get(secret.end..).unwrap_or_default().iter();
        let is_cut = behind.find(|byte| **byte != b'\\') == Some(&b'"');
        return secret.end - if is_cut { slashes(bytes) } else { 0 };
    };
    if !is_in_string(text, secret.start) {
        return secret.end;
    }
    let (value, _) = bytes.split_at(quote);
    let behind = text.get(secret.start + quote + 1..).unwrap_or_default();
    let ends = match behind.trim_ascii_start() {
        [b'}' | b']', ..] => true,
        [b',', rest @ ..] => {
            let begins = |byte: &u8| byte.is_ascii_digit() || b"\"\\{[-tfn".contains(byte);
            rest.trim_ascii_start().first().is_some_and(begins)
        }
        _ => false,
    };
    let opens = value.iter().any(|byte| matches!(byte, b'{' | b'['));
    if quote == 0 || opens || !ends {
        return secret.end;
    }
    secret.start + quote - slashes(value)
}

/// Whether the quote before `at` is the one that opens a string of JSON: behind a bracket, a
/// colon or a comma.
fn is_in_string(text: &[u8], at: usize) -> bool {
    let before = text.get(at.saturating_sub(STRING_BEFORE_MAX)..at).unwrap_or_default();
    let Some(quote) = memchr::memrchr(b'"', before) else { return false };
    let outside = before.get(..quote).unwrap_or_default();
    let sign = outside.iter().rev().find(|byte| **byte != b'\\' && !byte.is_ascii_whitespace());
    matches!(sign, Some(b'{' | b'[' | b',' | b':'))
}

/// How far before a secret the string may begin that it stands in, in bytes.
const STRING_BEFORE_MAX: usize = 1 << 14;

#[cfg(test)]
mod tests {
    use super::string_end;

    #[test]
    fn a_secret_ends_with_the_string_of_json_that_it_stands_in_and_with_no_other_quote() {
        for (text, secret, expected) in [
            (r#"["PASS abc",5]"#, r#"abc",5]"#, "abc"),
            (r#"{"a":"AUTH abc","b":1}"#, r#"abc","b":1}"#, "abc"),
            (r#"{\"a\":\"AUTH abc\",\"b\":1}"#, r#"abc\",\"b\":1}"#, "abc"),
            (r#"{\"a\":\"AUTH abc\"}"#, r"abc\", "abc"),
            (r#"AUTH ab"]c"#, r#"ab"]c"#, r#"ab"]c"#),
            (r#"crypt('ab"}c"#, r#"ab"}c"#, r#"ab"}c"#),
            (r#"{"a":"AUTH a"b"c"}"#, r#"a"b"#, r#"a"b"#),
        ] {
            let start = text.find(secret).expect("it stands in the text");
            let end = string_end(text.as_bytes(), &(start..start + secret.len()));
            assert_eq!(&text[start..end], expected, "{text}");
        }
    }
}
