//! What a set of IIS rules does to a request.

use std::borrow::Cow;

use stopgap_model::Request;

use super::matcher::{Applies, Broken, Conditions, Kept, Matcher};
use super::rule::{Action, Rule, SetVariable};
use super::template::{Scope, Template};
use super::variables::{View, split};
use crate::decode::url_decode;
use crate::headers::Headers;

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

#[derive(Debug)]
struct Compiled {
    name: String,
    base: String,
    stop_processing: bool,
    forbidden: Option<String>,
    rule: Result<Parts, Broken>,
}

#[derive(Debug)]
struct Parts {
    applies: Applies,
    variables: Vec<Setting>,
    action: CompiledAction,
}

impl Parts {
    fn is_idle(&self) -> bool {
        matches!(self.action, CompiledAction::None) && self.variables.is_empty()
    }
}

/// A variable that a rule sets.
#[derive(Debug)]
struct Setting {
    name: String,
    value: Template,
    replace: bool,
}

#[derive(Debug)]
enum CompiledAction {
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

    /// What becomes of `request`.
    #[must_use]
    pub fn evaluate(&self, request: &Request) -> Outcome {
        let mut pass = Pass { view: View::of(request, &self.maps), rewritten_by: None };
        let (mut undecided, mut ended_by) = (Vec::new(), None);
        for rule in &self.rules {
            match pass.ask(rule) {
                Ok(Asked::No) => {}
                Ok(Asked::Yes) if !rule.stop_processing => {}
                Ok(Asked::Yes) => {
                    ended_by = Some(rule.name.clone());
                    break;
                }
                Ok(Asked::Decided(verdict, note)) => {
                    let by = Some(rule.name.clone());
                    return Outcome { note, ..pass.outcome(verdict, by, undecided) };
                }
                Err(reason) => undecided.push(Undecided { rule: rule.name.clone(), reason }),
            }
        }
        let verdict = match &pass.rewritten_by {
            Some(_) => Verdict::Rewritten { url: text(&pass.view.target) },
            None => Verdict::Allowed,
        };
        let by = pass.rewritten_by.take();
        let lost = pass.view.lost_url();
        let note = lost.map(|why| format!("the application may see another URL, {why}"));
        Outcome { note, ended_by, ..pass.outcome(verdict, by, undecided) }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn compile(rule: &Rule) -> Result<Parts, Broken> {
    let url = Matcher::new(&rule.url.pattern, rule.syntax, rule.url.ignore_case);
    let conditions =
        Conditions::new(&rule.conditions, rule.grouping, rule.track_all_captures, rule.syntax)?;
    let applies = Applies::new(url, rule.url.negate, conditions)?;
    let variables = rule.server_variables.iter().map(setting).collect::<Result<_, _>>()?;
    let template = |url: &str| Template::new(url).map_err(Broken::Beyond);
    let action = match &rule.action {
        Action::None => CompiledAction::None,
        Action::Rewrite { url, append_query } => {
            CompiledAction::Rewrite { url: template(url)?, append_query: *append_query }
        }
        Action::Redirect { url, append_query, kind } => CompiledAction::Redirect {
            url: template(url)?,
            append_query: *append_query,
            status: kind.status(),
        },
        Action::CustomResponse { status, .. } => CompiledAction::Block { status: Some(*status) },
        Action::AbortRequest => CompiledAction::Block { status: None },
    };
    Ok(Parts { applies, variables, action })
}

fn setting(variable: &SetVariable) -> Result<Setting, Broken> {
    let value = Template::new(&variable.value).map_err(Broken::Beyond)?;
    Ok(Setting { name: variable.name.clone(), value, replace: variable.replace })
}

/// One request on its way through the rules.
struct Pass<'a> {
    view: View<'a>,
    rewritten_by: Option<String>,
}

enum Asked {
    No,
    /// The rule matched, and the request goes on.
    Yes,
    Decided(Verdict, Option<String>),
}

impl Pass<'_> {
    /// Asks one rule. `Err`: it cannot be told whether it matches, or what it does.
    fn ask(&mut self, compiled: &Compiled) -> Result<Asked, String> {
        let Some(url) = self.url_below(&compiled.base) else { return Ok(Asked::No) };
        let parts = match &compiled.rule {
            Ok(parts) => parts,
            Err(Broken::Invalid(why)) => {
                let verdict = Verdict::Blocked { status: Some(500) };
                return Ok(Asked::Decided(verdict, Some(format!("IIS answers 500: {why}"))));
            }
            Err(Broken::Beyond(why)) => return Err(why.clone()),
        };
        self.view.url_is_known()?;
        let kept = match parts.applies.to(&url, &self.view) {
            Ok(None) => return Ok(Asked::No),
            Ok(Some(kept)) => kept,
            // Whether a rule applies that changes nothing is no matter.
            Err(_) if parts.is_idle() && !compiled.stop_processing => return Ok(Asked::No),
            Err(why) => return Err(why),
        };
        if let Some(name) = &compiled.forbidden {
            let verdict = Verdict::Blocked { status: Some(500) };
            let why = format!("the variable {name} may not be set, see allowedServerVariables");
            return Ok(Asked::Decided(verdict, Some(format!("IIS answers 500: {why}"))));
        }
        self.act(compiled, parts, &kept)
    }

