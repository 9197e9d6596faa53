//! The other web servers: nginx, Apache httpd, HAProxy.
//!
//! What stands on such a server is a function of the rules that are wanted there: one text, in files
//! or lines of ours. So the plan for a server is the list of its rules, and taking one out is the
//! same text without it.

mod change;
mod decide;
mod dormant;
mod merge;
mod orphans;
mod passed;
mod recognised;
mod server;

use std::collections::BTreeMap;

use stopgap_model::FileEdit;
use stopgap_model::own_answer::OwnAnswer;
use stopgap_model::report::{MitigationReport, State};
use stopgap_model::web::{WebFacts, WebServer, WebSite};
use stopgap_model::{ActionId, ActionKind, Digest, Fact, MitigationId, ServerId, WebKind};
use stopgap_webserver::Files;
use stopgap_webserver::rule::WebRule;
use stopgap_webserver::{RuleText, text};

use self::change::change;
use self::decide::{Asking, Here, decide_on};
use self::dormant::of_all;
use self::orphans::{orphan_reports, orphan_wishes};
use self::server::OnServer;
use crate::affected::affects;
use crate::decision::Decision;
use crate::planner::summary;
use crate::{Input, Step};

/// A web server other than IIS, as it was read.
#[derive(Debug, Clone)]
pub struct WebConfig {
    /// What was identified.
    pub facts: WebFacts,
    /// Its configuration.
    pub files: Files,
    /// Why its configuration is not known to the end, if so; a sentence without a full stop.
    pub incomplete: Option<String>,
    /// Why the server itself refuses its configuration as it stands, if it was asked and does; a
    /// sentence without a full stop.
    pub refused: Option<String>,
}

/// A rule of ours on a web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebPlaced {
    /// The mitigation.
    pub mitigation: MitigationId,
    /// Its revision.
    pub revision: u32,
    /// The digest of its document.
    pub hash: Digest,
    /// The action.
    pub action: ActionId,
    /// The rule in the server's terms.
    pub rule: WebRule,
}

/// An action that is taken out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOut {
    /// The mitigation.
    pub mitigation: MitigationId,
    /// The action.
    pub action: ActionId,
    /// Why, as a sentence without a full stop.
    pub why: String,
}

impl TakenOut {
    /// Of an action that was taken out before, and of which a line of ours stayed.
    fn of_what_is_left(mitigation: MitigationId, action: ActionId) -> Self {
        let why = "a line of ours that had stayed could be taken out".to_owned();
        Self { mitigation, action, why }
    }
}

/// What is to be done on one web server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebChange {
    /// The server.
    pub server: WebServer,
    /// Its sites.
    pub sites: Vec<WebSite>,
    /// Those of them that the rules do not reach, as their file cannot be changed.
    pub unreached: Vec<WebSite>,
    /// What its sites answer by themselves.
    pub own_answers: Vec<OwnAnswer>,
    /// What of ours stays, or may stay, though all of it is taken out: sentences without a full stop.
    pub strays: Vec<String>,
    /// The files to be replaced, made or removed, each once.
    pub edits: Vec<FileEdit>,
    /// What the server's own test is made of, before anything is replaced.
    pub staged: Vec<(stopgap_model::ServerPath, Vec<u8>)>,
    /// What they consist of: a `Step::Rules`.
    pub step: Step,
    /// Whether anything is put in that did not fail when it was last tried.
    pub fresh: bool,
    /// The digest of the configuration without anything of ours.
    pub configuration: Digest,
}

/// A web server on which rules of ours stand as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The server.
    pub server: WebServer,
    /// Its sites.
    pub sites: Vec<WebSite>,
    /// Those of them that the rules do not reach, as their file cannot be changed.
    pub unreached: Vec<WebSite>,
    /// What its configuration answers by itself.
    pub own_answers: Vec<OwnAnswer>,
    /// The rules, in order.
    pub rules: Vec<WebPlaced>,
}

/// A web server on which the records tell of rules of ours that do not stand as they were written, or of
/// which that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Altered {
    /// The server.
    pub server: ServerId,
    /// Whether it does not run and nothing starts it.
    pub dormant: bool,
    /// The rules, in order.
    pub rules: Vec<WebPlaced>,
}

/// What a rule is called in the comment above it.
fn label(placed: &WebPlaced) -> String {
    format!("{}, revision {}", placed.action, placed.revision)
}

/// What is written for these rules.
#[must_use]
pub fn rule_text(kind: WebKind, rules: &[WebPlaced]) -> RuleText {
    let labelled = rules.iter().map(|placed| (label(placed), placed.rule.clone()));
    text(kind, &labelled.collect::<Vec<_>>())
}

/// Where the text of nginx is included, for the digest: another version of the program includes the
/// same text elsewhere, which is no drift.
const PLACES_OF_NGINX: &str = "last in http, first in server";

