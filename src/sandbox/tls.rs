//! HTTPS on loopback: a certificate authority and a certificate, made at start.

use std::{io::Write as _, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tempfile::NamedTempFile;
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, Result};

/// What accepts TLS connections, and the file with the authority that clients have to trust. The file goes with it.
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    pub(super) ca_file: NamedTempFile,
}

impl Tls {
    /// Makes both, for `localhost`, `127.0.0.1` and `::1`.
    pub(super) fn new() -> Result<Self> {
        let (chain, key, pem) =
            certificates().map_err(|error| Error::config(format!("the sandbox can't make a certificate: {error}")))?;
        let mut ca_file = tempfile::Builder::new()
            .prefix("insightframe-sandbox-ca-")
            .suffix(".pem")
            .tempfile()
            .map_err(|error| Error::file(std::env::temp_dir().display(), &error))?;
        ca_file.write_all(pem.as_bytes()).map_err(|error| Error::file(ca_file.path().display(), &error))?;

        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
            .map_err(|error| Error::config(format!("the sandbox can't serve its certificate: {error}")))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), ca_file })
    }
}

type Made = (Vec<rustls::pki_types::CertificateDer<'static>>, PrivateKeyDer<'static>, String);

fn certificates() -> Result<Made, rcgen::Error> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "insightframe sandbox CA");
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, "localhost");
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    Ok((vec![certificate.der().clone()], key, authority.pem()))
}
