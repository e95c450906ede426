//! `rules`: which rules there are, and whether they hold what they say.

mod bench;
mod fields;
mod import;
mod packed;
mod reference;
mod schema;

use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

use clap::Subcommand;

use crate::cli::ConfigArgs;
use crate::cli::closed_pipe;
use crate::cli::complain;
use crate::gateway::config::ConfigError;
use crate::scrub::ScrubError;
use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::prove;
use crate::scrub::rule::Rule;
use crate::scrub::rule::RuleFile;
use crate::scrub::rule::glob::Glob;
use crate::scrub::yaml;
use crate::scrub::yaml::YamlError;

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum RulesCommand {
    /// Print the packed rules: id, severity, how they find (pattern, keys), what they find
    List {
        /// As a page in Markdown, with anchors, keys and sources
        #[arg(long)]
        markdown: bool,
    },
    /// Run the examples and counterexamples of the packed rules, or of rule files
    Test {
        /// Rule files; none means the packed rules
        files: Vec<PathBuf>,
    },
    /// What each rule looks at, finds and costs, on a sample
    Bench(bench::BenchArgs),
    /// Turn the rules of a Gitleaks or Betterleaks configuration into a rule file on stdout,
    /// and say on stderr what could not be carried over
    Import {
        /// The configuration, in TOML
        file: PathBuf,
    },
    /// Print the JSON Schema of rule files, for editors
    Schema {
        /// That of the scrubbers in a configuration instead
        #[arg(long)]
        configuration: bool,
    },
    /// Print the reference of the rule language, in Markdown
    Reference,
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
    /// The configuration is at fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A request of a sample cannot be scrubbed.
    #[error("a request of the sample: {0}")]
    Sample(#[from] ScrubError),
    /// A file is no TOML, or not of the kind that was expected.
    #[error("{file}: line {line}: {reason}")]
    Toml {
        /// The file.
        file: String,
        /// Which line, from 1.
        line: usize,
        /// Why.
        reason: String,
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
pub(in crate::cli) fn rules(config: &ConfigArgs, command: &RulesCommand) -> Result<(), RulesError> {
    match command {
        RulesCommand::List { markdown: false } => print(&packed::lines()?),
        RulesCommand::List { markdown: true } => print(&packed::page()?),
        RulesCommand::Test { files } => test(files),
        RulesCommand::Bench(args) => print(&bench::bench(config, args)?),
        RulesCommand::Import { file } => import(file),
        RulesCommand::Schema { configuration } => {
            let schema = match configuration {
                true => schema::of_configurations(),
                false => schema::of_rule_files(),
            };
            print(&format!("{schema:#}\n"))
        }
        RulesCommand::Reference => print(&reference::page()),
    }
}

fn test(files: &[PathBuf]) -> Result<(), RulesError> {
    let mut sources: Vec<(String, Vec<Rule>)> = Vec::new();
    if files.is_empty() {
        for (file, rule) in packed::rules()? {
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

fn import(path: &Path) -> Result<(), RulesError> {
    let import = import::import(path)?;
    import.lost.iter().for_each(|what| complain(what));
    complain(&format!("{} of {} rules imported", import.rules, import.rules_before));
    print(&import.yaml)
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
