//! A disk that is full, and keys of what is on it.

use std::time::Duration;

use crate::ledger::Balance;
use crate::ledger::caught_up;
use crate::load::Load;
use crate::program::Place;
use crate::program::Settings;
use crate::program::program;
use crate::program::segments;
use crate::upstream::Mood;
use crate::upstream::Upstream;
use crate::upstream::seconds;

/// Senders are told to come again while the disk is full, and it goes on by itself.
async fn fills(name: &str, place: Place, upstream: Upstream) {
    let (gateway, _) = place.start().await;
    upstream.set(Mood::Away);
    let load = Load::start(place.grpc, 200);
    let begun = std::time::Instant::now();
    while gateway.metric("otelcol_exporter_enqueue_failed_log_records").await == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "never full");
        seconds(0.1).await;
    }
    seconds(0.5).await;
    let before = load.ledger.acknowledged();
    gateway.assert_conserved().await;
    upstream.set(Mood::Accept);
    let begun = std::time::Instant::now();
    while load.ledger.acknowledged() < before + 100 {
        assert!(begun.elapsed() < Duration::from_secs(30), "does not go on: {}", place.log());
        seconds(0.1).await;
    }
    let ledger = load.finish(Duration::from_secs(30)).await;
    caught_up(&ledger, &upstream.received, Duration::from_secs(20)).await;
    gateway.assert_conserved().await;
    let unanswered = gateway.unanswered().await;
    Balance::of(&ledger, &upstream.received).show(name).assert_good(unanswered);
    assert_eq!(ledger.refused.load(std::sync::atomic::Ordering::Relaxed), 0, "told to give up");
}

fn place(upstream: &Upstream, storage: &str) -> Place {
    let queue = ", sending_queue: {storage: file_storage, queue_size: 1000000}";
    Place::new(&Settings {
        exporters: vec![("otlp_grpc".to_owned(), upstream.grpc(queue))],
        storage: Some(storage.to_owned()),
        ..Settings::default()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_may_take_no_more_of_the_disk_tells_senders_to_come_again() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Accept).await;
    fills("max_size", place(&upstream, ", max_size: 200000"), upstream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_tells_senders_to_come_again() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Accept).await;
    // No file may be longer than 128 KiB; the signal that comes with it is ignored.
    let limited = "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\"";
    let place = place(&upstream, ", max_size: 400000").wrapped(limited);
    fills("files that cannot grow", place, upstream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_tells_senders_to_come_again() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Accept).await;
    let place = place(&upstream, "");
    let storage = place.storage();
    std::fs::create_dir(&storage).unwrap();
    // A disk of 256 KiB, in a name space of the process's own. Where the system gives
    // users none, the two tests above are what there is.
    let mount = format!("mount -t tmpfs -o size=256k none '{}'", storage.display());
    let can = std::process::Command::new("unshare").args(["-Urm", "sh", "-c", &mount]).status();
    if !can.is_ok_and(|status| status.success()) {
        println!("a full disk: not tested, this system lets users mount nothing");
        return;
    }
    let place = place.wrapped(
        &format!("exec unshare -Urm sh -c '{mount} && exec \"$0\" \"$@\"' \"$0\" \"$@\"")
            .replace(&mount, &mount.replace('\'', "")),
    );
    fills("a full disk", place, upstream).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_encrypted_cannot_be_read_on_the_disk_and_comes_back_after_a_kill() {
    let _turn = crate::turn().await;
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "5a".repeat(32)).unwrap();
    let upstream = Upstream::start(Mood::Away).await;
    let storage = format!(", encryption_key_file: {}", key.path().display());
    for storage in ["", &storage] {
        let place = place(&upstream, storage);
        upstream.set(Mood::Away);
        let (gateway, _) = place.start().await;
        let load = Load::start(place.grpc, 50);
        seconds(0.5).await;
        let ledger = load.finish(Duration::from_secs(10)).await;
        gateway.kill();
        let bytes = std::fs::read(&segments(&place.storage())[0]).unwrap();
        let is_plain = memchr::memmem::find(&bytes, b"a line of some application").is_some();
        assert_eq!(is_plain, storage.is_empty());
        upstream.set(Mood::Accept);
        let (gateway, _) = place.start().await;
        caught_up(&ledger, &upstream.received, Duration::from_secs(20)).await;
        gateway.assert_conserved().await;
        let balance = Balance::of(&ledger, &upstream.received);
        assert_eq!((balance.lost, balance.acknowledged == 0), (0, false), "{}", place.log());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_kept_out_of_the_queue() {
    let _turn = crate::turn().await;
    let upstream = Upstream::start(Mood::Accept).await;
    let place = place(&upstream, ", timeout: 100ms");
    let (_gateway, _) = place.start().await;
    let other = std::process::Command::new(program())
        .args(["--config", &place.config().display().to_string()])
        .args([
            "--set=service.telemetry.metrics.level=none",
            "--set=service.extensions=[file_storage]",
        ])
        .output()
        .unwrap();
    assert_eq!(other.status.code(), Some(1));
    let log = String::from_utf8(other.stderr).unwrap();
    assert!(log.contains("extensions.file_storage.directory: cannot keep a queue"), "{log}");
    assert!(log.contains("another process uses it"), "{log}");
}
