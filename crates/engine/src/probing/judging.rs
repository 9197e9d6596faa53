//! Whether the sites of a web server answer as they should after a change.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use stopgap_host::{Answer, ProbeEvent, ProbeRequest, Prober, ServerControl, Stop};
use stopgap_model::Reason;
use stopgap_model::evidence::{self, Sighting, Verdict};
use stopgap_model::reason::ProbeReason;
use stopgap_model::web::WebSite;

use super::answers::{Shown, had_enough};
use super::baseline::{AGAIN, ANSWER_TIME, Baseline, MAX_NAMED, QUICK, TICK};
use super::questions::{Probing, Seen, Wanted, What};
use crate::failure::Failure;

/// How long a site may take that was slow before.
const SLOW_TIME: Duration = Duration::from_secs(10);
/// How long is waited before a site is asked again that does not answer as it should: while new
/// processes start to answer, old ones still do. Twice as long each time.
const PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_millis(800);
/// How often a site is asked that says that it was asked too often.
const MAX_LIMITED: u32 = 4;
/// How long it may take until a server answers as before, after a change of it was rolled back.
const RESTORE_TIME: Duration = Duration::from_secs(10);

impl Probing<'_> {
    /// Asks everything again, the slow sites after the quick ones: each site must answer as before, each
    /// probe as it should. Answers what was seen, at `at`.
    pub(crate) fn judge(
        &self,
        live: &dyn ServerControl,
        before: &mut Baseline<'_>,
        at: Timestamp,
        stop: &Stop<'_>,
    ) -> Result<Seen, Failure> {
        let end = before.end;
        Judging::new(self, live, before, Wanted::Rules, at).until(end, stop)
    }

    /// Asks everything again: all must be answered as before.
    pub(crate) fn as_before(
        &self,
        live: &dyn ServerControl,
        before: &mut Baseline<'_>,
    ) -> Result<(), Failure> {
        let end = Instant::now() + RESTORE_TIME;
        let judging = Judging::new(self, live, before, Wanted::AsBefore, Timestamp::UNIX_EPOCH);
        judging.until(end, &|| false).map(drop)
    }
}

struct Judging<'j, 'p, 'b, 'h> {
    probing: &'j Probing<'p>,
    before: &'j mut Baseline<'b>,
    wanted: Wanted,
    prober: Box<dyn Prober + 'h>,
    settling: Duration,
    /// The questions that were put, by their numbers.
    put: Vec<What>,
    open: BTreeMap<What, Open>,
    /// What came back last to a probe that is judged, by pair, and what else that shows than that
    /// it is as it should be.
    heard: BTreeMap<usize, (Answer, Option<Verdict>)>,
    /// The probes that are to be blocked and are not, by pair.
    unblocked: BTreeMap<usize, Failure>,
    /// What was to be asked of each site, and shows nothing.
    shown_nothing: Vec<ProbeReason>,
    at: Timestamp,
}

/// A question that is not answered as it should be, not yet.
struct Open {
    since: Instant,
    /// Whether it was begun, and takes its time.
    is_slow: bool,
    tries: u32,
    /// When it is put again.
    again: Option<Instant>,
    /// The last answer, and what was wrong with it.
    wrong: Option<(Answer, Failure)>,
}

impl<'j, 'p, 'b, 'h> Judging<'j, 'p, 'b, 'h> {
    fn new(
        probing: &'j Probing<'p>,
        live: &'h dyn ServerControl,
        before: &'j mut Baseline<'b>,
        wanted: Wanted,
        at: Timestamp,
    ) -> Self {
        let (put, open, heard) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let (shown_nothing, unblocked) = (Vec::new(), BTreeMap::new());
        let (mut prober, settling) = (live.prober(QUICK), live.settle_time());
        if probing.is_sparing() || before.is_limited_server() {
            prober.slow_down();
        }
        Self {
            probing,
            before,
            wanted,
            prober,
            settling,
            put,
            open,
            heard,
            unblocked,
            shown_nothing,
            at,
        }
    }

