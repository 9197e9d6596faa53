//! From the operations of all actions to the new bytes of each file: every file is replaced once.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use stopgap_iis::config::{
    Collection, EditError, Entry, File, Place, Read, Snapshot, Undo, Wrapper, dependencies,
    entries_named, insert, insert_all, pool, remove, remove_all,
};
use stopgap_model::{ActionId, Digest, FileEdit, Mitigation, ServerPath};

use crate::decision::Operation;
use crate::installed::{InstalledAction, InstalledEntry, InstalledState};
use crate::step::Step;
use crate::target::iis_rules::desired::DesiredEntry;

/// The work on one server, file by file.
pub(super) struct Assembly<'a> {
    snapshot: &'a Snapshot,
    installed: &'a InstalledState,
    files: BTreeMap<String, Work<'a>>,
    removals: Vec<Step>,
    insertions: Vec<Insertion>,
    shared: BTreeMap<SharedKey, Shared>,
    /// What rules of others need, by its collection and its name in lower case, with one that needs it. It is
    /// worked out when something is to be taken out.
    needed: OnceCell<BTreeMap<(Collection, String), String>>,
    refused: Vec<(ActionId, EditError)>,
}

/// What came of the work.
pub(super) struct Assembled {
    pub(super) edits: Vec<FileEdit>,
    pub(super) steps: Vec<Step>,
    pub(super) refused: Vec<(ActionId, EditError)>,
}

/// The work on one file.
struct Work<'a> {
    path: ServerPath,
    before: Vec<u8>,
    after: Vec<u8>,
    wrappers: Vec<Wrapper>,
    /// How many things of ours the file has.
    own: usize,
    /// What is to be taken out next: many go as fast as one.
    leaving: Vec<Leaving<'a>>,
    /// What is to go into one collection of one place of it next: many go in as fast as one.
    waiting: Vec<Waiting>,
}

/// Something that is to be taken out, and the action that it carries out.
struct Leaving<'a> {
    action: &'a ActionId,
    undo: &'a Undo,
}

/// Something that is to be put in: which part of which insertion.
struct Waiting {
    insertion: usize,
    part: usize,
    wanted: DesiredEntry,
}

/// An action that is being put in.
struct Insertion {
    placed: InstalledAction,
    parts: Vec<Option<InstalledEntry>>,
}

/// What several actions may need and what stands once: a precondition, an allowed variable, a pool
/// that is not to start.
type SharedKey = (String, Place, Collection, String);

#[derive(Default)]
struct Shared {
    users: usize,
    part: Option<InstalledEntry>,
}

