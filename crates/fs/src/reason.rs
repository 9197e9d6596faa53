//! The errors of this crate as the reasons that a report gives.

use std::path::Path;

use stopgap_model::Reasons;
use stopgap_model::reason::FileReason;

use crate::error::{FsError, ReplaceError};
use crate::search::NotSearched;

fn text(path: &Path) -> String {
    path.display().to_string()
}

impl From<&FsError> for FileReason {
    fn from(error: &FsError) -> Self {
        match error {
            FsError::NotFound { path } => Self::NotFound { path: text(path) },
            FsError::Link { path } => Self::Link { path: text(path) },
            FsError::NotAFile { path } => Self::NotAFile { path: text(path) },
            FsError::NotAFolder { path } => Self::NotAFolder { path: text(path) },
            FsError::TooLarge { path, max } => Self::TooLarge { path: text(path), max: *max },
            FsError::LongLine { path, max } => Self::LongLine { path: text(path), max: *max },
            FsError::Ambiguous { folder, first, second } => Self::Ambiguous {
                folder: text(folder),
                first: first.clone(),
                second: second.clone(),
            },
            FsError::BadName { name } => Self::BadName { name: name.clone() },
            FsError::Exposed { path } => Self::OthersMayWrite { path: text(path) },
            FsError::ForeignLink { path, owner, other } => {
                Self::ForeignLink { path: text(path), owner: *owner, other: *other }
            }
            FsError::InUse { path, by } => Self::InUse { path: text(path), by: by.clone() },
            FsError::NotTheirs { path } => Self::NotTheirs { path: text(path) },
            FsError::Exchanged { path } => Self::Exchanged { path: text(path) },
            FsError::TooManyLinks { path } => Self::TooManyLinks { path: text(path) },
            FsError::TooMany { path, max } => Self::TooManyNames { path: text(path), max: *max },
            FsError::Io { action, path, source } => Self::Refused {
                path: text(path),
                action: (*action).to_owned(),
                error: source.to_string(),
            },
            FsError::Unsupported { action } => Self::Unsupported { action: (*action).to_owned() },
        }
    }
}

impl From<&ReplaceError> for FileReason {
    fn from(error: &ReplaceError) -> Self {
        match error {
            ReplaceError::Missing { path } => Self::Gone { path: text(path) },
            ReplaceError::InUse { path } => Self::Locked { path: text(path) },
            ReplaceError::Changed { path, .. } => Self::Changed { path: text(path) },
            ReplaceError::ReadOnly { path } => Self::ReadOnly { path: text(path) },
            ReplaceError::HardLinked { path } => Self::HardLinked { path: text(path) },
            ReplaceError::Immutable { path } => Self::Immutable { path: text(path) },
            ReplaceError::ReadOnlyDisk { path } => Self::ReadOnlyDisk { path: text(path) },
            ReplaceError::Mounted { path } => Self::Mounted { path: text(path) },
            ReplaceError::Torn { path, source } => {
                Self::Torn { path: text(path), error: source.to_string() }
            }
            ReplaceError::NotCarriedOver { path, what, source } => Self::NotCarriedOver {
                path: text(path),
                what: what.clone(),
                error: source.to_string(),
            },
            ReplaceError::NotDurable { path, source } => {
                Self::NotDurable { path: text(path), error: source.to_string() }
            }
            ReplaceError::Fs(error) => Self::from(error),
        }
    }
}

impl From<&NotSearched> for FileReason {
    fn from(why: &NotSearched) -> Self {
        match why {
            NotSearched::Fs(error) => Self::from(error),
            NotSearched::Name { folder, name } => {
                Self::NotAWindowsName { folder: text(folder), name: name.clone() }
            }
            NotSearched::Limit { what, limit } => {
                Self::SearchTooLarge { what: (*what).to_owned(), limit: *limit }
            }
        }
    }
}

impl From<FsError> for Reasons {
    fn from(error: FsError) -> Self {
        FileReason::from(&error).into()
    }
}

impl From<ReplaceError> for Reasons {
    fn from(error: ReplaceError) -> Self {
        FileReason::from(&error).into()
    }
}

impl From<NotSearched> for Reasons {
    fn from(why: NotSearched) -> Self {
        FileReason::from(&why).into()
    }
}

#[cfg(test)]
mod tests {
    use stopgap_model::problem::sentence;

    use super::*;
    use crate::error::OsError;

    #[test]
    fn a_reason_says_what_its_error_says() {
        let path = || "/etc/x".into();
        let io = FsError::Io { action: "open", path: path(), source: OsError::IO };
        for error in [
            io.clone(),
            FsError::Exposed { path: path() },
            FsError::TooMany { path: path(), max: 7 },
            FsError::ForeignLink { path: path(), owner: 1000, other: 0 },
            FsError::Ambiguous { folder: path(), first: "A".into(), second: "a".into() },
        ] {
            assert_eq!(FileReason::from(&error).to_string(), sentence(&error));
        }
        let source = OsError::IO;
        for error in [
            ReplaceError::Fs(io),
            ReplaceError::Torn { path: path(), source },
            ReplaceError::NotDurable { path: path(), source },
            ReplaceError::NotCarriedOver { path: path(), what: "owner".into(), source },
            ReplaceError::Immutable { path: path() },
        ] {
            assert_eq!(FileReason::from(&error).to_string(), sentence(&error));
        }
    }
}
