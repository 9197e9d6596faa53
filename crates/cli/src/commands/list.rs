//! `stopgap list`: every mitigation with its state and the reason.

use std::path::Path;

use jiff::Timestamp;
use stopgap_model::Reason;
use stopgap_model::report::MitigationReport;
use stopgap_plan::Order;

use crate::args::Common;
use crate::error::CliError;
use crate::json::{self, ListObject};
use crate::output;
use stopgap_agent::{Session, log};

pub(crate) fn run(common: &Common, csv: Option<&Path>) -> Result<u8, CliError> {
    let session = Session::open_read_only(common.setup("list")?)?;
    let report = session.engine().look(&Order::default())?.plan.report;
    if let Some(file) = csv {
        write_csv(file, &report)?;
        if !common.json {
            print_line!("{} mitigations written to {}", report.len(), file.display());
        }
    } else if !common.json {
        print_line!("{}", output::table_with_sources(&report));
    }
    if common.json {
        json::print(&ListObject { mitigations: &report });
    }
    let feeds = &session.sources.feeds;
    log::feeds(feeds, Timestamp::now());
    Ok(output::exit_code(&report).max(output::feeds_code(feeds)))
}

fn write_csv(file: &Path, report: &[MitigationReport]) -> Result<(), CliError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = [
        "id", "revision", "hash", "title", "state", "blocked", "reason", "source", "rules",
        "in_place", "codes",
    ];
    // In memory first, so that a failure leaves no half of a file.
    let mut written = writer.write_record(header);
    for report in report {
        let codes: Vec<&str> = report.reason.iter().map(Reason::code).collect();
        written = written.and_then(|()| {
            writer.write_record([
                report.id.as_str(),
                &report.revision.to_string(),
                &report.hash.to_string(),
                &not_a_formula(&report.title),
                report.state.as_str(),
                if report.blocked { "true" } else { "false" },
                &not_a_formula(&report.reason.to_string()),
                &not_a_formula(&report.source),
                &not_a_formula(&report.rules.join("; ")),
                &not_a_formula(&report.in_place.join("; ")),
                &codes.join("; "),
            ])
        });
    }
    let failed = |why: std::io::Error| CliError::Write { file: file.to_owned(), why };
    written.map_err(|error| failed(std::io::Error::other(error)))?;
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error()))?;
    std::fs::write(file, bytes).map_err(failed)
}

/// A spreadsheet would run a cell that begins like a formula.
fn not_a_formula(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.into()
    }
}