impl<'a> Assembly<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, installed: &'a InstalledState) -> Self {
        let mut shared: BTreeMap<SharedKey, Shared> = BTreeMap::new();
        for part in installed.actions.values().flat_map(|placed| &placed.entries) {
            if let Some(key) = shared_key(&part.file, part.undo.place(), &part.entry) {
                let known = shared.entry(key).or_default();
                known.users += 1;
                known.part = Some(part.clone());
            }
        }
        Self {
            snapshot,
            installed,
            files: BTreeMap::new(),
            removals: Vec::new(),
            insertions: Vec::new(),
            shared,
            needed: OnceCell::new(),
            refused: Vec::new(),
        }
    }

    /// Takes out what one action's operation removes, or installs anew. All of that comes before anything is
    /// put in, so that what actions share is made anew too.
    pub(super) fn clear(&mut self, action: &ActionId, operation: &Operation<Vec<DesiredEntry>>) {
        let Some(record) = self.installed.actions.get(action) else { return };
        match operation {
            Operation::None => {}
            Operation::Remove(why) => self.clear_out(record, &why.to_string(), &[]),
            Operation::Install(entries) => {
                self.clear_out(record, "it is installed anew", entries);
            }
        }
    }

    /// Puts in what one action's operation installs. What is refused is reported at the end.
    pub(super) fn add(
        &mut self,
        mitigation: &Mitigation,
        action: &ActionId,
        operation: &Operation<Vec<DesiredEntry>>,
    ) {
        if let Operation::Install(entries) = operation {
            self.install(mitigation, action, entries);
        }
    }

    /// Takes out what carries out an action, where `anew` is put in again.
    fn clear_out(&mut self, record: &'a InstalledAction, why: &str, anew: &[DesiredEntry]) {
        for part in record.entries.iter().rev() {
            let again = anew.iter().any(|wanted| wanted.is(part));
            self.take_out_part(&record.action, part, again);
        }
        self.removals.push(Step::Remove {
            mitigation: record.mitigation.clone(),
            action: record.action.clone(),
            files: record.files(),
            why: self.with_what_stays(record, why),
        });
    }

    /// A rule of somebody else's that came to need what we put in: without it his site would answer
    /// 500.
    fn needed_by(&self, part: &InstalledEntry) -> Option<&str> {
        let needed = self.needed.get_or_init(|| needed_by_others(self.snapshot, self.installed));
        let collection = part.entry.collection(part.undo.place());
        needed.get(&(collection, part.entry.name().to_ascii_lowercase())).map(String::as_str)
    }

    fn with_what_stays(&self, record: &InstalledAction, why: &str) -> String {
        let stays = record.entries.iter().find_map(|part| Some((part, self.needed_by(part)?)));
        match stays {
            Some((part, rule)) => {
                format!("{why}; {} stays, because the rule `{rule}` needs it", part.entry.name())
            }
            None => why.to_owned(),
        }
    }

    /// `again`: the very same is put in again, for this action and whoever shares it.
    fn take_out_part(&mut self, action: &'a ActionId, part: &'a InstalledEntry, again: bool) {
        if !again && self.needed_by(part).is_some() {
            // It counts as something in the file, so that no before-image takes it away.
            return;
        }
        self.work(&part.file).own -= usize::from(self.work(&part.file).own > 0);
        if let Some(key) = shared_key(&part.file, part.undo.place(), &part.entry)
            && let Some(shared) = self.shared.get_mut(&key)
        {
            shared.users = shared.users.saturating_sub(1);
            // What somebody has changed is made anew, though others lean on it: they do not get
            // what they need from it as it is.
            let damaged = || again && shared.part.is_some() && !stands(self.snapshot, part);
            if shared.users > 0 && !damaged() {
                return;
            }
            shared.part = None;
        }
        let absent = self.snapshot.file(&part.file).is_none_or(|f| *f.read() == Read::Absent);
        // With its file it is gone too; the record goes after it.
        if !absent {
            self.work(&part.file).leaving.push(Leaving { action, undo: &part.undo });
        }
    }

    /// Takes out what waits for it. An action of which something cannot be taken out is refused, once.
    fn take_out_leaving(&mut self, key: &str) {
        let Some(work) = self.files.get_mut(key) else { return };
        let leaving = std::mem::take(&mut work.leaving);
        let undos: Vec<&Undo> = leaving.iter().map(|leaving| leaving.undo).collect();
        if let Ok(bytes) = remove_all(&work.after, &undos, &work.wrappers) {
            work.after = bytes;
            return;
        }
        // One of them cannot go; the others can.
        for Leaving { action, undo } in leaving {
            match remove(&work.after, undo, &work.wrappers) {
                Ok(bytes) => work.after = bytes,
                Err(_) if self.refused.iter().any(|(refused, _)| refused == action) => {}
                Err(error) => self.refused.push((action.clone(), error)),
            }
        }
    }

    fn install(&mut self, mitigation: &Mitigation, action: &ActionId, entries: &[DesiredEntry]) {
        let placed = InstalledAction {
            mitigation: mitigation.id.clone(),
            revision: mitigation.revision,
            hash: mitigation.hash,
            action: action.clone(),
            found: false,
            entries: Vec::new(),
        };
        let insertion = self.insertions.len();
        let parts = entries.iter().map(|_| None).collect();
        self.insertions.push(Insertion { placed, parts });
        for (part, wanted) in entries.iter().enumerate() {
            if self.is_shared_already(insertion, part, wanted) {
                continue;
            }
            let elsewhere = |waiting: &Waiting| {
                waiting.wanted.place != wanted.place
                    || waiting.wanted.entry.collection(&wanted.place)
                        != wanted.entry.collection(&wanted.place)
            };
            if self.work(&wanted.file).waiting.first().is_some_and(elsewhere) {
                self.put_in_waiting(&wanted.file.key());
            }
            let waiting = Waiting { insertion, part, wanted: wanted.clone() };
            self.work(&wanted.file).waiting.push(waiting);
        }
    }

    /// Whether something that is wanted stands there already for another action of ours.
    fn is_shared_already(&mut self, insertion: usize, part: usize, wanted: &DesiredEntry) -> bool {
        let Some(key) = shared_key(&wanted.file, &wanted.place, &wanted.entry) else {
            return false;
        };
        // It may still be waiting to be put in.
        self.put_in_waiting(&wanted.file.key());
        let shared = self.shared.entry(key).or_default();
        shared.users += 1;
        let Some(there) = shared.part.clone() else { return false };
        let slot = self.insertions.get_mut(insertion).and_then(|one| one.parts.get_mut(part));
        if let Some(slot) = slot {
            *slot = Some(there);
        }
        self.work(&wanted.file).own += 1;
        true
    }

    /// Puts in what waits for it, once all that waits for it is taken out.
    fn put_in_waiting(&mut self, key: &str) {
        self.take_out_leaving(key);
        let Some(work) = self.files.get_mut(key) else { return };
        let waiting = std::mem::take(&mut work.waiting);
        let Some(place) = waiting.first().map(|first| first.wanted.place.clone()) else { return };
        let entries: Vec<&Entry> = waiting.iter().map(|waiting| &waiting.wanted.entry).collect();
        let undos: Vec<_> = match insert_all(&work.after, &place, &entries) {
            Ok((bytes, undos)) => {
                work.after = bytes;
                undos.into_iter().map(Ok).collect()
            }
            // One of them cannot go in; the others can.
            Err(_) => {
                let one = |entry: &&Entry| {
                    let done = insert(&work.after, &place, entry)?;
                    work.after = done.bytes;
                    Ok(done.undo)
                };
                entries.iter().map(one).collect()
            }
        };
        for (Waiting { insertion, part, wanted }, undo) in waiting.into_iter().zip(undos) {
            let Some(insertion) = self.insertions.get_mut(insertion) else { continue };
            match undo {
                Ok(undo) => {
                    work.wrappers.extend(undo.wrappers().iter().cloned());
                    work.own += 1;
                    let made =
                        InstalledEntry { file: work.path.clone(), entry: wanted.entry, undo };
                    if let Some(key) = shared_key(&made.file, &wanted.place, &made.entry) {
                        self.shared.entry(key).or_default().part = Some(made.clone());
                    }
                    if let Some(slot) = insertion.parts.get_mut(part) {
                        *slot = Some(made);
                    }
                }
                Err(error) => self.refused.push((insertion.placed.action.clone(), error)),
            }
        }
    }

    /// The work on a file. One that was not read has no bytes, and no edit of it succeeds.
    fn work(&mut self, path: &ServerPath) -> &mut Work<'a> {
        let (snapshot, installed, key) = (self.snapshot, self.installed, path.key());
        self.files.entry(key.clone()).or_insert_with(|| {
            let bytes = snapshot.file(path).and_then(File::bytes).unwrap_or_default().to_vec();
            let wrappers =
                installed.files.get(&key).map(|own| own.wrappers.clone()).unwrap_or_default();
            let parts = installed.actions.values().flat_map(|placed| &placed.entries);
            let own = parts.filter(|part| part.file.key() == key).count();
            let (before, after) = (bytes.clone(), bytes);
            let (path, leaving, waiting) = (path.clone(), Vec::new(), Vec::new());
            Work { path, before, after, wrappers, own, leaving, waiting }
        })
    }

    /// The edits, the steps they consist of, and the actions that could not be put in.
    pub(super) fn finish(mut self) -> Assembled {
        for key in self.files.keys().cloned().collect::<Vec<_>>() {
            self.put_in_waiting(&key);
        }
        let installed = self.installed;
        let edit = |(key, work): (String, Work<'_>)| {
            let after = original(installed, &key, &work).unwrap_or(work.after);
            // A file that is not there is not made anew.
            let after = if work.before.is_empty() { Vec::new() } else { after };
            let changes = work.before != after;
            let (before, after) = (Some(work.before), Some(after));
            changes.then_some(FileEdit { path: work.path, before, after })
        };
        let edits = self.files.into_iter().filter_map(edit).collect();
        let insert = |Insertion { mut placed, parts }: Insertion| {
            placed.entries = parts.into_iter().collect::<Option<Vec<InstalledEntry>>>()?;
            Some(Step::Insert(Box::new(placed)))
        };
        let mut steps = self.removals;
        steps.extend(self.insertions.into_iter().filter_map(insert));
        Assembled { edits, steps, refused: self.refused }
    }
}

