//! The files that settings name: certificates, keys, tokens, users; and folders that have to
//! be there.
//!
//! All of them are read before a receiver listens, and by the same code where none is to
//! (`validate`). Only what runs is looked at: components that
//! pipelines use, extensions that are listed.
//!
//! Deliberately absent: what a look would change. Neither is a folder made that is to be
//! made, nor a file opened that is to be written.

use crate::gateway::auth::Authenticators;
use crate::gateway::config::Config;
use crate::gateway::config::ExtensionConfig;
use crate::gateway::config::component::ComponentId;
use crate::gateway::own;
use crate::gateway::receiver;
use crate::scrub::yaml::YamlError;

/// Reads all of them. What was read of the authenticators is given, for it is read once.
///
/// # Errors
///
/// The first that is not there, cannot be read, or holds something else.
pub fn files(config: &Config) -> Result<Authenticators, YamlError> {
    let authenticators = Authenticators::build(config)?;
    for (id, receiver) in &config.receivers {
        let mut pipelines = config.service.pipelines.values();
        if pipelines.any(|pipeline| pipeline.receivers.contains(id)) {
            read_receiver(id, receiver, &authenticators)?;
        }
    }
    for (id, exporter) in &config.exporters {
        if !config.signals_of(id).is_empty() {
            let path = format!("exporters.{id}");
            authenticators.client(exporter.auth(), &path)?;
            exporter.read_certificates(&path)?;
        }
    }
    for id in &config.service.extensions {
        let path = format!("extensions.{id}");
        match config.extensions.get(id) {
            Some(ExtensionConfig::Admin(admin)) => {
                authenticators.server(admin.auth.as_ref(), &path)?;
                let _ = admin.certificates(&path)?;
            }
            Some(ExtensionConfig::FileStorage(storage)) => {
                let _ = storage.look(&path)?;
            }
            _ => {}
        }
    }
    own::check(&config.service.telemetry)?;
    Ok(authenticators)
}

fn read_receiver(
    id: &ComponentId,
    receiver: &receiver::Config,
    authenticators: &Authenticators,
) -> Result<(), YamlError> {
    let receiver::Config::Otlp(config) = receiver;
    let (grpc, http) = (&config.protocols.grpc, &config.protocols.http);
    let grpc = grpc.as_ref().map(|grpc| ("grpc", &grpc.auth, &grpc.tls));
    let http = http.as_ref().map(|http| ("http", &http.auth, &http.tls));
    for (protocol, auth, tls) in grpc.into_iter().chain(http) {
        let path = format!("receivers.{id}.protocols.{protocol}");
        authenticators.server(auth.as_ref(), &path)?;
        if let Some(tls) = tls {
            tls.build(&format!("{path}.tls"), &[])?;
        }
    }
    Ok(())
}
