//! What is kept of what was seen.

use jiff::Timestamp;
use stopgap_model::evidence::Sighting;
use stopgap_model::{ServerId, ServerPath};

/// What was seen of the sites of this host, and what kept a change from being made there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptEvidence {
    /// The last of each probe on each site; and the last that shows something from before a change, as long as
    /// nothing newer does.
    pub sightings: Vec<Sighting>,
    /// What the last check found, where no change record tells of it.
    pub hindrances: Vec<Hindrance>,
}

/// What kept a change of a web server, or of one of its files, from being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hindrance {
    /// When it was seen.
    pub at: Timestamp,
    /// The server.
    pub server: ServerId,
    /// The file; `None`: the server refuses its configuration as it stands.
    pub file: Option<ServerPath>,
    /// Why, as a sentence without a full stop.
    pub why: String,
}
