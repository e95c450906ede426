//! New rules while requests come in.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::ledger::Balance;
use crate::load::Load;
use crate::program::Place;
use crate::program::Settings;
use crate::short_or_full;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_under_load_fails_no_request() {
    const RELOADS: &str = "otelcol_processor_scrubber_reloads";
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Accept).await;
    let settings = |scrubber: &str| Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(""))],
        scrubber: scrubber.to_owned(),
        ..Settings::default()
    };
    let place = Place::new(&settings(""));
    let (gateway, _) = place.start().await;
    let load = Load::start(place.grpc, 200);
    seconds(0.3).await;
    for round in 0..short_or_full(6, 30) {
        // Every third is at fault, and changes nothing.
        place.configure(&settings([", mask: fixed", "", ", mask: nonsense"][round % 3]));
        gateway.signal("HUP");
        let begun = std::time::Instant::now();
        while gateway.metric(RELOADS).await <= round as u64 {
            assert!(begun.elapsed() < Duration::from_secs(30), "no reload: {}", place.log());
            seconds(0.05).await;
        }
    }
    let ledger = load.finish(Duration::from_secs(10)).await;
    gateway.assert_conserved().await;
    assert_eq!(ledger.failed.load(Ordering::Relaxed), 0, "requests failed");
    let balance = Balance::of(&ledger, &upstream.received).show("reload under load");
    balance.assert_good(0);
}
