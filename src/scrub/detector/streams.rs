//! A text in pieces: a completion that was streamed, one event of a span or one log
//! record for each few characters.
//!
//! No piece holds a secret that is cut over several. So the pieces of a request are
//! gathered, joined and searched as one text, and what is found is masked in every piece
//! that it lies in. Pieces are texts in the same place of records that follow each other
//! in one list, where the records say of themselves that they are such (`delta`, `chunk`,
//! `stream`, … in a name or a key). Where streams are mixed in one list, what is said of
//! each record (an id of the stream, a choice) tells them apart. Pieces are also the strings
//! of an array whose key says so, and those of frames that stand in one text or in several
//! (`frames`).
//!
//! Whether a request holds records of the kind is known from the prefilter; only then is
//! it walked once more.

mod frames;

use std::collections::HashMap;
use std::ops::Range;

use crate::scrub::detector::Finder;
use crate::scrub::detector::Use;
use crate::scrub::detector::find::Known;
use crate::scrub::detector::hidden::Layer;
use crate::scrub::detector::overlap;
use crate::scrub::detector::overlap::Certainty;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::prefilter::Check;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::PIECE;
use crate::scrub::detector::prefilter::RUN;
use crate::scrub::otlp::Context;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Outline;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Scalar;
use crate::scrub::otlp::Shown;
use crate::scrub::otlp::Trail;

/// Words in the names and keys of records that are pieces.
const WORDS: [&str; 4] = ["delta", "chunk", "stream", "gen_ai.choice"];

/// What else stands in texts that hold pieces: what frames begin with or have, as it is and
/// in a JSON string; a word that means several pieces, which counts twice.
const SIGNS: [&str; 9] = [
    "data: {",
    "data:{",
    "\"done\":",
    "\"done\\\":",
    "\"candidates\":",
    "\"candidates\\\":",
    "chunk(",
    "chunks",
    "deltas",
];

/// How often such a word must stand in a request before it is walked once more.
const WORDS_MIN: usize = 2;

/// A longer text is no piece, in bytes.
const PIECE_LEN_MAX: usize = 512;

/// A longer string of an array of strings is none, in bytes: it is a part that means
/// something by itself.
const ELEMENT_LEN_MAX: usize = 128;

/// How long a text may get that is joined, in bytes; a longer one is searched in parts.
const JOINED_LEN_MAX: usize = 1 << 16;

/// Fields that hold records, as paths name them.
const LISTS: [&str; 2] = ["log_records[", ".events["];

/// Last words of keys whose values tell streams apart.
const OF_STREAM: [&str; 4] = ["id", "stream", "session", "conversation"];

/// Texts in the same place of records that follow each other.
#[derive(Debug)]
pub(super) struct Pieces {
    /// The kind of place.
    pub(super) kind: &'static str,
    /// The path of the first.
    pub(super) path: String,
    /// The pieces, in order.
    pub(super) texts: Vec<Piece>,
    /// How long they are together.
    len: usize,
}

/// A piece.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Where the text begins in the request that it stands in.
    pub(super) at: usize,
    /// Where it begins in that text.
    pub(super) start: usize,
    /// What it says.
    pub(super) bytes: Vec<u8>,
}

/// What pieces have in common: the list that their records are in, the place in them, and
/// what is said of the stream.
type Key = (String, String, u64);

/// Gathers the pieces of a request.
#[derive(Debug, Default)]
pub(in crate::scrub) struct Streams {
    record: Record,
    /// The last one of each, which may still grow.
    open: HashMap<Key, Pieces>,
    done: Vec<Pieces>,
}

/// The record that is being shown.
#[derive(Debug, Default)]
struct Record {
    /// The list that it is in, and its own path.
    list: String,
    path: String,
    /// Whether it says that it is a piece.
    is_piece: bool,
    /// A hash of what it says of the stream; 0: nothing.
    stream: u64,
    texts: Vec<Text>,
}

#[derive(Debug)]
struct Text {
    kind: &'static str,
    /// Below the record.
    path: String,
    piece: Piece,
}

impl Pieces {
    fn new(kind: &'static str, path: String) -> Self {
        Self { kind, path, texts: Vec::new(), len: 0 }
    }
}

impl Streams {
    /// The texts that are joined, each with two pieces or more.
    pub(super) fn pieces(mut self) -> Vec<Pieces> {
        self.close();
        self.done.extend(self.open.into_values());
        self.done.retain(|pieces| {
            let same = |pair: &[Piece]| matches!(pair, [a, b] if a.bytes == b.bytes);
            2 <= pieces.texts.len() && !pieces.texts.windows(2).all(same)
        });
        self.done
    }

