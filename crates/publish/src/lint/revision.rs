//! A revision never names two contents, and never goes back.

use stopgap_model::document::{any_pattern, parse};
use stopgap_model::{Mitigation, Problem};

use super::finding::{Finding, Level};
use super::place::Places;

/// What is wrong with the revision of the document `bytes` beside `earlier` documents, which came
/// before it. A document that cannot be read has no revision.
pub(crate) fn against(bytes: &[u8], earlier: &[Vec<u8>]) -> Vec<Finding> {
    let Some(new) = read(bytes) else { return Vec::new() };
    let span = Places::of(bytes).value("revision");
    let mut findings = Vec::new();
    for old in earlier.iter().filter_map(|bytes| read(bytes)).filter(|old| old.id == new.id) {
        let (name, message) = if old.revision == new.revision && old.hash != new.hash {
            let message = format!("revision {} of `{}` has another content", old.revision, old.id);
            ("reused-revision", message)
        } else if old.revision > new.revision {
            ("older-revision", format!("revision {} of `{}` came before", old.revision, old.id))
        } else {
            continue;
        };
        let problem = Problem::new(span.clone(), message)
            .expected(format!("{} or higher", old.revision.saturating_add(1)))
            .help("servers remember the content of each revision, and refuse another");
        findings.push(Finding { level: Level::Error, name, problem });
    }
    findings
}

fn read(bytes: &[u8]) -> Option<Mitigation> {
    parse(bytes, &any_pattern).ok()
}
