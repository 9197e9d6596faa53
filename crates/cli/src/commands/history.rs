//! `stopgap history`: the audit trail.

use stopgap_model::problem::one_line;
use stopgap_store::Trail;

use crate::args::Common;
use crate::error::{ATTENTION, CliError};
use crate::json::{self, ChangeCutShort, HistoryObject, LineObject};
use crate::output::{self, wrap};
use stopgap_agent::Session;

pub(crate) fn run(common: &Common) -> Result<u8, CliError> {
    let session = Session::open(common.setup("history")?)?;
    let Trail { lines, faults } = session.store.trail()?;
    let interrupted = session.store.interrupted()?;
    // A trail that was changed weighs as much as a change that was cut short.
    let code = if faults.is_empty() { output::interrupted_code(&interrupted) } else { ATTENTION };
    if common.json {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        json::print(&HistoryObject {
            history: lines.iter().map(LineObject::from).collect(),
            intact: faults.is_empty(),
            faults,
            interrupted: interrupted.iter().map(ChangeCutShort::from).collect(),
        });
        return Ok(code);
    }
    if lines.is_empty() && faults.is_empty() {
        print_line!("Nothing has happened yet.");
    }
    for line in lines {
        let at = line.at.strftime("%Y-%m-%d %H:%M:%S");
        // Both come from a file that somebody may have changed: never raw to a terminal.
        let (who, event) = (one_line(&line.who), line.event.as_str());
        let text = format!(
            "{at}  {event:<10} {} {} ({who})",
            line.mitigation,
            output::plain(&line.detail)
        );
        print_line!("{}", wrap(&text, "                                "));
    }
    for change in &interrupted {
        print_line!(
            "\n{}",
            wrap(&output::plain(&format!("Cut short: {}", output::interrupted_text(change))), "  ")
        );
    }
    output::warn_of_trail(&faults);
    Ok(code)
}
