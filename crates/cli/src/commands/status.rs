//! `stopgap status`: this server at a glance.

use jiff::{Timestamp, Unit};
use stopgap_model::HostFacts;
use stopgap_model::policy::{Policy, Switch};
use stopgap_model::report::MitigationReport;
use stopgap_plan::Order;
use stopgap_store::{Change, Event, Trail};

use crate::args::Common;
use crate::commands::check::sources;
use crate::commands::feed::list::permission_from_before;
use crate::error::CliError;
use crate::evidence;
use crate::json::{self, BlockObject, ChangeCutShort, ServerObject, StatusObject};
use crate::output;
use stopgap_agent::blocks::BlockedBy;
use stopgap_agent::daemon::INTERVAL;
use stopgap_agent::sources::FeedState;
use stopgap_agent::{Session, log};

pub(crate) fn run(common: &Common) -> Result<u8, CliError> {
    let session = Session::open_read_only(common.setup("status")?)?;
    let view = session.engine().look(&Order::default())?;
    // A trail that was changed is reported, and the states are shown all the same.
    let trail = session.store.trail();
    if let Err(error) = &trail {
        log::warning(&format!("{error}"));
    }
    let Trail { lines, faults } = trail.unwrap_or_default();
    output::warn_of_trail(&faults);
    let status = Status {
        last_check: lines.iter().rev().find(|it| it.event == Event::Checked).map(|it| it.at),
        running: session.store.busy()?,
        interrupted: session.store.interrupted()?,
        blocks: session.blocks()?,
        facts: view.facts,
        report: view.plan.report,
        session: &session,
    };
    let feeds = &session.sources.feeds;
    log::feeds(feeds, Timestamp::now());
    if common.json {
        json::print(&status.as_object());
    } else {
        status.print();
    }
    Ok(output::exit_code(&status.report)
        .max(output::feeds_code(feeds))
        .max(output::interrupted_code(&status.interrupted)))
}

/// What `status` shows.
struct Status<'a> {
    session: &'a Session,
    facts: HostFacts,
    report: Vec<MitigationReport>,
    last_check: Option<Timestamp>,
    /// The command that works on the server just now.
    running: Option<String>,
    /// The changes that were cut short.
    interrupted: Vec<Change>,
    /// Who blocks what.
    blocks: Vec<BlockedBy>,
}

impl Status<'_> {
    fn as_object(&self) -> StatusObject<'_> {
        let policy = &self.session.policy;
        StatusObject {
            enabled: policy.enabled(),
            organisation_enabled: policy.organisation == Switch::On,
            server_enabled: policy.server == Switch::On,
            switched_off: policy.switched_off(),
            running: self.running.clone(),
            blocks: self.blocks.iter().map(BlockObject::from).collect(),
            interrupted: self.interrupted.iter().map(ChangeCutShort::from).collect(),
            last_check: self.last_check.map(|at| at.to_string()),
            service_interval_seconds: INTERVAL.as_secs(),
            server: ServerObject::of(self.session.host.name(), &self.facts),
            feeds: sources(self.session),
            mitigations: &self.report,
        }
    }

    fn print(&self) {
        let (session, facts, report) = (self.session, &self.facts, &self.report);
        print_field("Server", &output::server_line(facts));
        print_field("Files", &session.host.name());
        for web in &facts.web {
            print_field(web.server.kind.name(), &output::web_text(web));
        }
        print_field("Mitigation", &switch_text(&session.policy));
        let catalog = format!("{} mitigations, {}", report.len(), session.sources.summary());
        print_field("Catalog", &catalog);
        print_field("Feeds", &feeds_text(&session.sources.feeds));
        print_field("Last check", &last_text(self.last_check));
        // Whether the service runs is systemd's to say.
        let next = "an hour after the last where `stopgap run` runs, or: stopgap check";
        print_field("Next check", next);
        print_field("Installed", &in_place(report));
        let sites = facts.web.iter().filter_map(|web| web.sites.known().map(Vec::len)).sum();
        if let Some(text) = evidence::summary(report, sites, Timestamp::now()) {
            print_field("Seen", &text);
        }
        if let Some(who) = &self.running {
            let text = format!("{who} works on this server just now");
            print_field("Running", &output::plain(&text));
        }
        for change in &self.interrupted {
            print_field("CUT SHORT", &output::plain(&output::interrupted_text(change)));
        }
        print_line!("\n{}", output::table(report));
    }
}

fn print_field(head: &str, text: &str) {
    print_line!("{}", output::wrap(&format!("{head:<12} {text}"), "             "));
}

fn feeds_text(feeds: &[FeedState]) -> String {
    let text = |feed: &FeedState| {
        let stands = match &feed.trouble {
            None => "good".to_owned(),
            Some(trouble) => format!("IN TROUBLE: {}", output::plain(&trouble.why)),
        };
        let before = permission_from_before(feed).map(|text| format!(" ({text})"));
        format!("{}: {stands}{}", feed.name, before.unwrap_or_default())
    };
    let all: Vec<String> = feeds.iter().map(text).collect();
    if all.is_empty() { "none".into() } else { all.join("; ") }
}

fn switch_text(policy: &Policy) -> String {
    match policy.switched_off() {
        None => "automatic: mitigations are applied and withdrawn automatically".into(),
        Some(off) => format!("SWITCHED OFF {off}: nothing is changed"),
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

fn in_place(report: &[MitigationReport]) -> String {
    let ids: Vec<String> = report
        .iter()
        .filter(|report| !report.in_place.is_empty())
        .map(|report| format!("{} ({})", report.id, report.in_place.join(", ")))
        .collect();
    if ids.is_empty() { "nothing of Stopgap".into() } else { output::plain(&ids.join("; ")) }
}
