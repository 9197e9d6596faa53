//! The requests that make a backtracking engine work, and what they cost.

use std::thread;
use std::time::Instant;

use stopgap_model::Request;
use stopgap_model::rule::{Condition, Field};
use stopgap_model::web::WebKind;

use crate::client::Client;
use crate::rules::Rule;
use crate::sent;
use crate::side::Side;

/// How long an input is, in bytes: nearly the most that nginx reads on one line by default (8 KB).
const LENGTH: usize = 8000;
/// How many of the slowest requests are measured again: of all rules, and of one alone.
const AGAIN: usize = 20;
const AGAIN_ALONE: usize = 4;
/// How often those are measured; the middle counts.
const TIMES: usize = 5;

/// How many milliseconds the worst request may take longer with a rule.
pub const BOUND: f64 = 20.0;

/// What the worst requests cost on one server.
#[derive(Debug, PartialEq)]
pub struct Worst {
    /// The server.
    pub kind: WebKind,
    /// The rule that was there alone; `None`: all rules together.
    pub alone: Option<String>,
    /// How many different requests were sent.
    pub requests: usize,
    /// How many milliseconds the slowest answer took more than without the rules.
    pub milliseconds: f64,
    /// The request that it answers, in one line, cut.
    pub slowest: String,
    /// The requests that were answered with 500, in one line each, cut.
    pub failures: Vec<String>,
}

/// Sends each `every`th of the worst requests for `rules`, with them and without.
pub(crate) fn together(side: &Side, rules: &[Rule], every: usize) -> Result<Worst, String> {
    let carried = side.carried.iter().map(|at| &rules[*at]);
    let mut inputs: Vec<Request> = carried.flat_map(inputs_of).collect();
    inputs.extend(runs());
    measure(side, inputs, every, AGAIN)
}

/// The worst requests for each rule, on a server that carries only that one; the slowest of all.
/// `None` if there is no rule.
pub(crate) fn alone(side: &Side, rules: &[Rule], echo: u16) -> Result<Option<Worst>, String> {
    let mut slowest: Option<Worst> = None;
    let mut ending = Vec::new();
    for rule in side.carried.iter().map(|at| &rules[*at]) {
        let Some(single) = side.alone(rule, echo)? else { continue };
        let inputs = inputs_of(rule).into_iter().chain(runs()).collect();
        let worst = measure(&single, inputs, 1, AGAIN_ALONE)?;
        let worst = Worst { alone: Some(rule.id.clone()), ..worst };
        // A server takes its time to end, and nothing waits for that.
        ending.push(thread::spawn(move || drop(single)));
        slowest = Some(match slowest {
            Some(slowest) => slower(slowest, worst),
            None => worst,
        });
    }
    for thread in ending {
        thread.join().map_err(|_| "a server did not end".to_owned())?;
    }
    Ok(slowest)
}

/// The slower one, with the failures of both.
fn slower(one: Worst, other: Worst) -> Worst {
    let (mut slower, faster) =
        if one.milliseconds >= other.milliseconds { (one, other) } else { (other, one) };
    slower.failures.extend(faster.failures);
    slower
}

fn measure(
    side: &Side,
    mut inputs: Vec<Request>,
    every: usize,
    again: usize,
) -> Result<Worst, String> {
    inputs.sort_by_key(|request| sent::wire(request, 0));
    inputs.dedup();
    let inputs: Vec<_> = inputs.into_iter().step_by(every.max(1)).collect();
    let mut clock = Clock::new(side);
    let mut timed = Vec::new();
    for request in &inputs {
        timed.push((clock.difference(request)?, request));
    }
    timed.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    let (mut milliseconds, mut slowest) = (0.0, String::new());
    for (_, request) in timed.into_iter().take(again) {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            times.push(clock.difference(request)?);
        }
        times.sort_by(f64::total_cmp);
        if times[TIMES / 2] > milliseconds {
            (milliseconds, slowest) = (times[TIMES / 2], cut(request));
        }
    }
    let (requests, failures) = (inputs.len(), clock.failures);
    Ok(Worst { kind: side.kind, alone: None, requests, milliseconds, slowest, failures })
}

struct Clock {
    kind: WebKind,
    bare: Client,
    protected: Client,
    failures: Vec<String>,
}

impl Clock {
    fn new(side: &Side) -> Self {
        let (bare, protected) = (Client::new(side.bare), Client::new(side.protected));
        Self { kind: side.kind, bare, protected, failures: Vec::new() }
    }

