//! What a set of IIS rules does to a request.

use stopgap_model::Request;
use stopgap_model::rule::Case;

use super::rule::{Action, Condition, Grouping, MatchType, PatternSyntax, Rule};
use super::template::{Scope, Template, split};
use super::wildcard::Wildcard;
use crate::decode::url_decode;
use crate::pattern::{Captures, Pattern, PatternError};

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
}

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It reaches the application as it was sent.
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
    /// The rules before the decision that could not be evaluated.
    pub undecided: Vec<Undecided>,
    /// What a person should know beside it.
    pub note: Option<String>,
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
    rule: Result<Parts, Broken>,
}

/// A rule that cannot be evaluated at all.
#[derive(Debug)]
enum Broken {
    /// IIS answers 500 to every request that comes to it.
    Invalid(String),
    /// It is beyond this evaluator.
    Beyond(String),
}

#[derive(Debug)]
struct Parts {
    url: Matcher,
    negate_url: bool,
    grouping: Grouping,
    track_all: bool,
    conditions: Vec<CompiledCondition>,
    action: CompiledAction,
}

#[derive(Debug)]
struct CompiledCondition {
    input: Template,
    matcher: Result<Matcher, String>,
    negate: bool,
}

#[derive(Debug)]
enum CompiledAction {
    None,
    Rewrite { url: Template, append_query: bool },
    Redirect { url: Template, append_query: bool, status: u16 },
    Block { status: Option<u16> },
}

#[derive(Debug)]
enum Matcher {
    Regex(Pattern),
    Wildcard(Wildcard),
    Exact { text: String, ignore_case: bool },
}

impl Matcher {
    fn new(source: &str, syntax: PatternSyntax, ignore_case: bool) -> Result<Self, PatternError> {
        let case = if ignore_case { Case::Ignore } else { Case::Exact };
        Ok(match syntax {
            PatternSyntax::EcmaScript => Self::Regex(Pattern::new(source, case)?),
            PatternSyntax::Wildcard => Self::Wildcard(Wildcard::new(source, ignore_case)?),
            PatternSyntax::ExactMatch => Self::Exact { text: source.to_owned(), ignore_case },
        })
    }

