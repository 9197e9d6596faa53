//! What holds for every catalog and every history.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::subsequence;
use stopgap_model::policy::{Block, Switch};
use stopgap_plan::{Plan, Step};

use super::documents::{block, catalog, document, header, pools, service, withdrawn};
use super::machine::Machine;
use super::seen::{codes, is_quiet};
use super::target::{RULES, Target};

/// A mitigation `M0`, `M1`, … for a package of its own.
#[derive(Debug, Clone)]
struct Offered {
    at: usize,
    revision: u32,
    actions: Vec<Kind>,
    withdrawn: bool,
    is_there: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Block,
    Header,
    Pool,
    SharedPool,
    Service,
}

/// Something that happens between two cycles; the number says to which mitigation.
#[derive(Debug, Clone, Copy)]
enum Event {
    Nothing,
    Fix(usize),
    Break(usize),
    Block(usize),
    Unblock(usize),
    Remove(usize),
    Revise(usize),
    DropAction(usize),
    Withdraw(usize),
    Lose(usize),
    Switch(bool),
    Freeze,
}

const COUNT: usize = 4;

impl Offered {
    fn id(&self) -> String {
        format!("M{}", self.at)
    }

    fn text(&self) -> String {
        let Self { at, revision, actions, .. } = self;
        if self.withdrawn {
            return withdrawn(&self.id(), *revision);
        }
        let action = |(number, kind): (usize, &Kind)| {
            let id = format!("{}.{number}", self.id());
            match kind {
                Kind::Block => block(&id, &format!("word{at}x{number}x{revision}")),
                Kind::Header => header(&id, &format!("x-header-{at}-{number}")),
                Kind::Pool => pools(&id, &["ShopPool"]),
                Kind::SharedPool => pools(&id, &["CartPool", "ShopPool"]),
                Kind::Service => service(&id),
            }
        };
        let actions: String = actions.iter().enumerate().map(action).collect();
        let affected = format!(
            "[[affected]]\nproduct = \"pkg:deb/debian/package{at}\"\n\
             ranges = [{{ introduced = \"1.0\", fixed = \"2.0\" }}]\n"
        );
        document(&self.id(), *revision, &format!("{affected}{actions}"))
    }
}

/// A machine with what is offered to it, and which packages are fixed.
#[derive(Clone)]
struct World {
    machine: Machine,
    offered: Vec<Offered>,
    fixed: BTreeSet<usize>,
}

impl World {
    fn new(targets: &[Target], offered: Vec<Offered>) -> Self {
        let mut world = Self { machine: Machine::with(targets), offered, fixed: BTreeSet::new() };
        world.refresh();
        world
    }

    fn refresh(&mut self) {
        let there = self.offered.iter().filter(|it| it.is_there);
        self.machine.catalog = catalog(&there.map(Offered::text).collect::<Vec<_>>());
        let names: Vec<String> = (0..COUNT).map(|at| format!("package{at}")).collect();
        let version = |at: usize| if self.fixed.contains(&at) { "2.1" } else { "1.1" };
        let versions: Vec<(&str, &str)> =
            names.iter().enumerate().map(|(at, name)| (name.as_str(), version(at))).collect();
        self.machine.packages(&versions);
    }

    fn happens(&mut self, event: Event) {
        let id = |at: usize| format!("M{at}").parse().unwrap();
        let policy = &mut self.machine.policy;
        let mut block = |at: usize, take_back: bool| {
            policy.blocked.insert(id(at), Block { by: "anna".into(), take_back });
        };
        match event {
            Event::Nothing | Event::Freeze => {}
            Event::Fix(at) => drop(self.fixed.insert(at).then_some(())),
            Event::Break(at) => drop(self.fixed.remove(&at).then_some(())),
            Event::Block(at) => block(at, false),
            Event::Remove(at) => block(at, true),
            Event::Unblock(at) => drop(policy.blocked.remove(&id(at))),
            Event::Switch(on) => {
                policy.server = if on { Switch::On } else { Switch::Off("policy.toml".into()) };
            }
            Event::Revise(at) => self.offer(at, |it| it.revision += 1),
            Event::DropAction(at) => self.offer(at, |it| {
                it.revision += 1;
                it.actions.truncate(1);
            }),
            Event::Withdraw(at) => self.offer(at, |it| {
                it.revision += 1;
                it.withdrawn = true;
            }),
            Event::Lose(at) => self.offer(at, |it| it.is_there = !it.is_there),
        }
        self.refresh();
        if matches!(event, Event::Freeze) {
            self.machine.freeze();
        }
    }

    fn offer(&mut self, at: usize, change: impl FnOnce(&mut Offered)) {
        self.offered.iter_mut().filter(|it| it.at == at).take(1).for_each(change_once(change));
    }
}

fn change_once(change: impl FnOnce(&mut Offered)) -> impl FnMut(&mut Offered) {
    let mut change = Some(change);
    move |offered| {
        if let Some(change) = change.take() {
            change(offered);
        }
    }
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Block),
        2 => Just(Kind::Header),
        1 => Just(Kind::Pool),
        1 => Just(Kind::SharedPool),
        1 => Just(Kind::Service),
    ]
}

