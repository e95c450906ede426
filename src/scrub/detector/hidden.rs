//! Finds what encodings and disguises hide, and maps it back.
//!
//! A text that says something else is searched as what it says, and so on, a few
//! layers deep. Where several kinds of escapes stand in one text, each is undone
//! alone, since what another kind means is kept by it (`"password":"a%22b"` ends where
//! the percent escapes say that it goes on); and once more all together, layer by
//! layer, for what is written in one inside of another.

use std::ops::Range;

use crate::scrub::detector::bytes::is_base64;
use crate::scrub::detector::decode;
use crate::scrub::detector::decode::Decoded;
use crate::scrub::detector::decode::Dump;
use crate::scrub::detector::decode::Escapes;
use crate::scrub::detector::decode::Kinds;
use crate::scrub::detector::decode::Numbers;
use crate::scrub::detector::decode::Packed;
use crate::scrub::detector::find::Known;
use crate::scrub::detector::find::Search;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::prefilter::RUN;

/// How many encodings may be wrapped around each other.
pub(super) const DEPTH_MAX: usize = 4;

/// How many bytes may be decoded for each byte of a text, before it is masked whole:
/// base64 in base64 gets smaller, but the same bytes can be escaped in several ways.
const DECODED_PER_BYTE_MAX: usize = 12;

/// What may be decoded of even the shortest text: a few kilobytes with every kind of
/// escape are decoded in every order.
const DECODED_MIN: usize = 1 << 18;

/// How many bytes may be decoded for a text of `len` bytes.
pub(in crate::scrub::detector) fn budget(len: usize) -> usize {
    len.saturating_mul(DECODED_PER_BYTE_MAX).saturating_add(DECODED_MIN)
}

/// Where among the encodings a text stands.
#[derive(Clone, Copy, Default)]
pub(in crate::scrub) struct Layer {
    /// How many are around it.
    depth: usize,
    /// Escapes that are undone by another pass over the text further out.
    elsewhere: Kinds,
    /// Whether all kinds of escapes are undone together.
    together: bool,
    /// Whether it is what a run says: with what is packed in it, one encoding.
    in_run: bool,
}

impl Layer {
    /// How a text that stands there is packed.
    pub(in crate::scrub::detector) fn packed(self, text: &[u8]) -> Option<Packed> {
        if self.in_run { Packed::in_run(text) } else { Packed::of(text) }
    }

    fn inner(self) -> Self {
        Self { depth: self.depth + 1, ..Self::default() }
    }
}

impl Search<'_, '_> {
    /// A run of base64 or hexadecimal characters. Returns up to where it reaches.
    pub(super) fn run(
        &mut self,
        text: &[u8],
        at: usize,
        layer: Layer,
        found: &mut Vec<Match>,
    ) -> usize {
        self.bare(text, at, found);
        let (runs, done) = decode::runs(text, at);
        if DEPTH_MAX <= layer.depth || !self.spend(done.saturating_sub(at)) {
            return done;
        }
        for run in runs {
            let inner = Layer { in_run: true, ..layer.inner() };
            let Some((rewritten, first)) = self.rewritten(&run.bytes, inner, run.name()) else {
                continue;
            };
            let how = written(&first, || decode::encode(&run, &rewritten));
            found.push(Match { range: run.range, how, ..first });
        }
        done
    }

    /// A list of numbers that are bytes, announced at `at`.
    pub(super) fn numbers(&mut self, text: &[u8], at: usize, layer: Layer, found: &mut Vec<Match>) {
        let Some(numbers) = Numbers::behind(text, at) else { return };
        if DEPTH_MAX <= layer.depth || !self.spend(numbers.range.len()) {
            return;
        }
        let (inner, name) = (Layer { in_run: true, ..layer.inner() }, "a list of bytes");
        let Some((rewritten, first)) = self.rewritten(&numbers.bytes, inner, name) else { return };
        let how = written(&first, || numbers.encode(&rewritten));
        found.push(Match { range: numbers.range, how, ..first });
    }

    /// Bytes in pairs of digits that are announced, behind `from`. Returns up to where they
    /// reach.
    pub(super) fn dump(
        &mut self,
        text: &[u8],
        announced: Range<usize>,
        from: usize,
        layer: Layer,
        found: &mut Vec<Match>,
    ) -> usize {
        let (dump, end) = Dump::around(text, announced, from);
        let Some(dump) = dump else { return end };
        let range = dump.range();
        if DEPTH_MAX <= layer.depth || !self.spend(range.len()) {
            return end;
        }
        let (inner, name) = (Layer { in_run: true, ..layer.inner() }, "a dump");
        let matches = self.nested(&dump.bytes, inner, name);
        if !dump.is_list() {
            let placed =
                |inner: Match| Match { range: dump.place(&inner.range), how: How::Plain, ..inner };
            found.extend(matches.into_iter().map(placed));
        } else if let Some(first) = matches.first() {
            let how = written(first, || dump.encode(&self.apply(&dump.bytes, &matches)));
            found.push(Match { range, how, ..first.clone() });
        }
        end
    }

    /// A text that is packed. Returns whether there is nothing else in it.
    pub(super) fn packed(
        &mut self,
        text: &[u8],
        packed: Packed,
        layer: Layer,
        found: &mut Vec<Match>,
    ) -> bool {
        let inner = match layer.in_run {
            true => Layer { in_run: false, ..layer },
            false if DEPTH_MAX <= layer.depth => return false,
            false => layer.inner(),
        };
        let Ok(unpacked) = decode::unpack(packed, text, &mut self.budget) else {
            found.push(Match::whole(text.len(), RUN));
            return true;
        };
        let Some(unpacked) = unpacked else { return false };
        if let Some((rewritten, first)) = self.rewritten(&unpacked, inner, packed.name()) {
            let how = written(&first, || decode::pack(packed, &rewritten));
            found.push(Match { range: 0..text.len(), how, ..first });
        }
        decode::is_all_of(packed, text, &unpacked)
    }

