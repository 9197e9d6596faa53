//! What a mitigation's own actions would do to a request and its response, by their meaning.

use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::Deny;
use stopgap_model::{ActionKind, Mitigation, Request, Response};
use stopgap_rules::iis::HeaderRewrite;
use stopgap_rules::{CompiledResponseChange, CompiledRule, change_request_header};

use super::answer::{Answer, ResponseAnswer};
use crate::error::CliError;

/// The actions of a mitigation that are about requests and responses, each with its id.
#[derive(Default)]
pub(super) struct Actions {
    rules: Vec<(String, Deny, CompiledRule)>,
    request_changes: Vec<(String, HeaderChange)>,
    response_changes: Vec<(String, String, CompiledResponseChange)>,
}

impl Actions {
    pub(super) fn of(mitigation: &Mitigation) -> Result<Self, CliError> {
        let mut actions = Self::default();
        for action in &mitigation.actions {
            let id = action.id.to_string();
            let wrong = |error| CliError::Machine(format!("{id}: {error}"));
            match &action.kind {
                ActionKind::BlockRequest { rule, .. } => {
                    let compiled = CompiledRule::new(rule).map_err(wrong)?;
                    actions.rules.push((id, rule.deny, compiled));
                }
                ActionKind::RequestHeader { header, change, .. } => {
                    actions.request_changes.push((header.clone(), change.clone()));
                }
                ActionKind::ResponseHeader { header, change, when, .. } => {
                    let change =
                        CompiledResponseChange::new(header, change, when).map_err(wrong)?;
                    actions.response_changes.push((id, header.clone(), change));
                }
                ActionKind::DisableService { .. }
                | ActionKind::DisableAppPool { .. }
                | ActionKind::DoNothing => {}
            }
        }
        Ok(actions)
    }

    pub(super) fn answer(&self, request: &Request, response: Option<&Response>) -> Answer {
        if let Some((id, deny, _)) = self.rules.iter().find(|(_, _, rule)| rule.blocks(request)) {
            let status = match deny {
                Deny::Abort => None,
                Deny::Status(status) => Some(*status),
            };
            let response = response.map(|_| ResponseAnswer::Unseen);
            let by = Some(id.clone());
            return Answer { verdict: "blocked", by, status, response, ..Answer::default() };
        }
        let mut seen = request.clone();
        for (header, change) in &self.request_changes {
            if let Some(headers) = change_request_header(&seen, header, change) {
                seen.headers = headers;
            }
        }
        let response = response.map(|response| self.change(&seen, response));
        let changed = seen.headers != request.headers;
        let request_headers = changed.then(|| (seen.headers, request.headers.clone()));
        Answer { verdict: "allowed", request_headers, response, ..Answer::default() }
    }

    fn change(&self, request: &Request, response: &Response) -> ResponseAnswer {
        let mut response = response.clone();
        let mut changes = Vec::new();
        for (rule, header, change) in &self.response_changes {
            if let Some(headers) = change.apply(request, &response) {
                response.headers = headers;
                changes.push(HeaderRewrite { rule: rule.clone(), header: header.clone() });
            }
        }
        ResponseAnswer::Seen { headers: response.headers, changes }
    }
}
