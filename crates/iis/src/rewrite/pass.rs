//! One request on its way through the rules.

use std::borrow::Cow;

use stopgap_model::Request;
use stopgap_model::problem::one_line;

use super::compiled::{Compiled, CompiledAction, Parts};
use super::map::RewriteMap;
use super::matcher::{Broken, Input, Kept};
use super::outcome::{Outcome, UnknownHeader, Verdict};
use super::question::{Circumstances, Question, Trouble};
use super::template::Partly;
use super::url::is_absolute;
use super::variables::{Asking, View, split};

/// One request on its way through the rules.
pub(super) struct Pass<'a> {
    view: View<'a>,
    rewritten_by: Option<String>,
}

/// What a rule does with a request.
pub(super) enum Applied {
    /// It does not apply.
    No,
    /// It applies, and the request goes on.
    Yes,
    /// It hands the request to another server.
    Elsewhere,
    /// It ends the request, so; and what to know beside it.
    Decided(Verdict, Option<String>),
}

impl<'a> Pass<'a> {
    pub(super) fn of(
        request: &'a Request,
        maps: &'a [RewriteMap],
        known: &'a Circumstances,
        asking: Asking<'a>,
    ) -> Self {
        Self { view: View::of(request, maps, known, asking), rewritten_by: None }
    }

    /// Asks one rule.
    ///
    /// # Errors
    /// It cannot be told whether it applies, or what it does; or IIS answers 500.
    pub(super) fn ask(&mut self, compiled: &Compiled) -> Result<Applied, Trouble> {
        let lost = self.view.unknown_url();
        let below = match &lost {
            Some(why) if !compiled.base.is_empty() => {
                let base = one_line(&compiled.base);
                let yes = format!("the URL is below `{base}`");
                let no = format!("the URL is not below `{base}`");
                self.view.ask(Question::Other { yes, no, why: why.clone() })?.then(Vec::new)
            }
            Some(_) => Some(Vec::new()),
            None => self.url_below(&compiled.base),
        };
        let Some(url) = below else { return Ok(Applied::No) };
        let parts = match &compiled.rule {
            Ok(parts) => parts,
            Err(Broken::Invalid(why)) => return Err(Trouble::Refused(why.clone())),
            Err(Broken::Beyond(why)) => return self.suppose(&compiled.name, why),
        };
        let input = lost.as_deref().map_or(Input::Text(&url), Input::Unknown);
        let kept = match parts.applies.to(&input, "the URL", &self.view) {
            Ok(None) => return Ok(Applied::No),
            Ok(Some(kept)) => kept,
            // Whether a rule applies that changes nothing is no matter, unless IIS refuses one of its
            // conditions where another holds.
            Err(Trouble::Asks(_))
                if parts.is_idle()
                    && !compiled.stop_processing
                    && !(self.presumes() && parts.applies.refers_back()) =>
            {
                return Ok(Applied::No);
            }
            Err(trouble) => return Err(trouble),
        };
        if let Some(name) = &compiled.forbidden {
            let why = format!("the variable {name} may not be set, see allowedServerVariables");
            return Err(Trouble::Refused(why));
        }
        self.act(compiled, parts, &kept)
    }

    /// Of a rule that cannot be read it can be told what follows if it does not apply.
    fn suppose(&self, rule: &str, why: &str) -> Result<Applied, Trouble> {
        let rule = one_line(rule);
        let question = Question::Other {
            yes: format!("the rule `{rule}` applies"),
            no: format!("the rule `{rule}` does not apply"),
            why: why.to_owned(),
        };
        match self.view.ask(question)? {
            true => Err(Trouble::Unknown(why.to_owned())),
            false => Ok(Applied::No),
        }
    }

    /// Whether what IIS is presumed to refuse is told as refused.
    pub(super) fn presumes(&self) -> bool {
        self.view.supposes()
    }

    /// Whether the rules end once the rule `rule` has handed the request to another server.
    pub(super) fn ends_elsewhere(&self, rule: &str) -> Result<bool, Trouble> {
        let rule = one_line(rule);
        self.view.ask(Question::Iis {
            usual: format!("the rules end where `{rule}` rewrites to another server"),
            other: format!("the rules go on behind `{rule}`, as the reference says"),
        })
    }

    /// The outcome where all rules were asked.
    pub(super) fn end(&self) -> Outcome {
        let verdict = match &self.rewritten_by {
            Some(_) => Verdict::Rewritten { url: text(&self.view.target) },
            None => Verdict::Allowed,
        };
        let lost = self.view.lost_url();
        let note = lost.map(|why| format!("the application may see another URL, {why}"));
        Outcome { note, ..self.outcome(verdict, self.rewritten_by.clone()) }
    }

