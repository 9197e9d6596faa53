//! Our own text that no record tells of, as after the state folder was lost.

use std::collections::BTreeSet;

use stopgap_webserver::Layout;
use stopgap_webserver::rule::{Server, translate};

use super::text::{label, rule_text};
use crate::input::Input;
use crate::installed::InstalledRule;
use crate::rule_kind::is_rule;

/// The rules of the catalog that are there, if what is there is to the byte what is written for them;
/// else none. They are known by the comments above them, which name the action and the revision.
pub(super) fn recognised(
    input: &Input<'_>,
    layout: &Layout<'_>,
    can: &Server,
) -> Vec<InstalledRule> {
    let text = layout.own_text();
    if text.is_empty() {
        return Vec::new();
    }
    let lines: BTreeSet<&[u8]> =
        text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    let all = input.catalog.mitigations().flat_map(|mitigation| {
        let rules = mitigation.actions.iter().filter(|action| is_rule(&action.kind));
        rules.map(move |action| (mitigation, action))
    });
    let rules = all.filter_map(|(mitigation, action)| {
        let heading = format!("# {}", label(&action.id, mitigation.revision));
        // Only what is named there is worth the work of a translation.
        lines.contains(heading.as_bytes()).then_some(())?;
        Some(InstalledRule {
            mitigation: mitigation.id.clone(),
            revision: mitigation.revision,
            hash: mitigation.hash,
            action: action.id.clone(),
            rule: translate(can, &action.kind).ok()?,
        })
    });
    let rules: Vec<InstalledRule> = rules.collect();
    let is_all = !rules.is_empty() && layout.says(&rule_text(can.kind, &rules));
    if is_all { rules } else { Vec::new() }
}
