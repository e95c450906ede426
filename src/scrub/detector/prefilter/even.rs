//! Windows at even positions: what the scans with AVX2 and without vector instructions
//! look for.
//!
//! Needles of five bytes and more are known by two windows of four at neighbouring
//! positions. One of the two stands at an even position, so that only those are looked
//! at. Needles of three and four bytes have one window of three, looked for at every
//! position.

use crate::scrub::detector::prefilter::CASE;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::confirm;
use crate::scrub::detector::prefilter::confirm_three;
use crate::scrub::detector::prefilter::lookup::Lookup;
use crate::scrub::detector::prefilter::numbered;
use crate::scrub::detector::prefilter::sample::Sample;
use crate::scrub::detector::prefilter::sieve::Sieve;
use crate::scrub::detector::prefilter::tables::Tables;
use crate::scrub::detector::prefilter::window;
use crate::scrub::detector::prefilter::window::Window;

/// What a byte is without regard to case.
fn fold(byte: u8) -> u8 {
    byte | CASE as u8
}

/// The windows of all needles.
pub(super) struct Even {
    /// Needles of five bytes and more, by windows of four without regard to case.
    long: Lookup,
    /// What is certainly no window of these.
    pub(super) sieve: Sieve,
    /// Needles of three and four bytes, by windows of three.
    short: Lookup,
    /// The filter before `short`.
    pub(super) tables: Tables,
}

impl Even {
    pub(super) fn new(needles: &[Needle]) -> Self {
        let sample = &Sample::new(fold);
        let short = window::choose(&numbered(needles, 3..=4), 3, 1, sample);
        let long = window::choose(&numbered(needles, 5..=usize::MAX), 4, 2, sample);
        Self {
            tables: Tables::new(&short),
            sieve: Sieve::new(long.iter().map(|window| window.folded(fold))),
            long: Lookup::new(needles, long.iter().map(|window| (window.folded(fold), window))),
            short: Lookup::new(needles, short.iter().flat_map(Window::spelled)),
        }
    }

    /// Reports the needles of five bytes and more of which a window begins at `at`.
    #[inline]
    pub(super) fn long(&self, needles: &[Needle], bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        if let Some(window) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
            let window = u32::from_le_bytes(*window) | CASE;
            confirm(needles, &self.long, window, bytes, at, hits);
        }
    }

    /// Reports the needles of three and four bytes of which a window begins at `at`.
    #[inline]
    pub(super) fn short(&self, needles: &[Needle], bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        confirm_three(needles, &self.short, bytes, at, hits);
    }
}
