//! `validate`: whether the gateway would start with a configuration, as far as that
//! can be told without opening a port.

use crate::cli::ConfigArgs;
use crate::cli::complain;
use crate::gateway::config::ConfigError;
use crate::gateway::config::ProcessorConfig;
use crate::gateway::connect;
use crate::gateway::processors;
use crate::gateway::run;
use crate::scrub::prove;

/// Reads, expands, decodes and checks the configuration, reads the files that its settings
/// name, and compiles its rules.
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
    let config = &loaded.config;
    if let Some(warning) = connect::unused_proxy(|name| std::env::var(name).ok()) {
        complain(&format!("Warning: {warning}"));
    }
    run::files(config).map_err(|fault| config.placed(fault))?;
    let built = processors::build(config)?;
    for warning in processors::behind::warnings(config, &built) {
        complain(&format!("Warning: {warning}"));
    }
    for (id, processor) in &config.processors {
        if let ProcessorConfig::Scrubber(settings) = processor {
            prove::check(settings).map_err(|fault| fault.within(&format!("processors.{id}")))?;
        }
    }
    Ok(())
}
