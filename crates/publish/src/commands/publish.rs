//! `stopgap-publish publish`: the feed is written into a folder that a web server serves.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use stopgap_sign::{Envelope, Role, Roles, SigningKey, TargetFile};

use crate::args::Common;
use crate::commands::sign::said;
use crate::error::PublishError;
use crate::keys;
use crate::output::{counted, time, warning};
use crate::passphrase::Source;
use crate::publisher::{Publisher, Root, expires, files_of, root_of};
use crate::release::Online;
use crate::repository::{MAX_METADATA, Repository, path, target, target_file};
use crate::stdout::print_words;

/// How many targets are held in memory at a time: some MB of them.
const BATCH: usize = 1000;

pub(crate) fn run(common: &Common, place: &Path, refresh: bool) -> Result<u8, PublishError> {
    let publisher = Publisher::open(&common.dir)?;
    require_apart(publisher.path(), place)?;
    let now = Timestamp::now();
    let (root, targets) = chosen(&publisher, refresh)?;
    // Clients refuse metadata that has expired, and then get nothing new at all.
    for (role, envelope) in [(Role::Root, &root.envelope), (Role::Targets, &targets)] {
        let expiry = expires(role, envelope)?;
        if expiry <= now {
            let message = format!("{} expired on {}", role.as_str(), time(expiry));
            let hint = format!("stage it anew: sign {} --renew --key FILE", role.as_str());
            return Err(PublishError::refused(message, hint));
        }
    }
    let settings = publisher.settings()?;
    let keys = online_keys(&publisher, &root, &Source::online(common))?;
    let place = Repository::open_or_create(place)?;
    let roots = roots(&publisher, &root)?;
    // A place that has more than this folder was published to from another copy of the folder.
    let before = require_not_newer(&place, &roots, &targets)?;
    let before = before.map(|root| root.roles);
    let online =
        Online { root: &root, before: before.as_ref(), keys: &keys, days: settings.days, now };
    let release = online.release(targets, &publisher.repository, &place)?;
    let files = release.in_order(&roots, online.is_good_before(&release));

    // The files that metadata names come before the metadata, so that no client asks for what is not there.
    let written = write_targets(&publisher, &place, &release.targets)?;
    // Our own record first: no version number is ever used twice, whatever happens next.
    for repository in [&publisher.repository, &place] {
        for (path, bytes) in &files {
            repository.put(path, bytes)?;
        }
    }
    publisher.unstage()?;
    print_words!("published in {}: {}", place.dir().path().display(), counted(written, "new file"));
    for (role, envelope) in [
        (Role::Root, &root.envelope),
        (Role::Targets, &release.targets),
        (Role::Snapshot, &release.snapshot),
        (Role::Timestamp, &release.timestamp),
    ] {
        let until = time(expires(role, envelope)?);
        print_words!("  {:9} {:>4}  until {until}", role.as_str(), envelope.version());
    }
    Ok(0)
}

/// A web server that gives the publisher's folder away would give the keys away.
fn require_apart(own: &Path, place: &Path) -> Result<(), PublishError> {
    // A place that is not there yet holds nothing.
    let (Ok(own), Ok(place)) = (own.canonicalize(), place.canonicalize()) else { return Ok(()) };
    if own.starts_with(&place) {
        let message = format!("{} holds the publisher's folder", place.display());
        return Err(PublishError::usage(
            message,
            "its keys would be given away: name another folder",
        ));
    }
    Ok(())
}

/// The root and the targets to publish.
fn chosen(publisher: &Publisher, refresh: bool) -> Result<(Root, Envelope), PublishError> {
    let mut root = publisher.root()?;
    let mut targets = publisher.repository.newest(Role::Targets)?;
    if !refresh {
        if let Some(staged) = publisher.staged_root()? {
            require_signed(publisher, Role::Root, &staged.envelope)?;
            root = staged;
        }
        if let Some(staged) = publisher.staged(Role::Targets)? {
            require_signed(publisher, Role::Targets, &staged)?;
            targets = Some(staged);
        }
    }
    let Some(targets) = targets else {
        let hint = "add a mitigation and sign it first";
        return Err(PublishError::refused("there is nothing to publish yet", hint));
    };
    if !root.roles.targets.are_met_by(&targets) {
        let message = format!(
            "targets {} is not signed by the keys of root {}",
            targets.version(),
            root.envelope.version()
        );
        return Err(PublishError::refused(
            message,
            "sign it anew: sign targets --renew --key FILE",
        ));
    }
    Ok((root, targets))
}

