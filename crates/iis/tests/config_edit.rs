//! Insertion and removal, by hand-made files.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{all_scaffold, element, host, insert, rule, there_and_back, web};
use stopgap_iis::config::{EditError, Place, remove, standalone_rules};

fn site() -> Place {
    Place::Location { path: "Default Web Site".to_owned() }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_global_rule_goes_last_into_system_web_server_and_comes_out_again() {
    let (bytes, _) = there_and_back(host("Allow", "").as_bytes(), &Place::Server, &rule("S 1"));
    let expected = r#"        </globalModules>
        <rewrite>
            <globalRules>
                <rule name="S 1" stopProcessing="true">
                    <match url=".*" />
                    <conditions>
                        <add input="{UrlDecode:{REQUEST_URI}}" pattern="(?=.*autodiscover)(?=.*powershell)" />
                    </conditions>
                    <action type="AbortRequest" />
                </rule>
            </globalRules>
        </rewrite>
    </system.webServer>
"#;
    assert!(text(&bytes).contains(expected), "{}", text(&bytes));
}

#[test]
fn a_location_is_created_behind_the_last_element_in_the_file_s_own_style() {
    let before = "\u{FEFF}<configuration>\r\n\t<a />\r\n\t<!-- last -->\r\n</configuration>\r\n";
    let (bytes, undo) = there_and_back(before.as_bytes(), &site(), &rule("S 1"));
    let after = text(&bytes);
    assert!(after.contains(
        "\t<a />\r\n\t<location path=\"Default Web Site\">\r\n\t\t<system.webServer>\r\n\t\t\t<rewrite>"
    ));
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
    assert_eq!(undo.wrappers().len(), 4);
}

#[test]
fn every_shape_of_an_empty_element_is_given_back() {
    for inner in [
        "<system.webServer/>",
        "<system.webServer></system.webServer>",
        "<system.webServer\n />",
        "<system.webServer a='>' >\n\n</system.webServer >",
        "<system.webServer><rewrite /></system.webServer>",
        "<system.webServer><rewrite><rules/></rewrite></system.webServer>",
        "<system.webServer><rewrite><rules><!-- none --></rules></rewrite></system.webServer>",
        "<system.webServer><rewrite><rules><![CDATA[ x ]]></rules></rewrite></system.webServer>",
        "<system.webServer/><system.webServer></system.webServer>",
        "<system.webServer></system.webServer><system.webServer></system.webServer>",
        "<a/><!-- c --><x:b xmlns:x='urn:x'>&lt;&#x41;</x:b>",
        "",
        "\n",
    ] {
        let before = format!("<?xml version='1.0'?>\n<configuration>{inner}</configuration>");
        there_and_back(before.as_bytes(), &Place::WebConfig, &rule("S 1"));
    }
    there_and_back(b"<configuration />", &site(), &rule("S 1"));
}

#[test]
fn a_rule_goes_before_the_others_and_behind_the_last_clear() {
    let inner = format!("{}<clear/>\n<remove name='x'/>{}", element("a"), element("b"));
    let (bytes, _) = there_and_back(web(&inner).as_bytes(), &Place::WebConfig, &rule("S 1"));
    let after = text(&bytes);
    assert!(after.find("S 1").unwrap() > after.find("<remove").unwrap());
    assert!(after.find("S 1").unwrap() < after.find("\"b\"").unwrap());
    let (bytes, _) = there_and_back(web(&element("a")).as_bytes(), &Place::WebConfig, &rule("S 1"));
    assert!(text(&bytes).find("S 1").unwrap() < text(&bytes).find("\"a\"").unwrap());
}

#[test]
fn what_rules_share_goes_with_the_last_of_them_in_either_order() {
    let before = host("Allow", "");
    for order in [[0, 1], [1, 0]] {
        let first = insert(before.as_bytes(), &site(), &rule("S 1")).unwrap();
        let second = insert(&first.bytes, &site(), &rule("S 2")).unwrap();
        let undos = [first.undo, second.undo];
        let mut bytes = second.bytes;
        for at in order {
            bytes = remove(&bytes, &undos[at], &all_scaffold(&undos)).unwrap();
        }
        assert_eq!(text(&bytes), before);
    }
}

#[test]
fn a_rule_that_someone_removed_leaves_only_scaffold_to_take_down() {
    let before = host("Allow", "");
    let done = insert(before.as_bytes(), &site(), &rule("S 1")).unwrap();
    let after = text(&done.bytes);
    let (from, to) = (after.find("<rule name").unwrap(), after.find("</rule>").unwrap() + 7);
    let gone = format!("{}{}", &after[..from], &after[to..]);
    assert_eq!(text(&remove(gone.as_bytes(), &done.undo, &[]).unwrap()), before);
}

#[test]
fn a_file_laid_out_anew_loses_our_line_and_nothing_else() {
    let before = "<configuration>\n  <system.webServer>\n    <rewrite>\n      <rules>\n        <clear />\n      </rules>\n    </rewrite>\n  </system.webServer>\n</configuration>\n";
    let done = insert(before.as_bytes(), &Place::WebConfig, &rule("S 1")).unwrap();
    let tabs = |text: &str| text.replace("  ", "\t");
    let removed = remove(tabs(&text(&done.bytes)).as_bytes(), &done.undo, &[]).unwrap();
    assert_eq!(text(&removed), tabs(before));
}

#[test]
fn an_administrator_s_own_rule_in_our_location_stays_with_all_around_it() {
    let done = insert(host("Allow", "").as_bytes(), &site(), &rule("S 1")).unwrap();
    let after = text(&done.bytes).replace("</rule>", &format!("</rule>{}", element("mine")));
    let removed = text(&remove(after.as_bytes(), &done.undo, &[]).unwrap());
    assert!(removed.contains("<location path=\"Default Web Site\">"));
    assert!(removed.contains("\"mine\"") && !removed.contains("S 1"));
}

#[test]
fn a_location_that_is_not_plain_is_left_alone() {
    for attribute in
        ["overrideMode='Deny'", "allowOverride='false'", "inheritInChildApplications='false'"]
    {
        let rest = format!("<location path='Default Web Site' {attribute}><a/></location>");
        let (bytes, _) = there_and_back(host("Allow", &rest).as_bytes(), &site(), &rule("S 1"));
        assert!(text(&bytes).contains(&rest));
        let rest = rest.replace("<a/>", &common::rules(""));
        let refused = insert(host("Allow", &rest).as_bytes(), &site(), &rule("S 1"));
        assert_eq!(refused, Err(EditError::NotPlain(site())));
    }
}

#[test]
fn an_existing_plain_location_is_used_however_it_is_spelled() {
    let rest = "<location path='default web site/' overrideMode='Allow'>\n<a/>\n</location>";
    let (bytes, undo) = there_and_back(host("Allow", rest).as_bytes(), &site(), &rule("S 1"));
    assert_eq!(text(&bytes).matches("<location").count(), 1);
    assert_eq!(undo.wrappers().len(), 3);
}

#[test]
fn a_name_that_is_there_and_two_of_ours_are_refused() {
    let one = web(&element("s 1"));
    let taken = insert(one.as_bytes(), &Place::WebConfig, &rule("S 1"));
    assert_eq!(taken, Err(EditError::NameTaken("s 1".to_owned())));
    let undo = insert(web("").as_bytes(), &Place::WebConfig, &rule("S 1")).unwrap().undo;
    let two = web(&(element("S 1") + &element("S 1")));
    assert!(matches!(remove(two.as_bytes(), &undo, &[]), Err(EditError::Ambiguous(_))));
}

#[test]
fn awkward_values_are_read_back_and_impossible_ones_refused() {
    let mut awkward = rule("a \"<&>' \t\r\n é \u{1F600}");
    awkward.conditions[0].pattern = "]]> &amp; \u{85}".to_owned();
    let (bytes, _) = there_and_back(web("").as_bytes(), &Place::WebConfig, &awkward);
    let read = standalone_rules(&bytes).unwrap().rules;
    assert_eq!(read[0].item, Ok(awkward));
    for code in ['\0', '\u{1B}', '\u{FFFE}'] {
        let refused = insert(web("").as_bytes(), &Place::WebConfig, &rule(&code.to_string()));
        assert_eq!(refused, Err(EditError::NotXml { code: code.into() }));
    }
}

#[test]
fn a_broken_file_is_not_touched() {
    let refused = insert(b"<configuration><a></configuration>", &Place::WebConfig, &rule("S 1"));
    assert!(matches!(refused, Err(EditError::NotReadable(_))));
}

#[test]
fn an_administrator_s_own_empty_elements_are_never_taken_for_ours() {
    let rest = "\n    <location path='Default Web Site' overrideMode='Deny'>\n        <system.webServer>\n        </system.webServer>\n    </location>";
    let before = host("Allow", rest);
    let done = insert(before.as_bytes(), &site(), &rule("S 1")).unwrap();
    let union = [done.undo.wrappers().to_vec(), done.undo.wrappers().to_vec()].concat();
    assert_eq!(text(&remove(&done.bytes, &done.undo, &union).unwrap()), before);
}
