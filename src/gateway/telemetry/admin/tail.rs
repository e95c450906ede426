//! Records as they leave, live, for who watches.
//!
//! Never a byte of a secret: what is shown has passed the processors of the pipeline, and
//! then a scrubber with every rule in force, without conditions, allow entries, dry runs
//! and tags. The work is done beside the pipeline, one request at a time; what comes
//! meanwhile, and what a slow reader has no room for, is left out and counted.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use serde_json::Value;
use serde_json::json;
use tokio::sync::mpsc;

use crate::gateway::telemetry::admin::explained::explanation;
use crate::scrub::Request;
use crate::scrub::ScrubError;
use crate::scrub::Scrubbed;
use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::Signal;
use crate::scrub::rule::glob;
use crate::scrub::scrubber::Ratio;
use crate::scrub::shadow::services;

/// How many may watch at a time.
const WATCHERS_MAX: usize = 8;

/// How many records wait for a reader.
const WAITING_MAX: usize = 256;

/// How many records of one request are shown.
const RECORDS_PER_REQUEST_MAX: usize = 32;

/// The longest record that is shown, in bytes of JSON; of a longer one, only why.
const RECORD_BYTES_MAX: usize = 64 * 1024;

/// How many shown records can be asked for again, by number.
const KEPT_MAX: usize = 256;

/// What somebody wants to see.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The service, `*` for anything.
    pub service: String,
    /// A rule that masked or nearly masked something, `*` for anything.
    pub rule: String,
    /// Records in which no rule came near, too.
    pub all: bool,
    /// The share of requests.
    pub sample: Ratio,
    /// How many records; then the stream ends.
    pub limit: u64,
}

/// Who watches, and what was shown last.
#[derive(Debug, Default)]
pub struct Tail {
    watching: AtomicUsize,
    watchers: Mutex<Vec<Watcher>>,
    kept: Mutex<VecDeque<(u64, Bytes)>>,
    shown: AtomicU64,
    busy: AtomicUsize,
}

#[derive(Debug)]
struct Watcher {
    wish: Wish,
    to: mpsc::Sender<Bytes>,
    offered: u64,
    left: u64,
    skipped: u64,
}

/// A request that went through, and who knows of it.
pub struct Passed {
    /// As it came.
    pub request: Request,
    /// As it leaves.
    pub scrubbed: Scrubbed,
    /// The scrubber of the pipeline, if it has one.
    pub scrubber: Option<Arc<Scrubber>>,
    /// Whether the records that leave are those that came, in their order.
    pub is_whole: bool,
}

impl Tail {
    /// Whether somebody watches: asked for every request.
    pub fn is_watched(&self) -> bool {
        0 < self.watching.load(Ordering::Relaxed)
    }

    /// Begins to watch. `None` where too many do.
    pub fn watch(&self, wish: Wish) -> Option<mpsc::Receiver<Bytes>> {
        let mut watchers = lock(&self.watchers);
        watchers.retain(|watcher| !watcher.to.is_closed());
        if WATCHERS_MAX <= watchers.len() {
            return None;
        }
        let (to, from) = mpsc::channel(WAITING_MAX);
        let left = wish.limit;
        watchers.push(Watcher { wish, to, offered: 0, left, skipped: 0 });
        self.watching.store(watchers.len(), Ordering::Relaxed);
        Some(from)
    }

    /// A record that was shown, by its number.
    pub fn kept(&self, number: u64) -> Option<Bytes> {
        let kept = lock(&self.kept);
        kept.iter().find(|(other, _)| *other == number).map(|(_, record)| record.clone())
    }

