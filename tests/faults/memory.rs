//! More than fits into memory, while the upstream says nothing.

use std::time::Duration;
use std::time::Instant;

use tokio::task::JoinSet;

use crate::load;
use crate::load::Answer;
use crate::program::Place;
use crate::program::Settings;
use crate::short_or_full;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

const LIMIT_MIB: u64 = 128;

#[tokio::test(flavor = "multi_thread")]
async fn large_requests_to_a_hung_upstream_stay_within_the_limit() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Hang).await;
    let place = Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(""))],
        processors: vec![(
            "memory_limiter".to_owned(),
            format!("{{check_interval: 1s, limit_mib: {LIMIT_MIB}}}"),
        )],
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    let ids = vec![1];
    let body = load::request(&ids, &"0123456789abcde ".repeat(39 * 1024 * 1024 / 160));
    let mut senders = JoinSet::new();
    for _ in 0..short_or_full(60, 200) {
        let (body, port) = (body.clone(), place.grpc);
        senders.spawn(async move {
            let client = load::connection();
            load::send(&client, port, body, Duration::from_secs(10)).await
        });
    }
    let mut resident_mib = 0;
    let mut answers = Vec::new();
    let begun = Instant::now();
    while !senders.is_empty() {
        seconds(0.05).await;
        resident_mib = resident_mib.max(gateway.resident_mib());
        assert!(gateway.is_ready().await, "health does not answer");
        while let Some(answer) = senders.try_join_next() {
            answers.push(answer.unwrap());
        }
    }
    let count = |is: fn(&Answer) -> bool| answers.iter().filter(|answer| is(answer)).count();
    let later = count(|answer| matches!(answer, Answer::Later(code) if *code != 0));
    println!(
        "hung upstream: {} senders answered within {:?}, {resident_mib} MiB with a limit of {LIMIT_MIB} MiB",
        answers.len(),
        begun.elapsed()
    );
    assert_eq!(later, answers.len(), "{answers:?}");
    assert!(resident_mib <= LIMIT_MIB + 64, "{resident_mib} MiB");
    upstream.set(Mood::Accept);
    let client = load::connection();
    let small = load::request(&[7], "small");
    let begun = Instant::now();
    while load::send(&client, place.grpc, small.clone(), Duration::from_secs(5)).await != Answer::Ok
    {
        seconds(0.05).await;
    }
    println!("hung upstream: normal {:?} after", begun.elapsed());
    let took = begun.elapsed();
    crate::bound(took < Duration::from_secs(2), format_args!("normal after {took:?}"));
    gateway.assert_conserved().await;
}
