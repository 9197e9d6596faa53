//! IIS, other web servers and what no server carries out, on one machine: planned side by side, none by
//! exclusion of another.

use stopgap_model::Fact;
use stopgap_model::report::State;
use stopgap_plan::Plan;

use super::documents::{SHOP, block, block_in, catalog, document, header, nothing, pools, service};
use super::machine::Machine;
use super::matrix::{be_unread, fail, get_stuck, rest, server_id};
use super::seen::{action, codes, done, is_quiet, report};
use super::target::{RULES, Target, WEB};

/// A machine with IIS and all other web servers, and a mitigation that blocks a word.
fn everything() -> Machine {
    let mut machine = Machine::with(&RULES);
    machine.catalog = catalog(&[document("W", 1, &format!("{SHOP}{}", block("W.1", "jndi")))]);
    machine
}

/// Where a plan puts rules in or takes them out.
fn changed(plan: &Plan) -> Vec<Target> {
    let is_changed = |target: &Target| match server_id(*target) {
        None => !plan.steps.is_empty(),
        Some(id) => plan.web.iter().any(|change| change.server.id() == id),
    };
    RULES.into_iter().filter(is_changed).collect()
}

#[test]
fn a_rule_goes_to_every_server_at_once() {
    let mut machine = everything();
    let plan = machine.cycle();
    assert_eq!(changed(&plan), RULES);
    let first = action(&plan, "W.1");
    assert_eq!((first.state, codes(&first.reason).as_str()), (State::Pending, "affected"));
    let after = machine.plan();
    let then = action(&after, "W.1");
    assert_eq!((then.state, codes(&then.reason).as_str()), (State::Applied, "affected"));
    assert!(is_quiet(&after));
    assert_eq!(after.unchanged.len(), WEB.len());
    for part in ["applicationHost.config", "nginx", "apache2", "haproxy"] {
        assert!(then.place.contains(part), "{part} is named in: {}", then.place);
    }
}

#[test]
fn each_pair_of_servers_is_planned_as_each_of_them_alone() {
    for one in RULES {
        for other in RULES.into_iter().filter(|other| *other != one) {
            let mut machine = Machine::with(&[one, other]);
            machine.catalog = everything().catalog;
            let both = machine.plan();
            for alone in [one, other] {
                let mut machine = Machine::with(&[alone]);
                machine.catalog = everything().catalog;
                let plan = machine.plan();
                match server_id(alone) {
                    None => assert_eq!(plan.edits, both.edits, "{one:?} beside {other:?}"),
                    Some(id) => {
                        let of = |plan: &Plan| {
                            let found = plan.web.iter().find(|change| change.server.id() == id);
                            found.cloned().expect("a change")
                        };
                        assert_eq!(of(&plan), of(&both), "{one:?} beside {other:?}");
                    }
                }
            }
        }
    }
}

/// What happens to one of the servers, and how that leaves the action on it.
struct Trouble {
    story: &'static str,
    happens: fn(&mut Machine, Target),
    state: State,
    codes: &'static str,
}

const TROUBLES: &[Trouble] = &[
    Trouble {
        story: "its configuration cannot be read",
        happens: be_unread,
        state: State::Unknown,
        codes: "on-servers(configuration-unknown) on-servers(affected)",
    },
    Trouble {
        story: "an earlier change of it is still to be put back",
        happens: get_stuck,
        state: State::Failed,
        codes: "on-servers(not-restored) on-servers(affected)",
    },
];

#[test]
fn the_trouble_of_one_server_is_its_own() {
    for Trouble { story, happens, state, codes: expected } in TROUBLES {
        for target in RULES {
            let mut machine = everything();
            happens(&mut machine, target);
            let plan = machine.plan();
            let others: Vec<Target> = RULES.into_iter().filter(|it| *it != target).collect();
            assert_eq!(changed(&plan), others, "{story}: {target:?}");
            let report = action(&plan, "W.1");
            let found = (report.state, codes(&report.reason));
            assert_eq!(found, (*state, (*expected).to_owned()), "{story}: {target:?}");
        }
    }
}

#[test]
fn what_failed_on_one_server_is_tried_again_there_and_first_on_the_others() {
    for target in RULES {
        let mut machine = everything();
        fail(&mut machine, target);
        let plan = machine.plan();
        assert_eq!(changed(&plan), RULES, "{target:?}");
        let report = action(&plan, "W.1");
        assert_eq!(report.state, State::Failed, "{target:?}");
        let expected = "on-servers(last-try-failed) on-servers(affected)";
        assert_eq!(codes(&report.reason), expected, "{target:?}");
    }
}

#[test]
fn what_rests_on_one_server_is_carried_out_on_the_others() {
    for target in RULES {
        let mut alone = Machine::with(&[target]);
        alone.catalog = everything().catalog;
        rest(&mut alone, target);
        let mut machine = everything();
        machine.failures = alone.failures;
        let plan = machine.plan();
        let others: Vec<Target> = RULES.into_iter().filter(|it| *it != target).collect();
        assert_eq!(changed(&plan), others, "{target:?}");
        let expected = "on-servers(last-try-failed resting) on-servers(affected)";
        assert_eq!(codes(&action(&plan, "W.1").reason), expected, "{target:?}");
    }
}

