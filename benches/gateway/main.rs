//! CPU time of gateways to pass a request on, by what the request holds: this program,
//! a hop that looks at nothing, nginx, the Collector.
//!
//! The requests of [`workload`] go to one process for each gateway, in rounds that take
//! turns; all send to one upstream in here. What is counted is what the kernel charged
//! each process: reading, scrubbing and sending, not what the sender and the upstream
//! cost. Medians and their ratios count: machines are noisy, and their times say little.
//!
//! Before anything is counted, each request must arrive as it was sent, and a secret must
//! be gone behind all rules, so that a gateway that got cheap by doing less fails here
//! instead of winning.
//!
//! Beside that, how much goes through a gateway whose senders wait for the upstream and
//! through one with a queue on disk (`--throughput`), and how long requests take at half
//! of what a gateway can (`--latency`).
//!
//! `--test` checks, and counts nothing. Linux only: it reads `/proc`. `run` in this folder
//! installs and builds the other gateways and makes the tables of the README.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a bench prints")]

use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use clap::Parser;
use otel_redact::scrub::rule::template;

use crate::load::Coding;
use crate::load::Load;
use crate::load::Protocol;
use crate::rival::Kind;
use crate::rival::Rival;
use crate::rival::Spoken;
use crate::upstream::Upstream;

mod hop;
mod load;
mod rival;
mod upstream;
#[path = "../workload.rs"]
mod workload;

/// Requests that are under way at once.
const AT_ONCE: u32 = 4;

/// Senders that wait at once where throughput is measured, and what they send together.
const SENDERS: u32 = 64;
const REQUESTS_PER_ROUND: u32 = 2048;

/// Requests of which the latency is measured.
const REQUESTS_TIMED: u32 = 2000;

#[derive(Parser)]
struct Arguments {
    /// What is measured; ratios are to the first.
    #[arg(long, value_delimiter = ',', default_value = "ours,no-rules,on-disk")]
    gateways: Vec<Kind>,
    #[arg(long, value_delimiter = ',', default_value = "web,agent,logs")]
    workloads: Vec<String>,
    #[arg(long, default_value = "grpc")]
    protocol: Protocol,
    #[arg(long, default_value = "none")]
    coding: Coding,
    /// One record of a hundred holds a secret.
    #[arg(long)]
    dirty: bool,
    /// Rounds per gateway and workload; the median counts.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// A round ends when the gateway has used so many ms: the clock that it is read from
    /// has ticks of 10 ms.
    #[arg(long, default_value_t = 1000)]
    round_ms: u64,
    /// Measure requests a second instead of CPU time.
    #[arg(long)]
    throughput: bool,
    /// Measure how long requests take at half of the throughput of the last gateway.
    #[arg(long)]
    latency: bool,
    #[arg(long)]
    test: bool,
    #[arg(long, hide = true)]
    bench: bool,
    #[arg(long, hide = true)]
    hop: Option<SocketAddr>,
}

fn main() {
    let arguments = Arguments::parse();
    match arguments.hop {
        // The hop has the threads that the program has.
        Some(upstream) => runtime(true).block_on(hop::run(upstream)),
        None => runtime(false).block_on(measure(&arguments)),
    }
}

fn runtime(is_gateway: bool) -> tokio::runtime::Runtime {
    let mut builder = match is_gateway {
        true => tokio::runtime::Builder::new_multi_thread(),
        false => tokio::runtime::Builder::new_current_thread(),
    };
    builder.enable_all().build().expect("threads")
}

async fn measure(arguments: &Arguments) {
    let upstream = Upstream::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let start = |kind: &Kind| {
        let own = folder.path().join(format!("{kind:?}"));
        std::fs::create_dir(&own).expect("a folder");
        let spoken = Spoken { protocol: arguments.protocol, coding: arguments.coding };
        Rival::start(*kind, upstream.address, spoken, &own)
    };
    let gateways: Vec<(Kind, Rival)> =
        arguments.gateways.iter().map(|kind| (*kind, start(kind))).collect();
    for (kind, gateway) in &gateways {
        check_secret(*kind, gateway, &upstream, arguments).await;
    }
    let loads: Vec<(&String, Load)> = arguments
        .workloads
        .iter()
        .map(|workload| {
            let (signal, request, _) =
                workload::planted(workload, if arguments.dirty { 100 } else { 0 });
            let load = Load::new(signal, &request, arguments.protocol, arguments.coding);
            (workload, load)
        })
        .collect();
    for (workload, load) in &loads {
        for (kind, gateway) in &gateways {
            send_all(gateway, &upstream, load, AT_ONCE).await;
            let comes_as_sent = !arguments.dirty
                && arguments.protocol != Protocol::Json
                && !matches!(kind, Kind::Collector | Kind::CollectorRedaction)
                && *kind != Kind::CollectorTransform;
            if comes_as_sent {
                let last = upstream.last();
                let message = match arguments.protocol {
                    Protocol::Grpc => load.body.clone(),
                    // What came over HTTP may leave over gRPC.
                    _ => last.slice(last.len().saturating_sub(load.body.len())..),
                };
                assert!(last.ends_with(&message) && message == load.body, "{workload}: as sent");
            }
        }
    }
    if arguments.test {
        return;
    }
    println!("{:?}, {:?}, dirty: {}", arguments.protocol, arguments.coding, arguments.dirty);
    if arguments.throughput {
        throughput(arguments, &gateways, &loads, &upstream).await;
    } else if arguments.latency {
        latency(&gateways, &loads, &upstream).await;
    } else {
        costs(arguments, &gateways, &loads).await;
    }
}

