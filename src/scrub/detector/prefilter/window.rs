//! The windows by which needles are known: what is rarest in them.
//!
//! Needles are chosen for together: a window that many of them have costs no more than
//! it would for one. The choice is greedy, by the cost for each needle that is known by
//! it; each choice is the best for what is left.

use std::collections::BinaryHeap;
use std::collections::HashMap;
use std::collections::HashSet;

use crate::scrub::detector::prefilter::Fold;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::sample::Sample;

/// A window of a needle.
#[derive(Clone, Debug)]
pub(super) struct Window {
    pub(super) bytes: [u8; 4],
    /// Four, or three (then the fourth byte is any).
    pub(super) len: usize,
    /// Where it stands in the needle.
    pub(super) offset: usize,
    /// The number of the needle.
    pub(super) needle: usize,
    /// Whether ASCII letters match in either case.
    pub(super) caseless: bool,
}

/// What a further window costs whatever its bytes are, as a part of the positions of a
/// text: it makes the tables less selective. With some 1,700 windows, one more has them let
/// through one position in fourteen thousand more (`screen`), and what they let through costs
/// a part of what a window does that is there.
const PER_WINDOW: f32 = 2e-5;

/// What it costs to compare a further needle wherever a window stands, next to looking
/// at the window itself.
const PER_NEEDLE: f32 = 0.05;

/// A run of bytes that some needles have, which is one window or two that overlap.
struct Run {
    bytes: Vec<u8>,
    /// The needles, and where it stands in each.
    places: Vec<(usize, usize)>,
}

/// A run in the order of its cost, the cheapest first.
struct Offer {
    cost: f32,
    run: usize,
}

impl Ord for Offer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.cost.total_cmp(&self.cost).then(other.run.cmp(&self.run))
    }
}

impl PartialOrd for Offer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Offer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Offer {}

/// Chooses windows of `len` bytes for each of these needles: one, or `count` that stand
/// at neighbouring positions.
pub(super) fn choose(
    needles: &[(usize, &Needle)],
    len: usize,
    count: usize,
    sample: &Sample,
) -> Vec<Window> {
    let runs = runs(needles, len + count - 1, sample.fold());
    let mut taken: HashSet<Vec<u8>> = HashSet::new();
    let mut open: HashSet<usize> = needles.iter().map(|(number, _)| *number).collect();
    let cost = |run: &Run, taken: &HashSet<Vec<u8>>, open: &HashSet<usize>| {
        let known = run.places.iter().filter(|(needle, _)| open.contains(needle)).count();
        let each = run.bytes.windows(len).map(|w| (sample.frequency(w), !taken.contains(w)));
        let (new, all) = each.fold((0.0, 0.0), |(new, all), (frequency, is_new)| {
            (new + if is_new { frequency + PER_WINDOW } else { 0.0 }, all + frequency)
        });
        (known != 0).then(|| new / known as f32 + PER_NEEDLE * all)
    };
    let mut offers: BinaryHeap<Offer> = runs
        .iter()
        .enumerate()
        .filter_map(|(run, it)| Some(Offer { cost: cost(it, &taken, &open)?, run }))
        .collect();
    let by_number: HashMap<usize, &Needle> = needles.iter().copied().collect();
    let mut windows = Vec::new();
    while let Some(offer) = offers.pop() {
        let Some(run) = runs.get(offer.run) else { continue };
        // What was chosen since may have changed the cost.
        match cost(run, &taken, &open) {
            None => continue,
            Some(cost) if offer.cost < cost => {
                offers.push(Offer { cost, run: offer.run });
                continue;
            }
            Some(_) => {}
        }
        taken.extend(run.bytes.windows(len).map(<[u8]>::to_vec));
        for &(number, offset) in &run.places {
            if open.remove(&number)
                && let Some(needle) = by_number.get(&number)
            {
                let at = offset..offset + count;
                windows.extend(at.filter_map(|at| Window::new(number, needle, at, len)));
            }
        }
    }
    windows
}

/// Every run of `len` bytes, folded.
fn runs(needles: &[(usize, &Needle)], len: usize, fold: Fold) -> Vec<Run> {
    let mut numbers: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut runs: Vec<Run> = Vec::new();
    for (number, needle) in needles {
        let folded: Vec<u8> = needle.bytes.iter().map(|byte| fold(*byte)).collect();
        for (offset, bytes) in folded.windows(len).enumerate() {
            let run = *numbers.entry(bytes.to_vec()).or_insert_with(|| {
                runs.push(Run { bytes: bytes.to_vec(), places: Vec::new() });
                runs.len() - 1
            });
            if let Some(run) = runs.get_mut(run)
                && run.places.last().is_none_or(|last| last.0 != *number)
            {
                run.places.push((*number, offset));
            }
        }
    }
    runs
}

impl Window {
    /// A window of `len` bytes of a needle.
    pub(super) fn new(number: usize, needle: &Needle, offset: usize, len: usize) -> Option<Self> {
        let mut bytes = [0; 4];
        bytes.get_mut(..len)?.copy_from_slice(needle.bytes.get(offset..offset + len)?);
        Some(Self { bytes, len, offset, needle: number, caseless: needle.caseless })
    }

    /// The window as a number, its bytes folded.
    pub(super) fn folded(&self, fold: Fold) -> u32 {
        u32::from_le_bytes(self.bytes.map(fold))
    }

    /// Every way to write the window: one, or each mix of cases.
    pub(super) fn spelled(&self) -> Vec<(u32, &Self)> {
        let mut spellings = vec![[0_u8; 4]];
        for position in 0..self.len {
            let byte = self.bytes.get(position).copied().unwrap_or_default();
            let mut next = Vec::new();
            for spelling in &spellings {
                for case in cases(byte, self.caseless) {
                    let mut longer = *spelling;
                    if let Some(slot) = longer.get_mut(position) {
                        *slot = case;
                    }
                    next.push(longer);
                }
            }
            spellings = next;
        }
        spellings.into_iter().map(|bytes| (u32::from_le_bytes(bytes), self)).collect()
    }
}

/// The ways to write a byte.
pub(super) fn cases(byte: u8, caseless: bool) -> Vec<u8> {
    match caseless && byte.is_ascii_alphabetic() {
        true => vec![byte.to_ascii_lowercase(), byte.to_ascii_uppercase()],
        false => vec![byte],
    }
}
