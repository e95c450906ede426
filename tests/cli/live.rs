//! A running gateway, asked by the commands that look at it live.

use crate::program::Gateway;
use crate::program::free_ports;
use crate::program::post_json;
use crate::program::run;
use crate::program::stderr;
use crate::program::stdout;

const REQUEST: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},"scopeLogs":[{"logRecords":[{"body":{"stringValue":"with acme_dt_0123456789 here"}}]}]}]}"#;

#[test]
fn top_tail_and_explain_tell_what_a_gateway_does() {
    let [port] = free_ports();
    let admin = format!("127.0.0.1:{port}");
    let nobody = run(&["top", "--once", "--admin", &admin], "");
    let said = stderr(&nobody);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(said.contains("a gateway answers there with `extensions: {admin: }`"), "{said}");

    let gateway = Gateway::start(
        None,
        &[
            "--set=processors.scrubber.packs=[]",
            "--set=processors.scrubber.rules=[{id: acme, pattern: 'acme_dt_[0-9]{10}'}]",
            &format!("--set=extensions.admin.endpoint={admin}"),
            "--set=exporters.debug.verbosity=basic",
            "--set=service.extensions=[health_check, admin]",
        ],
    );
    let tailing = {
        let admin = admin.clone();
        std::thread::spawn(move || run(&["tail", "--admin", &admin, "--limit", "1"], ""))
    };
    while !tailing.is_finished() {
        let answer = post_json(gateway.http, "/v1/logs", REQUEST).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let tailed = stdout(&tailing.join().unwrap());
    let mut lines = tailed.lines();
    let first = lines.next().unwrap();
    let number = first.strip_prefix('#').unwrap().split(' ').next().unwrap();
    let place = "resource_logs[0].scope_logs[0].log_records[0]";
    assert_eq!(first, format!("#{number} logs \"shop\" {place}"));
    assert_eq!(lines.next(), Some(r#"  {"body":{"stringValue":"with [redacted:acme] here"}}"#));
    let explanation: String = lines.map(|line| format!("{line}\n")).collect();
    assert!(explanation.contains("masked by acme: 18 bytes at byte 5"), "{explanation}");
    assert!(explanation.contains("match: told by the pattern"), "{explanation}");

    let again = run(&["explain", "--tail", number, "--admin", &admin], "");
    assert_eq!(stdout(&again), explanation, "{}", stderr(&again));

    let top = run(&["top", "--once", "--admin", &admin], "");
    let picture = stdout(&top);
    let row = |name: &str| {
        let line = picture.lines().find(|line| line.starts_with(name));
        line.unwrap_or_else(|| panic!("{name}\n{picture}{}", stderr(&top))).to_owned()
    };
    let matches = row("acme").split_whitespace().nth(1).unwrap().to_owned();
    let requests = row("requests").split_whitespace().nth(1).unwrap().to_owned();
    assert_eq!(matches, requests, "{picture}");
    assert!(row("shop").ends_with(" acme"), "{picture}");
}

#[test]
fn an_admin_endpoint_with_tls_is_asked_over_tls() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let [port] = free_ports();
    let gateway = Gateway::start(
        None,
        &[
            "--set=processors.scrubber.packs=[]",
            &format!("--set=extensions.admin.endpoint=localhost:{port}"),
            &format!("--set=extensions.admin.tls.cert_file={}", path("cert.pem")),
            &format!("--set=extensions.admin.tls.key_file={}", path("key.pem")),
            "--set=service.extensions=[health_check, admin]",
        ],
    );
    let admin = format!("localhost:{port}");
    let ask = |more: &[&str]| {
        let mut arguments = vec!["top", "--once", "--admin", &admin];
        arguments.extend(more);
        run(&arguments, "")
    };
    let (known, plain) = (ask(&["--ca-file", &path("cert.pem")]), ask(&[]));
    assert!(known.status.success(), "{}", stderr(&known));
    assert!(stdout(&known).contains("requests"), "{}", stdout(&known));
    assert_eq!(plain.status.code(), Some(1), "nothing is said without TLS");
    // Signed by nobody who is known.
    let admin = format!("https://{admin}");
    let unknown = run(&["top", "--once", "--admin", &admin], "");
    assert_eq!(unknown.status.code(), Some(1), "{}", stdout(&unknown));
    gateway.signal("TERM");
    gateway.end();
}