    fn captures(&self, input: &[u8]) -> Option<Captures> {
        match self {
            Self::Regex(pattern) => pattern.captures(input),
            Self::Wildcard(wildcard) => wildcard.captures(input),
            Self::Exact { text, ignore_case } => {
                let text = text.as_bytes();
                let same = input == text || *ignore_case && input.eq_ignore_ascii_case(text);
                same.then(|| Captures::of(vec![input.to_vec()]))
            }
        }
    }
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
        let mut pass =
            Pass { request, maps: &self.maps, target: request.target.clone(), rewritten_by: None };
        let mut undecided = Vec::new();
        for rule in &self.rules {
            match pass.ask(rule) {
                Ok(Asked::No) => {}
                Ok(Asked::Yes) if !rule.stop_processing => {}
                Ok(Asked::Yes) => break,
                Ok(Asked::Decided(verdict, note)) => {
                    return Outcome { verdict, by: Some(rule.name.clone()), undecided, note };
                }
                Err(reason) => undecided.push(Undecided { rule: rule.name.clone(), reason }),
            }
        }
        let verdict = match &pass.rewritten_by {
            Some(_) => Verdict::Rewritten { url: text(&pass.target) },
            None => Verdict::Allowed,
        };
        Outcome { verdict, by: pass.rewritten_by, undecided, note: None }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn compile(rule: &Rule) -> Result<Parts, Broken> {
    if !rule.server_variables.is_empty() {
        return Err(Broken::Beyond("it sets server variables".to_owned()));
    }
    let url = Matcher::new(&rule.url.pattern, rule.syntax, rule.url.ignore_case)
        .map_err(|error| broken(&rule.url.pattern, error))?;
    let conditions =
        rule.conditions.iter().map(|c| condition(c, rule.syntax)).collect::<Result<_, _>>()?;
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
    Ok(Parts {
        url,
        negate_url: rule.url.negate,
        grouping: rule.grouping,
        track_all: rule.track_all_captures,
        conditions,
        action,
    })
}

fn broken(pattern: &str, error: PatternError) -> Broken {
    let pattern = stopgap_model::problem::one_line(pattern);
    match error {
        PatternError::Invalid(why) => {
            Broken::Invalid(format!("the pattern `{pattern}` is not valid ECMAScript: {why}"))
        }
        PatternError::NotLinear(why) => Broken::Beyond(format!("the pattern `{pattern}`: {why}")),
    }
}

fn condition(condition: &Condition, syntax: PatternSyntax) -> Result<CompiledCondition, Broken> {
    let matcher = match condition.match_type {
        MatchType::Pattern => Ok(Matcher::new(&condition.pattern, syntax, condition.ignore_case)
            .map_err(|error| broken(&condition.pattern, error))?),
        MatchType::IsFile => Err("it asks whether a file is there".to_owned()),
        MatchType::IsDirectory => Err("it asks whether a folder is there".to_owned()),
    };
    let input = Template::new(&condition.input).map_err(Broken::Beyond)?;
    Ok(CompiledCondition { input, matcher, negate: condition.negate })
}

/// One request on its way through the rules.
struct Pass<'a> {
    request: &'a Request,
    maps: &'a [RewriteMap],
    target: Vec<u8>,
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
        let found = parts.url.captures(&url);
        if found.is_some() == parts.negate_url {
            return Ok(Asked::No);
        }
        // A negated pattern that did not match leaves nothing to refer back to.
        let rule_captures = found;
        let condition_captures = match self.conditions(parts, rule_captures.as_ref())? {
            Some(captures) => captures,
            None => return Ok(Asked::No),
        };
        self.act(compiled, parts, rule_captures.as_ref(), condition_captures.as_ref())
    }

    /// The decoded path below `base`, without a slash in front; `None` if it is not below it.
    fn url_below(&self, base: &str) -> Option<Vec<u8>> {
        let path = url_decode(split(&self.target).0).into_owned();
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

    /// The captures of the conditions if they hold; `None` if they do not.
    fn conditions(
        &self,
        parts: &Parts,
        rule: Option<&Captures>,
    ) -> Result<Option<Option<Captures>>, String> {
        let mut kept: Vec<Captures> = Vec::new();
        let mut undecided = None;
        let mut any = parts.conditions.is_empty();
        for condition in &parts.conditions {
            let held = match self.condition(condition, rule, kept.last()) {
                Ok(held) => held,
                Err(why) => {
                    undecided.get_or_insert(why);
                    continue;
                }
            };
            match (held, parts.grouping) {
                (None, Grouping::MatchAll) => return Ok(None),
                (None, Grouping::MatchAny) => {}
                (Some(captures), grouping) => {
                    any = true;
                    kept.extend(captures);
                    if grouping == Grouping::MatchAny {
                        break;
                    }
                }
            }
        }
        let holds = any || parts.grouping == Grouping::MatchAll;
        match undecided {
            // One condition that holds is enough for `any`; for `all` every one must be known.
            Some(why) if parts.grouping == Grouping::MatchAll || !any => Err(why),
            _ if !holds => Ok(None),
            _ if parts.track_all => Ok(Some(Some(Captures::joined(&kept)))),
            _ => Ok(Some(kept.pop())),
        }
    }

    /// Whether a condition holds, with the captures of its pattern; `None` if it does not.
    fn condition(
        &self,
        condition: &CompiledCondition,
        rule: Option<&Captures>,
        last: Option<&Captures>,
    ) -> Result<Option<Option<Captures>>, String> {
        let matcher = condition.matcher.as_ref().map_err(Clone::clone)?;
        let input = condition.input.expand(&self.scope(rule, last))?;
        let found = matcher.captures(&input);
        Ok((found.is_some() != condition.negate).then_some(found))
    }

    fn scope<'b>(
        &'b self,
        rule: Option<&'b Captures>,
        condition: Option<&'b Captures>,
    ) -> Scope<'b> {
        Scope { request: self.request, target: &self.target, rule, condition, maps: self.maps }
    }

    fn act(
        &mut self,
        compiled: &Compiled,
        parts: &Parts,
        rule: Option<&Captures>,
        condition: Option<&Captures>,
    ) -> Result<Asked, String> {
        match &parts.action {
            CompiledAction::None => Ok(Asked::Yes),
            CompiledAction::Block { status } => {
                Ok(Asked::Decided(Verdict::Blocked { status: *status }, None))
            }
            CompiledAction::Redirect { url, append_query, status } => {
                let url = url.expand(&self.scope(rule, condition))?;
                let url = text(&self.with_query(url, *append_query));
                Ok(Asked::Decided(Verdict::Redirected { status: *status, url }, None))
            }
            CompiledAction::Rewrite { url, append_query } => {
                let url = url.expand(&self.scope(rule, condition))?;
                let url = self.with_query(url, *append_query);
                self.target = absolute(url, &compiled.base);
                self.rewritten_by = Some(compiled.name.clone());
                Ok(Asked::Yes)
            }
        }
    }

    fn with_query(&self, mut url: Vec<u8>, append: bool) -> Vec<u8> {
        let (_, query) = split(&self.target);
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