    fn outcome(&self, verdict: Verdict, by: Option<String>, undecided: Vec<Undecided>) -> Outcome {
        let unknown = |(name, why): (String, &str)| UnknownHeader { name, reason: why.to_owned() };
        Outcome {
            verdict,
            by,
            ended_by: None,
            undecided,
            note: None,
            headers: self.view.changed_headers(),
            unknown_headers: self.view.unknown_headers().map(unknown).collect(),
        }
    }

    /// The decoded path below `base`, without a slash in front; `None` if it is not below it.
    fn url_below(&self, base: &str) -> Option<Vec<u8>> {
        let path = url_decode(split(&self.view.target).0).into_owned();
        let head = path.get(..base.len())?;
        if !head.eq_ignore_ascii_case(base.as_bytes()) {
            return None;
        }
        match path.get(base.len()) {
            None => Some(Vec::new()),
            Some(b'/') => Some(path[base.len() + 1..].to_vec()),
            Some(_) => None,
        }
    }

    fn act(
        &mut self,
        compiled: &Compiled,
        parts: &Parts,
        (rule, condition): &Kept,
    ) -> Result<Asked, String> {
        let (rule, condition) = (rule.as_ref(), condition.as_ref());
        // What the rule does is known before anything is changed by it.
        let scope = Scope { view: &self.view, rule, condition };
        let (asked, target) = match &parts.action {
            CompiledAction::None => (Asked::Yes, None),
            CompiledAction::Block { status } => {
                (Asked::Decided(Verdict::Blocked { status: *status }, None), None)
            }
            CompiledAction::Redirect { url, append_query, status } => {
                let url = text(&self.with_query(url.expand(&scope)?, *append_query));
                (Asked::Decided(Verdict::Redirected { status: *status, url }, None), None)
            }
            CompiledAction::Rewrite { url, append_query } => {
                let url = self.with_query(url.expand(&scope)?, *append_query);
                (Asked::Yes, Some(absolute(url, &compiled.base)))
            }
        };
        for variable in &parts.variables {
            let value = variable.value.expand(&Scope { view: &self.view, rule, condition });
            self.view.set(&compiled.name, &variable.name, value, variable.replace);
        }
        if let Some(target) = target {
            self.view.target = Cow::Owned(target);
            self.rewritten_by = Some(compiled.name.clone());
        }
        Ok(asked)
    }

    fn with_query(&self, mut url: Vec<u8>, append: bool) -> Vec<u8> {
        let (_, query) = split(&self.view.target);
        if append && !query.is_empty() {
            url.push(if url.contains(&b'?') { b'&' } else { b'?' });
            url.extend_from_slice(query);
        }
        url
    }
}

/// A rewritten URL from the site's root: one without a leading slash is relative to the rule's
/// place.
fn absolute(url: Vec<u8>, base: &str) -> Vec<u8> {
    let elsewhere = url.starts_with(b"/") || url.windows(3).any(|part| part == b"://");
    if elsewhere { url } else { [base.as_bytes(), b"/", url.as_slice()].concat() }
}
