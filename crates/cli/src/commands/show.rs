//! `stopgap show ID`: all about one mitigation.

use serde_json::json;
use stopgap_model::problem::escaped;
use stopgap_model::report::MitigationReport;
use stopgap_model::{Mitigation, MitigationId};
use stopgap_plan::Order;

use crate::args::Common;
use crate::error::CliError;
use crate::output::{self, wrap};
use crate::session::Session;

pub(crate) fn run(common: &Common, id: &MitigationId) -> Result<u8, CliError> {
    let session = Session::look(common)?;
    session.know(std::slice::from_ref(id))?;
    let report = session.engine().look(&Order::default())?.plan.report;
    let Some(report) = report.into_iter().find(|report| report.id == *id) else {
        return Err(CliError::NoSuchMitigation { id: id.to_string(), near: None });
    };
    let mitigation = session.sources.catalog.get(id).map(|offer| &offer.mitigation);
    if common.json {
        print_json(&report, mitigation)?;
    } else {
        print(&report, mitigation);
    }
    Ok(output::exit_code(std::slice::from_ref(&report)))
}

fn print_json(report: &MitigationReport, mitigation: Option<&Mitigation>) -> Result<(), CliError> {
    let mut object = serde_json::to_value(report)
        .map_err(|error| CliError::Machine(format!("the report cannot be written: {error}")))?;
    if let (Some(fields), Some(mitigation)) = (object.as_object_mut(), mitigation) {
        fields.insert("cves".into(), json!(mitigation.cves));
        fields.insert("severity".into(), json!(mitigation.severity.as_str()));
        fields.insert("impact".into(), json!(mitigation.impact));
        fields.insert("references".into(), json!(mitigation.references));
        let probes: Vec<&str> = mitigation.probes.iter().map(|probe| probe.name.as_str()).collect();
        fields.insert("probes".into(), json!(probes));
    }
    output::print_json(object);
    Ok(())
}

fn print(report: &MitigationReport, mitigation: Option<&Mitigation>) {
    let say = |head: &str, text: &str| {
        say!("{}", wrap(&format!("{head:<12} {text}"), "             "));
    };
    let plain = output::plain;
    let hash = report.hash.short();
    say(report.id.as_str(), &plain(&report.title));
    say("Revision", &format!("{}, {hash}, {}", report.revision, report.source));
    let blocked = if report.blocked { ", blocked" } else { "" };
    say("State", &format!("{}{blocked}", output::state_text(report.state)));
    say("Why", &plain(&report.reason));
    if let Some(mitigation) = mitigation {
        let severity = mitigation.severity.as_str();
        let against = match mitigation.cves.is_empty() {
            true => format!("something without a CVE id ({severity})"),
            false => format!("{} ({severity})", mitigation.cves.join(", ")),
        };
        say("Against", &against);
        say("Impact", &mitigation.impact);
    }
    say!("\nActions on this server");
    for action in &report.actions {
        let head = format!("  {} {}: {}", action.id, action.kind, output::state_text(action.state));
        say!("{head}");
        say!("{}", wrap(&format!("    {}", plain(&action.reason)), "    "));
        if !action.place.is_empty() {
            say!("{}", wrap(&format!("    in {}", escaped(&action.place)), "    "));
        }
        for note in &action.notes {
            say!("{}", wrap(&format!("    - {}", plain(note)), "      "));
        }
    }
    say!("\nTo take it back and keep it away:  stopgap remove {}", report.id);
    say!("To keep it from being applied:     stopgap block {}", report.id);
    for reference in mitigation.map(|m| m.references.as_slice()).unwrap_or_default() {
        say!("Read: {reference}");
    }
}
