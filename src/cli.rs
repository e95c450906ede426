//! The command line: what was typed, and which command that is.
//!
//! Results go to stdout, everything else to stderr. A fault in what the user wrote
//! ends with `Error: …` as the last line and exit code 1; a command line that makes
//! no sense ends with 2.

mod components;
mod demo;
mod explain;
mod fingerprint;
mod live;
mod migrate;
mod process;
mod replay;
mod rules;
mod run;
mod scrub;
mod selftest;
mod shadow;
mod tail;
mod top;
mod validate;

use std::io;
use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use clap::CommandFactory;
use clap::Parser;
use clap::Subcommand;
use clap::error::ContextKind;
use clap::error::ContextValue;

use crate::gateway::config::Config;
use crate::gateway::config::ConfigError;
use crate::gateway::config::Loaded;
use crate::gateway::config::environment::Environment;
use crate::gateway::config::environment::Process;
use crate::scrub::yaml::shown;

/// Receives OTLP, removes credentials, forwards the rest.
#[derive(Debug, Parser)]
#[command(name = "otel-redact", version, about, long_about = None, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  otel-redact                                  listen at 4317 and 4318, print what is left
  otel-redact --config gateway.yaml            run as configured (YAML of the Collector)
  otel-redact --set exporters.debug.verbosity=basic
                                               change one setting
  otel-redact validate --config gateway.yaml   check a configuration without starting
  otel-redact demo                             see it work, in a few seconds
  otel-redact selftest --quick                 prove that nothing slips through
  otel-redact scrub < app.log > clean.log      scrub a log file
  otel-redact explain < line.log               see why something is masked, or is not
  otel-redact rules list                       see what is found
  otel-redact top                              see what a running gateway does

An application sends to the gateway with OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318.";

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, Args)]
struct ConfigArgs {
    /// A file, `file:PATH`, `env:NAME` or `yaml:KEY::SUB: VALUE`. Repeat it to lay
    /// one over another: maps are merged, lists replaced. Without it, the built-in
    /// configuration listens at localhost and prints what is left
    #[arg(long, value_name = "PLACE", global = true)]
    config: Vec<String>,
    /// Sets one value over all --config: `receivers.otlp.protocols.grpc.endpoint=:4317`
    #[arg(long, value_name = "KEY=VALUE", global = true)]
    set: Vec<String>,
    /// Accepted for the Collector's sake, and ignored
    #[arg(long, value_name = "GATES", global = true, hide_short_help = true)]
    feature_gates: Vec<String>,
}

impl ConfigArgs {
    fn load(&self) -> Result<Loaded, ConfigError> {
        self.load_from(&Process)
    }

    fn load_from(&self, environment: &dyn Environment) -> Result<Loaded, ConfigError> {
        let mut loaded = Config::load(&self.config, &self.set, environment)?;
        if !self.feature_gates.is_empty() {
            loaded.warnings.push("--feature-gates is ignored: there are no gates".to_owned());
        }
        Ok(loaded)
    }

