//! Puts a change in order that a crash cut short: it is taken back, and the cycle that follows
//! makes it anew.

use stopgap_model::{Fact, ServerId};
use stopgap_plan::Step;
use stopgap_store::{Change, Event, Status};

use crate::{CycleError, Engine};

impl Engine<'_> {
    /// Takes back every change that is still only intended, and removes what was left lying about.
    pub(crate) fn recover(&self) -> Result<(), CycleError> {
        self.store.sweep()?;
        for mut change in self.store.changes()? {
            if change.status != Status::Intended {
                continue;
            }
            let all_back = self.put_all_back(&change, change.files.len(), "it was cut short")?;
            let taken = self.take_again(&change);
            let error = "it was cut short".to_owned();
            change.status =
                if all_back { Status::Undone { error, fault: None } } else { Status::Interrupted };
            self.store.save_change(&change)?;
            let detail = if all_back {
                format!("change {} was cut short and taken back", change.number)
            } else {
                format!("change {} was cut short, and a file was changed since", change.number)
            };
            let detail = match taken {
                Ok(()) => detail,
                Err(why) => format!("{detail}; {why}"),
            };
            self.store.record((self.now)(), self.by, Event::Recovered, "", &detail)?;
        }
        self.remove_staged();
        Ok(())
    }

    /// Has the web server of a change that was taken back take that, if it runs: it may have taken
    /// the change before.
    fn take_again(&self, change: &Change) -> Result<(), String> {
        let Some(live) = self.host.live() else { return Ok(()) };
        let of_step = |step: &Step| match step {
            Step::Rules { server, .. } => Some(server.clone()),
            Step::Insert(_) | Step::Remove { .. } => None,
        };
        let ids: Vec<ServerId> = change.steps.iter().filter_map(of_step).collect();
        for server in self.host.web_servers() {
            if ids.contains(&server.id()) && matches!(server.running, Fact::Known(true)) {
                let id = server.id();
                live.test(&server, &[])
                    .map_err(|error| format!("{id} is not reloaded: {error}"))?;
                live.reload(&server).map_err(|why| format!("{id} is not reloaded: {why}"))?;
            }
        }
        Ok(())
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
