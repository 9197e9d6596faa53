//! What a mitigation's actions do to requests and responses: the reference that probes and servers
//! are held to.

use stopgap_model::mitigation::{Expect, HeaderChange};
use stopgap_model::{Action, ActionId, ActionKind, Mitigation, Probe, Request, Response, Scope};

use crate::evaluate::CompiledRule;
use crate::header_values::{Headers, joined};
use crate::headers::{CompiledResponseChange, change_request_header};
use crate::path::canonical_path;
use stopgap_pattern::PatternError;

/// What one action does, made ready to be asked.
#[derive(Debug)]
pub struct ActionSemantics {
    /// The action.
    pub action: ActionId,
    /// Where it holds. `None`: everywhere.
    pub scope: Option<Scope>,
    /// What it does there.
    pub effect: ActionEffect,
}

/// What an action does to a request or to its response.
#[derive(Debug)]
pub enum ActionEffect {
    /// It blocks some requests.
    Block(CompiledRule),
    /// It changes a header before the application sees it.
    RequestHeader {
        /// The header's name.
        header: String,
        /// What becomes of it.
        change: HeaderChange,
    },
    /// It changes a header before the client sees it.
    ResponseHeader {
        /// The header's name.
        header: String,
        /// What becomes of it, and for which responses.
        change: CompiledResponseChange,
    },
}

impl ActionSemantics {
    /// What `action` does to requests and responses. `None`: nothing.
    ///
    /// # Errors
    /// One of its patterns cannot be used.
    pub fn of(action: &Action) -> Result<Option<Self>, PatternError> {
        let (scope, effect) = match &action.kind {
            ActionKind::BlockRequest { scope, rule } => {
                (scope, ActionEffect::Block(CompiledRule::new(rule)?))
            }
            ActionKind::RequestHeader { scope, header, change } => (
                scope,
                ActionEffect::RequestHeader { header: header.clone(), change: change.clone() },
            ),
            ActionKind::ResponseHeader { scope, header, change, when } => {
                let change = CompiledResponseChange::new(header, change, when)?;
                (scope, ActionEffect::ResponseHeader { header: header.clone(), change })
            }
            ActionKind::DisableService { .. }
            | ActionKind::DisableAppPool { .. }
            | ActionKind::DoNothing => return Ok(None),
        };
        Ok(Some(Self { action: action.id.clone(), scope: scope.clone(), effect }))
    }

    /// Whether it holds on this site.
    #[must_use]
    pub fn is_for_site(&self, site: &str) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.site.eq_ignore_ascii_case(site))
    }

    /// Whether the path of `request` is in its scope.
    #[must_use]
    pub fn is_for_path(&self, request: &Request) -> bool {
        let Some(Scope { path: root, .. }) = &self.scope else { return true };
        // A scope is a place of IIS, which sees the path so.
        is_within(&String::from_utf8_lossy(&canonical_path(request)), root)
    }

    /// Whether it blocks `request`.
    #[must_use]
    pub fn blocks(&self, request: &Request) -> bool {
        matches!(&self.effect, ActionEffect::Block(rule) if rule.blocks(request))
    }

    /// The headers of `request` as it makes them; `None`: it leaves them.
    #[must_use]
    pub fn request_headers(&self, request: &Request) -> Option<Headers> {
        match &self.effect {
            ActionEffect::RequestHeader { header, change } => {
                change_request_header(request, header, change)
            }
            ActionEffect::Block(_) | ActionEffect::ResponseHeader { .. } => None,
        }
    }

    /// The headers of `response` as it makes them; `None`: it leaves them.
    #[must_use]
    pub fn response_headers(&self, request: &Request, response: &Response) -> Option<Headers> {
        match &self.effect {
            ActionEffect::ResponseHeader { change, .. } => change.apply(request, response),
            ActionEffect::Block(_) | ActionEffect::RequestHeader { .. } => None,
        }
    }

    /// The header that it changes, if it changes one.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        match &self.effect {
            ActionEffect::Block(_) => None,
            ActionEffect::RequestHeader { header, .. }
            | ActionEffect::ResponseHeader { header, .. } => Some(header),
        }
    }
}

/// Whether `path` is the folder `root` (`""` for the site's root) or lies below it.
fn is_within(path: &str, root: &str) -> bool {
    let head = path.get(..root.len()).is_some_and(|head| head.eq_ignore_ascii_case(root));
    head && matches!(path.as_bytes().get(root.len()), None | Some(b'/'))
}

