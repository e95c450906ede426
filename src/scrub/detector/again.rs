//! What of one request is known from earlier ones, and is not scanned.

use std::ops::Range;

use crate::scrub::detector::Detector;
use crate::scrub::detector::decode::Packed;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::recent::Seen;
use crate::scrub::otlp;
use crate::scrub::otlp::Context;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Outline;
use crate::scrub::otlp::Part;
use crate::scrub::otlp::PartKind;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Scalar;
use crate::scrub::otlp::Shown;

/// How many bytes that are known must stand in a row, so that it pays to leave them out of
/// the scan, which begins anew behind them.
const LEFT_OUT_MIN: usize = 96;

/// The parts of a request that matter; each list in wire order.
#[derive(Default)]
pub(super) struct Again {
    /// Nothing is found in these long texts where no key says what they are.
    clean: Vec<Range<usize>>,
    /// These were here before, and are kept if nothing is found in them.
    before: Vec<Range<usize>>,
    /// There is no hit in these attributes.
    known: Vec<Range<usize>>,
    /// The first of `known` that was not asked for.
    next: usize,
}

impl Again {
    /// Scans a request but for the parts in which nothing was found before.
    pub(super) fn scan(
        &mut self,
        detector: &Detector,
        request: &[u8],
        outline: &Outline<'_>,
        hits: &mut Vec<Hit>,
    ) {
        let of = |range: &Range<usize>| request.get(range.clone()).unwrap_or_default();
        let mut table = detector.familiar.table();
        let mut gaps = Gaps::default();
        let mut new = Vec::new();
        outline.parts(|Part { kind, range }| {
            let seen = match (kind, &mut table) {
                (PartKind::LongText, _) => detector.recent.look_up(of(&range)),
                (_, Some(table)) => table.look_up(kind, of(&range)),
                (_, None) => Seen::Never,
            };
            let is_long = kind == PartKind::LongText;
            match seen {
                Seen::Never => {}
                Seen::Before if is_long => self.before.push(range),
                Seen::Before => new.push(Part { kind, range }),
                Seen::Clean => {
                    gaps.leave_out(&range);
                    if is_long { self.clean.push(range) } else { self.known.push(range) }
                }
            }
        });
        detector.prefilter.scan_parts(request, &gaps.until(request.len()), hits);
        // The walk shows no text in which there is no hit.
        for text in &self.before {
            if !is_hit(hits, text) {
                keep(detector, of(text));
            }
        }
        for Part { kind, range } in new {
            // By itself, too: what stands behind a text must not matter.
            if let Some(table) = &mut table
                && !is_hit(hits, &range)
                && detector.prefilter.has_none(of(&range))
                && otlp::is_quiet(kind, of(&range), &mut Quiet(detector))
            {
                table.keep(kind, of(&range));
            }
        }
    }

    /// Whether the text at `at` was not scanned.
    pub(super) fn is_clean(&self, at: usize) -> bool {
        self.clean.binary_search_by_key(&at, |text| text.start).is_ok()
    }

    /// Takes note that nothing was found in the text at `at`, whatever stands around it.
    pub(super) fn nothing_found(&self, detector: &Detector, text: &[u8], at: usize) {
        if self.before.binary_search_by_key(&at, |text| text.start).is_ok() {
            keep(detector, text);
        }
    }

    /// The end of the attribute that begins at `at`, if there is no hit in it.
    #[inline]
    pub(super) fn known_until(&mut self, at: usize) -> Option<usize> {
        let before = |number: usize| number.checked_sub(1).and_then(|n| self.known.get(n));
        if before(self.next).is_some_and(|known| at <= known.start) {
            // The walk went back.
            self.next = self.known.partition_point(|known| known.start < at);
        }
        while self.known.get(self.next).is_some_and(|known| known.start < at) {
            self.next += 1;
        }
        let known = self.known.get(self.next).filter(|known| known.start == at)?;
        self.next += 1;
        Some(known.end)
    }
}

fn is_hit(hits: &[Hit], range: &Range<usize>) -> bool {
    let first = hits.partition_point(|hit| (hit.at as usize) < range.start);
    hits.get(first).is_some_and(|hit| (hit.at as usize) < range.end)
}

/// Finds quiet what the walk passes over where there is no hit.
struct Quiet<'d>(&'d Detector);

impl Judge for Quiet<'_> {
    fn begin(&mut self, _: &[u8], _: Option<Outline<'_>>) {}

    fn key(&mut self, _: Shown<'_>, outer: Context) -> Context {
        outer
    }

    fn text(&mut self, _: Shown<'_>, _: &Place<'_>, _: &mut Vec<Replacement>) {}

    fn is_quiet(&self, text: &[u8], _: usize) -> bool {
        // An element of an array that is an option tells of the next; what is unpacked as a
        // whole has no hit.
        !text.starts_with(b"-") && Packed::of(text).is_none()
    }

    fn is_quiet_key(&self, key: &[u8], at: usize) -> bool {
        self.is_quiet(key, at) && !self.0.tells_unseen(key)
    }

    fn scalar(&mut self, _: Scalar, _: &Place<'_>) -> Option<Vec<u8>> {
        None
    }
}

fn keep(detector: &Detector, text: &[u8]) {
    // One that is unpacked as a whole is never known by what the scan sees of it.
    if Packed::of(text).is_none() {
        detector.recent.keep(text);
    }
}

/// What is to be scanned: all but what is left out, if that is long enough.
#[derive(Default)]
struct Gaps {
    gaps: Vec<Range<usize>>,
    /// Where the gap at hand begins.
    at: usize,
    /// What was left out last, in a row.
    left_out: Range<usize>,
}

impl Gaps {
    fn leave_out(&mut self, range: &Range<usize>) {
        if range.start == self.left_out.end {
            self.left_out.end = range.end;
        } else {
            self.settle();
            self.left_out = range.clone();
        }
    }

    fn settle(&mut self) {
        if LEFT_OUT_MIN <= self.left_out.len() {
            self.gaps.push(self.at..self.left_out.start);
            self.at = self.left_out.end;
        }
    }

    fn until(mut self, end: usize) -> Vec<Range<usize>> {
        self.settle();
        self.gaps.push(self.at..end);
        self.gaps
    }
}