#[test]
fn a_server_that_refuses_its_own_configuration_is_left_alone_and_the_others_are_not() {
    for target in WEB {
        let mut machine = everything();
        let why = "unknown directive in line 3".to_owned();
        machine.refused.insert(server_id(target).unwrap(), why);
        let plan = machine.plan();
        let others: Vec<Target> = RULES.into_iter().filter(|it| *it != target).collect();
        assert_eq!(changed(&plan), others, "{target:?}");
        let report = action(&plan, "W.1");
        let expected =
            "on-servers(left-alone(server-refuses-its-configuration)) on-servers(affected)";
        assert_eq!((report.state, codes(&report.reason).as_str()), (State::Conflict, expected));
    }
}

#[test]
fn a_server_that_nothing_starts_does_not_count_and_is_protected_all_the_same() {
    for target in WEB {
        let mut machine = everything();
        let id = server_id(target).unwrap();
        let server = machine.servers.iter_mut().find(|server| server.id() == id).unwrap();
        server.running = Fact::Known(false);
        server.dormant = Some(stopgap_model::Reasons::text("its unit is disabled"));
        machine.incomplete.insert(id, "a file cannot be read".into());
        let plan = machine.plan();
        let report = action(&plan, "W.1");
        assert_eq!((report.state, codes(&report.reason).as_str()), (State::Pending, "affected"));
        assert!(report.notes.iter().any(|note| note.code() == "dormant"), "{target:?}");
    }
}

#[test]
fn a_scope_is_for_iis_and_the_others_say_that_they_have_none() {
    let mut machine = everything();
    let scoped = block_in("W.1", "Default Web Site", "jndi");
    machine.catalog = catalog(&[document("W", 1, &format!("{SHOP}{scoped}"))]);
    let plan = machine.plan();
    assert_eq!(changed(&plan), [Target::Rule]);
    let report = action(&plan, "W.1");
    assert_eq!(report.state, State::Pending, "{}", report.reason);
    assert!(report.reason.to_string().contains("unsupported"), "{}", report.reason);
}

#[test]
fn rules_pools_services_and_the_heartbeat_of_one_mitigation_are_planned_together() {
    let all = [
        block("W.1", "jndi"),
        header("W.2", "x-middleware-subrequest"),
        pools("W.3", &["ShopPool"]),
        service("W.4"),
        nothing("W.5"),
    ];
    let mut machine = everything();
    machine.catalog = catalog(&[document("W", 1, &format!("{SHOP}{}", all.concat()))]);
    let plan = machine.cycle();
    for (id, state, expected, does) in [
        ("W.1", State::Pending, "affected", "in"),
        ("W.3", State::Pending, "affected", "in"),
        ("W.4", State::Unsupported, "services-by-hand", "nothing"),
        ("W.5", State::Applied, "heartbeat", "nothing"),
    ] {
        let report = action(&plan, id);
        let found = (report.state, codes(&report.reason), done(&plan, id));
        assert_eq!(found, (state, expected.to_owned(), does), "{id}");
    }
    let after = machine.plan();
    assert!(is_quiet(&after));
    assert_eq!(report(&after, "W").state, State::Partial);
    assert_eq!(report(&after, "W").in_place, ["Stopgap W.1", "Stopgap W.2", "pool ShopPool"]);
}

/// Actions on machines where nothing can carry them out.
#[test]
fn what_no_server_is_a_place_for_says_what_is_missing() {
    let rows: &[(&[Target], String, State, &str)] = &[
        (&[], block("W.1", "jndi"), State::Unsupported, "no-web-server"),
        (&[], header("W.1", "x-a"), State::Unsupported, "no-web-server"),
        (&[], pools("W.1", &["ShopPool"]), State::Unsupported, "no-iis"),
        (&[], service("W.1"), State::Unsupported, "services-by-hand"),
        (&[], nothing("W.1"), State::Applied, "heartbeat"),
        (&WEB, pools("W.1", &["ShopPool"]), State::Unsupported, "no-iis"),
        (&WEB, service("W.1"), State::Unsupported, "services-by-hand"),
        (&RULES, service("W.1"), State::Unsupported, "services-by-hand"),
        (&RULES, pools("W.1", &["NoSuchPool"]), State::NotAffected, "no-such-pool"),
    ];
    for (targets, tables, state, expected) in rows {
        let mut machine = Machine::with(targets);
        machine.catalog = catalog(&[document("W", 1, &format!("{SHOP}{tables}"))]);
        let plan = machine.plan();
        let report = action(&plan, "W.1");
        let found = (report.state, codes(&report.reason));
        assert_eq!(found, (*state, (*expected).to_owned()), "{tables} on {targets:?}");
        assert!(is_quiet(&plan), "{tables} on {targets:?}");
        machine.shop_is("2.0");
        let plan = machine.plan();
        let report = action(&plan, "W.1");
        let found = (report.state, codes(&report.reason));
        assert_eq!(found, (State::NotAffected, "has-fix".to_owned()), "{tables} on {targets:?}");
    }
}

#[test]
fn the_heartbeat_reports_a_block_and_a_source_in_trouble() {
    let mut machine = Machine::with(&[]);
    machine.catalog = catalog(&[document("W", 1, &nothing("W.1"))]);
    let state = |machine: &Machine| {
        let plan = machine.plan();
        (action(&plan, "W.1").state, codes(&action(&plan, "W.1").reason))
    };
    machine.freeze();
    assert_eq!(state(&machine), (State::Pending, "frozen".to_owned()));
    machine.block("W", false);
    assert_eq!(state(&machine), (State::Blocked, "blocked".to_owned()));
}
