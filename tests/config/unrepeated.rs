//! No fault and no warning repeats a piece of the configuration that could be a credential.
//!
//! Credentials of several kinds are put where each kind of thing stands: keys, names of
//! components, one of a few words, numbers, durations, elements of lists, names of files and
//! of variables, statements, patterns, and where a text is no YAML any more.

use otel_redact::gateway::config::Config;
use otel_redact::gateway::own;
use otel_redact::gateway::processors;
use otel_redact::gateway::run;
use otel_redact::scrub::rule::template::expand;
use otel_redact::scrub::yaml;

use crate::environment::Made;

/// Drawn from several alphabets, of providers, with signs, and chosen by people.
const SECRETS: &[&str] = &[
    "{base62:24}",
    "{base62:12}",
    "{hex-lower:32}",
    "{hex-upper:20}",
    "{base32-upper:26}",
    "{base36-lower:24}",
    "{alpha-lower:16}",
    "{base64url:43}",
    "{base64:40}==",
    "gh{lit:p}_{base62:36}",
    "AKI{lit:A}{base32-upper:16}",
    "glpat{lit:-}{base62:20}",
    "xox{lit:b}-{digits:12}-{digits:12}-{base62:24}",
    "ey{lit:J}{base64url:20}.ey{lit:J}{base64url:60}.{base64url:43}",
    "SG.{base64url:22}.{base64url:43}",
    "{digits:6}:{base62:20}",
    "Tr0ub{lit:4}dor&{digits:2}",
    "p@ssw0rd.{alpha-lower:4}!{digits:2}",
    "pass.word={base62:9}",
    "correct horse{lit: }battery {alpha-lower:6}",
    "Bearer {base62:24}",
    "{base62:8}-{base62:8}-{base62:8}",
    "hunt{lit:e}r{digits:1}x{digits:3}",
];

