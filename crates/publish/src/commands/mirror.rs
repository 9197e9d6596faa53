//! `stopgap-publish mirror`: a copy of a feed, verified, never half, without keys.

use std::path::Path;

use stopgap_feed::tuf::File;
use stopgap_sign::{Envelope, Role, Roles};

use crate::error::PublishError;
use crate::output::counted;
use crate::release::are_good_by;
use crate::repository::{MAX_METADATA, Repository, path, target_file};
use crate::stdout::print_words;
use crate::verified_repository::{VerifiedRepository, open};

pub(crate) fn run(from: &str, to: &Path, root: &Path) -> Result<u8, PublishError> {
    let visit = VerifiedRepository::of(&open(from)?, root)?;
    // Everything is fetched and verified before anything is written.
    let place = Repository::open_existing(to)?;
    let is_there = |name: &str, sha256, length| {
        place.as_ref().is_some_and(|place| place.has(name, sha256, length))
    };
    let new = visit.targets(|file| !is_there(&file.name, file.sha256, file.length))?;
    if let Some(place) = &place {
        require_forward(place, &visit)?;
    }
    // A folder for the mirror is made only now, so that a refused feed leaves nothing behind.
    let place = place.map_or_else(|| Repository::open_or_create(to), Ok)?;
    place.make_folders()?;
    let named = |(file, bytes): (&File, Vec<u8>)| (target_file(&file.name, file.sha256), bytes);
    let new: Vec<(String, Vec<u8>)> = new.into_iter().map(named).collect();
    // The files that metadata names come before the metadata, so that no client misses one.
    place.dir().write_batch("targets", &new)?;
    for (path, bytes) in in_order(&place, &visit)? {
        place.put(&path, &bytes)?;
    }
    print_words!("mirrored {} of {from}", counted(visit.files.len(), "target"));
    print_words!("  {} new, in {}", new.len(), place.dir().path().display());
    Ok(0)
}

/// Refuses what is older than what is there, and another feed.
fn require_forward(place: &Repository, visit: &VerifiedRepository) -> Result<(), PublishError> {
    let hint = "nothing was changed; is it the same feed, and is its place whole?";
    for version in place.versions(Role::Root)? {
        let path = path(Role::Root, version);
        let there = place.dir().read(&path, MAX_METADATA)?;
        let is_older = visit.roots.first_key_value().is_some_and(|(first, _)| version < *first);
        if !is_older && there.as_ref() != visit.roots.get(&version) {
            let path = place.dir().path().join(path);
            let message = format!("{} is not of the feed that is mirrored", path.display());
            return Err(PublishError::refused(message, hint));
        }
    }
    for role in [Role::Timestamp, Role::Snapshot, Role::Targets] {
        let there = place.newest(role)?.map_or(0, |newest| newest.version());
        let offered = visit.role(role).map_or(0, |offered| offered.version);
        if offered < there {
            let role = role.as_str();
            let message = format!("{role} goes back: {there} is mirrored, {offered} is offered");
            return Err(PublishError::refused(message, hint));
        }
    }
    Ok(())
}

/// The metadata in the order of writing; [`crate::release`] says why it is this one.
fn in_order(
    place: &Repository,
    visit: &VerifiedRepository,
) -> Result<Vec<(String, Vec<u8>)>, PublishError> {
    let roots =
        visit.roots.iter().map(|(version, root)| (path(Role::Root, *version), root.clone()));
    let rest = visit.metadata.iter().map(|metadata| (metadata.path(), metadata.bytes.clone()));
    let root_last = is_good_before(place, visit)?;
    Ok(if root_last { rest.chain(roots).collect() } else { roots.chain(rest).collect() })
}

/// Whether clients that do not yet have the new root take what is mirrored.
fn is_good_before(place: &Repository, visit: &VerifiedRepository) -> Result<bool, PublishError> {
    let before = place.newest(Role::Root)?;
    let Some(Ok(before)) = before.map(|root| Roles::of_root(&root.signed)) else {
        return Ok(false);
    };
    let read = |role| visit.role(role).and_then(|one| Envelope::from_bytes(&one.bytes).ok());
    let all =
        [Role::Targets, Role::Snapshot, Role::Timestamp].map(|role| Some((role, read(role)?)));
    let all: Option<Vec<_>> = all.into_iter().collect();
    Ok(all.is_some_and(|all| are_good_by(&before, &all)))
}
