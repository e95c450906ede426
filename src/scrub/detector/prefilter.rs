//! One pass over the bytes for every needle of every rule, with no false negative.
//!
//! Each needle is known by a *window*: its rarest four bytes (three, where it has
//! no more). A filter looks at every position of the text at once: 16 buckets of
//! windows, and for each of the four bytes two tables by nibble that say which
//! buckets the byte may belong to. What passes is hashed into a bitmap; what is
//! set there is looked up, compared with the whole needle, and put through the
//! needle's [`Check`], which looks at the bytes behind it. Only then is it a hit.
//!
//! Why so: comparing each candidate with its bucket made the cost follow the
//! number of rules; the bitmap makes it follow the candidates.
//!
//! A long run of base64 characters is a hit too ([`RUN`]), since an encoding
//! hides every needle.
//!
//! `avx2` is the fast way, `portable` the same answer on every machine; a test
//! holds both, and the obvious search, equal.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::bytes::is_key_byte;

/// The needle of a hit that is a run of base64 characters.
///
/// Its position is that of the run's twentieth character: in a request, the byte
/// before a text is its length, and may look like the first of the run.
pub(in crate::scrub) const RUN: u32 = u32::MAX;

/// How many base64 characters in a row are a run. Twenty of them hold fifteen
/// bytes, the shortest `key=value` that is worth hiding.
pub(in crate::scrub) const RUN_LEN_MIN: usize = 20;

/// Buckets of the filter: one bit each in two bytes.
const BUCKETS: usize = 16;

/// A literal to look for.
#[derive(Clone, Debug)]
pub(in crate::scrub) struct Needle {
    /// Its bytes, three or more; lower case where `caseless`.
    pub(in crate::scrub) bytes: Vec<u8>,
    /// Whether ASCII letters match in either case.
    pub(in crate::scrub) caseless: bool,
    /// What must follow, cheaply looked at before a hit is reported.
    pub(in crate::scrub) check: Check,
}

/// What is looked at behind a needle before it is a hit.
#[derive(Clone, Debug)]
pub(in crate::scrub) enum Check {
    /// Nothing.
    None,
    /// At least this many bytes of the set.
    Follow(ByteSet, usize),
    /// A key: after the rest of the name comes a sign that something is assigned,
    /// a quote, or the end of the text.
    Key,
    /// `://`: an `@` before the host ends.
    UserInfo,
}

/// A needle that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::scrub) struct Hit {
    /// Where it begins, in bytes.
    pub(in crate::scrub) at: u32,
    /// Its number in the list that the prefilter was made from, or [`RUN`].
    pub(in crate::scrub) needle: u32,
}

/// The compiled needles.
pub(in crate::scrub) struct Prefilter {
    needles: Vec<Needle>,
    tables: Tables,
    four: Lookup,
    three: Lookup,
    /// Windows of three bytes exist.
    has_three: bool,
}

/// For each of four bytes and each half of the buckets: by low and by high nibble,
/// the buckets that the byte may belong to.
struct Tables {
    low: [[[u8; 16]; 2]; 4],
    high: [[[u8; 16]; 2]; 4],
}

/// From a window to the needles that it may begin.
struct Lookup {
    /// One bit for each hash.
    bitmap: Box<[u64; 1024]>,
    /// Open addressing: window and the range of `places` that it stands for.
    slots: Vec<Option<(u32, u32, u32)>>,
    /// Needle number and offset of the window in the needle.
    places: Vec<(u32, u32)>,
}

/// A window of a needle.
struct Window {
    bytes: [u8; 4],
    /// Four, or three (then the fourth byte is any).
    len: usize,
    /// Where it stands in the needle.
    offset: usize,
    needle: usize,
    caseless: bool,
}

impl Prefilter {
    /// Compiles the needles. Those of fewer than three bytes are never found: give
    /// none.
    pub(in crate::scrub) fn new(needles: Vec<Needle>) -> Self {
        let windows: Vec<Window> =
            needles.iter().enumerate().filter_map(|(n, needle)| rarest_window(n, needle)).collect();
        let tables = Tables::new(&windows);
        let (four, three): (Vec<_>, Vec<_>) = windows.iter().partition(|window| window.len == 4);
        Self {
            tables,
            has_three: !three.is_empty(),
            four: Lookup::new(&four),
            three: Lookup::new(&three),
            needles,
        }
    }

