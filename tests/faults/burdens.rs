//! Ways to be a burden, in a process of their own.
//!
//! That process is this test program again, and steps behind everyone else (`nice`): what
//! good senders feel beside it is the gateway's, not that their processors were taken.

use std::process::Child;
use std::process::Command;
use std::process::Stdio;
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
use crate::upstream::seconds;

/// Connections at once.
const PEERS: usize = 20;

/// What the process is told: which burden, and the ports.
const TOLD: &str = "OTEL_REDACT_FAULTS_BURDEN";

/// What it says in the end, before a number.
const COUNTED: &str = "connections made: ";

/// The process, which goes on until its standard input ends: at the latest with this one.
pub(crate) struct Burdening(Child);

impl Burdening {
    /// Starts one of [`BURDENS`].
    pub(crate) fn start(name: &str, grpc: u16, http: u16) -> Self {
        let own = std::env::current_exe().unwrap();
        let child = Command::new("nice")
            .args(["-n", "19"])
            .arg(own)
            .args(["--exact", "burdens::in_a_process_of_their_own", "--ignored", "--nocapture"])
            .env(TOLD, format!("{grpc} {http} {name}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self(child)
    }

    /// Ends it. Gives how many connections there were.
    pub(crate) async fn stop(self) -> u32 {
        let ended = tokio::task::spawn_blocking(|| self.0.wait_with_output().unwrap());
        let said = String::from_utf8(ended.await.unwrap().stdout).unwrap();
        let count = said.lines().find_map(|line| Some(line.split_once(COUNTED)?.1.parse()));
        count.unwrap_or_else(|| panic!("no count: {said}")).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the others start it"]
async fn in_a_process_of_their_own() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let [grpc, http, name] = told.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{told}") };
    let (grpc, http) = (grpc.parse().unwrap(), http.parse().unwrap());
    let (_, burden) = BURDENS.iter().find(|(own, _)| *own == name).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut peers = JoinSet::new();
    for _ in 0..PEERS {
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
    tokio::io::stdin().read_to_end(&mut Vec::new()).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let count: u32 = peers.join_all().await.into_iter().sum();
    println!("{COUNTED}{count}");
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

pub(crate) const BURDENS: [(&str, Burden); 8] = [
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
