//! Whom the administrator trusts.

use crate::der::SEQUENCE;
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use webpki::anchor_from_trusted_cert;

use crate::purpose::Purpose;
use crate::revocation::{RevocationList, outdated};

/// Trust anchors, and what is known to be revoked.
#[derive(Debug)]
pub struct Trust {
    signer: Vec<CertificateDer<'static>>,
    stamp: Vec<CertificateDer<'static>>,
    pub(crate) revocation_lists: Vec<RevocationList>,
}

/// Trust anchors by what they are trusted for, in DER. An anchor may be any issuer's certificate, a root
/// or one below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchors {
    /// For whom signs feeds.
    pub signer: Vec<Vec<u8>>,
    /// For stamping authorities. If there is none, no stamped feed is taken.
    pub stamp: Vec<Vec<u8>>,
}

/// Trust cannot be put in this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustFault {
    /// No anchor at all.
    #[error("there is no trust anchor for the signer of feeds")]
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
    /// Trust in these certificates, each for its purpose, and in nothing that the revocation lists
    /// revoke; all in DER.
    ///
    /// Every revocation list counts, whatever its date and whatever part of its issuer's certificates
    /// it is for, and a certificate on it is refused whenever it was revoked. What no list speaks of is
    /// not revoked.
    ///
    /// # Errors
    /// There is no anchor for the signer, or something cannot be read.
    pub fn new(anchors: Anchors, revocation_lists: &[Vec<u8>]) -> Result<Self, TrustFault> {
        let Anchors { signer, stamp } = anchors;
        if signer.is_empty() {
            return Err(TrustFault::NoAnchor);
        }
        let [signer, stamp] = [signer, stamp].map(|anchors| {
            let anchors = anchors.into_iter().map(CertificateDer::from);
            anchors.collect::<Vec<CertificateDer<'static>>>()
        });
        for (index, anchor) in signer.iter().chain(&stamp).enumerate() {
            anchor_from_trusted_cert(anchor).map_err(|_| TrustFault::Anchor { index })?;
        }
        let read = |(index, list): (usize, &Vec<u8>)| {
            RevocationList::read(list).map_err(|_| TrustFault::RevocationList { index })
        };
        let revocation_lists = revocation_lists.iter().enumerate().map(read);
        Ok(Self { signer, stamp, revocation_lists: revocation_lists.collect::<Result<_, _>>()? })
    }

    /// Trust in these certificates for signers and stamping authorities alike.
    ///
    /// # Errors
    /// As of [`Trust::new`].
    pub fn for_both(anchors: &[Vec<u8>], revocation_lists: &[Vec<u8>]) -> Result<Self, TrustFault> {
        let (signer, stamp) = (anchors.to_vec(), anchors.to_vec());
        Self::new(Anchors { signer, stamp }, revocation_lists)
    }

    /// The anchors for a purpose.
    pub(crate) fn anchors(&self, purpose: Purpose) -> &[CertificateDer<'static>] {
        match purpose {
            Purpose::SignFeeds => &self.signer,
            Purpose::StampTime => &self.stamp,
        }
    }

    /// All anchors.
    pub(crate) fn all_anchors(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.signer.iter().chain(&self.stamp)
    }

    /// The revocation lists that should have been replaced by `now`: the name of each issuer, and when.
    /// They count all the same; what was revoked since is not on them.
    #[must_use]
    pub fn outdated(&self, now: Timestamp) -> Vec<(String, Timestamp)> {
        outdated(&self.revocation_lists, now)
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
        let fault = |anchors: &[Vec<u8>]| Trust::for_both(anchors, &[]).err();
        assert_eq!(fault(&[]), Some(TrustFault::NoAnchor));
        assert_eq!(fault(&[vec![0x30, 0]]), Some(TrustFault::Anchor { index: 0 }));
        for list in [&[0x30, 0][..], &[0x30, 3, 0x30, 1, 5], b""] {
            assert!(RevocationList::read(list).is_err());
        }
    }
}
