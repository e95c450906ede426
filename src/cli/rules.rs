//! `rules`: which rules there are, and whether they hold what they say.

use std::io;
use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::closed_pipe;
use crate::cli::complain;
use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::prove;
use crate::scrub::rule::Rule;
use crate::scrub::rule::RuleFile;
use crate::scrub::rule::Sensitivity;
use crate::scrub::rule::glob::Glob;
use crate::scrub::rule::pack;
use crate::scrub::yaml;
use crate::scrub::yaml::YamlError;

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RulesCommand {
    /// Print the packed rules: id, severity, how they find (pattern, keys), what they find
    List,
    /// Run the examples and counterexamples of the packed rules, or of rule files
    Test {
        /// Rule files; none means the packed rules
        files: Vec<PathBuf>,
    },
}

/// Why the rules are not as they should be.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum RulesError {
    /// A file cannot be read, or the output not be written.
    #[error("{file}: {reason}")]
    Io {
        /// The file.
        file: String,
        /// Why.
        reason: io::Error,
    },
    /// A rule file is faulty.
    #[error("{file}: {fault}")]
    Rules {
        /// The file.
        file: String,
        /// The fault.
        fault: YamlError,
    },
    /// Some examples do not prove their rules.
    #[error("{count} of the examples do not hold")]
    Unproven {
        /// How many.
        count: usize,
    },
}

/// Runs the command.
///
/// # Errors
///
/// A faulty rule file, or examples that do not hold.
pub(in crate::cli) fn rules(command: &RulesCommand) -> Result<(), RulesError> {
    match command {
        RulesCommand::List => list(),
        RulesCommand::Test { files } => test(files),
    }
}

fn list() -> Result<(), RulesError> {
    let mut text = String::new();
    for (file, rule) in packed()? {
        let how = match (rule.pattern.is_some(), rule.keys.is_empty()) {
            (true, true) => "pattern",
            (true, false) => "keys + pattern",
            _ => "keys",
        };
        let note = match rule.sensitivity {
            Sensitivity::Publishable => " (runs only when enabled)",
            Sensitivity::Secret | Sensitivity::Identifier => "",
        };
        let Rule { id, description, severity, .. } = rule;
        let severity = format!("{severity:?}").to_lowercase();
        text.push_str(&format!("{id:<48} {severity:<9} {how:<15} {description}{note} [{file}]\n"));
    }
    print(&text)
}

fn test(files: &[PathBuf]) -> Result<(), RulesError> {
    let mut sources: Vec<(String, Vec<Rule>)> = Vec::new();
    if files.is_empty() {
        for (file, rule) in packed()? {
            match sources.last_mut() {
                Some((last, rules)) if *last == file => rules.push(rule),
                _ => sources.push((file, vec![rule])),
            }
        }
    }
    for path in files {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|reason| RulesError::Io { file: file.clone(), reason })?;
        sources.push((file.clone(), read(&file, &text)?.rules));
    }
    let mut count = 0;
    let mut proved = 0;
    for (file, rules) in sources {
        let fault = |fault| RulesError::Rules { file: file.clone(), fault };
        let own = if files.is_empty() { Vec::new() } else { rules.clone() };
        let settings = Settings { rules: own, enable: vec![Glob::any()], ..Settings::default() };
        let all = Scrubber::new(&settings).map_err(fault)?;
        let unproven = prove::prove(&rules, &all).map_err(fault)?;
        proved += rules.len();
        count += unproven.len();
        unproven.iter().for_each(|failure| complain(&format!("{file}: {failure}")));
    }
    print(&format!("{proved} rules tested, {count} examples that do not hold\n"))?;
    if 0 < count { Err(RulesError::Unproven { count }) } else { Ok(()) }
}

/// The packed rules with the names of their files.
fn packed() -> Result<Vec<(String, Rule)>, RulesError> {
    let mut rules = Vec::new();
    for (file, text) in pack::packs() {
        let read = read(file, text)?.rules;
        rules.extend(read.into_iter().map(|rule| ((*file).to_owned(), rule)));
    }
    Ok(rules)
}

fn read(file: &str, text: &str) -> Result<RuleFile, RulesError> {
    yaml::read(text).map_err(|fault| RulesError::Rules { file: file.to_owned(), fault })
}

fn print(text: &str) -> Result<(), RulesError> {
    io::stdout()
        .write_all(text.as_bytes())
        .or_else(closed_pipe)
        .map_err(|reason| RulesError::Io { file: "stdout".to_owned(), reason })
}
