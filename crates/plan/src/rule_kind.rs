//! Which kinds of actions ask for a rule of a web server.

use stopgap_model::ActionKind;

/// Whether an action of this name, as records have it, asks for a rule of a web server.
pub(crate) fn is_rule_name(kind: &str) -> bool {
    !matches!(kind, "disable-app-pool" | "disable-service")
}

/// Whether `kind` asks for a rule of a web server.
pub(crate) fn is_rule(kind: &ActionKind) -> bool {
    match kind {
        ActionKind::BlockRequest { .. }
        | ActionKind::RequestHeader { .. }
        | ActionKind::ResponseHeader { .. } => true,
        ActionKind::DisableService { .. }
        | ActionKind::DisableAppPool { .. }
        | ActionKind::DoNothing => false,
    }
}
