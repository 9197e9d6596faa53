//! The events that Stopgap writes to its log: every kind with its stable id.
//!
//! An id is given once and never changes: `journalctl MESSAGE_ID=…` finds the events of a kind,
//! whatever their text says. `docs/events.md` lists the kinds for administrators.

/// How urgent an event is, as in `syslog(3)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Act now.
    Critical = 2,
    /// Something failed.
    Error = 3,
    /// An administrator should look.
    Warning = 4,
    /// Unusual, and in order.
    Notice = 5,
    /// As expected.
    Info = 6,
}

macro_rules! kinds {
    ($(#[doc = $doc:literal] $kind:ident = $name:literal, $id:literal, $priority:ident, $label:expr;)+) => {
        /// A kind of event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind {
            $(#[doc = $doc] $kind,)+
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)+];

            /// The stable name, the id of messages of this kind, their priority, and their label.
            const fn row(self) -> (&'static str, &'static str, Priority, Option<&'static str>) {
                match self {
                    $(Self::$kind => ($name, $id, Priority::$priority, $label),)+
                }
            }

            /// What an event of this kind reports, as a sentence.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$kind => $doc.trim_ascii_start(),)+
                }
            }
        }
    };
}

kinds! {
    /// The service started.
    ServiceStarted = "service-started", "0f8d93096b6649098550885532895b1b", Info, None;
    /// A signal ended the process; no change was cut short.
    ServiceStopped = "service-stopped", "465dffbe2f8c489187403c22e749454b", Info, Some("");
    /// A signal arrived; the change under way is being finished or rolled back.
    Stopping = "stopping", "d6a0c7c52e934ff5b8dd009cd264d92a", Info, Some("");
    /// The program waits for a lock that another process holds.
    Waiting = "waiting", "96bec1e65a7f4652bf8219ffdf9f115e", Info, Some("");
    /// The service finished a cycle.
    CycleFinished = "cycle-finished", "56472977f3884586ab019b81d98a9a84", Info, None;
    /// The service could not carry out a cycle; the next one tries again.
    CycleFailed = "cycle-failed", "d17a3fe7676b42f28348c2db7d05738a", Error, Some("error");
    /// A command failed.
    CommandFailed = "command-failed", "cb802a3a4176480cb37702d373174734", Error, Some("error");
    /// The policy file or a mitigation document is wrong; the text shows each place.
    DocumentRefused = "document-refused", "e9a50913d43640bbae5c8921fc845f9c", Error, Some("");
    /// Something went wrong on a server that is not the state of a mitigation.
    ServerTrouble = "server-trouble", "225576c022ba4316986b846fbbd6b750", Error, Some("error");
    /// The state of a mitigation after a cycle of the service.
    MitigationState = "mitigation-state", "68ddc704f29343ee9267564477301863", Info, Some("");
    /// A mitigation is in a state in which an administrator has to act.
    MitigationAttention = "mitigation-attention", "1546675cef7548f5b939b2cb52c73489", Warning, Some("");
    /// Something that an administrator should know about a feed.
    FeedRemark = "feed-remark", "d950860e821240fca2b5782d9fca1e7d", Warning, Some("warning");
    /// A feed has had no valid update for less than a day.
    FeedStale = "feed-stale", "69673e2211b346ba863de666ab918ce0", Notice, Some("note");
    /// A feed has had no valid update for a day or longer.
    FeedStaleForDays = "feed-stale-for-days", "ce3be0a6b1214cad967a31539aa1dac0", Warning, Some("warning");
    /// A feed has had no valid update for a week or longer.
    FeedStaleForWeeks = "feed-stale-for-weeks", "4a84ca69b00b4b46b0904785be973009", Critical, Some("WARNING");
    /// An administrator's decision ended a cycle early.
    Halted = "halted", "681f57b5318242e292e732ff49733d08", Warning, Some("warning");
    /// The audit trail could not be written.
    TrailNotWritten = "trail-not-written", "f89f8f2fae4d4b76bb004940ee2084f9", Warning, Some("warning");
    /// The audit trail differs from what Stopgap wrote.
    TrailAltered = "trail-altered", "45907edf991344c782ed900734f95a17", Warning, Some("warning");
    /// The policy file is ignored: users other than root could have written it.
    PolicyNotObeyed = "policy-not-obeyed", "c148d01bde064cef97aff1e99ba6ba48", Warning, Some("warning");
    /// Another warning.
    Warning = "warning", "865b683a1a304d27bb35a6a552b0b6c2", Warning, Some("warning");
    /// Another note.
    Note = "note", "03c3f4f056bb45159f97a84b0786c5da", Notice, Some("note");
    /// Audit trail: a cycle looked at the server.
    AuditChecked = "audit-checked", "30afea7c1c1b4d0d828d97722cb8e8e2", Info, None;
    /// Audit trail: a mitigation was applied.
    AuditApplied = "audit-applied", "ebe014a72ca04d50a18983cb34e68661", Notice, None;
    /// Audit trail: a mitigation was withdrawn.
    AuditWithdrawn = "audit-withdrawn", "92848f32ca4d4dfa8196fc54e3b526d4", Notice, None;
    /// Audit trail: a change failed and was rolled back.
    AuditFailed = "audit-failed", "515c88ef828e43ffab75b6232f662332", Warning, None;
    /// Audit trail: a change was rolled back because the cycle was to stop.
    AuditHalted = "audit-halted", "d87a0321993544a9b0feb15a308ef121", Notice, None;
    /// Audit trail: a change that a crash cut short was rolled back.
    AuditRecovered = "audit-recovered", "f8018beeb75c41d490ef97005c84e0b2", Notice, None;
    /// Audit trail: a mitigation was blocked.
    AuditBlocked = "audit-blocked", "a03f4289e0174fd0a0952c4c050d8901", Notice, None;
    /// Audit trail: a mitigation was unblocked.
    AuditUnblocked = "audit-unblocked", "1dc83edde5b0464ab6114cc4b1119f50", Notice, None;
    /// Audit trail: automatic mitigation was switched on.
    AuditEnabled = "audit-enabled", "12c2b5b514cc4f2384cbd09f51889f71", Notice, None;
    /// Audit trail: automatic mitigation was switched off.
    AuditDisabled = "audit-disabled", "2c990edfb54048c5a2506fb0beefef8d", Warning, None;
    /// Audit trail: an unsigned catalog was used.
    AuditUnsignedCatalog = "audit-unsigned-catalog", "d4280ff978654d0182a967e774d06b8a", Warning, None;
    /// Audit trail: a feed was added.
    AuditFeedAdded = "audit-feed-added", "f8f8f569538740d6bce3c089880dd6e0", Notice, None;
    /// Audit trail: a feed was removed.
    AuditFeedRemoved = "audit-feed-removed", "a3f5c915d6fa428198a420eab9a5ceea", Notice, None;
    /// Audit trail: a feed was fetched and had something new.
    AuditFeedChanged = "audit-feed-changed", "bb56b318a7db4c929491495edd076aac", Info, None;
    /// Audit trail: a feed was refused.
    AuditFeedRefused = "audit-feed-refused", "154be95b4a654cb299e73dbc6ab6f13d", Warning, None;
    /// Audit trail: a feed was taken from a bundle.
    AuditFeedImported = "audit-feed-imported", "173a8167a4ea4b2c8f8154117ddeeb9e", Notice, None;
    /// Audit trail: the last line of the trail was torn and was cut off.
    AuditRepaired = "audit-repaired", "8b7d0802d79b48a08bdc10a12556b404", Warning, None;
    /// Audit trail: the trail did not end with the last line that was written.
    AuditTrailBroken = "audit-trail-broken", "cdfb3d47deb74d62bf121bf65db9599e", Error, None;
}

