//! Sites are asked side by side, by threads.
//!
//! The sites take turns: each has one question begun, then each the next one. A thread that waits for
//! a site that is silent is not counted among those that ask, so that silent sites hold nobody up. What
//! stands behind the sites is often one application: there are never many questions at work at once,
//! and few to one site.
//!
//! A server may limit how often it is asked, for all of its sites together. Once a quarter of them have said so,
//! and two at least, which answer otherwise at other times, one question is begun after the other, with pauses.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use stopgap_model::Request;
use stopgap_model::web::WebSite;

use crate::linux::locked::locked;
use crate::linux::probe::connection::{Stream, Watch};
use crate::linux::probe::exchange::ask;
use crate::web_servers::{Answer, ProbeEvent, ProbeRequest, Prober};

/// The most questions at work at once: what a small application can have waiting without harm.
const SIDE_BY_SIDE: usize = 32;
/// The most questions to one site at once.
const LANES: usize = 4;
/// How long a question may take until it is one that waits and no more one at work.
const AT_WORK: Duration = Duration::from_millis(500);
/// The most threads, those that wait included.
const MAX_THREADS: usize = 256;
/// What a thread needs for TLS, several times over.
const STACK: usize = 1024 * 1024;
/// How long a site is left alone that says that it was asked too often. From then on it has one
/// question at a time.
const REST: Duration = Duration::from_millis(500);
/// So many sites that say sometimes that they were asked too often mean that the server limits it, if they are
/// so large a part of all as well: else it is what stands behind those.
const MANY_TIRED: usize = 2;
const PART_TIRED: usize = 4;
/// The pause between two questions to such a server.
const SPACE: Duration = Duration::from_millis(250);
/// Between two looks of a thread at whether another one is at work still.
const TICK: Duration = Duration::from_millis(10);
/// Between two looks of a thread without work at whether there will be any.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Sites that are asked.
pub(crate) struct ProbeScheduler {
    shared: Arc<Shared>,
    heard: Receiver<ProbeEvent>,
    /// How many questions were put.
    put: usize,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to do, or nothing more will come.
    changed: Condvar,
    /// Nobody waits for answers any more.
    over: AtomicBool,
    quick: Duration,
    tell: Sender<ProbeEvent>,
}

#[derive(Default)]
struct State {
    queues: Vec<Queue>,
    numbers: BTreeMap<WebSite, usize>,
    /// The sites that can be asked, in the order in which they will be.
    turns: VecDeque<usize>,
    /// The sites that are left alone for a while.
    resting: Vec<(Instant, usize)>,
    threads: usize,
    /// Of the threads, those without work, and those that wait for a silent site.
    without_work: usize,
    waiting: usize,
    /// Whether no question is begun any more.
    closed: bool,
    /// When the next question may be begun, if they are begun one after the other.
    spaced: Option<Instant>,
}

/// The questions to one site.
struct Queue {
    site: WebSite,
    questions: VecDeque<(usize, Request, Duration)>,
    /// Connections that can take another request.
    kept: Vec<Stream>,
    begun: usize,
    lanes: usize,
    /// Whether it said that it was asked too often, and whether it said anything else.
    was_tired: bool,
    was_well: bool,
    /// Whether it is in `turns` or in `resting`.
    listed: bool,
}

/// A question that is begun.
struct Turn {
    queue: usize,
    number: usize,
    site: WebSite,
    request: Request,
    patience: Duration,
    kept: Option<Stream>,
}

impl ProbeScheduler {
    pub(crate) fn new(quick: Duration) -> Self {
        let (tell, heard) = channel();
        let (state, changed, over) = (Mutex::default(), Condvar::new(), AtomicBool::new(false));
        Self { shared: Arc::new(Shared { state, changed, over, quick, tell }), heard, put: 0 }
    }
}

impl Prober for ProbeScheduler {
    fn send(&mut self, request: ProbeRequest) -> usize {
        let number = self.put;
        self.put += 1;
        let mut state = locked(&self.shared.state);
        if state.closed {
            drop(state);
            self.shared.tell(ProbeEvent::Answered(number, Answer::Nothing));
            return number;
        }
        state.add(number, request);
        self.shared.provide(&mut state);
        number
    }

    fn next_event(&mut self, patience: Duration) -> Option<ProbeEvent> {
        self.heard.recv_timeout(patience).ok()
    }

    fn slow_down(&mut self) {
        locked(&self.shared.state).slow_down();
    }

    fn is_slowed_down(&self) -> bool {
        locked(&self.shared.state).spaced.is_some()
    }

