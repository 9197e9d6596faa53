//! What the sites of a web server answer before a change.
//!
//! A change waits for the quick ones only. A slow site's question stays open while the change is made:
//! the server's old processes, which have taken it, still answer it as before.
//!
//! Answers may vary, as where one of two applications behind a site is broken. So each site is asked twice,
//! and more often where the answers differ: what is compared with is all that was seen.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use stopgap_host::{Answer, ProbeEvent, ProbeRequest, Prober, ServerControl, Stop};
use stopgap_model::reason::ProbeReason;

use super::answers::{KnownAnswers, had_enough, is_an_answer};
use super::questions::{Probing, What};

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
/// How often a site is asked for `/`, and how often where its answers vary.
const TIMES: usize = 2;
const TIMES_VARYING: usize = 5;
/// So many sites that limit how often they are asked mean that the server does, if they are so large a part of
/// all as well: two customers' applications can say so at will.
const MANY_LIMITED: usize = 2;
const PART_LIMITED: usize = 4;
/// Between two sites that are asked again, and for how many of them.
const TURN: Duration = Duration::from_millis(20);
const MAX_TURN: usize = 25;
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
    prober: Box<dyn Prober + 'h>,
    /// The questions that were put, by their numbers.
    put: Vec<What>,
    /// Those that a change still waits for.
    open: BTreeSet<What>,
    /// Those that are put again, and when.
    again: Vec<(Instant, What)>,
    pause: Duration,
}

/// What was answered to one question.
#[derive(Clone, Default)]
struct Before {
    /// The answers, each once, in the order in which they came. Nothing in time is one only as long as there
    /// is no other.
    seen: Vec<Answer>,
    /// How often it was put, and how many answers are still to come.
    put: usize,
    open: usize,
    /// Whether the first answer came quickly.
    quick: bool,
}

impl Before {
    fn see(&mut self, answer: Answer, quick: bool) {
        if self.seen.is_empty() {
            self.quick = quick;
        }
        if answer != Answer::Nothing {
            self.seen.retain(|known| *known != Answer::Nothing);
        }
        if self.seen.is_empty() || (answer != Answer::Nothing && !self.seen.contains(&answer)) {
            self.seen.push(answer);
        }
    }

    /// Takes in an answer that came before the change; whether it shows that the site limits how often it is
    /// asked: it says so now and not otherwise, or the other way round.
    fn hear(&mut self, answer: Answer) -> bool {
        self.open = self.open.saturating_sub(1);
        let is_tired = had_enough(&answer);
        let is_limited = self.seen.iter().any(|known| had_enough(known) != is_tired);
        if is_limited {
            self.seen.retain(|known| !had_enough(known));
        }
        if !(is_limited && is_tired) {
            self.see(answer, true);
        }
        is_limited
    }

    fn is_awaited(&self) -> bool {
        self.seen.is_empty() && self.open > 0
    }

    /// What was answered. Nothing in time is no answer to be compared with: the next time it may just come
    /// in time.
    fn answers(&self) -> &[Answer] {
        match self.seen.as_slice() {
            [Answer::Nothing] => &[],
            seen => seen,
        }
    }

    fn has_answered(&self) -> bool {
        self.answers().iter().any(is_an_answer)
    }
}

