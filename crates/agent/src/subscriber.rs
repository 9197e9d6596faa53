//! From `tracing` to a writer: the events of Stopgap's own crates, with their fields as text.
//!
//! There are no spans here: an event carries the facts that it needs, and so it is complete wherever it
//! is read.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::metadata::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::event::{EventKind, Priority};

/// How the names of everything that is written begin: what other libraries write is left out.
const OURS: &str = "stopgap";

/// An event as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogEvent {
    /// The kind; `None`: one that the list of kinds does not have.
    pub kind: Option<EventKind>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// The sentence. It may have several lines and a style's escape sequences.
    pub message: String,
    /// What to do about it; empty: nothing, or the sentence says it.
    pub hint: String,
    /// The other facts, by name.
    pub fields: Vec<(&'static str, String)>,
}

/// Where events go.
pub trait Writer: Send + Sync {
    /// Writes one event. Nothing is to be done where that fails: a log that is lost stops no cycle.
    fn write(&self, event: &LogEvent);
}

/// Has `writer` write all events of this process from now on. Once: a second call changes nothing.
pub fn install(writer: impl Writer + 'static) {
    let _ = tracing::subscriber::set_global_default(Collector { writer });
}

/// Hands events to a writer.
struct Collector<W> {
    writer: W,
}

impl<W: Writer + 'static> Subscriber for Collector<W> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && metadata.target().starts_with(OURS)
            && *metadata.level() <= Level::INFO
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        // Spans are not enabled, so none is ever entered.
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut read = LogEvent::default();
        event.record(&mut read);
        let by_level = match *metadata.level() {
            Level::ERROR => Priority::Error,
            Level::WARN => Priority::Warning,
            _ => Priority::Info,
        };
        read.priority = Some(read.kind.map_or(by_level, EventKind::priority));
        self.writer.write(&read);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for LogEvent {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => self.kind = EventKind::named(value),
            "message" => value.clone_into(&mut self.message),
            "hint" => value.clone_into(&mut self.hint),
            name => self.fields.push((name, value.to_owned())),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // The message of `tracing`'s macros comes as format arguments, whose `Debug` is their text.
        self.record_str(field, &format!("{value:?}"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::log;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<LogEvent>>>);

    impl Writer for Kept {
        fn write(&self, event: &LogEvent) {
            self.0.lock().unwrap().push(event.clone());
        }
    }

    fn written(tell: impl FnOnce()) -> Vec<LogEvent> {
        let kept = Kept::default();
        tracing::subscriber::with_default(Collector { writer: kept.clone() }, tell);
        let events = kept.0.lock().unwrap();
        events.clone()
    }

    #[test]
    fn an_event_comes_with_its_kind_its_priority_its_text_and_its_hint() {
        let events = written(|| {
            log::event_with_hint(EventKind::CommandFailed, "it failed", "try again");
        });
        let expected = LogEvent {
            kind: Some(EventKind::CommandFailed),
            priority: Some(Priority::Error),
            message: "it failed".into(),
            hint: "try again".into(),
            ..LogEvent::default()
        };
        assert_eq!(events, [expected]);
    }

    #[test]
    fn what_other_libraries_write_is_left_out_and_the_fields_of_ours_are_kept() {
        let events = written(|| {
            tracing::error!(target: "hyper", "a stranger's trouble");
            tracing::debug!("of no use to an administrator");
            tracing::info!(event = "audit-applied", mitigation = "M1", "M1 applied");
        });
        let [event] = events.as_slice() else { panic!("{events:?}") };
        assert_eq!(event.kind, Some(EventKind::AuditApplied));
        assert_eq!(event.priority, Some(Priority::Notice));
        assert_eq!(event.fields, [("mitigation", "M1".to_owned())]);
    }
}
