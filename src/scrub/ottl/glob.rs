//! The patterns of `replace_match`: `*`, `?`, `[a-z]`, `[!a]`, `{a,b}`, for a whole text.
//!
//! As in github.com/gobwas/glob without separators; written as a regular expression.

use crate::scrub::re2::Pattern;
use crate::scrub::re2::PatternError;

/// Compiles a pattern.
///
/// # Errors
///
/// When a bracket has no end.
pub(in crate::scrub::ottl) fn compile(glob: &str) -> Result<Pattern, PatternError> {
    let mut regex = String::from("^(?s:");
    let mut chars = glob.chars().enumerate();
    let mut braces = 0_usize;
    while let Some((at, c)) = chars.next() {
        match c {
            '*' => regex.push_str(".*"),
            '?' => regex.push('.'),
            '{' => {
                braces += 1;
                regex.push_str("(?:");
            }
            '}' if 0 < braces => {
                braces -= 1;
                regex.push(')');
            }
            ',' if 0 < braces => regex.push('|'),
            '[' => {
                regex.push('[');
                let mut first = true;
                loop {
                    match chars.next() {
                        Some((_, ']')) => break,
                        Some((_, '!')) if first => regex.push('^'),
                        Some((_, '-')) => regex.push('-'),
                        Some((_, '\\')) => {
                            let (_, c) = chars.next().ok_or_else(|| open(at))?;
                            literal(c, &mut regex);
                        }
                        Some((_, c)) => literal(c, &mut regex),
                        None => return Err(open(at)),
                    }
                    first = false;
                }
                regex.push(']');
            }
            '\\' => literal(chars.next().map_or('\\', |(_, c)| c), &mut regex),
            c => literal(c, &mut regex),
        }
    }
    if 0 < braces {
        return Err(open(glob.chars().count()));
    }
    regex.push_str(")$");
    Pattern::new(&regex)
}

fn open(at: usize) -> PatternError {
    PatternError::Syntax { what: "this bracket has no end", at: at + 1 }
}

fn literal(c: char, regex: &mut String) {
    if c.is_ascii_punctuation() {
        regex.push('\\');
    }
    regex.push(c);
}
