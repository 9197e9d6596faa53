//! Our own text that no record tells of, as after the state folder was lost.

use std::collections::BTreeSet;

use stopgap_model::{Action, Mitigation};
use stopgap_webserver::Layout;
use stopgap_webserver::rule::{Server, translate};

use super::{WebPlaced, is_rule, label, rule_text};
use crate::Input;

/// The rules of the catalog that are there, if what is there is to the byte what is written for them;
/// else none. They are known by the comments above them, which name the action and the revision.
pub(super) fn recognised(input: &Input<'_>, layout: &Layout<'_>, can: &Server) -> Vec<WebPlaced> {
    let text = layout.own_text();
    let lines: BTreeSet<&[u8]> =
        text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).collect();
    if text.is_empty() {
        return Vec::new();
    }
    let is_named = |placed: &WebPlaced| lines.contains(format!("# {}", label(placed)).as_bytes());
    let all = input.catalog.mitigations().flat_map(|mitigation| {
        let rules = mitigation.actions.iter().filter(|action| is_rule(&action.kind));
        rules.filter_map(|action| placed(mitigation, action, can))
    });
    let rules: Vec<WebPlaced> = all.filter(is_named).collect();
    let is_all = !rules.is_empty() && layout.says(&rule_text(can.kind, &rules));
    if is_all { rules } else { Vec::new() }
}

/// The rule of an action in the server's terms, if it has them.
fn placed(mitigation: &Mitigation, action: &Action, can: &Server) -> Option<WebPlaced> {
    Some(WebPlaced {
        mitigation: mitigation.id.clone(),
        revision: mitigation.revision,
        hash: mitigation.hash,
        action: action.id.clone(),
        rule: translate(can, &action.kind).ok()?,
    })
}
