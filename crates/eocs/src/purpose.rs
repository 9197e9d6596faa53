//! What a certificate is to be for.

use webpki::KeyUsage;

use crate::certificate::Certificate;
use crate::oid;
use crate::refusal::CertificateFault;

/// What a certificate is to be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    SignFeeds,
    StampTime,
}

impl Purpose {
    /// An issuer that names usages must name this one.
    pub(crate) const fn for_issuers(self) -> KeyUsage {
        match self {
            Self::SignFeeds => KeyUsage::required_if_present(oid::CODE_SIGNING),
            Self::StampTime => KeyUsage::required_if_present(oid::TIME_STAMPING),
        }
    }

    /// Whether the certificate itself is for this. webpki asks every certificate of a path for
    /// one usage; what the last one must have beside is asked here.
    pub(crate) fn allows(self, certificate: &Certificate<'_>) -> Result<(), CertificateFault> {
        let is_for = |usage, needed| {
            let found = || certificate.usages_shown();
            let fault = || CertificateFault::ExtendedKeyUsage { needed, found: found() };
            if certificate.is_for(usage) { Ok(()) } else { Err(fault()) }
        };
        match self {
            Self::SignFeeds => {
                is_for(oid::CODE_SIGNING, "code signing")?;
                is_for(oid::FEED_SIGNING, "signing mitigation feeds (1.3.6.1.4.1.311.76.57.1.11)")?;
            }
            Self::StampTime => {
                is_for(oid::TIME_STAMPING, "time stamping")?;
                // RFC 3161, 2.3: this usage and no other.
                if certificate.usages() != 1 {
                    let (needed, found) = ("time stamping alone", certificate.usages_shown());
                    return Err(CertificateFault::ExtendedKeyUsage { needed, found });
                }
            }
        }
        if certificate.may_sign() { Ok(()) } else { Err(CertificateFault::KeyUsage) }
    }
}
