//! Certificates, made at run time: a private key in the repository would be found by
//! every scanner of secrets, and rightly.

use std::path::Path;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use tempfile::TempDir;

/// Whom a certificate names.
const NAMES: [&str; 3] = ["localhost", "backend.test", "127.0.0.1"];

/// A CA, and a server and a client that it signed, as long as this lives.
pub(crate) struct Certificates(TempDir);

impl Certificates {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_all(folder.path());
        Self(folder)
    }

    /// The path of `ca.pem`, `server.pem`, `server.key`, `client.pem` or `client.key`.
    pub(crate) fn path(&self, name: &str) -> String {
        let path = self.0.path().join(name);
        assert!(path.exists(), "{name} is made below");
        path.to_str().unwrap().to_owned()
    }
}

fn write_all(folder: &Path) {
    let mut ca = CertificateParams::new([]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_key = KeyPair::generate().unwrap();
    std::fs::write(folder.join("ca.pem"), ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let ca = Issuer::new(ca, ca_key);
    for name in ["server", "client"] {
        let mut params = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &ca).unwrap();
        std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    }
}
