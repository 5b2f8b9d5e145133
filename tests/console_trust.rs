//! Which servers are believed, proved at the server: not one byte of a request reaches one that is not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use recert::console::{Console, Error, ErrorKind, Retry, Settings, Trust, presented_certificate};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn pin(&self) -> [u8; 32] {
        Sha256::digest(&self.certificate).into()
    }

    fn sha256(&self) -> String {
        hex::encode(self.pin())
    }
}

fn private(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::try_from(key.serialize_der()).unwrap()
}

/// What a console is installed with: self-signed, naming no host.
fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["Rapid7 Security Console".to_owned()]).unwrap();
    change(&mut params);
    Identity { certificate: params.self_signed(&key).unwrap().der().clone(), key: private(&key) }
}

fn authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

/// An authority and a certificate that it signed for `name`.
fn signed_for(
    name: &str,
    change: impl FnOnce(&mut CertificateParams),
) -> (tempfile::NamedTempFile, Identity) {
    let mut params = CertificateParams::default();
    authority(&mut params);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut leaf = CertificateParams::new([name.to_owned()]).unwrap();
    change(&mut leaf);
    let certificate = leaf.signed_by(&key, &issuer).unwrap().der().clone();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(issuer.pem().as_bytes()).unwrap();
    (file, Identity { certificate, key: private(&key) })
}

/// A TLS server that counts the bytes of requests that reach it, and answers each request with `{}`.
struct Server {
    address: SocketAddr,
    bytes: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn of(identity: &Identity) -> Self {
        Self::with(config(identity)).await
    }

    async fn with(config: ServerConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (bytes, connections) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let server = Self { address, bytes: bytes.clone(), connections: connections.clone() };
        let acceptor = TlsAcceptor::from(Arc::new(config));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                let (acceptor, bytes) = (acceptor.clone(), bytes.clone());
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut buffer = [0; 4096];
                    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                        bytes.fetch_add(read, Ordering::SeqCst);
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
                        if stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        server
    }

    async fn probe(&self, trust: Trust) -> Result<(), Error> {
        self.probe_as("127.0.0.1", trust).await
    }

    async fn probe_as(&self, host: &str, trust: Trust) -> Result<(), Error> {
        let base = format!("https://{host}:{}", self.address.port()).parse().unwrap();
        let retry =
            Retry { base: Duration::from_millis(1), cap: Duration::from_millis(1), ..Retry::default() };
        let settings =
            Settings { trust, retry, ..Settings::new(base, "reviewer".to_owned(), "open sesame".into()) };
        Console::connect(settings).unwrap().probe().await
    }

    /// The probe must be refused for the certificate, at the first connection, and nothing may have been sent.
    async fn refuses(&self, host: &str, trust: Trust, shown: &Identity, why: &str) {
        let error = self.probe_as(host, trust).await.unwrap_err();
        let ErrorKind::Untrusted { sha256, reason } = &error.kind else { panic!("{error}") };
        assert_eq!(*sha256, shown.sha256());
        assert!(reason.contains(why), "{reason}");
        assert_eq!(error.attempts, 1);
        assert_eq!(self.connections.load(Ordering::SeqCst), 1);
        assert_eq!(self.bytes.load(Ordering::SeqCst), 0, "the server saw a request");
    }
}

fn config(identity: &Identity) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
        .unwrap()
}

#[tokio::test]
async fn a_pinned_certificate_is_enough() {
    let expired = |params: &mut CertificateParams| {
        authority(params);
        params.not_before = date_time_ymd(2010, 1, 1);
        params.not_after = date_time_ymd(2011, 1, 1);
    };
    for identity in [self_signed(|_| {}), self_signed(authority), self_signed(expired)] {
        let server = Server::of(&identity).await;
        // Two pins allow for a change of the certificate.
        server.probe(Trust::Pins(vec![[0; 32], identity.pin()])).await.unwrap();
        assert!(server.bytes.load(Ordering::SeqCst) > 0);
    }
}

#[tokio::test]
async fn a_pin_that_is_one_bit_off_is_another_certificate() {
    let identity = self_signed(authority);
    for bit in [0, 255] {
        let server = Server::of(&identity).await;
        let mut pin = identity.pin();
        pin[bit / 8] ^= 1 << (bit % 8);
        server.refuses("127.0.0.1", Trust::Pins(vec![pin]), &identity, &hex::encode(pin)).await;
    }
}

#[tokio::test]
async fn a_self_signed_certificate_is_refused_without_its_pin() {
    let (other, _) = signed_for("127.0.0.1", |_| {});
    for identity in [self_signed(|_| {}), self_signed(authority)] {
        let server = Server::of(&identity).await;
        server.refuses("127.0.0.1", Trust::CaFile(other.path().to_owned()), &identity, "").await;
    }
}

#[tokio::test]
async fn an_authority_s_own_certificate_is_refused_even_as_its_own_root() {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    authority(&mut params);
    let certificate = params.self_signed(&key).unwrap();
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(certificate.pem().as_bytes()).unwrap();
    let identity = Identity { certificate: certificate.der().clone(), key: private(&key) };
    let server = Server::of(&identity).await;
    server.refuses("127.0.0.1", Trust::CaFile(file.path().to_owned()), &identity, "pin it").await;
}