    /// The bytes of a needle.
    pub(in crate::scrub) fn needle(&self, number: u32) -> Option<&[u8]> {
        self.needles.get(number as usize).map(|needle| needle.bytes.as_slice())
    }

    /// Adds every hit in `bytes` to `hits`, by position.
    pub(in crate::scrub) fn scan(&self, bytes: &[u8], hits: &mut Vec<Hit>) {
        let first = hits.len();
        #[cfg(target_arch = "x86_64")]
        if !avx2::scan(self, bytes, hits) {
            portable::scan(self, bytes, 0, &mut Runs::default(), hits);
        }
        #[cfg(not(target_arch = "x86_64"))]
        portable::scan(self, bytes, 0, &mut Runs::default(), hits);
        if let Some(new) = hits.get_mut(first..) {
            // Windows stand at different offsets of their needles, so neighbours
            // can be out of order.
            if !new.is_sorted() {
                new.sort_unstable();
            }
        }
    }

    /// Reports the needles whose window begins at `at`, if any.
    #[inline]
    fn candidate(&self, bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        let Some(window) = bytes.get(at..at + 4).and_then(|b| b.first_chunk::<4>()) else {
            return self.candidate_at_end(bytes, at, hits);
        };
        let window = u32::from_le_bytes(*window);
        if self.four.holds(window) {
            self.confirm(&self.four, window, bytes, at, hits);
        }
        if self.has_three && self.three.holds(window & 0x00ff_ffff) {
            self.confirm(&self.three, window & 0x00ff_ffff, bytes, at, hits);
        }
    }

    /// The last three bytes of a text can only begin a window of three.
    #[cold]
    fn candidate_at_end(&self, bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        if let Some(&[a, b, c]) = bytes.get(at..at + 3) {
            self.confirm(&self.three, u32::from_le_bytes([a, b, c, 0]), bytes, at, hits);
        }
    }

    fn confirm(&self, lookup: &Lookup, window: u32, bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        for &(number, offset) in lookup.get(window) {
            let Some(start) = at.checked_sub(offset as usize) else { continue };
            let Some(needle) = self.needles.get(number as usize) else { continue };
            let Some(found) = bytes.get(start..start + needle.bytes.len()) else { continue };
            let same = match needle.caseless {
                true => found.eq_ignore_ascii_case(&needle.bytes),
                false => found == needle.bytes,
            };
            let rest = bytes.get(start + needle.bytes.len()..).unwrap_or_default();
            if same && needle.check.holds(bytes, start, rest) {
                hits.push(Hit { at: start as u32, needle: number });
            }
        }
    }
}

impl Check {
    #[inline]
    fn holds(&self, bytes: &[u8], start: usize, rest: &[u8]) -> bool {
        match self {
            Self::None => true,
            Self::Follow(set, min) => match rest.get(..*min) {
                Some(next) => next.iter().all(|&byte| set.has(byte)),
                None => false,
            },
            Self::Key => is_key(bytes, start, rest),
            Self::UserInfo => has_userinfo(rest),
        }
    }
}

/// How far the rest of a key's name may reach.
const NAME_REST_MAX: usize = 64;

/// Whether what follows a telling word says that it is (part of) a key.
fn is_key(bytes: &[u8], start: usize, rest: &[u8]) -> bool {
    let Some(after) = rest.iter().take(NAME_REST_MAX).position(|&byte| !is_key_byte(byte)) else {
        return rest.len() <= NAME_REST_MAX;
    };
    let next = |skip: usize| rest.get(after + skip).copied();
    match next(0) {
        // A tag of the wire format behind the key of an attribute; a line's end.
        Some(0..0x20) => true,
        Some(b'=' | b':' | b'"' | b'\'' | b'`' | b'\\' | b'>' | b']' | b')' | b'%' | b'&') => true,
        Some(b' ') => is_key_before_blank(bytes, start, rest.get(after..).unwrap_or_default()),
        Some(_) => false,
        None => true,
    }
}

