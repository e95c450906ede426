//! Requests that go into files.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;

use crate::sender;
use crate::sender::TRACES;
use crate::started;
use crate::started::gateway;
use crate::telemetry::trace_bytes;
use crate::telemetry::traces;

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_a_line_of_json_once_the_sender_hears_ok() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/traces.json");
    let exporter = format!("file: {{path: '{}', create_directory: true}}\n", path.display());
    let gateway = gateway(&started::yaml(&exporter)).await;
    for lines in 1..=3 {
        assert_eq!(sender::call(gateway.grpc(), TRACES, &trace_bytes(2)).await.code, 0);
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), lines);
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            let request: ExportTraceServiceRequest = serde_json::from_str(line).unwrap();
            assert!(request == traces(2));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn protobuf_stands_behind_its_length_and_rotated_files_stay_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.pb");
    let exporter = format!(
        "file: {{path: '{}', format: proto, rotation: {{max_megabytes: 1, max_backups: 100}}}}\n",
        path.display()
    );
    let gateway = gateway(&started::yaml(&exporter)).await;
    let bytes = trace_bytes(4000);
    for _ in 0..12 {
        assert_eq!(sender::call(gateway.grpc(), TRACES, &bytes).await.code, 0);
    }
    let mut requests = 0;
    let files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    assert!(2 < files.len(), "rotated");
    for file in files {
        let text = std::fs::read(file.unwrap().path()).unwrap();
        assert!(text.len() <= 1 << 20);
        let mut rest = &text[..];
        while let Some((len, tail)) = rest.split_first_chunk::<4>() {
            let (request, tail) = tail.split_at(u32::from_be_bytes(*len) as usize);
            assert!(request == bytes);
            requests += 1;
            rest = tail;
        }
    }
    assert_eq!(requests, 12);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_is_kept_only_where_append_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("traces.pb");
    for (append, kept) in [(false, false), (true, true)] {
        std::fs::write(&path, "before").unwrap();
        let exporter =
            format!("file: {{path: '{}', format: proto, append: {append}}}\n", path.display());
        let gateway = gateway(&started::yaml(&exporter)).await;
        assert_eq!(sender::call(gateway.grpc(), TRACES, &trace_bytes(2)).await.code, 0);
        assert_eq!(std::fs::read(&path).unwrap().starts_with(b"before"), kept);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_removed_or_moved_is_begun_anew_and_one_that_is_cut_has_no_hole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new/traces.json");
    let exporter = format!("file: {{path: '{}', create_directory: true}}\n", path.display());
    let gateway = gateway(&started::yaml(&exporter)).await;
    let goes: [fn(&std::path::Path); 4] = [
        |_| {},
        |path| std::fs::remove_dir_all(path.parent().unwrap()).unwrap(),
        |path| std::fs::rename(path, path.with_extension("1")).unwrap(),
        |path| std::fs::File::options().write(true).open(path).unwrap().set_len(0).unwrap(),
    ];
    for go in goes {
        go(&path);
        assert_eq!(sender::call(gateway.grpc(), TRACES, &trace_bytes(2)).await.code, 0);
        let text = std::fs::read_to_string(&path).unwrap();
        let request: ExportTraceServiceRequest = serde_json::from_str(&text).unwrap();
        assert!(request == traces(2));
    }
}
