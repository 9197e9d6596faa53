//! `stopgap feed list`: the feeds, how they stand, and what they may ask for.

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;
use stopgap_feed::{Kind, Permissions, PolicyPermission, Wildcard};
use stopgap_model::problem::one_line;

use crate::args::Common;
use crate::error::CliError;
use crate::json::{self, SourceObject, SourcesObject};
use crate::output::{self, WIDTH, plain, wrap};
use stopgap_agent::sources::FeedState;
use stopgap_agent::{Session, log};

pub(crate) fn run(common: &Common) -> Result<u8, CliError> {
    let session = Session::open_read_only(common.setup("feed list")?)?;
    let now = Timestamp::now();
    let feeds = &session.sources.feeds;
    if common.json {
        let feeds = feeds.iter().map(|feed| SourceObject::feed(feed, now)).collect();
        json::print(&SourcesObject { feeds });
    } else if feeds.is_empty() {
        print_line!("No feed. To trust one: stopgap feed add NAME URL --root ROOT.JSON");
    } else {
        print_line!("{}", table(feeds));
        // The table has what fits a column; the rest follows for each feed.
        for feed in feeds {
            let at = feed.url.as_deref().unwrap_or("carried in by hand");
            print_line!("\n{}: {}", feed.name, one_line(at));
            print_line!(
                "{}",
                wrap(&format!("  may ask for {}", permissions_text(&feed.permissions)), "  ")
            );
            if feed.others > 0 {
                print_line!("  offers {} files that are no mitigations", feed.others);
            }
            if feed.powerless_policy {
                let text = "  offers a policy.toml, which counts for nothing: it was not given this \
                            power (feed add --policy)";
                print_line!("{}", wrap(text, "  "));
            }
            if let Some(text) = permission_from_before(feed) {
                print_line!("{}", wrap(&format!("  {text}"), "  "));
            }
        }
        log::feeds(feeds, now);
    }
    Ok(output::feeds_code(feeds))
}

fn table(feeds: &[FeedState]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH);
    table.set_header(["FEED", "FORMAT", "MITIGATIONS", "FETCHED", "GOOD UNTIL", "STATE"]);
    let time = |at: Option<Timestamp>, none: &str| {
        at.map_or(none.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
    };
    for feed in feeds {
        let expires = feed.expiry.as_ref().map(|expiry| expiry.at);
        // Why is reported below the table: it does not fit a column.
        let state = if feed.trouble.is_some() { "in trouble" } else { "good" };
        table.add_row([
            feed.name.to_string(),
            feed.format.as_str().to_owned(),
            feed.mitigations.to_string(),
            time(feed.status.succeeded, "never"),
            time(expires, "-"),
            state.to_owned(),
        ]);
    }
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

/// What a feed may ask for, as a phrase.
pub(crate) fn permissions_text(permissions: &Permissions) -> String {
    let list = |names: &[Wildcard]| {
        plain(&names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
    };
    // Only these kinds can be limited to names; without names they mean any.
    let kind = |kind: &Kind| {
        let names = match kind {
            Kind::DisableService => &permissions.services,
            Kind::DisableAppPool => &permissions.pools,
            _ => return kind.as_str().to_owned(),
        };
        if names.is_empty() {
            format!("{} (any)", kind.as_str())
        } else {
            format!("{} ({})", kind.as_str(), list(names))
        }
    };
    let kinds: Vec<String> = permissions.kinds.iter().map(kind).collect();
    let ids = match permissions.ids.as_slice() {
        [] => "all but those of the shipped catalog".into(),
        ids => list(ids),
    };
    let policy =
        if permissions.policy.is_there() { "the organisation's policy" } else { "no policy" };
    format!("{}; ids: {ids}; {policy}", kinds.join(", "))
}

/// That a feed has the power of a policy because it was added before that had to be given, if so.
pub(crate) fn permission_from_before(feed: &FeedState) -> Option<String> {
    (feed.permissions.policy == PolicyPermission::FromBefore).then(|| {
        "its policy is the organisation's, because it was added before that had to be given; to \
         settle it, remove the feed and add it again: with --policy, or without"
            .to_owned()
    })
}
