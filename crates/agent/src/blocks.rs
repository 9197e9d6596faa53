//! Who blocks which mitigation. The policy keeps one of them for each mitigation; whoever wants to end a
//! block has to know all.

use stopgap_model::MitigationId;

/// One who blocks a mitigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedBy {
    /// The mitigation, as it is written there.
    pub id: MitigationId,
    /// What kind of word it is.
    pub origin: Origin,
    /// Who says so, as a phrase; of a command also when and why.
    pub by: String,
}

/// Where a block is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Among the decisions of this server's administrators: `unblock` ends it.
    Command,
    /// In the policy file, for this server.
    Server,
    /// In the policy file, or the policy of a feed, for the organisation.
    Organisation,
}

impl Origin {
    /// Returns the word used in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Server => "server",
            Self::Organisation => "organisation",
        }
    }
}
