//! Why a file was not changed.

use stopgap_model::problem::one_line;

use super::place::Place;
use super::xml::NotReadable;

/// Why a file was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is not a configuration file that can be read.
    #[error("the file cannot be edited: {0}")]
    NotReadable(NotReadable),
    /// A value holds a character that XML cannot carry.
    #[error("the rule has the character U+{code:04X}, which XML cannot carry")]
    NotXml {
        /// The character's number.
        code: u32,
    },
    /// The place has something of this name already.
    #[error("there is a \"{}\" there already", one_line(.0))]
    NameTaken(String),
    /// More than one element has this name, or more than one section is in this place.
    #[error("it is not clear which is meant: {0}")]
    Ambiguous(String),
    /// The place's section is in a location with a narrower reach, or one that locks.
    #[error("the rules of {0} are in a location that is locked or not inherited")]
    NotPlain(Place),
    /// The section's content is in another file, or encrypted.
    #[error("the section {0} is not written in this file")]
    Elsewhere(String),
    /// A place in the file was not found again, so nothing is written.
    #[error("a place in the file was not found again")]
    Lost,
    /// There is no application pool of this name.
    #[error("there is no application pool \"{}\"", one_line(.0))]
    NoSuchPool(String),
}
