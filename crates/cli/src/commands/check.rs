//! `stopgap check`: one cycle now.

use jiff::Timestamp;
use stopgap_agent::cycle::cycle;
use stopgap_agent::event::EventKind;
use stopgap_agent::{Session, log};
use stopgap_engine::CycleReport;
use stopgap_model::MitigationId;
use stopgap_model::problem::escaped;
use stopgap_model::report::{MitigationReport, State};
use stopgap_plan::{FileEdit, Order, ServicesStep, Step};

use crate::args::Common;
use crate::error::CliError;
use crate::json::{
    self, CycleObject, FileObject, ServerObject, ServicesObject, SourceObject, TimingObject,
    TroubleObject,
};
use crate::output;
use crate::signals;

/// The most notes that a check prints, and the most actions that one of them names.
const MAX_NOTES: usize = 20;
const MAX_IDS: usize = 5;

pub(crate) fn run(common: &Common, dry_run: bool, ids: &[MitigationId]) -> Result<u8, CliError> {
    let only = (!ids.is_empty()).then(|| ids.iter().cloned().collect());
    let order = Order { only, ..Order::default() };
    if dry_run {
        let session = Session::open_read_only(common.setup("check")?)?;
        session.require_known(ids)?;
        let view = session.engine().look(&order)?;
        // A plan in the place of what a cycle did, so that both are printed alike.
        let report = CycleReport {
            facts: view.facts,
            edits: view.plan.all_edits().cloned().collect(),
            services: view.plan.services.into_iter().filter_map(Step::into_services).collect(),
            mitigations: view.plan.report,
            changed: false,
            timings: Vec::new(),
            troubles: Vec::new(),
            halted: None,
        };
        return Ok(print(&session, common, &report, dry_run));
    }
    signals::receive(None)?;
    let mut session = Session::open(common.setup("check")?)?;
    let report = cycle(&mut session, &order)?;
    Ok(print(&session, common, &report, dry_run))
}

/// Prints what a cycle found and did; returns the exit code.
pub(crate) fn print(session: &Session, common: &Common, report: &CycleReport, dry_run: bool) -> u8 {
    if common.json {
        json::print(&as_object(session, report, dry_run));
    } else {
        let server = output::server_line(&report.facts);
        let line = format!("{server}, {}\n", session.host.name());
        print_line!("{}", output::wrap(&line, "  "));
        print_line!("{}", output::table(&report.mitigations));
        if dry_run {
            print_plan(&report.mitigations);
        } else {
            print_notes(&report.mitigations);
        }
        print_edits(&report.edits, &report.services, dry_run);
        print_services(&report.services, dry_run);
    }
    // In JSON they are part of the object.
    if !common.json {
        log::troubles(&report.troubles);
    }
    if let Some(halt) = &report.halted {
        let text = format!("{halt} while this ran, so nothing further was begun");
        log::event(EventKind::Halted, &output::plain(&text));
    }
    let feeds = &session.sources.feeds;
    log::feeds(feeds, Timestamp::now());
    let feeds_code = output::feeds_code(feeds);
    output::exit_code(&report.mitigations)
        .max(feeds_code)
        .max(output::troubles_code(&report.troubles))
}

fn as_object<'a>(session: &Session, report: &'a CycleReport, dry_run: bool) -> CycleObject<'a> {
    let file = |edit: &FileEdit| FileObject {
        path: edit.path.to_string(),
        change: what_becomes(edit),
        // After a change the files themselves say what they are.
        diff: dry_run.then(|| difference(edit)),
    };
    CycleObject {
        mitigations: &report.mitigations,
        changed: report.changed,
        dry_run,
        files: report.edits.iter().map(file).collect(),
        services: report.services.iter().map(ServicesObject::from).collect(),
        timings: report.timings.iter().map(TimingObject::from).collect(),
        troubles: report.troubles.iter().map(TroubleObject::from).collect(),
        halted: report.halted.as_ref().map(ToString::to_string),
        feeds: sources(session),
        server: ServerObject::of(session.host.name(), &report.facts),
    }
}

/// The sources of mitigations: what ships with the program, then the feeds with their status.
pub(crate) fn sources(session: &Session) -> Vec<SourceObject> {
    let now = Timestamp::now();
    let names = session.sources.names().into_iter();
    // Feeds are listed by their own state, and not by what they happen to offer.
    let shipped = names.filter(|name| !name.starts_with("feed ")).map(SourceObject::shipped);
    let feeds = session.sources.feeds.iter().map(|feed| SourceObject::feed(feed, now));
    shipped.chain(feeds).collect()
}

