//! What the records say is installed on IIS, held against its files.

use stopgap_iis::config::{Entry, File, entries_named, pool};

use crate::input::Input;
use crate::installed::{InstalledAction, InstalledEntry};
use crate::target::iis_rules::place_text::{place_text, texts};

/// Where what carries out an action stands, for a person.
pub(super) fn places_of(record: &InstalledAction) -> String {
    texts(record.entries.iter().map(|part| place_text(&part.file, part.undo.place())))
}

/// The names of the rules that carry out an action.
pub(super) fn rules_of(record: &InstalledAction) -> Vec<String> {
    let rules = record
        .entries
        .iter()
        .filter(|part| matches!(part.entry, Entry::Rule(_) | Entry::Outbound(_)));
    rules.map(|part| part.entry.name().to_owned()).collect()
}

/// What of ours stands in the files for an action, by name, each once.
pub(super) fn names_in_place(input: &Input<'_>, record: &InstalledAction) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in &record.entries {
        let name = match &part.entry {
            Entry::DisabledPool(name) => format!("pool {name}"),
            Entry::AllowedVariable(name) => format!("variable {name}"),
            entry => entry.name().to_owned(),
        };
        // Of a file that cannot be read the records are all that is known.
        let (name, there) = match input.snapshot.file(&part.file).and_then(File::problem) {
            Some(_) => (format!("{name} (by the records)"), true),
            None => (name, stands(input, part)),
        };
        if there && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether something that we installed is there, changed or not.
pub(super) fn stands(input: &Input<'_>, part: &InstalledEntry) -> bool {
    if let Entry::DisabledPool(name) = &part.entry {
        return pool(input.snapshot, name).ok().flatten().is_some_and(|pool| pool.is_disabled());
    }
    let collection = part.entry.collection(part.undo.place());
    let found = entries_named(input.snapshot, collection, part.entry.name());
    found.iter().any(|found| found.file.key() == part.file.key())
}

/// The kind of an action, from the first thing that was installed for it.
pub(super) fn kind_of(entry: Option<&Entry>) -> &'static str {
    match entry {
        Some(Entry::Outbound(_)) => "response-header",
        Some(Entry::DisabledPool(_)) => "disable-app-pool",
        Some(Entry::Rule(rule)) if !rule.server_variables.is_empty() => "request-header",
        _ => "block-request",
    }
}
