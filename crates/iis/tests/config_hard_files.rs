//! Files as administrators and tools leave them, and entries that are hard to write: an edit
//! changes nothing but what it puts in, is read back as it was, and is given back to the byte.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "common/check.rs"]
mod check;
mod common;

use check::{PLAIN_HOST, change, every_kind, hard_rule, pools_of, there_and_back};
use common::{SITE, element, rules};
use stopgap_iis::config::{
    EditError, Entry, MAX_DEPTH, NotReadable, Place, effective_rules, insert, pool, remove,
    standalone_rules,
};

const HARD: &str = "]]>&<\"'\t\r\n %\u{85}é\u{202e}\u{1F600}\\/{R:1}$";

/// A server's file with `rest` behind everything else.
fn host(rest: &str) -> String {
    PLAIN_HOST.replace("</configuration>", &format!("{rest}</configuration>"))
}

/// Every kind of entry in every kind of place; says how many went in.
fn all_kinds(text: &str) -> usize {
    let mut entries = every_kind(HARD);
    entries.extend(pools_of(text.as_bytes(), 3));
    let went = |(place, entry): &(Place, Entry)| match there_and_back(text.as_bytes(), place, entry)
    {
        Ok(_) => true,
        // A section that was not found twice or elsewhere is the only reason for a refusal here.
        Err(why) => panic!("{place}: {why}\n{text}"),
    };
    let count = entries.iter().filter(|entry| went(entry)).count();
    check::all_there_and_back(text.as_bytes(), &entries, 0x1234_5678_9ABC);
    count
}

/// The whole file in another layout: what `PLAIN_HOST` says with other white space and quotes.
fn relaid(change: impl Fn(&str) -> String) -> String {
    let inner = rules(&element("theirs"));
    change(&host(&format!("\n    <location path=\"{SITE}\">\n        {inner}\n    </location>\n")))
}

#[test]
fn every_layout_takes_every_kind_of_entry_and_gives_its_bytes_back() {
    let single = |text: &str| text.replace('"', "'");
    let layouts = [
        relaid(str::to_owned),
        relaid(|text| text.replace("    ", "\t")),
        relaid(|text| text.replace("        ", " \t  \t")),
        relaid(single),
        relaid(|text| text.replace('\n', "\r\n")),
        // Carriage returns alone, as nothing has written for decades.
        relaid(|text| text.replace('\n', "\r")),
        relaid(|text| text.replace('\n', "")),
        relaid(|text| format!("\u{FEFF}{text}")),
        relaid(|text| text.trim_end().to_owned()),
        relaid(|text| format!("{text}\n\n<!-- behind the end --><?and this?>\n")),
        relaid(|text| text.replace("><", "><!-- <rules> --><")),
        relaid(|text| text.replace("<rules>", "<rules><!-- </rules> -->")),
        relaid(|text| text.replace("</rules>", "<!-- <rule name='x'> --></rules>")),
        relaid(|text| text.replace("<rules>", "<rules><![CDATA[</rules><rules>]]>")),
        relaid(|text| text.replace(" name=", "\r\n\t name\n=\t ")),
        relaid(|text| text.replace("<rewrite>", "<rewrite xml:space='preserve' >")),
        relaid(|text| text.replace("<configuration>", "<configuration xml:space='preserve'>")),
        relaid(|text| text.replace("<rewrite>", "<?rewrite <rules>?><rewrite>")),
        relaid(|text| text.replace("<system.webServer>", "<system.webServer a='>' b=\"'/>\">")),
        relaid(|text| text.replace("</rules>", "</rules\n\t>")),
        relaid(|text| text.replace("theirs", "&#116;h&#x65;irs &amp; &quot;&lt;&gt;&apos;")),
    ];
    for text in layouts {
        assert_eq!(all_kinds(&text), 18, "{text}");
    }
}

