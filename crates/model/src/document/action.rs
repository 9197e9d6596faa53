//! `[[action]]`: what is changed.

use super::affected::version;
use super::condition::{Conditions, Phase};
use super::diagnostics::Diagnostics;
use super::header;
use super::limits::{MAX_ACTIONS, MAX_BODY_LIMIT};
use super::table::{Item, Table};
use super::words::{did_you_mean, one_of};
use crate::id::{ActionId, id_rule};
use crate::mitigation::{Action, ActionKind, Affected, Scope};
use crate::problem::{Problem, one_line};
use crate::rule::{BlockRule, Condition, DEFAULT_BODY_LIMIT, Deny};
use crate::version::{Scheme, Version};

/// A kind as it is written, before its keys are read.
#[derive(Clone, Copy)]
enum Kind {
    BlockRequest,
    RequestHeader,
    ResponseHeader,
    DisableService,
    DisableAppPool,
    DoNothing,
}

const KINDS: &[(&str, Kind)] = &[
    ("block-request", Kind::BlockRequest),
    ("request-header", Kind::RequestHeader),
    ("response-header", Kind::ResponseHeader),
    ("disable-service", Kind::DisableService),
    ("disable-app-pool", Kind::DisableAppPool),
    ("do-nothing", Kind::DoNothing),
];

impl Kind {
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::BlockRequest => &["id", "kind", "only_if", "scope", "deny", "when", "body_limit"],
            Self::RequestHeader => &["id", "kind", "only_if", "scope", "header", "set", "remove"],
            Self::ResponseHeader => {
                &["id", "kind", "only_if", "scope", "header", "set", "append", "remove", "when"]
            }
            Self::DisableService => &["id", "kind", "only_if", "services"],
            Self::DisableAppPool => &["id", "kind", "only_if", "pools"],
            Self::DoNothing => &["id", "kind"],
        }
    }
}

/// The actions. A document without one changes nothing and says so with `do-nothing`.
///
/// An action may narrow what is affected only where all the products have versions of one scheme.
pub(super) fn all(
    log: &mut Diagnostics<'_>,
    top: &Table<'_>,
    affected: &[Affected],
) -> Vec<Action> {
    let mut actions: Vec<Action> = Vec::new();
    // Each id with where it stands, so that a second one can point at the first.
    let mut ids: Vec<(ActionId, usize)> = Vec::new();
    let Some(list) = top.required(log, "action", "at least one `[[action]]`") else {
        return actions;
    };
    for item in list.list(log, MAX_ACTIONS) {
        let Some(table) = item.table(log) else { continue };
        let id = table
            .required(log, "id", "such as `id = \"M1.1\"`")
            .and_then(|item| action_id(log, &item, &mut ids));
        let kind = kind(log, &table);
        let only_below = only_below(log, &table, affected);
        if let (Some(id), Some(kind)) = (id, kind) {
            actions.push(Action { id, only_below, kind });
        }
    }
    actions
}

fn action_id(
    log: &mut Diagnostics<'_>,
    item: &Item<'_>,
    ids: &mut Vec<(ActionId, usize)>,
) -> Option<ActionId> {
    let id: ActionId = item.parsed(log, "an id", &id_rule())?;
    if let Some((_, at)) = ids.iter().find(|(other, _)| *other == id) {
        let help = format!("line {} has it too", log.line(*at));
        let problem = Problem::new(item.span.clone(), format!("another action is `{id}`"));
        log.report(problem.expected("an id of its own").help(help));
    } else {
        ids.push((id.clone(), item.span.start));
    }
    Some(id)
}

fn kind(log: &mut Diagnostics<'_>, table: &Table<'_>) -> Option<ActionKind> {
    let item = table.required(log, "kind", "such as `kind = \"block-request\"`")?;
    let kind = item.keyword(log, KINDS)?;
    check_keys(log, table, kind);
    match kind {
        Kind::BlockRequest => block_request(log, table),
        Kind::RequestHeader => {
            let scope = scope(log, table);
            let (header, change) = header::of_request(log, table)?;
            Some(ActionKind::RequestHeader { scope, header: header.to_ascii_lowercase(), change })
        }
        Kind::ResponseHeader => response_header(log, table),
        Kind::DisableService => {
            Some(ActionKind::DisableService { services: names(log, table, "services")? })
        }
        Kind::DisableAppPool => {
            Some(ActionKind::DisableAppPool { pools: names(log, table, "pools")? })
        }
        Kind::DoNothing => Some(ActionKind::DoNothing),
    }
}

/// Tells a key of another kind from a key that no kind has.
fn check_keys(log: &mut Diagnostics<'_>, table: &Table<'_>, kind: Kind) {
    let name = |kind: Kind| KINDS.iter().find(|(_, k)| k.keys() == kind.keys()).map_or("", |k| k.0);
    for item in table.items().filter(|item| !kind.keys().contains(&item.key)) {
        let owners = KINDS.iter().filter(|(_, other)| other.keys().contains(&item.key));
        let owners: Vec<&str> = owners.map(|(name, _)| *name).collect();
        if owners.is_empty() {
            item.unknown_key(log, kind.keys());
            continue;
        }
        let message = format!("`{}` does not belong to `{}`", item.key, name(kind));
        let problem = Problem::new(item.key_span, message)
            .expected(one_of(kind.keys().iter().copied()))
            .help(format!("it belongs to {}", one_of(owners)));
        log.report(problem);
    }
}

