//! Loss of power, in a model of a file system.
//!
//! The log runs on a disk of maps. What is written since the last sync is kept as a
//! list; when power is lost, each sector of each such write has arrived or not, by
//! itself and in any order, a file may be longer than what arrived in it, and so may
//! names have appeared or gone that the folder was not synced for. Then the log is
//! opened again, and everything that was acknowledged and not done has to be there,
//! whole.
//!
//! Between losses of power the process is killed: all that was written is there, and power
//! may still be lost before it is synced. The records whose senders were not answered are
//! told after a kill, and no others; a sender that comes again and is told OK for one of
//! them is owed it like any other.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;

use otel_redact::gateway::queue::boot::Boot;
use otel_redact::gateway::queue::files::Files;
use otel_redact::gateway::queue::log::Entry;
use otel_redact::gateway::queue::log::Found;
use otel_redact::gateway::queue::log::Log;
use otel_redact::gateway::queue::log::Record;

use crate::short_or_full;

/// What a disk writes or does not write as one. Real ones have 512 bytes or 4096; small
/// ones tear more.
const SECTOR_BYTES: u64 = 64;

/// A small segment, so that a history has several.
const SEGMENT_BYTES: u64 = 2048;

/// xorshift64*, so that a history is its seed.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, max: u64) -> u64 {
        self.next() % max
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// A file's number: names come and go, what they name stays.
type Node = u64;

#[derive(Clone, Default)]
struct Content {
    synced: Vec<u8>,
    now: Vec<u8>,
    /// Since the last sync: where, and what; or a length that it was cut to.
    since: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Cut(u64),
}

#[derive(Default)]
struct State {
    nodes: HashMap<Node, Content>,
    next: Node,
    names: BTreeMap<String, Node>,
    /// As the folder was last synced, and what has happened to it since.
    synced_names: BTreeMap<String, Node>,
    since: Vec<(String, Option<Node>)>,
    /// After so many more operations everything fails: the power is gone.
    left: u64,
    chance: u64,
    /// Of how many writes and syncs one fails, though power is there.
    fails_one_in: u64,
}

struct Model(Mutex<State>);

impl State {
    fn step(&mut self) -> io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(())
    }

    fn fails(&mut self) -> io::Result<()> {
        let mut chance = Chance(self.chance);
        let fails = self.fails_one_in != 0 && chance.one_in(self.fails_one_in);
        self.chance = chance.0;
        if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// What is left when the power is gone.
    fn after_loss(&self, chance: &mut Chance) -> Self {
        let mut names = self.synced_names.clone();
        for (name, node) in &self.since {
            if chance.one_in(2) {
                match node {
                    Some(node) => names.insert(name.clone(), *node),
                    None => names.remove(name),
                };
            }
        }
        let nodes = self.nodes.iter().map(|(node, content)| {
            let bytes = content.after_loss(chance);
            (*node, Content { synced: bytes.clone(), now: bytes, since: Vec::new() })
        });
        Self {
            nodes: nodes.collect(),
            next: self.next,
            synced_names: names.clone(),
            names,
            since: Vec::new(),
            left: u64::MAX,
            chance: chance.next() | 1,
            fails_one_in: 0,
        }
    }
}

impl Content {
    fn write(bytes: &mut Vec<u8>, at: u64, piece: &[u8]) {
        let (at, end) = (at as usize, at as usize + piece.len());
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[at..end].copy_from_slice(piece);
    }

    fn after_loss(&self, chance: &mut Chance) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        let mut sectors = Vec::new();
        for change in &self.since {
            match change {
                Change::Cut(len) if chance.one_in(2) => bytes.truncate(*len as usize),
                Change::Cut(_) => {}
                Change::Write(at, piece) => {
                    let mut from = *at;
                    let end = at + piece.len() as u64;
                    while from < end {
                        let to = end.min((from / SECTOR_BYTES + 1) * SECTOR_BYTES);
                        sectors.push((from, &piece[(from - at) as usize..(to - at) as usize]));
                        from = to;
                    }
                }
            }
        }
        // In any order: a later one may be there without those before it.
        while !sectors.is_empty() {
            let (at, piece) = sectors.swap_remove(chance.below(sectors.len() as u64) as usize);
            match chance.below(3) {
                0 => {}
                1 => Self::write(&mut bytes, at, piece),
                // The file has its length, but not what should be there.
                _ => {
                    let end = at as usize + piece.len();
                    bytes.resize(bytes.len().max(end), 0);
                }
            }
        }
        bytes
    }
}

impl Model {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        state.step()?;
        work(&mut state)
    }
}

