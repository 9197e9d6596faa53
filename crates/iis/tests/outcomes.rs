//! All that may become of a request where rules ask for what it does not tell.

#![allow(clippy::unwrap_used, reason = "helpers of tests may say plainly what they expect")]

use proptest::prelude::*;
use proptest::sample::select;
use stopgap_iis::rewrite::{
    Action, Circumstances, Condition, Entry, Evaluator, Grouping, MatchType, Outcome,
    PatternSyntax, Question, RedirectType, Rule, SetVariable, UrlMatch, Verdict,
};
use stopgap_model::Request;

fn evaluator(rules: &[Rule]) -> Evaluator {
    let entry = |rule| Entry { name: "rule", rule: Ok(rule), base: "/", forbidden: None };
    Evaluator::new(rules.iter().map(entry), Vec::new())
}

fn condition() -> impl Strategy<Value = Condition> {
    let inputs = [
        ("{HTTPS}", "^on$"),
        ("{SERVER_PORT}", "^80$"),
        ("{REMOTE_ADDR}", "^10"),
        ("{QUERY_STRING}", "q"),
        ("{R:1}", "a"),
        ("{C:1}", "a"),
        ("{URL}", "(a)"),
    ];
    let kind = prop_oneof![
        4 => Just(MatchType::Pattern),
        1 => Just(MatchType::IsFile),
        1 => Just(MatchType::IsDirectory),
    ];
    (select(inputs.to_vec()), kind, any::<bool>()).prop_map(|((input, pattern), kind, negate)| {
        let file = kind != MatchType::Pattern;
        let (input, pattern) = if file { ("{REQUEST_FILENAME}", "") } else { (input, pattern) };
        let (input, pattern) = (input.to_owned(), pattern.to_owned());
        Condition { input, match_type: kind, pattern, ignore_case: true, negate }
    })
}

fn action() -> impl Strategy<Value = Action> {
    let urls = select(vec!["b", "/a/{R:1}", "{REMOTE_ADDR}", "http://other/a", "/{HTTPS}", ""]);
    let url = || urls.clone().prop_map(str::to_owned);
    prop_oneof![
        Just(Action::None),
        Just(Action::AbortRequest),
        url().prop_map(|url| Action::Rewrite { url, append_query: true }),
        url().prop_map(|url| Action::Redirect {
            url,
            append_query: false,
            kind: RedirectType::Found
        }),
    ]
}

fn rule() -> impl Strategy<Value = Rule> {
    let url = select(vec!["(.*)", "^a", "b$", "(a)|b", ""]);
    let conditions = proptest::collection::vec(condition(), 0..3);
    let sets = prop_oneof![3 => Just(None), 1 => select(vec!["{HTTPS}", "{REMOTE_ADDR}", "x"]).prop_map(Some)];
    (url, conditions, any::<(bool, bool, bool)>(), sets, action()).prop_map(
        |(url, conditions, (stop_processing, any, negate), sets, action)| Rule {
            name: String::new(),
            enabled: true,
            syntax: PatternSyntax::EcmaScript,
            stop_processing,
            url: UrlMatch { pattern: url.into(), ignore_case: true, negate },
            grouping: if any { Grouping::MatchAny } else { Grouping::MatchAll },
            track_all_captures: false,
            conditions,
            server_variables: sets
                .map(|value| SetVariable {
                    name: "HTTP_X".into(),
                    value: value.to_owned(),
                    replace: true,
                })
                .into_iter()
                .collect(),
            action,
        },
    )
}

fn told(outcome: &Outcome) -> (Verdict, Option<stopgap_rules::Headers>) {
    let verdict = match &outcome.verdict {
        // Where it leads says how the request came, where that is known.
        Verdict::Redirected { status, .. } => {
            Verdict::Redirected { status: *status, url: String::new() }
        }
        verdict => verdict.clone(),
    };
    (verdict, outcome.headers.clone())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1500) })]

    #[test]
    fn what_becomes_of_a_request_once_more_is_known_was_among_what_could_become_of_it(
        rules in proptest::collection::vec(rule(), 1..5),
        line in select(vec!["GET /a", "GET /b?q", "GET /a/b", "GET /"]),
        https: bool,
        is_file: bool,
    ) {
        let mut request = Request::from_line(line).unwrap();
        request.add_header_line("Host: h").unwrap();
        let rules = evaluator(&rules);
        let before = rules.outcomes(&request, &Circumstances::default());
        let mut known = Circumstances::default();
        known.answers.insert(Question::Https, https);
        for question in &before.open {
            match question {
                Question::File(_) => drop(known.answers.insert(question.clone(), is_file)),
                Question::Folder(_) => drop(known.answers.insert(question.clone(), false)),
                _ => {}
            }
        }
        let after = rules.outcomes(&request, &known);
        let could: Vec<_> = before.possible.iter().map(|p| p.end.as_ref().ok().map(told)).collect();
        for possible in &after.possible {
            let end = possible.end.as_ref().ok().map(told);
            prop_assert!(could.contains(&None) || could.contains(&end), "{:?} of {:?}", end, could);
        }
    }

    #[test]
    fn where_nothing_is_asked_there_is_one_answer(
        rules in proptest::collection::vec(rule(), 1..5),
        line in select(vec!["GET /a", "GET /b?q", "GET /a/b", "GET /"]),
    ) {
        let request = Request::from_line(line).unwrap();
        let rules = evaluator(&rules);
        let outcomes = rules.outcomes(&request, &Circumstances::default());
        prop_assert!(!outcomes.possible.is_empty());
        if outcomes.open.is_empty() {
            let only = rules.evaluate(&request);
            prop_assert_eq!(outcomes.possible.len(), 1);
            let end = outcomes.possible[0].end.as_ref().unwrap();
            // What IIS is presumed to refuse is no ground for judging a server by.
            if only.undecided.is_empty() {
                prop_assert_eq!(end, &only);
            } else {
                prop_assert_eq!(&end.verdict, &Verdict::Blocked { status: Some(500) });
            }
        }
    }
}

#[test]
fn rules_that_ask_for_a_thousand_unknown_things_end_as_unknown() {
    let rules: Vec<Rule> = (0..1000)
        .map(|at| Rule {
            name: String::new(),
            enabled: true,
            syntax: PatternSyntax::EcmaScript,
            stop_processing: false,
            url: UrlMatch { pattern: String::new(), ignore_case: true, negate: false },
            grouping: Grouping::MatchAll,
            track_all_captures: false,
            conditions: vec![Condition {
                input: format!("{{REMOTE_ADDR}}-{at}"),
                match_type: MatchType::Pattern,
                pattern: "^10".into(),
                ignore_case: true,
                negate: false,
            }],
            server_variables: Vec::new(),
            action: Action::Rewrite { url: format!("/{at}"), append_query: true },
        })
        .collect();
    let request = Request::from_line("GET /a").unwrap();
    let outcomes = evaluator(&rules).outcomes(&request, &Circumstances::default());
    assert!(outcomes.possible.len() <= 64, "{}", outcomes.possible.len());
    assert!(outcomes.possible.iter().any(|possible| possible.end.is_err()));
}
