//! Durations as Go writes them.

use std::fmt;
use std::time::Duration;

use serde::de;

/// A duration in a configuration: `1h2m3.5s`, `200ms`; a bare integer is
/// nanoseconds, as the Collector has it.
///
/// Invariant: at most 2^63 − 1 ns (292 years), Go's largest; never negative, as no
/// setting here has a use for that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GoDuration(pub Duration);

/// Go's largest duration.
const NANOS_MAX: u64 = i64::MAX as u64;

const EXPECTED: &str = "expected a duration such as 200ms, 5s or 1h30m";

impl GoDuration {
    /// So many seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(Duration::from_secs(secs))
    }

    /// So many milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(Duration::from_millis(millis))
    }
}

impl From<GoDuration> for Duration {
    fn from(duration: GoDuration) -> Self {
        duration.0
    }
}

impl TryFrom<&str> for GoDuration {
    type Error = &'static str;

    /// Reads what Go's `time.ParseDuration` reads, without a negative sign.
    fn try_from(text: &str) -> Result<Self, Self::Error> {
        if text.starts_with('-') && text != "-0" {
            return Err("expected a duration that is not negative");
        }
        let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
        if unsigned == "0" {
            return Ok(Self::default());
        }
        if unsigned.is_empty() {
            return Err(EXPECTED);
        }
        let mut rest = unsigned;
        let mut nanos = 0_u64;
        while !rest.is_empty() {
            let (part, after) = part(rest).ok_or(EXPECTED)?;
            nanos = nanos
                .checked_add(part)
                .filter(|nanos| *nanos <= NANOS_MAX)
                .ok_or("expected a duration of at most 292 years")?;
            rest = after;
        }
        Ok(Self(Duration::from_nanos(nanos)))
    }
}

/// The nanoseconds of the first number with its unit, and what follows.
fn part(text: &str) -> Option<(u64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let (whole, rest) = text.split_at_checked(digits(text))?;
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at_checked(digits(rest))?,
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let unit_end = rest.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(rest.len());
    let (unit, rest) = rest.split_at_checked(unit_end)?;
    let unit: u64 = match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let whole = if whole.is_empty() { 0 } else { whole.parse().unwrap_or(u64::MAX) };
    Some((whole.saturating_mul(unit).saturating_add(fraction_of(fraction, unit)), rest))
}

/// `0.<fraction>` of `unit`, in nanoseconds, rounded down.
fn fraction_of(fraction: &str, unit: u64) -> u64 {
    let mut nanos = 0;
    let mut scale = 1_u64;
    for digit in fraction.bytes() {
        // Beyond this, a digit is less than a nanosecond of any unit.
        if 1_000_000_000_000_000 < scale {
            break;
        }
        scale *= 10;
        // Millionths of a nanosecond, so that the rounding of each digit does not add up.
        nanos += u128::from(digit - b'0') * u128::from(unit) * 1_000_000 / u128::from(scale);
    }
    u64::try_from(nanos / 1_000_000).unwrap_or(u64::MAX)
}

impl<'de> de::Deserialize<'de> for GoDuration {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = GoDuration;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED.trim_start_matches("expected "))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<GoDuration, E> {
        GoDuration::try_from(text).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, nanos: u64) -> Result<GoDuration, E> {
        if NANOS_MAX < nanos {
            return Err(E::custom("expected a duration of at most 292 years"));
        }
        Ok(GoDuration(Duration::from_nanos(nanos)))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<GoDuration, E> {
        Err(E::custom("expected a duration that is not negative"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanos) in [
            ("0", 0),
            ("0s", 0),
            ("5s", 5_000_000_000),
            ("30s", 30_000_000_000),
            ("1h2m3.5s", 3_723_500_000_000),
            ("200ms", 200_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("+5s", 5_000_000_000),
            ("10us", 10_000),
            ("10µs", 10_000),
            ("10μs", 10_000),
            ("7ns", 7),
            ("1.1ns", 1),
            ("0.3333333333333333333h", 1_200_000_000_000 - 1),
            ("39h9m14.425s", 140_954_425_000_000),
        ] {
            assert_eq!(
                GoDuration::try_from(text),
                Ok(GoDuration(Duration::from_nanos(nanos))),
                "{text}"
            );
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in ["", "3", "s", ".", ".s", "1x", "-5s", "1 s", "5S", "5s ", "1e3s", "99999999h"]
        {
            assert!(GoDuration::try_from(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_bare_integer_is_nanoseconds() {
        let read =
            |yaml| crate::scrub::yaml::read::<GoDuration>(yaml).map_err(|err| err.to_string());
        assert_eq!(read("3"), Ok(GoDuration(Duration::from_nanos(3))));
        assert_eq!(read("3s"), Ok(GoDuration::from_secs(3)));
        assert_eq!(
            read("-3"),
            Err(".: expected a duration that is not negative at line 1, column 1".to_owned())
        );
        assert_eq!(
            read("fast"),
            Err(".: expected a duration such as 200ms, 5s or 1h30m at line 1, column 1".to_owned())
        );
    }
}
