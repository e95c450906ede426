//! Long texts in which nothing was found, known again when they come again.
//!
//! The traces of an agent repeat themselves: each turn of a conversation holds the turns
//! before it, and every request the same instructions. To compare such a text with one that
//! was searched before takes a twentieth of the time of searching it. Texts are compared as
//! a whole, never by a hash alone: what is taken for clean was found clean, byte for byte.
//!
//! A text is kept when it comes the second time, so that those that never come again cost
//! a look at a few of their words, not a copy. Nothing with a secret in it is ever kept.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::sync::Mutex;

use crate::scrub::detector::bytes::are_same;
use crate::scrub::otlp::LONG_TEXT_MIN;

/// Parts of the memory, each with a lock of its own.
const SHARDS: usize = 16;

/// The longest text that is kept, as a part of what its part of the memory holds, so that
/// one cannot push out all others.
const LONGEST: usize = 4;

/// How many texts that came once a part knows of.
const ONCE: usize = 1024;

/// How many words of a text its fingerprint is made of.
const WORDS: usize = 16;

/// The texts.
pub(super) struct Recent {
    /// How many bytes of texts each part may keep.
    shard_bytes: usize,
    shards: [Mutex<Shard>; SHARDS],
}

/// What is known of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It was searched, and nothing was found in it.
    Clean,
    /// It probably was here before: to be kept, if nothing is found.
    Before,
    /// It comes for the first time, or is too long to keep.
    Never,
}

struct Shard {
    /// The fingerprints of texts that came once, each where its lower bits say.
    once: Vec<u64>,
    /// By fingerprint.
    texts: HashMap<u64, Text>,
    /// The fingerprints of `texts`, the oldest first.
    order: VecDeque<u64>,
    /// The length of all texts together.
    bytes: usize,
}

struct Text {
    bytes: Box<[u8]>,
    /// Whether it came again since it was last up for being dropped.
    used: bool,
}

impl Recent {
    /// Keeps texts of up to `bytes` together; nothing with 0.
    pub(super) fn new(bytes: usize) -> Self {
        let shard =
            || Shard { once: Vec::new(), texts: HashMap::new(), order: VecDeque::new(), bytes: 0 };
        let shards = std::array::from_fn(|_| Mutex::new(shard()));
        Self { shard_bytes: bytes / SHARDS, shards }
    }

    /// Whether it can keep anything.
    pub(super) fn keeps_some(&self) -> bool {
        LONG_TEXT_MIN <= self.len_max()
    }

    fn len_max(&self) -> usize {
        self.shard_bytes / LONGEST
    }

    /// What is known of `text`.
    pub(super) fn look_up(&self, text: &[u8]) -> Seen {
        if !(LONG_TEXT_MIN..=self.len_max()).contains(&text.len()) {
            return Seen::Never;
        }
        let fingerprint = fingerprint(text);
        self.with_shard(fingerprint, |shard| shard.look_up(fingerprint, text))
            .unwrap_or(Seen::Never)
    }

    /// Keeps a text in which nothing was found.
    pub(super) fn keep(&self, text: &[u8]) {
        let fingerprint = fingerprint(text);
        self.with_shard(fingerprint, |shard| shard.keep(fingerprint, text, self.shard_bytes));
    }

    /// `None` while another thread looks into the same part, or failed there: it is
    /// cheaper to search a text than to wait.
    fn with_shard<T>(&self, fingerprint: u64, act: impl FnOnce(&mut Shard) -> T) -> Option<T> {
        let shard = self.shards.get(fingerprint as usize % SHARDS)?;
        shard.try_lock().ok().map(|mut shard| act(&mut shard))
    }
}

impl Shard {
    fn look_up(&mut self, fingerprint: u64, text: &[u8]) -> Seen {
        if let Some(known) = self.texts.get_mut(&fingerprint) {
            // Another text of the same fingerprint keeps its place.
            let is_same = are_same(&known.bytes, text);
            known.used |= is_same;
            return if is_same { Seen::Clean } else { Seen::Never };
        }
        self.once.resize(ONCE, 0);
        match self.once.get_mut((fingerprint >> 32) as usize % ONCE) {
            Some(once) if *once == fingerprint => Seen::Before,
            Some(once) => {
                *once = fingerprint;
                Seen::Never
            }
            None => Seen::Never,
        }
    }