    pub(super) fn outcome(&self, verdict: Verdict, by: Option<String>) -> Outcome {
        let unknown = |(name, why): (String, &str)| UnknownHeader { name, reason: why.to_owned() };
        Outcome {
            verdict,
            by,
            ended_by: None,
            undecided: Vec::new(),
            note: None,
            headers: self.view.changed_headers(),
            unknown_headers: self.view.unknown_headers().map(unknown).collect(),
        }
    }

    /// The path below `base`, without a slash in front; `None` if it is not below it.
    fn url_below(&self, base: &str) -> Option<Vec<u8>> {
        let path = self.view.path();
        let (head, below) = path.split_at_checked(base.len())?;
        if !head.eq_ignore_ascii_case(base.as_bytes()) {
            return None;
        }
        match below {
            [] => Some(Vec::new()),
            [b'/', below @ ..] => Some(below.to_vec()),
            // Another folder whose name begins alike.
            _ => None,
        }
    }

    fn act(&mut self, rule: &Compiled, parts: &Parts, kept: &Kept) -> Result<Applied, Trouble> {
        let action = match &parts.action {
            Ok(action) => action,
            Err(why) => return Err(why.clone().into()),
        };
        // What the rule does is known before anything is changed by it.
        let scope = kept.scope(&self.view);
        let (applied, target) = match action {
            CompiledAction::None => (Applied::Yes, None),
            CompiledAction::Block { status } => {
                (Applied::Decided(Verdict::Blocked { status: *status }, None), None)
            }
            CompiledAction::Redirect { url, append_query, status } => {
                let Partly { text: url, unknown } = url.expand_partly(&scope)?;
                let url = self.address(self.with_query(url, *append_query), &rule.base);
                let note = unknown.first().map(|why| format!("the address is not whole: {why}"));
                let verdict = Verdict::Redirected { status: *status, url: text(&url) };
                (Applied::Decided(verdict, note), None)
            }
            CompiledAction::Rewrite { url, append_query } => {
                let Partly { text: url, unknown } = url.expand_partly(&scope)?;
                let url = from_root(self.with_query(url, *append_query), &rule.base);
                // With a scheme and a host it is another server's.
                let applied = if is_absolute(&url) { Applied::Elsewhere } else { Applied::Yes };
                (applied, Some((url, unknown)))
            }
        };
        for variable in &parts.variables {
            let value = match &variable.value {
                Ok(value) => value.expand(&kept.scope(&self.view)),
                Err(why) => Err(why.clone().into()),
            };
            let value = match value {
                Err(refused @ Trouble::Presumed(_)) => return Err(refused),
                Err(asks @ Trouble::Asks(_)) if self.view.supposes() => return Err(asks),
                value => value,
            };
            self.view.set(&rule.name, &variable.name, value, variable.replace);
        }
        if let Some((target, unknown)) = target {
            self.rewrite(&rule.name, target, unknown.first());
        }
        Ok(applied)
    }

    /// Gives the request another target, of which something may be `unknown`.
    fn rewrite(&mut self, rule: &str, target: Vec<u8>, unknown: Option<&String>) {
        self.view.target = Cow::Owned(target);
        self.rewritten_by = Some(rule.to_owned());
        if let Some(why) = unknown {
            self.view.lose("URL", &format!("which the rule `{rule}` rewrites: {why}"));
        }
    }

    fn with_query(&self, mut url: Vec<u8>, append: bool) -> Vec<u8> {
        let (_, query) = split(self.view.origin());
        if append && !query.is_empty() {
            url.push(if url.contains(&b'?') { b'&' } else { b'?' });
            url.extend_from_slice(query);
        }
        url
    }

    /// The address that a client is sent to, as IIS writes it: whole, where the host is known.
    fn address(&self, url: Vec<u8>, base: &str) -> Vec<u8> {
        if is_absolute(&url) {
            return url;
        }
        let url = from_root(url, base);
        match self.view.authority() {
            // `//host/x` is on another host.
            Some(authority) if !url.starts_with(b"//") => [authority, url].concat(),
            _ => url,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A URL from the site's root: one without a leading slash is relative to the rule's place.
fn from_root(url: Vec<u8>, base: &str) -> Vec<u8> {
    let is_whole = url.starts_with(b"/") || is_absolute(&url);
    if is_whole { url } else { [base.as_bytes(), b"/", url.as_slice()].concat() }
}
