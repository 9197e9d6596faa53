//! What is installed, what is to be done about it, and what became of the last try.

use super::Reasons;
use super::family::family;

family! {
    /// How what is installed stands to what is wanted.
    pub enum ChangeReason {
        /// It is installed.
        InPlace => "in-place" ("installed"),
        /// Because of the reason before this one nothing is changed: what is installed stays.
        Stays => "stays" ("what is installed stays"),
        /// What is installed stays, because nothing better can be written.
        StaysBecause {
            /// Why nothing can be written.
            why: Reasons,
        } => "stays-because" ("what is installed stays: {why}"),
        /// Another mitigation has an action of this id, and that one is installed.
        ActionIdTaken {
            /// The action.
            action: String,
            /// The mitigation that it is installed for.
            mitigation: String,
        } => "action-id-taken" ("an action {action} of another mitigation is installed: {mitigation}"),
        /// Another revision is installed.
        AnotherRevision {
            /// That revision.
            installed: u32,
            /// The revision of the catalog.
            offered: u32,
        } => "another-revision" (
            "another revision is installed: {installed} here, {offered} in the catalog"
        ),
        /// Another version of the program wrote what is installed.
        AnotherVersion => "written-by-another-version" ("another version of Stopgap wrote it"),
        /// It is there to the letter as Stopgap would write it, and no record tells of it.
        KnownByText => "known-by-text" (
            "recognised by its text: the records of this state folder do not have it"
        ),
        /// It is planned to be withdrawn.
        ToBeWithdrawn {
            /// Why.
            why: Reasons,
        } => "to-be-withdrawn" ("to be withdrawn: {why}"),
        /// It is to be withdrawn, and that did not succeed.
        NotWithdrawn {
            /// What went wrong.
            error: Reasons,
            /// Why it is to be withdrawn.
            why: Reasons,
        } => "not-withdrawn" ("it could not be withdrawn: {error}; it is no longer wanted: {why}"),
        /// It was withdrawn in this cycle.
        WithdrawnNow {
            /// Why.
            why: String,
        } => "withdrawn-now" ("{why}"),
        /// The last try to install it failed and was rolled back.
        LastTryFailed {
            /// What went wrong.
            error: String,
        } => "last-try-failed" ("the last try failed and was rolled back: {error}"),
        /// A try failed, and the same is not tried again for a while.
        Resting {
            /// When it was last tried.
            since: String,
            /// When it is tried again by itself; `None`: when something changes.
            again: Option<String>,
            /// The mitigation.
            mitigation: String,
        } => "resting" (
            "last tried {since}, and not again {}; to try again: stopgap reapply {mitigation}",
            until(.again)
        ),
        /// An earlier change of the server could not be rolled back whole, so nothing is done there.
        NotRestored {
            /// What is to be put back.
            why: String,
        } => "not-restored" ("{why}"),
        /// The planned configuration does not do what the mitigation is for, or breaks something.
        WouldNotWork {
            /// Why.
            why: Reasons,
        } => "would-not-work" ("it would not work here: {why}"),
        /// What is planned does not fit into the bounds of what is read.
        TooLarge => "configuration-too-large" ("the configuration would become too large"),
        /// Something keeps the server's files from being changed.
        LeftAlone {
            /// What.
            why: Reasons,
        } => "left-alone" ("left alone: {why}"),
        /// It is installed as it was written and does not do its work any more.
        StandsWithoutEffect {
            /// Why.
            why: Reasons,
        } => "stands-without-effect" ("the rule is installed, but {why}"),
        /// The change that would be made cannot be written.
        NotWritable {
            /// Why.
            why: String,
        } => "cannot-be-written" ("{why}"),
        /// It was withdrawn, and lines of ours are left in files that cannot be changed.
        LinesLeft {
            /// Which.
            lines: Reasons,
        } => "lines-left" ("it was withdrawn, but {lines}"),
        /// Lines of ours that were left can be taken out now.
        LineLeftCanGo => "line-left-can-go" ("a line of Stopgap that could not be removed before can be removed now"),
        /// A change is made just now.
        BeingChanged {
            /// By whom.
            by: String,
        } => "being-changed" ("{by} is changing it just now"),
        /// A change was cut short by a crash.
        CutShort {
            /// When it began.
            at: String,
        } => "cut-short" (
            "a change of {at} was cut short, so what is there now was never verified; the next check \
             rolls it back and decides anew"
        ),
        /// Somebody else changed files each time a plan was made.
        KeepsChanging {
            /// The files.
            files: Vec<String>,
        } => "keeps-changing" (
            "{} was changed by somebody else each time a plan was made", .files.join(", ")
        ),
    }
}

fn until(again: &Option<String>) -> String {
    match again {
        None => "until something changes".to_owned(),
        Some(again) => format!("before {again} or until something changes"),
    }
}
