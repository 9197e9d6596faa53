//! The edits that put Stopgap's text into a configuration.

use stopgap_model::FileEdit;
use stopgap_model::host::ServerPath;
use stopgap_model::reason::WebDifference;

/// The edits that put a text of Stopgap's into the files of a server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    /// The edits, in the order in which they are to be made. Empty if the text is in place already.
    pub edits: Vec<FileEdit>,
    /// Where the text is or will be, for people.
    pub places: Vec<String>,
    /// How the files differ from that now.
    pub differences: Vec<WebDifference>,
    /// The files for the server's own test of its configuration: each is written beside the file of this
    /// path, under the name that `model::web::beside` gives it. For nginx and Apache the first is the main
    /// file, which names the others. For HAProxy these are all files, in the order of its command line.
    pub staged: Vec<(ServerPath, Vec<u8>)>,
}