    fn until(mut self, end: Instant, stop: &Stop<'_>) -> Result<Seen, Failure> {
        (0..self.probing.sites()).for_each(|site| self.begin(What::Health(site)));
        (0..self.probing.pairs()).for_each(|pair| self.begin(What::Probe(pair)));
        loop {
            if stop() {
                return Err(Failure::temporary("the program was asked to stop"));
            }
            self.begin_late();
            let now = Instant::now();
            let is_done = self.open.is_empty()
                && (self.wanted == Wanted::AsBefore || !self.before.is_awaited());
            if is_done || now >= end {
                return self.conclude(now);
            }
            self.put_again(now);
            match self.prober.next_event(TICK.min(end - now)) {
                Some(ProbeEvent::Answered(number, answer)) => {
                    self.hear(self.put[number], &answer)?
                }
                Some(ProbeEvent::Slow(number)) => {
                    if let Some(open) = self.open.get_mut(&self.put[number]) {
                        open.is_slow = true;
                    }
                }
                None => {}
            }
        }
    }

    /// Begins to ask, if the answer can be judged.
    fn begin(&mut self, what: What) {
        let site = self.probing.site_of(what);
        let knows = match what {
            What::Health(_) => self.before.judges(site),
            What::Probe(_) => self.before.can_be_probed(site),
        };
        let by_itself = self.wanted == Wanted::Rules && self.probing.needs_no_before(what);
        let can_be_judged = by_itself || self.before.answer(what).is_some();
        let is_spared = matches!(what, What::Probe(pair) if self.probing.unsent(pair).is_some());
        if !(knows && can_be_judged) || is_spared || self.put.contains(&what) {
            return;
        }
        let (since, is_slow) = (Instant::now(), false);
        self.open.insert(what, Open { since, is_slow, tries: 0, again: None, wrong: None });
        self.put(what);
    }

    /// Begins to ask slow sites, where it is known by now what they answered before.
    fn begin_late(&mut self) {
        for what in self.before.hear_late() {
            self.begin(what);
            if let What::Health(site) = what {
                self.probing.probes_to(site).for_each(|probe| self.begin(probe));
            }
        }
    }

    fn put(&mut self, what: What) {
        let site = self.probing.site_of(what);
        let patience = if self.before.is_quick(site) { ANSWER_TIME } else { SLOW_TIME };
        let (site, request) = (self.probing.site(site).clone(), self.probing.request(what));
        self.prober.send(ProbeRequest { site, request, patience });
        self.put.push(what);
    }

    fn put_again(&mut self, now: Instant) {
        let mut due = Vec::new();
        for (what, open) in &mut self.open {
            if open.again.take_if(|when| *when <= now).is_some() {
                open.is_slow = false;
                due.push(*what);
            }
        }
        due.into_iter().for_each(|what| self.put(what));
    }

    fn hear(&mut self, what: What, answer: &Answer) -> Result<(), Failure> {
        let known = self.before.known(self.probing, what);
        let shows = match self.probing.shown(what, self.wanted, &known, answer) {
            Shown::Wrong(failure) => return self.hear_wrong(what, answer, failure),
            Shown::Right => None,
            Shown::NotReached(why) => Some(Verdict::NotReached(why)),
            Shown::NotJudged(why) => Some(Verdict::NotJudged(why)),
        };
        self.close(what, answer, shows);
        Ok(())
    }

