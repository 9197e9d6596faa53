//! Names of mitigations and of their actions, parsed at the door.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest id that is accepted, in bytes. Ids become names of rules and of folders.
pub const MAX_ID_LENGTH: usize = 64;

/// The text cannot be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not an id: 1 to {MAX_ID_LENGTH} letters, digits, `.`, `_` or `-`, \
     beginning with a letter or digit"
)]
pub struct NotAnId(String);

/// What an id looks like, as a phrase.
pub(crate) fn id_rule() -> String {
    format!("1 to {MAX_ID_LENGTH} of letters, digits, `.`, `_`, `-`, a letter or digit first")
}

fn check(text: &str) -> Result<(), NotAnId> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let good = text.len() <= MAX_ID_LENGTH
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(allowed);
    if good { Ok(()) } else { Err(NotAnId(text.to_owned())) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(into = "String", try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                check(text)?;
                Ok(Self(text.to_owned()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = NotAnId;

            fn try_from(text: String) -> Result<Self, NotAnId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
    };
}

id! {
    /// A mitigation's id, such as `M1` or `CVE-2021-26855`.
    MitigationId
}

id! {
    /// An action's id, such as `M1.1`, unique in the whole catalog.
    ActionId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_leave_a_folder_or_a_quoted_name_is_refused() {
        for good in ["M1", "CVE-2021-26855", "ACME-7_x.1"] {
            assert_eq!(good.parse::<MitigationId>().map(|id| id.to_string()), Ok(good.into()));
        }
        for bad in ["", ".", "..", "a/b", "a\\b", "a b", "-x", "a\"b", "a\nb", &"x".repeat(65)] {
            assert!(bad.parse::<MitigationId>().is_err(), "{bad:?}");
        }
    }
}
