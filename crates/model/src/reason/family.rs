//! The macro that a family of reasons is written with.

/// Defines one family of reasons: an enum whose variants carry the facts, each with its stable code and
/// its sentence.
///
/// The sentence is what `thiserror`'s `#[error(…)]` takes: a format string that may name the fields, and
/// more arguments behind it, such as `"{0}", sentence(.names)`. A field may not be called `code`, `text` or
/// `source`: the first two are keys of the JSON, and `thiserror` takes the last for the cause of the error.
///
/// The enum is an error type, so that a pure crate can return it as one.
macro_rules! family {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(
                $(#[$doc:meta])*
                $variant:ident $({ $( $(#[$field_doc:meta])* $field:ident : $type:ty ),* $(,)? })?
                => $code:literal ( $($text:tt)* )
            ),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
        #[serde(tag = "code")]
        pub enum $name {
            $(
                $(#[$doc])*
                #[error($($text)*)]
                #[serde(rename = $code)]
                $variant $({ $( $(#[$field_doc])* $field: $type ),* })?
            ),*
        }

        impl $name {
            /// The codes of all reasons of this family.
            pub const CODES: &'static [&'static str] = &[$($code),*];

            /// The stable code of this reason, for programs.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self {
                    $( Self::$variant { .. } => $code ),*
                }
            }
        }
    };
}

pub(crate) use family;
