//! A console behind a self-signed certificate, as consoles are installed: refused before a credential is sent, and
//! reviewed once the certificate is pinned.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;
use std::sync::Arc;

use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use recert::simulator::{self, Console, Estate, EstateOptions};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Hands on the connections whose handshake succeeds.
struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.tcp.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

/// A simulated console over TLS, and a configuration for it.
struct Bench {
    directory: TempDir,
    console: Console,
    url: String,
    sha256: String,
}

impl Bench {
    async fn start() -> Self {
        let (certificate, config) = self_signed_authority();
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://127.0.0.1:{}", tcp.local_addr().unwrap().port());
        let listener = TlsListener { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) };
        let estate = Estate::generate(&EstateOptions { users: 20, ..EstateOptions::default() });
        let options =
            simulator::Options { password: "correct horse".into(), ..simulator::Options::default() };
        let console = Console::new(estate, options);
        tokio::spawn(axum::serve(listener, simulator::router(console.clone())).into_future());
        let directory = tempfile::tempdir().unwrap();
        let password = directory.path().join("password");
        fs::write(&password, "correct horse\n").unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        Self { directory, console, url, sha256: hex::encode(Sha256::digest(&certificate)) }
    }

    fn configure(&self, tls: &str) {
        let text = format!(
            "[[console]]\nname = \"hq\"\nurl = \"{}\"\nusername = \"recert\"\npassword = {{ file = \"{}\" }}\n{tls}\n",
            self.url,
            self.directory.path().join("password").display()
        );
        fs::write(self.directory.path().join("config.toml"), text).unwrap();
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = assert_cmd::Command::cargo_bin("recert").unwrap();
        command.args(arguments).current_dir(self.directory.path()).env("RECERT_CONFIG", "config.toml");
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }
}

fn self_signed_authority() -> (CertificateDer<'static>, ServerConfig) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["Rapid7 Security Console".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap().der().clone();
    let private = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], private)
        .unwrap();
    (certificate, config)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_with_the_lines_that_would_trust_it_and_works_with_a_pin() {
    let bench = Bench::start().await;
    bench.configure("");
    for command in [["review", "--out", "report"].as_slice(), &["check"]] {
        let output = bench.run(command).await;
        let told = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("not trusted"), "{told}");
        assert!(told.contains(&format!("tls = {{ pin_sha256 = [\"{}\"] }}", bench.sha256)), "{told}");
        assert!(told.contains("tls = { ca_file = "), "{told}");
        assert!(!told.contains("correct horse"));
    }
    assert!(bench.console.log().is_empty(), "nothing was sent, no credential either");
    assert!(!bench.directory.path().join("report").exists());

    let output = bench.run(&["console", "trust", &bench.url]).await;
    let line = format!("tls = {{ pin_sha256 = [\"{}\"] }}", bench.sha256);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.lines().any(|shown| shown == line), "{shown}");
    assert!(bench.console.log().is_empty());

    bench.configure(&line);
    let output = bench.run(&["review", "--out", "report"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8(output.stderr).unwrap());
    assert!(!bench.console.log().is_empty());

    bench.configure(&line.replace(&bench.sha256, &"0".repeat(64)));
    let before = bench.console.log().len();
    let output = bench.run(&["review", "--out", "other"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(bench.console.log().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_operation_is_called_by_its_name() {
    let bench = Bench::start().await;
    bench.configure(&format!("tls = {{ pin_sha256 = [\"{}\"] }}", bench.sha256));
    let output = bench.run(&["console", "call", "get_role", "global-admin"]).await;
    let role: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(role["name"], "Global Administrator");
    let output = bench.run(&["console", "call", "delete_user", "1"]).await;
    assert_eq!(output.status.code(), Some(2), "there is no writing operation");
    assert!(bench.console.log().iter().all(|request| request.method == "GET"));
}
