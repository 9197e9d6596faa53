//! RSA signatures by the key of a certificate.

use rustls_pki_types::CertificateDer;
use webpki::{EndEntityCert, aws_lc_rs};

use crate::certificate::Certificate;
use crate::hash::Hash;

/// Verifies rsa-sha256 with the key of a certificate.
pub(crate) fn is_signed_by(certificate: &Certificate<'_>, message: &[u8], value: &[u8]) -> bool {
    is_signed_with(certificate, Hash::Sha256, message, value)
}

/// Verifies an RSA signature with the key of a certificate.
pub(crate) fn is_signed_with(
    certificate: &Certificate<'_>,
    hash: Hash,
    message: &[u8],
    value: &[u8],
) -> bool {
    let algorithm = match hash {
        Hash::Sha256 => aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha384 => aws_lc_rs::RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => aws_lc_rs::RSA_PKCS1_2048_8192_SHA512,
    };
    let der = CertificateDer::from(certificate.der);
    EndEntityCert::try_from(&der)
        .is_ok_and(|key| key.verify_signature(algorithm, message, value).is_ok())
}
