//! `validate`: whether the gateway would start with a configuration, as far as that
//! can be told without opening a port.

use crate::cli::ConfigArgs;
use crate::cli::complain;
use crate::gateway::config::ConfigError;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::processors;
use crate::scrub::Scrubber;
use crate::scrub::Settings;
use crate::scrub::prove;
use crate::scrub::yaml::YamlError;

/// Reads, expands, decodes and checks the configuration, and compiles its rules.
/// Silent if all is well, but for warnings.
///
/// # Errors
///
/// The first fault.
pub(in crate::cli) fn validate(args: &ConfigArgs) -> Result<(), ConfigError> {
    let loaded = args.load()?;
    for warning in &loaded.warnings {
        complain(&format!("Warning: {warning}"));
    }
    processors::build(&loaded.config)?;
    for (id, processor) in &loaded.config.processors {
        if let ProcessorConfig::Scrubber(settings) = processor {
            check(settings).map_err(|fault| fault.within(&format!("processors.{id}")))?;
        }
    }
    Ok(())
}

/// Compiles every pattern, and holds the rules of the user against their own examples.
fn check(settings: &Settings) -> Result<(), YamlError> {
    let scrubber = Scrubber::new(settings)?;
    scrubber.compile_all()?;
    let own = scrubber.rules().get(..settings.rules.len()).unwrap_or_default();
    match prove::prove(own, &scrubber)?.first() {
        None => Ok(()),
        Some(unproven) => {
            let rule = own.iter().find(|rule| rule.id == unproven.rule);
            let origin = rule.map(|rule| rule.origin.clone()).unwrap_or_default();
            let setting = format!("{}[{}]", unproven.list, unproven.number);
            Err(origin.fault(&setting, &unproven.what, "change the rule or the example"))
        }
    }
}
