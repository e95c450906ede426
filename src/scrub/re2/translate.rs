//! Reads a pattern as Go's `regexp/syntax` reads it and writes the same for Rust.
//!
//! What is written is explicit: characters that mean something are escaped, classes
//! are lists of ranges, `\d`, `\w`, `\s` and `\b` are ASCII. What Go refuses is refused,
//! but for repetitions that only Go limits.

use crate::scrub::re2::PatternError;

/// Names of POSIX classes, the same in both.
const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// Translates a pattern.
pub(in crate::scrub::re2) fn translate(pattern: &str) -> Result<String, PatternError> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut reader = Reader { chars: &chars, at: 0, out: String::with_capacity(pattern.len() * 2) };
    while let Some(char) = reader.next() {
        match char {
            '\\' => reader.escape()?,
            '[' => reader.class()?,
            '(' => reader.group()?,
            '{' => reader.repetition(),
            '|' | ')' | '*' | '+' | '?' | '^' | '$' | '.' => reader.out.push(char),
            _ => literal(char, &mut reader.out),
        }
    }
    Ok(reader.out)
}

struct Reader<'p> {
    chars: &'p [char],
    at: usize,
    out: String,
}

impl Reader<'_> {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn next(&mut self) -> Option<char> {
        let char = self.peek(0);
        self.at += usize::from(char.is_some());
        char
    }

    fn fault(&self, what: &'static str) -> PatternError {
        PatternError::Syntax { what, at: self.at.max(1) }
    }

    /// After a backslash, outside a class.
    fn escape(&mut self) -> Result<(), PatternError> {
        match self.peek(0) {
            Some('A' | 'z') => {
                self.out.push('\\');
                let letter = self.next();
                self.out.extend(letter);
            }
            Some('b') => {
                self.at += 1;
                self.out.push_str(r"(?-u:\b)");
            }
            Some('B') => {
                self.at += 1;
                self.out.push_str(r"(?-u:\B)");
            }
            Some('Q') => {
                self.at += 1;
                while let Some(char) = self.next() {
                    if char == '\\' && self.peek(0) == Some('E') {
                        self.at += 1;
                        break;
                    }
                    literal(char, &mut self.out);
                }
            }
            Some('p' | 'P') => self.unicode_class()?,
            Some(char) => match perl(char) {
                Some(ranges) => {
                    self.at += 1;
                    self.out.push_str(ranges);
                }
                None => {
                    let char = self.escaped_char()?;
                    literal(char, &mut self.out);
                }
            },
            None => return Err(self.fault("backslash at the end")),
        }
        Ok(())
    }

    /// After a backslash: the one character that is meant.
    fn escaped_char(&mut self) -> Result<char, PatternError> {
        let Some(char) = self.next() else { return Err(self.fault("backslash at the end")) };
        Ok(match char {
            '1'..='7' if !matches!(self.peek(0), Some('0'..='7')) => {
                return Err(self.fault("back-reference"));
            }
            '0'..='7' => {
                let mut value = char.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(digit) = self.peek(0).and_then(|char| char.to_digit(8)) else { break };
                    value = value * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(value).ok_or_else(|| self.fault("unknown escape"))?
            }
            'x' => self.hexadecimal()?,
            'a' => '\u{7}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            _ if char.is_ascii() && !char.is_ascii_alphanumeric() => char,
            _ => return Err(self.fault("unknown escape")),
        })
    }

    /// After `\x`.
    fn hexadecimal(&mut self) -> Result<char, PatternError> {
        let mut digits = String::new();
        if self.peek(0) == Some('{') {
            self.at += 1;
            loop {
                match self.next() {
                    Some('}') => break,
                    Some(char) => digits.push(char),
                    None => return Err(self.fault("unknown escape")),
                }
            }
        } else {
            digits.extend(self.next());
            digits.extend(self.next());
            if digits.chars().count() < 2 {
                return Err(self.fault("unknown escape"));
            }
        }
        let all_digits = !digits.is_empty() && digits.chars().all(|char| char.is_ascii_hexdigit());
        let value = u32::from_str_radix(&digits, 16).ok().filter(|_| all_digits);
        value.and_then(char::from_u32).ok_or_else(|| self.fault("unknown escape"))
    }

    /// At the `p` or `P` of a class of Unicode characters.
    fn unicode_class(&mut self) -> Result<(), PatternError> {
        let mut negated = self.next() == Some('P');
        let mut name = String::new();
        match self.next() {
            Some('{') => loop {
                match self.next() {
                    Some('}') => break,
                    Some('^') if name.is_empty() => negated = !negated,
                    Some(char) if char.is_ascii_alphanumeric() || char == '_' => name.push(char),
                    _ => return Err(self.fault("unknown class of Unicode characters")),
                }
            },
            Some(char) if char.is_ascii_alphabetic() => name.push(char),
            _ => return Err(self.fault("unknown class of Unicode characters")),
        }
        self.out.push_str(if negated { r"\P{" } else { r"\p{" });
        self.out.push_str(&name);
        self.out.push('}');
        Ok(())
    }

    /// After an opening parenthesis.
    fn group(&mut self) -> Result<(), PatternError> {
        self.out.push('(');
        if self.peek(0) != Some('?') {
            return Ok(());
        }
        self.at += 1;
        self.out.push('?');
        let named = match (self.peek(0), self.peek(1)) {
            (Some('P'), Some('<')) => Some(2),
            (Some('<'), Some(char)) if char != '=' && char != '!' => Some(1),
            (Some('<'), _) => return Err(self.fault("look-around")),
            (Some('=' | '!'), _) => return Err(self.fault("look-around")),
            _ => None,
        };
        if let Some(skip) = named {
            self.at += skip;
            self.out.push_str("P<");
            loop {
                match self.next() {
                    Some('>') => break,
                    Some(char) if char.is_ascii_alphanumeric() || char == '_' => {
                        self.out.push(char);
                    }
                    _ => return Err(self.fault("name of a group that Go does not accept")),
                }
            }
            self.out.push('>');
            return Ok(());
        }
        loop {
            match self.next() {
                Some(char @ (':' | ')')) => {
                    self.out.push(char);
                    return Ok(());
                }
                Some(char @ ('i' | 'm' | 's' | 'U' | '-')) => self.out.push(char),
                _ => return Err(self.fault("unknown flag of a group; known: i m s U")),
            }
        }
    }

    /// After an opening brace: a repetition, or else the brace itself.
    fn repetition(&mut self) {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let len = rest.iter().position(|char| *char == '}');
        let inner: Option<String> = len.and_then(|len| rest.get(..len)).map(|s| s.iter().collect());
        let is_number =
            |text: &str| !text.is_empty() && text.chars().all(|char| char.is_ascii_digit());
        let is_repetition = |inner: &String| match inner.split_once(',') {
            None => is_number(inner),
            Some((min, max)) => is_number(min) && (max.is_empty() || is_number(max)),
        };
        match inner.filter(is_repetition) {
            Some(inner) => {
                self.at += inner.chars().count() + 1;
                self.out.push('{');
                self.out.push_str(&inner);
                self.out.push('}');
            }
            None => self.out.push_str(r"\{"),
        }
    }

    /// After an opening bracket.
    fn class(&mut self) -> Result<(), PatternError> {
        self.out.push('[');
        if self.peek(0) == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut first = true;
        loop {
            match self.peek(0) {
                None => return Err(self.fault("bracket without an end")),
                Some(']') if !first => break,
                Some('[') if self.peek(1) == Some(':') && self.posix()? => {}
                Some('\\') if self.class_escape()? => {}
                Some(_) => self.class_range()?,
            }
            first = false;
        }
        self.at += 1;
        self.out.push(']');
        Ok(())
    }

    /// At `[:`: a POSIX class, if it has an end.
    fn posix(&mut self) -> Result<bool, PatternError> {
        let rest: String = self.chars.get(self.at + 2..).unwrap_or_default().iter().collect();
        let Some((name, _)) = rest.split_once(":]") else { return Ok(false) };
        if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(self.fault("unknown POSIX class"));
        }
        self.at += 2 + name.chars().count() + 2;
        self.out.push_str("[:");
        self.out.push_str(name);
        self.out.push_str(":]");
        Ok(true)
    }

    /// At a backslash in a class: a class of its own, if it is one.
    fn class_escape(&mut self) -> Result<bool, PatternError> {
        match self.peek(1) {
            Some('p' | 'P') => {
                self.at += 1;
                self.unicode_class()?;
                Ok(true)
            }
            Some(char) => match perl(char) {
                Some(ranges) => {
                    self.at += 2;
                    self.out.push_str(ranges);
                    Ok(true)
                }
                None => Ok(false),
            },
            None => Err(self.fault("backslash at the end")),
        }
    }

    /// A character of a class, or a range of them.
    fn class_range(&mut self) -> Result<(), PatternError> {
        let low = self.class_char()?;
        let mut high = low;
        if self.peek(0) == Some('-') && !matches!(self.peek(1), Some(']') | None) {
            self.at += 1;
            high = self.class_char()?;
            if high < low {
                return Err(self.fault("range of characters that is backwards"));
            }
        }
        literal(low, &mut self.out);
        if low != high {
            self.out.push('-');
            literal(high, &mut self.out);
        }
        Ok(())
    }

    fn class_char(&mut self) -> Result<char, PatternError> {
        match self.next() {
            Some('\\') => self.escaped_char(),
            Some(char) => Ok(char),
            None => Err(self.fault("bracket without an end")),
        }
    }
}

