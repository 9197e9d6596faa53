//! `stopgap feed import`: a feed that was carried in.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use stopgap_feed::tuf::Refreshed;
use stopgap_feed::{BundleTransport, Failure, Feed, FeedName, Format, Transport};
use stopgap_model::problem::sentence;
use stopgap_store::Event;

use crate::args::Common;
use crate::commands::feed::refresh::no_such_feed;
use crate::error::CliError;
use crate::json::{self, ImportObject};
use crate::output::wrap;
use stopgap_agent::Session;
use stopgap_agent::fetching::{self, changes};

pub(crate) fn run(
    common: &Common,
    file: &Path,
    name: Option<&FeedName>,
    accept_stale: u32,
) -> Result<u8, CliError> {
    let session = Session::open(common.setup("feed import")?)?;
    let bundle = BundleTransport::open(file)
        .map_err(|error| CliError::Bundle { file: file.to_owned(), why: error.to_string() })?;
    let bundle: Arc<dyn Transport> = Arc::new(bundle);
    // Before the lock of the server, which is not kept from others while the network is waited for.
    let _fetching = fetching::lock(&session)?;
    let feeds = candidates(&session, name)?;
    let _lock = session.lock_records()?;
    let (feed, refreshed) = take(&session, &feeds, &bundle, accept_stale)?;
    let name = &feed.name;
    let stale = match accept_stale {
        0 => String::new(),
        days => format!(", accepted though it may have expired up to {days} days ago"),
    };
    let detail = format!("{name} from {}: {}{stale}", file.display(), changes(&refreshed));
    session.record(Event::FeedImported, "", &detail);
    if common.json {
        json::print(&ImportObject::of(name, &refreshed, accept_stale));
    } else {
        let text =
            format!("{name}: taken{stale}; {}.\nTo apply it: stopgap check", changes(&refreshed));
        print_line!("{}", wrap(&text, ""));
    }
    Ok(0)
}

fn candidates(session: &Session, name: Option<&FeedName>) -> Result<Vec<Feed>, CliError> {
    if let Some(name) = name {
        return Ok(vec![session.feeds.get(name)?.ok_or_else(|| no_such_feed(name))?]);
    }
    let mut feeds = session.feeds.all()?;
    feeds.retain(|feed| feed.format == Format::Tuf);
    if feeds.is_empty() {
        return Err(CliError::usage(
            "there is no feed that the bundle could be of",
            "trust its publisher first: stopgap feed add NAME --root ROOT.JSON",
        ));
    }
    Ok(feeds)
}

/// Takes the bundle as the first of `feeds` whose keys signed it.
fn take<'a>(
    session: &Session,
    feeds: &'a [Feed],
    bundle: &Arc<dyn Transport>,
    accept_stale: u32,
) -> Result<(&'a Feed, Refreshed), CliError> {
    let mut reasons: Vec<(&FeedName, Failure)> = Vec::new();
    for feed in feeds {
        let now = Timestamp::now();
        match session.feeds.import(feed, Arc::clone(bundle), accept_stale, now) {
            Ok(refreshed) => return Ok((feed, refreshed)),
            Err(failure) => reasons.push((&feed.name, failure)),
        }
    }
    // The one that came the furthest says the most: keys that signed nothing say the least.
    reasons.sort_by_key(|(_, failure)| failure.is_of_other_keys());
    let Some((name, failure)) = reasons.into_iter().next() else {
        return Err(CliError::Machine("there is no feed".into()));
    };
    let why = sentence(&failure);
    session.record(Event::FeedRefused, "", &format!("{name}, from a bundle: {why}"));
    Err(CliError::Feed { name: name.clone(), why })
}
