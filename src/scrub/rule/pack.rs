//! The rule files that ship inside the binary.
//!
//! `build.rs` lists `config/rules/`; a file that is put there is in the pack.
//! The tests below hold every rule to its proof.

include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// The file names and texts of `config/rules/`, in the order of their names.
pub fn packs() -> &'static [(&'static str, &'static str)] {
    PACKS
}

#[cfg(test)]
mod tests {
    use super::packs;
    use crate::scrub::detector::escaped_quotes;
    use crate::scrub::rule::Example;
    use crate::scrub::rule::Keys;
    use crate::scrub::rule::Rule;
    use crate::scrub::rule::RuleFile;
    use crate::scrub::rule::Validator;
    use crate::scrub::rule::template::expand;
    use crate::scrub::rule::validator;
    use crate::scrub::yaml;
    use regex_automata::Anchored;
    use regex_automata::Input;
    use regex_automata::meta;
    use regex_automata::util::syntax;
    use std::collections::HashSet;

    /// The largest automaton of one rule, in bytes.
    const NFA_BYTES_MAX: usize = 512 * 1024;
    const SEEDS: u64 = 20;

    fn rules() -> Vec<(&'static str, Rule)> {
        let mut rules = Vec::new();
        for (file, text) in packs() {
            let pack: RuleFile = yaml::read(text).unwrap_or_else(|fault| panic!("{file}: {fault}"));
            rules.extend(pack.rules.into_iter().map(|rule| (*file, rule)));
        }
        assert!(!rules.is_empty(), "no packs");
        rules
    }

    fn compile(pattern: &str) -> meta::Regex {
        meta::Builder::new()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .configure(meta::Config::new().nfa_size_limit(Some(NFA_BYTES_MAX)).utf8_empty(false))
            .build(pattern)
            .unwrap_or_else(|err| panic!("{pattern}: {err} {err:?}"))
    }

    /// The rule's pattern, free and as a whole value.
    fn patterns(rule: &Rule) -> Option<(meta::Regex, meta::Regex)> {
        let pattern = rule.pattern.as_ref()?;
        Some((compile(pattern), compile(&format!("^(?:{pattern})$"))))
    }

    fn keyed_only(rule: &Rule) -> bool {
        rule.keys != Keys::default() && rule.anchors.is_empty()
    }

