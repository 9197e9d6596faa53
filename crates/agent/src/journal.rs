//! The systemd journal: an entry with fields for each event, as `sd_journal_send(3)` makes it.

use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::subscriber::{LogEvent, Writer};

/// Where the journal listens.
const SOCKET: &str = "/run/systemd/journal/socket";
/// The longest text of one field, in bytes: an entry has to fit into one datagram.
const MAX_TEXT: usize = 16 * 1024;
/// How long a journal that does not read is waited for, so that it stops no cycle.
const WAIT: Duration = Duration::from_secs(1);
/// How long it is not asked again then: a cycle may have thousands of events.
const REST: Duration = Duration::from_secs(30);

/// Writes each event as an entry of the journal.
pub struct Journal {
    socket: UnixDatagram,
    path: PathBuf,
    /// Until when it is not asked, after it took nothing in time.
    rests_until: Mutex<Option<Instant>>,
    /// Writes what the journal does not take.
    otherwise: Box<dyn Writer>,
}

/// Whether standard error is the journal, as systemd says of a service that it starts. A shell that was
/// started by such a service inherits the variable, and has another standard error.
#[must_use]
pub fn is_standard_error() -> bool {
    let Ok(said) = std::env::var("JOURNAL_STREAM") else { return false };
    let of_it = rustix::fs::fstat(io::stderr());
    of_it.is_ok_and(|it| said == format!("{}:{}", it.st_dev, it.st_ino))
}

impl Journal {
    /// The journal of this machine.
    ///
    /// # Errors
    /// Nothing listens there.
    pub fn open(otherwise: Box<dyn Writer>) -> io::Result<Self> {
        Self::at(Path::new(SOCKET), otherwise)
    }

    fn at(path: &Path, otherwise: Box<dyn Writer>) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(WAIT))?;
        // Fails now if nothing listens.
        UnixDatagram::unbound()?.connect(path)?;
        Ok(Self { socket, path: path.to_owned(), rests_until: Mutex::new(None), otherwise })
    }

    /// Hands an entry to the journal; answers whether it took it.
    fn takes(&self, entry: &[u8]) -> bool {
        let mut rests_until = self.rests_until.lock().unwrap_or_else(PoisonError::into_inner);
        if rests_until.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        // By its path each time: a journal that was restarted may have another socket there.
        let sent = self.socket.send_to(entry, &self.path);
        let is_full = sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        *rests_until = is_full.then(|| Instant::now() + REST);
        sent.is_ok()
    }
}

impl Writer for Journal {
    fn write(&self, event: &LogEvent) {
        if !self.takes(&entry(event)) {
            self.otherwise.write(event);
        }
    }
}

/// Returns the entry of an event in the journal's native format.
fn entry(event: &LogEvent) -> Vec<u8> {
    let mut entry = Vec::new();
    let mut message = anstream::adapter::strip_str(&event.message).to_string();
    if !event.hint.is_empty() {
        message = format!("{message}\nhint: {}", event.hint);
    }
    field(&mut entry, "MESSAGE", &message);
    if let Some(priority) = event.priority {
        field(&mut entry, "PRIORITY", &(priority as u8).to_string());
    }
    field(&mut entry, "SYSLOG_IDENTIFIER", "stopgap");
    if let Some(kind) = event.kind {
        field(&mut entry, "MESSAGE_ID", kind.message_id());
        field(&mut entry, "STOPGAP_EVENT", kind.name());
    }
    if !event.hint.is_empty() {
        field(&mut entry, "STOPGAP_HINT", &event.hint);
    }
    // An empty field would be found by a search for it.
    for (name, value) in event.fields.iter().filter(|(_, value)| !value.is_empty()) {
        field(&mut entry, &format!("STOPGAP_{}", name.to_ascii_uppercase()), value);
    }
    entry
}

/// Adds a field. One of several lines has its length before it, so that no text forges another field.
fn field(entry: &mut Vec<u8>, name: &str, value: &str) {
    let value = cut(value);
    entry.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        entry.push(b'\n');
        entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        entry.push(b'=');
    }
    entry.extend_from_slice(value.as_bytes());
    entry.push(b'\n');
}

