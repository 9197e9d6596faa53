//! What holds for any configuration: generated ones, and damaged ones.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{SITE, all_scaffold, element, find_placement, host, insert, rule, rules, server};
use proptest::prelude::*;
use stopgap_iis::config::{
    Collection, Place, effective_rules, entries_named, remove, standalone_rules,
};
use stopgap_iis::rewrite::{
    Action, Condition, Grouping, MatchType, PatternSyntax, RedirectType, Rule, UrlMatch,
};
use stopgap_model::mitigation::Scope;

/// White space, comments and oddities between elements.
fn gap() -> BoxedStrategy<String> {
    prop_oneof![
        Just(""),
        Just("\n  "),
        Just("\r\n\t"),
        Just(" "),
        Just("\n<!-- </rules> -->\n    "),
        Just("<?pi <rules> ?>"),
        Just("<![CDATA[<rules>]]>"),
        Just("&#x20;é&lt;"),
    ]
    .prop_map(str::to_owned)
    .boxed()
}

fn closed(name: &'static str) -> BoxedStrategy<String> {
    prop_oneof![
        Just(format!("<{name}/>")),
        Just(format!("<{name} a='>' />")),
        Just(format!("<{name}></{name} >")),
        Just(format!("<{name}>\n\n</{name}>")),
    ]
    .boxed()
}