#[test]
fn every_form_of_the_declaration_is_kept() {
    for declaration in [
        "<?xml version=\"1.0\"?>",
        "<?xml version='1.0' encoding='utf-8'?>\r\n",
        "<?xml  version = \"1.0\"\n encoding\t=\t'UTF-8'  standalone = 'yes' ?>\n\n",
        "<?xml version=\"1.0\" encoding=\"us-ascii\"?>",
        "<?xml version=\"1.0\"?><!-- a --><?b c?>\n<!-- d -->",
    ] {
        assert_eq!(all_kinds(&format!("{declaration}{PLAIN_HOST}")), 18, "{declaration}");
    }
}

#[test]
fn every_shape_of_an_empty_section_is_opened_and_closed_again() {
    for shape in
        ["<#/>", "<# />", "<#\n\t/>", "<#></#>", "<#>\n</#>", "<# ></# >", "<#> \t\r\n </#\n>"]
    {
        for section in ["rules", "outboundRules", "globalRules", "allowedServerVariables"] {
            let empty = shape.replace('#', section);
            let group = format!("<system.webServer><rewrite>{empty}</rewrite></system.webServer>");
            let text = format!("<configuration>{group}</configuration>\n");
            assert_eq!(all_kinds(&text), 17, "{text}");
            let located = format!("<location path='{SITE}'>{group}</location>");
            assert_eq!(all_kinds(&host(&located)), 18, "{located}");
        }
        for group in ["rewrite", "system.webServer"] {
            let empty = shape.replace('#', group);
            let text = match group {
                "rewrite" => format!("<system.webServer>{empty}</system.webServer>"),
                _ => empty,
            };
            assert_eq!(all_kinds(&format!("<configuration>{text}</configuration>")), 17, "{text}");
        }
        assert_eq!(all_kinds(&shape.replace('#', "configuration")), 17, "{shape}");
    }
}

#[test]
fn an_element_with_a_prefix_is_another_element_and_is_left_alone() {
    let inner = format!("<x:rules>{}</x:rules>", element("a"));
    let text = format!(
        "<configuration xmlns:x='urn:x'><system.webServer><rewrite>{inner}</rewrite>\
         </system.webServer></configuration>"
    );
    let entry = Entry::Rule(hard_rule("S", HARD));
    let after = there_and_back(text.as_bytes(), &Place::WebConfig, &entry).unwrap();
    let after = String::from_utf8(after).unwrap();
    assert!(after.contains(&inner), "{after}");
    let names: Vec<_> =
        standalone_rules(after.as_bytes()).unwrap().rules.into_iter().map(|r| r.name).collect();
    assert_eq!(names, ["S"]);
    assert_eq!(all_kinds(&text), 17);
}

#[test]
fn an_element_in_a_default_namespace_is_the_element_that_it_is_called() {
    let text = "<configuration xmlns='http://schemas.microsoft.com/.NetConfiguration/v2.0'>\n\
         <system.webServer><rewrite><rules/></rewrite></system.webServer>\n</configuration>";
    assert_eq!(all_kinds(text), 17);
}

#[test]
fn an_attribute_with_a_prefix_says_nothing_of_a_rule_and_nothing_of_a_location() {
    let rule = "<rule x:enabled='false' x:name='b' name='a' x:stopProcessing='true'>\
         <match x:url='y' url='z' /><action x:type='None' type='AbortRequest' /></rule>";
    let text = format!("<configuration xmlns:x='urn:x'>{}</configuration>", rules(rule));
    let found = standalone_rules(text.as_bytes()).unwrap().rules.remove(0);
    let read = found.item.unwrap();
    assert_eq!((found.name.as_str(), read.enabled, read.stop_processing), ("a", true, false));
    assert_eq!(read.url.pattern, "z");
    assert_eq!(read.action, stopgap_iis::rewrite::Action::AbortRequest);

    let location = format!("<location x:path='{SITE}' path='Other'>{}</location>", rules(""));
    let text = host(&location).replace("<configuration>", "<configuration xmlns:x='urn:x'>");
    let entry = Entry::Rule(hard_rule("S", HARD));
    let place = Place::Location { path: SITE.to_owned() };
    let after = there_and_back(text.as_bytes(), &place, &entry).unwrap();
    assert!(String::from_utf8(after).unwrap().contains(&location));
}

