//! What a faulty configuration is told, word for word.

use otel_redact::gateway::config::Config;

use crate::environment::Made;

/// A configuration that is right, in parts that a case can replace.
const RECEIVERS: &str = "receivers: {otlp: {protocols: {grpc: }}}\n";
const PROCESSORS: &str = "processors: {scrubber: , batch: }\n";
const EXPORTERS: &str = "exporters: {nop: }\n";
const SERVICE: &str = "service: {pipelines: {traces: {receivers: [otlp], processors: [scrubber], exporters: [nop]}}}\n";

fn load(yaml: &str) -> Result<Vec<String>, String> {
    let environment = Made::new(&[], &[("a.yaml", yaml)]);
    Config::load(&["a.yaml".to_owned()], &[], &environment)
        .map(|loaded| loaded.warnings)
        .map_err(|error| error.to_string())
}

#[test]
fn the_parts_are_a_right_configuration() {
    let yaml = format!("{RECEIVERS}{PROCESSORS}{EXPORTERS}{SERVICE}");
    assert_eq!(load(&yaml), Ok(Vec::new()));
}

/// Cases that are wrong in one section; the others are as above.
const SECTIONS: &[(&str, &str)] = &[
    // Components and their ids.
    (
        "receivers: {kafaka: }\n",
        "receivers.kafaka: unknown type `kafaka` at line 1, column 13 of a.yaml; accepted: otlp",
    ),
    // What only the Collector has.
    (
        "receivers:\n  otlp: {protocols: {grpc: {middlewares: [{id: a}]}}}\n",
        "receivers.otlp.protocols.grpc.middlewares: the Collector has this setting, this program has not at line 2, column 29 of a.yaml; there are no middlewares; leave it out",
    ),
    (
        "receivers: {otpl: }\n",
        "receivers.otpl: unknown type `otpl` at line 1, column 13 of a.yaml; did you mean `otlp`? accepted: otlp",
    ),
    (
        "processors:\n  redact:\n",
        "processors.redact: unknown type `redact` at line 2, column 3 of a.yaml; accepted: scrubber, redaction, attributes, resource, transform, filter, batch, memory_limiter",
    ),
    (
        "exporters: {otlp_gprc: }\n",
        "exporters.otlp_gprc: unknown type `otlp_gprc` at line 1, column 13 of a.yaml; did you mean `otlp_grpc`? accepted: otlp_grpc, otlp_http, debug, file, nop",
    ),
    (
        "exporters: {nop/: }\n",
        "exporters.nop/: expected a name after the slash at line 1, column 13 of a.yaml",
    ),
    (
        "exporters: {2nop: }\n",
        "exporters.2nop: expected a type of a letter and up to 62 letters, digits and underscores at line 1, column 13 of a.yaml",
    ),
    (
        "exporters: {'nop/a b': }\n",
        "exporters.…: expected a name without blanks, control characters and symbols at line 1, column 13 of a.yaml",
    ),
    (
        "exporters:\n  nop:\n  ' nop':\n",
        "exporters.…: duplicate name at line 3, column 3 of a.yaml",
    ),
    ("exporters:\n  nop:\n  nop:\n", "exporters.nop: duplicate key at line 3, column 3 of a.yaml"),
    ("receivers: [otlp]\n", "receivers: expected a map at line 1, column 12 of a.yaml"),
    ("receivers:\n", "receivers: expected at least one"),
    ("exporters: {}\n", "exporters: expected at least one"),
    ("service: {pipelines: }\n", "service.pipelines: expected at least one"),
    // Settings of components.
    (
        "exporters:\n  otlp_grpc:\n    endpoint: a:1\n    headers:\n      x-key: \"a\\nb\"\n",
        "exporters.otlp_grpc.headers.x-key: expected the value of a header: no line feeds or other control characters at line 5, column 14 of a.yaml",
    ),
    (
        "exporters:\n  otlp_http:\n    endpoint: http://a:1\n    headers: {'x key': a}\n",
        "exporters.otlp_http.headers.…: expected the name of a header: letters, digits and hyphens at line 4, column 15 of a.yaml",
    ),
    (
        "exporters:\n  otlp_grpc:\n    headers: {x: y}\n",
        "exporters.otlp_grpc.endpoint: expected host:port, such as backend.example.com:4317 at line 2, column 3 of a.yaml",
    ),
    (
        "exporters: {otlp_http: }\n",
        "exporters.otlp_http.endpoint: expected a URL such as https://backend.example.com:4318 at line 1, column 13 of a.yaml",
    ),
    (
        "receivers:\n  otlp:\n    protocols:\n      grpc:\n        endpont: localhost:4317\n",
        "receivers.otlp.protocols.grpc.endpont: unknown key at line 5, column 9 of a.yaml; did you mean `endpoint`? accepted: endpoint, transport, tls, auth, max_recv_msg_size_mib, max_concurrent_streams, keepalive, include_metadata, limits",
    ),
    (
        "receivers:\n  otlp:\n    protocol:\n      grpc:\n",
        "receivers.otlp.protocol: unknown key at line 3, column 5 of a.yaml; did you mean `protocols`? accepted: protocols",
    ),
    (
        "receivers:\n  otlp:\n    protocols:\n      gprc:\n",
        "receivers.otlp.protocols.gprc: unknown key at line 4, column 7 of a.yaml; did you mean `grpc`? accepted: grpc, http",
    ),
    (
        "receivers:\n  otlp:\n    protocols:\n      grpc:\n        max_recv_msg_size_mib: '8'\n",
        "receivers.otlp.protocols.grpc.max_recv_msg_size_mib: expected an integer from 0 to 65535, found a string at line 5, column 32 of a.yaml",
    ),
    (
        "receivers:\n  otlp:\n    protocols:\n      grpc:\n        include_metadata: yes\n",
        "receivers.otlp.protocols.grpc.include_metadata: expected true or false, found a string at line 5, column 27 of a.yaml",
    ),
    (
        "processors: {scrubber: {unknown_fields: keep}}\n",
        "processors.scrubber.unknown_fields: unknown value at line 1, column 41 of a.yaml; accepted: drop, scan, refuse",
    ),
    (
        "processors: {scrubber: {invalid_utf8: Replace}}\n",
        "processors.scrubber.invalid_utf8: unknown value at line 1, column 39 of a.yaml; did you mean `replace`? accepted: replace, keep, refuse",
    ),
    (
        "processors: {scrubber: , batch: {timeout: -1s}}\n",
        "processors.batch.timeout: expected a duration that is not negative at line 1, column 43 of a.yaml",
    ),
    (
        "processors: {scrubber: , batch: {timeout: 5 seconds}}\n",
        "processors.batch.timeout: expected a duration such as 200ms, 5s or 1h30m at line 1, column 43 of a.yaml",
    ),
    (
        "extensions: {health_check: {endpoint: 13133}}\n",
        "extensions.health_check.endpoint: expected a string, found an integer at line 1, column 39 of a.yaml; put it in quotes",
    ),
    (
        "extensions: {admin: {endpoint: '0.0.0.0:13134'}}\n",
        "extensions.admin.endpoint: expected a loopback address, such as localhost:13134 at line 1, column 32 of a.yaml; or `auth: {authenticator: ID}`, which says who may ask",
    ),
    (
        "extensions: {zpage: }\n",
        "extensions.zpage: unknown type `zpage` at line 1, column 14 of a.yaml; did you mean `zpages`? accepted: health_check, admin, zpages, file_storage, bearertokenauth, basicauth, oidc, oauth2client",
    ),
    (
        "connectors: {spanmetric: }\n",
        "connectors.spanmetric: unknown type `spanmetric` at line 1, column 14 of a.yaml; accepted: forward, routing",
    ),
    (
        "recievers: {otlp: }\n",
        "recievers: unknown key at line 1, column 1 of a.yaml; did you mean `receivers`? accepted: receivers, processors, exporters, connectors, extensions, service",
    ),
    (
        "x-anchors: {a: 1}\n",
        "x-anchors: unknown key at line 1, column 1 of a.yaml; accepted: receivers, processors, exporters, connectors, extensions, service",
    ),
    // The service.
    (
        "service:\n  pipeline: {}\n",
        "service.pipeline: unknown key at line 2, column 3 of a.yaml; did you mean `pipelines`? accepted: extensions, telemetry, pipelines",
    ),
    (
        "service:\n  pipelines:\n    spans: {}\n",
        "service.pipelines.spans: expected traces, metrics, logs or profiles, or one of them with /name at line 3, column 5 of a.yaml; accepted: traces, metrics, logs, profiles",
    ),
    (
        "service:\n  pipelines:\n    traces:\n      recievers: [otlp]\n",
        "service.pipelines.traces.recievers: unknown key at line 4, column 7 of a.yaml; did you mean `receivers`? accepted: receivers, processors, exporters",
    ),
    (
        "service:\n  pipelines:\n    traces:\n      processors: [scrubber]\n      exporters: [nop]\n",
        "service.pipelines.traces.receivers: expected at least one receiver at line 4, column 7 of a.yaml",
    ),
    (
        "service:\n  pipelines:\n    traces: {receivers: [otlp], processors: [scrubber]}\n",
        "service.pipelines.traces.exporters: expected at least one exporter at line 3, column 13 of a.yaml",
    ),
    (
        "service:\n  pipelines:\n    traces:\n      receivers: [otlp/2]\n      processors: [scrubber]\n      exporters: [nop]\n",
        "service.pipelines.traces.receivers[0]: `otlp/2` is not defined under `receivers` at line 4, column 19 of a.yaml; did you mean `otlp`? defined: otlp",
    ),
    (
        "service:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      processors: [scruber, batch]\n      exporters: [nop]\n",
        "service.pipelines.traces.processors[0]: `scruber` is not defined under `processors` at line 5, column 20 of a.yaml; did you mean `scrubber`? defined: batch, scrubber",
    ),
    (
        "service:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      processors: [scrubber]\n      exporters:\n        - nop\n        - backend\n",
        "service.pipelines.traces.exporters[1]: `backend` is not defined under `exporters` at line 8, column 11 of a.yaml; defined: nop",
    ),
    (
        "service:\n  pipelines:\n    traces:\n      receivers: [otlp]\n      processors: [scrubber, batch, scrubber]\n      exporters: [nop]\n",
        "service.pipelines.traces.processors[2]: the same processor twice at line 5, column 37 of a.yaml",
    ),
    (
        "service:\n  pipelines:\n    logs:\n      receivers: [otlp]\n      processors: [batch]\n      exporters: [nop]\n",
        "service.pipelines.logs.processors: no processor removes credentials from logs at line 5, column 19 of a.yaml; add `scrubber` to the processors of the pipeline",
    ),
    (
        "processors: {redaction: {hash_function: md4}}\n",
        "processors.redaction.hash_function: expected one of md5, sha1, sha3, hmac-sha256, hmac-sha512 at line 1, column 41 of a.yaml",
    ),
    (
        "processors: {redaction: {url_sanitization: {}}}\n",
        "processors.redaction.url_sanitization: unknown key at line 1, column 26 of a.yaml; did you mean `url_sanitizer`? accepted: allow_all_keys, allowed_keys, blocked_key_patterns, hash_function, hmac_key, ignored_keys, ignored_key_patterns, redact_all_types, blocked_values, allowed_values, db_sanitizer, summary, url_sanitizer, masking_string",
    ),
    (
        "service:\n  extensions: [health_check]\n  pipelines: {}\n",
        "service.pipelines: expected at least one",
    ),
    (
        "service:\n  telemetry:\n    metrics: {address: ':8888', readers: []}\n",
        "service.telemetry.metrics.address: the Collector has this setting, this program has not at line 3, column 15 of a.yaml; write `readers: [{pull: {exporter: {prometheus: {host: localhost, port: 8888}}}}]`",
    ),
    (
        "service:\n  telemetry:\n    metrics: {level: high}\n",
        "service.telemetry.metrics.level: unknown value at line 3, column 22 of a.yaml; accepted: none, basic, normal, detailed",
    ),
    (
        "service:\n  telemetry:\n    metrics:\n      readers:\n        - periodic: {interval: 0}\n",
        "service.telemetry.metrics.readers[0].periodic.interval: expected 1 to 86400000 milliseconds at line 5, column 32 of a.yaml",
    ),
    (
        "service:\n  telemetry:\n    metrics:\n      readers: [{pull: {exporter: {prometheus: {port: 99999}}}}]\n",
        "service.telemetry.metrics.readers[0].pull.exporter.prometheus.port: expected an integer from 0 to 65535 at line 4, column 55 of a.yaml",
    ),
    (
        "service:\n  telemetry:\n    logs: {level: verbose}\n",
        "service.telemetry.logs.level: unknown value at line 3, column 19 of a.yaml; accepted: debug, info, warn, error",
    ),
    (
        "service:\n  telemetry:\n    logs: {processors: []}\n",
        "service.telemetry.logs.processors: the Collector has this setting, this program has not at line 3, column 12 of a.yaml; write `output_paths`; the log goes to files and streams, not over OTLP",
    ),
    (
        "service:\n  telemetry:\n    traces: {level: some}\n",
        "service.telemetry.traces.level: unknown value at line 3, column 21 of a.yaml; accepted: none, basic, normal, detailed",
    ),
];

