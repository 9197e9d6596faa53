//! What is wrong in a mitigation document.

use stopgap_model::{Problem, document};

/// Something wrong in a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What, and where.
    pub(crate) problem: Problem,
}

/// Everything wrong in the document `_name`.
pub(crate) fn lint(_name: &str, bytes: &[u8]) -> Vec<Finding> {
    let check = |pattern: &str| {
        stopgap_rules::check_document_pattern(pattern).map_err(|error| error.to_string())
    };
    let problems = document::parse(bytes, &check).err().unwrap_or_default();
    problems.into_iter().map(|problem| Finding { problem }).collect()
}