    /// Takes the next request if somebody wants it and nobody is at work. Whoever takes
    /// must give back.
    pub fn takes(&self) -> bool {
        let mut wanted = false;
        let mut watchers = lock(&self.watchers);
        watchers.retain(|watcher| !watcher.to.is_closed() && 0 < watcher.left);
        self.watching.store(watchers.len(), Ordering::Relaxed);
        for watcher in watchers.iter_mut() {
            wanted |= watcher.wish.sample.takes(watcher.offered);
            watcher.offered += 1;
        }
        wanted && self.busy.compare_exchange(0, 1, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Gives back what [`Tail::takes`] took.
    pub fn give_back(&self) {
        self.busy.store(0, Ordering::Release);
    }

    /// Shows a request to those who watch. Computes: not for a thread that serves.
    ///
    /// # Errors
    ///
    /// When it cannot be scrubbed once more; nothing is shown then.
    pub fn show(&self, passed: &Passed) -> Result<(), ScrubError> {
        for record in records(passed)? {
            let number = self.shown.fetch_add(1, Ordering::Relaxed) + 1;
            let service = record.get("service").and_then(Value::as_str).unwrap_or_default();
            let rules = rules_of(&record);
            let mut line = None;
            for watcher in lock(&self.watchers).iter_mut() {
                if !watcher.wants(service, &rules) {
                    continue;
                }
                let line = line.get_or_insert_with(|| line_of(&record, number)).clone();
                match watcher.to.try_send(line) {
                    Ok(()) => watcher.left -= 1,
                    Err(_) => watcher.skipped += 1,
                }
            }
            if let Some(line) = line {
                let mut kept = lock(&self.kept);
                if KEPT_MAX <= kept.len() {
                    kept.pop_front();
                }
                kept.push_back((number, line));
            }
        }
        // Who has seen enough is let go at once.
        lock(&self.watchers).retain(|watcher| 0 < watcher.left);
        Ok(())
    }
}

impl Watcher {
    fn wants(&self, service: &str, rules: &[&str]) -> bool {
        let Wish { service: wanted, rule, all, .. } = &self.wish;
        let fits = |rule_id: &&str| glob::matches(rule.as_bytes(), rule_id.as_bytes());
        0 < self.left
            && glob::matches(wanted.as_bytes(), service.as_bytes())
            && ((*all && rule == "*") || rules.iter().any(fits))
    }
}

fn line_of(record: &Value, number: u64) -> Bytes {
    let mut record = record.clone();
    if let Some(record) = record.as_object_mut() {
        record.insert("number".to_owned(), number.into());
    }
    format!("{record}\n").into()
}

/// The rules that the explanations of a record name.
fn rules_of(record: &Value) -> Vec<&str> {
    let explanations = record.get("explanations").and_then(Value::as_array);
    let lists = explanations.into_iter().flatten().flat_map(|explanation| {
        ["masks", "candidates"].map(|list| explanation.get(list).and_then(Value::as_array))
    });
    let entries = lists.flatten().flatten();
    entries.filter_map(|entry| entry.get("rule").and_then(Value::as_str)).collect()
}

/// The records of a request, each with why something is masked in it.
fn records(passed: &Passed) -> Result<Vec<Value>, ScrubError> {
    let Passed { request, scrubbed, scrubber, is_whole } = passed;
    let strict = match scrubber {
        Some(scrubber) => scrubber.strict(),
        None => Scrubber::new(&Settings::default()).ok().map(Arc::new),
    };
    let Some(strict) = strict else { return Ok(Vec::new()) };
    let (signal, encoding) = (scrubbed.signal(), scrubbed.encoding());
    let left = Request { signal, encoding, bytes: scrubbed.bytes().clone() };
    let (masked, _) = strict.scrub(&left)?;
    let names = services(signal, encoding, masked.bytes());
    let tree = masked.to_json().map_err(ScrubError::Malformed)?;
    let tree: Value = serde_json::from_slice(tree.bytes()).unwrap_or_default();
    // Paths are those of the request as it came.
    let explanations = match scrubber {
        Some(scrubber) if *is_whole => scrubber.explain(request)?,
        _ => Vec::new(),
    };
    let mut shown = Vec::new();
    for ([resource, scope, record], value) in each_record(signal, &tree) {
        if RECORDS_PER_REQUEST_MAX <= shown.len() {
            break;
        }
        let [resources, scopes, records] = levels(signal).map(snake);
        let path = format!("{resources}[{resource}].{scopes}[{scope}].{records}[{record}].");
        let own: Vec<Value> = explanations
            .iter()
            .filter(|one| one.path.starts_with(&path))
            .map(explanation)
            .collect();
        let length = value.to_string().len();
        let value = if length <= RECORD_BYTES_MAX { value.clone() } else { Value::Null };
        shown.push(json!({
            "signal": signal.name(),
            "service": names.get(resource).cloned().unwrap_or_default(),
            "path": path.trim_end_matches('.'),
            "record": value,
            "explanations": own,
        }));
    }
    Ok(shown)
}

/// The names of the lists on the way to a record.
fn levels(signal: Signal) -> [&'static str; 3] {
    match signal {
        Signal::Traces => ["resourceSpans", "scopeSpans", "spans"],
        Signal::Logs => ["resourceLogs", "scopeLogs", "logRecords"],
        Signal::Metrics => ["resourceMetrics", "scopeMetrics", "metrics"],
        Signal::Profiles => ["resourceProfiles", "scopeProfiles", "profiles"],
    }
}

/// `logRecords` as the paths have it: `log_records`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

fn each_record(signal: Signal, tree: &Value) -> Vec<([usize; 3], &Value)> {
    let [resources, scopes, records] = levels(signal);
    let mut all = Vec::new();
    for (r, resource) in elements(tree, resources).iter().enumerate() {
        for (s, scope) in elements(resource, scopes).iter().enumerate() {
            for (n, record) in elements(scope, records).iter().enumerate() {
                all.push(([r, s, n], record));
            }
        }
    }
    all
}

fn elements<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
