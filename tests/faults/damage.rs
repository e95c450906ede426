//! Files of a queue that were damaged while nobody looked.

use std::path::Path;
use std::time::Duration;

use crate::ledger::Balance;
use crate::ledger::caught_up;
use crate::load::ITEMS;
use crate::load::Load;
use crate::program::Place;
use crate::program::Settings;
use crate::program::segments;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

/// The bound of the matrix, which a short run on a busy machine only prints.
const START_WITHIN: Duration = Duration::from_secs(1);

type Damage = fn(&Path) -> u64;

/// Each way to damage a segment gives how many of its bytes are not what they were.
const WAYS: [(&str, Damage); 6] = [
    ("cut in the middle", |path| {
        let len = std::fs::metadata(path).unwrap().len();
        std::fs::File::options().write(true).open(path).unwrap().set_len(len / 2).unwrap();
        len - len / 2
    }),
    ("cut at its end", |path| {
        let len = std::fs::metadata(path).unwrap().len();
        std::fs::File::options().write(true).open(path).unwrap().set_len(len - 3).unwrap();
        3
    }),
    ("one bit flipped", |path| {
        change(path, |bytes| {
            let at = bytes.len() / 3;
            bytes[at] ^= 4;
            1
        })
    }),
    ("bits flipped all over", |path| {
        change(path, |bytes| {
            let step = bytes.len() / 5;
            (1..5).for_each(|at| bytes[at * step] ^= 0x80);
            4
        })
    }),
    ("a page zeroed", |path| {
        change(path, |bytes| {
            let at = (bytes.len() / 2) / 4096 * 4096;
            let len = 4096.min(bytes.len() - at);
            bytes[at..at + len].fill(0);
            len as u64
        })
    }),
    ("its head zeroed", |path| {
        change(path, |bytes| {
            bytes[..64].fill(0);
            64
        })
    }),
];

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>) -> u64) -> u64 {
    let mut bytes = std::fs::read(path).unwrap();
    let changed = change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
    changed
}

async fn damaged(name: &str, damage: Damage) {
    let upstream = Upstream::start(Mood::Away).await;
    let queue = ", sending_queue: {storage: file_storage, queue_size: 100000}";
    let place = Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(queue))],
        storage: Some(String::new()),
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let load = Load::start(place.grpc, 100);
    seconds(1.0).await;
    let ledger = load.finish(Duration::from_secs(10)).await;
    gateway.kill();
    let segment = &segments(&place.storage())[0];
    let len = std::fs::metadata(segment).unwrap().len();
    let requests = ledger.acknowledged() as u64 / ITEMS;
    let record = len / requests;
    let changed = damage(segment);
    upstream.set(Mood::Accept);
    let (gateway, took) = place.start().await;
    println!("{name}: started after {took:?}");
    caught_up(&ledger, &upstream.received, Duration::from_secs(2)).await;
    let balance = Balance::of(&ledger, &upstream.received).show(name);
    assert_eq!(balance.duplicated, 0);
    assert!(0 < balance.acknowledged && balance.delivered + balance.lost == balance.acknowledged);
    // A record for each end of the damage, and for each flipped bit.
    let records_max = changed / record + 2 + if changed == 4 { 2 } else { 0 };
    let lost = balance.lost as u64 / ITEMS;
    assert!(0 < lost && lost <= records_max, "{lost} of {requests} records of {record} bytes");
    assert!(0 < gateway.metric("otelcol_exporter_queue_damaged").await, "not counted");
    assert!(place.log().contains("set aside"), "not logged");
    let kept = std::fs::read_dir(segment.parent().unwrap()).unwrap().filter(|entry| {
        entry.as_ref().unwrap().path().extension().is_some_and(|extension| extension == "damaged")
    });
    assert!(0 < kept.count() || name == "cut in the middle", "not kept");
    gateway.assert_conserved().await;
    assert_eq!(gateway.metric("otelcol_exporter_queue_items").await, 0);
    crate::bound(took < START_WITHIN, format_args!("{name}: started after {took:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_costs_the_records_that_it_lies_in_and_nothing_else() {
    let _turn = crate::turn().await;
    let mut running = tokio::task::JoinSet::new();
    for (name, damage) in WAYS {
        running.spawn(damaged(name, damage));
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
