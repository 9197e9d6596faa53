//! Foreign rules that change headers, judged by what they do.

use stopgap_iis::rewrite::{
    Coverage, Grouping, OutboundAction, OutboundMatch, OutboundRule, PatternSyntax,
    subsumes_response_header,
};
use stopgap_model::mitigation::HeaderChange;
use stopgap_model::rule::Condition;

fn sets_deny(pattern: &str, syntax: PatternSyntax) -> OutboundRule {
    OutboundRule {
        name: "his".into(),
        enabled: true,
        syntax,
        stop_processing: false,
        precondition: String::new(),
        target: OutboundMatch {
            variable: "RESPONSE_X_Frame_Options".into(),
            pattern: pattern.into(),
            ignore_case: true,
            negate: false,
        },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: Vec::new(),
        action: OutboundAction::Rewrite { value: "DENY".into(), replace: true },
    }
}

#[test]
fn a_pattern_that_another_syntax_takes_literally_covers_nothing() {
    let judged = |syntax| {
        let change = HeaderChange::Set("DENY".into());
        let rule = sets_deny(".*", syntax);
        subsumes_response_header(
            &rule,
            None,
            "X-Frame-Options",
            &change,
            &Condition::All(Vec::new()),
        )
    };
    assert_eq!(judged(PatternSyntax::EcmaScript), Coverage::Same);
    for syntax in [PatternSyntax::ExactMatch, PatternSyntax::Wildcard] {
        assert!(!judged(syntax).is_full(), "{syntax:?}");
    }
}
