//! What a table of names says of one, and which rules say it.

use crate::scrub::detector::key::Class;
use crate::scrub::detector::key::Folded;
use crate::scrub::detector::key::Mode;
use crate::scrub::detector::key::Names;
use crate::scrub::detector::key::RUN_MAX;

/// How many rules under conditions may have their say on one name; more are not asked.
const CONDITIONAL_MAX: usize = 8;

/// Rules that name a key, by number, in the order of the rule files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::scrub) struct Rules<'t> {
    /// Those that hold under conditions only: asked first, and never the last word.
    pub(super) conditional: [u32; CONDITIONAL_MAX],
    pub(super) conditional_len: usize,
    /// The others.
    pub(in crate::scrub) always: &'t [u32],
}

impl Rules<'_> {
    /// All of them, in the order in which they are asked.
    pub(in crate::scrub) fn iter(&self) -> impl Iterator<Item = u32> {
        self.conditional().iter().chain(self.always).copied()
    }

    /// Those that hold under conditions only.
    pub(in crate::scrub) fn conditional(&self) -> &[u32] {
        self.conditional.get(..self.conditional_len).unwrap_or_default()
    }

    /// Every rule of a table of rules under conditions that names this key, in whatever
    /// mode: none of them hides what another says.
    pub(super) fn under_conditions(table: &Names, folded: &Folded) -> Self {
        let mut rules = Self::default();
        for (start, end) in runs(folded) {
            let Some(found) = table.get(folded.run(start, end)) else { continue };
            for mode in [Mode::Exact, Mode::Suffix, Mode::Prefix, Mode::Word] {
                if stands(folded, mode, start, end) {
                    found.verdict(mode).secret.iter().for_each(|rule| rules.add(*rule));
                }
            }
        }
        rules
    }

    fn add(&mut self, rule: u32) {
        if !self.conditional().contains(&rule)
            && let Some(slot) = self.conditional.get_mut(self.conditional_len)
        {
            *slot = rule;
            self.conditional_len += 1;
        }
    }
}

/// What a table says of a name.
pub(super) enum Said<'t> {
    Nothing,
    NotSecret,
    Secret(&'t [u32]),
}

impl<'t> Said<'t> {
    /// The class of the name, of which rules under conditions say this.
    pub(super) fn class(self, conditional: Rules<'t>) -> Class<'t> {
        match self {
            Self::Secret(always) => Class::Secret(Rules { always, ..conditional }),
            _ if 0 < conditional.conditional_len => Class::Secret(conditional),
            Self::Nothing => Class::Unknown,
            Self::NotSecret => Class::NotSecret,
        }
    }
}

/// What a table of rules that hold everywhere says.
pub(super) fn said_of<'t>(table: &'t Names, folded: &Folded) -> Said<'t> {
    let words = folded.words;
    let tail = folded.last_segment_word;
    // The whole name, or its last dotted segment.
    for start in [0, tail] {
        if let Some(found) = table.get(folded.run(start, words)) {
            if found.exact.not_secret {
                return Said::NotSecret;
            }
            if !found.exact.secret.is_empty() {
                return Said::Secret(&found.exact.secret);
            }
        }
        if tail == 0 {
            break;
        }
    }
    match wide(table, folded, |_| true) {
        Wide { not_secret: true, .. } => Said::NotSecret,
        Wide { secret: [], .. } => Said::Nothing,
        Wide { secret, .. } => Said::Secret(secret),
    }
}

/// What a table says of a name by its end, its beginning or a word in it.
#[derive(Default)]
pub(super) struct Wide<'t> {
    /// That it is no secret.
    pub(super) not_secret: bool,
    /// The rules that say it is: those of its end before those of its beginning, and
    /// those before the ones of any word.
    pub(super) secret: &'t [u32],
}

