//! From an action to what it is in a server's own terms, or the reason why not.

use stopgap_model::Version;
use stopgap_model::mitigation::{ActionKind, Scope};
use stopgap_model::reason::RuleReason;
use stopgap_model::rule::{BlockRule, Condition, Deny};
use stopgap_model::web::WebKind;
use stopgap_rules::simplify;

use super::clause::WebRule;
use super::condition::clause;
use super::headers;
use super::server::Server;
use super::ways;

/// The statuses that HAProxy can answer with (its manual, `http-request deny`).
const HAPROXY_STATUSES: [u16; 18] =
    [400, 401, 403, 404, 405, 407, 408, 410, 413, 421, 422, 425, 429, 500, 501, 502, 503, 504];

/// The modules by which nginx blocks, which are there unless they were left out as it was built.
const NGINX_BLOCKS: [&str; 2] = ["http_map_module", "http_rewrite_module"];

/// What `kind` is on `server`.
///
/// # Errors
/// The server cannot say it exactly.
pub fn translate(server: &Server, kind: &ActionKind) -> Result<WebRule, RuleReason> {
    match kind {
        ActionKind::BlockRequest { scope, rule } => {
            no_scope(server, scope.as_ref())?;
            block(server, rule)
        }
        ActionKind::RequestHeader { scope, header, change } => {
            no_scope(server, scope.as_ref())?;
            headers::request_header(server, header, change)
        }
        ActionKind::ResponseHeader { scope, header, change, when } => {
            no_scope(server, scope.as_ref())?;
            headers::response_header(server, header, change, when)
        }
        other => {
            let action = other.name().to_owned();
            Err(RuleReason::NotForServer { action, server: server.kind })
        }
    }
}

fn no_scope(server: &Server, scope: Option<&Scope>) -> Result<(), RuleReason> {
    let Some(scope) = scope else { return Ok(()) };
    Err(RuleReason::ScopeOfIis { site: scope.site.clone(), server: server.kind })
}

fn block(server: &Server, rule: &BlockRule) -> Result<WebRule, RuleReason> {
    let rule = simplify(rule);
    check_deny(server.kind, rule.deny)?;
    has_no_response_field(&rule.when)?;
    can_block(server)?;
    let when = clause(server, &rule.when)?;
    if server.kind == WebKind::HaProxy {
        ways::check(&when)?;
    }
    Ok(WebRule::Block { when, deny: rule.deny })
}

/// A request is blocked before there is a response.
fn has_no_response_field(when: &Condition) -> Result<(), RuleReason> {
    match when {
        Condition::All(members) | Condition::Any(members) => {
            members.iter().try_for_each(has_no_response_field)
        }
        Condition::Not(inner) => has_no_response_field(inner),
        Condition::Test(test) if test.field.is_of_response() => {
            Err(RuleReason::BlocksByResponse { field: test.field.to_string() })
        }
        Condition::Test(_) => Ok(()),
    }
}

/// Apache's `Redirect` may leave out what it is for since this version (mod_alias, "Redirect").
const APACHE_BLOCKS: [u32; 3] = [2, 4, 19];

fn can_block(server: &Server) -> Result<(), RuleReason> {
    let first = Version::from_parts(&APACHE_BLOCKS);
    let too_old = server.version.as_ref().is_some_and(|version| *version < first);
    if server.kind == WebKind::Apache && too_old {
        return Err(RuleReason::TooOldToBlock { server: server.kind, first: first.to_string() });
    }
    // Of an nginx that does not say how it was built no module is known.
    let lacks = |module: &&str| !server.modules.is_empty() && !server.modules.contains(*module);
    match NGINX_BLOCKS.iter().find(|module| server.kind == WebKind::Nginx && lacks(module)) {
        Some(module) => {
            Err(RuleReason::BuiltWithout { server: server.kind, module: (*module).to_owned() })
        }
        None => Ok(()),
    }
}

fn check_deny(kind: WebKind, deny: Deny) -> Result<(), RuleReason> {
    let Deny::Status(status) = deny else { return Ok(()) };
    let can = match kind {
        // 444 closes the connection; 494 to 499 are nginx's own and answered as others.
        WebKind::Nginx => (400..600).contains(&status) && !matches!(status, 444 | 494..=499),
        WebKind::Apache => status == 403,
        WebKind::HaProxy => HAPROXY_STATUSES.contains(&status),
    };
    if can {
        return Ok(());
    }
    Err(RuleReason::BlockStatus { server: kind, status })
}
