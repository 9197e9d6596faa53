//! What a person or a program reads. The rules:
//!
//! - Results go to standard output; errors, hints and progress to standard error.
//! - A person's output fits 80 columns, says the state first and the reason beside it.
//! - Colour only on a terminal, never the only bearer of a meaning; `NO_COLOR` is honoured.
//! - JSON is one object on one line, with the names that `docs/json.md` lists.
//! - Text from a server's files or a document is never written raw to a terminal.

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use stopgap_agent::cause::Cause;
use stopgap_agent::event::EventKind;
use stopgap_agent::log;
use stopgap_agent::sources::FeedState;
use stopgap_engine::Trouble;
use stopgap_model::host::PhpCgi;
use stopgap_model::problem::one_line;
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::web::WebFacts;
use stopgap_model::{Fact, HostFacts, ServerPath, Version};
use stopgap_store::{AuditFault, Change};

use crate::error::{ATTENTION, CliError, REFUSED, exit_code_of};
use crate::json::{self, ErrorObject};

pub(crate) use stopgap_terminal::{WIDTH, plain, wrap};

/// Reports that a command failed.
pub(crate) fn failure(error: &CliError, as_json: bool) {
    let (sentence, hint) = (error.sentence(), error.hint());
    if as_json {
        return json::print(&ErrorObject { error: sentence, hint, exit: error.code() });
    }
    match error {
        CliError::Agent(error) => log::failure(EventKind::CommandFailed, error),
        // A signal is no failure of the command.
        CliError::Signal(_) => log::event_with_hint(EventKind::ServiceStopped, &sentence, &hint),
        _ => log::event_with_hint(EventKind::CommandFailed, &sentence, &hint),
    }
}

/// The exit code that they ask for.
pub(crate) fn troubles_code(troubles: &[Trouble]) -> u8 {
    troubles.iter().map(|it| exit_code_of(Cause::of_trouble(it))).max().unwrap_or(0)
}

/// Returns the text about a change that was cut short.
pub(crate) fn interrupted_text(change: &Change) -> String {
    let at = change.at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let ids: Vec<String> = change.mitigations().into_iter().map(ToString::to_string).collect();
    let of = change.target();
    format!(
        "change {} of {of} ({}), begun {at} by {}: it was neither finished nor rolled back; the next \
         check rolls it back: stopgap check",
        change.number,
        ids.join(", "),
        change.by
    )
}

/// The exit code that they ask for.
pub(crate) fn interrupted_code(changes: &[Change]) -> u8 {
    if changes.is_empty() { 0 } else { ATTENTION }
}

/// The word of a state, coloured.
pub(crate) fn state_text(state: State) -> String {
    let colour = match state {
        State::Applied | State::Covered | State::Withdrawn => AnsiColor::Green,
        State::NotAffected => return state.as_str().to_owned(),
        State::Pending | State::Blocked => AnsiColor::Cyan,
        State::Partial | State::Unsupported | State::Drifted => AnsiColor::Yellow,
        State::Unknown | State::Conflict | State::Failed => AnsiColor::Red,
    };
    let style = Style::new().fg_color(Some(colour.into()));
    format!("{style}{}{style:#}", state.as_str())
}

/// The table of mitigations, without where they came from.
pub(crate) fn table(mitigations: &[MitigationReport]) -> String {
    laid_out(mitigations, false)
}

/// The table of mitigations with where they came from, and what of ours is in place for each.
pub(crate) fn table_with_sources(mitigations: &[MitigationReport]) -> String {
    laid_out(mitigations, true)
}

fn laid_out(mitigations: &[MitigationReport], sources: bool) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH);
    let mut header = vec!["MITIGATION", "REV", "STATE", "WHY"];
    if sources {
        header.insert(3, "FROM");
    }
    table.set_header(header);
    for report in mitigations {
        let blocked =
            if report.blocked && report.state != State::Blocked { " (blocked)" } else { "" };
        // An older revision that is still in place is named with the one that is offered.
        let revision = match report.in_force.filter(|revision| *revision != report.revision) {
            Some(older) => format!("{older}→{}", report.revision),
            None => report.revision.to_string(),
        };
        // Beside the reason, since a column of its own would be empty in most rows.
        let mut why = report.told();
        if sources && !report.in_place.is_empty() {
            why = format!("{why}; installed: {}", report.in_place.join(", "));
        }
        let mut row = vec![
            report.id.to_string(),
            revision,
            format!("{}{blocked}", report.state.as_str()),
            plain(&why),
        ];
        if sources {
            row.insert(3, plain(&report.source));
        }
        table.add_row(row);
    }
    let text = table.to_string();
    let lines: Vec<String> = text.lines().map(|line| colour_states(line.trim_end())).collect();
    lines.join("\n")
}

