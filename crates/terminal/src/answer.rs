//! What becomes of a request that was tried, for a person and for a program.

use stopgap_iis::rewrite::{
    Asked, Circumstances, Evaluator, HeaderRewrite, Outcome, Outcomes, Possible, Question,
    ResponseEvaluator, ResponseOutcome, Undecided, Verdict,
};
use stopgap_model::problem::{one_line, turns_text};
use stopgap_model::reason::IisReason;
use stopgap_model::{Request, Response};
use stopgap_rules::Headers;

use crate::answer_object::{AnswerHead, AnswerObject, OutcomeObject, Pair, ResponseObject};
use crate::wrap;

/// The most outcomes that are shown to a person; a program gets all of them.
const MAX_SHOWN: usize = 8;

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
    /// What else may become of it and when, where that depends on what is not known: all of it.
    pub outcomes: Vec<PossibleAnswer>,
}

/// One of the things that may become of a request.
pub struct PossibleAnswer {
    /// What is so when this becomes of it, as clauses.
    pub given: Vec<String>,
    /// What becomes of it then, without outcomes of its own.
    pub answer: Answer,
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
    /// Returns the answer where nothing is known.
    pub fn unknown(why: String, response: Option<&Response>) -> Self {
        let response = response.map(|_| ResponseAnswer::Unseen);
        Self { verdict: "unknown", response, notes: vec![why], ..Self::default() }
    }

    /// Returns what IIS rules make of a request, and of the response to it, where `known` is what is known
    /// beside them.
    pub fn of_rules(
        rules: &Evaluator,
        responses: Result<&ResponseEvaluator, &IisReason>,
        (request, response): (&Request, Option<&Response>),
        known: &Circumstances,
    ) -> Self {
        let outcomes = rules.outcomes(request, known);
        let (mut answer, outcome) = match outcomes.possible.as_slice() {
            [Possible { end, .. }] => (Self::of_end(request, end), end.as_ref().ok()),
            _ => (Self::of_several(request, &outcomes), None),
        };
        if let Some(response) = response {
            answer.add_response(responses, (request, response), known, outcome);
        }
        answer
    }

    /// Returns the answer where it depends on what is not known: what all possible outcomes have in common.
    fn of_several(request: &Request, outcomes: &Outcomes) -> Self {
        let possible = |possible: &Possible| PossibleAnswer {
            given: possible.given.iter().map(|(question, is)| question.clause(*is)).collect(),
            answer: Self::of_end(request, &possible.end),
        };
        let answers: Vec<_> = outcomes.possible.iter().map(possible).collect();
        let all = || answers.iter().map(|possible| &possible.answer);
        let Some(first) = all().next() else { return Self::default() };
        let notes = dependencies(&outcomes.asked);
        // A fact is stated only if every outcome has it: a request counts as blocked only if each blocks.
        let mut answer = Self { verdict: "unknown", notes, ..Self::default() };
        if all().all(|other| other.verdict == first.verdict) {
            answer.verdict = first.verdict;
            answer.by = first.by.clone().filter(|_| all().all(|other| other.by == first.by));
            answer.status =
                first.status.filter(|_| all().all(|other| other.status == first.status));
            answer.url = first.url.clone().filter(|_| all().all(|other| other.url == first.url));
        }
        Self { outcomes: answers, ..answer }
    }

    fn of_end(request: &Request, end: &Result<Outcome, Undecided>) -> Self {
        match end {
            Ok(outcome) => Self::of_outcome(request, outcome),
            Err(Undecided { rule, reason }) if rule.is_empty() => {
                Self::unknown(reason.clone(), None)
            }
            Err(rule) => Self::unknown(undecided(rule), None),
        }
    }

    fn of_outcome(request: &Request, outcome: &Outcome) -> Self {
        let mut notes: Vec<String> = outcome.note.clone().into_iter().collect();
        for unknown in &outcome.unknown_headers {
            let name = &unknown.name;
            notes.push(format!("the request header `{name}` is not known: {}", unknown.reason));
        }
        let (verdict, status, url) = match &outcome.verdict {
            Verdict::Allowed => ("allowed", None, None),
            Verdict::Blocked { status } => ("blocked", *status, None),
            Verdict::Rewritten { url } => ("rewritten", None, Some(url.clone())),
            Verdict::Redirected { status, url } => ("redirected", Some(*status), Some(url.clone())),
        };
        // The application sees no header of a request that does not reach it.
        let seen = outcome.headers.clone().filter(|_| reaches(verdict));
        let request_headers = seen.map(|headers| (headers, request.headers.clone()));
        let by = outcome.by.clone();
        Self { verdict, by, status, url, request_headers, notes, ..Self::default() }
    }

