//! Puts a change in order that a crash cut short: it is taken back, and the cycle that follows
//! makes it anew.

use stopgap_store::{Event, Status};

use crate::{CycleError, Engine};

impl Engine<'_> {
    /// Takes back every change that is still only intended, and removes what was left lying about.
    pub(crate) fn recover(&self) -> Result<(), CycleError> {
        self.store.sweep()?;
        for mut change in self.store.changes()? {
            if change.status != Status::Intended {
                continue;
            }
            let mut all_back = true;
            for file in &change.files {
                let back = self.put_back(&change, file).map_err(|why| CycleError::NotUndone {
                    error: "it was cut short".into(),
                    file: file.path.clone(),
                    why: Box::new(why),
                    image: format!("changes/{:06}/{}", change.number, file.image),
                })?;
                all_back &= back;
            }
            let error = "it was cut short".to_owned();
            change.status = if all_back { Status::Undone { error } } else { Status::Interrupted };
            self.store.save_change(&change)?;
            let detail = if all_back {
                format!("change {} was cut short and taken back", change.number)
            } else {
                format!("change {} was cut short, and a file was changed since", change.number)
            };
            self.store.record((self.now)(), self.by, Event::Recovered, "", &detail)?;
        }
        Ok(())
    }
}
