//! Ed25519 keys.

use std::fmt;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use serde_json::{Value, json};
use stopgap_model::Digest;

use crate::canonical::canonical;

/// The length of an Ed25519 public key, in bytes.
const PUBLIC_LENGTH: usize = 32;

/// What stands in front of an Ed25519 public key in a `SubjectPublicKeyInfo` (RFC 8410, section 4).
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0];

/// A key that signs.
pub struct SigningKey(Ed25519KeyPair);

/// The half of a key that everybody may have.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PublicKey([u8; PUBLIC_LENGTH]);

/// A key cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The system gives no random numbers.
    #[error("no key can be made: the system gives no random numbers")]
    NoRandom,
    /// The bytes are not an Ed25519 key.
    #[error("not an Ed25519 private key in PKCS#8")]
    NotAKey,
    /// A key in metadata is of another type.
    #[error("not an Ed25519 public key: {0}")]
    NotPublic(String),
}

impl SigningKey {
    /// A new key.
    ///
    /// # Errors
    /// `KeyError::NoRandom`.
    pub fn generate() -> Result<Self, KeyError> {
        Ed25519KeyPair::generate().map(Self).map_err(|_| KeyError::NoRandom)
    }

    /// Reads a key from its PKCS#8 DER, with or without the public half.
    ///
    /// # Errors
    /// `KeyError::NotAKey`.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self).map_err(|_| KeyError::NotAKey)
    }

    /// The key as PKCS#8 DER, version 1, as every program reads it. Whoever has it can sign.
    ///
    /// # Errors
    /// `KeyError::NotAKey`, if it cannot be written.
    pub fn to_pkcs8(&self) -> Result<Vec<u8>, KeyError> {
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> =
            self.0.as_der().map_err(|_| KeyError::NotAKey)?;
        Ok(der.as_ref().to_vec())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        let mut bytes = [0; PUBLIC_LENGTH];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        PublicKey(bytes)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> String {
        hex(self.0.sign(message).as_ref())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public().id())
    }
}

impl PublicKey {
    /// Reads a key as metadata has it.
    ///
    /// # Errors
    /// `KeyError::NotPublic`.
    pub fn from_json(key: &Value) -> Result<Self, KeyError> {
        let wrong = || KeyError::NotPublic(key.to_string().chars().take(200).collect());
        let is = |name: &str| key.get(name).and_then(Value::as_str) == Some("ed25519");
        if !is("keytype") || !is("scheme") {
            return Err(wrong());
        }
        let public = key.pointer("/keyval/public").and_then(Value::as_str).ok_or_else(wrong)?;
        unhex(public).map(Self).ok_or_else(wrong)
    }

    /// Reads a key from its `SubjectPublicKeyInfo` DER, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// `KeyError::NotPublic`.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let key = der.strip_prefix(SPKI_HEAD.as_slice()).and_then(|key| key.try_into().ok());
        key.map(Self).ok_or_else(|| KeyError::NotPublic("another type of key, or none".into()))
    }

    /// The key as `SubjectPublicKeyInfo` DER.
    #[must_use]
    pub fn to_spki(&self) -> Vec<u8> {
        [SPKI_HEAD.as_slice(), &self.0].concat()
    }

    /// The key as metadata has it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": hex(&self.0)}})
    }

    /// The key's id: the SHA-256 digest of what metadata says of it.
    #[must_use]
    pub fn id(&self) -> String {
        Digest::of(&canonical(&self.to_json())).to_string()
    }

    pub(crate) fn verifies(&self, message: &[u8], signature: &str) -> bool {
        let Some(signature) = unhex::<64>(signature) else { return false };
        UnparsedPublicKey::new(&ED25519, self.0).verify(message, &signature).is_ok()
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    // Of an odd number of digits one is left over, and is no pair.
    if text.len() != 2 * N {
        return None;
    }
    let digit =
        |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let [high, low] = pair else { return None };
        *byte = (digit(high)? << 4) | digit(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_signs_the_same() {
        let key = SigningKey::generate().unwrap();
        let again = SigningKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(key.public(), again.public());
        assert_eq!(PublicKey::from_json(&key.public().to_json()), Ok(key.public()));
        let signature = again.sign(b"words");
        assert!(key.public().verifies(b"words", &signature));
        assert!(!key.public().verifies(b"other words", &signature));
        assert_eq!(PublicKey::from_spki(&key.public().to_spki()), Ok(key.public()));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        assert_eq!(SigningKey::from_pkcs8(b"no").err(), Some(KeyError::NotAKey));
        let rsa =
            json!({"keytype": "rsa", "scheme": "rsassa-pss-sha256", "keyval": {"public": "x"}});
        assert!(PublicKey::from_json(&rsa).is_err());
        let long = json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": "é".repeat(32)}});
        assert!(PublicKey::from_json(&long).is_err());
        for der in [&b""[..], &SPKI_HEAD, &[0; 44], &[&SPKI_HEAD[..], &[0; 33]].concat()] {
            assert!(PublicKey::from_spki(der).is_err());
        }
    }
}
