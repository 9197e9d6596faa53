//! What is still to be read of a configuration, and what was read taken in.

use std::collections::BTreeSet;

use stopgap_model::host::ServerPath;
use stopgap_model::web::WebKind;

use crate::files::{Files, Missing, Need, OverBudget, Read};
use crate::{apache, haproxy, nginx};

impl Files {
    /// Returns what is still to be provided; nothing once everything is read.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        self.missing().into_keys().collect()
    }

    /// Returns what is still to be provided, with the files that name it.
    #[must_use]
    pub fn missing(&self) -> Missing {
        match self.server.kind {
            WebKind::Nginx => nginx::needs(self),
            // Its files include nothing.
            WebKind::HaProxy => {
                haproxy::needs(self).into_iter().map(|need| (need, BTreeSet::new())).collect()
            }
            WebKind::Apache => apache::needs(self),
        }
    }

    /// Stores the outcome of reading a file and replaces an earlier one. An nginx file that would pass the
    /// limit of bytes counts as unreadable, because the other files can still be used without it.
    ///
    /// # Errors
    /// [`OverBudget`] if a limit would be passed; nothing is changed then.
    pub fn provide(&mut self, path: ServerPath, read: Read) -> Result<(), OverBudget> {
        if self.server.kind != WebKind::Nginx {
            return self.keep(path, read, Vec::new());
        }
        let named = match &read {
            Read::Found { bytes, .. } => nginx::named_in(bytes),
            Read::Absent | Read::Unreadable(_) => Vec::new(),
        };
        match self.keep(path.clone(), read, named) {
            Err(OverBudget::Bytes) if path != self.main() => {
                self.keep(path, Read::Unreadable(OverBudget::Bytes.into()), Vec::new())
            }
            done => done,
        }
    }
}