/// `password = x`, `password : x`, `--password x`, `Authorization Bearer x`,
/// `password is x`; in prose, most words before a blank are none of these.
#[inline]
fn is_key_before_blank(bytes: &[u8], start: usize, rest: &[u8]) -> bool {
    let sign = rest.iter().copied().find(|&byte| byte != b' ');
    if matches!(sign, Some(b'=' | b':' | b'|' | b'"' | b'\'' | b'>' | b'-' | b'\\')) {
        return true;
    }
    // A flag: a hyphen before the name.
    let name = bytes.get(..start).unwrap_or_default();
    let mut name_start = name.len();
    while name.len() - name_start < NAME_REST_MAX
        && name_start.checked_sub(1).and_then(|i| name.get(i)).is_some_and(|&b| is_key_byte(b))
    {
        name_start -= 1;
    }
    if name.get(name_start).or(bytes.get(start)) == Some(&b'-') {
        return true;
    }
    // Words that assign: `is`, `was`, `to`, `by`, and what netrc and schemes have.
    let word_at = rest.iter().position(|&byte| byte != b' ').unwrap_or(rest.len());
    let word = rest.get(word_at..).unwrap_or_default();
    const WORDS: &[&[u8]] =
        &[b"is ", b"is:", b"was ", b"set to ", b"to ", b"bearer ", b"basic ", b"by ", b"as "];
    if WORDS.iter().any(|w| word.get(..w.len()).is_some_and(|x| x.eq_ignore_ascii_case(w))) {
        return true;
    }
    // `login u password p` (netrc, redis AUTH, SQL) has the bare name: the word
    // must then look like nothing that prose has.
    let end = word.iter().position(|&b| b <= b' ').unwrap_or(word.len()).min(64);
    word.get(..end).unwrap_or_default().iter().any(u8::is_ascii_digit)
}

/// Whether an authority with userinfo follows: an `@` before the host ends.
fn has_userinfo(rest: &[u8]) -> bool {
    for &byte in rest.iter().take(512) {
        match byte {
            b'@' => return true,
            b'/' | b'?' | b'#' | b'"' | b'\'' | b'<' | b'>' | 0..=b' ' => {
                // A password may hold a slash that nobody encoded; look a little
                // further only if a colon came before, which a host with a port has
                // too, so the detector decides.
                return false;
            }
            _ => {}
        }
    }
    false
}

/// Where the last run of base64 characters was, so that it is reported once.
#[derive(Default)]
struct Runs {
    /// Up to where runs were looked for.
    done: usize,
    /// Characters of the run that is under way (portable scan only).
    len: usize,
}

impl Runs {
    /// Reports the run around `at` unless it was, or shows that it hides nothing.
    #[cold]
    fn report(&mut self, bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        if at < self.done {
            return;
        }
        let from = bytes.get(self.done..at).unwrap_or_default();
        let start = at - from.iter().rev().take_while(|&&byte| is_base64(byte)).count();
        let run = bytes.get(start..).unwrap_or_default();
        let len = run.iter().take_while(|&&byte| is_base64(byte)).count();
        self.done = start + len;
        if is_promising(run.get(..len).unwrap_or_default()) {
            hits.push(Hit { at: (start + RUN_LEN_MIN - 1) as u32, needle: RUN });
        }
    }
}

/// Whether a run may be base64 (or hex) of text: a hexadecimal id of the usual
/// lengths and a path of words are not.
fn is_promising(run: &[u8]) -> bool {
    if run.len() < RUN_LEN_MIN {
        return false;
    }
    let (mut upper, mut lower, mut digit, mut hex) = (0_usize, 0_usize, 0_usize, 0_usize);
    for &byte in run {
        upper += usize::from(byte.is_ascii_uppercase());
        lower += usize::from(byte.is_ascii_lowercase());
        digit += usize::from(byte.is_ascii_digit());
        hex += usize::from(byte.is_ascii_hexdigit());
    }
    if hex == run.len() {
        // Hex of text: two digits a character, the first of which is 2 to 7. The run
        // may have a digit too many in front (see `RUN`).
        return [0, 1].into_iter().any(|skip| {
            let firsts = run.iter().skip(skip).step_by(2);
            let all = firsts.len();
            firsts.filter(|digit| matches!(digit, b'2'..=b'7')).count() * 10 >= all * 9
        });
    }
    2 <= usize::from(0 < upper) + usize::from(0 < lower) + usize::from(0 < digit)
}

