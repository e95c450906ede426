//! What a start finds in the files of a log, and takes over from the process before.

use std::collections::BTreeMap;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use crate::gateway::queue::boot::Boot;
use crate::gateway::queue::files::Files;
use crate::gateway::queue::log::Entry;
use crate::gateway::queue::log::Log;
use crate::gateway::queue::log::Marks;
use crate::gateway::queue::log::Segment;
use crate::gateway::queue::log::answered;
use crate::gateway::queue::record;
use crate::gateway::queue::record::MARK_BYTES;
use crate::gateway::queue::scan;
use crate::gateway::queue::scan::Scanned;

/// What a start found.
#[derive(Debug, Default)]
pub struct Found {
    /// Records that are not done, oldest first.
    pub entries: Vec<Entry>,
    /// How many pieces of damage were set aside that no start had seen before.
    pub set_aside: usize,
    /// The items in them, as far as their heads are sound.
    pub items_set_aside: u64,
    /// Those of `entries` whose senders were not answered before the process was killed.
    /// They are synced.
    pub unanswered: Vec<Entry>,
}

impl<F: Files> Log<F> {
    /// Opens the log in `files`, and says what it holds. `boot` is the start of the
    /// machine, where somebody wants to know whose senders were not answered.
    ///
    /// # Errors
    ///
    /// When the folder or a file cannot be read. Damage is no error.
    pub fn open(
        files: Arc<F>,
        segment_bytes: u64,
        bytes_max: u64,
        boot: Option<Boot>,
    ) -> io::Result<(Self, Found)> {
        let mut log = Self {
            files,
            segments: BTreeMap::new(),
            active: None,
            unsettled: None,
            next: 1,
            segment_bytes,
            bytes_max,
            boot,
            answered: None,
        };
        let answered = log.read_answered();
        let mut names = BTreeMap::new();
        let mut marks = BTreeMap::new();
        for (name, len) in log.files.list()? {
            match record::parse_name(&name) {
                Some((number, true)) => names.insert(number, (name, len)),
                Some((number, false)) => marks.insert(number, (name, len)),
                None => continue,
            };
        }
        let last = names.keys().chain(marks.keys()).max();
        log.next = last.map_or(1, |last| last.saturating_add(1));
        let newest = names.keys().max().copied();
        let mut found = Found::default();
        for (number, (name, len)) in names {
            let done = match marks.remove(&number) {
                Some((name, len)) => log.files.read(&name, 0, usize::try_from(len).unwrap_or(0))?,
                None => Vec::new(),
            };
            // Only where it was last written to can a record be torn.
            let scanned = scan::scan(&log.files, &name, len, Some(number) == newest)?;
            let before = found.entries.len();
            log.take_in(number, len, &scanned, &done, &mut found)?;
            if let Some(answered) = answered.filter(|own| Some(own.segment_id) == scanned.id) {
                let entries = found.entries.get(before..).unwrap_or_default();
                found.unanswered = answered::behind(&answered, &scanned, entries);
            }
        }
        for (name, _) in marks.into_values() {
            log.files.remove(&name)?;
        }
        if answered.is_some() && log.take_over(&found.unanswered).is_err() {
            found.unanswered.clear();
        }
        Ok((log, found))
    }

    /// Opens the log in `files` to append to it; what it holds is not looked at.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn open_to_append(files: Arc<F>, segment_bytes: u64) -> io::Result<Self> {
        let names = files.list()?;
        let numbers = names.iter().filter_map(|(name, _)| record::parse_name(name));
        let last = numbers.map(|(number, _)| number).max().unwrap_or(0);
        let next = last.saturating_add(1);
        Ok(Self {
            files,
            segments: BTreeMap::new(),
            active: None,
            unsettled: None,
            next,
            segment_bytes,
            bytes_max: 0,
            boot: None,
            answered: None,
        })
    }

    /// Takes a segment in that a start has found.
    fn take_in(
        &mut self,
        number: u64,
        len: u64,
        scanned: &Scanned,
        done: &[u8],
        found: &mut Found,
    ) -> io::Result<()> {
        let id = scanned.id.unwrap_or_default();
        let done_len = (done.len() / MARK_BYTES * MARK_BYTES) as u64;
        let done: HashSet<u32> = record::read_marks(id, done).collect();
        let before = found.entries.len();
        for (offset, head) in scanned.records.iter().filter(|(_, h)| !done.contains(&h.number)) {
            found.entries.push(Entry {
                segment: number,
                number: head.number,
                offset: *offset,
                len: head.len,
                items: head.items,
                time_ms: head.time_ms,
            });
        }
        let pending = u32::try_from(found.entries.len() - before).unwrap_or(u32::MAX);
        let marks = Marks { handle: None, len: done_len, is_synced: true };
        let segment = Segment { id, len, next: 0, pending, marks, keep: false };
        self.segments.insert(number, segment);
        for damaged in &scanned.damage {
            let is_done = damaged.head.is_some_and(|head| done.contains(&head.number));
            if !is_done && self.set_aside(number, damaged) {
                found.set_aside += 1;
                found.items_set_aside += damaged.head.map_or(0, |head| u64::from(head.items));
            }
        }
        self.remove_if_done(number);
        Ok(())
    }
}
