//! TLS with a site of this machine, whatever certificate it shows.

use std::sync::{Arc, LazyLock};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};

/// Takes every certificate.
///
/// A site's certificate may be its own, out of date, or for names that do not lead here: none of
/// that is ours to judge. Who answers is known: the connection does not leave this machine. And
/// nothing is told in the request that is secret, nor believed of the answer but its status, which
/// is compared with what the same site answered before.
#[derive(Debug)]
struct AnyCertificate(CryptoProvider);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// How every connection is made. Each is agreed on anew, as a stranger's: a session of before would
/// show nothing of the site as it is now.
static CONFIG: LazyLock<Result<Arc<ClientConfig>, Error>> = LazyLock::new(|| {
    let provider = aws_lc_rs::default_provider();
    let verifier = Arc::new(AnyCertificate(provider.clone()));
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
});

/// Why a connection by TLS is not begun; each a sentence without a full stop.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum TlsError {
    /// The library cannot be set up.
    #[error("TLS cannot be spoken: {0}")]
    NotSpoken(Error),
    /// The name of the site is none that a client can ask for.
    #[error("`{name}` is not a name that can be asked for by TLS")]
    NotAName { name: String },
}

/// A new connection that asks for the site `name`.
///
/// # Errors
/// The name cannot be asked for, or TLS is not to be had.
pub(crate) fn client(name: &str) -> Result<ClientConnection, TlsError> {
    let config = CONFIG.clone().map_err(TlsError::NotSpoken)?;
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| TlsError::NotAName { name: name.to_owned() })?;
    ClientConnection::new(config, name).map_err(TlsError::NotSpoken)
}
