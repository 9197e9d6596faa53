//! `stopgap check`: one cycle now.

use serde_json::json;
use similar::TextDiff;
use stopgap_engine::CycleReport;
use stopgap_host::Host as _;
use stopgap_model::MitigationId;
use stopgap_model::problem::one_line;
use stopgap_model::report::MitigationReport;
use stopgap_plan::{FileEdit, Order};

use crate::args::Common;
use crate::error::CliError;
use crate::output;
use crate::session::Session;

pub(crate) fn run(common: &Common, dry_run: bool, ids: &[MitigationId]) -> Result<u8, CliError> {
    let mut session = Session::open(common)?;
    session.know(ids)?;
    let only = (!ids.is_empty()).then(|| ids.iter().cloned().collect());
    let order = Order { only, ..Order::default() };
    if dry_run {
        let view = session.engine().look(&order)?;
        let report = CycleReport {
            facts: view.facts,
            mitigations: view.plan.report,
            edits: view.plan.edits,
            changed: false,
        };
        return Ok(tell(&session, common, &report, dry_run));
    }
    let _lock = session.lock(common, "check")?;
    let report = session.engine().cycle(&order)?;
    Ok(tell(&session, common, &report, dry_run))
}

/// Prints what a cycle found and did; answers the exit code.
pub(crate) fn tell(session: &Session, common: &Common, report: &CycleReport, dry_run: bool) -> u8 {
    if common.json {
        output::print_json(as_json(session, report, dry_run));
    } else {
        let server = output::server_line(&report.facts);
        let line = format!("{server}, {}\n", session.host.name());
        say!("{}", output::wrap(&line, "  "));
        say!("{}", output::table(&report.mitigations));
        if dry_run {
            tell_plan(&report.mitigations);
        }
        tell_edits(&report.edits, dry_run);
    }
    output::exit_code(&report.mitigations)
}

fn as_json(session: &Session, report: &CycleReport, dry_run: bool) -> serde_json::Value {
    let files: Vec<_> = report
        .edits
        .iter()
        .map(|edit| {
            let diff = dry_run.then(|| difference(edit));
            json!({"path": edit.path, "diff": diff})
        })
        .collect();
    json!({
        "mitigations": report.mitigations,
        "changed": report.changed,
        "dry_run": dry_run,
        "files": files,
        "feeds": [{"name": session.catalog.source, "ok": true}],
        "server": {"name": session.host.name(), "facts": output::facts_json(&report.facts)},
    })
}

/// What is planned for each action, where, and what to know about it.
fn tell_plan(mitigations: &[MitigationReport]) {
    let actions = mitigations.iter().flat_map(|mitigation| &mitigation.actions);
    for action in actions.filter(|action| !action.notes.is_empty()) {
        let place = if action.place.is_empty() { "nothing is changed" } else { &action.place };
        let head = format!("\n{} {}: {}", action.id, action.kind, one_line(place));
        say!("{}", output::wrap(&head, "  "));
        for note in &action.notes {
            say!("{}", output::wrap(&format!("  - {}", output::plain(note)), "    "));
        }
    }
}

fn tell_edits(edits: &[FileEdit], dry_run: bool) {
    if dry_run {
        match edits {
            [] => say!("\nA check would change nothing."),
            _ => say!("\nA check would change:"),
        }
        for edit in edits {
            say!("\n{}", difference(edit));
        }
        return;
    }
    for edit in edits {
        say!("\nChanged: {}", one_line(edit.path.as_str()));
    }
}

/// The difference of a file, as a unified diff.
fn difference(edit: &FileEdit) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "");
    let (before, after) = (text(&edit.before), text(&edit.after));
    let name = edit.path.as_str();
    let diff = TextDiff::from_lines(before.as_str(), after.as_str());
    diff.unified_diff().context_radius(3).header(name, name).to_string()
}
