//! The run: every request to every server and its twin.

use std::thread;

use stopgap_model::web::WebKind;
use stopgap_model::{Mitigation, Request};

use crate::client::Client;
use crate::corpus;
use crate::echo::Echo;
use crate::explained::{self, Explanation};
use crate::rules::{self, Rule};
use crate::sent;
use crate::side::Side;
use crate::verdict::{Outcome, Reference};
use crate::worst::{self, Worst};

/// How many rules are generated beside the catalog's.
const GENERATED: usize = 200;
/// How many connections ask one server at a time.
const THREADS: usize = 2;
/// How many differences are told in full.
const TOLD: usize = 60;

/// The servers with their rules, and the corpus.
#[derive(Debug)]
pub struct Parity {
    rules: Vec<Rule>,
    requests: Vec<Request>,
    sides: Vec<Side>,
    // Kept for its end, which comes after that of the servers.
    echo: Echo,
}

/// What a run found.
#[derive(Debug, Default)]
pub struct Figures {
    /// How many requests were sent, each to every server.
    pub requests: usize,
    /// How many servers were asked.
    pub servers: usize,
    /// The differences that nothing explains, each as a line.
    pub differences: Vec<String>,
    /// How many differences are explained.
    pub explained: usize,
    /// The reasons of explained differences that did not occur.
    pub stale: Vec<String>,
    /// For each server: passed, blocked, and not taken by the server itself.
    pub verdicts: Vec<(WebKind, [usize; 3])>,
}

impl Parity {
    /// Starts every server that is installed, with the catalog's rules and those of `seed`.
    ///
    /// # Errors
    /// The catalog cannot be read, a rule cannot be used, or a server cannot be asked.
    pub fn start(seed: u64) -> Result<Self, String> {
        let catalog: Vec<Mitigation> = rules::catalog()?;
        let mut rules = rules::of_catalog(&catalog);
        rules.extend(rules::of_headers());
        rules.extend(rules::generated(GENERATED, seed));
        let requests = corpus::build(&rules::probes(&catalog), &rules, seed);
        let echo = Echo::start().map_err(|error| format!("the application: {error}"))?;
        let mut sides = Vec::new();
        for kind in [WebKind::Nginx, WebKind::Apache, WebKind::HaProxy] {
            sides.extend(Side::start(kind, &rules, echo.port())?);
        }
        Ok(Self { rules, requests, sides, echo })
    }

    /// How many requests the corpus has.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    /// Which rules each server carries, and why not the others: lines.
    #[must_use]
    pub fn carried(&self) -> Vec<String> {
        let lines = self.sides.iter().map(|side| {
            let (carried, refused) = (side.carried.len(), side.refused.len());
            format!("{}: {carried} rules, {refused} that it cannot say", side.kind)
        });
        lines.collect()
    }