    fn is_given(&self) -> bool {
        !self.config.is_empty() || !self.set.is_empty()
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway (what happens without a command)
    Run(run::RunArgs),
    /// Check a configuration: silent and 0 if it is right, else the first fault and 1
    Validate,
    /// Turn a Collector's configuration into one of this gateway, and say what becomes of it
    #[command(after_help = migrate::EXAMPLES)]
    Migrate(migrate::MigrateArgs),
    /// List the components in this binary, as YAML
    Components,
    /// Scrub files, or stdin, to stdout
    #[command(after_help = scrub::EXAMPLES)]
    Scrub(scrub::ScrubArgs),
    /// Say why something is masked, and why something is not
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::ExplainArgs),
    /// Print the fingerprints of the value on stdin, or check one from a mask
    Fingerprint(fingerprint::FingerprintArgs),
    /// Compare a candidate rule file with the rules of the configuration, on captured telemetry
    #[command(after_help = shadow::EXAMPLES)]
    Shadow(shadow::ShadowArgs),
    /// What a running gateway does: rules by matches and by cost, services that leak most
    Top(top::TopArgs),
    /// Records as they leave a running gateway, masked, with why something is masked in them
    #[command(after_help = tail::EXAMPLES)]
    Tail(tail::TailArgs),
    /// Send telemetry full of made-up secrets through a real gateway and show what arrives
    Demo,
    /// Plant made-up credentials everywhere, send them through the gateway, and show what slips through
    #[command(after_help = selftest::EXAMPLES)]
    Selftest(selftest::SelftestArgs),
    /// Send again what upstreams refused after it was acknowledged, and remove what they take
    Replay(replay::ReplayArgs),
    /// List the packed rules, or run the examples of rules
    #[command(subcommand)]
    Rules(rules::RulesCommand),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command.
pub fn main() -> ExitCode {
    let Cli { config, command } = Cli::try_parse().unwrap_or_else(|error| told(error).exit());
    let result = match command {
        None => run::run(&config, &run::RunArgs::default()).map_err(|error| error.to_string()),
        Some(Command::Run(args)) => run::run(&config, &args).map_err(|error| error.to_string()),
        Some(Command::Validate) => validate::validate(&config).map_err(|error| error.to_string()),
        Some(Command::Migrate(args)) => migrate::migrate(&args).map_err(|error| error.to_string()),
        Some(Command::Components) => components::components().map_err(|error| error.to_string()),
        Some(Command::Scrub(args)) => {
            scrub::scrub(&config, &args).map_err(|error| error.to_string())
        }
        Some(Command::Explain(args)) => {
            explain::explain(&config, &args).map_err(|error| error.to_string())
        }
        Some(Command::Fingerprint(args)) => {
            fingerprint::fingerprint(&config, &args).map_err(|error| error.to_string())
        }
        Some(Command::Shadow(args)) => {
            shadow::shadow(&config, &args).map_err(|error| error.to_string())
        }
        Some(Command::Top(args)) => top::top(&args).map_err(|error| error.to_string()),
        Some(Command::Tail(args)) => tail::tail(&args).map_err(|error| error.to_string()),
        Some(Command::Replay(args)) => {
            replay::replay(&config, &args).map_err(|error| error.to_string())
        }
        Some(Command::Rules(command)) => {
            rules::rules(&config, &command).map_err(|error| error.to_string())
        }
        Some(Command::Selftest(args)) => {
            selftest::selftest(&config, &args).map_err(|error| error.to_string())
        }
        Some(Command::Demo) => demo::demo().map_err(|error| error.to_string()),
        Some(Command::Completions { shell }) => completions(shell),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("Error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// What is said of a command line that makes no sense, without what could be a credential
/// on it.
fn told(mut error: clap::Error) -> clap::Error {
    let kinds =
        [ContextKind::InvalidArg, ContextKind::InvalidValue, ContextKind::InvalidSubcommand];
    for kind in kinds {
        let Some(ContextValue::String(word)) = error.get(kind) else { continue };
        // `--option <VALUE>` is how an option of ours is called.
        let name = word.trim_start_matches('-').split([' ', '=']).next().unwrap_or_default();
        let is_option = kind == ContextKind::InvalidArg && word.contains('<');
        if !is_option && shown::unknown(name, &[]) != name {
            error.insert(kind, ContextValue::String("…".to_owned()));
        } else if !is_option && name.len() < word.trim_start_matches('-').len() {
            error.insert(kind, ContextValue::String(format!("{name} …")));
        }
    }
    error
}

fn completions(shell: clap_complete::Shell) -> Result<(), String> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "otel-redact", &mut script);
    io::stdout().write_all(&script).or_else(closed_pipe).map_err(|error| error.to_string())
}

/// A line on stderr. If that is closed, there is nobody left to tell.
fn complain(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Who reads our output may have enough: `otel-redact scrub x | head`.
fn closed_pipe(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Ok(()),
        _ => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_configuration_may_stand_before_or_behind_the_command() {
        for line in ["x --config a --config b validate", "x validate --config a --config b"] {
            let cli = Cli::parse_from(line.split(' '));
            assert_eq!(cli.config.config, ["a", "b"], "{line}");
        }
    }
}