    fn stop_sending(&mut self) -> Vec<usize> {
        let mut state = locked(&self.shared.state);
        state.closed = true;
        state.turns.clear();
        state.resting.clear();
        let mut left = Vec::new();
        for queue in &mut state.queues {
            left.extend(queue.questions.drain(..).map(|(number, ..)| number));
            queue.kept.clear();
        }
        drop(state);
        self.shared.changed.notify_all();
        left
    }
}

impl Drop for ProbeScheduler {
    fn drop(&mut self) {
        // What waits sees it within a tenth of a second.
        self.shared.over.store(true, Ordering::Relaxed);
        self.stop_sending();
    }
}

impl State {
    fn add(&mut self, number: usize, question: ProbeRequest) {
        let ProbeRequest { site, request, patience } = question;
        let queue = match self.numbers.get(&site) {
            Some(&queue) => queue,
            None => {
                let queue = self.queues.len();
                self.numbers.insert(site.clone(), queue);
                self.queues.push(Queue::of(site));
                queue
            }
        };
        self.queues[queue].questions.push_back((number, request, patience));
        self.list(queue);
    }

    /// Gives a site its turn, if it has a question and few of its questions are begun.
    fn list(&mut self, number: usize) {
        let queue = &mut self.queues[number];
        if !queue.listed && !queue.questions.is_empty() && queue.begun < queue.lanes {
            queue.listed = true;
            self.turns.push_back(number);
        }
    }

    /// The question that is begun next, if one can be.
    fn begin(&mut self) -> Option<Turn> {
        let now = Instant::now();
        let rested = self.resting.extract_if(.., |(until, _)| *until <= now);
        self.turns.extend(rested.map(|(_, number)| number));
        if let Some(next) = self.spaced {
            // This thread is one of those at work.
            if now < next || self.at_work() > 1 {
                return None;
            }
            self.spaced = Some(now + SPACE);
        }
        loop {
            let queue = self.turns.pop_front()?;
            let of = &mut self.queues[queue];
            of.listed = false;
            // One that has rested may have a question open: it gets its turn when that is done.
            if of.begun >= of.lanes {
                continue;
            }
            let Some((number, request, patience)) = of.questions.pop_front() else { continue };
            of.begun += 1;
            let (site, kept) = (of.site.clone(), of.kept.pop());
            self.list(queue);
            return Some(Turn { queue, number, site, request, patience, kept });
        }
    }

    /// Notes that a question is done.
    fn done(&mut self, number: usize, kept: Option<Stream>) {
        let closed = self.closed;
        let queue = &mut self.queues[number];
        queue.begun -= 1;
        queue.kept.extend(kept.filter(|_| !closed));
        self.list(number);
    }

    /// Takes note of what a site answered. One that says that it was asked too often is left alone for a
    /// while, and the whole server is spared if it is not the only one.
    fn answered(&mut self, number: usize, answer: &Answer) {
        let Answer::Status(status) = answer else { return };
        let is_tired = matches!(status, 429 | 503);
        let queue = &mut self.queues[number];
        queue.was_tired |= is_tired;
        queue.was_well |= !is_tired;
        let limits = |queue: &&Queue| queue.was_tired && queue.was_well;
        let may_limit = queue.was_tired;
        let many = self.queues.len().div_ceil(PART_TIRED).max(MANY_TIRED);
        if may_limit && self.queues.iter().filter(limits).count() >= many {
            self.slow_down();
        }
        if is_tired {
            self.rest(number);
        }
    }

    fn slow_down(&mut self) {
        self.spaced.get_or_insert_with(Instant::now);
    }

    /// Leaves a site alone for a while, whenever its turn was.
    fn rest(&mut self, number: usize) {
        self.queues[number].lanes = 1;
        if self.closed {
            return;
        }
        self.queues[number].listed = true;
        self.turns.retain(|turn| *turn != number);
        self.resting.retain(|(_, resting)| *resting != number);
        self.resting.push((Instant::now() + REST, number));
    }

    /// How many threads ask, and wait for no silent site.
    fn at_work(&self) -> usize {
        self.threads - self.without_work - self.waiting
    }
}

impl Queue {
    fn of(site: WebSite) -> Self {
        let (questions, kept) = (VecDeque::new(), Vec::new());
        Self {
            site,
            questions,
            kept,
            begun: 0,
            lanes: LANES,
            was_tired: false,
            was_well: false,
            listed: false,
        }
    }
}

impl Shared {
    fn tell(&self, heard: ProbeEvent) {
        // Where nobody listens any more nobody wants to know.
        let _ = self.tell.send(heard);
    }

