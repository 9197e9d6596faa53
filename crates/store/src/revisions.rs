//! The revisions of mitigations that were seen: a revision never names two contents.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stopgap_model::reason::OfferReason;
use stopgap_model::{Digest, Mitigation};

/// The digest of each revision's content, as it was when it was first seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revisions(BTreeMap<String, Digest>);

impl Revisions {
    /// Why `mitigation` is not to be taken, if its revision was seen with other content: a sentence
    /// without a full stop.
    #[must_use]
    pub fn reused(&self, mitigation: &Mitigation) -> Option<OfferReason> {
        let then = self.0.get(&name(mitigation)).filter(|then| **then != mitigation.hash)?;
        let Mitigation { id, revision, hash, .. } = mitigation;
        Some(OfferReason::ContentChanged {
            id: id.to_string(),
            revision: *revision,
            now: hash.short().to_string(),
            then: then.short().to_string(),
        })
    }

    /// Whether this very revision was seen.
    #[must_use]
    pub fn knows(&self, mitigation: &Mitigation) -> bool {
        self.0.get(&name(mitigation)) == Some(&mitigation.hash)
    }

    /// Adds what was not seen before; answers whether there was any.
    pub(crate) fn add<'a>(
        &mut self,
        mitigations: impl IntoIterator<Item = &'a Mitigation>,
    ) -> bool {
        let before = self.0.len();
        for mitigation in mitigations {
            self.0.entry(name(mitigation)).or_insert(mitigation.hash);
        }
        self.0.len() > before
    }
}

fn name(mitigation: &Mitigation) -> String {
    format!("{} {}", mitigation.id, mitigation.revision)
}