/// The characters of a class with a letter.
fn perl(letter: char) -> Option<&'static str> {
    Some(match letter {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        's' => r"[\t\n\x0C\r ]",
        'S' => r"[^\t\n\x0C\r ]",
        _ => return None,
    })
}

/// Writes one character that means itself, within a class or not.
fn literal(char: char, out: &mut String) {
    if char.is_control() {
        out.push_str(&format!(r"\x{{{:X}}}", u32::from(char)));
        return;
    }
    // Of the others these have a meaning somewhere, and take a backslash everywhere.
    if regex_syntax::is_meta_character(char) {
        out.push('\\');
    }
    out.push(char);
}

#[cfg(test)]
mod tests {
    use crate::scrub::re2::Pattern;

    /// What Go matches and Rust, left to itself, would not, or the other way round.
    #[test]
    fn a_pattern_means_what_go_means() {
        let cases: &[(&str, &str, bool)] = &[
            (r"^\d$", "٣", false),
            (r"^\w$", "д", false),
            (r"^\W$", "д", true),
            (r"\bд", "д", false),
            (r"^\s$", "\u{b}", false),
            (r"^[\d]$", "٣", false),
            (r"^\Qa.b\E$", "a.b", true),
            (r"^\Qa.b\E$", "axb", false),
            (r"^\064$", "4", true),
            (r"^[[a-z]+$", "[a", true),
            (r"^[a&&b]+$", "&", true),
            (r"^[a~~b]+$", "~", true),
            (r"^[a-z&&[^b]]$", "a]", true),
            (r"^\<a\>$", "<a>", true),
            (r"^\b{start}$", "start", false),
            (r"^x{,3}$", "x{,3}", true),
            (r"^x{a}$", "x{a}", true),
            (r"^x{$", "x{", true),
            (r"^{,3}$", "{,3}", true),
            (r"^[\w-z]$", "-", true),
            (r"^x{2}$", "xx", true),
            (r"(?i)^k$", "\u{212a}", true),
            (r"^\p{^Lu}$", "a", true),
            (r"^\PL$", "1", true),
            (r"^[[:^alpha:]]$", "1", true),
            (r"^[]a]+$", "]a", true),
            (r"^[^]a]+$", "b", true),
            (r"^[\]\-]+$", "-]", true),
            (r"^[--/]+$", "./-", true),
            (r"^.$", "\n", false),
            (r"(?s)^.$", "\n", true),
            (r"a$", "a\n", false),
            (r"(?m)a$", "a\nb", true),
            (r"^ # x$", " # x", true),
            (r"^\x{1F600}\x41$", "😀A", true),
            (r"^(?P<n>a)(?<m>b)$", "ab", true),
        ];
        for (pattern, text, expected) in cases {
            let compiled = Pattern::new(pattern).unwrap_or_else(|err| panic!("{pattern}: {err}"));
            assert_eq!(compiled.is_match(text.as_bytes()), *expected, "{pattern} on {text:?}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused_with_its_place() {
        let cases: &[(&str, &str)] = &[
            ("(?=a)", "look-around at character 2 of the pattern"),
            ("(?<!a)b", "look-around at character 2 of the pattern"),
            (r"(a)\1", "back-reference at character 5 of the pattern"),
            ("[a", "bracket without an end at character 2 of the pattern"),
            (r"\y", "unknown escape at character 2 of the pattern"),
            ("[a--z]", "range of characters that is backwards at character 4 of the pattern"),
            ("[z-a]", "range of characters that is backwards at character 4 of the pattern"),
            ("(a", ""),
            ("*a", ""),
            ("(?x)a", "unknown flag of a group; known: i m s U at character 3 of the pattern"),
            (r"\p{Nope}", ""),
            (r"\", "backslash at the end at character 1 of the pattern"),
        ];
        for (pattern, expected) in cases {
            match Pattern::new(pattern) {
                Ok(_) => panic!("{pattern} is accepted"),
                Err(err) => assert!(err.to_string().starts_with(expected), "{pattern}: {err}"),
            }
        }
    }
}
