//! Writes events: everything that a command reports beside its results, and everything that the service
//! reports.
//!
//! These functions say which fields an event has. Where it goes, a [`Writer`](crate::subscriber::Writer)
//! decides.

use jiff::Timestamp;
use stopgap_engine::Trouble;
use stopgap_feed::Level;
use stopgap_model::problem::sentence;
use stopgap_model::report::MitigationReport;
use stopgap_terminal::plain;

use crate::advice;
use crate::error::AgentError;
use crate::event::{EventKind, Priority};
use crate::sources::FeedState;

/// Hands an event to `tracing` with the level that its kind's priority has there. The level of an event
/// is a constant in `tracing`, so each one is written out.
macro_rules! emit {
    ($kind:expr, $text:expr $(, $field:ident = $value:expr)* $(,)?) => {{
        let (kind, text): (EventKind, &str) = ($kind, $text);
        match kind.priority() {
            Priority::Critical | Priority::Error => {
                tracing::error!(event = kind.name() $(, $field = $value)*, "{text}");
            }
            Priority::Warning => {
                tracing::warn!(event = kind.name() $(, $field = $value)*, "{text}");
            }
            Priority::Notice | Priority::Info => {
                tracing::info!(event = kind.name() $(, $field = $value)*, "{text}");
            }
        }
    }};
}

/// Writes an event that is a sentence and no more.
pub fn event(kind: EventKind, text: &str) {
    emit!(kind, text);
}

/// Writes an event with what to do about it; an empty `hint` is none.
pub fn event_with_hint(kind: EventKind, text: &str, hint: &str) {
    emit!(kind, text, hint = hint);
}

/// Writes a warning of no special kind.
pub fn warning(text: &str) {
    emit!(EventKind::Warning, &plain(text));
}

/// Writes a note of no special kind.
pub fn note(text: &str) {
    emit!(EventKind::Note, &plain(text));
}

/// Writes that somebody holds a lock for which this process waits, and for what.
pub(crate) fn waiting(who: &str, until: &str) {
    emit!(EventKind::Waiting, &plain(&format!("waiting for {who} to {until} …")));
}

/// Writes that something failed, with what to do about it: an event of `kind`, unless the text shows the
/// places in a document.
pub fn failure(kind: EventKind, error: &AgentError) {
    let kind = if error.is_rendered() { EventKind::DocumentRefused } else { kind };
    emit!(kind, &error.sentence(), hint = error.advice().as_str());
}

/// Writes what went wrong in a cycle beside the states of mitigations.
pub fn troubles(troubles: &[Trouble]) {
    for trouble in troubles {
        let server = trouble.target().map_or_else(|| "IIS".to_owned(), ToString::to_string);
        let hint = plain(&advice::of_trouble(trouble));
        let text = plain(&sentence(trouble));
        emit!(EventKind::ServerTrouble, &text, hint = hint.as_str(), server = server.as_str());
    }
}

/// Writes the state of a mitigation after a cycle.
pub(crate) fn mitigation(report: &MitigationReport) {
    let kind = match report.needs_attention() {
        true => EventKind::MitigationAttention,
        false => EventKind::MitigationState,
    };
    let state = report.state.as_str();
    let text = format!("{}: {state}: {}", report.id, plain(&report.reason.to_string()));
    let (id, revision) = (report.id.as_str(), u64::from(report.revision));
    emit!(kind, &text, mitigation = id, state = state, revision = revision);
}

/// Writes of each feed that it has had no valid update, the more urgently the longer, and what else an
/// administrator should know of it.
pub fn feeds(feeds: &[FeedState], now: Timestamp) {
    for feed in feeds {
        let name = feed.name.as_str();
        for note in &feed.notes {
            let text = format!("feed {name}: {}", plain(note));
            emit!(EventKind::FeedRemark, &text, feed = name);
        }
        let Some(trouble) = &feed.trouble else { continue };
        // The longer it lasts, the less likely it mends itself.
        let kind = match trouble.level(now) {
            Level::Note => EventKind::FeedStale,
            Level::Warning => EventKind::FeedStaleForDays,
            Level::Alarm => EventKind::FeedStaleForWeeks,
        };
        let text = format!(
            "feed {name} has had no valid update {}: {}. Installed mitigations stay active; no new \
             ones are applied from it",
            trouble.age(now),
            plain(&trouble.why)
        );
        emit!(kind, &text, feed = name);
    }
}
