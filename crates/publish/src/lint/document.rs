//! What is wrong in a document beside its rules and probes.

use stopgap_model::product::{DISTRIBUTIONS, package};
use stopgap_model::{ActionKind, Affected, Problem, WebKind};

use super::finding::Finding;
use super::subject::Subject;

/// Impacts that say nothing.
const PLACEHOLDERS: [&str; 8] = ["none", "n/a", "na", "no", "todo", "tbd", "unknown", "-"];

/// A problem of a document that cannot be read.
pub(super) fn unreadable(problem: Problem) -> Finding {
    let name = match problem.message.as_str() {
        "`impact` is missing" => "no-impact",
        "`fixed` is missing" => "no-fixed-version",
        _ => "unreadable",
    };
    Finding::error(name, problem)
}

pub(super) fn check(subject: &Subject<'_>, name: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(id(subject, name));
    findings.extend(impact(subject));
    findings.extend(affected(subject));
    findings
}

fn id(subject: &Subject<'_>, name: &str) -> Option<Finding> {
    let id = &subject.mitigation.id;
    let span = subject.places.value("id");
    if id.as_str().eq_ignore_ascii_case("policy") {
        let problem = Problem::new(span, format!("no mitigation may be called `{id}`"));
        let help = "in a feed, `policy.toml` is the organisation's policy";
        return Some(Finding::error("reserved-id", problem.help(help)));
    }
    let stem = name.rsplit(['/', '\\']).next().unwrap_or(name);
    if stem == format!("{id}.toml") {
        return None;
    }
    let problem = Problem::new(span, format!("the file of `{id}` has another name"))
        .expected(format!("the file is called `{id}.toml`"))
        .help("whoever looks for a mitigation looks for its id");
    Some(Finding::warning("file-name", problem))
}

fn impact(subject: &Subject<'_>) -> Option<Finding> {
    let impact = subject.mitigation.impact.trim_matches(['.', ' ']).to_ascii_lowercase();
    let acts = subject.mitigation.actions.iter().any(|a| a.kind != ActionKind::DoNothing);
    if !acts || !PLACEHOLDERS.contains(&impact.as_str()) {
        return None;
    }
    let problem = Problem::new(subject.places.value("impact"), "the impact says nothing")
        .expected("what an administrator will notice")
        .help("say who or what could be blocked by mistake, or for whom no impact is known");
    Some(Finding::warning("no-impact", problem))
}

fn affected(subject: &Subject<'_>) -> Vec<Finding> {
    let mitigation = subject.mitigation;
    let mut findings = Vec::new();
    let acts = mitigation.actions.iter().any(|action| action.kind != ActionKind::DoNothing);
    if mitigation.affected.is_empty() && acts {
        let problem = Problem::new(0..0, "it is for every server, whatever runs there")
            .expected("`[[affected]]` with a product")
            .help("without one the mitigation is applied everywhere, and is never withdrawn automatically");
        findings.push(Finding::warning("any-server", problem));
    }
    for (at, affected) in mitigation.affected.iter().enumerate() {
        findings.extend(distribution(subject, at, affected));
        findings.extend(roles(subject, at, affected));
        if !affected.ranges.is_empty() {
            continue;
        }
        let place = subject.places.value_in("affected", at, "product");
        let problem = Problem::new(place, "no version is named in which it is fixed")
            .expected("`ranges` with `introduced` and `fixed`")
            .help(
                "the mitigation stays after the update; name the fixed versions as soon as there \
                 are any, in a new revision",
            );
        findings.push(Finding::warning("no-fixed-version", problem));
    }
    findings
}

/// A distribution that no server says it is.
fn distribution(subject: &Subject<'_>, at: usize, affected: &Affected) -> Option<Finding> {
    let (prefix, _) = package(&affected.product)?;
    if DISTRIBUTIONS.iter().any(|(_, known)| *known == prefix) {
        return None;
    }
    let place = subject.places.value_in("affected", at, "product");
    let names = DISTRIBUTIONS.map(|(_, known)| known).join("…, ");
    let problem = Problem::new(place, format!("no server is known to have packages of {prefix}…"))
        .expected(format!("{names}…"))
        .help("packages of another distribution cannot be identified; they can only be declared");
    Some(Finding::warning("unknown-distribution", problem))
}

/// Roles of what has none: no server could tell them, and so none could be protected.
fn roles(subject: &Subject<'_>, at: usize, affected: &Affected) -> Option<Finding> {
    let product = &affected.product;
    let has_none = package(product).is_some() || WebKind::of_product(product).is_some();
    if affected.roles.is_empty() || !has_none {
        return None;
    }
    let place = subject.places.value_in("affected", at, "roles");
    let problem = Problem::new(place, format!("{product} has no roles that a server could tell"))
        .expected("no `roles`")
        .help("in which role it is used stays unknown, and nothing is applied");
    Some(Finding::error("unsupported-roles", problem))
}
