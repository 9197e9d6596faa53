//! From the wishes of all actions to the new bytes of each file: every file is replaced once.

use std::collections::BTreeMap;

use stopgap_edit::iis::{EditError, File, Inserted, Scaffold, Snapshot, Target, insert, remove};
use stopgap_model::{Mitigation, ServerPath};
use stopgap_rules::iis::Rule;

use crate::decide::Wish;
use crate::{FileEdit, InPlace, Placed, Step, rule_name};

/// The work on one server, file by file.
pub(crate) struct Assembly<'a> {
    snapshot: &'a Snapshot,
    in_place: &'a InPlace,
    files: BTreeMap<String, Work>,
    steps: Vec<Step>,
}

/// The work on one file.
struct Work {
    path: ServerPath,
    before: Vec<u8>,
    after: Vec<u8>,
    scaffold: Vec<Scaffold>,
    /// How many rules of ours the file has.
    own: usize,
}

impl<'a> Assembly<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, in_place: &'a InPlace) -> Self {
        Self { snapshot, in_place, files: BTreeMap::new(), steps: Vec::new() }
    }

    /// Carries out one action's wish. On an error nothing of this action is done.
    pub(crate) fn add(
        &mut self,
        mitigation: &Mitigation,
        action: &stopgap_model::ActionId,
        wish: &Wish,
    ) -> Result<(), EditError> {
        let record = self.in_place.actions.get(action);
        match (wish, record) {
            (Wish::Leave, _) | (Wish::TakeOut { .. }, None) => Ok(()),
            (Wish::TakeOut { why }, Some(record)) => self.take_out(record, why),
            (Wish::PutIn { target, rule }, record) => {
                if let Some(record) = record {
                    self.take_out(record, "it is put in anew")?;
                }
                self.put_in(mitigation, action, target, rule)
            }
        }
    }

    /// Takes out a rule by its record alone.
    pub(crate) fn take_out(&mut self, record: &Placed, why: &str) -> Result<(), EditError> {
        let work = self.work(&record.file);
        work.after = remove(&work.after, &record.undo, &work.scaffold)?;
        work.own = work.own.saturating_sub(1);
        self.steps.push(Step::Remove {
            mitigation: record.mitigation.clone(),
            action: record.action.clone(),
            file: record.file.clone(),
            why: why.to_owned(),
        });
        Ok(())
    }

    fn put_in(
        &mut self,
        mitigation: &Mitigation,
        action: &stopgap_model::ActionId,
        target: &Target,
        rule: &Rule,
    ) -> Result<(), EditError> {
        debug_assert_eq!(rule.name, rule_name(action));
        let work = self.work(&target.file);
        let Inserted { bytes, undo } = insert(&work.after, &target.place, rule)?;
        work.after = bytes;
        work.scaffold.extend(undo.scaffold.iter().cloned());
        work.own += 1;
        self.steps.push(Step::Insert(Box::new(Placed {
            mitigation: mitigation.id.clone(),
            revision: mitigation.revision,
            hash: mitigation.hash,
            action: action.clone(),
            file: target.file.clone(),
            rule: rule.clone(),
            undo,
        })));
        Ok(())
    }

    /// The work on a file. One that was not read has no bytes, and no edit of it succeeds.
    fn work(&mut self, path: &ServerPath) -> &mut Work {
        let (snapshot, in_place, key) = (self.snapshot, self.in_place, path.key());
        self.files.entry(key.clone()).or_insert_with(|| {
            let bytes = snapshot.file(path).and_then(File::bytes).unwrap_or_default().to_vec();
            let scaffold =
                in_place.files.get(&key).map(|own| own.scaffold.clone()).unwrap_or_default();
            let own = in_place.actions.values().filter(|p| p.file.key() == key).count();
            let (before, after) = (bytes.clone(), bytes);
            Work { path: path.clone(), before, after, scaffold, own }
        })
    }

    /// The edits and the steps they consist of.
    pub(crate) fn finish(self) -> (Vec<FileEdit>, Vec<Step>) {
        let in_place = self.in_place;
        let edit = |(key, work): (String, Work)| {
            let after = original(in_place, &key, &work).unwrap_or(work.after);
            let edit = FileEdit { path: work.path, before: work.before, after };
            (edit.before != edit.after).then_some(edit)
        };
        (self.files.into_iter().filter_map(edit).collect(), self.steps)
    }
}

/// Where nothing of ours stays in a file and nobody else changed it since, the bytes are those of
/// the oldest before-image.
fn original(in_place: &InPlace, key: &str, work: &Work) -> Option<Vec<u8>> {
    if work.own > 0 {
        return None;
    }
    let original = in_place.files.get(key)?.original.as_ref()?;
    (stopgap_model::Digest::of(&work.before) == original.tip).then(|| original.bytes.clone())
}
