//! What failed is not tried again as long as nothing has changed: it would come to the same, and each try
//! costs the server a reload, whose old processes stay while a connection is open.

use std::fmt::Write as _;

use stopgap_model::web::WebServer;
use stopgap_model::{ActionId, Digest, MitigationId};

use crate::{FileEdit, Input, Order, Plan, Step, summary};

/// The program's version: another one may decide and write otherwise.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A try that failed and is not repeated with the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    /// What was tried, and with what: as [`tried`] and [`tried_on_iis`] say.
    pub tried: Digest,
    /// How often in a row.
    pub tries: u32,
    /// When that was last, for a person.
    pub since: String,
    /// From when on it is tried again though nothing has changed, in seconds since 1970 and for a person;
    /// `None`: not by itself.
    pub again: Option<(i64, String)>,
}

impl Rest {
    /// What a person should know of it: a clause.
    fn told(&self, mitigation: &MitigationId) -> String {
        let Self { since, again, .. } = self;
        let how = match again {
            None => format!("last tried {since}, and not again until something changes"),
            Some((_, again)) => {
                format!(
                    "last tried {since}, and not again before {again} or until something changes"
                )
            }
        };
        format!("{how}; to try again: stopgap reapply {mitigation}")
    }
}

impl Order {
    /// Whether somebody asks for this mitigation by its name.
    pub(crate) fn names(&self, id: &MitigationId) -> bool {
        let only = self.only.as_ref().is_some_and(|only| only.contains(id));
        only || self.take_back.contains(id) || self.reapply.contains(id)
    }
}

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
    if let Step::Rules { rules, put_in, taken_out, .. } = step {
        let put = rules.iter().filter(|rule| put_in.contains(&rule.action));
        for rule in put.filter(|rule| is_of(&rule.mitigation)) {
            // A text takes no harm from being written to.
            let _ = writeln!(text, "in {rule:?}");
        }
        for out in taken_out.iter().filter(|out| is_of(&out.mitigation)) {
            let _ = writeln!(text, "out {} {}", out.mitigation, out.action);
        }
    }
    Digest::of(text.as_bytes())
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

/// Takes the change of IIS out of a plan that failed when it was last tried, where it is the same and
/// nobody asks for it by name.
pub(crate) fn rest_on_iis(input: &Input<'_>, plan: &mut Plan) {
    let digest = tried_on_iis(&plan.edits);
    let rests = |action: &ActionId| {
        let rest = input.failures.rests.get(&(None, action.clone()))?;
        (rest.tried == digest).then_some(rest)
    };
    let asked = plan.steps.iter().flat_map(Step::mitigations).any(|id| input.order.names(id));
    let all_rest = plan.steps.iter().flat_map(Step::actions).all(|action| rests(action).is_some());
    if plan.steps.is_empty() || asked || !all_rest {
        return;
    }
    for report in &mut plan.report {
        let mut is_told = false;
        for action in &mut report.actions {
            let is_planned = plan.steps.iter().any(|step| step.actions().contains(&&action.id));
            if let Some(rest) = rests(&action.id).filter(|_| is_planned) {
                let _ = write!(action.reason, "; {}", rest.told(&report.id));
                is_told = true;
            }
        }
        if is_told {
            report.reason = summary(report.state, &report.actions);
        }
    }
    plan.edits.clear();
    plan.steps.clear();
}

/// Why an action rests on a web server that comes to this change: a clause; `None`: it does not.
pub(crate) fn rests_on(
    input: &Input<'_>,
    step: &Step,
    action: &ActionId,
    mitigation: &MitigationId,
    tried: Digest,
) -> Option<String> {
    let server = step.server()?.clone();
    let rest = input.failures.rests.get(&(Some(server), action.clone()))?;
    (rest.tried == tried && !input.order.names(mitigation)).then(|| rest.told(mitigation))
}
