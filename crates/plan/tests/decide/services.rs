//! What only services have: those that are never disabled, those that somebody else disabled, what stops with
//! them, and what two actions disable together.

use stopgap_model::Fact;
use stopgap_model::reason::ServiceReason;
use stopgap_model::report::State;
use stopgap_model::service::{Activity, StartMode, StopsToo};
use stopgap_plan::{Plan, ServicesStep, Step};

use super::documents::{SHOP, catalog, document, services};
use super::machine::Machine;
use super::seen::{action, codes, done, is_quiet, report};
use super::target::Target;

fn machine(names: &[&str]) -> Machine {
    let mut machine = Machine::with(&[Target::Service]);
    machine.catalog = catalog(&[shop("W", 1, names)]);
    machine
}

fn shop(id: &str, revision: u32, names: &[&str]) -> String {
    document(id, revision, &format!("{SHOP}{}", services(&format!("{id}.1"), names)))
}

/// A further service of this machine, like its spooler.
fn add(machine: &mut Machine, name: &str) {
    let mut facts = machine.service_facts("Spooler").clone();
    facts.service.name = name.to_owned();
    facts.stops_too.clear();
    let Fact::Known(all) = &mut machine.facts.services else { panic!("no services") };
    all.insert(name.to_owned(), Fact::Known(facts));
}

fn told(plan: &Plan, id: &str) -> (State, String, &'static str) {
    let report = action(plan, id);
    (report.state, codes(&report.reason), done(plan, id))
}

fn step<'p>(plan: &'p Plan, id: &str) -> &'p ServicesStep {
    let mut steps = plan.services.iter().filter_map(|step| match step {
        Step::Services(step) if step.action.as_str() == id => Some(&**step),
        _ => None,
    });
    steps.next().unwrap_or_else(|| panic!("no step of {id}: {:#?}", plan.services))
}

#[test]
fn what_stops_with_a_service_is_in_the_plan_by_name() {
    let plan = machine(&["Spooler", "Fax"]).plan();
    let report = action(&plan, "W.1");
    assert_eq!(report.place, "Spooler, Fax");
    let notes: Vec<String> = report.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "with Spooler stop, since they need it: Report",
            "with Spooler stops what would start it again: spooler.socket",
            "Fax does not run at the moment; it is kept from starting",
        ]
    );
    let captured = &step(&plan, "W.1").disables[0].service.original;
    assert!(captured.ran && !captured.was_disabled, "{captured:?}");
    assert_eq!(captured.setup.0, "automatic");
    assert_eq!(captured.stops_too.len(), 2);
}

