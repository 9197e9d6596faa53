//! `stopgap try`: what a server would do with a request, and which rule says so.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use stopgap_edit::iis::{MAX_FILE_BYTES, effective_rules, standalone_rules};
use stopgap_engine::{Collected, collect};
use stopgap_fs::read_bounded;
use stopgap_model::problem::one_line;
use stopgap_model::rule::Deny;
use stopgap_model::{ActionKind, Fact, Mitigation, MitigationId, Request};
use stopgap_rules::iis::{Evaluator, Outcome, Undecided, Verdict};
use stopgap_rules::{CompiledRule, url_decode};

use crate::args::{Common, Try};
use crate::error::CliError;
use crate::output::{self, wrap};
use crate::session::{open_catalog, open_host};

/// The longest line of a file of requests, in bytes: a request with a body of 64 KiB, escaped.
const MAX_LINE: u64 = 1024 * 1024;

/// What would become of a request.
struct Answer {
    verdict: &'static str,
    by: Option<String>,
    status: Option<u16>,
    url: Option<String>,
    /// What a person should know beside it; one sentence each.
    notes: Vec<String>,
}

/// What the requests are tried on.
enum Subject {
    Mitigation(Vec<(String, Deny, CompiledRule)>),
    Rules(Evaluator),
    Site {
        collected: Box<Collected>,
        site: String,
        seen: BTreeMap<String, Result<Evaluator, String>>,
    },
}

pub(crate) fn run(common: &Common, arguments: &Try) -> Result<u8, CliError> {
    let mut subject = subject(common, arguments)?;
    if let Some(file) = &arguments.requests {
        answer_lines(&mut subject, file)?;
        return Ok(0);
    }
    let answer = subject.answer(&request(arguments)?);
    if common.json {
        output::print_json(answer.as_json());
    } else {
        answer.print();
    }
    Ok(0)
}

fn subject(common: &Common, arguments: &Try) -> Result<Subject, CliError> {
    if let Some(file) = &arguments.iis {
        let wrong = |why: String| CliError::Config { file: file.clone(), why };
        let bytes = read_bounded(file, MAX_FILE_BYTES as u64)?;
        let rules = standalone_rules(&bytes).map_err(|error| wrong(error.to_string()))?;
        return Ok(Subject::Rules(rules.evaluator(|_| true)));
    }
    if let Some(id) = &arguments.id {
        return mitigation(common, id);
    }
    let Some(site) = &arguments.site else {
        return Err(CliError::usage(
            "say what the request is tried on",
            "--iis WEB.CONFIG, --id ID, or --root DIR --site 'Default Web Site'",
        ));
    };
    let collected = collect(&open_host(common)?);
    match &collected.facts.iis {
        Fact::Known(iis) if iis.sites.iter().any(|s| s.name.eq_ignore_ascii_case(site)) => {}
        Fact::Known(iis) => {
            let names: Vec<String> = iis.sites.iter().map(|site| one_line(&site.name)).collect();
            return Err(CliError::usage(
                format!("there is no site `{}` on this server", one_line(site)),
                format!("its sites are: {}", names.join(", ")),
            ));
        }
        Fact::Absent => return Err(CliError::Machine("IIS is not installed here".into())),
        Fact::Unknown(why) => return Err(CliError::Machine(why.clone())),
    }
    let (site, seen) = (site.clone(), BTreeMap::new());
    Ok(Subject::Site { collected: Box::new(collected), site, seen })
}

fn mitigation(common: &Common, id: &MitigationId) -> Result<Subject, CliError> {
    let catalog = open_catalog(common)?;
    let found: Option<&Mitigation> = catalog.mitigations.iter().find(|m| m.id == *id);
    let Some(mitigation) = found else {
        return Err(CliError::NoSuchMitigation { id: id.to_string(), near: None });
    };
    let mut rules = Vec::new();
    for action in &mitigation.actions {
        if let ActionKind::BlockRequest { rule, .. } = &action.kind {
            let compiled = CompiledRule::new(rule)
                .map_err(|error| CliError::Machine(format!("{}: {error}", action.id)))?;
            rules.push((action.id.to_string(), rule.deny, compiled));
        }
    }
    Ok(Subject::Mitigation(rules))
}

fn request(arguments: &Try) -> Result<Request, CliError> {
    let wrong = |error: stopgap_model::request::NotARequest| {
        CliError::usage(error.to_string(), "see: stopgap try --help")
    };
    let line = arguments.request.as_deref().unwrap_or_default();
    let mut request = Request::from_line(line).map_err(wrong)?;
    for header in &arguments.headers {
        request.add_header_line(header).map_err(wrong)?;
    }
    request.body = arguments.body.clone().unwrap_or_default().into_bytes();
    Ok(request)
}