    fn keep(&mut self, fingerprint: u64, text: &[u8], bytes_max: usize) {
        let Entry::Vacant(place) = self.texts.entry(fingerprint) else { return };
        place.insert(Text { bytes: text.into(), used: false });
        self.order.push_back(fingerprint);
        self.bytes += text.len();
        while bytes_max < self.bytes {
            let Some(oldest) = self.order.pop_front() else { return };
            let Entry::Occupied(mut place) = self.texts.entry(oldest) else { continue };
            if std::mem::take(&mut place.get_mut().used) {
                self.order.push_back(oldest);
                continue;
            }
            self.bytes -= place.remove().bytes.len();
        }
    }
}

/// A number that texts with different words at some places hardly share.
fn fingerprint(text: &[u8]) -> u64 {
    // The golden ratio (Fibonacci hashing): an odd number without a pattern.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let last = text.len().saturating_sub(8);
    let words = (0..=WORDS).map(|number| number * last / WORDS).filter_map(|at| {
        let word = text.get(at..)?.first_chunk::<8>()?;
        Some(u64::from_le_bytes(*word))
    });
    let hash = words
        .fold(text.len() as u64, |hash, word| (hash.rotate_left(23) ^ word).wrapping_mul(FACTOR));
    hash ^ hash >> 29
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: usize = 8 << 20;

    fn text(number: usize, len: usize) -> Vec<u8> {
        format!("{number:08}").into_bytes().into_iter().cycle().take(len).collect()
    }

    fn come(recent: &Recent, text: &[u8]) -> Seen {
        let seen = recent.look_up(text);
        if seen == Seen::Before {
            recent.keep(text);
        }
        seen
    }

    #[test]
    fn a_text_is_known_when_it_comes_the_third_time() {
        let recent = Recent::new(BYTES);
        let text = text(1, 2000);
        let seen: Vec<Seen> = (0..4).map(|_| come(&recent, &text)).collect();
        assert_eq!(seen, [Seen::Never, Seen::Before, Seen::Clean, Seen::Clean]);
    }

    #[test]
    fn a_text_that_differs_in_any_byte_is_not_known() {
        let recent = Recent::new(BYTES);
        let text = text(1, 1500);
        for _ in 0..3 {
            come(&recent, &text);
        }
        for at in 0..text.len() {
            let mut other = text.clone();
            other[at] ^= 1;
            assert_ne!(recent.look_up(&other), Seen::Clean, "at {at}");
        }
        assert_eq!(recent.look_up(&text[1..]), Seen::Never);
    }

    #[test]
    fn texts_that_come_again_stay_and_all_take_no_more_than_they_may() {
        let recent = Recent::new(BYTES);
        let often = text(0, 4000);
        for number in 1..20_000 {
            come(&recent, &often);
            let rare = text(number, 4000);
            come(&recent, &rare);
            come(&recent, &rare);
        }
        assert_eq!(recent.look_up(&often), Seen::Clean);
        for shard in &recent.shards {
            let shard = shard.lock().expect("no thread failed");
            let bytes: usize = shard.texts.values().map(|text| text.bytes.len()).sum();
            assert_eq!(bytes, shard.bytes);
            assert!(shard.bytes <= BYTES / SHARDS);
            assert_eq!(shard.texts.len(), shard.order.len());
        }
    }

    #[test]
    fn what_is_short_or_very_long_is_not_kept() {
        let recent = Recent::new(BYTES);
        for len in [0, 7, LONG_TEXT_MIN - 1, recent.len_max() + 1] {
            for _ in 0..3 {
                assert_eq!(come(&recent, &text(3, len)), Seen::Never);
            }
        }
        let none = Recent::new(0);
        assert!(recent.keeps_some() && !none.keeps_some());
        for _ in 0..3 {
            assert_eq!(come(&none, &text(3, 2000)), Seen::Never);
        }
    }
}