/// A table is laid out without colours, which have no width; they are put in afterwards.
fn colour_states(line: &str) -> String {
    const STATES: [State; 12] = [
        State::Unknown,
        State::Conflict,
        State::Failed,
        State::Drifted,
        State::Partial,
        State::Applied,
        State::Covered,
        State::Withdrawn,
        State::Blocked,
        State::Pending,
        State::Unsupported,
        State::NotAffected,
    ];
    // The state is the third word of a row; in a continued row some other word may stand there, which is
    // no state.
    let mut words = line.split(' ').filter(|word| !word.is_empty());
    let Some(word) = words.nth(2) else { return line.to_owned() };
    match STATES.iter().find(|state| state.as_str() == word) {
        Some(state) => line.replacen(&format!(" {word}"), &format!(" {}", state_text(*state)), 1),
        None => line.to_owned(),
    }
}

/// The exit code that the states ask for.
pub(crate) fn exit_code(mitigations: &[MitigationReport]) -> u8 {
    let attention = mitigations.iter().any(MitigationReport::needs_attention);
    if attention { ATTENTION } else { 0 }
}

/// The exit code that the feeds ask for.
pub(crate) fn feeds_code(feeds: &[FeedState]) -> u8 {
    let trouble = feeds.iter().any(|feed| feed.trouble.is_some());
    if trouble { REFUSED } else { 0 }
}

/// Warns of an audit trail that is not what was written.
pub(crate) fn warn_of_trail(faults: &[AuditFault]) {
    let hint = "somebody or something changed the trail; keep a copy of the state folder and find out who. \
                Nothing else is kept from working by it";
    let last = faults.len().saturating_sub(1);
    for (at, fault) in faults.iter().enumerate() {
        // Once, after the last of them.
        let hint = if at == last { hint } else { "" };
        log::event_with_hint(EventKind::TrailAltered, &plain(&fault.to_string()), hint);
    }
}

/// One line that says what the server is.
pub(crate) fn server_line(facts: &HostFacts) -> String {
    match &facts.exchange {
        Fact::Known(exchange) => {
            let version = match &exchange.version {
                Fact::Known(version) => version.to_string(),
                Fact::Absent => "of no version".into(),
                Fact::Unknown(_) => "of unknown version".into(),
            };
            let role = exchange.role.known().map(|role| format!(", {}", one_line(role)));
            format!("Exchange Server {version}{}", role.unwrap_or_default())
        }
        Fact::Absent => match (&facts.iis, &facts.php) {
            (Fact::Known(_), Fact::Known(programs)) => php_line(programs),
            (Fact::Known(_), _) => "IIS, no Exchange Server".into(),
            _ if !facts.web.is_empty() => web_line(&facts.web),
            _ => "nothing that this version knows".into(),
        },
        Fact::Unknown(why) => format!("not identified: {why}"),
    }
}

/// The web servers with their versions.
fn web_line(web: &[WebFacts]) -> String {
    let one = |facts: &WebFacts| match facts.server.version.known() {
        Some(version) => format!("{} {version}", facts.server.kind.name()),
        None => format!("{} of unknown version", facts.server.kind.name()),
    };
    web.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A web server in the words of its facts: where its configuration is, its sites, whether it runs.
pub(crate) fn web_text(facts: &WebFacts) -> String {
    let server = &facts.server;
    let config: Vec<&str> = server.config.iter().map(ServerPath::as_str).collect();
    let sites = match &facts.sites {
        Fact::Known(sites) if sites.len() == 1 => "1 site".into(),
        Fact::Known(sites) => format!("{} sites", sites.len()),
        Fact::Absent => "no sites".into(),
        Fact::Unknown(why) => format!("its configuration is not known: {why}"),
    };
    let runs = match &server.running {
        Fact::Known(true) => "runs",
        Fact::Known(false) | Fact::Absent => "does not run",
        Fact::Unknown(_) => "not known whether it runs",
    };
    plain(&format!("{}, {sites}, {runs}", config.join(" ")))
}

/// IIS with its PHP versions, each once, the lowest first.
fn php_line(programs: &[PhpCgi]) -> String {
    // A server may run dozens of programs of the same version.
    let mut known: Vec<&Version> = programs.iter().filter_map(|php| php.version.known()).collect();
    known.sort();
    known.dedup();
    let mut versions: Vec<String> = known.into_iter().map(ToString::to_string).collect();
    if programs.iter().any(|php| php.version.known().is_none()) {
        versions.push("of unknown version".into());
    }
    format!("IIS with PHP {}, no Exchange Server", versions.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_with_several_phps_names_each_version_once() {
        let php = |version| PhpCgi { program: stopgap_model::ServerPath::new("p"), version };
        let at = |parts: &[u32]| php(Fact::Known(Version::from_parts(parts)));
        let torn = php(Fact::Unknown(stopgap_model::Reasons::text("it is cut off")));
        let programs = [at(&[8, 3, 7, 0]), torn, at(&[8, 1, 28, 0]), at(&[8, 3, 7, 0])];
        let line = "IIS with PHP 8.1.28.0, 8.3.7.0, of unknown version, no Exchange Server";
        assert_eq!(php_line(&programs), line);
    }
}