impl Lookup {
    fn new(windows: &[&Window]) -> Self {
        let mut entries: Vec<(u32, (u32, u32))> = Vec::new();
        for window in windows {
            for spelling in spellings(window) {
                entries.push((spelling, (window.needle as u32, window.offset as u32)));
            }
        }
        entries.sort_unstable();
        entries.dedup();
        let mut lookup = Self {
            bitmap: Box::new([0; 1024]),
            slots: vec![None; (entries.len() * 4).next_power_of_two().max(16)],
            places: entries.iter().map(|entry| entry.1).collect(),
        };
        let mut start = 0;
        for chunk in entries.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(window, _)) = chunk.first() else { continue };
            lookup.insert(window, start, start + chunk.len() as u32);
            start += chunk.len() as u32;
        }
        lookup
    }

    fn insert(&mut self, window: u32, start: u32, end: u32) {
        let hash = hash(window);
        if let Some(word) = self.bitmap.get_mut(hash >> 6) {
            *word |= 1 << (hash & 63);
        }
        let mask = self.slots.len() - 1;
        let mut slot = hash & mask;
        while self.slots.get(slot).is_some_and(Option::is_some) {
            slot = (slot + 1) & mask;
        }
        if let Some(free) = self.slots.get_mut(slot) {
            *free = Some((window, start, end));
        }
    }

    #[inline(always)]
    fn holds(&self, window: u32) -> bool {
        let hash = hash(window);
        self.bitmap.get(hash >> 6).is_some_and(|word| word >> (hash & 63) & 1 == 1)
    }

    #[inline]
    fn get(&self, window: u32) -> &[(u32, u32)] {
        let mask = self.slots.len() - 1;
        let mut slot = hash(window) & mask;
        while let Some(&Some((found, start, end))) = self.slots.get(slot) {
            if found == window {
                return self.places.get(start as usize..end as usize).unwrap_or_default();
            }
            slot = (slot + 1) & mask;
        }
        &[]
    }
}

/// Sixteen bits of a multiplicative hash.
#[inline(always)]
fn hash(window: u32) -> usize {
    (window.wrapping_mul(0x9E37_79B1) >> 16) as usize
}

/// Every way to write a window: one, or each mix of cases.
fn spellings(window: &Window) -> Vec<u32> {
    let mut spellings = vec![[0_u8; 4]];
    for position in 0..window.len {
        let byte = window.bytes.get(position).copied().unwrap_or_default();
        let mut next = Vec::new();
        for spelling in &spellings {
            for case in cases(byte, window.caseless) {
                let mut longer = *spelling;
                if let Some(slot) = longer.get_mut(position) {
                    *slot = case;
                }
                next.push(longer);
            }
        }
        spellings = next;
    }
    spellings.into_iter().map(u32::from_le_bytes).collect()
}

fn cases(byte: u8, caseless: bool) -> Vec<u8> {
    match caseless && byte.is_ascii_alphabetic() {
        true => vec![byte.to_ascii_lowercase(), byte.to_ascii_uppercase()],
        false => vec![byte],
    }
}

/// The rarest four bytes in a row (three, if it has no more).
fn rarest_window(number: usize, needle: &Needle) -> Option<Window> {
    let len = needle.bytes.len().min(4);
    if len < 3 {
        return None;
    }
    let rarity = |bytes: &[u8]| -> f32 {
        bytes
            .iter()
            .map(|&b| cases(b, needle.caseless).into_iter().map(frequency).sum::<f32>().ln())
            .sum()
    };
    let (offset, bytes) = needle
        .bytes
        .windows(len)
        .enumerate()
        .min_by(|(_, a), (_, b)| rarity(a).total_cmp(&rarity(b)))?;
    let mut window = [0; 4];
    window.get_mut(..len)?.copy_from_slice(bytes);
    Some(Window { bytes: window, len, offset, needle: number, caseless: needle.caseless })
}