fn require_signed(
    publisher: &Publisher,
    role: Role,
    envelope: &Envelope,
) -> Result<(), PublishError> {
    let needs = publisher.needs(role, envelope)?;
    let Some(unmet) = needs.iter().find(|need| !need.is_met()) else { return Ok(()) };
    let what = format!("{} {}", role.as_str(), envelope.version());
    let message = format!("{what} is not signed yet: {}", said(publisher, unmet));
    let hint = format!(
        "nothing was published. Sign it: sign {} --key FILE; until then, what was published \
         before is kept fresh by: publish DIR --refresh",
        role.as_str()
    );
    Err(PublishError::refused(message, hint))
}

/// The keys in `keys/online` that this root, or the one before it, knows. A key that is on its way
/// out helps those who have the old root; it may be missing.
fn online_keys(
    publisher: &Publisher,
    next: &Root,
    source: &Source,
) -> Result<Vec<SigningKey>, PublishError> {
    let [_, folder] = publisher.key_folders();
    let files = std::fs::read_dir(&folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "key"));
    files.sort();
    let roles = publisher.root()?.roles;
    let mut found = Vec::new();
    for file in &files {
        let public = keys::read_public(&file.with_extension("pub")).ok();
        let is_of = |roles: &Roles| {
            let known = [&roles.snapshot, &roles.timestamp].map(|role| &role.keys);
            // What has lost its public half may be any key.
            public.as_ref().is_none_or(|key| known.iter().any(|keys| keys.contains(key)))
        };
        // A key of no role is not asked for its passphrase.
        if !is_of(&next.roles) && !is_of(&roles) {
            continue;
        }
        match keys::read(file, source) {
            Ok(key) => found.push(key),
            Err(error) if is_of(&next.roles) => return Err(error.into()),
            Err(error) => warning(&format!("{error}; it is on its way out, and left aside")),
        }
    }
    Ok(found)
}

/// Every root from the first on, with the one that is published now.
fn roots(publisher: &Publisher, newest: &Root) -> Result<Vec<(u64, Vec<u8>)>, PublishError> {
    let mut roots = Vec::new();
    for version in 1..newest.envelope.version() {
        let path = path(Role::Root, version);
        let bytes = publisher.repository.dir().read(&path, MAX_METADATA)?.ok_or_else(|| {
            let message = format!("{} is missing", publisher.path().join(&path).display());
            PublishError::refused(message, "clients need every root: put it back from a copy")
        })?;
        roots.push((version, bytes));
    }
    roots.push((newest.envelope.version(), newest.envelope.to_bytes()));
    Ok(roots)
}

/// Refuses a place that has what this folder has not: it is of another feed, or this folder is an
/// old copy. Answers the root that is in the place.
fn require_not_newer(
    place: &Repository,
    roots: &[(u64, Vec<u8>)],
    targets: &Envelope,
) -> Result<Option<Root>, PublishError> {
    let strange = |path: &str| {
        let path = place.dir().path().join(path);
        let message = format!("{} is not from this folder", path.display());
        let hint = "nothing was published: it is another feed's place, or this is an old copy of \
                    the publisher's folder";
        PublishError::refused(message, hint)
    };
    let mut newest = None;
    for version in place.versions(Role::Root)? {
        let path = path(Role::Root, version);
        let bytes = place.dir().read(&path, MAX_METADATA)?;
        // A root is compared byte by byte: another feed has roots with the same version numbers.
        let own = roots.iter().find(|(own, _)| *own == version).map(|(_, bytes)| bytes);
        if bytes.as_ref() != own {
            return Err(strange(&path));
        }
        newest = place.metadata(&path)?;
    }
    if let Some(&version) = place.versions(Role::Targets)?.last() {
        let path = path(Role::Targets, version);
        let bytes = place.dir().read(&path, MAX_METADATA)?;
        let same = || bytes.as_ref().is_some_and(|bytes| *bytes == targets.to_bytes());
        if version > targets.version() || (version == targets.version() && !same()) {
            return Err(strange(&path));
        }
    }
    newest.map(root_of).transpose()
}

/// Puts every target in its place; answers how many were not there.
fn write_targets(
    publisher: &Publisher,
    place: &Repository,
    targets: &Envelope,
) -> Result<usize, PublishError> {
    let missing = files_of(targets)?.into_iter();
    let missing = missing.filter(|(name, file)| !place.has(name, file.sha256, file.length));
    let missing: Vec<(String, TargetFile)> = missing.collect();
    for some in missing.chunks(BATCH) {
        let read = |(name, file): &(String, TargetFile)| {
            let bytes = publisher.document(name, file)?.ok_or_else(|| {
                let path = publisher.path().join(target(name, file.sha256));
                let message = format!("{} is missing or not whole", path.display());
                let hint = "put it back from a copy of the folder, or from a mirror";
                PublishError::refused(message, hint)
            })?;
            Ok((target_file(name, file.sha256), bytes))
        };
        let files: Vec<_> = some.iter().map(read).collect::<Result<_, PublishError>>()?;
        place.dir().write_batch("targets", &files)?;
    }
    Ok(missing.len())
}
