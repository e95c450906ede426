//! What a faulty rule is told, word for word: path, line, column, what was expected, the
//! closest match, and of a pattern the character in it.

use otel_redact::gateway::config::Config;
use otel_redact::gateway::config::ProcessorConfig;
use otel_redact::gateway::processors;
use otel_redact::scrub::prove;

use crate::environment::Made;

const BEFORE: &str = "receivers: {otlp: {protocols: {grpc: }}}
exporters: {nop: }
service: {pipelines: {traces: {receivers: [otlp], processors: [scrubber], exporters: [nop]}}}
processors:
  scrubber:
";

/// Settings of the scrubber that are wrong, from line 6 on; and the fault behind
/// `processors.scrubber.`.
const CASES: &[(&str, &str)] = &[
    (
        "rules:\n  - id: a\n    patern: abcd",
        "rules[0].patern: unknown key at line 8, column 9 of a.yaml; did you mean `pattern`? closest: pattern, where, action",
    ),
    ("rules:\n  - pattern: abcd", "rules[0]: missing key `id` at line 7, column 9 of a.yaml"),
    (
        "rules:\n  - id: A b\n    pattern: abcd",
        "rules[0].id: expected up to 64 lower-case letters, digits and hyphens at line 7, column 13 of a.yaml",
    ),
    (
        "rules:\n  - {id: a, pattern: abcd}\n  - {id: a, pattern: efgh}",
        "rules[1].id: expected an id that no other rule has at line 8, column 14 of a.yaml",
    ),
    (
        "rules:\n  - id: a",
        "rules[0].id: expected a `pattern`, `keys`, or both at line 7, column 13 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'abc('",
        "rules[0].pattern: unclosed group at character 4 of the pattern at line 8, column 18 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'abc[z-a]'",
        "rules[0].pattern: invalid character class range, the start must be <= the end at character 5 of the pattern at line 8, column 18 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'abcd{4,2}'",
        "rules[0].pattern: invalid repetition count range, the start must be <= the end at character 5 of the pattern at line 8, column 18 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: '(?<secret>abcd)(?=x)'",
        "rules[0].pattern: look-around, including look-ahead and look-behind, is not supported at character 16 of the pattern at line 8, column 18 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: '(abcd)?'",
        "rules[0].pattern: expected a pattern that does not match the empty text at line 8, column 18 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: '[0-9a-f]{32}'",
        "rules[0].pattern: expected `anchors` (literals that every match holds) or `keys`, because the pattern begins with no literal and would run at every byte at line 8, column 18 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'ab[0-9]{8}'\n    anchors: [ab]",
        "rules[0].pattern: expected anchors of 3 bytes or more, this one has 2; give others as `anchors`, or `keys` at line 8, column 18 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'abcd(([a-z]{1,100}){1,100}){1,100}'",
        "rules[0].pattern: expected a pattern that compiles to 4194304 bytes or less, without a repetition of a repetition at line 8, column 18 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    validate: [{checksum: crc32-base62}]",
        "rules[0].validate[0].checksum: unknown checksum at line 9, column 31 of a.yaml; did you mean `crc32-base62-6`? accepted: ado-pat, base58check, crc32-base62-6, crc32-base36-7, crc32-hex8, crc32-hex8-upper, crc32-le-base64-6, marvin32, marvin32-url, cask, aad, bech32-age, strkey",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    validate: [{structure: jwtt}]",
        "rules[0].validate[0].structure: unknown structure at line 9, column 32 of a.yaml; did you mean `jwt`? accepted: jwt, jwe, basic, random",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    validate: [{has: [digits]}]",
        "rules[0].validate[0].has[0]: unknown class at line 9, column 27 of a.yaml; did you mean `digit`? accepted: digit, upper, lower, letter",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    validate: [{entropy: 3}]",
        "rules[0].validate[0].entropy: unknown key at line 9, column 21 of a.yaml; accepted: checksum, entropy-min, structure, has, not",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    validate: [{entropy-min: 9}]",
        "rules[0].validate[0].entropy-min: expected 0 to 8 bits a character at line 9, column 34 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    validate: [{not: [abcd, 'ab(']}]",
        "rules[0].validate[0].not[1]: unclosed group at character 3 of the pattern at line 9, column 33 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    validate: [checksum]",
        "rules[0].validate[0]: expected a map of one key, found a name alone at line 9, column 20 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'abcd(?<secert>[0-9]{8})'",
        "rules[0].pattern: expected no named group but `(?<secret>…)`, which is what is masked, at character 5 of the pattern at line 8, column 18 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: '\\[redacted:[a-z-]+\\]'",
        "rules[0].pattern: expected a pattern that does not match the masks of other rules, such as [redacted:some-rule] and **** at line 8, column 18 of a.yaml; let it begin with what only the secret begins with",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    value: password",
        "rules[0].value: expected `keys` beside it: it says what of a value under them is secret at line 9, column 16 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    keys: {exact: [pin, '--']}",
        "rules[0].keys.exact[1]: expected a name with a letter or a digit in it at line 8, column 29 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    examples: [{keys: a, text: abcd}]",
        "rules[0].examples[0].keys: unknown key at line 9, column 21 of a.yaml; did you mean `key`? accepted: key, text",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    examples: [1234]",
        "rules[0].examples[0]: expected a string, or a map of `key` and `text`, found an integer at line 9, column 20 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'abcd[0-9]{4}'\n    near: {words: [acme]}\n    examples: ['abcd{digits:4}']",
        "rules[0].examples[0]: the rule finds nothing in it: no word of `near` is near at line 10, column 20 of a.yaml; change the rule or the example",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'abcd[0-9]{4}'\n    allow:\n      - {pattern: abcd0000, owner: ' ', reason: x}",
        "rules[0].allow[0].owner: expected who answers for it at line 10, column 40 of a.yaml",
    ),
    (
        "allow:\n  - {path: '*', owner: me, reason: x}",
        "allow[0]: expected a fingerprint, pattern, key or path, or a service together with rules: anything else leaves too much at line 7, column 9 of a.yaml",
    ),
    (
        "allow:\n  - {pattern: '.+', owner: me, reason: x}",
        "allow[0]: expected a fingerprint, pattern, key or path, or a service together with rules: anything else leaves too much at line 7, column 9 of a.yaml",
    ),
    (
        "shadow: {disable: [jwtt]}",
        "shadow.disable[0]: no packed rule has this name, or one of this form at line 6, column 24 of a.yaml; did you mean `jwt`? closest: jwt, paseto, biscuit",
    ),
    (
        "shadow: {rules: [{id: a, pattern: 'abcd[0-9]{4}', examples: [abcd]}]}",
        "shadow.rules[0].examples[0]: the rule finds nothing in it at line 6, column 66 of a.yaml; change the rule or the example",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    severity: hihg",
        "rules[0].severity: unknown value at line 9, column 19 of a.yaml; did you mean `high`? accepted: low, medium, high, critical",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    action: remove-atribute",
        "rules[0].action: unknown value at line 9, column 17 of a.yaml; did you mean `remove-attribute`? accepted: mask, fingerprint, partial, remove-attribute, drop-record, refuse-request, tag, route",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    mask: labels",
        "rules[0].mask: unknown value at line 9, column 15 of a.yaml; did you mean `label`? accepted: label, fixed, partial, fingerprint, structure",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    where:\n      signals: [log]",
        "rules[0].where.signals[0]: unknown value at line 10, column 21 of a.yaml; did you mean `logs`? accepted: traces, metrics, logs, profiles",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    where:\n      places: [attribute]",
        "rules[0].where.places[0]: unknown place at line 10, column 20 of a.yaml; did you mean `attributes`? closest: attributes, metadata, text",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    where: {service: x}",
        "rules[0].where.service: unknown key at line 9, column 17 of a.yaml; accepted: signals, places, attributes, resource, scope",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    where: {}",
        "rules[0].where: expected at least one of signals, places, attributes, resource, scope at line 9, column 16 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    near: {words: []}",
        "rules[0].near.words: expected at least one word at line 9, column 23 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    near: {words: [x], within: 0}",
        "rules[0].near.within: expected 1 to 4096 bytes at line 9, column 36 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    allow: [{pattern: abcd, owner: me}]",
        "rules[0].allow[0]: missing key `reason` at line 9, column 17 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    allow:\n      - {owner: me, reason: x}",
        "rules[0].allow[0]: expected a fingerprint, pattern, key or path, or a service together with rules: anything else leaves too much at line 10, column 13 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    allow:\n      - {pattern: abcd, owner: me, reason: x, expires: 2026-02-30}",
        "rules[0].allow[0].expires: expected a day such as 2026-12-31 at line 10, column 60 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    allow:\n      - {fingerprint: abcd, owner: me, reason: x}",
        "rules[0].allow[0].fingerprint: expected a fingerprint as `explain` shows it, such as 1f2e:3d4c5b6a79881f2e at line 10, column 27 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    pattern: abcd\n    dry_run: yes",
        "rules[0].dry_run: expected true or false, found a string at line 9, column 18 of a.yaml",
    ),
    (
        "rules:\n  - id: a\n    keys: {exakt: [x]}",
        "rules[0].keys.exakt: unknown key at line 8, column 16 of a.yaml; did you mean `exact`? accepted: exact, suffix, prefix, word",
    ),
    (
        "rules:\n  - id: a\n    keys: {exact: [pin]}\n    value: passwort",
        "rules[0].value: unknown value at line 9, column 16 of a.yaml; did you mean `password`? accepted: whole, password, credential, authorization, cookie, set-cookie, connection, list, url-path",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'abcd[0-9]{4}'\n    examples: ['abcd{digits:3}']",
        "rules[0].examples[0]: the rule finds nothing in it: its anchor stands here, and what is around it does not match the pattern at line 9, column 20 of a.yaml; change the rule or the example",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'abcd[0-9]{4}'\n    counterexamples: ['abcd{digits:4}']",
        "rules[0].counterexamples[0]: the rule finds something in it at line 9, column 27 of a.yaml; change the rule or the example",
    ),
    (
        "rules:\n  - id: a\n    pattern: 'abcd[0-9]{4}'\n    examples: ['abcd{digit:4}']",
        "rules[0].examples[0]: unknown directive at byte 4 at line 9, column 20 of a.yaml; change the rule or the example",
    ),
    (
        "extend:\n  - {rules: [jwt], keys: {exact: [x]}}",
        "extend[0].keys: `jwt` has no keys that more could be added to at line 7, column 30 of a.yaml",
    ),
    (
        "allow:\n  - {service: shop, owner: me, reason: x}",
        "allow[0]: expected a fingerprint, pattern, key or path, or a service together with rules: anything else leaves too much at line 7, column 9 of a.yaml",
    ),
    (
        "mask: fingerprint",
        "fingerprint_key: expected a key of 16 bytes or more, given as ${env:NAME} or ${file:PATH}, for `mask: fingerprint` at line 6, column 5 of a.yaml",
    ),
    (
        "mask: fingerprint\nfingerprint_key: short",
        "fingerprint_key: expected a key of 16 bytes or more, given as ${env:NAME} or ${file:PATH} at line 7, column 22 of a.yaml",
    ),
    (
        "min_confidence: sure",
        "min_confidence: unknown value at line 6, column 21 of a.yaml; accepted: low, medium, high",
    ),
    (
        "shadow: {sample_ratio: 2}",
        "shadow.sample_ratio: expected a share from 0 to 1 at line 6, column 28 of a.yaml",
    ),
    (
        "shadow: {rulez: []}",
        "shadow.rulez: unknown key at line 6, column 14 of a.yaml; did you mean `rules`? accepted: rules, rule_files, extend, allow, disable, sample_ratio",
    ),
    (
        "rule: []",
        "rule: unknown key at line 6, column 5 of a.yaml; did you mean `rules`? closest: rules, route, enable",
    ),
];

