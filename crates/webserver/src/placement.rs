//! What is to be done so that exactly our text is in place.

use stopgap_model::host::ServerPath;

use stopgap_model::FileEdit;

/// What brings the files of a server to a text of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    /// What becomes of the files. Empty: it stands exactly so already.
    pub edits: Vec<FileEdit>,
    /// Where the text is or will be, for a person.
    pub places: Vec<String>,
    /// What differs from that now, for a person.
    pub differences: Vec<String>,
    /// What the server's own test reads, each to be written beside the file of this path, under its
    /// path by `model::web::beside`. Tested with these, the configuration is the one that will be.
    /// nginx and Apache: the first is the main file; the others are named by it. HAProxy: all files,
    /// those of folders included, in the order in which they are to be given.
    pub staged: Vec<(ServerPath, Vec<u8>)>,
}

/// Why a text has no place in a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is in the language of another server.
    #[error("the rules are written for another kind of web server")]
    OtherLanguage,
    /// There is nothing that it could stand in; a sentence without a full stop.
    #[error("{0}")]
    Nowhere(String),
    /// A file of ours is there and cannot be read; a sentence without a full stop.
    #[error("{0}")]
    Unreadable(String),
}
