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
use crate::cli::scrub::settings;
use crate::gateway::config::ConfigError;
use crate::gateway::config::environment;
use crate::gateway::config::environment::Environment;
use crate::scrub::ScrubError;
use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::fingerprint::FingerprintKey;
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
        /// Rule files, all together, beside the rules of the configuration; none means the
        /// packed rules
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
    /// A rule file cannot be read.
    #[error("{file}: cannot read the rule file: {reason}")]
    File {
        /// The file.
        file: String,
        /// Why.
        reason: String,
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
        RulesCommand::Test { files } if files.is_empty() => test_packed(),
        RulesCommand::Test { files } => test_files(config, files),
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

fn test_packed() -> Result<(), RulesError> {
    let packed = packed::rules()?;
    let rules: Vec<Rule> = packed.into_iter().map(|(_, rule)| rule).collect();
    let settings = Settings { enable: vec![Glob::any()], ..Settings::default() };
    let all = Scrubber::new(&settings).map_err(ConfigError::Fault)?;
    test(&rules, &all)
}

/// Tests rule files as a gateway would have them: what they extend is there, too.
fn test_files(config: &ConfigArgs, files: &[PathBuf]) -> Result<(), RulesError> {
    let (_, mut settings) = settings(config)?;
    let mut read = Vec::new();
    for path in files {
        let name = path.display().to_string();
        let text = environment::Process.file(&name).map_err(|error| RulesError::File {
            file: name.clone(),
            reason: environment::reason(&error),
        })?;
        let node = yaml::parse(&text, Some(name.into())).map_err(ConfigError::Fault)?;
        let file: RuleFile = node.read("").map_err(ConfigError::Fault)?;
        settings.rules.retain(|old| !file.rules.iter().any(|rule| rule.id == old.id));
        read.push((file, node));
    }
    let before = settings.rules.len();
    for (file, node) in read {
        settings.add(file, "", &node);
    }
    if settings.fingerprint_key.is_empty() {
        settings.fingerprint_key = FingerprintKey::of_nobody();
    }
    let all = Scrubber::new(&settings).map_err(ConfigError::Fault)?;
    all.compile_all().map_err(ConfigError::Fault)?;
    test(all.rules().get(before..settings.rules.len()).unwrap_or_default(), &all)
}

fn test(rules: &[Rule], all: &Scrubber) -> Result<(), RulesError> {
    let unproven = prove::prove(rules, all).map_err(ConfigError::Fault)?;
    unproven.iter().for_each(|failure| complain(&failure.fault(rules).to_string()));
    for rule in rules.iter().filter(|rule| rule.examples.is_empty()) {
        let what = format!("`{}` has no examples, so that nothing proves it", rule.id);
        complain(&format!("Warning: {}", rule.origin.fault("examples", &what, "")));
    }
    let examples: usize =
        rules.iter().map(|rule| rule.examples.len() + rule.counterexamples.len()).sum();
    let (count, tested) = (unproven.len(), rules.len());
    print(&format!("{tested} rules and {examples} examples tested, {count} do not hold\n"))?;
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
