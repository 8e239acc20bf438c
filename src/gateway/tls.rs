//! HTTPS by a certificate and a key in files.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, Result};

/// The files, both PEM.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The certificate, followed by those between it and an authority that clients trust.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Certificate {
    /// What does handshakes with it.
    ///
    /// # Errors
    /// `OSError` when a file can't be read, `Config` when it doesn't hold what it should.
    pub(super) fn acceptor(&self) -> Result<TlsAcceptor> {
        let read = |path: &PathBuf| std::fs::read(path).map_err(|error| Error::file(path.display(), &error));
        let (chain, key) = (read(&self.chain)?, read(&self.key)?);
        let wrong = |path: &PathBuf, what: &str, why: String| {
            Error::config(format!("`{}` is not {what}: {why}", path.display()))
                .hint("both are PEM files, with `BEGIN CERTIFICATE` and `BEGIN PRIVATE KEY`")
        };
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&chain)
            .collect::<Result<_, _>>()
            .map_err(|error| wrong(&self.chain, "a chain of certificates", error.to_string()))?;
        if chain.is_empty() {
            return Err(wrong(&self.chain, "a chain of certificates", "it holds none".into()));
        }
        // The parser's words are not shown: they could quote the key.
        let key = PrivateKeyDer::from_pem_slice(&key)
            .map_err(|_| wrong(&self.key, "a private key", "none can be read from it".into()))?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::config(format!("TLS can't be set up: {error}")))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| wrong(&self.key, "the key of the certificate", error.to_string()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}
