//! A private key in pieces: one log record for each of its lines.
//!
//! Whoever logs a key line by line leaves records of which none holds a key. From the
//! record with its first line on, records that hold nothing but a line of it are masked,
//! until one holds something else. Only bodies count: attributes stand between them.

/// The first words of a PEM boundary (RFC 7468 §2).
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";

/// A line of a body has 64 characters (RFC 7468 §2), in practice up to 76; only the last
/// is shorter than this.
const LINE_LEN_MIN: usize = 40;

/// Which line of a key is expected next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum KeyLines {
    /// None: no key is open.
    #[default]
    None,
    /// The first of the body, or a header before it.
    First,
    /// One more, or the last.
    Next,
}

impl KeyLines {
    /// Whether a key is open, so that any body may be a line of it.
    pub(super) fn are_open(&self) -> bool {
        *self != Self::None
    }

    /// Takes the body of a record; whether it is a line of the open key.
    #[inline]
    pub(super) fn is_line(&mut self, body: &[u8]) -> bool {
        *self != Self::None && self.take(body.trim_ascii())
    }

    fn take(&mut self, line: &[u8]) -> bool {
        let headers = [&b"Proc-Type:"[..], b"DEK-Info:"];
        if line.is_empty() || headers.iter().any(|header| line.starts_with(header)) {
            return false;
        }
        let of_body = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let is_long = LINE_LEN_MIN <= line.len();
        let is_line = line.iter().all(of_body) && (is_long || *self == Self::Next);
        *self = if is_line && is_long { Self::Next } else { Self::None };
        is_line
    }

    /// Opens a key, if one begins in the body and does not end in it.
    pub(super) fn open(&mut self, body: &[u8]) {
        let Some(begin) = memchr::memmem::rfind(body, BEGIN) else { return };
        let key = body.get(begin..).unwrap_or_default();
        if memchr::memmem::find(key, END).is_some() {
            return;
        }
        // The body of the key may begin in the same record.
        let line = key.split(|byte| *byte == b'\n').nth(1).unwrap_or_default();
        *self = if line.is_empty() { Self::First } else { Self::Next };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_an_open_key_are_told_from_other_records() {
        let long = [b'A'; 64];
        let mut lines = KeyLines::default();
        assert!(!lines.is_line(&long), "no key is open");
        lines.open(b"-----BEGIN RSA PRIVATE KEY-----");
        assert!(!lines.is_line(b"Proc-Type: 4,ENCRYPTED"));
        assert!(lines.is_line(&long));
        assert!(lines.is_line(&long));
        assert!(lines.is_line(b"AbCd=="));
        assert!(!lines.is_line(b"-----END RSA PRIVATE KEY-----"));
        assert!(!lines.is_line(&long), "the key has ended");
        lines.open(b"-----BEGIN PRIVATE KEY-----");
        assert!(!lines.is_line(b"done"));
        assert!(!lines.is_line(&long), "something else came");
    }
}
