//! An upstream that cannot take anything for a while.

use std::time::Duration;
use std::time::Instant;

use tokio::sync::Semaphore;

use crate::ledger::Balance;
use crate::ledger::caught_up;
use crate::load::Load;
use crate::program::Place;
use crate::program::Settings;
use crate::short_or_full;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

/// The bounds of the matrix, which a short run only prints.
const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(5);
const RESIDENT_MIB_MAX: u64 = 128;

/// Gateways that run beside each other; half as many at the full rate. More would test
/// this machine.
static PLACES: Semaphore = Semaphore::const_new(6);

async fn outage(name: &str, mood: Mood, exporter: &str, with_disk: bool) {
    let _place = PLACES.acquire_many(short_or_full(1, 2)).await.unwrap();
    let (long, rate) = short_or_full((3.0, 40), (20.0, 200));
    let upstream = Upstream::start(Mood::Accept).await;
    let queue = match with_disk {
        true => ", sending_queue: {queue_size: 100000, storage: file_storage}",
        false => "",
    };
    let own = match exporter {
        "otlp_http" => upstream.http(queue),
        _ => upstream.grpc(queue),
    };
    let place = Place::new(&Settings {
        exporters: vec![(exporter.to_owned(), own)],
        storage: with_disk.then(String::new),
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let load = Load::start(place.grpc, rate);
    seconds(1.0).await;
    upstream.set(mood);
    seconds(0.5).await;
    let unanswered_before = gateway.unanswered().await;
    let mut resident_mib = 0;
    for _ in 0..(long * 10.0) as u32 {
        seconds(0.1).await;
        resident_mib = resident_mib.max(gateway.resident_mib());
    }
    // What had no answer while nothing was accepted cannot be there twice.
    let mut in_flight = match mood {
        Mood::Flap | Mood::EveryRetryable => 0,
        _ => unanswered_before.wrapping_sub(gateway.unanswered().await),
    };
    upstream.set(Mood::Accept);
    let begun = Instant::now();
    seconds(1.0).await;
    let ledger = load.finish(Duration::from_secs(30)).await;
    caught_up(&ledger, &upstream.received, Duration::from_secs(30)).await;
    let took = begun.elapsed();
    gateway.assert_conserved().await;
    let disk = if with_disk { "on disk" } else { "without a queue" };
    in_flight = in_flight.wrapping_add(gateway.unanswered().await);
    println!(
        "{name} {disk}: caught up after {:.1} s, {resident_mib} MiB, {in_flight} in flight",
        took.as_secs_f64()
    );
    let balance = Balance::of(&ledger, &upstream.received).show(&format!("{name} {disk}"));
    balance.assert_good(in_flight);
    assert_eq!(ledger.refused.load(std::sync::atomic::Ordering::Relaxed), 0, "told to give up");
    assert!(resident_mib < RESIDENT_MIB_MAX, "{resident_mib} MiB");
    crate::bound(took < CAUGHT_UP_WITHIN, format_args!("{name} {disk}: {took:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_any_kind_loses_nothing() {
    let _turn = crate::turn().await;
    let mut running = tokio::task::JoinSet::new();
    for (name, mood, exporter) in [
        ("every retryable gRPC answer", Mood::EveryRetryable, "otlp_grpc"),
        ("every retryable HTTP answer", Mood::EveryRetryable, "otlp_http"),
        ("flapping", Mood::Flap, "otlp_grpc"),
        ("reset", Mood::Reset, "otlp_grpc"),
        ("hang", Mood::Hang, "otlp_grpc"),
        ("answers that are cut", Mood::Cut, "otlp_grpc"),
        ("HTTP answers that are cut", Mood::Cut, "otlp_http"),
        ("junk", Mood::Junk, "otlp_grpc"),
        ("junk over HTTP", Mood::Junk, "otlp_http"),
        ("half closed", Mood::HalfClosed, "otlp_grpc"),
        ("half closed over HTTP", Mood::HalfClosed, "otlp_http"),
        ("outage", Mood::Away, "otlp_grpc"),
        ("outage over HTTP", Mood::Away, "otlp_http"),
    ] {
        for with_disk in [true, false] {
            running.spawn(outage(name, mood, exporter, with_disk));
        }
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
