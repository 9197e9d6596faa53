//! What is to be done so that exactly our text is in place.

use stopgap_model::FileEdit;
use stopgap_model::host::ServerPath;
use stopgap_model::reason::WebDifference;

/// What brings the files of a server to a text of ours.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    /// What becomes of the files. Empty: it stands exactly so already.
    pub edits: Vec<FileEdit>,
    /// Where the text is or will be, for a person.
    pub places: Vec<String>,
    /// What differs from that now.
    pub differences: Vec<WebDifference>,
    /// What the server's own test reads, each to be written beside the file of this path, under its
    /// path by `model::web::beside`. Tested with these, the configuration is the one that will be.
    /// nginx and Apache: the first is the main file; the others are named by it. HAProxy: all files,
    /// those of folders included, in the order in which they are to be given.
    pub staged: Vec<(ServerPath, Vec<u8>)>,
}
