//! What a check found.

use stopgap_model::Problem;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Worth a second look; the document may be right.
    Warning,
    /// The document must not be published.
    Error,
}

impl Level {
    /// The word as it is shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// The check's name, in kebab-case.
    pub(crate) name: &'static str,
    /// What, where, and how to mend it.
    pub(crate) problem: Problem,
}

impl Finding {
    pub(super) fn error(name: &'static str, problem: Problem) -> Self {
        Self { level: Level::Error, name, problem }
    }

    pub(super) fn warning(name: &'static str, problem: Problem) -> Self {
        Self { level: Level::Warning, name, problem }
    }

    /// The names that this check had before. Whoever looks for one of them finds it.
    pub(crate) fn former_names(&self) -> &'static [&'static str] {
        match self.name {
            "unsupported-roles" => &["unsupported-roles"],
            "probe-mismatch" => &["probe-mismatch"],
            "no-encoded-probe" => &["no-encoded-probe"],
            "redundant-reason" => &["redundant-reason"],
            _ => &[],
        }
    }
}
