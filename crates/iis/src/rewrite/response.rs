//! What a set of IIS outbound rules does to the head of a response.

use std::borrow::Cow;

use stopgap_model::reason::IisReason;
use stopgap_model::{Request, Response};

use super::map::RewriteMap;
use super::matcher::{Applies, Broken, Conditions, Input};
use super::outbound::{OutboundAction, OutboundRule, PreCondition};
use super::outcome::{Outcome, Undecided, Verdict};
use super::question::{Circumstances, Trouble};
use super::template::{Groups, Template};
use super::variables::{Asking, ResponseView, STATUS, View, response_header, standard};
use stopgap_rules::{Headers, trimmed, with_value};

/// An outbound rule of a configuration, in its place.
#[derive(Debug, Clone, Copy)]
pub struct ResponseEntry<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it says, or why that cannot be read.
    pub rule: Result<&'a OutboundRule, &'a IisReason>,
}

/// What becomes of the head of a response, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseOutcome {
    /// The response's headers as the client sees them, as if the undecided rules did not match.
    pub headers: Headers,
    /// Which rules changed them, in their order.
    pub changes: Vec<HeaderRewrite>,
    /// The rules that could not be evaluated.
    pub undecided: Vec<Undecided>,
    /// Why IIS answers 500 instead, if it does: a sentence without a full stop. Then the headers
    /// are those of the application, and the client sees none of them.
    pub fault: Option<String>,
    /// What a person should know beside it.
    pub notes: Vec<String>,
}

/// A response header that a rule changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderRewrite {
    /// The rule's name.
    pub rule: String,
    /// The header's name, as the rule spells it.
    pub header: String,
}

/// Outbound rules made ready to be asked about many responses.
#[derive(Debug)]
pub struct ResponseEvaluator {
    rules: Vec<Compiled>,
    preconditions: Vec<Result<Conditions, Broken>>,
    maps: Vec<RewriteMap>,
    fault: Option<String>,
}

#[derive(Debug)]
struct Compiled {
    name: String,
    /// Which of the preconditions.
    precondition: Option<usize>,
    stop_processing: bool,
    rule: Result<Parts, Broken>,
}

#[derive(Debug)]
struct Parts {
    variable: String,
    applies: Applies,
    rewrite: Option<(Template, bool)>,
}

impl ResponseEvaluator {
    /// Makes rules ready, in their order, with the preconditions that they name and the rewrite
    /// maps that they can look into.
    #[must_use]
    pub fn new<'a>(
        rules: impl IntoIterator<Item = ResponseEntry<'a>>,
        preconditions: &[PreCondition],
        maps: Vec<RewriteMap>,
    ) -> Self {
        let ready = |p: &PreCondition| Conditions::new(&p.conditions, p.grouping, false, p.syntax);
        let mut evaluator = Self {
            rules: Vec::new(),
            preconditions: preconditions.iter().map(ready).collect(),
            maps,
            fault: None,
        };
        for entry in rules {
            evaluator.add(entry, preconditions);
        }
        evaluator
    }

    fn add(&mut self, entry: ResponseEntry<'_>, preconditions: &[PreCondition]) {
        let name = entry.name.to_owned();
        let rule = match entry.rule {
            Ok(rule) if rule.enabled => rule,
            Ok(_) => return,
            Err(why) => {
                let rule = Err(Broken::Beyond(why.to_string()));
                self.rules.push(Compiled {
                    name,
                    precondition: None,
                    stop_processing: false,
                    rule,
                });
                return;
            }
        };
        let wanted = &rule.precondition;
        let precondition = preconditions.iter().position(|p| p.name.eq_ignore_ascii_case(wanted));
        if !wanted.is_empty() && precondition.is_none() {
            let why = format!("the rule `{name}` names the precondition `{wanted}`");
            self.fault.get_or_insert(format!("{why}, which is not there"));
        }
        // A body is another text than the headers: its rules neither change nor stop them.
        if !rule.target.variable.is_empty() {
            let stop_processing = rule.stop_processing;
            self.rules.push(Compiled { name, precondition, stop_processing, rule: compile(rule) });
        }
    }

    /// What becomes of the response that the application gives to `request`, where no inbound rule
    /// has changed that.
    #[must_use]
    pub fn evaluate(&self, request: &Request, response: &Response) -> ResponseOutcome {
        let known = Circumstances::default();
        self.answer(View::of(request, &self.maps, &known, Asking::Once), response)
    }

    /// What becomes of the response that the application gives to `request` after inbound rules
    /// have made `outcome` of it, where `known` is what is known beside it.
    #[must_use]
    pub fn evaluate_after(
        &self,
        request: &Request,
        known: &Circumstances,
        outcome: &Outcome,
        response: &Response,
    ) -> ResponseOutcome {
        let mut view = View::of(request, &self.maps, known, Asking::Once);
        // The rules see the request as the inbound rules have left it.
        if let Verdict::Rewritten { url } = &outcome.verdict {
            view.target = Cow::Borrowed(url.as_bytes());
        }
        if let Some(headers) = &outcome.headers {
            view.headers = Cow::Borrowed(headers);
        }
        for unknown in &outcome.unknown_headers {
            view.lose(&format!("HTTP_{}", unknown.name), &unknown.reason);
        }
        self.answer(view, response)
    }

    fn answer(&self, view: View<'_>, response: &Response) -> ResponseOutcome {
        let mut pass = Pass {
            preconditions: &self.preconditions,
            view: View { response: Some(ResponseView::of(response)), ..view },
            stopped: None,
            notes: Vec::new(),
        };
        let mut outcome = ResponseOutcome {
            headers: response.headers.clone(),
            changes: Vec::new(),
            undecided: Vec::new(),
            fault: self.fault.clone(),
            notes: Vec::new(),
        };
        // Where IIS answers 500 no rule is asked.
        let rules = self.rules.iter().filter(|_| self.fault.is_none());
        for rule in rules {
            match pass.ask(rule) {
                Ok(None) => {}
                Ok(Some(header)) => {
                    outcome.changes.push(HeaderRewrite { rule: rule.name.clone(), header });
                }
                Err(Broken::Invalid(why)) => {
                    return ResponseOutcome { fault: Some(why), ..outcome };
                }
                Err(Broken::Beyond(reason)) => {
                    outcome.undecided.push(Undecided { rule: rule.name.clone(), reason });
                }
            }
        }
        if let Some(response) = pass.view.response {
            outcome.headers = response.headers.into_owned();
        }
        ResponseOutcome { notes: pass.notes, ..outcome }
    }
}

