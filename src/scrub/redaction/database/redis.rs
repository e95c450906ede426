//! Commands of Redis and Valkey: the arguments that are values become `?`.
//!
//! Commands and which of their arguments are values are those of Datadog's
//! `pkg/obfuscate/redis.go`: a line is a command, unknown commands stay. `HELLO`,
//! `CONFIG SET` and `ACL SETUSER` carry passwords; Datadog's leaves the first and the
//! last alone, here they go, too.

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
    let mut commands = commands(trimmed(text)).into_iter();
    if let Some(first) = commands.next() {
        write(first, &mut out);
    }
    for command in commands {
        out.push(b'\n');
        write(command, &mut out);
    }
    out
}

/// Each line as words; a line may be broken within quotes.
fn commands(text: &[u8]) -> Vec<Vec<&[u8]>> {
    let mut commands: Vec<Vec<&[u8]>> = Vec::new();
    let mut words: Vec<&[u8]> = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, &byte) in text.iter().enumerate() {
        let word = |from: usize| text.get(from..at).filter(|word| !word.is_empty());
        match byte {
            b'\\' if !escaped => {
                escaped = true;
                continue;
            }
            // A quote has no meaning in the command itself.
            b'"' if !escaped && !words.is_empty() => quoted = !quoted,
            b' ' | b'\t' | b'\r' if !quoted => {
                words.extend(word(start));
                start = at + 1;
            }
            b'\n' if !quoted => {
                words.extend(word(start));
                start = at + 1;
                if !words.is_empty() {
                    commands.push(std::mem::take(&mut words));
                }
            }
            _ => {}
        }
        escaped = false;
    }
    words.extend(text.get(start..).filter(|word| !word.is_empty()));
    if !words.is_empty() {
        commands.push(words);
    }
    commands
}

fn write(mut words: Vec<&[u8]>, out: &mut Vec<u8>) {
    const MARK: &[u8] = b"?";
    let upper = |word: Option<&&[u8]>| word.map(|word| word.to_ascii_uppercase());
    let command = upper(words.first()).unwrap_or_default();
    let sub = upper(words.get(1)).unwrap_or_default();
    if let Some(values) = values(&command, &sub, &words) {
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
    }
    out.extend_from_slice(&words.join(&b' '));
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
            ("", ""),
        ];
        for (text, expected) in cases {
            assert_eq!(String::from_utf8_lossy(&sanitize(text.as_bytes())), expected, "{text}");
        }
    }
}
