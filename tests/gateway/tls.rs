//! TLS on both sides: one gateway sends to another.

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
        assert_eq!(started::fault(&yaml).await, fault);
    }
}
