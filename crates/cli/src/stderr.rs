//! Standard error: events as lines for a person at a terminal, or as entries of the journal where
//! standard error is the journal.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};
use stopgap_agent::event::Priority;
#[cfg(unix)]
use stopgap_agent::journal::{self, Journal};
use stopgap_agent::subscriber::{LogEvent, Writer, install as install_writer};
use stopgap_terminal::wrap;

/// Has all events of this process written to standard error from now on.
pub(crate) fn install() {
    #[cfg(unix)]
    if journal::is_standard_error()
        && let Ok(journal) = Journal::open(Box::new(Terminal))
    {
        return install_writer(journal);
    }
    install_writer(Terminal);
}

/// Writes each event as lines of at most 80 columns, with a coloured word in front.
struct Terminal;

impl Writer for Terminal {
    fn write(&self, event: &LogEvent) {
        let Some(text) = text(event) else { return };
        // A standard error that is closed keeps nothing from being done.
        let _ = writeln!(anstream::stderr(), "{text}");
    }
}

/// Returns the lines of an event; `None`: a terminal does not show it.
fn text(event: &LogEvent) -> Option<String> {
    let label = match event.kind {
        Some(kind) => kind.label()?,
        None => "",
    };
    let priority = event.priority.unwrap_or(Priority::Info);
    let mut text = match label {
        // Progress and states are one line each, for whoever searches them; a document with marks
        // under what is wrong is laid out already.
        "" => event.message.clone(),
        _ => {
            let style = style(priority);
            // Everything after an error is in full width; what follows a warning stands apart.
            let indent = if priority <= Priority::Error { "" } else { "  " };
            wrap(&format!("{style}{label}{style:#}: {}", event.message), indent)
        }
    };
    if !event.hint.is_empty() {
        text.push('\n');
        text.push_str(&wrap(&format!("hint: {}", event.hint), "      "));
    }
    Some(text)
}

/// Returns the colour of the word in front.
fn style(priority: Priority) -> Style {
    let colour = match priority {
        Priority::Critical | Priority::Error => AnsiColor::Red,
        Priority::Warning => AnsiColor::Yellow,
        Priority::Notice | Priority::Info => AnsiColor::Cyan,
    };
    Style::new().fg_color(Some(colour.into())).bold()
}

#[cfg(test)]
mod tests {
    use stopgap_agent::event::EventKind;

    use super::*;

    fn plain(kind: EventKind, message: &str, hint: &str) -> Option<String> {
        let event = LogEvent {
            kind: Some(kind),
            priority: Some(kind.priority()),
            message: message.into(),
            hint: hint.into(),
            ..LogEvent::default()
        };
        text(&event).map(|text| anstream::adapter::strip_str(&text).to_string())
    }

    #[test]
    fn a_person_reads_the_word_the_sentence_and_what_to_do_in_eighty_columns() {
        let long = "word ".repeat(40);
        let text = plain(EventKind::CommandFailed, long.trim(), "try again").unwrap();
        assert!(text.starts_with("error: word word"), "{text}");
        assert!(text.ends_with("\nhint: try again"), "{text}");
        assert!(text.lines().all(|line| line.len() <= 80), "{text}");
        let state = format!("M1: applied: {long}");
        assert_eq!(plain(EventKind::MitigationState, &state, ""), Some(state));
    }

    #[test]
    fn what_the_output_of_a_command_says_is_not_written_beside_it() {
        assert_eq!(plain(EventKind::AuditApplied, "M1 applied", ""), None);
        assert_eq!(plain(EventKind::CycleFinished, "the cycle is finished", ""), None);
    }

    #[test]
    fn a_document_with_its_marks_is_written_as_it_is() {
        let text = "error: unknown field\n  |\n3 | x\n  | ^ here";
        assert_eq!(plain(EventKind::DocumentRefused, text, "").as_deref(), Some(text));
    }
}
