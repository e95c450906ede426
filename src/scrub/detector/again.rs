//! What of one request is known from earlier ones, and is not scanned.

use std::ops::Range;
use std::sync::MutexGuard;

use crate::scrub::detector::Detector;
use crate::scrub::detector::Use;
use crate::scrub::detector::decode::Packed;
use crate::scrub::detector::familiar::Table;
use crate::scrub::detector::prefilter::BORDER_REACH;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::NEEDLE_LEN_MIN;
use crate::scrub::detector::recent::Seen;
use crate::scrub::detector::twins::Twins;
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
    /// Nothing is found in these rows of attributes, bodies and records.
    known: Vec<Range<usize>>,
    /// The first of `known` that was not asked for.
    next: usize,
    /// Attributes with hits that were here before, and are kept if nothing is found in them.
    undecided: Vec<Undecided>,
    /// Long texts that are not known, and stand in the request more than once.
    twins: Twins,
}

/// An attribute, or a body, with hits in it of which the walk will tell whether any is a
/// match.
struct Undecided {
    kind: PartKind,
    bytes: Box<[u8]>,
    /// Where it begins, and where the text in it does, behind which nothing stands.
    start: usize,
    text: usize,
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
        let table = detector.familiar.table();
        let mut reading = Reading {
            again: self,
            detector,
            request,
            table,
            scanned: Scanned::default(),
            new: Vec::new(),
            rows: Vec::new(),
        };
        outline.parts(|part| reading.see(part));
        let Reading { table, scanned, new, rows, .. } = reading;
        detector.prefilter.scan_parts(request, &scanned.until(request.len()), hits);
        self.forget_hits_in_known(hits);
        self.twins.copy(hits);
        let of = |range: &Range<usize>| request.get(range.clone()).unwrap_or_default();
        // The walk shows no text in which there is no hit.
        let quiet = self.before.iter().filter(|text| hits_in(hits, text).is_empty());
        quiet.for_each(|text| keep(detector, of(text)));
        let Some(mut table) = table else { return };
        for row in rows {
            table.keep_row(of(&row));
        }
        self.keep_new(detector, &mut table, request, &new, hits);
    }

    /// Takes note of a record in which nothing is found.
    fn know_record(&mut self, record: Range<usize>) {
        while self.known.pop_if(|part| record.start <= part.start).is_some() {}
        self.known.push(record);
    }

    /// Keeps the parts that were here before and have nothing in them, and takes note of those
    /// of which the walk will tell.
    fn keep_new(
        &mut self,
        detector: &Detector,
        table: &mut Table,
        request: &[u8],
        new: &[Part],
        hits: &[Hit],
    ) {
        let of = |part: &Part| request.get(part.range.clone()).unwrap_or_default();
        let is_kept = |part: &&Part| {
            let (kind, here) = (part.kind, hits_in(hits, &part.range));
            (here.is_empty() || may_be_judged(detector, kind, here))
                && otlp::is_quiet(kind, of(part), &mut Quiet(detector))
        };
        let kept: Vec<&Part> = new.iter().filter(is_kept).collect();
        let ranges: Vec<_> = kept.iter().map(|part| part.range.clone()).collect();
        let mut alone = Vec::new();
        detector.prefilter.scan_parts(request, &ranges, &mut alone);
        for part in kept {
            let (bytes, start) = (of(part), part.range.start);
            let here = hits_in(hits, &part.range);
            // What stands behind a text must not matter.
            if !hits_in(&alone, &part.range).iter().all(|hit| here.contains(hit)) {
                continue;
            }
            if here.is_empty() {
                table.keep(part.kind, bytes);
            } else if let Some(text) = otlp::last_text(part.kind, bytes) {
                self.undecided.push(Undecided {
                    kind: part.kind,
                    bytes: bytes.into(),
                    start,
                    text: start + text.start,
                });
            }
        }
    }

    /// Where known attributes were scanned, being too short to be left out.
    fn forget_hits_in_known(&self, hits: &mut Vec<Hit>) {
        let mut known = self.known.iter().peekable();
        hits.retain(|hit| {
            let at = hit.at as usize;
            while known.next_if(|known| known.end <= at).is_some() {}
            known.peek().is_none_or(|known| at < known.start)
        });
    }

    /// Whether the text at `at` was not scanned.
    pub(super) fn is_clean(&self, at: usize) -> bool {
        self.clean.binary_search_by_key(&at, |text| text.start).is_ok()
    }

    /// Whether the text at `at`, which was scanned, is the same as one before it in which
    /// nothing was found.
    pub(super) fn is_clean_twin(&self, at: usize) -> bool {
        self.twins.is_clean(at)
    }

    /// Takes note that nothing was found in the text at `at`, whatever stands around it.
    pub(super) fn nothing_found(&mut self, detector: &Detector, text: &[u8], at: usize) {
        self.twins.nothing_found(at);
        if self.before.binary_search_by_key(&at, |text| text.start).is_ok() {
            keep(detector, text);
        }
    }

    /// Keeps the attribute, or the body, whose text stands at `at`, if it is undecided:
    /// nothing is found in it, whatever stands around it.
    #[inline]
    pub(super) fn decide(&self, detector: &Detector, at: usize) {
        if !self.undecided.is_empty()
            && let Ok(number) = self.undecided.binary_search_by_key(&at, |one| one.text)
            && let Some(Undecided { kind, bytes, .. }) = self.undecided.get(number)
        {
            detector.familiar.keep(*kind, bytes);
        }
    }

    /// Takes note that the attribute, or the body, around `at` is not to be kept.
    pub(super) fn give_up(&mut self, at: usize) {
        let of = |one: &Undecided| one.start..one.start + one.bytes.len();
        self.undecided.retain(|one| !of(one).contains(&at));
    }

    /// The end of what is known and begins at `at`.
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

