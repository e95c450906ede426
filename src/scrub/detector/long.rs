//! The long texts of one request, of which some are known from earlier ones.

use std::ops::Range;

use crate::scrub::detector::Detector;
use crate::scrub::detector::decode::Packed;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::recent::Seen;

/// The long texts of a request that matter; each list in wire order.
#[derive(Default)]
pub(super) struct LongTexts {
    /// Nothing is found in these where no key says what they are: they are not scanned.
    clean: Vec<Range<usize>>,
    /// These were here before, and are kept if nothing is found in them.
    before: Vec<Range<usize>>,
}

impl LongTexts {
    /// Scans a request but for the texts in which nothing was found before.
    pub(super) fn scan(
        &mut self,
        detector: &Detector,
        request: &[u8],
        long_texts: &mut dyn Iterator<Item = Range<usize>>,
        hits: &mut Vec<Hit>,
    ) {
        let mut at = 0;
        for text in long_texts {
            match detector.recent.look_up(request.get(text.clone()).unwrap_or_default()) {
                Seen::Clean => {
                    detector.prefilter.scan_part(request, at..text.start, hits);
                    at = text.end;
                    self.clean.push(text);
                }
                Seen::Before => self.before.push(text),
                Seen::Never => {}
            }
        }
        detector.prefilter.scan_part(request, at..request.len(), hits);
        // The walk shows no text in which there is no hit.
        for text in &self.before {
            let first = hits.partition_point(|hit| (hit.at as usize) < text.start);
            if hits.get(first).is_none_or(|hit| text.end <= hit.at as usize) {
                keep(detector, request.get(text.clone()).unwrap_or_default());
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
}

fn keep(detector: &Detector, text: &[u8]) {
    // One that is unpacked as a whole is never known by what the scan sees of it.
    if Packed::of(text).is_none() {
        detector.recent.keep(text);
    }
}