/// Asks the wide modes, of the rules that are `wanted`.
pub(super) fn wide<'t>(
    table: &'t Names,
    folded: &Folded,
    wanted: impl Fn(&[u32]) -> bool,
) -> Wide<'t> {
    const MODES: [Mode; 3] = [Mode::Suffix, Mode::Prefix, Mode::Word];
    let mut said: [&[u32]; MODES.len()] = [&[]; MODES.len()];
    for (start, end) in runs(folded) {
        let Some(found) = table.get(folded.run(start, end)) else { continue };
        for (mode, said) in MODES.into_iter().zip(&mut said) {
            if !stands(folded, mode, start, end) {
                continue;
            }
            let verdict = found.verdict(mode);
            if verdict.not_secret {
                return Wide { not_secret: true, secret: &[] };
            }
            if said.is_empty() && wanted(&verdict.secret) {
                *said = &verdict.secret;
            }
        }
    }
    let secret = said.into_iter().find(|rules| !rules.is_empty()).unwrap_or_default();
    Wide { not_secret: false, secret }
}

/// The runs of words of a name that a rule may know.
fn runs(folded: &Folded) -> impl Iterator<Item = (usize, usize)> {
    let words = folded.words;
    (0..words).flat_map(move |start| {
        (start + 1..=words.min(start + RUN_MAX)).map(move |end| (start, end))
    })
}

/// Whether a run stands where names of this mode must.
fn stands(folded: &Folded, mode: Mode, start: usize, end: usize) -> bool {
    let begins = start == 0 || start == folded.last_segment_word;
    match mode {
        Mode::Exact => begins && end == folded.words,
        Mode::Suffix if folded.run(start, end) == b"key" => {
            end == folded.words && is_of_secret(folded, start)
        }
        Mode::Suffix => end == folded.words,
        Mode::Prefix => begins,
        Mode::Word => true,
    }
}

/// Whether a key, which is the word at `at`, may be secret by its name. One that has no other
/// word before it is of a table or a cache, more often than not.
fn is_of_secret(folded: &Folded, at: usize) -> bool {
    let is_public = (0..at).any(|word| folded.run(word, word + 1) == b"public");
    folded.last_segment_word < at
        && !is_public
        && at.checked_sub(1).is_some_and(|before| !OTHERS.contains(&folded.run(before, at)))
}

/// Words before a key that find something, or are public.
const OTHERS: [&[u8]; 94] = [
    b"cache",
    b"partition",
    b"primary",
    b"foreign",
    b"unique",
    b"candidate",
    b"composite",
    b"natural",
    b"surrogate",
    b"sort",
    b"range",
    b"hash",
    b"row",
    b"column",
    b"field",
    b"object",
    b"s3",
    b"blob",
    b"file",
    b"asset",
    b"image",
    b"media",
    b"upload",
    b"path",
    b"page",
    b"dedup",
    b"deduplication",
    b"idempotency",
    b"routing",
    b"group",
    b"grouping",
    b"lookup",
    b"index",
    b"shard",
    b"sharding",
    b"message",
    b"record",
    b"event",
    b"correlation",
    b"lock",
    b"limit",
    b"throttle",
    b"bucket",
    b"counter",
    b"metric",
    b"series",
    b"label",
    b"tag",
    b"attribute",
    b"map",
    b"dict",
    b"json",
    b"fingerprint",
    b"cluster",
    b"distribution",
    b"query",
    b"state",
    b"request",
    b"response",
    b"entity",
    b"resource",
    b"item",
    b"registry",
    b"config",
    b"setting",
    b"feature",
    b"flag",
    b"experiment",
    b"project",
    b"issue",
    b"ticket",
    b"space",
    b"translation",
    b"i18n",
    b"public",
    b"pub",
    b"publishable",
    b"site",
    b"host",
    b"verify",
    b"verification",
    b"socket",
    b"business",
    b"etag",
    b"version",
    b"content",
    b"digest",
    b"checksum",
    b"build",
    b"restore",
    b"job",
    b"task",
    b"hot",
    b"peer",
];
