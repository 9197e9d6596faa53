//! What an administrator decides by a command. It is written down at once, whoever holds the lock of the
//! server, and whatever else is broken.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use jiff::Timestamp;
use stopgap_model::MitigationId;
use stopgap_store::{Decision, Decisions, Entry, Event, Store};

use crate::caller;
use crate::cause::Cause;
use crate::error::AgentError;
use crate::event::EventKind;
use crate::log;
use crate::session::Session;
use crate::setup::Setup;

/// How long it may take to find out whether there is a mitigation of a name.
const KNOW_TIME: Duration = Duration::from_secs(1);

/// An administrator at the state folder. Neither the policy nor the feeds nor the server are needed to
/// write a decision down.
pub struct Administrator {
    store: Store,
    by: String,
    command: &'static str,
}

impl Administrator {
    /// Opens the state folder for `command`.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(state: &Path, command: &'static str) -> Result<Self, AgentError> {
        Ok(Self { store: Store::open(state)?, by: caller::caller(), command })
    }

    /// Returns a decision of now. With `removal`, what is installed is to be removed too.
    #[must_use]
    pub fn decision(&self, reason: &str, removal: bool) -> Decision {
        Decision {
            by: self.by.clone(),
            at: Timestamp::now(),
            why: reason.to_owned(),
            take_back: removal,
        }
    }

    /// Writes down what `change` decides, and returns what it does; see `Store::decide`.
    ///
    /// # Errors
    /// The decisions cannot be read or written.
    pub fn decide<T>(&self, change: impl FnOnce(&mut Decisions) -> T) -> Result<T, AgentError> {
        let holder = format!("stopgap {} (process {})", self.command, std::process::id());
        Ok(self.store.decide(&holder, change)?)
    }

    /// Blocks mitigations. With `removal`, what is installed of them is to be removed too.
    ///
    /// # Errors
    /// The decisions cannot be read or written.
    pub fn block(
        &self,
        ids: &[MitigationId],
        reason: &str,
        removal: bool,
    ) -> Result<(), AgentError> {
        self.decide(|decisions| {
            for id in ids {
                // An earlier block keeps its author, and does not call a removal off.
                let decision = self.decision(reason, removal);
                let entry = decisions.blocked.entry(id.clone()).or_insert(decision);
                entry.take_back |= removal;
            }
        })?;
        for id in ids {
            self.record(Event::Blocked, id.as_str(), reason);
        }
        Ok(())
    }

    /// Adds a line to the audit trail. The decision holds even if the trail cannot be written: then a
    /// warning is.
    pub fn record(&self, event: Event, mitigation: &str, reason: &str) {
        let entry = Entry::new(event, mitigation, reason);
        if let Err(error) = self.store.record_decision(Timestamp::now(), &self.by, entry) {
            let why = AgentError::from(error).sentence();
            let text = format!("it is not in the audit trail, which cannot be written: {why}");
            log::event(EventKind::TrailNotWritten, &stopgap_terminal::plain(&text));
        }
    }

    /// Returns the command that works on the server just now, if one does.
    #[must_use]
    pub fn running(&self) -> Option<String> {
        self.store.busy().unwrap_or_else(|error| {
            log::warning(&format!("whether a check is running is not known: {error}"));
            None
        })
    }
}

/// Fails if one of `ids` is neither in the catalog, nor installed, nor blocked. Where that cannot be
/// found out at once, a warning is written: a slow disk keeps no administrator from a decision.
///
/// # Errors
/// One of them is not known, or `setup` names something that cannot be.
pub fn require_known(setup: &Setup, ids: &[MitigationId]) -> Result<(), AgentError> {
    let (sender, answer) = channel();
    let (setup, ids) = (setup.clone(), ids.to_vec());
    std::thread::spawn(move || {
        let known = Session::open_read_only(setup).and_then(|session| session.require_known(&ids));
        let _ = sender.send(known);
    });
    let why = match answer.recv_timeout(KNOW_TIME) {
        Ok(Ok(())) => return Ok(()),
        // A broken policy file is no reason not to decide; a wrong name or folder is.
        Ok(Err(error))
            if error.cause() == Cause::Request && !matches!(error, AgentError::Policy { .. }) =>
        {
            return Err(error);
        }
        Ok(Err(error)) => error.sentence(),
        Err(RecvTimeoutError::Timeout) => "the catalog is not read within a second".to_owned(),
        Err(RecvTimeoutError::Disconnected) => "the catalog cannot be read".to_owned(),
    };
    log::warning(&format!("that there is a mitigation of this name was not checked: {why}"));
    Ok(())
}
