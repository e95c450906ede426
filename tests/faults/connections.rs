//! Peers that take more than their share, beside senders that do not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::burdens::BURDENS;
use crate::burdens::Burdening;
use crate::frames::preface;
use crate::ledger::Balance;
use crate::load::Load;
use crate::program::Place;
use crate::program::Running;
use crate::program::Settings;
use crate::short_or_full;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

/// Idle connections to each protocol.
const IDLE: usize = 1000;

/// What an idle connection may cost, of those that have not made a request over HTTP/2.
/// Who has costs 24 to 40 KiB: 28 are buffers that the HTTP library takes for each connection
/// and keeps (16 to write, 8 to read, 4 to unpack heads), as much of them as was ever used
/// or is memory that was used before; 6 are its tables of streams and frames. They cannot
/// be given back: what they stand beside (compression tables, windows, numbers of streams)
/// cannot be had from the library to begin anew. A short run only prints it.
const KIB_A_CONNECTION_MAX: u64 = 10;

async fn start(receiver: &str) -> (Place, Running, Upstream) {
    let upstream = Upstream::start(Mood::Accept).await;
    let place = Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(""))],
        receiver: receiver.to_owned(),
        ..Settings::default()
    });
    let (gateway, _) = place.start().await;
    (place, gateway, upstream)
}

/// A peer that says `bytes` and hears the first of what is said to it.
async fn peer(port: u16, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.read_u8().await.unwrap();
    stream
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_idle_connections_cost_little_and_end_when_their_place_is_wanted() {
    let _turn = crate::turn().await;
    let (place, gateway, upstream) =
        start(&format!(", limits: {{connections: {}}}", IDLE + 50)).await;
    // What a first request costs for ever is not the connections'.
    let load = Load::start(place.grpc, 100);
    seconds(1.0).await;
    let before = (gateway.resident_kib(), gateway.open_files());
    let alone = load.ledger.p99();
    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(peer(place.grpc, &preface()).await);
        idle.push(peer(place.http, GET).await);
    }
    load.ledger.p99();
    // Till they rest.
    seconds(1.0).await;
    let kib = gateway.resident_kib().saturating_sub(before.0) / idle.len() as u64;
    println!(
        "{} idle connections: {kib} KiB each, p99 {:?} (alone {alone:?})",
        idle.len(),
        load.ledger.p99()
    );
    assert!(before.1 + idle.len() <= gateway.open_files());
    // As many again, who come in because those have to go.
    let mut more = JoinSet::new();
    for at in 0..IDLE {
        let port = if at % 2 == 0 { place.grpc } else { place.http };
        let hello = if at % 2 == 0 { preface() } else { GET.to_vec() };
        more.spawn(async move { peer(port, &hello).await });
    }
    let more = tokio::time::timeout(Duration::from_secs(30), more.join_all()).await;
    assert!(more.is_ok(), "nobody makes room");
    assert!(0 < gateway.metric("otelcol_receiver_closed_connections").await);
    drop((idle, more));
    let ledger = load.finish(Duration::from_secs(10)).await;
    assert_eq!(ledger.failed.load(Ordering::Relaxed), 0, "good senders were turned away");
    Balance::of(&ledger, &upstream.received).show("idle connections").assert_good(0);
    crate::bound(kib <= KIB_A_CONNECTION_MAX, format_args!("{kib} KiB a connection"));
}

#[tokio::test(flavor = "multi_thread")]
async fn good_senders_go_on_beside_all_others() {
    let _turn = crate::turn().await;
    let limits = ", limits: {handshake_timeout: 500ms, body_grace: 500ms, \
                  body_bytes_per_second_min: 1000000}";
    let (place, gateway, upstream) = start(limits).await;
    let load = Load::start(place.grpc, 100);
    seconds(1.0).await;
    let mut alone = Duration::ZERO;
    let (files, resident) = (gateway.open_files(), gateway.resident_mib());
    let (grpc, http) = (place.grpc, place.http);
    for (name, _) in BURDENS {
        // Till what was sent beside the burden before has its answer.
        seconds(0.3).await;
        load.ledger.p99();
        seconds(short_or_full(0.4, 3.0)).await;
        // Again each time: others may be busy on this machine.
        alone = alone.max(load.ledger.p99());
        let peers = Burdening::start(name, grpc, http);
        seconds(0.3).await;
        load.ledger.p99();
        seconds(short_or_full(0.7, 3.0)).await;
        let beside = load.ledger.p99();
        let count = peers.stop().await;
        let mib = gateway.resident_mib();
        println!("{name}, {count} connections: p99 {beside:?} (alone {alone:?}), {mib} MiB");
        assert!(gateway.is_ready().await, "health does not answer");
        assert!(mib < resident + 64, "{mib} MiB, {resident} MiB before");
        // And what it takes a processor to leave off what steps behind.
        let is_kept = beside < alone * 2 + Duration::from_millis(5);
        crate::bound(is_kept, format_args!("{name}: {beside:?}, alone {alone:?}"));
    }
    let begun = std::time::Instant::now();
    while files + 10 < gateway.open_files() {
        let open = gateway.open_files();
        assert!(begun.elapsed() < Duration::from_secs(60), "{open} open, {files} before");
        seconds(0.1).await;
    }
    assert!(0 < gateway.metric("otelcol_receiver_closed_connections").await);
    let ledger = load.finish(Duration::from_secs(10)).await;
    gateway.assert_conserved().await;
    assert_eq!(ledger.failed.load(Ordering::Relaxed), 0, "good senders were turned away");
    Balance::of(&ledger, &upstream.received).show("beside all others").assert_good(0);
}