/// What rules of others need, by its collection and its name in lower case, with the first rule that needs it.
fn needed_by_others(
    snapshot: &Snapshot,
    installed: &InstalledState,
) -> BTreeMap<(Collection, String), String> {
    let parts = installed.actions.values().flat_map(|placed| &placed.entries);
    let ours: BTreeSet<String> = parts.map(|part| part.entry.name().to_ascii_lowercase()).collect();
    let mut needed = BTreeMap::new();
    for it in dependencies(snapshot) {
        if !ours.contains(&it.rule.to_ascii_lowercase()) {
            needed.entry((it.collection, it.needed.to_ascii_lowercase())).or_insert(it.rule);
        }
    }
    needed
}

/// By what something that several actions may need is known; `None` for what belongs to one.
fn shared_key(file: &ServerPath, place: &Place, entry: &Entry) -> Option<SharedKey> {
    match entry {
        Entry::PreCondition(_) | Entry::AllowedVariable(_) | Entry::DisabledPool(_) => Some((
            file.key(),
            place.clone(),
            entry.collection(place),
            entry.name().to_ascii_lowercase(),
        )),
        Entry::Rule(_) | Entry::Outbound(_) => None,
    }
}

/// Whether something that we put in is there as we wrote it.
fn stands(snapshot: &Snapshot, part: &InstalledEntry) -> bool {
    if let Entry::DisabledPool(name) = &part.entry {
        return pool(snapshot, name).ok().flatten().is_some_and(|pool| pool.is_disabled());
    }
    let place = part.undo.place();
    let found = entries_named(snapshot, part.entry.collection(place), part.entry.name());
    found.iter().any(|found| {
        found.file.key() == part.file.key()
            && found.place == *place
            && found.entry.as_ref() == Ok(&part.entry)
    })
}

/// Where nothing of ours stays in a file and nobody else changed it since, the bytes are those of
/// the oldest before-image.
fn original(installed: &InstalledState, key: &str, work: &Work<'_>) -> Option<Vec<u8>> {
    if work.own > 0 {
        return None;
    }
    let original = installed.files.get(key)?.original.as_ref()?;
    (Digest::of(&work.before) == original.tip).then(|| original.bytes.clone())
}
