//! What both programs print as JSON.

use serde::Serialize;

/// The version of all shapes. Names are added within a version, never changed.
pub const JSON_SCHEMA: u32 = 1;

/// Returns an object on one line, with the schema's version; the names are in the order of the alphabet.
#[must_use]
pub fn json_line(object: &impl Serialize) -> String {
    // Only a map with keys that are not text cannot be written, and there is none.
    let mut object = serde_json::to_value(object).unwrap_or_default();
    if let Some(fields) = object.as_object_mut() {
        fields.insert("schema".into(), JSON_SCHEMA.into());
    }
    object.to_string()
}