/// The first probe of a document that does not end, by the document's own actions, as the document
/// says; what happens instead, as a sentence without a full stop.
///
/// # Errors
/// One of its patterns cannot be used.
pub fn contradicted_probe(mitigation: &Mitigation) -> Result<Option<String>, PatternError> {
    let mut meanings = Vec::new();
    for action in &mitigation.actions {
        meanings.extend(ActionSemantics::of(action)?);
    }
    if meanings.is_empty() {
        return Ok(None);
    }
    Ok(mitigation.probes.iter().find_map(|probe| contradiction(&meanings, probe)))
}

/// What happens to `probe` by these actions instead of what it says, as a sentence without a full
/// stop; `None`: it ends as it says.
#[must_use]
pub fn contradiction<'m>(
    actions: impl IntoIterator<Item = &'m ActionSemantics>,
    probe: &Probe,
) -> Option<String> {
    let (name, request) = (&probe.name, &probe.request);
    let here: Vec<_> = actions.into_iter().filter(|action| action.is_for_path(request)).collect();
    let blocked = here.iter().any(|action| action.blocks(request));
    match (blocked, &probe.expect) {
        (true, Expect::Blocked) => return None,
        (true, _) => return Some(format!("the probe \"{name}\" must pass and is blocked")),
        (false, Expect::Blocked) => {
            return Some(format!("the probe \"{name}\" is blocked by no rule"));
        }
        (false, _) => {}
    }
    // Each action changes what the ones before it have made of the request and of its response.
    let mut seen = request.clone();
    for action in &here {
        seen.headers = action.request_headers(&seen).unwrap_or(seen.headers);
    }
    let sent = probe.response.clone().unwrap_or_default();
    let mut answer = sent.clone();
    for action in &here {
        answer.headers = action.response_headers(request, &answer).unwrap_or(answer.headers);
    }
    match &probe.expect {
        Expect::RequestHeader { name, value } => {
            other_value(probe, "request", &seen.headers, name, value.as_deref())
        }
        Expect::ResponseHeader { name, value } => {
            other_value(probe, "response", &answer.headers, name, value.as_deref())
        }
        _ if seen != *request => {
            Some(format!("the probe \"{name}\" must pass as it was sent and is changed"))
        }
        _ if answer != sent => {
            Some(format!("the response to the probe \"{name}\" must not be changed and is"))
        }
        _ => None,
    }
}

/// What value a header has instead of the one that a probe expects.
fn other_value(
    probe: &Probe,
    what: &str,
    headers: &[(String, Vec<u8>)],
    name: &str,
    expected: Option<&str>,
) -> Option<String> {
    let found = joined(headers, name, b", ");
    if found.as_deref() == expected.map(str::as_bytes) {
        return None;
    }
    let shown = |found: Vec<u8>| format!("`{}`", String::from_utf8_lossy(&found));
    let found = found.map_or("not there".to_owned(), shown);
    Some(format!("in the probe \"{}\" the {what} header {name} is {found}", probe.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_in_a_scope_however_it_is_spelt() {
        let effect =
            ActionEffect::RequestHeader { header: "x".into(), change: HeaderChange::Remove };
        let scope = Some(Scope { site: "Default Web Site".into(), path: "/owa".into() });
        let action = "M1.1".parse().unwrap();
        let meaning = ActionSemantics { action, scope, effect };
        let is_in = |target: &str| {
            meaning.is_for_path(&Request { target: target.into(), ..Request::default() })
        };
        for target in ["/owa/x", "/x/../OWA/", "/x/%2e%2e/owa", r"\owa\x", "//owa"] {
            assert!(is_in(target), "{target}");
        }
        for target in ["/owa/../x", "/x?/owa/", "/owab"] {
            assert!(!is_in(target), "{target}");
        }
    }

    #[test]
    fn an_application_is_in_its_folder_and_not_in_a_name_that_begins_alike() {
        assert!(is_within("/owa/Calendar", "/OWA"));
        assert!(is_within("/owa", "/owa"));
        assert!(is_within("/owa", ""));
        assert!(!is_within("/owa2", "/owa"));
        assert!(!is_within("/é", "/é/x"));
    }
}