/// Sections with `@` where the credential stands: in quotes, and bare.
const PLACES: &[&str] = &[
    // Keys.
    "@: 1\n",
    "@: 1\n@: 2\n",
    "@:\n  - a: [1\n",
    "service: {@: 1}\n",
    "service: {pipelines: {@: {receivers: [otlp]}}}\n",
    "service: {pipelines: {traces/@: {receivers: [otlp], processors: [x], exporters: [nop]}}}\n",
    "service: {pipelines: {traces: {@: [otlp]}}}\n",
    "service: {telemetry: {@: 1}}\n",
    "service: {telemetry: {logs: {@: 1}}}\n",
    "service: {telemetry: {resource: {@: [1, 2]}}}\n",
    "receivers: {@: }\n",
    "receivers: {otlp/@: {protocols: {grpc: {endpoint: 1}}}}\n",
    "receivers: {otlp: {@: }}\n",
    "receivers: {otlp: {protocols: {@: }}}\n",
    "receivers: {otlp: {protocols: {grpc: {@: x}}}}\n",
    "receivers: {otlp: {protocols: {grpc: {tls: {@: x}}}}}\n",
    "processors: {@: }\n",
    "processors: {scrubber: {@: x}}\n",
    "processors: {scrubber: {not_secret_keys: {@: x}}}\n",
    "processors: {scrubber: {rules: [{id: a, @: x}]}}\n",
    "processors: {redaction: {@: x}, scrubber: }\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', @: x}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', headers: {@: [1, 2]}}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', headers: {@: a, @: b}}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', headers: {@: {a: b}}}}\n",
    "exporters: {nop: , otlp_http/@: {endpoint: 1}}\n",
    "exporters: {nop: , kafka: {@: 1}}\n",
    "exporters: {nop: , kafka/@: {a: 1}}\n",
    "extensions: {@: }\n",
    "connectors: {@: }\n",
    "<<: {@: 1}\n",
    // One of a few words.
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', compression: @}}\n",
    "exporters: {nop: , debug: {verbosity: @}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', tls: {min_version: @}}}\n",
    "exporters: {nop: , otlp_http: {endpoint: 'http://a:1', encoding: @}}\n",
    "processors: {scrubber: {unknown_fields: @}}\n",
    "processors: {scrubber: {mask: @}}\n",
    "processors: {scrubber: {min_confidence: @}}\n",
    "processors: {scrubber: {mask: {@: 1}}}\n",
    "service: {telemetry: {logs: {level: @}}}\n",
    "service: {telemetry: {metrics: {level: @}}}\n",
    // Names of things that are elsewhere.
    "service: {pipelines: {traces: {receivers: [@], processors: [scrubber], exporters: [nop]}}}\n",
    "service: {pipelines: {traces: {receivers: [otlp], processors: [@], exporters: [nop]}}}\n",
    "service: {pipelines: {traces: {receivers: [otlp], processors: [scrubber], exporters: [nop, otlp/@]}}}\n",
    "service: {extensions: [@], pipelines: {traces: {receivers: [otlp], processors: [scrubber], exporters: [nop]}}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', auth: {authenticator: @}}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', sending_queue: {storage: @}}}\n",
    "processors: {scrubber: {route: @}}\n",
    "processors: {scrubber: {packs: [@]}}\n",
    "processors: {scrubber: {disable: [@]}}\n",
    "processors: {scrubber: {enable: [@]}}\n",
    "processors: {scrubber: {extend: [{rules: [@], severity: low}]}}\n",
    // Numbers, durations, booleans, lists, maps.
    "receivers: {otlp: {protocols: {grpc: {max_recv_msg_size_mib: @}}}}\n",
    "receivers: {otlp: {protocols: {grpc: {include_metadata: @}}}}\n",
    "receivers: {otlp: {protocols: {grpc: {keepalive: @}}}}\n",
    "receivers: @\n",
    "processors: {scrubber: @}\n",
    "processors: {scrubber: {disable: ['*']}, batch: {timeout: @}}\n",
    "processors: {scrubber: {disable: ['*']}, batch: {send_batch_size: @}}\n",
    "processors: {scrubber: {disable: ['*']}, memory_limiter: {check_interval: @}}\n",
    "processors: {scrubber: {rules: [@]}}\n",
    "exporters: [@]\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', timeout: @}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', headers: @}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', tls: @}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', sending_queue: {queue_size: @}}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: 'a:1', retry_on_failure: {multiplier: @}}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: @}}\n",
    "exporters: {nop: , otlp_http: {endpoint: @}}\n",
    "service: {pipelines: @}\n",
    // Files and variables.
    "receivers: {otlp: {protocols: {grpc: {tls: {cert_file: @, key_file: @}}}}}\n",
    "processors: {scrubber: {rule_files: [@]}}\n",
    "processors: {scrubber: {fingerprint_key: '${file:@}'}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: '${@}'}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: '${env:@}'}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: '${@:x}'}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: '${yaml:@}'}}\n",
    // Statements and patterns.
    "processors: {scrubber: {rules: [{id: a, pattern: '@('}]}}\n",
    "processors: {scrubber: {rules: [{id: @, pattern: '('}]}}\n",
    "processors: {scrubber: {disable: ['*']}, transform: {trace_statements: ['@(']}}\n",
    "processors: {scrubber: {disable: ['*']}, transform: {trace_statements: ['set(@, 1)']}}\n",
    "processors: {scrubber: {disable: ['*']}, transform: {trace_statements: ['@(span.name)']}}\n",
    "processors: {scrubber: {disable: ['*']}, attributes: {actions: [{key: a, action: @}]}}\n",
    "processors: {scrubber: {disable: ['*']}, attributes: {actions: [{key: @, action: extract, pattern: '('}]}}\n",
    "processors: {scrubber: {disable: ['*']}, redaction: {blocked_values: ['(@']}}\n",
    "processors: {scrubber: {disable: ['*']}, filter: {error_mode: @}}\n",
    // What is no YAML, or none of ours.
    "exporters: {nop: , otlp_grpc: {endpoint: !@ x}}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: *@ }}\n",
    "exporters: {nop: , otlp_grpc: {endpoint: [@\n",
    "exporters: {nop: , otlp_grpc: {endpoint: \"@\n",
    "@: @: @\n",
    "%@\n",
    "- @\n",
    "@\n",
    "a: 1\n---\n@: 1\n",
];

