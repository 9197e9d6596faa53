//! What the sites of a web server answer before a change.
//!
//! A change waits for the quick ones only. A slow site's question stays open while the change is made:
//! the server's old processes, which have taken it, still answer it as before.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use stopgap_host::{Answer, Asking, Heard, Live, Question, Stop};

use crate::probing::{Probing, What, is_an_answer};

/// How long a site may take to answer and is a quick one.
pub(crate) const QUICK: Duration = Duration::from_millis(1_500);
/// How long an answer may take before a change. The application behind may have to wake up.
pub(crate) const ANSWER_TIME: Duration = Duration::from_secs(5);
/// How long a change waits at most until each site is asked once, at most a quarter of all time; and
/// for probes, if every site has answered or is slow.
const FIRST_PART: Duration = Duration::from_secs(4);
const PROBED_PART: Duration = Duration::from_secs(2);
/// How long is waited before a site is asked again that says that it was asked too often.
pub(crate) const AGAIN: Duration = Duration::from_secs(1);
/// The longest wait without a look at whether to stop.
pub(crate) const TICK: Duration = Duration::from_millis(50);
/// The most sites that one note names.
pub(crate) const MAX_NAMED: usize = 50;

/// What the sites answered before a change.
pub(crate) struct Baseline<'h> {
    /// To an ordinary request, by site.
    health: Vec<Before>,
    /// To each probe, by pair.
    probes: Vec<Before>,
    /// Sites that say that they were asked too often, and otherwise when asked later.
    limited: BTreeSet<usize>,
    /// When every question must have its answer.
    pub(crate) end: Instant,
    asking: Box<dyn Asking + 'h>,
    /// The questions that were put, by their numbers.
    put: Vec<What>,
    /// Those that a change still waits for.
    open: BTreeSet<What>,
    /// Those that are put again, and when.
    again: Vec<(Instant, What)>,
    pause: Duration,
}

#[derive(Clone)]
enum Before {
    NotAsked,
    Awaited,
    Is { answer: Answer, quick: bool },
}

impl Before {
    fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Is { answer, .. } => Some(answer),
            Self::NotAsked | Self::Awaited => None,
        }
    }
}

impl<'h> Baseline<'h> {
    /// Asks everything, until the quick sites have answered. `time`: for this and for all that is asked
    /// after the change.
    pub(crate) fn take(
        probing: &Probing<'_>,
        live: &'h dyn Live,
        time: Duration,
        stop: &Stop<'_>,
    ) -> Self {
        let begun = Instant::now();
        let mut baseline = Self {
            health: vec![Before::NotAsked; probing.sites()],
            probes: vec![Before::NotAsked; probing.pairs()],
            limited: BTreeSet::new(),
            end: begun + time,
            asking: live.asking(QUICK),
            put: Vec::new(),
            open: BTreeSet::new(),
            again: Vec::new(),
            pause: AGAIN.min(live.settling()),
        };
        (0..probing.sites()).for_each(|site| baseline.put(probing, What::Health(site)));
        let first = begun + FIRST_PART.min(time / 4);
        let probed = begun + PROBED_PART.min(time / 4);
        while !stop() {
            if baseline.open.is_empty() && baseline.again.is_empty() {
                break;
            }
            let end = if baseline.waits_for_health() { first } else { probed };
            let now = Instant::now();
            if now >= end {
                break;
            }
            baseline.put_again(probing, now);
            if let Some(heard) = baseline.asking.next(TICK.min(end - now)) {
                baseline.hear(probing, heard);
            }
        }
        for number in baseline.asking.begin_no_more() {
            let what = baseline.put[number];
            *baseline.of(what) = Before::NotAsked;
        }
        baseline
    }

    fn put(&mut self, probing: &Probing<'_>, what: What) {
        let site = probing.site(probing.site_of(what)).clone();
        let question = Question { site, request: probing.request(what), patience: ANSWER_TIME };
        let number = self.asking.ask(question);
        debug_assert_eq!(number, self.put.len());
        self.put.push(what);
        self.open.insert(what);
        *self.of(what) = Before::Awaited;
    }

    fn put_again(&mut self, probing: &Probing<'_>, now: Instant) {
        let due: Vec<_> = self.again.extract_if(.., |(when, _)| *when <= now).collect();
        due.into_iter().for_each(|(_, what)| self.put(probing, what));
    }

    fn waits_for_health(&self) -> bool {
        let again = self.again.iter().map(|(_, what)| what);
        self.open.iter().chain(again).any(|what| matches!(what, What::Health(_)))
    }

    fn hear(&mut self, probing: &Probing<'_>, heard: Heard) {
        let (number, answer) = match heard {
            Heard::Slow(number) => {
                self.open.remove(&self.put[number]);
                return;
            }
            Heard::Answer(number, answer) => (number, answer),
        };
        let what = self.put[number];
        let site = probing.site_of(what);
        self.open.remove(&what);
        let was_asked = self.put[..number].contains(&what);
        if had_enough(&answer) && !was_asked {
            self.again.push((Instant::now() + self.pause, what));
        } else if was_asked && !had_enough(&answer) {
            self.limited.insert(site);
        }
        let well = is_an_answer(&answer);
        *self.of(what) = Before::Is { answer, quick: true };
        if well && matches!(what, What::Health(_)) {
            probing.probes_to(site).for_each(|probe| self.put(probing, probe));
        }
    }