impl Files for Model {
    type Handle = Node;

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        self.with(|state| {
            let len = |node: &Node| state.nodes[node].now.len() as u64;
            Ok(state.names.iter().map(|(name, node)| (name.clone(), len(node))).collect())
        })
    }

    fn create(&self, name: &str) -> io::Result<Node> {
        self.with(|state| {
            if state.names.contains_key(name) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.fails()?;
            state.next += 1;
            let node = state.next;
            state.nodes.insert(node, Content::default());
            state.names.insert(name.to_owned(), node);
            state.since.push((name.to_owned(), Some(node)));
            Ok(node)
        })
    }

    fn open(&self, name: &str) -> io::Result<Node> {
        let there = self.with(|state| Ok(state.names.get(name).copied()))?;
        there.map_or_else(|| self.create(name), Ok)
    }

    fn write(&self, file: &mut Node, at: u64, pieces: &[&[u8]]) -> io::Result<()> {
        self.with(|state| {
            let mut piece = pieces.concat();
            let failed = state.fails();
            if failed.is_err() {
                piece.truncate(piece.len() / 2);
            }
            let content = state.nodes.get_mut(file).unwrap();
            Content::write(&mut content.now, at, &piece);
            content.since.push(Change::Write(at, piece));
            failed
        })
    }

    fn truncate(&self, file: &mut Node, len: u64) -> io::Result<()> {
        self.with(|state| {
            let content = state.nodes.get_mut(file).unwrap();
            content.now.truncate(len as usize);
            content.since.push(Change::Cut(len));
            Ok(())
        })
    }

    fn sync(&self, file: &Node) -> io::Result<()> {
        self.with(|state| {
            state.fails()?;
            let content = state.nodes.get_mut(file).unwrap();
            content.synced = content.now.clone();
            content.since.clear();
            Ok(())
        })
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.with(|state| {
            state.fails()?;
            state.synced_names = state.names.clone();
            state.since.clear();
            Ok(())
        })
    }

    fn read(&self, name: &str, at: u64, len: usize) -> io::Result<Vec<u8>> {
        self.with(|state| {
            let node = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
            let bytes = &state.nodes[node].now;
            let from = bytes.len().min(at as usize);
            let to = bytes.len().min(from.saturating_add(len));
            Ok(bytes[from..to].to_vec())
        })
    }

    fn stands(&self, name: &str, file: &Node) -> bool {
        self.with(|state| Ok(state.names.get(name) == Some(file))).unwrap_or(false)
    }

    fn make_folder(&self) -> io::Result<()> {
        Ok(())
    }

    fn renew(&self, name: &str, file: &Node, len: u64) -> io::Result<Node> {
        let bytes = self.with(|state| Ok(state.nodes[file].now[..len as usize].to_vec()))?;
        let mut new = self.open(name)?;
        self.write(&mut new, 0, &[&bytes])?;
        self.truncate(&mut new, len)?;
        self.sync(&new)?;
        self.sync_folder()?;
        Ok(new)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.with(|state| {
            state.names.remove(name).ok_or(io::ErrorKind::NotFound)?;
            state.since.push((name.to_owned(), None));
            Ok(())
        })
    }
}

/// What a history has seen.
#[derive(Default)]
struct Seen {
    /// Acknowledged and not done, by what the records hold.
    owed: BTreeMap<u64, Vec<u8>>,
    acknowledged: HashSet<u64>,
    /// Acknowledged because they were there when their senders came again.
    recalled: usize,
    next: u64,
}

/// Appends, marks and syncs until the power is gone.
fn live(
    files: &Arc<Model>,
    log: &mut Log<Model>,
    mut entries: Vec<(Entry, u64)>,
    seen: &mut Seen,
    chance: &mut Chance,
) {
    for _ in 0..40 {
        if chance.one_in(3) && !entries.is_empty() {
            deliver(log, &mut entries, seen, chance);
            continue;
        }
        if chance.one_in(5) {
            log.sync_marks();
            continue;
        }
        let records: Vec<(u64, Vec<u8>)> = (0..1 + chance.below(4))
            .map(|_| {
                seen.next += 1;
                let id = seen.next;
                let len = chance.below(300) as usize;
                let filler = id.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
                let text = filler.iter().copied().cycle().take(len);
                (id, id.to_le_bytes().into_iter().chain(text).collect())
            })
            .collect();
        let pieces: Vec<[&[u8]; 1]> = records.iter().map(|(_, bytes)| [&bytes[..]]).collect();
        let appended: Vec<Record<'_>> = pieces
            .iter()
            .map(|pieces| Record { pieces, items: 1, time_ms: 0, encrypted: false })
            .collect();
        let Ok(written) = log.write(&appended) else { continue };
        // Others are delivered while that is synced.
        while chance.one_in(3) && !entries.is_empty() {
            deliver(log, &mut entries, seen, chance);
        }
        let synced = files.sync(&written.handle);
        if let Ok(new) = log.settle(written, synced) {
            for (entry, (id, bytes)) in new.into_iter().zip(records) {
                entries.push((entry, id));
                seen.owed.insert(id, bytes);
                seen.acknowledged.insert(id);
            }
        }
    }
}

