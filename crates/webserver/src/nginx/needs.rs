//! Which of nginx's files are still to be read. Each file is parsed once, when it is provided, so that
//! nested includes cost no more than their bytes.

use std::collections::BTreeSet;

use stopgap_model::glob;
use stopgap_model::host::ServerPath;

use super::parts::{own_includes, own_paths};
use crate::files::{Files, Missing, Need, Read};

/// What is still to be read, and by which files.
pub(crate) fn needs(files: &Files) -> Missing {
    let own = own_includes(files);
    let unread = own_paths(files).into_iter().filter(|path| files.get(path).is_none());
    let mut missing: Missing = unread.map(|path| (Need::File(path), BTreeSet::new())).collect();
    let mut met = BTreeSet::new();
    // Each with the file that names it.
    let mut left: Vec<(ServerPath, Option<ServerPath>)> = vec![(files.main(), None)];
    while let Some((path, by)) = left.pop() {
        match files.get(&path) {
            None => missing.entry(Need::File(path)).or_default().extend(by),
            Some(Read::Absent | Read::Unreadable(_)) => {}
            Some(Read::Found { .. }) if met.insert(path.clone()) => {
                let named = files.named_in(&path).iter().map(|named| full_path(files, named));
                for target in named.filter(|target| !own.contains(target)) {
                    follow(files, (target, &path), &mut left, &mut missing);
                }
            }
            Some(Read::Found { .. }) => {}
        }
    }
    missing
}

/// Goes on to what a file names.
fn follow(
    files: &Files,
    (target, by): (ServerPath, &ServerPath),
    left: &mut Vec<(ServerPath, Option<ServerPath>)>,
    missing: &mut Missing,
) {
    if !glob::is_pattern(target.as_str()) {
        left.push((target, Some(by.clone())));
        return;
    }
    match files.glob(target.as_str()) {
        None => {
            let need = Need::Glob(target.as_str().to_owned());
            missing.entry(need).or_default().insert(by.clone());
        }
        Some(found) => {
            left.extend(found.iter().flatten().map(|path| (path.clone(), Some(by.clone()))));
        }
    }
}

/// A path as nginx completes it: relative ones begin in the folder of the main file.
pub(super) fn full_path(files: &Files, named: &str) -> ServerPath {
    let path = ServerPath::new(named);
    if path.is_unix() { path } else { files.beside_main(named) }
}
