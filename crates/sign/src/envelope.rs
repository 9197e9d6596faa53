//! What is signed, with its signatures.

use serde_json::{Value, json};

use crate::canonical::canonical;
use crate::key::{PublicKey, SigningKey};

/// Metadata with the signatures on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What the signatures are of.
    pub signed: Value,
    /// The id of each key that signed, with its signature, in the order of signing.
    signatures: Vec<(String, String)>,
}

/// A file is not signed metadata.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not signed metadata: {0}")]
pub struct EnvelopeError(String);

impl Envelope {
    /// Metadata that nobody signed yet.
    #[must_use]
    pub fn new(signed: Value) -> Self {
        Self { signed, signatures: Vec::new() }
    }

    /// Metadata signed by all of `keys`.
    #[must_use]
    pub fn signed_by<'a>(signed: Value, keys: impl IntoIterator<Item = &'a SigningKey>) -> Self {
        let mut envelope = Self::new(signed);
        for key in keys {
            envelope.sign(key);
        }
        envelope
    }

    /// Reads metadata from a file's bytes.
    ///
    /// # Errors
    /// It is not JSON with `signed` and `signatures`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let mut value: Value =
            serde_json::from_slice(bytes).map_err(|error| EnvelopeError(error.to_string()))?;
        let signed = value.get_mut("signed").map(Value::take).unwrap_or_default();
        if !signed.is_object() {
            return Err(EnvelopeError("there is no `signed`".into()));
        }
        let missing = || EnvelopeError("there is no list `signatures` of `keyid` and `sig`".into());
        let list = value.get("signatures").and_then(Value::as_array).ok_or_else(missing)?;
        let mut signatures = Vec::new();
        for one in list {
            let text = |name: &str| {
                let found = one.get(name).and_then(Value::as_str);
                found.map(str::to_owned).ok_or_else(missing)
            };
            signatures.push((text("keyid")?, text("sig")?));
        }
        Ok(Self { signed, signatures })
    }

    /// The file's bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let signatures: Vec<Value> =
            self.signatures.iter().map(|(id, sig)| json!({"keyid": id, "sig": sig})).collect();
        let value = json!({"signatures": signatures, "signed": self.signed});
        let mut bytes = format!("{value:#}").into_bytes();
        bytes.push(b'\n');
        bytes
    }

    /// Signs with `key`. One key signs once: an earlier signature of it is replaced.
    pub fn sign(&mut self, key: &SigningKey) {
        let id = key.public().id();
        let signature = key.sign(&canonical(&self.signed));
        self.signatures.retain(|(other, _)| *other != id);
        self.signatures.push((id, signature));
    }

    /// The ids of the keys whose signature is on it, valid or not.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|(id, _)| id.as_str())
    }

    /// How many of `keys` have signed validly.
    #[must_use]
    pub fn count(&self, keys: &[PublicKey]) -> usize {
        let message = canonical(&self.signed);
        let signed_by = |key: &&PublicKey| {
            let id = key.id();
            self.signatures.iter().any(|(of, sig)| *of == id && key.verifies(&message, sig))
        };
        keys.iter().filter(signed_by).count()
    }

    /// The version of the metadata; 0 if it has none.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.signed.get("version").and_then(Value::as_u64).unwrap_or(0)
    }
}