/// The digest of what is written.
fn digest(text: &RuleText) -> Digest {
    let parts: Vec<&str> = match text {
        RuleText::None => Vec::new(),
        RuleText::Nginx { http, server, upstream } => {
            vec![http, server, upstream, PLACES_OF_NGINX]
        }
        RuleText::Apache { server } => vec![server],
        RuleText::HaProxy { frontend } => frontend.iter().map(String::as_str).collect(),
    };
    Digest::of(parts.join("\0").as_bytes())
}

/// The decisions for these servers, and the changes that they come to.
#[derive(Default)]
pub(crate) struct WebPlan {
    /// The decision on each action that is for these servers.
    pub(crate) decisions: BTreeMap<ActionId, Decision>,
    pub(crate) changes: Vec<WebChange>,
    /// What is there already, as it is to be.
    pub(crate) standing: Vec<Standing>,
    /// What was there and is not as it was.
    pub(crate) altered: Vec<Altered>,
    /// What is in place and the catalog does not ask for.
    orphans: Vec<MitigationReport>,
}

/// Whether `kind` asks for a rule of a web server.
fn is_rule(kind: &ActionKind) -> bool {
    match kind {
        ActionKind::BlockRequest { .. }
        | ActionKind::RequestHeader { .. }
        | ActionKind::ResponseHeader { .. } => true,
        ActionKind::DisableService { .. }
        | ActionKind::DisableAppPool { .. }
        | ActionKind::DoNothing => false,
    }
}

impl WebPlan {
    /// Decides for every action that asks for a rule, on every web server that is not IIS.
    pub(crate) fn new(input: &Input<'_>) -> Self {
        let nothing = input.web.is_empty() && input.in_place.web.is_empty();
        if nothing || matches!(input.facts.iis, Fact::Known(_)) {
            return Self::default();
        }
        let servers = OnServer::all(input);
        let mut here: Vec<Here> = servers.iter().map(|server| decide_here(input, server)).collect();
        let mut changes = Vec::new();
        for (server, here) in servers.iter().zip(&mut here) {
            changes.extend(change(input, server, here));
        }
        let standing = servers.iter().filter_map(OnServer::standing).collect();
        let altered = servers.iter().filter_map(OnServer::altered).collect();
        let mut plan = Self { changes, standing, altered, ..Self::default() };
        for mitigation in input.catalog.mitigations() {
            for action in mitigation.actions.iter().filter(|action| is_rule(&action.kind)) {
                let each = servers.iter().zip(&here);
                let each = each.filter_map(|(server, here)| {
                    here.decisions.get(&action.id).map(|decision| (server, decision))
                });
                if let Some(mut decision) = of_all(each.collect(), &action.id) {
                    let goes = here.iter().any(|here| here.takes_out(&action.id));
                    if matches!(decision.state, State::Applied | State::Partial) && !goes {
                        let (state, reason) = beside(input, decision.state, decision.reason);
                        (decision.state, decision.reason) = (state, reason);
                    }
                    plan.decisions.insert(action.id.clone(), decision);
                }
            }
        }
        plan.orphans = orphan_reports(input, &servers, &here);
        plan
    }

    /// Adds what is in place and no mitigation of the catalog asks for.
    pub(crate) fn tell_orphans(&self, report: &mut Vec<MitigationReport>) {
        for orphan in &self.orphans {
            let Some(known) = report.iter_mut().find(|known| known.id == orphan.id) else {
                report.push(orphan.clone());
                continue;
            };
            known.actions.extend(orphan.actions.iter().cloned());
            known.rules.extend(orphan.rules.iter().cloned());
            known.in_place.extend(orphan.in_place.iter().cloned());
            let states: Vec<State> = known.actions.iter().map(|action| action.state).collect();
            known.state = State::of_actions(&states);
            known.reason = summary(known.state, &known.actions);
        }
    }
}

/// What stands on every server that is known is not in place on the whole machine as long as
/// something else may serve there.
fn beside(input: &Input<'_>, state: State, reason: String) -> (State, String) {
    match input.facts.left_out.gap() {
        Some(gap) => (State::Partial, format!("{reason}; {gap}")),
        None => (state, reason),
    }
}

fn decide_here(input: &Input<'_>, server: &OnServer<'_>) -> Here {
    let mut here = Here::default();
    for offer in &input.catalog.offers {
        let mitigation = &offer.mitigation;
        let rules = mitigation.actions.iter().filter(|action| is_rule(&action.kind));
        let mut rules = rules.peekable();
        if rules.peek().is_none() {
            continue;
        }
        let affects = affects(mitigation, input.facts);
        for action in rules {
            // On a server that is gone nothing is wanted, and nothing on one that has no requests.
            let is_none = server.config.is_none() || server.has_no_requests();
            if is_none && server.record(&action.id).is_none() {
                continue;
            }
            let asking = Asking { input, server, offer, mitigation, action, affects: &affects };
            let (decision, wish) = decide_on(&asking);
            here.decisions.insert(action.id.clone(), decision);
            here.wishes.push(wish);
        }
    }
    here.wishes.extend(orphan_wishes(input, server));
    here
}
