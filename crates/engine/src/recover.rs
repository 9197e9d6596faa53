//! Puts a change in order that a crash cut short: it is taken back, and the cycle that follows
//! makes it anew.

use stopgap_host::Live;
use stopgap_model::Fact;
use stopgap_model::web::WebServer;
use stopgap_store::{Change, Entry, Event, Status};

use crate::cycle::Done;
use crate::trouble::Trouble;
use crate::{CycleError, Engine};

/// Why a change is taken back that a crash cut short.
const CUT_SHORT: &str = "it was cut short";

impl Engine<'_> {
    /// Takes back every change that is still only intended, and removes what was left lying about.
    /// One that cannot be taken back keeps no other from it.
    ///
    /// # Errors
    /// The change records cannot be read.
    pub(crate) fn recover(&self, done: &mut Done) -> Result<(), CycleError> {
        if let Err(why) = self.store.sweep() {
            done.troubles.push(Trouble::NotSwept(why));
        }
        // The youngest first: one may have been made on top of another.
        for change in self.store.changes()?.into_iter().rev() {
            if change.status == Status::Intended {
                self.recover_from(change, done);
            }
        }
        self.remove_staged();
        Ok(())
    }

    fn recover_from(&self, mut change: Change, done: &mut Done) {
        let before = change.stuck.take();
        let is_new = before.is_none();
        let error = before.map_or_else(|| CUT_SHORT.to_owned(), |stuck| stuck.error);
        let back = self.put_all_back(&change, change.files.len());
        let (number, whole) = (change.number, back.left.is_empty());
        let error = done.idle(&change, error, back.idle);
        // A server on which a file is still to be put back takes it once, not at every check.
        let taken = if whole || is_new { self.take_again(&change) } else { Vec::new() };
        let mut told = if !whole {
            let told = done.stuck(&mut change, error, back.left);
            format!("change {number} is still to be taken back: {told}")
        } else if back.as_before {
            // What was cut short did not fail.
            change.status = match is_new {
                true => Status::Halted { why: error },
                false => Status::Undone { error, fault: None, tried: None },
            };
            format!("change {number} was cut short and taken back")
        } else {
            change.status = Status::Interrupted;
            format!("change {number} was cut short, and a file was changed since")
        };
        for trouble in taken {
            told = format!("{told}; {trouble}");
            done.troubles.push(trouble);
        }
        if let Err(why) = self.store.save_change(&change) {
            done.not_recorded(&change, why);
        }
        if whole || is_new {
            self.record(&[Entry::new(Event::Recovered, "", told)], done);
        }
    }

    /// Has the web server of a change that was taken back take that, if it runs: it may have taken
    /// the change before. What did not come of it.
    fn take_again(&self, change: &Change) -> Vec<Trouble> {
        let (Some(live), Some(id)) = (self.host.live(), change.server()) else { return Vec::new() };
        let servers = self.host.web_servers().into_iter();
        let of_it = servers.filter(|server| server.id() == *id);
        let running = of_it.filter(|server| matches!(server.running, Fact::Known(true)));
        running
            .filter_map(|server| {
                let why = reload(live, &server).err()?;
                Some(Trouble::NotTaken { server: server.id(), why })
            })
            .collect()
    }

    /// Removes what a test that was cut short left beside configuration files.
    fn remove_staged(&self) {
        for server in self.host.web_servers() {
            for config in &server.config {
                // One that cannot be removed is in nobody's way; the next cycle tries again.
                let _ = self.host.remove_leftover(config);
            }
        }
    }
}

/// Has a server take its configuration if that passes its own test.
fn reload(live: &dyn Live, server: &WebServer) -> Result<(), String> {
    live.test(server, &[]).map_err(|error| error.to_string())?;
    live.reload(server).map(|_| ()).map_err(|error| error.to_string())
}