/// That a gateway that should mask a secret does, and one that should not does not.
async fn check_secret(kind: Kind, gateway: &Rival, upstream: &Upstream, arguments: &Arguments) {
    let secret = template::expand("ghp_{base62:36}", 1).expect("a template");
    let (signal, request) = workload::log_record(&format!("push with {secret} failed"));
    let load = Load::new(signal, &request, arguments.protocol, arguments.coding);
    send_all(gateway, upstream, &load, 1).await;
    if arguments.coding != Coding::None {
        return;
    }
    let arrived = memchr::memmem::find(&upstream.last(), secret.as_bytes()).is_some();
    let looks_on =
        matches!(kind, Kind::NoRules | Kind::Direct | Kind::Hop | Kind::Nginx | Kind::Collector);
    // The transform processor is told to look at attributes alone.
    let must_arrive = looks_on || kind == Kind::CollectorTransform;
    assert_eq!(arrived, must_arrive, "{kind:?}: a secret is masked, where there are rules");
}

/// Sends a request `count` times and waits until the upstream has them all.
async fn send_all(gateway: &Rival, upstream: &Upstream, load: &Load, count: u32) {
    let before = upstream.requests();
    gateway.sender.send_many(load, count, SENDERS).await;
    while upstream.requests() < before + u64::from(count) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn costs(arguments: &Arguments, gateways: &[(Kind, Rival)], loads: &[(&String, Load)]) {
    println!("CPU time of the process, the median of {} rounds", arguments.rounds);
    println!("workload    bytes  gateway               µs/request  ns/byte   ratio");
    let least = Duration::from_millis(arguments.round_ms);
    for (workload, load) in loads {
        let mut costs = vec![Vec::new(); gateways.len()];
        let is_asked = gateways.iter().any(|(kind, _)| *kind == Kind::NewTexts);
        let anew = is_asked.then(|| load.anew());
        for _ in 0..arguments.rounds {
            for ((kind, gateway), costs) in gateways.iter().zip(&mut costs) {
                let load = if *kind == Kind::NewTexts { anew.as_ref() } else { Some(load) };
                let load = load.expect("what is new is only sent where it is asked for");
                costs.push(gateway.cost(load, least, AT_ONCE).await);
            }
        }
        let medians: Vec<f64> = costs.into_iter().map(median).collect();
        let first = medians.first().copied().unwrap_or_default();
        for ((kind, _), cost) in gateways.iter().zip(&medians) {
            let (bytes, name) = (load.len, format!("{kind:?}"));
            println!(
                "{workload:8} {bytes:8}  {name:20} {:11.1} {:8.2} {:7.2}",
                cost / 1e3,
                cost / bytes as f64,
                first / cost,
            );
        }
    }
    println!("ratio: what the first costs, as a part of what this one costs");
}

async fn throughput(
    arguments: &Arguments,
    gateways: &[(Kind, Rival)],
    loads: &[(&String, Load)],
    upstream: &Upstream,
) {
    println!("requests in a second, {SENDERS} at once, the median of {} rounds", arguments.rounds);
    for (workload, load) in loads {
        let mut rates = vec![Vec::new(); gateways.len()];
        for _ in 0..arguments.rounds {
            for ((_, gateway), rates) in gateways.iter().zip(&mut rates) {
                rates.push(rate(gateway, upstream, load, REQUESTS_PER_ROUND).await);
            }
        }
        let medians: Vec<f64> = rates.into_iter().map(median).collect();
        let first = medians.first().copied().unwrap_or_default();
        for ((kind, _), rate) in gateways.iter().zip(medians) {
            let name = format!("{kind:?}");
            println!("{workload:8} {name:20} {rate:8.0}  {:5.2} of the first", rate / first);
        }
    }
}

async fn rate(gateway: &Rival, upstream: &Upstream, load: &Load, count: u32) -> f64 {
    let begun = Instant::now();
    send_all(gateway, upstream, load, count).await;
    f64::from(count) / begun.elapsed().as_secs_f64()
}

async fn latency(gateways: &[(Kind, Rival)], loads: &[(&String, Load)], upstream: &Upstream) {
    let Some((slowest, gateway)) = gateways.last() else { return };
    println!("time until the answer, at half of what {slowest:?} can");
    for (workload, load) in loads {
        let half = rate(gateway, upstream, load, REQUESTS_PER_ROUND).await / 2.0;
        let interval = Duration::from_secs_f64(1.0 / half);
        for (kind, gateway) in gateways {
            let took = gateway.sender.send_at(load, REQUESTS_TIMED, interval).await;
            let at = |part: f64| took.get((took.len() as f64 * part) as usize).copied();
            let [p50, p99] = [0.5, 0.99].map(|part| at(part).unwrap_or_default());
            let name = format!("{kind:?}");
            println!("{workload:8} {name:20} {half:6.0} a second  p50 {p50:8.2?}  p99 {p99:8.2?}");
        }
    }
}

fn median(mut costs: Vec<f64>) -> f64 {
    costs.sort_by(f64::total_cmp);
    costs.get(costs.len() / 2).copied().expect("at least one round")
}
