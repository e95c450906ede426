//! Peers that take more than their share, beside senders that do not.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::frames::CONTINUATION;
use crate::frames::END_HEADERS;
use crate::frames::HEADERS;
use crate::frames::REQUEST;
use crate::frames::RST_STREAM;
use crate::frames::frame;
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
/// Who has costs 40 KiB, of which 28 are buffers that the HTTP library takes for each
/// connection and keeps. A short run only prints it.
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

/// Ways to be a burden. Each is one connection from its beginning to its end.
type Burden = fn(u16, u16) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

/// Says `bytes` and hears what comes until it is told to leave, or has had enough.
async fn burden(port: u16, bytes: &[u8]) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    // It may be told to leave before it has said everything.
    let _ = stream.write_all(bytes).await;
    let mut heard = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut heard)).await;
}

const BURDENS: [(&str, Burden); 8] = [
    ("comes and goes", |grpc, http| {
        Box::pin(async move {
            for port in [grpc, http] {
                drop(TcpStream::connect(("127.0.0.1", port)).await);
            }
        })
    }),
    ("goes in the middle of a request", |grpc, http| {
        Box::pin(async move {
            let head = b"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc";
            for (port, bytes) in [(http, &head[..]), (grpc, &preface())] {
                if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)).await {
                    let _ = stream.write_all(bytes).await;
                }
            }
        })
    }),
    ("never says what it speaks", |grpc, _| Box::pin(burden(grpc, b"PRI"))),
    ("slow head", |_, http| Box::pin(burden(http, b"POST /v1/logs HTTP/1.1\r\nho"))),
    ("slow body", |_, http| {
        Box::pin(burden(
            http,
            b"POST /v1/logs HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
              content-length: 100000\r\n\r\n{",
        ))
    }),
    ("rapid reset", |grpc, _| Box::pin(burden(grpc, &RAPID_RESET))),
    ("headers without an end", |grpc, _| Box::pin(burden(grpc, &ENDLESS_HEADERS))),
    ("headers by the thousand", |_, http| Box::pin(burden(http, &MANY_HEADERS))),
];

// Made once: else making them would take the processors from the good senders.
static RAPID_RESET: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut flood = preface();
    for stream in (1..2001).step_by(2) {
        flood.extend(frame(HEADERS, END_HEADERS, stream, REQUEST));
        flood.extend(frame(RST_STREAM, 0, stream, &8u32.to_be_bytes()));
    }
    flood
});

static ENDLESS_HEADERS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut flood = [preface(), frame(HEADERS, 0, 1, REQUEST)].concat();
    let field = [&[0x40, 1, b'a', 100][..], &[b'a'; 100]].concat();
    (0..200).for_each(|_| flood.extend(frame(CONTINUATION, 0, 1, &field.repeat(100))));
    flood
});

static MANY_HEADERS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let headers: String = (0..10_000).map(|at| format!("x{at}: y\r\n")).collect();
    format!("POST /v1/logs HTTP/1.1\r\nhost: x\r\n{headers}\r\n").into()
});

#[tokio::test(flavor = "multi_thread")]
async fn good_senders_go_on_beside_all_others() {
    let _turn = crate::turn().await;
    let limits = ", limits: {handshake_timeout: 500ms, body_grace: 500ms, \
                  body_bytes_per_second_min: 1000000}";
    let (place, gateway, upstream) = start(limits).await;
    let load = Load::start(place.grpc, 100);
    seconds(short_or_full(1.0, 3.0)).await;
    let alone = load.ledger.p99();
    let (files, resident) = (gateway.open_files(), gateway.resident_mib());
    let (grpc, http) = (place.grpc, place.http);
    for (name, burden) in BURDENS {
        load.ledger.p99();
        let stop = Arc::new(AtomicBool::new(false));
        let mut peers = JoinSet::new();
        for _ in 0..20 {
            let stop = Arc::clone(&stop);
            peers.spawn(async move {
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    burden(grpc, http).await;
                    seconds(0.002).await;
                    count += 1;
                }
                count
            });
        }
        seconds(short_or_full(0.7, 3.0)).await;
        let beside = load.ledger.p99();
        stop.store(true, Ordering::Relaxed);
        let count: u32 = peers.join_all().await.into_iter().sum();
        let mib = gateway.resident_mib();
        println!("{name}, {count} connections: p99 {beside:?} (alone {alone:?}), {mib} MiB");
        assert!(gateway.is_ready().await, "health does not answer");
        assert!(mib < resident + 64, "{mib} MiB, {resident} MiB before");
        let is_kept = beside < alone * 2 + Duration::from_millis(20);
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
