//! P28: who is trusted, and each way of not being trusted by its name.

use std::{net::SocketAddr, process::Command, sync::Arc};

use insightframe::{
    clock::SystemClock,
    error::{Kind, TransportFault},
    http::Tls,
    insights::{Insights, Options},
    progress::Call,
    sandbox::Sandbox,
    secret::{Credentials, Secret},
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::ring, pki_types::PrivatePkcs8KeyDer},
};

use crate::stage::serve;

/// An authority and what it signs.
struct Authority {
    pem: tempfile::NamedTempFile,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(Vec::new()).unwrap();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap();
        let pem = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(pem.path(), certificate.pem()).unwrap();
        Self { pem, issuer: Issuer::new(parameters, key) }
    }

    /// A listener whose certificate is for `host` and was good until `year`.
    async fn listen(&self, host: &str, year: i32) -> SocketAddr {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(vec![host.to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2000, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(year, 1, 1);
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        listen(certificate, &key).await
    }
}

/// Accepts every handshake it can and says nothing.
async fn listen(certificate: rcgen::Certificate, key: &KeyPair) -> SocketAddr {
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Closing at once after a good handshake: only the handshake is looked at here.
                drop(acceptor.accept(connection).await);
            });
        }
    });
    address
}

/// What a login at this address fails with: the fault and the words.
async fn failure(url: String, trusted: Option<&tempfile::NamedTempFile>) -> (TransportFault, String) {
    let credentials = Credentials { username: "u@example.com".into(), password: Secret::new("p") };
    let mut options = Options::new(credentials);
    options.base_url = url;
    options.retry.attempts = 1;
    options.tls = Tls { ca_file: trusted.map(|file| file.path().to_owned()) };
    let clock = Arc::new(SystemClock::new());
    let client = Insights::new(options, clock.clone()).unwrap();
    let error = client.login(&Call::new(clock, None, None)).await.unwrap_err();
    match error.kind() {
        Kind::Transport(fault, words) => (*fault, words.clone()),
        _ => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p28_every_way_of_not_being_trusted_has_a_name() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let namesake = Authority::new("ours");
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    for (address, trusted, words) in [
        (ours.listen("localhost", 2010).await, Some(&ours), "the certificate has expired"),
        (ours.listen("elsewhere.example", 2100).await, Some(&ours), "the certificate is for another host"),
        (ours.listen("localhost", 2100).await, Some(&other), "the certificate's issuer is not trusted"),
        (ours.listen("localhost", 2100).await, None, "the certificate's issuer is not trusted"),
        (ours.listen("localhost", 2100).await, Some(&namesake), "not signed by the authority that it names"),
        (listen(own, &key).await, Some(&ours), "the certificate's issuer is not trusted"),
    ] {
        let url = format!("https://localhost:{}", address.port());
        let (fault, found) = failure(url, trusted.map(|authority| &authority.pem)).await;
        assert_eq!(fault, TransportFault::Tls, "{found}");
        assert!(found.contains(words), "{words} is missing in: {found}");
    }
    // The same listener is fine with the right authority: what fails then is the answer that never comes.
    let address = ours.listen("localhost", 2100).await;
    let (fault, found) = failure(format!("https://localhost:{}", address.port()), Some(&ours.pem)).await;
    assert_ne!(fault, TransportFault::Tls, "{found}");
}

/// The command with `SSL_CERT_FILE`, against a sandbox with a certificate of its own.
fn export(sandbox: &Sandbox, certificates: &std::path::Path) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_insightframe"))
        .args(["export", "3035673", "--quiet"])
        .env("FLEX_INSIGHTS_BASE_URL", sandbox.url())
        .env("FLEX_INSIGHTS_USERNAME", sandbox.username())
        .env("FLEX_INSIGHTS_PASSWORD", sandbox.password())
        .env("FLEX_INSIGHTS_WORKSPACE", sandbox.workspace())
        .env("SSL_CERT_FILE", certificates)
        .env("SSL_CERT_DIR", "/nowhere")
        .env_remove("HTTPS_PROXY")
        .env_remove("ALL_PROXY")
        .output()
        .unwrap()
}

#[test]
fn p28_ssl_cert_file_is_honoured_and_a_machine_without_roots_has_the_bundled_ones() {
    let sandbox = serve(|options| options.tls = true);
    let trusted = export(&sandbox, sandbox.ca_file().unwrap());
    assert!(trusted.status.success(), "{}", String::from_utf8_lossy(&trusted.stderr));
    // No roots at all: the handshake is still made, with the bundled ones, which don't know the sandbox.
    let nothing = tempfile::NamedTempFile::new().unwrap();
    let bundled = export(&sandbox, nothing.path());
    let words = String::from_utf8_lossy(&bundled.stderr).into_owned();
    assert_eq!(bundled.status.code(), Some(5), "{words}");
    assert!(words.contains("the certificate's issuer is not trusted"), "{words}");
}

#[test]
fn p28_a_ca_file_that_is_none_says_so_before_anything_is_sent() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "not a certificate").unwrap();
    for (path, code) in [(file.path().to_owned(), "ConfigError"), ("/nowhere/ca.pem".into(), "OSError")] {
        let mut options = Options::new(Credentials { username: "u".into(), password: Secret::new("p") });
        options.tls = Tls { ca_file: Some(path) };
        let error = Insights::new(options, Arc::new(SystemClock::new())).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}
