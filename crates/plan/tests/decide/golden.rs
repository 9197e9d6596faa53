//! Whole reports, held against files. `STOPGAP_UPDATE_GOLDEN=1` writes the files anew.

use std::fmt::Write as _;
use std::path::Path;

use stopgap_model::policy::{Drift, Switch};
use stopgap_model::report::{ActionReport, MitigationReport};
use stopgap_model::{Fact, FileEdit, Reasons};
use stopgap_plan::{Plan, Step};

use super::documents::{
    SHOP, block, block_in, catalog, document, header, nothing, pools, service, withdrawn,
};
use super::machine::Machine;
use super::matrix::{be_unread, get_stuck, server_id};
use super::seen::is_quiet;
use super::target::{NGINX, RULES, Target, WEB};

fn check(name: &str, plan: &Plan) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/decide-{name}.txt"));
    let text = shown(plan);
    if std::env::var_os("STOPGAP_UPDATE_GOLDEN").is_some_and(|value| value == "1") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, golden, "{name} is not as in {}", path.display());
}

/// A plan as a text: every report, then what is done.
fn shown(plan: &Plan) -> String {
    let mut text = String::new();
    for report in &plan.report {
        show_report(&mut text, report);
    }
    text.push_str("to be done:\n");
    for edit in &plan.edits {
        show_edit(&mut text, edit);
    }
    for step in &plan.steps {
        show_step(&mut text, step);
    }
    for change in &plan.web {
        writeln!(text, "  on {}", change.server.id()).unwrap();
        for edit in &change.edits {
            show_edit(&mut text, edit);
        }
        show_step(&mut text, &change.step);
    }
    for step in &plan.services {
        show_step(&mut text, step);
    }
    if is_quiet(plan) {
        text.push_str("  nothing\n");
    }
    text
}

fn show_report(text: &mut String, report: &MitigationReport) {
    let MitigationReport { id, revision, title, state, source, .. } = report;
    let blocked = if report.blocked { ", blocked" } else { "" };
    writeln!(text, "{id} revision {revision}, {title}: {}{blocked}", state.as_str()).unwrap();
    writeln!(text, "  source: {source}").unwrap();
    if let Some(revision) = report.in_force {
        writeln!(text, "  in force: revision {revision}, {}", report.in_place.join(", ")).unwrap();
    }
    if !report.rules.is_empty() {
        writeln!(text, "  rules: {}", report.rules.join(", ")).unwrap();
    }
    show_reasons(text, "  ", &report.reason);
    for left in &report.leftovers {
        writeln!(text, "  left over: {}: {left}", left.code()).unwrap();
    }
    for action in &report.actions {
        show_action(text, action);
    }
    text.push('\n');
}

fn show_action(text: &mut String, action: &ActionReport) {
    let ActionReport { id, kind, state, reason, place, notes } = action;
    writeln!(text, "  {id}, {kind}: {}", state.as_str()).unwrap();
    show_reasons(text, "    ", reason);
    if !place.is_empty() {
        writeln!(text, "    where: {place}").unwrap();
    }
    for note in notes {
        writeln!(text, "    note {}: {note}", note.code()).unwrap();
    }
}

fn show_reasons(text: &mut String, indent: &str, reasons: &Reasons) {
    for reason in reasons.iter() {
        writeln!(text, "{indent}{}: {reason}", reason.code()).unwrap();
    }
}

fn show_edit(text: &mut String, edit: &FileEdit) {
    let what = match (&edit.before, &edit.after) {
        (None, _) => "make",
        (_, None) => "remove",
        (Some(_), Some(_)) => "replace",
    };
    writeln!(text, "  {what} {}", edit.path).unwrap();
    let lines = |bytes: &Option<Vec<u8>>| -> Vec<String> {
        let text = bytes.as_deref().map(String::from_utf8_lossy).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    };
    let (before, after) = (lines(&edit.before), lines(&edit.after));
    for line in before.iter().filter(|line| !after.contains(line)) {
        writeln!(text, "    - {}", line.trim_end()).unwrap();
    }
    for line in after.iter().filter(|line| !before.contains(line)) {
        writeln!(text, "    + {}", line.trim_end()).unwrap();
    }
}

