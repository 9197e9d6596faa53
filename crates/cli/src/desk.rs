//! Where an administrator's decisions are written down: at once, whoever holds the lock of the server,
//! and whatever else is broken.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use jiff::Timestamp;
use stopgap_model::MitigationId;
use stopgap_store::{Decisions, Entry, Event, Said, Store};

use crate::args::Common;
use crate::caller;
use crate::error::CliError;
use crate::output;
use crate::session::{self, Session};

/// How long it may take to find out whether there is a mitigation of a name.
const KNOW_TIME: Duration = Duration::from_secs(1);

/// The state folder, and who decides. It needs neither the policy nor the feeds nor the server.
pub(crate) struct Desk {
    store: Store,
    by: String,
    command: &'static str,
}

impl Desk {
    pub(crate) fn open(common: &Common, command: &'static str) -> Result<Self, CliError> {
        let store = Store::open(&session::state_folder(common)?)?;
        Ok(Self { store, by: caller::caller(), command })
    }

    /// A decision of now.
    pub(crate) fn say(&self, reason: &str, take_back: bool) -> Said {
        Said { by: self.by.clone(), at: Timestamp::now(), why: reason.to_owned(), take_back }
    }

    /// Writes down what `change` decides; see `Store::decide`.
    pub(crate) fn decide<T>(
        &self,
        change: impl FnOnce(&mut Decisions) -> T,
    ) -> Result<T, CliError> {
        let holder = format!("stopgap {} (process {})", self.command, std::process::id());
        Ok(self.store.decide(&holder, change)?)
    }

    /// Writes down that the mitigations are blocked.
    pub(crate) fn block(
        &self,
        ids: &[MitigationId],
        reason: &str,
        take_back: bool,
    ) -> Result<(), CliError> {
        self.decide(|decisions| {
            for id in ids {
                // A block that came before does not take back a removal's word, and keeps its author.
                let said = self.say(reason, take_back);
                let entry = decisions.blocked.entry(id.clone()).or_insert(said);
                entry.take_back |= take_back;
            }
        })?;
        for id in ids {
            self.record(Event::Blocked, id.as_str(), reason);
        }
        Ok(())
    }

    /// Adds a line to the audit trail. The decision is in force: that the trail cannot be written is
    /// told, and is no reason to call it off.
    pub(crate) fn record(&self, event: Event, mitigation: &str, reason: &str) {
        let entry = Entry::new(event, mitigation, reason);
        if let Err(error) = self.store.record_decision(Timestamp::now(), &self.by, entry) {
            let why = CliError::from(error).sentence();
            warn(&format!("it is not in the audit trail, which cannot be written: {why}"));
        }
    }

    /// The command that works on the server just now, if one does.
    pub(crate) fn running(&self) -> Option<String> {
        self.store.busy().unwrap_or_else(|error| {
            warn(&format!("whether a check is running is not known: {error}"));
            None
        })
    }
}

/// Fails if one of `ids` is neither in the catalog nor in place. Where that cannot be found out at
/// once, it is told, and no reason not to decide.
pub(crate) fn know(common: &Common, ids: &[MitigationId]) -> Result<(), CliError> {
    let (answer, answered) = channel();
    let (of, ids) = (common.clone(), ids.to_vec());
    std::thread::spawn(move || {
        let known = Session::look(&of).and_then(|session| session.know(&ids));
        let _ = answer.send(known);
    });
    let why = match answered.recv_timeout(KNOW_TIME) {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(error @ (CliError::NoSuchMitigation { .. } | CliError::Usage { .. }))) => {
            return Err(error);
        }
        Ok(Err(error)) => error.sentence(),
        Err(RecvTimeoutError::Timeout) => "the catalog is not read within a second".to_owned(),
        Err(RecvTimeoutError::Disconnected) => "the catalog cannot be read".to_owned(),
    };
    warn(&format!("that there is a mitigation of this name was not checked: {why}"));
    Ok(())
}

pub(crate) fn warn(text: &str) {
    anstream::eprintln!("{}", output::wrap(&output::plain(&format!("warning: {text}")), "  "));
}
