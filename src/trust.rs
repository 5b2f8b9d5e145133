//! Which server certificate is believed, for consoles and mail relays alike. There is no way to believe every one.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::untrusted::{shortened, visible};

/// Characters of a library's own complaint that are told; part of it can come from the server.
const TOLD: usize = 300;

/// Which server certificate to believe.
#[derive(Clone)]
pub enum Trust {
    /// The authorities of the operating system, and the host name must match.
    System,
    /// The authorities in this PEM file alone, and the host name must match.
    CaFile(PathBuf),
    /// These certificates (SHA-256 of their DER form) alone. Host name and dates are not looked at: consoles are installed
    /// with a certificate that is self-signed and names no host.
    Pins(Vec<[u8; 32]>),
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("System"),
            Self::CaFile(path) => f.debug_tuple("CaFile").field(path).finish(),
            Self::Pins(pins) => f.debug_list().entries(pins.iter().map(hex::encode)).finish(),
        }
    }
}

/// Why trust cannot be set up.
#[derive(Debug, Error)]
pub enum TrustError {
    /// A pin list without pins.
    #[error("no certificate is pinned")]
    NoPins,
    /// The CA file cannot be used.
    #[error("cannot use the CA file {}: {reason}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The operating system gives no authorities.
    #[error("the operating system has no usable authorities: {0}")]
    SystemRoots(String),
    /// The TLS library refuses its own settings: a bug.
    #[error("cannot prepare TLS: {0}")]
    Library(String),
}

/// The TLS side of a client: TLS 1.2 or newer, the ring provider, no provider installed for the process.
pub fn client_config(trust: &Trust) -> Result<ClientConfig, TrustError> {
    match trust {
        Trust::System => {
            let found = rustls_native_certs::load_native_certs();
            let mut roots = RootCertStore::empty();
            roots.add_parsable_certificates(found.certs);
            let reason = || found.errors.first().map_or_else(|| "none found".to_owned(), ToString::to_string);
            by_roots(roots, |_| TrustError::SystemRoots(reason()))
        }
        Trust::CaFile(path) => {
            let roots =
                read_roots(path).map_err(|reason| TrustError::CaFile { path: path.clone(), reason })?;
            by_roots(roots, |reason| TrustError::CaFile { path: path.clone(), reason })
        }
        Trust::Pins(pins) if pins.is_empty() => Err(TrustError::NoPins),
        Trust::Pins(pins) => with_judge(Judge::Pins(pins.clone()), Arc::new(ring::default_provider())),
    }
}

/// A configuration that believes no certificate, for a connection that is not TLS or only wants to see one.
pub fn believing_nothing() -> Result<ClientConfig, TrustError> {
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

fn by_roots(roots: RootCertStore, wrong: impl Fn(String) -> TrustError) -> Result<ClientConfig, TrustError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| wrong(error.to_string()))?;
    with_judge(Judge::Roots(verifier), provider)
}

fn with_judge(judge: Judge, provider: Arc<CryptoProvider>) -> Result<ClientConfig, TrustError> {
    let verifier = Verifier { judge, provider: provider.clone() };
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| TrustError::Library(error.to_string()))?
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
    let rustls::Error::InvalidCertificate(why) = error else { return plain(&error.to_string()) };
    match why {
        CertificateError::UnknownIssuer => "no trusted authority has signed it".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another host name".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".to_owned(),
        // An authority's own certificate, which rustls accepts from no server; many appliances make such a one.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "it is an authority's own certificate; if it is the server's, pin it".to_owned()
        }
        _ => plain(&error.to_string()),
    }
}

/// A certificate that is not believed. Travels through rustls, and whatever client uses it, to where the error is told.
#[derive(Debug, Clone)]
pub struct Untrusted {
    /// SHA-256 of the certificate that was presented (DER).
    pub sha256: [u8; 32],
    /// Why it is not trusted, one line.
    pub reason: String,
}

impl Untrusted {
    fn new(leaf: &CertificateDer<'_>, reason: String) -> Self {
        Self { sha256: fingerprint(leaf), reason }
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

/// What went wrong in TLS, if it is in the chain of a client's error.
pub fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
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

/// The kind of the I/O error that is in the chain of a client's error.
pub fn io_kind(error: &(dyn StdError + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        next = error.source();
    }
    None
}

/// The certificate that an error of TLS is about, if it was not believed.
pub fn untrusted(error: &rustls::Error) -> Option<&Untrusted> {
    let rustls::Error::Other(OtherError(other)) = error else { return None };
    let other: &(dyn StdError + 'static) = other.as_ref();
    other.downcast_ref()
}

/// A library's complaint as one line that can be shown.
fn plain(text: &str) -> String {
    visible(&shortened(text, TOLD)).into_owned()
}