#[tokio::test]
async fn an_authority_s_file_is_believed_for_the_right_name_and_time() {
    let (ca, identity) = signed_for("127.0.0.1", |_| {});
    let server = Server::of(&identity).await;
    server.probe(Trust::CaFile(ca.path().to_owned())).await.unwrap();
    assert!(server.bytes.load(Ordering::SeqCst) > 0);

    let (ca, identity) = signed_for("localhost", |_| {});
    let server = Server::of(&identity).await;
    server.probe_as("localhost", Trust::CaFile(ca.path().to_owned())).await.unwrap();

    let (ca, identity) = signed_for("console.example", |_| {});
    let server = Server::of(&identity).await;
    server.refuses("127.0.0.1", Trust::CaFile(ca.path().to_owned()), &identity, "another host name").await;

    let (ca, identity) = signed_for("127.0.0.1", |params| params.not_after = date_time_ymd(2011, 1, 1));
    let server = Server::of(&identity).await;
    server.refuses("127.0.0.1", Trust::CaFile(ca.path().to_owned()), &identity, "expired").await;

    let (_, identity) = signed_for("127.0.0.1", |_| {});
    let (other, _) = signed_for("127.0.0.1", |_| {});
    let server = Server::of(&identity).await;
    server.refuses("127.0.0.1", Trust::CaFile(other.path().to_owned()), &identity, "").await;
}

/// Shows a certificate and signs with another key.
#[derive(Debug)]
struct Impostor(Arc<CertifiedKey>);

impl ResolvesServerCert for Impostor {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

#[tokio::test]
async fn the_right_certificate_with_the_wrong_key_is_refused() {
    let (ca, real) = signed_for("127.0.0.1", |_| {});
    for versions in [&[&rustls::version::TLS13], &[&rustls::version::TLS12]] {
        for trust in [Trust::Pins(vec![real.pin()]), Trust::CaFile(ca.path().to_owned())] {
            let key = ring::sign::any_supported_type(&private(&KeyPair::generate().unwrap())).unwrap();
            let stolen = CertifiedKey::new(vec![real.certificate.clone()], key);
            let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
                .with_protocol_versions(versions)
                .unwrap()
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(Impostor(Arc::new(stolen))));
            Server::with(config)
                .await
                .refuses("127.0.0.1", trust, &real, "does not prove to hold its key")
                .await;
        }
    }
}

#[tokio::test]
async fn tls_1_2_is_spoken() {
    let identity = self_signed(|_| {});
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate.clone()], identity.key.clone_key())
        .unwrap();
    Server::with(config).await.probe(Trust::Pins(vec![identity.pin()])).await.unwrap();
}

/// Reads a greeting and answers with these bytes; gives back all that it was sent.
async fn not_quite_tls(answer: &'static [u8]) -> (SocketAddr, tokio::task::JoinHandle<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = tokio::spawn(async move {
        let mut seen = Vec::new();
        for _ in 0..4 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).await.unwrap();
            seen.extend_from_slice(&buffer[..read]);
            stream.write_all(answer).await.unwrap();
            let _ = stream.read_to_end(&mut seen).await;
        }
        seen
    });
    (address, seen)
}

#[tokio::test]
async fn old_tls_and_plain_http_behind_an_https_address_get_nothing() {
    // A ServerHello of TLS 1.1, a fatal alert, and a web server that does not speak TLS.
    const TLS_1_1: &[u8] = &[
        0x16, 3, 2, 0, 42, 2, 0, 0, 38, 3, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,
        19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 0, 0xc0, 0x13, 0,
    ];
    for answer in [TLS_1_1, &[0x15, 3, 3, 0, 2, 2, 70], b"HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let (address, seen) = not_quite_tls(answer).await;
        let bytes = Arc::new(AtomicUsize::new(0));
        let server = Server { address, bytes: bytes.clone(), connections: bytes };
        let error = server.probe(Trust::Pins(vec![[1; 32]])).await.unwrap_err();
        assert!(error.to_string().contains("TLS failed"), "{error}");
        let seen = seen.await.unwrap();
        assert!(!seen.windows(4).any(|bytes| bytes == b"HTTP" || bytes == b"GET "));
    }
}

#[tokio::test]
async fn a_certificate_can_be_looked_at_without_sending_anything() {
    let identity = self_signed(authority);
    let server = Server::of(&identity).await;
    let base = format!("https://reviewer:pw@127.0.0.1:{}", server.address.port()).parse().unwrap();
    let shown = presented_certificate(&base, Duration::from_secs(5)).await.unwrap();
    assert_eq!(shown, identity.pin());
    assert_eq!(server.bytes.load(Ordering::SeqCst), 0);

    let plain = presented_certificate(&"http://127.0.0.1:1".parse().unwrap(), Duration::from_secs(5))
        .await
        .unwrap_err();
    assert!(plain.to_string().contains("without https"), "{plain}");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://{}", silent.local_addr().unwrap()).parse().unwrap();
    let limit = Duration::from_millis(50);
    let error = presented_certificate(&base, limit).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimedOut { limit });
}

#[tokio::test]
async fn the_system_s_authorities_are_used_where_there_are_any() {
    let identity = self_signed(authority);
    let server = Server::of(&identity).await;
    let base = format!("https://127.0.0.1:{}", server.address.port()).parse().unwrap();
    // A machine without any says so at once.
    if let Ok(console) = Console::connect(Settings::new(base, "reviewer".to_owned(), "open sesame".into())) {
        let error = console.probe().await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Untrusted { .. }), "{error}");
    }
    assert_eq!(server.bytes.load(Ordering::SeqCst), 0);
}
