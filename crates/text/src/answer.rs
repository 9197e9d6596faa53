//! What is told of a request that was tried.

use serde_json::{Value, json};
use stopgap_model::problem::{one_line, turns_text};
use stopgap_model::{Request, Response};
use stopgap_rules::Headers;
use stopgap_rules::iis::{
    Evaluator, HeaderRewrite, Outcome, ResponseEvaluator, ResponseOutcome, Undecided, Verdict,
};

use crate::wrap;

/// What would become of a request.
#[derive(Default)]
pub struct Answer {
    /// `allowed`, `blocked`, `rewritten`, `redirected` or `unknown`.
    pub verdict: &'static str,
    /// The name of the rule or the id of the action that decided.
    pub by: Option<String>,
    /// The status of a block that answers, or of a redirection.
    pub status: Option<u16>,
    /// Where the request leads, where that was changed.
    pub url: Option<String>,
    /// The request's headers as the application sees them, where they are changed, and as they
    /// were sent.
    pub request_headers: Option<(Headers, Headers)>,
    /// What becomes of the response, where one was given.
    pub response: Option<ResponseAnswer>,
    /// What a person should know beside it; one sentence each.
    pub notes: Vec<String>,
}

/// What would become of the head of a response.
pub enum ResponseAnswer {
    /// The client does not see it, or it cannot be told: the notes say why.
    Unseen,
    /// The client sees these headers.
    Seen {
        /// All headers, as the client sees them.
        headers: Headers,
        /// Which rules changed them, in their order.
        changes: Vec<HeaderRewrite>,
    },
}

fn undecided(rule: &Undecided) -> String {
    format!("the rule `{}` cannot be evaluated: {}", rule.rule, rule.reason)
}

impl Answer {
    /// The answer when nothing can be told.
    pub fn unknown(why: String, response: Option<&Response>) -> Self {
        let response = response.map(|_| ResponseAnswer::Unseen);
        Self { verdict: "unknown", response, notes: vec![why], ..Self::default() }
    }

    /// What IIS rules make of a request, and of the response to it.
    pub fn of_rules(
        rules: &Evaluator,
        responses: Result<&ResponseEvaluator, &str>,
        request: &Request,
        response: Option<&Response>,
    ) -> Self {
        let outcome = rules.evaluate(request);
        let mut answer = Self::of_outcome(request, &outcome);
        if let Some(response) = response {
            answer.add_response(responses, request, &outcome, response);
        }
        answer
    }

    fn of_outcome(request: &Request, outcome: &Outcome) -> Self {
        let mut notes: Vec<String> = outcome.undecided.iter().map(undecided).collect();
        if !notes.is_empty() {
            return Self { verdict: "unknown", notes, ..Self::default() };
        }
        notes.extend(outcome.note.clone());
        for unknown in &outcome.unknown_headers {
            let name = &unknown.name;
            notes.push(format!("the request header `{name}` is not told: {}", unknown.reason));
        }
        let (verdict, status, url) = match &outcome.verdict {
            Verdict::Allowed => ("allowed", None, None),
            Verdict::Blocked { status } => ("blocked", *status, None),
            Verdict::Rewritten { url } => ("rewritten", None, Some(url.clone())),
            Verdict::Redirected { status, url } => ("redirected", Some(*status), Some(url.clone())),
        };
        let seen = outcome.headers.clone().filter(|_| reaches(verdict));
        let request_headers = seen.map(|headers| (headers, request.headers.clone()));
        let by = outcome.by.clone();
        Self { verdict, by, status, url, request_headers, response: None, notes }
    }

    fn add_response(
        &mut self,
        rules: Result<&ResponseEvaluator, &str>,
        request: &Request,
        outcome: &Outcome,
        response: &Response,
    ) {
        self.response = Some(ResponseAnswer::Unseen);
        if !reaches(self.verdict) {
            return;
        }
        let rules = match rules {
            Ok(rules) => rules,
            Err(why) => {
                self.notes.push(format!("the outbound rules are not known: {why}"));
                return;
            }
        };
        let ResponseOutcome { headers, changes, undecided: unsure, fault, notes } =
            rules.evaluate_after(request, outcome, response);
        self.notes.extend(fault.iter().map(|why| format!("IIS answers 500: {why}")));
        self.notes.extend(unsure.iter().map(undecided));
        self.notes.extend(notes);
        if fault.is_none() && unsure.is_empty() {
            self.response = Some(ResponseAnswer::Seen { headers, changes });
        }
    }

