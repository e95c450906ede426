//! Which of the clients that a CA signed may connect.
//!
//! The names of the certificate are compared after the chain was verified, so they
//! are the CA's word. Whom they do not allow is told `access_denied` in the
//! handshake: no byte of a request is read.

use std::collections::BTreeSet;
use std::sync::Arc;

use rustls::CertificateError;
use rustls::DigitallySignedStruct;
use rustls::DistinguishedName;
use rustls::Error;
use rustls::SignatureScheme;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerified;
use rustls::server::danger::ClientCertVerifier;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// `inner`, for clients with one of `names` only; for all, where there are none.
pub(in crate::gateway::tls) fn allowing(
    inner: Arc<dyn ClientCertVerifier>,
    names: &[String],
) -> Arc<dyn ClientCertVerifier> {
    if names.is_empty() {
        return inner;
    }
    Arc::new(Allowing { inner, names: names.iter().cloned().collect() })
}

#[derive(Debug)]
struct Allowing {
    inner: Arc<dyn ClientCertVerifier>,
    names: BTreeSet<String>,
}

impl Allowing {
    /// What cannot be read has no name.
    fn allows(&self, certificate: &[u8]) -> bool {
        let Ok(certificate) = Certificate::from_der(certificate) else { return false };
        let certificate = certificate.tbs_certificate();
        let common = certificate.subject().common_name().ok().flatten();
        if common.is_some_and(|name| self.names.contains(name.value().as_ref())) {
            return true;
        }
        let Ok(Some((_, other))) = certificate.get_extension::<SubjectAltName>() else {
            return false;
        };
        other.0.iter().any(|name| match name {
            GeneralName::DnsName(name) | GeneralName::UniformResourceIdentifier(name) => {
                self.names.contains(name.as_str())
            }
            _ => false,
        })
    }
}

impl ClientCertVerifier for Allowing {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(end_entity, intermediates, now)?;
        if !self.allows(end_entity) {
            let why = CertificateError::ApplicationVerificationFailure;
            return Err(Error::InvalidCertificate(why));
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
