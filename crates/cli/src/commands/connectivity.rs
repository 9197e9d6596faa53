//! `stopgap test-connectivity`: whether the feeds can be reached, verify with every file that is new,
//! and are fresh.

use jiff::Timestamp;
use stopgap_feed::{Feed, FeedName, Feeds, Network};
use stopgap_model::problem::sentence;

use crate::args::Common;
use crate::commands::feed::refresh::no_such_feed;
use crate::error::{CliError, REFUSED};
use crate::json::{self, ConnectivityObject, FeedTestObject};
use crate::output::{plain, wrap};
use stopgap_agent::Session;
use stopgap_agent::fetching::network;

pub(crate) fn run(common: &Common, name: Option<&FeedName>) -> Result<u8, CliError> {
    let session = Session::open(common.setup("test-connectivity")?)?;
    let feeds = match name {
        Some(name) => vec![session.feeds.get(name)?.ok_or_else(|| no_such_feed(name))?],
        None => session.feeds.all()?,
    };
    let (feeds_of, network) = (&session.feeds, network(&session));
    // Side by side: one that does not answer keeps nobody else's answer back.
    let tests: Vec<FeedTestObject> = std::thread::scope(|scope| {
        let network = &network;
        let one = |feed| scope.spawn(move || test(feeds_of, network, feed));
        let tests: Vec<_> = feeds.iter().map(one).collect();
        let broken = |_| CliError::Machine("a test of a feed broke off".into());
        tests.into_iter().map(|test| test.join().map_err(broken)).collect::<Result<_, _>>()
    })?;
    let ok = tests.iter().all(|test| test.ok);
    if common.json {
        json::print(&ConnectivityObject { ok, feeds: tests });
    } else if tests.is_empty() {
        print_line!(
            "Result: Success.\nMessage: There is no feed; nothing is fetched from anywhere."
        );
    } else {
        for (at, test) in tests.iter().enumerate() {
            if at > 0 {
                print_line!("");
            }
            print_line!("Feed: {}", test.name);
            print_line!("Result: {}.", if test.ok { "Success" } else { "Failed" });
            print_line!("{}", wrap(&format!("Message: {}", plain(&test.message)), "         "));
        }
    }
    Ok(if ok { 0 } else { REFUSED })
}

fn test(feeds: &Feeds, network: &Network, feed: &Feed) -> FeedTestObject {
    let name = feed.name.to_string();
    let Some(url) = &feed.url else {
        let message = "The feed has no address; it is carried in by hand.".into();
        return FeedTestObject { name, ok: true, hop: None, message };
    };
    match feeds.probe(feed, network, Timestamp::now()) {
        Ok(()) => {
            let message =
                format!("{url} answers, everything in it that is new verifies, and it is fresh.");
            FeedTestObject { name, ok: true, hop: None, message }
        }
        Err(failure) => {
            let hop = failure.step();
            let on_the_way = failure.on_the_way().map(|error| error.why.clone());
            // Where the way failed, its own words say more than what wraps them.
            let why = on_the_way.unwrap_or_else(|| sentence(&failure));
            let message = format!("{hop}: {why} ({url})");
            FeedTestObject { name, ok: false, hop: Some(hop), message }
        }
    }
}
