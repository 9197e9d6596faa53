//! What a server cannot say.

pub use stopgap_model::reason::RuleReason as Unsupported;

/// That a server cannot say an action, because of `reason`.
pub fn unsupported(reason: impl Into<String>) -> Unsupported {
    Unsupported::Told { why: reason.into() }
}
