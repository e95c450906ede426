//! Files of a queue that somebody removes or moves away while the gateway runs.

use std::time::Duration;
use std::time::Instant;

use crate::ledger::Balance;
use crate::ledger::Ledger;
use crate::ledger::caught_up;
use crate::load;
use crate::load::Answer;
use crate::load::ITEMS;
use crate::program::Place;
use crate::program::Running;
use crate::program::Settings;
use crate::program::segments;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

fn place(upstream: &Upstream) -> Place {
    let queue = ", sending_queue: {storage: file_storage, queue_size: 1000000}";
    Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(queue))],
        storage: Some(String::new()),
        ..Settings::default()
    })
}

/// Sends `count` requests, each until it is acknowledged. Gives how many were told to come
/// again.
async fn send_all(place: &Place, ledger: &Ledger, count: usize) -> usize {
    let client = load::connection();
    let mut again = 0;
    for _ in 0..count {
        let ids = ledger.ids(ITEMS);
        let body = load::request(&ids, "gone");
        let begun = Instant::now();
        loop {
            match load::send(&client, place.grpc, body.clone(), Duration::from_secs(10)).await {
                Answer::Ok => break,
                Answer::Later(14) => again += 1,
                other => panic!("{other:?}"),
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", place.log());
            seconds(0.05).await;
        }
        ledger.acknowledge(&ids);
    }
    again
}

async fn goes(name: &str, go: impl FnOnce(&Place)) {
    let upstream = Upstream::start(Mood::Away).await;
    let place = place(&upstream);
    let (gateway, _) = place.start().await;
    let ledger = Ledger::default();
    send_all(&place, &ledger, 20).await;
    go(&place);
    assert_eq!(send_all(&place, &ledger, 20).await, 1, "one write finds out");
    let log = place.log();
    assert_eq!(log.matches("cannot write to the queue").count(), 1, "{log}");
    assert!(log.contains("removed or moved away"), "{log}");
    assert_eq!(segments(&place.storage()).len(), 1);
    // What was acknowledged is on the disk.
    gateway.kill();
    upstream.set(Mood::Accept);
    let (gateway, _) = place.start().await;
    caught_up(&ledger, &upstream.received, Duration::from_secs(20)).await;
    gateway.assert_conserved().await;
    Balance::of(&ledger, &upstream.received).show(name).assert_good(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_removed_is_made_again_and_what_it_held_is_delivered() {
    let _turn = crate::turn().await;
    goes("a removed folder", |place| std::fs::remove_dir_all(place.storage()).unwrap()).await;
    goes("a moved folder", |place| {
        let away = place.storage().with_extension("away");
        std::fs::rename(place.storage(), away).unwrap();
    })
    .await;
    goes("a removed segment", |place| {
        std::fs::remove_file(&segments(&place.storage())[0]).unwrap();
    })
    .await;
}

/// Waits until nothing is queued.
async fn drained(gateway: &Running, place: &Place) {
    let begun = Instant::now();
    while gateway.metric("otelcol_exporter_queue_size").await != 0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{}", place.log());
        seconds(0.05).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_open_is_counted_and_the_rest_flows() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Away).await;
    let place = place(&upstream);
    let (gateway, _) = place.start().await;
    let ledger = Ledger::default();
    send_all(&place, &ledger, 30).await;
    gateway.kill();
    // Nothing is appended to what a start finds.
    let (gateway, _) = place.start().await;
    seconds(0.5).await;
    std::fs::remove_dir_all(place.storage()).unwrap();
    let after = Ledger::default();
    // Ids of their own.
    after.ids(1000);
    send_all(&place, &after, 10).await;
    upstream.set(Mood::Accept);
    caught_up(&after, &upstream.received, Duration::from_secs(20)).await;
    drained(&gateway, &place).await;
    gateway.assert_conserved().await;
    let gone = gateway.metric("otelcol_exporter_queue_gone_items").await;
    let balance = Balance::of(&ledger, &upstream.received);
    assert_eq!(balance.lost as u64, gone, "{}", place.log());
    assert!(0 < gone, "consumers had all in their hands");
    let log = place.log();
    let told = log.matches("acknowledged items are gone").count();
    assert!((1..=3).contains(&told), "{told} lines: {log}");
}