impl EventKind {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// Returns the id that the journal keeps with each event of this kind: a UUID without hyphens.
    #[must_use]
    pub const fn message_id(self) -> &'static str {
        self.row().1
    }

    /// Returns how urgent events of this kind are.
    #[must_use]
    pub const fn priority(self) -> Priority {
        self.row().2
    }

    /// Returns the word that stands before the text at a terminal; an empty one is none. `None`: a
    /// terminal does not show the event, since the output of the command says it already.
    #[must_use]
    pub const fn label(self) -> Option<&'static str> {
        self.row().3
    }

    /// Returns the kind with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_has_a_name_and_an_id_of_its_own() {
        let names: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        let ids: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.message_id()).collect();
        assert_eq!((names.len(), ids.len()), (EventKind::ALL.len(), EventKind::ALL.len()));
        for id in ids {
            let is_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
            // Version 4, as systemd's own ids and those of `journalctl --new-id128` are.
            let is_uuid = id.len() == 32 && id.bytes().all(is_hex) && id.as_bytes()[12] == b'4';
            assert!(is_uuid, "{id}");
        }
    }

    #[test]
    fn the_page_for_administrators_lists_every_kind_with_its_id_and_no_other() {
        let page = include_str!("../../../docs/events.md");
        let is_row = |line: &&str| line.starts_with("| `") && line.matches('|').count() == 5;
        let rows: Vec<&str> = page.lines().filter(is_row).collect();
        let row = |kind: &EventKind| {
            let (name, id, meaning) = (kind.name(), kind.message_id(), kind.meaning());
            format!("| `{name}` | {} | {meaning} | `{id}` |", kind.priority() as u8)
        };
        let expected: Vec<String> = EventKind::ALL.iter().map(row).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn every_event_of_the_audit_trail_is_a_kind_that_a_terminal_does_not_show() {
        for event in stopgap_store::Event::ALL {
            let kind = EventKind::named(&format!("audit-{}", event.as_str())).unwrap();
            assert_eq!(kind.label(), None, "{kind:?}");
        }
    }
}
