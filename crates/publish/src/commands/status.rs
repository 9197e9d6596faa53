//! `stopgap-publish status`: what is staged, who must still sign, what expires when.

use jiff::{SignedDuration, Timestamp};
use stopgap_sign::{Envelope, Role};

use crate::args::Common;
use crate::commands::sign::said;
use crate::error::{ATTENTION, PublishError};
use crate::json::{self, RoleObject, SignaturesObject, StagedObject, StatusObject};
use crate::output::time;
use crate::publisher::{Need, Publisher, expires};
use crate::settings::Days;
use crate::stdout::print_words;

/// A role's metadata in force.
struct ActiveMetadata {
    role: Role,
    version: u64,
    expires: Timestamp,
    /// Expired, or soon.
    is_near: bool,
    keys: (usize, u32),
}

pub(crate) fn run(common: &Common) -> Result<u8, PublishError> {
    let publisher = Publisher::open(&common.dir)?;
    let settings = publisher.settings()?;
    let now = Timestamp::now();
    let metadata = metadata(&publisher, settings.days, now)?;
    let mut staged: Vec<(Role, Envelope, Vec<Need>)> = Vec::new();
    for role in [Role::Root, Role::Targets] {
        if let Some(envelope) = publisher.staged(role)? {
            let needs = publisher.needs(role, &envelope)?;
            staged.push((role, envelope, needs));
        }
    }
    // Of a feed that was never published, roles are missing.
    let is_whole = metadata.len() == Role::ALL.len();
    let attention = !is_whole || !staged.is_empty() || metadata.iter().any(|active| active.is_near);
    if common.json {
        json::print(&as_object(settings.name, &metadata, &staged, attention));
    } else {
        print_text(&publisher, &settings.name, &metadata, &staged, now);
    }
    Ok(if attention { ATTENTION } else { 0 })
}

fn metadata(
    publisher: &Publisher,
    days: Days,
    now: Timestamp,
) -> Result<Vec<ActiveMetadata>, PublishError> {
    let roles = publisher.root()?.roles;
    let mut metadata = Vec::new();
    for role in Role::ALL {
        let Some(envelope) = publisher.repository.newest(role)? else { continue };
        let expires = expires(role, &envelope)?;
        let keys = roles.of(role);
        metadata.push(ActiveMetadata {
            role,
            version: envelope.version(),
            expires,
            is_near: days.is_near(role, expires, now),
            keys: (keys.keys.len(), keys.threshold),
        });
    }
    Ok(metadata)
}

fn print_text(
    publisher: &Publisher,
    name: &str,
    metadata: &[ActiveMetadata],
    staged: &[(Role, Envelope, Vec<Need>)],
    now: Timestamp,
) {
    let name = if name.is_empty() { "A feed" } else { name };
    print_words!("{} in {}", stopgap_terminal::plain(name), publisher.path().display());
    for ActiveMetadata { role, version, expires, is_near, keys: (keys, threshold) } in metadata {
        let mark = if *is_near { "  <- soon" } else { "" };
        // What has expired is more than "soon".
        let mark = if *expires <= now { "  <- expired" } else { mark };
        let left = left(expires.duration_since(now));
        let until = time(*expires);
        print_words!(
            "  {:9} {version:>4}  {threshold} of {keys}  until {until}, {left}{mark}",
            role.as_str()
        );
    }
    if metadata.len() < Role::ALL.len() {
        print_words!("Nothing was published yet.");
    }
    for (role, envelope, needs) in staged {
        print_words!("Staged: {} {}", role.as_str(), envelope.version());
        for need in needs {
            print_words!("  {}", said(publisher, need));
        }
    }
    if !staged.is_empty() && staged.iter().all(|(_, _, needs)| needs.iter().all(Need::is_met)) {
        print_words!("Ready: stopgap-publish publish DIR");
    }
}

fn left(time: SignedDuration) -> String {
    let hours = time.as_hours();
    match hours {
        ..0 => "over".into(),
        0..=72 => format!("{hours} h"),
        _ => format!("{} d", hours / 24),
    }
}

fn as_object(
    name: String,
    metadata: &[ActiveMetadata],
    staged: &[(Role, Envelope, Vec<Need>)],
    attention: bool,
) -> StatusObject {
    let role = |active: &ActiveMetadata| RoleObject {
        role: active.role.as_str(),
        version: active.version,
        expires: active.expires.to_string(),
        soon: active.is_near,
        keys: active.keys.0,
        threshold: active.keys.1,
    };
    let staged = staged.iter().map(|(role, envelope, needs)| StagedObject {
        role: role.as_str(),
        version: envelope.version(),
        signatures: needs.iter().map(signatures).collect(),
    });
    StatusObject {
        name,
        attention,
        roles: metadata.iter().map(role).collect(),
        staged: staged.collect(),
    }
}

fn signatures(need: &Need) -> SignaturesObject {
    SignaturesObject {
        by: need.of.clone(),
        have: need.have,
        threshold: need.threshold,
        unsigned: need.unsigned.iter().map(|key| key.id()).collect(),
    }
}
