//! What holds whatever happens on a machine, in whatever order.

use proptest::prelude::*;
use stopgap_model::policy::{Drift, Policy};
use stopgap_model::report::State;
use stopgap_plan::{Order, Plan, Step};

use super::documents::{blocking, document, taking, withdrawn};
use super::machine::{HAPROXY, KINDS, Machine};
use super::world::World;

/// Something that happens between two checks.
#[derive(Debug, Clone)]
enum Event {
    /// The source offers these revisions; 0: it does not have the mitigation; 9: it has withdrawn it.
    Publish(u32, u32),
    Block(bool),
    Remove(bool),
    SwitchOff,
    Hold,
    ReportOnly,
    /// Somebody changes a file of ours, or a line.
    Damage(usize),
    Refuse,
    LoseRecords,
    /// A person lifts all that was decided, and what was wrong is mended.
    Lift,
}

fn event() -> impl Strategy<Value = Event> {
    let revision = || prop_oneof![Just(0_u32), 1_u32..4, Just(9)];
    prop_oneof![
        4 => (revision(), revision()).prop_map(|(a, b)| Event::Publish(a, b)),
        1 => any::<bool>().prop_map(Event::Block),
        1 => any::<bool>().prop_map(Event::Remove),
        1 => Just(Event::SwitchOff),
        1 => Just(Event::Hold),
        1 => Just(Event::ReportOnly),
        2 => (0_usize..3).prop_map(Event::Damage),
        1 => Just(Event::Refuse),
        1 => Just(Event::LoseRecords),
        2 => Just(Event::Lift),
    ]
}

fn publish(world: &mut World, a: u32, b: u32) {
    let document_of = |id: &str, revision: u32| match revision {
        0 => None,
        9 => Some(withdrawn(id, 9)),
        2 => Some(document(id, 2, &taking(id, 1, &format!("x-{id}")))),
        _ => Some(blocking(id, revision, &format!("evil-{id}-{revision}"))),
    };
    let documents: Vec<String> =
        [document_of("A", a), document_of("B", b)].into_iter().flatten().collect();
    world.publish(&documents);
}

/// Somebody changes something of ours, if anything of ours is there.
fn damage(machine: &mut Machine, which: usize) {
    let own: Vec<String> =
        machine.files.keys().filter(|path| path.contains("/stopgap")).cloned().collect();
    match own.get(which % own.len().max(1)) {
        Some(path) if which == 0 => drop(machine.files.remove(path)),
        Some(path) => machine.append(path, "# mine\n"),
        None if machine.main_has("by Stopgap") => machine.cut_lines(HAPROXY, "by Stopgap"),
        None => {}
    }
}

fn happens(world: &mut World, event: &Event) {
    let first = |is_a: bool| if is_a { "A" } else { "B" };
    match event {
        Event::Publish(a, b) => publish(world, *a, *b),
        Event::Block(is_a) => world.block(first(*is_a)),
        Event::Remove(is_a) => world.has_removed(first(*is_a)),
        Event::SwitchOff => world.switch_off(),
        Event::Hold => {
            for offer in &mut world.catalog.offers {
                offer.hold = Some(stopgap_model::Reasons::text("feed acme is stale"));
            }
        }
        Event::ReportOnly => world.policy.drift = Drift::Report,
        Event::Damage(which) => damage(world.server(), *which),
        Event::Refuse => world.server().refused = Some("[emerg] unknown directive".into()),
        Event::LoseRecords => world.installed.web.clear(),
        Event::Lift => {
            world.policy = Policy::everything_on();
            world.server().refused = None;
            for offer in &mut world.catalog.offers {
                offer.hold = None;
            }
        }
    }
}

/// What every plan says of one server, whatever was before.
fn consistent(world: &World, plan: &Plan) -> Result<(), TestCaseError> {
    for change in &plan.web {
        let Step::Rules { rules, installs, removals, .. } = &change.step else {
            panic!("{plan:?}")
        };
        prop_assert!(!installs.is_empty() || !removals.is_empty(), "a change of nothing");
        for action in installs {
            prop_assert!(rules.iter().any(|placed| placed.action == *action), "{action}");
        }
        for out in removals {
            prop_assert!(rules.iter().all(|placed| placed.action != out.action), "{}", out.action);
        }
        prop_assert!(world.machines[0].refused.is_none(), "a server in trouble is left alone");
    }
    for report in &plan.report {
        let is_blocked = world.policy.blocked.contains_key(&report.id);
        prop_assert_eq!(report.blocked, is_blocked);
        prop_assert!(report.state != State::Blocked || is_blocked, "{}", report.id);
        prop_assert!(report.in_force.is_some() || report.state != State::Drifted, "{}", report.id);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_check_that_is_repeated_has_nothing_to_do(
        kind in 0_usize..3,
        events in prop::collection::vec(event(), 1..8),
    ) {
        let mut world = World::new(vec![Machine::usual(KINDS[kind])]);
        for event in &events {
            happens(&mut world, event);
            let plan = world.check();
            consistent(&world, &plan)?;
            let again = world.plan();
            prop_assert!(again.web.is_empty(), "{:?}: {:?}", event, again.web);
        }
    }

    #[test]
    fn who_removes_everything_has_every_byte_back(
        kind in 0_usize..3,
        events in prop::collection::vec(event(), 1..8),
    ) {
        let before = World::new(vec![Machine::usual(KINDS[kind])]);
        let mut world = before.clone();
        let lasting = |event: &&Event| !matches!(event, Event::LoseRecords | Event::Damage(_));
        for event in events.iter().filter(lasting) {
            happens(&mut world, event);
            let _ = world.check();
        }
        happens(&mut world, &Event::Lift);
        let all = ["A", "B"].map(super::world::name);
        world.order = Order { take_back: all.into(), ..Order::default() };
        let _ = world.check();
        prop_assert_eq!(world.files(), before.files());
        prop_assert!(world.installed.web.is_empty());
    }

    #[test]
    fn a_server_that_is_switched_off_changes_only_for_what_was_removed(
        kind in 0_usize..3,
        events in prop::collection::vec(event(), 1..8),
    ) {
        let mut world = World::new(vec![Machine::usual(KINDS[kind])]);
        for event in &events {
            happens(&mut world, event);
            let mut off = world.clone();
            off.switch_off();
            for change in off.plan().web {
                let Step::Rules { installs, removals, .. } = &change.step else { panic!("{change:?}") };
                prop_assert!(installs.is_empty(), "{:?}", installs);
                for out in removals {
                    let block = off.policy.blocked.get(&out.mitigation);
                    prop_assert!(block.is_some_and(|block| block.take_back), "{}", out.why);
                }
            }
            let _ = world.check();
        }
    }
}
