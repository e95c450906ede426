//! TLS on both sides: one gateway sends to another.

use std::net::SocketAddr;
use std::time::Duration;

use crate::certificates::Certificates;
use crate::sender;
use crate::sender::TRACES;
use crate::started;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::started::to_http;
use crate::telemetry::trace_bytes;
use crate::upstream::Reply;
use crate::upstream::Upstream;

/// A gateway whose receivers speak TLS and want to know who is there.
fn far_yaml(made: &Certificates, exporters: &str) -> String {
    let tls = format!(
        "tls: {{cert_file: {}, key_file: {}, client_ca_file: {}}}",
        made.path("server.pem"),
        made.path("server.key"),
        made.path("ca.pem")
    );
    started::yaml(exporters).replace("'127.0.0.1:0'}", &format!("'127.0.0.1:0', {tls}}}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_pass_where_both_sides_know_each_other_and_only_there() {
    let made = Certificates::new();
    let upstream = Upstream::always(Reply::Accept).await;
    let far = gateway(&far_yaml(&made, &to_grpc(upstream.address))).await;
    let ours =
        format!("cert_file: {}, key_file: {}", made.path("client.pem"), made.path("client.key"));
    let ca = format!("ca_file: {}", made.path("ca.pem"));
    // The TLS settings of the exporter, and whether the request arrives.
    let cases = [
        (format!("{{{ca}, {ours}}}"), true),
        (format!("{{{ca}, {ours}, min_version: '1.3'}}"), true),
        (format!("{{{ca}, {ours}, max_version: '1.2'}}"), true),
        (format!("{{{ca}, {ours}, server_name_override: backend.test}}"), true),
        (format!("{{{ours}, insecure_skip_verify: true}}"), true),
        (format!("{{{ca}, {ours}, server_name_override: other.test}}"), false),
        (format!("{{{ours}}}"), false),
        (format!("{{{ca}}}"), false),
    ];
    for (tls, arrives) in cases {
        let exporters = [
            to_grpc(far.grpc()).replace("{insecure: true}", &tls),
            to_http(far.http()).replace("http://", "https://") + "  tls: " + &tls + "\n",
        ];
        for exporter in exporters {
            let near = gateway(&started::yaml(&exporter)).await;
            let before = upstream.seen().len();
            let answer = sender::call(near.grpc(), TRACES, &trace_bytes(3)).await;
            assert_eq!(answer.code, if arrives { 0 } else { 14 }, "{exporter}{answer:?}");
            assert_eq!(upstream.seen().len() - before, usize::from(arrives));
        }
    }
}

/// Whether a gateway that sends with these TLS settings reaches `far`.
async fn reaches(far: SocketAddr, tls: &str) -> bool {
    let near = gateway(&started::yaml(&to_grpc(far).replace("{insecure: true}", tls))).await;
    sender::call(near.grpc(), TRACES, &trace_bytes(1)).await.code == 0
}

/// Until it is so; a test that waits for ever says what it waits for.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_certificate_is_used_and_no_request_fails_meanwhile() {
    let made = Certificates::new();
    let upstream = Upstream::always(Reply::Accept).await;
    let old = "keepalive: {server_parameters: {max_connection_age: 5ms}}";
    let yaml = far_yaml(&made, &to_grpc(upstream.address))
        .replace("client_ca_file:", "reload_interval: 5ms, client_ca_file:")
        .replace("grpc: {", &format!("grpc: {{{old}, "));
    let far = gateway(&yaml).await;
    let ours = format!(
        "ca_file: {}, cert_file: {}, key_file: {}, reload_interval: 5ms",
        made.path("ca.pem"),
        made.path("client.pem"),
        made.path("client.key")
    );
    let renewed = format!("{{{ours}, server_name_override: renewed.test}}");
    assert!(!reaches(far.grpc(), &renewed).await);
    let near = to_grpc(far.grpc()).replace("{insecure: true}", &format!("{{{ours}}}"));
    let near = gateway(&started::yaml(&near)).await;
    let (done, stop) = tokio::sync::oneshot::channel::<()>();
    let address = near.grpc();
    let sends = tokio::spawn(async move {
        let mut codes = Vec::new();
        while !done.is_closed() {
            let answer = sender::call(address, TRACES, &trace_bytes(1)).await;
            codes.push((answer.code, answer.message));
        }
        codes
    });
    made.sign("server", &["renewed.test"]);
    made.sign("client", &[]);
    until("the new certificate is shown", async || reaches(far.grpc(), &renewed).await).await;
    drop(stop);
    let codes = sends.await.unwrap();
    assert!(!codes.is_empty() && codes.iter().all(|(code, _)| *code == 0), "{codes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_request_that_comes_when_its_connection_is_to_end_is_not_cut_off() {
    let made = Certificates::new();
    let upstream = Upstream::always(Reply::Accept).await;
    let old = "keepalive: {server_parameters: {max_connection_age: 5ms}}";
    let yaml = far_yaml(&made, &to_grpc(upstream.address));
    let far = gateway(&yaml.replace("grpc: {", &format!("grpc: {{{old}, "))).await;
    let path = |name| Some(std::path::PathBuf::from(made.path(name)).into());
    let ours = otel_redact::gateway::tls::ClientConfig {
        ca_file: path("ca.pem"),
        cert_file: path("client.pem"),
        key_file: path("client.key"),
        ..Default::default()
    };
    let connector = tokio_rustls::TlsConnector::from(ours.build("tls", &["h2"]).unwrap());
    let stream = tokio::net::TcpStream::connect(far.grpc()).await.unwrap();
    let stream = connector.connect("localhost".try_into().unwrap(), stream).await.unwrap();
    // By now it is too old, and nothing was said on it.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post(format!("https://localhost{TRACES}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let (answer, mut body) = client.send_request(request.body(()).unwrap(), false).unwrap();
    body.send_data(sender::framed(0, &trace_bytes(1)).into(), true).unwrap();
    match answer.await {
        Ok(answer) => assert_eq!(answer.status(), 200),
        // Nobody has looked at it: a client sends it again by itself (gRFC A6).
        Err(error) => {
            assert!(error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_client_ca_is_used_and_half_of_one_is_not() {
    let (made, other) = (Certificates::new(), Certificates::new());
    let yaml = far_yaml(&made, "nop:").replace(
        "client_ca_file:",
        "client_ca_file_reload: true, reload_interval: 5ms, client_ca_file:",
    );
    let far = gateway(&yaml).await;
    let of = |whose: &Certificates| {
        let (ca, cert, key) =
            (made.path("ca.pem"), whose.path("client.pem"), whose.path("client.key"));
        format!("{{ca_file: {ca}, cert_file: {cert}, key_file: {key}}}")
    };
    assert!(reaches(far.grpc(), &of(&made)).await);
    assert!(!reaches(far.grpc(), &of(&other)).await);
    let ours = std::fs::read_to_string(made.path("ca.pem")).unwrap();
    let theirs = std::fs::read_to_string(other.path("ca.pem")).unwrap();
    std::fs::write(made.path("ca.pem"), &ours[..ours.len() / 2]).unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    std::fs::write(made.path("ca.pem"), &ours).unwrap();
    assert!(reaches(far.grpc(), &of(&made)).await, "half a file is not used");
    std::fs::write(made.path("ca.pem"), ours + &theirs).unwrap();
    until("the new CA is used", async || reaches(far.grpc(), &of(&other)).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_clients_that_a_ca_signed_only_those_with_an_allowed_name_connect() {
    let made = Certificates::new();
    made.sign("agent", &[]);
    made.sign("workload", &["spiffe://test/agent"]);
    made.sign("host", &["agent.test"]);
    let allowed = "client_allowed_names: [agent, 'spiffe://test/agent', agent.test], ";
    let yaml = far_yaml(&made, "nop:");
    let far = gateway(&yaml.replace("client_ca_file:", &format!("{allowed}client_ca_file:"))).await;
    for (name, arrives) in [("agent", true), ("workload", true), ("host", true), ("client", false)]
    {
        let cert = made.path(&format!("{name}.pem"));
        let key = made.path(&format!("{name}.key"));
        let tls =
            format!("{{ca_file: {}, cert_file: {cert}, key_file: {key}}}", made.path("ca.pem"));
        assert_eq!(reaches(far.grpc(), &tls).await, arrives, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ciphers_and_curves_can_be_narrowed() {
    let made = Certificates::new();
    let suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    let narrow = format!("cipher_suites: [{suite}], curve_preferences: [P384], ");
    let yaml = far_yaml(&made, "nop:");
    let far = gateway(&yaml.replace("client_ca_file:", &format!("{narrow}client_ca_file:"))).await;
    let ours = format!(
        "ca_file: {}, cert_file: {}, key_file: {}",
        made.path("ca.pem"),
        made.path("client.pem"),
        made.path("client.key")
    );
    for (more, arrives) in [
        (format!("max_version: '1.2', cipher_suites: [{suite}]"), true),
        (
            "max_version: '1.2', cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]"
                .to_owned(),
            false,
        ),
        ("curve_preferences: [P384, X25519]".to_owned(), true),
        ("curve_preferences: [X25519]".to_owned(), false),
    ] {
        assert_eq!(reaches(far.grpc(), &format!("{{{ours}, {more}}}")).await, arrives, "{more}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_name_the_setting() {
    let made = Certificates::new();
    let receiver = |tls: &str| {
        started::yaml("nop:").replace("'127.0.0.1:0'}", &format!("'127.0.0.1:0', tls: {tls}}}"))
    };
    let exporter = |tls: &str| {
        started::yaml(&to_grpc("127.0.0.1:1".parse().unwrap()).replace("{insecure: true}", tls))
    };
    for (yaml, fault) in [
        (
            receiver("{}"),
            "receivers.otlp.protocols.grpc.tls.cert_file: expected a certificate".to_owned(),
        ),
        (
            receiver(&format!("{{cert_file: {}}}", made.path("server.pem"))),
            "receivers.otlp.protocols.grpc.tls.key_file: expected a private key".to_owned(),
        ),
        (
            receiver(&format!(
                "{{cert_file: {}, key_file: {}, client_allowed_names: [a]}}",
                made.path("server.pem"),
                made.path("server.key")
            )),
            "receivers.otlp.protocols.grpc.tls.client_ca_file: expected the CA of the clients, \
             without which nobody is known by name"
                .to_owned(),
        ),
        (
            exporter("{cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}"),
            "exporters.otlp_grpc.tls.cipher_suites[0]: expected a suite of ECDHE with AES GCM or \
             ChaCha20-Poly1305, such as TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: this version has \
             no other at line 11, column 27 of env:YAML"
                .to_owned(),
        ),
        (
            exporter("{curve_preferences: [P521]}"),
            "exporters.otlp_grpc.tls.curve_preferences[0]: expected X25519, P256 or P384: this \
             version has no other curves at line 11, column 31 of env:YAML"
                .to_owned(),
        ),
        (
            exporter("{include_insecure_cipher_suites: true}"),
            "exporters.otlp_grpc.tls.include_insecure_cipher_suites: expected false: this version \
             has no insecure cipher suites at line 11, column 43 of env:YAML"
                .to_owned(),
        ),
        (
            exporter("{ca_file: /nowhere.pem}"),
            "exporters.otlp_grpc.tls.ca_file: cannot read /nowhere.pem: \
             No such file or directory (os error 2)"
                .to_owned(),
        ),
        (
            exporter(&format!("{{ca_file: {}}}", made.path("server.key"))),
            "exporters.otlp_grpc.tls.ca_file: expected certificates in PEM".to_owned(),
        ),
        (
            exporter("{min_version: '1.3', max_version: '1.2'}"),
            "exporters.otlp_grpc.tls.max_version: expected at least min_version".to_owned(),
        ),
    ] {
        let said = started::fault(&yaml).await;
        let with_place = format!("{fault} at line ");
        assert!(said == fault || said.starts_with(&with_place), "{said}");
    }
}
