//! Certificates, made at run time: a private key in the repository would be found by
//! every scanner of secrets, and rightly.

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::Issuer;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;
use rcgen::SanType;
use tempfile::TempDir;

/// Whom a certificate names.
const NAMES: [&str; 3] = ["localhost", "backend.test", "127.0.0.1"];

/// A CA, and a server and a client that it signed, as long as this lives.
pub(crate) struct Certificates {
    folder: TempDir,
    ca: Issuer<'static, KeyPair>,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let mut ca = CertificateParams::new([]).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), ca.self_signed(&key).unwrap().pem()).unwrap();
        let made = Self { folder, ca: Issuer::new(ca, key) };
        made.sign("server", &[]);
        made.sign("client", &[]);
        made
    }

    /// The path of `ca.pem`, `server.pem`, `server.key`, `client.pem` or `client.key`.
    pub(crate) fn path(&self, name: &str) -> String {
        let path = self.folder.path().join(name);
        assert!(path.exists(), "{name} was made");
        path.to_str().unwrap().to_owned()
    }

    /// Makes `name.pem` and `name.key`, or makes them anew, with `more` names: a URI,
    /// or the name of a host. The common name is `name`.
    pub(crate) fn sign(&self, name: &str, more: &[&str]) {
        let mut params = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names.extend(more.iter().map(|&name| {
            let text = name.try_into().unwrap();
            if name.contains("://") { SanType::URI(text) } else { SanType::DnsName(text) }
        }));
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.ca).unwrap();
        let path = |end: &str| self.folder.path().join(format!("{name}.{end}"));
        std::fs::write(path("pem"), certificate.pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
    }
}
