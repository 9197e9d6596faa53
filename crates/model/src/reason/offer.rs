//! Why what a source offers is frozen, not permitted or not taken.

use super::family::family;

family! {
    /// What keeps an offer, or an action of it, from being applied.
    pub enum OfferReason {
        /// The feed is in trouble.
        FeedInTrouble {
            /// The feed.
            feed: String,
            /// What is wrong with it.
            why: String,
        } => "feed-in-trouble" ("{feed}: {why}"),
        /// A newer revision is installed.
        OlderThanInstalled {
            /// The revision that is installed.
            installed: u32,
        } => "older-than-installed" (
            "revision {installed} is installed, and Stopgap never goes back to an older one"
        ),
        /// The feed has no permission for this kind of action.
        KindNotGiven {
            /// The kind.
            kind: String,
        } => "kind-not-given" ("the feed was not given the power {kind}"),
        /// The feed has permission for other services or application pools only.
        NameNotGiven {
            /// `services` or `application pools`.
            what: String,
            /// Those that it was given.
            given: Vec<String>,
            /// The one that the action names.
            name: String,
        } => "name-not-given" ("the feed was given the {what} {} and not {name}", .given.join(", ")),
        /// The feed may offer other mitigations only.
        IdNotGiven {
            /// The ids that it was given.
            given: Vec<String>,
            /// The mitigation.
            id: String,
        } => "id-not-given" ("the feed was given the ids {} and not {id}", .given.join(", ")),
        /// The mitigation ships with the program.
        IdOfShipped {
            /// The mitigation.
            id: String,
        } => "id-of-shipped" (
            "{id} is of the catalog that ships with the program, and the feed was not given it"
        ),
        /// Another feed alone may offer the mitigation.
        IdOfAnotherFeed {
            /// The ids that the other feed was given.
            ids: String,
        } => "id-of-another-feed" (
            "another feed was given the ids {ids}, and this one was not"
        ),
        /// A revision has other content than when it was first seen.
        ContentChanged {
            /// The mitigation.
            id: String,
            /// Its revision.
            revision: u32,
            /// The beginning of the digest of what is offered.
            now: String,
            /// The beginning of the digest of what was seen first.
            then: String,
        } => "revision-changed" (
            "revision {revision} of {id} has other content than when it was first seen ({now} now, {then} \
             then): a revision never names two contents"
        ),
        /// Another source offers the same revision with other content.
        TwoContents {
            /// The other source.
            by: String,
            /// The revision.
            revision: u32,
        } => "revision-of-two-contents" (
            "{by} has revision {revision} with other content: a revision never names two contents"
        ),
        /// Another mitigation has an action with this id.
        ActionOfAnother {
            /// The other mitigation.
            mitigation: String,
            /// The action.
            action: String,
        } => "action-of-another" ("{mitigation} has an action {action} already"),
        /// A feed announces the mitigation, and no catalog defines it.
        OnlyAnnounced {
            /// The feed.
            by: String,
        } => "only-announced" ("announced by {by}; no catalog here defines it"),
        /// The file of the document cannot be read.
        DocumentNotRead {
            /// Why.
            why: String,
        } => "document-not-read" ("{why}"),
        /// The document is empty of anything that can be read.
        DocumentUnreadable => "document-unreadable" ("the document cannot be read"),
        /// This version does not know what the document says.
        DocumentWrong {
            /// The line of the first problem, from 1.
            line: usize,
            /// What is wrong there.
            what: String,
            /// How many more problems there are.
            more: usize,
        } => "document-not-understood" (
            "this version cannot read its document: line {line}: {what}{}", and_more(*.more)
        ),
        /// The document defines another mitigation than its name says.
        DocumentOfAnother {
            /// The mitigation that it defines.
            found: String,
            /// The one that its name says.
            id: String,
        } => "document-of-another" ("the document is of {found}, not of {id}"),
        /// The feed has used up the work that it may cause.
        TooMuchWork => "too-much-work" ("the feed asks for more work than it may cause"),
        /// The probes of the document contradict its actions.
        Contradicted {
            /// How.
            why: String,
        } => "own-probes-contradict" ("its own probes belie it: {why}"),
        /// A pattern of the document cannot be used.
        Pattern {
            /// Why.
            why: String,
        } => "pattern-not-usable" ("{why}"),
    }
}

fn and_more(more: usize) -> String {
    match more {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    }
}