    /// How many milliseconds longer the answer takes with the rules.
    fn difference(&mut self, request: &Request) -> Result<f64, String> {
        let wire = sent::wire(request, 0);
        let start = Instant::now();
        let answers = self.bare.ask(&wire, false).and_then(|_| {
            let bare = start.elapsed();
            let answer = self.protected.ask(&wire, false)?;
            Ok((bare, start.elapsed() - bare, answer.status))
        });
        let (bare, protected, status) =
            answers.map_err(|error| format!("{}: {error}: {}", self.kind, cut(request)))?;
        if status == 500 {
            self.failures.push(cut(request));
        }
        Ok((protected.as_secs_f64() - bare.as_secs_f64()) * 1e3)
    }
}

fn cut(request: &Request) -> String {
    let mut line = sent::line(request);
    // Printable ASCII only, so that any place is one to cut at.
    line.truncate(160);
    line
}

/// Runs that are near misses of many patterns at once: of escapes, of digits, of separators.
const RUNS: [&str; 16] =
    ["%", "%2", "%25", "%%4", "0", "a1", "af", "41", "%41", "?", "&", "=", "/", "a=&", "%3", ";"];

fn runs() -> impl Iterator<Item = Request> {
    RUNS.iter().flat_map(|run| placed(run.as_bytes()))
}

/// The worst inputs for one rule: each test's text again and again, each time not quite.
fn inputs_of(rule: &Rule) -> Vec<Request> {
    let Some(block) = rule.block() else { return Vec::new() };
    let mut texts = Vec::new();
    texts_of(&block.when, &mut texts);
    texts.extend(rule.samples.iter().map(|(test, sample)| (&test.field, sample.as_slice())));
    let mut inputs = Vec::new();
    for (field, text) in texts.into_iter().filter(|(_, text)| text.len() > 1) {
        let (cut, _) = text.split_at(text.len() - 1);
        let (first, rest) = text.split_at(1);
        let encoded: Vec<u8> =
            cut.iter().flat_map(|byte| format!("%{byte:02X}").into_bytes()).collect();
        let mixed = [&encoded[..3], &cut[1..]].concat();
        for unit in [cut, first, rest, &encoded, &mixed] {
            inputs.extend(in_field(field, unit));
        }
    }
    inputs
}

fn texts_of<'a>(condition: &'a Condition, texts: &mut Vec<(&'a Field, &'a [u8])>) {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().for_each(|part| texts_of(part, texts));
        }
        Condition::Not(part) => texts_of(part, texts),
        Condition::Test(test) => texts.push((&test.field, test.operator.text().as_bytes())),
    }
}

fn in_field(field: &Field, unit: &[u8]) -> Vec<Request> {
    match field {
        Field::Method | Field::HeaderNames | Field::Host => Vec::new(),
        Field::Header(name) => vec![with_header(name, &repeated(unit))],
        Field::AnyHeader => vec![with_header("x-any", &repeated(unit))],
        Field::Cookie(name) => {
            let cookie = [name.as_bytes(), b"=", unit, b"; "].concat();
            vec![with_header("cookie", &repeated(&cookie))]
        }
        Field::Arg(name) => {
            let pair = [name.as_bytes(), b"=", unit, b"&"].concat();
            vec![with_target(b"/?", &pair)]
        }
        _ => {
            let pair = [b"a=", unit, b"&"].concat();
            vec![with_target(b"/", unit), with_target(b"/?", unit), with_target(b"/?", &pair)]
        }
    }
}

/// A run in every place where a rule may look.
fn placed(unit: &[u8]) -> Vec<Request> {
    let mut requests = vec![with_target(b"/", unit), with_target(b"/?", unit)];
    for name in ["cookie", "user-agent", "referer", "x-any"] {
        requests.push(with_header(name, &repeated(unit)));
    }
    requests
}

fn repeated(unit: &[u8]) -> Vec<u8> {
    let kept = unit.iter().map(|&byte| if matches!(byte, 0 | b'\r' | b'\n') { b'x' } else { byte });
    let unit: Vec<u8> = kept.collect();
    let mut run = unit.repeat(LENGTH / unit.len().max(1));
    run.truncate(LENGTH);
    run.trim_ascii().to_vec()
}

fn with_target(head: &[u8], unit: &[u8]) -> Request {
    // What no target has as it is would only be refused.
    let kept = repeated(unit).into_iter().map(|b| if b <= b' ' || b == 0x7f { b'x' } else { b });
    let target = head.iter().copied().chain(kept).collect();
    request(target, None)
}

fn with_header(name: &str, value: &[u8]) -> Request {
    request(b"/".to_vec(), Some((name.to_owned(), value.to_vec())))
}

fn request(target: Vec<u8>, header: Option<(String, Vec<u8>)>) -> Request {
    let mut headers = vec![("Host".to_owned(), b"localhost".to_vec())];
    headers.extend(header);
    Request { method: "GET".to_owned(), target, headers, body: Vec::new() }
}
