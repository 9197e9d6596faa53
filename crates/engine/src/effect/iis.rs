//! The configuration files of IIS, which takes each file into use as soon as it is replaced.

use std::collections::BTreeMap;

use stopgap_host::Stop;
use stopgap_iis::config::{File, Snapshot};
use stopgap_model::{ActionId, Digest, HostFacts, MitigationId};
use stopgap_plan::{
    EffectiveConfig, FileEdit, Plan, Probes, Step, TargetId, breaks, tried_on_iis, verify,
};

use super::contract::Effect;
use crate::collect::read_iis;
use crate::engine::Engine;
use crate::failure::Failure;
use crate::learned::Learned;
use crate::probing::Seen;

/// The change of the files of IIS in a plan.
pub(super) struct IisFiles<'p> {
    engine: &'p Engine<'p>,
    plan: &'p Plan,
    /// What was read back, for the verification.
    after: Option<(Snapshot, HostFacts)>,
}

impl<'p> IisFiles<'p> {
    pub(super) fn new(engine: &'p Engine<'p>, plan: &'p Plan) -> Self {
        Self { engine, plan, after: None }
    }
}

impl<'p> Effect<'p> for IisFiles<'p> {
    fn target(&self) -> TargetId {
        TargetId::Iis
    }

    fn steps(&self) -> &'p [Step] {
        &self.plan.steps
    }

    fn edits(&self) -> &'p [FileEdit] {
        &self.plan.edits
    }

    fn read_back(&mut self, _: &Learned) -> Result<(), Failure> {
        let (snapshot, iis) = read_iis(self.engine.host);
        for edit in &self.plan.edits {
            if snapshot.file(&edit.path).and_then(File::bytes) != edit.after.as_deref() {
                let why = format!("{} does not read back as it was written", edit.path);
                return Err(Failure::temporary(why));
            }
        }
        self.after = Some((snapshot, HostFacts { iis, ..HostFacts::nothing() }));
        Ok(())
    }

    fn verify(&mut self, _: &Stop<'_>) -> Result<Seen, Failure> {
        let Some((snapshot, facts)) = &self.after else {
            return Err(Failure::temporary("the files of IIS were not read back"));
        };
        let mut before = snapshot.clone();
        for edit in &self.plan.edits {
            before = before
                .with_file(&edit.path, edit.before.clone().unwrap_or_default())
                .map_err(Failure::temporary)?;
        }
        let (before, after) = (EffectiveConfig::new(&before), EffectiveConfig::new(snapshot));
        let installed = installed(&self.plan.steps);
        for mitigation in self.engine.catalog.mitigations() {
            let Some(actions) = installed.get(&mitigation.id) else { continue };
            // What breaks a place names the place, which a probe cannot.
            if let Some(why) = breaks(&before, &after, mitigation, actions) {
                return Err(Failure::temporary(why));
            }
            verify(mitigation, actions, facts, &after, Probes::All).map_err(Failure::temporary)?;
        }
        Ok(Seen::default())
    }

    fn tried(&self, _: Option<&MitigationId>) -> Digest {
        tried_on_iis(&self.plan.edits)
    }
}

/// Returns the actions that are installed, by mitigation.
fn installed(steps: &[Step]) -> BTreeMap<&MitigationId, Vec<ActionId>> {
    let mut installed: BTreeMap<&MitigationId, Vec<ActionId>> = BTreeMap::new();
    for step in steps {
        if let Step::Insert(placed) = step {
            installed.entry(&placed.mitigation).or_default().push(placed.action.clone());
        }
    }
    installed
}
