//! Entries of all kinds, put in and taken out in any order, with other people's edits in between:
//! what is left is exactly what the others made of the file.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/check.rs"]
mod check;

use check::{PLAIN_HOST, SITE, every_kind, pools_of};
use proptest::prelude::*;
use stopgap_iis::config::{
    Collection, Entry, Place, Undo, Wrapper, entries_named, insert, remove, remove_all,
};

const RULE: &str = "<rule name='mine'><match url='x' /><action type='AbortRequest' /></rule>";

/// Sections as they may stand at the root or in a location, `#` for white space.
const SECTIONS: [&str; 9] = [
    "",
    "<system.webServer />",
    "<system.webServer>#</system.webServer>",
    "<system.webServer>#<rewrite></rewrite>#</system.webServer>",
    "<system.webServer>#<rewrite>#<rules />#</rewrite><a/></system.webServer>",
    "<system.webServer>#<rewrite>#<outboundRules>#<preConditions/>#</outboundRules>#</rewrite></system.webServer>",
    "<system.webServer>#<rewrite><allowedServerVariables>\n</allowedServerVariables></rewrite>#</system.webServer>",
    "<system.webServer>#<rewrite><rules>#<clear/>#<rule name='theirs'><match url='' /></rule></rules></rewrite></system.webServer>",
    "<system.webServer>#<rewrite><outboundRules><rule name='theirs' /></outboundRules><globalRules/></rewrite></system.webServer>",
];

const BLANKS: [&str; 5] = ["", "\n        ", "\r\n\t", "<!-- <rules> -->", "\n\n<?a b?> "];

const POOLS: [&str; 4] = [
    "<add name=\"Pool\" />",
    "<add\n\tname = 'Pool'\n autoStart = 'true' ></add>",
    "<add startMode='AlwaysRunning' name=\"Pool\"/>",
    "<add name=\"Pool\" autoStart=\"false\"><recycling /></add><add name='Other'/>",
];

fn sections() -> impl Strategy<Value = String> {
    (prop::sample::select(&SECTIONS), prop::sample::select(&BLANKS))
        .prop_map(|(section, blank)| section.replace('#', blank))
}

/// The server's file with sections at its root and in locations.
fn host() -> impl Strategy<Value = String> {
    let location = (
        prop::sample::select(vec!["Default Web Site", "default web site/OWA/", "Other", ""]),
        sections(),
        prop::sample::select(&BLANKS),
    )
        .prop_map(|(path, inner, blank)| {
            format!("{blank}<location path='{path}'>{inner}{blank}</location>")
        });
    let locations = prop::collection::vec(location, 0..3);
    let pools = prop::sample::select(&POOLS);
    (pools, sections(), locations, prop::sample::select(&BLANKS)).prop_map(
        |(pools, root, locations, end)| {
            let text = PLAIN_HOST.replace(POOLS[0], pools);
            let rest = root + &locations.concat() + end;
            text.replace("</configuration>", &format!("{rest}</configuration>"))
        },
    )
}

struct Put<'e> {
    undo: Undo,
    entry: &'e Entry,
}

/// Puts in those of the entries that go in, in the order of `picks`.
fn put_in<'e>(
    bytes: &mut Vec<u8>,
    entries: &'e [(Place, Entry)],
    picks: &[usize],
) -> (Vec<Put<'e>>, Vec<Wrapper>) {
    let (mut put, mut wrappers) = (Vec::new(), Vec::new());
    for pick in picks {
        let (place, entry) = &entries[pick % entries.len()];
        let Ok(done) = insert(bytes, place, entry) else { continue };
        check::nothing_else_changed(bytes, &done);
        check::reads_back(&done.bytes, place, entry);
        *bytes = done.bytes;
        wrappers.extend(done.undo.wrappers().iter().cloned());
        put.push(Put { undo: done.undo, entry });
    }
    (put, wrappers)
}

fn take_out(bytes: &mut Vec<u8>, mut put: Vec<Put<'_>>, wrappers: &[Wrapper], mut turn: u64) {
    let with_all = bytes.clone();
    let mut taken = Vec::new();
    while !put.is_empty() {
        let at = usize::try_from(turn % put.len() as u64).unwrap();
        turn = turn.rotate_right(5);
        let Put { undo, entry } = put.swap_remove(at);
        *bytes = remove(bytes, &undo, wrappers).unwrap_or_else(|why| panic!("{entry:?}: {why}"));
        taken.push(undo);
    }
    let at_once = remove_all(&with_all, &taken.iter().collect::<Vec<_>>(), wrappers).unwrap();
    assert_eq!(String::from_utf8_lossy(&at_once), String::from_utf8_lossy(bytes));
}