/// What is being read of a request before it is scanned.
struct Reading<'r, 'd> {
    again: &'r mut Again,
    detector: &'d Detector,
    request: &'r [u8],
    table: Option<MutexGuard<'d, Table>>,
    scanned: Scanned,
    /// Parts that were here before, and are not known.
    new: Vec<Part>,
    /// Rows of attributes that were not known as rows.
    rows: Vec<Range<usize>>,
}

impl Reading<'_, '_> {
    /// Gives up to where a part is known, or a row that begins with it.
    fn see(&mut self, part: Part) -> Option<usize> {
        if part.kind == PartKind::Record {
            self.again.know_record(part.range);
            return None;
        }
        if let Some(row) = self.row(&part) {
            join(&mut self.again.known, &row, part.follows);
            return Some(row.end);
        }
        match self.look_up(part.kind, &part.range) {
            Seen::Clean => Some(self.known(part)),
            seen => {
                self.unknown(part, seen == Seen::Before);
                None
            }
        }
    }

    /// The known row of attributes that begins with this part.
    fn row(&mut self, part: &Part) -> Option<Range<usize>> {
        let start = part.range.start;
        // Behind attributes that were found one by one, no row begins: it would have begun
        // where they do.
        let goes_on = part.follows && self.rows.last().is_some_and(|row| row.end == start);
        if part.kind != PartKind::Attribute || goes_on {
            return None;
        }
        let rest = self.request.get(start..part.within)?;
        let len = self.table.as_mut()?.row(rest)?;
        Some(start..start + len)
    }

    fn look_up(&mut self, kind: PartKind, range: &Range<usize>) -> Seen {
        let bytes = self.request.get(range.clone()).unwrap_or_default();
        match (kind, &mut self.table) {
            (PartKind::Other | PartKind::Record, _) => Seen::Never,
            (PartKind::Text, _) if bytes.len() < NEEDLE_LEN_MIN && bytes.is_ascii() => Seen::Clean,
            (PartKind::LongText, _) => self.detector.recent.look_up(bytes),
            (_, Some(table)) => table.look_up(kind, bytes),
            (_, None) => Seen::Never,
        }
    }

