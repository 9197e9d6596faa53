//! Situations in which somebody changed what stands, or nobody knows it any more.

use stopgap_model::Catalog;
use stopgap_model::policy::{Drift, Switch};
use stopgap_model::report::State;

use super::machine::Machine;
use super::matrix::{Row, check, check_everywhere, fail, get_stuck, lose, rest, tamper};
use super::seen::{action, codes, done};
use super::target::{RULES, TARGETS};

const CHANGED: &[Row] = &[
    Row {
        story: "somebody edited it",
        happens: tamper,
        state: State::Drifted,
        codes: "{drift}",
        does: "in",
    },
    Row {
        story: "somebody edited it, and the policy has that reported",
        happens: |machine, target| {
            tamper(machine, target);
            machine.policy.drift = Drift::Report;
        },
        state: State::Drifted,
        codes: "{drift} reported-only",
        does: "nothing",
    },
    Row {
        story: "the policy has it reported, and an administrator asks to put it right",
        happens: |machine, target| {
            tamper(machine, target);
            machine.policy.drift = Drift::Report;
            machine.order.reapply.insert("W".parse().unwrap());
        },
        state: State::Drifted,
        codes: "{drift}",
        does: "in",
    },
    Row {
        story: "somebody edited it, and it is blocked",
        happens: |machine, target| {
            tamper(machine, target);
            machine.block("W", false);
        },
        state: State::Drifted,
        codes: "{drift} blocked",
        does: "nothing",
    },
    Row {
        story: "somebody edited it, and mitigation is switched off",
        happens: |machine, target| {
            tamper(machine, target);
            machine.policy.server = Switch::Off("policy.toml".into());
        },
        state: State::Drifted,
        codes: "{drift} switched-off",
        does: "nothing",
    },
    Row {
        story: "somebody edited it, and to repair this very revision a source in trouble is no hindrance",
        happens: |machine, target| {
            tamper(machine, target);
            machine.freeze();
        },
        state: State::Drifted,
        codes: "{drift}",
        does: "in",
    },
    Row {
        story: "somebody edited it, and the last try to put it right failed",
        happens: |machine, target| {
            tamper(machine, target);
            fail(machine, target);
        },
        state: State::Failed,
        codes: "{drift} last-try-failed",
        does: "in",
    },
    Row {
        story: "somebody edited it, and to put it right rests",
        happens: |machine, target| {
            tamper(machine, target);
            rest(machine, target);
        },
        state: State::Failed,
        codes: "{drift} last-try-failed resting",
        does: "nothing",
    },
    Row {
        story: "somebody edited it, and a file is still to be put back",
        happens: |machine, target| {
            tamper(machine, target);
            get_stuck(machine, target);
        },
        state: State::Failed,
        codes: "not-restored",
        does: "nothing",
    },
    Row {
        story: "somebody edited it, and this cycle was asked for another mitigation only",
        happens: |machine, target| {
            tamper(machine, target);
            machine.order.only = Some(["V".parse().unwrap()].into());
        },
        state: State::Drifted,
        codes: "{drift}",
        does: "nothing",
    },
];

const ORPHANS: &[Row] = &[
    Row {
        story: "the catalog does not have it any more",
        happens: |machine, _| machine.catalog = Catalog::default(),
        state: State::Applied,
        codes: "not-in-catalog",
        does: "nothing",
    },
    Row {
        story: "the catalog does not have it, and the server is fixed",
        happens: |machine, _| {
            machine.catalog = Catalog::default();
            machine.shop_is("2.0");
        },
        state: State::Applied,
        codes: "not-in-catalog",
        does: "nothing",
    },
    Row {
        story: "the catalog does not have it, and an administrator removed it",
        happens: |machine, _| {
            machine.catalog = Catalog::default();
            machine.block("W", true);
        },
        state: State::Applied,
        codes: "to-be-withdrawn(removed)",
        does: "out",
    },
    Row {
        story: "the catalog does not have it, and an administrator removes it in this cycle",
        happens: |machine, _| {
            machine.catalog = Catalog::default();
            machine.order.take_back.insert("W".parse().unwrap());
        },
        state: State::Applied,
        codes: "to-be-withdrawn(removed)",
        does: "out",
    },
    Row {
        story: "the catalog does not have it, and somebody took it out",
        happens: |machine, target| {
            machine.catalog = Catalog::default();
            lose(machine, target);
        },
        state: State::Drifted,
        codes: "lost-and-not-in-catalog {lost}",
        does: "nothing",
    },
    Row {
        story: "the catalog does not have it, and a file is still to be put back",
        happens: |machine, target| {
            machine.catalog = Catalog::default();
            get_stuck(machine, target);
        },
        state: State::Failed,
        codes: "not-restored",
        does: "nothing",
    },
];

const WITHOUT_RECORDS: &[Row] = &[
    Row {
        story: "the records were lost",
        happens: |machine, _| machine.installed = Default::default(),
        state: State::Applied,
        codes: "affected known-by-text",
        does: "in",
    },
    Row {
        story: "the records were lost, and the server is fixed",
        happens: |machine, _| {
            machine.installed = Default::default();
            machine.shop_is("2.0");
        },
        state: State::Applied,
        codes: "to-be-withdrawn(has-fix) known-by-text",
        does: "out",
    },
    Row {
        story: "the records were lost, and an administrator removes it",
        happens: |machine, _| {
            machine.installed = Default::default();
            machine.order.take_back.insert("W".parse().unwrap());
        },
        state: State::Applied,
        codes: "to-be-withdrawn(removed) known-by-text",
        does: "out",
    },
];

#[test]
fn what_somebody_changed_is_reported_and_put_right_on_every_target() {
    check_everywhere(CHANGED, Machine::protected);
}

#[test]
fn what_is_in_no_catalog_stays_on_every_target() {
    check_everywhere(ORPHANS, Machine::protected);
}

#[test]
fn rules_are_known_by_their_text_on_every_server_where_the_records_are_lost() {
    check(WITHOUT_RECORDS, &RULES, Machine::protected);
}

#[test]
fn what_is_known_by_its_text_gets_a_record_and_no_edit() {
    for target in RULES {
        let mut machine = Machine::protected(target);
        let recorded = machine.installed.clone();
        machine.installed = Default::default();
        let plan = machine.cycle();
        assert_eq!(plan.all_edits().count(), 0, "{target:?}");
        assert_eq!(done(&plan, "W.1"), "in", "{target:?}");
        assert_eq!(machine.installed.actions.len(), recorded.actions.len(), "{target:?}");
        assert_eq!(machine.installed.web, recorded.web, "{target:?}");
        let next = machine.plan();
        assert_eq!(codes(&action(&next, "W.1").reason), "affected", "{target:?}");
    }
}

#[test]
fn what_is_put_right_is_to_the_byte_what_it_was() {
    for target in TARGETS {
        let mut machine = Machine::protected(target);
        let state = |machine: &Machine| (machine.files.clone(), machine.facts.services.clone());
        let before = state(&machine);
        tamper(&mut machine, target);
        assert_ne!(state(&machine), before, "{target:?}");
        let _ = machine.cycle();
        assert_eq!(state(&machine), before, "{target:?}");
    }
}
