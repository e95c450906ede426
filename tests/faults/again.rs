//! A kill between what the disk has and what the sender hears.
//!
//! No sender can be caught there on purpose. So the process is killed behind the answer,
//! and the file that says how far senders were answered is put back to what stood there
//! before: that is all in which the two differ for the next process.

use std::time::Duration;

use otel_redact::gateway::queue::record::ANSWERED_NAME;
use otel_redact::gateway::queue::record::Answered;

use crate::load::Answer;
use crate::load::ITEMS;
use crate::load::connection;
use crate::load::request;
use crate::load::send;
use crate::program::Place;
use crate::program::Running;
use crate::program::Settings;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

const RECALLED: &str = "otelcol_exporter_queue_recalled_items";

fn place(exporters: Vec<(String, String)>, batch: Option<&str>, storage: &str) -> Place {
    Place::new(&Settings {
        exporters,
        processors: batch.map(|own| ("batch".to_owned(), own.to_owned())).into_iter().collect(),
        storage: Some(storage.to_owned()),
        ..Settings::default()
    })
}

fn queued(upstream: &Upstream) -> String {
    upstream.grpc(", sending_queue: {storage: file_storage, queue_size: 1000}")
}

/// The ids of the items of the request `number`.
fn ids(number: u64) -> Vec<u64> {
    (1..=ITEMS).map(|item| 100 * number + item).collect()
}

/// Sends requests at once, and waits until all are acknowledged.
async fn acknowledged(place: &Place, numbers: &[u64]) {
    let client = connection();
    let mut sending = tokio::task::JoinSet::new();
    for number in numbers {
        let (client, port) = (client.clone(), place.grpc);
        let body = request(&ids(*number), "a line");
        sending.spawn(async move { send(&client, port, body, Duration::from_secs(10)).await });
    }
    while let Some(answer) = sending.join_next().await {
        assert_eq!(answer.unwrap(), Answer::Ok, "{}", place.log());
    }
}

/// Waits until the queue is empty, and looks how often each request has arrived.
async fn arrived(gateway: &Running, upstream: &Upstream, times: &[(u64, usize)]) {
    for _ in 0..500 {
        if gateway.metric("otelcol_exporter_queue_items").await == 0 {
            break;
        }
        seconds(0.02).await;
    }
    gateway.assert_conserved().await;
    for (number, times) in times {
        for id in ids(*number) {
            assert_eq!(upstream.received.times(id), *times, "request {number}");
        }
    }
}

/// From the record `number` on the senders of the queue of `exporter` were not answered.
fn answered_until(place: &Place, exporter: &str, number: u32) {
    let path = place.storage().join(exporter).join("logs").join(ANSWERED_NAME);
    let answered = Answered::read(&std::fs::read(&path).unwrap()).unwrap();
    assert!(number < answered.number);
    std::fs::write(&path, Answered { number, ..answered }.to_bytes()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_answered_is_told_ok_and_nothing_comes_twice() {
    let _turn = crate::turn().await;
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "5a".repeat(32)).unwrap();
    let encrypted = format!(", encryption_key_file: {}", key.path().display());
    for storage in ["", &encrypted] {
        let upstream = Upstream::start(Mood::Away).await;
        let place = place(vec![("otlp_grpc".to_owned(), queued(&upstream))], None, storage);
        let (gateway, _) = place.start().await;
        acknowledged(&place, &[1]).await;
        acknowledged(&place, &[2]).await;
        gateway.kill();
        answered_until(&place, "otlp_grpc", 1);
        upstream.set(Mood::Accept);
        let (gateway, _) = place.start().await;
        acknowledged(&place, &[2]).await;
        arrived(&gateway, &upstream, &[(1, 1), (2, 1)]).await;
        assert_eq!(gateway.metric(RECALLED).await, ITEMS);
        // Who sends the same once more, or sends what was answered, has it delivered.
        acknowledged(&place, &[1]).await;
        acknowledged(&place, &[2]).await;
        arrived(&gateway, &upstream, &[(1, 2), (2, 2)]).await;
        assert_eq!(gateway.metric(RECALLED).await, ITEMS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_batch_each_sender_is_known_again() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Away).await;
    let exporters = vec![("otlp_grpc".to_owned(), queued(&upstream))];
    // Full with four requests.
    let place = place(exporters, Some("{timeout: 8s, send_batch_size: 20}"), "");
    let (gateway, _) = place.start().await;
    acknowledged(&place, &[1, 2, 3, 3]).await;
    gateway.kill();
    answered_until(&place, "otlp_grpc", 0);
    upstream.set(Mood::Accept);
    let (gateway, _) = place.start().await;
    // In other company than before.
    acknowledged(&place, &[1, 4, 3, 5]).await;
    acknowledged(&place, &[6, 3, 2, 7]).await;
    arrived(&gateway, &upstream, &[(1, 1), (2, 1), (3, 2), (4, 1), (7, 1)]).await;
    assert_eq!(gateway.metric(RECALLED).await, 4 * ITEMS);
    acknowledged(&place, &[3, 8, 9, 10]).await;
    arrived(&gateway, &upstream, &[(3, 3), (8, 1)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_exporters_only_the_one_that_has_it_not_stores_it() {
    let _turn = crate::turn().await;
    let (one, other) = (Upstream::start(Mood::Away).await, Upstream::start(Mood::Away).await);
    let exporters = vec![
        ("otlp_grpc/one".to_owned(), queued(&one)),
        ("otlp_grpc/other".to_owned(), queued(&other)),
    ];
    let place = place(exporters, None, "");
    let (gateway, _) = place.start().await;
    acknowledged(&place, &[1]).await;
    gateway.kill();
    answered_until(&place, "otlp_grpc%2fone", 0);
    // The other one has not come to write it.
    let queue = place.storage().join("otlp_grpc%2fother");
    std::fs::remove_dir_all(queue).unwrap();
    one.set(Mood::Accept);
    other.set(Mood::Accept);
    let (gateway, _) = place.start().await;
    acknowledged(&place, &[1]).await;
    arrived(&gateway, &one, &[(1, 1)]).await;
    arrived(&gateway, &other, &[(1, 1)]).await;
    assert_eq!(gateway.metric(RECALLED).await, ITEMS);
}
