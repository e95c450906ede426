//! A text in pieces: a completion that was streamed, one event of a span or one log
//! record for each few characters.
//!
//! No piece holds a secret that is cut over several. So the pieces of a request are
//! gathered, joined and searched as one text, and what is found is masked in every piece
//! that it lies in. Pieces are texts in the same place of records that follow each other
//! in one list, where the records say of themselves that they are such (`delta`, `chunk`,
//! `stream`, … in a name or a key). Where streams are mixed in one list, what is said of
//! each record (an id of the stream, a choice) tells them apart.
//!
//! Whether a request holds records of the kind is known from the prefilter; only then is
//! it walked once more.

use std::collections::HashMap;
use std::ops::Range;

use crate::scrub::detector::Finder;
use crate::scrub::detector::Use;
use crate::scrub::detector::find::Known;
use crate::scrub::detector::hidden::Layer;
use crate::scrub::detector::overlap;
use crate::scrub::detector::overlap::How;
use crate::scrub::detector::overlap::Match;
use crate::scrub::detector::prefilter::Check;
use crate::scrub::detector::prefilter::Hit;
use crate::scrub::detector::prefilter::Needle;
use crate::scrub::detector::prefilter::PIECE;
use crate::scrub::detector::prefilter::RUN;
use crate::scrub::otlp::Context;
use crate::scrub::otlp::Judge;
use crate::scrub::otlp::Place;
use crate::scrub::otlp::Replacement;
use crate::scrub::otlp::Scalar;
use crate::scrub::otlp::Shown;
use crate::scrub::otlp::Trail;

/// Words in the names and keys of records that are pieces.
const WORDS: [&str; 3] = ["delta", "chunk", "stream"];

/// How often such a word must stand in a request before it is walked once more.
const WORDS_MIN: usize = 2;

/// A longer text is no piece, in bytes.
const PIECE_LEN_MAX: usize = 512;

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
    /// Where each stands in the request, and its text.
    pub(super) texts: Vec<(usize, Vec<u8>)>,
    /// How long they are together.
    len: usize,
}

/// Gathers the pieces of a request.
#[derive(Debug, Default)]
pub(in crate::scrub) struct Streams {
    record: Record,
    /// By the list that the records are in, the place in them, and what is said of the
    /// stream; the last one may still grow.
    open: HashMap<(String, String, Vec<u8>), Pieces>,
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
    /// What it says of the stream.
    stream: Vec<u8>,
    texts: Vec<Text>,
}

#[derive(Debug)]
struct Text {
    kind: &'static str,
    /// Below the record.
    path: String,
    at: usize,
    bytes: Vec<u8>,
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
            let same = |pair: &[(usize, Vec<u8>)]| matches!(pair, [a, b] if a.1 == b.1);
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
            let own = record.stream.clone();
            // By stream, and all together, in case that what is said differs by record.
            for stream in [Vec::new(), own] {
                let key = (record.list.clone(), text.path.clone(), stream);
                let whole = format!("{}{}", record.path, text.path);
                let new = || Pieces::new(text.kind, whole);
                let pieces = self.open.entry(key).or_insert_with(new);
                if PIECE_LEN_MAX < text.bytes.len() || JOINED_LEN_MAX < pieces.len {
                    let next = Pieces::new(text.kind, pieces.path.clone());
                    self.done.push(std::mem::replace(pieces, next));
                }
                if text.bytes.len() <= PIECE_LEN_MAX {
                    pieces.len += text.bytes.len();
                    pieces.texts.push((text.at, text.bytes.clone()));
                }
                if record.stream.is_empty() {
                    break;
                }
            }
        }
    }
}

/// Adds the words to the needles of the prefilter. Gives their numbers.
pub(super) fn add_words(needles: &mut Vec<Needle>, uses: &mut Vec<Use>) -> Range<u32> {
    let first = uses.len() as u32;
    for word in WORDS {
        needles.push(Needle { bytes: word.into(), caseless: true, check: Check::Key });
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
        let texts = pieces.texts.iter().map(|(_, bytes)| bytes.as_slice());
        let joined: Vec<u8> = texts.flatten().copied().collect();
        let mut hits = Vec::new();
        self.detector.prefilter.scan(&joined, &mut hits);
        if hits.is_empty() {
            return;
        }
        let at = pieces.texts.first().map_or(0, |(at, _)| *at);
        let context = Context::default();
        let path = &At(&pieces.path);
        let place = Place { kind: pieces.kind, at, context, element: None, path };
        let mut search = self.search(&place, joined.len());
        let mut matches = search.matches(&joined, &hits, 0, Known::Nothing, Layer::default());
        if search.exhausted {
            matches = vec![Match::whole(joined.len(), RUN)];
        }
        let (mut begin, before) = (0, self.apart.len());
        for (at, piece) in &pieces.texts {
            let end = begin + piece.len();
            for found in &matches {
                let within = begin <= found.range.start && found.range.end <= end;
                let range = found.range.start.max(begin)..found.range.end.min(end);
                // What lies in one piece is found where that is shown.
                if within || range.is_empty() {
                    continue;
                }
                let range = range.start - begin..range.end - begin;
                let found = Match { range, how: How::Plain, ..found.clone() };
                self.apart.entry(*at).or_default().push(found);
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
    fn begin(&mut self, _: &[u8], _: &mut dyn Iterator<Item = Range<usize>>) {}

    fn key(&mut self, _: Shown<'_>, outer: Context) -> Context {
        outer
    }

    fn text(&mut self, text: Shown<'_>, place: &Place<'_>, _: &mut Vec<Replacement>) {
        let path = place.path.to_string();
        let Some((list, record)) = record_of(&path) else { return };
        if self.record.path != path.get(..record).unwrap_or_default() {
            self.close();
            self.record.list = path.get(..list).unwrap_or_default().to_owned();
            self.record.path = path.get(..record).unwrap_or_default().to_owned();
        }
        let below = path.get(record..).unwrap_or_default();
        let is_text = matches!(place.kind, "attributes" | "body");
        self.record.is_piece |=
            says_piece(below.as_bytes()) || (!is_text && says_piece(text.bytes));
        if !is_text {
            return;
        }
        if tells_stream(below) {
            self.record.stream.extend_from_slice(text.bytes);
            self.record.stream.push(0);
            return;
        }
        // Of a long text, that it breaks what is joined.
        let bytes = text.bytes.get(..PIECE_LEN_MAX + 1).unwrap_or(text.bytes).to_vec();
        let text = Text { kind: place.kind, path: below.to_owned(), at: place.at, bytes };
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
