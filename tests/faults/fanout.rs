//! Two exporters, of which one is dead.

use std::time::Duration;

use crate::ledger::Balance;
use crate::ledger::caught_up;
use crate::load::Load;
use crate::program::Place;
use crate::program::Settings;
use crate::short_or_full;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

#[tokio::test(flavor = "multi_thread")]
async fn with_queues_on_disk_the_healthy_one_does_not_notice() {
    let _turn = crate::turn().await;
    let (healthy, dead) =
        (Upstream::start(Mood::Accept).await, Upstream::start(Mood::Accept).await);
    let queue = ", sending_queue: {storage: file_storage, queue_size: 100000}";
    let place = Place::new(&Settings {
        exporters: vec![
            ("otlp_grpc/healthy".to_owned(), healthy.grpc(queue)),
            ("otlp_grpc/dead".to_owned(), dead.grpc(queue)),
        ],
        storage: Some(String::new()),
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let load = Load::start(place.grpc, 100);
    let long = short_or_full(2.0, 10.0);
    let count = || healthy.received.len();
    seconds(1.0).await;
    let before = count();
    seconds(long).await;
    let with_both = count() - before;
    dead.set(Mood::Away);
    let before = count();
    seconds(long).await;
    let with_one = count() - before;
    let kept = 100.0 * with_one as f64 / with_both as f64;
    println!("fan-out: the healthy exporter keeps {kept:.0} % of its rate");
    crate::bound(98.0 < kept, format_args!("{kept:.1} % of its rate"));
    dead.set(Mood::Accept);
    let ledger = load.finish(Duration::from_secs(10)).await;
    for (name, upstream) in [("healthy", &healthy), ("dead for a while", &dead)] {
        caught_up(&ledger, &upstream.received, Duration::from_secs(10)).await;
        let balance = Balance::of(&ledger, &upstream.received).show(&format!("fan-out, {name}"));
        balance.assert_good(gateway.unanswered().await);
        // Those whose answer was on its way when the other one died come twice to it.
        assert!(name != "healthy" || balance.duplicated == 0);
    }
    gateway.assert_conserved().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_one_a_request_is_not_sent_again_to_who_has_it() {
    let _turn = crate::turn().await;
    for processors in [Vec::new(), vec![("batch".to_owned(), "{timeout: 20ms}".to_owned())]] {
        let healthy = Upstream::start(Mood::Accept).await;
        let dead = Upstream::start(Mood::Accept).await;
        let own = |upstream: &Upstream| {
            upstream
                .grpc("")
                .replace("max_interval: 2s", "max_interval: 2s, max_elapsed_time: 300ms")
        };
        let place = Place::new(&Settings {
            exporters: vec![
                ("otlp_grpc/healthy".to_owned(), own(&healthy)),
                ("otlp_grpc/dead".to_owned(), own(&dead)),
            ],
            processors,
            ..Settings::default()
        });
        let (gateway, _) = place.start().await;
        let load = Load::start(place.grpc, 50);
        seconds(0.5).await;
        dead.set(Mood::Grpc(14, false));
        seconds(short_or_full(2.0, 10.0)).await;
        dead.set(Mood::Accept);
        let ledger = load.finish(Duration::from_secs(20)).await;
        assert!(0 < ledger.failed.load(std::sync::atomic::Ordering::Relaxed), "nobody tried again");
        for (name, upstream) in [("healthy", &healthy), ("dead for a while", &dead)] {
            let name = format!("fan-out without a queue, {name}");
            let balance = Balance::of(&ledger, &upstream.received).show(&name);
            balance.assert_good(0);
            assert_eq!(balance.duplicated, 0);
        }
        gateway.assert_conserved().await;
    }
}
