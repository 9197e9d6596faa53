//! Situations in which nothing is in place yet.

use stopgap_model::Fact;
use stopgap_model::policy::Switch;
use stopgap_model::report::State;

use super::documents::{catalog, document, shop, withdrawn};
use super::machine::Machine;
use super::matrix::{Row, be_unread, check_everywhere, fail, get_stuck, rest};
use super::seen::{codes, done, is_quiet, report};
use super::target::{TARGETS, Target};

const FOR_WHOM: &[Row] = &[
    Row {
        story: "the vulnerable version of the package is installed",
        happens: |_, _| {},
        state: State::Pending,
        codes: "affected",
        does: "in",
    },
    Row {
        story: "the fix was installed before Stopgap came",
        happens: |machine, _| machine.shop_is("2.0"),
        state: State::NotAffected,
        codes: "has-fix",
        does: "nothing",
    },
    Row {
        story: "the hole came with a later version",
        happens: |machine, _| machine.shop_is("0.9"),
        state: State::NotAffected,
        codes: "older-than-affected",
        does: "nothing",
    },
    Row {
        story: "the package is not installed",
        happens: |machine, _| machine.packages(&[("cart", "1.5")]),
        state: State::NotAffected,
        codes: "package-not-installed",
        does: "nothing",
    },
    Row {
        story: "no package manager is here",
        happens: |machine, _| machine.facts.packages = Fact::Absent,
        state: State::NotAffected,
        codes: "no-package-manager",
        does: "nothing",
    },
    Row {
        story: "the list of packages is damaged",
        happens: |machine, _| {
            machine.facts.packages = Fact::Unknown(stopgap_model::Reasons::text("it ends early"))
        },
        state: State::Unknown,
        codes: "packages-unknown",
        does: "nothing",
    },
    Row {
        story: "the version of the package is no version",
        happens: |machine, _| machine.shop_is(""),
        state: State::Unknown,
        codes: "version-unknown",
        does: "nothing",
    },
    Row {
        story: "the product is one that nothing can find",
        happens: |machine, target| for_product(machine, target, "acme/shop"),
        state: State::Unsupported,
        codes: "cannot-identify",
        does: "nothing",
    },
    Row {
        story: "the product is a library that nobody declared",
        happens: |machine, target| for_product(machine, target, "pkg:npm/shop"),
        state: State::NotAffected,
        codes: "undeclared",
        does: "nothing",
    },
    Row {
        story: "the mitigation names no product",
        happens: |machine, target| {
            let text = document("W", 1, &target.action("W.1", "jndi"));
            machine.catalog = catalog(&[text]);
        },
        state: State::Pending,
        codes: "for-every-server",
        does: "in",
    },
];

const WHAT_IS_ALLOWED: &[Row] = &[
    Row {
        story: "an administrator blocked it",
        happens: |machine, _| machine.block("W", false),
        state: State::Blocked,
        codes: "blocked",
        does: "nothing",
    },
    Row {
        story: "an administrator removed it before it was ever installed",
        happens: |machine, _| machine.block("W", true),
        state: State::Blocked,
        codes: "removed",
        does: "nothing",
    },
    Row {
        story: "another mitigation is blocked",
        happens: |machine, _| machine.block("V", false),
        state: State::Pending,
        codes: "affected",
        does: "in",
    },
    Row {
        story: "mitigation is switched off on this server",
        happens: |machine, _| machine.policy.server = Switch::Off("policy.toml".into()),
        state: State::Pending,
        codes: "switched-off affected",
        does: "nothing",
    },
    Row {
        story: "mitigation is switched off for the organisation",
        happens: |machine, _| machine.policy.organisation = Switch::Off("feed acme".into()),
        state: State::Pending,
        codes: "switched-off affected",
        does: "nothing",
    },
    Row {
        story: "blocked and switched off: the block is what is reported",
        happens: |machine, _| {
            machine.policy.server = Switch::Off("policy.toml".into());
            machine.block("W", false);
        },
        state: State::Blocked,
        codes: "blocked",
        does: "nothing",
    },
    Row {
        story: "its source is in trouble",
        happens: |machine, _| machine.freeze(),
        state: State::Pending,
        codes: "frozen affected",
        does: "nothing",
    },
    Row {
        story: "its source may not ask for such an action",
        happens: |machine, _| deny(machine),
        state: State::Unsupported,
        codes: "not-permitted",
        does: "nothing",
    },
    Row {
        story: "its source may not ask for it, and the server is fixed anyway",
        happens: |machine, _| {
            deny(machine);
            machine.shop_is("2.0");
        },
        state: State::NotAffected,
        codes: "has-fix",
        does: "nothing",
    },
    Row {
        story: "this cycle was asked for another mitigation only",
        happens: |machine, _| machine.order.only = Some(["V".parse().unwrap()].into()),
        state: State::Pending,
        codes: "affected",
        does: "nothing",
    },
    Row {
        story: "this cycle was asked for this mitigation only",
        happens: |machine, _| machine.order.only = Some(["W".parse().unwrap()].into()),
        state: State::Pending,
        codes: "affected",
        does: "in",
    },
];

