//! JSON of MongoDB, OpenSearch and Elasticsearch: every value becomes `"?"`, keys
//! stay, blanks between them go.
//!
//! As in Datadog's, only what is JSON as a whole is touched. Not as there: a text that
//! is one number or string alone is a value here, too.

/// The JSON with `"?"` for each value; the same text where it is no JSON.
pub(in crate::scrub::redaction::database) fn sanitize(text: &[u8]) -> Vec<u8> {
    let mut reader = Reader { text, at: 0, out: Vec::with_capacity(text.len()) };
    match reader.whole() {
        Some(()) => reader.out,
        None => text.to_vec(),
    }
}

/// How deep objects and lists may be nested; deeper text is left alone, as no JSON.
const DEPTH_MAX: usize = 10_000;

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
    out: Vec<u8>,
}

impl Reader<'_> {
    /// `None` where it is no JSON.
    fn whole(&mut self) -> Option<()> {
        // What is open: whether it is an object.
        let mut open: Vec<bool> = Vec::new();
        loop {
            self.blanks();
            match self.byte()? {
                byte @ (b'{' | b'[') => {
                    let is_object = byte == b'{';
                    if DEPTH_MAX <= open.len() {
                        return None;
                    }
                    open.push(is_object);
                    self.copy()?;
                    self.blanks();
                    let empty = self.byte()? == if is_object { b'}' } else { b']' };
                    if !empty {
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                _ => {
                    self.value()?;
                    self.out.extend_from_slice(b"\"?\"");
                }
            }
            // After a value: close what ends here.
            loop {
                self.blanks();
                let Some(&is_object) = open.last() else {
                    return (self.at == self.text.len()).then_some(());
                };
                match self.byte()? {
                    b',' => {
                        self.copy()?;
                        self.blanks();
                        if is_object {
                            self.key()?;
                        }
                        break;
                    }
                    b'}' if is_object => self.copy()?,
                    b']' if !is_object => self.copy()?,
                    _ => return None,
                }
                open.pop();
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        let start = self.at;
        self.string()?;
        self.out.extend_from_slice(self.text.get(start..self.at)?);
        self.blanks();
        (self.byte()? == b':').then_some(())?;
        self.copy()
    }

    fn value(&mut self) -> Option<()> {
        if self.byte()? == b'"' {
            return self.string();
        }
        let rest = self.text.get(self.at..)?;
        let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
        let len = rest.iter().position(is_end).unwrap_or(rest.len());
        let word = std::str::from_utf8(rest.get(..len)?).ok()?;
        let is_number = || {
            let digits = word.strip_prefix('-').unwrap_or(word);
            digits.starts_with(|char: char| char.is_ascii_digit()) && word.parse::<f64>().is_ok()
        };
        self.at += len;
        (matches!(word, "true" | "false" | "null") || is_number()).then_some(())
    }

    fn string(&mut self) -> Option<()> {
        (self.byte()? == b'"').then_some(())?;
        self.at += 1;
        loop {
            let byte = self.byte()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => self.at += 1,
                0..0x20 => return None,
                _ => {}
            }
        }
    }

    fn copy(&mut self) -> Option<()> {
        self.out.push(self.byte()?);
        self.at += 1;
        Some(())
    }

    fn blanks(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::sanitize;

    #[test]
    fn values_go_and_keys_stay() {
        let cases = [
            (r#"{"find": "users", "n": 1}"#, r#"{"find":"?","n":"?"}"#),
            (r#"{"a": [1, {"b": null}], "c": {}}"#, r#"{"a":["?",{"b":"?"}],"c":{}}"#),
            (r#"{"a\"}": "x\"}"}"#, r#"{"a\"}":"?"}"#),
            ("[]", "[]"),
            ("{\"a\": 1", "{\"a\": 1"),
            ("not json", "not json"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&sanitize(text.as_bytes())), expected, "{text}");
        }
    }
}