fn check(settings: &str) -> Result<(), String> {
    let lines = settings.lines().map(|line| format!("    {line}\n"));
    let yaml = format!("{BEFORE}{}", lines.collect::<String>());
    let environment = Made::new(&[], &[("a.yaml", &yaml)]);
    let loaded = Config::load(&["a.yaml".to_owned()], &[], &environment);
    let config = loaded.map_err(|fault| fault.to_string())?.config;
    processors::build(&config).map_err(|fault| fault.to_string())?;
    for (id, processor) in &config.processors {
        if let ProcessorConfig::Scrubber(settings) = processor {
            let checked = prove::check(settings);
            checked.map_err(|fault| fault.within(&format!("processors.{id}")).to_string())?;
        }
    }
    Ok(())
}

#[test]
fn a_faulty_rule_is_told_where_it_is_and_what_was_expected() {
    let mut failures = Vec::new();
    for (settings, fault) in CASES {
        let got = check(settings);
        let fault = format!("processors.scrubber.{fault}");
        if got != Err(fault.clone()) {
            failures.push(format!("{settings}\n  expected {fault}\n  got      {got:?}"));
        }
    }
    assert!(25 <= CASES.len());
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn a_rule_that_leaves_a_value_by_its_fingerprint_is_sound() {
    let entry = "{fingerprint: '4bf6:d67d2528f963d266', owner: me, reason: x}";
    let settings = format!(
        "fingerprint_key: 0123456789abcdef0123\nrules:\n  - id: a\n    pattern: 'abcd[0-9]{{4}}'\n    \
         examples: ['abcd{{digits:4}}']\n    allow: [{entry}]"
    );
    assert_eq!(check(&settings), Ok(()));
}

#[test]
fn a_sound_rule_is_told_nothing() {
    assert_eq!(
        check("rules:\n  - {id: a, pattern: 'abcd[0-9]{4}', examples: ['abcd{digits:4}']}"),
        Ok(())
    );
}
