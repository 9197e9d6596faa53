//! `stopgap-publish init`: the folder, the keys and the first root.

use jiff::Timestamp;
use stopgap_fs::PrivateDir;
use stopgap_sign::{Envelope, Role, RoleKeys, Roles, SigningKey, root};

use crate::args::{Common, Init};
use crate::error::PublishError;
use crate::keys;
use crate::output::counted;
use crate::passphrase::{Passphrase, Source};
use crate::publisher::SETTINGS;
use crate::repository::{Repository, path};
use crate::settings::{Days, Settings};
use crate::stdout::print_words;

pub(crate) fn run(common: &Common, arguments: &Init) -> Result<u8, PublishError> {
    require_thresholds(arguments)?;
    let repository = Repository::open_or_create(&common.dir)?;
    if !repository.versions(Role::Root)?.is_empty() {
        let message = format!("{} is a publisher's folder already", common.dir.display());
        return Err(PublishError::usage(message, "nothing was changed; name another with --dir"));
    }
    let settings = Settings { name: arguments.name.clone(), days: Days::default() };
    let offline = Source::offline(common).ask_new("the offline keys (root, targets)")?;
    let online = Source::online(common).ask_new("the online keys (snapshot, timestamp)")?;

    let folder = PrivateDir::open_or_create(&common.dir.join("keys"))?;
    for name in ["offline", "online"] {
        folder.create_dir(name)?;
    }
    let make = |kind: &str, role: Role, count, passphrase: &Passphrase| {
        let name = |number| format!("{kind}/{}-{number}", role.as_str());
        let keys = (1..=count).map(|number| keys::make(&folder, &name(number), passphrase));
        keys.collect::<Result<Vec<SigningKey>, _>>()
    };
    let root_keys = make("offline", Role::Root, arguments.root_keys, &offline)?;
    let targets_keys = make("offline", Role::Targets, arguments.targets_keys, &offline)?;
    let snapshot_keys = make("online", Role::Snapshot, 1, &online)?;
    let timestamp_keys = make("online", Role::Timestamp, 1, &online)?;

    let roles = Roles {
        root: role_keys(&root_keys, arguments.root_threshold),
        targets: role_keys(&targets_keys, arguments.targets_threshold),
        snapshot: role_keys(&snapshot_keys, 1),
        timestamp: role_keys(&timestamp_keys, 1),
    };
    let expiry = settings.days.expiry(Role::Root, Timestamp::now());
    let first = Envelope::signed_by(root(1, expiry, &roles), &root_keys);
    write_settings(&repository, &settings)?;
    // Last: this is what makes it a publisher's folder.
    repository.dir().write_atomic(&path(Role::Root, 1), &first.to_bytes())?;
    tell(common, arguments);
    Ok(0)
}

fn require_thresholds(arguments: &Init) -> Result<(), PublishError> {
    for (role, threshold, keys) in [
        (Role::Root, arguments.root_threshold, arguments.root_keys),
        (Role::Targets, arguments.targets_threshold, arguments.targets_keys),
    ] {
        if threshold > keys {
            let role = role.as_str();
            let message =
                format!("{threshold} of {} cannot sign for {role}", counted(keys as usize, "key"));
            return Err(PublishError::usage(message, format!("lower --{role}-threshold")));
        }
    }
    Ok(())
}

fn role_keys(keys: &[SigningKey], threshold: u32) -> RoleKeys {
    RoleKeys { keys: keys.iter().map(SigningKey::public).collect(), threshold }
}

fn write_settings(repository: &Repository, settings: &Settings) -> Result<(), PublishError> {
    let text =
        toml::to_string(settings).map_err(|error| PublishError::Machine(error.to_string()))?;
    let text = format!(
        "# The settings of stopgap-publish. `days` is how long each role's metadata holds; which \
         keys a\n# role has is said by metadata/*.root.json.\n{text}"
    );
    Ok(repository.dir().write_atomic(SETTINGS, text.as_bytes())?)
}

fn tell(common: &Common, arguments: &Init) {
    let dir = common.dir.display();
    let keys = |threshold, keys| match keys {
        1 => "1 key".to_owned(),
        _ => format!("{threshold} of {keys} keys must sign"),
    };
    print_words!("made {dir}");
    print_words!("  root     {}", keys(arguments.root_threshold, arguments.root_keys));
    print_words!("  targets  {}", keys(arguments.targets_threshold, arguments.targets_keys));
    print_words!("  snapshot, timestamp  1 key each, online");
    print_words!(
        "Servers are given this file, by a way that you trust: {dir}/{}",
        path(Role::Root, 1)
    );
    print_words!("Move {dir}/keys/offline to where no network reaches, with a second copy of it.");
}