    /// Every rule that a server does not carry, with the reason: lines.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        let of_side = |side: &Side| {
            let kind = side.kind;
            let line = move |(id, reason): &(String, String)| format!("{kind}: {id}: {reason}");
            side.refused.iter().map(line).collect::<Vec<_>>()
        };
        self.sides.iter().flat_map(of_side).collect()
    }

    /// What a rule says: for whoever looks into a difference.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<String> {
        let rule = self.rules.iter().find(|rule| rule.id == id)?;
        Some(format!("{:#?}", rule.kind))
    }

    /// Sends each `every`th request of the corpus to every server, and compares.
    ///
    /// # Errors
    /// A server does not answer at all.
    pub fn compare(&self, every: usize) -> Result<Figures, String> {
        let requests: Vec<_> = self.requests.iter().step_by(every.max(1)).collect();
        let mut figures =
            Figures { requests: requests.len(), servers: self.sides.len(), ..Figures::default() };
        let mut explanations = explained::read()?;
        let found = thread::scope(|scope| {
            let ask = |side| {
                let requests = &requests;
                scope.spawn(move || self.ask(side, requests))
            };
            let threads: Vec<_> = self.sides.iter().map(ask).collect();
            let joined = threads.into_iter().map(|thread| {
                thread.join().unwrap_or_else(|_| Err("a thread ended early".to_owned()))
            });
            joined.collect::<Result<Vec<_>, String>>()
        })?;
        for (side, outcomes) in self.sides.iter().zip(found) {
            let counts = figures.tell(side.kind, &requests, outcomes, &mut explanations);
            figures.verdicts.push((side.kind, counts));
        }
        let stale = explanations.into_iter().filter(|explanation| explanation.seen == 0);
        figures.stale = stale.map(|explanation| explanation.reason).collect();
        Ok(figures)
    }

    /// What the requests that are worst for the rules cost on each server that carries them all;
    /// of these requests each `every`th is sent.
    ///
    /// # Errors
    /// A server does not answer at all.
    pub fn worst(&self, every: usize) -> Result<Vec<Worst>, String> {
        self.sides.iter().map(|side| worst::together(side, &self.rules, every)).collect()
    }

    /// What they cost on a server of this kind that carries one rule, for the slowest rule.
    ///
    /// # Errors
    /// A server does not answer at all.
    pub fn worst_alone(&self, kind: WebKind) -> Result<Option<Worst>, String> {
        let Some(side) = self.sides.iter().find(|side| side.kind == kind) else { return Ok(None) };
        worst::alone(side, &self.rules, self.echo.port())
    }

    /// The outcome of every request on one server.
    fn ask(&self, side: &Side, requests: &[&Request]) -> Result<Vec<Outcome>, String> {
        let carried = side.carried.iter().map(|at| &self.rules[*at]);
        let reference = &Reference::new(side.kind, carried)?;
        let share = requests.len().div_ceil(THREADS).max(1);
        thread::scope(|scope| {
            let shares = requests.chunks(share);
            let ask = |requests| scope.spawn(move || ask_in_turn(side, reference, requests));
            let threads: Vec<_> = shares.map(ask).collect();
            let mut outcomes = Vec::new();
            for thread in threads {
                let of_thread = thread.join().map_err(|_| "a thread ended early".to_owned())?;
                outcomes.extend(of_thread?);
            }
            Ok(outcomes)
        })
    }
}

fn ask_in_turn(
    side: &Side,
    reference: &Reference,
    requests: &[&Request],
) -> Result<Vec<Outcome>, String> {
    let (mut bare, mut protected) = (Client::new(side.bare), Client::new(side.protected));
    let ask = |(at, request): (usize, &&Request)| {
        let (wire, is_head) = (sent::wire(request, at), request.method == "HEAD");
        let failed = |error| format!("{}: {error}: {}", side.kind, sent::line(request));
        let without = bare.ask(&wire, is_head).map_err(failed)?;
        let with = protected.ask(&wire, is_head).map_err(failed)?;
        if matches!(without.status, 500 | 502..=504) {
            return Err(failed(format!("answers {} without our rules", without.status)));
        }
        Ok(reference.judge(request, &without, &with))
    };
    requests.iter().enumerate().map(ask).collect()
}

impl Figures {
    /// Whether every verdict is the reference's, or explained.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.stale.is_empty()
    }

    /// The last line of the run.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "parity: {} requests, {} servers, {} differences, {} explained",
            self.requests,
            self.servers,
            self.differences.len(),
            self.explained
        )
    }

    /// The lines before it: what each server did, what differs, what is stale.
    #[must_use]
    pub fn details(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (kind, [passed, blocked, not_taken]) in &self.verdicts {
            lines.push(format!(
                "{kind}: {passed} passed, {blocked} blocked, {not_taken} not taken by the server \
                 itself"
            ));
        }
        lines.extend(self.differences.iter().take(TOLD).map(|line| format!("difference: {line}")));
        if let Some(more @ 1..) = self.differences.len().checked_sub(TOLD) {
            lines.push(format!("… and {more} more"));
        }
        lines.extend(self.stale.iter().map(|why| format!("explained, but no longer there: {why}")));
        lines
    }

    fn tell(
        &mut self,
        kind: WebKind,
        requests: &[&Request],
        outcomes: Vec<Outcome>,
        explanations: &mut [Explanation],
    ) -> [usize; 3] {
        let mut counts = [0; 3];
        for (request, outcome) in requests.iter().zip(outcomes) {
            match outcome {
                Outcome::Passed => counts[0] += 1,
                Outcome::Blocked => counts[1] += 1,
                Outcome::NotTaken => counts[2] += 1,
                Outcome::Differs(what) => {
                    let line = sent::line(request);
                    match explanations.iter_mut().find(|e| e.explains(kind, &line)) {
                        Some(explanation) => {
                            explanation.seen += 1;
                            self.explained += 1;
                        }
                        None => self.differences.push(format!("{kind} {what}: {line}")),
                    }
                }
            }
        }
        counts
    }
}
