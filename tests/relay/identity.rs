//! Certificates that a relay shows, good and bad.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, SupportedProtocolVersion};
use sha2::{Digest, Sha256};

/// A certificate and a key, not always its own.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    pub(super) ca_pem: String,
    versions: Vec<&'static SupportedProtocolVersion>,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self {
            certificate: self.certificate.clone(),
            key: self.key.clone_key(),
            ca_pem: self.ca_pem.clone(),
            versions: self.versions.clone(),
        }
    }
}

impl Identity {
    /// A certificate for these names, of an authority of its own.
    pub(crate) fn of(names: &[&str]) -> Self {
        Self::with(names, |_| {})
    }

    /// The same with a change to the certificate.
    pub(crate) fn with(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().copied().map(str::to_owned).collect();
        let mut leaf = CertificateParams::new(names).unwrap();
        change(&mut leaf);
        Self {
            certificate: leaf.signed_by(&key, &issuer).unwrap().der().clone(),
            key: private(&key),
            ca_pem: issuer.pem(),
            versions: rustls::ALL_VERSIONS.to_vec(),
        }
    }

    /// The same certificate, shown by somebody who has another key.
    pub(crate) fn stolen(&self) -> Self {
        Self { key: private(&KeyPair::generate().unwrap()), ..self.clone() }
    }

    /// Speaks this version of TLS alone.
    pub(crate) fn speaking(self, version: &'static SupportedProtocolVersion) -> Self {
        Self { versions: vec![version], ..self }
    }

    /// Of the certificate.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.certificate).into()
    }

    pub(super) fn server_config(&self) -> ServerConfig {
        let key = ring::sign::any_supported_type(&self.key).unwrap();
        // A resolver takes what it is given; `with_single_cert` would refuse a certificate with another's key.
        let shown = CertifiedKey::new(vec![self.certificate.clone()], key);
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&self.versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Shown(Arc::new(shown))))
    }
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).unwrap()
}

#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}
