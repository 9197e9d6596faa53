//! `stopgap-publish sign`: signatures on what is staged, on the machine that has the key.

use std::path::PathBuf;

use jiff::Timestamp;
use stopgap_sign::{Envelope, PublicKey, Role, RoleKeys, SigningKey, root, targets};

use crate::args::{Common, Sign};
use crate::error::PublishError;
use crate::keys;
use crate::output::counted;
use crate::passphrase::Source;
use crate::publisher::{Need, Publisher, expires, files_of, root_of};
use crate::shown::{settle, show, unknown_parts};
use crate::stdout::print_words;

pub(crate) fn run(common: &Common, arguments: &Sign) -> Result<u8, PublishError> {
    let publisher = Publisher::open(&common.dir)?;
    if let (true, Some(role)) = (arguments.renew, arguments.role) {
        renew(&publisher, role)?;
    }
    let staged = staged(&publisher, arguments.role)?;
    // Before a passphrase is asked for: nobody should sign blindly.
    let own = public_halves(&arguments.keys);
    let public: Vec<PublicKey> = own.iter().map(|(_, key)| key.clone()).collect();
    let mut doubts = Vec::new();
    for (role, envelope) in &staged {
        require_shown(&publisher, *role, envelope)?;
        doubts.extend(show(&publisher, *role, envelope, &public)?);
    }
    settle(&doubts, arguments.despite_doubts)?;
    let source = Source::offline(common);
    // All keys are opened before the first signature: a wrong passphrase leaves nothing half signed.
    let keys = arguments.keys.iter().map(|file| keys::read(file, &source));
    let keys: Vec<SigningKey> = keys.collect::<Result<_, _>>()?;
    require_own(&own, &keys)?;

    let mut signed = false;
    for (role, mut envelope) in staged {
        let able = able(&publisher, role, &envelope, &keys)?;
        // With both roles staged, a key may be for one of them only.
        if able.is_empty() {
            continue;
        }
        print_words!("{} {}:", role.as_str(), envelope.version());
        for key in able {
            envelope.sign(key);
            print_words!("  signed by {}", publisher.name_of(&key.public()));
        }
        publisher.stage(role, &envelope)?;
        signed = true;
        for need in &publisher.needs(role, &envelope)? {
            print_words!("  {}", said(&publisher, need));
        }
    }
    if signed {
        return Ok(0);
    }
    let hint = "`stopgap-publish status` shows whose signatures are missing";
    Err(PublishError::refused("none of these keys can sign what is staged", hint))
}

/// The public halves that lie beside the key files, with the files. What one of them signed before is
/// known.
fn public_halves(files: &[PathBuf]) -> Vec<(PathBuf, PublicKey)> {
    let half = |file: &PathBuf| {
        let file = file.with_extension("pub");
        Some((file.clone(), keys::read_public(&file).ok()?))
    };
    files.iter().filter_map(half).collect()
}

/// Refuses a public half of another key: something was not shown because that one signed it.
fn require_own(halves: &[(PathBuf, PublicKey)], keys: &[SigningKey]) -> Result<(), PublishError> {
    let is_own = |key: &PublicKey| keys.iter().any(|own| own.public() == *key);
    let Some((file, _)) = halves.iter().find(|(_, key)| !is_own(key)) else { return Ok(()) };
    let message = format!("{} is not the public half of the key beside it", file.display());
    Err(PublishError::refused(message, "nothing was signed; put the right one there, or none"))
}

/// What is staged, of one role or of both.
fn staged(
    publisher: &Publisher,
    only: Option<Role>,
) -> Result<Vec<(Role, Envelope)>, PublishError> {
    let mut staged = Vec::new();
    for role in [Role::Root, Role::Targets] {
        if only.is_none_or(|only| only == role)
            && let Some(envelope) = publisher.staged(role)?
        {
            staged.push((role, envelope));
        }
    }
    if staged.is_empty() {
        let what = only.map_or("nothing is staged".into(), |role| {
            format!("nothing is staged for {}", role.as_str())
        });
        let hint = "add something first, or sign the same content anew: sign ROLE --renew";
        return Err(PublishError::usage(what, hint));
    }
    Ok(staged)
}

/// Stages the same content once more, with a later expiry; not what was staged just now, which may
/// have signatures.
fn renew(publisher: &Publisher, role: Role) -> Result<(), PublishError> {
    let now = Timestamp::now();
    let days = publisher.settings()?.days;
    if let Some(staged) = publisher.staged(role)?
        && days.is_fresh(role, expires(role, &staged)?, now)
    {
        return Ok(());
    }
    if role == Role::Targets {
        publisher.stage_files(&publisher.files()?, now)?;
        return Ok(());
    }
    let current = publisher.root()?;
    let roles = publisher.staged_root()?.map_or(current.roles, |staged| staged.roles);
    let next = root(current.envelope.version() + 1, days.expiry(Role::Root, now), &roles);
    publisher.stage(Role::Root, &Envelope::new(next))
}

/// The keys that count for `role`: those of the role, and those that clients know it by until they
/// have the next root.
fn able<'a>(
    publisher: &Publisher,
    role: Role,
    envelope: &Envelope,
    keys: &'a [SigningKey],
) -> Result<Vec<&'a SigningKey>, PublishError> {
    let mut known: Vec<RoleKeys> = vec![publisher.root()?.roles.of(role).clone()];
    known.extend(publisher.staged_root()?.map(|next| next.roles.of(role).clone()));
    if role == Role::Root {
        known.push(root_of(envelope.clone())?.roles.root);
    }
    let counts = |key: &&SigningKey| known.iter().any(|role| role.keys.contains(&key.public()));
    Ok(keys.iter().filter(counts).collect())
}

/// Refuses what says more than is shown, such as a delegation, or is not the next version: it came
/// from a machine that may not be its owner's any more.
fn require_shown(
    publisher: &Publisher,
    role: Role,
    envelope: &Envelope,
) -> Result<(), PublishError> {
    let (version, expiry) = (envelope.version(), expires(role, envelope)?);
    let (newest, shown) = match role {
        Role::Targets => {
            let newest = publisher.repository.newest(Role::Targets)?;
            let shown = targets(version, expiry, &files_of(envelope)?, &[]);
            (newest.map_or(0, |newest| newest.version()), shown)
        }
        _ => {
            let roles = root_of(envelope.clone())?.roles;
            (publisher.root()?.envelope.version(), root(version, expiry, &roles))
        }
    };
    let name = role.as_str();
    let message = if newest.checked_add(1) != Some(version) {
        format!("{name} {version} does not follow {name} {newest}")
    } else if shown != envelope.signed {
        let parts = unknown_parts(&shown, &envelope.signed);
        format!("the staged {name} says something that this program did not write: {parts}")
    } else {
        return Ok(());
    };
    let hint =
        "nothing was signed; find out who altered staged/, or whether metadata/ is the newest";
    Err(PublishError::refused(message, hint))
}

/// How far a group of keys is, and who is missing.
pub(crate) fn said(publisher: &Publisher, need: &Need) -> String {
    let Need { of, have, threshold, unsigned } = need;
    let count = format!("{have} of {}, by {of}", counted(*threshold, "signature"));
    if need.is_met() {
        return format!("{count}: complete");
    }
    let names: Vec<String> = unsigned.iter().map(|key| publisher.name_of(key)).collect();
    format!("{count}; can still sign: {}", names.join(", "))
}
