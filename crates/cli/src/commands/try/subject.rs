//! What requests are tried on.

use std::collections::BTreeMap;

use stopgap_engine::Collected;
use stopgap_iis::config::{Effective, Fault, effective_rules};
use stopgap_iis::rewrite::{Evaluator, ResponseEvaluator, canonical_path};
use stopgap_model::reason::IisReason;
use stopgap_model::{Request, Response};
use stopgap_terminal::{Actions, Answer};

use super::around::Around;
use super::web::OnServer;

/// What the requests are tried on.
pub(super) enum Subject {
    Mitigation(Actions),
    Rules(Box<(Rules, Around)>),
    Web(OnServer),
    Site(Box<OnSite>),
}

/// A site of IIS, with the rules of each path of it that was asked for.
pub(super) struct OnSite {
    pub(super) collected: Collected,
    pub(super) site: String,
    /// The rules of each path, or why they are not known.
    pub(super) seen: BTreeMap<String, Result<Rules, Fault>>,
    pub(super) around: Around,
}

/// The rules of a configuration, made ready.
pub(super) struct Rules {
    inbound: Evaluator,
    /// Why not, where they are not known.
    outbound: Result<ResponseEvaluator, IisReason>,
}

impl Rules {
    pub(super) fn of(rules: &Effective) -> Self {
        let everything = |_: &str| true;
        let outbound = rules.response_evaluator(everything);
        Self { inbound: rules.evaluator(everything), outbound }
    }

    /// Returns what the rules make of a request.
    fn answer(&self, request: &Request, response: Option<&Response>, around: &Around) -> Answer {
        let outbound = self.outbound.as_ref();
        let (known, notes) = around.of(&self.inbound, request);
        let mut answer = Answer::of_rules(&self.inbound, outbound, (request, response), &known);
        if !answer.outcomes.is_empty() {
            answer.notes.extend(notes);
        }
        answer
    }
}

impl Subject {
    /// Returns what becomes of a request, and of the response that the application gives.
    pub(super) fn answer(&mut self, request: &Request, response: Option<&Response>) -> Answer {
        match self {
            Self::Mitigation(actions) => actions.answer(request, response),
            Self::Rules(rules) => rules.0.answer(request, response, &rules.1),
            Self::Web(server) => server.answer(request, response),
            Self::Site(site) => site.answer(request, response),
        }
    }
}

impl OnSite {
    fn answer(&mut self, request: &Request, response: Option<&Response>) -> Answer {
        let path = String::from_utf8_lossy(&canonical_path(request)).into_owned();
        let rules = self.seen.entry(path).or_insert_with_key(|path| {
            // Once for each path: a file of requests asks for the same ones again and again.
            effective_rules(&self.collected.snapshot, &self.site, path)
                .map(|rules| Rules::of(&rules))
        });
        match rules {
            Ok(rules) => rules.answer(request, response, &self.around),
            Err(fault) => Answer::unknown(fault.to_string(), response),
        }
    }
}
