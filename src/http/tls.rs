//! Which certificates are trusted.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    client::WebPkiServerVerifier,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, pem::PemObject},
};
use rustls_platform_verifier::Verifier;

use crate::error::{Error, Result};

/// How servers prove who they are.
///
/// The system's roots are trusted (`SSL_CERT_FILE` and `SSL_CERT_DIR` say where they are, where the system honours
/// them); a machine without any, such as a minimal container, gets Mozilla's roots as bundled at build time.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// A PEM file with certificates that are trusted beside the system's, for a company's own proxy or a sandbox.
    pub ca_file: Option<PathBuf>,
}

impl Tls {
    /// The rustls configuration, with `ring` as the one crypto provider.
    ///
    /// # Errors
    /// `OSError` when the file can't be read, `Config` when it holds no certificate.
    pub(super) fn client_config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(ring::default_provider());
        let extra = self.extra_roots()?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::config(format!("TLS can't be set up: {error}")))?
            .dangerous();
        let mut config = match Verifier::new_with_extra_roots(extra.clone(), Arc::clone(&provider)) {
            Ok(verifier) if extra.is_empty() || has_system_roots() => {
                builder.with_custom_certificate_verifier(Arc::new(verifier))
            }
            _ => builder.with_custom_certificate_verifier(bundled(extra, provider)?),
        }
        .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn extra_roots(&self) -> Result<Vec<CertificateDer<'static>>> {
        let Some(path) = &self.ca_file else { return Ok(Vec::new()) };
        let shown = path.display();
        let pem = std::fs::read(path).map_err(|error| Error::file(path.display(), &error))?;
        let roots: Vec<_> = CertificateDer::pem_slice_iter(&pem)
            .collect::<Result<_, _>>()
            .map_err(|error| Error::config(format!("`{shown}` is not a PEM file: {error}")))?;
        if roots.is_empty() {
            return Err(Error::config(format!("`{shown}` holds no certificate"))
                .hint("`ca_file` takes a PEM file with one or more `BEGIN CERTIFICATE` blocks"));
        }
        Ok(roots)
    }
}

/// Whether the platform's verifier finds roots of its own; extra ones would otherwise hide that it has none.
pub fn has_system_roots() -> bool {
    Verifier::new(Arc::new(ring::default_provider())).is_ok()
}

fn bundled(extra: Vec<CertificateDer<'static>>, provider: Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>> {
    tracing::info!("the system has no certificate roots; the bundled ones are used");
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(extra);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| Error::config(format!("the certificate roots can't be used: {error}")))
}

/// A configuration that trusts nobody, for an origin that is plain loopback http: no roots need be read.
pub(super) fn unused() -> Result<ClientConfig> {
    Ok(ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::config(format!("TLS can't be set up: {error}")))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}