    /// Takes note of a part that is known. Gives its end.
    fn known(&mut self, Part { kind, range, follows, .. }: Part) -> usize {
        let end = range.end;
        match kind {
            PartKind::LongText => self.again.clean.push(range),
            PartKind::Attribute => {
                join(&mut self.again.known, &range, follows);
                join(&mut self.rows, &range, follows);
            }
            PartKind::Value => join(&mut self.again.known, &range, follows),
            PartKind::Text | PartKind::Key | PartKind::Record | PartKind::Other => {}
        }
        end
    }

    /// Takes note of a part that is scanned, but for what stands in the request before it.
    fn unknown(&mut self, part: Part, is_before: bool) {
        let range = part.range.clone();
        if part.kind != PartKind::LongText {
            self.scanned.add(range);
            if is_before {
                self.new.push(part);
            }
            return;
        }
        let reach = self.detector.prefilter.reach();
        let twin = self.again.twins.see(self.request, &range, reach);
        self.scanned.add(twin.map_or(range.start, |twin| twin.end)..range.end);
        if is_before {
            self.again.before.push(range);
        }
    }
}

/// Adds an attribute to rows: to the last one, if it follows on that.
fn join(rows: &mut Vec<Range<usize>>, range: &Range<usize>, follows: bool) {
    match rows.last_mut() {
        Some(last) if follows && last.end == range.start => last.end = range.end,
        _ => rows.push(range.clone()),
    }
}

fn hits_in<'h>(hits: &'h [Hit], range: &Range<usize>) -> &'h [Hit] {
    let first = hits.partition_point(|hit| (hit.at as usize) < range.start);
    let rest = hits.get(first..).unwrap_or_default();
    let len = rest.iter().take_while(|hit| (hit.at as usize) < range.end).count();
    rest.get(..len).unwrap_or_default()
}

/// Whether it depends on nothing but its bytes what is found in an attribute or a body with
/// these hits: none of them tells of other texts, and none may be of a line of a private key
/// that comes as many bodies.
fn may_be_judged(detector: &Detector, kind: PartKind, hits: &[Hit]) -> bool {
    hits.iter().all(|hit| match detector.uses.get(hit.needle as usize) {
        Some(Use::Piece) => false,
        Some(_) => true,
        None => kind == PartKind::Attribute,
    })
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
        self.0.keys.of_option(text).is_none() && Packed::of(text).is_none()
    }

    fn is_quiet_key(&self, key: &[u8], at: usize) -> bool {
        self.is_quiet(key, at) && !self.0.tells_unseen(key)
    }

    fn scalar(&mut self, _: Scalar, _: &Place<'_>) -> Option<Vec<u8>> {
        None
    }
}

fn keep(detector: &Detector, text: &[u8]) {
    // One that is unpacked as a whole is never known by what the scan sees of it, and one that
    // is not UTF-8 is mended each time.
    if Packed::of(text).is_none() && std::str::from_utf8(text).is_ok() {
        detector.recent.keep(text);
    }
}

/// What is to be scanned, in wire order.
#[derive(Default)]
struct Scanned(Vec<Range<usize>>);

impl Scanned {
    /// Adds a part; to the last one, if what stands between them is not worth leaving out.
    #[inline]
    fn add(&mut self, part: Range<usize>) {
        match self.0.last_mut() {
            _ if part.len() < NEEDLE_LEN_MIN => {}
            Some(last) if part.start < last.end + LEFT_OUT_MIN => last.end = part.end,
            _ => self.0.push(part),
        }
    }

    /// With the bytes behind each, up to the `end` of the request: so a check sees that a
    /// text ends as it does where nothing is left out.
    fn until(mut self, end: usize) -> Vec<Range<usize>> {
        for part in &mut self.0 {
            part.end = end.min(part.end + BORDER_REACH);
        }
        self.0
    }
}
