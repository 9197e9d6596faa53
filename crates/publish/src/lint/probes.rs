//! Probes: whether they prove the rules, and whether some may be sent to a running server.

use stopgap_model::mitigation::Expect;
use stopgap_model::{Probe, Problem};
use stopgap_rules::{ActionEffect, contradiction};

use super::finding::Finding;
use super::subject::{CompiledAction, Subject};

pub(super) fn check(subject: &Subject<'_>, meant: &[CompiledAction]) -> Vec<Finding> {
    // What changes no request has nothing to probe.
    if meant.is_empty() {
        return Vec::new();
    }
    let mut findings = wrong(subject, meant);
    findings.extend(missing(subject));
    findings.extend(unproved(subject, meant));
    findings
}

/// Whether a probe shows what the mitigation is against: it is blocked, or a header is changed.
pub(super) fn is_attack(probe: &Probe) -> bool {
    probe.expect != Expect::Allowed
}

fn wrong(subject: &Subject<'_>, meant: &[CompiledAction]) -> Vec<Finding> {
    let meanings = meant.iter().map(|meant| &meant.meaning);
    let mut findings = Vec::new();
    for (at, probe) in subject.mitigation.probes.iter().enumerate() {
        // A probe is evaluated against all actions together, as on a server that has them all.
        let Some(why) = contradiction(meanings.clone(), probe) else { continue };
        let place = subject.places.value_in("probe", at, "expect");
        let problem = Problem::new(place, stopgap_terminal::plain(&why))
            .help("a mitigation must do what its own probes say; mend the rule or the probe");
        findings.push(Finding::error("probe-mismatch", problem));
    }
    findings
}

fn missing(subject: &Subject<'_>) -> Vec<Finding> {
    let probes = &subject.mitigation.probes;
    let reason = &subject.mitigation.no_live_probe;
    let has = |attack: bool, live: bool| {
        probes.iter().any(|probe| is_attack(probe) == attack && (probe.live || !live))
    };
    let mut findings = Vec::new();
    let mut lacks = |name, message: &str, expected: &str, help: &str| {
        let problem = Problem::new(0..0, message).expected(expected).help(help);
        findings.push(Finding::error(name, problem));
    };
    if !has(true, false) {
        let expected = "`[[probe]]` with `expect = \"blocked\"`, or a header that is changed";
        lacks("no-attack-probe", "no probe shows the attack", expected, "nothing proves the rule");
    } else if !has(true, true) && reason.is_none() {
        let help = "it carries a marker instead of a payload: it matches the rule and changes, \
                    fetches and runs nothing, such as a path on which nothing answers; if there \
                    can be none, say why with `no_live_probe`";
        let expected = "an attack probe with `live = true`";
        lacks("no-live-attack-probe", "no attack probe may be sent", expected, help);
    }
    if !has(false, false) {
        let expected = "`[[probe]]` with `expect = \"allowed\"`";
        let help = "nothing proves that ordinary requests pass";
        lacks("no-benign-probe", "no probe is an ordinary request", expected, help);
    } else if !has(false, true) && reason.is_none() {
        let expected = "a GET with `live = true` and `expect = \"allowed\"`";
        let help = "without one a rule that blocks everything looks right on a running server; if \
                    there can be none, say why with `no_live_probe`";
        lacks("no-live-benign-probe", "no ordinary probe may be sent", expected, help);
    }
    if has(true, true) && reason.is_some() {
        let place = subject.places.value("no_live_probe");
        let problem = Problem::new(place, "there is a live attack probe, and a reason for none");
        findings.push(Finding::warning("redundant-reason", problem.help("leave the reason out")));
    }
    findings
}

/// Rules that no attack probe shows at work.
fn unproved(subject: &Subject<'_>, meant: &[CompiledAction]) -> Vec<Finding> {
    let blocks =
        meant.iter().filter(|meant| matches!(meant.meaning.effect, ActionEffect::Block(_)));
    let shown = |meant: &&CompiledAction| {
        let mut probes = subject.mitigation.probes.iter();
        probes.any(|p| meant.meaning.is_for_path(&p.request) && meant.meaning.blocks(&p.request))
    };
    let unproved = blocks.filter(|meant| !shown(meant));
    let finding = |meant: &CompiledAction| {
        let place = subject.places.value_in("action", meant.action, "id");
        let problem = Problem::new(place, "no probe is blocked by this action")
            .help("a rule that nothing shows at work may never have worked; add a probe");
        Finding::warning("unproved-action", problem)
    };
    unproved.map(finding).collect()
}
