//! SIGTERM, and rolling restarts.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::ledger::Balance;
use crate::ledger::Ledger;
use crate::ledger::caught_up;
use crate::load;
use crate::load::Answer;
use crate::load::Load;
use crate::program::Place;
use crate::program::Running;
use crate::program::Settings;
use crate::short_or_full;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

async fn terminated(mood: Mood, with_disk: bool) {
    let upstream = Upstream::start(Mood::Accept).await;
    let queue = if with_disk { ", sending_queue: {storage: file_storage}" } else { "" };
    let place = Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(queue))],
        storage: with_disk.then(String::new),
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let load = Load::start(place.grpc, 100);
    seconds(0.5).await;
    upstream.set(mood);
    seconds(0.5).await;
    // What is under way when it ends has 400 ms, or less where the upstream is slower.
    let mut in_flight = gateway.unanswered().await;
    gateway.terminate();
    let (status, took) = gateway.end().await;
    assert_eq!(status.code(), Some(0), "{}", place.log());
    let name = format!(
        "SIGTERM, upstream {mood:?}, {}",
        if with_disk { "on disk" } else { "without a queue" }
    );
    println!("{name}: ended after {took:?}");
    upstream.set(Mood::Accept);
    let (gateway, _) = place.start().await;
    let ledger = load.finish(Duration::from_secs(20)).await;
    caught_up(&ledger, &upstream.received, Duration::from_secs(20)).await;
    gateway.assert_conserved().await;
    in_flight += gateway.unanswered().await;
    Balance::of(&ledger, &upstream.received).show(&name).assert_good(in_flight);
    let bound = if mood == Mood::Accept { 1 } else { 5 };
    crate::bound(took < Duration::from_secs(bound), format_args!("{name}: {took:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_told_to_end_ends_soon_and_loses_nothing() {
    let _turn = crate::turn().await;
    let mut running = tokio::task::JoinSet::new();
    for mood in [Mood::Accept, Mood::Away, Mood::Hang] {
        for with_disk in [true, false] {
            running.spawn(terminated(mood, with_disk));
        }
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_queue_to_a_slow_upstream_does_not_keep_a_gateway_from_ending() {
    let _turn = crate::turn().await;
    // Ten consumers deliver 20 requests a second.
    let upstream = Upstream::start(Mood::Slow(500)).await;
    let place = Place::new(&Settings {
        exporters: vec![(
            "otlp_grpc".to_owned(),
            upstream.grpc(", sending_queue: {storage: file_storage}"),
        )],
        storage: Some(String::new()),
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let load = Load::start(place.grpc, 100);
    seconds(2.0).await;
    let queued = gateway.metric("otelcol_exporter_queue_size").await;
    assert!(100 < queued, "{queued} queued");
    gateway.terminate();
    let (status, took) = gateway.end().await;
    assert_eq!(status.code(), Some(0), "{}", place.log());
    println!("SIGTERM, {queued} queued, slow upstream: ended after {took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}, for which the whole queue was waited");
    upstream.set(Mood::Accept);
    let (gateway, _) = place.start().await;
    let ledger = load.finish(Duration::from_secs(20)).await;
    caught_up(&ledger, &upstream.received, Duration::from_secs(20)).await;
    gateway.assert_conserved().await;
    let balance = Balance::of(&ledger, &upstream.received).show("SIGTERM, slow upstream");
    balance.assert_good(gateway.unanswered().await);
}

/// Two gateways behind something that asks them whether they are ready.
#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_fails_no_request() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Accept).await;
    let settings = Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(""))],
        ..Settings::default()
    };
    let leave = ["--leave-milliseconds=3000"];
    let places = [Place::new(&settings).with(&leave), Place::new(&settings).with(&leave)];
    let ready = Arc::new(std::sync::Mutex::new([true, true]));
    let ledger: Arc<Ledger> = Arc::default();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut gateways: [Option<Running>; 2] = [None, None];
    for (place, slot) in places.iter().zip(&mut gateways) {
        *slot = Some(place.start().await.0);
    }
    let balancer = {
        let (ledger, stop, ready) = (Arc::clone(&ledger), Arc::clone(&stop), Arc::clone(&ready));
        let ports = [places[0].grpc, places[1].grpc];
        tokio::spawn(async move {
            let mut turn = 0;
            let clients = [load::connection(), load::connection()];
            let mut sent = tokio::task::JoinSet::new();
            while !stop.load(Ordering::Relaxed) {
                seconds(0.005).await;
                turn += 1;
                let now = *ready.lock().unwrap();
                let to = if now[turn % 2] { turn % 2 } else { (turn + 1) % 2 };
                let (client, ledger) = (clients[to].clone(), Arc::clone(&ledger));
                sent.spawn(async move {
                    let ids = ledger.ids(1);
                    let body = load::request(&ids, "rolling");
                    match load::send(&client, ports[to], body, Duration::from_secs(10)).await {
                        Answer::Ok => ledger.acknowledge(&ids),
                        answer => {
                            println!("failed: {answer:?}");
                            ledger.failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
            sent.join_all().await;
        })
    };
    for _ in 0..short_or_full(2, 10) {
        for (at, place) in places.iter().enumerate() {
            seconds(0.3).await;
            let gateway = gateways[at].take().unwrap();
            gateway.terminate();
            // A balancer asks every tenth of a second or so.
            let mut asked = 0;
            while gateway.is_ready().await {
                seconds(0.02).await;
                asked += 1;
                assert!(asked < 100, "still ready");
            }
            seconds(0.1).await;
            ready.lock().unwrap()[at] = false;
            assert_eq!(gateway.end().await.0.code(), Some(0));
            gateways[at] = Some(place.start().await.0);
            ready.lock().unwrap()[at] = true;
        }
    }
    stop.store(true, Ordering::Relaxed);
    balancer.await.unwrap();
    Balance::of(&ledger, &upstream.received).show("rolling restart").assert_good(0);
    assert_eq!(ledger.failed.load(Ordering::Relaxed), 0, "requests failed");
}
