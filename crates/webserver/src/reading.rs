//! What is still to be read of a configuration, and what was read taken in.

use std::collections::BTreeSet;

use stopgap_model::host::ServerPath;
use stopgap_model::web::WebKind;

use crate::files::{Files, Missing, Need, OverBudget, Read};
use crate::{apache, haproxy, nginx};

impl Files {
    /// What is still to be provided. Empty once everything is read.
    #[must_use]
    pub fn needs(&self) -> Vec<Need> {
        self.missing().into_keys().collect()
    }

    /// What is still to be provided, with the files that name it.
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

    /// Takes in what became of reading a file; one that is already there is replaced. A file of nginx
    /// with which there would be too many bytes counts as unreadable: it says nothing of the others.
    ///
    /// # Errors
    /// [`OverBudget`] if there would be more than is looked at; nothing is changed then.
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
                let why = OverBudget::Bytes.to_string();
                self.keep(path, Read::Unreadable(why), Vec::new())
            }
            done => done,
        }
    }
}