    /// Takes in an answer that is not as it should be: the question is put again as long as there is time.
    fn hear_wrong(&mut self, what: What, answer: &Answer, failure: Failure) -> Result<(), Failure> {
        let site = self.probing.site_of(what);
        let is_limited = match answer {
            Answer::Status(429) => true,
            answer => had_enough(answer) && self.before.is_limited(site),
        };
        let of_server = had_enough(answer) && self.before.is_limited_server();
        let Some(open) = self.open.get_mut(&what) else { return Ok(()) };
        let now = Instant::now();
        open.tries += 1;
        // A site that limits how often it is asked says nothing of the rules; it gets a longer pause.
        if is_limited || (of_server && open.tries < MAX_LIMITED) {
            if open.tries >= MAX_LIMITED {
                let why = format!("answers {answer}, as it limits how often it is asked");
                self.close(what, answer, Some(Verdict::NotJudged(why)));
                return Ok(());
            }
            open.again = Some(now + AGAIN.min(self.settling) * open.tries);
            return Ok(());
        }
        open.wrong = Some((answer.clone(), failure));
        if now - open.since >= self.settling {
            self.give_up(what);
            return self.first_wrong();
        }
        // A connection that is refused again may be one too many.
        let refuses = *answer == Answer::Closed && open.tries > 1;
        let pause = match had_enough(answer) || refuses {
            true => AGAIN.min(self.settling) * open.tries,
            false => (PAUSE * 2_u32.saturating_pow(open.tries - 1)).min(MAX_PAUSE),
        };
        open.again = Some(now + pause);
        Ok(())
    }

    /// A question is answered for good; `shows`: what else than that it is as it should be.
    fn close(&mut self, what: What, answer: &Answer, shows: Option<Verdict>) {
        self.open.remove(&what);
        match (what, shows) {
            (What::Probe(pair), shows) => {
                self.heard.insert(pair, (answer.clone(), shows));
            }
            (What::Health(site), Some(Verdict::NotReached(why) | Verdict::NotJudged(why))) => {
                let note = not_judged_by(self.probing.site(site), &why);
                self.note(note);
            }
            (What::Health(_), _) => {}
        }
    }

    /// A probe that is to be blocked has had its time. Whether that fails the mitigation is known once all
    /// sites were asked.
    fn give_up(&mut self, what: What) {
        let What::Probe(pair) = what else { return };
        let wrong = self.open.get_mut(&what).map(|open| &mut open.wrong);
        let wrong = wrong.and_then(|wrong| {
            wrong.take_if(|(answer, _)| is_let_through(self.probing, self.wanted, pair, answer))
        });
        if let Some((answer, failure)) = wrong {
            self.unblocked.insert(pair, failure);
            self.close(what, &answer, Some(Verdict::NotBlocked));
        }
    }

    /// Fails if anything is wrong that is no probe which is still to be blocked: because of a site that
    /// does not do its work, rather than because of a probe.
    fn first_wrong(&mut self) -> Result<(), Failure> {
        let (probing, wanted) = (self.probing, self.wanted);
        let wrong = self.open.iter_mut().find_map(|(what, open)| {
            open.wrong.take_if(|(answer, _)| match what {
                What::Health(_) => true,
                What::Probe(pair) => !is_let_through(probing, wanted, *pair, answer),
            })
        });
        match wrong {
            Some((_, failure)) => Err(failure),
            None => Ok(()),
        }
    }

    /// Fails if a probe is blocked nowhere. Where it is on other sites the rules stay for their sake, and
    /// what was seen says which one it is not blocked on.
    fn first_unblocked(&mut self) -> Result<(), Failure> {
        let open: Vec<What> = self.open.keys().copied().collect();
        open.into_iter().for_each(|what| self.give_up(what));
        let is_blocked = |pair: &usize| self.probing.is_to_be_blocked(*pair);
        let blocked =
            self.heard.iter().filter(|(pair, (_, shows))| is_blocked(pair) && shows.is_none());
        let blocked: BTreeSet<usize> =
            blocked.map(|(pair, _)| self.probing.probe_of(*pair)).collect();
        let is_nowhere = |pair: &usize| !blocked.contains(&self.probing.probe_of(*pair));
        match self.unblocked.iter().find(|(pair, _)| is_nowhere(pair)) {
            Some((_, failure)) => Err(failure.clone()),
            None => Ok(()),
        }
    }

