//! `stopgap show ID`: all about one mitigation.

use std::collections::BTreeMap;

use jiff::Timestamp;
use stopgap_engine::View;
use stopgap_model::mitigation::Expect;
use stopgap_model::problem::escaped;
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::{Action, Fact, HostFacts, Mitigation, MitigationId, Probe, ServerId};
use stopgap_plan::{Order, TargetId};
use stopgap_rules::ActionSemantics;
use stopgap_store::{Change, Status};

use crate::args::Common;
use crate::error::CliError;
use crate::evidence::{self, when};
use crate::json::{self, DocumentObject, LastFailureObject, ShowObject};
use crate::output::{self, wrap};
use stopgap_agent::{AgentError, Session};

pub(crate) fn run(common: &Common, id: &MitigationId) -> Result<u8, CliError> {
    let session = Session::open_read_only(common.setup("show")?)?;
    session.require_known(std::slice::from_ref(id))?;
    let View { facts, plan } = session.engine().look(&Order::default())?;
    let report = plan.report;
    let last_try = LastTry::of(&session.store.changes()?, id);
    let Some(report) = report.into_iter().find(|report| report.id == *id) else {
        return Err(AgentError::NoSuchMitigation { id: id.to_string(), near: None }.into());
    };
    let mitigation = session.sources.catalog.get(id).map(|offer| &offer.mitigation);
    if common.json {
        print_json(&report, mitigation, last_try.as_ref());
    } else {
        print(&report, mitigation, &facts, last_try.as_ref());
    }
    Ok(output::exit_code(std::slice::from_ref(&report)))
}

/// The last attempt to install or remove a mitigation, where it failed and none has succeeded since.
struct LastTry {
    at: Timestamp,
    server: Option<ServerId>,
    /// What went wrong, in the server's own words where it is the server that refused.
    error: String,
}

impl LastTry {
    fn of(changes: &[Change], id: &MitigationId) -> Option<Self> {
        let of_it = changes.iter().filter(|change| change.mitigations().contains(id));
        let mut failed: BTreeMap<TargetId, Option<Self>> = BTreeMap::new();
        for change in of_it {
            let error = match (&change.status, &change.failed_rollback) {
                (Status::Committed, _) => None,
                (_, Some(failed)) => Some(&failed.error),
                (Status::Undone { error, fault, .. }, None)
                    if fault.as_ref().is_none_or(|fault| fault == id) =>
                {
                    Some(error)
                }
                _ => continue,
            };
            let target = change.target();
            let server = target.server().cloned();
            let attempt = error.map(|error| Self { at: change.at, server, error: error.clone() });
            failed.insert(target, attempt);
        }
        failed.into_values().flatten().max_by_key(|failed| failed.at)
    }
}

fn print_json(
    report: &MitigationReport,
    mitigation: Option<&Mitigation>,
    last_try: Option<&LastTry>,
) {
    let document = mitigation.map(|mitigation| DocumentObject {
        cves: mitigation.cves.clone(),
        severity: mitigation.severity.as_str(),
        impact: mitigation.impact.clone(),
        references: mitigation.references.clone(),
        probes: mitigation.probes.iter().map(|probe| probe.name.clone()).collect(),
    });
    let last_failure = last_try.map(|failed| LastFailureObject {
        at: failed.at.to_string(),
        server: failed.server.as_ref().map(ToString::to_string),
        error: failed.error.clone(),
    });
    let sightings = evidence::worst_first(&report.evidence);
    json::print(&ShowObject { report, sightings, last_failure, document });
}

fn print(
    report: &MitigationReport,
    mitigation: Option<&Mitigation>,
    facts: &HostFacts,
    last_try: Option<&LastTry>,
) {
    let plain = output::plain;
    let hash = report.hash.short();
    print_field(report.id.as_str(), &plain(&report.title));
    print_field("Revision", &format!("{}, {hash}, {}", report.revision, report.source));
    let blocked = if report.blocked && report.state != State::Blocked { ", blocked" } else { "" };
    print_field("State", &format!("{}{blocked}", output::state_text(report.state)));
    print_field("Why", &plain(&report.told()));
    if !report.in_place.is_empty() {
        print_field("Installed", &plain(&report.in_place.join(", ")));
    }
    let now = Timestamp::now();
    // What a reason says already is not said twice.
    if let Some(LastTry { at, server, error }) =
        last_try.filter(|it| !is_in_reasons(report, &it.error))
    {
        let of = server.as_ref().map_or("IIS", ServerId::as_str);
        let text = format!("{} UTC, {of}: failed: {error}", when(*at, now));
        print_field("Last try", &plain(&text));
    }
    if let Some(judged) = mitigation.and_then(|it| judged_on_iis(report, it, facts)) {
        print_field("Judged", &judged);
    }
    if let Some(mitigation) = mitigation {
        let severity = mitigation.severity.as_str();
        let against = match mitigation.cves.is_empty() {
            true => format!("something without a CVE id ({severity})"),
            false => format!("{} ({severity})", mitigation.cves.join(", ")),
        };
        print_field("Against", &against);
        print_field("Impact", &mitigation.impact);
    }
    print_evidence(report, mitigation, now);
    print_actions(report);
    print_next(report, mitigation);
}

