//! Commands of Redis and Valkey: the arguments that are values become `?`.
//!
//! Commands and which of their arguments are values are those of Datadog's
//! `pkg/obfuscate/redis.go`: a line is a command, unknown commands stay. `HELLO`,
//! `CONFIG SET` and `ACL SETUSER` carry passwords; Datadog's leaves the first and the
//! last alone, here they go, too, and a tab stands between words as a blank does.

use crate::scrub::redaction::database::trimmed;

/// Which arguments are values.
enum Values {
    /// This one, from 0.
    One(usize),
    /// This one and all behind it, as one `?`.
    From(usize),
    /// From this one on, the last of each so many.
    Step(usize, usize),
}

/// The commands with `?` for each value.
pub(in crate::scrub::redaction::database) fn sanitize(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut tokens = Tokens { text: trimmed(text), at: 0, in_arguments: false };
    let mut words: Vec<&[u8]> = Vec::new();
    loop {
        let (token, is_command, is_last) = match tokens.in_arguments {
            true => tokens.argument(),
            false => tokens.command(),
        };
        if is_command {
            // Without a command, arguments before it are of nothing: they go.
            if words.first().is_some_and(|command| !command.is_empty()) {
                write(&words, &mut out);
                out.push(b'\n');
            }
            words.clear();
        }
        words.push(token);
        if is_last {
            write(&words, &mut out);
            return out;
        }
    }
}

/// Reads commands and arguments as Datadog's `redis_tokenizer.go` does: a line is a
/// command, unless it is broken within quotes.
struct Tokens<'t> {
    text: &'t [u8],
    at: usize,
    in_arguments: bool,
}

/// A token, whether it is a command, and whether it is the last.
type Token<'t> = (&'t [u8], bool, bool);

impl<'t> Tokens<'t> {
    fn next(&mut self) -> Option<u8> {
        let byte = self.text.get(self.at).copied();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn slice(&self, from: usize, to: usize) -> &'t [u8] {
        self.text.get(from..to).unwrap_or_default()
    }

    /// Behind a blank: to what is none, or over the end of the line.
    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\t' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'\n') {
            self.at += 1;
            self.in_arguments = false;
        }
    }

    fn command(&mut self) -> Token<'t> {
        let (mut from, mut to, mut started) = (self.at, self.at, false);
        loop {
            match self.next() {
                None => return (self.slice(from, to), true, true),
                Some(b' ') if started => {
                    self.in_arguments = true;
                    self.skip_blanks();
                    return (self.slice(from, to), true, false);
                }
                Some(b' ') => {
                    self.skip_blanks();
                    (from, to) = (self.at, self.at);
                }
                Some(b'\n') => return (self.slice(from, to), true, false),
                Some(_) => to = self.at,
            }
            // After blanks, too: a line that begins with them twice has no command.
            started = true;
        }
    }

    fn argument(&mut self) -> Token<'t> {
        let (from, mut quoted, mut escaped) = (self.at, false, false);
        loop {
            match self.next() {
                None => return (self.slice(from, self.at), false, true),
                Some(b'\\') if !escaped => {
                    escaped = true;
                    continue;
                }
                Some(b'"') if !escaped => quoted = !quoted,
                Some(b'\n') if !quoted => {
                    self.in_arguments = false;
                    return (self.slice(from, self.at - 1), false, false);
                }
                Some(b' ') if !quoted => {
                    let to = self.at - 1;
                    self.skip_blanks();
                    return (self.slice(from, to), false, false);
                }
                Some(_) => {}
            }
            escaped = false;
        }
    }
}

/// Words that a tab stands between: Redis takes it for a blank.
fn divided<'t>(words: &[&'t [u8]]) -> Vec<&'t [u8]> {
    let mut all = Vec::new();
    for word in words {
        let (mut quoted, mut escaped) = (false, false);
        let parts = word.split(|byte| {
            quoted ^= *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            *byte == b'\t' && !quoted
        });
        all.extend(parts.filter(|part| !part.is_empty()));
    }
    all
}

fn write(words: &[&[u8]], out: &mut Vec<u8>) {
    let divided = divided(words);
    match masked(divided) {
        Some(masked) => out.extend_from_slice(&masked.join(&b' ')),
        None => out.extend_from_slice(&words.join(&b' ')),
    }
}

