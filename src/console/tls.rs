//! Which certificate is believed. Nothing is sent over a connection before its certificate has been.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use super::{Error, ErrorKind, SettingsError, Timeouts, Trust, client, failure, plain_line};

/// The TLS side of a client: TLS 1.2 or newer, the ring provider, no provider installed for the process.
pub(super) fn client_config(trust: &Trust) -> Result<ClientConfig, SettingsError> {
    match trust {
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(found.certs);
            let reason = || found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
            by_roots(roots, |_| SettingsError::SystemRoots(reason()))
        }
        Trust::CaFile(path) => {
            let roots =
                read_roots(path).map_err(|reason| SettingsError::CaFile { path: path.clone(), reason })?;
            by_roots(roots, |reason| SettingsError::CaFile { path: path.clone(), reason })
        }
        Trust::Pins(pins) if pins.is_empty() => Err(SettingsError::NoPins),
        Trust::Pins(pins) => with_judge(Judge::Pins(pins.clone()), Arc::new(ring::default_provider())),
    }
}

/// A configuration that believes no certificate, for a connection that is not TLS or only wants to see one.
pub(super) fn believing_nothing() -> Result<ClientConfig, SettingsError> {
    with_judge(Judge::Pins(Vec::new()), Arc::new(ring::default_provider()))
}

fn read_roots(path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())? {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    Ok(roots)
}

fn by_roots(
    roots: RootCertStore,
    wrong: impl Fn(String) -> SettingsError,
) -> Result<ClientConfig, SettingsError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    with_judge(Judge::Roots(verifier), provider)
}

fn with_judge(judge: Judge, provider: Arc<CryptoProvider>) -> Result<ClientConfig, SettingsError> {
    let verifier = Verifier { judge, provider: provider.clone() };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SettingsError::Client(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

#[derive(Debug)]
enum Judge {
    Roots(Arc<WebPkiServerVerifier>),
    Pins(Vec<[u8; 32]>),
}

/// Judges the certificate, and in both cases has the handshake's signature checked: whoever shows the certificate must
/// hold its key.
#[derive(Debug)]
struct Verifier {
    judge: Judge,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.judge {
            Judge::Roots(roots) => roots
                .verify_server_cert(leaf, intermediates, name, ocsp, now)
                .map_err(|error| Untrusted::new(leaf, explain(&error)).into()),
            Judge::Pins(pins) if pins.contains(&fingerprint(leaf)) => Ok(ServerCertVerified::assertion()),
            Judge::Pins(pins) => {
                let pins = pins.iter().map(hex::encode).collect::<Vec<_>>().join(", ");
                Err(Untrusted::new(leaf, format!("it is not the pinned one ({pins})")).into())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
            .map_err(|error| unsigned(leaf, &error))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.provider.signature_verification_algorithms)
            .map_err(|error| unsigned(leaf, &error))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn fingerprint(leaf: &CertificateDer<'_>) -> [u8; 32] {
    Sha256::digest(leaf).into()
}

fn unsigned(leaf: &CertificateDer<'_>, error: &rustls::Error) -> rustls::Error {
    Untrusted::new(leaf, format!("whoever shows it does not prove to hold its key ({error})")).into()
}

fn explain(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(why) = error else { return plain_line(&error.to_string()) };
    match why {
        CertificateError::UnknownIssuer => "no trusted authority has signed it".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host name".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        // An authority's own certificate, which rustls accepts from no server; many appliances make such a one.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "it is an authority's own certificate; if it is the console's, pin it".to_owned()
        }
        _ => plain_line(&error.to_string()),
    }
}

/// Travels through rustls and the HTTP client to where the error is classified.
#[derive(Debug, Clone)]
pub(super) struct Untrusted {
    sha256: [u8; 32],
    reason: String,
}

impl Untrusted {
    fn new(leaf: &CertificateDer<'_>, reason: String) -> Self {
        Self { sha256: fingerprint(leaf), reason }
    }

    pub(super) fn kind(&self) -> ErrorKind {
        ErrorKind::Untrusted { sha256: hex::encode(self.sha256), reason: self.reason.clone() }
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl StdError for Untrusted {}

impl From<Untrusted> for rustls::Error {
    fn from(untrusted: Untrusted) -> Self {
        Self::Other(OtherError(Arc::new(untrusted)))
    }
}

/// What went wrong in TLS, if it is in the chain of an HTTP error.
pub(super) fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref() {
            return Some(tls);
        }
        // An I/O error names its content's source as its own, and so would hide the content.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source());
    }
    None
}

pub(super) fn untrusted(error: &rustls::Error) -> Option<&Untrusted> {
    let rustls::Error::Other(OtherError(other)) = error else { return None };
    let other: &(dyn StdError + 'static) = other.as_ref();
    other.downcast_ref()
}

/// Shows the SHA-256 of the certificate that a console presents, to be compared with what its owner reads on it. The
/// handshake ends at the certificate: no credential and no request is sent.
pub async fn presented_certificate(base: &Url, limit: Duration) -> Result<[u8; 32], Error> {
    let failed = |kind| Error { endpoint: "/", kind, attempts: 1 };
    let unavailable = |reason: String| failed(ErrorKind::Unavailable { status: None, reason });
    if base.scheme() != "https" {
        return Err(unavailable("there is no certificate without https".to_owned()));
    }
    let timeouts = Timeouts { connect: limit, idle: limit, whole: limit };
    let client = believing_nothing().and_then(|tls| client(tls, true, 1, timeouts));
    let client = client.map_err(|error| unavailable(error.to_string()))?;
    let answer = tokio::time::timeout(limit, client.get(base.clone()).send()).await;
    let error = match answer {
        Err(_) => return Err(failed(ErrorKind::TimedOut { limit })),
        Ok(Ok(_)) => return Err(unavailable("it answered without a certificate".to_owned())),
        Ok(Err(error)) => error,
    };
    match tls_error(&error).and_then(untrusted) {
        Some(untrusted) => Ok(untrusted.sha256),
        None => Err(failed(failure(&error, timeouts).kind)),
    }
}
