//! Colons that tie a value to a key, and those that do not.

use std::ops::Range;

use crate::scrub::detector::assign::Sign;
use crate::scrub::detector::assign::cursor::Cursor;
use crate::scrub::detector::assign::record::is_attribute;
use crate::scrub::detector::bytes::base64_len;

impl Cursor<'_> {
    /// What the colon that stands here says of the value behind it; leaves the cursor there.
    pub(super) fn colon_sign(
        &mut self,
        key: &Range<usize>,
        key_quote: Option<(usize, u8)>,
        blanks: usize,
    ) -> Option<Sign> {
        match self.rest() {
            [b':', b':', b'=', ..] => Some(self.skip(3, Sign::SpacedEquals)),
            [b':', b':', ..] => self.double_colon(blanks),
            // `${PASSWORD:?must be set}`, `${PASSWORD:+x}`
            [b':', b'?' | b'+', ..] if self.text.get(..key.start)?.ends_with(b"${") => None,
            // `type="password" :value="x"`: an attribute of Vue; a command of Vim on the next line.
            [b':', name @ ..]
                if 0 < blanks
                    && key_quote.is_some()
                    && (is_attribute(name) || self.begins_line(name)) =>
            {
                None
            }
            _ => self.colon(),
        }
    }

    /// `: value`; in `: Type = value` the value stands behind the second sign. `None` where the
    /// type is a number: a length, a limit.
    fn colon(&mut self) -> Option<Sign> {
        const NUMBERS: [&[u8]; 12] = [
            b"usize", b"isize", b"u8", b"u16", b"u32", b"u64", b"i32", b"i64", b"int", b"float",
            b"number", b"Int",
        ];
        self.at += 1;
        let rest = self.rest();
        let of_type = |byte: &u8| byte.is_ascii_alphanumeric() || b"_&<>[]|?.:' ".contains(byte);
        let generic = memchr::memchr(b'<', rest.get(..16).unwrap_or(rest)).is_some();
        let of_type = |byte: &u8| of_type(byte) || (generic && *byte == b',');
        let len = rest.iter().take(48).take_while(|byte| of_type(byte)).count();
        let name = rest.get(..len).unwrap_or_default();
        let behind = rest.get(len..).unwrap_or_default();
        let assigns = matches!(behind, [b'=', next, ..] if !matches!(next, b'=' | b'>'));
        let joins = name.windows(2).any(|two| matches!(two, b"&&" | b"||"));
        if assigns && !joins && name.ends_with(b" ") && name.iter().any(u8::is_ascii_alphabetic) {
            self.at += len + 1;
            return (!NUMBERS.contains(&name.trim_ascii())).then_some(Sign::SpacedEquals);
        }
        Some(Sign::Colon)
    }

    /// Behind `::`: base64 in LDIF (RFC 2849), a string in Jsonnet.
    fn double_colon(&mut self, blanks: usize) -> Option<Sign> {
        let rest = self.rest().strip_prefix(b"::")?;
        let skip = if rest.starts_with(b":") { 3 } else { 2 };
        if self.before_string(skip, Sign::Colon).is_some() {
            return Some(Sign::Colon);
        }
        let value = rest.strip_prefix(b" ").filter(|_| blanks == 0)?;
        let len = base64_len(value);
        let padding = value.iter().skip(len).take(2).take_while(|byte| **byte == b'=').count();
        let len = len + padding;
        let is_padded = len.is_multiple_of(4) && 4 <= len;
        let (word, behind) = value.split_at(len);
        let tells = word.iter().any(|byte| byte.is_ascii_digit() || b"+/=".contains(byte));
        let ends = behind.first().is_none_or(|byte| b"\r\n\\\"'".contains(byte));
        (is_padded && tells && ends).then(|| self.skip(3, Sign::Colon))
    }
}
