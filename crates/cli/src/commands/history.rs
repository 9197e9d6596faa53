//! `stopgap history`: the audit trail.

use serde_json::json;
use stopgap_model::problem::one_line;

use crate::args::Common;
use crate::error::CliError;
use crate::output::{self, wrap};
use crate::session::Session;

pub(crate) fn run(common: &Common) -> Result<u8, CliError> {
    let session = Session::open(common)?;
    let lines = session.store.history()?;
    if common.json {
        output::print_json(json!({"history": lines, "intact": true}));
        return Ok(0);
    }
    if lines.is_empty() {
        say!("Nothing has happened yet.");
    }
    for line in lines {
        let at = line.at.strftime("%Y-%m-%d %H:%M:%S");
        let (who, event) = (one_line(&line.who), line.event.as_str());
        let text = format!(
            "{at}  {event:<10} {} {} ({who})",
            line.mitigation,
            output::plain(&line.detail)
        );
        say!("{}", wrap(&text, "                                "));
    }
    Ok(0)
}