/// A command with a mark for each value; `None` for one that is not known.
fn masked(mut words: Vec<&[u8]>) -> Option<Vec<&[u8]>> {
    const MARK: &[u8] = b"?";
    let upper = |word: Option<&&[u8]>| word.map(|word| word.to_ascii_uppercase());
    let command = upper(words.first()).unwrap_or_default();
    let sub = upper(words.get(1)).unwrap_or_default();
    let values = values(&command, &sub, &words)?;
    // Arguments are counted behind the command.
    let args = words.get_mut(1..).unwrap_or_default();
    match values {
        Values::One(at) => args.iter_mut().skip(at).take(1).for_each(|arg| *arg = MARK),
        Values::From(at) => {
            if let Some(arg) = args.get_mut(at) {
                *arg = MARK;
                words.truncate(at + 2);
            }
        }
        Values::Step(start, step) => {
            args.iter_mut().skip(start + step - 1).step_by(step).for_each(|arg| *arg = MARK);
        }
    }
    Some(words)
}

/// The values of a command.
fn values(command: &[u8], sub: &[u8], words: &[&[u8]]) -> Option<Values> {
    Some(match command {
        b"AUTH" => Values::From(0),
        b"HELLO" => Values::From(1),
        b"ACL" if sub == b"SETUSER" => Values::From(2),
        b"CONFIG" if sub == b"SET" => Values::One(2),
        b"APPEND" | b"GETSET" | b"LPUSHX" | b"GEORADIUSBYMEMBER" | b"RPUSHX" | b"SET"
        | b"SETNX" | b"SISMEMBER" | b"ZRANK" | b"ZREVRANK" | b"ZSCORE" => Values::One(1),
        b"HSETNX" | b"LREM" | b"LSET" | b"SETBIT" | b"SETEX" | b"PSETEX" | b"SETRANGE"
        | b"ZINCRBY" | b"SMOVE" | b"RESTORE" => Values::One(2),
        b"LINSERT" => Values::One(3),
        b"GEOHASH" | b"GEOPOS" | b"GEODIST" | b"LPUSH" | b"RPUSH" | b"SREM" | b"ZREM" | b"SADD" => {
            Values::From(1)
        }
        b"GEOADD" => Values::Step(1, 3),
        b"HSET" | b"HMSET" => Values::Step(1, 2),
        b"MSET" | b"MSETNX" => Values::Step(0, 2),
        b"BITFIELD" => {
            let set = words.iter().skip(1).position(|word| word.eq_ignore_ascii_case(b"SET"))?;
            Values::One(set + 3)
        }
        b"ZADD" => {
            let flags = words.iter().skip(2);
            let flags = flags.take_while(|word| matches!(**word, b"NX" | b"XX" | b"CH" | b"INCR"));
            Values::Step(1 + flags.count(), 2)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::sanitize;

    #[test]
    fn values_of_commands_go() {
        let cases = [
            ("AUTH hunter2", "AUTH ?"),
            ("SET k v EX 10", "SET k ? EX 10"),
            ("set \"a key\" \"a value\"", "set \"a key\" ?"),
            ("HSET h f v g w", "HSET h f ? g ?"),
            ("MSET a 1 b 2", "MSET a ? b ?"),
            ("LPUSH l a b c", "LPUSH l ?"),
            ("ZADD z NX CH 1 a 2 b", "ZADD z NX CH 1 ? 2 ?"),
            ("CONFIG SET requirepass x", "CONFIG SET requirepass ?"),
            ("BITFIELD k SET u8 0 255", "BITFIELD k SET u8 0 ?"),
            ("GET k\nSET k v", "GET k\nSET k ?"),
            ("SET k \"two\nlines\"", "SET k ?"),
            ("no command", "no command"),
            ("no  command\t of\r\n\r\n these", "no command\t of\r\n\r\nthese"),
            ("SET\tk \"a\tb\"\tEX 10", "SET k ? EX 10"),
            ("GET k\r\nSET k v\r\nPING", "GET k\r\nSET k ?\nPING"),
            ("SET\t\tk s3cret", "SET k ?"),
            ("SET k\t s3cret", "SET k ?"),
            ("GET a\n\tSET k s3cret", "GET a\nSET k ?"),
            ("SET k \"a\\\"\tb s3cret\"", "SET k ?"),
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&sanitize(text.as_bytes())), expected, "{text}");
        }
    }
}
