//! What a set of IIS rules does to a request.

use stopgap_model::Request;

use super::matcher::{Applies, Broken, Conditions};
use super::pass::{Applied, Pass};
use super::question::{Answers, Circumstances, Question, Trouble};
use super::rule::{Action, Rule, SetVariable};
use super::template::Template;
use super::variables::Asking;
use stopgap_rules::Headers;

/// A rewrite map, `{Name:{key}}` in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RewriteMap {
    /// `name`.
    pub name: String,
    /// `defaultValue`: the value of a key that is not there.
    pub default: String,
    /// `ignoreCase`, true unless said.
    pub ignore_case: bool,
    /// Keys and values, in the order written.
    pub entries: Vec<(String, String)>,
}

/// A rule of a configuration, in its place.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it says, or why that cannot be read.
    pub rule: Result<&'a Rule, &'a str>,
    /// The path of the place where it is defined, such as `/` or `/owa/`: it sees only requests
    /// below that, relative to it.
    pub base: &'a str,
    /// The first variable that the rule sets and its configuration does not allow to be set, by
    /// `allowedServerVariables`. Global rules need no allowance.
    pub forbidden: Option<&'a str>,
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It reaches the application under the URL that was requested.
    Allowed,
    /// It does not reach the application; `None`: the connection is closed without an answer.
    Blocked {
        /// The status it is answered with.
        status: Option<u16>,
    },
    /// It reaches the application with another URL.
    Rewritten {
        /// The URL.
        url: String,
    },
    /// The client is sent elsewhere.
    Redirected {
        /// The status.
        status: u16,
        /// Where to.
        url: String,
    },
}

/// A rule that could not be evaluated for a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// The rule's name.
    pub rule: String,
    /// Why.
    pub reason: String,
}

/// What becomes of a request, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What becomes of it, as if the undecided rules did not match.
    pub verdict: Verdict,
    /// The name of the rule that decided.
    pub by: Option<String>,
    /// The name of the rule that kept the rules behind it from being asked, by `stopProcessing`.
    pub ended_by: Option<String>,
    /// The rules before the decision that could not be evaluated.
    pub undecided: Vec<Undecided>,
    /// What a person should know beside it.
    pub note: Option<String>,
    /// The request's headers as the application sees them, where rules change them.
    pub headers: Option<Headers>,
    /// Headers, not among `headers`, that rules set to what cannot be told.
    pub unknown_headers: Vec<UnknownHeader>,
}

/// A request header whose value as the application sees it cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownHeader {
    /// Its name, in lower case.
    pub name: String,
    /// Why.
    pub reason: String,
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

/// A rule made ready.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) name: String,
    /// The path of its place, without a slash at its end.
    pub(super) base: String,
    pub(super) stop_processing: bool,
    pub(super) forbidden: Option<String>,
    pub(super) rule: Result<Parts, Broken>,
}

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) applies: Applies,
    pub(super) variables: Vec<Setting>,
    /// What it does, or why that is not known.
    pub(super) action: Result<CompiledAction, String>,
}

impl Parts {
    /// Whether it changes nothing.
    pub(super) fn is_idle(&self) -> bool {
        matches!(self.action, Ok(CompiledAction::None)) && self.variables.is_empty()
    }
}

/// A variable that a rule sets.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: String,
    /// Its value, or why that cannot be read.
    pub(super) value: Result<Template, String>,
    pub(super) replace: bool,
}

#[derive(Debug)]
pub(super) enum CompiledAction {
    None,
    Rewrite { url: Template, append_query: bool },
    Redirect { url: Template, append_query: bool, status: u16 },
    Block { status: Option<u16> },
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
                Err(why) => Err(Broken::Beyond(why.to_owned())),
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
        for at in 0..self.rules.len() {
            match self.step(&mut pass, at) {
                Ok(None) => {}
                Ok(Some(mut outcome)) => {
                    outcome.undecided = undecided;
                    return outcome;
                }
                Err(trouble) => {
                    let (rule, reason) = (self.rules[at].name.clone(), trouble.to_string());
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
            let rule = rule.name.clone();
            match self.step(&mut pass, at) {
                Ok(None) => {}
                Ok(Some(outcome)) => return End::Told(Box::new(outcome)),
                Err(Trouble::Asks(question)) => return End::Asks(Asked { rule, question }),
                Err(trouble) => {
                    return End::Untold(Undecided { rule, reason: trouble.to_string() });
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

    /// Asks one rule; the outcome, if it is the last.
    fn step(&self, pass: &mut Pass<'_>, at: usize) -> Result<Option<Outcome>, Trouble> {
        let rule = &self.rules[at];
        let decided = |verdict, note| {
            let by = Some(rule.name.clone());
            move |pass: &Pass<'_>| Outcome { note, ..pass.outcome(verdict, by) }
        };
        Ok(match pass.ask(rule) {
            Ok(Applied::No) => None,
            Ok(Applied::Decided(verdict, note)) => Some(decided(verdict, note)(pass)),
            Ok(_) if rule.stop_processing => {
                Some(Outcome { ended_by: Some(rule.name.clone()), ..pass.end() })
            }
            Ok(Applied::Yes) => None,
            Ok(Applied::Elsewhere) if at + 1 == self.rules.len() => None,
            Ok(Applied::Elsewhere) => pass.ends_elsewhere(&rule.name)?.then(|| pass.end()),
            Err(trouble) if trouble.is_an_error_of_iis(pass.presumes()) => {
                let note = Some(trouble.to_string());
                Some(decided(Verdict::Blocked { status: Some(500) }, note)(pass))
            }
            Err(trouble) => return Err(trouble),
        })
    }
}

fn compile(rule: &Rule) -> Result<Parts, Broken> {
    let conditions =
        Conditions::new(&rule.conditions, rule.grouping, rule.track_all_captures, rule.syntax)?;
    let url = (rule.url.pattern.as_str(), rule.syntax, rule.url.ignore_case);
    let applies = Applies::new(url, rule.url.negate, conditions)?;
    let variables = rule.server_variables.iter().map(setting).collect();
    Ok(Parts { applies, variables, action: action(&rule.action) })
}

fn action(action: &Action) -> Result<CompiledAction, String> {
    Ok(match action {
        Action::None => CompiledAction::None,
        Action::Rewrite { url, append_query } => {
            CompiledAction::Rewrite { url: Template::new(url)?, append_query: *append_query }
        }
        Action::Redirect { url, append_query, kind } => CompiledAction::Redirect {
            url: Template::new(url)?,
            append_query: *append_query,
            status: kind.status(),
        },
        Action::CustomResponse { status, .. } => CompiledAction::Block { status: Some(*status) },
        Action::AbortRequest => CompiledAction::Block { status: None },
    })
}

fn setting(variable: &SetVariable) -> Setting {
    let value = Template::new(&variable.value);
    Setting { name: variable.name.clone(), value, replace: variable.replace }
}
