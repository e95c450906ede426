//! How often runs of bytes stand in telemetry, so that each needle is looked for by
//! what is rare in it.

use std::collections::HashMap;

use crate::scrub::detector::prefilter::Fold;

/// The runs of four bytes that are most frequent in documentation, source code in
/// four languages, system logs and captured telemetry (7 MB, each kind weighed
/// alike), the most frequent first, without regard to case. `@` is a blank.
///
/// Bytes do not come one by one: `tion` and ` key` are made of rare letters and stand
/// everywhere.
const COMMON: &str = include_str!("common.txt");

/// The runs that are more frequent in requests than `COMMON` says, folded, the most frequent
/// first: names of attributes, and what the wire format has around them (counted in
/// requests captured from instrumentations in five languages, each weighed alike).
const WIRE: &str = include_str!("wire.txt");

/// The n-th most frequent run stands at about this part of the positions of a text,
/// divided by n (counted; Zipf's law holds for runs of letters as it does for words).
const FIRST: f32 = 0.12;

/// A run that is not in the list stands at no more than this part of the positions.
const UNLISTED_MAX: f32 = 4e-5;

/// How often runs of four bytes stand in telemetry.
pub(super) struct Sample {
    fold: Fold,
    /// By folded byte.
    bytes: [f32; 256],
    fours: HashMap<u32, f32>,
    threes: HashMap<u32, f32>,
}

impl Sample {
    /// Bytes that are folded to the same are one.
    pub(super) fn new(fold: Fold) -> Self {
        let mut bytes = [0.0; 256];
        for byte in 0..=u8::MAX {
            if let Some(all) = bytes.get_mut(usize::from(fold(byte))) {
                *all += frequency(byte);
            }
        }
        let mut sample = Self { fold, bytes, fours: HashMap::new(), threes: HashMap::new() };
        sample.count(COMMON);
        sample.count(WIRE);
        sample
    }

    /// Takes a list of runs, the most frequent first.
    fn count(&mut self, list: &str) {
        let fold = self.fold;
        let runs = list.lines().flat_map(|line| line.as_bytes().chunks_exact(4));
        for (rank, run) in runs.enumerate() {
            let plain = |i: usize| match run.get(i).copied().unwrap_or_default() {
                b'@' => fold(b' '),
                byte => fold(byte),
            };
            let part = FIRST / (rank + 8) as f32;
            let four = u32::from_le_bytes([plain(0), plain(1), plain(2), plain(3)]);
            *self.fours.entry(four).or_default() += part;
            for three in [[plain(0), plain(1), plain(2), 0], [plain(1), plain(2), plain(3), 0]] {
                // Each stands in runs that begin with it and in runs that end with it.
                *self.threes.entry(u32::from_le_bytes(three)).or_default() += part / 2.0;
            }
        }
    }

    /// What bytes are folded to.
    pub(super) fn fold(&self) -> Fold {
        self.fold
    }

    /// About which part of the positions of a text a run of three or four bytes stands
    /// at, folded. One byte over and over counts as everywhere, so that only needles
    /// without anything else are known by it.
    pub(super) fn frequency(&self, run: &[u8]) -> f32 {
        if run.windows(2).all(|pair| matches!(pair, [a, b] if (self.fold)(*a) == (self.fold)(*b))) {
            return 1.0;
        }
        let mut window = [0; 4];
        for (slot, byte) in window.iter_mut().zip(run) {
            *slot = (self.fold)(*byte);
        }
        let counted = match run.len() {
            4 => self.fours.get(&u32::from_le_bytes(window)),
            _ => self.threes.get(&u32::from_le_bytes(window)),
        };
        // What is not in the list is rarer than all that is: by its bytes, how much.
        let by_byte = |byte: &u8| {
            let all = self.bytes.get(usize::from((self.fold)(*byte)));
            all.copied().unwrap_or_default()
        };
        let by_bytes = || run.iter().map(by_byte).product::<f32>() * 10.0;
        counted.copied().unwrap_or_else(|| by_bytes().min(UNLISTED_MAX))
    }
}

/// About how often a byte stands in telemetry; only the order of magnitude counts.
pub(super) fn frequency(byte: u8) -> f32 {
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