/// What a stranger does meanwhile to a place that has nothing to do with what is put in.
const STRANGER: [(&str, &str); 5] = [
    ("</configuration>", "<!-- a stranger was here --></configuration>"),
    (
        "</configuration>",
        "\n<location path='Elsewhere'><system.webServer /></location></configuration>",
    ),
    ("<application path=\"/owa\">", "<application path=\"/owa\" enabledProtocols='http'>"),
    ("<add name=\"RewriteModule\" />", "<add name=\"RewriteModule\" />\n<add name='Another' />"),
    ("<configSections>", "<configSections>\r\n<section name='theirs' />"),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..Default::default() })]

    #[test]
    fn entries_of_all_kinds_in_any_order_leave_the_same_bytes(
        text in host(),
        picks in prop::collection::vec(0_usize..100, 1..9),
        order in any::<u64>(),
    ) {
        let mut entries = every_kind("]]>&\"'<\t\u{1F600}");
        entries.extend(pools_of(text.as_bytes(), 2));
        let mut bytes = text.clone().into_bytes();
        let (put, wrappers) = put_in(&mut bytes, &entries, &picks);
        take_out(&mut bytes, put, &wrappers, order);
        prop_assert_eq!(String::from_utf8(bytes).unwrap(), text);
    }

    #[test]
    fn a_stranger_s_edit_in_between_stays_and_nothing_else(
        text in host(),
        picks in prop::collection::vec(0_usize..100, 1..7),
        order in any::<u64>(),
        stranger in prop::sample::select(&STRANGER),
    ) {
        let mut entries = every_kind("x");
        entries.extend(pools_of(text.as_bytes(), 2));
        let (was, becomes) = stranger;
        let edited = |text: &str| match text.rsplit_once(was) {
            Some((before, after)) => format!("{before}{becomes}{after}"),
            None => text.to_owned(),
        };
        let mut bytes = text.clone().into_bytes();
        let (put, wrappers) = put_in(&mut bytes, &entries, &picks);
        let mut bytes = edited(&String::from_utf8(bytes).unwrap()).into_bytes();
        take_out(&mut bytes, put, &wrappers, order);
        prop_assert_eq!(String::from_utf8(bytes).unwrap(), edited(&text));
    }

    #[test]
    fn a_stranger_s_rule_in_our_section_stays_and_keeps_what_is_around_it(
        text in host(),
        picks in prop::collection::vec(0_usize..100, 1..7),
        order in any::<u64>(),
    ) {
        let place = Place::Location { path: SITE.to_owned() };
        let ours = check::hard_rule("Stopgap first", "x");
        let Ok(first) = insert(text.as_bytes(), &place, &Entry::Rule(ours)) else { return Ok(()) };
        let entries = every_kind("x");
        let mut bytes = first.bytes;
        let (mut put, mut wrappers) = put_in(&mut bytes, &entries, &picks);
        wrappers.extend(first.undo.wrappers().iter().cloned());
        let with_first = String::from_utf8(bytes).unwrap();
        // Right behind our rule, as a tool puts it.
        let at = with_first.find("Stopgap first").unwrap();
        let at = at + with_first[at..].find("</rule>").unwrap() + "</rule>".len();
        let mut bytes = [&with_first[..at], RULE, &with_first[at..]].concat().into_bytes();
        let entry = &entries[0].1;
        put.push(Put { undo: first.undo, entry });
        take_out(&mut bytes, put, &wrappers, order);
        let left = String::from_utf8(bytes).unwrap();
        prop_assert!(!left.contains("Stopgap"), "{}", left);
        let snapshot = check::server(left.as_bytes(), &[]);
        prop_assert_eq!(entries_named(&snapshot, Collection::Rules, "mine").len(), 1);
        // Without his rule, and with what is around it if that was ours, it is the file as it was.
        let (before, after) = left.split_once(RULE).unwrap();
        let (gone, _) = check::change(text.as_bytes(), left.as_bytes());
        prop_assert!(gone.len() < 40, "{}", String::from_utf8_lossy(gone));
        prop_assert_eq!(
            before.matches("<rule ").count() + after.matches("<rule ").count(),
            text.matches("<rule ").count()
        );
    }
}
