//! What a server did with a request, beside what the reference says.

use std::collections::BTreeSet;

use stopgap_model::mitigation::{ActionKind, HeaderChange};
use stopgap_model::rule::Deny;
use stopgap_model::web::WebKind;
use stopgap_model::{Request, Response};
use stopgap_rules::{CompiledResponseChange, CompiledRule, change_request_header};

use crate::client::Answer;
use crate::rules::Rule;

/// What became of one request on one server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The server does not take the request, with our rules or without.
    NotTaken,
    /// It did what the reference says.
    Passed,
    /// It did what the reference says.
    Blocked,
    /// It did something else; what, as a phrase.
    Differs(String),
}

/// The rules that a server carries, as the reference means them.
#[derive(Debug)]
pub(crate) struct Reference {
    kind: WebKind,
    blocks: Vec<(String, Deny, CompiledRule)>,
    request_headers: Vec<(String, HeaderChange)>,
    response_headers: Vec<CompiledResponseChange>,
}

/// What differs from answer to answer, whatever the rules are: also the length, because the body is
/// the head that the application saw, and that is compared by itself.
const VOLATILE: [&str; 4] = ["date", "connection", "keep-alive", "content-length"];

impl Reference {
    pub(crate) fn new<'a>(
        kind: WebKind,
        rules: impl Iterator<Item = &'a Rule>,
    ) -> Result<Self, String> {
        let mut reference = Self {
            kind,
            blocks: Vec::new(),
            request_headers: Vec::new(),
            response_headers: Vec::new(),
        };
        for rule in rules {
            let failed = |error| format!("{}: {error}", rule.id);
            match &rule.kind {
                ActionKind::BlockRequest { rule: block, .. } => {
                    let compiled = CompiledRule::new(block).map_err(failed)?;
                    reference.blocks.push((rule.id.clone(), block.deny, compiled));
                }
                ActionKind::RequestHeader { header, change, .. } => {
                    reference.request_headers.push((header.clone(), change.clone()));
                }
                ActionKind::ResponseHeader { header, change, when, .. } => {
                    let change = CompiledResponseChange::new(header, change, when);
                    reference.response_headers.push(change.map_err(failed)?);
                }
                _ => {}
            }
        }
        Ok(reference)
    }

    /// What the server did: `bare` without the rules, `protected` with them.
    pub(crate) fn judge(&self, request: &Request, bare: &Answer, protected: &Answer) -> Outcome {
        if protected.status == 500 {
            return Outcome::Differs("answers 500".into());
        }
        // The application behind the servers answers 200 to everything.
        if bare.status != 200 {
            return Outcome::NotTaken;
        }
        let by: Vec<_> = self.blocks.iter().filter(|(_, _, rule)| rule.blocks(request)).collect();
        let names: Vec<_> = by.iter().map(|(id, ..)| id.as_str()).collect();
        match (by.is_empty(), protected.status) {
            (true, 200) => self.changes(request, bare, protected),
            (true, 0) => Outcome::Differs("closes; no rule blocks".into()),
            (true, status) => Outcome::Differs(format!("answers {status}; no rule blocks")),
            (false, 200) => Outcome::Differs(format!("passes; {} blocks", names.join(", "))),
            (false, status) if by.iter().any(|(_, deny, _)| self.answer(*deny) == status) => {
                Outcome::Blocked
            }
            (false, status) => {
                Outcome::Differs(format!("blocks with {status}, {} otherwise", names.join(", ")))
            }
        }
    }

    /// The status that this server blocks with; 0 for a connection that is closed.
    fn answer(&self, deny: Deny) -> u16 {
        match deny {
            Deny::Status(status) => status,
            // Apache cannot close.
            Deny::Abort if self.kind == WebKind::Apache => 403,
            Deny::Abort => 0,
        }
    }

    /// Of a request that passed: the headers that the application and the client saw.
    fn changes(&self, request: &Request, bare: &Answer, protected: &Answer) -> Outcome {
        let is_head = request.method == "HEAD";
        if !is_head && let Some(what) = self.request_change(request, bare, protected) {
            return Outcome::Differs(what);
        }
        let mut response = Response { status: bare.status, headers: bare.headers.clone() };
        for change in &self.response_headers {
            if let Some(headers) = change.apply(request, &response) {
                response.headers = headers;
            }
        }
        let (wanted, seen) = (settled(&response.headers), settled(&protected.headers));
        match difference(&wanted, &seen) {
            Some(what) => Outcome::Differs(format!("the client sees {what}")),
            None => Outcome::Passed,
        }
    }

    /// The application answers with what it saw, so the bodies are compared.
    fn request_change(
        &self,
        request: &Request,
        bare: &Answer,
        protected: &Answer,
    ) -> Option<String> {
        let changed: Vec<_> = self.request_headers.iter().map(|(name, _)| name.as_str()).collect();
        let is_changed =
            |name: &str| changed.iter().any(|header| header.eq_ignore_ascii_case(name));
        let mut expected = request.clone();
        for (name, change) in &self.request_headers {
            if let Some(headers) = change_request_header(&expected, name, change) {
                expected.headers = headers;
            }
        }
        let of_rules = expected.headers.into_iter().filter(|(name, _)| is_changed(name));
        let others = heads(&bare.body).into_iter().filter(|(name, _)| !is_changed(name));
        let wanted: Vec<_> = of_rules.chain(others).collect();
        let what = difference(&settled(&wanted), &settled(&heads(&protected.body)))?;
        Some(format!("the application sees {what}"))
    }
}

type Headers = Vec<(String, Vec<u8>)>;

/// The headers of a head as it arrived.
fn heads(head: &[u8]) -> Headers {
    let lines = head.split(|&b| b == b'\n').skip(1).map(<[u8]>::trim_ascii);
    let headers = lines.filter_map(|line| {
        let at = line.iter().position(|&b| b == b':')?;
        let name = String::from_utf8_lossy(&line[..at]).into_owned();
        Some((name, line[at + 1..].trim_ascii().to_vec()))
    });
    headers.collect()
}

/// In an order that does not hang on the server's.
fn settled(headers: &Headers) -> Headers {
    let named = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
    let mut kept: Headers = named.filter(|(name, _)| !VOLATILE.contains(&name.as_str())).collect();
    kept.sort();
    kept
}

/// The first header that is in one and not in the other.
fn difference(wanted: &Headers, seen: &Headers) -> Option<String> {
    if wanted == seen {
        return None;
    }
    let told = |(name, value): &(String, Vec<u8>)| format!("`{name}: {}`", value.escape_ascii());
    let (of_wanted, of_seen): (BTreeSet<_>, BTreeSet<_>) =
        (wanted.iter().collect(), seen.iter().collect());
    let missing = of_wanted.difference(&of_seen).next().map(|header| told(header));
    let more = of_seen.difference(&of_wanted).next().map(|header| told(header));
    Some(match (more, missing) {
        (Some(more), Some(missing)) => format!("{more}, not {missing}"),
        (Some(more), None) => more,
        (None, Some(missing)) => format!("no {missing}"),
        (None, None) => "a header another number of times".to_owned(),
    })
}
