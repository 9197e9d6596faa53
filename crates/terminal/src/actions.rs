//! What a mitigation's own actions would do to a request and its response, by their meaning.

use stopgap_iis::rewrite::HeaderRewrite;
use stopgap_model::rule::Deny;
use stopgap_model::{ActionId, ActionKind, Mitigation, Request, Response};
use stopgap_pattern::PatternError;
use stopgap_rules::ActionSemantics;

use crate::answer::{Answer, ResponseAnswer};

/// The actions of a mitigation that are about requests and responses, and how each blocks.
#[derive(Debug, Default)]
pub struct Actions(Vec<(ActionSemantics, Deny)>);

/// A pattern of an action cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{action}: {why}")]
pub struct UnusableAction {
    action: ActionId,
    why: PatternError,
}

impl Actions {
    /// Returns the actions of `mitigation` that are about requests and responses.
    ///
    /// # Errors
    /// A pattern of an action cannot be used.
    pub fn of(mitigation: &Mitigation) -> Result<Self, UnusableAction> {
        let mut actions = Self::default();
        for action in &mitigation.actions {
            let wrong = |why| UnusableAction { action: action.id.clone(), why };
            let deny = match &action.kind {
                ActionKind::BlockRequest { rule, .. } => rule.deny,
                _ => Deny::Abort,
            };
            actions
                .0
                .extend(ActionSemantics::of(action).map_err(wrong)?.map(|meaning| (meaning, deny)));
        }
        Ok(actions)
    }

    /// Returns what they would do to a request, and to the response that the application gives to it.
    #[must_use]
    pub fn answer(&self, request: &Request, response: Option<&Response>) -> Answer {
        if let Some((meaning, deny)) = self.0.iter().find(|(meaning, _)| meaning.blocks(request)) {
            let status = match deny {
                Deny::Abort => None,
                Deny::Status(status) => Some(*status),
            };
            let response = response.map(|_| ResponseAnswer::Unseen);
            let by = Some(meaning.action.to_string());
            return Answer { verdict: "blocked", by, status, response, ..Answer::default() };
        }
        // Each action sees what the one before it left, as on a server.
        let mut seen = request.clone();
        for (meaning, _) in &self.0 {
            seen.headers = meaning.request_headers(&seen).unwrap_or(seen.headers);
        }
        let response = response.map(|response| self.change(&seen, response));
        let changed = seen.headers != request.headers;
        let request_headers = changed.then(|| (seen.headers, request.headers.clone()));
        Answer { verdict: "allowed", request_headers, response, ..Answer::default() }
    }

    fn change(&self, request: &Request, response: &Response) -> ResponseAnswer {
        let mut response = response.clone();
        let mut changes = Vec::new();
        for (meaning, _) in &self.0 {
            if let (Some(headers), Some(header)) =
                (meaning.response_headers(request, &response), meaning.header())
            {
                response.headers = headers;
                let (rule, header) = (meaning.action.to_string(), header.to_owned());
                changes.push(HeaderRewrite { rule, header });
            }
        }
        ResponseAnswer::Seen { headers: response.headers, changes }
    }
}
