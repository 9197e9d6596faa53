//! From the wishes of all actions to the new bytes of each file: every file is replaced once.

use std::collections::BTreeMap;

use stopgap_edit::iis::{
    EditError, File, Inserted, Place, Read, Scaffold, Snapshot, Target, Undo, insert, insert_all,
    remove,
};
use stopgap_model::{ActionId, Digest, Mitigation, MitigationId, ServerPath};
use stopgap_rules::iis::Rule;

use crate::decide::Wish;
use crate::{FileEdit, InPlace, Placed, Step, rule_name};

/// The work on one server, file by file.
pub(crate) struct Assembly<'a> {
    snapshot: &'a Snapshot,
    in_place: &'a InPlace,
    files: BTreeMap<String, Work>,
    steps: Vec<Step>,
    refused: Vec<(ActionId, EditError)>,
}

/// What came of the work.
pub(crate) struct Assembled {
    pub(crate) edits: Vec<FileEdit>,
    pub(crate) steps: Vec<Step>,
    pub(crate) refused: Vec<(ActionId, EditError)>,
}

/// The work on one file.
struct Work {
    path: ServerPath,
    before: Vec<u8>,
    after: Vec<u8>,
    scaffold: Vec<Scaffold>,
    /// How many rules of ours the file has.
    own: usize,
    /// The rules that are to go into one place of it next: many go in as fast as one.
    waiting: Vec<Waiting>,
}

/// A rule that is to be put in.
struct Waiting {
    mitigation: MitigationId,
    revision: u32,
    hash: Digest,
    action: ActionId,
    place: Place,
    rule: Rule,
}

impl Work {
    fn put_in(&mut self, place: &Place, rule: &Rule) -> Result<Undo, EditError> {
        let Inserted { bytes, undo } = insert(&self.after, place, rule)?;
        self.after = bytes;
        Ok(undo)
    }
}

impl Waiting {
    fn placed(self, file: &ServerPath, undo: Undo) -> Placed {
        let Self { mitigation, revision, hash, action, rule, .. } = self;
        Placed { mitigation, revision, hash, action, file: file.clone(), rule, undo }
    }
}

impl<'a> Assembly<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, in_place: &'a InPlace) -> Self {
        Self { snapshot, in_place, files: BTreeMap::new(), steps: Vec::new(), refused: Vec::new() }
    }

    /// Carries out one action's wish. What is refused is told at the end.
    pub(crate) fn add(&mut self, mitigation: &Mitigation, action: &ActionId, wish: &Wish) {
        let record = self.in_place.actions.get(action);
        match (wish, record) {
            (Wish::Leave, _) | (Wish::TakeOut { .. }, None) => {}
            (Wish::TakeOut { why }, Some(record)) => self.take_out(record, why),
            (Wish::PutIn { target, rule }, record) => {
                if let Some(record) = record {
                    self.take_out(record, "it is put in anew");
                }
                self.put_in(mitigation, action, target, rule);
            }
        }
    }

    /// Takes out a rule by its record alone.
    pub(crate) fn take_out(&mut self, record: &Placed, why: &str) {
        self.work(&record.file);
        self.put_in_waiting(&record.file.key());
        let absent = self.snapshot.file(&record.file).is_none_or(|f| *f.read() == Read::Absent);
        let work = self.work(&record.file);
        // With its file the rule is gone too; the record goes after it.
        let left =
            if absent { Ok(Vec::new()) } else { remove(&work.after, &record.undo, &work.scaffold) };
        match left {
            Ok(bytes) => work.after = bytes,
            Err(error) => {
                self.refused.push((record.action.clone(), error));
                return;
            }
        }
        work.own = work.own.saturating_sub(1);
        self.steps.push(Step::Remove {
            mitigation: record.mitigation.clone(),
            action: record.action.clone(),
            file: record.file.clone(),
            why: why.to_owned(),
        });
    }

    fn put_in(&mut self, mitigation: &Mitigation, action: &ActionId, target: &Target, rule: &Rule) {
        debug_assert_eq!(rule.name, rule_name(action));
        let elsewhere = |waiting: &Waiting| waiting.place != target.place;
        if self.work(&target.file).waiting.first().is_some_and(elsewhere) {
            self.put_in_waiting(&target.file.key());
        }
        self.work(&target.file).waiting.push(Waiting {
            mitigation: mitigation.id.clone(),
            revision: mitigation.revision,
            hash: mitigation.hash,
            action: action.clone(),
            place: target.place.clone(),
            rule: rule.clone(),
        });
    }

    /// Puts the rules in that wait for it.
    fn put_in_waiting(&mut self, key: &str) {
        let Some(work) = self.files.get_mut(key) else { return };
        let waiting = std::mem::take(&mut work.waiting);
        let Some(place) = waiting.first().map(|first| first.place.clone()) else { return };
        let rules: Vec<&Rule> = waiting.iter().map(|waiting| &waiting.rule).collect();
        let undos: Vec<_> = match insert_all(&work.after, &place, &rules) {
            Ok((bytes, undos)) => {
                work.after = bytes;
                undos.into_iter().map(Ok).collect()
            }
            // One of them cannot go in; the others can.
            Err(_) => rules.iter().map(|rule| work.put_in(&place, rule)).collect(),
        };
        for (waiting, undo) in waiting.into_iter().zip(undos) {
            match undo {
                Ok(undo) => {
                    work.scaffold.extend(undo.scaffold.iter().cloned());
                    work.own += 1;
                    let placed = waiting.placed(&work.path, undo);
                    self.steps.push(Step::Insert(Box::new(placed)));
                }
                Err(error) => self.refused.push((waiting.action, error)),
            }
        }
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
            Work { path: path.clone(), before, after, scaffold, own, waiting: Vec::new() }
        })
    }

    /// The edits, the steps they consist of, and the actions whose rules could not be put in.
    pub(crate) fn finish(mut self) -> Assembled {
        for key in self.files.keys().cloned().collect::<Vec<_>>() {
            self.put_in_waiting(&key);
        }
        let in_place = self.in_place;
        let edit = |(key, work): (String, Work)| {
            let after = original(in_place, &key, &work).unwrap_or(work.after);
            // A file that is not there is not made anew.
            let after = if work.before.is_empty() { Vec::new() } else { after };
            let edit = FileEdit { path: work.path, before: work.before, after };
            (edit.before != edit.after).then_some(edit)
        };
        let edits = self.files.into_iter().filter_map(edit).collect();
        Assembled { edits, steps: self.steps, refused: self.refused }
    }
}

/// Where nothing of ours stays in a file and nobody else changed it since, the bytes are those of
/// the oldest before-image.
fn original(in_place: &InPlace, key: &str, work: &Work) -> Option<Vec<u8>> {
    if work.own > 0 {
        return None;
    }
    let original = in_place.files.get(key)?.original.as_ref()?;
    (Digest::of(&work.before) == original.tip).then(|| original.bytes.clone())
}
