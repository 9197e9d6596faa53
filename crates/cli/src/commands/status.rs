//! `stopgap status`: this server at a glance.

use jiff::{Timestamp, Unit};
use serde_json::json;
use stopgap_model::policy::{Policy, Switch};
use stopgap_plan::Order;
use stopgap_store::{Event, Trail};

use crate::args::Common;
use crate::commands::check::feeds_json;
use crate::commands::feed::list::power_from_before;
use crate::commands::run::INTERVAL;
use crate::error::CliError;
use crate::evidence;
use crate::output;
use crate::session::Session;
use crate::sources::FeedState;

pub(crate) fn run(common: &Common) -> Result<u8, CliError> {
    let session = Session::look(common)?;
    let view = session.engine().look(&Order::default())?;
    // A trail that was changed is told, and does not take the states away.
    let trail = session.store.trail();
    if let Err(error) = &trail {
        output::warn(&format!("{error}"));
    }
    let Trail { lines, faults } = trail.unwrap_or_default();
    output::warn_of_trail(&faults);
    let last = lines.iter().rev().find(|line| line.event == Event::Checked).map(|line| line.at);
    let report = view.plan.report;
    let feeds = &session.sources.feeds;
    let (running, interrupted) = (session.store.busy()?, session.store.interrupted()?);
    let code = output::exit_code(&report)
        .max(output::feeds_code(feeds))
        .max(output::interrupted_code(&interrupted));
    output::warn_of_feeds(feeds, Timestamp::now());
    if common.json {
        output::print_json(json!({
            "enabled": session.policy.enabled(),
            "organisation_enabled": session.policy.organisation == Switch::On,
            "server_enabled": session.policy.server == Switch::On,
            "switched_off": session.policy.switched_off(),
            "running": running,
            "interrupted": output::interrupted_json(&interrupted),
            "last_check": last.map(|at| at.to_string()),
            "service_interval_seconds": INTERVAL.as_secs(),
            "server": {"name": session.host.name(), "facts": output::facts_json(&view.facts)},
            "feeds": feeds_json(&session),
            "mitigations": report,
        }));
        return Ok(code);
    }
    let say = |head: &str, text: &str| {
        say!("{}", output::wrap(&format!("{head:<12} {text}"), "             "));
    };
    say("Server", &output::server_line(&view.facts));
    say("Files", &session.host.name());
    for web in &view.facts.web {
        say(web.server.kind.name(), &output::web_text(web));
    }
    say("Mitigation", &switch_text(&session.policy));
    say("Catalog", &format!("{} mitigations, {}", report.len(), session.sources.summary()));
    say("Feeds", &feeds_text(feeds));
    say("Last check", &last_text(last));
    say("Next check", "an hour after the last where `stopgap run` runs, or: stopgap check");
    say("In place", &in_place(&report));
    let sites = view.facts.web.iter().filter_map(|web| web.sites.known().map(Vec::len)).sum();
    if let Some(text) = evidence::summary(&report, sites, Timestamp::now()) {
        say("Seen", &text);
    }
    if let Some(who) = running {
        say("Running", &output::plain(&format!("{who} works on this server just now")));
    }
    for change in &interrupted {
        say("CUT SHORT", &output::plain(&output::interrupted_text(change)));
    }
    say!("\n{}", output::table(&report));
    Ok(code)
}

fn feeds_text(feeds: &[FeedState]) -> String {
    let text = |feed: &FeedState| {
        let stands = match &feed.trouble {
            None => "good".to_owned(),
            Some(trouble) => format!("IN TROUBLE: {}", output::plain(&trouble.why)),
        };
        let before = power_from_before(feed).map(|text| format!(" ({text})"));
        format!("{}: {stands}{}", feed.name, before.unwrap_or_default())
    };
    let all: Vec<String> = feeds.iter().map(text).collect();
    if all.is_empty() { "none".into() } else { all.join("; ") }
}

fn switch_text(policy: &Policy) -> String {
    match policy.switched_off() {
        None => "automatic: applied and taken back by themselves".into(),
        Some(off) => format!("SWITCHED OFF {off}: hands off, nothing is changed"),
    }
}

fn last_text(last: Option<Timestamp>) -> String {
    let Some(at) = last else {
        return "never; run: stopgap check".into();
    };
    let ago = Timestamp::now().since((Unit::Second, at)).map_or(0, |span| span.get_seconds());
    let ago = match ago {
        ..120 => format!("{ago} s ago"),
        120..7200 => format!("{} min ago", ago / 60),
        7200..172_800 => format!("{} h ago", ago / 3600),
        _ => format!("{} days ago", ago / 86_400),
    };
    format!("{} UTC, {ago}", at.strftime("%Y-%m-%d %H:%M"))
}

fn in_place(report: &[stopgap_model::report::MitigationReport]) -> String {
    let ids: Vec<String> = report
        .iter()
        .filter(|report| !report.in_place.is_empty())
        .map(|report| format!("{} ({})", report.id, report.in_place.join(", ")))
        .collect();
    if ids.is_empty() { "nothing of ours".into() } else { output::plain(&ids.join("; ")) }
}
