//! Certificates and keys, from a PEM file or from its text.

use std::io;
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

use crate::gateway::config::secret::Secret;
use crate::gateway::tls::fault;
use crate::scrub::yaml::Placed;
use crate::scrub::yaml::YamlError;
use crate::scrub::yaml::shown;

/// A setting that is a PEM file or its text.
pub(in crate::gateway::tls) struct Pem<'a> {
    /// The YAML path of the section.
    pub(in crate::gateway::tls) path: &'a str,
    pub(in crate::gateway::tls) file: &'a Option<Placed<PathBuf>>,
    pub(in crate::gateway::tls) text: &'a Option<Secret>,
    /// Without `_file` and `_pem`.
    pub(in crate::gateway::tls) name: &'static str,
}

impl Pem<'_> {
    fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, YamlError> {
        match (self.file, self.text) {
            (None, None) => Ok(None),
            (None, Some(text)) => Ok(Some(text.expose().as_bytes().to_vec().into())),
            (Some(file), None) => {
                std::fs::read(&**file).map(|bytes| Some(bytes.into())).map_err(|err| {
                    // The text of the key may stand in the place of its file.
                    let file = shown::file(&file.to_string_lossy()).into_owned();
                    self.fault(format!("cannot read {file}: {err}"))
                })
            }
            (Some(_), Some(_)) => Err(self.fault("expected the file or its text, not both")),
        }
    }

    pub(in crate::gateway::tls) fn certificates(
        &self,
    ) -> Result<Option<Vec<CertificateDer<'static>>>, YamlError> {
        let Some(pem) = self.read()? else { return Ok(None) };
        let certificates: io::Result<Vec<_>> = rustls_pemfile::certs(&mut pem.as_slice()).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => Ok(Some(certificates)),
            Ok(_) | Err(_) => Err(self.fault("expected certificates in PEM")),
        }
    }

    pub(in crate::gateway::tls) fn key(&self) -> Result<Option<PrivateKeyDer<'static>>, YamlError> {
        let Some(pem) = self.read()? else { return Ok(None) };
        match rustls_pemfile::private_key(&mut pem.as_slice()) {
            Ok(Some(key)) => Ok(Some(key)),
            Ok(None) | Err(_) => Err(self.fault("expected a private key in PEM")),
        }
    }

    pub(in crate::gateway::tls) fn fault(&self, expected: impl ToString) -> YamlError {
        let suffix = if self.text.is_some() { "pem" } else { "file" };
        let fault = fault(&format!("{}.{}_{suffix}", self.path, self.name), expected);
        // Files change while the YAML is gone.
        match self.file {
            Some(file) => file.fault(fault),
            None => fault,
        }
    }
}
