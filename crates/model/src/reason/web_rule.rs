//! What is on nginx, Apache httpd or HAProxy of a rule that an action asks for.

use super::Reasons;
use super::family::family;

family! {
    /// How our rules stand on a web server other than IIS.
    pub enum WebRuleReason {
        /// The server cannot say what the rule asks for.
        CannotSay {
            /// The server.
            server: String,
            /// Why.
            why: Reasons,
        } => "server-cannot-say" ("{server}: {why}"),
        /// A file has the name of ours, and no record tells of it.
        FileTaken {
            /// The file.
            file: String,
        } => "file-taken" (
            "{file} is there, is not what Stopgap would write for this catalog, and is not in this state \
             folder's records; by hand: see what it is, and take it out with the lines that include it"
        ),
        /// All that was written is gone.
        NothingLeft {
            /// The server.
            server: String,
        } => "nothing-left" ("nothing of Stopgap is left in {server}"),
    }
}