#[test]
fn a_child_with_a_prefix_makes_a_rule_one_that_is_not_understood() {
    let rule = "<rule name='a'><match url='z' /><x:action type='AbortRequest' /></rule>";
    let text = format!("<configuration xmlns:x='urn:x'>{}</configuration>", rules(rule));
    let found = standalone_rules(text.as_bytes()).unwrap().rules.remove(0);
    let why = "it has an element `x:action`, which is not understood";
    assert_eq!(found.item.clone().map_err(|why| why.to_string()), Err(why.to_owned()));
}

#[test]
fn a_pool_is_switched_off_however_its_attributes_are_written() {
    for attributes in [
        "",
        " autoStart=\"true\"",
        " autoStart='true' startMode='AlwaysRunning'",
        "\n\tautoStart\n=\n\"true\"\n\tstartMode = 'AlwaysRunning'\n",
        " startMode=\"AlwaysRunning\" managedRuntimeVersion='v4.0' autoStart=\"1\"",
        " autoStart=\"false\" startMode=\"AlwaysRunning\"",
        " autoStart=\"true\" startMode=\"OnDemand\"",
        " autoStart=\"&#116;rue\" startMode=''",
        " autoStart=\"False\" startMode=\"ondemand\"",
        " x:autoStart=\"false\" x:startMode='OnDemand'",
    ] {
        for (end, name) in [("/>", "Pool"), (" />", "P&#x6F;ol"), ("><recycling/></add>", "pOOL")] {
            let tag = format!("<add{attributes} xmlns:x='urn:x' name=\"{name}\"{end}");
            let text = PLAIN_HOST.replace("<add name=\"Pool\" />", &tag);
            let entry = Entry::DisabledPool("Pool".to_owned());
            let after = there_and_back(text.as_bytes(), &Place::Server, &entry).unwrap();
            let (_, came) = change(text.as_bytes(), &after);
            assert!(came.len() < 80, "{}", String::from_utf8_lossy(came));
            // Taking a switch off twice is as taking it off once.
            let twice = insert(&after, &Place::Server, &entry).unwrap();
            assert!(twice.bytes == after);
            assert!(remove(&twice.bytes, &twice.undo, &[]).unwrap() == after);
        }
    }
}

#[test]
fn the_defaults_of_all_pools_do_not_hide_what_one_pool_says() {
    let defaults = "<applicationPools><applicationPoolDefaults autoStart='false' />";
    let text = PLAIN_HOST.replace("<applicationPools>", defaults);
    let off = pool(&check::server(text.as_bytes(), &[]), "Pool").unwrap().unwrap();
    assert!(off.is_disabled());
    let entry = Entry::DisabledPool("Pool".to_owned());
    let after = there_and_back(text.as_bytes(), &Place::Server, &entry).unwrap();
    let (gone, came) = change(text.as_bytes(), &after);
    let added = "autoStart=\"false\" startMode=\"OnDemand\" ";
    assert_eq!((gone, std::str::from_utf8(came).unwrap()), (&b""[..], added));
}

#[test]
fn values_that_are_hard_to_write_are_read_back_as_they_were() {
    let values = [
        "]]>",
        "<![CDATA[x]]>",
        "<!--",
        "-->",
        "<?x?>",
        "&amp;",
        "&#10;",
        "\"'\"'",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "  a  ",
        "",
        "é",
        "\u{85}",
        "\u{2028}",
        "\u{FEFF}",
        "\u{1F600}",
        "\u{10FFFF}",
        "a=\"b\" />",
        "{{{}}",
        "\\\\\\",
        "%00%zz",
        "\u{7F}",
        "\u{D7FF}\u{E000}\u{FFFD}",
    ];
    let files = [host(""), format!("\u{FEFF}{}", PLAIN_HOST.replace('"', "'"))];
    for (value, text) in values.iter().zip(files.iter().cycle()) {
        for (place, entry) in every_kind(value) {
            there_and_back(text.as_bytes(), &place, &entry).unwrap();
        }
        let named = Entry::Rule(hard_rule(&format!("n{value}"), value));
        there_and_back(text.as_bytes(), &Place::WebConfig, &named).unwrap();
    }
}

