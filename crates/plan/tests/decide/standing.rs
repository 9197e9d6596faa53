//! Situations in which the first cycle has put something in.

use stopgap_model::Fact;
use stopgap_model::policy::{Drift, Switch};
use stopgap_model::report::State;

use super::documents::{SHOP, block, catalog, document, pools, service, shop, withdrawn};
use super::machine::Machine;
use super::matrix::{Row, be_unread, check_everywhere, fail, get_stuck, rest, tamper};
use super::seen::{action, codes, is_quiet};
use super::target::Target;

const STAYS: &[Row] = &[
    Row {
        story: "it stands as it was written",
        happens: |_, _| {},
        state: State::Applied,
        codes: "affected{stands}",
        does: "nothing",
    },
    Row {
        story: "it stands, and was blocked since",
        happens: |machine, _| machine.block("W", false),
        state: State::Applied,
        codes: "installed-and-blocked{stands}",
        does: "nothing",
    },
    Row {
        story: "it stands, and was switched off since",
        happens: |machine, _| machine.policy.server = Switch::Off("policy.toml".into()),
        state: State::Applied,
        codes: "installed-and-switched-off{stands}",
        does: "nothing",
    },
    Row {
        story: "it stands, and its source is in trouble since",
        happens: |machine, _| machine.freeze(),
        state: State::Applied,
        codes: "affected{stands}",
        does: "nothing",
    },
    Row {
        story: "whether it is needed is not known any more",
        happens: |machine, _| {
            machine.facts.packages = Fact::Unknown(stopgap_model::Reasons::text("it ends early"))
        },
        state: State::Unknown,
        codes: "packages-unknown stays",
        does: "nothing",
    },
    Row {
        story: "the product cannot be identified any more",
        happens: |machine, target| {
            let text = shop(target, "W", 2).replace("pkg:deb/debian/shop", "acme/shop");
            machine.catalog = catalog(&[text]);
        },
        state: State::Unsupported,
        codes: "cannot-identify stays",
        does: "nothing",
    },
    Row {
        story: "the configuration cannot be read any more",
        happens: be_unread,
        state: State::Unknown,
        codes: "{unread} stays",
        does: "nothing",
    },
    Row {
        story: "its source lost the permission to ask for it",
        happens: |machine, _| {
            let denied = &mut machine.catalog.offers[0].denied;
            denied.insert("W.1".parse().unwrap(), stopgap_model::Reasons::text("no permission"));
        },
        state: State::Unsupported,
        codes: "not-permitted stays",
        does: "nothing",
    },
    Row {
        story: "a file of an earlier change is still to be put back",
        happens: get_stuck,
        state: State::Failed,
        codes: "not-restored",
        does: "nothing",
    },
    Row {
        story: "another mitigation has an action of the same id",
        happens: |machine, target| {
            let other = document("V", 1, &format!("{SHOP}{}", target.action("W.1", "jndi")));
            machine.catalog = catalog(&[other]);
        },
        state: State::Conflict,
        codes: "action-id-taken",
        does: "nothing",
    },
];

const GOES: &[Row] = &[
    Row {
        story: "the fix was installed",
        happens: |machine, _| machine.shop_is("2.0"),
        state: State::Applied,
        codes: "to-be-withdrawn(has-fix)",
        does: "out",
    },
    Row {
        story: "the package was removed",
        happens: |machine, _| machine.packages(&[]),
        state: State::Applied,
        codes: "to-be-withdrawn(package-not-installed)",
        does: "out",
    },
    Row {
        story: "the fix was installed, and the source is in trouble with this very revision",
        happens: |machine, _| {
            machine.shop_is("2.0");
            machine.freeze();
        },
        state: State::Applied,
        codes: "to-be-withdrawn(has-fix)",
        does: "out",
    },
    Row {
        story: "the fix was installed, and what a source in trouble says of that is new",
        happens: |machine, target| {
            machine.shop_is("2.0");
            machine.catalog = catalog(&[shop(target, "W", 2)]);
            machine.freeze();
        },
        state: State::Applied,
        codes: "kept-while-frozen(has-fix)",
        does: "nothing",
    },
    Row {
        story: "the fix was installed while mitigation is switched off",
        happens: |machine, _| {
            machine.shop_is("2.0");
            machine.policy.server = Switch::Off("policy.toml".into());
        },
        state: State::Applied,
        codes: "not-needed-and-switched-off(has-fix)",
        does: "nothing",
    },
    Row {
        story: "the fix was installed, and it is blocked",
        happens: |machine, _| {
            machine.shop_is("2.0");
            machine.block("W", false);
        },
        state: State::Applied,
        codes: "to-be-withdrawn(has-fix)",
        does: "out",
    },
    Row {
        story: "the fix was installed, and this cycle was asked for another mitigation only",
        happens: |machine, _| {
            machine.shop_is("2.0");
            machine.order.only = Some(["V".parse().unwrap()].into());
        },
        state: State::Applied,
        codes: "to-be-withdrawn(has-fix)",
        does: "nothing",
    },
    Row {
        story: "the fix was installed, and the last try to withdraw it failed",
        happens: |machine, target| {
            machine.shop_is("2.0");
            fail(machine, target);
        },
        state: State::Failed,
        codes: "not-withdrawn(other, has-fix)",
        does: "out",
    },
    Row {
        story: "the fix was installed, and to withdraw it rests",
        happens: |machine, target| {
            machine.shop_is("2.0");
            rest(machine, target);
        },
        state: State::Failed,
        codes: "not-withdrawn(other, has-fix) resting",
        does: "nothing",
    },
    Row {
        story: "the fix was installed, and a file is still to be put back",
        happens: |machine, target| {
            machine.shop_is("2.0");
            get_stuck(machine, target);
        },
        state: State::Failed,
        codes: "not-restored",
        does: "nothing",
    },
];