/// What is planned for each action, where, and what to know about it.
fn print_plan(mitigations: &[MitigationReport]) {
    let actions = mitigations.iter().flat_map(|mitigation| &mitigation.actions);
    for action in actions.filter(|action| !action.notes.is_empty()) {
        let place = if action.place.is_empty() { "nothing is changed" } else { &action.place };
        let head = format!("\n{} {}: {}", action.id, action.kind, escaped(place));
        print_line!("{}", output::wrap(&head, "  "));
        for note in &action.notes {
            print_line!(
                "{}",
                output::wrap(&format!("  - {}", output::plain(&note.to_string())), "    ")
            );
        }
    }
}

/// What a person should know beside the reasons, each once with all that it is about.
fn print_notes(mitigations: &[MitigationReport]) {
    let mut notes: Vec<(String, Vec<String>)> = Vec::new();
    let actions = mitigations.iter().flat_map(|mitigation| &mitigation.actions);
    for action in actions.filter(|action| action.state != State::NotAffected) {
        // The table has the reasons already.
        let reason = action.reason.to_string();
        let sentences = action.notes.iter().map(ToString::to_string);
        for note in sentences.filter(|note| !reason.contains(note.as_str())) {
            match notes.iter_mut().find(|(known, _)| *known == note) {
                Some((_, ids)) => ids.push(action.id.to_string()),
                None => notes.push((note, vec![action.id.to_string()])),
            }
        }
    }
    for (at, (note, ids)) in notes.iter().take(MAX_NOTES).enumerate() {
        let blank = if at == 0 { "\n" } else { "" };
        let (named, more) = ids.split_at(ids.len().min(MAX_IDS));
        let more =
            if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
        let text = format!("{blank}Note: {}{more}: {}", named.join(", "), output::plain(note));
        print_line!("{}", output::wrap(&text, "  "));
    }
    if let Some(more) = notes.len().checked_sub(MAX_NOTES).filter(|more| *more > 0) {
        print_line!("Note: {more} more, see: stopgap show ID");
    }
}

fn print_edits(edits: &[FileEdit], services: &[ServicesStep], dry_run: bool) {
    if dry_run {
        match (edits, services) {
            ([], []) => print_line!("\nA check would change nothing."),
            _ => print_line!("\nA check would change:"),
        }
        for edit in edits {
            print_line!("\n{}", difference(edit));
        }
        return;
    }
    for (at, edit) in edits.iter().enumerate() {
        let what = match what_becomes(edit) {
            "made" => "Made",
            "removed" => "Removed",
            _ => "Changed",
        };
        let blank = if at == 0 { "\n" } else { "" };
        print_line!("{blank}{what}: {}", escaped(edit.path.as_str()));
    }
}

/// The services that are disabled and those that are given back.
fn print_services(services: &[ServicesStep], dry_run: bool) {
    let (disabled, given_back) = match dry_run {
        true => ("Disable and stop", "Give back"),
        false => ("Disabled and stopped", "Given back"),
    };
    for step in services {
        let names = step.disables.iter().map(|it| (disabled, &it.service.name));
        let names = names.chain(step.gives_back.iter().map(|it| (given_back, &it.name)));
        for (what, name) in names {
            print_line!("\n{what}: {}, for {}", escaped(name), step.action);
        }
    }
}

/// What becomes of a file: `made`, `removed` or `changed`.
fn what_becomes(edit: &FileEdit) -> &'static str {
    match (&edit.before, &edit.after) {
        (None, _) => "made",
        (_, None) => "removed",
        _ => "changed",
    }
}

/// The difference of a file, as a unified diff.
fn difference(edit: &FileEdit) -> String {
    let text = |bytes: &Option<Vec<u8>>| {
        let bytes = bytes.as_deref().unwrap_or_default();
        String::from_utf8_lossy(bytes).replace('\r', "")
    };
    let (before, after) = (text(&edit.before), text(&edit.after));
    let name = escaped(edit.path.as_str());
    let side = |bytes: &Option<Vec<u8>>| if bytes.is_some() { name.as_str() } else { "/dev/null" };
    // The library's own header escapes each backslash of a path of Windows.
    let header = format!("--- {}\n+++ {}\n", side(&edit.before), side(&edit.after));
    let patch = diffy::create_patch(&before, &after).to_string();
    patch.split_inclusive('\n').skip(2).fold(header, |text, line| text + line)
}
