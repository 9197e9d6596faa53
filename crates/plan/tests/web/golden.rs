//! What a report says of a machine with three servers, word for word, through a week.

use std::fmt::Write as _;

use stopgap_model::WebKind;

use super::documents::{answering, block, blocking, document, for_product, taking, withdrawn};
use super::machine::{APACHE_OWN, KINDS, Machine, NGINX, SITE_B};
use super::told::{done, files};
use super::world::World;

/// What a plan says, as a person would read it, and what is done.
fn told(day: &str, world: &World) -> String {
    let plan = world.plan();
    let mut text = format!("== {day}\n");
    for report in &plan.report {
        let _ = writeln!(text, "{} {}: {}", report.id, report.state.as_str(), report.reason);
        for action in &report.actions {
            let _ = writeln!(text, "  {} {}", action.id, action.state.as_str());
            if !action.place.is_empty() {
                let _ = writeln!(text, "    at {}", action.place);
            }
            for note in &action.notes {
                let _ = writeln!(text, "    note: {note}");
            }
        }
    }
    for (change, line) in plan.web.iter().zip(done(&plan, true).split("; ")) {
        let _ = match files(change).as_str() {
            "" => writeln!(text, "-> {line}, no file"),
            files => writeln!(text, "-> {line}: {files}"),
        };
    }
    text
}

/// What is published: a rule for all, two actions that not every server can say, and one for nginx alone.
fn published() -> Vec<String> {
    let headers = format!("{}{}", taking("HEADERS", 1, "x-evil"), answering("HEADERS", 2));
    let range = "{ introduced = \"1.26.0\", fixed = \"1.26.4\" }";
    vec![
        blocking("A", 1, "evil"),
        document("HEADERS", 1, &headers),
        for_product("NGINX", 1, "nginx/nginx", range),
    ]
}

#[test]
fn a_week_of_a_machine_with_three_servers() {
    let mut machines = KINDS.map(Machine::usual).to_vec();
    machines[0].fixed.push(SITE_B.into());
    machines[2].server.running = stopgap_model::Fact::Known(false);
    let mut world = World::with(machines, &published());
    let mut text = told("Monday: three mitigations come", &world);
    let _ = world.check();
    text += &told("Tuesday: they are in place", &world);
    world.machines[0].cut_lines(NGINX, "stopgap-http");
    world.machines[1].append(APACHE_OWN, "# mine\n");
    text += &told("Wednesday: nginx and Apache were edited", &world);
    let _ = world.check();
    world.machines[0].has_version(&[1, 26, 4]);
    world.has_removed("HEADERS");
    text += &told("Thursday: nginx got its fix, and somebody removed a mitigation", &world);
    let _ = world.check();
    let both = format!("{}{}", block("A", 1, "evil"), block("A", 2, "worse"));
    world.publish(&[document("A", 2, &both), withdrawn("NGINX", 2)]);
    world.machines[1].refused = Some("AH00526: Syntax error on line 3".into());
    text += &told("Friday: a new revision, and Apache is in trouble", &world);
    let _ = world.check();
    let gone = world.machines.remove(2);
    assert_eq!(gone.server.kind, WebKind::HaProxy);
    world.gone.insert(gone.id());
    text += &told("Saturday: HAProxy is uninstalled", &world);
    let _ = world.check();
    world.machines[0].fixed.clear();
    world.machines[1].refused = None;
    text += &told("Sunday: all is mended", &world);
    assert_eq!(text, include_str!("golden/week.txt"), "what was found:\n{text}");
}