fn only_below(
    log: &mut Diagnostics<'_>,
    table: &Table<'_>,
    affected: &[Affected],
) -> Option<Version> {
    let item = table.get("only_if")?;
    let only_if = item.table(log)?;
    only_if.deny_unknown(log, &["version_below"]);
    let limit = only_if.required(log, "version_below", "such as `version_below = \"15.2\"`")?;
    let mut schemes = affected.iter().map(|affected| Scheme::of(&affected.product));
    let scheme = schemes.next().unwrap_or(Scheme::Dotted);
    if schemes.any(|other| other != scheme) {
        let message = "the affected products have versions of different kinds";
        let help = "one version cannot be compared with all of them; use two documents";
        log.report(Problem::new(item.span, message).help(help));
        return None;
    }
    version(log, &limit, scheme)
}

fn block_request(log: &mut Diagnostics<'_>, table: &Table<'_>) -> Option<ActionKind> {
    let scope = scope(log, table);
    let deny = table
        .required(log, "deny", "`\"abort\"` or `{ status = 403 }`")
        .and_then(|item| deny(log, &item));
    let mut conditions = Conditions::new(Phase::Request);
    let when = table
        .required(log, "when", "the requests to block; without it every request would be")
        .map(|item| conditions.when(log, &item));
    let body_limit = match table.get("body_limit") {
        Some(item) => body_limit(log, &item, conditions.needs_body),
        None => Some(DEFAULT_BODY_LIMIT),
    };
    let rule = BlockRule { when: when?, deny: deny?, body_limit: body_limit? };
    Some(ActionKind::BlockRequest { scope, rule })
}

fn deny(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<Deny> {
    const EXPECTED: &str = "`\"abort\"` or `{ status = 403 }`";
    if item.is_string() {
        let text = item.single_line(log)?;
        if text != "abort" {
            let problem =
                Problem::new(item.span.clone(), format!("unknown deny `{}`", one_line(text)));
            log.report(problem.expected(EXPECTED).help(did_you_mean(text, ["abort"])));
            return None;
        }
        return Some(Deny::Abort);
    }
    let table = item.table(log)?;
    table.deny_unknown(log, &["status"]);
    let status = table.required(log, "status", EXPECTED)?.whole_number(log, 400..=599)?;
    u16::try_from(status).ok().map(Deny::Status)
}

fn body_limit(log: &mut Diagnostics<'_>, item: &Item<'_>, needs_body: bool) -> Option<usize> {
    let most = i64::try_from(MAX_BODY_LIMIT).unwrap_or(i64::MAX);
    let limit = item.whole_number(log, 1..=most)?;
    if !needs_body {
        let problem = Problem::new(item.key_span.clone(), "no condition looks at the body");
        log.missing(problem.expected("`body_limit` with a test of a body field"));
    }
    usize::try_from(limit).ok()
}

fn response_header(log: &mut Diagnostics<'_>, table: &Table<'_>) -> Option<ActionKind> {
    let scope = scope(log, table);
    let change = header::of_response(log, table);
    let when = table.get("when").map_or(Condition::All(Vec::new()), |item| {
        Conditions::new(Phase::Response).when(log, &item)
    });
    let (header, change) = change?;
    Some(ActionKind::ResponseHeader { scope, header, change, when })
}

/// Characters that mean something in the places where names and paths are written, or that no
/// name has.
const SPECIAL: [char; 8] = ['"', '*', '?', '<', '>', '\\', '|', ';'];

/// Whether `text` is a name of a service, a pool or a site, and nothing that a command would read
/// as an option or a pattern.
fn is_name(text: &str) -> bool {
    !text.contains(SPECIAL) && !text.contains('/') && !text.starts_with('-') && text.trim() == text
}

fn names(log: &mut Diagnostics<'_>, table: &Table<'_>, key: &str) -> Option<Vec<String>> {
    table.required(log, key, "a list of names")?;
    Some(table.strings(log, key, is_name, "a plain name without wildcards, quotes or slashes"))
}

fn scope(log: &mut Diagnostics<'_>, table: &Table<'_>) -> Option<Scope> {
    let scope = table.get("scope")?.table(log)?;
    scope.deny_unknown(log, &["site", "path"]);
    let site = scope
        .required(log, "site", "such as `site = \"Default Web Site\"`")
        .and_then(|item| site(log, &item));
    let path = scope.get("path").map_or(Some(String::new()), |item| path(log, &item));
    Some(Scope { site: site?, path: path? })
}

fn site(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<String> {
    let text = item.single_line(log)?;
    if !is_name(text) {
        item.refuse(log, "the name of a site, without a path");
        return None;
    }
    Some(text.to_owned())
}

/// A path without its trailing slash. One that leads somewhere else than it says is refused.
fn path(log: &mut Diagnostics<'_>, item: &Item<'_>) -> Option<String> {
    let text = item.single_line(log)?;
    let path = text.strip_suffix('/').unwrap_or(text);
    let leads_on = |part: &str| !matches!(part, "" | "." | "..");
    let good = text.starts_with('/')
        && !text.contains(SPECIAL)
        && (path.is_empty() || path.split('/').skip(1).all(leads_on));
    if !good {
        item.refuse(log, "a path such as `/owa`");
        return None;
    }
    Some(path.to_owned())
}
