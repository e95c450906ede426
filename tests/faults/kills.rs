//! SIGKILL under load, at any moment.

use std::time::Duration;
use std::time::Instant;

use crate::ledger::Balance;
use crate::ledger::caught_up;
use crate::load::ITEMS;
use crate::load::Load;
use crate::program::Place;
use crate::program::Settings;
use crate::short_or_full;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

/// Who delivers what is in a queue, each a request at a time.
const CONSUMERS: u64 = 10;

/// The bound of the matrix, which a short run on a busy machine only prints.
const RESTART_WITHIN: Duration = Duration::from_millis(200);

async fn killed(name: &str, kills: u32, queue: &str, batch: bool) {
    let upstream = Upstream::start(Mood::Accept).await;
    let place = Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(queue))],
        processors: match batch {
            true => vec![("batch".to_owned(), "{timeout: 50ms}".to_owned())],
            false => Vec::new(),
        },
        storage: queue.contains("storage").then(String::new),
        ..Settings::default()
    });
    let (mut gateway, _) = place.start().await;
    let load = Load::start(place.grpc, short_or_full(100, 200));
    let mut slowest = Duration::ZERO;
    let mut in_flight = 0;
    let mut killed_at = Vec::new();
    for kill in 0..kills {
        // Between 150 ms and 650 ms, other ones in each run.
        let spread = std::process::id().wrapping_mul(2_654_435_761).wrapping_add(kill * 7919) % 500;
        seconds(0.15 + f64::from(spread) / 1000.0).await;
        in_flight += gateway.unanswered().await;
        if queue.contains("storage") {
            in_flight += CONSUMERS * ITEMS;
        }
        gateway.kill();
        killed_at.push(Instant::now());
        let (again, took) = place.start().await;
        gateway = again;
        slowest = slowest.max(took);
        // Those who waited for the restart are served.
        seconds(short_or_full(0.5, 0.2)).await;
    }
    seconds(0.5).await;
    let ledger = load.finish(Duration::from_secs(20)).await;
    caught_up(&ledger, &upstream.received, Duration::from_secs(20)).await;
    gateway.assert_conserved().await;
    println!("{name}: {kills} kills, the slowest restart took {slowest:?}");
    let twice = upstream.received.twice(&killed_at, &ledger);
    let recalled = gateway.metric("otelcol_exporter_queue_recalled_items").await;
    println!("{name}: {twice}, {recalled} of the last kill's were recalled");
    in_flight += gateway.unanswered().await;
    let balance = Balance::of(&ledger, &upstream.received).show(name);
    balance.assert_good(in_flight);
    // Where answers are slow, more is in flight at once.
    let is_kept = balance.duplicated < balance.acknowledged / 100;
    crate::bound(!crate::is_full() || is_kept, format_args!("{name}: {balance:?}"));
    crate::bound(slowest < RESTART_WITHIN, format_args!("{name}: restart {slowest:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_gateway_has_lost_nothing_that_it_acknowledged() {
    let _turn = crate::turn().await;
    let disk = ", sending_queue: {storage: file_storage, queue_size: 10000}";
    let encrypted = short_or_full(3, 25);
    let cases = [
        ("killed with the queue on disk", encrypted, disk, false),
        ("killed with batch", short_or_full(2, 12), "", true),
        ("killed with defaults", short_or_full(2, 12), "", false),
        (
            "killed without a queue",
            short_or_full(2, 12),
            ", sending_queue: {enabled: false}",
            false,
        ),
        ("killed with batch and the queue on disk", short_or_full(2, 12), disk, true),
    ];
    let mut running = tokio::task::JoinSet::new();
    for (name, kills, queue, batch) in cases {
        if crate::is_full() {
            killed(name, kills, queue, batch).await;
        } else {
            running.spawn(killed(name, kills, queue, batch));
        }
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