    /// The end, with what is still open.
    fn conclude(mut self, now: Instant) -> Result<Seen, Failure> {
        self.first_wrong()?;
        self.first_unblocked()?;
        let unanswered = self.unanswered(now)?;
        let all = 0..self.probing.pairs();
        let sightings: Vec<Sighting> = all.clone().map(|pair| self.sighting(pair)).collect();
        let mut notes: Vec<ProbeReason> = self.before.notes(self.probing);
        notes.append(&mut self.shown_nothing);
        let (spared, sent): (Vec<usize>, Vec<usize>) =
            all.partition(|&pair| self.probing.unsent(pair).is_some());
        let told = self.heard.keys().chain(&spared).map(|&pair| &sightings[pair]);
        notes.extend(evidence::notes(told, MAX_NAMED));
        let could_be = sent
            .into_iter()
            .map(What::Probe)
            .filter(|what| self.before.can_be_probed(self.probing.site_of(*what)));
        let unsent = could_be.filter(|what| !self.put.contains(what)).count();
        if unsent + unanswered > 0 {
            let (left, of) = (unsent + unanswered, self.probing.pairs());
            let limited = self.is_spared();
            notes.push(ProbeReason::ProbesNotJudged { left, of, limited });
        }
        Ok(Seen { sightings, notes: notes.into_iter().map(Reason::from).collect() })
    }

    /// How many probes are not answered. A slow site that has had its time for `/` has not answered as before.
    fn unanswered(&mut self, now: Instant) -> Result<usize, Failure> {
        let (mut unanswered, mut late) = (0, Vec::new());
        for (what, open) in &self.open {
            match what {
                What::Health(_) if open.is_slow && now - open.since >= ANSWER_TIME => {
                    let known = self.before.known(self.probing, *what);
                    let shown = self.probing.shown(*what, self.wanted, &known, &Answer::Nothing);
                    if let Shown::Wrong(failure) = shown {
                        return Err(failure);
                    }
                }
                What::Health(site) => {
                    let site = self.probing.site(*site);
                    late.push(not_judged_by(site, "had no time left to answer"));
                }
                What::Probe(_) => unanswered += 1,
            }
        }
        late.into_iter().for_each(|note| self.note(note));
        Ok(unanswered)
    }

    /// Takes note of a site that says nothing, once.
    fn note(&mut self, note: ProbeReason) {
        if !self.shown_nothing.contains(&note) {
            self.shown_nothing.push(note);
        }
    }

    /// Whether the questions have pauses, so that there may be no time for all.
    fn is_spared(&self) -> bool {
        self.before.is_limited_server() || self.prober.is_slowed_down()
    }

    /// What was seen of the probe of the pair of this number.
    fn sighting(&self, pair: usize) -> Sighting {
        let what = What::Probe(pair);
        let (after, verdict) = match self.heard.get(&pair) {
            Some((answer, shows)) => (Some(answer), shows.clone()),
            None => {
                let unprobed = || self.before.unprobed(self.probing.site_of(what));
                let why = self.probing.unsent(pair).or_else(unprobed);
                let why = why.unwrap_or_else(|| match self.is_spared() {
                    true => "is on a server that limits how often it is asked".to_owned(),
                    false => "answers too slowly".to_owned(),
                });
                (None, Some(Verdict::NotJudged(why)))
            }
        };
        self.probing.sighting(pair, self.at, (self.before.answer(what), after), verdict)
    }
}

/// Whether a probe that is to be blocked has an answer that says that it is not. None in time says nothing.
fn is_let_through(probing: &Probing<'_>, wanted: Wanted, pair: usize, answer: &Answer) -> bool {
    let is_answer = matches!(answer, Answer::Status(_) | Answer::Closed);
    wanted == Wanted::Rules && probing.is_to_be_blocked(pair) && is_answer
}

fn not_judged_by(site: &WebSite, why: &str) -> ProbeReason {
    ProbeReason::NotJudgedBy { sites: vec![site.to_string()], more: 0, why: why.to_owned() }
}