    /// The slow obvious detector: every match of the pattern, its borders, its
    /// validators.
    fn finds<'a>(rule: &Rule, regex: &meta::Regex, text: &'a str) -> Option<&'a [u8]> {
        let bytes = text.as_bytes();
        let mut start = 0;
        while start <= bytes.len() {
            let mut captures = regex.create_captures();
            let input = Input::new(bytes).range(start..).anchored(Anchored::No);
            regex.captures(input, &mut captures);
            let found = captures.get_match()?;
            // An edge that is no token character itself needs no border.
            let glued = |byte: Option<&u8>| {
                byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
            };
            let before = found.start().checked_sub(1).and_then(|at| bytes.get(at));
            let hyphen = before == Some(&b'-');
            let starts_inside = glued(bytes.get(found.start())) && (glued(before) || hyphen);
            let last = found.end().checked_sub(1).and_then(|at| bytes.get(at));
            let ends_inside = glued(last) && glued(bytes.get(found.end()));
            let secret = &bytes[captures.get_group_by_name("secret").unwrap_or(found.span())];
            if !starts_inside
                && !ends_inside
                && !validator::is_placeholder(secret)
                && rule.validate.iter().all(|check| passes(check, secret))
            {
                return Some(secret);
            }
            start = found.start() + 1;
        }
        None
    }

    fn passes(check: &Validator, candidate: &[u8]) -> bool {
        match check {
            // A failed checksum never unmasks, but the name must be known.
            Validator::Checksum(_) => true,
            Validator::EntropyMin(min) => *min <= validator::entropy(candidate),
            Validator::Structure(name) => {
                validator::structure(name, candidate).unwrap_or_else(|| panic!("structure {name}"))
            }
            Validator::Has(classes) => classes.iter().all(|class| {
                candidate.iter().any(|byte| match class.as_str() {
                    "digit" => byte.is_ascii_digit(),
                    "upper" => byte.is_ascii_uppercase(),
                    "lower" => byte.is_ascii_lowercase(),
                    "letter" => byte.is_ascii_alphabetic(),
                    other => panic!("class {other}"),
                })
            }),
            Validator::Not(patterns) => !patterns
                .iter()
                .any(|pattern| compile(&format!("^(?:{pattern})$")).is_match(candidate)),
        }
    }

    #[test]
    fn every_rule_has_a_name_a_source_and_its_proof() {
        let mut ids = HashSet::new();
        for (file, rule) in rules() {
            let id = &rule.id;
            assert!(ids.insert(id.clone()), "{file}: {id} twice");
            let kebab = id.split('-').all(|word| {
                !word.is_empty()
                    && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
            });
            assert!(kebab, "{file}: {id} is not in kebab case");
            assert!(!rule.description.is_empty(), "{file}: {id} has no description");
            assert!(!rule.source.is_empty(), "{file}: {id} has no source");
            assert!(!rule.examples.is_empty(), "{file}: {id} has no example");
            assert!(!rule.counterexamples.is_empty(), "{file}: {id} has no counterexample");
            assert!(rule.pattern.is_some() || keyed_only(&rule), "{file}: {id} finds nothing");
        }
    }

    #[test]
    fn every_pattern_finds_its_examples_and_none_of_its_counterexamples() {
        let mut faults = Vec::new();
        for (file, rule) in rules() {
            let Some((free, whole)) = patterns(&rule) else { continue };
            for (expected, examples) in [(true, &rule.examples), (false, &rule.counterexamples)] {
                for example in examples {
                    for seed in 0..SEEDS {
                        let (key, template) = match example {
                            Example::Text(text) => (None, text),
                            Example::Keyed { key, text } => (Some(key), text),
                        };
                        let text = expand(template, seed)
                            .unwrap_or_else(|fault| panic!("{file}: {}: {fault}", rule.id));
                        // A rule with keys looks at the values of those keys only.
                        let found = match (keyed_only(&rule), key) {
                            (false, _) => finds(&rule, &free, &text).is_some(),
                            // The key stands in the text: `prove` looks for it.
                            (true, None) => expected,
                            (true, Some(_)) => finds(&rule, &whole, &text).is_some(),
                        };
                        if found != expected {
                            faults.push(format!("{file}: {}: {found} for {text}", rule.id));
                            break;
                        }
                    }
                }
            }
        }
        assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    }

    #[test]
    fn every_match_holds_an_anchor() {
        let mut faults = Vec::new();
        for (file, rule) in rules() {
            let Some(pattern) = &rule.pattern else { continue };
            if keyed_only(&rule) {
                continue;
            }
            if rule.anchors.is_empty() {
                faults.push(format!("{file}: {} has no anchor", rule.id));
            }
            let caseless = pattern.starts_with("(?i)");
            let fold = |text: &str| match caseless {
                true => text.to_ascii_lowercase(),
                false => text.to_owned(),
            };
            for example in &rule.examples {
                let Example::Text(template) = example else { continue };
                for seed in 0..SEEDS {
                    let text = fold(&expand(template, seed).expect("sound"));
                    let holds = |anchor: &String| {
                        let anchor = fold(anchor).into_bytes();
                        let escaped = escaped_quotes(&anchor);
                        let mut all = std::iter::once(anchor).chain(escaped);
                        all.any(|one| memchr::memmem::find(text.as_bytes(), &one).is_some())
                    };
                    if !rule.anchors.iter().any(holds) {
                        faults.push(format!("{file}: {}: no anchor in {text}", rule.id));
                    }
                }
            }
        }
        assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    }

    #[test]
    fn every_checksum_is_known_and_holds_in_an_example() {
        for (file, rule) in rules() {
            for check in &rule.validate {
                let Validator::Checksum(name) = check else { continue };
                let verdicts: Vec<_> = rule
                    .examples
                    .iter()
                    .map(|example| {
                        let (Example::Text(text) | Example::Keyed { text, .. }) = example;
                        let text = expand(text, 1).expect("sound");
                        validator::checksum(name, text.as_bytes())
                    })
                    .collect();
                // No template makes these two: one is scattered, one needs long division.
                let made = !matches!(name.as_str(), "ado-pat" | "base58check");
                let holds = verdicts.contains(&Some(true));
                assert!(verdicts.iter().any(Option::is_some), "{file}: {}: {name}", rule.id);
                assert!(holds || !made, "{file}: {}: {name} fails", rule.id);
            }
        }
    }

    /// Scrubbing twice must be scrubbing once, and the repository must trip no
    /// scanner.
    #[test]
    fn no_pattern_finds_a_mask_or_a_rule_file() {
        let rules = rules();
        let masks: String =
            rules.iter().map(|(_, rule)| format!(" [redacted:{}]", rule.id)).collect();
        let mut faults = Vec::new();
        for (file, rule) in &rules {
            let Some((free, _)) = patterns(rule) else { continue };
            if keyed_only(rule) {
                continue;
            }
            for (name, text) in packs().iter().copied().chain([("masks", masks.as_str())]) {
                // A rule file holds templates where a text has its secret.
                let found = finds(rule, &free, text).filter(|secret| !secret.contains(&b'{'));
                if found.is_some_and(|secret| name == "masks" || validator::looks_random(secret)) {
                    faults.push(format!("{file}: {} finds something in {name}", rule.id));
                }
            }
        }
        assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    }
}
