//! `stopgap feed refresh`: fetches what is new.

use serde_json::{Value, json};
use stopgap_feed::tuf::Refreshed;
use stopgap_feed::{Feed, FeedName};
use stopgap_fs::Lock;
use stopgap_model::problem::{one_line, sentence};
use stopgap_store::Event;

use crate::args::Common;
use crate::error::{CliError, REFUSED};
use crate::fetching::{BY_HAND, Fetching, Outcome, holder, waiting};
use crate::output::{self, wrap};
use crate::session::Session;

pub(crate) fn run(common: &Common, names: &[FeedName]) -> Result<u8, CliError> {
    let session = Session::open(common)?;
    let feeds = chosen(&session, names)?;
    let fetching = Fetching::begin(&session, feeds, "feed refresh", common.wait, BY_HAND)?;
    let outcomes = fetching.finish(&session)?;
    let _lock = session.lock_records(common, "feed refresh")?;
    record(&session, &outcomes)?;
    if common.json {
        let feeds: Vec<Value> = outcomes.iter().map(as_json).collect();
        output::print_json(json!({"feeds": feeds}));
    } else {
        for outcome in &outcomes {
            say!("{}", wrap(&text(outcome), "  "));
        }
        if outcomes.is_empty() {
            say!("No feed. To trust one: stopgap feed add NAME URL --root ROOT.JSON");
        }
    }
    let failed = outcomes.iter().any(|outcome| outcome.result.is_err());
    Ok(if failed { REFUSED } else { 0 })
}

/// The feeds of these names, or all.
fn chosen(session: &Session, names: &[FeedName]) -> Result<Vec<Feed>, CliError> {
    if names.is_empty() {
        return Ok(session.feeds.all()?);
    }
    let found = |name: &FeedName| session.feeds.get(name)?.ok_or_else(|| no_such_feed(name));
    names.iter().map(found).collect()
}

pub(crate) fn no_such_feed(name: &FeedName) -> CliError {
    CliError::usage(format!("there is no feed `{name}`"), "`stopgap feed list` shows all of them")
}

/// Takes the lock for `command` under which feeds are fetched.
pub(crate) fn lock_feeds(
    session: &Session,
    common: &Common,
    command: &str,
) -> Result<Lock, CliError> {
    Ok(session.feeds.lock(&holder(command), common.wait, &mut waiting)?)
}

/// Writes down what was new, and each trouble once.
pub(crate) fn record(session: &Session, outcomes: &[Outcome]) -> Result<(), CliError> {
    for Outcome { name, result, known, .. } in outcomes {
        let (event, detail) = match result {
            Ok(refreshed) if !refreshed.is_empty() => {
                (Event::FeedChanged, format!("{name}: {}", changes(refreshed)))
            }
            Err(failure) if !known => {
                (Event::FeedRefused, format!("{name}: {}", sentence(failure)))
            }
            Ok(_) | Err(_) => continue,
        };
        session.record(event, "", &detail);
    }
    Ok(())
}

/// What is new, as a phrase.
pub(crate) fn changes(refreshed: &Refreshed) -> String {
    let part = |what: &str, names: &[String]| {
        let shown: Vec<String> = names.iter().take(5).map(|name| one_line(name)).collect();
        let more = if names.len() > shown.len() { ", …" } else { "" };
        (!names.is_empty()).then(|| format!("{} {what} ({}{more})", names.len(), shown.join(", ")))
    };
    let parts = [
        part("new", &refreshed.added),
        part("changed", &refreshed.changed),
        part("no longer offered", &refreshed.removed),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "nothing new".into() } else { parts.join(", ") }
}

fn text(outcome: &Outcome) -> String {
    match &outcome.result {
        Ok(_) if !outcome.fetched => {
            format!("{}: nothing is fetched; it is carried in by hand", outcome.name)
        }
        Ok(refreshed) => format!(
            "{}: good; {} ({} requests, {} bytes)",
            outcome.name,
            changes(refreshed),
            refreshed.cost.requests,
            refreshed.cost.bytes
        ),
        Err(failure) => {
            // Who does not answer said nothing that could be refused.
            let what = if failure.on_the_way().is_some() { "NOT REACHED" } else { "REFUSED" };
            let (name, why) = (&outcome.name, output::plain(&sentence(failure)));
            format!("{name}: {what}: {why}; what is in force stays, nothing new is applied")
        }
    }
}

fn as_json(outcome: &Outcome) -> Value {
    match &outcome.result {
        Ok(refreshed) => json!({
            "name": outcome.name,
            "ok": true,
            "reason": null,
            "added": refreshed.added,
            "changed": refreshed.changed,
            "removed": refreshed.removed,
            "requests": refreshed.cost.requests,
            "bytes": refreshed.cost.bytes,
        }),
        Err(failure) => json!({
            "name": outcome.name,
            "ok": false,
            "reason": sentence(failure),
        }),
    }
}
