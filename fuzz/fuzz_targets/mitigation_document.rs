//! Any bytes as a mitigation document. What is read is written and read again as it was; its
//! actions have a meaning, and their IIS rules the same one for every request of its probes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stopgap_model::document::{parse, write};
use stopgap_model::{ActionKind, Mitigation, Request};
use stopgap_iis::rewrite::{
    Entry, Evaluator, Verdict, translate, translate_request_header, translate_response_header,
};
use stopgap_pattern::check_document_pattern;
use stopgap_rules::{CompiledRule, RuleSet, Scratch, contradicted_probe};

fn read(bytes: &[u8]) -> Option<Mitigation> {
    match parse(bytes, &check_document_pattern) {
        Ok(mitigation) => Some(mitigation),
        Err(problems) => {
            for problem in &problems {
                let said = [&problem.message, &problem.expected, &problem.help];
                assert!(said.iter().all(|text| !text.contains(char::is_control)), "{problem:?}");
            }
            assert!(!problems.is_empty());
            None
        }
    }
}

fn means_the_same(kind: &ActionKind, requests: &[&Request]) {
    match kind {
        ActionKind::BlockRequest { rule, .. } => {
            let compiled = CompiledRule::new(rule).expect("its patterns were checked");
            let set = RuleSet::new(std::slice::from_ref(rule)).expect("its patterns were checked");
            let mut scratch = Scratch::default();
            let iis = translate("x", rule).ok();
            let iis = iis.as_ref().map(|rule| {
                let entry = Entry { name: "x", rule: Ok(rule), base: "/", forbidden: None };
                Evaluator::new([entry], Vec::new())
            });
            for request in requests {
                let blocks = compiled.blocks(request);
                assert_eq!(set.first_match(request, &mut scratch).is_some(), blocks);
                let Some(iis) = &iis else { continue };
                let outcome = iis.evaluate(request);
                assert!(outcome.undecided.is_empty(), "{outcome:?}");
                let verdict = matches!(outcome.verdict, Verdict::Blocked { .. });
                assert_eq!(verdict, blocks, "{request:?} by {rule:?}");
            }
        }
        ActionKind::RequestHeader { header, change, .. } => {
            let _ = translate_request_header("x", header, change);
        }
        ActionKind::ResponseHeader { header, change, when, .. } => {
            let _ = translate_response_header("x", "y", header, change, when);
        }
        _ => {}
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some(mitigation) = read(bytes) else { return };
    let text = write(&mitigation).expect("what was read is text");
    let again = read(text.as_bytes()).expect("what was written is read");
    assert_eq!(Mitigation { hash: mitigation.hash, ..again }, mitigation);
    let _ = contradicted_probe(&mitigation);
    // Another target than a path, `*` and an address are no requests that a server answers.
    let requests = mitigation.probes.iter().map(|probe| &probe.request);
    let requests: Vec<&Request> = requests.filter(|r| r.target.starts_with(b"/")).collect();
    for action in &mitigation.actions {
        means_the_same(&action.kind, &requests);
    }
});
