//! `stopgap feed refresh`: fetches what is new.

use stopgap_feed::{Feed, FeedName};
use stopgap_model::problem::sentence;

use crate::args::Common;
use crate::error::{CliError, REFUSED};
use crate::json::{self, FeedRefreshObject, RefreshObject};
use crate::output::{self, wrap};
use stopgap_agent::Session;
use stopgap_agent::fetching::{BY_HAND, Fetching, Outcome, changes, record};

pub(crate) fn run(common: &Common, names: &[FeedName]) -> Result<u8, CliError> {
    let session = Session::open(common.setup("feed refresh")?)?;
    let feeds = chosen(&session, names)?;
    // Without the lock of the server: nobody waits for it while a network is slow.
    let fetching = Fetching::begin(&session, feeds, BY_HAND)?;
    let outcomes = fetching.finish(&session)?;
    let _lock = session.lock_records()?;
    record(&session, &outcomes);
    if common.json {
        json::print(&RefreshObject { feeds: outcomes.iter().map(as_object).collect() });
    } else {
        for outcome in &outcomes {
            print_line!("{}", wrap(&text(outcome), "  "));
        }
        if outcomes.is_empty() {
            print_line!("No feed. To trust one: stopgap feed add NAME URL --root ROOT.JSON");
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
            format!(
                "{name}: {what}: {why}; installed mitigations stay active, nothing new is applied"
            )
        }
    }
}

fn as_object(outcome: &Outcome) -> FeedRefreshObject {
    match &outcome.result {
        Ok(refreshed) => FeedRefreshObject::taken(&outcome.name, refreshed),
        Err(failure) => FeedRefreshObject::refused(&outcome.name, sentence(failure)),
    }
}