#[test]
fn a_fault_names_path_line_column_and_what_is_accepted() {
    let mut failures = Vec::new();
    for (section, fault) in SECTIONS {
        // The faulty section stands first, so that its lines count from 1.
        let key = section.split(':').next().unwrap_or_default();
        let others = [RECEIVERS, PROCESSORS, EXPORTERS, SERVICE];
        let others = others.iter().filter(|other| !other.starts_with(&format!("{key}:")));
        let yaml = std::iter::once(section).chain(others).copied().collect::<String>();
        let got = load(&yaml);
        if got != Err((*fault).to_owned()) {
            failures.push(format!("{section}  expected {fault}\n  got      {got:?}"));
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Whole texts and command lines that are wrong.
#[test]
fn what_the_collector_has_and_nothing_here_needs_is_warned_of() {
    let receivers = "receivers:\n  otlp: {protocols: {grpc: {read_buffer_size: 524288}}}\n  kafka:\n    brokers: [a]\n";
    let extensions = "extensions:\n  pprof:\n";
    let service = SERVICE.replace("{pipelines", "{extensions: [pprof], pipelines");
    let yaml = format!("{receivers}{PROCESSORS}{EXPORTERS}{extensions}{service}");
    let expected = [
        "receivers.otlp.protocols.grpc.read_buffer_size: this has no effect: buffers and idle connections are bounded by `limits` at line 2, column 29 of a.yaml",
        "receivers.kafka: no pipeline uses it, so it is passed over: the Collector's `kafka` takes messages from a broker at line 3, column 3 of a.yaml; to use it, keep it in a Collector in front, which sends here with `otlp_grpc`; a pipeline from broker to broker then goes Collector, gateway, Collector",
        "extensions.pprof: `pprof` does nothing here: it serves Go's profiles at line 8, column 3 of a.yaml; use `perf` or eBPF on the process",
    ];
    assert_eq!(load(&yaml), Ok(expected.map(str::to_owned).to_vec()));
}

#[test]
fn a_fault_where_a_variable_is_not_set_names_the_variable_and_the_way_out() {
    const UNSET: &str =
        "; environment variable UNSET is not set: set it, or write ${env:UNSET:-default}";
    const OTHER: &str =
        "; environment variable OTHER is not set: set it, or write ${env:OTHER:-default}";
    let grpc = "expected host:port, such as backend.example.com:4317";
    let mut failures = Vec::new();
    for (exporters, fault) in [
        // The whole value.
        (
            "exporters:\n  otlp_grpc: {endpoint: '${env:UNSET}'}\n",
            format!("exporters.otlp_grpc.endpoint: {grpc} at line 2, column 25 of a.yaml{UNSET}"),
        ),
        // A part of it, by any spelling, and several.
        (
            "exporters:\n  otlp_grpc: {endpoint: '${UNSET}:4317'}\n",
            format!("exporters.otlp_grpc.endpoint: {grpc} at line 2, column 25 of a.yaml{UNSET}"),
        ),
        (
            "exporters:\n  otlp_grpc: {endpoint: 'https://${env:UNSET}${env:OTHER}'}\n",
            format!("exporters.otlp_grpc.endpoint: {grpc} at line 2, column 25 of a.yaml{UNSET}{OTHER}"),
        ),
        // Under another name.
        (
            "exporters:\n  otlp_http: {logs_endpoint: '${env:UNSET}'}\n",
            format!("exporters.otlp_http.endpoint: expected a URL such as https://backend.example.com:4318 at line 2, column 30 of a.yaml{UNSET}"),
        ),
        // What is needed and has no default.
        (
            "exporters:\n  otlp_grpc:\n    endpoint: a:1\n    auth: {authenticator: '${env:UNSET}'}\n",
            format!("exporters.otlp_grpc.auth: missing key `authenticator` at line 4, column 27 of a.yaml{UNSET}"),
        ),
        (
            "exporters: {file: {path: '${env:UNSET}'}}\n",
            format!("exporters.file.path: expected the path of a file at line 1, column 26 of a.yaml{UNSET}"),
        ),
        // With a default, or where another setting is at fault, nothing is said.
        (
            "exporters:\n  otlp_grpc: {endpoint: '${env:UNSET:-}'}\n",
            format!("exporters.otlp_grpc.endpoint: {grpc} at line 2, column 25 of a.yaml"),
        ),
        (
            "exporters:\n  otlp_grpc: {endpoint: a:1, timeout: soon, headers: {x: '${env:UNSET}'}}\n",
            "exporters.otlp_grpc.timeout: expected a duration such as 200ms, 5s or 1h30m at line 2, column 39 of a.yaml".to_owned(),
        ),
    ] {
        let got = load(&format!("{exporters}{RECEIVERS}{PROCESSORS}{SERVICE}"));
        if got != Err(fault.clone()) {
            failures.push(format!("{exporters}\n  expected {fault}\n  got {got:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_setting_that_is_not_here_and_that_no_pipeline_uses_is_warned_of() {
    let exporters = "exporters:\n  nop:\n  file: {path: /tmp/x, group_by: {enabled: true}}\n";
    let yaml = format!("{exporters}{RECEIVERS}{PROCESSORS}{SERVICE}");
    let expected = "exporters.file.group_by: no pipeline uses it, so it is passed over: the Collector has this setting, this program has not at line 3, column 24 of a.yaml; write one `file` exporter for each value, behind the connector `routing`";
    assert_eq!(load(&yaml), Ok(vec![expected.to_owned()]));
    let off = yaml.replace("enabled: true", "enabled: false");
    assert_eq!(load(&off), Ok(Vec::new()));
    let used = yaml.replace("exporters: [nop]", "exporters: [file]");
    assert!(load(&used).is_err());
}

#[test]
fn what_the_collector_has_and_a_pipeline_uses_is_refused_with_advice() {
    let processors = "processors:\n  scrubber:\n  tail_sampling:\n";
    let service = SERVICE.replace("[scrubber]", "[scrubber, tail_sampling]");
    let fault = "processors.tail_sampling: the Collector's `tail_sampling` is not here: it keeps a part of the traces, which needs all spans of one at line 4, column 3 of a.yaml; put it in a Collector behind, to which this gateway sends with `otlp_grpc`, so that it sees what was scrubbed";
    let yaml = format!("{RECEIVERS}{processors}{EXPORTERS}{service}");
    assert_eq!(load(&yaml), Err(fault.to_owned()));
}

#[test]
fn a_command_line_or_text_that_is_wrong_is_told_so() {
    let right = format!("{RECEIVERS}{PROCESSORS}{EXPORTERS}{SERVICE}");
    let files = Made::new(
        &[("LIST", "[a]")],
        &[("a.yaml", &right), ("empty.yaml", ""), ("list.yaml", "- a\n"), ("bad.yaml", "a: [1\n")],
    );
    for (configs, sets, fault) in [
        (&["b.yaml"][..], &[][..], "b.yaml: no such file"),
        (&["file:b.yaml"], &[], "b.yaml: no such file"),
        (&["env:UNSET"], &[], "env:UNSET: environment variable is not set"),
        (&["env:LIST"], &[], ".: expected a map at line 1, column 1 of env:LIST"),
        (
            &["https://x/y"],
            &[],
            "--config: scheme `https` is not supported; accepted: file, env, yaml",
        ),
        (&["empty.yaml"], &[], "receivers: expected at least one"),
        (&["list.yaml"], &[], ".: expected a map at line 1, column 1 of list.yaml"),
        (&["bad.yaml"], &[], "a: a bracket is not closed at line 1, column 4 of bad.yaml"),
        (&["a.yaml"], &["x"], "--set: expected KEY=VALUE"),
        (&["a.yaml"], &["=x"], "--set: expected KEY=VALUE"),
        (
            &["a.yaml"],
            &["service.pipelines.traces.exporters=[debug]"],
            "service.pipelines.traces.exporters[0]: `debug` is not defined under `exporters` at line 1, column 2 of --set service.pipelines.traces.exporters; defined: nop",
        ),
        (
            &["a.yaml"],
            &["processors.batch.timeout=fast"],
            "processors.batch.timeout: expected a duration such as 200ms, 5s or 1h30m in --set processors.batch.timeout",
        ),
        (
            &["a.yaml", "yaml:processors::batch::timeuot: 1s"],
            &[],
            "processors.batch.timeuot: unknown key at line 1, column 1 of --config yaml:…; did you mean `timeout`? accepted: timeout, send_batch_size, send_batch_max_size, metadata_keys, metadata_cardinality_limit",
        ),
    ] {
        let configs: Vec<String> = configs.iter().map(|&config| config.to_owned()).collect();
        let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
        let got = Config::load(&configs, &sets, &files).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(got, Err(fault.to_owned()), "{configs:?} {sets:?}");
    }
}

#[test]
fn a_credential_on_the_command_line_is_warned_of() {
    let yaml = format!("{RECEIVERS}{PROCESSORS}{EXPORTERS}{SERVICE}");
    let files = Made::new(&[("TOKEN", "t")], &[("a.yaml", &yaml)]);
    let exporter = "exporters.otlp_http.endpoint=http://a:1".to_owned();
    for (value, warns) in [("abc", true), ("${env:TOKEN}", false)] {
        let set = format!("exporters.otlp_http.headers.x-key={value}");
        let sets = [exporter.clone(), set];
        let loaded = Config::load(&["a.yaml".to_owned()], &sets, &files).unwrap();
        let warned = loaded
            .warnings
            .iter()
            .any(|line| line.starts_with("--set exporters.otlp_http.headers.x-key: every user"));
        assert_eq!(warned, warns, "{:?}", loaded.warnings);
        assert!(!loaded.warnings.concat().contains("abc"));
    }
}

#[test]
fn no_fault_repeats_a_value_of_the_file() {
    const VALUE: &str = "hunter2-and-more";
    for section in [
        format!("exporters: {{otlp_grpc: {{endpoint: [{VALUE}]}}}}\n"),
        format!("exporters: {{otlp_grpc: {{endpoint: 'x:1', headers: [{VALUE}]}}}}\n"),
        format!("exporters: {{otlp_grpc: {{endpoint: 'x:1', timeout: {VALUE}}}}}\n"),
        format!("exporters: {{otlp_grpc: {{endpoint: 'x:1', compression: {VALUE}}}}}\n"),
        format!("processors: {{scrubber: {{unknown_fields: {VALUE}}}}}\n"),
        format!("processors: {{scrubber: {VALUE}}}\n"),
        format!("service: {{telemetry: {{metrics: {{readers: {VALUE}}}}}}}\n"),
        format!("service: {{telemetry: {VALUE}}}\n"),
        format!("receivers: {VALUE}\n"),
        format!("receivers: {{otlp: {{protocols: {{grpc: {{endpoint: {VALUE}}}}}}}}}\n"),
        format!("receivers: {{otlp: \"{VALUE}}}\n"),
        format!("receivers: {{otlp: ${{{VALUE}}}}}\n"),
    ] {
        let fault = load(&section).unwrap_err();
        assert!(!fault.contains(VALUE), "{fault}");
    }
}
