//! JSON in the one form that signatures are of.

use serde_json::Value;

/// The bytes that signatures are of. What is made here has no fractions, which alone have no
/// canonical form.
pub(crate) fn canonical(value: &Value) -> Vec<u8> {
    sigstore_tuf::canonical_json::to_canonical_bytes(value).unwrap_or_default()
}