const REMOVED: &[Row] = &[
    Row {
        story: "an administrator removed it, and the removal was cut short",
        happens: |machine, _| machine.block("W", true),
        state: State::Applied,
        codes: "to-be-withdrawn(removed)",
        does: "out",
    },
    Row {
        story: "an administrator removes it in this cycle",
        happens: |machine, _| machine.order.take_back = ["W".parse().unwrap()].into(),
        state: State::Applied,
        codes: "to-be-withdrawn(removed)",
        does: "out",
    },
    Row {
        story: "an administrator removes it while mitigation is switched off",
        happens: |machine, _| {
            machine.policy.organisation = Switch::Off("feed acme".into());
            machine.block("W", true);
        },
        state: State::Applied,
        codes: "to-be-withdrawn(removed)",
        does: "out",
    },
    Row {
        story: "an administrator removes it though nobody knows whether it is needed",
        happens: |machine, _| {
            machine.facts.packages = Fact::Unknown(stopgap_model::Reasons::text("it ends early"));
            machine.block("W", true);
        },
        state: State::Applied,
        codes: "to-be-withdrawn(removed)",
        does: "out",
    },
    Row {
        story: "an administrator removes what somebody has changed",
        happens: |machine, target| {
            tamper(machine, target);
            machine.block("W", true);
        },
        state: State::Applied,
        codes: "to-be-withdrawn(removed)",
        does: "out",
    },
];

const REVISIONS: &[Row] = &[
    Row {
        story: "a newer revision is offered",
        happens: offer_newer,
        state: State::Applied,
        codes: "another-revision",
        does: "in",
    },
    Row {
        story: "a newer revision is offered by a source in trouble",
        happens: |machine, target| {
            offer_newer(machine, target);
            machine.freeze();
        },
        state: State::Applied,
        codes: "another-revision frozen",
        does: "nothing",
    },
    Row {
        story: "a newer revision is offered, and it is blocked",
        happens: |machine, target| {
            offer_newer(machine, target);
            machine.block("W", false);
        },
        state: State::Applied,
        codes: "another-revision blocked",
        does: "nothing",
    },
    Row {
        story: "a newer revision has another action instead",
        happens: drop_action,
        state: State::Applied,
        codes: "to-be-withdrawn(action-dropped)",
        does: "out",
    },
    Row {
        story: "a newer revision has dropped the action, and mitigation is switched off",
        happens: |machine, target| {
            drop_action(machine, target);
            machine.policy.server = Switch::Off("policy.toml".into());
        },
        state: State::Applied,
        codes: "in-place action-dropped",
        does: "nothing",
    },
    Row {
        story: "a newer revision asks for another kind of change under the same id",
        happens: ask_for_another_kind,
        state: State::Applied,
        codes: "to-be-withdrawn(another-kind)",
        does: "out",
    },
    Row {
        story: "a newer revision asks for another kind of change, and it is blocked",
        happens: |machine, target| {
            ask_for_another_kind(machine, target);
            machine.block("W", false);
        },
        state: State::Applied,
        codes: "affected",
        does: "nothing",
    },
    Row {
        story: "its publisher withdrew it",
        happens: |machine, _| machine.catalog = catalog(&[withdrawn("W", 2)]),
        state: State::Applied,
        codes: "to-be-withdrawn(withdrawn)",
        does: "out",
    },
    Row {
        story: "its publisher withdrew it, and mitigation is switched off",
        happens: |machine, _| {
            machine.catalog = catalog(&[withdrawn("W", 2)]);
            machine.policy.server = Switch::Off("policy.toml".into());
        },
        state: State::Applied,
        codes: "in-place withdrawn",
        does: "nothing",
    },
    Row {
        story: "its publisher withdrew it, and the source is in trouble",
        happens: |machine, _| {
            machine.catalog = catalog(&[withdrawn("W", 2)]);
            machine.freeze();
        },
        state: State::Applied,
        codes: "in-place withdrawn",
        does: "nothing",
    },
    Row {
        story: "its publisher withdrew it, and the last try to do so failed",
        happens: |machine, target| {
            machine.catalog = catalog(&[withdrawn("W", 2)]);
            fail(machine, target);
        },
        state: State::Failed,
        codes: "not-withdrawn(other, withdrawn)",
        does: "out",
    },
];

