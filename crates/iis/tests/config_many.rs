//! Many rules put in at once are the same bytes as one after the other, and come out the same way.
#![allow(clippy::unwrap_used, reason = "a test says plainly what it expects")]

use stopgap_iis::config::{Entry, Inserted, Place, Undo, insert, insert_all, remove, remove_all};
use stopgap_iis::rewrite::{Action, Grouping, PatternSyntax, Rule, UrlMatch};

fn rule(name: &str) -> Entry {
    Entry::Rule(Rule {
        name: name.to_owned(),
        enabled: true,
        syntax: PatternSyntax::EcmaScript,
        stop_processing: true,
        url: UrlMatch { pattern: ".*".into(), ignore_case: true, negate: false },
        grouping: Grouping::MatchAll,
        track_all_captures: false,
        conditions: Vec::new(),
        server_variables: Vec::new(),
        action: Action::AbortRequest,
    })
}

fn one_by_one(bytes: &[u8], place: &Place, rules: &[&Entry]) -> (Vec<u8>, Vec<Undo>) {
    let mut bytes = bytes.to_vec();
    let mut undos = Vec::new();
    for rule in rules {
        let inserted: Inserted = insert(&bytes, place, rule).unwrap();
        bytes = inserted.bytes;
        undos.push(inserted.undo);
    }
    (bytes, undos)
}

const STARTS: [&str; 5] = [
    "<configuration>\r\n</configuration>\r\n",
    "<configuration />",
    "<configuration><location path=\"S\"><system.webServer><rewrite><rules/></rewrite></system.webServer></location></configuration>",
    "<configuration>\n\t<location path=\"S\">\n\t\t<system.webServer>\n\t\t\t<rewrite>\n\t\t\t\t<rules>\n\t\t\t\t\t<clear />\n\t\t\t\t\t<!-- mine -->\n\t\t\t\t\t<rule name=\"a\"><match url=\"x\" /><action type=\"None\" /></rule>\n\t\t\t\t</rules>\n\t\t\t</rewrite>\n\t\t</system.webServer>\n\t</location>\n</configuration>\n",
    "<configuration><location path=\"S\"><system.webServer><rewrite><rules>  </rules></rewrite></system.webServer></location></configuration>",
];

#[test]
fn many_at_once_are_as_one_after_the_other() {
    let rules: Vec<Entry> = ["one", "two", "three", "four"].iter().map(|name| rule(name)).collect();
    let rules: Vec<&Entry> = rules.iter().collect();
    for start in STARTS {
        for place in [Place::Location { path: "S".into() }, Place::Server] {
            for count in 0..=rules.len() {
                let expected = one_by_one(start.as_bytes(), &place, &rules[..count]);
                let got = insert_all(start.as_bytes(), &place, &rules[..count]).unwrap();
                assert_eq!(String::from_utf8_lossy(&got.0), String::from_utf8_lossy(&expected.0));
                assert_eq!(got.1, expected.1, "{start}");
                taken_out_in_any_order(start, got);
            }
        }
    }
}

fn taken_out_in_any_order(start: &str, (bytes, undos): (Vec<u8>, Vec<Undo>)) {
    let wrappers: Vec<_> = undos.iter().flat_map(|undo| undo.wrappers().to_vec()).collect();
    let forward: Vec<&Undo> = undos.iter().collect();
    let backward: Vec<&Undo> = undos.iter().rev().collect();
    for order in [forward, backward] {
        let at_once = remove_all(&bytes, &order, &wrappers).unwrap();
        assert_eq!(String::from_utf8_lossy(&at_once), start);
        let mut left = bytes.clone();
        for undo in order {
            left = remove(&left, undo, &wrappers).unwrap();
        }
        assert_eq!(String::from_utf8_lossy(&left), start);
    }
}

/// What somebody does to a file with our rules `one` to `four`.
const EDITS: [(&str, &str); 7] = [
    ("", ""),
    // One rule is gone, one has another's name, one is there twice.
    ("<rule name=\"two\"", "<rule name=\"mine\""),
    ("<rule name=\"two\"", "<rule name=\"three\""),
    // The file was laid out anew, or the white space between rules is another one.
    ("\r\n", "\n"),
    ("</rule>", "</rule>   <!-- a remark -->"),
    ("<rule ", "\n\n<rule "),
    // A section of the same place follows.
    (
        "</location>",
        "</location><location path=\"S\"><system.webServer><rewrite><rules><rule name=\"five\" /></rules></rewrite></system.webServer></location>",
    ),
];

#[test]
fn many_at_once_go_as_one_after_the_other_whatever_somebody_did_to_the_file() {
    let rules: Vec<Entry> = ["one", "two", "three", "four"].iter().map(|name| rule(name)).collect();
    let rules: Vec<&Entry> = rules.iter().collect();
    for start in STARTS {
        for place in [Place::Location { path: "S".into() }, Place::Server] {
            let (bytes, undos) = insert_all(start.as_bytes(), &place, &rules).unwrap();
            let wrappers: Vec<_> = undos.iter().flat_map(|undo| undo.wrappers().to_vec()).collect();
            // One of them a second time, too.
            let undos: Vec<&Undo> = undos.iter().chain(undos.get(1)).collect();
            for (was, becomes) in EDITS {
                let edited = String::from_utf8(bytes.clone()).unwrap().replace(was, becomes);
                let edited = edited.as_bytes();
                for going in [&undos[..], &undos[..4], &undos[..3], &undos[1..2], &undos[..0]] {
                    let one_by_one = going
                        .iter()
                        .try_fold(edited.to_vec(), |bytes, undo| remove(&bytes, undo, &wrappers));
                    let at_once = remove_all(edited, going, &wrappers);
                    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
                    assert_eq!(at_once.map(text), one_by_one.map(text), "{was} to {becomes}");
                }
            }
        }
    }
}

#[test]
fn a_name_that_is_there_twice_puts_nothing_in() {
    let (one, two) = (rule("one"), rule("ONE"));
    let place = Place::Location { path: "S".into() };
    assert!(insert_all(STARTS[3].as_bytes(), &place, &[&one, &two]).is_err());
    let taken = rule("A");
    assert!(insert_all(STARTS[3].as_bytes(), &place, &[&one, &taken]).is_err());
}