    /// Sees to it that somebody begins the questions that can be begun.
    fn provide(self: &Arc<Self>, state: &mut State) {
        self.changed.notify_one();
        let wanted = state.turns.len().min(SIDE_BY_SIDE.saturating_sub(state.at_work()));
        for _ in state.without_work..wanted {
            if state.threads >= MAX_THREADS {
                return;
            }
            match self.spawn() {
                Ok(()) => state.threads += 1,
                Err(error) if state.threads == 0 => return self.nobody(state, &error),
                Err(_) => return,
            }
        }
    }

    fn spawn(self: &Arc<Self>) -> io::Result<()> {
        let shared = Arc::clone(self);
        thread::Builder::new().stack_size(STACK).spawn(move || shared.work())?;
        Ok(())
    }

    /// There is no thread, and none can be had.
    fn nobody(&self, state: &mut State, error: &io::Error) {
        for queue in &mut state.queues {
            for (number, ..) in queue.questions.drain(..) {
                let why = format!("no thread can be started: {error}");
                self.tell(ProbeEvent::Answered(number, Answer::Unreachable(why)));
            }
        }
    }

    fn work(self: Arc<Self>) {
        while let Some(turn) = self.next_turn() {
            self.take(turn);
        }
    }

    /// What this thread does next; `None`: it is not needed any more.
    fn next_turn(&self) -> Option<Turn> {
        let mut state = locked(&self.state);
        loop {
            if state.closed || state.at_work() > SIDE_BY_SIDE {
                state.threads -= 1;
                return None;
            }
            if let Some(turn) = state.begin() {
                return Some(turn);
            }
            let rested = state.resting.iter().map(|(until, _)| *until).min();
            let rested = rested.map(|until| until.saturating_duration_since(Instant::now()));
            let spaced = state.spaced.filter(|_| !state.turns.is_empty());
            let spaced = spaced.map(|next| next.saturating_duration_since(Instant::now()));
            // Another one may be at work still.
            let rested = rested.into_iter().chain(spaced.map(|time| time.max(TICK))).min();
            let time = rested.unwrap_or(POLL_INTERVAL).min(POLL_INTERVAL);
            state.without_work += 1;
            let waited = self.changed.wait_timeout(state, time);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.without_work -= 1;
        }
    }

    fn take(self: &Arc<Self>, turn: Turn) {
        let Turn { queue, number, site, request, patience, kept } = turn;
        let (waits, is_slow) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let watch = || {
            let (shared, waits, is_slow) =
                (Arc::clone(self), Arc::clone(&waits), Arc::clone(&is_slow));
            Watch::new(patience, move |waited| shared.look(number, waited, &waits, &is_slow))
        };
        let (answer, rest) = ask(&site, &request, kept, watch);
        // Before it is told: whoever hears it may ask the site again at once.
        locked(&self.state).answered(queue, &answer);
        self.tell(ProbeEvent::Answered(number, answer));
        let shared = Arc::clone(self);
        let go_on = move |_| !shared.over.load(Ordering::Relaxed);
        let kept = rest.and_then(|rest| rest.read(go_on));
        let mut state = locked(&self.state);
        if waits.load(Ordering::Relaxed) {
            state.waiting -= 1;
        }
        state.done(queue, kept);
        self.provide(&mut state);
    }

    /// Looks after a question that has waited so long; `false` if it is given up.
    fn look(
        self: &Arc<Self>,
        number: usize,
        waited: Duration,
        waits: &AtomicBool,
        is_slow: &AtomicBool,
    ) -> bool {
        if waited >= AT_WORK && !waits.swap(true, Ordering::Relaxed) {
            let mut state = locked(&self.state);
            state.waiting += 1;
            self.provide(&mut state);
        }
        if waited >= self.quick && !is_slow.swap(true, Ordering::Relaxed) {
            self.tell(ProbeEvent::Slow(number));
        }
        !self.over.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use stopgap_model::web::Listen;

    use super::*;

    /// Whether a server of so many sites is spared once so many of them answer 503 and 200 by turns.
    fn is_spared(sites: usize, tired: usize) -> bool {
        let mut state = State::default();
        for number in 0..sites {
            let site = WebSite {
                name: format!("n{number}.test"),
                listen: Listen::Port(None, 80),
                tls: false,
                block: number,
            };
            state.queues.push(Queue::of(site));
        }
        for number in 0..tired {
            state.answered(number, &Answer::Status(200));
            state.answered(number, &Answer::Status(503));
        }
        state.spaced.is_some()
    }

    #[test]
    fn two_sites_that_have_enough_have_the_server_spared_only_if_they_are_many_of_it() {
        assert!(!is_spared(2, 1) && is_spared(2, 2) && is_spared(8, 2));
        assert!(!is_spared(62, 2) && !is_spared(62, 15) && is_spared(62, 16));
    }
}
