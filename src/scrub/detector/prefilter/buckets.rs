//! Which windows of three bytes share a bit of the tables.
//!
//! Tables look at each byte by itself, so that a bucket of several windows lets through
//! every mix of their bytes. Each window goes where it adds least to what the bucket
//! would let through of telemetry.

use crate::scrub::detector::bytes::ByteSet;
use crate::scrub::detector::prefilter::sample::frequency;
use crate::scrub::detector::prefilter::window::Window;
use crate::scrub::detector::prefilter::window::cases;

/// Which bytes stand at each position of a window or of a bucket.
pub(super) type Shape = [ByteSet; 3];

/// How often every window is taken out of its bucket and put where it does least harm.
const ROUNDS: usize = 2;

/// Distributes the windows over `count` buckets. `close` adds what a table cannot tell
/// from a set of bytes.
pub(super) fn distribute(
    windows: &[Window],
    count: usize,
    close: fn(ByteSet) -> ByteSet,
) -> Vec<Shape> {
    let mut shapes: Vec<(Shape, [u8; 3])> = windows
        .iter()
        .map(|window| {
            let [a, b, c, _] = window.bytes;
            let any_case = |byte| ByteSet::of(&cases(byte, window.caseless));
            ([a, b, c].map(any_case), [c >> 4, b >> 4, a >> 4])
        })
        .collect();
    // Similar windows meet in one bucket when they come in order.
    shapes.sort_by_key(|(_, order)| *order);
    shapes.dedup_by_key(|(shape, _)| *shape);
    let mut buckets = vec![Bucket::new(); count];
    for round in 0..=ROUNDS {
        for (shape, _) in &shapes {
            if round != 0
                && let Some(bucket) = buckets.iter_mut().find(|it| it.shapes.contains(shape))
            {
                bucket.remove(shape, close);
            }
            let growth = |bucket: &Bucket| bucket.with(shape, close).1 - bucket.probability;
            let growths = buckets.iter().map(growth).enumerate();
            let best = growths.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(number, _)| number);
            if let Some(bucket) = best.and_then(|number| buckets.get_mut(number)) {
                bucket.add(shape, close);
            }
        }
    }
    buckets.into_iter().map(|bucket| bucket.positions).collect()
}

/// Windows that share a bit.
#[derive(Clone)]
struct Bucket {
    positions: Shape,
    /// How likely three bytes of telemetry pass.
    probability: f32,
    shapes: Vec<Shape>,
}

impl Bucket {
    const fn new() -> Self {
        Self { positions: [ByteSet::EMPTY; 3], probability: 0.0, shapes: Vec::new() }
    }

    /// What the bucket lets through with one window more, and how likely that is.
    fn with(&self, shape: &Shape, close: fn(ByteSet) -> ByteSet) -> (Shape, f32) {
        let [a, b, c] = self.positions;
        let [x, y, z] = *shape;
        let positions = [a.or(x), b.or(y), c.or(z)].map(close);
        if positions == self.positions {
            return (positions, self.probability);
        }
        (positions, positions.iter().map(probability).product())
    }

    fn add(&mut self, shape: &Shape, close: fn(ByteSet) -> ByteSet) {
        (self.positions, self.probability) = self.with(shape, close);
        self.shapes.push(*shape);
    }

    fn remove(&mut self, shape: &Shape, close: fn(ByteSet) -> ByteSet) {
        let mut left = Self::new();
        for other in self.shapes.iter().filter(|other| *other != shape) {
            left.add(other, close);
        }
        *self = left;
    }
}

/// How likely a byte of telemetry is of the set.
fn probability(set: &ByteSet) -> f32 {
    set.bytes().map(frequency).sum::<f32>().min(1.0)
}