    /// Hears what is answered late; answers to which questions what was answered before is known now.
    pub(crate) fn hear_late(&mut self) -> Vec<What> {
        let mut known = Vec::new();
        while let Some(heard) = self.asking.next(Duration::ZERO) {
            let Heard::Answer(number, answer) = heard else { continue };
            let what = self.put[number];
            // What an old process did not finish says nothing of what it would have answered.
            let answer = if matches!(answer, Answer::Status(_)) { answer } else { Answer::Nothing };
            if answer != Answer::Nothing {
                known.push(what);
            }
            *self.of(what) = Before::Is { answer, quick: false };
        }
        known
    }

    /// Whether anything may still be answered late.
    pub(crate) fn is_awaited(&self) -> bool {
        self.health.iter().chain(&self.probes).any(|before| matches!(before, Before::Awaited))
    }

    /// What was answered to a question, if that is known. Nothing in time is no answer to be compared
    /// with: the next time it may just come in time.
    pub(crate) fn answer(&self, what: What) -> Option<&Answer> {
        let answer = match what {
            What::Health(site) => self.health[site].answer(),
            What::Probe(pair) => self.probes[pair].answer(),
        };
        answer.filter(|answer| **answer != Answer::Nothing)
    }

    fn of(&mut self, what: What) -> &mut Before {
        match what {
            What::Health(site) => &mut self.health[site],
            What::Probe(pair) => &mut self.probes[pair],
        }
    }

    /// Whether a site is judged by: whether it does its work, or closes every connection.
    pub(crate) fn judges(&self, site: usize) -> bool {
        let answer = self.health[site].answer();
        answer.is_some_and(|answer| is_an_answer(answer) || *answer == Answer::Closed)
    }

    /// Whether probes show anything on a site.
    pub(crate) fn can_be_probed(&self, site: usize) -> bool {
        self.health[site].answer().is_some_and(is_an_answer)
    }

    /// Whether a site answered quickly.
    pub(crate) fn is_quick(&self, site: usize) -> bool {
        matches!(self.health[site], Before::Is { quick: true, .. })
    }

    /// Whether a site limits how often it is asked.
    pub(crate) fn is_limited(&self, site: usize) -> bool {
        self.limited.contains(&site)
    }

    /// Why a site is not probed, if so, said of the site.
    pub(crate) fn unprobed(&self, site: usize) -> Option<String> {
        let why = unjudged(&self.health[site], true)?;
        Some(why.why)
    }

    /// What a person should know of sites that are not judged by, sentences without a full stop.
    pub(crate) fn notes(&self, probing: &Probing<'_>) -> Vec<String> {
        let mut notes: Vec<(Unjudged, Vec<usize>)> = Vec::new();
        for (site, before) in self.health.iter().enumerate() {
            let Some(why) = unjudged(before, probing.pairs() > 0) else { continue };
            match notes.iter_mut().find(|(known, _)| *known == why) {
                Some((_, sites)) => sites.push(site),
                None => notes.push((why, vec![site])),
            }
        }
        let note = |(why, sites): &(Unjudged, Vec<usize>)| {
            let which = if sites.len() == 1 { "which" } else { "each of which" };
            format!("{} {}, {which} {}", why.left_out, list(probing, sites), why.why)
        };
        notes.iter().map(note).collect()
    }
}

/// Why a site is not judged by, or not probed.
#[derive(PartialEq)]
struct Unjudged {
    left_out: &'static str,
    /// What the site does.
    why: String,
}

fn unjudged(before: &Before, has_probes: bool) -> Option<Unjudged> {
    let left_out = "not judged by";
    let why = match before {
        Before::NotAsked => "could not be asked in time before the change".to_owned(),
        Before::Awaited | Before::Is { answer: Answer::Nothing, .. } => {
            format!("had not answered within {} s before the change", ANSWER_TIME.as_secs())
        }
        Before::Is { answer: Answer::NotHere(address), .. } => format!(
            "listens on {address}: no address of this machine now, as a floating one is while \
             another machine has it"
        ),
        Before::Is { answer, .. } if !is_an_answer(answer) && has_probes => {
            let why = format!("answers every request {answer}");
            return Some(Unjudged { left_out: "not probed on", why });
        }
        Before::Is { .. } => return None,
    };
    Some(Unjudged { left_out, why })
}

/// Sites by their names, as far as a sentence can name them.
fn list(probing: &Probing<'_>, sites: &[usize]) -> String {
    let named = sites.iter().take(MAX_NAMED).map(|&site| probing.site(site).to_string());
    let named = named.collect::<Vec<_>>().join(", ");
    match sites.len().saturating_sub(MAX_NAMED) {
        0 => named,
        more => format!("{named} and {more} more sites"),
    }
}

/// Whether an answer may say that too many questions were asked.
pub(crate) fn had_enough(answer: &Answer) -> bool {
    matches!(answer, Answer::Status(429 | 503))
}
