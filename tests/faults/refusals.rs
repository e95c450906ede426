//! An upstream that refuses for good what was acknowledged.

use std::time::Duration;

use crate::ledger::Balance;
use crate::ledger::Ledger;
use crate::ledger::caught_up;
use crate::load;
use crate::load::Answer;
use crate::load::ITEMS;
use crate::load::Load;
use crate::program::Place;
use crate::program::Running;
use crate::program::Settings;
use crate::short_or_full;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

const DISK: &str = ", sending_queue: {storage: file_storage, queue_size: 10000}";

/// Sends `count` requests, each of which must be acknowledged.
async fn send_all(place: &Place, ledger: &Ledger, count: u64) {
    let client = load::connection();
    for _ in 0..count {
        let ids = ledger.ids(ITEMS);
        let body = load::request(&ids, "refused");
        let answer = load::send(&client, place.grpc, body, Duration::from_secs(10)).await;
        assert_eq!(answer, Answer::Ok);
        ledger.acknowledge(&ids);
    }
}

async fn refused(mood: Mood, more: &str) {
    let upstream = Upstream::start(mood).await;
    let (exporter, own) = match mood {
        Mood::Http(_) => ("otlp_http", upstream.http(DISK)),
        _ => ("otlp_grpc", upstream.grpc(DISK)),
    };
    let place = Place::new(&Settings {
        exporters: vec![(exporter.to_owned(), own)],
        storage: Some(more.to_owned()),
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let ledger = Ledger::default();
    let count = short_or_full(6, 60);
    send_all(&place, &ledger, count).await;
    wait_for_dead_letter(&gateway, &place, count * ITEMS).await;
    gateway.assert_conserved().await;
    assert_eq!(gateway.metric("otelcol_exporter_queue_size").await, 0);
    let listed = place.replay(&["--list"]).await;
    let text = String::from_utf8(listed.stdout).unwrap();
    assert_eq!(text.lines().count() as u64, count, "{text}");
    assert!(
        text.contains(&format!("{ITEMS} items")) && text.contains("upstream refused"),
        "{text}"
    );
    // Refused again, it stays.
    assert_eq!(place.replay(&[]).await.status.code(), Some(1));
    upstream.set(Mood::Accept);
    // The gateway runs on meanwhile.
    let replayed = place.replay(&[]).await;
    assert_eq!(replayed.status.code(), Some(0), "{replayed:?}");
    assert!(place.replay(&["--list"]).await.stdout.is_empty(), "something is left");
    Balance::of(&ledger, &upstream.received).show(&format!("refused with {mood:?}")).assert_good(0);
    drop(gateway);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_good_is_in_the_dead_letter_and_replayed() {
    let _turn = crate::turn().await;
    let mut running = tokio::task::JoinSet::new();
    for mood in [
        Mood::Http(401),
        Mood::Http(404),
        Mood::Http(413),
        Mood::Http(500),
        Mood::Grpc(3, false),
        Mood::Grpc(8, false),
        Mood::Grpc(16, false),
    ] {
        running.spawn(refused(mood, ""));
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_in_a_partial_success_is_in_the_dead_letter() {
    let _turn = crate::turn().await;
    for exporter in ["otlp_grpc", "otlp_http"] {
        let upstream = Upstream::start(Mood::Partial(2)).await;
        let own = match exporter {
            "otlp_http" => upstream.http(DISK),
            _ => upstream.grpc(DISK),
        };
        let place = Place::new(&Settings {
            exporters: vec![(exporter.to_owned(), own)],
            storage: Some(String::new()),
            ..Settings::default()
        });
        let (gateway, _) = place.start().await;
        let ledger = Ledger::default();
        send_all(&place, &ledger, 3).await;
        wait_for_dead_letter(&gateway, &place, 3 * 2).await;
        gateway.assert_conserved().await;
        assert_eq!(gateway.metric("otelcol_exporter_queue_sent_items").await, 3 * (ITEMS - 2));
        let listed = place.replay(&["--list"]).await;
        let text = String::from_utf8(listed.stdout).unwrap();
        assert!(text.contains("upstream rejected 2 of 5 items"), "{text}");
        // Rejected again, they stay.
        assert_eq!(place.replay(&[]).await.status.code(), Some(1));
        upstream.set(Mood::Accept);
        assert_eq!(place.replay(&[]).await.status.code(), Some(0));
        let balance = Balance::of(&ledger, &upstream.received);
        assert_eq!(balance.show("partial success").lost, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tried_for_too_long_is_in_the_dead_letter() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Grpc(14, false)).await;
    let own =
        upstream.grpc(DISK).replace("max_interval: 2s", "max_interval: 2s, max_elapsed_time: 1s");
    let place = Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), own)],
        storage: Some(String::new()),
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let ledger = Ledger::default();
    send_all(&place, &ledger, 3).await;
    wait_for_dead_letter(&gateway, &place, 3 * ITEMS).await;
    upstream.set(Mood::Accept);
    assert_eq!(place.replay(&[]).await.status.code(), Some(0));
    Balance::of(&ledger, &upstream.received).show("tried for too long").assert_good(0);
}

/// Waits until so many items are in the dead letter, 20 s at most.
async fn wait_for_dead_letter(gateway: &Running, place: &Place, items: u64) {
    let begun = std::time::Instant::now();
    while gateway.metric("otelcol_exporter_queue_dead_letter_items").await < items {
        assert!(begun.elapsed() < Duration::from_secs(20), "not there: {}", place.log());
        seconds(0.02).await;
    }
}

async fn poisoned(name: &str, batch: bool, queue: &str) {
    let upstream = Upstream::start(Mood::Accept).await;
    let place = Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(queue))],
        processors: match batch {
            true => {
                vec![("batch".to_owned(), "{timeout: 300ms, send_batch_size: 100000}".to_owned())]
            }
            false => Vec::new(),
        },
        storage: queue.contains("storage").then(String::new),
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let ledger = std::sync::Arc::new(Ledger::default());
    let mut senders = tokio::task::JoinSet::new();
    let client = load::connection();
    let poison = ledger.ids(1);
    upstream.set(Mood::Poison(poison[0]));
    for sender in 0..15 {
        let (client, ledger, port, poison) =
            (client.clone(), ledger.clone(), place.grpc, poison.clone());
        senders.spawn(async move {
            let ids = if sender == 7 { poison } else { ledger.ids(ITEMS) };
            let body = load::request(&ids, "one of fifteen");
            let answer = load::send(&client, port, body, Duration::from_secs(10)).await;
            if sender != 7 {
                assert_eq!(answer, Answer::Ok);
                ledger.acknowledge(&ids);
            }
            answer
        });
    }
    let answers = senders.join_all().await;
    let is_refused = answers.iter().filter(|answer| **answer != Answer::Ok).count();
    caught_up(&ledger, &upstream.received, Duration::from_secs(10)).await;
    if queue.contains("storage") {
        let begun = std::time::Instant::now();
        while gateway.metric("otelcol_exporter_queue_dead_letter_items").await != 1 {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", place.log());
            seconds(0.02).await;
        }
    } else {
        assert_eq!(is_refused, 1, "only who sent it hears of it");
    }
    gateway.assert_conserved().await;
    let balance = Balance::of(&ledger, &upstream.received).show(name);
    balance.assert_good(0);
    assert_eq!(balance.duplicated, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poison_request_in_a_batch_costs_none_of_the_others() {
    let _turn = crate::turn().await;
    poisoned("one poison in a batch", true, "").await;
    poisoned("one poison in a batch, on disk", true, DISK).await;
    let joined = ", sending_queue: {storage: file_storage, batch: {flush_timeout: 300ms}}";
    poisoned("one poison in a batch of the queue", false, joined).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poison_request_in_fifteen_costs_the_others_neither_data_nor_time() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Accept).await;
    let place = Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(""))],
        processors: vec![("batch".to_owned(), "{timeout: 50ms}".to_owned())],
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let load = Load::start(place.grpc, 100);
    let long = short_or_full(1.0, 10.0);
    seconds(long).await;
    let alone = load.ledger.p99();
    upstream.set(Mood::PoisonEvery(15 * ITEMS));
    seconds(long).await;
    let beside = load.ledger.p99();
    let ledger = load.finish(Duration::from_secs(10)).await;
    gateway.assert_conserved().await;
    let refused = ledger.refused.load(std::sync::atomic::Ordering::Relaxed);
    println!("one poison in 15: {refused} refused, p99 {beside:?} (alone {alone:?})");
    assert!(0 < refused, "nobody heard of it");
    let unanswered = gateway.unanswered().await;
    Balance::of(&ledger, &upstream.received).show("one poison in 15").assert_good(unanswered);
    let is_kept = beside < alone * 2 + Duration::from_millis(20);
    crate::bound(is_kept, format_args!("p99 {beside:?}, alone {alone:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_among_many_good_requests_is_found_while_the_others_flow() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Poison(11)).await;
    let place = Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(DISK))],
        processors: vec![("batch".to_owned(), "{timeout: 50ms}".to_owned())],
        storage: Some(String::new()),
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let load = Load::start(place.grpc, 100);
    seconds(1.0).await;
    let ledger = load.finish(Duration::from_secs(10)).await;
    caught_up(&ledger, &upstream.received, Duration::from_secs(2)).await;
    gateway.assert_conserved().await;
    upstream.set(Mood::Accept);
    seconds(1.2).await;
    assert_eq!(place.replay(&[]).await.status.code(), Some(0));
    Balance::of(&ledger, &upstream.received).show("poison under load").assert_good(0);
}

