//! What the administrator, the organisation or the publisher says.

use super::Reasons;
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
        /// It is installed, and an administrator blocked it since.
        InstalledAndBlocked {
            /// Who, when and why, as a phrase.
            by: String,
        } => "installed-and-blocked" ("installed; blocked by {by}, so it would not be applied again"),
        /// Automatic mitigation is switched off.
        SwitchedOff {
            /// Where and by whom, such as `on this server by policy.toml`.
            by: String,
        } => "switched-off" ("switched off {by}"),
        /// It is installed, and automatic mitigation was switched off since.
        InstalledAndSwitchedOff {
            /// Where and by whom.
            by: String,
        } => "installed-and-switched-off" ("installed; switched off {by}, so nothing is changed"),
        /// It would be withdrawn, but automatic mitigation is switched off.
        NotNeededAndSwitchedOff {
            /// Why it is no longer needed.
            why: Reasons,
            /// Where and by whom it is switched off.
            by: String,
        } => "not-needed-and-switched-off" ("installed and no longer needed ({why}), but automatic mitigation is switched off {by}"),
        /// The source of the mitigation is in trouble, so nothing new of it is applied.
        Frozen {
            /// What is wrong with the source.
            why: Reasons,
        } => "frozen" ("{why}, so nothing new is applied"),
        /// The source is in trouble, and what it offers would take the mitigation away.
        KeptWhileFrozen {
            /// What is wrong with the source.
            frozen: Reasons,
            /// What the revision says that is not acted on.
            why: Reasons,
        } => "kept-while-frozen" ("installed and kept: {frozen}; the frozen revision says: {why}"),
        /// The source of the mitigation has no permission to ask for this action.
        NotPermitted {
            /// What it has no permission for.
            why: Reasons,
        } => "not-permitted" ("{why}"),
        /// The policy has changes by others reported and not put right.
        ReportedOnly {
            /// The mitigation.
            mitigation: String,
        } => "reported-only" (
            "reported only, as the policy says; to put it right: stopgap reapply {mitigation}"
        ),
        /// The publisher of the mitigation withdrew it.
        Withdrawn {
            /// The publisher's reason.
            why: String,
        } => "withdrawn" ("withdrawn by its publisher: {why}"),
        /// A later revision of the mitigation has this action no more.
        ActionDropped => "action-dropped" ("a later revision of its mitigation does not have it any more"),
        /// A later revision of the mitigation carries the action out in another way.
        AnotherKind => "another-kind" ("its mitigation asks for another kind of change now"),
        /// A later revision of the mitigation names other application pools, none of which is to be set here.
        OtherPools => "other-pools" ("its mitigation names other application pools now"),
        /// It is installed, and the catalog does not have it.
        NotInCatalog {
            /// The mitigation.
            mitigation: String,
        } => "not-in-catalog" (
            "installed, but not in this catalog; it stays until you remove it: stopgap remove {mitigation}"
        ),
        /// It was installed, is not as it was, and the catalog does not have it.
        LostAndNotInCatalog => "lost-and-not-in-catalog" ("not in this catalog"),
        /// What a source offers is not taken.
        OfferRefused {
            /// The source.
            by: String,
            /// The revision; `None` where it cannot be told.
            revision: Option<u32>,
            /// Why.
            why: Reasons,
        } => "offer-refused" ("what {by} offers{} is refused: {why}", as_revision(.revision)),
        /// What the only source offers is not taken, so nothing is known of the mitigation.
        NotTaken {
            /// Why.
            why: Reasons,
        } => "not-taken" ("{why}"),
    }
}

fn as_revision(revision: &Option<u32>) -> String {
    revision.map(|revision| format!(" as its revision {revision}")).unwrap_or_default()
}