const OTHERS: [&str; 4] = [
    "receivers: {otlp: {protocols: {grpc: }}}\n",
    // Rules would take long to compile, and are of no use here.
    "processors: {scrubber: {disable: ['*']}, batch: }\n",
    "exporters: {nop: }\n",
    "service: {pipelines: {traces: {receivers: [otlp], processors: [scrubber], exporters: [nop]}}}\n",
];

/// Everything that `validate` says.
fn said(yaml: &str) -> String {
    let environment = Made::new(&[], &[("a.yaml", yaml)]);
    let loaded = match Config::load(&["a.yaml".to_owned()], &[], &environment) {
        Ok(loaded) => loaded,
        Err(fault) => return fault.to_string(),
    };
    let config = &loaded.config;
    let mut lines = loaded.warnings;
    let built =
        own::check(&config.service.telemetry).and_then(|()| processors::build(config).map(|_| ()));
    let built = built.and_then(|()| run::files(config).map(|_| ()));
    lines.extend(built.err().map(|fault| config.placed(fault).to_string()));
    lines.join("\n")
}

/// Whether a text holds a piece of a secret that is of use.
fn repeats(text: &str, secret: &str) -> bool {
    const PIECE_LEN: usize = 7;
    let bytes = secret.as_bytes();
    // Words of the language are no secrets by themselves.
    let own: Vec<&[u8]> = bytes.windows(PIECE_LEN.min(bytes.len())).collect();
    own.iter().any(|piece| {
        let piece = String::from_utf8_lossy(piece);
        !["correct", "battery"].contains(&piece.as_ref()) && text.contains(piece.as_ref())
    })
}

#[test]
fn nothing_that_could_be_a_credential_is_repeated() {
    let mut failures = Vec::new();
    let mut faults = 0;
    for (at, template) in SECRETS.iter().enumerate() {
        for place in PLACES {
            // Where the rules are compiled for it, that takes long.
            if place.starts_with("processors: {scrubber: {")
                && !place.contains("disable: ['*']")
                && at % 4 != 0
            {
                continue;
            }
            let key = place.split(':').next().unwrap_or_default();
            let others = OTHERS.iter().filter(|other| !other.starts_with(&format!("{key}:")));
            let others: String = others.copied().collect();
            let secret = expand(template, at as u64).unwrap();
            let quoted = serde_json::to_string(&secret).unwrap();
            for written in [quoted.as_str(), &secret] {
                let said = said(&format!("{}{others}", place.replace('@', written)));
                faults += usize::from(!said.is_empty());
                if repeats(&said, &secret) {
                    failures.push(format!("{}: {said}", place.trim_end()));
                }
            }
        }
    }
    assert!(SECRETS.len() * PLACES.len() * 3 / 2 < faults, "{faults}");
    let count = failures.len();
    failures.truncate(40);
    assert!(failures.is_empty(), "{count}:\n{}", failures.join("\n"));
}

/// The keys of a tree of JSON that names settings.
fn keys(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(map) => map.iter().for_each(|(key, value)| {
            found.push(key.clone());
            keys(value, found);
        }),
        serde_json::Value::Array(list) => list.iter().for_each(|value| keys(value, found)),
        _ => {}
    }
}

#[test]
fn what_settings_and_components_are_called_is_shown() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let schema = std::fs::read(root.join("config/schema/configuration.json")).unwrap();
    keys(&serde_json::from_slice(&schema).unwrap(), &mut found);
    for folder in ["config", "tests/data/collector"] {
        let files = std::fs::read_dir(root.join(folder)).unwrap().map(|file| file.unwrap().path());
        for file in files.filter(|file| file.extension().is_some_and(|kind| kind == "yaml")) {
            let text = std::fs::read_to_string(file).unwrap();
            keys(&yaml::read(&text).unwrap(), &mut found);
        }
    }
    assert!(200 < found.len());
    // The schema has types of its own, whose names begin with capitals.
    let is_setting = |key: &&String| key.starts_with(|c: char| c.is_ascii_lowercase());
    let hidden: Vec<&String> =
        found.iter().filter(is_setting).filter(|key| yaml::shown::name(key) != **key).collect();
    assert!(hidden.is_empty(), "{hidden:?}");
}