fn offers() -> impl Strategy<Value = Vec<Offered>> {
    let actions = prop::collection::vec(kind(), 1..3);
    prop::collection::vec(actions, 1..=COUNT).prop_map(|all| {
        let offered =
            |(at, actions)| Offered { at, revision: 1, actions, withdrawn: false, is_there: true };
        all.into_iter().enumerate().map(offered).collect()
    })
}

fn event() -> impl Strategy<Value = Event> {
    let at = 0..COUNT;
    prop_oneof![
        Just(Event::Nothing),
        Just(Event::Freeze),
        any::<bool>().prop_map(Event::Switch),
        (0..9usize, at).prop_map(|(what, at)| match what {
            0 => Event::Fix(at),
            1 => Event::Break(at),
            2 => Event::Block(at),
            3 => Event::Unblock(at),
            4 => Event::Remove(at),
            5 => Event::Revise(at),
            6 => Event::DropAction(at),
            7 => Event::Withdraw(at),
            _ => Event::Lose(at),
        }),
    ]
}

fn world() -> impl Strategy<Value = (Vec<Target>, Vec<Offered>)> {
    (subsequence(RULES.to_vec(), 1..=RULES.len()), offers())
}

fn history() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 0..5)
}

/// The actions that a plan puts in.
fn installs(plan: &Plan) -> Vec<String> {
    let steps = plan.steps.iter().chain(plan.web.iter().map(|change| &change.step));
    let of = |step: &Step| -> Vec<String> {
        match step {
            Step::Insert(placed) => vec![placed.mitigation.to_string()],
            Step::Remove { .. } | Step::Services(_) => Vec::new(),
            Step::Rules { rules, installs, .. } => {
                let put = rules.iter().filter(|rule| installs.contains(&rule.action));
                put.map(|rule| rule.mitigation.to_string()).collect()
            }
        }
    };
    steps.flat_map(of).collect()
}

/// Each mitigation and action with its state, codes and place, in the order of their names.
fn told(plan: &Plan) -> BTreeSet<String> {
    let actions = plan.report.iter().flat_map(|report| &report.actions);
    let actions =
        actions.map(|it| format!("{} {:?} {} {}", it.id, it.state, codes(&it.reason), it.place));
    let whole = plan.report.iter().map(|it| format!("{} {:?} {:?}", it.id, it.state, it.in_force));
    actions.chain(whole).collect()
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn to_plan_twice_leaves_nothing_to_do((targets, offered) in world(), history in history()) {
        let mut world = World::new(&targets, offered);
        for event in std::iter::once(Event::Nothing).chain(history) {
            world.happens(event);
            let first = world.machine.cycle();
            let second = world.machine.plan();
            prop_assert!(is_quiet(&second), "after {event:?}: {:#?}\n{:#?}", first.report, second.report);
        }
    }

    #[test]
    fn to_remove_all_gives_every_byte_back((targets, offered) in world(), history in history()) {
        let mut world = World::new(&targets, offered);
        let before = world.machine.files.clone();
        for event in std::iter::once(Event::Nothing).chain(history) {
            world.happens(event);
            let _ = world.machine.cycle();
        }
        for at in 0..COUNT {
            world.happens(Event::Remove(at));
        }
        let plan = world.machine.cycle();
        prop_assert!(world.machine.is_bare(), "{:#?}", plan.report);
        prop_assert_eq!(&world.machine.files, &before);
        prop_assert!(is_quiet(&world.machine.plan()));
    }

    #[test]
    fn the_order_of_the_catalog_does_not_matter(
        (targets, offered) in world(),
        history in history(),
        order in Just((0..COUNT).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let mut other = offered.clone();
        other.sort_by_key(|it| order[it.at]);
        let (mut one, mut other) = (World::new(&targets, offered), World::new(&targets, other));
        for event in std::iter::once(Event::Nothing).chain(history) {
            one.happens(event);
            other.happens(event);
            prop_assert_eq!(told(&one.machine.cycle()), told(&other.machine.cycle()), "{:?}", event);
        }
        prop_assert_eq!(told(&one.machine.plan()), told(&other.machine.plan()));
    }

    #[test]
    fn what_is_blocked_is_never_installed((targets, offered) in world(), history in history()) {
        let mut world = World::new(&targets, offered);
        for event in std::iter::once(Event::Block(0)).chain(history) {
            world.happens(event);
            let plan = world.machine.cycle();
            let blocked = &world.machine.policy.blocked;
            for id in installs(&plan) {
                prop_assert!(!blocked.contains_key(&id.parse().unwrap()), "{id} is put in: {event:?}");
            }
        }
    }

    #[test]
    fn what_is_switched_off_changes_nothing((targets, offered) in world(), history in history()) {
        let mut world = World::new(&targets, offered);
        let _ = world.machine.cycle();
        let before = world.machine.files.clone();
        for event in history {
            // Only who removes something by its name has it changed while all is switched off.
            if matches!(event, Event::Remove(_)) {
                continue;
            }
            world.happens(event);
            world.happens(Event::Switch(false));
            let _ = world.machine.cycle();
            prop_assert_eq!(&world.machine.files, &before, "{:?}", event);
        }
    }
}
