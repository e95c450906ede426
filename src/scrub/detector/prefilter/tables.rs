//! The filter in front of the hash: sixteen buckets of windows, by nibble.
//!
//! Which window goes into which bucket decides how much passes: each goes where it
//! adds least to what the bucket would let through of telemetry.

use crate::scrub::detector::prefilter::sample::frequency;
use crate::scrub::detector::prefilter::window::Window;
use crate::scrub::detector::prefilter::window::cases;

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
        let buckets = buckets(windows);
        let mut tables = Self { low: [[[0; 16]; 2]; 3], high: [[[0; 16]; 2]; 3] };
        for (number, bucket) in buckets.iter().enumerate() {
            let (half, bit) = (number / 8, 1_u8 << (number % 8));
            for (position, set) in bucket.positions.iter().enumerate() {
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

/// How often every window is taken out of its bucket and put where it does least harm.
const ROUNDS: usize = 2;

/// Distributes the windows.
fn buckets(windows: &[Window]) -> Vec<Bucket> {
    let bytes = Bytes::new();
    let mut buckets = vec![Bucket::default(); BUCKETS];
    let shapes: Vec<[Nibbles; 3]> = windows.iter().map(Nibbles::of).collect();
    // Similar windows meet in one bucket when they come in order.
    let mut order: Vec<(&Window, &[Nibbles; 3])> = windows.iter().zip(&shapes).collect();
    order.sort_by_key(|(window, _)| {
        let [a, b, c, _] = window.bytes;
        ([c >> 4, b >> 4, a >> 4], window.bytes)
    });
    for round in 0..=ROUNDS {
        for (_, shape) in &order {
            if round != 0
                && let Some(bucket) =
                    buckets.iter_mut().find(|bucket| bucket.shapes.contains(shape))
            {
                bucket.remove(shape, &bytes);
            }
            let growth = |bucket: &Bucket| bucket.with(shape, &bytes).1 - bucket.probability;
            let best = buckets
                .iter()
                .map(growth)
                .enumerate()
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .map(|(number, _)| number);
            if let Some(bucket) = best.and_then(|number| buckets.get_mut(number)) {
                bucket.add(shape, &bytes);
            }
        }
    }
    buckets
}

/// How often bytes stand in telemetry, by high and by low nibble.
struct Bytes([[f32; 16]; 16]);

impl Bytes {
    fn new() -> Self {
        let mut bytes = Self([[0.0; 16]; 16]);
        for byte in 0..=255_u8 {
            if let Some(part) = bytes
                .0
                .get_mut(usize::from(byte >> 4))
                .and_then(|row| row.get_mut(usize::from(byte & 15)))
            {
                *part = frequency(byte);
            }
        }
        bytes
    }
}

/// Which nibbles the bytes at one position of a bucket have.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Nibbles {
    low: u16,
    high: u16,
}

impl Nibbles {
    /// Those of a window, by position.
    fn of(window: &Window) -> [Self; 3] {
        let [a, b, c, _] = window.bytes;
        [a, b, c].map(|byte| {
            let all = cases(byte, window.caseless);
            all.into_iter().fold(Self::default(), |all, byte| {
                all.or(Self { low: 1 << (byte & 15), high: 1 << (byte >> 4) })
            })
        })
    }

    fn or(self, other: Self) -> Self {
        Self { low: self.low | other.low, high: self.high | other.high }
    }

    /// How likely a byte of telemetry passes.
    fn probability(self, bytes: &Bytes) -> f32 {
        let set = |bits: u16, nibble: usize| bits >> nibble & 1 == 1;
        let rows = bytes.0.iter().enumerate().filter(|(high, _)| set(self.high, *high));
        let parts = rows.flat_map(|(_, row)| {
            row.iter().enumerate().filter(|(low, _)| set(self.low, *low)).map(|(_, part)| part)
        });
        parts.sum::<f32>().min(1.0)
    }
}

/// Windows that share tables.
#[derive(Clone, Default)]
struct Bucket {
    positions: [Nibbles; 3],
    /// How likely three bytes of telemetry pass.
    probability: f32,
    shapes: Vec<[Nibbles; 3]>,
}

impl Bucket {
    /// What the bucket lets through with one window more, and how likely that is.
    fn with(&self, shape: &[Nibbles; 3], bytes: &Bytes) -> ([Nibbles; 3], f32) {
        let mut positions = self.positions;
        for (position, nibbles) in positions.iter_mut().zip(shape) {
            *position = position.or(*nibbles);
        }
        if positions == self.positions {
            return (positions, self.probability);
        }
        let each = positions.iter().map(|position| position.probability(bytes));
        (positions, each.product())
    }

    fn add(&mut self, shape: &[Nibbles; 3], bytes: &Bytes) {
        (self.positions, self.probability) = self.with(shape, bytes);
        self.shapes.push(*shape);
    }

    fn remove(&mut self, shape: &[Nibbles; 3], bytes: &Bytes) {
        if let Some(at) = self.shapes.iter().position(|other| other == shape) {
            self.shapes.swap_remove(at);
        }
        self.positions = self.shapes.iter().fold(Default::default(), |all: [Nibbles; 3], shape| {
            let [a, b, c] = all;
            let [x, y, z] = *shape;
            [a.or(x), b.or(y), c.or(z)]
        });
        self.probability =
            self.positions.iter().map(|position| position.probability(bytes)).product();
    }
}