    /// Ends the record that is being shown.
    fn close(&mut self) {
        let record = std::mem::take(&mut self.record);
        if !record.is_piece {
            return;
        }
        for text in record.texts {
            // By stream, and all together, in case that what is said differs by record.
            for stream in [0, record.stream] {
                let key = (record.list.clone(), text.path.clone(), stream);
                let whole = || format!("{}{}", record.path, text.path);
                self.add(key, text.kind, whole, text.piece.clone());
                if record.stream == 0 {
                    break;
                }
            }
        }
    }

    /// Adds a piece to those that it has a key in common with. `path` is where it stands.
    fn add(&mut self, key: Key, kind: &'static str, path: impl Fn() -> String, piece: Piece) {
        let len = piece.bytes.len();
        let pieces = self.open.entry(key).or_insert_with(|| Pieces::new(kind, path()));
        if PIECE_LEN_MAX < len || JOINED_LEN_MAX < pieces.len {
            let next = Pieces::new(kind, path());
            self.done.push(std::mem::replace(pieces, next));
        }
        if len <= PIECE_LEN_MAX {
            pieces.len += len;
            pieces.texts.push(piece);
        }
    }

    /// The frames in a text, which go on in the next record; or the elements of an array
    /// whose key says that they are pieces. Gives whether there is such an array.
    fn framed(&mut self, text: &[u8], place: &Place<'_>, path: &str) -> bool {
        let whole = record_of(path).unwrap_or((path.len(), path.len()));
        let [list, below] =
            [path.get(..whole.0), path.get(whole.1..)].map(Option::unwrap_or_default);
        let says = says_piece(last_key(path).as_bytes());
        if let (true, Some(_), Some((array, _))) = (says, place.element, path.rsplit_once('[')) {
            if text.len() <= ELEMENT_LEN_MAX {
                let key = (array.to_owned(), String::new(), 0);
                let piece = Piece { at: place.at, start: 0, bytes: text.to_vec() };
                self.add(key, place.kind, || path.to_owned(), piece);
            }
            return true;
        }
        let is_array = text.trim_ascii_start().starts_with(b"[");
        for found in frames::pieces(text, says && is_array) {
            let bytes = text.get(found.range.clone()).unwrap_or_default().to_vec();
            if says && ELEMENT_LEN_MAX < bytes.len() {
                continue;
            }
            let key = (list.to_owned(), below.to_owned(), found.place);
            let piece = Piece { at: place.at, start: found.range.start, bytes };
            self.add(key, place.kind, || path.to_owned(), piece);
        }
        false
    }
}

/// Adds the words to the needles of the prefilter. Gives their numbers.
pub(super) fn add_words(needles: &mut Vec<Needle>, uses: &mut Vec<Use>) -> Range<u32> {
    let first = uses.len() as u32;
    let words = WORDS.iter().map(|word| (*word, Check::NameOfPiece));
    for (word, check) in words.chain(SIGNS.iter().map(|sign| (*sign, Check::None))) {
        needles.push(Needle { bytes: word.into(), caseless: true, check });
        uses.push(Use::Piece);
    }
    first..uses.len() as u32
}

impl Finder<'_> {
    /// Whether the request that was walked may hold pieces.
    pub(in crate::scrub) fn may_have_pieces(&self) -> bool {
        WORDS_MIN <= self.piece_words
    }

    /// Searches texts whose pieces were gathered; before the walk.
    pub(in crate::scrub) fn join(&mut self, streams: Streams) {
        for pieces in streams.pieces() {
            self.join_one(&pieces);
        }
    }

    /// The matches in the text at `at`, and what is known of it from what stands apart.
    #[cold]
    pub(super) fn with_apart(&self, mut matches: Vec<Match>, at: usize) -> Vec<Match> {
        matches.extend(self.apart.get(&at).into_iter().flatten().cloned());
        overlap::merge(matches)
    }

    /// Counts the words that records have which hold pieces of a text. They say nothing of
    /// the texts that they stand in. What is known from what stands apart is a hit.
    pub(super) fn take_words(&mut self) {
        let words = &self.detector.piece_words;
        let is_word = |hit: &Hit| words.contains(&hit.needle);
        self.piece_words = self.hits.iter().filter(|hit| is_word(hit)).count();
        if 0 < self.piece_words {
            self.hits.retain(|hit| !is_word(hit));
        }
        if !self.apart.is_empty() {
            let at = |at: &usize| Hit { at: *at as u32, needle: PIECE };
            self.hits.extend(self.apart.keys().map(at));
            self.hits.sort_unstable();
        }
    }

    fn join_one(&mut self, pieces: &Pieces) {
        let texts = pieces.texts.iter().map(|piece| piece.bytes.as_slice());
        let joined: Vec<u8> = texts.flatten().copied().collect();
        let mut hits = Vec::new();
        self.detector.prefilter.scan(&joined, &mut hits);
        if hits.is_empty() {
            return;
        }
        let at = pieces.texts.first().map_or(0, |piece| piece.at);
        let context = Context::default();
        let path = &At(&pieces.path);
        let place = Place { kind: pieces.kind, at, context, element: None, path };
        let mut search = self.search(&place, joined.len());
        let mut matches = search.matches(&joined, &hits, 0, Known::Nothing, Layer::default());
        if search.exhausted {
            matches = vec![Match::whole(joined.len(), RUN)];
        }
        let (mut begin, before) = (0, self.apart.len());
        // Both are in order.
        let mut rest = matches.as_slice();
        for piece in &pieces.texts {
            let end = begin + piece.bytes.len();
            while let Some((found, others)) = rest.split_first() {
                if end <= found.range.start {
                    break;
                }
                let range = found.range.start.max(begin)..found.range.end.min(end);
                // What lies in one piece is found where that is shown, if nothing around it
                // tells.
                let alone = begin <= found.range.start
                    && found.range.end <= end
                    && found.certainty == Certainty::Pattern;
                if !alone && !range.is_empty() {
                    let range = range.start - begin + piece.start..range.end - begin + piece.start;
                    let found = Match { range, how: How::Plain, ..found.clone() };
                    self.apart.entry(piece.at).or_default().push(found);
                }
                if end < found.range.end {
                    break;
                }
                rest = others;
            }
            begin = end;
        }
        if before < self.apart.len() && !search.notes.is_empty() {
            self.note(&search.notes, &place);
        }
    }
}