/// About how often a byte stands in telemetry; only the order of magnitude counts.
fn frequency(byte: u8) -> f32 {
    match byte {
        b' ' => 0.09,
        b'e' => 0.08,
        b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' => 0.05,
        b'c' | b'd' | b'l' | b'u' | b'p' | b'm' | b'h' => 0.025,
        b'"' => 0.04,
        b'f' | b'g' | b'y' | b'w' | b'b' | b'v' | b'.' | b':' | b'\\' | b'/' => 0.014,
        b'_' | b'-' | b'0'..=b'9' | b',' => 0.011,
        b'k' | b'x' | b'q' | b'j' | b'z' => 0.004,
        b'A'..=b'Z' | b'=' | b'{' | b'}' | b'(' | b')' | 0..0x20 => 0.003,
        _ => 0.001,
    }
}

impl Tables {
    fn new(windows: &[Window]) -> Self {
        let mut buckets: Vec<Bucket> = (0..BUCKETS).map(|_| Bucket::default()).collect();
        // Similar windows meet in one bucket when they come in order.
        let mut order: Vec<&Window> = windows.iter().collect();
        order.sort_by_key(|w| {
            let [a, b, c, d] = w.bytes;
            (w.len, [d >> 4, c >> 4, b >> 4, a >> 4], w.bytes)
        });
        for window in order {
            let growth = |bucket: &Bucket| bucket.growth(window);
            let best = buckets
                .iter()
                .map(growth)
                .enumerate()
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .map(|(number, _)| number);
            if let Some(bucket) = best.and_then(|number| buckets.get_mut(number)) {
                bucket.add(window);
            }
        }
        let mut tables = Self { low: [[[0; 16]; 2]; 4], high: [[[0; 16]; 2]; 4] };
        for (number, bucket) in buckets.iter().enumerate() {
            let (half, bit) = (number / 8, 1_u8 << (number % 8));
            for (position, set) in bucket.positions.iter().map(|p| p.nibbles).enumerate() {
                for nibble in 0..16 {
                    let at = |tables: &mut [[[u8; 16]; 2]; 4], nibbles: u16| {
                        if nibbles >> nibble & 1 == 1
                            && let Some(entry) = tables
                                .get_mut(position)
                                .and_then(|t| t.get_mut(half))
                                .and_then(|t| t.get_mut(nibble))
                        {
                            *entry |= bit;
                        }
                    };
                    at(&mut tables.low, set.low);
                    at(&mut tables.high, set.high);
                }
            }
        }
        tables
    }
}

/// Which nibbles the bytes of a bucket have, by position.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Nibbles {
    low: u16,
    high: u16,
}

impl Nibbles {
    fn with(self, byte: u8) -> Self {
        Self { low: self.low | 1 << (byte & 15), high: self.high | 1 << (byte >> 4) }
    }

    /// How likely a byte of telemetry passes.
    fn probability(self) -> f32 {
        (0..=255_u8)
            .filter(|&byte| self.low >> (byte & 15) & 1 == 1 && self.high >> (byte >> 4) & 1 == 1)
            .map(frequency)
            .sum::<f32>()
            .min(1.0)
    }
}

/// What a bucket takes at one of the four positions, and how likely a byte of
/// telemetry is among it.
#[derive(Clone, Copy, Default)]
struct Position {
    nibbles: Nibbles,
    probability: f32,
}

#[derive(Clone, Default)]
struct Bucket {
    positions: [Position; 4],
}

impl Bucket {
    fn with(&self, window: &Window) -> Self {
        let mut bucket = self.clone();
        for (i, position) in bucket.positions.iter_mut().enumerate() {
            let before = position.nibbles;
            match window.bytes.get(i) {
                Some(&byte) if i < window.len => {
                    for case in cases(byte, window.caseless) {
                        position.nibbles = position.nibbles.with(case);
                    }
                }
                _ => position.nibbles = Nibbles { low: u16::MAX, high: u16::MAX },
            }
            if position.nibbles != before {
                position.probability = position.nibbles.probability();
            }
        }
        bucket
    }

