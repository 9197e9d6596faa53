//! What the administrator, the organisation or the publisher says.

use super::family::family;

family! {
    /// What a person decided, and what follows from it.
    pub enum PolicyReason {
        /// An administrator removed the mitigation with `stopgap remove`.
        Removed {
            /// Who, when and why, as a phrase.
            by: String,
        } => "removed" ("removed by {by}"),
        /// An administrator blocked the mitigation with `stopgap block`.
        Blocked {
            /// Who, when and why, as a phrase.
            by: String,
        } => "blocked" ("blocked by {by}"),
        /// Automatic mitigation is switched off.
        SwitchedOff {
            /// Where and by whom, such as `on this server by policy.toml`.
            by: String,
        } => "switched-off" ("switched off {by}"),
        /// The publisher of the mitigation withdrew it.
        Withdrawn {
            /// The publisher's reason.
            why: String,
        } => "withdrawn" ("withdrawn by its publisher: {why}"),
    }
}
