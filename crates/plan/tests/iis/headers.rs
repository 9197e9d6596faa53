//! Rules that set headers of requests and of responses, with what must stand beside them.

use super::documents::{SITE, document, header, response, until_fixed};
use super::server::{EVERYWHERE, FIXED, HOST, IN_SITE, Server, global, outbound, server};
use super::story::Done::{Anew, Nothing, PutIn, Removal};
use super::story::{Story, check, story};

const ALLOWED: &str = "<add name=\"HTTP_X_MIDDLEWARE_SUBREQUEST\" />";

fn list(inner: &str) -> String {
    format!("<rewrite><allowedServerVariables>{inner}</allowedServerVariables></rewrite>")
}

fn on(name: &str, server: Server) -> Story {
    story(name, server, &[header("H", SITE)])
}

#[test]
fn a_variable_is_allowed_once_and_where_it_is_needed() {
    check(vec![
        story("for the whole server no allowance is needed", server(), &[header("H", "")])
            .finds("H.1", "pending", "for-every-server", PutIn)
            .at("H.1", EVERYWHERE)
            .then(HOST, ALLOWED, 0),
        on("for one site the variable goes on the list", server())
            .finds("H.1", "pending", "for-every-server", PutIn)
            .then(HOST, ALLOWED, 1),
        on("the list has the variable already", server().everywhere(&list(ALLOWED)))
            .finds("H.1", "pending", "for-every-server", PutIn)
            .at("H.1", IN_SITE)
            .then(HOST, ALLOWED, 1),
        on("the list has another variable", {
            server().everywhere(&list("<add name=\"HTTP_X_OTHER\" />"))
        })
        .finds("H.1", "pending", "for-every-server", PutIn)
        .then(HOST, ALLOWED, 1)
        .then(HOST, "HTTP_X_OTHER", 1),
        on("one application has it on a list of its own: twice is an error of IIS", {
            server().location("Default Web Site/owa", &list(ALLOWED))
        })
        .finds("H.1", "conflict", "no-place-for-rule", Nothing)
        .edits(&[]),
        on("one application clears the list, and would answer 500", {
            server().location("Default Web Site/ecp", &list("<clear />"))
        })
        .finds("H.1", "conflict", "would-not-work(would-answer-500)", Nothing)
        .edits(&[]),
    ]);
}

#[test]
fn what_two_mitigations_need_stands_as_long_as_one_does() {
    let two = |name: &str| {
        let documents = [until_fixed(&header("H", SITE)), header("I", SITE)];
        story(name, server(), &documents)
    };
    check(vec![
        two("both are put in at once")
            .finds("H.1", "pending", "affected", PutIn)
            .finds("I.1", "pending", "for-every-server", PutIn)
            .then(HOST, ALLOWED, 1),
        two("one of them goes, and the variable stays")
            .applied()
            .build(FIXED)
            .finds("H.1", "applied", "to-be-withdrawn(has-fix)", Removal)
            .finds("I.1", "applied", "for-every-server", Nothing)
            .then(HOST, "Stopgap H.1", 0)
            .then(HOST, ALLOWED, 1),
        two("both go, and nothing is left")
            .applied()
            .take_back("H")
            .take_back("I")
            .finds("H.1", "applied", "to-be-withdrawn(removed)", Removal)
            .finds("I.1", "applied", "to-be-withdrawn(removed)", Removal)
            .then(HOST, &server().text(HOST), 1),
        two("somebody took the variable off the list")
            .applied()
            .edited(HOST, ALLOWED, "")
            .finds("H.1", "drifted", "rule-gone", Anew)
            .finds("I.1", "drifted", "rule-gone", Anew)
            .then(HOST, ALLOWED, 1),
        on("a rule of somebody's came to need the variable, and it stays", server())
            .applied()
            .but(|it| {
                let his = "<rule name=\"his\"><match url=\".*\" /><serverVariables>\
                           <set name=\"HTTP_X_MIDDLEWARE_SUBREQUEST\" value=\"x\" />\
                           </serverVariables><action type=\"None\" /></rule>";
                let his = super::server::web(&super::server::rules(his));
                it.server = it.server.clone().file(super::server::OWA, &his);
            })
            .take_back("H")
            .finds("H.1", "applied", "to-be-withdrawn(removed)", Removal)
            .then(HOST, "Stopgap H.1", 0)
            .then(HOST, ALLOWED, 1),
    ]);
}