    fn probability(&self) -> f32 {
        self.positions.iter().map(|position| position.probability).product()
    }

    /// By how much the bucket would let more through.
    fn growth(&self, window: &Window) -> f32 {
        self.with(window).probability() - self.probability()
    }

    fn add(&mut self, window: &Window) {
        *self = self.with(window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The obvious way: every needle at every position, no tables.
    fn obvious(needles: &[Needle], bytes: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        for at in 0..bytes.len() {
            for (number, needle) in needles.iter().enumerate() {
                let Some(found) = bytes.get(at..at + needle.bytes.len()) else { continue };
                let same = match needle.caseless {
                    true => found.eq_ignore_ascii_case(&needle.bytes),
                    false => found == needle.bytes,
                };
                if same && needle.check.holds(bytes, at, &bytes[at + needle.bytes.len()..]) {
                    hits.push(Hit { at: at as u32, needle: number as u32 });
                }
            }
            let run = bytes[at..].iter().take_while(|&&b| is_base64(b)).count();
            let begins = at == 0 || !is_base64(bytes[at - 1]);
            if begins && RUN_LEN_MIN <= run && is_promising(&bytes[at..at + run]) {
                hits.push(Hit { at: (at + RUN_LEN_MIN - 1) as u32, needle: RUN });
            }
        }
        hits.sort_unstable();
        hits
    }

    fn needles() -> Vec<Needle> {
        let none =
            |bytes: &str| Needle { bytes: bytes.into(), caseless: false, check: Check::None };
        let mut needles = vec![
            none("ghp_"),
            none("hf_"),
            none("sk-ant-api03-"),
            none("AKIA"),
            Needle { bytes: b"passw".to_vec(), caseless: true, check: Check::Key },
            Needle { bytes: b"token".to_vec(), caseless: true, check: Check::Key },
            Needle { bytes: b"://".to_vec(), caseless: false, check: Check::UserInfo },
            Needle {
                bytes: b"SG.".to_vec(),
                caseless: false,
                check: Check::Follow(ByteSet::of(b"abcABC012"), 3),
            },
        ];
        needles.extend((0..200).map(|n| none(&format!("x{n:03}_"))));
        needles
    }

    fn both_ways(bytes: &[u8]) {
        static PREFILTER: std::sync::LazyLock<Prefilter> =
            std::sync::LazyLock::new(|| Prefilter::new(needles()));
        let prefilter = &*PREFILTER;
        let expected = obvious(&prefilter.needles, bytes);
        let (mut fast, mut portable) = (Vec::new(), Vec::new());
        prefilter.scan(bytes, &mut fast);
        portable::scan(prefilter, bytes, 0, &mut Runs::default(), &mut portable);
        portable.sort_unstable();
        assert_eq!(fast, expected);
        assert_eq!(portable, expected);
    }

    /// Text that is full of needles and almost-needles.
    fn dense() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just("ghp_".to_owned()),
            Just("PASSWORD=".to_owned()),
            Just("token_count".to_owned()),
            Just("--token x1".to_owned()),
            Just("https://u:p@h/".to_owned()),
            Just("https://h:80/@".to_owned()),
            Just("SG.abc".to_owned()),
            Just("SG.".to_owned()),
            Just("sk-ant-api03-".to_owned()),
            Just("x017_".to_owned()),
            "[a-zA-Z0-9+/]{0,45}",
            "[ -~]{0,9}",
            "\\PC{0,5}",
        ];
        proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat().into_bytes())
    }

    proptest! {
        #[test]
        fn every_scan_finds_what_the_obvious_search_finds(bytes in dense()) {
            both_ways(&bytes);
        }

        #[test]
        fn arbitrary_bytes_are_scanned_alike(
            bytes in proptest::collection::vec(any::<u8>(), 0..300)
        ) {
            both_ways(&bytes);
        }
    }

    #[test]
    fn a_needle_is_found_at_every_offset_of_a_step() {
        for offset in 0..80 {
            let mut bytes = vec![b' '; offset];
            bytes.extend_from_slice(b"ghp_ and token: and hf_");
            both_ways(&bytes);
        }
    }
}
