//! The filter in front of the hash: sixteen buckets of windows, by nibble.
//!
//! Which window goes into which bucket decides how much passes: each goes where it
//! adds least to what the bucket would let through of telemetry.

use crate::scrub::detector::prefilter::window::Window;
use crate::scrub::detector::prefilter::window::cases;
use crate::scrub::detector::prefilter::window::frequency;

/// Buckets of the filter: one bit each in two bytes.
const BUCKETS: usize = 16;

/// For each of three bytes and each half of the buckets: by low and by high nibble,
/// the buckets that the byte may belong to.
pub(super) struct Tables {
    pub(super) low: [[[u8; 16]; 2]; 3],
    pub(super) high: [[[u8; 16]; 2]; 3],
}

impl Tables {
    pub(super) fn new(windows: &[Window]) -> Self {
        let mut buckets: Vec<Bucket> = (0..BUCKETS).map(|_| Bucket::default()).collect();
        // Similar windows meet in one bucket when they come in order.
        let mut order: Vec<&Window> = windows.iter().collect();
        order.sort_by_key(|w| {
            let [a, b, c, _] = w.bytes;
            ([c >> 4, b >> 4, a >> 4], w.bytes)
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
        let mut tables = Self { low: [[[0; 16]; 2]; 3], high: [[[0; 16]; 2]; 3] };
        for (number, bucket) in buckets.iter().enumerate() {
            let (half, bit) = (number / 8, 1_u8 << (number % 8));
            for (position, set) in bucket.positions.iter().map(|p| p.nibbles).enumerate() {
                for nibble in 0..16 {
                    let at = |tables: &mut [[[u8; 16]; 2]; 3], nibbles: u16| {
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

/// What a bucket takes at one of the three positions, and how likely a byte of
/// telemetry is among it.
#[derive(Clone, Copy, Default)]
struct Position {
    nibbles: Nibbles,
    probability: f32,
}

#[derive(Clone, Default)]
struct Bucket {
    positions: [Position; 3],
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
