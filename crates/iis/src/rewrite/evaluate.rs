//! What a set of IIS rules does to a request.

use stopgap_model::Request;
use stopgap_model::reason::IisReason;

use super::compiled::{Compiled, compile};
use super::map::RewriteMap;
use super::matcher::Broken;
use super::outcome::{Outcome, Undecided, Verdict};
use super::pass::{Applied, Pass};
use super::question::{Answers, Circumstances, Question, Trouble};
use super::rule::Rule;
use super::variables::Asking;

/// A rule of a configuration, in its place.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it says, or why that cannot be read.
    pub rule: Result<&'a Rule, &'a IisReason>,
    /// The path of the place where it is defined, such as `/` or `/owa/`: it sees only requests
    /// below that, relative to it.
    pub base: &'a str,
    /// The first variable that the rule sets and its configuration does not allow to be set, by
    /// `allowedServerVariables`. Global rules need no allowance.
    pub forbidden: Option<&'a str>,
}

/// Rules made ready to be asked about many requests.
#[derive(Debug)]
pub struct Evaluator {
    rules: Vec<Compiled>,
    maps: Vec<RewriteMap>,
}

/// A question that a rule asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The rule's name.
    pub rule: String,
    /// What it asks.
    pub question: Question,
}

/// How a walk through the rules ended.
pub(super) enum End {
    /// So.
    Told(Box<Outcome>),
    /// In a rule that applies and whose effect is not known: which, and why.
    Untold(Undecided),
    /// At a question without an answer.
    Asks(Asked),
}

impl Evaluator {
    /// Makes rules ready, in their order, with the rewrite maps that they can look into.
    #[must_use]
    pub fn new<'a>(rules: impl IntoIterator<Item = Entry<'a>>, maps: Vec<RewriteMap>) -> Self {
        let enabled = rules
            .into_iter()
            .filter(|entry| entry.rule.is_ok_and(|r| r.enabled) || entry.rule.is_err());
        let compiled = enabled.map(|entry| Compiled {
            name: entry.name.to_owned(),
            base: entry.base.trim_end_matches('/').to_owned(),
            stop_processing: entry.rule.is_ok_and(|rule| rule.stop_processing),
            forbidden: entry.forbidden.map(str::to_owned),
            rule: match entry.rule {
                Ok(rule) => compile(rule),
                Err(why) => Err(Broken::Beyond(why.to_string())),
            },
        });
        Self { rules: compiled.collect(), maps }
    }

    /// What becomes of `request`, as if the rules did not match that ask for what it does not tell.
    #[must_use]
    pub fn evaluate(&self, request: &Request) -> Outcome {
        let known = Circumstances::default();
        let mut pass = self.pass(request, &known, Asking::Once);
        let mut undecided = Vec::new();
        for (at, rule) in self.rules.iter().enumerate() {
            match self.step(&mut pass, rule, self.is_last(at)) {
                Ok(None) => {}
                Ok(Some(mut outcome)) => {
                    outcome.undecided = undecided;
                    return outcome;
                }
                Err(trouble) => {
                    let (rule, reason) = (rule.name.clone(), trouble.to_string());
                    undecided.push(Undecided { rule, reason });
                }
            }
        }
        Outcome { undecided, ..pass.end() }
    }

    /// What becomes of `request` where `supposed` are the answers to what it does not tell.
    pub(super) fn walk(&self, request: &Request, known: &Circumstances, supposed: &Answers) -> End {
        let mut pass = self.pass(request, known, Asking::Supposing(supposed));
        for (at, rule) in self.rules.iter().enumerate() {
            let name = || rule.name.clone();
            // A question without an answer ends the walk: who walks gives it both answers.
            match self.step(&mut pass, rule, self.is_last(at)) {
                Ok(None) => {}
                Ok(Some(outcome)) => return End::Told(Box::new(outcome)),
                Err(Trouble::Asks(question)) => {
                    return End::Asks(Asked { rule: name(), question });
                }
                Err(trouble) => {
                    return End::Untold(Undecided { rule: name(), reason: trouble.to_string() });
                }
            }
        }
        End::Told(Box::new(pass.end()))
    }

    fn pass<'a>(
        &'a self,
        request: &'a Request,
        known: &'a Circumstances,
        asking: Asking<'a>,
    ) -> Pass<'a> {
        Pass::of(request, &self.maps, known, asking)
    }

    fn is_last(&self, at: usize) -> bool {
        at + 1 == self.rules.len()
    }

    /// Asks one rule; the outcome, if it ends the request.
    fn step(
        &self,
        pass: &mut Pass<'_>,
        rule: &Compiled,
        is_last: bool,
    ) -> Result<Option<Outcome>, Trouble> {
        let decided = |verdict, note| {
            let by = Some(rule.name.clone());
            move |pass: &Pass<'_>| Outcome { note, ..pass.outcome(verdict, by) }
        };
        Ok(match pass.ask(rule) {
            Ok(Applied::No) => None,
            Ok(Applied::Decided(verdict, note)) => Some(decided(verdict, note)(pass)),
            // The rules behind it are not asked, whatever it does itself.
            Ok(_) if rule.stop_processing => {
                Some(Outcome { ended_by: Some(rule.name.clone()), ..pass.end() })
            }
            Ok(Applied::Yes) => None,
            // No rule is behind it that could go on.
            Ok(Applied::Elsewhere) if is_last => None,
            Ok(Applied::Elsewhere) => pass.ends_elsewhere(&rule.name)?.then(|| pass.end()),
            Err(trouble) if trouble.is_an_error_of_iis(pass.presumes()) => {
                let note = Some(trouble.to_string());
                Some(decided(Verdict::Blocked { status: Some(500) }, note)(pass))
            }
            Err(trouble) => return Err(trouble),
        })
    }
}