impl<'h> Baseline<'h> {
    /// Asks everything, until the quick sites have answered. `time`: for this and for all that is asked
    /// after the change.
    pub(crate) fn take(
        probing: &Probing<'_>,
        live: &'h dyn ServerControl,
        time: Duration,
        stop: &Stop<'_>,
    ) -> Self {
        let begun = Instant::now();
        let mut baseline = Self {
            health: vec![Before::default(); probing.sites()],
            probes: vec![Before::default(); probing.pairs()],
            limited: BTreeSet::new(),
            end: begun + time,
            prober: live.prober(QUICK),
            put: Vec::new(),
            open: BTreeSet::new(),
            again: Vec::new(),
            pause: AGAIN.min(live.settle_time()),
        };
        if probing.is_sparing() {
            baseline.prober.slow_down();
        }
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
            if let Some(heard) = baseline.prober.next_event(TICK.min(end - now)) {
                baseline.hear(probing, heard);
            }
        }
        for number in baseline.prober.stop_sending() {
            let what = baseline.put[number];
            let before = baseline.of(what);
            (before.put, before.open) = (before.put - 1, before.open - 1);
        }
        baseline
    }

    fn put(&mut self, probing: &Probing<'_>, what: What) {
        let site = probing.site(probing.site_of(what)).clone();
        let question = ProbeRequest { site, request: probing.request(what), patience: ANSWER_TIME };
        let number = self.prober.send(question);
        debug_assert_eq!(number, self.put.len());
        self.put.push(what);
        self.open.insert(what);
        let before = self.of(what);
        (before.put, before.open) = (before.put + 1, before.open + 1);
    }

    fn put_again(&mut self, probing: &Probing<'_>, now: Instant) {
        let due: Vec<_> = self.again.extract_if(.., |(when, _)| *when <= now).collect();
        due.into_iter().for_each(|(_, what)| self.put(probing, what));
    }

    /// Whether it is not known yet of a site what it answers.
    fn waits_for_health(&self) -> bool {
        let again = self.again.iter().map(|(_, what)| what);
        self.open.iter().chain(again).any(|what| match what {
            What::Health(site) => !self.health[*site].has_answered(),
            What::Probe(_) => false,
        })
    }

    fn hear(&mut self, probing: &Probing<'_>, heard: ProbeEvent) {
        let (number, answer) = match heard {
            ProbeEvent::Slow(number) => {
                self.open.remove(&self.put[number]);
                return;
            }
            ProbeEvent::Answered(number, answer) => (number, answer),
        };
        let what = self.put[number];
        let site = probing.site_of(what);
        self.open.remove(&what);
        let (is_tired, is_status) = (had_enough(&answer), matches!(answer, Answer::Status(_)));
        let before = self.of(what);
        let had_answered = before.has_answered();
        let shows_limit = before.hear(answer);
        let (times, varies) = (before.put, before.seen.len() > 1);
        let begins_to_answer = !had_answered && before.has_answered();
        if shows_limit {
            self.limited.insert(site);
        }
        let is_ordinary = matches!(what, What::Health(_));
        let wanted = if varies { TIMES_VARYING } else { TIMES };
        if is_tired && times == 1 {
            // One after the other: they may have been too many at once.
            let turn = u32::try_from(self.again.len().min(MAX_TURN)).unwrap_or_default();
            self.again.push((Instant::now() + self.pause + TURN * turn, what));
        } else if is_ordinary && is_status && !is_tired && times < wanted && !self.spares(site) {
            self.put(probing, what);
        }
        if is_ordinary && begins_to_answer {
            probing.probes_to(site).for_each(|probe| self.put(probing, probe));
        }
    }

    /// Whether a site is asked no more than it must be.
    fn spares(&self, site: usize) -> bool {
        self.limited.contains(&site) || self.prober.is_slowed_down()
    }

    /// Hears what is answered late; answers to which questions what was answered before is known now.
    pub(crate) fn hear_late(&mut self) -> Vec<What> {
        let mut known = Vec::new();
        while let Some(heard) = self.prober.next_event(Duration::ZERO) {
            let ProbeEvent::Answered(number, answer) = heard else { continue };
            let what = self.put[number];
            // What an old process did not finish says nothing of what it would have answered.
            let answer = if matches!(answer, Answer::Status(_)) { answer } else { Answer::Nothing };
            let before = self.of(what);
            let was_known = !before.answers().is_empty();
            before.open = before.open.saturating_sub(1);
            before.see(answer, false);
            if !was_known && !before.answers().is_empty() {
                known.push(what);
            }
        }
        known
    }

    /// Whether anything may still be answered late.
    pub(crate) fn is_awaited(&self) -> bool {
        self.health.iter().chain(&self.probes).any(Before::is_awaited)
    }

    /// What was answered to a question first, if that is known.
    pub(crate) fn answer(&self, what: What) -> Option<&Answer> {
        self.answers(what).first()
    }

    fn answers(&self, what: What) -> &[Answer] {
        match what {
            What::Health(site) => self.health[site].answers(),
            What::Probe(pair) => self.probes[pair].answers(),
        }
    }

    /// What is known of a question and of its site.
    pub(crate) fn known(&self, probing: &Probing<'_>, what: What) -> KnownAnswers<'_> {
        let site = probing.site_of(what);
        let (same, ordinary) = (self.answers(what), self.health[site].answers());
        let varies = ordinary.len() > 1;
        let probes = probing.probes_to(site).filter(|_| varies);
        let elsewhere = probes.flat_map(|probe| self.answers(probe)).collect();
        KnownAnswers { same, ordinary, elsewhere }
    }

    fn of(&mut self, what: What) -> &mut Before {
        match what {
            What::Health(site) => &mut self.health[site],
            What::Probe(pair) => &mut self.probes[pair],
        }
    }

    /// Whether a site is judged by: whether it does its work, or closes every connection.
    pub(crate) fn judges(&self, site: usize) -> bool {
        let answers = self.health[site].answers();
        answers.iter().any(|answer| is_an_answer(answer) || *answer == Answer::Closed)
    }

    /// Whether probes show anything on a site.
    pub(crate) fn can_be_probed(&self, site: usize) -> bool {
        self.health[site].has_answered()
    }

    /// Whether a site answered quickly.
    pub(crate) fn is_quick(&self, site: usize) -> bool {
        self.health[site].quick
    }

    /// Whether a site limits how often it is asked.
    pub(crate) fn is_limited(&self, site: usize) -> bool {
        self.limited.contains(&site)
    }

    /// Whether the whole server limits how often it is asked.
    pub(crate) fn is_limited_server(&self) -> bool {
        let many = self.health.len().div_ceil(PART_LIMITED).max(MANY_LIMITED);
        self.limited.len() >= many || self.prober.is_slowed_down()
    }

    /// Why a site is not probed, if so, said of the site.
    pub(crate) fn unprobed(&self, site: usize) -> Option<String> {
        let why = unjudged(&self.health[site], true)?;
        Some(why.why)
    }

    /// What a person should know of sites that are not judged by.
    pub(crate) fn notes(&self, probing: &Probing<'_>) -> Vec<ProbeReason> {
        let mut notes: Vec<(Unjudged, Vec<usize>)> = Vec::new();
        for (site, before) in self.health.iter().enumerate() {
            let Some(why) = unjudged(before, probing.pairs() > 0) else { continue };
            match notes.iter_mut().find(|(known, _)| *known == why) {
                Some((_, sites)) => sites.push(site),
                None => notes.push((why, vec![site])),
            }
        }
        let note = |(unjudged, numbers): (Unjudged, Vec<usize>)| {
            let Unjudged { is_asked, why } = unjudged;
            let more = numbers.len().saturating_sub(MAX_NAMED);
            let named = numbers.iter().take(MAX_NAMED);
            let sites = named.map(|&site| probing.site(site).to_string()).collect();
            match is_asked {
                true => ProbeReason::NotProbedOn { sites, more, why },
                false => ProbeReason::NotJudgedBy { sites, more, why },
            }
        };
        notes.into_iter().map(note).collect()
    }
}

