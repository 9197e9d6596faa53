//! `stopgap-publish status`: what is staged, who must still sign, what expires when.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use stopgap_sign::{Envelope, Role};

use crate::args::Common;
use crate::commands::sign::said;
use crate::error::{ATTENTION, PublishError};
use crate::output::{print_json, time};
use crate::publisher::{Need, Publisher, expires};
use crate::settings::Days;

/// A role's metadata in force.
struct Standing {
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
    let standings = standings(&publisher, settings.days, now)?;
    let mut staged: Vec<(Role, Envelope, Vec<Need>)> = Vec::new();
    for role in [Role::Root, Role::Targets] {
        if let Some(envelope) = publisher.staged(role)? {
            let needs = publisher.needs(role, &envelope)?;
            staged.push((role, envelope, needs));
        }
    }
    let is_whole = standings.len() == Role::ALL.len();
    let attention =
        !is_whole || !staged.is_empty() || standings.iter().any(|standing| standing.is_near);
    if common.json {
        print_json(as_json(&settings.name, &standings, &staged, attention));
    } else {
        tell(&publisher, &settings.name, &standings, &staged, now);
    }
    Ok(if attention { ATTENTION } else { 0 })
}

fn standings(
    publisher: &Publisher,
    days: Days,
    now: Timestamp,
) -> Result<Vec<Standing>, PublishError> {
    let roles = publisher.root()?.roles;
    let mut standings = Vec::new();
    for role in Role::ALL {
        let Some(envelope) = publisher.repository.newest(role)? else { continue };
        let expires = expires(role, &envelope)?;
        let keys = roles.of(role);
        standings.push(Standing {
            role,
            version: envelope.version(),
            expires,
            is_near: days.is_near(role, expires, now),
            keys: (keys.keys.len(), keys.threshold),
        });
    }
    Ok(standings)
}

fn tell(
    publisher: &Publisher,
    name: &str,
    standings: &[Standing],
    staged: &[(Role, Envelope, Vec<Need>)],
    now: Timestamp,
) {
    let name = if name.is_empty() { "A feed" } else { name };
    tell!("{} in {}", stopgap_terminal::plain(name), publisher.path().display());
    for Standing { role, version, expires, is_near, keys: (keys, threshold) } in standings {
        let mark = if *is_near { "  <- soon" } else { "" };
        let mark = if *expires <= now { "  <- expired" } else { mark };
        let left = left(expires.duration_since(now));
        let until = time(*expires);
        tell!(
            "  {:9} {version:>4}  {threshold} of {keys}  until {until}, {left}{mark}",
            role.as_str()
        );
    }
    if standings.len() < Role::ALL.len() {
        tell!("Nothing was published yet.");
    }
    for (role, envelope, needs) in staged {
        tell!("Staged: {} {}", role.as_str(), envelope.version());
        for need in needs {
            tell!("  {}", said(publisher, need));
        }
    }
    if !staged.is_empty() && staged.iter().all(|(_, _, needs)| needs.iter().all(Need::is_met)) {
        tell!("Ready: stopgap-publish publish DIR");
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

fn as_json(
    name: &str,
    standings: &[Standing],
    staged: &[(Role, Envelope, Vec<Need>)],
    attention: bool,
) -> Value {
    let roles: Vec<Value> = standings
        .iter()
        .map(|standing| {
            json!({
                "role": standing.role.as_str(),
                "version": standing.version,
                "expires": standing.expires.to_string(),
                "soon": standing.is_near,
                "keys": standing.keys.0,
                "threshold": standing.keys.1,
            })
        })
        .collect();
    let staged: Vec<Value> = staged
        .iter()
        .map(|(role, envelope, needs)| {
            let needs: Vec<Value> = needs.iter().map(need_json).collect();
            json!({"role": role.as_str(), "version": envelope.version(), "signatures": needs})
        })
        .collect();
    json!({"name": name, "roles": roles, "staged": staged, "attention": attention})
}

fn need_json(need: &Need) -> Value {
    let unsigned: Vec<String> = need.unsigned.iter().map(|key| key.id()).collect();
    json!({"by": need.of, "have": need.have, "threshold": need.threshold, "unsigned": unsigned})
}