fn show_step(text: &mut String, step: &Step) {
    match step {
        Step::Insert(placed) => {
            let names: Vec<&str> = placed.entries.iter().map(|part| part.entry.name()).collect();
            writeln!(text, "  put in {}: {}", placed.action, names.join(", ")).unwrap();
        }
        Step::Remove { action, why, .. } => writeln!(text, "  take out {action}: {why}").unwrap(),
        Step::Services(step) => {
            let names = |names: Vec<&str>| names.join(", ");
            let disables = step.disables.iter().map(|it| it.service.name.as_str()).collect();
            let back = step.gives_back.iter().map(|it| it.name.as_str()).collect();
            let (disables, back) = (names(disables), names(back));
            writeln!(text, "  {}: disable {disables}; give back {back}", step.action).unwrap();
        }
        Step::Rules { rules, installs, removals, .. } => {
            let names = rules.iter().map(|rule| rule.action.to_string()).collect::<Vec<_>>();
            let installs = installs.iter().map(ToString::to_string).collect::<Vec<_>>();
            let (names, installs) = (names.join(", "), installs.join(", "));
            writeln!(text, "  rules: [{names}], put in: [{installs}]").unwrap();
            for out in removals {
                writeln!(text, "  take out {}: {}", out.action, out.why).unwrap();
            }
        }
    }
}

/// A shop's machine with IIS and all other servers, and four mitigations of every kind of action.
fn shop() -> Machine {
    let mut machine = Machine::with(&RULES);
    machine.catalog = catalog(&[
        document(
            "JNDI",
            5,
            &format!("{SHOP}{}{}", block("JNDI.1", "jndi"), header("JNDI.2", "x-jndi")),
        ),
        document("POOL", 1, &format!("{SHOP}{}", pools("POOL.1", &["ShopPool", "CartPool"]))),
        document("SITE", 2, &block_in("SITE.1", "Default Web Site", "cart")),
        document("MIXED", 1, &format!("{}{}", service("MIXED.1"), nothing("MIXED.2"))),
    ]);
    machine
}

fn protected() -> Machine {
    let mut machine = shop();
    let _ = machine.cycle();
    machine
}

#[test]
fn the_first_cycle_on_a_machine_with_every_server() {
    check("first", &shop().plan());
}

#[test]
fn the_second_cycle_has_nothing_to_do() {
    check("second", &protected().plan());
}

#[test]
fn the_fix_is_installed() {
    let mut machine = protected();
    machine.shop_is("2.0");
    check("fixed", &machine.plan());
}

#[test]
fn one_is_blocked_and_all_is_switched_off() {
    let mut machine = protected();
    machine.block("JNDI", false);
    machine.policy.organisation = Switch::Off("feed acme".into());
    check("off", &machine.plan());
}

#[test]
fn an_administrator_removes_everything() {
    let mut machine = protected();
    for id in ["JNDI", "POOL", "SITE", "MIXED"] {
        machine.block(id, true);
    }
    check("removed", &machine.plan());
}

#[test]
fn every_server_has_its_own_trouble() {
    let mut machine = shop();
    be_unread(&mut machine, Target::Rule);
    get_stuck(&mut machine, Target::Nginx);
    let apache = server_id(Target::Apache).unwrap();
    machine.refused.insert(apache, "line 3 of the configuration is not understood".into());
    check("trouble", &machine.plan());
}

#[test]
fn somebody_edited_what_stood_and_that_is_reported_only() {
    let mut machine = protected();
    machine.edit(Target::Rule.file().0, "pattern=\"jndi\"", "pattern=\"none\"");
    let haproxy = machine.text(Target::HaProxy.file().0).replace("revision 5", "revision 4");
    machine.files.insert(Target::HaProxy.file().0.to_owned(), haproxy.into_bytes());
    machine.policy.drift = Drift::Report;
    check("drift", &machine.plan());
}

#[test]
fn a_newer_catalog_drops_withdraws_and_forgets() {
    let mut machine = Machine::with(&[Target::Rule]);
    machine.catalog = shop().catalog;
    let _ = machine.cycle();
    machine.catalog = catalog(&[
        document("JNDI", 6, &format!("{SHOP}{}", block("JNDI.1", "ldap"))),
        withdrawn("POOL", 2),
    ]);
    check("newer", &machine.plan());
}

#[test]
fn the_records_are_lost() {
    let mut machine = protected();
    machine.installed = Default::default();
    check("lost", &machine.plan());
}

#[test]
fn a_server_is_gone_and_another_one_does_not_run() {
    let mut machine = protected();
    let nginx = server_id(Target::Nginx).unwrap();
    machine.servers.retain(|server| server.id() != nginx);
    machine.gone.insert(nginx);
    for server in
        machine.servers.iter_mut().filter(|it| Some(it.id()) == server_id(Target::HaProxy))
    {
        server.running = Fact::Known(false);
    }
    check("gone", &machine.plan());
}

#[test]
fn a_machine_without_any_server() {
    let mut machine = Machine::with(&[]);
    machine.catalog = shop().catalog;
    check("nowhere", &machine.plan());
}

#[test]
fn the_main_file_of_nginx_cannot_be_changed() {
    let mut machine = Machine::with(&WEB);
    machine.catalog = shop().catalog;
    machine.fixed.push(NGINX.to_owned());
    check("held", &machine.plan());
}