#[test]
fn what_xml_cannot_carry_is_refused_and_nothing_is_changed() {
    for (value, code) in
        [("a\0", 0), ("\u{1b}[31m", 0x1b), ("\u{FFFE}", 0xFFFE), ("\u{FFFF}", 0xFFFF)]
    {
        for (place, entry) in every_kind(value) {
            if matches!(entry, Entry::AllowedVariable(_)) {
                continue;
            }
            let refused = there_and_back(PLAIN_HOST.as_bytes(), &place, &entry);
            assert_eq!(refused, Err(EditError::NotXml { code }), "{value:?}");
        }
    }
}

#[test]
fn nesting_is_read_up_to_the_limit_and_refused_over_it() {
    // `configuration` is the first level.
    let nested = |depth: usize| {
        let (open, close) = ("<a>".repeat(depth - 1), "</a>".repeat(depth - 1));
        format!("<configuration>\n{open}{close}\n</configuration>")
    };
    assert_eq!(all_kinds(&nested(MAX_DEPTH)), 17);
    let deep = nested(MAX_DEPTH + 1);
    for (place, entry) in every_kind("x") {
        let refused = there_and_back(deep.as_bytes(), &place, &entry).unwrap_err();
        let why = refused.to_string();
        assert!(matches!(refused, EditError::NotReadable(NotReadable::TooDeep { line: 2, .. })));
        assert!(why.contains("deeper than 128 levels at 2:"), "{why}");
    }
}

#[test]
fn a_file_of_ten_megabytes_with_a_hundred_thousand_elements_is_edited_like_a_small_one() {
    let line =
        "    <add key=\"a key\" value='a value that takes up some room' /><!-- and a word -->\n";
    let many = line.repeat((10 << 20) / line.len());
    let text = host(&format!("<appSettings>\n{many}</appSettings>\n"));
    assert!(text.len() > 10_000_000);
    let place = Place::Location { path: SITE.to_owned() };
    for entry in [
        Entry::Rule(hard_rule("S", HARD)),
        Entry::Outbound(check::outbound_rule("O", HARD)),
        Entry::DisabledPool("Pool".to_owned()),
    ] {
        let place = if matches!(entry, Entry::DisabledPool(_)) { &Place::Server } else { &place };
        let done = insert(text.as_bytes(), place, &entry).unwrap();
        check::nothing_else_changed(text.as_bytes(), &done);
        check::reads_back(&done.bytes, place, &entry);
        assert!(remove(&done.bytes, &done.undo, &[]).unwrap() == text.as_bytes());
    }
    let met = effective_rules(&check::server(text.as_bytes(), &[]), SITE, "/owa").unwrap();
    assert_eq!(met.rules.len(), 0);
}

#[test]
fn a_refusal_is_one_line_however_the_file_is_called_and_whatever_it_says() {
    let bad = [
        "<?xml version='1.0' encoding='utf\n16'?><configuration/>".to_owned(),
        format!("<{}/>", "x".repeat(5_000)),
        format!("<configuration><{}></b></configuration>", "y".repeat(5_000)),
        format!(
            "<configuration>{}</configuration>",
            rules("<rule name='a&#10;b'><match/></rule>").repeat(2)
        ),
        host("").replace("C:\\root", "C:\\ro&#10;ot"),
        host("").replace("Default Web Site", "Default&#10;Web&#x85;Site"),
        host(&rules(&element("a&#13;b").repeat(2))),
        host(&rules("<rule name='a' enabled='&#10;'><match url='' /></rule>")),
    ];
    for text in bad {
        check::ask_in_every_role(text.as_bytes());
        for (place, entry) in every_kind("x") {
            if let Err(why) = there_and_back(text.as_bytes(), &place, &entry) {
                check::one_line(&why.to_string());
                assert!(why.to_string().chars().count() < 300, "{why}");
            }
        }
    }
    let taken = format!("<configuration>{}</configuration>", rules(&element("s&#10;1")));
    let entry = Entry::Rule(hard_rule("s\n1", "x"));
    let why = insert(taken.as_bytes(), &Place::WebConfig, &entry).unwrap_err();
    assert_eq!(why.to_string(), "there is a \"s\\n1\" there already");
}