fn compile(rule: &OutboundRule) -> Result<Parts, Broken> {
    let target = &rule.target;
    let rewrite = match &rule.action {
        OutboundAction::None => None,
        OutboundAction::Rewrite { value, replace } => {
            Some((Template::new(value).map_err(|why| Broken::Beyond(why.to_string()))?, *replace))
        }
    };
    let pattern = (target.pattern.as_str(), rule.syntax, target.ignore_case);
    let conditions =
        Conditions::new(&rule.conditions, rule.grouping, rule.track_all_captures, rule.syntax)?;
    let applies = Applies::new(pattern, target.negate, conditions)?;
    Ok(Parts { variable: target.variable.clone(), applies, rewrite })
}

/// What a rule is that cannot be carried out.
fn broken(trouble: Trouble) -> Broken {
    match trouble {
        Trouble::Refused(why) => Broken::Invalid(why),
        trouble => Broken::Beyond(trouble.to_string()),
    }
}

/// One response on its way through the rules.
struct Pass<'a> {
    preconditions: &'a [Result<Conditions, Broken>],
    view: View<'a>,
    /// The rule that has ended the rules for a header, and that header.
    stopped: Option<(String, String)>,
    notes: Vec<String>,
}

impl Pass<'_> {
    /// Asks one rule; the header that it changed.
    fn ask(&mut self, compiled: &Compiled) -> Result<Option<String>, Broken> {
        if self.precondition_fails(compiled)? {
            return Ok(None);
        }
        let parts = compiled.rule.as_ref().map_err(Clone::clone)?;
        let header = response_header(&parts.variable);
        let header = header.filter(|_| standard(&parts.variable) != STATUS);
        let Some(header) = header else {
            // Later rules can ask for the variable; the response's headers are not touched.
            let why = format!("which the outbound rule `{}` may rewrite", compiled.name);
            self.view.lose(&parts.variable, &why);
            return Ok(None);
        };
        if self.stopped.as_ref().is_some_and(|(_, of)| of.eq_ignore_ascii_case(&header)) {
            return Ok(None);
        }
        let Some(value) = self.new_value(parts, &header).map_err(broken)? else {
            return Ok(None);
        };
        if let Some((rule, _)) = &self.stopped {
            let why = format!("the rule `{rule}` stops the rules, perhaps only for its own header");
            return Err(Broken::Beyond(why));
        }
        // Whether the rules for other headers end as well is not documented.
        if compiled.stop_processing {
            self.stopped = Some((compiled.name.clone(), header.clone()));
        }
        let changed = value.is_some_and(|value| self.rewrite(&header, &value));
        Ok(changed.then_some(header))
    }

    fn precondition_fails(&self, compiled: &Compiled) -> Result<bool, Broken> {
        match compiled.precondition.and_then(|at| self.preconditions.get(at)) {
            None => Ok(false),
            Some(Ok(conditions)) => {
                let held = conditions.hold(&self.view, Groups::Missing).map_err(broken)?;
                Ok(held.is_none())
            }
            Some(Err(broken)) => Err(broken.clone()),
        }
    }

    /// `None`: the rule does not match. Else the header's new value, if the rule gives it one.
    fn new_value(&self, parts: &Parts, header: &str) -> Result<Option<Option<Vec<u8>>>, Trouble> {
        let old = match &self.view.response {
            Some(response) => response.header(header)?,
            None => Vec::new(),
        };
        let Some(kept) = parts.applies.to(&Input::Text(&old), "the header", &self.view)? else {
            return Ok(None);
        };
        let scope = kept.scope(&self.view);
        match &parts.rewrite {
            Some((_, false)) if !old.is_empty() => Ok(Some(None)),
            Some((value, _)) => Ok(Some(Some(value.expand(&scope)?))),
            None => Ok(Some(None)),
        }
    }

    /// Gives a header a value; whether that changed something.
    fn rewrite(&mut self, header: &str, value: &[u8]) -> bool {
        let Some(response) = &mut self.view.response else { return false };
        let value = trimmed(value);
        let is_empty = value.is_empty();
        let changed = with_value(&response.headers, header, (!is_empty).then(|| value.to_vec()));
        if changed.as_slice() == &*response.headers {
            return false;
        }
        response.headers = Cow::Owned(changed);
        if is_empty {
            let why = "some servers send such a header with an empty value instead of without";
            self.notes.push(format!("the header {header} is emptied; {why}"));
        }
        true
    }
}
