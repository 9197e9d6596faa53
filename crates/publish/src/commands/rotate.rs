//! `stopgap-publish rotate`: the next root, with other keys for a role.

use jiff::Timestamp;
use stopgap_fs::PrivateDir;
use stopgap_sign::{Envelope, PublicKey, Role, RoleKeys, root};

use crate::args::{Common, Rotate};
use crate::commands::sign::said;
use crate::error::PublishError;
use crate::keys;
use crate::output::warning;
use crate::passphrase::Source;
use crate::publisher::Publisher;
use crate::stdout::print_words;

/// The shortest beginning of a key's id that is taken for it.
const MIN_PREFIX: usize = 6;

pub(crate) fn run(common: &Common, arguments: &Rotate) -> Result<u8, PublishError> {
    let publisher = Publisher::open(&common.dir)?;
    let current = publisher.root()?;
    let staged = publisher.staged_root()?;
    // A rotation that is not published yet is gone on with, and not thrown away.
    let mut roles = staged.as_ref().unwrap_or(&current).roles.clone();
    let role = roles.of_mut(arguments.role);

    for named in &arguments.remove {
        let key = find(&publisher, role, named)?;
        role.keys.retain(|other| *other != key);
        print_words!("removed: {}; keep it until this is published", publisher.name_of(&key));
    }
    for file in &arguments.add_keys {
        admit(role, keys::read_public(file)?)?;
    }
    // Before keys are made: a key file that no role knows would lie about.
    require_threshold(role, arguments)?;
    for key in make(common, &publisher, arguments)? {
        admit(role, key)?;
    }

    let expiry = publisher.settings()?.days.expiry(Role::Root, Timestamp::now());
    // The version follows the published root, also when a root is staged: clients accept no gap.
    let next = Envelope::new(root(current.envelope.version() + 1, expiry, &roles));
    if staged.is_some_and(|staged| staged.envelope.key_ids().next().is_some()) {
        warning("the staged root had signatures; they are void, for the content is another");
    }
    publisher.stage(Role::Root, &next)?;
    print_words!("staged root {}:", next.version());
    for need in publisher.needs(Role::Root, &next)? {
        print_words!("  {}", said(&publisher, &need));
    }
    stage_targets(&publisher, &roles.targets)?;
    Ok(0)
}

/// The one key of the role that is meant.
fn find(publisher: &Publisher, role: &RoleKeys, named: &str) -> Result<PublicKey, PublishError> {
    let names = publisher.key_names();
    let is = |key: &&PublicKey| {
        let by_name = names.iter().any(|(known, name)| known == *key && name == named);
        by_name || (named.len() >= MIN_PREFIX && key.id().starts_with(named))
    };
    let found: Vec<&PublicKey> = role.keys.iter().filter(is).collect();
    match found.as_slice() {
        [key] => Ok((*key).clone()),
        [] => Err(PublishError::usage(
            format!("the role has no key `{named}`"),
            format!("`status` shows the keys; of an id, give {MIN_PREFIX} digits or more"),
        )),
        _ => {
            Err(PublishError::usage(format!("`{named}` is more than one key"), "give more digits"))
        }
    }
}

fn admit(role: &mut RoleKeys, key: PublicKey) -> Result<(), PublishError> {
    if role.keys.contains(&key) {
        let message =
            format!("the role has the key {} already", key.id().get(..8).unwrap_or_default());
        return Err(PublishError::usage(message, "one key counts once"));
    }
    role.keys.push(key);
    Ok(())
}

/// Sets the threshold, which the keys that will be there must be able to meet.
fn require_threshold(role: &mut RoleKeys, arguments: &Rotate) -> Result<(), PublishError> {
    role.threshold = arguments.threshold.unwrap_or(role.threshold);
    let keys = role.keys.len() + arguments.add as usize;
    if (role.threshold as usize) > keys {
        let message = format!("{} of {keys} keys cannot sign", role.threshold);
        return Err(PublishError::usage(
            message,
            "add keys, or lower the threshold: --threshold N",
        ));
    }
    Ok(())
}

/// Makes new keys, each with the next free number.
fn make(
    common: &Common,
    publisher: &Publisher,
    arguments: &Rotate,
) -> Result<Vec<PublicKey>, PublishError> {
    if arguments.add == 0 {
        return Ok(Vec::new());
    }
    let (kind, source) = match arguments.role {
        Role::Root | Role::Targets => ("offline", Source::offline(common)),
        Role::Snapshot | Role::Timestamp => ("online", Source::online(common)),
    };
    let passphrase = source.ask_new(&format!("the new {kind} keys"))?;
    let folder = PrivateDir::open_or_create(&publisher.path().join("keys"))?;
    folder.create_dir(kind)?;
    let taken = folder.list(kind)?;
    let role = arguments.role.as_str();
    let free = (1..).map(|number| format!("{role}-{number}")).filter(|name| {
        let is_taken = |end: &str| taken.iter().any(|file| *file == format!("{name}{end}"));
        // Either half counts: the secret half of an offline key may be on another machine.
        !is_taken(".key") && !is_taken(".pub")
    });
    let made = free.take(arguments.add as usize).map(|name| {
        let key = keys::make(&folder, &format!("{kind}/{name}"), &passphrase)?;
        print_words!("made keys/{kind}/{name}.key");
        Ok(key.public())
    });
    made.collect()
}

/// Where the targets in force are not signed by the role's new keys, they must be signed anew.
fn stage_targets(publisher: &Publisher, keys: &RoleKeys) -> Result<(), PublishError> {
    let Some(newest) = publisher.repository.newest(Role::Targets)? else { return Ok(()) };
    if keys.are_met_by(&newest) || publisher.staged(Role::Targets)?.is_some() {
        return Ok(());
    }
    let version = publisher.stage_files(&publisher.files()?, Timestamp::now())?;
    print_words!("staged targets {version}: the same content, to be signed by the new keys");
    Ok(())
}