/// One of `entries` is done with.
fn deliver(
    log: &mut Log<Model>,
    entries: &mut Vec<(Entry, u64)>,
    seen: &mut Seen,
    chance: &mut Chance,
) {
    let at = chance.below(entries.len() as u64) as usize;
    let (entry, id) = entries.swap_remove(at);
    log.done(&[entry]);
    seen.owed.remove(&id);
}

/// Everything that is owed is there, whole. Gives what is in the log.
fn check(files: &Arc<Model>, found: &[Entry], seen: &Seen, seed: u64) -> Vec<(Entry, u64)> {
    let mut there = Vec::new();
    for entry in found {
        if let Ok((bytes, _)) = Log::read(files, entry) {
            let id = u64::from_le_bytes(bytes[..8].try_into().unwrap());
            if let Some(owed) = seen.owed.get(&id) {
                assert_eq!(&bytes, owed, "seed {seed}: another record than was written");
            }
            there.push((*entry, id));
        }
    }
    for id in seen.owed.keys() {
        assert!(there.iter().any(|(_, other)| other == id), "seed {seed}: record {id} is lost");
    }
    there
}

/// How a life of a log ended.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Power,
    /// A kill, after a life in which records from `first` on were written.
    Kill {
        first: u64,
        /// Whether no write and no sync failed.
        was_well: bool,
    },
}

/// Unanswered are those whose senders were not told OK, and each of some comes again and is
/// told so now.
fn come_again(
    files: &Arc<Model>,
    (found, there): (&Found, &[(Entry, u64)]),
    end: End,
    (seen, chance): (&mut Seen, &mut Chance),
    seed: u64,
) {
    let End::Kill { first, was_well } = end else {
        assert!(found.unanswered.is_empty(), "seed {seed}: unanswered in another start");
        return;
    };
    for (entry, id) in there {
        let is_answered = seen.acknowledged.contains(id);
        if !found.unanswered.contains(entry) {
            let is_missed = was_well && first <= *id && !is_answered;
            assert!(!is_missed, "seed {seed}: record {id} is taken for answered");
            continue;
        }
        assert!(!is_answered, "seed {seed}: record {id} is taken for unanswered");
        if chance.one_in(2) {
            seen.owed.insert(*id, Log::read(files, entry).unwrap().0);
            seen.acknowledged.insert(*id);
            seen.recalled += 1;
        }
    }
}

/// Several lives of one log, each ended by a loss of power or a kill. Gives how many
/// records were acknowledged, and how many of those as they were there.
fn history(seed: u64) -> (usize, usize) {
    let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut state = State::default();
    let mut seen = Seen::default();
    let mut boot = 1;
    let mut end = End::Power;
    for _ in 0..5 {
        state.left = u64::MAX;
        state.fails_one_in = 0;
        let files = Arc::new(Model(Mutex::new(state)));
        let opened = Log::open(Arc::clone(&files), SEGMENT_BYTES, 0, Some(Boot(boot)));
        let (mut log, found) = opened.unwrap_or_else(|err| panic!("seed {seed}: no start: {err}"));
        let entries = check(&files, &found.entries, &seen, seed);
        come_again(&files, (&found, &entries), end, (&mut seen, &mut chance), seed);
        let fails_one_in = [0, 0, 5, 20][chance.below(4) as usize];
        {
            let mut state = files.0.lock().unwrap();
            state.left = 20 + chance.below(200);
            state.fails_one_in = fails_one_in;
        }
        let first = seen.next + 1;
        live(&files, &mut log, entries, &mut seen, &mut chance);
        drop(log);
        let mut last = files.0.lock().unwrap();
        if chance.one_in(2) {
            state = last.after_loss(&mut chance);
            boot += 1;
            end = End::Power;
        } else {
            state = std::mem::take(&mut *last);
            end = End::Kill { first, was_well: fails_one_in == 0 };
        }
    }
    state = state.after_loss(&mut chance);
    let files = Arc::new(Model(Mutex::new(state)));
    let (_, found) = Log::open(Arc::clone(&files), SEGMENT_BYTES, 0, Some(Boot(boot + 1))).unwrap();
    check(&files, &found.entries, &seen, seed);
    (seen.acknowledged.len(), seen.recalled)
}

#[test]
fn no_loss_of_power_takes_what_was_acknowledged() {
    let histories = short_or_full(500, 10_000);
    let (mut acknowledged, mut recalled) = (0, 0);
    for (all, again) in (1..=histories).map(history) {
        acknowledged += all;
        recalled += again;
    }
    println!(
        "loss of power, {histories} histories: acknowledged {acknowledged}, {recalled} of them \
         when they came again after a kill, lost 0"
    );
    assert!(0 < recalled && recalled < acknowledged);
}
