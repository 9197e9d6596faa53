//! What failed is not tried again as long as nothing has changed: it would come to the same, and each try
//! costs the server a reload, whose old processes stay while a connection is open.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use stopgap_model::reason::ChangeReason;
use stopgap_model::web::WebServer;
use stopgap_model::{ActionId, Digest, FileEdit, MitigationId};

use crate::input::{Input, Rest};
use crate::step::Step;
use crate::target_id::TargetId;

/// The program's version: another one may decide and write otherwise.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a change of a web server tries, and with what: the server's own configuration of this digest,
/// its program, its process, and what is put in and taken out; of one mitigation only, if that alone is at
/// fault.
#[must_use]
pub fn tried(
    configuration: Digest,
    server: &WebServer,
    step: &Step,
    fault: Option<&MitigationId>,
) -> Digest {
    let is_of = |id: &MitigationId| fault.is_none_or(|fault| fault == id);
    let version = server.version.known().map(ToString::to_string).unwrap_or_default();
    let WebServer { program, base, variables, defines, account, identity, .. } = server;
    let mut text = format!(
        "{VERSION}\n{configuration}\n{program}\n{version}\n{identity}\n{base}\n{variables:?}\n{defines:?}\n\
         {account:?}\n"
    );
    if let Step::Rules { rules, installs, removals, .. } = step {
        let installs: BTreeSet<&ActionId> = installs.iter().collect();
        let put = rules.iter().filter(|rule| installs.contains(&rule.action));
        for rule in put.filter(|rule| is_of(&rule.mitigation)) {
            // A text takes no harm from being written to.
            let _ = writeln!(text, "in {rule:?}");
        }
        for out in removals.iter().filter(|out| is_of(&out.mitigation)) {
            let _ = writeln!(text, "out {} {}", out.mitigation, out.action);
        }
    }
    Digest::of(text.as_bytes())
}

/// What a change of services tries: what becomes of them, from what they are before it.
#[must_use]
pub fn tried_on_services(step: &Step) -> Digest {
    Digest::of(format!("{VERSION}\n{step:?}").as_bytes())
}

/// What a change of the files of IIS tries: these bytes in the place of those.
#[must_use]
pub fn tried_on_iis(edits: &[FileEdit]) -> Digest {
    let mut text = format!("{VERSION}\n");
    let of = |bytes: &Option<Vec<u8>>| {
        bytes.as_deref().map_or_else(String::new, |bytes| Digest::of(bytes).to_string())
    };
    for edit in edits {
        let _ = writeln!(text, "{}\n{}\n{}", edit.path.key(), of(&edit.before), of(&edit.after));
    }
    Digest::of(text.as_bytes())
}

/// The failed tries of the actions of IIS's change, where it is the very change that failed when it was last
/// tried and nobody asks for it by name; `None`: it is to be tried.
pub(crate) fn rests_on_iis<'i>(
    input: &Input<'i>,
    edits: &[FileEdit],
    steps: &[Step],
) -> Option<BTreeMap<ActionId, &'i Rest>> {
    let is_asked = steps.iter().flat_map(Step::mitigations).any(|id| input.order.names(id));
    if steps.is_empty() || is_asked {
        return None;
    }
    let actions = || steps.iter().flat_map(Step::actions);
    let rest_of = |action: &ActionId| input.failures.rests.get(&(TargetId::Iis, action.clone()));
    // The digest is worked out only where something could rest.
    if !actions().all(|action| rest_of(action).is_some()) {
        return None;
    }
    let tried = tried_on_iis(edits);
    let resting = actions().map(|action| {
        let rest = rest_of(action).filter(|rest| rest.tried == tried)?;
        Some((action.clone(), rest))
    });
    resting.collect()
}

/// Why an action rests on a target that comes to this change; `None`: it does not.
pub(crate) fn rests_on(
    input: &Input<'_>,
    step: &Step,
    action: &ActionId,
    mitigation: &MitigationId,
    tried: Digest,
) -> Option<ChangeReason> {
    let rest = input.failures.rests.get(&(step.target(), action.clone()))?;
    (rest.tried == tried && !input.order.names(mitigation)).then(|| rest.reason(mitigation))
}
