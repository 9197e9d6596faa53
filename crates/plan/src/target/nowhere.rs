//! The target of actions that no server here is a place for.

use stopgap_model::reason::{PolicyReason, ServerReason};
use stopgap_model::report::State;
use stopgap_model::{ActionId, ActionKind, Reasons};

use super::{Desired, Installed, Observed, Orphan, Refused, Target};
use crate::context::ActionContext;

/// No server: what is reported of an action that nothing here carries out.
pub(crate) struct Nowhere;

impl<'a> Target<'a> for Nowhere {
    type Content = ();

    fn name(&self) -> String {
        "this machine".to_owned()
    }

    fn serves(&self) -> bool {
        true
    }

    fn takes(&self, _kind: &ActionKind) -> bool {
        true
    }

    fn installed(&self, _action: &ActionId) -> Option<Installed<'_>> {
        None
    }

    fn all_installed(&self) -> Vec<Installed<'_>> {
        Vec::new()
    }

    fn is_recognised(&self, _action: &ActionId) -> bool {
        false
    }

    fn observe(&self, context: &ActionContext<'a>) -> Observed {
        match &context.action.kind {
            ActionKind::DoNothing => heartbeat(context),
            ActionKind::DisableService { services } => {
                Observed::Unable(ServerReason::ServicesByHand { services: services.clone() }.into())
            }
            ActionKind::DisableAppPool { .. } => Observed::Unable(ServerReason::NoIis.into()),
            ActionKind::BlockRequest { .. }
            | ActionKind::RequestHeader { .. }
            | ActionKind::ResponseHeader { .. } => Observed::Unable(no_server(context)),
        }
    }

    fn desired(&self, context: &ActionContext<'a>) -> Result<Desired<()>, Refused> {
        Err(Refused { state: State::Unsupported, why: no_server(context) })
    }

    fn observe_orphan(&self, _action: &ActionId) -> Orphan {
        Orphan::Stands
    }

    fn place_of(&self, _action: &ActionId) -> String {
        String::new()
    }

    fn rules_of(&self, _action: &ActionId) -> Vec<String> {
        Vec::new()
    }

    fn installed_names(&self, _action: &ActionId) -> Vec<String> {
        Vec::new()
    }

    fn failure(&self, _action: &ActionId) -> Option<&str> {
        None
    }

    fn not_restored(&self) -> Option<&str> {
        None
    }
}

fn no_server(context: &ActionContext<'_>) -> Reasons {
    match context.input.facts.left_out.gap() {
        Some(left_out) => ServerReason::NoneToProtect { left_out: left_out.into() }.into(),
        None => ServerReason::NoWebServer.into(),
    }
}

/// A feed sends an action that does nothing, to show that it is read.
fn heartbeat(context: &ActionContext<'_>) -> Observed {
    let block = context.input.policy.blocked.get(&context.mitigation().id);
    let (state, why) = match (block, &context.offer.hold) {
        (Some(block), _) => (State::Blocked, PolicyReason::Blocked { by: block.by.clone() }.into()),
        (None, Some(why)) => (State::Pending, PolicyReason::Frozen { why: why.clone() }.into()),
        (None, None) => (State::Applied, ServerReason::Heartbeat.into()),
    };
    Observed::Settled(state, why)
}
