//! Live probes that would do harm if they got through.

use std::ops::Range;

use stopgap_model::problem::one_line;
use stopgap_model::{Mitigation, Probe, Problem, Request};
use stopgap_rules::url_decode;

use super::finding::Finding;
use super::place::tests;
use super::probes::is_attack;
use super::subject::Subject;

/// Texts that attacks carry to run, read, fetch or change something, and first steps of known ones:
/// from public rules and reports on the vulnerabilities in the catalog's field facts.
const PAYLOADS: [&str; 44] = [
    "${",
    "#{",
    "%{",
    "$(",
    "`",
    "||",
    "&&",
    "<%",
    "<?",
    "<script",
    "<!entity",
    "../",
    "..\\",
    "/etc/passwd",
    "/bin/sh",
    "/bin/bash",
    "cmd.exe",
    "cmd=",
    "cmd /",
    "whoami",
    "powershell -",
    "powershell.exe",
    "wget ",
    "curl ",
    "jndi:",
    "php://",
    "file://",
    "data://",
    "expect://",
    "allow_url_include",
    "auto_prepend_file",
    "union select",
    "xp_cmdshell",
    "processbuilder",
    "runtime.",
    "eval(",
    "exec(",
    "system(",
    "t(java",
    "classloader",
    "/setup/",
    "bootstrapstatusprovider",
    "() {",
    "rundll32",
];

/// The word of a path on which nothing answers.
const MARKED: &str = "stopgap-probe";

/// The shortest run of Base64 that is taken for a payload: fewer bytes carry little.
const MIN_BLOB: usize = 24;

const MARKER: &str = "a live probe carries a marker instead of a payload: it matches the rule, and \
                      changes, fetches and runs nothing if it gets through, as in `GET \
                      /stopgap-probe?word`";

pub(super) fn check(subject: &Subject<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let probes = subject.mitigation.probes.iter().enumerate();
    for (at, probe) in probes.filter(|(_, probe)| probe.live) {
        let place = subject.places.value_in("probe", at, "request");
        findings.extend(method(probe, &place));
        if is_attack(probe) {
            findings.extend(payload(subject.mitigation, probe, &place));
        }
    }
    findings
}

fn method(probe: &Probe, place: &Range<usize>) -> Option<Finding> {
    let method = probe.request.method.as_str();
    if matches!(method, "GET" | "HEAD") && probe.request.body.is_empty() {
        return None;
    }
    let message = if matches!(method, "GET" | "HEAD") {
        "a probe with a body may be sent to a running server".to_owned()
    } else {
        format!("a {} may be sent to a running server", one_line(method))
    };
    let problem = Problem::new(place.clone(), message)
        .expected("GET or HEAD, without a body")
        .help("other requests can change something; keep the probe, and leave `live` out");
    Some(Finding::error("live-method", problem))
}

fn payload(mitigation: &Mitigation, probe: &Probe, place: &Range<usize>) -> Option<Finding> {
    let texts = texts(&probe.request);
    let is_there = |payload: &&&str| texts.iter().any(|text| text.contains(**payload));
    let found: Vec<&str> = PAYLOADS.iter().filter(is_there).copied().collect();
    // What the rule itself asks for must be there, and a way up leads to a marker as well as to a
    // file; whether the rest is harmless a person must say.
    let may_be_harmless =
        |payload: &&&str| payload.starts_with("..") || asks_for(mitigation, payload);
    let harmful = found.iter().find(|payload| !may_be_harmless(payload));
    let is_marker = |payload: &&&str| {
        is_marked(&probe.request) && asks_for(mitigation, payload) && is_bare(&texts, payload)
    };
    let tell = |make: fn(&'static str, Problem) -> Finding, what: &str| {
        let message = format!("the probe may be sent to a running server, and has {what}");
        make("live-payload", Problem::new(place.clone(), message).help(MARKER))
    };
    if let Some(payload) = harmful {
        return Some(tell(Finding::error, &format!("`{payload}`")));
    }
    if let Some(blob) = blob(&probe.request) {
        return Some(tell(Finding::error, &blob));
    }
    found
        .iter()
        .find(|payload| !is_marker(payload))
        .map(|payload| tell(Finding::warning, &format!("`{payload}`")))
}

fn is_marked(request: &Request) -> bool {
    let path = url_decode(request.path()).to_ascii_lowercase();
    String::from_utf8_lossy(&path).contains(MARKED)
}

/// Whether nothing stands beside the payload that it could act with.
fn is_bare(texts: &[String], payload: &str) -> bool {
    let rest = |text: &String| text.replacen(payload, "", 1).replacen(MARKED, "", 1);
    let mut carriers = texts.iter().filter(|text| text.contains(payload));
    carriers.all(|text| rest(text).chars().all(|c| "/? ".contains(c)))
}

/// The texts of a request in lower case, as they are and decoded.
fn texts(request: &Request) -> Vec<String> {
    let headers = request.headers.iter().map(|(_, value)| value.as_slice());
    let raw = headers.chain([request.target.as_slice(), request.body.as_slice()]);
    let lower = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_ascii_lowercase();
    raw.flat_map(|bytes| [lower(bytes), lower(&url_decode(bytes))]).collect()
}

fn asks_for(mitigation: &Mitigation, payload: &str) -> bool {
    let rules = mitigation.actions.iter().filter_map(|action| match &action.kind {
        stopgap_model::ActionKind::BlockRequest { rule, .. } => Some(&rule.when),
        _ => None,
    });
    let mut texts = rules.flat_map(tests).map(|test| test.operator.text().to_ascii_lowercase());
    texts.any(|text| text.contains(payload) || text.replace('\\', "").contains(payload))
}

/// A run of Base64 of which nobody can say at a glance what it is.
fn blob(request: &Request) -> Option<String> {
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || b"+/_=-".contains(b);
    let values = request.headers.iter().map(|(_, value)| value.as_slice());
    let decoded = url_decode(&request.target).into_owned();
    let mut texts = values.chain([decoded.as_slice()]);
    let is_blob = |run: &&[u8]| {
        let has = |test: fn(&u8) -> bool| run.iter().any(test);
        let classes = has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase);
        // A path of words has slashes and dashes; Base64 has few of them and has digits.
        let others = run.iter().filter(|b| b"/_-".contains(b)).count();
        run.len() >= MIN_BLOB && classes && has(u8::is_ascii_digit) && others * 16 < run.len()
    };
    let found = texts.find_map(|text| text.split(|b| !is_digit(b)).find(is_blob))?;
    Some(format!("what may be Base64, `{}`", one_line(&String::from_utf8_lossy(found))))
}
