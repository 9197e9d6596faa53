//! What is known as a sentence only.

use super::family::family;

family! {
    /// A sentence from elsewhere: of the operating system, of another program, of an older record.
    pub enum OtherReason {
        /// The sentence is all that is known.
        Text {
            /// The sentence, without a full stop.
            why: String,
        } => "other" ("{why}"),
    }
}