fn element_of(
    name: &'static str,
    inner: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<String> {
    (gap(), inner, gap())
        .prop_map(move |(a, inner, b)| format!("<{name}>{a}{inner}{b}</{name}>"))
        .boxed()
}

fn rule_list() -> BoxedStrategy<String> {
    let entry = prop_oneof![
        Just("<clear />".to_owned()),
        Just("<remove name='x'/>".to_owned()),
        (0..100).prop_map(|n| element(&format!("theirs {n}"))),
    ];
    prop::collection::vec((entry, gap()), 0..4)
        .prop_map(|list| list.into_iter().map(|(entry, gap)| entry + &gap).collect())
        .boxed()
}

fn web_server() -> BoxedStrategy<String> {
    let section = prop_oneof![closed("rules"), element_of("rules", rule_list())];
    let group = prop_oneof![
        closed("rewrite"),
        element_of("rewrite", section),
        element_of("rewrite", Just("<outboundRules />".to_owned())),
    ];
    prop_oneof![
        Just(String::new()),
        closed("system.webServer"),
        element_of("system.webServer", group),
        element_of("system.webServer", Just("<modules />".to_owned())),
    ]
    .boxed()
}

fn configuration() -> BoxedStrategy<String> {
    let location = (
        prop_oneof![Just("Default Web Site"), Just("default web site/"), Just("Other"), Just("")],
        prop_oneof![
            Just(""),
            Just(" overrideMode='Allow'"),
            Just(" inheritInChildApplications=\"false\"")
        ],
        web_server(),
        gap(),
    )
        .prop_map(|(path, more, inner, gap)| {
            format!("<location path='{path}'{more}>{inner}{gap}</location>")
        });
    let parts = prop_oneof![web_server(), location, Just("<system.web />".to_owned())];
    let bom = prop_oneof![Just(""), Just("\u{FEFF}"), Just("<?xml version='1.0'?>\r\n")];
    (bom, prop::collection::vec((gap(), parts), 0..5), gap())
        .prop_map(|(bom, parts, end)| {
            let inner: String = parts.into_iter().map(|(gap, part)| gap + &part).collect();
            format!("{bom}<configuration>{inner}{end}</configuration>\n")
        })
        .boxed()
}

fn places() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Server),
        Just(Place::WebConfig),
        Just(Place::Location { path: SITE.to_owned() }),
        Just(Place::Location { path: format!("{SITE}/owa") }),
    ]
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let text = "[ -~\t\r\né\u{85}\u{1F600}]{0,20}";
    let condition =
        (text, text, any::<bool>(), any::<bool>()).prop_map(|(input, pattern, i, n)| {
            let match_type =
                if pattern.is_empty() { MatchType::IsFile } else { MatchType::Pattern };
            Condition { input, match_type, pattern, ignore_case: i, negate: n }
        });
    let action = prop_oneof![
        Just(Action::None),
        Just(Action::AbortRequest),
        (text, any::<bool>()).prop_map(|(url, append_query)| Action::Rewrite { url, append_query }),
        (text, any::<bool>()).prop_map(|(url, append_query)| Action::Redirect {
            url,
            append_query,
            kind: RedirectType::SeeOther,
        }),
        (any::<u16>(), any::<u16>(), text, text).prop_map(
            |(status, substatus, reason, description)| Action::CustomResponse {
                status,
                substatus,
                reason,
                description,
            }
        ),
    ];
    let flags = any::<[bool; 6]>();
    let syntax = prop_oneof![
        Just(PatternSyntax::EcmaScript),
        Just(PatternSyntax::Wildcard),
        Just(PatternSyntax::ExactMatch),
    ];
    (text, flags, syntax, text, prop::collection::vec(condition, 0..3), action).prop_map(
        |(name, flags, syntax, pattern, conditions, action)| Rule {
            name,
            enabled: flags[0],
            syntax,
            stop_processing: flags[1],
            url: UrlMatch { pattern, ignore_case: flags[2], negate: flags[3] },
            grouping: if flags[4] { Grouping::MatchAny } else { Grouping::MatchAll },
            track_all_captures: flags[5],
            conditions,
            server_variables: Vec::new(),
            action,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn rules_put_in_and_taken_out_in_any_order_leave_the_same_bytes(
        text in configuration(),
        places in prop::collection::vec(places(), 1..5),
        order in any::<u64>(),
    ) {
        let (mut bytes, mut undos) = (text.clone().into_bytes(), Vec::new());
        for (at, place) in places.iter().enumerate() {
            let Ok(done) = insert(&bytes, place, &rule(&format!("S {at}"))) else { continue };
            bytes = done.bytes;
            undos.push(done.undo);
        }
        let wrappers = all_scaffold(&undos);
        let mut turn = order;
        while !undos.is_empty() {
            let at = usize::try_from(turn % undos.len() as u64).unwrap();
            turn = turn.rotate_right(7);
            bytes = remove(&bytes, &undos.remove(at), &wrappers).unwrap();
        }
        prop_assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }

    #[test]
    fn what_is_written_is_read_back_and_nothing_else_changes(
        text in configuration(),
        rule in any_rule(),
    ) {
        if let Ok(done) = insert(text.as_bytes(), &Place::WebConfig, &rule) {
            let read = standalone_rules(&done.bytes);
            let found = read.ok().and_then(|read| read.rules.into_iter().find(|r| r.name == rule.name));
            if let Some(found) = found {
                prop_assert_eq!(found.item, Ok(rule));
            }
            let kept = text.bytes().zip(&done.bytes).take_while(|(a, b)| a == *b).count();
            let tail = text.bytes().rev().zip(done.bytes.iter().rev()).take_while(|(a, b)| a == *b);
            let opened = 40;
            prop_assert!(kept + tail.count() + opened >= text.len());
        }
    }

    #[test]
    fn a_damaged_configuration_is_an_error_and_never_a_panic(
        cut in 0_usize..4000,
        swaps in prop::collection::vec((0_usize..4000, 0_usize..4000, any::<u8>()), 0..6),
    ) {
        let rest = format!("<location path='{SITE}'>{}</location>", rules(&element("a")));
        let mut bytes = host("Allow", &rest).into_bytes();
        for (a, b, byte) in swaps {
            let len = bytes.len();
            bytes.swap(a % len, b % len);
            bytes[(a + b) % len] = byte;
        }
        if cut % 2 == 0 {
            bytes.truncate(cut);
        }
        for place in [Place::Server, Place::WebConfig, Place::Location { path: SITE.to_owned() }] {
            if let Ok(done) = insert(&bytes, &place, &rule("S 1")) {
                let back = remove(&done.bytes, &done.undo, &[]).unwrap();
                prop_assert_eq!(&back, &bytes);
            }
        }
        if let Ok(text) = String::from_utf8(bytes) {
            let snapshot = server(&text, &[]);
            let _ = effective_rules(&snapshot, SITE, "/owa/x");
            let scope = Scope { site: SITE.to_owned(), path: "/owa".to_owned() };
            let _ = find_placement(&snapshot, Some(&scope), "S 1");
            let _ = entries_named(&snapshot, Collection::Rules, "S 1");
        }
    }
}
