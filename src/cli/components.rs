//! `components`: what is in the binary, in the shape of the Collector's own command.

use std::io;
use std::io::Write;

use crate::cli::closed_pipe;
use crate::gateway::config::inventory;

/// Writes the list to stdout, as YAML.
///
/// # Errors
///
/// When stdout cannot be written to.
pub(in crate::cli) fn components() -> io::Result<()> {
    io::stdout().write_all(list().as_bytes()).or_else(closed_pipe)
}

fn list() -> String {
    let mut out = format!(
        "buildinfo:\n    command: otel-redact\n    description: Receives OTLP, removes \
         credentials, forwards the rest\n    version: {}\n",
        env!("CARGO_PKG_VERSION")
    );
    for section in inventory::SECTIONS {
        let kinds = inventory::kinds(section);
        if kinds.is_empty() {
            out += &format!("{section}: []\n");
            continue;
        }
        out += &format!("{section}:\n");
        for kind in kinds {
            out += &format!("    - name: {}\n", kind.name);
            if let Some(alias) = kind.alias {
                out += &format!("      deprecated_alias: {alias}\n");
            }
            out += "      stability:\n";
            for (signal, stability) in kind.stability {
                out += &format!("        {signal}: {stability}\n");
            }
        }
    }
    out += "providers:\n";
    for scheme in inventory::PROVIDERS {
        out += &format!("    - scheme: {scheme}\n");
    }
    out
}