    fn add_response(
        &mut self,
        rules: Result<&ResponseEvaluator, &IisReason>,
        (request, response): (&Request, &Response),
        known: &Circumstances,
        outcome: Option<&Outcome>,
    ) {
        // Until everything about it is known: half an answer would be taken for the whole.
        self.response = Some(ResponseAnswer::Unseen);
        let Some(outcome) = outcome.filter(|_| reaches(self.verdict)) else { return };
        let rules = match rules {
            Ok(rules) => rules,
            Err(why) => {
                self.notes.push(format!("the outbound rules are not known: {why}"));
                return;
            }
        };
        let ResponseOutcome { headers, changes, undecided: unsure, fault, notes } =
            rules.evaluate_after(request, known, outcome, response);
        self.notes.extend(fault.iter().map(|why| format!("IIS answers 500: {why}")));
        self.notes.extend(unsure.iter().map(undecided));
        self.notes.extend(notes);
        if fault.is_none() && unsure.is_empty() {
            self.response = Some(ResponseAnswer::Seen { headers, changes });
        }
    }

    /// Returns the answer for a program, as docs/json.md says it.
    #[must_use]
    pub fn as_object(&self) -> AnswerObject {
        AnswerObject {
            head: self.head(),
            request_headers: self.seen_headers(),
            response: self.response.as_ref().map(|response| match response {
                ResponseAnswer::Unseen => None,
                ResponseAnswer::Seen { headers, changes } => Some(ResponseObject {
                    headers: pairs(headers),
                    by: changes.iter().map(|change| change.rule.clone()).collect(),
                }),
            }),
            outcomes: self.outcomes.iter().map(PossibleAnswer::as_object).collect(),
            notes: self.notes.clone(),
        }
    }

    fn head(&self) -> AnswerHead {
        AnswerHead {
            verdict: self.verdict,
            by: self.by.clone(),
            status: self.status,
            url: self.url.clone(),
        }
    }

    fn seen_headers(&self) -> Option<Vec<Pair>> {
        self.request_headers.as_ref().map(|(seen, _)| pairs(seen))
    }

    /// Returns what becomes of the request, in a few words.
    fn how(&self) -> String {
        match (self.verdict, self.status, &self.url) {
            ("blocked", None, _) => "blocked: the connection is closed without an answer".into(),
            ("blocked", Some(status), _) => format!("blocked: answered with status {status}"),
            ("redirected", Some(status), Some(url)) => {
                format!("redirected with status {status} to {}", one_line(url))
            }
            ("rewritten", _, Some(url)) => format!("rewritten to {}", one_line(url)),
            (verdict, _, _) => verdict.to_owned(),
        }
    }

    /// Returns the answer for a person, in lines.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![match self.outcomes.as_slice() {
            [] => wrap(&self.how(), "  "),
            _ => self.verdict.to_owned(),
        }];
        // Ten questions have a thousand outcomes.
        let shown = self.outcomes.iter().take(MAX_SHOWN);
        lines.extend(shown.map(|possible| wrap(&possible.text(), "  ")));
        if let more @ 1.. = self.outcomes.len().saturating_sub(MAX_SHOWN) {
            lines.push(format!("and {more} more outcomes, see --json"));
        }
        if let Some(by) = &self.by {
            lines.push(format!("by the rule `{}`", one_line(by)));
        }
        if let Some((seen, sent)) = &self.request_headers {
            lines.extend(request_changes(seen, sent).iter().map(|line| wrap(line, "  ")));
        }
        if let Some(ResponseAnswer::Seen { headers, changes }) = &self.response {
            lines.extend(response_lines(headers, changes));
        }
        for note in &self.notes {
            lines.push(wrap(&format!("because {}", printed(note)), "  "));
        }
        lines.join("\n")
    }
}