    /// What an encoding says, masked, and its first match; `None` where there is none.
    fn rewritten(
        &mut self,
        decoded: &[u8],
        inner: Layer,
        name: &'static str,
    ) -> Option<(Vec<u8>, Match)> {
        let inner = self.nested(decoded, inner, name);
        let first = inner.first()?.clone();
        Some((self.apply(decoded, &inner), first))
    }

    /// A text with escapes: searched as what it says.
    pub(super) fn escaped(
        &mut self,
        text: &[u8],
        kinds: Kinds,
        layer: Layer,
        found: &mut Vec<Match>,
    ) {
        let kinds = kinds.without(layer.elsewhere);
        if !layer.together {
            for kind in kinds.iter() {
                let one = Kinds::default().with(kind);
                let inner = Layer { elsewhere: kinds.without(one), ..layer.inner() };
                self.undone(text, one, layer, inner, found);
            }
        }
        // A form is undone as a URL and as a form already.
        let form = kinds.has(Escapes::Form).then_some(Escapes::Percent);
        let others = form.map_or(kinds, |url| kinds.without(Kinds::default().with(url)));
        if layer.together || 1 < others.len() {
            self.undone(text, kinds, layer, Layer { together: true, ..layer.inner() }, found);
        }
    }

    fn undone(
        &mut self,
        text: &[u8],
        kinds: Kinds,
        layer: Layer,
        inner: Layer,
        found: &mut Vec<Match>,
    ) {
        if DEPTH_MAX <= layer.depth || kinds.len() == 0 || !self.spend(text.len()) {
            return;
        }
        let Some(decoded) = Decoded::new(kinds, text) else { return };
        for inner in self.nested(&decoded.text, inner, kinds.name()) {
            let range = decoded.original(inner.range.start)..decoded.original_end(inner.range.end);
            let written = text.get(range.clone()).unwrap_or_default();
            let in_url = kinds.in_url() && (kinds.len() == 1 || written.contains(&b'%'));
            let how = match inner.how {
                How::Plain | How::Url if in_url => How::Url,
                How::Quoted(quote) => {
                    How::Quoted(quote_before(text, &decoded, inner.range.start, &quote))
                }
                How::Encoded(bytes) => {
                    How::Encoded(decoded.rewrite(kinds, text, &inner.range, &bytes))
                }
                how => how,
            };
            found.push(Match { range, how, ..inner });
        }
    }

    /// What a text says that is nothing but one encoding, perhaps in quotes or blanks.
    pub(super) fn said_by(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        if !self.spend(text.len()) {
            return None;
        }
        if let Some(packed) = Packed::of(text) {
            return decode::unpack(packed, text, &mut self.budget).ok().flatten();
        }
        let trimmed = text.trim_ascii();
        if is_of_run(trimmed) {
            let run = decode::runs(trimmed, 0).0.into_iter().next()?;
            // A prefix (`0x`), and what padding or a cut leave over.
            let is_whole = run.range.start <= 2 && trimmed.len() <= run.range.end + 2;
            let unpacked = Packed::in_run(&run.bytes).filter(|_| is_whole).and_then(|packed| {
                decode::unpack(packed, &run.bytes, &mut self.budget).ok().flatten()
            });
            return is_whole.then_some(unpacked.unwrap_or(run.bytes));
        }
        Decoded::new(Kinds::all(), text).map(|decoded| decoded.text)
    }

    fn nested(&mut self, text: &[u8], layer: Layer, name: &'static str) -> Vec<Match> {
        let mut hits = Vec::new();
        self.detector.prefilter.scan(text, &mut hits);
        self.chain.push(name);
        let found = self.matches(text, &hits, 0, Known::Nothing, layer);
        self.chain.pop();
        found
    }

    fn spend(&mut self, bytes: usize) -> bool {
        match self.budget.checked_sub(bytes) {
            Some(left) => {
                self.budget = left;
                true
            }
            None => {
                self.exhausted = true;
                false
            }
        }
    }
}

/// How what an encoding says is masked, of which this is the first match: written again with the
/// masks in it, unless it took too much work to look at.
fn written(first: &Match, encode: impl FnOnce() -> Vec<u8>) -> How {
    match first.rule {
        RUN => How::Plain,
        _ => How::Encoded(encode()),
    }
}

/// Whether a text has the characters of base64 or hex and no others.
pub(super) fn is_of_run(text: &[u8]) -> bool {
    text.iter().all(|byte| is_base64(*byte) || matches!(byte, b'=' | b'\n' | b'\r'))
}

/// How the quote behind the key is written whose value begins at `at` of the decoded
/// text, where it is `quote`.
fn quote_before(text: &[u8], decoded: &Decoded, at: usize, quote: &[u8]) -> Vec<u8> {
    let before = decoded.text.get(..at).unwrap_or_default();
    let sign = quote.last().copied().unwrap_or(b'"');
    let end = memchr::memrchr(sign, before).map_or(0, |found| found + 1);
    let start = decoded.original_end(end.saturating_sub(quote.len()));
    text.get(start..decoded.original_end(end)).unwrap_or_default().to_vec()
}
