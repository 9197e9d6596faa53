//! What a person sees of metadata before it is signed, and what cannot be seen of it.
//!
//! What is staged may come from a machine with the online keys, and so may the metadata that it is
//! compared with. So only what one of the keys at hand signed before is passed over as known.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use stopgap_model::MitigationId;
use stopgap_model::problem::one_line;
use stopgap_sign::{Envelope, PublicKey, Role, RoleKeys, TargetFile};

use crate::document::{Head, POLICY, policy_of};
use crate::error::PublishError;
use crate::output::{counted, time};
use crate::publisher::{Publisher, expires, files_of, root_of};
use crate::settings::Days;
use crate::stdout::print_words;

/// By how much longer than usual metadata may hold before that is asked about: the machines' clocks
/// may differ, and the carrying takes its time.
const SLACK: SignedDuration = SignedDuration::from_hours(24);
/// How many parts of metadata that are not known are named.
const MAX_NAMED: usize = 8;

/// Says what it is that is to be signed by the keys `own`. Answers what of it a person should be asked
/// about: sentences without a full stop.
pub(crate) fn show(
    publisher: &Publisher,
    role: Role,
    envelope: &Envelope,
    own: &[PublicKey],
) -> Result<Vec<String>, PublishError> {
    let (version, expiry) = (envelope.version(), expires(role, envelope)?);
    let name = role.as_str();
    print_words!("to be signed: {name} {version}, until {}", time(expiry));
    let mut doubts = match role {
        Role::Targets => show_targets(publisher, envelope, own)?,
        _ => {
            show_root(publisher, envelope)?;
            Vec::new()
        }
    };
    // The settings need not be on the machine that signs.
    let days = publisher.settings().map_or_else(|_| Days::default(), |settings| settings.days);
    let now = Timestamp::now();
    let latest = days.expiry(role, now).saturating_add(SLACK).unwrap_or(Timestamp::MAX);
    if expiry > latest {
        let holds = expiry.duration_since(now).as_hours() / 24;
        let usual = days.expiry(role, now).duration_since(now).as_hours() / 24;
        doubts
            .push(format!("{name} {version} would hold for {holds} days, and usually for {usual}"));
    }
    Ok(doubts)
}

fn show_targets(
    publisher: &Publisher,
    envelope: &Envelope,
    own: &[PublicKey],
) -> Result<Vec<String>, PublishError> {
    let newest = publisher.repository.newest(Role::Targets)?;
    let before = newest.as_ref().map_or(Ok(BTreeMap::new()), files_of)?;
    let is_known = newest.is_some_and(|newest| newest.count(own) > 0);
    let after = files_of(envelope)?;
    let mut doubts = Vec::new();
    for (name, file) in &after {
        let mark = match before.get(name) {
            None => "new    ",
            Some(old) if old != file => "changed",
            Some(_) if is_known => continue,
            Some(_) => "there  ",
        };
        let said = match said(publisher, name, file)? {
            Ok(said) => said,
            Err(doubt) => {
                let name = one_line(name);
                doubts.push(format!("{name}: {doubt}"));
                doubt.to_string()
            }
        };
        print_words!("  {mark}  {}  {said}, sha256 {}", one_line(name), file.sha256.short());
    }
    for name in before.keys().filter(|name| !after.contains_key(*name)) {
        print_words!("  left out {}", one_line(name));
    }
    print_words!("  {} in all", counted(after.len(), "target"));
    Ok(doubts)
}

/// Why it cannot be said what a target is.
#[derive(Debug, thiserror::Error)]
enum Doubt {
    #[error("the document is not at hand")]
    NotAtHand,
    #[error("the policy cannot be read")]
    Policy,
    #[error("it says that it is of {0}")]
    OfAnother(MitigationId),
    #[error("it is neither a mitigation nor the policy")]
    Neither,
}

/// What a target is, in a few words; else why that cannot be said.
fn said(
    publisher: &Publisher,
    name: &str,
    file: &TargetFile,
) -> Result<Result<String, Doubt>, PublishError> {
    let Some(bytes) = publisher.document(name, file)? else {
        return Ok(Err(Doubt::NotAtHand));
    };
    if name == POLICY {
        let Some(policy) = policy_of(&bytes) else {
            return Ok(Err(Doubt::Policy));
        };
        return Ok(Ok(format!("policy: {policy}")));
    }
    Ok(match Head::of(&bytes) {
        Some(head) if head.target() != name => Err(Doubt::OfAnother(head.id)),
        Some(Head { revision, withdrawn: None, .. }) => Ok(format!("revision {revision}")),
        Some(Head { revision, .. }) => Ok(format!("revision {revision}, withdrawn")),
        None => Err(Doubt::Neither),
    })
}

fn show_root(publisher: &Publisher, envelope: &Envelope) -> Result<(), PublishError> {
    let roles = root_of(envelope.clone())?.roles;
    for role in Role::ALL {
        let RoleKeys { keys, threshold } = roles.of(role);
        let names: Vec<String> = keys.iter().map(|key| publisher.name_of(key)).collect();
        print_words!("  {:9}  {threshold} of: {}", role.as_str(), names.join(", "));
    }
    Ok(())
}

/// The parts of `signed` that `shown` has not, or has otherwise: their names, for people.
pub(crate) fn unknown_parts(shown: &Value, signed: &Value) -> String {
    let mut parts = Vec::new();
    differ(shown, signed, "", &mut parts);
    let more = if parts.len() > MAX_NAMED { ", …" } else { "" };
    parts.truncate(MAX_NAMED);
    format!("{}{more}", parts.join(", "))
}

fn differ(shown: &Value, signed: &Value, at: &str, parts: &mut Vec<String>) {
    if shown == signed || parts.len() > MAX_NAMED {
        return;
    }
    let (Value::Object(shown), Value::Object(signed)) = (shown, signed) else {
        parts.push(one_line(at));
        return;
    };
    for (name, value) in signed {
        let at = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
        differ(shown.get(name).unwrap_or(&Value::Null), value, &at, parts);
    }
}

/// Asks whether to sign although there are `doubts`, unless `despite` says so; fails if not, and where
/// nobody can be asked.
pub(crate) fn settle(doubts: &[String], despite: bool) -> Result<(), PublishError> {
    if doubts.is_empty() {
        return Ok(());
    }
    print_words!("before you sign:");
    for doubt in doubts {
        print_words!("  - {doubt}");
    }
    if despite {
        print_words!("signed all the same, as --despite-doubts says");
        return Ok(());
    }
    let hint = "nothing was signed; look at it where it was made. Where you did: --despite-doubts";
    match ask() {
        Some(answer) if answer.trim() == "yes" => Ok(()),
        Some(_) => Err(PublishError::refused("it was not confirmed with `yes`", hint)),
        None => {
            let message = "not all of it can be shown, or it holds longer than usual, and there is \
                           no terminal to ask at";
            Err(PublishError::refused(message, hint))
        }
    }
}

/// The line that a person at the terminal answers; `None` where there is none.
fn ask() -> Option<String> {
    let (input, output) =
        if cfg!(windows) { ("CONIN$", "CONOUT$") } else { ("/dev/tty", "/dev/tty") };
    let mut shown = File::options().write(true).open(output).ok()?;
    write!(shown, "To sign it all the same, type yes: ").ok()?;
    let mut answer = String::new();
    BufReader::new(File::open(input).ok()?).read_line(&mut answer).ok()?;
    Some(answer)
}
