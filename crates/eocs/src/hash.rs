//! The digests that time stamps and revocation lists may be made with: SHA-2.

use sha2::{Digest as _, Sha256, Sha384, Sha512};

use crate::der::{Element, NotDer};
use crate::oid;

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    const ALL: [(Self, &'static [u8], &'static [u8]); 3] = [
        (Self::Sha256, oid::SHA256, oid::SHA256_WITH_RSA),
        (Self::Sha384, oid::SHA384, oid::SHA384_WITH_RSA),
        (Self::Sha512, oid::SHA512, oid::SHA512_WITH_RSA),
    ];

    /// The digest of `bytes`.
    pub(crate) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

/// The algorithm that an AlgorithmIdentifier names. Its parameters are NULL, or left out, which
/// RFC 5754 wants accepted.
pub(crate) fn of(algorithm: Element<'_>) -> Result<Hash, NotDer> {
    let name = algorithm.content.strip_suffix(oid::NULL).unwrap_or(algorithm.content);
    let found = Hash::ALL.iter().find(|(_, hash, _)| *hash == name);
    found.map(|(hash, ..)| *hash).ok_or(NotDer)
}

/// The digest of an RSA signature whose algorithm's content this is.
pub(crate) fn of_rsa(algorithm: &[u8]) -> Result<Hash, NotDer> {
    let found = Hash::ALL.iter().find(|(_, _, signature)| *signature == algorithm);
    found.map(|(hash, ..)| *hash).ok_or(NotDer)
}
