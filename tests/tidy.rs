//! Holds the sources to the house rules that `grep` can read: which floor may use
//! which, what the pure half must not touch, and how files are laid out.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use otel_redact::scrub::rule::RuleFile;
use otel_redact::scrub::rule::pack::packs;
use otel_redact::scrub::yaml;

/// From the top down, as `src/lib.rs` draws them. Modules on one line do not use
/// each other. A module stands on the floor of its longest prefix here.
const FLOORS: &[&[&str]] = &[
    &["cli"],
    &["gateway"],
    &["gateway::receiver"],
    &["gateway::pipeline"],
    &["gateway::exporter"],
    &["gateway::queue"],
    &["gateway::config", "gateway::telemetry"],
    &["scrub"],
    &["scrub::chain"],
    &["scrub::scrubber", "scrub::redaction", "scrub::actions", "scrub::ottl"],
    &["scrub::detector", "scrub::matching"],
    &["scrub::scrubbed"],
    &["scrub::otlp", "scrub::rule"],
    &["scrub::yaml", "scrub::re2"],
    &["scrub::random"],
];

/// Uses that point up, each with its reason.
const UPWARD_ALLOWED: &[(&str, &str, &str)] = &[
    ("gateway::config", "gateway::receiver", "settings stand beside their component"),
    ("gateway::config", "gateway::pipeline", "settings stand beside their component"),
    ("gateway::config", "gateway::exporter", "settings stand beside their component"),
    ("gateway::config", "gateway::queue", "settings stand beside their component"),
    ("gateway::telemetry", "gateway::config", "durations are spelled in one place"),
    ("gateway::config", "gateway::telemetry", "settings stand beside their component"),
];

/// What the pure half must not name.
const IMPURE: &[&str] = &[
    "tokio",
    "std::fs",
    "std::net",
    "std::env",
    "std::thread",
    "std::process",
    "Instant",
    "SystemTime",
    "hyper",
];

const LINES_MAX: usize = 500;

struct Source {
    path: PathBuf,
    /// `gateway::config::read`
    module: String,
    text: String,
}

impl Source {
    /// Lines without comments, up to the tests at the end of the file.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let numbered = self.text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        numbered
            .take_while(|(_, line)| *line != "#[cfg(test)]" && !line.starts_with("#[cfg(all(test"))
            .filter(|(_, line)| !line.starts_with("//"))
    }

    fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inner = path.strip_prefix(&root).unwrap().with_extension("");
                let parts: Vec<&str> = inner.iter().map(|part| part.to_str().unwrap()).collect();
                let text = std::fs::read_to_string(&path).unwrap();
                found.push(Source { path, module: parts.join("::"), text });
            }
        }
    }
    assert!(10 < found.len(), "the sources are where they are looked for");
    found
}

fn failures(check: impl Fn(&Source, &mut Vec<String>)) -> Vec<String> {
    let mut failures = Vec::new();
    sources().iter().for_each(|source| check(source, &mut failures));
    failures
}

#[track_caller]
fn assert_none(failures: &[String]) {
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// The floor of a module, and the prefix that put it there.
fn floor(module: &str) -> Option<(usize, &'static str)> {
    let on_floor = |prefix: &str| module == prefix || module.starts_with(&format!("{prefix}::"));
    FLOORS
        .iter()
        .enumerate()
        .flat_map(|(at, floor)| floor.iter().map(move |prefix| (at, *prefix)))
        .filter(|(_, prefix)| on_floor(prefix))
        .max_by_key(|(_, prefix)| prefix.len())
}

#[test]
fn a_use_points_down() {
    assert_none(&failures(|source, failures| {
        let Some((from, from_prefix)) = floor(&source.module) else {
            return;
        };
        for (line, code) in source.code() {
            let code = code.strip_prefix("pub ").unwrap_or(code);
            let Some(used) = code.strip_prefix("use crate::") else {
                continue;
            };
            let Some((to, to_prefix)) = floor(used.trim_end_matches(';')) else {
                continue;
            };
            // The root of a half holds the words that all of it speaks (a signal, a
            // request, an answer) and the modules that stand on no floor.
            let word = !to_prefix.contains("::") && from_prefix.starts_with(to_prefix);
            let climbs = to < from || (to == from && to_prefix != from_prefix);
            let allowed =
                UPWARD_ALLOWED.iter().any(|(a, b, _)| *a == from_prefix && *b == to_prefix);
            if climbs && !word && !allowed {
                failures.push(format!("{}: {} uses {used}", source.at(line), source.module));
            }
        }
    }));
}

/// A line without what stands in quotes.
fn without_texts(code: &str) -> String {
    code.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

#[test]
fn the_pure_half_touches_nothing_outside() {
    assert_none(&failures(|source, failures| {
        if source.module != "scrub" && !source.module.starts_with("scrub::") {
            return;
        }
        for (line, code) in source.code() {
            let code = without_texts(code);
            let words: BTreeSet<&str> =
                code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let names = |impure: &&&str| match impure.contains("::") {
                true => code.contains(**impure),
                false => words.contains(**impure),
            };
            if let Some(impure) = IMPURE.iter().find(names) {
                failures.push(format!("{}: `{impure}` in the pure half", source.at(line)));
            }
        }
    }));
}

#[test]
fn paths_are_written_so_that_grep_can_read_them() {
    assert_none(&failures(|source, failures| {
        if source.module.ends_with("::tests") {
            return;
        }
        for (line, code) in source.code() {
            if code.contains("super::") {
                failures.push(format!("{}: `super::` outside tests", source.at(line)));
            }
            if code.contains("use crate::") && code.contains('{') {
                failures
                    .push(format!("{}: more than one path in a `use crate::`", source.at(line)));
            }
        }
    }));
}

#[test]
fn files_are_short_named_and_introduced() {
    assert_none(&failures(|source, failures| {
        let lines = source.text.lines().count();
        if LINES_MAX < lines {
            failures.push(format!("{}: {lines} lines, at most {LINES_MAX}", source.path.display()));
        }
        if source.path.file_name().is_some_and(|name| name == "mod.rs") {
            failures.push(format!("{}: foo.rs and foo/, never mod.rs", source.path.display()));
        }
        if !source.text.starts_with("//! ") {
            failures.push(format!("{}: no module doc", source.path.display()));
        }
    }));
}

#[test]
fn the_readme_tells_what_ci_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (readme, ci) = (read("README.md"), read(".ci/run"));
    assert!(readme.lines().any(|line| line.starts_with("cargo test ")));
    assert!(ci.lines().any(|line| line == "step cargo test"));
    let version = format!("{} or newer", env!("CARGO_PKG_RUST_VERSION"));
    assert!(readme.contains(&version) && ci.contains(&version), "{version}");
}

/// One row for each pack: what the first sentence of its file says, and how many
/// rules it has.
fn table_of_packs() -> String {
    let mut rows = String::new();
    let mut total = 0;
    for (file, text) in packs() {
        let rules = yaml::read::<RuleFile>(text).unwrap().rules.len();
        let comment: Vec<&str> =
            text.lines().map_while(|line| line.strip_prefix('#')).map(str::trim).collect();
        let comment = comment.join(" ");
        let about = comment.split(['.', ':']).next().unwrap();
        rows += &format!("| {about} | [`{file}`](config/rules/{file}) | {rules} |\n");
        total += rules;
    }
    format!("| what | file | {total} rules |\n|---|---|--:|\n{rows}")
}

#[test]
fn the_readme_tells_what_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let table = table_of_packs();
    assert!(readme.contains(&format!("\n\n{table}\n")), "README.md has to hold\n\n{table}");
}