fn offer_newer(machine: &mut Machine, target: Target) {
    let newer = document("W", 2, &format!("{SHOP}{}", target.action("W.1", "ldap")));
    machine.catalog = catalog(&[newer]);
}

fn drop_action(machine: &mut Machine, target: Target) {
    let other = target.action("W.2", "jndi").replace("ShopPool", "CartPool");
    machine.catalog = catalog(&[document("W", 2, &format!("{SHOP}{other}"))]);
}

fn ask_for_another_kind(machine: &mut Machine, target: Target) {
    let action = match target {
        Target::Service => block("W.1", "jndi"),
        _ => service("W.1"),
    };
    machine.catalog = catalog(&[document("W", 2, &format!("{SHOP}{action}"))]);
}

#[test]
fn what_stands_stays_on_every_target() {
    check_everywhere(STAYS, Machine::protected);
}

#[test]
fn what_is_no_longer_needed_goes_from_every_target() {
    check_everywhere(GOES, Machine::protected);
}

#[test]
fn what_an_administrator_removes_goes_from_every_target() {
    check_everywhere(REMOVED, Machine::protected);
}

#[test]
fn a_newer_revision_is_carried_out_alike_on_every_target() {
    check_everywhere(REVISIONS, Machine::protected);
}

/// The pools that are set not to start, in the order of the file.
fn disabled(machine: &Machine) -> Vec<String> {
    let text = machine.text(Target::Pool.file().0);
    let lines = text.lines().filter(|line| line.contains("autoStart=\"false\""));
    let name = |line: &str| line.split('"').nth(1).map(str::to_owned);
    lines.filter_map(name).collect()
}

#[test]
fn a_newer_revision_sets_its_own_pools_and_gives_the_others_back() {
    const DEFAULT: &str = "DefaultAppPool";
    for (older, newer, set) in [
        (&["ShopPool"][..], &["ShopPool", "CartPool"][..], &["ShopPool", "CartPool"][..]),
        (&["ShopPool", "CartPool"], &["ShopPool"], &["ShopPool"]),
        (&["ShopPool"], &["CartPool"], &["CartPool"]),
        (&["ShopPool", DEFAULT], &[DEFAULT, "CartPool"], &[DEFAULT, "CartPool"]),
    ] {
        let mut machine = Machine::with(&[Target::Pool]);
        let before = machine.files.clone();
        let of = |revision: u32, names: &[&str]| {
            catalog(&[document("W", revision, &format!("{SHOP}{}", pools("W.1", names)))])
        };
        machine.catalog = of(1, older);
        let _ = machine.cycle();
        // That is no drift, so it is done even where drift is only reported.
        machine.policy.drift = Drift::Report;
        machine.catalog = of(2, newer);
        let plan = machine.cycle();
        let report = action(&plan, "W.1");
        assert_eq!(
            (report.state, codes(&report.reason).as_str()),
            (State::Applied, "another-revision")
        );
        assert_eq!(disabled(&machine), set, "{older:?} became {newer:?}");
        assert!(is_quiet(&machine.plan()), "{older:?} became {newer:?}");
        machine.shop_is("2.0");
        let _ = machine.cycle();
        assert_eq!(machine.files, before, "{older:?} became {newer:?}");
    }
}

#[test]
fn a_newer_revision_that_names_the_same_pools_in_another_order_changes_nothing() {
    let mut machine = Machine::with(&[Target::Pool]);
    let of = |revision: u32, names: &[&str]| {
        catalog(&[document("W", revision, &format!("{SHOP}{}", pools("W.1", names)))])
    };
    machine.catalog = of(1, &["ShopPool", "CartPool"]);
    let _ = machine.cycle();
    machine.catalog = of(2, &["cartpool", "shoppool"]);
    let plan = machine.plan();
    assert!(is_quiet(&plan));
    let expected = "affected pools-set-not-to-start";
    assert_eq!(codes(&action(&plan, "W.1").reason), expected);
}

#[test]
fn a_newer_revision_for_a_pool_that_somebody_else_set_records_nothing_of_his() {
    let mut machine = Machine::with(&[Target::Pool]);
    let of = |revision: u32, names: &[&str]| {
        catalog(&[document("W", revision, &format!("{SHOP}{}", pools("W.1", names)))])
    };
    let file = Target::Pool.file().0;
    machine.edit(file, "name=\"CartPool\"", "name=\"CartPool\" autoStart=\"false\"");
    machine.catalog = of(1, &["ShopPool"]);
    let _ = machine.cycle();
    machine.catalog = of(2, &["CartPool"]);
    let plan = machine.cycle();
    assert_eq!(codes(&action(&plan, "W.1").reason), "to-be-withdrawn(other-pools)");
    // What the older revision set starts again, and nothing is recorded of his.
    assert!(disabled(&machine) == ["CartPool"] && machine.is_bare());
    let plan = machine.plan();
    assert!(is_quiet(&plan));
    assert_eq!(action(&plan, "W.1").state, State::Covered);
    machine.shop_is("2.0");
    let _ = machine.cycle();
    assert_eq!(disabled(&machine), ["CartPool"]);
}
