//! `stopgap feed add` and `stopgap feed remove`: whom this server trusts, and with what.

use jiff::Timestamp;
use stopgap_feed::{AnchorsError, Feed, FeedName, FeedsError, Format, Permissions};
use stopgap_fs::{FsError, read_obeyed};
use stopgap_store::Event;

use crate::args::{AddFeed, Common};
use crate::commands::feed::list::permissions_text;
use crate::error::CliError;
use crate::json::{self, AddedObject, RemovedObject};
use crate::output::wrap;
use stopgap_agent::{AgentError, Session, fetching, log};

/// The largest root metadata that is read, in bytes: as in other clients of TUF.
const MAX_ROOT: u64 = 512_000;

pub(crate) fn add(common: &Common, arguments: &AddFeed) -> Result<u8, CliError> {
    // Here `--root` is the publisher's, and the server is of no matter; `--policy` is a power.
    let gives_policy = arguments.gives_policy();
    let policy = common.policy.clone().filter(|_| !gives_policy);
    let session =
        Session::open(Common { root: None, policy, ..common.clone() }.setup("feed add")?)?;
    if arguments.no_policy {
        if gives_policy {
            let message = "--policy and --no-policy together say nothing";
            return Err(CliError::usage(message, "leave --no-policy out: it is the default"));
        }
        log::note("--no-policy says nothing any more: no feed has this power without --policy");
    }
    let feed = feed_of(arguments, &session.by);
    // A process that still fetches a removed feed of this name must have ended: what it writes is
    // another feed's.
    let _fetching = fetching::lock(&session)?;
    let _lock = session.lock_records()?;
    store(&session, &feed, arguments)?;
    let Feed { name, url, permissions, .. } = &feed;
    let at = url.as_deref().unwrap_or("carried in by hand");
    let detail =
        format!("{name}, {}, {at}; {}", feed.format.as_str(), permissions_text(permissions));
    session.record(Event::FeedAdded, "", &detail);
    if common.json {
        json::print(&AddedObject { added: name.to_string() });
        return Ok(0);
    }
    let then = match url {
        Some(_) => format!("fetched at the next check, or now with: stopgap feed refresh {name}"),
        None => "to carry it in: stopgap feed import FILE".into(),
    };
    let text =
        format!("Feed {name} added; it may ask for {}.\n{then}", permissions_text(permissions));
    print_line!("{}", wrap(&text, ""));
    Ok(0)
}

/// Returns the feed that the arguments describe.
fn feed_of(arguments: &AddFeed, by: &str) -> Feed {
    let AddFeed { name, url, ids, kinds, services, pools, .. } = arguments;
    Feed {
        name: name.clone(),
        url: url.clone(),
        format: if arguments.format.is_some() { Format::Eocs } else { Format::Tuf },
        added_by: by.to_owned(),
        added_at: Timestamp::now(),
        permissions: match Permissions::given(ids, kinds, services, pools) {
            permissions if arguments.gives_policy() => permissions.with_policy(),
            permissions => permissions,
        },
    }
}

/// Keeps the feed with what it is verified by: trust anchors, or a publisher's root metadata.
fn store(session: &Session, feed: &Feed, arguments: &AddFeed) -> Result<(), CliError> {
    match (&arguments.anchors, &arguments.root) {
        (Some(anchors), _) => {
            session.feeds.add_eocs(feed, anchors).map_err(|error| match error {
                FeedsError::Anchors(AnchorsError::Fs(error @ FsError::Exposed { .. })) => {
                    AgentError::of_obeyed(anchors, error)
                }
                error => error.into(),
            })?
        }
        (None, Some(root)) => {
            let bytes = read_obeyed(root, MAX_ROOT);
            let bytes = bytes.map_err(|error| AgentError::of_obeyed(root, error))?;
            session.feeds.add_tuf(feed, &bytes)?;
        }
        (None, None) => {
            return Err(CliError::usage(
                "a feed needs something to trust",
                "name the publisher's root metadata: --root ROOT.JSON",
            ));
        }
    }
    Ok(())
}

pub(crate) fn remove(common: &Common, name: &FeedName) -> Result<u8, CliError> {
    let session = Session::open(common.setup("feed remove")?)?;
    let _lock = session.lock_records()?;
    if !session.feeds.remove(name)? {
        return Err(super::refresh::no_such_feed(name));
    }
    session.record(Event::FeedRemoved, "", name.as_str());
    if common.json {
        json::print(&RemovedObject { removed: name.to_string() });
    } else {
        let stays = "what is installed of it stays until you remove it: stopgap list";
        print_line!("{}", wrap(&format!("Feed {name} removed; {stays}"), ""));
    }
    Ok(0)
}