/// A gateway with a queue on disk for `upstream`.
fn queued_for(upstream: &Upstream) -> Place {
    Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(DISK))],
        storage: Some(String::new()),
        ..Settings::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_dead_letter_can_be_written_the_upstream_is_asked_again() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Grpc(3, false)).await;
    let place = queued_for(&upstream);
    let (gateway, _) = place.start().await;
    // A full disk, for this folder alone.
    let dead = place.storage().join("otlp_grpc/logs/dead");
    std::fs::remove_dir(&dead).unwrap();
    std::fs::write(&dead, "in the way").unwrap();
    let ledger = Ledger::default();
    send_all(&place, &ledger, 3).await;
    let begun = std::time::Instant::now();
    let attempts = || place.log().matches("cannot write a dead letter").count();
    while attempts() < 6 {
        assert!(begun.elapsed() < Duration::from_secs(20), "not tried: {}", place.log());
        seconds(0.02).await;
    }
    gateway.assert_conserved().await;
    upstream.set(Mood::Accept);
    caught_up(&ledger, &upstream.received, Duration::from_secs(20)).await;
    // Each waits longer from time to time.
    let seconds = begun.elapsed().as_secs() as usize;
    assert!(attempts() <= 3 * (2 + seconds.ilog2() as usize), "{}", place.log());
    gateway.assert_conserved().await;
    assert_eq!(gateway.metric("otelcol_exporter_queue_size").await, 0);
    Balance::of(&ledger, &upstream.received).show("no dead letter").assert_good(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_works_beside_a_gateway_that_goes_on_to_write_dead_letters() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Grpc(3, false)).await;
    let place = queued_for(&upstream);
    let (gateway, _) = place.start().await;
    let load = Load::start(place.grpc, 50);
    wait_for_dead_letter(&gateway, &place, ITEMS).await;
    for _ in 0..3 {
        let listed = place.replay(&["--list"]).await;
        assert_eq!(listed.status.code(), Some(0), "{listed:?}");
        assert!(!listed.stdout.is_empty());
    }
    let ledger = load.finish(Duration::from_secs(20)).await;
    let items = ledger.acknowledged() as u64;
    wait_for_dead_letter(&gateway, &place, items).await;
    gateway.assert_conserved().await;
    upstream.set(Mood::Accept);
    assert_eq!(place.replay(&[]).await.status.code(), Some(0));
    Balance::of(&ledger, &upstream.received).show("replay beside").assert_good(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_for_an_exporter_that_is_gone_is_told() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Away).await;
    let settings = |id: &str| Settings {
        exporters: vec![(id.to_owned(), upstream.grpc(DISK))],
        storage: Some(String::new()),
        ..Settings::default()
    };
    let place = Place::new(&settings("otlp_grpc/old"));
    let (gateway, _) = place.start().await;
    let ledger = Ledger::default();
    send_all(&place, &ledger, 3).await;
    gateway.kill();
    let folder = place.storage().join("otlp_grpc%2fold/logs").display().to_string();
    let is_told = |text: &str| text.lines().any(|line| line.contains(&folder));
    assert!(!is_told(&place.log()), "{}", place.log());
    place.configure(&settings("otlp_grpc/new"));
    let (gateway, _) = place.start().await;
    let log = place.log();
    let told = log.lines().find(|line| line.contains(&folder)).unwrap_or_else(|| panic!("{log}"));
    assert!(told.to_lowercase().contains("warn") && told.contains("15"), "{told}");
    let listed = String::from_utf8(place.replay(&["--list"]).await.stdout).unwrap();
    assert!(listed.contains("3 requests with 15 items"), "{listed}");
    // Nothing is touched: under its name of before it is sent.
    upstream.set(Mood::Accept);
    place.configure(&settings("otlp_grpc/old"));
    drop(gateway);
    let (_gateway, _) = place.start().await;
    caught_up(&ledger, &upstream.received, Duration::from_secs(20)).await;
    Balance::of(&ledger, &upstream.received).show("an exporter of another name").assert_good(0);
}
