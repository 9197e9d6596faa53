//! Whom the administrator trusts.

use crate::der::SEQUENCE;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use webpki::{CertRevocationList, OwnedCertRevocationList, anchor_from_trusted_cert};

/// Trust anchors, and what is known to be revoked.
#[derive(Debug)]
pub struct Trust {
    pub(crate) anchors: Vec<CertificateDer<'static>>,
    pub(crate) revocation_lists: Vec<CertRevocationList<'static>>,
}

/// Trust cannot be put in this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustFault {
    /// No anchor at all.
    #[error("there is no trust anchor")]
    NoAnchor,
    /// An anchor is no certificate.
    #[error("the anchor number {index} is no certificate that can be read")]
    Anchor {
        /// Which, from 0.
        index: usize,
    },
    /// A revocation list is none.
    #[error("the revocation list number {index} cannot be read")]
    RevocationList {
        /// Which, from 0.
        index: usize,
    },
}

impl Trust {
    /// Trust in these certificates and, if the revocation lists are any, in nothing that these
    /// revoke; all in DER. An anchor may be any issuer's certificate, a root or one below it.
    ///
    /// A revocation list counts whatever its date, and a certificate on it is refused whenever it
    /// was revoked. What no list speaks of is not revoked.
    ///
    /// # Errors
    /// There is no anchor, or something cannot be read.
    pub fn new(anchors: Vec<Vec<u8>>, revocation_lists: Vec<Vec<u8>>) -> Result<Self, TrustFault> {
        if anchors.is_empty() {
            return Err(TrustFault::NoAnchor);
        }
        let anchors: Vec<CertificateDer<'static>> =
            anchors.into_iter().map(CertificateDer::from).collect();
        for (index, anchor) in anchors.iter().enumerate() {
            anchor_from_trusted_cert(anchor).map_err(|_| TrustFault::Anchor { index })?;
        }
        let mut lists = Vec::new();
        for (index, list) in revocation_lists.into_iter().enumerate() {
            let list = CertificateRevocationListDer::from(list);
            let list = OwnedCertRevocationList::from_der(&list)
                .map_err(|_| TrustFault::RevocationList { index })?;
            lists.push(list.into());
        }
        Ok(Self { anchors, revocation_lists: lists })
    }
}

/// The certificates of a file: one in DER, or any number in PEM.
///
/// # Errors
/// It is neither.
pub fn certificates(file: &[u8]) -> Result<Vec<Vec<u8>>, NotRead> {
    der_or_pem::<CertificateDer<'static>>(file)
}

/// The revocation lists of a file: one in DER, or any number in PEM.
///
/// # Errors
/// It is neither.
pub fn revocation_lists(file: &[u8]) -> Result<Vec<Vec<u8>>, NotRead> {
    der_or_pem::<CertificateRevocationListDer<'static>>(file)
}

/// A file holds nothing of what was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is neither DER nor PEM of what it should hold")]
pub struct NotRead;

fn der_or_pem<T: PemObject + AsRef<[u8]>>(file: &[u8]) -> Result<Vec<Vec<u8>>, NotRead> {
    if file.first() == Some(&SEQUENCE) {
        return Ok(vec![file.to_vec()]);
    }
    let found: Result<Vec<T>, _> = T::pem_slice_iter(file).collect();
    let found = found.map_err(|_| NotRead)?;
    if found.is_empty() {
        return Err(NotRead);
    }
    Ok(found.iter().map(|der| der.as_ref().to_vec()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_der_or_pem() {
        let pem = b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(&[0x30, 0]), Ok(vec![vec![0x30, 0]]));
        assert_eq!(certificates(pem), Ok(vec![vec![0x30, 0]]));
        assert_eq!(certificates(&pem.repeat(2)), Ok(vec![vec![0x30, 0]; 2]));
        assert_eq!(revocation_lists(pem), Err(NotRead));
        assert_eq!(certificates(b"not a certificate"), Err(NotRead));
        assert_eq!(certificates(b""), Err(NotRead));
    }

    #[test]
    fn trust_in_nothing_and_in_nonsense_is_refused() {
        let fault = |anchors, lists| Trust::new(anchors, lists).err();
        assert_eq!(fault(vec![], vec![]), Some(TrustFault::NoAnchor));
        assert_eq!(fault(vec![vec![0x30, 0]], vec![]), Some(TrustFault::Anchor { index: 0 }));
    }
}