/// Why a site is not judged by, or not probed.
#[derive(PartialEq)]
struct Unjudged {
    /// Whether it answers, so that only probes say nothing of it.
    is_asked: bool,
    /// What the site does.
    why: String,
}

fn unjudged(before: &Before, has_probes: bool) -> Option<Unjudged> {
    let why = match before.seen.first() {
        None if before.open == 0 => "could not be asked in time before the change".to_owned(),
        None | Some(Answer::Nothing) => {
            format!("had not answered within {} s before the change", ANSWER_TIME.as_secs())
        }
        Some(Answer::NotHere(address)) => format!(
            "listens on {address}: no address of this machine now, as a floating one is while \
             another machine has it"
        ),
        Some(answer) if !before.has_answered() && has_probes => {
            let why = format!("answers every request {answer}");
            return Some(Unjudged { is_asked: true, why });
        }
        Some(_) => return None,
    };
    Some(Unjudged { is_asked: false, why })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(statuses: &[u16]) -> (Before, Vec<bool>) {
        let mut before = Before { put: statuses.len(), open: statuses.len(), ..Before::default() };
        let limits = statuses.iter().map(|status| before.hear(Answer::Status(*status))).collect();
        (before, limits)
    }

    #[test]
    fn all_answers_of_a_site_that_varies_are_kept_each_once() {
        let (before, limits) = heard(&[200, 502, 200, 302]);
        let expected = [200, 502, 302].map(Answer::Status);
        assert_eq!(before.answers(), expected);
        assert!(before.has_answered() && !limits.contains(&true));
    }

    #[test]
    fn a_site_that_says_503_or_something_else_limits_and_503_is_no_answer_of_it() {
        for statuses in [[503, 200], [200, 503], [429, 200]] {
            let (before, limits) = heard(&statuses);
            assert_eq!(before.answers(), [Answer::Status(200)], "{statuses:?}");
            assert_eq!(limits, [false, true], "{statuses:?}");
        }
        let (before, limits) = heard(&[503, 503]);
        assert_eq!(before.answers(), [Answer::Status(503)]);
        assert_eq!(limits, [false, false]);
    }

    #[test]
    fn nothing_in_time_is_forgotten_once_there_is_an_answer() {
        let mut before = Before { put: 2, open: 2, ..Before::default() };
        before.see(Answer::Nothing, false);
        assert_eq!(before.answers(), []);
        before.see(Answer::Status(200), false);
        assert_eq!(before.answers(), [Answer::Status(200)]);
        before.see(Answer::Nothing, false);
        assert_eq!(before.answers(), [Answer::Status(200)]);
    }
}
