//! Mitigation documents.
