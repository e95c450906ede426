//! No output of `validate`, `migrate` and `run` repeats a credential that was pasted into the
//! configuration, or onto the command line, where something else belongs.

use std::process::Output;

use otel_redact::scrub::rule::template::expand;

use crate::program::run;
use crate::program::stderr;
use crate::program::stdout;

/// Of several kinds: drawn, of a provider, with signs.
const SECRETS: &[&str] =
    &["{base62:32}", "gh{lit:p}_{base62:36}", "Tr0ub{lit:4}dor&{digits:4}", "a.{base64url:43}"];

const COLLECTORS: &[&str] = &[
    "receivers: {otlp: {protocols: {grpc: {@: x}}}}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [otlp], exporters: [nop]}}}
",
    "receivers: {otlp/@: {protocols: {grpc: }}}
processors: {@: }
exporters: {nop: , otlp: {endpoint: 'a:1', compression: @, timeout: @, headers: {@: [x]}}}
service: {pipelines: {traces: {receivers: [otlp/@], processors: [@], exporters: [nop, otlp]}}}
",
    "receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: @}}}}
exporters: {otlp/@: {endpoint: 'a:1', @: 1}}
service: {extensions: [@], @: 1, pipelines: {traces/@: {receivers: [otlp], exporters: [otlp/@]}}}
",
    "receivers: {otlp: {protocols: {grpc: [@
",
    "@: 1\n@: 2\n",
];

/// What is said, without what is not of ours to change: `migrate` keeps what carries over.
fn said(output: &Output) -> String {
    let out = stdout(output);
    let comments = out.lines().filter(|line| line.trim_start().starts_with('#'));
    comments.chain(stderr(output).lines()).collect::<Vec<_>>().join("\n")
}

fn secrets() -> Vec<String> {
    let numbered = SECRETS.iter().enumerate();
    numbered.map(|(seed, template)| expand(template, seed as u64).unwrap()).collect()
}

#[test]
fn a_credential_in_the_wrong_place_of_a_file_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("collector.yaml").display().to_string();
    for secret in secrets() {
        for text in COLLECTORS {
            let quoted = serde_json::to_string(&secret).unwrap();
            let text = text.replace("otlp/@", &format!("\"otlp/{secret}\""));
            let text = text.replace("traces/@", &format!("\"traces/{secret}\""));
            std::fs::write(&path, text.replace('@', &quoted)).unwrap();
            let outputs = [
                run(&["validate", "--config", &path], ""),
                run(&["migrate", &path], ""),
                run(&["run", "--config", &path], ""),
            ];
            for output in outputs {
                let said = said(&output);
                assert!(!said.is_empty());
                assert!(
                    !said.contains(&secret[..7]) && !said.contains(&secret[secret.len() - 7..]),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn a_credential_on_the_command_line_is_not_repeated() {
    for secret in secrets() {
        let lines = [
            format!("validate --set {secret}"),
            format!("validate --set {secret}=1"),
            format!("validate --set exporters.debug.{secret}=1"),
            format!("validate --set exporters.debug.verbosity={secret}"),
            format!("validate --set exporters.otlp.headers.{secret}=[1]"),
            format!("validate --config {secret}"),
            format!("validate --config {secret}:x"),
            format!("validate --config env:{secret}"),
            format!("validate --config yaml:{secret}"),
            format!("validate --config yaml:{secret}::a::b:1"),
            format!("validate --config https://user:{secret}@backend/x"),
            format!("validate {secret}"),
            format!("validate --{secret}"),
            format!("validate --{secret}=x"),
            format!("explain {secret} {secret}"),
            format!("migrate {secret}"),
            format!("run --{secret}"),
            secret.clone(),
            format!("selftest --seed {secret}"),
        ];
        for line in lines {
            let output = run(&line.split(' ').collect::<Vec<_>>(), "");
            let said = format!("{}{}", stdout(&output), stderr(&output));
            assert!(!output.status.success(), "{line}: {said}");
            assert!(
                !said.contains(&secret[..7]) && !said.contains(&secret[secret.len() - 7..]),
                "{line}\n{said}"
            );
        }
    }
}

#[test]
fn what_is_mistyped_on_the_command_line_is_named() {
    for (line, part) in [
        ("validat", "unrecognized subcommand 'validat'"),
        ("validate --confg x", "unexpected argument '--confg' found"),
        ("selftest --seed many", "invalid value 'many' for '--seed <"),
    ] {
        let output = run(&line.split(' ').collect::<Vec<_>>(), "");
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
}
