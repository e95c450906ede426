//! Windows at every position: what the scan with AVX-512 looks for.
//!
//! Needles of four bytes and more are known by one window of four, those of three bytes
//! by themselves.

use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::confirm;
use crate::scrub::detector::prefilter::confirm_three;
use crate::scrub::detector::prefilter::lookup::Lookup;
use crate::scrub::detector::prefilter::numbered;
use crate::scrub::detector::prefilter::octets::Octets;
use crate::scrub::detector::prefilter::sample::Sample;
use crate::scrub::detector::prefilter::screen::Screen;
use crate::scrub::detector::prefilter::screen::fold;
use crate::scrub::detector::prefilter::window;
use crate::scrub::detector::prefilter::window::Window;

/// The windows of all needles.
pub(super) struct Every {
    /// Needles of four bytes and more, by folded windows of four.
    fours: Lookup,
    /// What is certainly no window of these.
    pub(super) screen: Screen,
    /// Needles of three bytes.
    threes: Lookup,
    /// What is certainly none of these.
    pub(super) octets: Octets,
}

impl Every {
    pub(super) fn new(needles: &[Needle]) -> Self {
        let sample = &Sample::new(fold);
        let fours = window::choose(&numbered(needles, 4..=usize::MAX), 4, 1, sample);
        let threes = window::choose(&numbered(needles, 3..=3), 3, 1, sample);
        Self {
            screen: Screen::new(fours.iter().map(|window| window.folded(fold))),
            octets: Octets::new(&threes),
            fours: Lookup::new(needles, fours.iter().map(|window| (window.folded(fold), window))),
            threes: Lookup::new(needles, threes.iter().flat_map(Window::spelled)),
        }
    }

    /// Reports the needles of four bytes and more of which a window begins at `at`.
    #[inline]
    pub(super) fn four(&self, needles: &[Needle], bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        if let Some(window) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) {
            // What is one letter over and over is looked for only where that begins, and no
            // other needle is known by it (`Sample::frequency`).
            let is_run = u32::from_le_bytes(*window).rotate_left(8) == u32::from_le_bytes(*window);
            if is_run && at.checked_sub(1).and_then(|at| bytes.get(at)) == window.first() {
                return;
            }
            let window = u32::from_le_bytes(window.map(fold));
            if self.fours.holds(window) {
                confirm(needles, &self.fours, window, bytes, at, hits);
            }
        }
    }

    /// Reports the needles of three bytes that begin at `at`.
    #[inline]
    pub(super) fn three(&self, needles: &[Needle], bytes: &[u8], at: usize, hits: &mut Vec<Hit>) {
        confirm_three(needles, &self.threes, bytes, at, hits);
    }
}