/// The way to the first piece.
struct At<'p>(&'p str);

impl std::fmt::Display for At<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl Trail for At<'_> {
    fn keys(&self, _: &mut dyn FnMut(Option<&[u8]>)) {}
}

impl Judge for Streams {
    fn begin(&mut self, _: &[u8], _: Option<Outline<'_>>) {}

    fn key(&mut self, _: Shown<'_>, outer: Context) -> Context {
        outer
    }

    fn text(&mut self, text: Shown<'_>, place: &Place<'_>, _: &mut Vec<Replacement>) {
        let path = place.path.to_string();
        let is_text = matches!(place.kind, "attributes" | "body");
        if is_text && self.framed(text.bytes, place, &path) {
            return;
        }
        let Some((list, record)) = record_of(&path) else { return };
        if self.record.path != path.get(..record).unwrap_or_default() {
            self.close();
            self.record.list = path.get(..list).unwrap_or_default().to_owned();
            self.record.path = path.get(..record).unwrap_or_default().to_owned();
        }
        let below = path.get(record..).unwrap_or_default();
        self.record.is_piece |=
            says_piece(below.as_bytes()) || (!is_text && says_piece(text.bytes));
        if !is_text {
            return;
        }
        if tells_stream(below) {
            self.record.stream = frames::mix(self.record.stream, text.bytes);
            return;
        }
        // Of a long text, that it breaks what is joined.
        let bytes = text.bytes.get(..PIECE_LEN_MAX + 1).unwrap_or(text.bytes).to_vec();
        let piece = Piece { at: place.at, start: 0, bytes };
        let text = Text { kind: place.kind, path: below.to_owned(), piece };
        self.record.texts.push(text);
    }

    fn scalar(&mut self, _: Scalar, _: &Place<'_>) -> Option<Vec<u8>> {
        None
    }
}

/// Where in a path the list ends that the innermost record is in, and where the record.
fn record_of(path: &str) -> Option<(usize, usize)> {
    let list = LISTS.iter().filter_map(|list| Some(path.find(list)? + list.len())).max()?;
    let len = path.get(list..)?.find(']')?;
    Some((list, list + len + 1))
}

/// The last key in a path.
fn last_key(path: &str) -> &str {
    let end = path.rfind("\"]").unwrap_or_default();
    let key = path.get(..end).unwrap_or_default();
    key.rfind("[\"").and_then(|at| key.get(at + 2..)).unwrap_or_default()
}

/// Whether a name says that its record is a piece.
fn says_piece(name: &[u8]) -> bool {
    let name = name.get(..PIECE_LEN_MAX).unwrap_or(name).to_ascii_lowercase();
    WORDS.iter().any(|word| memchr::memmem::find(&name, word.as_bytes()).is_some())
}

/// Whether the last word of a key says that its value tells streams apart.
fn tells_stream(path: &str) -> bool {
    let Some(name) = path.trim_end_matches(']').strip_suffix('"') else { return false };
    let word = name.rsplit(['.', '_', '-', '"']).next().unwrap_or_default();
    let word = word.to_ascii_lowercase();
    OF_STREAM.contains(&word.as_str()) || name.ends_with("Id") || name.ends_with("ID")
}