/// Returns the beginning of a text that is too long, and all of any other.
fn cut(text: &str) -> &str {
    // A character has at most four bytes, so one of these is between two.
    let ends = (MAX_TEXT - 3..=MAX_TEXT).rev();
    ends.filter_map(|end| text.get(..end)).next().unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::event::{EventKind, Priority};

    /// Keeps the texts of what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Writer for Kept {
        fn write(&self, event: &LogEvent) {
            self.0.lock().unwrap().push(event.message.clone());
        }
    }

    fn event(message: &str, hint: &str) -> LogEvent {
        LogEvent {
            kind: Some(EventKind::ServerTrouble),
            priority: Some(Priority::Error),
            message: message.into(),
            hint: hint.into(),
            fields: vec![("server", "nginx:/etc/nginx/nginx.conf".into())],
        }
    }

    /// A folder for a socket, which is removed at the end.
    struct Folder(std::path::PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("stopgap-journal-{}-{name}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir(&folder).unwrap();
            Self(folder)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    /// What a socket got, as text: each field of several lines with its length.
    fn received(socket: &UnixDatagram) -> String {
        let mut bytes = vec![0; 256 * 1024];
        let length = socket.recv(&mut bytes).unwrap();
        bytes.truncate(length);
        bytes.iter().map(|b| if *b == 0 { '.' } else { char::from(*b) }).collect()
    }

    #[test]
    fn the_journal_gets_the_text_the_priority_the_id_and_the_facts() {
        let folder = Folder::new("fields");
        let socket = UnixDatagram::bind(folder.0.join("socket")).unwrap();
        let kept = Kept::default();
        let journal = Journal::at(&folder.0.join("socket"), Box::new(kept.clone())).unwrap();
        journal.write(&event("\u{1b}[1merror\u{1b}[0m", ""));
        let id = EventKind::ServerTrouble.message_id();
        let expected = format!(
            "MESSAGE=error\nPRIORITY=3\nSYSLOG_IDENTIFIER=stopgap\nMESSAGE_ID={id}\n\
             STOPGAP_EVENT=server-trouble\nSTOPGAP_SERVER=nginx:/etc/nginx/nginx.conf\n"
        );
        assert_eq!(received(&socket), expected);
        assert!(kept.0.lock().unwrap().is_empty(), "nothing is written twice");
    }

    #[test]
    fn no_text_forges_a_field_and_a_hint_is_told_with_the_message() {
        let folder = Folder::new("forged");
        let socket = UnixDatagram::bind(folder.0.join("socket")).unwrap();
        let journal = Journal::at(&folder.0.join("socket"), Box::new(Kept::default())).unwrap();
        journal.write(&event("a\nPRIORITY=7", "look"));
        let got = received(&socket);
        assert!(
            got.starts_with("MESSAGE\n\u{17}.......a\nPRIORITY=7\nhint: look\nPRIORITY=3\n"),
            "{got}"
        );
        assert!(got.contains("\nSTOPGAP_HINT=look\n"), "{got}");
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_between_characters() {
        let folder = Folder::new("long");
        let socket = UnixDatagram::bind(folder.0.join("socket")).unwrap();
        let journal = Journal::at(&folder.0.join("socket"), Box::new(Kept::default())).unwrap();
        journal.write(&event(&format!("x{}", "é".repeat(100_000)), ""));
        let got = received(&socket);
        let message = got.lines().next().unwrap();
        // Here each byte is one character.
        assert_eq!(message.chars().count(), "MESSAGE=".len() + MAX_TEXT - 1);
        assert!(got.contains("PRIORITY=3"), "{}", got.len());
    }

    #[test]
    fn a_journal_that_reads_nothing_is_waited_for_once() {
        let folder = Folder::new("full");
        let socket = UnixDatagram::bind(folder.0.join("socket")).unwrap();
        let kept = Kept::default();
        let journal = Journal::at(&folder.0.join("socket"), Box::new(kept.clone())).unwrap();
        // Nobody reads: at some time its queue is full.
        for _ in 0..10_000 {
            journal.write(&event("one more", ""));
            if !kept.0.lock().unwrap().is_empty() {
                break;
            }
        }
        assert_eq!(*kept.0.lock().unwrap(), ["one more"]);
        // There is room again, and it still rests: what comes is written otherwise, without a try.
        received(&socket);
        journal.write(&event("meanwhile", ""));
        assert_eq!(*kept.0.lock().unwrap(), ["one more", "meanwhile"]);
        // Its rest is over, and it reads again.
        *journal.rests_until.lock().unwrap() = None;
        socket.set_nonblocking(true).unwrap();
        while socket.recv(&mut [0]).is_ok() {}
        journal.write(&event("afterwards", ""));
        assert!(received(&socket).contains("afterwards"));
    }

    #[test]
    fn what_the_journal_does_not_take_is_written_otherwise() {
        let folder = Folder::new("gone");
        let socket = UnixDatagram::bind(folder.0.join("socket")).unwrap();
        let kept = Kept::default();
        let journal = Journal::at(&folder.0.join("socket"), Box::new(kept.clone())).unwrap();
        drop(socket);
        journal.write(&event("told all the same", ""));
        assert_eq!(*kept.0.lock().unwrap(), ["told all the same"]);
        assert!(Journal::at(&folder.0.join("socket"), Box::new(kept)).is_err());
    }
}
