//! Who may send, and who we are to upstreams.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use prost::Message;
use ring::hmac;
use serde_json::Value;
use serde_json::json;

use crate::provider::Provider;
use crate::provider::SigningKey;
use crate::provider::seconds_from_now;
use crate::provider::unsigned;
use crate::sender;
use crate::sender::Status;
use crate::sender::TRACES;
use crate::sender::framed;
use crate::started;
use crate::started::Gateway;
use crate::started::gateway;
use crate::started::to_grpc;
use crate::started::to_http;
use crate::telemetry::trace_bytes;
use crate::tls::until;
use crate::upstream::Reply;
use crate::upstream::Upstream;

const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");

/// A configuration with an extension, which the receivers use.
fn guarded(extension: &str, exporters: &str) -> String {
    let id = extension.split(':').next().unwrap();
    let receivers = format!("'127.0.0.1:0', auth: {{authenticator: {id}}}}}");
    with_extension(extension, &started::yaml(exporters).replace("'127.0.0.1:0'}", &receivers))
}

fn with_extension(extension: &str, yaml: &str) -> String {
    let id = extension.split(':').next().unwrap();
    let running = format!("service:\n  extensions: [{id}]\n");
    format!("extensions:\n  {extension}\n{}", yaml.replace("service:\n", &running))
}

/// What a sender hears that shows these headers: the gRPC code and the HTTP status.
async fn heard(gateway: &Gateway, headers: &[(&str, &str)]) -> (u32, u16) {
    let body = framed(0, &trace_bytes(1));
    let grpc = sender::call_raw(gateway.grpc(), TRACES, headers, body).await;
    let headers = [headers, &[PROTOBUF]].concat();
    let http = sender::http(gateway.http(), "POST", "/v1/traces", &headers, trace_bytes(1)).await;
    assert!(!grpc.message.contains("hunter2") && !http.text().contains("hunter2"));
    (grpc.code, http.status)
}

const IN: (u32, u16) = (0, 200);
const OUT: (u32, u16) = (16, 401);

