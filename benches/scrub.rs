//! Time to scrub a request with all packed rules, by what it holds.
//!
//! The requests are those of [`workload`]. Clean ones must leave as they came; in the
//! others, one record in a hundred holds a secret made at run
//! time, and each must be gone. That is checked before anything is timed, so that a
//! scrubber that got fast by finding nothing fails here instead of winning.

use divan::Bencher;
use divan::black_box;
use divan::counter::BytesCount;
use otel_redact::scrub::Encoding;
use otel_redact::scrub::KnownTexts;
use otel_redact::scrub::Request;
use otel_redact::scrub::Scrubber;
use otel_redact::scrub::Settings;
use otel_redact::scrub::rule::glob::Glob;

use crate::workload::Renumbered;
use crate::workload::WORKLOADS;

mod workload;
mod worst;

fn main() {
    divan::main();
    if std::env::args().all(|arg| arg != "--test" && arg != "--list") {
        worst::print_ratios();
    }
}

/// Nothing to find, the usual case, in requests in which every number is new.
#[divan::bench(args = WORKLOADS)]
fn clean(bencher: Bencher<'_, '_>, workload: &str) {
    bench_new(bencher, &scrubber(), workload, 0);
}

/// The same request again and again.
#[divan::bench(args = WORKLOADS)]
fn known(bencher: Bencher<'_, '_>, workload: &str) {
    bench(bencher, &scrubber(), workload, 0);
}

/// The same by a scrubber that keeps nothing.
#[divan::bench(args = WORKLOADS)]
fn forgotten(bencher: Bencher<'_, '_>, workload: &str) {
    bench(bencher, &forgetful(), workload, 0);
}

/// New numbers, and a secret in one record of a hundred.
#[divan::bench(args = WORKLOADS)]
fn dirty(bencher: Bencher<'_, '_>, workload: &str) {
    bench_new(bencher, &scrubber(), workload, 100);
}

/// No rules: what it costs to check the structure.
#[divan::bench(args = WORKLOADS)]
fn without_rules(bencher: Bencher<'_, '_>, workload: &str) {
    bench(bencher, &Scrubber::without_rules().expect("no rules"), workload, 0);
}

/// How many rules there are, in each of the workloads.
const CURVE: [(&str, usize); 15] = [
    ("web", 50),
    ("web", 100),
    ("web", 200),
    ("web", 400),
    ("web", 600),
    ("agent", 50),
    ("agent", 100),
    ("agent", 200),
    ("agent", 400),
    ("agent", 600),
    ("logs", 50),
    ("logs", 100),
    ("logs", 200),
    ("logs", 400),
    ("logs", 600),
];

/// Nothing to find, with that many of the packed rules, taken from all over the packs.
#[divan::bench(args = CURVE)]
fn by_rules(bencher: Bencher<'_, '_>, (workload, count): (&str, usize)) {
    let mut all = scrubber().rule_ids();
    // The last one is never left out: without this rule, `cluster password took=657ms` is judged
    // as a password, and clean requests do not leave as they came.
    all.sort_by_key(|id| &**id == "generic-secret-word");
    let is_left = |at: usize| at * count / all.len() == (at + 1) * count / all.len();
    let left = (0..).zip(&all).filter(|(at, _)| is_left(*at));
    let disable = left.map(|(_, id)| Glob::try_from(id.to_string()).expect("not empty"));
    let disable = disable.collect();
    let settings = Settings { known_texts_mib: KnownTexts(0), disable, ..Settings::default() };
    let scrubber = Scrubber::new(&settings).expect("fewer rules compile, too");
    assert_eq!(scrubber.rule_ids().len(), count);
    bench(bencher, &scrubber, workload, 0);
}

/// All rules compiled, from YAML.
#[divan::bench]
fn start() -> Scrubber {
    scrubber()
}

fn scrubber() -> Scrubber {
    Scrubber::new(&Settings::default()).expect("the packed rules compile")
}

/// A scrubber that keeps no text.
fn forgetful() -> Scrubber {
    let settings = Settings { known_texts_mib: KnownTexts(0), ..Settings::default() };
    Scrubber::new(&settings).expect("the packed rules compile")
}

fn bench(bencher: Bencher<'_, '_>, scrubber: &Scrubber, workload: &str, secret_every: usize) {
    let request = checked(scrubber, workload, secret_every);
    bencher
        .counter(BytesCount::new(request.bytes.len()))
        .bench_local(|| scrubber.scrub(black_box(&request)));
}

/// The same of requests that are new each time.
fn bench_new(bencher: Bencher<'_, '_>, scrubber: &Scrubber, workload: &str, secret_every: usize) {
    let Request { signal, encoding, bytes } = checked(scrubber, workload, secret_every);
    let mut requests = Renumbered::new(&bytes);
    bencher
        .counter(BytesCount::new(bytes.len()))
        .with_inputs(|| Request { signal, encoding, bytes: requests.next().into() })
        .bench_local_refs(|request| scrubber.scrub(black_box(request)));
}

/// A request that is scrubbed as it should be.
fn checked(scrubber: &Scrubber, workload: &str, secret_every: usize) -> Request {
    let (signal, bytes, secrets) = workload::planted(workload, secret_every);
    let bytes = bytes.into();
    let request = Request { signal, encoding: Encoding::Protobuf, bytes };
    let (scrubbed, _) = scrubber.scrub(&request).expect("a well-formed request");
    match secrets.as_slice() {
        [] => assert_eq!(scrubbed.bytes(), &request.bytes, "clean requests leave as they came"),
        secrets => {
            for secret in secrets {
                let found = memchr::memmem::find(scrubbed.bytes(), secret.as_bytes());
                assert_eq!(found, None, "every secret is gone");
            }
        }
    }
    request
}