#[test]
fn how_a_service_is_decides_what_is_done_with_it() {
    type Row = (&'static str, fn(&mut Machine), State, &'static str, &'static str);
    let rows: &[Row] = &[
        (
            "it is not here",
            |it| forget(it, "Spooler"),
            State::NotAffected,
            "no-such-service",
            "nothing",
        ),
        (
            "somebody else disabled and stopped it",
            |it| it.service_off("Spooler"),
            State::Covered,
            "services-disabled-already",
            "nothing",
        ),
        (
            "somebody else disabled it, and it runs",
            |it| it.service("Spooler").start_mode = StartMode::Disabled,
            State::Unsupported,
            "service-runs-though-disabled",
            "nothing",
        ),
        (
            "it cannot be given back exactly",
            |it| it.service("Spooler").obstacle = Some("its file is in the way".into()),
            State::Unsupported,
            "service-not-changeable",
            "nothing",
        ),
        (
            "it is of the closed list by its own name",
            |it| it.service("Spooler").name = "sshd.service".into(),
            State::Unsupported,
            "service-never-disabled",
            "nothing",
        ),
        (
            "the network would stop with it",
            |it| it.service_facts("Spooler").stops_too.push(too("NetworkManager.service")),
            State::Unsupported,
            "service-never-stopped",
            "nothing",
        ),
        (
            "the service manager does not say how it is",
            |it| unknown(it, "Spooler"),
            State::Unknown,
            "services-unknown",
            "nothing",
        ),
        (
            "it does not run now",
            |it| it.service("Spooler").activity = Activity::Stopped,
            State::Pending,
            "affected",
            "in",
        ),
        (
            "it is on its way to run",
            |it| it.service("Spooler").activity = Activity::Starting,
            State::Pending,
            "affected",
            "in",
        ),
    ];
    for (story, happens, state, expected, does) in rows {
        let mut machine = machine(&["Spooler"]);
        happens(&mut machine);
        let plan = machine.plan();
        assert_eq!(told(&plan, "W.1"), (*state, (*expected).to_owned(), *does), "{story}");
    }
}

fn too(name: &str) -> StopsToo {
    StopsToo { name: name.to_owned(), activates: false }
}

fn forget(machine: &mut Machine, name: &str) {
    let Fact::Known(all) = &mut machine.facts.services else { panic!("no services") };
    all.insert(name.to_owned(), Fact::Absent);
}

fn unknown(machine: &mut Machine, name: &str) {
    let Fact::Known(all) = &mut machine.facts.services else { panic!("no services") };
    all.insert(
        name.to_owned(),
        Fact::Unknown(ServiceReason::Unknown { why: "it does not answer".into() }.into()),
    );
}

/// What one service of several is does not count for the others only where that is safe.
#[test]
fn of_several_services_those_that_are_here_count_and_one_that_is_forbidden_keeps_all() {
    let mut one = machine(&["Spooler", "NoSuch"]);
    forget(&mut one, "NoSuch");
    let plan = one.cycle();
    assert_eq!(done(&plan, "W.1"), "in");
    assert_eq!(told(&one.plan(), "W.1").0, State::Applied);
    let mut one = machine(&["Spooler", "sshd"]);
    add(&mut one, "sshd");
    assert_eq!(told(&one.plan(), "W.1").0, State::Unsupported);
    // What somebody else disabled stays his, and is not given back by us.
    let mut one = machine(&["Spooler", "Fax"]);
    one.service_off("Fax");
    let plan = one.cycle();
    let disables: Vec<&str> =
        step(&plan, "W.1").disables.iter().map(|it| it.service.name.as_str()).collect();
    assert_eq!(disables, ["Spooler"]);
    assert_eq!(told(&one.plan(), "W.1").0, State::Applied);
    one.shop_is("2.0");
    let _ = one.cycle();
    assert!(one.service("Fax").is_off() && one.service("Spooler").runs());
}

#[test]
fn drift_is_put_right_and_what_was_before_the_first_change_is_given_back() {
    for (drift, expected) in [
        (StartMode::Automatic, "service-enabled-again"),
        (StartMode::OnDemand, "service-enabled-again"),
        (StartMode::Disabled, "service-started-again"),
    ] {
        let mut machine = machine(&["Spooler"]);
        let _ = machine.cycle();
        machine.service("Spooler").start_mode = drift;
        machine.service("Spooler").activity = Activity::Running;
        machine.service("Spooler").setup.0 = "as somebody else wants it".into();
        let plan = machine.cycle();
        assert_eq!(told(&plan, "W.1"), (State::Drifted, expected.into(), "in"));
        let disabled = &step(&plan, "W.1").disables[0];
        assert_eq!(disabled.service.original.setup.0, "automatic");
        assert_eq!(disabled.before.setup.0, "as somebody else wants it");
        assert!(is_quiet(&machine.plan()));
        machine.shop_is("2.0");
        let plan = machine.cycle();
        assert_eq!(step(&plan, "W.1").gives_back[0].original.setup.0, "automatic");
        assert!(machine.installed.services.is_empty());
    }
    let mut machine = machine(&["Spooler"]);
    let _ = machine.cycle();
    machine.service("Spooler").activity = Activity::Stopping;
    assert_eq!(told(&machine.plan(), "W.1").1, "service-still-stops");
}

#[test]
fn a_service_that_two_mitigations_disable_is_given_back_by_the_last_of_them() {
    let mut machine = machine(&["Spooler"]);
    machine.catalog = catalog(&[shop("W", 1, &["Spooler"]), shop("X", 1, &["Spooler", "Fax"])]);
    let plan = machine.cycle();
    // Both are planned at once, and both know how it was before either of them.
    for id in ["W.1", "X.1"] {
        let original = &step(&plan, id).disables[0].service.original;
        assert!(original.ran && original.setup.0 == "automatic", "{id}: {original:?}");
    }
    assert!(step(&plan, "X.1").disables[0].before.was_disabled, "W.1 has disabled it by then");
    assert!(is_quiet(&machine.plan()));
    machine.order.take_back.insert("W".parse().unwrap());
    machine.block("W", true);
    let plan = machine.cycle();
    assert!(step(&plan, "W.1").gives_back.is_empty(), "X.1 still holds it");
    assert!(machine.service("Spooler").is_off());
    machine.order = stopgap_plan::Order::default();
    assert_eq!(told(&machine.plan(), "X.1").0, State::Applied);
    machine.shop_is("2.0");
    let plan = machine.cycle();
    let back: Vec<&str> = step(&plan, "X.1").gives_back.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(back, ["Spooler", "Fax"]);
    assert!(machine.service("Spooler").runs() && !machine.service("Fax").runs());
}

#[test]
fn both_holders_that_go_at_once_give_a_service_back_once() {
    let mut machine = machine(&["Spooler"]);
    machine.catalog = catalog(&[shop("W", 1, &["Spooler"]), shop("X", 1, &["Spooler"])]);
    let _ = machine.cycle();
    machine.shop_is("2.0");
    let plan = machine.cycle();
    let back = ["W.1", "X.1"].map(|id| step(&plan, id).gives_back.len());
    assert_eq!(back, [0, 1]);
    assert!(machine.service("Spooler").runs() && machine.installed.services.is_empty());
}

#[test]
fn another_revision_gives_back_what_it_does_not_name_any_more() {
    let mut machine = machine(&["Spooler", "Fax"]);
    let _ = machine.cycle();
    machine.catalog = catalog(&[shop("W", 2, &["Fax"])]);
    let plan = machine.cycle();
    assert_eq!(told(&plan, "W.1"), (State::Applied, "another-revision".into(), "in"));
    let of = step(&plan, "W.1");
    assert_eq!((of.disables.len(), of.gives_back.len()), (1, 1));
    assert!(machine.service("Spooler").runs() && machine.service("Fax").is_off());
    assert!(is_quiet(&machine.plan()));
    assert_eq!(report(&machine.plan(), "W").in_place, ["Fax"]);
}

#[test]
fn an_action_that_takes_a_service_over_holds_it_before_the_other_lets_go() {
    let mut machine = machine(&["Spooler"]);
    let _ = machine.cycle();
    let renamed = document("W", 2, &format!("{SHOP}{}", services("W.2", &["Spooler"])));
    machine.catalog = catalog(&[renamed]);
    let plan = machine.cycle();
    assert_eq!((done(&plan, "W.2"), done(&plan, "W.1")), ("in", "out"));
    let steps: Vec<_> =
        plan.services.iter().flat_map(Step::actions).map(ToString::to_string).collect();
    assert_eq!(steps, ["W.2", "W.1"]);
    // Should the first one fail, the second gives it back.
    assert_eq!(step(&plan, "W.1").gives_back.len(), 1);
    assert!(machine.service("Spooler").is_off());
    assert!(is_quiet(&machine.plan()));
    machine.shop_is("2.0");
    let _ = machine.cycle();
    assert!(machine.service("Spooler").runs());
}

#[test]
fn where_no_service_manager_can_be_asked_any_more_what_is_disabled_is_unknown_and_stays() {
    let mut machine = machine(&["Spooler"]);
    let _ = machine.cycle();
    machine.facts.services = Fact::Absent;
    let plan = machine.plan();
    assert_eq!(told(&plan, "W.1"), (State::Unknown, "no-service-manager stays".into(), "nothing"));
}
