//! What a right configuration means.

use otel_redact::gateway::config::Config;
use otel_redact::gateway::config::DEFAULT_YAML;
use otel_redact::gateway::config::ExtensionConfig;
use otel_redact::gateway::config::Loaded;
use otel_redact::gateway::config::ProcessorConfig;
use otel_redact::gateway::config::component::ComponentId;
use otel_redact::gateway::exporter;
use otel_redact::gateway::receiver;
use otel_redact::gateway::telemetry;
use otel_redact::scrub::yaml;

use crate::environment::Made;

fn load(configs: &[&str], sets: &[&str], environment: &Made) -> Loaded {
    let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    Config::load(&own(configs), &own(sets), environment).unwrap()
}

fn id(text: &str) -> ComponentId {
    ComponentId::try_from(text.to_owned()).unwrap()
}

const SMALL: &str = "
receivers: {otlp: {protocols: {grpc: }}}
processors: {scrubber: }
exporters: {nop: }
service: {pipelines: {traces: {receivers: [otlp], processors: [scrubber], exporters: [nop]}}}
";

#[test]
fn the_shipped_configuration_spells_out_the_defaults() {
    let Loaded { config, warnings } = load(&[], &[], &Made::default());
    assert_eq!(warnings, Vec::<String>::new());
    let receiver::Config::Otlp(otlp) = &config.receivers[&id("otlp")];
    assert_eq!(*otlp, yaml::read("protocols: {grpc: , http: }").unwrap());
    assert_eq!(config.service.telemetry, telemetry::Config::default());
    let Some(ExtensionConfig::HealthCheck(health)) = config.extensions.get(&id("health_check"))
    else {
        panic!("health_check is in the file");
    };
    assert_eq!(*health, telemetry::health::Config::default());
    let Some(ProcessorConfig::Scrubber(settings)) = config.processors.get(&id("scrubber")) else {
        panic!("scrubber is in the file");
    };
    assert_eq!(**settings, otel_redact::scrub::Settings::default());
    let pipelines: Vec<String> = config.service.pipelines.keys().map(ToString::to_string).collect();
    assert_eq!(pipelines, ["traces", "metrics", "logs", "profiles"]);
}

#[test]
fn later_places_are_laid_over_earlier_ones() {
    let environment = Made::new(
        &[("OVER", "processors: {batch: {timeout: 1s}}")],
        &[
            ("small.yaml", SMALL),
            (
                "over.yaml",
                "processors: {batch: {send_batch_size: 5}}\nservice: {pipelines: {traces: {processors: [scrubber, batch]}}}",
            ),
        ],
    );
    let Loaded { config, .. } = load(
        &[
            "small.yaml",
            "file:over.yaml",
            "env:OVER",
            "yaml:processors::batch::send_batch_max_size: 9",
        ],
        &["exporters.nop/2=", "service::pipelines::traces::exporters=[nop, nop/2]"],
        &environment,
    );
    let Some(ProcessorConfig::Batch(batch)) = config.processors.get(&id("batch")) else {
        panic!("batch is laid over");
    };
    assert_eq!(
        *batch,
        yaml::read("timeout: 1s\nsend_batch_size: 5\nsend_batch_max_size: 9").unwrap()
    );
    let traces = config.service.pipelines.values().next().unwrap();
    assert_eq!(traces.processors, [id("scrubber"), id("batch")]);
    assert_eq!(traces.exporters, [id("nop"), id("nop/2")]);
}

#[test]
fn null_settings_are_defaults_and_a_scalar_is_a_list_of_one() {
    let yaml = SMALL.replace("[otlp]", "otlp").replace("[nop]", "nop");
    let environment = Made::new(&[], &[("a.yaml", yaml.as_str())]);
    let Loaded { config, .. } =
        load(&["a.yaml"], &["service.telemetry.logs.level=null"], &environment);
    let receiver::Config::Otlp(otlp) = &config.receivers[&id("otlp")];
    assert!(otlp.protocols.grpc.is_some() && otlp.protocols.http.is_none());
    assert_eq!(config.service.telemetry, telemetry::Config::default());
}