    /// The answer for a program, as docs/json.md says it.
    #[must_use]
    pub fn as_json(&self) -> Value {
        let mut object = json!({
            "verdict": self.verdict, "by": self.by, "status": self.status, "url": self.url,
        });
        let Some(fields) = object.as_object_mut() else { return object };
        if let Some((headers, _)) = &self.request_headers {
            fields.insert("request_headers".into(), pairs(headers));
        }
        match &self.response {
            None => {}
            Some(ResponseAnswer::Unseen) => {
                fields.insert("response".into(), Value::Null);
            }
            Some(ResponseAnswer::Seen { headers, changes }) => {
                let by: Vec<&str> = changes.iter().map(|change| change.rule.as_str()).collect();
                let response = json!({"headers": pairs(headers), "by": by});
                fields.insert("response".into(), response);
            }
        }
        if !self.notes.is_empty() {
            fields.insert("notes".into(), json!(self.notes));
        }
        object
    }

    /// The answer for a person, in lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = Vec::new();
        let how = match (self.verdict, self.status, &self.url) {
            ("blocked", None, _) => "blocked: the connection is closed without an answer".into(),
            ("blocked", Some(status), _) => format!("blocked: answered with status {status}"),
            ("redirected", Some(status), Some(url)) => {
                format!("redirected with status {status} to {}", one_line(url))
            }
            ("rewritten", _, Some(url)) => format!("rewritten to {}", one_line(url)),
            (verdict, _, _) => verdict.to_owned(),
        };
        lines.push(wrap(&how, "  "));
        if let Some(by) = &self.by {
            lines.push(format!("by the rule `{}`", one_line(by)));
        }
        if let Some((seen, sent)) = &self.request_headers {
            lines.extend(request_lines(seen, sent));
        }
        if let Some(ResponseAnswer::Seen { headers, changes }) = &self.response {
            lines.extend(response_lines(headers, changes));
        }
        for note in &self.notes {
            let line: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            lines.push(wrap(&format!("because {line}"), "  "));
        }
        lines.join("\n")
    }
}

/// Whether a request with this verdict reaches the application, so that there is a response.
fn reaches(verdict: &str) -> bool {
    matches!(verdict, "allowed" | "rewritten")
}

fn pairs(headers: &Headers) -> Value {
    let pair = |(name, value): &(String, Vec<u8>)| json!([name, String::from_utf8_lossy(value)]);
    headers.iter().map(pair).collect()
}

/// The value of a header for a person, whole: what matters may stand at its end. `None`: it is not
/// there.
fn value_of(headers: &Headers, name: &str) -> Option<String> {
    let mut values = headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
    let first = shown(&values.next()?.1);
    Some(values.fold(first, |text, (_, value)| format!("{text}, {}", shown(value))))
}

/// Text that cannot write on the terminal.
fn shown(value: &[u8]) -> String {
    let escape = |c: char| match c.is_control() || turns_text(c) {
        true => c.escape_default().collect(),
        false => c.to_string(),
    };
    String::from_utf8_lossy(value).chars().map(escape).collect()
}

fn request_lines(seen: &Headers, sent: &Headers) -> Vec<String> {
    let (mut lines, mut told): (_, Vec<String>) = (Vec::new(), Vec::new());
    for (name, _) in sent.iter().chain(seen) {
        let key = name.to_ascii_lowercase();
        let (before, after) = (value_of(sent, name), value_of(seen, name));
        if before == after || told.contains(&key) {
            continue;
        }
        let line = match after {
            Some(value) => format!("the application sees {}: {value}", one_line(name)),
            None => format!("the application does not see {}", one_line(name)),
        };
        lines.push(wrap(&line, "  "));
        told.push(key);
    }
    lines
}

fn response_lines(headers: &Headers, changes: &[HeaderRewrite]) -> Vec<String> {
    let (mut lines, mut told): (_, Vec<String>) = (Vec::new(), Vec::new());
    for HeaderRewrite { header, .. } in changes {
        let key = header.to_ascii_lowercase();
        if told.contains(&key) {
            continue;
        }
        let of_this = changes.iter().filter(|change| change.header.eq_ignore_ascii_case(header));
        let rules: Vec<String> =
            of_this.map(|change| format!("`{}`", one_line(&change.rule))).collect();
        let rules = match rules.as_slice() {
            [rule] => format!("the rule {rule}"),
            rules => format!("the rules {}", rules.join(", ")),
        };
        let line = match value_of(headers, header) {
            Some(value) => format!("the client sees {}: {value}, by {rules}", one_line(header)),
            None => format!("the client does not see {}, by {rules}", one_line(header)),
        };
        lines.push(wrap(&line, "  "));
        told.push(key);
    }
    if changes.is_empty() {
        lines.push("the response passes as it is".into());
    }
    lines
}