impl Subject {
    fn answer(&mut self, request: &Request) -> Answer {
        match self {
            Self::Mitigation(rules) => {
                let hit = rules.iter().find(|(_, _, rule)| rule.blocks(request));
                let status = hit.and_then(|(_, deny, _)| match deny {
                    Deny::Abort => None,
                    Deny::Status(status) => Some(*status),
                });
                let verdict = if hit.is_some() { "blocked" } else { "allowed" };
                let by = hit.map(|(action, _, _)| action.clone());
                Answer { verdict, by, status, url: None, notes: Vec::new() }
            }
            Self::Rules(rules) => answer(rules, request),
            Self::Site { collected, site, seen } => {
                let path = String::from_utf8_lossy(&url_decode(request.path())).into_owned();
                let rules = seen.entry(path).or_insert_with_key(|path| {
                    effective_rules(&collected.snapshot, site, path)
                        .map(|rules| rules.evaluator(|_| true))
                        .map_err(|fault| fault.to_string())
                });
                match rules {
                    Ok(rules) => answer(rules, request),
                    Err(why) => Answer {
                        verdict: "unknown",
                        by: None,
                        status: None,
                        url: None,
                        notes: vec![why.clone()],
                    },
                }
            }
        }
    }
}

fn answer(evaluator: &Evaluator, request: &Request) -> Answer {
    let Outcome { verdict, by, undecided, note } = evaluator.evaluate(request);
    let reason =
        |rule: &Undecided| format!("the rule `{}` cannot be evaluated: {}", rule.rule, rule.reason);
    let mut notes: Vec<String> = undecided.iter().map(reason).collect();
    if !notes.is_empty() {
        return Answer { verdict: "unknown", by: None, status: None, url: None, notes };
    }
    notes.extend(note);
    let (verdict, status, url) = match verdict {
        Verdict::Allowed => ("allowed", None, None),
        Verdict::Blocked { status } => ("blocked", status, None),
        Verdict::Rewritten { url } => ("rewritten", None, Some(url)),
        Verdict::Redirected { status, url } => ("redirected", Some(status), Some(url)),
    };
    Answer { verdict, by, status, url, notes }
}

impl Answer {
    fn as_json(&self) -> Value {
        let mut object = json!({
            "verdict": self.verdict, "by": self.by, "status": self.status, "url": self.url,
        });
        if let (false, Some(fields)) = (self.notes.is_empty(), object.as_object_mut()) {
            fields.insert("notes".into(), json!(self.notes));
        }
        object
    }

    fn print(&self) {
        let how = match (self.verdict, self.status, &self.url) {
            ("blocked", None, _) => "blocked: the connection is closed without an answer".into(),
            ("blocked", Some(status), _) => format!("blocked: answered with status {status}"),
            ("redirected", Some(status), Some(url)) => {
                format!("redirected with status {status} to {}", one_line(url))
            }
            ("rewritten", _, Some(url)) => format!("rewritten to {}", one_line(url)),
            (verdict, _, _) => verdict.to_owned(),
        };
        say!("{}", wrap(&how, "  "));
        if let Some(by) = &self.by {
            say!("by the rule `{}`", one_line(by));
        }
        for note in &self.notes {
            let line: String = note.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
            say!("{}", wrap(&format!("because {line}"), "  "));
        }
    }
}

/// One request of a file of requests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestLine {
    method: String,
    uri: String,
    #[serde(default)]
    headers: BTreeMap<String, Values>,
    #[serde(default)]
    body: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl RequestLine {
    fn request(self) -> Result<Request, String> {
        let line = format!("{} {}", self.method, self.uri);
        let mut request = Request::from_line(&line).map_err(|error| error.to_string())?;
        for (name, values) in self.headers {
            let values = match values {
                Values::One(value) => vec![value],
                Values::Many(values) => values,
            };
            for value in values {
                let line = format!("{name}: {value}");
                request.add_header_line(&line).map_err(|error| error.to_string())?;
            }
        }
        request.body = self.body.unwrap_or_default().into_bytes();
        Ok(request)
    }
}

/// Answers a file of requests, one JSON line for each.
fn answer_lines(subject: &mut Subject, file: &Path) -> Result<(), CliError> {
    let failed = |why: std::io::Error| CliError::Config { file: file.into(), why: why.to_string() };
    let source: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(failed)?)
    };
    let mut reader = BufReader::new(source);
    for number in 1.. {
        let mut line = String::new();
        let read = (&mut reader).take(MAX_LINE).read_line(&mut line).map_err(failed)?;
        if read == 0 {
            break;
        }
        let wrong = |why: &str| {
            CliError::usage(
                format!("line {number} of {}: {why}", file.display()),
                r#"write one request a line: {"method":"GET","uri":"/x","headers":{"Cookie":"a=b"}}"#,
            )
        };
        if read as u64 == MAX_LINE && !line.ends_with('\n') {
            return Err(wrong("the line is longer than 1 MiB"));
        }
        if line.trim().is_empty() {
            continue;
        }
        let parsed: RequestLine =
            serde_json::from_str(&line).map_err(|error| wrong(&error.to_string()))?;
        let request = parsed.request().map_err(|why| wrong(&why))?;
        say!("{}", subject.answer(&request).as_json());
    }
    Ok(())
}