impl PossibleAnswer {
    fn as_object(&self) -> OutcomeObject {
        OutcomeObject {
            given: self.given.clone(),
            head: self.answer.head(),
            request_headers: self.answer.seen_headers(),
            notes: self.answer.notes.clone(),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("if {}: {}", self.given.join(" and "), self.answer.how());
        if let Some(by) = &self.answer.by {
            text += &format!(", by the rule `{}`", one_line(by));
        }
        if let Some((seen, sent)) = &self.answer.request_headers {
            text.extend(request_changes(seen, sent).iter().map(|line| format!("; {line}")));
        }
        text.extend(self.answer.notes.iter().map(|note| format!("; {}", printed(note))));
        text
    }
}

/// Returns a note for each rule that asks for something that is not known.
fn dependencies(asked: &[Asked]) -> Vec<String> {
    let mut rules: Vec<&str> = Vec::new();
    for Asked { rule, .. } in asked {
        if !rules.contains(&rule.as_str()) {
            rules.push(rule);
        }
    }
    let of_rule = |rule: &str| {
        let asked = asked.iter().filter(|asked| asked.rule == rule);
        let things: Vec<String> = asked.map(|asked| thing(&asked.question)).collect();
        match rule {
            "" => format!("it depends on {}", things.join(", and on ")),
            rule => format!("the rule `{rule}` depends on {}", things.join(", and on ")),
        }
    };
    rules.into_iter().map(of_rule).collect()
}

/// Returns what a question is about, and how it can be answered.
fn thing(question: &Question) -> String {
    let whether = format!("whether {}", question.clause(true));
    match question {
        Question::Https => format!("{whether} (name http:// or https:// in the request)"),
        Question::File(_) | Question::Folder(_) => format!("{whether} (see --docroot)"),
        Question::Other { why, .. } => format!("{whether}: {why}"),
        Question::Iis { .. } => whether,
    }
}

/// Returns a note without control characters, which a terminal would obey.
fn printed(note: &str) -> String {
    note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether a request with this verdict reaches the application, so that there is a response.
fn reaches(verdict: &str) -> bool {
    matches!(verdict, "allowed" | "rewritten")
}

fn pairs(headers: &Headers) -> Vec<Pair> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// Returns the whole value of a header for a person, since what matters may stand at its end; `None`: it
/// is not there.
fn value_of(headers: &Headers, name: &str) -> Option<String> {
    let mut values = headers.iter().filter(|(found, _)| found.eq_ignore_ascii_case(name));
    let first = shown(&values.next()?.1);
    Some(values.fold(first, |text, (_, value)| format!("{text}, {}", shown(value))))
}

/// Returns text without control characters, which a terminal would obey.
fn shown(value: &[u8]) -> String {
    let escape = |c: char| match c.is_control() || turns_text(c) {
        true => c.escape_default().collect(),
        false => c.to_string(),
    };
    String::from_utf8_lossy(value).chars().map(escape).collect()
}

/// Returns how the headers that the application sees differ from those that were sent.
fn request_changes(seen: &Headers, sent: &Headers) -> Vec<String> {
    // Both lists, since a header may be in one alone; each name once.
    let (mut lines, mut seen_names): (_, Vec<String>) = (Vec::new(), Vec::new());
    for (name, _) in sent.iter().chain(seen) {
        let key = name.to_ascii_lowercase();
        let (before, after) = (value_of(sent, name), value_of(seen, name));
        if before == after || seen_names.contains(&key) {
            continue;
        }
        let line = match after {
            Some(value) => format!("the application sees {}: {value}", one_line(name)),
            None => format!("the application does not see {}", one_line(name)),
        };
        lines.push(line);
        seen_names.push(key);
    }
    lines
}

/// Returns how the response that the client sees differs from that of the application.
fn response_lines(headers: &Headers, changes: &[HeaderRewrite]) -> Vec<String> {
    let (mut lines, mut seen_names): (_, Vec<String>) = (Vec::new(), Vec::new());
    for HeaderRewrite { header, .. } in changes {
        let key = header.to_ascii_lowercase();
        if seen_names.contains(&key) {
            continue;
        }
        // Several rules may change one header one after the other: the client sees only the last value.
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
        seen_names.push(key);
    }
    if changes.is_empty() {
        lines.push("the response passes as it is".into());
    }
    lines
}