fn print_field(head: &str, text: &str) {
    print_line!("{}", wrap(&format!("{head:<12} {text}"), "             "));
}

/// Prints the commands that change what is done about a mitigation, and where to read more.
fn print_next(report: &MitigationReport, mitigation: Option<&Mitigation>) {
    print_line!("");
    if report.blocked {
        print_line!("To have it applied again:          stopgap unblock {}", report.id);
    }
    if !report.blocked || !report.in_place.is_empty() {
        print_line!("To remove it and keep it away:     stopgap remove {}", report.id);
    }
    if !report.blocked {
        print_line!("To keep it from being applied:     stopgap block {}", report.id);
    }
    for reference in mitigation.map(|m| m.references.as_slice()).unwrap_or_default() {
        print_line!("Read: {reference}");
    }
}

/// How what is in place on IIS is known to hold. No request is sent to it: the state comes from its
/// configuration. Of rules that stand in a part of it, what they do where they stand.
fn judged_on_iis(
    report: &MitigationReport,
    mitigation: &Mitigation,
    facts: &HostFacts,
) -> Option<String> {
    let is_in_place = matches!(report.state, State::Applied | State::Partial);
    if !(is_in_place && matches!(facts.iis, Fact::Known(_))) {
        return None;
    }
    let stands = |action: &&Action| {
        // By the state of the action: a mitigation may be installed in part.
        let of_it = report.actions.iter().find(|it| it.id == action.id);
        of_it.is_some_and(|it| matches!(it.state, State::Applied | State::Partial))
    };
    let standing = mitigation.actions.iter().filter(stands);
    let meanings: Vec<ActionSemantics> =
        standing.filter_map(|action| ActionSemantics::of(action).ok().flatten()).collect();
    let attacks = mitigation.probes.iter().filter(|probe| probe.expect == Expect::Blocked);
    let attacks: Vec<&Probe> = attacks.collect();
    let is_blocked = |probe: &&&Probe| meanings.iter().any(|it| it.blocks(&probe.request));
    let blocked = attacks.iter().filter(is_blocked).count();
    (blocked > 0).then(|| {
        format!(
            "by the configuration of IIS, no request was sent: where the rules stand they block \
             {blocked} of {} attack probes",
            attacks.len()
        )
    })
}

/// Whether the reasons of a mitigation have this text.
fn is_in_reasons(report: &MitigationReport, error: &str) -> bool {
    report.actions.iter().any(|action| action.reason.to_string().contains(error))
}

fn print_evidence(report: &MitigationReport, mitigation: Option<&Mitigation>, now: Timestamp) {
    let lines = evidence::lines(&report.evidence, now);
    if lines.is_empty() {
        return;
    }
    print_line!("\nSeen on the sites (times in UTC)");
    for line in lines {
        let deep = line.chars().take_while(|c| *c == ' ').count() + 4;
        print_line!("{}", wrap(&format!("  {}", output::plain(&line)), &" ".repeat(deep)));
    }
    if let Some(why) = mitigation.and_then(|it| it.no_live_probe.as_ref()) {
        print_line!("{}", wrap(&format!("  No probe may be sent: {}", output::plain(why)), "    "));
    }
}

fn print_actions(report: &MitigationReport) {
    let plain = output::plain;
    print_line!("\nActions on this server");
    for action in &report.actions {
        let head = format!("  {} {}: {}", action.id, action.kind, output::state_text(action.state));
        print_line!("{head}");
        let reason = action.reason.to_string();
        print_line!("{}", wrap(&format!("    {}", plain(&reason)), "    "));
        if !action.place.is_empty() {
            // What is not seen to be there is not said to be.
            let is_there = action.state.in_place() || action.state == State::Partial;
            let head = if is_there { "in" } else { "belongs in" };
            print_line!("{}", wrap(&format!("    {head} {}", escaped(&action.place)), "    "));
        }
        // What is printed about the sites above is not repeated.
        let printed = evidence::lines(&report.evidence, Timestamp::UNIX_EPOCH);
        let is_printed = |note: &str| printed.iter().any(|line| line.trim_start() == note);
        let is_printed = |note: &str| is_printed(note) || reason.contains(note);
        let notes = action.notes.iter().map(ToString::to_string);
        for note in notes.filter(|note| !is_printed(note)) {
            print_line!("{}", wrap(&format!("    - {}", plain(&note)), "      "));
        }
    }
}