#[test]
fn old_names_work_and_warn() {
    let yaml = SMALL.replace("nop", "otlp/b").replace("{otlp/b: }", "{otlp/b: {endpoint: 'x:1'}}");
    let environment = Made::new(&[], &[("a.yaml", yaml.as_str())]);
    let Loaded { config, warnings } = load(&["a.yaml"], &[], &environment);
    assert!(matches!(config.exporters[&id("otlp/b")], exporter::Config::OtlpGrpc(_)));
    assert_eq!(
        warnings,
        ["exporters.otlp/b: this name is old, write `otlp_grpc` at line 4, column 13 of a.yaml"]
    );
}

#[test]
fn both_spellings_of_the_collector_say_the_same() {
    let exporter = "nop: , otlp_http: {endpoint: 'http://x', headers: HEADERS}}";
    let with = |headers: &str, telemetry: &str| {
        SMALL
            .replace("nop: }", &exporter.replace("HEADERS", headers))
            .replace("service: {", &format!("service: {{telemetry: {{{telemetry}}}, "))
    };
    let older = with(
        "{a: b, c: '1'}",
        "metrics: {readers: [{pull: {exporter: {prometheus: {host: 0.0.0.0, port: 9}}}}]}, \
         resource: {team: shop, n: '7'}",
    );
    let newer = with(
        "[{name: a, value: b}, {name: c, value: '1'}]",
        "metrics: {address: ':9'}, resource: {schema_url: x, attributes: [\
         {name: team, value: shop}, {name: n, value: 7, type: int}]}",
    );
    let read = |yaml: &str| {
        let environment = Made::new(&[], &[("a.yaml", yaml)]);
        let Loaded { config, warnings } = load(&["a.yaml"], &[], &environment);
        (format!("{:?}", config.exporters), config.service.telemetry, warnings)
    };
    let ((exporters, telemetry, none), (others, other, warnings)) = (read(&older), read(&newer));
    assert_eq!((exporters, telemetry, none.len()), (others, other, 0));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("service.telemetry.metrics.address: this is old"));
}

#[test]
fn secrets_from_the_environment_are_not_printed() {
    let yaml = SMALL.replace(
        "nop: }",
        "nop: , otlp_http: {endpoint: 'http://x', headers: {api-key: '${env:KEY}'}}}",
    );
    let environment = Made::new(&[("KEY", "hunter2: #x")], &[("a.yaml", yaml.as_str())]);
    let Loaded { config, .. } = load(&["a.yaml"], &[], &environment);
    let printed = format!("{config:?}");
    assert!(printed.contains("[REDACTED]") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn unused_components_are_read_but_may_stay_unused() {
    let yaml = SMALL.replace("nop: }", "nop: , file/x: {path: /tmp/x}}");
    let environment = Made::new(&[], &[("a.yaml", yaml.as_str())]);
    assert_eq!(load(&["a.yaml"], &[], &environment).config.exporters.len(), 2);
    assert!(DEFAULT_YAML.contains("debug:"));
}

#[test]
fn rule_files_are_read_behind_the_rules_of_the_configuration() {
    let yaml = SMALL.replace(
        "scrubber: ",
        "scrubber: {rules: [{id: own, pattern: abcd}], rule_files: team.yaml}",
    );
    let files = |team: &str| Made::new(&[], &[("a.yaml", yaml.as_str()), ("team.yaml", team)]);
    let Loaded { config, .. } =
        load(&["a.yaml"], &[], &files("rules: [{id: team, keys: {exact: [pin]}}]"));
    let Some(ProcessorConfig::Scrubber(settings)) = config.processors.get(&id("scrubber")) else {
        panic!("scrubber is in the file");
    };
    let ids: Vec<&str> = settings.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["own", "team"]);
    let fault = |environment: &Made| {
        Config::load(&["a.yaml".to_owned()], &[], environment).unwrap_err().to_string()
    };
    assert_eq!(
        fault(&files("rules:\n  - pattern: x\n")),
        "processors.scrubber.rule_files[0].rules[0]: missing key `id` at line 2, column 5 of team.yaml"
    );
    assert_eq!(
        fault(&Made::new(&[], &[("a.yaml", yaml.as_str())])),
        "processors.scrubber.rule_files[0]: cannot read the rule file: no such file at line 3, column 72 of a.yaml"
    );
}