fn random_token() -> String {
    let mut bytes = [0; 24];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes).unwrap();
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bearer_token_lets_in_and_nothing_else_does() {
    let upstream = Upstream::always(Reply::Accept).await;
    let (token, other) = (random_token(), random_token());
    let extension = format!("bearertokenauth: {{tokens: [{other}, {token}]}}");
    let gateway = gateway(&guarded(&extension, &to_grpc(upstream.address))).await;
    let bearer = |token: &str| format!("Bearer {token}");
    for (value, expected) in [
        (bearer(&token), IN),
        (bearer(&other), IN),
        (format!("bearer  {token}"), IN),
        (bearer(&format!("{token}x")), OUT),
        (bearer(&token[1..]), OUT),
        (bearer(""), OUT),
        (format!("Basic {token}"), OUT),
        (token.clone(), OUT),
        (String::new(), OUT),
    ] {
        let before = upstream.seen().len();
        assert_eq!(heard(&gateway, &[("authorization", &value)]).await, expected, "{value}");
        assert_eq!(upstream.seen().len() - before, if expected == IN { 2 } else { 0 });
    }
    assert_eq!(heard(&gateway, &[]).await, OUT);
    let good = bearer(&token);
    let twice = [("authorization", good.as_str()), ("authorization", good.as_str())];
    assert_eq!(heard(&gateway, &twice).await, OUT);
    let answer = sender::post(gateway.http(), "/v1/traces", trace_bytes(1)).await;
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    assert_eq!(Status::decode(answer.body).unwrap().code, 16);
    let metrics = gateway.metrics.render();
    let counted = |line: &str| {
        line.starts_with("otelcol_receiver_unauthenticated_requests{")
            && line.contains("transport=\"grpc\"")
            && line.ends_with(" 8")
    };
    assert!(metrics.lines().any(counted), "{metrics}");
    assert!(!metrics.contains(&token));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_known_is_refused_before_the_body_is_read() {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    let extension = format!("bearertokenauth: {{token: {}}}", random_token());
    let gateway = gateway(&guarded(&extension, "nop:")).await;
    let mut stream = tokio::net::TcpStream::connect(gateway.http()).await.unwrap();
    let head = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                content-length: 9000000\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 401");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_follow_their_file_on_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let (old, new) = (random_token(), random_token());
    std::fs::write(&file, format!("{old}\n")).unwrap();
    let extension = format!("bearertokenauth: {{filename: {}}}", file.display());
    let far = gateway(&guarded(&extension, "nop:")).await;
    for exporter in [to_grpc(far.grpc()), to_http(far.http())] {
        let exporter = exporter + "  auth: {authenticator: bearertokenauth}\n";
        let near = gateway(&with_extension(&extension, &started::yaml(&exporter))).await;
        assert_eq!(sender::call(near.grpc(), TRACES, &trace_bytes(1)).await.code, 0);
        std::fs::write(&file, format!("{new}\n")).unwrap();
        let auth = [("authorization", &*format!("Bearer {new}"))];
        until("the new token lets in", async || heard(&far, &auth).await == IN).await;
        let auth = [("authorization", &*format!("Bearer {old}"))];
        assert_eq!(heard(&far, &auth).await, OUT);
        // The exporter may have looked at its file or not: it does when it is refused.
        assert_eq!(sender::call(near.grpc(), TRACES, &trace_bytes(1)).await.code, 0);
        std::fs::write(&file, format!("{old}\n")).unwrap();
        until("the old token lets in again", async || heard(&far, &auth).await == IN).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_lets_in_whom_a_slow_hash_knows() {
    let (password, argon) = (random_token(), random_token());
    let bcrypt = bcrypt::hash(&password, 4).unwrap();
    let params = argon2::Params::new(64, 1, 1, None).unwrap();
    let hasher = argon2::Argon2::from(params);
    let phc = argon2::PasswordHasher::hash_password_with_salt(
        &hasher,
        argon.as_bytes(),
        b"0123456789abcdef",
    );
    let lines = format!("# users\nann:{bcrypt}\nbob:{}", phc.unwrap());
    let inline = lines.replace('\n', "\n      ");
    let extension = format!("basicauth:\n    htpasswd:\n     inline: |\n      {inline}\n");
    let gateway = gateway(&guarded(&extension, "nop:")).await;
    let basic = |login: String| format!("Basic {}", BASE64_STANDARD.encode(login));
    for (value, expected) in [
        (basic(format!("ann:{password}")), IN),
        (basic(format!("ann:{password}")), IN),
        (basic(format!("bob:{argon}")), IN),
        (basic(format!("bob:{password}")), OUT),
        (basic(format!("ann:{password}x")), OUT),
        (basic("ann:".to_owned()), OUT),
        (basic(format!("eve:{password}")), OUT),
        (basic("ann".to_owned()), OUT),
        (format!("Bearer {password}"), OUT),
        ("Basic %%%".to_owned(), OUT),
        ("B".to_owned(), OUT),
    ] {
        assert_eq!(heard(&gateway, &[("authorization", &value)]).await, expected, "{value}");
    }
    let client = format!("basicauth: {{client_auth: {{username: ann, password: {password}}}}}");
    let exporter = to_grpc(gateway.grpc()) + "  auth: {authenticator: basicauth}\n";
    let near = started::gateway(&with_extension(&client, &started::yaml(&exporter))).await;
    assert_eq!(sender::call(near.grpc(), TRACES, &trace_bytes(1)).await.code, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_identity_provider_lets_in_if_it_is_meant_for_us() {
    let provider = Provider::start().await;
    let (key, stranger) = (SigningKey::new("a"), SigningKey::new("a"));
    provider.shows(&[&key]);
    let issuer = provider.issuer();
    let extension =
        format!("oidc: {{issuer_url: '{issuer}', audience: gateway, username_claim: sub}}");
    let gateway = gateway(&guarded(&extension, "nop:")).await;
    let good =
        json!({"iss": issuer, "aud": ["gateway"], "sub": "me", "exp": seconds_from_now(300)});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let forged = {
        let signed = unsigned(&json!({"alg": "HS256", "kid": "a"}), &good);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key.point()), signed.as_bytes());
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag.as_ref()))
    };
    let altered = {
        let token = key.token(&good);
        let [header, _, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!() };
        let claims = unsigned(&json!({}), &with("sub", json!("root")));
        format!("{header}.{}.{signature}", claims.split('.').nth(1).unwrap())
    };
    for (what, token, expected) in [
        ("good", key.token(&good), IN),
        ("good again", key.token(&with("aud", json!("gateway"))), IN),
        ("for another", key.token(&with("aud", json!("backend"))), OUT),
        ("for nobody", key.token(&without("aud")), OUT),
        ("of another", key.token(&with("iss", json!("http://evil.test"))), OUT),
        ("of nobody", key.token(&without("iss")), OUT),
        ("over", key.token(&with("exp", json!(seconds_from_now(-120)))), OUT),
        ("for ever", key.token(&without("exp")), OUT),
        ("until a word", key.token(&with("exp", json!("never"))), OUT),
        ("not yet", key.token(&with("nbf", json!(seconds_from_now(120)))), OUT),
        ("nameless", key.token(&without("sub")), OUT),
        ("of a stranger", stranger.token(&good), OUT),
        ("of an unknown key", SigningKey::new("b").token(&good), OUT),
        ("unsigned", unsigned(&json!({"alg": "none"}), &good) + ".", OUT),
        ("by a shared secret", forged, OUT),
        ("altered", altered, OUT),
        ("no token", "abc".to_owned(), OUT),
    ] {
        let value = format!("Bearer {token}");
        assert_eq!(heard(&gateway, &[("authorization", &value)]).await, expected, "{what}");
    }
    let fetches = provider.asked().iter().filter(|asked| asked.path == "/keys").count();
    assert_eq!(fetches, 1, "unknown keys do not make us ask again and again");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_keys_of_the_provider_senders_are_told_to_come_again() {
    let provider = Provider::start().await;
    let issuer = provider.issuer();
    let extension = format!("oidc: {{issuer_url: '{issuer}', ignore_audience: true}}");
    let gateway = gateway(&guarded(&extension, "nop:")).await;
    let claims = json!({"iss": issuer, "exp": seconds_from_now(300)});
    let value = format!("Bearer {}", SigningKey::new("a").token(&claims));
    assert_eq!(heard(&gateway, &[("authorization", &value)]).await, (14, 503));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_the_upstream_refuses_is_replaced_once() {
    let refusal = Reply::Grpc { code: 16, message: "who?", retry_after: None };
    let unauthorized = Reply::Http { status: 401, headers: vec![], body: "who?" };
    for is_http in [false, true] {
        let refusal = if is_http { &unauthorized } else { &refusal };
        let replies = [Reply::Accept, refusal.clone(), Reply::Accept, refusal.clone()];
        let upstream = Upstream::start(replies).await;
        let provider = Provider::start().await;
        let token = |token: &str| {
            (200, json!({"access_token": token, "token_type": "Bearer", "expires_in": 3600}))
        };
        provider.says("/token", &[token("one"), token("two"), token("three")]);
        let extension = format!(
            "oauth2client: {{client_id: 'me:too', client_secret: hunter2, \
             token_url: '{}/token', scopes: [a, b], endpoint_params: {{audience: [x y]}}}}",
            provider.issuer()
        );
        let exporter = if is_http { to_http(upstream.address) } else { to_grpc(upstream.address) };
        let exporter = exporter + "  auth: {authenticator: oauth2client}\n";
        let gateway = gateway(&with_extension(&extension, &started::yaml(&exporter))).await;
        for expected in [0, 0, 16] {
            let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
            assert_eq!(answer.code, expected, "{answer:?}");
        }
        let seen: Vec<_> =
            upstream.seen().iter().map(|seen| seen.headers["authorization"].clone()).collect();
        assert_eq!(seen, ["Bearer one", "Bearer one", "Bearer two", "Bearer two"]);
        let asked = provider.asked();
        assert_eq!(asked.len(), 2, "a refusing upstream does not make us flood the provider");
        assert_eq!(asked[0].body, "grant_type=client_credentials&scope=a+b&audience=x+y");
        let login = BASE64_STANDARD.encode("me%3Atoo:hunter2");
        assert_eq!(asked[0].authorization, Some(format!("Basic {login}")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_gives_no_token_is_a_reason_to_try_again() {
    let upstream = Upstream::always(Reply::Accept).await;
    let provider = Provider::start().await;
    provider.says("/token", &[(401, json!({"error": "invalid_client", "x": "hunter2"}))]);
    let extension = format!(
        "oauth2client: {{client_id: me, client_secret: hunter2, token_url: '{}/token'}}",
        provider.issuer()
    );
    let exporter = to_grpc(upstream.address) + "  auth: {authenticator: oauth2client}\n";
    let gateway = gateway(&with_extension(&extension, &started::yaml(&exporter))).await;
    let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
    assert_eq!(answer.code, 14, "{answer:?}");
    assert!(!answer.message.contains("hunter2"), "{answer:?}");
    assert_eq!(upstream.seen().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_extensions_name_the_setting_and_never_the_secret() {
    let nobody = "127.0.0.1:1".parse().unwrap();
    let weak = "basicauth: {htpasswd: {inline: 'hunter2:{SHA}hunter2'}}";
    let costly = bcrypt::hash("x", 4).unwrap().replace("$04$", "$15$").replace('$', "$$");
    let costly = format!("basicauth: {{htpasswd: {{inline: 'a:{costly}'}}}}");
    let both =
        "basicauth: {htpasswd: {inline: 'a:b'}, client_auth: {username: a, password: hunter2}}";
    for (yaml, fault) in [
        (
            guarded("bearertokenauth: {}", "nop:"),
            "extensions.bearertokenauth.token: expected one of token, tokens and filename",
        ),
        (
            guarded("bearertokenauth: {token: hunter2, filename: /x}", "nop:"),
            "extensions.bearertokenauth.token: expected one of token, tokens and filename",
        ),
        (
            guarded("bearertokenauth: {filename: /nowhere}", "nop:"),
            "extensions.bearertokenauth.filename: cannot read /nowhere: entity not found",
        ),
        (
            guarded("bearertokenauth: {token: \"hunter2\\n\"}", "nop:"),
            "extensions.bearertokenauth.token: expected a token that a header can hold",
        ),
        (
            guarded(weak, "nop:"),
            "extensions.basicauth.htpasswd.inline: line 1: expected a hash by bcrypt ($2y$, as of `htpasswd -B`) or argon2 ($argon2id$)",
        ),
        (
            guarded(&costly, "nop:"),
            "extensions.basicauth.htpasswd.inline: line 1: expected a bcrypt cost of at most 14: it is paid for every new login",
        ),
        (
            guarded(both, "nop:"),
            "extensions.basicauth.client_auth: expected htpasswd or client_auth, not both",
        ),
        (
            guarded("basicauth: {client_auth: {username: a, password: hunter2}}", "nop:"),
            "receivers.otlp.protocols.grpc.auth.authenticator: `basicauth` does not fit here: expected one that knows who sends",
        ),
        (
            guarded("oidc: {issuer_url: 'http://a'}", "nop:"),
            "extensions.oidc.audience: expected for whom tokens are made out",
        ),
        (
            guarded("oauth2client: {token_url: 'http://a'}", "nop:"),
            "receivers.otlp.protocols.grpc.auth.authenticator: `oauth2client` is no extension that can do this at line 6, column 69 of env:YAML; accepted types: bearertokenauth, basicauth, oidc",
        ),
        (
            started::yaml(&(to_grpc(nobody) + "  auth: {authenticator: x}\n")),
            "exporters.otlp_grpc.auth.authenticator: `x` is no extension that can do this at line 14, column 27 of env:YAML; accepted types: bearertokenauth, basicauth, oauth2client",
        ),
        (
            guarded("bearertokenauth: {token: hunter2}", "nop:")
                .replace("  extensions: [bearertokenauth]\n", ""),
            "receivers.otlp.protocols.grpc.auth.authenticator: `bearertokenauth` does not run at line 6, column 69 of env:YAML; add it to `service.extensions`",
        ),
    ] {
        let said = started::fault(&yaml).await;
        let without_place = |text: &str| match text.split_once(" at line") {
            Some((before, after)) => {
                format!("{before}{}", after.split_once(';').map_or("", |(_, advice)| advice))
            }
            None => text.to_owned(),
        };
        assert_eq!(without_place(&said), without_place(fault));
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upstream_that_quotes_our_credential_is_not_quoted() {
    let quoted = "no entry for words-that-nobody-knows, and not for other-words-of-ours";
    let basic = BASE64_STANDARD.encode("us:words-that-nobody-knows");
    let token = "bearertokenauth: {token: words-that-nobody-knows}";
    for (header, auth, extension) in [
        ("authorization: Bearer words-that-nobody-knows", "", None),
        ("x-key: words-that-nobody-knows", "", None),
        (&format!("authorization: Basic {basic}"), "", None),
        ("x-team: shop", "  auth: {authenticator: bearertokenauth}\n", Some(token)),
    ] {
        let more = format!("{auth}  headers: {{{header}, x-other: other-words-of-ours}}\n");
        let refusal = Reply::Grpc { code: 3, message: quoted, retry_after: None };
        let http = Reply::Http { status: 400, headers: vec![], body: quoted };
        let upstreams = [Upstream::always(refusal).await, Upstream::always(http).await];
        let exporters = [to_grpc(upstreams[0].address), started::to_http(upstreams[1].address)];
        for exporter in exporters {
            let mut yaml = started::yaml(&(exporter + &more));
            if let Some(extension) = extension {
                yaml = with_extension(extension, &yaml);
            }
            let gateway = started::gateway(&yaml).await;
            let answer = sender::call(gateway.grpc(), TRACES, &trace_bytes(1)).await;
            assert_eq!(answer.code, 3, "{answer:?}");
            let own = "[redacted:own-credential]";
            let expected = format!("no entry for {own}, and not for {own}");
            assert!(answer.message.ends_with(&expected), "{answer:?}");
        }
    }
}