const WHAT_WENT_WRONG: &[Row] = &[
    Row {
        story: "the last try failed, and something has changed since",
        happens: fail,
        state: State::Failed,
        codes: "last-try-failed",
        does: "in",
    },
    Row {
        story: "the last try failed, and the same would be tried again",
        happens: rest,
        state: State::Failed,
        codes: "last-try-failed resting",
        does: "nothing",
    },
    Row {
        story: "it rests, and an administrator asks for it by name",
        happens: |machine, target| {
            rest(machine, target);
            machine.order.reapply.insert("W".parse().unwrap());
        },
        state: State::Failed,
        codes: "last-try-failed",
        does: "in",
    },
    Row {
        story: "it rested, and its time is over",
        happens: |machine, target| {
            rest(machine, target);
            machine.failures.wake(1_800_000_000);
        },
        state: State::Failed,
        codes: "last-try-failed",
        does: "in",
    },
    Row {
        story: "it rested for long enough, but for a second",
        happens: |machine, target| {
            rest(machine, target);
            machine.failures.wake(1_799_999_999);
        },
        state: State::Failed,
        codes: "last-try-failed resting",
        does: "nothing",
    },
    Row {
        story: "it failed, and was blocked since",
        happens: |machine, target| {
            fail(machine, target);
            machine.block("W", false);
        },
        state: State::Blocked,
        codes: "blocked",
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
        story: "a file is still to be put back, and nothing was to be done anyway",
        happens: |machine, target| {
            get_stuck(machine, target);
            machine.shop_is("2.0");
        },
        state: State::NotAffected,
        codes: "has-fix",
        does: "nothing",
    },
    Row {
        story: "the configuration cannot be read",
        happens: be_unread,
        state: State::Unknown,
        codes: "{unread}",
        does: "nothing",
    },
    Row {
        story: "the configuration cannot be read, and the server is fixed anyway",
        happens: |machine, target| {
            be_unread(machine, target);
            machine.shop_is("2.0");
        },
        state: State::NotAffected,
        codes: "has-fix",
        does: "nothing",
    },
];

fn for_product(machine: &mut Machine, target: Target, product: &str) {
    let text = shop(target, "W", 1).replace("pkg:deb/debian/shop", product);
    machine.catalog = catalog(&[text]);
}

fn deny(machine: &mut Machine) {
    let why = stopgap_model::Reasons::text("the feed acme has no permission for it");
    for offer in &mut machine.catalog.offers {
        offer.denied.insert("W.1".parse().unwrap(), why.clone());
    }
}

#[test]
fn whether_it_is_for_the_server_is_the_same_answer_on_every_target() {
    check_everywhere(FOR_WHOM, Machine::affected);
}

#[test]
fn what_is_not_allowed_is_not_installed_on_any_target() {
    check_everywhere(WHAT_IS_ALLOWED, Machine::affected);
}

#[test]
fn what_went_wrong_is_reported_alike_on_every_target() {
    check_everywhere(WHAT_WENT_WRONG, Machine::affected);
}

#[test]
fn what_its_publisher_withdrew_is_reported_and_not_installed() {
    for target in TARGETS {
        let mut machine = Machine::affected(target);
        machine.catalog = catalog(&[withdrawn("W", 2)]);
        let plan = machine.plan();
        let report = report(&plan, "W");
        assert_eq!((report.state, report.revision), (State::NotAffected, 2), "{target:?}");
        assert_eq!(codes(&report.reason), "withdrawn", "{target:?}");
        assert!(is_quiet(&plan), "{target:?}");
    }
}

#[test]
fn what_is_pending_is_in_no_record_until_it_is_carried_out() {
    for target in TARGETS {
        let mut machine = Machine::affected(target);
        let before = report(&machine.plan(), "W").in_force;
        let plan = machine.cycle();
        assert_eq!(done(&plan, "W.1"), "in", "{target:?}");
        let after = machine.plan();
        assert_eq!((before, report(&after, "W").in_force), (None, Some(1)), "{target:?}");
        assert_eq!(report(&after, "W").in_place.len(), 1, "{target:?}");
    }
}
