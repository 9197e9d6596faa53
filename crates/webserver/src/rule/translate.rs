//! From an action to what it is in a server's own terms, or the reason why not.

use stopgap_model::Version;
use stopgap_model::mitigation::{ActionKind, Scope};
use stopgap_model::rule::{BlockRule, Case, Condition, Decode, Deny, Operator, Test};
use stopgap_model::web::WebKind;

use super::clause::{Clause, Match, WebRule};
use super::fields::view;
use super::headers;
use super::server::{MAX_PATTERN, Server};
use super::ways;
use stopgap_model::reason::RuleReason;
use stopgap_pattern::ast::{ByteSet, Node};
use stopgap_pattern::{
    PatternError, check_document_pattern, parse, required, without_edge_repetitions,
};
use stopgap_rules::CompiledRule;
use stopgap_rules::simplify;

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
    CompiledRule::new(&rule).map_err(|error| RuleReason::BadPattern { why: error.to_string() })?;
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

/// `condition`, in its canonical form, in terms of `server`.
pub(super) fn clause(server: &Server, condition: &Condition) -> Result<Clause, RuleReason> {
    let all = |members: &[Condition]| {
        members.iter().map(|c| clause(server, c)).collect::<Result<Vec<_>, _>>()
    };
    Ok(match condition {
        Condition::All(members) => Clause::All(all(members)?),
        Condition::Any(members) => Clause::Any(all(members)?),
        Condition::Test(test) => Clause::Match(of_test(server, test)?),
        Condition::Not(inner) => match &**inner {
            Condition::Test(test) => Clause::Not(of_test(server, test)?),
            _ => return Err(RuleReason::NegatedGroup),
        },
    })
}

fn of_test(server: &Server, test: &Test) -> Result<Match, RuleReason> {
    let decoded = match test.decode.as_slice() {
        [] => false,
        [Decode::Url] => true,
        _ => return Err(RuleReason::Decoding { field: test.field.to_string() }),
    };
    let node = node_of(test)?;
    let view = view(server, test, &node)?;
    let mut patterns = vec![view.region.pattern(&test.field, &node, decoded)?];
    patterns.extend(view.others);
    let pattern = patterns.join("|");
    if pattern.len() > MAX_PATTERN {
        let field = test.field.to_string();
        return Err(RuleReason::PatternTooLong { field, most: MAX_PATTERN });
    }
    // Another pattern may be found where none of the texts is.
    let needs = if patterns.len() == 1 { needs_of(&node) } else { Vec::new() };
    Ok(Match { input: view.input, pattern, needs })
}

/// What `test` looks for in a value.
fn node_of(test: &Test) -> Result<Node, RuleReason> {
    let fold = test.case == Case::Ignore;
    let with_case = |set: ByteSet| if fold { set.folded() } else { set };
    let (at_start, at_end) = match &test.operator {
        Operator::Matches(source) => {
            let bad = |error: PatternError| RuleReason::BadPattern { why: error.to_string() };
            check_document_pattern(source).map_err(bad)?;
            let (node, _) = parse(source, fold).map_err(bad)?;
            return Ok(without_edge_repetitions(node));
        }
        Operator::Contains(_) => (false, false),
        Operator::StartsWith(_) => (true, false),
        Operator::EndsWith(_) => (false, true),
        Operator::Equals(_) => (true, true),
    };
    let text = test.operator.text().bytes().map(|b| Node::Set(with_case(ByteSet::of([b]))));
    let (start, end) = (at_start.then_some(Node::Start), at_end.then_some(Node::End));
    Ok(Node::Concat(start.into_iter().chain(text).chain(end).collect()))
}

/// The texts that a value must have one of, where they are all ASCII.
fn needs_of(node: &Node) -> Vec<String> {
    let texts = required(node).unwrap_or_default();
    let ascii = |text: Vec<u8>| String::from_utf8(text).ok().filter(|text| text.is_ascii());
    texts.into_iter().map(ascii).collect::<Option<_>>().unwrap_or_default()
}