#[test]
fn response_headers_take_outbound_rules() {
    let on = |name: &str, server: Server| story(name, server, &[response("R", SITE)]);
    let declared = "<section name=\"outboundRules\" overrideModeDefault=\"Allow\" />";
    let bare = "[[action]]\nid = \"R.1\"\nkind = \"response-header\"\nheader = \"X-Powered-By\"\nremove = true\n";
    check(vec![
        on("a rule and its precondition", server())
            .finds("R.1", "pending", "for-every-server", PutIn)
            .at("R.1", IN_SITE)
            .then(HOST, "<preCondition name=\"Stopgap R.1 precondition\"", 1)
            .then(HOST, "<rule name=\"Stopgap R.1\"", 1),
        on("in place with its precondition", server())
            .applied()
            .finds("R.1", "applied", "for-every-server", Nothing)
            .stands("R", &["Stopgap R.1", "Stopgap R.1 precondition"]),
        on("outbound rules are not declared", server().edit(HOST, declared, ""))
            .finds("R.1", "unsupported", "no-place-for-rule", Nothing),
        story("a header of all responses goes to each site", server(), &[document("R", bare)])
            .finds("R.1", "pending", "for-every-server", PutIn)
            .then(HOST, "<location path=\"Default Web Site\">", 1)
            .then(HOST, "<location path=\"Exchange Back End\">", 1)
            .then(HOST, "preCondition", 0),
        on("an outbound rule on another header stays beside ours", {
            let his = "<rule name=\"his\"><match serverVariable=\"RESPONSE_Server\" pattern=\"(.*)\" />\
                       <action type=\"Rewrite\" value=\"IIS\" /></rule>";
            server().location("Default Web Site", &outbound(his))
        })
        .finds("R.1", "pending", "for-every-server", PutIn)
        .then(HOST, "<outboundRules>", 1),
        on("removed, it leaves nothing", server())
            .applied()
            .take_back("R")
            .finds("R.1", "applied", "to-be-withdrawn(removed)", Removal)
            .then(HOST, &server().text(HOST), 1),
    ]);
}

#[test]
fn a_header_that_is_taken_away_by_others_is_covered() {
    let his = |value: &str, enabled: &str| {
        global(&format!(
            "<rule name=\"his\" {enabled}><match url=\".*\" /><serverVariables>\
             <set name=\"HTTP_X_MIDDLEWARE_SUBREQUEST\" value=\"{value}\" /></serverVariables>\
             <action type=\"None\" /></rule>"
        ))
    };
    let on =
        |name: &str, global: String| story(name, server().everywhere(&global), &[header("H", "")]);
    let framing =
        "[[action]]\nid = \"F.1\"\nkind = \"request-header\"\nremove = \"transfer-encoding\"\n";
    check(vec![
        on("an administrator's rule does it", his("", ""))
            .finds("H.1", "covered", "other-rule-does-it", Nothing)
            .edits(&[]),
        on("an administrator's rule would do it and is disabled", his("", "enabled=\"false\""))
            .finds("H.1", "pending", "for-every-server, other-rule-disabled", PutIn),
        on("an administrator's rule sets it to something", his("x", "")).finds(
            "H.1",
            "pending",
            "for-every-server",
            PutIn,
        ),
        story(
            "a header that the server works by is not taken away",
            server(),
            &[document("F", framing)],
        )
        .finds("F.1", "unsupported", "framing-header", Nothing),
    ]);
}
